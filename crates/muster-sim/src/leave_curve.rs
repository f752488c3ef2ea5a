//! The price of patience: how often somebody is wrongly told to have left, against how late the
//! true departures are told.
//!
//! Phones that doze are followed on the local network alone. The engine at several settings and
//! the fixed time-outs that others use are put beside the best that any rule could do on the same
//! trace: without knowing the future a rule can only wait, and one that waits *d* errs on every
//! silence longer than *d*.

mod rules;
mod svg;
mod trace;

use std::time::Duration;

pub use self::rules::{best, engine, fixed};
pub use self::svg::picture;
pub use self::trace::{Score, Trace};

/// One rule at one setting.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Which rule.
    pub rule: Rule,
    /// Its setting.
    pub wait: Duration,
    /// How it did.
    pub score: Score,
    /// False departures, times those of the best rule with the same median delay.
    pub times_best: f64,
}

/// The rules that are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// The best that any rule could do.
    Best,
    /// The engine, by `away_after`.
    Engine,
    /// A fixed time-out since the last evidence, whoever was listening.
    Fixed,
}

impl Rule {
    /// The word for files and legends.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Best => "best possible",
            Self::Engine => "muster",
            Self::Fixed => "fixed time-out",
        }
    }
}

/// What is measured.
#[derive(Clone, Debug)]
pub struct Curve {
    /// How many households were followed.
    pub households: u64,
    /// For how many days each.
    pub days: u64,
    /// The points, rule by rule.
    pub points: Vec<Point>,
}

/// Measures all rules on the same traces.
#[must_use]
pub fn measure(households: u64, days: u64) -> Curve {
    let traces: Vec<Trace> = (0..households).map(|seed| Trace::new(seed, days)).collect();
    let together =
        |rule: &dyn Fn(&Trace) -> Score| traces.iter().map(rule).fold(Score::default(), Score::and);
    let minutes = |it: u64| Duration::from_mins(it);
    let ideal: Vec<(Duration, Score)> = (1..=240)
        .map(|half| Duration::from_secs(half * 30))
        .map(|wait| (wait, together(&|it| best(it, wait))))
        .collect();
    let mut points = Vec::new();
    let mut add = |rule, wait, score: Score| {
        let times_best = score.false_per_day() / best_at(&ideal, score.delay(50));
        points.push(Point { rule, wait, score, times_best });
    };
    for wait in [2, 3, 5, 7, 10, 15, 20, 25, 30, 40, 50, 60].map(minutes) {
        if let Some((_, score)) = ideal.iter().find(|it| it.0 == wait) {
            add(Rule::Best, wait, score.clone());
        }
    }
    for wait in [3, 5, 10, 15, 20, 30, 45].map(minutes) {
        add(Rule::Engine, wait, together(&|it| engine(it, wait)));
    }
    for wait in [120, 300, 900].map(Duration::from_secs) {
        add(Rule::Fixed, wait, together(&|it| fixed(it, wait)));
    }
    Curve { households, days, points }
}

/// False departures of the best rule whose median delay is this, between its two nearest settings.
#[expect(clippy::cast_precision_loss, reason = "seconds of a day")]
fn best_at(ideal: &[(Duration, Score)], delay: Duration) -> f64 {
    let value = |it: &(Duration, Score)| (it.1.delay(50).as_secs() as f64, it.1.false_per_day());
    let at = delay.as_secs() as f64;
    let above = ideal.iter().position(|it| value(it).0 >= at).unwrap_or(ideal.len() - 1);
    let (Some(low), Some(high)) = (ideal.get(above.saturating_sub(1)), ideal.get(above)) else {
        return f64::NAN;
    };
    let ((x0, y0), (x1, y1)) = (value(low), value(high));
    if x1 <= x0 { y1 } else { y0 + (y1 - y0) * ((at - x0) / (x1 - x0)).clamp(0.0, 1.0) }
}

impl Curve {
    /// All points as JSON.
    #[must_use]
    pub fn json(&self) -> String {
        let points: Vec<String> = self.points.iter().map(Point::json).collect();
        format!(
            "{{\n  \"households\": {},\n  \"days\": {},\n  \"points\": [\n    {}\n  ]\n}}\n",
            self.households,
            self.days,
            points.join(",\n    ")
        )
    }
}

impl Point {
    fn json(&self) -> String {
        format!(
            "{{\"rule\": \"{}\", \"wait_s\": {}, \"false_left_per_device_day\": {:.4}, \
             \"delay_p50_s\": {}, \"delay_p95_s\": {}, \"departures\": {}, \
             \"times_best\": {:.3}}}",
            self.rule.word(),
            self.wait.as_secs(),
            self.score.false_per_day(),
            self.score.delay(50).as_secs(),
            self.score.delay(95).as_secs(),
            self.score.departures(),
            if self.times_best.is_finite() { self.times_best } else { 0.0 },
        )
    }
}

#[cfg(test)]
mod tests;
