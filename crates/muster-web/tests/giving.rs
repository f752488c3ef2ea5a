//! Giving a device to a person: asked at once what it is, because most things say nothing about
//! where anybody is.

use muster_core::directory::Edit;
use muster_core::identity::DeviceId;
use muster_core::stay::Subject;

#[cfg(test)]
mod support;

use support::House;
use support::ask::{door, form, get};

#[tokio::test]
async fn a_phone_that_hides_its_address_is_offered_as_one() {
    let house = House::small().await;
    let door = door(&house);
    let page = get(&door, "/people").await.text;
    // The third device is here, and the first in the list: its address was chosen at random.
    assert!(page.contains("value=\"3\" data-kind=\"phone\""), "{page}");
    assert!(page.contains("value=\"phone\" selected"), "{page}");
    assert!(page.contains("value=\"2\" data-kind=\"printer\""), "{page}");
    let sheet = get(&door, "/devices/3").await.text;
    assert!(sheet.contains("data-owner=\"phone\""), "{sheet}");

    assert_eq!(form(&door, "/people/anna/devices", "device=3&kind=phone").await.status, 303);
    let given = get(&door, "/api/v1/devices/3").await.json();
    assert_eq!((&given["owner"], &given["carried"]), (&"anna".into(), &true.into()));
}

#[tokio::test]
async fn what_people_carry_stands_first_and_nothing_else_is_chosen_for_them() {
    let house = House::empty();
    house.told(Edit::AddPerson { name: "anna".into(), display: String::new() }).await;
    house.meet("00:11:32:00:00:01", Some("nas"), true);
    let door = door(&house);
    let page = get(&door, "/people").await.text;
    let chosen = "<select name=\"device\" required><option value=\"\" selected>choose</option>\
                  <option value=\"1\"";
    assert!(page.contains(chosen), "{page}");
    assert!(page.contains("data-kinds><option value=\"\" selected>"), "{page}");
    let none = form(&door, "/people/anna/devices", "device=&kind=phone").await;
    assert_eq!(none.status, 422);
    assert!(none.text.contains("no device was chosen"), "{}", none.text);

    house.meet("b8:27:eb:00:00:02", Some("Annas-iPhone"), false);
    let page = get(&door, "/people").await.text;
    let first = "<select name=\"device\" required><option value=\"2\" data-kind=\"phone\">";
    assert!(page.contains(first), "the phone, although it is away: {page}");
    assert!(page.contains("value=\"phone\" selected"), "{page}");
}

#[tokio::test]
async fn a_thing_that_nobody_described_is_not_given_without_a_question() {
    let house = House::small().await;
    let door = door(&house);
    let refused = form(&door, "/people/anna/devices", "device=4").await;
    assert_eq!(refused.status, 422);
    assert!(refused.text.contains("nobody said what this is"), "{}", refused.text);

    let fields = |kind: &str, carried: &str| {
        format!(
            "name=&kind={kind}&owner=anna&carried={carried}&mark=normal&seen=%7Cother%7C%7Cby+kind%7Cnormal"
        )
    };
    let refused = form(&door, "/devices/4", &fields("other", "by+kind")).await;
    assert_eq!(refused.status, 422);
    assert!(refused.text.contains("it would say nothing about anna"), "{}", refused.text);
    assert_eq!(get(&door, "/api/v1/devices/4").await.json()["owner"], serde_json::Value::Null);
    // Whoever says that it stays where it is has answered.
    assert_eq!(form(&door, "/devices/4", &fields("other", "no")).await.status, 303);
    assert_eq!(get(&door, "/api/v1/devices/4").await.json()["owner"], "anna");
}

#[tokio::test]
async fn what_the_file_says_of_a_device_is_not_offered_for_change() {
    let house = House::small().await;
    house.declare(Subject::Device(DeviceId(4)));
    let door = door(&house);
    let sheet = get(&door, "/devices/4").await.text;
    assert!(sheet.contains("<select disabled>"), "{sheet}");
    assert!(sheet.contains("The configuration file says whose it is"), "{sheet}");
    assert_eq!(form(&door, "/people/anna/devices", "device=4&kind=phone").await.status, 403);
    let taken = "name=Lamp&kind=other&owner=anna&carried=no&mark=normal\
                 &seen=%7Cother%7C%7Cby+kind%7Cnormal";
    assert_eq!(form(&door, "/devices/4", taken).await.status, 403);
    let device = get(&door, "/api/v1/devices/4").await.json();
    assert_eq!((&device["name"], &device["owner"]), (&"".into(), &serde_json::Value::Null));
    let named = "name=Lamp&kind=other&owner=&carried=no&mark=normal\
                 &seen=%7Cother%7C%7Cby+kind%7Cnormal";
    assert_eq!(form(&door, "/devices/4", named).await.status, 303);
}
