//! Reports as the interface gives them.

#[cfg(test)]
mod support;

use muster_report::reports::Report;
use serde_json::Value;
use support::House;
use support::ask::{door, get};

#[tokio::test]
async fn every_report_is_there_with_its_columns() {
    let house = House::empty();
    house.near("ble:c0:00:00:00:00:01", Some("=Keys"), &[(1, -70), (9, -72)]);
    let door = door(&house);
    for (name, report) in Report::ALL {
        let answer = get(&door, &format!("/api/v1/reports/{name}")).await;
        assert_eq!(answer.status, 200, "{name}: {}", answer.text);
        assert_eq!(answer.header("content-type"), "application/json");
        let columns: Vec<&str> = report.columns().iter().map(|it| it.name).collect();
        let items = answer.json()["items"].as_array().cloned().unwrap_or_default();
        for item in &items {
            let mut keys: Vec<&str> =
                item.as_object().unwrap().keys().map(String::as_str).collect();
            let mut wanted = columns.clone();
            keys.sort_unstable();
            wanted.sort_unstable();
            assert_eq!(keys, wanted, "{name}");
        }
        let csv = get(&door, &format!("/api/v1/reports/{name}?format=csv")).await;
        assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
        assert_eq!(csv.text.lines().next(), Some(columns.join(",").as_str()), "{name}");
        assert_eq!(csv.text.lines().count(), items.len() + 1, "{name}");
        assert!(!csv.text.contains(",=Keys"), "a name is no formula: {}", csv.text);
    }
    let book = get(&door, "/api/v1/reports/hourly?format=xlsx").await;
    assert!(book.header("content-type").ends_with("spreadsheetml.sheet"), "{book:?}");
    assert!(book.text.starts_with("PK"), "a workbook is a ZIP file");
    let devices = get(&door, "/api/v1/reports/devices").await.json();
    assert_eq!(devices["items"][0]["name"], "=Keys");
    assert_eq!(devices["items"][0]["best_rssi"], -70);
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_with_what_there_is() {
    let house = House::empty();
    house.near("ble:c0:00:00:00:00:01", Some("Keys"), &[(1, -70)]);
    let door = door(&house);
    for (path, status, said) in [
        ("nothing", 404, "no such report: nothing"),
        ("hourly?monitor=attic", 404, "no such monitor: attic"),
        ("hourly?place=attic", 404, "no such place: attic"),
        ("hourly?person=nobody", 404, "no such person: nobody"),
        ("hourly?from=yesterday", 400, "a time is written as in"),
        ("hourly?from=2026-11-02T00:00:00Z&to=2026-11-01T00:00:00Z", 400, "`to` is not after"),
        ("hourly?from=1970-01-01T00:00:00Z", 400, "no report is about more than ten years"),
        ("recent?limit=0", 400, "limit is 1 to 1000: 0"),
        ("unseen?days=99999", 400, "days is 1 to 3650: 99999"),
        ("hourly?days=3", 400, "`days` has no meaning in this report: hourly"),
        ("devices?limit=3", 400, "`limit` has no meaning in this report: devices"),
        ("unseen?from=2026-11-01T00:00:00Z", 400, "`from` has no meaning in this report: unseen"),
        ("new?place=here", 400, "`place` has no meaning in this report: new"),
        ("occupancy?monitor=hub", 400, "`monitor` has no meaning in this report: occupancy"),
        ("hourly?format=pdf", 400, "pdf"),
        ("hourly?colour=red", 400, "colour"),
    ] {
        let answer = get(&door, &format!("/api/v1/reports/{path}")).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text);
        let problem: Value = answer.json();
        let detail = problem["detail"].as_str().unwrap_or_default();
        assert!(detail.contains(said), "{path}: {detail}");
    }
    let monitors = get(&door, "/api/v1/reports/hourly?monitor=attic").await.json();
    assert_eq!(monitors["near"], serde_json::json!(["hub"]));
    house.shelf().break_down(true);
    assert_eq!(get(&door, "/api/v1/reports/hourly").await.status, 503);
}
