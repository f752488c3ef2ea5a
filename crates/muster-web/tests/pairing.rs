//! Pairing on the page and in the interface: what can be asked, what is shown, and that strangers' names
//! are text.

use std::time::Duration;

use muster_core::identity::{DeviceId, Identity, Mac};
use muster_core::pairing::{
    Asked, Bond, Happened, PairingView, Pending, Told, Trouble, WindowView,
};
use muster_web::{Hub as _, PairingWish};
use serde_json::{Value, json};

#[cfg(test)]
mod support;

use support::House;
use support::ask::{self, door, form, get, send};

const EVIL: &str = "<img src=x onerror=alert(1)>\"'&";
const PHONE: Mac = Mac([0xb8, 0x27, 0xeb, 0, 0, 1]);

fn view(house: &House, window: WindowView) -> PairingView {
    let now = house.now().wall;
    let told = Told { at: now, name: EVIL.into(), what: Happened::Paired };
    PairingView {
        away: None,
        window,
        trouble: None,
        asked: vec![Asked { number: 7, device: PHONE, name: EVIL.into(), passkey: 4_711 }],
        pending: vec![Pending {
            bond: Bond { device: PHONE, random: false, name: EVIL.into() },
            since: now,
            until: now + Duration::from_mins(5),
            trouble: Some("bluetoothd refused".into()),
        }],
        told: vec![told],
        keyless: Some(Trouble { why: "no right".into(), hint: Some("setcap x".into()) }),
    }
}

fn open(house: &House) -> WindowView {
    WindowView::Open {
        name: "Muster".into(),
        adapters: vec!["hci0".into()],
        by: "a command".into(),
        until: house.now().wall + Duration::from_secs(90),
        left: Duration::from_secs(90),
        low_energy: Err("hci0: NotSupported".into()),
    }
}

#[tokio::test]
async fn where_there_is_no_radio_it_is_said_and_nothing_can_be_asked() {
    let house = House::small().await;
    let door = door(&house);
    let page = get(&door, "/pairing").await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("there is no Bluetooth adapter"), "{}", page.text);
    assert!(!page.text.contains("action=\"/pairing/open\""), "{}", page.text);
    let refused = form(&door, "/pairing/open", "").await;
    assert_eq!(refused.status, 503);
    assert!(refused.text.contains("data-refusal"), "{}", refused.text);
    let now = get(&door, "/api/v1/pairing").await.json();
    assert_eq!((&now["state"], &now["window"]), (&json!("away"), &Value::Null));
    assert_eq!(ask::json(&door, "POST", "/api/v1/pairing", &json!({})).await.status, 503);
    assert!(house.take_wishes().is_empty());
}

#[tokio::test]
async fn a_window_is_opened_for_a_time_and_closed() {
    let house = House::small().await;
    house.pairs(view(&house, WindowView::Closed));
    let door = door(&house);
    assert!(get(&door, "/pairing").await.text.contains("Let a phone pair for 2 min"));
    assert_eq!(form(&door, "/pairing/open", "").await.status, 303);
    let opened = ask::json(&door, "POST", "/api/v1/pairing", &json!({"seconds": 30})).await;
    assert_eq!((opened.status.as_u16(), &opened.json()["state"]), (202, &json!("closed")));
    for wrong in [json!({"seconds": 9}), json!({"seconds": 3601}), json!({"for": "2m"})] {
        assert_eq!(ask::json(&door, "POST", "/api/v1/pairing", &wrong).await.status, 422);
    }
    house.pairs(view(&house, open(&house)));
    let page = get(&door, "/pairing").await.text;
    assert!(page.contains("choose <strong>Muster</strong>"), "{page}");
    assert!(page.contains("data-left") && page.contains("in 1 min"), "{page}");
    assert!(page.contains("not over low energy: hci0: NotSupported"), "{page}");
    let now = get(&door, "/api/v1/pairing").await.json();
    assert_eq!((&now["state"], &now["window"]["left_s"]), (&json!("open"), &json!(90)));
    assert_eq!(form(&door, "/pairing/close", "").await.status, 303);
    assert_eq!(send(&door, "DELETE", "/api/v1/pairing", &[], "").await.status, 200);
    let length = Duration::from_secs;
    let opens = |it, by| PairingWish::Open { length: length(it), by };
    let wanted =
        [opens(120, "the page"), opens(30, "the page"), PairingWish::Close, PairingWish::Close];
    assert_eq!(house.take_wishes(), wanted);
}

#[tokio::test]
async fn a_number_is_compared_and_a_strangers_name_is_text() {
    let house = House::small().await;
    house.pairs(view(&house, open(&house)));
    let door = door(&house);
    let page = get(&door, "/pairing").await.text;
    assert!(!page.contains("<img src=x"), "{page}");
    assert!(page.contains("show 004711?"), "{page}");
    assert!(page.contains("setcap x") && page.contains("bluetoothd refused"), "{page}");
    let now = get(&door, "/api/v1/pairing").await.json();
    assert_eq!(
        (&now["requests"][0]["passkey"], &now["requests"][0]["name"]),
        (&json!("004711"), &json!(EVIL))
    );
    assert_eq!(form(&door, "/pairing/requests/7", "accept=true").await.status, 303);
    let path = "/api/v1/pairing/requests/7";
    assert_eq!(ask::json(&door, "POST", path, &json!({"accept": false})).await.status, 200);
    let path = "/api/v1/pairing/requests/99";
    assert_eq!(ask::json(&door, "POST", path, &json!({"accept": true})).await.status, 404);
    let answer = |accept| PairingWish::Answer { number: 7, accept };
    assert_eq!(house.take_wishes(), [answer(true), answer(false)]);
}

#[tokio::test]
async fn who_paired_is_registered_with_a_name_and_an_owner() {
    let house = House::small().await;
    let id = house.encounter(Identity::Bt(PHONE), None, true);
    house.pairs(view(&house, WindowView::Closed));
    let door = door(&house);
    let now = get(&door, "/api/v1/pairing").await.json();
    assert_eq!(now["pending"][0]["device"], json!(id));
    let path = format!("/pairing/{id}");
    let refused = form(&door, &path, "name=+&owner=&kind=phone").await;
    assert_eq!(refused.status, 422);
    assert!(refused.text.contains("give it a name or an owner"), "{}", refused.text);
    assert_eq!(form(&door, &path, "name=Anna%27s+new&owner=anna&kind=phone").await.status, 303);
    let device = get(&door, &format!("/api/v1/devices/{id}")).await.json();
    assert_eq!((&device["name"], &device["owner"]), (&json!("Anna's new"), &json!("anna")));
    assert_eq!(device["carried"], json!(true));
}

#[tokio::test]
async fn forgetting_says_what_was_done() {
    let house = House::small().await;
    house.pairs(view(&house, WindowView::Closed));
    let door = door(&house);
    assert!(get(&door, "/devices/1").await.text.contains("action=\"/devices/1/forget\""));
    assert_eq!(form(&door, "/devices/1/forget", "").await.header("location"), "/devices");
    assert_eq!(form(&door, "/pairing/1/forget", "").await.header("location"), "/pairing");
    assert_eq!(send(&door, "DELETE", "/api/v1/devices/1", &[], "").await.status, 204);
    let wanted = PairingWish::Forget(DeviceId(1));
    assert_eq!(house.take_wishes(), [wanted.clone(), wanted.clone(), wanted]);
    let still = send(&door, "DELETE", "/api/v1/devices/2", &[], "").await;
    assert_eq!(still.status, 502);
    assert!(still.text.contains("it is still paired: bluetoothd refused"), "{}", still.text);
    assert_eq!(send(&door, "DELETE", "/api/v1/devices/77", &[], "").await.status, 404);
    assert_eq!(form(&door, "/devices/2/forget", "").await.status, 502);
    assert!(house.take_wishes().is_empty());
    // What the configuration file says of a device holds.
    house.declare(muster_core::stay::Subject::Device(DeviceId(1)));
    assert_eq!(send(&door, "DELETE", "/api/v1/devices/1", &[], "").await.status, 403);
}
