//! Stories of people whose stays go on where memory ends.

use super::*;
use crate::directory::{Directory, Override};
use crate::stay::Stay;

const HOUR: i64 = 3600;

/// Days with one person in them, and nothing else.
fn days_with_anna() -> Restored {
    let mut directory = Directory::default();
    let anna = Edit::AddPerson { name: "anna".to_owned(), display: String::new() };
    directory.apply(anna).unwrap();
    Restored { directory, last_stay: StayId(2), ..Restored::default() }
}

fn stay_of_anna(id: u64, site: u32, from: i64, last: i64, ended: Ended) -> Stay {
    Stay {
        id: StayId(id),
        subject: Subject::Person(PersonId(1)),
        site: PlaceId(site),
        from: now(from).wall,
        last: now(last).wall,
        ended,
        to_latest: None,
        uncovered: Duration::ZERO,
        after_gap: false,
        revision: 0,
    }
}

#[test]
fn what_was_set_by_hand_ends_when_it_said_also_after_a_week_without_a_hub() {
    let mut restored = days_with_anna();
    let until = now(2 * HOUR).wall;
    let home = Override { home: true, at: now(0).wall, until, by: "anna".into() };
    restored.directory.apply(Edit::Override { person: PersonId(1), set: home }).unwrap();
    restored.stays = vec![stay_of_anna(1, 1, 0, 0, Ended::Open)];
    restored.frontier = now(HOUR).wall;
    let later = now(7 * 24 * HOUR);
    restored.since = Engine::since(&Policy::default(), later.wall);

    let mut engine = Engine::new(Policy::default(), restored, later);
    let batch = engine.drain();
    let stays: Vec<_> = batch.stays.iter().map(|it| (it.from, it.last, it.ended)).collect();
    assert_eq!(stays, [(now(0).wall, until, Ended::Left)]);
    let told: Vec<_> = batch.changes.iter().map(|it| (it.kind, it.at)).collect();
    assert_eq!(told, [(ChangeKind::Left, until)]);
}

#[test]
fn a_stay_that_began_elsewhere_in_the_same_moment_is_not_unmade() {
    let mut restored = days_with_anna();
    let later = now(7 * 24 * HOUR);
    restored.since = Engine::since(&Policy::default(), later.wall);
    restored.frontier = later.wall;
    let (from, until) = (6 * 24 * HOUR - HOUR, now(7 * 24 * HOUR + HOUR).wall);
    let at = now(from).wall;
    // At home by hand, where memory ends and after it; in the cabin for a quarter of an hour.
    let home = Override { home: true, at, until, by: "anna".into() };
    restored.directory.apply(Edit::Override { person: PersonId(1), set: home }).unwrap();
    restored.since = (at + Duration::from_hours(1)).floor(crate::batch::HOUR);
    restored.stays = vec![
        stay_of_anna(1, 1, from, from, Ended::Open),
        stay_of_anna(2, 2, from, from + 900, Ended::Left),
    ];

    let mut engine = Engine::new(Policy::default(), restored, later);
    let batch = engine.drain();
    assert_eq!(batch.gone, [], "the quarter of an hour in the cabin stays");
    assert_eq!(engine.stays().count(), 2);
}
