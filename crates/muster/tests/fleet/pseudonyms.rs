//! Strangers leave no trace where pseudonyms are on: not in a store or its log, not in a spool, a backup,
//! a page, an answer, a report or a log that says everything. Without them they are found everywhere,
//! so that whoever looks here can see.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::client::invited;
use super::common::{Answer, Home, answered, failed, send};
use super::fault_proxy::{Fault, FaultProxy};
use super::faults::written;
use super::monitor::EVERYTHING_IS_WRITTEN;
use super::peer::now;
use super::process::Monitor as Process;

/// A household and the street before it.
struct Street {
    hub: Home,
    process: Process,
    address: SocketAddr,
    room: Home,
    way: FaultProxy,
    monitor: Process,
    heard: PathBuf,
}

impl Street {
    fn new(pseudonyms: bool) -> Self {
        let hub = Home::new();
        let file = hub.path().join("muster.toml");
        let before = fs::read_to_string(&file).unwrap();
        let rotation = rotation();
        let more = format!(
            "[ingest]\nlisten = \"127.0.0.1:0\"\n\n[privacy]\npseudonyms = {pseudonyms}\nrotation = \"{rotation}h\"\n\n\
             [[people]]\nname = \"anna\"\ndevices = [\"{DECLARED}\"]\n"
        );
        fs::write(file, format!("{before}\n{more}")).unwrap();
        let mut process = Process::start(talkative(&hub, &["serve", "--listen", "127.0.0.1:0"]));
        let page = process.says("page: http://");
        let address = page.split("http://").nth(1).unwrap().trim_end_matches('/').parse().unwrap();
        for (identity, name) in ADDED {
            let added = hub.run(&["device", "add", identity, "--name", name]);
            assert!(added.status.success(), "{added:?}");
        }
        let (exit, said) = failed(&hub.run(&["device", "add", "pseudonym:1f2e3d4c5b6a7988"]));
        assert!(
            exit == 2 && said.contains("add the device by what it is known by itself"),
            "{exit}: {said}"
        );
        let invitation = invited(&hub, &["kitchen"]);
        let way = FaultProxy::to(SocketAddr::from(([127, 0, 0, 1], invitation.port)));
        let room = Home::new();
        fs::write(room.path().join("muster.toml"), EVERYTHING_IS_WRITTEN).unwrap();
        let heard = room.path().join("heard.jsonl");
        fs::write(&heard, "").unwrap();
        let (url, path) = (format!("https://{}", way.address), heard.to_str().unwrap().to_owned());
        let code = format!("{}.{}", invitation.code, invitation.pin);
        let words = ["monitor", "--hub", &url, "--enrol", &code, "--facts", &path];
        let mut monitor = Process::start(talkative(&room, &words));
        monitor.says("the hub answers");
        Self { hub, process, address, room, way, monitor, heard }
    }

    /// The monitor hears these, each with what it says of itself.
    fn hears(&self, all: &[(&str, &str, &str)]) {
        let at = now();
        let mut lines = Vec::new();
        for (source, id, name) in all {
            let who = format!(
                "\"t\":\"{at}\",\"monitor\":\"any\",\"source\":\"{source}\",\"id\":\"{id}\""
            );
            lines.push(format!("{{{who},\"rssi\":-61,\"name\":\"{name}\"}}\n"));
            let detail = format!("\"detail\":\"vendor_class\",\"value\":\"{name}-class\"");
            lines.push(format!("{{{who},{detail}}}\n"));
        }
        let mut file = OpenOptions::new().append(true).open(&self.heard).unwrap();
        file.write_all(lines.concat().as_bytes()).unwrap();
    }

    fn get(&self, path: &str) -> Answer {
        answered(send(self.address, "GET", path, None).unwrap()).expect("an answer")
    }

    /// Waits until the hub knows so many devices.
    fn until_there_are(&self, count: usize) {
        let stream = send(self.address, "GET", "/api/v1/stream", None).unwrap();
        let mut lines = BufReader::new(stream).lines();
        loop {
            let all = self.get("/api/v1/devices?limit=1000");
            let found = all.json()["items"].as_array().map_or(0, Vec::len);
            if found == count {
                return;
            }
            assert!(found < count, "{count} devices: {}", all.body);
            assert!(matches!(lines.next(), Some(Ok(_))), "{count} devices: {}", all.body);
        }
    }

    /// Every page that another one leads to, and every answer of the interface that needs no more than
    /// the number of a device.
    fn pages(&self) -> String {
        let described = self.get("/api/v1/openapi.json").json();
        let paths = described["paths"].as_object().unwrap();
        let mut waiting: Vec<String> = vec!["/".to_owned(), "/metrics".to_owned()];
        for (path, how) in paths {
            let is_endless = path.ends_with("/stream") || path.contains("backup");
            if how.get("get").is_some() && !is_endless {
                waiting.extend((1..=20).map(|it| path.replace("{id}", &it.to_string())));
            }
        }
        let (mut seen, mut said) = (BTreeSet::new(), String::new());
        while let Some(path) = waiting.pop() {
            if path.contains('{') || seen.len() > MOST_PAGES || !seen.insert(path.clone()) {
                continue;
            }
            let Some(Answer { body, .. }) =
                answered(send(self.address, "GET", &path, None).unwrap())
            else {
                continue;
            };
            let links = body.split("href=\"").skip(1).filter_map(|it| it.split('"').next());
            let links = links.filter(|it| it.starts_with('/') && !it.contains("/stream"));
            waiting.extend(links.map(|it| it.replace("&amp;", "&")));
            said += &body;
        }
        assert!(seen.len() > 30, "{seen:?}");
        said
    }

    /// What commands print.
    fn printed(&self) -> String {
        let mut said = String::new();
        let mut words: Vec<Vec<&str>> = vec![vec!["who", "--all"], vec!["device", "list"]];
        let numbers: Vec<String> = (1..=12).map(|it| it.to_string()).collect();
        for number in &numbers {
            words.push(vec!["device", "show", number]);
            words.push(vec!["explain", number]);
        }
        let reports = ["hourly", "monitors", "devices", "overlap", "stays", "occupancy", "gaps"];
        for report in reports {
            for format in ["table", "csv", "json"] {
                words.push(vec!["report", report, "--format", format]);
            }
        }
        for words in words {
            let output = self.hub.run(&words);
            said += &String::from_utf8_lossy(&output.stdout);
            said += &String::from_utf8_lossy(&output.stderr);
        }
        said
    }
}

/// A rotation in hours that does not end within this one: whoever stays over its end is two.
fn rotation() -> i64 {
    let hour = now().secs() / 3_600;
    (100..=168).find(|it| hour % it + 1 < *it).unwrap()
}

/// The command, which logs whatever there is to log.
fn talkative(home: &Home, words: &[&str]) -> Command {
    let mut command = home.muster(words);
    command.env("MUSTER_LOG", "trace");
    command
}

/// The bytes of all files below a folder.
fn files(folder: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path));
        } else if path.is_file() {
            all.extend(fs::read(&path).unwrap());
        }
    }
    all
}

/// Every form in which an identity, and what it says of itself, may be written.
fn forms(id: &str, name: &str) -> Vec<Vec<u8>> {
    let (_, value) = id.split_once(':').unwrap();
    let mut all = vec![name.as_bytes().to_vec()];
    let octets: Vec<u8> =
        value.split(':').filter_map(|it| u8::from_str_radix(it, 16).ok()).collect();
    if octets.len() == 6 {
        let mut turned = octets.clone();
        turned.reverse();
        for octets in [octets, turned] {
            for between in [":", "-", "_", ""] {
                let text: Vec<String> = octets.iter().map(|it| format!("{it:02x}")).collect();
                let text = text.join(between);
                all.extend([text.to_uppercase().into_bytes(), text.into_bytes()]);
            }
            all.push(octets);
        }
    } else {
        all.push(value.as_bytes().to_vec());
    }
    all
}

fn holds(bytes: &[u8], form: &[u8]) -> bool {
    let first = form[0];
    let starts = bytes.iter().enumerate().filter(|(_, it)| **it == first);
    starts.into_iter().any(|(at, _)| bytes[at..].starts_with(form))
}

/// Everything that both processes left behind or said, by where.
fn run(pseudonyms: bool) -> BTreeMap<&'static str, Vec<u8>> {
    let mut street = Street::new(pseudonyms);
    let known: Vec<_> =
        ADDED.iter().map(|it| ("ble", it.0, "Known")).chain([("ble", DECLARED, "Known")]).collect();
    street.hears(&known);
    street.hears(&STRANGERS[..3]);
    street.until_there_are(known.len() + 3);
    street.way.set(Fault::Cut);
    street.hears(&STRANGERS);
    street.monitor.says("the hub is not reached, facts are kept: ");
    let mut found = BTreeMap::new();
    // Whatever a thief would find on the monitor's card, as soon as it is there.
    let facts = 3 * STRANGERS.len() as u64;
    assert!((0..TRIES).any(|_| written(&street.room) >= facts), "they were never written down");
    found.insert("monitor's folder", files(&street.room.data()));
    street.way.set(Fault::None);
    street.monitor.says("the hub has all that waited");
    street.until_there_are(known.len() + STRANGERS.len());
    found.insert("pages", street.pages().into_bytes());
    found.insert("commands", street.printed().into_bytes());
    let report = street.hub.run(&["report", "devices", "--format", "json"]);
    let rows: Value = serde_json::from_slice(&report.stdout).unwrap();
    let counted = rows.as_array().map_or(0, Vec::len);
    assert_eq!(counted, known.len() + STRANGERS.len(), "strangers count: {rows}");
    found.insert("hub's folder, while it runs", files(&street.hub.data()));
    let backup = street.hub.path().join("backup.db");
    let made = street.hub.run(&["backup", backup.to_str().unwrap()]);
    assert!(made.status.success(), "{made:?}");
    found.insert("backup", fs::read(&backup).unwrap());
    let (status, said) = street.monitor.terminate();
    assert!(status.success());
    found.insert("monitor's log", said.into_bytes());
    let (status, said) = street.process.terminate();
    assert!(status.success());
    found.insert("hub's log", said.into_bytes());
    found.insert("hub's folder", files(&street.hub.data()));
    found.insert("monitor's folder at the end", files(&street.room.data()));
    if !pseudonyms {
        // Whoever switches them on is told what they do nothing about.
        let file = street.hub.path().join("muster.toml");
        let before = fs::read_to_string(&file).unwrap();
        fs::write(file, before.replace("pseudonyms = false", "pseudonyms = true")).unwrap();
        let mut again = Process::start(street.hub.muster(&["serve", "--listen", "127.0.0.1:0"]));
        again.says(&format!("are stored as they were: {}", STRANGERS.len()));
        again.says("hint: `retention_facts` and `retention_journal`");
    }
    found
}

#[test]
fn no_trace_of_a_stranger_is_found_by_searching_everything() {
    let found = run(true);
    for (place, bytes) in &found {
        for (_, id, name) in STRANGERS {
            for form in forms(id, name) {
                let shown = String::from_utf8_lossy(&form).into_owned();
                assert!(!holds(bytes, &form), "{id} is in {place} as {shown} {form:02x?}");
            }
        }
    }
    // Whoever is known is there under its own name.
    for place in ["pages", "commands", "backup", "hub's folder"] {
        for (id, _) in ADDED {
            let (_, value) = id.split_once(':').unwrap();
            assert!(holds(&found[place], value.as_bytes()), "{id} is not in {place}");
        }
        assert!(holds(&found[place], DECLARED.split_once(':').unwrap().1.as_bytes()));
        assert!(holds(&found[place], b"pseudonym"), "{place}");
    }
    assert!(found["hub's log"].len() > 10_000, "it says everything");
}

#[test]
fn without_pseudonyms_the_same_search_finds_every_stranger() {
    let found = run(false);
    for place in ["pages", "commands", "backup", "hub's folder", "hub's folder, while it runs"] {
        for (_, id, _) in STRANGERS {
            let is_there = forms(id, id).iter().any(|it| holds(&found[place], it));
            assert!(is_there, "{id} is not in {place}");
        }
    }
    for (_, _, name) in STRANGERS {
        assert!(holds(&found["backup"], name.as_bytes()), "{name}");
    }
    // A spool is sealed in any case.
    for (_, id, name) in STRANGERS {
        for form in forms(id, name) {
            assert!(!holds(&found["monitor's folder"], &form), "{id} is in the spool: {form:02x?}");
        }
    }
}

/// Whom people know: an address on the network, one of low energy, a beacon.
const ADDED: [(&str, &str); 3] = [
    ("mac:b8:27:eb:4d:6e:21", "Printer"),
    ("ble:7c:2f:80:a9:5c:33", "Watch"),
    ("ibeacon:f7826da6-4fa2-4e98-8024-bc5b71e0893e-7-9", "Keys"),
];
const DECLARED: &str = "ble:d1:5e:92:77:0b:48";
/// Source, identity and name of those who pass by: a laptop, public and static addresses, classic
/// Bluetooth, beacons, a badge.
const STRANGERS: [(&str, &str, &str); 8] = [
    ("lan", "mac:9c:b6:d0:e3:71:5a", "Zoltans-Laptop"),
    ("ble", "ble:a4:c1:38:6b:9f:d2", "Yvonnes Band"),
    ("ble", "ble:f3:8d:27:c4:51:ae", "Xavers Earbuds"),
    ("classic", "bt:58:2f:c7:9b:d4:16", "Wilmas Phone"),
    ("ble", "ibeacon:3c9d8f1e-5b7a-4c62-9d0e-71f2a84b6c35-513-2047", "Veras Beacon"),
    ("ble", "eddystone:8b0ca750e7a7b14ed4c3-9f31c27a64d8", "Udos Tag"),
    ("ble", "tag:ATT-USER-5d9c1e7b", "Tinas Badge"),
    ("ble", "name:Siegfrieds Heart Rate 4711", "Siegfrieds Heart Rate 4711"),
];
/// Looking takes some milliseconds each time: far longer than a tired disk needs.
const TRIES: usize = 20_000;
/// More than there are.
const MOST_PAGES: usize = 400;
