//! What stays of facts for which there is no room.

use proptest::prelude::*;

use super::*;
use crate::fact::{Detail, Fact, Outcome, Probe, Sighting, SourceKind};
use crate::identity::Mac;

const INTERVAL: Duration = Duration::from_mins(5);

fn whom(number: u8) -> Identity {
    Identity::Ble(Mac([0x7c, 0, 0, 0, 0, number]))
}

fn at(second: i64) -> Time {
    Time::from_secs(second)
}

fn heard(who: u8, second: i64, rssi: i8) -> FactBody {
    FactBody::Sighting(Sighting { identity: whom(who), at: at(second), rssi: Some(rssi) })
}

fn covered(from: i64, to: i64) -> FactBody {
    FactBody::Coverage(Span::new(at(from), at(to)))
}

fn entries(bodies: impl IntoIterator<Item = FactBody>) -> Vec<Entry> {
    let listener = Arc::new(Listener::new("attic", SourceKind::Ble, "hci0"));
    let fact = |body| Fact { listener: Arc::clone(&listener), body };
    let numbered = (0..).zip(bodies);
    numbered.map(|(sequence, body)| Entry { sequence, fact: fact(body) }).collect()
}

fn told(entries: &[Entry]) -> Vec<(u64, FactBody)> {
    entries.iter().map(|it| (it.sequence, it.fact.body.clone())).collect()
}

#[test]
fn the_first_the_strongest_and_the_last_of_an_interval_stay() {
    let given = [
        heard(1, 0, -70),
        heard(1, 10, -50),
        heard(2, 15, -90),
        heard(1, 20, -50),
        covered(0, 30),
        heard(1, 40, -60),
        heard(1, 50, -65),
        covered(30, 60),
        heard(1, 310, -80),
        covered(100, 320),
    ];
    let kept = thin(entries(given.clone()), INTERVAL);
    let want = [
        (0, given[0].clone()),
        (1, given[1].clone()),
        (2, given[2].clone()),
        (6, given[6].clone()),
        (7, covered(0, 60)),
        (8, given[8].clone()),
        (9, covered(100, 320)),
    ];
    assert_eq!(told(&kept), want);
}

#[test]
fn what_was_asked_stays_and_of_details_the_newest() {
    let probe = FactBody::Probe(Probe { identity: whom(1), at: at(5), outcome: Outcome::Silent });
    let detail = |second, kind, value: &str| {
        FactBody::Detail(Detail { identity: whom(1), at: at(second), kind, value: value.into() })
    };
    let given = [
        detail(1, DetailKind::Hostname, "old"),
        detail(2, DetailKind::Ipv4, "10.0.0.1"),
        probe.clone(),
        detail(3, DetailKind::Hostname, "new"),
        detail(4, DetailKind::Ipv4, "10.0.0.2"),
        detail(6, DetailKind::Ipv4, "10.0.0.1"),
    ];
    let kept = thin(entries(given), INTERVAL);
    let numbers: Vec<u64> = kept.iter().map(|it| it.sequence).collect();
    assert_eq!(numbers, [2, 3, 4, 5]);
}

fn bodies() -> impl Strategy<Value = FactBody> {
    prop_oneof![
        4 => (0..3_u8, 0..2_000_i64, -90..-40_i8).prop_map(|(who, at, rssi)| heard(who, at, rssi)),
        1 => (0..2_000_i64, 1..60_i64).prop_map(|(from, more)| covered(from, from + more)),
    ]
}

fn coverage(entries: &[Entry]) -> SpanSet {
    let span = |it: &Entry| {
        if let FactBody::Coverage(span) = it.fact.body { Some(span) } else { None }
    };
    entries.iter().filter_map(span).collect()
}

/// The best signal of each identity and interval.
fn best(entries: &[Entry]) -> BTreeMap<(Identity, Time), (Option<i8>, Reverse<Time>)> {
    let mut all = BTreeMap::new();
    for entry in entries {
        if let FactBody::Sighting(it) = &entry.fact.body {
            let signal = (it.rssi, Reverse(it.at));
            let best = all.entry((it.identity.clone(), it.at.floor(INTERVAL))).or_insert(signal);
            *best = (*best).max(signal);
        }
    }
    all
}

proptest! {
    #[test]
    fn readings_and_coverage_are_what_they_were(bodies in prop::collection::vec(bodies(), 0..200)) {
        let all = entries(bodies);
        let kept = thin(all.clone(), INTERVAL);
        prop_assert_eq!(best(&kept), best(&all));
        prop_assert_eq!(coverage(&kept), coverage(&all));
        prop_assert!(kept.windows(2).all(|it| it[0].sequence < it[1].sequence));
        prop_assert_eq!(thin(kept.clone(), INTERVAL), kept, "thin stays thin");
    }
}
