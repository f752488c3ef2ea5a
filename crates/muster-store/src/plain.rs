//! Winners and readings once more, a row each, for the SQL of other programs: kept only where the
//! configuration asks for them.
//!
//! The packed lists remain what Muster itself reads. **Invariant:** a plain row is written, and goes, in
//! the transaction in which that of its packed list does; an hour's counts are those of its winners.
//! What has no signal, or lies outside of what a server's own timestamps can say, has no plain row.

use std::collections::{BTreeMap, BTreeSet};

use muster_core::batch::{CoverageHour, HOUR, Reading};
use muster_core::fact::Listener;
use muster_core::identity::{IdentityId, ListenerId};
use muster_core::reading::{Signals, WinnerHour, hours};
use muster_core::span::Span;
use muster_core::time::Time;

use crate::readings::{self, Measured, Won, block_of};
use crate::record::{Fields, Record, Sheet};
use crate::rows::{duration, micros};
use crate::session::{Merge, Session, Value};
use Value::{Int, List};

/// The shape of the tables and views in `views`, which say it themselves: those of another one are made anew.
pub(crate) const SHAPE: i64 = 1;

/// The number of each listener's monitor: the lowest of its listeners', which never changes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Monitors(BTreeMap<ListenerId, ListenerId>);

impl Monitors {
    /// Of all listeners.
    pub(crate) fn of(listeners: &[(ListenerId, Listener)]) -> Self {
        let mut first: BTreeMap<&str, ListenerId> = BTreeMap::new();
        for (id, it) in listeners {
            let lowest = first.entry(&*it.monitor).or_insert(*id);
            *lowest = (*lowest).min(*id);
        }
        let number = |it: &Listener| first.get(&*it.monitor).copied();
        Self(listeners.iter().filter_map(|(id, it)| Some((*id, number(it)?))).collect())
    }

    fn number(&self, of: ListenerId) -> ListenerId {
        self.0.get(&of).copied().unwrap_or(of)
    }
}

/// A winner, and its monitor's number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlainWinner(ListenerId, Reading);

/// A listener's reading, and its monitor's number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlainReading(ListenerId, Reading);

/// What a monitor won in an hour, of the identities of one block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlainHour {
    hour: Time,
    length: i64,
    block: u32,
    monitor: ListenerId,
    /// How many identities.
    identities: u32,
    signals: Signals,
}

/// Until when a listener has listened, as far as anybody knows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlainCovered(ListenerId, Time);

/// Writes winners.
pub(crate) async fn winners<'a>(
    session: &mut impl Session,
    rows: impl Iterator<Item = &'a Reading>,
    monitors: &Monitors,
) -> Result<(), sqlx::Error> {
    let row = |it: &Reading| PlainWinner(monitors.number(it.listener), *it);
    let rows: Vec<_> = rows.filter(|it| is_shown(it)).map(row).collect();
    session.merge(&rows, Merge::ByKey).await
}

/// Writes the readings of listeners.
pub(crate) async fn measured<'a>(
    session: &mut impl Session,
    rows: impl Iterator<Item = &'a Reading>,
    monitors: &Monitors,
) -> Result<(), sqlx::Error> {
    let row = |it: &Reading| PlainReading(monitors.number(it.listener), *it);
    let rows: Vec<_> = rows.filter(|it| is_shown(it)).map(row).collect();
    session.merge(&rows, Merge::ByKey).await
}

/// Writes the counts of some blocks of one hour and length in place of those that there were.
pub(crate) async fn hour(
    session: &mut impl Session,
    (hour, length, blocks): (Time, i64, &[i64]),
    counted: &[WinnerHour],
    monitors: &Monitors,
) -> Result<(), sqlx::Error> {
    let of = [Int(hour.micros()), Int(length), List(blocks)];
    session.run(HOUR_OF, &of).await?;
    session.merge(&by_monitor(counted, monitors), Merge::ByKey).await
}

/// Writes until when listeners have listened.
pub(crate) async fn covered(
    session: &mut impl Session,
    rows: &[CoverageHour],
) -> Result<(), sqlx::Error> {
    let mut last: BTreeMap<ListenerId, Time> = BTreeMap::new();
    for it in rows {
        if let Some(span) = it.spans.last() {
            last.entry(it.listener).and_modify(|at| *at = span.to.max(*at)).or_insert(span.to);
        }
    }
    let rows: Vec<_> = last.into_iter().map(|(listener, at)| PlainCovered(listener, at)).collect();
    session.merge(&rows, Merge::Latest).await
}

/// Writes what one hour has, from its packed lists: the first one that has any, from a time on. Which that
/// was; none if there is no more.
pub(crate) async fn fill(
    session: &mut impl Session,
    from: Time,
) -> Result<Option<Time>, sqlx::Error> {
    let first = session.numbers(FIRST, &[Int(from.micros())]).await?;
    let Some(first) = first.first().copied().flatten() else { return Ok(None) };
    let at = Time::from_micros(first).floor(HOUR);
    let within = [Int(at.micros()), Int((at + HOUR).micros())];
    let listeners: Vec<_> = session.find("ORDER BY id", &[]).await?;
    let monitors = Monitors::of(&listeners);
    let lists: Vec<Measured> = session.find(readings::WITHIN, &within).await?;
    measured(session, lists.iter().flat_map(|it| it.1.iter()), &monitors).await?;
    let lists: Vec<Won> = session.find(readings::WITHIN, &within).await?;
    let won: Vec<Reading> = lists.into_iter().flat_map(|it| it.1).collect();
    winners(session, won.iter(), &monitors).await?;
    session.merge(&by_monitor(&hours(&won), &monitors), Merge::ByKey).await?;
    Ok(Some(at))
}

/// Writes until when everybody has listened, from all coverage.
pub(crate) async fn fill_covered(session: &mut impl Session) -> Result<(), sqlx::Error> {
    let listeners: Vec<(ListenerId, Listener)> = session.find("ORDER BY id", &[]).await?;
    for (id, _) in listeners {
        let id = Int(id.0.into());
        let last = session.numbers(LAST_COVERED, &[id]).await?;
        let Some(last) = last.first().copied().flatten() else { continue };
        let rows: Vec<CoverageHour> = session.find(COVERED_IN, &[Int(last), id]).await?;
        covered(session, &rows).await?;
    }
    Ok(())
}

fn by_monitor(counted: &[WinnerHour], monitors: &Monitors) -> Vec<PlainHour> {
    let mut all: BTreeMap<_, (BTreeSet<IdentityId>, Option<Signals>)> = BTreeMap::new();
    for it in counted.iter().filter(|it| is_told(it.hour)) {
        let Some(signals) = it.signals else { continue };
        let block = block_of(it.identity);
        let key = (it.hour, micros(it.length), block, monitors.number(it.listener));
        let (identities, sum) = all.entry(key).or_default();
        identities.insert(it.identity);
        *sum = Signals::both(*sum, Some(signals));
    }
    let row = |((hour, length, block, monitor), (identities, signals))| {
        let identities: BTreeSet<IdentityId> = identities;
        let identities = u32::try_from(identities.len()).unwrap_or(u32::MAX);
        let signals: Option<Signals> = signals;
        signals.map(|signals| PlainHour { hour, length, block, monitor, identities, signals })
    };
    all.into_iter().filter_map(row).collect()
}

fn is_shown(it: &Reading) -> bool {
    it.rssi.is_some() && is_told(it.interval) && is_told(it.at)
}

/// Whether every server has a timestamp for it.
fn is_told(at: Time) -> bool {
    TOLD.contains(at)
}

fn write_row(monitor: ListenerId, it: &Reading, row: &mut impl Sheet) {
    row.int(monitor.0);
    row.maybe(it.rssi);
    row.time(it.at);
}

impl Record for PlainWinner {
    const TABLE: &'static str = "plain_winner";
    const COLUMNS: &'static [&'static str] =
        &["interval_at", "length", "identity", "listener", "monitor", "rssi", "at"];
    const KEY: usize = 3;
    const INSTANTS: &'static [&'static str] = &["interval_at", "at"];

    fn write(&self, row: &mut impl Sheet) {
        row.time(self.1.interval);
        row.int(micros(self.1.length));
        row.int(self.1.identity.0);
        row.int(self.1.listener.0);
        write_row(self.0, &self.1, row);
    }

    fn read<'r>(row: &mut impl Fields<'r>) -> Result<Self, sqlx::Error> {
        read_row(row).map(|(monitor, it)| Self(monitor, it))
    }
}

impl Record for PlainReading {
    const TABLE: &'static str = "plain_reading";
    const COLUMNS: &'static [&'static str] = PlainWinner::COLUMNS;
    const KEY: usize = 4;
    const INSTANTS: &'static [&'static str] = PlainWinner::INSTANTS;

    fn write(&self, row: &mut impl Sheet) {
        PlainWinner(self.0, self.1).write(row);
    }

    fn read<'r>(row: &mut impl Fields<'r>) -> Result<Self, sqlx::Error> {
        read_row(row).map(|(monitor, it)| Self(monitor, it))
    }
}

fn read_row<'r>(row: &mut impl Fields<'r>) -> Result<(ListenerId, Reading), sqlx::Error> {
    let (interval, length) = (row.time()?, duration(row.int()?)?);
    let (identity, listener) = (IdentityId(row.small()?), ListenerId(row.small()?));
    let (monitor, rssi, at) = (ListenerId(row.small()?), row.maybe_small()?, row.time()?);
    Ok((monitor, Reading { interval, length, identity, listener, rssi, at }))
}

impl Record for PlainHour {
    const TABLE: &'static str = "plain_hour";
    const COLUMNS: &'static [&'static str] =
        &["hour", "length", "block", "monitor", "identities", "readings", "total", "best", "worst"];
    const KEY: usize = 4;

    fn write(&self, row: &mut impl Sheet) {
        row.time(self.hour);
        row.int(self.length);
        row.int(self.block);
        row.int(self.monitor.0);
        row.int(self.identities);
        let Signals { count, sum, best, worst } = self.signals;
        row.int(count);
        row.int(sum);
        row.int(best);
        row.int(worst);
    }

    fn read<'r>(row: &mut impl Fields<'r>) -> Result<Self, sqlx::Error> {
        let (hour, length, block) = (row.time()?, row.int()?, row.small()?);
        let (monitor, identities) = (ListenerId(row.small()?), row.small()?);
        let (count, sum) = (row.small()?, row.int()?);
        let signals = Signals { count, sum, best: row.small()?, worst: row.small()? };
        Ok(Self { hour, length, block, monitor, identities, signals })
    }
}

impl Record for PlainCovered {
    const TABLE: &'static str = "plain_covered";
    const COLUMNS: &'static [&'static str] = &["listener", "at"];
    const KEY: usize = 1;

    fn write(&self, row: &mut impl Sheet) {
        row.int(self.0.0);
        row.time(self.1);
    }

    fn read<'r>(row: &mut impl Fields<'r>) -> Result<Self, sqlx::Error> {
        Ok(Self(ListenerId(row.small()?), row.time()?))
    }
}

/// The second of January 1970 to the eighteenth of January 2038: a `TIMESTAMP` of `MariaDB` holds no more
/// (its manual, "TIMESTAMP").
const TOLD: Span = Span::new(Time::from_secs(86_400), Time::from_secs(2_147_400_000));
/// No plain row is of a later time.
pub(crate) const LAST: i64 = TOLD.to.micros();

const HOUR_OF: &str = "DELETE FROM plain_hour WHERE hour = ?1 AND length = ?2 AND block IN ?3";
const FIRST: &str = "SELECT min(at) FROM (
    SELECT min(interval_at) AS at FROM winners WHERE interval_at >= ?1
    UNION ALL SELECT min(interval_at) FROM readings WHERE interval_at >= ?1) AS kept";
const LAST_COVERED: &str = "SELECT max(hour) FROM coverage WHERE listener = ?1";
const COVERED_IN: &str = "WHERE hour = ?1 AND listener = ?2";
