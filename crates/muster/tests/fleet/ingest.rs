//! The hub's end: who is let in, what is taken once, and who is refused.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use muster_core::uplink::{Health, Reply};

use crate::client::{
    BATCH, Monitor, answered, ask, connected, covered, enrol, invited, items, now, seen,
};
use crate::common::{Home, Hub, failed};
use crate::server::{self, MariaDb, Postgres};

fn home() -> Home {
    with_door(Home::new())
}

/// Gives a home a door for monitors.
fn with_door(home: Home) -> Home {
    let path = home.path().join("muster.toml");
    let before = fs::read_to_string(&path).unwrap();
    // A port that stays the same over a restart, free a moment ago.
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    fs::write(path, format!("{before}\n[ingest]\nlisten = \"{free}\"\n")).unwrap();
    home
}

fn taken(answer: &(u16, Reply)) -> u64 {
    match answer {
        (200, Reply::Taken(it)) => it.settled.runs().iter().map(|it| it.last - it.first + 1).sum(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_monitor_is_let_in_by_a_code_and_what_it_tells_is_stored_once() {
    let home = home();
    let hub = home.serve();
    let way = invited(&home, &["kitchen"]);
    let mode = |it| fs::metadata(home.data().join(it)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("secrets/monitors.key"), 0o600);
    // It can be typed as people do.
    let mut sloppy = way.clone();
    sloppy.code = way.code.to_lowercase().replace('-', "");
    let kitchen = Monitor::enrolled(&sloppy, 1);
    let used = enrol(&way, &way.code);
    assert_eq!(used.status, 403, "{used:?}");
    assert!(used.json()["hint"].as_str().unwrap().contains("muster monitor enrol"), "{used:?}");

    let at = now() - Duration::from_mins(1);
    let facts = |count: u8| -> Vec<_> {
        (0..count)
            .map(|it| seen("hci0", &format!("ble:c0:00:00:00:00:{it:02x}"), at, -60))
            .collect()
    };
    assert_eq!(taken(&kitchen.send(0, facts(2))), 2);
    // It was answered after the commit: whoever kills the hub now loses nothing.
    hub.kill();
    let hub = home.serve();
    assert_eq!(taken(&kitchen.send(0, facts(2))), 2, "answered again, taken no more");
    assert_eq!(taken(&kitchen.send(0, facts(3))), 3);
    let devices = items(&hub.get("/api/v1/devices"));
    assert_eq!(devices.len(), 3, "{devices:?}");
    let told = items(&hub.get("/api/v1/fleet"));
    assert_eq!(told[0]["monitor"], "kitchen");
    assert_eq!(told[0]["state"], "alive");
    let discovered = hub.changes().into_iter().filter(|it| it.starts_with("discovered")).count();
    assert_eq!(discovered, 3);
}

#[test]
fn a_hub_that_dies_before_it_answers_is_sent_the_same_again() {
    let home = home();
    let hub = home.serve();
    let kitchen = Monitor::enrolled(&invited(&home, &["kitchen"]), 7);
    let at = now() - Duration::from_secs(30);
    let facts = vec![seen("hci0", "ble:c0:00:00:00:00:01", at, -60)];
    taken(&kitchen.send(0, facts.clone()));
    // Nothing in it is news, so it is stored after two seconds. Whether the killed hub had read it,
    // stored it or answered it: it is taken once.
    let body = kitchen.bytes(1, vec![covered("hci0", at, now())], Health::default());
    let mut stream = connected(&kitchen.way);
    let head = format!(
        "POST /monitor/v1/upload HTTP/1.1\r\nHost: hub\r\nConnection: close\r\nContent-Type: {BATCH}\
         \r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\n\r\n",
        kitchen.token,
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&body).unwrap();
    stream.flush().unwrap();
    hub.kill();
    drop(answered(stream));
    let hub = home.serve();
    assert_eq!(taken(&kitchen.put(&body)), 1);
    assert_eq!(taken(&kitchen.send(0, facts)), 1, "that was taken before");
    let channels = items(&hub.get("/api/v1/monitors"));
    let its = channels.iter().find(|it| it["monitor"] == "kitchen").unwrap();
    assert_eq!(its["coverage"].as_array().unwrap().len(), 1, "{its}");
}

/// One device is told by the living room first, the other by the kitchen, and both twice.
fn the_living_room_wins(home: &Home) {
    let hub = home.serve();
    for place in ["Living Room", "Kitchen"] {
        let body = serde_json::json!({ "name": place, "parent": "here" });
        assert_eq!(hub.ask("POST", "/api/v1/places", Some(&body)).status, 201);
    }
    let living = invited(home, &["living", "--place", "Living Room"]);
    let living = (Monitor::enrolled(&living, 1), -65);
    let kitchen = invited(home, &["kitchen", "--place", "Kitchen"]);
    let kitchen = (Monitor::enrolled(&kitchen, 2), -72);
    let at = now() - Duration::from_mins(10);
    for (number, all) in [[&living, &kitchen], [&kitchen, &living]].iter().enumerate() {
        for (monitor, rssi) in all.iter().chain(all) {
            let fact = seen("hci0", &format!("ble:c0:00:00:00:00:{number:02x}"), at, *rssi);
            assert_eq!(taken(&monitor.send(number as u64, vec![fact])), 1);
        }
    }
    let said = home.run(&["report", "recent", "--format", "json"]);
    let rows: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap();
    let won = rows.as_array().unwrap().iter();
    let won: Vec<_> =
        won.map(|it| (it["place"].as_str().unwrap(), it["rssi"].as_i64().unwrap())).collect();
    assert_eq!(won, [("Living Room", -65); 2], "{rows}");
}

#[test]
fn the_strongest_signal_wins_in_any_order_and_sent_twice() {
    the_living_room_wins(&home());
}

#[test]
fn the_strongest_signal_wins_on_mariadb() {
    let server = MariaDb::start();
    server.make("home");
    the_living_room_wins(&with_door(server::home(&server)));
}

#[test]
fn the_strongest_signal_wins_on_postgresql() {
    let server = Postgres::start();
    server.make("home");
    the_living_room_wins(&with_door(server::home(&server)));
}

#[test]
fn a_declared_device_is_its_persons_from_its_first_sighting_however_late_that_comes() {
    let home = home();
    let file = home.path().join("muster.toml");
    let before = fs::read_to_string(&file).unwrap();
    let anna = "[[people]]\nname = \"anna\"\ndevices = [\"ble:c0:00:00:00:00:01\"]\n";
    fs::write(&file, format!("{before}\n{anna}")).unwrap();
    let hub = home.serve();
    let stays = |hub: &Hub| items(&hub.get("/api/v1/stays"));
    let (first, last) = (now() - Duration::from_mins(20), now() - Duration::from_mins(5));
    let kitchen = Monitor::enrolled(&invited(&home, &["kitchen"]), 1);
    let attic = Monitor::enrolled(&invited(&home, &["attic"]), 2);
    // One tells what is new, and only then the other one that was cut off what is old.
    for (who, at, count) in [(&kitchen, last, 1), (&attic, first, 2)] {
        let heard = [0, 10].map(|it| at + Duration::from_secs(it));
        let heard = heard.map(|it| seen("hci0", "ble:c0:00:00:00:00:01", it, -60));
        let until = at + Duration::from_mins(20);
        let all = heard.into_iter().chain([covered("hci0", at, until.min(now()))]).collect();
        assert_eq!(taken(&who.send(0, all)), 3);
        hub.until("a stay", |hub| (stays(hub).len() == count).then_some(()));
    }
    let begun: Vec<_> = stays(&hub).iter().map(|it| it["from"].clone()).collect();
    assert_eq!(begun, [first.to_string(), last.to_string()]);
}

#[test]
fn a_monitor_tells_as_itself_and_only_what_it_may() {
    let home = home();
    let hub = home.serve();
    let way = invited(&home, &["kitchen", "--source", "ble", "--kind", "ble,irk"]);
    let kitchen = Monitor::enrolled(&way, 1);
    let at = now() - Duration::from_mins(1);
    let mut lan = seen("eth0", "mac:b8:27:eb:01:02:03", at, -1);
    lan.listener = std::sync::Arc::new(muster_core::fact::Listener::new(
        "hub",
        muster_core::fact::SourceKind::Lan,
        "eth0",
    ));
    let facts =
        vec![lan, seen("hci0", "tag:CAT", at, -50), seen("hci0", "ble:c0:00:00:00:00:01", at, -50)];
    let (status, Reply::Taken(it)) = kitchen.send(0, facts) else { panic!() };
    assert_eq!(status, 200);
    let why: Vec<&str> = it.refused.iter().map(|it| &*it.0).collect();
    assert_eq!(why.len(), 2, "{why:?}");
    assert!(why[0].contains("source lan") && why[1].contains("kind tag"), "{why:?}");
    let channels = items(&hub.get("/api/v1/monitors"));
    let who: Vec<_> = channels.iter().map(|it| it["monitor"].as_str().unwrap()).collect();
    assert_eq!(who, ["kitchen"], "whatever it called itself");
    // The name of this machine's own monitor is taken.
    let (code, said) = failed(&home.run(&["monitor", "enrol", "hub"]));
    assert!(code != 0 && said.contains("monitor of this machine itself: hub"), "{said}");
    // Nothing of its token is kept, nor of its code.
    for file in fs::read_dir(home.data()).unwrap().filter_map(Result::ok) {
        if file.file_type().unwrap().is_file() {
            let bytes = fs::read(file.path()).unwrap();
            let holds = |it: &str| bytes.windows(it.len()).any(|at| at == it.as_bytes());
            assert!(!holds(&kitchen.token) && !holds(&way.code), "{:?}", file.path());
        }
    }
}

#[test]
fn who_was_shut_out_or_never_let_in_gets_nothing() {
    let home = home();
    let hub = home.serve();
    let way = invited(&home, &["kitchen"]);
    let far = || {
        let listed = home.run(&["monitor", "list", "--far", "--format", "csv"]);
        String::from_utf8(listed.stdout).unwrap()
    };
    assert!(far().contains("\ninvited,kitchen,here,"), "{}", far());
    let first = Monitor::enrolled(&way, 1);
    assert!(far().contains("\nsilent,kitchen,here,"), "{}", far());
    let listed = home.run(&["monitor", "list"]);
    let said = String::from_utf8(listed.stderr).unwrap();
    assert!(said.contains("kitchen (silent) has told nothing"), "{said}");
    let at = now() - Duration::from_secs(30);
    assert_eq!(first.send(0, vec![seen("hci0", "ble:c0:00:00:00:00:01", at, -60)]).0, 200);
    let listed = home.run(&["monitor", "list", "--format", "csv"]);
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(listed.contains("\ntells,kitchen,ble,hci0,here,2"), "{listed}");
    assert!(far().contains("\nalive,kitchen,here,"), "{}", far());
    // Let in again, it has another token.
    let again = Monitor::enrolled(&invited(&home, &["kitchen"]), 1);
    assert_eq!(first.send(0, Vec::new()), (401, Reply::Unauthorised));
    assert_eq!(again.send(0, Vec::new()).0, 200);
    assert!(home.run(&["monitor", "revoke", "kitchen"]).status.success());
    assert_eq!(again.send(0, Vec::new()), (401, Reply::Unauthorised));
    drop(hub);
    // A restart lets nobody in, and nothing listens for nobody.
    let _hub = home.serve();
    assert!(TcpStream::connect(("127.0.0.1", again.way.port)).is_err());
    let (_, said) = failed(&home.run(&["monitor", "revoke", "attic"]));
    assert!(said.contains("no such far monitor: attic"), "{said}");
    assert!(far().contains("\nrevoked,kitchen,here,2"), "it was heard of: {}", far());
}

#[test]
fn what_is_no_upload_is_refused_with_a_reason() {
    let home = home();
    let _hub = home.serve();
    let way = invited(&home, &["kitchen"]);
    for wrong in ["AAAAA-AAAAA", "", "x"] {
        assert_eq!(enrol(&way, wrong).status, 403, "{wrong}");
    }
    assert_eq!(ask(&way, "/monitor/v1/enrol", None, "application/json", b"{").unwrap().status, 400);
    let long = vec![b' '; 5_000];
    assert_eq!(
        ask(&way, "/monitor/v1/enrol", None, "application/json", &long).unwrap().status,
        413
    );
    let kitchen = Monitor::enrolled(&way, 1);
    for wrong in ["AAAAA-AAAAA", ""] {
        assert_eq!(enrol(&way, wrong).status, 403, "{wrong}");
    }
    assert_eq!(enrol(&way, "AAAAA-AAAAA").status, 429, "the sixth within a minute");

    let bearer = format!("Bearer {}", kitchen.token);
    let upload = |bearer: Option<&str>, kind: &str, body: &[u8]| {
        ask(&way, "/monitor/v1/upload", bearer, kind, body).expect("an answer")
    };
    let good = kitchen.bytes(0, Vec::new(), Health::default());
    assert_eq!(upload(None, BATCH, &good).status, 401);
    assert_eq!(upload(Some("Bearer nobody"), BATCH, &good).status, 401);
    assert_eq!(upload(Some(&bearer), "text/plain", &good).status, 400);
    let garbage = upload(Some(&bearer), BATCH, b"garbage");
    assert_eq!(garbage.status, 400);
    assert!(garbage.body.contains("not compressed as it should be"), "{garbage:?}");
    let large = upload(Some(&bearer), BATCH, &vec![0; (8 << 20) + 1]);
    assert_eq!(large.status, 413, "{large:?}");
    assert!(large.body.contains("malformed"), "{large:?}");
    assert_eq!(upload(Some(&bearer), BATCH, &good).status, 200);
}

#[test]
fn who_speaks_no_tls_or_says_nothing_holds_nobody_up() {
    let home = home();
    let hub = home.serve();
    let kitchen = Monitor::enrolled(&invited(&home, &["kitchen"]), 1);
    let port = kitchen.way.port;
    let mut plain = TcpStream::connect(("127.0.0.1", port)).unwrap();
    plain.write_all(b"POST /monitor/v1/upload HTTP/1.1\r\nHost: hub\r\n\r\n").unwrap();
    let mut said = Vec::new();
    drop(plain.read_to_end(&mut said));
    assert!(!said.starts_with(b"HTTP"), "{said:?}");
    // Some say nothing, some stop in the middle of a body: more than are read at once.
    let silent: Vec<_> =
        (0..16).map(|_| TcpStream::connect(("127.0.0.1", port)).unwrap()).collect();
    let mut slow = connected(&kitchen.way);
    let head = format!(
        "POST /monitor/v1/upload HTTP/1.1\r\nHost: hub\r\nContent-Type: {BATCH}\r\n\
         Authorization: Bearer {}\r\nContent-Length: 1000\r\n\r\nhalf",
        kitchen.token
    );
    slow.write_all(head.as_bytes()).unwrap();
    slow.flush().unwrap();
    assert_eq!(kitchen.send(0, Vec::new()).0, 200);
    assert_eq!(hub.get("/healthz").status, 200);
    // They end by themselves.
    for mut it in silent {
        it.set_read_timeout(Some(Duration::from_mins(2))).unwrap();
        let mut rest = Vec::new();
        it.read_to_end(&mut rest).unwrap();
    }
    drop(slow);
    let (status, said) = hub.terminate();
    assert!(status.success(), "{said}");
}

#[test]
fn a_demonstration_lets_nobody_in() {
    let home = Home::new();
    let hub = Hub::start(home.muster(&["serve", "--demo", "--listen", "127.0.0.1:0"]));
    let body = serde_json::json!({ "monitor": "kitchen" });
    let refused = hub.ask("POST", "/api/v1/fleet", Some(&body));
    assert_eq!(refused.status, 503);
    assert!(refused.body.contains("a demonstration lets no monitors in"), "{refused:?}");
}
