//! Figures as the table in `docs/benchmarks.md` wants them: the median, and the spread beside it.

use std::time::Duration;

/// How often everything is measured, unless a benchmark says otherwise.
pub(super) const RUNS: usize = 5;

/// The measurements of one thing.
#[derive(Clone, Debug, Default)]
pub(super) struct Figures(Vec<f64>);

impl Figures {
    pub(super) fn add(&mut self, value: f64) {
        self.0.push(value);
        self.0.sort_by(f64::total_cmp);
    }

    pub(super) fn median(&self) -> f64 {
        self.quantile(50)
    }

    /// The value that this many per cent do not exceed.
    pub(super) fn quantile(&self, percent: usize) -> f64 {
        let place = (self.0.len() * percent).div_ceil(100).max(1) - 1;
        self.0.get(place).copied().unwrap_or(f64::NAN)
    }

    /// The median with lowest and highest, in a unit.
    pub(super) fn text(&self, unit: &str) -> String {
        let (low, high) = (self.quantile(0), self.quantile(100));
        let spread = format!(" ({} to {})", number(low), number(high));
        let spread = if self.0.len() > 1 { spread } else { String::new() };
        format!("{} {unit}{spread}", number(self.median()))
    }
}

impl FromIterator<f64> for Figures {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        let mut all = Self::default();
        values.into_iter().for_each(|it| all.add(it));
        all
    }
}

/// One row: what, and how much.
pub(super) fn row(what: &str, value: &str) {
    println!("  {what:<58} {value}");
}

/// How many times one is the other.
pub(super) fn times(what: &str, one: f64, other: f64) {
    row(what, &format!("{} times", number(one / other)));
}

/// So many things in this time, a second.
#[expect(clippy::cast_precision_loss, reason = "counts of things that were measured")]
pub(super) fn rate(things: usize, taken: Duration) -> f64 {
    things as f64 / taken.as_secs_f64()
}

/// Bytes in MiB.
#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
pub(super) fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// Milliseconds.
pub(super) fn ms(it: Duration) -> f64 {
    it.as_secs_f64() * 1000.0
}

/// A number with as many places as it deserves.
pub(super) fn number(value: f64) -> String {
    match value.abs() {
        it if it >= 1000.0 => thousands(value),
        it if it >= 100.0 => format!("{value:.0}"),
        it if it >= 10.0 => format!("{value:.1}"),
        it if it >= 0.1 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 && !out.ends_with('-') {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_has_its_spread_beside_it() {
        let figures: Figures = [1_234_567.0, 900_000.0, 2_000_000.0].into_iter().collect();
        assert_eq!(figures.text("facts/s"), "1,234,567 facts/s (900,000 to 2,000,000)");
        assert_eq!(figures.quantile(99).to_bits(), 2_000_000.0_f64.to_bits());
        assert_eq!(Figures::from_iter([0.25]).text("ms"), "0.25 ms");
    }
}
