//! What the curve must show whatever the traces.

use super::*;

#[test]
fn patience_is_paid_for_in_delay_and_the_engine_pays_little_more_than_it_must() {
    let curve = measure(1, 8);
    let of = |rule| curve.points.iter().filter(move |it| it.rule == rule);
    for rule in [Rule::Best, Rule::Engine, Rule::Fixed] {
        let points: Vec<_> = of(rule).collect();
        for pair in points.windows(2) {
            let (less, more) = (&pair[0].score, &pair[1].score);
            assert!(less.wrong >= more.wrong, "{rule:?}: more patience, more errors");
            assert!(less.delay(50) <= more.delay(50), "{rule:?}: more patience, less delay");
        }
        assert!(points.iter().all(|it| it.score.departures() > 8), "{rule:?}: hardly any left");
    }
    assert!(of(Rule::Best).any(|it| it.score.wrong > 100), "the phones do not doze");
    for it in of(Rule::Engine).filter(|it| it.score.wrong >= 30) {
        let wait = it.wait.as_secs();
        assert!(it.times_best <= 1.3, "{wait} s: {:.2} times the best", it.times_best);
    }
    let shipped = of(Rule::Engine).find(|it| it.wait.as_secs() == 1800);
    let shipped = shipped.map_or(f64::MAX, |it| it.score.false_per_day());
    for it in of(Rule::Fixed) {
        assert!(shipped < it.score.false_per_day(), "no better than {} s", it.wait.as_secs());
    }
}

#[test]
fn picture_and_numbers_say_the_same() {
    let curve = measure(1, 2);
    let svg = picture(&curve);
    assert_eq!(svg.matches("<circle").count(), 2 * curve.points.len() + 3);
    assert!(!svg.contains("NaN") && svg.trim_end().ends_with("</svg>"));
    let json = curve.json();
    assert_eq!(json.matches("\"rule\"").count(), curve.points.len());
    assert!(!json.contains("NaN") && !json.contains("inf"));
}
