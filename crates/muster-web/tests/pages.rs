//! The pages as a browser without scripts gets them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use muster_core::snapshot::Presence;
use muster_core::stay::Subject;

#[cfg(test)]
mod support;

use support::ask::{door, form, get, send};
use support::{House, described};

const EVIL: &str = "<img src=x onerror=alert(1)>\"'&";

#[tokio::test]
async fn every_page_stands_and_links_to_the_others() {
    let house = House::small().await;
    let door = door(&house);
    for path in
        ["/", "/people", "/devices", "/devices/1", "/monitors", "/why/anna", "/why/device:2"]
    {
        let page = get(&door, path).await;
        assert_eq!(page.status, 200, "{path}");
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8", "{path}");
        assert_eq!(page.header("cache-control"), "no-store", "{path}");
        assert!(page.header("content-security-policy").contains("frame-ancestors 'none'"));
        for link in ["/people", "/devices", "/monitors"] {
            assert!(page.text.contains(&format!("href=\"{link}\"")), "{path} {link}");
        }
        assert!(!page.text.contains("<script>") && !page.text.contains("style="), "{path}");
    }
    for path in ["/nothing", "/devices/99", "/why/zoe"] {
        let page = get(&door, path).await;
        assert_eq!((page.status.as_u16(), page.text.contains("<h1")), (404, true), "{path}");
        assert!(page.text.contains("href=\"/monitors\""), "{path} leads nowhere");
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8", "{path}");
    }
}

#[tokio::test]
async fn an_empty_house_says_what_to_do() {
    let door = door(&House::empty());
    assert!(get(&door, "/").await.text.contains("Add a person"));
    assert!(get(&door, "/people").await.text.contains("Nobody yet"));
    assert!(get(&door, "/devices").await.text.contains("See what this machine can hear"));
}

#[tokio::test]
async fn names_are_text_wherever_they_are_shown() {
    let house = House::small().await;
    house.told(described(1, Some(EVIL), None)).await;
    let id = house.meet("b8:27:eb:00:00:09", Some(EVIL), true);
    let anna = house.anna();
    house
        .told(muster_core::directory::Edit::RenamePerson { person: anna, display: EVIL.into() })
        .await;
    let door = door(&house);
    let own = format!("/devices/{id}");
    let why = format!("/why/device:{id}");
    for path in ["/", "/people", "/devices", "/devices/1", &own, &why, "/why/person:anna"] {
        let page = get(&door, path).await;
        assert!(!page.text.contains("<img src=x"), "{path}");
        assert!(page.text.contains("img src=x onerror"), "{path} does not show it at all");
    }
    let search = get(&door, "/devices?q=%3Cimg%20src%3Dx").await;
    assert!(!search.text.contains("<img src=x"));
    let missing = get(&door, "/why/%3Cimg%20src%3Dx%3E").await;
    assert!(!missing.text.contains("<img src=x"));
}

#[tokio::test]
async fn what_is_simulated_or_degraded_says_so_on_every_page() {
    let house = House::small().await;
    house.simulate();
    house.degrade(Some("disk full"));
    let door = door(&house);
    for path in ["/", "/people", "/devices", "/devices/1", "/why/anna"] {
        let page = get(&door, path).await.text;
        assert!(page.contains("Simulated.") && page.contains("disk full"), "{path}");
    }
    assert_eq!(get(&door, "/monitors").await.status, 503);
}

#[tokio::test]
async fn damage_is_shown_on_every_page_and_the_hub_stays_ready() {
    let house = House::small().await;
    let door = door(&house);
    house.damage("a row is torn");
    for path in ["/", "/people", "/devices", "/monitors"] {
        assert!(get(&door, path).await.text.contains("a row is torn"), "{path}");
    }
    let ready = get(&door, "/readyz").await;
    assert_eq!((ready.status.as_u16(), ready.json()["status"].as_str()), (200, Some("degraded")));
}

#[tokio::test]
async fn places_are_made_filled_renamed_and_removed() {
    let house = House::small().await;
    let door = door(&house);
    let first = get(&door, "/monitors").await.text;
    assert!(
        first.contains("Add place") && !first.contains("hub stands in"),
        "one place: no choice"
    );
    let made = form(&door, "/places", "name=kitchen&parent=1").await;
    assert_eq!((made.status.as_u16(), made.header("location")), (303, "/monitors"));
    let page = get(&door, "/monitors").await.text;
    assert!(page.contains("in here") && page.contains("hub stands in"), "{page}");

    assert_eq!(form(&door, "/monitors/place", "monitor=hub&place=2").await.status, 303);
    let places = get(&door, "/api/v1/places").await.json();
    assert_eq!(places["items"][1]["monitors"], serde_json::json!(["hub"]));
    assert!(get(&door, "/monitors").await.text.contains("value=\"2\" selected"));
    for (path, body, status, why) in [
        ("/monitors/place", "monitor=moon&place=2", 404, "no such monitor"),
        ("/places/2/remove", "", 409, "hub"),
        ("/places", "name=kitchen&parent=", 409, "value=\"kitchen\""),
        ("/places", "name=cellar&parent=99", 404, "value=\"cellar\""),
        ("/places/2", "name=+", 422, "1 to 64 characters"),
        ("/places/9/remove", "", 404, "no such place"),
    ] {
        let refused = form(&door, path, body).await;
        assert_eq!(refused.status, status, "{path} {body}");
        let page = refused.text;
        assert!(page.contains(why) && page.contains("role=\"alert\""), "{path} {body}: {page}");
    }
    assert_eq!(form(&door, "/places/2", "name=cellar").await.status, 303);
    assert_eq!(form(&door, "/monitors/place", "monitor=hub&place=1").await.status, 303);
    assert_eq!(form(&door, "/places/2/remove", "").await.status, 303);
    assert!(!get(&door, "/monitors").await.text.contains("cellar"));
}

#[tokio::test]
async fn a_sink_is_shown_with_what_it_lost() {
    let house = House::small().await;
    let door = door(&house);
    assert!(!get(&door, "/monitors").await.text.contains("graphite"));
    house.lose_the_sink();
    let page = get(&door, "/monitors").await.text;
    for shown in [
        "graphite.local:2003",
        "failing",
        "17280 samples",
        "720 samples, from",
        "Connection refused",
    ] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
}

#[tokio::test]
async fn forms_change_things_and_lead_back() {
    let house = House::small().await;
    let door = door(&house);
    let added = form(&door, "/people", "display=Bert+Meyer&name=").await;
    assert_eq!((added.status.as_u16(), added.header("location")), (303, "/people"));
    assert!(get(&door, "/people").await.text.contains("bert-meyer"));

    assert_eq!(form(&door, "/people/bert-meyer/devices", "device=2&kind=tag").await.status, 303);
    assert!(
        get(&door, "/devices").await.text.contains("Bert Meyer's")
            || get(&door, "/devices").await.text.contains("Bert Meyer&#39;s")
    );
    assert_eq!(form(&door, "/people/anna/override", "home=false").await.status, 303);
    let set = get(&door, "/people").await.text;
    assert!(set.contains("Let the evidence decide"), "{set}");
    assert!(set.contains("Set by a visitor of the page at <time datetime="), "{set}");
    assert_eq!(form(&door, "/people/anna/override/clear", "").await.status, 303);
    assert!(!get(&door, "/people").await.text.contains("Let the evidence decide"));
    assert_eq!(form(&door, "/people/bert-meyer", "display=Bertram").await.status, 303);
    assert_eq!(form(&door, "/people/bert-meyer/remove", "").await.status, 303);
    assert!(!get(&door, "/people").await.text.contains("Bertram"));

    let merged = form(&door, "/devices/3/merge", "into=1").await;
    assert_eq!((merged.status.as_u16(), merged.header("location")), (303, "/devices/1"));
    let apart =
        form(&door, "/devices/1/ungroup", "identity=mac%3A02%3A00%3A00%3A00%3A00%3A03").await;
    assert_eq!(apart.status, 303);
    assert_eq!(get(&door, "/devices/3").await.status, 200);
}

#[tokio::test]
async fn a_refused_form_keeps_what_was_typed() {
    let house = House::small().await;
    let door = door(&house);
    let taken = form(&door, "/people", "display=Another+Anna&name=anna").await;
    assert_eq!(taken.status, 409);
    assert!(taken.text.contains("value=\"Another Anna\""), "{}", taken.text);
    assert!(taken.text.contains("role=\"alert\""));
    assert!(taken.text.contains("already a person with this short name: anna"), "{}", taken.text);
    let wrong = |page: &str| {
        let fields = page.split("<input ").filter(|it| it.contains("aria-invalid"));
        fields.map(|it| it.split('"').nth(1).unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(wrong(&taken.text), ["name"], "only the short name is taken");

    let again = form(&door, "/people", "display=Anna&name=").await;
    assert_eq!(again.status, 303);
    assert_eq!(get(&door, "/api/v1/people/anna-2").await.json()["display"], "Anna");
    let foreign = form(&door, "/people", "display=%E6%9D%8E%E9%9B%B7&name=").await;
    assert_eq!(foreign.status, 422);
    assert!(foreign.text.contains("no short name can be made of this: 李雷"), "{}", foreign.text);
    assert!(foreign.text.contains("as in li-lei"), "{}", foreign.text);
    let spaced = form(&door, "/people", "display=Bo&name=Not+Short").await;
    assert!(spaced.text.contains("as in not-short"), "{}", spaced.text);
    assert!(spaced.text.contains("a short name has 1 to 32 of"), "{}", spaced.text);
    let hidden = form(&door, "/people", "display=Bo%E2%80%AE&name=bo").await;
    assert_eq!(wrong(&hidden.text), ["display"], "{}", hidden.text);

    let nameless = form(&door, "/people/anna", "display=%20").await;
    assert_eq!(nameless.status, 422);
    assert!(nameless.text.contains("a name has 1 to 64 characters"));

    let seen = seen(&get(&door, "/devices/2").await.text);
    let long = "x".repeat(65);
    let body = format!("name={long}&kind=tablet&owner=anna&carried=yes&mark=ignored&seen={seen}");
    let refused = form(&door, "/devices/2", &body).await;
    assert_eq!(refused.status, 422);
    for kept in [
        format!("value=\"{long}\""),
        "<option selected>tablet".to_owned(),
        "value=\"anna\" selected".to_owned(),
        "value=\"yes\" selected".to_owned(),
        "value=\"ignored\" checked".to_owned(),
    ] {
        assert!(refused.text.contains(&kept), "{kept}\n{}", refused.text);
    }
    let device = get(&door, "/api/v1/devices/2").await.json();
    assert_eq!((&device["name"], &device["mark"]), (&"".into(), &"normal".into()));
}

#[tokio::test]
async fn a_form_does_not_overwrite_what_somebody_else_just_changed() {
    let house = House::small().await;
    let door = door(&house);
    let seen_first = seen(&get(&door, "/devices/2").await.text);
    let body = |name: &str, seen: &str| {
        format!("name={name}&kind=printer&owner=&carried=by+kind&mark=normal&seen={seen}")
    };
    // An edit of another device is no reason to refuse.
    house.told(described(4, Some("Lamp"), None)).await;
    assert_eq!(form(&door, "/devices/2", &body("Mine", &seen_first)).await.status, 303);
    let refused = form(&door, "/devices/2", &body("Theirs", &seen_first)).await;
    assert_eq!(refused.status, 409);
    assert!(refused.text.contains("value=\"Theirs\""));
    let again = seen(&refused.text);
    assert_eq!(form(&door, "/devices/2", &body("Theirs", &again)).await.status, 303);
    assert_eq!(get(&door, "/api/v1/devices/2").await.json()["name"], "Theirs");
}

#[tokio::test]
async fn what_the_file_declares_is_shown_and_not_offered_for_change() {
    let house = House::small().await;
    house.declare(Subject::Person(house.anna()));
    let door = door(&house);
    let page = get(&door, "/people").await.text;
    assert!(page.contains("From the configuration file.") && !page.contains("Remove Anna"));
    assert_eq!(form(&door, "/people/anna/remove", "").await.status, 403);
    assert_eq!(get(&door, "/api/v1/people/anna").await.status, 200);
}

#[tokio::test]
async fn colours_are_remembered_and_redirects_stay_inside() {
    let door = door(&House::small().await);
    let chosen = form(&door, "/theme", "theme=dark&back=%2Fdevices").await;
    assert_eq!(chosen.header("location"), "/devices");
    let cookie = chosen.header("set-cookie").split(';').next().unwrap().to_owned();
    let page = send(&door, "GET", "/", &[("cookie", &cookie)], "").await;
    assert!(page.text.contains("data-theme=\"dark\""));
    let odd = send(&door, "GET", "/", &[("cookie", "theme=\"><b>")], "").await;
    assert!(!odd.text.contains("data-theme=") && !odd.text.contains("<b>"));
    for back in [
        "%2F%2Fevil.example",
        "https%3A%2F%2Fevil.example",
        "%2F%5Cevil.example",
        "%2F%09%2Fevil.example",
        "%2F%0A%2Fevil.example",
        "%2F%00%2Fevil.example",
    ] {
        let answer = form(&door, "/theme", &format!("theme=dark&back={back}")).await;
        assert_eq!(answer.header("location"), "/", "{back}");
    }
}

#[tokio::test]
async fn assets_are_asked_for_again_and_sent_once() {
    let door = door(&House::empty());
    let page = get(&door, "/").await.text;
    let linked = page.split(['"', '\'']).filter(|it| it.starts_with("/assets/"));
    let mut linked: Vec<&str> = linked.collect();
    linked.extend(["/assets/live.js", "/assets/patch.js", "/assets/times.js", "/favicon.ico"]);
    for path in linked {
        let first = get(&door, path).await;
        assert_eq!(first.status, 200, "{path}");
        let tag = first.header("etag");
        let again = send(&door, "GET", path, &[("if-none-match", tag)], "").await;
        assert_eq!((again.status.as_u16(), again.text.as_str()), (304, ""), "{path}");
    }
    for path in ["/assets/none.js", "/assets/../Cargo.toml", "/assets/%2e%2e/Cargo.toml"] {
        assert_eq!(get(&door, path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn who_is_not_let_in_is_told_so_on_a_page_that_shows_nothing() {
    let door = door(&House::small().await);
    let headers = [("host", "muster.example:8080"), ("accept", "text/html,*/*;q=0.8")];
    let page = send(&door, "GET", "/", &headers, "").await;
    assert_eq!(page.status, 421);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert!(page.text.contains("open http://localhost:8080/ instead"), "{}", page.text);
    assert!(!page.text.contains("Anna") && !page.text.contains("href"), "{}", page.text);
    let answer = send(&door, "GET", "/api/v1/now", &headers, "").await;
    assert_eq!(answer.header("content-type"), "application/problem+json");
}

#[tokio::test]
async fn the_past_is_asked_about_by_the_clock_on_the_wall_or_by_the_scripts() {
    let door = door(&House::small().await);
    for at in ["2026-11-18T09:00", "2026-11-18T09:00:00Z", "2026-11-18T10:00:00%2B01:00"] {
        let page = get(&door, &format!("/why/person:anna?at={at}")).await;
        assert!(page.text.contains("datetime=\"2026-11-18T09:00:00Z\""), "{at}: {}", page.text);
        assert!(page.text.contains("Anna was here"), "{at}");
    }
    assert_eq!(get(&door, "/why/person:anna?at=").await.status, 200);
    for (at, why) in [
        ("2026-11-18T23:00", "that time is still to come"),
        ("2020-01-01T00:00", "nothing was recorded then"),
    ] {
        let refused = get(&door, &format!("/why/person:anna?at={at}")).await;
        assert_eq!((refused.status.as_u16(), refused.text.contains(why)), (422, true), "{at}");
    }
    let wrong = get(&door, "/why/person:anna?at=yesterday").await;
    assert_eq!((wrong.status.as_u16(), wrong.text.contains("not a time")), (400, true));
}

#[tokio::test]
async fn where_forms_are_sent_there_is_no_page() {
    let door = door(&House::small().await);
    let person = get(&door, "/people/Anna").await;
    assert_eq!((person.status.as_u16(), person.header("location")), (303, "/people#person-1"));
    for path in ["/people/zoe", "/people/anna/remove", "/places", "/theme", "/devices/1/merge"] {
        let page = get(&door, path).await;
        assert_eq!((page.status.as_u16(), page.text.contains("<h1")), (404, true), "{path}");
    }
    let other_way = send(&door, "DELETE", "/people/anna", &[], "").await;
    assert_eq!((other_way.status.as_u16(), other_way.text.contains("<h1")), (405, true));
}

#[tokio::test]
async fn searching_and_filtering() {
    let house = House::small().await;
    house.hear(4, Presence::Unknown);
    let door = door(&house);
    let shown = |page: &str| {
        (1..=4).filter(|it| page.contains(&format!("id=\"device-{it}\""))).collect::<Vec<_>>()
    };
    for (query, expected) in [
        ("", vec![1, 2, 3, 4]),
        ("?q=anna", vec![1]),
        ("?q=192.168.1.4", vec![3]),
        ("?show=here", vec![1, 3]),
        ("?show=free", vec![2, 3, 4]),
        ("?show=ignored", vec![]),
        ("?q=anna&show=free", vec![]),
    ] {
        let page = get(&door, &format!("/devices{query}")).await;
        assert_eq!(shown(&page.text), expected, "{query}");
    }
}

/// The hidden word by which a form notices that it is out of date, encoded for sending.
fn seen(page: &str) -> String {
    let (_, rest) = page.split_once("name=\"seen\" value=\"").unwrap();
    rest.split('"').next().unwrap().replace('|', "%7C").replace(' ', "+")
}
