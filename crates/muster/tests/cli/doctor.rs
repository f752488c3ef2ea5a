//! `muster doctor` on whatever machine this is: what it finds out about the folder and the pages, and
//! with what it ends. Bluetooth is tried where it is known what is there.

use std::net::TcpListener;

use serde_json::Value;

use crate::support::{House, Said};

fn house() -> House {
    House::empty().with("MUSTER__SOURCES__LAN__ENABLED", "false")
}

/// What is said of a part: its state, and the words.
#[track_caller]
fn remark(said: &Said, part: &str) -> (String, String) {
    let all: Vec<Value> = serde_json::from_str(&said.out).expect("a list");
    let it = all.iter().find(|it| it["part"] == part).expect("every part is spoken of");
    let text = |key: &str| it[key].as_str().expect("text").to_owned();
    (text("state"), text("what"))
}

#[test]
fn a_port_that_is_taken_is_wrong_and_says_what_helps() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let house = house().with("MUSTER__LISTEN", &address);
    let said = house.ask(&["doctor", "--format", "json"]);
    assert_eq!(remark(&said, "data folder").0, "fine", "{said:?}");
    assert_eq!(remark(&said, "local network").0, "fine", "{said:?}");
    let (state, what) = remark(&said, "pages");
    assert_eq!((state.as_str(), what.contains(&address)), ("wrong", true), "{said:?}");
    // Whatever else is wrong here comes behind it.
    assert_eq!(said.code, 5, "{said:?}");
    assert!(
        said.err.contains("wrong") && said.err.contains("hint: choose another port"),
        "{said:?}"
    );

    drop(taken);
    let said = house.ask(&["doctor", "--format", "json"]);
    assert_eq!(remark(&said, "pages").0, "fine", "{said:?}");
    assert!(house.listing().is_empty(), "it makes nothing");
}

#[test]
fn a_file_in_the_way_of_the_folder_is_wrong() {
    let house = house();
    house.file("file", "");
    let inside = house.path().join("file/data").display().to_string();
    let said = house.ask(&["doctor", "--data", &inside, "--format", "json"]);
    assert_eq!((remark(&said, "data folder").0.as_str(), said.code), ("wrong", 2), "{said:?}");
    assert!(said.err.contains("hint: a file is in the way"), "{said:?}");
}
