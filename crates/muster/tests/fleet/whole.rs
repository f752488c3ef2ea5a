//! Three monitors and their hub, each killed, paused and cut off in turn while facts flow: in the end
//! readings, their winners and what was covered are those of an undisturbed run.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;

use muster_core::time::Time;
use nix::sys::signal::Signal;
use serde_json::Value;

use super::client::invited;
use super::common::{Home, Hub};
use super::fault_proxy::{Fault, FaultProxy};
use super::monitor::EVERYTHING_IS_WRITTEN;
use super::peer::now;
use super::process::Monitor;

/// A monitor, the way to its hub, and what it hears.
struct Room {
    name: &'static str,
    home: Home,
    way: FaultProxy,
    heard: PathBuf,
    monitor: Monitor,
}

impl Room {
    fn new(hub: &Home, name: &'static str) -> Self {
        let invitation = invited(hub, &[name]);
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
        Self { name, home, way, heard, monitor }
    }

    /// Killed, and started again.
    fn dies(&mut self) {
        self.monitor.is_killed();
        let path = self.heard.to_str().unwrap().to_owned();
        self.monitor = Monitor::start(self.home.muster(&["monitor", "--facts", &path]));
    }

    /// Hears in these steps: every device once each, and listens all the time.
    fn hears(&self, base: Time, steps: std::ops::Range<u64>) {
        let mut lines = Vec::new();
        for step in steps {
            let from = base + STEP * u32::try_from(step).unwrap();
            let (at, to) = (from + STEP / 2, from + STEP);
            let who = "\"monitor\":\"any\",\"source\":\"ble\",\"channel\":\"hci0\"";
            for device in 0..DEVICES {
                // Who hears whom best changes with the steps.
                let far = (step * 7 + device * 5 + self.name.len() as u64 * 11) % 40;
                let id = format!("ble:c0:00:00:00:00:{device:02x}");
                lines.push(format!(
                    "{{\"t\":\"{at}\",{who},\"id\":\"{id}\",\"rssi\":-{}}}\n",
                    50 + far
                ));
            }
            lines.push(format!("{{\"t\":\"{to}\",{who},\"covered_from\":\"{from}\"}}\n"));
        }
        let mut file = OpenOptions::new().append(true).open(&self.heard).unwrap();
        file.write_all(lines.concat().as_bytes()).unwrap();
    }
}

/// What is stored of the span: readings with their winners, hours with what was covered.
fn stored(home: &Home, base: Time) -> Vec<String> {
    let (from, to) = (base.to_string(), (base + INTERVAL * INTERVALS).to_string());
    let rows = |report: &str| -> Vec<Value> {
        let words = ["report", report, "--from", &from, "--to", &to, "--format", "json"];
        let said = home.run(&words);
        assert!(said.status.success(), "{said:?}");
        serde_json::from_slice(&said.stdout).unwrap()
    };
    let reading = |it: &Value| {
        format!(
            "{} {} {} {} winner {}",
            it["interval"], it["name"], it["monitor"], it["rssi"], it["winner"]
        )
    };
    let mut all: Vec<String> = rows("overlap").iter().map(reading).collect();
    for it in rows("hourly") {
        all.push(format!("{} {} {} {}", it["hour"], it["monitor"], it["devices"], it["readings"]));
        // Dates are as right as the clocks could be compared, to the second.
        all.push(format!("covered {:.1}", it["covered"].as_f64().unwrap_or(-1.0)));
    }
    all.sort();
    all
}

/// A hub whose monitors come in at a port that stays the same over its restarts.
fn hub_home() -> Home {
    let home = Home::new();
    let file = home.path().join("muster.toml");
    let before = fs::read_to_string(&file).unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    fs::write(
        file,
        format!("{before}\n[ingest]\nlisten = \"{free}\"\n\n[readings]\ninterval = \"1m\"\n"),
    )
    .unwrap();
    home
}

fn introduced(home: &Home, base: Time) -> (Hub, [Room; 3]) {
    let hub = home.serve();
    let rooms = ["kitchen", "attic", "hall"].map(|it| Room::new(home, it));
    // Devices are numbered in the order in which they are first heard of.
    rooms[0].hears(base, 0..1);
    hub.until("the devices", |hub| {
        let all = hub.get("/api/v1/devices").json()["items"].as_array().map(Vec::len);
        (all == usize::try_from(DEVICES).ok()).then_some(())
    });
    (hub, rooms)
}

#[test]
fn whoever_fails_meanwhile_the_end_is_that_of_an_undisturbed_run() {
    // A monitor tells nothing from before its machine was started: not long ago, where that is new.
    let base = (now() - INTERVAL * (INTERVALS + 1)).floor(INTERVAL);
    let quiet = hub_home();
    let (hub, rooms) = introduced(&quiet, base);
    rooms[0].hears(base, 1..STEPS);
    for it in &rooms[1..] {
        it.hears(base, 0..STEPS);
    }
    let intervals = usize::try_from(u64::from(INTERVALS) * DEVICES).unwrap() * rooms.len();
    let want = hub.until("every reading", |_| {
        let all = stored(&quiet, base);
        let readings = all.iter().filter(|it| it.contains("winner")).count();
        let covered = all.iter().filter(|it| it.starts_with("covered")).count();
        (readings == intervals && covered >= rooms.len()).then_some(all)
    });
    drop((hub, rooms));
    // There is something of each kind that could be another.
    assert!(!want.contains(&"covered -1.0".to_owned()), "{want:#?}");

    let home = hub_home();
    let (hub, mut rooms) = introduced(&home, base);
    rooms[0].hears(base, 1..2);
    for it in &rooms[1..] {
        it.hears(base, 0..2);
    }
    let hears = |rooms: &[Room; 3], steps: std::ops::Range<u64>| {
        for it in rooms {
            it.hears(base, steps.clone());
        }
    };
    rooms[0].dies();
    hears(&rooms, 2..4);
    rooms[1].monitor.signal(Signal::SIGSTOP);
    hears(&rooms, 4..5);
    rooms[1].monitor.signal(Signal::SIGCONT);
    rooms[2].way.set(Fault::Cut);
    hears(&rooms, 5..6);
    rooms[2].way.until_hit(1);
    rooms[2].way.set(Fault::None);
    hub.kill();
    hears(&rooms, 6..7);
    rooms[1].dies();
    let hub = home.serve();
    rooms[0].way.set(Fault::Unanswered);
    hears(&rooms, 7..8);
    rooms[0].way.until_hit(1);
    rooms[0].way.set(Fault::None);
    rooms[1].way.set(Fault::Stalled);
    hears(&rooms, 8..STEPS);
    rooms[1].way.until_hit(1);
    rooms[1].way.set(Fault::None);
    let mut last = Vec::new();
    hub.until("the end of an undisturbed run", |_| {
        last = stored(&home, base);
        (last == want).then_some(())
    });
    assert_eq!(last, want);
}

const DEVICES: u64 = 4;
const STEPS: u64 = 10;
/// So long are they, and as many make the intervals.
const STEP: Duration = Duration::from_secs(12);
const INTERVAL: Duration = Duration::from_mins(1);
const INTERVALS: u32 = 2;
