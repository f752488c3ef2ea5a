//! What a hub takes of whom, what it says to it, and when.

use super::*;
use crate::batch::Restored;
use crate::engine::Engine;
use crate::fact::{Sighting, SourceKind};
use crate::identity::{Identity, Mac};
use crate::policy::Policy;
use crate::span::Span;
use crate::step::Step;
use crate::uplink::Health;

const STORE: StoreId = StoreId(7);
const BOOT: BootId = BootId(1);

fn now(second: u64) -> Now {
    let mono = Duration::from_secs(second);
    Now { mono, wall: Time::from_secs(1_772_438_400) + mono }
}

fn rights() -> Rights {
    Rights { monitor: "attic".into(), sources: None, kinds: None }
}

fn step(received: Vec<ReceivedRanges>) -> Step {
    let engine = Engine::new(Policy::default(), Restored::default(), now(100));
    Step::new(engine, now(100)).with_ingest(Ingest::new(STORE, received))
}

fn seen(who: u8, second: u64) -> FactBody {
    let identity = Identity::Ble(Mac([0x7c, 0, 0, 0, 0, who]));
    FactBody::Sighting(Sighting { identity, at: now(second).wall, rssi: Some(-50) })
}

fn covered(from: u64, to: u64) -> FactBody {
    FactBody::Coverage(Span::new(now(from).wall, now(to).wall))
}

fn upload(first: u64, bodies: impl IntoIterator<Item = FactBody>) -> Upload {
    let listener = Arc::new(Listener::new("somebody else", SourceKind::Ble, "hci0"));
    let row =
        |(sequence, body)| Row { sequence, fact: Fact { listener: Arc::clone(&listener), body } };
    let rows: Vec<Row> = (first..).zip(bodies).map(row).collect();
    let header = Header {
        monitor: "somebody else".into(),
        boot: BOOT,
        lane: Lane::Live,
        store: None,
        sent: Some(now(100).wall),
        uncertain: None,
        settles: rows.iter().map(|it| it.sequence).collect(),
        oldest_unsent: None,
        health: Health::default(),
    };
    Upload { header, rows }
}

/// Hands an upload over as a shell does.
fn hand_in(step: &mut Step, upload: Upload, rights: &Rights, at: Now) -> (Ticket, Vec<Fact>) {
    let (ticket, facts) = step.handle_upload(upload, rights, at).unwrap();
    let intake = step.handle_facts(facts.clone(), at);
    step.handle_intake(ticket, &intake);
    (ticket, facts)
}

fn answer(step: &mut Step, at: Now) -> Answer {
    match step.poll_reply(at) {
        Some((_, Reply::Taken(it))) => it,
        other => panic!("{other:?}"),
    }
}

#[test]
fn it_is_acknowledged_when_it_is_stored_and_not_before() {
    let mut step = step(Vec::new());
    // What is new makes news, which are stored at once; so that comes first.
    hand_in(&mut step, upload(0, [seen(1, 99)]), &rights(), now(100));
    assert!(step.poll_reply(now(100)).is_none());
    let batch = step.poll_commit(now(100)).unwrap();
    assert_eq!(batch.received[0].runs, [0].into_iter().collect());
    assert_eq!(&*batch.received[0].monitor, "attic");
    hand_in(&mut step, upload(1, [seen(1, 100)]), &rights(), now(101));
    step.handle_committed(1);
    let first = answer(&mut step, now(102));
    assert_eq!((first.received, first.answered), (now(100).wall, now(102).wall));
    assert!(step.poll_reply(now(102)).is_none(), "that one is in no batch yet");
    assert_eq!(step.poll_timeout().unwrap().mono, now(103).mono);
    assert!(step.poll_commit(now(102)).is_none());
    assert_eq!(step.poll_commit(now(103)).unwrap().received[0].runs, [0, 1].into_iter().collect());
    step.handle_committed(2);
    assert_eq!(answer(&mut step, now(103)).settled, [1].into_iter().collect());
}

#[test]
fn a_pseudonym_is_given_by_the_hub_and_taken_from_nobody() {
    let mut step = step(Vec::new());
    let identity = Identity::pseudonym(7);
    let made_up = FactBody::Sighting(Sighting { identity, at: now(99).wall, rssi: None });
    let (_, facts) = hand_in(&mut step, upload(0, [made_up, seen(1, 99)]), &rights(), now(100));
    assert_eq!(facts.len(), 1);
    step.poll_commit(now(100)).unwrap();
    step.handle_committed(1);
    let refused = answer(&mut step, now(100)).refused;
    assert_eq!(refused, [("a pseudonym is given by the hub, and told by nobody".into(), 1)]);
}

#[test]
fn what_is_made_up_is_marked_in_every_row_and_no_crowd_waits_for_a_commit() {
    let mut step = step(Vec::new());
    let mut given = upload(0, [seen(1, 99), seen(2, 99)]);
    given.header.health.simulated = true;
    let (_, facts) = hand_in(&mut step, given, &rights(), now(100));
    assert!(facts.iter().all(|it| &*it.listener.channel == "simulated hci0"));
    for number in 2..2_000 {
        let told = upload(number, [seen(1, 99)]);
        step.handle_upload(told, &rights(), now(100)).unwrap();
    }
    let busy = std::iter::from_fn(|| step.poll_reply(now(100)));
    let busy = busy.filter(|(_, it)| matches!(it, Reply::Busy { .. })).count();
    assert_eq!(busy, 1_999 - Ingest::MAX_WAITING);
}

#[test]
fn what_came_before_is_taken_once_whatever_the_network_does() {
    let mut step = step(Vec::new());
    let given = upload(0, [seen(1, 99), seen(2, 99)]);
    let (_, facts) = hand_in(&mut step, given.clone(), &rights(), now(100));
    assert_eq!(facts.len(), 2);
    assert!(facts.iter().all(|it| &*it.listener.monitor == "attic"), "whatever it calls itself");
    let (_, facts) = hand_in(&mut step, given.clone(), &rights(), now(100));
    assert_eq!(facts, []);
    assert!(step.poll_reply(now(100)).is_none(), "it is not stored yet");
    let batch = step.poll_commit(now(100)).unwrap();
    step.handle_committed(1);
    assert_eq!(answer(&mut step, now(100)).settled, answer(&mut step, now(100)).settled);
    let (_, facts) = hand_in(&mut step, given.clone(), &rights(), now(101));
    assert_eq!(facts, []);
    assert_eq!(answer(&mut step, now(101)).settled, given.header.settles, "at once");
    // After a restart as well; and another monitor's numbers are its own.
    let mut again = self::step(batch.received.clone());
    assert_eq!(hand_in(&mut again, given.clone(), &rights(), now(102)).1, []);
    let other = Rights { monitor: "cellar".into(), ..rights() };
    assert_eq!(hand_in(&mut again, given, &other, now(102)).1.len(), 2);
}

#[test]
fn a_monitor_tells_what_it_was_allowed() {
    let mut step = step(Vec::new());
    let lan = Rights { sources: Some(vec![SourceKind::Lan]), ..rights() };
    assert_eq!(hand_in(&mut step, upload(0, [seen(1, 99)]), &lan, now(100)).1, []);
    let mac = Rights { kinds: Some(vec!["mac".into()]), ..rights() };
    let given = upload(1, [seen(1, 99), covered(90, 99)]);
    assert_eq!(hand_in(&mut step, given, &mac, now(100)).1.len(), 1);
    hand_in(&mut step, upload(3, [seen(1, 99), seen(1, 400)]), &rights(), now(100));
    step.poll_commit(now(102)).unwrap();
    step.handle_committed(1);
    let mut told = || answer(&mut step, now(102)).refused;
    assert_eq!(told(), [("this monitor may not tell of source ble".into(), 1)]);
    assert_eq!(told(), [("this monitor may not tell of identities of kind ble".into(), 1)]);
    assert_eq!(told(), [("it is 300 s ahead of the hub's clock, more than 120 s".into(), 1)]);
}

#[test]
fn a_start_that_never_knew_the_time_makes_no_stays() {
    let mut step = step(Vec::new());
    let mut given = upload(0, [seen(1, 99)]);
    given.header.uncertain = Some(Duration::from_hours(5));
    assert_eq!(hand_in(&mut step, given, &rights(), now(100)).1, []);
    step.poll_commit(now(102)).unwrap();
    step.handle_committed(0);
    assert_eq!(answer(&mut step, now(102)).refused.len(), 1, "and that is said");
}

#[test]
fn coverage_does_not_overtake_what_waits() {
    let mut step = step(Vec::new());
    let mut given = upload(10, [seen(1, 99), covered(40, 50), covered(89, 99)]);
    given.header.oldest_unsent = Some(now(60).wall);
    let (_, facts) = hand_in(&mut step, given.clone(), &rights(), now(100));
    assert_eq!(facts.len(), 2);
    step.poll_commit(now(100)).unwrap();
    step.handle_committed(1);
    assert_eq!(answer(&mut step, now(100)).settled, [10, 11].into_iter().collect());
    // Behind what waited it is taken.
    given.header.lane = Lane::Backlog;
    given.header.settles.insert_run(0, 12);
    let (_, facts) = hand_in(&mut step, given, &rights(), now(101));
    assert_eq!(facts.len(), 1);
    let batch = step.poll_commit(now(103)).unwrap();
    assert_eq!(batch.received[0].runs, (0..=12).collect());
}

#[test]
fn another_store_and_signs_of_life_are_answered_at_once() {
    let mut step = step(Vec::new());
    let mut stray = upload(0, [seen(1, 99)]);
    stray.header.store = Some(StoreId(8));
    assert_eq!(hand_in(&mut step, stray, &rights(), now(100)).1, []);
    assert_eq!(step.poll_reply(now(100)).unwrap().1, Reply::OtherStore { store: STORE });
    hand_in(&mut step, upload(0, []), &rights(), now(100));
    assert_eq!(answer(&mut step, now(100)).store, STORE);
    let batch = step.poll_commit(now(200)).unwrap();
    assert!(batch.received.is_empty() && batch.monitors.len() == 1, "only the sign of life");
}

#[test]
fn nobody_waits_for_a_store_that_takes_nothing() {
    let mut step = step(Vec::new());
    let given = upload(0, [seen(1, 99)]);
    hand_in(&mut step, given.clone(), &rights(), now(100));
    step.poll_commit(now(100)).unwrap();
    step.handle_refused("disk full", now(100));
    assert!(matches!(step.poll_reply(now(100)), Some((_, Reply::Busy { .. }))));
    // Live answers go on with what comes in meanwhile.
    let (_, facts) = hand_in(&mut step, upload(1, [seen(1, 101)]), &rights(), now(101));
    assert_eq!(facts.len(), 1);
    assert!(matches!(step.poll_reply(now(101)), Some((_, Reply::Busy { .. }))));
    hand_in(&mut step, given.clone(), &rights(), now(102));
    assert!(matches!(step.poll_reply(now(102)), Some((_, Reply::Busy { .. }))));
    assert!(step.poll_commit(now(130)).is_some());
    step.handle_committed(1);
    hand_in(&mut step, given, &rights(), now(131));
    assert!(step.poll_commit(now(133)).is_some());
    step.handle_committed(2);
    assert_eq!(answer(&mut step, now(133)).settled, [0].into_iter().collect());
}

#[test]
fn what_is_remembered_is_bounded() {
    let mut ingest = Ingest::new(STORE, Vec::new());
    let mut scattered = SequenceSet::new();
    for number in 0..=Ingest::MAX_RUNS as u64 {
        scattered.insert(number * 2);
    }
    let mut given = upload(0, []);
    given.header.settles = scattered;
    ingest.handle_upload(given, &rights(), false, now(100));
    assert!(matches!(ingest.poll_reply(now(100)), Some((_, Reply::Busy { .. }))));
    let mut forgotten = Vec::new();
    for boot in 0..1_000_u32 {
        let mut given = upload(0, [seen(1, 99)]);
        given.header.boot = BootId(boot.into());
        ingest.handle_upload(given, &rights(), false, now(100 + u64::from(boot)));
        forgotten.extend(ingest.drain().1);
        ingest.handle_committed();
    }
    // What is not remembered need not be kept.
    let kept: Vec<u128> = (0..1_000).filter(|it| !forgotten.iter().any(|f| f.1.0 == *it)).collect();
    assert_eq!(kept.len(), ingest.received.len());
    assert!(kept.iter().all(|it| ingest.received.contains_key(&("attic".into(), BootId(*it)))));
    assert!(ingest.received.len() <= Ingest::MAX_BOOTS);
    assert!(ingest.received.contains_key(&("attic".into(), BootId(999))), "the latest stay");

    // A store may have kept more.
    let kept = (0..1_000).map(|boot| ReceivedRanges {
        monitor: "attic".into(),
        boot: BootId(boot),
        runs: [1].into_iter().collect(),
        at: now(u64::try_from(boot).unwrap()).wall,
    });
    let mut ingest = Ingest::new(STORE, kept.collect());
    assert_eq!(ingest.received.len(), Ingest::MAX_BOOTS);
    assert_eq!(ingest.drain().1.len(), 1_000 - Ingest::MAX_BOOTS);
    assert!(ingest.received.contains_key(&("attic".into(), BootId(999))), "the latest stay");
    // While the store takes nothing, no more starts than that wait for it.
    for boot in 2_000..2_600_u32 {
        let mut given = upload(0, [seen(1, 99)]);
        given.header.boot = BootId(boot.into());
        ingest.handle_upload(given, &rights(), true, now(100));
    }
    assert_eq!(ingest.dirty.len(), Ingest::MAX_BOOTS);
}

#[test]
fn a_monitor_has_no_more_channels_than_a_machine() {
    let on = |channel: usize, sequence: u64| {
        let mut it = upload(sequence, [seen(1, 99)]);
        let listener = Listener::new("attic", SourceKind::Ble, &format!("hci{channel}"));
        it.rows[0].fact.listener = Arc::new(listener);
        it
    };
    let mut step = step(Vec::new());
    for channel in 0..Ingest::MAX_CHANNELS {
        assert_eq!(hand_in(&mut step, on(channel, channel as u64), &rights(), now(100)).1.len(), 1);
    }
    assert_eq!(hand_in(&mut step, on(1_000, 1_000), &rights(), now(100)).1, []);
    assert_eq!(hand_in(&mut step, on(7, 1_001), &rights(), now(100)).1.len(), 1, "a known one");
    let other = Rights { monitor: "cellar".into(), ..rights() };
    assert_eq!(hand_in(&mut step, on(1_000, 0), &other, now(100)).1.len(), 1, "another's");
    step.poll_commit(now(100)).unwrap();
    step.handle_committed(1);
    let replies = std::iter::from_fn(|| step.poll_reply(now(100)));
    let refused: Vec<_> = replies
        .filter_map(|(_, it)| if let Reply::Taken(it) = it { Some(it.refused) } else { None })
        .flatten()
        .collect();
    assert_eq!(refused, [(CROWDED.into(), 1)]);
    // A restart is no way around it.
    let mut again = step.with_ingest(Ingest::new(STORE, Vec::new()));
    assert_eq!(hand_in(&mut again, on(1_000, 2_000), &rights(), now(101)).1, []);
}
