//! Stories and properties of the fold.

use proptest::prelude::*;

use super::*;
use crate::directory::{DeviceKind, Person};

/// Changes as `second word subject [owner] [source]`, and what the series are then.
struct Story {
    name: &'static str,
    changes: &'static [&'static str],
    /// `anna`'s `is_home`, `from_wifi`, `known`, then the three aggregates.
    values: [u8; 6],
}

#[test]
fn stories() {
    check(STORIES);
}

const STORIES: &[Story] = &[
    Story { name: "nothing was ever decided", changes: &[], values: [0, 0, 0, 0, 0, 0] },
    Story {
        name: "a phone arrives and brings its owner",
        changes: &["1 arrived device:1 1 lan", "1 arrived person:1"],
        values: [1, 1, 1, 1, 1, 1],
    },
    Story {
        name: "gone again",
        changes: &[
            "1 arrived device:1 1 lan",
            "1 arrived person:1",
            "9 left device:1 1 lan",
            "9 left person:1",
        ],
        values: [0, 0, 1, 0, 0, 0],
    },
    Story {
        name: "while unknown the last value is held",
        changes: &[
            "1 arrived device:1 1 lan",
            "1 arrived person:1",
            "9 unknown device:1 1 lan",
            "9 unknown person:1",
        ],
        values: [1, 1, 0, 1, 1, 1],
    },
    Story {
        name: "known again",
        changes: &["1 arrived person:1", "9 unknown person:1", "12 known person:1"],
        values: [1, 0, 1, 1, 1, 0],
    },
    Story {
        name: "who moved is at another site",
        changes: &["1 arrived person:1", "9 moved person:1"],
        values: [1, 0, 1, 1, 1, 0],
    },
    Story {
        name: "a device of another medium is not from the local network",
        changes: &["1 arrived device:1 1 ble", "1 arrived person:1"],
        values: [1, 0, 1, 1, 1, 0],
    },
    Story {
        name: "what stays at home says nothing about its owner",
        changes: &["1 arrived device:2 1 lan"],
        values: [0, 0, 0, 0, 0, 1],
    },
    Story {
        name: "a device that is given away while it is here",
        changes: &["1 arrived device:1 1 lan", "2 assigned device:1 2"],
        values: [0, 0, 0, 0, 0, 1],
    },
    Story {
        name: "set away by hand, the phone is still heard",
        changes: &[
            "1 arrived device:1 1 lan",
            "1 arrived person:1",
            "2 overridden person:1",
            "2 left person:1",
        ],
        values: [0, 1, 1, 0, 0, 1],
    },
    Story {
        name: "of changes decided at different times the later one counts",
        changes: &["9 left person:1", "1 arrived person:1"],
        values: [0, 0, 1, 0, 0, 0],
    },
    Story {
        name: "who is not in the directory any more is not counted",
        changes: &["1 arrived person:7"],
        values: [0, 0, 0, 0, 0, 0],
    },
];

#[test]
fn names_are_the_reference_ones() {
    let sample = Series::default().sample(Time::from_secs(5), &house());
    let names: Vec<&str> = sample.values.iter().map(|it| it.0.as_str()).collect();
    assert_eq!(
        names,
        [
            "anna.is_home",
            "anna.from_wifi",
            "anna.known",
            "ben.is_home",
            "ben.from_wifi",
            "ben.known",
            "count_home",
            "anyone_home",
            "wifi.devices_present_count",
        ]
    );
    assert_eq!(sample.at, Time::from_secs(5));
}

#[test]
fn between_two_answers_of_a_source_nothing_flickers() {
    // A source that is asked every 300 s, sampled every 5 s: 60 ones, not one and 59 zeros.
    let mut series = Series::default();
    let mut ones = 0;
    for second in (0..600).step_by(5) {
        if second == 300 {
            series.apply(&change("300 arrived person:1", 1));
            series.apply(&change("300 arrived device:1 1 lan", 2));
        }
        let sample = series.sample(Time::from_secs(second), &house());
        let is = |name| value(&sample, name) > 0.5;
        if second >= 300 {
            assert!(is("anna.is_home") && is("anna.from_wifi"), "at {second}");
            ones += 1;
        } else {
            assert!(!is("anna.is_home"), "at {second}");
        }
    }
    assert_eq!(ones, 60);
}

proptest! {
    #[test]
    fn count_home_is_the_sum_of_is_home(changes in changes()) {
        let mut series = Series::default();
        for change in &changes {
            series.apply(change);
            let sample = series.sample(change.decided, &house());
            let homes = sample.values.iter().filter(|it| it.0.ends_with(".is_home"));
            let sum: f64 = homes.map(|it| it.1).sum();
            prop_assert!((value(&sample, "count_home") - sum).abs() < f64::EPSILON);
            let anyone = value(&sample, "anyone_home") > 0.5;
            prop_assert_eq!(anyone, sum > 0.5);
        }
    }

    #[test]
    fn a_fold_from_the_last_states_is_the_whole_fold(changes in changes()) {
        let mut whole = Series::default();
        whole.apply_all(&changes);
        let mut begun = Series::default();
        let mut last: BTreeMap<Subject, &Change> = BTreeMap::new();
        for change in changes.iter().filter(|it| it.kind.bears_state()) {
            last.extend(change.subject.map(|it| (it, change)));
        }
        begun.apply_all(last.into_values());
        let here: Vec<_> = begun.devices_here().collect();
        for (device, decided) in here {
            let subject = Some(Subject::Device(device));
            let since = |it: &&Change| it.subject == subject && it.decided >= decided;
            begun.apply_all(changes.iter().rev().filter(since));
        }
        let at = Time::from_secs(1_000);
        prop_assert_eq!(whole.sample(at, &house()), begun.sample(at, &house()));
    }

    #[test]
    fn order_of_application_does_not_matter_to_states(changes in changes(), turn in 0_usize..40) {
        let states: Vec<_> = changes.iter().filter(|it| it.kind.bears_state()).collect();
        let (mut one, mut two) = (Series::default(), Series::default());
        one.apply_all(states.iter().copied());
        let turn = turn.min(states.len());
        two.apply_all(states[turn..].iter().chain(&states[..turn]).copied());
        prop_assert_eq!(one, two);
    }
}

/// Changes of two people and three devices, with ids and rising times.
fn changes() -> impl Strategy<Value = Vec<Change>> {
    let kind = prop::sample::select(vec![
        "arrived",
        "left",
        "moved",
        "unknown",
        "known",
        "assigned",
        "corrected",
        "overridden",
    ]);
    let subject = prop::sample::select(vec!["person:1", "person:2", "device:1", "device:2"]);
    let one = (kind, subject, 0_u32..3, prop::bool::ANY, 0_i64..3);
    prop::collection::vec(one, 0..40).prop_map(|all| {
        let mut at = 0;
        let mut id = 0;
        let made = all.into_iter().map(|(kind, subject, owner, lan, later)| {
            at += later;
            id += 1;
            let source = if lan { "lan" } else { "ble" };
            change(&format!("{at} {kind} {subject} {owner} {source}"), id)
        });
        made.collect()
    })
}

impl Series {
    fn apply_all<'a>(&mut self, changes: impl IntoIterator<Item = &'a Change>) {
        for change in changes {
            self.apply(change);
        }
    }
}

#[track_caller]
fn check(stories: &[Story]) {
    for story in stories {
        let mut series = Series::default();
        for (line, id) in story.changes.iter().zip(1..) {
            series.apply(&change(line, id));
        }
        let sample = series.sample(Time::from_secs(60), &house());
        let names = [
            "anna.is_home",
            "anna.from_wifi",
            "anna.known",
            "count_home",
            "anyone_home",
            "wifi.devices_present_count",
        ];
        let values = names.map(|it| value(&sample, it));
        assert_eq!(
            values.map(|it| it.to_string()),
            story.values.map(|it| it.to_string()),
            "{}",
            story.name
        );
    }
}

fn change(line: &str, id: u64) -> Change {
    let mut parts = line.split(' ');
    let mut next = || parts.next();
    let at = Time::from_secs(next().unwrap().parse().unwrap());
    let mut change = Change::new(ChangeKind::from_word(next().unwrap()).unwrap(), at, at);
    let (kind, number) = next().unwrap().split_once(':').unwrap();
    let number = number.parse().unwrap();
    change.id = id;
    change.subject = Some(match kind {
        "person" => Subject::Person(PersonId(number)),
        _ => Subject::Device(DeviceId(number)),
    });
    change.owner = next().and_then(|it| it.parse().ok()).filter(|it| *it > 0).map(PersonId);
    change.source = next().map(|it| if it == "lan" { SourceKind::Lan } else { SourceKind::Ble });
    change
}

/// Anna (1) and Ben (2); device 1 is a phone, device 2 stays at home.
fn house() -> Directory {
    let mut house = Directory::default();
    for (id, name) in [(1, "anna"), (2, "ben")] {
        house.people.insert(PersonId(id), Person { name: name.into(), display: name.into() });
    }
    let phone = Device { kind: DeviceKind::Phone, ..Device::default() };
    house.devices.insert(DeviceId(1), phone);
    house
}

fn value(sample: &Sample, name: &str) -> f64 {
    sample.values.iter().find(|it| it.0 == name).unwrap().1
}
