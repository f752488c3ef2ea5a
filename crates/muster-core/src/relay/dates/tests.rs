//! Comparisons of clocks, and what is dated by them.

use proptest::prelude::*;

use super::*;

const HUB: i64 = 1_772_438_400;

fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn hub(seconds: u64) -> Time {
    Time::from_secs(HUB) + s(seconds)
}

/// A meeting at which the hub's clock shows `HUB` + mono + `ahead`, with these ways.
fn meet(it: &mut Dates, mono: u64, ahead_ms: u64, out_ms: u64, home_ms: u64) -> bool {
    let ahead = Duration::from_millis(ahead_ms);
    let received = s(mono) + Duration::from_millis(out_ms);
    let answered = received + s(1);
    let back = answered + Duration::from_millis(home_ms);
    let wall = |mono: Duration| Time::from_secs(HUB) + mono + ahead;
    it.meet(s(mono), wall(received), wall(answered), back)
}

#[test]
fn before_the_first_answer_nothing_has_a_date() {
    let mut it = Dates::default();
    assert_eq!(it.date(s(10)), None);
    assert!(meet(&mut it, 100, 0, 20, 20));
    assert_eq!(it.date(s(10)), Some(hub(10)), "the hub's own wait is not part of the way");
    assert_eq!(it.date(s(1_000)), Some(hub(1_000)));
}

#[test]
fn answers_that_agree_move_no_date() {
    let mut it = Dates::default();
    meet(&mut it, 100, 0, 20, 20);
    assert!(!meet(&mut it, 200, 0, 2_000, 10), "half of that way may be the difference");
    assert!(!meet(&mut it, 300, 40, 5, 5));
    assert_eq!(it.date(s(250)), Some(hub(250)));
}

#[test]
fn a_much_shorter_way_is_believed_instead() {
    let mut it = Dates::default();
    meet(&mut it, 100, 0, 4_000, 0);
    assert_eq!(it.date(s(100)), Some(hub(102)));
    assert!(meet(&mut it, 160, 0, 10, 10));
    assert_eq!(it.date(s(170)), Some(hub(170)));
}

#[test]
fn drift_is_spread_and_a_step_is_not() {
    let mut drifts = Dates::default();
    meet(&mut drifts, 0, 0, 1, 1);
    meet(&mut drifts, 86_400, 4_000, 1, 1);
    let middle = Duration::from_millis(43_201_002);
    assert_eq!(drifts.date(middle), Some(Time::from_secs(HUB + 2) + middle));
    let mut steps = Dates::default();
    meet(&mut steps, 0, 0, 1, 1);
    meet(&mut steps, 1_000, 60_000, 1, 1);
    assert_eq!(steps.date(s(400)), Some(hub(400)));
    assert_eq!(steps.date(s(600)), Some(hub(660)));
}

#[test]
fn the_hub_counts_for_more_than_a_synchronised_clock() {
    let mut it = Dates::default();
    let own = Now { mono: s(50), wall: hub(50) + s(9) };
    assert!(it.trust(own));
    assert_eq!(it.date(s(60)), Some(hub(69)));
    assert!(meet(&mut it, 100, 0, 1, 1));
    assert!(!it.trust(own));
    assert_eq!(it.date(s(60)), Some(hub(60)));
}

#[test]
fn anchors_are_bounded() {
    let mut it = Dates::default();
    for hour in 0..1_000 {
        meet(&mut it, hour * 3_600, hour * 1_000, 1, 1);
    }
    assert!(it.anchors().len() <= Dates::MAX_ANCHORS);
    let last = it.date(s(999 * 3_600 + 60)).unwrap();
    assert_eq!(last, hub(999 * 3_600 + 60) + s(999));
}

#[test]
fn who_never_knew_the_time_is_dated_between_its_neighbours() {
    let dated = between_neighbours(Some(hub(1_000)), &[s(100), s(200)], hub(1_600));
    assert_eq!(dated, [(hub(1_100), s(300)), (hub(1_300), s(300))]);
    let first = between_neighbours(None, &[s(100)], hub(1_600));
    assert_eq!(first, [(hub(1_500), UNBOUNDED)]);
    let cramped = between_neighbours(Some(hub(1_590)), &[s(100)], hub(1_600));
    assert_eq!(cramped, [(hub(1_500), UNBOUNDED)], "its own clock says how long it was up");
}

proptest! {
    #[test]
    fn a_date_is_wrong_by_at_most_half_the_way(
        meetings in prop::collection::vec((1..100_000_u64, 0..5_000_u64, 0..5_000_u64), 1..30),
        mono in 0..100_000_u64,
    ) {
        let mut it = Dates::default();
        let mut meetings = meetings;
        meetings.sort_unstable();
        let worst = meetings.iter().map(|(_, out, home)| (out + home) / 2).max().unwrap_or(0);
        for (at, out, home) in meetings {
            meet(&mut it, at, 0, out, home);
        }
        let date = it.date(s(mono)).unwrap();
        let wrong = date.micros().abs_diff(hub(mono).micros());
        prop_assert!(wrong <= worst * 1_000 + 1_000, "{wrong} us, {worst} ms");
    }
}
