//! The worked example, ties, and that merging has no order.

use proptest::prelude::*;

use super::*;
use crate::fact::SourceKind;

const INTERVAL: Duration = Duration::from_mins(5);

fn reading(interval: u32, identity: u32, listener: u32, rssi: Option<i8>, second: u32) -> Reading {
    let interval = Time::from_secs(1_795_262_400) + interval * INTERVAL;
    Reading {
        interval,
        length: INTERVAL,
        identity: IdentityId(identity),
        listener: ListenerId(listener),
        rssi,
        at: interval + Duration::from_secs(second.into()),
    }
}

fn names() -> Names {
    Names::of(&[
        (ListenerId(1), Listener::new("Kitchen", SourceKind::Ble, "hci0")),
        (ListenerId(2), Listener::new("Living Room", SourceKind::Ble, "hci0")),
        (ListenerId(3), Listener::new("Attic", SourceKind::Ble, "hci1")),
        (ListenerId(4), Listener::new("Attic", SourceKind::Ble, "hci0")),
    ])
}

fn winners(readings: &[Reading]) -> Vec<Reading> {
    let mut all = readings.to_vec();
    keep_winners(&mut all, &names());
    all
}

#[test]
fn the_living_room_wins() {
    let kitchen = reading(0, 7, 1, Some(-72), 10);
    let living_room = reading(0, 7, 2, Some(-65), 200);
    for told in [
        vec![kitchen, living_room],
        vec![living_room, kitchen],
        vec![living_room, kitchen, living_room, kitchen],
    ] {
        assert_eq!(winners(&told), [living_room]);
    }
}

#[test]
fn ties_are_settled() {
    for (one, other, why) in [
        (reading(0, 7, 1, Some(-90), 9), reading(0, 7, 2, None, 1), "any signal over none"),
        (reading(0, 7, 2, Some(-70), 8), reading(0, 7, 1, Some(-70), 9), "the earlier"),
        (reading(0, 7, 1, Some(-70), 9), reading(0, 7, 2, Some(-70), 9), "the first name"),
        (reading(0, 7, 4, Some(-70), 9), reading(0, 7, 3, Some(-70), 9), "the first channel"),
        (reading(0, 7, 2, Some(-70), 9), reading(0, 7, 5, Some(-70), 9), "a name over none"),
        (reading(0, 7, 3, None, 9), reading(0, 7, 1, None, 9), "a name without signals"),
    ] {
        assert_eq!(winners(&[one, other]), [one], "{why}");
        assert_eq!(winners(&[other, one]), [one], "{why}");
    }
}

#[test]
fn an_hour_is_counted() {
    let won = [
        reading(0, 7, 1, Some(-72), 10),
        reading(1, 7, 1, Some(-60), 20),
        reading(2, 7, 1, None, 30),
        reading(3, 7, 2, Some(-50), 40),
        reading(12, 7, 1, Some(-40), 50),
    ];
    let counted = hours(&won);
    let brief: Vec<_> = counted.iter().map(|it| (it.listener.0, it.readings, it.signals)).collect();
    let two = Signals { count: 2, sum: -132, best: -60, worst: -72 };
    assert_eq!(
        brief,
        [(1, 3, Some(two)), (2, 1, Some(Signals::of(-50))), (1, 1, Some(Signals::of(-40))),]
    );
    assert_eq!(counted.iter().map(|it| (it.first, it.last)).next(), Some((won[0].at, won[2].at)));
}

fn any_readings() -> impl Strategy<Value = Vec<Reading>> {
    let rssi = prop_oneof![Just(None), (-72..-68_i8).prop_map(Some)];
    let one = (0..3_u32, 1..3_u32, 1..6_u32, rssi, 0..3_u32);
    prop::collection::vec(one.prop_map(|(a, b, c, d, e)| reading(a, b, c, d, e)), 0..40)
}

proptest! {
    /// Whatever comes together, twice, late or in another order: the same rows.
    #[test]
    fn merging_has_no_order(all in any_readings(), seed in any::<u64>(), cut in 0..40_usize) {
        let want = winners(&all);
        let mut best = all.clone();
        keep_best(&mut best);
        prop_assert_eq!(&winners(&best), &want, "of the best of each listener");
        let mut shuffled = all.clone();
        shuffled.sort_by_key(|it| (it.at.micros().unsigned_abs() ^ seed).wrapping_mul(seed | 1));
        prop_assert_eq!(&winners(&shuffled), &want, "in any order");
        let (early, late) = shuffled.split_at(cut.min(shuffled.len()));
        let merged = [winners(early), winners(late), winners(early)].concat();
        prop_assert_eq!(&winners(&merged), &want, "in any batches, repeated");
    }

    /// One by one as the book does it.
    #[test]
    fn one_by_one_is_the_same(all in any_readings()) {
        let mut want = all.clone();
        keep_best(&mut want);
        let mut kept: BTreeMap<_, Reading> = BTreeMap::new();
        for it in all {
            let best = kept.entry((it.interval, it.identity, it.listener)).or_insert(it);
            if is_better(&it, best) {
                *best = it;
            }
        }
        prop_assert_eq!(kept.into_values().collect::<Vec<_>>(), want);
    }
}
