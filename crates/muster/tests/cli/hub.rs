//! The same commands while a hub runs: they ask it, through its socket.

use serde_json::{Value, json};

use crate::common::{Home, Hub, failed};
use crate::support::{ANNAS, House};

#[test]
fn commands_and_pages_agree() {
    let home = Home::new();
    let hub = home.serve();
    let tell = |args: &[&str]| {
        let output = home.run(args);
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() && !err.contains("hub not running"), "{args:?}: {err}");
        String::from_utf8(output.stdout).expect("text")
    };
    tell(&["person", "add", "anna", "--display", "Anna Berg"]);
    tell(&["person", "home", "anna", "--until", "+3h"]);
    tell(&["place", "rename", "here", "Home"]);

    let page: Value = serde_json::from_str(&hub.get("/api/v1/people/anna").body).expect("JSON");
    assert_eq!((&page["display"], &page["presence"]), (&json!("Anna Berg"), &json!("present")));
    assert_eq!(page["overridden"]["by"], "a command");
    let who: Value = serde_json::from_str(&tell(&["who", "--format", "json"])).expect("JSON");
    assert_eq!(who, json!([page]));
    assert!(tell(&["who", "home"]).contains("Anna Berg  Home"));

    let (code, said) = failed(&home.run(&["person", "add", "anna"]));
    assert!(code == 1 && said.contains("already a person with this short name"), "{said}");
    tell(&["person", "auto", "anna"]);
    let nobody_tells = tell(&["who"]);
    assert!(nobody_tells.contains("unknown   Anna Berg"), "{nobody_tells}");
}

#[test]
fn a_running_hub_is_backed_up_and_not_restored_over() {
    let home = Home::new();
    let hub = home.serve();
    assert!(home.run(&["person", "add", "anna"]).status.success());
    let saved = home.run(&["backup", "copy.db"]);
    assert!(saved.status.success(), "{saved:?}");
    let (code, said) = failed(&home.run(&["restore", "copy.db", "--replace"]));
    assert!(code == 5 && said.contains("another muster runs on this data folder"), "{said}");
    drop(hub);
    assert!(home.run(&["person", "remove", "anna", "--yes"]).status.success());
    assert!(home.run(&["restore", "copy.db", "--replace"]).status.success());
    assert!(home.run(&["person", "show", "anna"]).status.success());
}

#[test]
fn a_key_reaches_a_running_hub_through_its_socket() {
    let home = Home::new();
    let hub = home.serve();
    let file = home.path().join("key.txt");
    std::fs::write(&file, "ec0234a357c8ad05341010a60a397d9b\n").expect("a file");
    let added = home.run(&["device", "add", "--irk-file", file.to_str().expect("text")]);
    assert!(added.status.success(), "{added:?}");
    let page: Value = serde_json::from_str(&hub.get("/api/v1/devices").body).expect("JSON");
    assert_eq!(page["items"][0]["identities"], json!(["irk:6c86d9b76b3f5a75"]));
    assert_eq!(page["items"][0]["presence"], "away");
}

#[test]
fn what_the_file_says_of_a_device_is_not_given_away() {
    let house = House::of_a_friday();
    let file = format!(
        "[sources.lan]\nenabled = false\n[[people]]\nname = \"anna\"\n\
         display = \"Anna Berg\"\ndevices = [\"{ANNAS}\"]\n"
    );
    house.file("muster.toml", &file);
    let _hub = Hub::start(house.command(&["serve", "--listen", "127.0.0.1:0"]));
    let said = house.ask(&["device", "assign", "2", "bert"]);
    assert_eq!(said.code, 4, "{said:?}");
    assert!(
        said.err.contains("the configuration file says whose this is: Anna's phone"),
        "{said:?}"
    );
    assert!(house.tell(&["device", "show", "2"]).contains("owner                anna"));
    assert_eq!(house.ask(&["device", "assign", "3", "Anna Berg"]).code, 0);
}

#[test]
fn a_running_hub_reports_what_its_store_does() {
    let house = House::of_a_friday();
    house.file("muster.toml", "[sources.lan]\nenabled = false\n");
    let reports = || {
        ["hourly", "devices", "gaps", "days", "occupancy"].map(|name| {
            let day = ["--from", "2026-11-20", "--to", "2026-11-20", "--format", "csv"];
            house.tell(&[&["report", name], &day[..]].concat())
        })
    };
    let before = reports();
    let _hub = Hub::start(house.command(&["serve", "--listen", "127.0.0.1:0"]));
    assert_eq!(reports(), before);
    assert!(before.iter().all(|it| it.lines().count() > 1), "{before:?}");
}
