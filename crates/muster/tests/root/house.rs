//! A hub on a real network, as nobody with `CAP_NET_RAW` only, with a real Graphite beside it; and
//! what each of those whom it tells says of two people.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::fd::AsFd as _;
use std::os::unix::fs::chown;
use std::panic::resume_unwind;
use std::path::Path;
use std::process::Command;
use std::thread;

use muster_core::time::Time;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use serde_json::Value;

use crate::carbon_cache::Carbon;
use crate::common::{Home, Hub};
use crate::network::{Bed, NOBODY, Process, Rights};

/// The network, its devices, and all that the hub needs.
pub(crate) struct House<'a> {
    pub(crate) bed: &'a Bed,
    pub(crate) devices: Process,
    home: Home,
    carbon: Carbon,
}

/// What is believed of Anna and of Ben, in the words of the interface.
pub(crate) type Picture = [&'static str; 2];

impl<'a> House<'a> {
    /// Three devices, and a hub that is as impatient as it may be configured.
    pub(crate) fn new(bed: &'a Bed) -> Self {
        let home = Home::new();
        let mut carbon = Carbon::prepare(1);
        carbon.start();
        let settings = format!("{IMPATIENT}address = \"{}\"\n", carbon.address);
        fs::write(home.path().join("muster.toml"), settings).unwrap();
        fs::create_dir(home.data()).unwrap();
        chown(home.data(), Some(NOBODY), Some(NOBODY)).unwrap();
        Self { bed, devices: bed.devices("3", &[]), home, carbon }
    }

    pub(crate) fn serve(&self) -> Hub {
        Hub::start(self.muster(&["serve", "--listen", "127.0.0.1:0"]))
    }

    /// Runs a command that must do it, and gives what it printed.
    #[track_caller]
    pub(crate) fn tell(&self, args: &[&str]) -> String {
        let output = self.muster(args).output().unwrap();
        let err = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && !err.contains("hub not running"), "{args:?}: {err}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Switches a device on or off: the time at which that was done.
    pub(crate) fn switch(&mut self, device: usize, state: &str) -> Time {
        self.devices.tell(&format!("{state} {device}"));
        let done = self.devices.wait_for("ok ");
        done.strip_prefix("ok ").unwrap().parse().unwrap()
    }

    /// Waits until the hub believes it, and asserts that everybody whom it tells says the same.
    #[track_caller]
    pub(crate) fn agrees(&self, hub: &Hub, want: Picture) {
        hub.until(&format!("{want:?}"), |hub| (picture(&now(hub)["people"]) == want).then_some(()));
        let people = now(hub)["people"].clone();
        for (name, person) in PEOPLE.iter().zip(people.as_array().unwrap()) {
            assert_eq!(
                hub.get(&format!("/api/v1/people/{name}")).json()["presence"],
                person["presence"]
            );
        }
        let who: Value =
            serde_json::from_str(&self.tell(&["who", "--all", "--format", "json"])).unwrap();
        assert_eq!(picture(&who), want, "who");
        assert_eq!(page(&hub.get("/").body), want, "the page");
        let decided = changes(hub).iter().map(|it| time(&it["decided"])).max().unwrap();
        let tick = decided.secs() + 1;
        self.carbon.wait_for(&SERIES, tick - 1, tick);
        // A decision that is stored late is told late: what was sent before is made good.
        hub.until(&format!("{SERIES:?} in Graphite at {tick} of {want:?}"), |_| {
            let told = SERIES.map(|it| self.carbon.fetch(it, tick - 1, tick)[&tick]);
            (told == series(want).map(Some)).then_some(())
        });
    }

    /// Waits until Graphite has missed some seconds, because no hub is there.
    pub(crate) fn is_missed(&self) {
        self.carbon.wait_for_gap("count_home", 3);
    }

    /// Graphite has every second since somebody was known, as the journal tells it.
    pub(crate) fn graphite_tells_the_journal(&self, hub: &Hub) {
        let changes = changes(hub);
        let decided = |it: &Value| time(&it["decided"]);
        let both = PEOPLE.map(|it| {
            let own = |change: &&Value| change["subject"] == format!("person:{it}");
            changes.iter().find(own).map(decided).unwrap().secs() + 1
        });
        let first = both.into_iter().max().unwrap();
        let last = time(&now(hub)["at"]).secs();
        self.carbon.wait_for(&SERIES, first - 1, last);
        for (at, name) in SERIES.iter().enumerate() {
            let want = (first..=last).map(|second| {
                let until = |it: &&Value| decided(it) <= Time::from_secs(second);
                (second, Some(journal(changes.iter().filter(until))[at]))
            });
            let want = want.collect::<BTreeMap<_, _>>();
            hub.until(&format!("{name} in Graphite as the journal has it: {changes:#?}"), |_| {
                (self.carbon.fetch(name, first - 1, last) == want).then_some(())
            });
        }
    }

    fn muster(&self, args: &[&str]) -> Command {
        let program = Path::new(env!("CARGO_BIN_EXE_muster"));
        let mut command = self.bed.as_nobody(Rights::NetRaw, program);
        self.home.furnish(&mut command);
        command.args(args);
        command
    }
}

/// Does a piece of work in the hub's namespace, whose loopback nobody else has.
pub(crate) fn inside(bed: &Bed, work: impl FnOnce() + Send) {
    let space = File::open(bed.hub_space()).unwrap();
    let entered = || {
        move_into_link_name_space(space.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
        work();
    };
    if let Err(panic) = thread::scope(|it| it.spawn(entered).join()) {
        resume_unwind(panic);
    }
}

/// The hub's picture of now.
pub(crate) fn now(hub: &Hub) -> Value {
    hub.get("/api/v1/now").json()
}

/// The device that has an address.
pub(crate) fn device(hub: &Hub, ip: &str) -> Option<Value> {
    let all = hub.get("/api/v1/devices").json()["items"].clone();
    let has = |it: &&Value| it["ips"].as_array().is_some_and(|all| all.contains(&ip.into()));
    all.as_array()?.iter().find(has).cloned()
}

/// The journal's word for each decision about the presence of people and of what is theirs, with
/// its subject and its time.
pub(crate) fn moves(hub: &Hub) -> Vec<(String, String, Time)> {
    const WORDS: [&str; 6] = ["arrived", "left", "moved", "unknown", "known", "corrected"];
    let text = |it: &Value| it.as_str().unwrap_or_default().to_owned();
    let theirs =
        |it: &Value| it["owner"].is_string() || text(&it["subject"]).starts_with("person:");
    let decisions =
        changes(hub).into_iter().filter(|it| theirs(it) && WORDS.contains(&&*text(&it["kind"])));
    decisions.map(|it| (text(&it["kind"]), text(&it["subject"]), time(&it["at"]))).collect()
}

pub(crate) fn time(text: &Value) -> Time {
    text.as_str().and_then(|it| it.parse().ok()).unwrap_or_else(|| panic!("no time: {text}"))
}

fn changes(hub: &Hub) -> Vec<Value> {
    hub.get("/api/v1/changes?limit=1000").json()["items"].as_array().unwrap().clone()
}

/// What a list of people, as JSON, says of the two.
fn picture(people: &Value) -> [String; 2] {
    let all = people.as_array().unwrap();
    PEOPLE.map(|name| {
        let found = all.iter().find(|it| it["name"] == name);
        found.and_then(|it| it["presence"].as_str()).unwrap_or_default().to_owned()
    })
}

/// What the page says of them: the word beside the name.
fn page(html: &str) -> [String; 2] {
    PEOPLE.map(|name| {
        let card = html.split("<article ").find(|it| it.contains(&format!("<h2>{name}</h2>")));
        let state =
            card.and_then(|it| it.split_once("<span class=\"state ")?.1.split_once("</span>"));
        let word = state.and_then(|(_, it)| it.split_once("</span>"));
        let word = word.map_or_else(|| panic!("no card of {name}: {html}"), |it| it.0);
        if word == "here" { "present".to_owned() } else { word.to_owned() }
    })
}

/// What the series have to be while this is believed. Who becomes unknown keeps the value.
fn series([anna, ben]: Picture) -> [u16; 6] {
    let is_home = |it: &str| u16::from(it != "away");
    let known = |it: &str| u16::from(it != "unknown");
    let (one, two) = (is_home(anna), is_home(ben));
    [one, known(anna), two, known(ben), one + two, one.max(two)]
}

/// What the series have to be after these changes.
fn journal<'a>(changes: impl Iterator<Item = &'a Value>) -> [u16; 6] {
    let mut believed = ["away"; 2];
    for it in changes {
        let Some(who) = PEOPLE.iter().position(|name| it["subject"] == format!("person:{name}"))
        else {
            continue;
        };
        match it["kind"].as_str() {
            Some("arrived" | "known") => believed[who] = "present",
            Some("left") => believed[who] = "away",
            Some("unknown") => believed[who] = "unknown",
            _ => {}
        }
    }
    series(believed)
}

pub(crate) const PEOPLE: [&str; 2] = ["anna", "ben"];

const SERIES: [&str; 6] =
    ["anna/is_home", "anna/known", "ben/is_home", "ben/known", "count_home", "anyone_home"];

/// The shortest patience that there is, with devices that are asked more often than phones.
const IMPATIENT: &str = r#"
[sources.lan]
interfaces = ["va0"]
[sources.ble]
enabled = false
[presence]
unknown_after = "30s"
[presence.lan_other]
away_after = "30s"
misses = 1
[sinks.graphite]
enabled = true
every = "1s"
"#;
