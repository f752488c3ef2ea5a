//! The hub as a process: what it says at start, what it refuses, what survives its end.

mod common;

use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

use common::{Home, Hub, failed};
use serde_json::json;

#[test]
fn an_empty_folder_is_enough() {
    let home = Home::new();
    fs::remove_file(home.path().join("muster.toml")).unwrap();
    let mut command = home.muster(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("MUSTER__SOURCES__LAN__ENABLED", "false");
    let hub = Hub::start(command);
    assert_eq!(hub.get("/healthz").status, 200);
    assert_eq!(hub.get("/readyz").status, 200);
    assert!(hub.said.contains(&format!("data: {}", home.data().display())), "{}", hub.said);
    assert!(hub.said.contains("configuration: none, the defaults hold\n"), "{}", hub.said);
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(home.data()), 0o700);
    assert_eq!(mode(home.data().join("muster.sock")), 0o600);
    assert!(home.data().join("muster.db").exists());
}

#[test]
fn the_file_in_use_is_said_and_how_a_demonstration_is_asked() {
    let home = Home::new();
    let hub = home.serve();
    assert!(hub.said.contains("configuration: muster.toml\n"), "{}", hub.said);
    drop(hub);
    let demo = Hub::start(home.muster(&["serve", "--demo", "--listen", "127.0.0.1:0"]));
    let (_, asked) = demo.said.split_once("in another terminal: muster ").unwrap();
    let words: Vec<&str> = asked.lines().next().unwrap().split(' ').collect();
    let note = "simulated: nobody and nothing of this is real\n";
    let ask = |command: &[&str]| {
        let mut all = command.to_vec();
        all.extend_from_slice(&words[1..]);
        let asked = home.run(&all);
        assert!(asked.status.success(), "{asked:?}");
        let text = |it: Vec<u8>| String::from_utf8(it).unwrap();
        (text(asked.stdout), text(asked.stderr))
    };
    assert_eq!(words[0], "who");
    for command in ["who", "device list", "person list", "report stays", "explain 1"] {
        let command: Vec<&str> = command.split(' ').collect();
        let (out, err) = ask(&command);
        assert!(err.starts_with(note) && !out.contains("imulated"), "{command:?}: {out}{err}");
    }
    assert!(!ask(&["who", "--quiet"]).1.contains("imulated"));
    assert!(ask(&["who", "--all", "--format", "json"]).0.contains("\"simulated\":true"));
}

#[test]
fn a_signal_ends_it_in_order_and_nothing_is_lost() {
    let home = Home::new();
    let hub = home.serve();
    let made = hub.ask("POST", "/api/v1/people", Some(&json!({"name": "anna"})));
    assert_eq!(made.status, 201, "{made:?}");
    let (status, said) = hub.terminate();
    assert!(status.success(), "{status}: {said}");
    assert!(!home.data().join("muster.sock").exists(), "the socket is gone with its hub");
    let hub = home.serve();
    assert_eq!(hub.get("/api/v1/people/anna").status, 200);
}

#[test]
fn a_busy_port_is_said_with_another_to_try() {
    let home = Home::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, said) = failed(&home.run(&["serve", "--listen", &address]));
    assert_eq!(code, 5, "{said}");
    assert!(said.contains(&address) && said.contains("hint: choose another port"), "{said}");
}

#[test]
fn other_machines_are_not_served() {
    let home = Home::new();
    let (code, said) = failed(&home.run(&["serve", "--listen", "0.0.0.0:8080"]));
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("hint: ") && said.contains("ssh -L"), "{said}");
    assert!(!home.data().exists(), "refused before anything is made");
}

#[test]
fn a_folder_that_cannot_be_written_is_said() {
    let home = Home::new();
    fs::create_dir(home.data()).unwrap();
    fs::set_permissions(home.data(), Permissions::from_mode(0o500)).unwrap();
    let (code, said) = failed(&home.run(&["serve", "--listen", "127.0.0.1:0"]));
    fs::set_permissions(home.data(), Permissions::from_mode(0o700)).unwrap();
    assert_eq!(code, 4, "{said}");
    assert!(said.contains(&home.data().display().to_string()), "{said}");
}

#[test]
fn one_hub_a_folder() {
    let home = Home::new();
    let first = home.serve();
    let lock = fs::metadata(home.data().join("muster.lock")).unwrap();
    assert_eq!(lock.permissions().mode() & 0o777, 0o600, "nobody else takes it");
    let (code, said) = failed(&home.run(&["serve", "--listen", "127.0.0.1:0"]));
    assert_eq!(code, 5, "{said}");
    assert!(said.contains("in use by another muster") && said.contains("hint: "), "{said}");
    assert!(!said.contains("would block") && !said.contains("muster::"), "{said}");
    assert_eq!(first.get("/healthz").status, 200, "the first one does not notice");
}

#[test]
fn a_command_that_is_just_writing_is_waited_for() {
    let home = Home::new();
    drop(home.serve());
    let lock = fs::File::open(home.data().join("muster.lock")).unwrap();
    lock.lock().unwrap();
    fs::write(home.data().join("muster.lock"), std::process::id().to_string()).unwrap();
    let mut command = home.muster(&["serve", "--listen", "127.0.0.1:0"]);
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut said = |words: &str| lines.by_ref().any(|it| it.unwrap().contains(words));
    assert!(said("already in use by another muster"), "it says whom it waits for");
    lock.unlock().unwrap();
    assert!(said("page: http://"), "and goes on");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn idle_connections_keep_no_administrator_out() {
    let home = Home::new();
    let mut command = Command::new("sh");
    let script = "ulimit -n 64; exec \"$0\" serve --listen 127.0.0.1:0";
    command.args(["-c", script, env!("CARGO_BIN_EXE_muster")]);
    home.furnish(&mut command);
    let hub = Hub::start(command);
    let idle: Vec<_> = (0..100).map(|_| TcpStream::connect(hub.address).unwrap()).collect();
    for _ in 0..3 {
        let who = home.run(&["who"]);
        assert!(who.status.success(), "{who:?}");
    }
    drop(idle);
    assert_eq!(hub.get("/readyz").status, 200);
}

#[test]
fn without_its_data_folder_nothing_is_acknowledged() {
    let home = Home::new();
    let hub = home.serve();
    let add = |name: &str| hub.ask("POST", "/api/v1/people", Some(&json!({"name": name})));
    assert_eq!(add("anna").status, 201);
    let elsewhere = home.path().join("elsewhere");
    fs::rename(home.data(), &elsewhere).unwrap();
    let refused = add("ben");
    assert_eq!(refused.status, 503, "{refused:?}");
    assert!(refused.body.contains("muster.db is gone"), "{refused:?}");
    let ready = hub.get("/readyz");
    assert_eq!(ready.status, 503, "{ready:?}");
    fs::rename(&elsewhere, home.data()).unwrap();
    hub.until("recovery", |hub| (hub.get("/readyz").status == 200).then_some(()));
    drop(hub.terminate());
    assert_eq!(home.serve().get("/api/v1/people/ben").status, 200, "it was kept until then");
}

#[test]
fn a_damaged_store_is_said_and_left_alone() {
    let home = Home::new();
    fs::create_dir(home.data()).unwrap();
    let file = home.data().join("muster.db");
    let noise = "these are not the rows you are looking for\n".repeat(500);
    fs::write(&file, &noise).unwrap();
    let (code, said) = failed(&home.run(&["serve", "--listen", "127.0.0.1:0"]));
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("damaged") && said.contains("hint: put a backup"), "{said}");
    assert_eq!(fs::read_to_string(&file).unwrap(), noise);
}

#[test]
fn killed_at_any_moment_it_has_what_it_said_it_has() {
    let home = Home::new();
    let person = |it: usize| json!({"name": format!("p{it}")});
    let (mut tried, mut made) = (0, Vec::new());
    for round in 0..6 {
        let hub = home.serve();
        // A different number of answered edits each time, and some that are on their way: of each
        // of them nothing is known but what its answer said, if there was one.
        for _ in 0..=round * 3 {
            assert_eq!(hub.ask("POST", "/api/v1/people", Some(&person(tried))).status, 201);
            made.push(tried);
            tried += 1;
        }
        let address = hub.address;
        let under_way: Vec<_> = (tried..tried + ON_THEIR_WAY)
            .map(|it| {
                let body = person(it);
                let asked = common::send(address, "POST", "/api/v1/people", Some(&body)).unwrap();
                (it, asked)
            })
            .collect();
        tried += ON_THEIR_WAY;
        hub.kill();
        for (it, asked) in under_way {
            if common::answered(asked).is_some_and(|it| it.status == 201) {
                made.push(it);
            }
        }
    }
    let hub = home.serve();
    for it in &made {
        assert_eq!(hub.get(&format!("/api/v1/people/p{it}")).status, 200, "p{it} of {tried}");
    }
    let all = hub.get("/api/v1/people?limit=1000").json()["items"].as_array().unwrap().len();
    assert!(made.len() <= all && all <= tried, "{} answered, {all} there", made.len());
}

#[test]
fn a_sink_that_does_not_get_through_is_shown() {
    let home = Home::new();
    // Nobody listens there any more.
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let settings = format!(
        "[sources.lan]\nenabled = false\n[sinks.graphite]\nenabled = true\naddress = \"{closed}\"\n"
    );
    fs::write(home.path().join("muster.toml"), settings).unwrap();
    let hub = home.serve();
    let sink = hub.until("failure", |hub| {
        let sink = hub.get("/api/v1/sinks").json()["items"][0].clone();
        (sink["state"] == "failing").then_some(sink)
    });
    assert_eq!(sink["target"], closed.to_string());
    assert!(sink["last_error"]["what"].as_str().unwrap().contains("refused"), "{sink}");
    let ready = hub.get("/readyz");
    assert_eq!((ready.status, &ready.json()["status"]), (200, &json!("degraded")));
    let who = String::from_utf8(home.run(&["who"]).stderr).unwrap();
    assert!(who.contains("nothing reaches graphite"), "{who}");
}

#[test]
fn a_restart_moves_nobody() {
    let home = Home::new();
    let now = home.serve().get("/api/v1/now").json()["at"].as_str().unwrap().to_owned();
    let now: jiff::Timestamp = now.parse().unwrap();
    let mut lines = Vec::new();
    for ago in (0..=600).rev().step_by(10) {
        let t = now - jiff::SignedDuration::from_secs(ago);
        let head = format!(r#"{{"t":"{t}","monitor":"hub","source":"lan","channel":"eth0""#);
        let from = t - jiff::SignedDuration::from_secs(10);
        lines.push(format!("{head},\"id\":\"mac:b8:27:eb:01:02:03\"}}"));
        lines.push(format!("{head},\"covered_from\":\"{from}\"}}\n"));
    }
    let file = home.path().join("facts.jsonl");
    fs::write(&file, lines.join("\n")).unwrap();
    let data = home.data();
    let played = home.run(&["replay", file.to_str().unwrap(), "--into", data.to_str().unwrap()]);
    assert!(played.status.success(), "{played:?}");

    let moves = |hub: &Hub| {
        let mut all = hub.changes();
        all.retain(|it| {
            ["arrived", "left", "moved", "corrected"].iter().any(|w| it.starts_with(w))
        });
        all
    };
    for round in 0..4 {
        let hub = home.serve();
        assert_eq!(moves(&hub), ["arrived device:1"], "round {round}");
        let device = hub.get("/api/v1/devices/1").json();
        assert!(["present", "unknown"].contains(&device["presence"].as_str().unwrap()), "{device}");
        if round % 2 == 0 { hub.kill() } else { drop(hub.terminate()) }
    }
}

#[test]
fn on_a_full_disk_live_answers_go_on_and_nothing_has_to_be_restarted() {
    let home = Home::new();
    drop(home.serve().terminate());
    // A limit on the size of files is a full disk that needs no rights.
    let size = fs::metadata(home.data().join("muster.db")).unwrap().len();
    let blocks = size / 512 + 64;
    let script =
        format!("trap '' XFSZ; ulimit -S -f {blocks}; exec \"$0\" serve --listen 127.0.0.1:0");
    let mut command = Command::new("sh");
    command.args(["-c", &script, env!("CARGO_BIN_EXE_muster")]);
    home.furnish(&mut command);
    let hub = Hub::start(command);
    let add = |it: u32| hub.ask("POST", "/api/v1/people", Some(&json!({"name": format!("p{it}")})));
    let first_lost = (0..10_000).find(|it| add(*it).status != 201).expect("the disk gets full");
    assert_eq!(add(first_lost + 1).status, 503);
    let degraded = |hub: &Hub| hub.get("/api/v1/now").json()["degraded"].clone();
    assert!(degraded(&hub).is_string(), "{}", degraded(&hub));
    assert_eq!(hub.get("/api/v1/people/p0").status, 200);

    // Whoever the hub is: started by root it is somebody else.
    let owner = fs::metadata(home.data()).unwrap();
    let more = Command::new("prlimit")
        .uid(owner.uid())
        .gid(owner.gid())
        .args(["--pid", &hub.pid().to_string(), "--fsize=unlimited:unlimited"])
        .output()
        .unwrap();
    assert!(more.status.success(), "{more:?}");
    hub.until("recovery", |hub| degraded(hub).is_null().then_some(()));
    assert_eq!(add(first_lost + 2).status, 201);
    drop(hub.terminate());
    let hub = home.serve();
    assert_eq!(hub.get(&format!("/api/v1/people/p{}", first_lost + 2)).status, 200);
}

#[test]
fn a_demo_shows_a_day_and_leaves_nothing_behind() {
    let home = Home::new();
    fs::set_permissions(home.path(), Permissions::from_mode(0o777)).unwrap();
    let mut command = home.muster(&["serve", "--demo", "--listen", "127.0.0.1:0"]);
    command.env("TMPDIR", home.path());
    let hub = Hub::start(command);
    assert!(hub.said.contains("simulated"), "{}", hub.said);
    let now = hub.get("/api/v1/now").json();
    assert_eq!(now["simulated"], true);
    assert!(now["people"].as_array().is_some_and(|it| it.len() >= 3), "{now}");
    let words = hub.changes();
    assert!(words.iter().filter(|it| it.starts_with("left person")).count() > 0, "{words:?}");
    let last = now["last_change"].as_u64().unwrap();
    hub.until("the next minutes of the household", |hub| {
        let at = hub.get("/api/v1/now").json();
        (at["at"] != now["at"] || at["last_change"].as_u64() > Some(last)).then_some(())
    });
    let beacon = "eddystone:edd1ebeac04e5defa017-0123456789ab";
    let found = hub.get("/api/v1/devices?q=eddystone").json();
    let path = format!("/api/v1/devices/{}", found["items"][0]["id"]);
    hub.until("what a beacon sends", |hub| {
        let sent = hub.get(&format!("{path}/advertisements")).json();
        let known = sent["items"][0]["known_by"].as_array()?.clone();
        known.iter().any(|it| it["identity"] == beacon).then_some(())
    });
    let readings = hub.get(&format!("{path}/signal")).json()["items"][0]["readings"].clone();
    assert!(readings.as_array().is_some_and(|it| it.len() > 9), "{readings}");
    let (_, folder) = hub.said.split_once("--data ").unwrap();
    let folder = folder.lines().next().unwrap();
    for command in ["explain", "device show"] {
        let mut words: Vec<&str> = command.split(' ').collect();
        words.extend([beacon, "--data", folder]);
        let told = String::from_utf8(home.run(&words).stdout).unwrap();
        assert!(told.contains("a beacon, and it keeps its name"), "{command}: {told}");
        assert!(told.contains("no key that was given resolves it"), "{command}: {told}");
        assert!(!told.contains("5e:c8:12"), "a private address is shown: {told}");
    }
    let monitors = hub.get("/api/v1/monitors").json();
    let radio = monitors["items"].as_array().unwrap().iter().find(|it| it["source"] == "ble");
    let radio = radio.unwrap();
    assert!(radio["reports_per_minute"].as_u64() > Some(0), "{radio}");
    assert!(radio["strangers"].as_u64() >= Some(3), "{radio}");
    let (status, said) = hub.terminate();
    assert!(status.success(), "{said}");
    let left: Vec<_> =
        fs::read_dir(home.path()).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert_eq!(left, ["muster.toml"], "neither a store nor a data folder stays");
}

/// More than a commit takes at once.
const ON_THEIR_WAY: usize = 5;
