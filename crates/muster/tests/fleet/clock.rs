//! Monitors on machines whose clocks are wrong.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use muster_core::time::Time;
use serde_json::Value;

use super::client::invited;
use super::common::Home;
use super::monitor::{EVERYTHING_IS_WRITTEN, Heard};
use super::peer::now;
use super::process::Monitor;

/// A monitor whose clock is ahead by so many seconds, and what it hears.
fn room(hub: &Home, name: &str, ahead: i64) -> (Home, Heard, Monitor) {
    let invitation = invited(hub, &[name]);
    let home = Home::new();
    fs::write(home.path().join("muster.toml"), EVERYTHING_IS_WRITTEN).unwrap();
    let heard = Heard::new(&home);
    let url = format!("https://127.0.0.1:{}", invitation.port);
    let code = format!("{}.{}", invitation.code, invitation.pin);
    let words = ["monitor", "--hub", &url, "--enrol", &code, "--facts", &heard.path()];
    let mut command = home.muster(&words);
    command.env("LD_PRELOAD", library()).env("FAKETIME", format!("{ahead:+}"));
    command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    let mut monitor = Monitor::start(command);
    monitor.says("the hub answers");
    (home, heard, monitor)
}

/// What gives a program another clock than the machine's; Debian's package `libfaketime`.
fn library() -> PathBuf {
    let folders = fs::read_dir("/usr/lib").unwrap().filter_map(Result::ok);
    let mut found = folders.map(|it| it.path().join("faketime/libfaketimeMT.so.1"));
    found.find(|it| it.is_file()).expect("the package libfaketime is missing")
}

/// It hears a device at a time of its own clock.
fn hears(home: &Home, at: Time, rssi: i8) {
    let mut file = OpenOptions::new().append(true).open(home.path().join("heard.jsonl")).unwrap();
    let who = "\"monitor\":\"any\",\"source\":\"ble\",\"channel\":\"hci0\"";
    let id = "ble:c0:00:00:00:00:01";
    writeln!(file, "{{\"t\":\"{at}\",{who},\"id\":\"{id}\",\"rssi\":{rssi}}}").unwrap();
}

#[test]
fn wrong_clocks_make_the_same_intervals() {
    let hub_home = Home::new();
    let file = hub_home.path().join("muster.toml");
    let before = fs::read_to_string(&file).unwrap();
    let more = "\n[ingest]\nlisten = \"127.0.0.1:0\"\n\n[readings]\ninterval = \"1m\"\n";
    fs::write(&file, format!("{before}{more}")).unwrap();
    let hub = hub_home.serve();
    let rooms = [("attic", 600), ("hall", -600), ("kitchen", 0)];
    let rooms = rooms.map(|(name, ahead)| (name, ahead, room(&hub_home, name, ahead)));
    // In the middle of an interval that is just over, so that a second is no other one.
    let at = now().floor(INTERVAL) - INTERVAL / 2;
    for (name, ahead, (home, ..)) in &rooms {
        let rssi = if *name == "hall" { -50 } else { -70 };
        hears(home, Time::from_micros(at.micros() + ahead * 1_000_000), rssi);
    }
    let (from, to) = (at.floor(INTERVAL).to_string(), (at.floor(INTERVAL) + INTERVAL).to_string());
    let words = ["report", "overlap", "--from", &from, "--to", &to, "--format", "json"];
    let mut last = Vec::new();
    let all = hub.until("a reading of each monitor in the same interval", |_| {
        let said = hub_home.run(&words);
        last = serde_json::from_slice::<Vec<Value>>(&said.stdout).unwrap_or_default();
        (last.len() == 3).then(|| last.clone())
    });
    let of = |it: &Value| (it["monitor"].as_str().unwrap().to_owned(), it["winner"].clone());
    let mut found: Vec<_> = all.iter().map(of).collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    let names: Vec<_> = found.iter().map(|it| it.0.as_str()).collect();
    assert_eq!(names, ["attic", "hall", "kitchen"]);
    // How wrong it is, a monitor tells with what it tells next.
    for (name, ahead, _) in &rooms {
        let told = hub.until("how wrong the clock is", |hub| {
            let fleet = hub.get("/api/v1/fleet").json();
            let mut items = fleet["items"].as_array().unwrap().iter();
            items.find(|it| it["monitor"] == *name)?["health"]["clock_ahead_ms"].as_i64()
        });
        assert!((told - ahead * 1_000).abs() < 5_000, "{name}: {told}");
    }
}

const INTERVAL: Duration = Duration::from_mins(1);
