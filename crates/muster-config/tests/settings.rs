//! Every key reaches the value that it is about, from the file and from the environment.

#![expect(clippy::unwrap_used, reason = "a test may fail in its helpers")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use muster_config::store::Tls;
use muster_config::tags::{Carrier, Case};
use muster_config::value::{Length, Prefix, ServerKind, spoken};
use muster_config::{Config, Loaded, Origin, keys};
use muster_core::policy::Policy;

#[path = "settings/radio.rs"]
mod radio;

// config: ingest.listen
#[test]
fn far_monitors_come_in_by_any_address() {
    let standard = Config::default().ingest.listen.get();
    assert_eq!(standard, "[::]:8129".parse().unwrap());
    let config = set(&[("ingest.listen", "\"192.168.1.2:9000\"")]);
    assert_eq!(config.ingest.listen.get(), "192.168.1.2:9000".parse().unwrap());
}

// config: privacy.pseudonyms
// config: privacy.rotation
#[test]
fn strangers_have_names_or_pseudonyms() {
    let standard = Config::default().privacy;
    assert!(!standard.pseudonyms);
    assert_eq!(standard.rotation.get(), Duration::from_hours(24));
    let config = set(&[("privacy.pseudonyms", "true"), ("privacy.rotation", "\"6h\"")]);
    assert!(config.privacy.pseudonyms);
    assert_eq!(config.privacy.rotation.get(), Duration::from_hours(6));
}

// config: listen
// config: data
// config: monitor
// config: site
// config: time_zone
#[test]
fn top_level() {
    let config = set(&[
        ("listen", "\"[::1]:9000\""),
        ("data", "\"/srv/muster\""),
        ("monitor", "\"kitchen\""),
        ("site", "\"Home\""),
        ("time_zone", "\"Europe/Berlin\""),
    ]);
    assert_eq!(config.listen.get(), "[::1]:9000".parse().unwrap());
    assert_eq!(config.data, Some(PathBuf::from("/srv/muster")));
    assert_eq!(config.monitor.as_str(), "kitchen");
    assert_eq!(config.site.as_ref().map(ToString::to_string).as_deref(), Some("Home"));
    assert_eq!(config.zone().iana_name(), Some("Europe/Berlin"));
}

// config: presence.unknown_hold
// config: presence.unknown_max
// config: presence.unknown_after
// config: presence.decisive_within
// config: presence.conflict_within
// config: presence.lan_phone.away_after
// config: presence.lan_phone.misses
// config: presence.lan_other.away_after
// config: presence.lan_other.misses
// config: presence.ble.away_after
// config: presence.ble.misses
// config: presence.classic.away_after
// config: presence.classic.misses
#[test]
fn patience_becomes_the_policy() {
    let policy = set(&[
        ("presence.unknown_hold", "\"20m\""),
        ("presence.unknown_max", "\"2d\""),
        ("presence.unknown_after", "\"90s\""),
        ("presence.decisive_within", "\"15m\""),
        ("presence.conflict_within", "\"0s\""),
        ("presence.lan_phone.away_after", "\"1h 30m\""),
        ("presence.lan_phone.misses", "7"),
        ("presence.lan_other.away_after", "\"2m\""),
        ("presence.lan_other.misses", "3"),
        ("presence.ble.away_after", "\"45s\""),
        ("presence.ble.misses", "4"),
        ("presence.classic.away_after", "\"10m\""),
        ("presence.classic.misses", "4"),
    ])
    .presence
    .policy();
    let standard = Policy::default();
    let mut wanted = standard.clone();
    wanted.unknown_hold = Duration::from_mins(20);
    wanted.unknown_max = Duration::from_hours(48);
    wanted.unknown_after = Duration::from_secs(90);
    wanted.decisive_within = Duration::from_mins(15);
    wanted.conflict_within = Duration::ZERO;
    wanted.lan_phone.away_after = Duration::from_mins(90);
    wanted.lan_phone.misses = 7;
    wanted.lan_other.away_after = Duration::from_mins(2);
    wanted.lan_other.misses = 3;
    wanted.ble.away_after = Duration::from_secs(45);
    wanted.ble.misses = 4;
    wanted.classic.away_after = Duration::from_mins(10);
    wanted.classic.misses = 4;
    assert_eq!(policy, wanted);
    assert_eq!(Config::default().presence.policy(), standard);
}

// config: tags.prefixes
// config: tags.from
// config: tags.case
// config: tags.shortest
// config: tags.longest
#[test]
fn texts_of_apps() {
    let tags = set(&[
        ("tags.prefixes", "[\"BADGE-\", \"5eb0c2\"]"),
        ("tags.from", "[\"service_data\", \"service_uuid\"]"),
        ("tags.case", "\"any\""),
        ("tags.shortest", "8"),
        ("tags.longest", "36"),
    ])
    .tags;
    let prefixes: Vec<String> = tags.prefixes.iter().map(ToString::to_string).collect();
    assert_eq!(prefixes, ["BADGE-", "5eb0c2"]);
    assert_eq!(tags.from, [Carrier::ServiceData, Carrier::ServiceUuid]);
    assert_eq!(tags.case, Case::Any);
    assert_eq!((tags.shortest.get(), tags.longest.get()), (8, 36));
    let standard = Config::default().tags;
    assert_eq!(standard.prefixes, [Prefix::default()]);
    assert_eq!(Prefix::default().to_string(), "ATT-");
    assert_eq!(standard.from.len(), 4);
}

// config: sources.lan.enabled
// config: sources.lan.interfaces
// config: sources.lan.ranges
// config: sources.lan.exclude
// config: sources.lan.active
// config: sources.lan.poke
// config: sources.lan.sweep
// config: sources.lan.broadcasts_per_second
// config: sources.lan.fast
// config: sources.lan.refresh
#[test]
fn the_local_network() {
    let lan = set(&[
        ("sources.lan.enabled", "false"),
        ("sources.lan.interfaces", "[\"eth0\"]"),
        ("sources.lan.ranges", "[\"192.168.1.0/24\"]"),
        ("sources.lan.exclude", "[\"192.168.1.9\"]"),
        ("sources.lan.active", "false"),
        ("sources.lan.poke", "false"),
        ("sources.lan.sweep", "false"),
        ("sources.lan.broadcasts_per_second", "200"),
        ("sources.lan.fast", "true"),
        ("sources.lan.refresh", "\"10m\""),
    ])
    .sources
    .lan;
    assert!(!lan.enabled && !lan.active && !lan.poke && !lan.sweep && lan.fast);
    assert_eq!(lan.interfaces.first().unwrap().as_str(), "eth0");
    assert_eq!(lan.ranges.first().unwrap().to_string(), "192.168.1.0/24");
    assert!(lan.excludes("192.168.1.9".parse().unwrap()));
    assert_eq!(lan.broadcasts_per_second.get(), 200);
    assert_eq!(lan.refresh.get(), Duration::from_mins(10));
}

// config: sinks.graphite.enabled
// config: sinks.graphite.address
// config: sinks.graphite.prefix
// config: sinks.graphite.every
// config: sinks.graphite.backfill
#[test]
fn graphite() {
    let graphite = set(&[
        ("sinks.graphite.enabled", "true"),
        ("sinks.graphite.address", "\"graphite.local:2004\""),
        ("sinks.graphite.prefix", "\"house.who\""),
        ("sinks.graphite.every", "\"10s\""),
        ("sinks.graphite.backfill", "\"2d\""),
    ])
    .sinks
    .graphite;
    assert!(graphite.enabled);
    assert_eq!(graphite.address.as_str(), "graphite.local:2004");
    assert_eq!(graphite.prefix.as_str(), "house.who");
    assert_eq!(graphite.every.get(), Duration::from_secs(10));
    assert_eq!(graphite.backfill.get(), Duration::from_hours(48));
}

// config: readings.interval
#[test]
fn readings() {
    let config = set(&[("readings.interval", "\"3m\"")]);
    assert_eq!(config.policy().interval, Duration::from_mins(3));
    assert_eq!(Config::default().policy().interval, Duration::from_mins(5));
}

// config: store.url
// config: store.password_file
// config: store.tls
// config: store.ca_file
#[test]
fn a_server_for_the_store() {
    let url = ("store.url", "\"postgres://anna@db.local:5433/home\"");
    let given = [
        ("store.password_file", "\"/etc/muster/password\""),
        ("store.tls", "\"verify\""),
        ("store.ca_file", "\"/etc/muster/ca.pem\""),
    ];
    let store = set(&[&[url], &given[..]].concat()).store;
    let database = store.url.as_ref().unwrap().get();
    assert_eq!((&*database.user, &*database.host, &*database.name), ("anna", "db.local", "home"));
    assert_eq!((database.kind, database.port), (ServerKind::Postgres, Some(5433)));
    assert_eq!(store.password_file.as_ref().unwrap().as_str(), "/etc/muster/password");
    assert_eq!(store.ca_file.as_ref().unwrap().as_str(), "/etc/muster/ca.pem");
    assert_eq!(store.encryption(), Tls::Verify);
    assert_eq!(set(&[url]).store.encryption(), Tls::Verify);
    assert_eq!(set(&[url, ("store.tls", "\"require\"")]).store.encryption(), Tls::Require);
    let other = set(&[("store.url", "\"mysql://anna@db/home\"")]).store;
    let other = other.url.as_ref().unwrap().get();
    assert_eq!((other.kind, other.kind.port()), (ServerKind::MariaDb, 3306));
    let here = ("store.url", "\"postgres://anna@localhost/home\"");
    assert_eq!(set(&[here]).store.encryption(), Tls::Off);
    assert_eq!(Config::default().store.url, None);
}

// config: relay.patience
// config: relay.spool_mib
#[test]
fn relay() {
    let relay = set(&[("relay.patience", "\"0s\""), ("relay.spool_mib", "2")]).relay;
    assert_eq!(relay.patience.get(), Duration::ZERO);
    assert_eq!(relay.capacity(), 2 * 1024 * 1024);
    assert_eq!(Config::default().relay.patience.get(), Duration::from_secs(5));
}

// config: store.retention_facts
// config: store.retention_readings
// config: store.retention_journal
#[test]
fn retention() {
    let days = |it: u64| Duration::from_hours(it * 24);
    let facts = ("store.retention_facts", "\"60d\"");
    let readings = ("store.retention_readings", "\"90d\"");
    let journal = ("store.retention_journal", "\"365d\"");
    assert_eq!(Config::default().store.readings_kept(), None);
    assert_eq!(set(&[readings]).store.readings_kept(), Some(days(90)));
    assert_eq!(set(&[journal]).store.readings_kept(), Some(days(365)), "along with the journal");
    let store = set(&[facts, readings, journal]).store;
    assert_eq!(store.retention_facts.get(), days(60));
    assert_eq!(store.readings_kept(), Some(days(90)));
    assert_eq!(store.retention_journal.unwrap().get(), days(365));
}

// config: store.sql_views
#[test]
fn views_for_other_programs() {
    assert!(!Config::default().store.sql_views);
    assert!(set(&[("store.sql_views", "true")]).store.sql_views);
}

// config: people.name
// config: people.display
// config: people.devices
#[test]
fn people() {
    let text = "[[people]]\nname = \"anna\"\ndisplay = \"Anna Berg\"\n\
                devices = [\"mac:B8-27-EB-01-02-03\", \"entity:person.anna\"]\n\
                [[people]]\nname = \"bert\"\n";
    let loaded = Loaded::read(text, Some(Path::new("m.toml")), &[]).unwrap();
    let [anna, bert] = loaded.config.people.as_slice() else { panic!("two people") };
    assert_eq!((anna.name.as_str(), bert.name.as_str()), ("anna", "bert"));
    assert_eq!(anna.display.as_ref().map(ToString::to_string).as_deref(), Some("Anna Berg"));
    let devices: Vec<String> = anna.devices.iter().map(ToString::to_string).collect();
    assert_eq!(devices, ["mac:b8:27:eb:01:02:03", "entity:person.anna"]);
    assert!(bert.devices.is_empty() && bert.display.is_none());
    assert_eq!(loaded.origin("people.1.name").to_string(), "m.toml:6");
}

#[test]
fn the_environment_wins_and_everybody_is_remembered() {
    let text = "monitor = \"file\"\n[sources.lan]\npoke = false\nactive = false\n";
    let given = [
        ("MONITOR".to_owned(), "5".to_owned()),
        ("SOURCES__LAN__ACTIVE".to_owned(), "true".to_owned()),
        ("SOURCES__LAN__EXCLUDE".to_owned(), "[\"docker0\"]".to_owned()),
    ];
    let loaded = Loaded::read(text, Some(Path::new("m.toml")), &given).unwrap();
    assert_eq!(loaded.config.monitor.as_str(), "5");
    let lan = &loaded.config.sources.lan;
    assert!(lan.active && !lan.poke && lan.excludes_interface("docker0"));
    let origin = |key: &str| loaded.origin(key).to_string();
    assert_eq!(origin("monitor"), "MUSTER__MONITOR");
    assert_eq!(origin("sources.lan.poke"), "m.toml:3");
    assert_eq!(origin("sources.lan.active"), "MUSTER__SOURCES__LAN__ACTIVE");
    assert_eq!(*loaded.origin("sources.lan.sweep"), Origin::Default);
    assert_eq!(loaded.value("sources.lan.poke"), Some(false.into()));
}

#[test]
fn what_is_in_effect_reads_back() {
    let text = "data = \"/d\"\n[[people]]\nname = \"anna\"\n[store]\nretention_journal = \"90d\"\n";
    let config = Loaded::read(text, None, &[]).unwrap().config;
    let written = toml::to_string(&config).unwrap();
    assert_eq!(Loaded::read(&written, None, &[]).unwrap().config, config);
}

#[test]
fn defaults_pass_their_own_doors() {
    let written = toml::to_string(&Config::default()).unwrap();
    assert_eq!(Loaded::read(&written, None, &[]).unwrap().config, Config::default());
}

#[test]
fn lengths_are_written_as_they_are_read() {
    for (text, written) in [
        ("90s", "1m 30s"),
        ("1d", "24h"),
        ("2d", "2d"),
        ("48h", "2d"),
        ("1h30m", "1h 30m"),
        ("PT5M", "5m"),
    ] {
        let length: Length<0, 1_000_000> = text.parse().unwrap();
        assert_eq!(length.to_string(), written);
        assert_eq!(written.parse::<Length<0, 1_000_000>>().unwrap(), length);
    }
    assert_eq!(spoken(Duration::ZERO), "0s");
    for wrong in ["", "5", "-5m", "5 years", "99999999999999999999d", "\u{7}"] {
        assert!(wrong.parse::<Length<0, 1_000_000>>().is_err(), "{wrong}");
    }
}

/// Sets keys by their file form, once in a file and once by the environment.
fn set(given: &[(&str, &str)]) -> Config {
    let lines: Vec<String> = given.iter().map(|(key, value)| format!("{key} = {value}")).collect();
    let text = lines.join("\n");
    let by_file = Loaded::read(&text, Some(Path::new("m.toml")), &[]).unwrap().config;
    let variables: Vec<(String, String)> = given
        .iter()
        .map(|(key, value)| {
            let plain = value.trim_matches('"').to_owned();
            (key.to_uppercase().replace('.', "__"), plain)
        })
        .collect();
    let by_environment = Loaded::read("", None, &variables).unwrap().config;
    assert_eq!(by_file, by_environment);
    for (key, _) in given {
        assert!(keys().iter().any(|it| it.path == *key), "{key}");
    }
    by_file
}
