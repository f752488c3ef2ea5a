//! What is kept is looked after: what is damaged is found and said.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::Value;

use crate::common::Hub;
use crate::support::House;

#[test]
fn a_whole_store_is_counted_and_a_damaged_one_is_told_of() {
    let house = House::of_a_friday();
    let said = house.ask(&["store", "check"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.err.contains("whole: ") && said.err.contains("in DATA/muster.db"), "{said:?}");
    let table: Value =
        serde_json::from_str(&house.tell(&["store", "check", "--format", "json"])).unwrap();
    let row = |name: &str| {
        let rows = table.as_array().unwrap();
        rows.iter().find(|it| it["table"] == name).unwrap_or_else(|| panic!("{table}")).clone()
    };
    assert_eq!(row("person")["rows"], 2);
    assert_eq!(row("heard")["oldest"], "2026-11-20T06:00:00Z");
    assert_eq!(row("heard")["state"], "whole");
    assert!(row("heard")["bytes"].as_i64().unwrap() > 0);

    // One letter of a name.
    let file = house.path().join("muster.db");
    let mut bytes = std::fs::read(&file).unwrap();
    let at = bytes.windows(4).position(|it| it == b"Anna").unwrap();
    bytes[at + 3] = b'o';
    std::fs::write(&file, bytes).unwrap();
    let said = house.ask(&["store", "check"]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.err.contains("wrong: person: the store is damaged"), "{said:?}");
    assert!(said.err.contains("muster restore FILE --replace"), "{said:?}");
    let damaged = said.out.lines().filter(|it| it.ends_with("damaged")).count();
    assert_eq!(damaged, 1, "{said:?}");

    let empty = House::empty();
    let said = empty.ask(&["store", "check"]);
    assert_eq!(said.code, 5, "{said:?}");
}

/// How many rows of a table a command tells of.
fn rows(house: &House, args: &[&str], table: &str) -> u64 {
    let said = house.tell(&[args, &["--format", "json"]].concat());
    let all: Vec<Value> = serde_json::from_str(&said).expect("a table");
    let found = all.iter().find(|it| it["table"] == table);
    found.map_or(0, |it| it["rows"].as_u64().expect("a number"))
}

#[test]
fn what_is_needed_stays_whatever_the_clock_says() {
    let house = House::of_a_friday();
    // What was judged up to that Friday is not old because a clock says that it is.
    for needed in ["2026-11-01", "2026-10-22", "-1d"] {
        for key in ["--before", "--readings-before", "--journal-before"] {
            let said = house.ask(&["cleanup", key, needed]);
            assert_eq!(said.code, 2, "{said:?}");
            assert!(said.err.contains("younger than 30 days"), "{said:?}");
            assert!(said.err.contains("hint: give a time up to 2026-10-21T"), "{said:?}");
        }
    }
    assert_eq!(house.ask(&["cleanup", "--before", "soon"]).code, 2);
    let said = house.ask(&["cleanup"]);
    assert!(said.code == 0 && said.err.contains("forgotten: 0 facts"), "{said:?}");

    let hub = Hub::start(house.command(&["serve", "--listen", "127.0.0.1:0"]));
    let said = house.ask(&["cleanup"]);
    assert_eq!(said.code, 5, "{said:?}");
    assert!(said.err.contains("a hub forgets by itself"), "{said:?}");
    assert_eq!(house.ask(&["cleanup", "--dry-run"]).code, 0);
    drop(hub);
}

#[test]
fn everything_goes_into_a_file_and_out_of_it() {
    let house = House::lived_in("2026-09-01T06:00:00Z".parse().unwrap());
    house.tell(&["person", "add", "zoe"]);
    let hub = Hub::start(house.command(&["serve", "--listen", "127.0.0.1:0"]));
    let said = house.ask(&["archive", "all.gz"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.err.contains("written and verified: DATA/all.gz ("), "{said:?}");
    let said = house.ask(&["archive", "old.gz", "--forget-before", "2026-09-02"]);
    assert!(said.code == 5 && said.err.contains("stop it first"), "{said:?}");
    drop(hub);
    let there = |table: &str| rows(&house, &["store", "check"], table);
    let (heard, stays) = (there("heard"), there("stay"));

    let said = house.ask(&["archive", "all.gz"]);
    assert!(said.code == 1 && said.err.contains("hint: choose another name"), "{said:?}");
    let said = house.ask(&["archive", "no/such/folder/all.gz"]);
    assert_eq!(said.code, 2, "{said:?}");
    let said = house.ask(&["archive", "old.gz", "--forget-before", "-1d"]);
    assert!(said.code == 2 && said.err.contains("younger than 30 days"), "{said:?}");
    assert!(!house.path().join("old.gz").exists());
    assert_eq!((there("heard"), there("stay")), (heard, stays), "nothing went");
    let said = house.ask(&["archive", "old.gz", "--forget-before", "2026-09-02"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.err.contains("; forgotten: "), "{said:?}");
    let left = (there("heard"), there("stay"));
    // The hub may have heard somebody now.
    assert!(left.0 < heard && left.1 < stays, "{left:?} of {heard}, {stays}");

    // What was forgotten is where the file is restored, and in the end in its old place.
    let other = House::empty();
    let file = house.path().join("old.gz").display().to_string();
    let said = other.ask(&["restore", &file]);
    assert_eq!(said.code, 0, "{said:?}");
    let of = |house: &House, table: &str| rows(house, &["store", "check"], table);
    assert_eq!((of(&other, "heard"), of(&other, "stay")), (heard, stays));
    let report = ["report", "stays", "--from", "2026-09-01", "--to", "2026-09-01"];
    let told = other.tell(&report);
    assert!(told.contains("Anna") && told != house.tell(&report), "{told}");
    let said = house.ask(&["restore", "old.gz"]);
    assert!(said.code == 1 && said.err.contains("there is a store already"), "{said:?}");
    let said = house.ask(&["restore", "old.gz", "--replace"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(house.tell(&report), told);
    assert!(house.path().join("muster.before-restore").exists());

    // Half of it is none.
    let bytes = std::fs::read(house.path().join("old.gz")).unwrap();
    std::fs::write(house.path().join("half.gz"), &bytes[..bytes.len() / 2]).unwrap();
    let empty = House::empty();
    let half = house.path().join("half.gz").display().to_string();
    let said = empty.ask(&["restore", &half]);
    assert!(said.code == 1 && said.err.contains("not a whole archive"), "{said:?}");
    let left: Vec<_> = empty.listing().into_iter().map(|it| it.0).collect();
    assert!(!left.iter().any(|it| it.contains("unfinished") || it == "muster.db"), "{left:?}");
}

#[test]
fn a_restore_tells_its_rows_and_leaves_nothing_where_it_failed() {
    let house = House::of_a_friday();
    let written = house.tell(&["archive", "all.gz", "--format", "json"]);
    let written: Value = serde_json::from_str(&written).unwrap();
    house.tell(&["backup", "copy.db"]);
    for file in ["all.gz", "copy.db"] {
        let empty = House::empty();
        let whole = house.path().join(file);
        // Cut short, an archive or a backup makes nothing of a folder that was to be made for it.
        let bytes = std::fs::read(&whole).unwrap();
        empty.file("list.txt", "flour, eggs");
        std::fs::write(empty.path().join("half"), &bytes[..bytes.len() / 2]).unwrap();
        let new = empty.path().join("new/data");
        let data = new.display().to_string();
        for wrong in ["half", "list.txt"] {
            let wrong = empty.path().join(wrong).display().to_string();
            let said = empty.ask(&["restore", &wrong, "--data", &data]);
            assert_eq!(said.code, 1, "{said:?}");
            assert!(!said.err.contains("store is not available"), "{said:?}");
            assert!(!empty.path().join("new").exists(), "{said:?}");
        }
        let file = whole.display().to_string();
        let told = empty.tell(&["restore", &file, "--data", &data, "--format", "json"]);
        let told: Value = serde_json::from_str(&told).unwrap();
        assert_eq!(told["rows"], written["rows"], "{told}");
        let mode = |it: &Path| it.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&new), mode(&new.join("muster.db"))), (0o700, 0o600));
        assert_eq!(mode(new.parent().unwrap()), 0o700, "those above it that were made as well");
    }
    // The copy of a store that is damaged fails, and nothing is left of the folder either.
    let house = House::of_a_friday();
    let at = house.path().join("muster.db");
    let mut bytes = std::fs::read(&at).unwrap();
    let name = bytes.windows(4).position(|it| it == b"Anna").unwrap();
    bytes[name + 3] = b'o';
    std::fs::write(&at, bytes).unwrap();
    let said = house.ask(&["store", "move", "--to", "moved/data"]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(!house.path().join("moved").exists(), "{said:?}");
}

#[test]
fn names_of_files_act_on_no_terminal() {
    let house = House::of_a_friday();
    for args in [["archive", "no\u{1b}[2J/all.gz"], ["restore", "no\u{1b}[2J\n.gz"]] {
        let said = house.ask(&args);
        assert!(said.code > 0 && said.err.contains("no\u{fffd}[2J"), "{said:?}");
        assert!(!said.err.contains('\u{1b}') && said.err.lines().count() <= 4, "{said:?}");
    }
}

#[test]
fn what_is_too_old_is_counted_and_goes() {
    let house = House::lived_in("2026-09-01T06:00:00Z".parse().unwrap());
    // Months later somebody changes something.
    house.tell(&["person", "add", "zoe"]);
    let check = ["store", "check"];
    let there = |table: &str| rows(&house, &check, table);
    let (heard, stays, people) = (there("heard"), there("stay"), there("person"));
    assert!(heard > 0 && stays > 0);
    let dry = |args: &[&str], table: &str| {
        rows(&house, &[&["cleanup", "--dry-run"], args].concat(), table)
    };
    assert_eq!((dry(&[], "heard"), dry(&[], "stay")), (heard, 0));
    assert_eq!(dry(&["--before", "2026-08-31"], "heard"), 0);
    // Where nothing is old that is said of each table.
    let nothing = ["cleanup", "--dry-run", "--before", "2026-08-31"];
    let told = house.tell(&nothing);
    assert!(["heard", "readings", "stay", "journal"].iter().all(|it| told.contains(it)), "{told}");
    let told = house.tell(&[&nothing[..], &["--format", "json"]].concat());
    let told: Vec<Value> = serde_json::from_str(&told).unwrap();
    assert!(told.len() == 10 && told.iter().all(|it| it["rows"] == 0), "{told:?}");
    assert_eq!(there("heard"), heard, "nothing went by being counted");

    house.tell(&["cleanup"]);
    assert_eq!((there("heard"), there("stay"), there("person")), (0, stays, people));
    let ended = dry(&["--journal-before", "2026-09-02"], "stay");
    assert!(ended > 0);
    house.tell(&["cleanup", "--journal-before", "2026-09-02"]);
    assert_eq!((there("stay"), there("person")), (stays - ended, people));
    assert_eq!(house.ask(&check).code, 0);
}

#[test]
fn readings_go_along_with_the_journal_unless_they_have_a_key_of_their_own() {
    let house = House::lived_in("2026-09-01T06:00:00Z".parse().unwrap());
    house.tell(&["person", "add", "zoe"]);
    let dry = |house: &House, args: &[&str]| {
        let args = [&["cleanup", "--dry-run"], args].concat();
        (rows(house, &args, "winners"), rows(house, &args, "stay"))
    };
    let journal = ["--journal-before", "2026-09-02"];
    let (winners, stays) = dry(&house, &journal);
    assert!(winners > 0 && stays > 0);
    assert_eq!(dry(&house, &["--readings-before", "2026-09-02"]), (winners, 0));
    assert_eq!(dry(&house, &[]), (0, 0), "both are kept for ever");

    let house = house.with("MUSTER__STORE__RETENTION_READINGS", "30d");
    assert_eq!(dry(&house, &journal), (0, stays));
    assert_eq!(dry(&house, &[]), (winners, 0));
    house.tell(&["cleanup"]);
    assert_eq!(dry(&house, &["--readings-before", "2026-09-02"]), (0, 0));
    assert_eq!(dry(&house, &journal), (0, stays));
    assert_eq!(house.ask(&["store", "check"]).code, 0);
}
