//! Stories of a household.

use super::*;

fn start() -> Time {
    "2026-03-02T00:00:00Z".parse().unwrap()
}

#[test]
fn how_time_is_cut_up_changes_nothing() {
    let until = start() + Duration::from_hours(30);
    let whole = Household::new(3, start()).facts_until(until);
    let mut house = Household::new(3, start());
    let mut parts = Vec::new();
    for step in 1..30 * 6 {
        parts.extend(house.facts_until(start() + Duration::from_secs(599) * step));
    }
    parts.extend(house.facts_until(until));
    assert_eq!(whole.len(), parts.len());
    assert!(whole == parts, "facts differ");
}

#[test]
fn nobody_is_heard_who_is_not_there() {
    let mut house = Household::new(4, start());
    let facts = house.facts_until(start() + Duration::from_hours(72));
    let truth = house.truth();
    let there = |identity: &Identity, at: Time| {
        truth.iter().any(|it| it.identity == *identity && it.there.contains(at))
    };
    let mut heard = 0;
    for fact in &facts {
        match &fact.body {
            FactBody::Sighting(it) => {
                heard += 1;
                assert!(there(&it.identity, it.at), "{} at {}", it.identity, it.at);
            }
            FactBody::Probe(it) if it.outcome == muster_core::fact::Outcome::Answered => {
                assert!(there(&it.identity, it.at), "{} at {}", it.identity, it.at);
            }
            FactBody::Coverage(_)
            | FactBody::Probe(_)
            | FactBody::Level(_)
            | FactBody::Detail(_) => {}
        }
    }
    assert!(heard > 10_000, "a house this quiet proves nothing: {heard}");
}

#[test]
fn people_come_and_go_and_their_phones_doze() {
    let mut house = Household::new(5, start());
    let facts = house.facts_until(start() + Duration::from_hours(24 * 7));
    let phone = house.devices().first().unwrap().identity.clone();
    let truth = house.truth();
    let stays = truth.iter().find(|it| it.identity == phone).unwrap().there.spans().len();
    assert!((5..30).contains(&stays), "{stays} stays in a week");
    let mut heard: Vec<Time> = facts
        .iter()
        .filter_map(|it| match &it.body {
            FactBody::Sighting(it) if it.identity == phone => Some(it.at),
            FactBody::Sighting(_)
            | FactBody::Coverage(_)
            | FactBody::Probe(_)
            | FactBody::Level(_)
            | FactBody::Detail(_) => None,
        })
        .collect();
    heard.sort();
    let long = |pair: &[Time]| (300..14_400).contains(&pair[1].since(pair[0]).as_secs());
    let dozes = heard.windows(2).filter(|it| long(it)).count();
    assert!(dozes > 50, "{dozes} silences of five minutes and more in a week");
}
