//! What takes root to try: the hub that root starts, which does not stay it, and a hub that
//! nobody runs on a real network.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests")]

#[path = "../../../tests/peers/carbon_cache.rs"]
mod carbon_cache;

mod common;

#[path = "root/house.rs"]
mod house;

#[path = "root/lan.rs"]
mod lan;

#[path = "../../../tests/peers/network.rs"]
mod network;

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::Path;

use common::{Home, Hub, failed};
use nix::unistd::{User, geteuid};
use serde_json::json;

/// A home, and the user whom root becomes when everything there is root's.
fn roots_home() -> (Home, u32) {
    assert!(geteuid().is_root(), "this test stops being root: sudo -E cargo nextest run");
    let known = |it| User::from_name(it).unwrap();
    let user = known("muster").or_else(|| known("nobody")).expect("a user for services");
    (Home::new(), user.uid.as_raw())
}

/// The values of a line in `/proc/PID/status`.
fn status(pid: u32, key: &str) -> Vec<String> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = text.lines().find_map(|it| it.strip_prefix(&format!("{key}:")));
    line.unwrap().split_whitespace().map(str::to_owned).collect()
}

fn capabilities(pid: u32, set: &str) -> u64 {
    u64::from_str_radix(&status(pid, set)[0], 16).unwrap()
}

#[track_caller]
fn is_nobody_special(hub: &Hub, uid: u32) {
    let uids = status(hub.pid(), "Uid");
    assert_eq!(uids, vec![uid.to_string(); 4], "real, effective, saved, file system");
    assert!(!status(hub.pid(), "Gid").contains(&"0".to_owned()));
    assert!(!status(hub.pid(), "Groups").contains(&"0".to_owned()));
    assert_eq!(status(hub.pid(), "NoNewPrivs"), ["1"]);
    let mine = capabilities(std::process::id(), "CapEff");
    for set in ["CapEff", "CapPrm"] {
        assert_eq!(capabilities(hub.pid(), set), mine & NET_RAW, "{set}");
    }
    for set in ["CapInh", "CapAmb"] {
        assert_eq!(capabilities(hub.pid(), set), 0, "{set}");
    }
    assert_eq!(capabilities(hub.pid(), "CapBnd") & !NET_RAW, 0);
}

#[track_caller]
fn all_belongs_to(folder: &Path, uid: u32) {
    assert_eq!(fs::metadata(folder).unwrap().uid(), uid);
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().uid(), uid, "{}", entry.path().display());
    }
}

#[test]
fn root_becomes_somebody_who_has_the_folder_and_stays_in_charge() {
    let (home, nobody) = roots_home();
    let hub = home.serve();
    is_nobody_special(&hub, nobody);
    assert!(hub.said.contains("started as root: runs as "), "{}", hub.said);
    let person = json!({"name": "anna"});
    assert_eq!(hub.ask("POST", "/api/v1/people", Some(&person)).status, 201);
    let run = |args: &[&str]| {
        let output = home.run(args);
        assert!(output.status.success(), "{args:?}: {output:?}");
    };
    run(&["person", "add", "bert"]);
    run(&["backup", "while-it-runs.db"]);
    assert_eq!(fs::metadata(home.path().join("while-it-runs.db")).unwrap().uid(), 0);
    all_belongs_to(&home.data(), nobody);
    hub.kill();

    // The log is there and its hub is not: whoever looks now makes files.
    run(&["who"]);
    run(&["backup", "after-it.db"]);
    run(&["person", "add", "cleo"]);
    all_belongs_to(&home.data(), nobody);
    let hub = home.serve();
    is_nobody_special(&hub, nobody);
    for name in ["anna", "bert", "cleo"] {
        assert_eq!(hub.get(&format!("/api/v1/people/{name}")).status, 200, "{name}");
    }
    drop(hub.terminate());

    fs::set_permissions(home.path(), Permissions::from_mode(0o711)).unwrap();
    run(&["restore", "while-it-runs.db", "--replace"]);
    all_belongs_to(&home.data(), nobody);
    let hub = home.serve();
    assert_eq!(hub.get("/api/v1/people/bert").status, 200);
    assert_eq!(hub.get("/api/v1/people/cleo").status, 404);
}

#[test]
fn in_somebody_elses_home_root_becomes_them() {
    let (home, _) = roots_home();
    chown(home.path(), Some(SOMEBODY), Some(SOMEBODY)).unwrap();
    let mut command = home.muster(&["serve", "--listen", "127.0.0.1:0", "--data", "new/data"]);
    command.env_remove("MUSTER_DATA");
    let hub = Hub::start(command);
    is_nobody_special(&hub, SOMEBODY);
    assert_eq!(fs::metadata(home.path().join("new")).unwrap().uid(), SOMEBODY);
    all_belongs_to(&home.path().join("new/data"), SOMEBODY);
}

#[test]
fn what_root_made_before_is_given_with_the_folder_and_nothing_else() {
    let (home, nobody) = roots_home();
    fs::create_dir(home.data()).unwrap();
    fs::write(home.data().join("muster.toml"), "").unwrap();
    let (code, said) = failed(&home.run(&["serve", "--listen", "127.0.0.1:0"]));
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("holds other things") && said.contains("hint: "), "{said}");
    assert_eq!(fs::metadata(home.data()).unwrap().uid(), 0, "nothing was given away");

    let facts = home.path().join("facts.jsonl");
    fs::write(&facts, "").unwrap();
    let (facts, data) = (facts.display().to_string(), home.data().display().to_string());
    assert!(home.run(&["replay", &facts, "--into", &data]).status.success());
    assert_eq!(fs::metadata(home.data().join("muster.db")).unwrap().uid(), 0);
    let hub = home.serve();
    is_nobody_special(&hub, nobody);
    let owner = |it: &str| fs::metadata(home.data().join(it)).unwrap().uid();
    assert_eq!((owner("muster.db"), owner("muster.toml")), (nobody, 0));
}

#[test]
fn in_somebody_elses_folder_root_makes_nothing_that_they_could_not() {
    let (home, _) = roots_home();
    chown(home.path(), Some(SOMEBODY), Some(SOMEBODY)).unwrap();
    fs::set_permissions(home.path(), Permissions::from_mode(0o555)).unwrap();
    let (code, said) = failed(&home.run(&["serve", "--listen", "127.0.0.1:0"]));
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("cannot be made"), "{said}");
    assert!(!home.data().exists());
}

#[test]
fn no_link_on_the_way_gives_roots_folder_away() {
    let (home, nobody) = roots_home();
    let [theirs, roots] = ["theirs", "roots"].map(|it| home.path().join(it));
    for folder in [&theirs, &roots] {
        fs::create_dir(folder).unwrap();
    }
    chown(&theirs, Some(SOMEBODY), Some(SOMEBODY)).unwrap();
    fs::create_dir(roots.join("inner")).unwrap();
    symlink(roots.join("inner"), theirs.join("data")).unwrap();
    symlink(&roots, theirs.join("way")).unwrap();
    for data in ["theirs/data", "theirs/way/inner", "theirs/way/new"] {
        let data = home.path().join(data).display().to_string();
        let args = ["serve", "--listen", "127.0.0.1:0", "--data", &data];
        let (code, said) = failed(&home.run(&args));
        assert_eq!(code, 4, "{data}: {said}");
        assert!(said.contains("hint: "), "{said}");
    }
    for folder in [&roots, &roots.join("inner")] {
        assert_eq!(fs::metadata(folder).unwrap().uid(), 0, "{}", folder.display());
    }
    // Where the way is root's as well, a folder is made and given.
    let data = roots.join("a/b").display().to_string();
    let hub = Hub::start(home.muster(&["serve", "--listen", "127.0.0.1:0", "--data", &data]));
    is_nobody_special(&hub, nobody);
    assert_eq!(fs::metadata(roots.join("a")).unwrap().uid(), nobody);
    all_belongs_to(&roots.join("a/b"), nobody);
}

#[test]
fn in_somebody_elses_folder_nothing_of_roots_is_given_away() {
    let (home, _) = roots_home();
    fs::create_dir(home.data()).unwrap();
    chown(home.data(), Some(SOMEBODY), Some(SOMEBODY)).unwrap();
    let file = home.data().join("muster.before-restore");
    fs::write(&file, "a secret").unwrap();
    let (code, said) = failed(&home.run(&["serve", "--listen", "127.0.0.1:0"]));
    assert_eq!(fs::metadata(&file).unwrap().uid(), 0, "{said}");
    assert_eq!(code, 4, "{said}");
    let command = format!("chown -h {SOMEBODY}:{SOMEBODY} {}", file.display());
    assert!(said.contains(&command), "{said}");
    chown(&file, Some(SOMEBODY), Some(SOMEBODY)).unwrap();
    fs::remove_file(&file).unwrap();
    is_nobody_special(&home.serve(), SOMEBODY);
}

#[test]
fn a_folder_out_of_reach_is_said() {
    let (home, _) = roots_home();
    fs::set_permissions(home.path(), Permissions::from_mode(0o700)).unwrap();
    let (code, said) = failed(&home.run(&["serve", "--listen", "127.0.0.1:0"]));
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("hint: started as root it runs as "), "{said}");
}

#[test]
fn a_backup_where_one_may_not_write_is_not_allowed() {
    let (home, _) = roots_home();
    let roots = home.path().join("roots");
    fs::create_dir(&roots).unwrap();
    let copy = roots.join("copy.db").display().to_string();
    let output = home.muster(&["backup", &copy]).uid(SOMEBODY).gid(SOMEBODY).output().unwrap();
    let (code, said) = failed(&output);
    assert_eq!(code, 4, "{said}");
    let what = format!("error: not allowed to write in: {}", roots.display());
    assert!(said.contains(&what) && said.contains("hint: "), "{said}");
}

#[test]
fn what_root_restores_belongs_to_whom_the_folder_belongs() {
    let (home, _) = roots_home();
    drop(home.serve());
    let archive = home.path().join("all.gz").display().to_string();
    assert!(home.run(&["archive", &archive]).status.success());
    let theirs = home.path().join("theirs");
    for data in ["made", "new/data"] {
        let data = theirs.join(data);
        fs::create_dir_all(theirs.join("made")).unwrap();
        for it in [&theirs, &theirs.join("made")] {
            chown(it, Some(SOMEBODY), Some(SOMEBODY)).unwrap();
        }
        let to = data.display().to_string();
        let done = home.run(&["restore", &archive, "--data", &to]);
        assert!(done.status.success(), "{done:?}");
        all_belongs_to(&data, SOMEBODY);
        all_belongs_to(&theirs, SOMEBODY);
    }
    // What they may not make is not made for them, and nothing is left.
    fs::set_permissions(&theirs, Permissions::from_mode(0o555)).unwrap();
    let to = theirs.join("more").display().to_string();
    let (code, said) = failed(&home.run(&["restore", &archive, "--data", &to]));
    assert!(code == 4 && said.contains("hint: "), "{said}");
    assert!(!theirs.join("more").exists());
}

#[test]
fn a_copy_that_cannot_be_written_is_told_of_its_file() {
    let (home, nobody) = roots_home();
    drop(home.serve());
    // Where its owner may not write.
    let there = home.path().join("moved");
    let to = there.display().to_string();
    let (code, said) = failed(&home.run(&["store", "move", "--to", &to]));
    assert_eq!(code, 4, "{said}");
    let who = User::from_uid(nix::unistd::Uid::from_raw(nobody)).unwrap().unwrap().name;
    let command = format!("install -d -o {who} -m 700 {to}");
    assert!(said.contains(&command), "{said}");
    let done = std::process::Command::new("sh").args(["-c", &command]).output().unwrap();
    assert!(done.status.success(), "{done:?}");
    assert!(home.run(&["store", "move", "--to", &to]).status.success());
    all_belongs_to(&there, nobody);

    // Where there is no room: on a disk of 8 KiB, all of which is taken.
    let full = home.path().join("full");
    fs::create_dir(&full).unwrap();
    let script =
        "mount -t tmpfs -o size=8k none $1; cat /dev/zero 2>/dev/null > $1/all; exec $2 $3 $1/copy";
    for command in ["archive", "backup"] {
        let mut unshare = std::process::Command::new("unshare");
        unshare.args(["--mount", "sh", "-c", script, "sh"]).arg(&full);
        unshare.args([env!("CARGO_BIN_EXE_muster"), command]);
        home.furnish(&mut unshare);
        let (code, said) = failed(&unshare.output().unwrap());
        assert_eq!(code, 1, "{said}");
        assert!(said.contains("caused by: disk full\n"), "{said}");
        assert!(
            said.contains("hint: make room on its disk") && !said.contains("store is"),
            "{said}"
        );
    }
}

#[test]
fn a_password_that_its_reader_cannot_read_is_said_with_what_to_type() {
    let (home, _) = roots_home();
    fs::create_dir(home.data()).unwrap();
    chown(home.data(), Some(SOMEBODY), Some(SOMEBODY)).unwrap();
    let file = home.path().join("password");
    fs::write(&file, "s3cret\n").unwrap();
    let configured = fs::read_to_string(home.path().join("muster.toml")).unwrap();
    let store = |file: &Path| {
        let url = "url = \"postgres://muster@127.0.0.1:1/home\"";
        let store = format!("\n[store]\n{url}\npassword_file = \"{}\"\n", file.display());
        fs::write(home.path().join("muster.toml"), format!("{configured}{store}")).unwrap();
    };
    let asked: [&[&str]; 3] =
        [&["doctor", "--store"], &["who"], &["serve", "--listen", "127.0.0.1:0"]];
    let says = |exit: i32, hint: &str| {
        for args in asked {
            let done = home.run(args);
            let (code, said) = failed(&done);
            assert_eq!(code, exit, "{said}");
            let table = String::from_utf8_lossy(&done.stdout);
            let what = format!("the password cannot be read by the user {SOMEBODY}: ");
            assert!(said.contains(&what) || table.contains(&what), "{said}{table}");
            assert!(said.contains(hint), "{args:?}: {said}");
        }
    };
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    store(&file);
    let path = file.display();
    says(4, &format!("hint: as root: chown {SOMEBODY} {path} && chmod 600 {path}\n"));
    // In a folder that nobody else gets into.
    let roots = home.path().join("roots");
    fs::create_dir(&roots).unwrap();
    fs::set_permissions(&roots, Permissions::from_mode(0o700)).unwrap();
    fs::copy(&file, roots.join("password")).unwrap();
    store(&roots.join("password"));
    says(4, &format!("install -D -o {SOMEBODY} -m 600 {}", roots.join("password").display()));
    store(&home.path().join("nowhere"));
    says(2, "hint: give the file with the password in store.password_file\n");
    // Whoever can read it gets as far as the server.
    chown(&file, Some(SOMEBODY), None).unwrap();
    store(&file);
    let (code, said) = failed(&home.run(&["who"]));
    assert!(code == 5 && said.contains("cannot be reached"), "{said}");
}

const NET_RAW: u64 = 1 << 13;
/// A number that no account of this machine has to have.
const SOMEBODY: u32 = 4_321;
