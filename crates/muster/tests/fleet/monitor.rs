//! `muster monitor`: it is let in, tells what it hears, keeps what nobody takes, and says what is wrong.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use muster_core::fact::FactBody;
use muster_core::identity::Identity;
use muster_core::uplink::Upload;

use super::common::{Home, failed};
use super::peer::{CODE, Mood, Peer, now};
use super::process::Monitor;

/// A fact file that a monitor follows.
pub(crate) struct Heard(PathBuf);

impl Heard {
    pub(crate) fn new(home: &Home) -> Self {
        let path = home.path().join("heard.jsonl");
        fs::write(&path, "").unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> String {
        self.0.to_str().unwrap().to_owned()
    }

    /// Adds a sighting of each of these, so many seconds ago.
    pub(crate) fn add(&self, ago: u64, who: &[u8]) {
        let at = now() - Duration::from_secs(ago);
        let mut file = OpenOptions::new().append(true).open(&self.0).unwrap();
        let line = |it: &u8| {
            format!(
                "{{\"t\":\"{at}\",\"monitor\":\"any\",\"source\":\"ble\",\"channel\":\"hci0\",\
                 \"id\":\"ble:7c:2f:80:a1:b2:{it:02x}\",\"rssi\":-61}}\n"
            )
        };
        file.write_all(who.iter().map(line).collect::<String>().as_bytes()).unwrap();
    }
}

/// The command of a monitor that follows a fact file.
pub(crate) fn following(home: &Home, heard: &Heard) -> Command {
    home.muster(&["monitor", "--facts", &heard.path()])
}

fn enrol(home: &Home, peer: &Peer, more: &[&str]) -> Command {
    enrol_at(home, &peer.url(), peer, more)
}

/// The command of a monitor that is let in by way of another address than the hub's own.
pub(crate) fn enrol_at(home: &Home, url: &str, peer: &Peer, more: &[&str]) -> Command {
    let code = format!("{CODE}.{}", peer.pin);
    let mut words = vec!["monitor", "--hub", url, "--enrol", &code];
    words.extend_from_slice(more);
    home.muster(&words)
}

/// Whom sightings are about, in uploads: the last octet of each, sorted.
pub(crate) fn seen(uploads: &[Upload]) -> Vec<u8> {
    let rows = uploads.iter().flat_map(|it| &it.rows);
    let whom = rows.filter(|it| matches!(it.fact.body, FactBody::Sighting(_)));
    let mut all: Vec<u8> = whom
        .filter_map(|it| match it.fact.body.identity()? {
            Identity::Mac(it) | Identity::Ble(it) => Some(it.0[5]),
            Identity::Bt(_) | Identity::Private(_) | Identity::Text(..) => None,
        })
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

#[test]
fn it_is_let_in_once_and_tells_what_it_hears_from_then_on() {
    let (home, peer) = (Home::new(), Peer::start());
    let heard = Heard::new(&home);
    heard.add(60, &[1, 2]);
    let path = heard.path();
    let mut monitor = Monitor::start(enrol(&home, &peer, &["--facts", &path]));
    monitor.says("monitor: kitchen");
    monitor.says(&format!("hub: {}", peer.url()));
    monitor.says("the hub answers");
    assert!(monitor.said.contains("spool: empty, room for 256 MiB\n"), "{}", monitor.said);
    let all_there = |want: &'static [u8]| move |it: &[Upload]| (seen(it) == want).then_some(());
    peer.until("two devices", all_there(&[1, 2]));
    heard.add(0, &[3]);
    peer.until("a third", all_there(&[1, 2, 3]));
    let (status, said) = monitor.terminate();
    assert!(status.success(), "{said}");
    let kept = home.data().join("hub.toml");
    assert_eq!(fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);
    // It is known from then on, and its uploads say what it is.
    let mut monitor = Monitor::start(following(&home, &heard));
    monitor.says("the hub answers");
    heard.add(0, &[4]);
    peer.until("a fourth", all_there(&[1, 2, 3, 4]));
    let uploads = peer.uploads();
    assert!(uploads.iter().all(|it| &*it.header.monitor == "kitchen"));
    assert!(uploads.iter().all(|it| !it.header.health.simulated));
    assert!(uploads.iter().all(|it| &*it.header.health.version == env!("CARGO_PKG_VERSION")));
}

#[test]
fn what_nobody_takes_survives_a_kill_and_is_told_later() {
    let (home, peer) = (Home::new(), Peer::start());
    let heard = Heard::new(&home);
    fs::write(home.path().join("muster.toml"), EVERYTHING_IS_WRITTEN).unwrap();
    let monitor = Monitor::start(enrol(&home, &peer, &[]));
    peer.until("a first contact", |it| (!it.is_empty()).then_some(()));
    let (status, _) = monitor.terminate();
    assert!(status.success());
    // Its token is revoked: it says so, and keeps what it hears.
    peer.set(Mood::Refuses);
    heard.add(30, &[1, 2, 3]);
    let mut monitor = Monitor::start(following(&home, &heard));
    monitor.says("the hub does not let this monitor in any more, facts are kept");
    monitor.says("hint: on the hub, type `muster monitor enrol NAME`");
    let (status, said) = monitor.terminate();
    assert!(status.success() && said.contains("facts that wait for the hub: 3\n"), "{said}");
    // Another store is behind the address: nothing is given to it.
    peer.set(Mood::HasOtherStore);
    let mut monitor = Monitor::start(home.muster(&["monitor"]));
    monitor.says("spool: 3 facts wait");
    monitor.says("the hub has another store than the one that this monitor tells");
    monitor.kill();
    assert!(seen(&peer.uploads()).is_empty());
    peer.set(Mood::Takes);
    let mut monitor = Monitor::start(home.muster(&["monitor"]));
    monitor.says("spool: 3 facts wait");
    monitor.says("the hub has all that waited");
    assert_eq!(seen(&peer.uploads()), [1, 2, 3]);
    let (status, said) = monitor.terminate();
    assert!(status.success() && !said.contains("facts that wait"), "{said}");
}

#[test]
fn a_fact_file_is_called_what_it_is_and_what_is_wrong_in_it_is_said_once() {
    let (home, peer) = (Home::new(), Peer::start());
    let heard = Heard::new(&home);
    let mut monitor = Monitor::start(enrol(&home, &peer, &["--facts", &heard.path()]));
    monitor.says(&format!("fact file hears: facts of {}", heard.path()));
    fs::write(heard.path(), "{\"t\":1}\n").unwrap();
    let line = monitor.says("line 1 is left out: not a fact: invalid type: ");
    assert_eq!(line.matches("invalid type").count(), 1, "{line}");
    fs::remove_file(heard.path()).unwrap();
    let line = monitor.says(&format!("lost {}: No such file", heard.path()));
    assert!(line.ends_with("source=fact file"), "{line}");
    monitor.says(&format!("fact file cannot use {}: No such file", heard.path()));
    assert!(!monitor.said.contains("gpio"), "{}", monitor.said);
}

#[test]
fn one_look_is_told_or_kept_and_without_ears_there_is_none() {
    let (home, peer) = (Home::new(), Peer::start());
    let known = |it: &mut Command| failed(&it.output().unwrap());
    let (exit, said) = known(&mut home.muster(&["monitor", "--once", "--simulate"]));
    assert_eq!(exit, 2);
    assert!(said.contains("error: this monitor knows no hub\n"), "{said}");
    assert!(said.contains("hint: on the hub, type `muster monitor enrol NAME`"), "{said}");
    // Nothing to listen with: the code is not even used.
    let (exit, said) = known(&mut enrol(&home, &peer, &["--once"]));
    assert_eq!(exit, 5);
    assert!(said.contains("error: there is no Bluetooth adapter\n"), "{said}");
    assert!(peer.uploads().is_empty() && !home.data().join("hub.toml").exists());
    let told = enrol(&home, &peer, &["--once", "--simulate"]).output().unwrap();
    assert!(told.status.success(), "{told:?}");
    let shown = String::from_utf8(told.stdout).unwrap();
    assert!(shown.contains("mac:"), "{shown}");
    let (uploads, heard) = (peer.uploads(), seen(&peer.uploads()));
    assert!(uploads.iter().all(|it| it.header.health.simulated) && !heard.is_empty());
    // What is made up never waits where it could be taken for true.
    drop(peer);
    let (exit, said) = known(&mut home.muster(&["monitor", "--once", "--simulate"]));
    assert_eq!(exit, 5);
    assert!(
        said.contains("error: the hub is not reached; facts that wait in the spool: "),
        "{said}"
    );
    assert!(home.data().join("spool-simulated.db").exists());
    assert!(!home.data().join("spool.db").exists());
}

#[test]
fn a_wrong_code_a_wrong_key_and_a_shared_folder_are_refused() {
    let (home, peer) = (Home::new(), Peer::start());
    let (url, other) = (peer.url(), Peer::start());
    let known = |words: &[&str]| failed(&home.run(words));
    let code = format!("AAAAA-AAAAA.{}", peer.pin);
    let (exit, said) = known(&["monitor", "--hub", &url, "--enrol", &code]);
    assert_eq!(exit, 4);
    assert!(said.contains("error: the hub does not let it in: this code was used\n"), "{said}");
    assert!(said.contains("hint: muster monitor enrol NAME\n"), "{said}");
    let code = format!("{CODE}.{}", other.pin);
    let (exit, said) = known(&["monitor", "--hub", &url, "--enrol", &code]);
    assert_eq!(exit, 5);
    assert!(said.contains("its key is another than the pinned one"), "{said}");
    assert!(!home.data().join("hub.toml").exists());
    let (exit, said) = known(&["monitor", "--hub", "http://192.168.1.10:8129", "--enrol", CODE]);
    assert_eq!(exit, 2);
    assert!(said.contains("without TLS only a hub on this machine is spoken to"), "{said}");
    // One folder is one muster's.
    let hub = home.serve();
    let (exit, said) = known(&["monitor"]);
    assert_eq!(exit, 5);
    assert!(said.contains("another muster runs on this data folder"), "{said}");
    drop(hub);
    let mut monitor = Monitor::start(enrol(&home, &peer, &["--simulate"]));
    monitor.says("simulated: what this monitor tells is made up, and marked so");
    monitor.says("hub: ");
    let (exit, said) = known(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(exit, 5);
    assert!(said.contains("another muster runs on this data folder"), "{said}");
}

#[test]
fn a_spool_that_is_damaged_and_a_memory_that_is_wrong_are_said() {
    let (home, peer) = (Home::new(), Peer::start());
    let told = enrol(&home, &peer, &["--once", "--simulate"]).output().unwrap();
    assert!(told.status.success(), "{told:?}");
    let spool = home.data().join("spool-simulated.db");
    fs::write(spool, "no database, and long enough to be one: ".repeat(99)).unwrap();
    let (exit, said) = failed(&home.run(&["monitor", "--simulate"]));
    assert_eq!(exit, 1);
    assert!(said.contains("error: cannot open the spool\n"), "{said}");
    assert!(said.contains("hint: give up what it holds: mv "), "{said}");
    fs::write(home.data().join("hub.toml"), "hub = 7\n").unwrap();
    let (exit, said) = failed(&home.run(&["monitor"]));
    assert_eq!(exit, 1);
    assert!(said.contains("error: what is remembered of the hub is of no use: "), "{said}");
    let token = home.path().join("token");
    fs::write(&token, "short\n").unwrap();
    let words =
        ["monitor", "--hub", "https://127.0.0.1:9", "--token-file", token.to_str().unwrap()];
    let (exit, said) = failed(&home.run(&words));
    assert_eq!(exit, 2);
    assert!(said.contains("error: there is no token in: "), "{said}");
}

/// Listens to nobody around the tester, and writes everything down before it is told.
pub(crate) const EVERYTHING_IS_WRITTEN: &str = "[sources.lan]\nenabled = false\n\n[sources.ble]\nenabled = false\n\n\
                                     [relay]\npatience = \"0s\"\n";
