//! What goes wrong: the exit code, the words, and the hint.

use insta::assert_snapshot;

use crate::support::House;

#[test]
fn what_is_not_there() {
    let house = House::of_a_friday();
    assert_snapshot!(house.transcript(&[
        "explain ana",
        "explain bret",
        "explain anna --at +2h",
        "explain anna --at 2020-01-01",
        "person show clara",
        "device assign 1 nobdy",
        "device assign 1 ana",
        "report stays --person nobody",
        "device list zzz",
        "place remove here",
        "decode ffff",
        "wo",
        "device show 99",
        "device show 10.0.0.9",
        "device name anna x",
        "who Cellar",
        "place remove Cellar",
        "monitor place hub Cellar",
        "report stays --place Cellar --from 2026-11-20",
        "decode no-such-file.pcap",
        "replay no-such-file.pcap",
        "config explain enabled",
        "config explain nonsense",
    ]));
}

#[test]
fn wrong_usage() {
    let house = House::of_a_friday();
    assert_snapshot!(house.transcript(&[
        "explain anna --at soon",
        "report stays --from 2026-11-21 --to 2026-11-19",
        "report stays --hours 2 --from today",
        "person add Anna",
        "device mark 1 loved",
        "device assign 1",
        "who --json",
        "report stays --hours 0",
        "report stays --hours -1",
        "report stays --hours x",
        "person home anna --for soon",
        "report stays --from +2d",
        "scan lan --for 1x",
        "serve --listen 8099",
        "serve --listen localhost:8099",
        "serve --demo --data elsewhere",
        "whom",
    ]));
}

#[test]
fn a_wrong_configuration_stops_every_command_that_needs_it() {
    let house = House::empty();
    house.file(
        "muster.toml",
        "[presence.lan_phone]\nawayafter = \"5m\"\n\n[[people]]\nname = \"anna\"\n\
         homeassistant_entity = \"person.anna\"\n\n[sources.lan]\nenabled = 5\n",
    );
    house.file("value.toml", "[sources.lan]\nenabled = 5\n");
    house.file("syntax.toml", "listen = 127.0.0.1\n");
    std::fs::write(house.path().join("latin.toml"), b"# one\nmonitor = \"k\xfcche\"\n").unwrap();
    assert_snapshot!(house.transcript(&[
        "config check",
        "config show",
        "who",
        "config check --config latin.toml",
        "config check --config value.toml",
        "config check --config syntax.toml",
        "config check --config nowhere.toml",
    ]));
    let variable = House::empty().with("MUSTER__SOURCES__LAN__ENBLED", "true");
    assert_snapshot!(variable.transcript(&["config check"]), @r"
    $ muster config check
    ! error: the configuration has a mistake
    !   MUSTER__SOURCES__LAN__ENBLED: there is no such key; did you mean MUSTER__SOURCES__LAN__ENABLED?
    ! hint: what it means: muster config explain sources.lan.enabled
    ! exit 2
    ");
}

#[test]
fn the_configuration_is_explained() {
    let house = House::empty().with("MUSTER__MONITOR", "attic");
    house.file(
        "muster.toml",
        "[presence.lan_phone]\naway_after = \"20m\"\n[[people]]\nname = \"anna\"\n",
    );
    assert_snapshot!(house.transcript(&[
        "config check",
        "config show",
        "config explain presence.lan_phone.away_after",
        "config explain monitor",
        "config explain people.0.name",
        "config explain people",
        "config explain data",
    ]));
}

#[test]
fn no_store_and_no_hub() {
    let house = House::empty();
    assert_snapshot!(house.transcript(&["who", "person add anna", "backup copy.db"]));
    assert_eq!(house.listing().len(), 0, "asking makes nothing");
}

#[test]
fn a_store_that_is_none() {
    let house = House::empty();
    house.file("muster.db", "this is a shopping list, and a rather long one at that");
    let said = house.ask(&["who"]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.err.contains("error: cannot open the store of: DATA\n"), "{said:?}");
    assert!(said.err.contains("hint: put a backup in its place"), "{said:?}");
}
