//! Backup and restore: whole, verified, and never over anything by accident.

use crate::support::House;

#[test]
fn there_and_back() {
    let house = House::of_a_friday();
    let said = house.ask(&["backup", "copy.db"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.err.contains("written and verified: DATA/copy.db"), "{said:?}");
    house.tell(&["person", "remove", "anna", "--yes"]);

    let refused = house.ask(&["restore", "copy.db"]);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("there is a store already: DATA/muster.db"), "{refused:?}");
    assert_eq!(house.ask(&["person", "show", "anna"]).code, 3, "nothing was touched");

    let done = house.ask(&["restore", "copy.db", "--replace"]);
    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(house.ask(&["person", "show", "anna"]).code, 0);
    let kept = house.path().join("muster.before-restore");
    let was = std::fs::read(&kept).expect("it is kept");

    let again = house.ask(&["restore", "copy.db", "--replace"]);
    assert_eq!(again.code, 1, "{again:?}");
    assert!(again.err.contains("still kept, move it away first: DATA/muster.before-restore"));
    let hint = "hint: nothing was changed; move away or delete: DATA/muster.before-restore";
    assert!(again.err.contains(hint), "{again:?}");
    assert_eq!(std::fs::read(&kept).expect("it is kept"), was, "the only copy of what it holds");

    // A log of that store is as much of it as the file.
    let log = house.file("muster.before-restore-wal", "what was written last");
    let away = house.path().join("away");
    std::fs::rename(&kept, &away).expect("moved");
    let again = house.ask(&["restore", "copy.db", "--replace"]);
    assert_eq!(again.code, 1, "{again:?}");
    assert!(again.err.contains(&format!("{hint}-wal")), "{again:?}");
    std::fs::remove_file(log).expect("deleted");
    let done = house.ask(&["restore", "copy.db", "--replace"]);
    assert_eq!(done.code, 0, "{done:?}");

    // Into an empty folder nothing has to be said.
    let empty = House::empty();
    let copy = house.path().join("copy.db").display().to_string();
    assert_eq!(empty.ask(&["restore", &copy]).code, 0);
    assert_eq!(empty.tell(&["person", "list"]), house.tell(&["person", "list"]));
}

#[test]
fn what_is_refused_changes_nothing() {
    let house = House::of_a_friday();
    // Whoever comes first finds the log of a store that was never closed, and tidies it up.
    house.tell(&["who"]);
    let before = house.listing();
    house.file("list.txt", "flour, eggs");
    let there = house.ask(&["backup", "list.txt"]);
    assert_eq!(there.code, 1, "{there:?}");
    assert!(there.err.contains("hint: choose another name"), "{there:?}");
    let nowhere = house.ask(&["backup", "no/such/folder/copy.db"]);
    assert_eq!(nowhere.code, 2, "{nowhere:?}");
    assert!(nowhere.err.contains("hint: choose a file in a folder that exists"), "{nowhere:?}");
    for (file, code) in [("list.txt", 1), ("nowhere.db", 3)] {
        let said = house.ask(&["restore", file, "--replace"]);
        assert_eq!(said.code, code, "{said:?}");
        assert!(said.err.contains("hint: nothing was changed"), "{said:?}");
        assert!(!said.err.contains("restore a backup"), "it is what was tried: {said:?}");
    }
    let mut after = house.listing();
    after.retain(|(name, _)| name != "list.txt" && name != "muster.lock");
    let mut before = before;
    before.retain(|(name, _)| name != "muster.lock");
    assert_eq!(after, before);
}
