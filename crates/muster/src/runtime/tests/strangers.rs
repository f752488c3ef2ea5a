//! Strangers who were heard before the clock was set, and who is none because of a key.

use std::collections::BTreeSet;
use std::fs;

use muster_config::privacy::PrivacySettings;
use muster_core::identity::Identity;
use muster_wire::pseudonym::StrangersKey;

use super::*;

#[tokio::test]
async fn whoever_was_heard_before_the_clock_was_set_has_the_name_of_the_day_it_was_set_to() {
    let data = tempfile::tempdir().unwrap();
    let (folder, file) = (data.path().join("secrets"), data.path().join("secrets/strangers.key"));
    let yesterday = (START.floor(DAY), StrangersKey::new([7; StrangersKey::LENGTH]));
    fs::create_dir(folder).unwrap();
    fs::write(&file, format!("{} {}\n", yesterday.0.secs(), *yesterday.1.reveal())).unwrap();

    let synchronised: fn() -> bool = || false;
    let (mut house, runtime, stopped) =
        House::open(Duration::from_secs(20), synchronised, Restored::default());
    let settings = PrivacySettings { pseudonyms: true, ..PrivacySettings::default() };
    let runtime = runtime.masking(Pseudonyms::of(settings, data.path(), BTreeSet::new()));
    house.task = tokio::spawn(runtime.run(async {
        stopped.await.ok();
    }));
    house.seen().await;
    house.beat().await;
    house.beat().await;
    let stranger: Identity = "mac:b8:27:eb:01:02:03".parse().unwrap();
    let shown = house.shows(|it| presence(it) == Some(Presence::Present)).await;
    let name = yesterday.1.pseudonym(yesterday.0, &stranger);
    assert_eq!(shown.devices[0].identities[0].1, name, "what the clock says is believed so far");

    house.pass(Duration::from_secs(95));
    house.set_clock(START + DAY);
    house.seen().await;
    house.beat().await;
    house.beat().await;
    house.shows(|it| it.degraded.is_none()).await;
    let store = Arc::clone(&house.store);
    house.end().await.unwrap();
    let kept = fs::read_to_string(&file).unwrap();
    let today = StrangersKey::read(kept.trim_end().split(' ').nth(1).unwrap()).unwrap();
    let today = today.pseudonym((START + DAY).floor(DAY), &stranger);
    let stored: Vec<Identity> = store.look(|it| it.identities.values().cloned().collect());
    assert_eq!(stored, [today]);
}

const DAY: Duration = Duration::from_hours(24);

#[tokio::test]
async fn a_private_address_is_whose_key_it_is() {
    let mut house = House::settled();
    let irk = muster_wire::bluetooth::key::Irk::read(b"ec0234a357c8ad05341010a60a397d9b").unwrap();
    house.inputs.send(Input::Key(irk)).await.unwrap();
    let (identity, at) = ("private:70:81:94:0d:fb:aa".parse().unwrap(), house.wall());
    house.tell(FactBody::Sighting(Sighting { identity, at, rssi: None })).await;
    let shown = house.shows(|it| !it.devices.is_empty()).await;
    assert_eq!(shown.devices[0].identities[0].1.to_string(), "irk:6c86d9b76b3f5a75");
}
