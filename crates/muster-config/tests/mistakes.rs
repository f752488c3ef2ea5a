//! What people get to read when their configuration is wrong.

#![expect(clippy::unwrap_used, reason = "a test may fail in its helpers")]

use std::path::Path;

use muster_config::{ConfigError, Loaded};

/// What was written, and all that is said about it.
struct Mistake {
    name: &'static str,
    text: &'static str,
    said: &'static [&'static str],
}

#[test]
fn a_server_for_the_store() {
    check(&[
        Mistake {
            name: "a password in the URL",
            text: "[store]\nurl = \"postgres://anna:s3cret@db/home\"\n",
            said: &[
                "muster.toml, line 2, column 7: store.url: a password in it is not right: write it into \
                 a file, and the file's path into store.password_file",
            ],
        },
        Mistake {
            name: "keys of a server without one",
            text: "[store]\ntls = \"require\"\npassword_file = \"/password\"\n",
            said: &[
                "muster.toml, line 3, column 1: store.password_file: only a store on a server needs it: \
                 set store.url",
                "muster.toml, line 2, column 1: store.tls: only a store on a server needs it: set \
                 store.url",
            ],
        },
        Mistake {
            name: "certificates that nobody checks, and a socket that nobody taps",
            text: "[store]\nurl = \"postgres://anna@localhost/home?socket=/run/postgresql\"\n\
                   tls = \"require\"\nca_file = \"/ca.pem\"\n",
            said: &[
                "muster.toml, line 4, column 1: store.ca_file: certificates are checked with store.tls \
                 = \"verify\" only",
                "muster.toml, line 3, column 1: store.tls: nobody reads along at a socket of this \
                 machine: set store.tls = \"off\"",
            ],
        },
    ]);
}

#[test]
fn receivers_at_a_broker() {
    check(&[
        Mistake {
            name: "what does not fit together",
            text: "[sources.mqtt]\ntls = false\nca_file = \"/ca.pem\"\npassword_file = \"/password\"\n",
            said: &[
                "muster.toml, line 4, column 1: sources.mqtt.password_file: a password needs a user: \
                 set sources.mqtt.user",
                "muster.toml, line 3, column 1: sources.mqtt.ca_file: certificates are checked on \
                 encrypted connections only: set sources.mqtt.tls = true",
            ],
        },
        Mistake {
            name: "who was heard is named nowhere, or twice",
            text: "[[sources.mqtt.mappings]]\ntopic = \"a/{monitor}\"\n\
                   [[sources.mqtt.mappings]]\ntopic = \"b/{monitor}/{id}\"\nid = \"/mac\"\n",
            said: &[
                "muster.toml, line 1, column 1: sources.mqtt.mappings.0.id: nothing names who was \
                 heard: write {id} into the topic, or a pointer here",
                "muster.toml, line 5, column 1: sources.mqtt.mappings.1.id: the topic names the id \
                 already",
            ],
        },
        Mistake {
            name: "nobody is listened to",
            text: "[sources.mqtt]\nenabled = true\nespresense = false\ngateway_topics = []\n",
            said: &[
                "muster.toml, line 2, column 1: sources.mqtt.enabled: no kind of receiver is listened \
                     for: set sources.mqtt.espresense = true, or name topics",
            ],
        },
        Mistake {
            name: "a topic with everything in it",
            text: "[[sources.mqtt.mappings]]\ntopic = \"#\"\nid = \"/mac\"\n",
            said: &[
                "muster.toml, line 2, column 9: sources.mqtt.mappings.0.topic: # is not a topic \
                     with {monitor} as a level, as in ble/{monitor}/{id}",
            ],
        },
        Mistake {
            name: "a place in JSON with a tilde for itself",
            text: "[[sources.mqtt.mappings]]\ntopic = \"b/{monitor}\"\nid = \"/a~b\"\n",
            said: &[
                "muster.toml, line 3, column 6: sources.mqtt.mappings.0.id: /a~b is not a place \
                     in JSON, as in /mac or /device/rssi",
            ],
        },
        Mistake {
            name: "a base that ends with a slash",
            text: "[sources.mqtt]\ngateway_topics = [\"home/\"]\n",
            said: &[
                "muster.toml, line 2, column 18: sources.mqtt.gateway_topics: home/ is not the \
                     beginning of topics, as in home or room-assistant/entity",
            ],
        },
    ]);
}

#[test]
fn keys() {
    check(&[
        Mistake {
            name: "a slip of the pen in a section",
            text: "[presence.lan_phone]\nawayafter = \"5m\"\n",
            said: &["muster.toml, line 2, column 1: presence.lan_phone.awayafter: \
                     there is no such key; did you mean away_after?"],
        },
        Mistake {
            name: "a slip of the pen in a section's name",
            text: "[sources.lna]\nenabled = true\n",
            said: &["muster.toml, line 1, column 10: sources.lna: there is no such key; \
                     did you mean lan?"],
        },
        Mistake {
            name: "the right key in the wrong section",
            text: "away_after = \"5m\"\n",
            said: &["muster.toml, line 1, column 1: away_after: there is no such key; \
                     did you mean presence.ble.away_after?"],
        },
        Mistake {
            name: "keys that other programs' documents name for a person (WH-8)",
            text: "[[people]]\nname = \"anna\"\nhomeassistant_entity = \"person.anna\"\n\
                   ha_person_entity = \"person.anna\"\nha_device_tracker = \"x\"\n\
                   wifi_macs = []\n",
            said: &[
                "muster.toml, line 3, column 1: people.0.homeassistant_entity: there is no such \
                 key; did you mean devices, as in devices = [\"entity:person.anna\"]?",
                "muster.toml, line 4, column 1: people.0.ha_person_entity: there is no such key; \
                 did you mean devices, as in devices = [\"entity:person.anna\"]?",
                "muster.toml, line 5, column 1: people.0.ha_device_tracker: there is no such key; \
                 did you mean devices, as in devices = [\"entity:person.anna\"]?",
                "muster.toml, line 6, column 1: people.0.wifi_macs: there is no such key; did you \
                 mean devices, as in devices = [\"mac:b8:27:eb:01:02:03\"]?",
            ],
        },
        Mistake {
            name: "sections of other programs",
            text: "[graphite]\nhost = \"x\"\n[wifi]\ncidr = \"x\"\n[metrics]\nprefix = \"x\"\n\
                   [homeassistant]\nenabled = true\n",
            said: &[
                "muster.toml, line 1, column 2: graphite: there is no such key; did you mean \
                 sinks.graphite?",
                "muster.toml, line 3, column 2: wifi: there is no such key; did you mean \
                 [sources.lan]?",
                "muster.toml, line 5, column 2: metrics: there is no such key; did you mean \
                 [sinks.graphite]?",
                "muster.toml, line 7, column 2: homeassistant: there is no such key",
            ],
        },
    ]);
}

#[test]
fn values() {
    check(&[
        Mistake {
            name: "out of range",
            text: "[presence.lan_phone]\naway_after = \"5s\"\n",
            said: &["muster.toml, line 2, column 14: presence.lan_phone.away_after: 5s is not \
                     between 30s and 24h"],
        },
        Mistake {
            name: "no length of time",
            text: "[presence.lan_phone]\naway_after = \"soon\"\n",
            said: &[
                "muster.toml, line 2, column 14: presence.lan_phone.away_after: soon is not a \
                     length of time, as in \"90s\", \"5m\", \"1h 30m\" or \"30d\"",
            ],
        },
        Mistake {
            name: "another type",
            text: "[sources.lan]\nenabled = \"yes\"\n",
            said: &["muster.toml, line 2, column 11: sources.lan.enabled: the text \
                     \"yes\" does not fit: write true or false, as in enabled = true"],
        },
        Mistake {
            name: "a number where a length of time belongs",
            text: "[presence.lan_phone]\naway_after = 30\n",
            said: &[
                "muster.toml, line 2, column 14: presence.lan_phone.away_after: the number 30 \
                     does not fit: write a length of time between 30s and 24h, as in \
                     away_after = \"30m\"",
            ],
        },
        Mistake {
            name: "a text where a list belongs",
            text: "[sources.lan]\ninterfaces = \"eth0\"\n",
            said: &["muster.toml, line 2, column 14: sources.lan.interfaces: the text \"eth0\" \
                     does not fit: write a list of text, as in interfaces = []"],
        },
        Mistake {
            name: "a folder that only a shell finds",
            text: "data = \"~/muster\"\n",
            said: &[
                "muster.toml, line 1, column 1: data: only a shell knows what ~ is: write the \
                     whole path, as in /home/anna/muster: ~/muster",
            ],
        },
        Mistake {
            name: "pages for everybody",
            text: "listen = \"0.0.0.0:8080\"\n",
            said: &["muster.toml, line 1, column 10: listen: 0.0.0.0:8080 is not an address of \
                     this machine alone, as in 127.0.0.1:8080 (pages have no accounts: reach them \
                     from elsewhere through an SSH tunnel)"],
        },
        Mistake {
            name: "no folder",
            text: "data = \"\"\n",
            said: &["muster.toml, line 1, column 8: data: \"\" is not the path of a folder"],
        },
        Mistake {
            name: "a zero in a folder",
            text: "data = \"/srv/\\u0000\"\n",
            said: &[
                "muster.toml, line 1, column 8: data: \"/srv/\\0\" is not the path of a folder",
            ],
        },
        Mistake {
            name: "a range for everybody",
            text: "[sources.lan]\nranges = [\"192.168.1.0/24\", \"224.0.0.0/24\"]\n",
            said: &["muster.toml, line 2, column 10: sources.lan.ranges: 224.0.0.0/24 is not a \
                     range of single IPv4 addresses, as in 192.168.1.0/24"],
        },
    ]);
}

#[test]
fn texts_of_tags() {
    check(&[
        Mistake {
            name: "texts that cannot be",
            text: "[tags]\nprefixes = [\"A B\"]\nshortest = 9\nlongest = 8\n",
            said: &[
                "muster.toml, line 2, column 12: tags.prefixes: A B is not 1 to 32 characters \
                     of ASCII without spaces",
            ],
        },
        Mistake {
            name: "texts of no length",
            text: "[tags]\nshortest = 9\nlongest = 8\n",
            said: &["muster.toml, line 2, column 1: tags.shortest: no text has 9 characters and \
                     at most 8"],
        },
        Mistake {
            name: "texts that say nothing behind their prefix",
            text: "[tags]\nprefixes = [\"ATT-\"]\nlongest = 4\nshortest = 2\n",
            said: &[
                "muster.toml, line 3, column 1: tags.longest: no text of at most 4 characters \
                     says anything behind ATT-",
            ],
        },
    ]);
}

#[test]
fn what_is_no_toml_is_said_as_such() {
    let wrong = Loaded::read("listen = \n", Some(Path::new("muster.toml")), &[]).unwrap_err();
    assert!(matches!(wrong, ConfigError::Syntax { .. }), "{wrong:?}");
    assert_eq!(
        wrong.to_string(),
        "the configuration cannot be read as TOML\n  muster.toml, line 1, column 10: string values \
         must be quoted, expected literal string"
    );
}

#[test]
fn people() {
    check(&[
        Mistake {
            name: "one device of two people, and one name twice",
            text: "[[people]]\nname = \"anna\"\ndevices = [\"mac:b8:27:eb:01:02:03\"]\n\
                   [[people]]\nname = \"anna\"\ndevices = [\"mac:B8-27-EB-01-02-03\"]\n",
            said: &[
                "muster.toml, line 5, column 1: people.1.name: there are two people with this \
                 name: anna",
                "muster.toml, line 6, column 1: people.1.devices: this device is anna's already: \
                 mac:b8:27:eb:01:02:03",
            ],
        },
        Mistake {
            name: "a person without a name",
            text: "[[people]]\ndisplay = \"Anna\"\n",
            said: &["muster.toml, line 1, column 1: people: a key is missing here: name"],
        },
        Mistake {
            name: "a device that is none",
            text: "[[people]]\nname = \"anna\"\ndevices = [\"b8:27:eb:01:02:03\"]\n",
            said: &["muster.toml, line 3, column 11: people.0.devices: b8:27:eb:01:02:03 is not \
                     an identity, as in mac:b8:27:eb:01:02:03"],
        },
        Mistake {
            name: "a value where a section belongs",
            text: "sources = 5\n",
            said: &[
                "muster.toml, line 1, column 11: sources: the number 5 stands where a section \
                     belongs, as in [sources]",
            ],
        },
    ]);
}

#[test]
fn environment() {
    for (variable, value, said) in [
        (
            "SOURCES__LAN__ENBLED",
            "true",
            "MUSTER__SOURCES__LAN__ENBLED: there is no such key; did you mean \
             MUSTER__SOURCES__LAN__ENABLED?",
        ),
        (
            "PRESENCE__LAN_PHONE__AWAY_AFTER",
            "1s",
            "MUSTER__PRESENCE__LAN_PHONE__AWAY_AFTER: 1s is not between 30s and 24h",
        ),
        (
            "SOURCES__LAN__ENABLED",
            "perhaps",
            "MUSTER__SOURCES__LAN__ENABLED: the text \"perhaps\" does not fit: write true or false, \
             as in enabled = true",
        ),
        ("PEOPLE", "[]", "MUSTER__PEOPLE: it is a section, and only keys can be set here"),
        (
            "PEOPLE__NAME",
            "anna",
            "MUSTER__PEOPLE__NAME: it lies in a list, which only a file can hold",
        ),
    ] {
        let given = [(variable.to_owned(), value.to_owned())];
        let text = "[[people]]\nname = \"bert\"\n";
        let wrong = Loaded::read(text, Some(Path::new("muster.toml")), &given).unwrap_err();
        let whole = wrong.to_string();
        assert_eq!(whole, format!("the configuration has a mistake\n  {said}"));
    }
}

#[test]
fn intervals() {
    let text = "[readings]\ninterval = \"7m\"\n";
    check(&[Mistake {
        name: "an hour is no whole number of them",
        text,
        said: &[
            "muster.toml, line 2, column 1: readings.interval: an hour does not hold a whole number of \
             these: 7m",
        ],
    }]);
}

/// The only place that knows the loader.
#[track_caller]
fn check(mistakes: &[Mistake]) {
    for mistake in mistakes {
        let wrong = Loaded::read(mistake.text, Some(Path::new("muster.toml")), &[]).unwrap_err();
        let whole = wrong.to_string();
        let said: Vec<&str> = whole.lines().skip(1).map(str::trim).collect();
        assert_eq!(said, mistake.said, "{}", mistake.name);
    }
}

#[test]
fn only_a_regular_file_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let fifo = folder.path().join("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    for path in [fifo.as_path(), Path::new("/dev/zero"), folder.path()] {
        let wrong = Loaded::find(Some(path), []).unwrap_err();
        let ConfigError::Unreadable { cause, .. } = wrong else { panic!("{wrong}") };
        assert_eq!(cause.to_string(), "it is not a regular file");
    }
}
