//! Three rooms at two sites, each with a monitor, and what they hear of four devices: arrivals, a move
//! from one site to the other, departures, and who merely passes by.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use muster_core::time::Time;
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::client::{invited, items};
use super::common::{Home, Hub};
use super::fault_proxy::FaultProxy;
use super::monitor::EVERYTHING_IS_WRITTEN;
use super::process::Monitor;

/// A monitor, the way to its hub, and what it hears.
pub(crate) struct Room {
    number: usize,
    home: Home,
    pub(crate) way: FaultProxy,
    heard: PathBuf,
    monitor: Monitor,
}

impl Room {
    fn new(hub: &Home, number: usize) -> Self {
        let (name, site) = ROOMS[number];
        let invitation = invited(hub, &[name, "--place", site]);
        let way = FaultProxy::to(SocketAddr::from(([127, 0, 0, 1], invitation.port)));
        let home = Home::new();
        fs::write(home.path().join("muster.toml"), EVERYTHING_IS_WRITTEN).unwrap();
        let heard = home.path().join("heard.jsonl");
        fs::write(&heard, "").unwrap();
        let (url, path) = (format!("https://{}", way.address), heard.to_str().unwrap().to_owned());
        let code = format!("{}.{}", invitation.code, invitation.pin);
        let words = ["monitor", "--hub", &url, "--enrol", &code, "--facts", &path];
        let mut monitor = Monitor::start(home.muster(&words));
        monitor.says("the hub answers");
        Self { number, home, way, heard, monitor }
    }

    pub(crate) fn is_killed(&mut self) {
        self.monitor.is_killed();
    }

    pub(crate) fn starts_again(&mut self) {
        let path = self.heard.to_str().unwrap().to_owned();
        self.monitor = Monitor::start(self.home.muster(&["monitor", "--facts", &path]));
    }

    pub(crate) fn signal(&self, signal: Signal) {
        self.monitor.signal(signal);
    }

    /// Hears whoever is there in these steps, once each.
    pub(crate) fn hears(&self, base: Time, steps: Range<u32>) {
        let mut lines = Vec::new();
        for step in steps.filter(|it| self.number != LATE || *it >= LISTENS_FROM) {
            let from = base + STEP * step;
            let (at, to) = (from + STEP / 2, from + STEP);
            let who = "\"monitor\":\"any\",\"source\":\"ble\",\"channel\":\"hci0\"";
            let here = WHEREABOUTS
                .iter()
                .filter(|(_, there, rooms)| there.contains(&step) && rooms.contains(&self.number));
            for (device, ..) in here {
                // Who hears whom best changes with the steps.
                let far =
                    (step * 7 + u32::from(*device) * 5 + u32::try_from(self.number).unwrap() * 11)
                        % 40;
                let (id, rssi) = (DEVICES[usize::from(*device)], 50 + far);
                lines.push(format!("{{\"t\":\"{at}\",{who},\"id\":\"{id}\",\"rssi\":-{rssi}}}\n"));
            }
            lines.push(format!("{{\"t\":\"{to}\",{who},\"covered_from\":\"{from}\"}}\n"));
        }
        let mut file = OpenOptions::new().append(true).open(&self.heard).unwrap();
        file.write_all(lines.concat().as_bytes()).unwrap();
    }
}

/// Makes of a home that of a hub which knows two people and whose monitors come in at a port that stays
/// the same over its restarts.
pub(crate) fn furnished(home: Home) -> Home {
    let file = home.path().join("muster.toml");
    let before = fs::read_to_string(&file).unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let [anna, ben, ..] = DEVICES;
    let more = format!(
        "[ingest]\nlisten = \"{free}\"\n\n[readings]\ninterval = \"1m\"\n\n\
         [presence.ble]\naway_after = \"30s\"\n\n\
         [[people]]\nname = \"anna\"\ndevices = [\"{anna}\"]\n\n\
         [[people]]\nname = \"ben\"\ndevices = [\"{ben}\"]\n"
    );
    fs::write(file, format!("{before}\n{more}")).unwrap();
    home
}

/// Lets a monitor of each room in.
pub(crate) fn moved_in(home: &Home, hub: &Hub) -> [Room; 3] {
    let office = json!({ "name": OFFICE });
    assert_eq!(hub.ask("POST", "/api/v1/places", Some(&office)).status, 201);
    for (identity, name) in [(DEVICES[2], "Radio"), (DEVICES[3], "Bus")] {
        let added = home.run(&["device", "add", identity, "--name", name]);
        assert!(added.status.success(), "{added:?}");
    }
    [0, 1, 2].map(|it| Room::new(home, it))
}

/// What is stored of it: stays, readings with their winners, and hours with what was covered; nothing if
/// the hub does not answer.
///
/// Left out are numbers, which are given in the order in which things come, and revisions: late facts
/// correct what was told before, and which ones are late is what an outage changes.
#[expect(clippy::unwrap_in_result, reason = "none is for a hub that cannot answer at the moment")]
pub(crate) fn stored(home: &Home, base: Time) -> Option<Vec<String>> {
    let (from, to) = (base.to_string(), (base + STEP * STEPS).to_string());
    let rows = |report: &str, more: &[&str]| -> Option<Vec<Value>> {
        let words = ["report", report, "--from", &from, "--to", &to, "--format", "json"];
        let said = home.run(&[&words, more].concat());
        said.status.success().then(|| serde_json::from_slice(&said.stdout).unwrap())
    };
    // Dates are as right as two clocks can be compared; everything happened at a whole second.
    let at = |it: &Value| {
        let Some(text) = it.as_str() else { return "-".to_owned() };
        let at: Time = text.parse().unwrap();
        (at + Duration::from_millis(500)).since(base).as_secs().to_string()
    };
    let mut all = Vec::new();
    for it in rows("stays", &["--of", "both"])? {
        let [who, place, ended] = ["who", "place", "ended"].map(|key| it[key].as_str().unwrap());
        let subject = if it["person"].is_null() { "device" } else { "person" };
        let covered = it["covered"].as_f64().unwrap();
        let span = format!("{} to {}", at(&it["from"]), at(&it["to"]));
        all.push(format!(
            "stay: {subject} {who} in {place}, {span}, {ended}, {covered:.2} covered"
        ));
    }
    for it in rows("recent", &["--limit", "1000"])? {
        let (name, monitor, rssi) = (&it["name"], &it["monitor"], &it["rssi"]);
        all.push(format!(
            "won: {} {name} {monitor} {rssi} at {}",
            at(&it["interval"]),
            at(&it["at"])
        ));
    }
    for it in rows("overlap", &[])? {
        let (name, monitor, rssi) = (&it["name"], &it["monitor"], &it["rssi"]);
        all.push(format!("heard: {} {name} {monitor} {rssi}", at(&it["interval"])));
    }
    for it in rows("hourly", &[])? {
        let (monitor, devices, readings) = (&it["monitor"], &it["devices"], &it["readings"]);
        let covered = it["covered"].as_f64().unwrap_or(0.0);
        let hour = &it["hour"];
        all.push(format!("hour: {hour} {monitor} {devices} {readings}, {covered:.3} covered"));
    }
    all.sort();
    Some(all)
}

/// Whether the hub has all that the monitors tell up to a step: the last of it is what they covered.
pub(crate) fn came(hub: &Hub, base: Time, step: u32) -> bool {
    let is_there = |it: &Value| {
        let to = it["covered_to"].as_str().and_then(|it| it.parse::<Time>().ok());
        // Dates differ by what two clocks can be compared.
        to.is_some_and(|it| it + Duration::from_secs(1) > base + STEP * step)
    };
    let channels = items(&hub.get("/api/v1/monitors"));
    let far = |name: &str| channels.iter().any(|it| it["monitor"] == name && is_there(it));
    ROOMS.iter().all(|(name, _)| far(name))
}

/// When the first step begins, of which the last is over.
pub(crate) fn base(now: Time) -> Time {
    // A monitor tells nothing from before its machine was started: not long ago, where that is new.
    (now - STEP * STEPS - INTERVAL).floor(INTERVAL)
}

pub(crate) const STEPS: u32 = 36;
/// So long are they, and as many make the intervals.
const STEP: Duration = Duration::from_secs(10);
const INTERVAL: Duration = Duration::from_mins(1);

/// What monitors are called, and where they stand.
const ROOMS: [(&str, &str); 3] = [("kitchen", "here"), ("attic", "here"), ("office", OFFICE)];
const OFFICE: &str = "Office";
/// This room listens from this step on.
const LATE: usize = 2;
const LISTENS_FROM: u32 = 4;
/// Anna's, Ben's, one that is always there, one that passes by.
const DEVICES: [&str; 4] = [
    "ble:c0:00:00:00:00:00",
    "ble:c0:00:00:00:00:01",
    "ble:c0:00:00:00:00:02",
    "ble:c0:00:00:00:00:03",
];
/// Which device is heard in which steps by which rooms.
const WHEREABOUTS: [(u8, Range<u32>, &[usize]); 8] = [
    (0, 2..12, &[0, 1]),
    (0, 16..26, &[2]),
    // Before the office can be sure that she left.
    (0, 27..36, &[0, 1]),
    (1, 0..8, &[1]),
    (1, 20..30, &[0, 1]),
    (2, 0..36, &[0, 1]),
    (3, 5..6, &[0]),
    (3, 15..16, &[0]),
];

/// What follows from it for whoever does not merely pass by, in seconds from its start.
pub(crate) const STAYS: [&str; 11] = [
    "stay: device Radio in here, 5 to -, open, 1.00 covered",
    "stay: device ble:c0:00:00:00:00:00 in Office, 165 to 255, moved, 1.00 covered",
    "stay: device ble:c0:00:00:00:00:00 in here, 25 to 115, left, 1.00 covered",
    "stay: device ble:c0:00:00:00:00:00 in here, 275 to -, open, 1.00 covered",
    "stay: device ble:c0:00:00:00:00:01 in here, 205 to 295, left, 1.00 covered",
    "stay: device ble:c0:00:00:00:00:01 in here, 5 to 75, left, 1.00 covered",
    "stay: person anna in Office, 165 to 255, moved, 1.00 covered",
    "stay: person anna in here, 25 to 115, left, 1.00 covered",
    "stay: person anna in here, 275 to -, open, 1.00 covered",
    "stay: person ben in here, 205 to 295, left, 1.00 covered",
    "stay: person ben in here, 5 to 75, left, 1.00 covered",
];
