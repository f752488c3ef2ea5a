//! A small picture of how strongly one listener heard a device during the last hour.

use std::time::Duration;

use muster_core::span::Span;

use super::show::medium;
use crate::signals::Series;
use crate::when::length;

/// Bars over time, and what is told of them to those who do not see them.
pub(crate) struct Chart {
    /// Unique on the page.
    pub(crate) id: String,
    /// Who heard it.
    pub(crate) listener: String,
    pub(crate) summary: String,
    /// Where the bars stand, how wide and how high they are: seconds of the hour, parts of [`HIGH`].
    pub(crate) bars: Vec<(i64, i64, i64)>,
    /// When nobody listened: from, and for how long, in seconds of the hour.
    pub(crate) gaps: Vec<(i64, i64)>,
}

impl Chart {
    /// The window that charts show up to now.
    pub(crate) const WINDOW: Duration = Duration::from_hours(1);

    pub(crate) fn of(id: String, series: &Series, window: Span) -> Self {
        let seconds = |it: Duration| i64::try_from(it.as_secs()).unwrap_or(0);
        let within = |it: Span| {
            let it = it.intersect(window)?;
            Some((seconds(it.from.since(window.from)), seconds(it.length())))
        };
        let bars = series.readings.iter().filter_map(|(span, rssi)| {
            let (from, long) = within(*span)?;
            Some((from, (long - APART).max(1), height(*rssi)))
        });
        let gaps = series.covered.bridged(SHORT).gaps(window);
        let long = |it: &&Span| it.length() > SHORT;
        let deaf: Duration = gaps.spans().iter().filter(long).map(|it| it.length()).sum();
        let best = series.readings.iter().map(|it| it.1).max();
        let monitor = &series.listener.monitor;
        let source = medium(series.listener.source);
        let channel = &series.listener.channel;
        let listener = format!("{monitor} · {source} {channel}").trim_end().to_owned();
        let heard = match best {
            Some(best) => format!("at best {best} dBm in the last hour"),
            None => "not heard in the last hour".to_owned(),
        };
        let deaf = match deaf {
            Duration::ZERO => String::new(),
            deaf => format!(", nobody listened for {}", length(deaf)),
        };
        Self {
            id,
            summary: format!("{listener}: {heard}{deaf}"),
            listener,
            bars: bars.collect(),
            gaps: gaps.spans().iter().filter(long).filter_map(|it| within(*it)).collect(),
        }
    }
}

/// What a signal is worth, in a word (fleet analyses: −50, −60, −70 and −80 dBm).
pub(crate) const fn worth(rssi: i8) -> &'static str {
    match rssi {
        -50.. => "excellent",
        -60.. => "good",
        -70.. => "fair",
        -80.. => "weak",
        _ => "very weak",
    }
}

/// −100 dBm is the least that receivers hear, −30 dBm is a hand's breadth away.
fn height(rssi: i8) -> i64 {
    let above = i64::from(rssi.clamp(-100, -30)) + 100;
    LOW + above * (HIGH - LOW) / 70
}

/// The height of a picture.
const HIGH: i64 = 100;
/// The lowest bar: it was heard.
const LOW: i64 = 8;
/// Seconds between two bars.
const APART: i64 = 40;
/// Coverage is told a little later than it is: shorter gaps are none.
const SHORT: Duration = Duration::from_mins(1);

#[cfg(test)]
mod tests {
    use muster_core::fact::{Listener, SourceKind};
    use muster_core::span::SpanSet;
    use muster_core::time::Time;

    use super::*;

    fn span(from: i64, to: i64) -> Span {
        Span::new(Time::from_secs(from), Time::from_secs(to))
    }

    #[test]
    fn bars_stand_where_it_was_heard_and_gaps_where_nobody_listened() {
        let covered: SpanSet =
            [span(0, 1_000), span(1_030, 2_000), span(2_600, 3_590)].into_iter().collect();
        let series = Series {
            listener: Listener::new("attic", SourceKind::Ble, "hci0"),
            readings: vec![
                (span(-100, 200), -30),
                (span(300, 600), -65),
                (span(3_300, 3_600), -120),
            ],
            covered,
        };
        let it = Chart::of("a".to_owned(), &series, span(0, 3_600));
        assert_eq!(it.bars, [(0, 160, 100), (300, 260, 54), (3_300, 260, 8)]);
        assert_eq!(it.gaps, [(2_000, 600)]);
        assert_eq!(
            it.summary,
            "attic · Bluetooth LE hci0: at best -30 dBm in the last hour, nobody listened for 10 min"
        );
    }

    #[test]
    fn signals_have_words() {
        let words = [-30, -50, -51, -60, -70, -80, -81].map(worth);
        let want = ["excellent", "excellent", "good", "good", "fair", "weak", "very weak"];
        assert_eq!(words, want);
    }
}
