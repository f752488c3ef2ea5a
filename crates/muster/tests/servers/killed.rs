//! Who is killed in the middle of something is typed once more, and it ends well.

use std::fs;
use std::process::{Child, Stdio};
use std::thread;

use crate::common::Home;
use crate::import::{ROWS, SCHEMA, begin, import, kept, told};
use crate::server::{MariaDb, Postgres, home};

#[test]
fn an_import_that_was_killed_is_typed_again() {
    let server = MariaDb::start();
    server.make("ble_monitor");
    server.say("ble_monitor", SCHEMA);
    server.say("ble_monitor", ROWS);
    let whole = Home::new();
    told(&import(&whole, &server, ZONE));

    // Who wants to read sightings waits; monitors and devices are stored by then.
    let home = Home::new();
    let state = |state: &str| {
        let sql = "SELECT id FROM information_schema.processlist WHERE state = ";
        Some(server.say("ble_monitor", &format!("{sql}'{state}'"))).filter(|it| !it.is_empty())
    };
    thread::scope(|scope| {
        let lock = "LOCK TABLES device_sightings WRITE; SELECT SLEEP(600)";
        let locking = scope.spawn(|| server.say("ble_monitor", lock));
        let holder = loop {
            if let Some(it) = state("User sleep") {
                break it;
            }
        };
        let importing = begin(&home, &server, ZONE).stderr(Stdio::null()).spawn().unwrap();
        killed_when(importing, || state("Waiting for table metadata lock"));
        server.say("ble_monitor", &format!("KILL {holder}"));
        // It ends as whoever is killed does.
        locking.join().unwrap_err();
    });
    assert!(!kept(&home).is_empty() && kept(&home) != kept(&whole), "in the middle");
    let said = told(&import(&home, &server, ZONE));
    assert!(said.contains("2 monitors, 3 devices and 6 sightings are there"), "{said}");
    assert_eq!(kept(&home), kept(&whole));
}

#[test]
fn a_hub_that_was_killed_while_it_filled_views_fills_them_again() {
    let (old, server) = (MariaDb::start(), Postgres::start());
    old.make("ble_monitor");
    old.say("ble_monitor", SCHEMA);
    old.say("ble_monitor", ROWS);
    server.make("home");
    let home = home(&server);
    told(&import(&home, &old, ZONE));
    let file = home.path().join("muster.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("{text}sql_views = true\n")).unwrap();
    server.say("home", &Postgres::gate("plain_winner", "INSERT"));
    let filling = home.muster(&["serve", "--listen", "127.0.0.1:0"]).stderr(Stdio::null()).spawn();
    let held = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep' LIMIT 1";
    killed_when(filling.unwrap(), || Some(server.say("home", held)).filter(|it| it == "1"));
    server.say("home", "DELETE FROM test.gate");
    let views = "SELECT count(*) FROM pg_views WHERE viewname = 'device_sightings'";
    assert_eq!(server.say("home", views), "0", "in the middle");

    let mut hub = home.serve();
    hub.until_it_says("leads: ");
    let rows =
        "SELECT count(*) || ' ' || (SELECT count(*) FROM sighting_staging) FROM device_sightings";
    assert_eq!(server.say("home", rows), "4 5");
    hub.terminate();
}

/// Kills it at the moment at which something is the case.
#[track_caller]
fn killed_when(mut child: Child, is_so: impl Fn() -> Option<String>) {
    loop {
        if is_so().is_some() {
            child.kill().unwrap();
            child.wait().unwrap();
            return;
        }
        assert!(child.try_wait().unwrap().is_none(), "it ended before it was held");
    }
}

const ZONE: &[&str] = &["--time-zone", "Europe/Berlin"];
