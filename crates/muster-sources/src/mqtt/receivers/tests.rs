//! What becomes of messages: stories of one broker and its receivers, by the second.

use muster_config::Loaded;
use muster_core::fact::FactBody;
use muster_core::time::Time;
use muster_sim::rng::Rng;

use super::*;

/// What happens, at which second.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// A message comes, of now or kept by the broker.
    Says(&'static str, &'static str),
    Kept(&'static str, &'static str),
    /// The connection ends, and is there again.
    Lost,
    Back,
    /// Nothing but time.
    Nothing,
    /// The civil clock is set forward by so many seconds.
    Set(u64),
}

use Event::{Back, Kept, Lost, Nothing, Says, Set};

const TAG: &str = "espresense/devices/c464e3010203/kitchen";
const HEARD: &str = r#"{"mac":"c464e3010203","id":"c464e3010203","rssi":-61.5}"#;
const STATUS: &str = "espresense/rooms/kitchen/status";
const TELEMETRY: &str = "espresense/rooms/kitchen/telemetry";

/// Facts in words: `seen ble:.. 5`, `covered 5-20`.
fn play(settings: &MqttSettings, story: &[(u64, Event)]) -> Vec<String> {
    let rules = Rules::of(settings, "hub").unwrap();
    let (mut receivers, mut facts, mut ahead) = (Receivers::default(), Vec::new(), 0);
    receivers.connected();
    let mut last = 0;
    for (at, event) in story {
        for second in last..=*at {
            receivers.tick(now(second, ahead), &mut facts);
        }
        last = *at;
        let message = |topic: &str, payload: &str, retained| Message {
            topic: topic.to_owned(),
            payload: payload.as_bytes().to_vec(),
            retained,
        };
        let here = now(*at, ahead);
        match event {
            Says(topic, text) => {
                receivers.take(&message(topic, text, false), &rules, here, &mut facts);
            }
            Kept(topic, text) => {
                receivers.take(&message(topic, text, true), &rules, here, &mut facts);
            }
            Lost => receivers.disconnected(&mut facts),
            Back => receivers.connected(),
            Nothing => {}
            Set(by) => ahead += by,
        }
    }
    let mut out: Vec<String> = Vec::new();
    for fact in facts {
        out.push(match fact.body {
            FactBody::Sighting(it) => format!("seen {} {}", it.identity, it.at.secs()),
            FactBody::Coverage(it) => format!("covered {}-{}", it.from.secs(), it.to.secs()),
            other @ (FactBody::Probe(_) | FactBody::Level(_) | FactBody::Detail(_)) => {
                format!("{other:?}")
            }
        });
    }
    joined(out)
}

/// Pieces of coverage that follow each other are one.
fn joined(all: Vec<String>) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for word in all {
        let ends = |it: &str| {
            it.strip_prefix("covered ").map(|it| it.split_once('-').unwrap().1.to_owned())
        };
        let earlier = out.iter_mut().rev().find(|it| it.starts_with("covered"));
        match (word.strip_prefix("covered ").and_then(|it| it.split_once('-')), earlier) {
            (Some((from, to)), Some(before)) if ends(before).as_deref() == Some(from) => {
                let (start, _) = before.split_once('-').unwrap();
                *before = format!("{start}-{to}");
            }
            _ => out.push(word),
        }
    }
    out
}

fn now(second: u64, ahead: u64) -> Now {
    let mono = Duration::from_secs(second);
    Now { mono, wall: Time::default() + mono + Duration::from_secs(ahead) }
}

fn settings() -> MqttSettings {
    MqttSettings::default()
}

#[track_caller]
fn check(name: &str, story: &[(u64, Event)], wanted: &[&str]) {
    assert_eq!(play(&settings(), story), wanted, "{name}");
}

#[test]
fn when_a_receiver_counts_as_covered() {
    let adverts = |it: &'static str| Says(TELEMETRY, it);
    check(
        "between two reports that are close, and no further",
        &[(5, Says(TAG, HEARD)), (20, Says(TAG, HEARD)), (90, Nothing)],
        &["seen ble:c4:64:e3:01:02:03 5", "seen ble:c4:64:e3:01:02:03 20", "covered 5-20"],
    );
    check(
        "not between two that are far apart",
        &[(5, Says(TAG, HEARD)), (60, Says(TAG, HEARD)), (90, Nothing)],
        &["seen ble:c4:64:e3:01:02:03 5", "seen ble:c4:64:e3:01:02:03 60"],
    );
    check(
        "while it counts more and more advertisements",
        &[
            (0, adverts(r#"{"adverts":1}"#)),
            (15, adverts(r#"{"adverts":2}"#)),
            (30, adverts(r#"{"adverts":3}"#)),
            (45, adverts(r#"{"adverts":3}"#)),
            (60, adverts(r#"{"adverts":3}"#)),
            (75, adverts(r#"{"uptime":75}"#)),
        ],
        &["covered 15-30"],
    );
}

#[test]
fn what_ends_coverage_at_the_last_sign() {
    check(
        "its last will",
        &[
            (5, Says(TAG, HEARD)),
            (10, Says(TAG, HEARD)),
            (12, Says(STATUS, "offline")),
            (14, Says(STATUS, "online")),
            (15, Says(TAG, HEARD)),
            (20, Says(TAG, HEARD)),
            (60, Nothing),
        ],
        &[
            "seen ble:c4:64:e3:01:02:03 5",
            "seen ble:c4:64:e3:01:02:03 10",
            "covered 5-10",
            "seen ble:c4:64:e3:01:02:03 15",
            "seen ble:c4:64:e3:01:02:03 20",
            "covered 15-20",
        ],
    );
    check(
        "a lost connection",
        &[
            (5, Says(TAG, HEARD)),
            (10, Says(TAG, HEARD)),
            (11, Lost),
            (13, Back),
            (15, Says(TAG, HEARD)),
            (20, Says(TAG, HEARD)),
        ],
        &[
            "seen ble:c4:64:e3:01:02:03 5",
            "seen ble:c4:64:e3:01:02:03 10",
            "covered 5-10",
            "seen ble:c4:64:e3:01:02:03 15",
            "seen ble:c4:64:e3:01:02:03 20",
            "covered 15-20",
        ],
    );
    check(
        "a civil clock that was set",
        &[
            (5, Says(TAG, HEARD)),
            (10, Says(TAG, HEARD)),
            (11, Set(3_600)),
            (15, Says(TAG, HEARD)),
            (20, Says(TAG, HEARD)),
        ],
        &[
            "seen ble:c4:64:e3:01:02:03 5",
            "seen ble:c4:64:e3:01:02:03 10",
            "covered 5-10",
            "seen ble:c4:64:e3:01:02:03 3615",
            "seen ble:c4:64:e3:01:02:03 3620",
            "covered 3615-3620",
        ],
    );
}

#[test]
fn what_the_broker_had_kept_proves_nothing() {
    check(
        "of a device, of the receiver's work, of its being online",
        &[
            (1, Kept(TAG, HEARD)),
            (2, Kept(TELEMETRY, r#"{"adverts":1}"#)),
            (3, Kept(TELEMETRY, r#"{"adverts":2}"#)),
            (4, Kept(STATUS, "online")),
            (60, Nothing),
        ],
        &[],
    );
}

#[test]
fn averages_say_nothing_new_more_often_than_they_are_made() {
    check(
        "every five seconds",
        &[(1, Says(TAG, HEARD)), (3, Says(TAG, HEARD)), (6, Says(TAG, HEARD)), (60, Nothing)],
        &["seen ble:c4:64:e3:01:02:03 1", "seen ble:c4:64:e3:01:02:03 6", "covered 1-6"],
    );
}

#[test]
fn a_receiver_that_may_be_quiet_is_believed_while_it_is_online() {
    let quiet: MqttSettings = MqttSettings { quiet: Some(Length::secs(120)), ..settings() };
    let quietly = [(5, Says(TAG, HEARD)), (300, Nothing)];
    let seen = "seen ble:c4:64:e3:01:02:03 5";
    assert_eq!(play(&quiet, &quietly), [seen, "covered 5-125"]);
    let dies = [(5, Says(TAG, HEARD)), (50, Says(STATUS, "offline")), (300, Nothing)];
    assert_eq!(play(&quiet, &dies), [seen, "covered 5-50"]);
}

#[test]
fn names_and_times_count_only_from_who_is_trusted() {
    let room = |trusted: bool| {
        let mut it = MqttSettings { room_topics: vec!["rooms".parse().unwrap()], ..settings() };
        it.trusted.extend(trusted.then(|| "attic".parse().unwrap()));
        it
    };
    let says = Says("rooms/attic", r#"{"id":"keys","distance":1.5}"#);
    let story = [(5, says), (12, says), (60, Nothing)];
    assert_eq!(play(&room(false), &story), ["covered 5-12"]);
    assert_eq!(play(&room(true), &story), ["seen tag:keys 5", "seen tag:keys 12", "covered 5-12"]);

    let mapped = |trusted: bool| {
        let text =
            "[[sources.mqtt.mappings]]\ntopic = \"x/{monitor}\"\nid = \"/id\"\ntime = \"/t\"\n";
        let mut it = Loaded::read(text, None, &[]).unwrap().config.sources.mqtt;
        it.trusted.extend(trusted.then(|| "attic".parse().unwrap()));
        it
    };
    let says = |text| Says("x/attic", text);
    let story = [
        (200, says(r#"{"id":"c4:64:e3:01:02:03","t":"1970-01-01T00:03:10Z"}"#)),
        (202, says(r#"{"id":"c4:64:e3:01:02:03","t":"1970-01-01T00:00:10Z"}"#)),
        (204, says(r#"{"id":"c4:64:e3:01:02:03","t":"1970-01-01T00:03:30Z"}"#)),
    ];
    let at = |times: [u32; 3]| times.map(|it| format!("seen ble:c4:64:e3:01:02:03 {it}"));
    assert_eq!(play(&mapped(false), &story), at([200, 202, 204]));
    assert_eq!(play(&mapped(true), &story), at([190, 202, 204]));
}

#[test]
fn a_receiver_is_known_by_a_name_that_can_be_shown_and_is_not_this_machines() {
    let rules = Rules::of(&settings(), "hub").unwrap();
    let (mut receivers, mut facts) = (Receivers::default(), Vec::new());
    receivers.connected();
    let mut say = |receivers: &mut Receivers, name: &str| {
        let message = Message {
            topic: format!("espresense/devices/c464e3010203/{name}"),
            payload: HEARD.as_bytes().to_vec(),
            retained: false,
        };
        receivers.take(&message, &rules, now(1, 0), &mut facts);
    };
    for name in ["hub", "HUB", " hub", "..", "k\u{fc}che", "kitchen"] {
        say(&mut receivers, name);
    }
    let news = receivers.news(&rules);
    let names: Vec<_> = news.iter().map(|it| it.listener.to_string()).collect();
    assert_eq!(names, ["hub/mqtt", "kitchen/mqtt/espresense"]);
    let cannot: Vec<_> = news[0].cannot.iter().map(|it| it.what.as_str()).collect();
    let refused = [" hub", "..", "HUB", "hub", "k\u{fc}che"];
    assert_eq!(cannot, refused.map(|it| format!("take a receiver called {it}")));
    assert!(receivers.news(&rules).is_empty(), "told once");
    for number in 0..2 * MOST_RECEIVERS {
        say(&mut receivers, &format!("r{number}"));
    }
    assert_eq!(receivers.all.len(), MOST_RECEIVERS);
    let own = receivers.news(&rules).remove(0);
    assert_eq!(own.cannot.last().unwrap().what, "take another receiver");
}

#[test]
fn a_flood_ends_coverage_and_fills_no_memory() {
    let rules = Rules::of(&settings(), "hub").unwrap();
    let (mut receivers, mut facts) = (Receivers::default(), Vec::new());
    receivers.connected();
    let mut taken = 0;
    for number in 0..100_000_u64 {
        let id = format!("c0{number:010x}");
        let message = Message {
            topic: format!("espresense/devices/{id}/kitchen"),
            payload: format!(r#"{{"mac":"{id}","id":"{id}"}}"#).into_bytes(),
            retained: false,
        };
        // A second, a thousandth at a time.
        let here = Now { mono: Duration::from_millis(number / 100), wall: Time::default() };
        facts.clear();
        receivers.take(&message, &rules, here, &mut facts);
        taken += facts.len();
    }
    assert!(taken <= 2_000, "{taken}");
    let kitchen = receivers.news(&rules).pop().unwrap();
    assert!(!kitchen.hears);
    let cannot: Vec<_> = kitchen.cannot.iter().map(|it| it.what.as_str()).collect();
    let both = ["take all that it says", "take all whom it hears"];
    assert!(both.iter().all(|it| cannot.contains(it)), "{cannot:?}");
}

/// Whatever happens in whatever order: what is covered begins and ends with a sign of a working radio,
/// no two signs in it are further apart than the rhythm, and nothing in it says that nobody listened.
#[test]
fn nothing_is_claimed_that_was_not_proved() {
    const EVENTS: [Event; 9] = [
        Says(TAG, HEARD),
        Says(TAG, HEARD),
        Says("espresense/devices/apple:findmy/kitchen", r#"{"id":"apple:findmy"}"#),
        Says(TAG, "{"),
        Says(STATUS, "offline"),
        Says(STATUS, "online"),
        Kept(TAG, HEARD),
        Lost,
        Back,
    ];
    let all = Rng::new(11);
    let mut covered = 0;
    for round in 0..500 {
        let mut luck = all.fork(round);
        let (mut at, mut story) = (0, Vec::new());
        for _ in 0..40 {
            at += 1 + u64::from(luck.number(45));
            story.push((at, *luck.pick(&EVENTS).unwrap()));
        }
        let is_sign = |it: &Event| matches!(it, Says(topic, text) if topic.contains("devices") && *text != "{");
        let is_end = |it: &Event| matches!(it, Lost | Says(STATUS, "offline"));
        let signs: Vec<u64> = story.iter().filter(|it| is_sign(&it.1)).map(|it| it.0).collect();
        let mut before = 0;
        for (from, to) in play(&settings(), &story).iter().filter_map(|it| span(it)) {
            covered += to - from;
            assert!(before <= from && from < to, "{story:?}");
            before = to;
            let inside: Vec<u64> =
                signs.iter().copied().filter(|it| (from..=to).contains(it)).collect();
            assert_eq!((inside.first(), inside.last()), (Some(&from), Some(&to)), "{story:?}");
            assert!(inside.windows(2).all(|it| it[1] - it[0] <= 35), "{story:?}");
            assert!(
                !story.iter().any(|(at, it)| is_end(it) && from < *at && *at < to),
                "{story:?}"
            );
        }
    }
    assert!(covered > 10_000, "{covered}");
}

fn span(word: &str) -> Option<(u64, u64)> {
    let (from, to) = word.strip_prefix("covered ")?.split_once('-')?;
    Some((from.parse().ok()?, to.parse().ok()?))
}
