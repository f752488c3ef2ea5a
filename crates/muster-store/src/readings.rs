//! Readings in packed rows: how they are laid out, merged, counted and forgotten.
//!
//! A commit reads the rows that it touches, merges what is new into their lists, and writes back those
//! that changed. **Invariant:** the winners of an hour and its count are written in one transaction, and
//! the count is made from the winners alone.

use std::collections::BTreeSet;
use std::time::Duration;

use muster_core::batch::{HOUR, Reading};
use muster_core::identity::IdentityId;
use muster_core::ports::{ReadingQuery, ReadingsOf};
use muster_core::reading::{Names, WinnerHour, hours, keep_best, keep_winners};
use muster_core::span::Span;
use muster_core::time::Time;
use muster_wire::pack;

use crate::plain::{self, Monitors};
use crate::record::{Fields, Record, Sheet};
use crate::rows::{duration, micros, unpacked};
use crate::session::{Merge, Session, Value};
use Value::{Int, List};

/// What the rows of these tables have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    /// The interval's start, or the hour's.
    at: Time,
    /// The length of the intervals.
    length: Duration,
    /// Which identities.
    block: u32,
}

/// Every listener's readings.
#[derive(Debug)]
pub(crate) struct Measured(Key, pub(crate) Vec<Reading>);

/// The winners.
#[derive(Debug)]
pub(crate) struct Won(Key, pub(crate) Vec<Reading>);

/// The winners, counted.
#[derive(Debug)]
pub(crate) struct Counted(Key, Vec<WinnerHour>);

impl Measured {
    /// The start of their interval.
    pub(crate) fn at(&self) -> Time {
        self.0.at
    }

    pub(crate) fn readings(&self) -> &[Reading] {
        &self.1
    }
}

impl Won {
    /// The start of their interval.
    pub(crate) fn at(&self) -> Time {
        self.0.at
    }

    pub(crate) fn readings(&self) -> &[Reading] {
        &self.1
    }
}

impl Counted {
    /// The hour.
    pub(crate) fn at(&self) -> Time {
        self.0.at
    }
}

/// Merges readings with what is there, and into the winners. `plain`: they are kept as plain rows as well.
pub(crate) async fn write(
    session: &mut impl Session,
    readings: &[Reading],
    plain: bool,
) -> Result<(), sqlx::Error> {
    if readings.is_empty() {
        return Ok(());
    }
    let listeners: Vec<_> = session.find("ORDER BY id", &[]).await?;
    let names = Names::of(&listeners);
    let monitors = plain.then(|| Monitors::of(&listeners));
    let mut new = readings.to_vec();
    keep_best(&mut new);
    let groups: Vec<&[Reading]> = new.chunk_by(|a, b| key_of(a) == key_of(b)).collect();
    let mut hours = BTreeSet::new();
    for piece in groups.chunks(PIECE) {
        let keys: Vec<[i64; 3]> =
            piece.iter().filter_map(|it| it.first()).map(|it| key_of(it).columns()).collect();
        let stored: Vec<Measured> = session.with_keys(&keys).await?;
        let stored = stored.into_iter().map(|it| (it.0, it.1));
        let changed = merged(piece, stored.collect(), keep_best);
        if let Some(monitors) = &monitors {
            let fresh = changed.iter().flat_map(Changed::fresh);
            plain::measured(session, fresh, monitors).await?;
        }
        session.merge(&rows(changed, Measured), Merge::ByKey).await?;
        let stored: Vec<Won> = session.with_keys(&keys).await?;
        let stored = stored.into_iter().map(|it| (it.0, it.1));
        let changed = merged(piece, stored.collect(), |all| keep_winners(all, &names));
        hours.extend(changed.iter().map(|it| Key { at: it.key.at.floor(HOUR), ..it.key }));
        if let Some(monitors) = &monitors {
            let fresh = changed.iter().flat_map(Changed::fresh);
            plain::winners(session, fresh, monitors).await?;
        }
        session.merge(&rows(changed, Won), Merge::ByKey).await?;
    }
    let hours: Vec<Key> = hours.into_iter().collect();
    for same in hours.chunk_by(|a, b| (a.at, a.length) == (b.at, b.length)) {
        for piece in same.chunks(PIECE) {
            count(session, piece, monitors.as_ref()).await?;
        }
    }
    Ok(())
}

/// A row that new readings change.
struct Changed {
    key: Key,
    before: Vec<Reading>,
    after: Vec<Reading>,
}

impl Changed {
    /// The readings that were not in it, each in place of the one of its identity and listener, or of its
    /// identity, if there was one. Both lists are in that order.
    fn fresh(&self) -> impl Iterator<Item = &Reading> {
        let by = |it: &Reading| (it.identity, it.listener);
        self.after.iter().filter(move |it| {
            let old = self.before.binary_search_by_key(&by(it), by);
            old.ok().and_then(|at| self.before.get(at)) != Some(*it)
        })
    }
}

/// What changes in the rows that new readings belong to, both in order of their keys.
fn merged(
    new: &[&[Reading]],
    stored: Vec<(Key, Vec<Reading>)>,
    keep: impl Fn(&mut Vec<Reading>),
) -> Vec<Changed> {
    let mut stored = stored.into_iter().peekable();
    let mut changed = Vec::new();
    for group in new {
        let Some(key) = group.first().map(key_of) else { continue };
        let before = stored.next_if(|(it, _)| *it == key).map_or_else(Vec::new, |it| it.1);
        let mut after = [&before, *group].concat();
        keep(&mut after);
        if after != before {
            changed.push(Changed { key, before, after });
        }
    }
    changed
}

fn rows<R>(all: Vec<Changed>, row: impl Fn(Key, Vec<Reading>) -> R) -> Vec<R> {
    all.into_iter().map(|it| row(it.key, it.after)).collect()
}

/// Counts some blocks of one hour and length anew; as plain rows too, where monitors have numbers.
async fn count(
    session: &mut impl Session,
    keys: &[Key],
    monitors: Option<&Monitors>,
) -> Result<(), sqlx::Error> {
    let Some(Key { at, length, .. }) = keys.first().copied() else { return Ok(()) };
    let blocks: Vec<i64> = keys.iter().map(|it| it.block.into()).collect();
    let last = (at + HOUR).micros().saturating_sub(1);
    let wanted = [Int(at.micros()), Int(last), Int(micros(length)), List(&blocks)];
    let won: Vec<Won> = session.find(OF_AN_HOUR, &wanted).await?;
    let won: Vec<Reading> = won.into_iter().flat_map(|it| it.1).collect();
    let counted = hours(&won);
    if let Some(monitors) = monitors {
        plain::hour(session, (at, micros(length), &blocks), &counted, monitors).await?;
    }
    let mut rows = Vec::new();
    for group in counted.chunk_by(|a, b| block_of(a.identity) == block_of(b.identity)) {
        let Some(first) = group.first() else { continue };
        rows.push(Counted(Key { at, length, block: block_of(first.identity) }, group.to_vec()));
    }
    session.merge(&rows, Merge::ByKey).await
}

/// Readings that a query asks for.
pub(crate) async fn readings(
    session: &mut impl Session,
    query: &ReadingQuery,
) -> Result<Vec<Reading>, sqlx::Error> {
    let blocks: BTreeSet<u32> = query.identities.iter().map(|it| block_of(*it)).collect();
    let blocks: Vec<i64> = blocks.into_iter().map(i64::from).collect();
    let (from, to) = (Int(query.window.from.micros()), Int(query.window.to.micros()));
    let wanted = [from, to, List(&blocks)];
    let (tail, wanted) = match query.identities.as_slice() {
        [] => (WITHIN, &wanted[..2]),
        _ => (WITHIN_OF, &wanted[..]),
    };
    let mut found: Vec<Reading> = match query.of {
        ReadingsOf::Listeners => {
            session.find::<Measured>(tail, wanted).await?.into_iter().flat_map(|it| it.1).collect()
        }
        ReadingsOf::Winners => {
            session.find::<Won>(tail, wanted).await?.into_iter().flat_map(|it| it.1).collect()
        }
    };
    if !query.identities.is_empty() {
        let wanted: BTreeSet<IdentityId> = query.identities.iter().copied().collect();
        found.retain(|it| wanted.contains(&it.identity));
    }
    Ok(found)
}

/// Counted hours that begin in a window.
pub(crate) async fn winner_hours(
    session: &mut impl Session,
    window: Span,
) -> Result<Vec<WinnerHour>, sqlx::Error> {
    let wanted = [Int(window.from.micros()), Int(window.to.micros())];
    let found: Vec<Counted> = session.find(HOURS, &wanted).await?;
    Ok(found.into_iter().flat_map(|it| it.1).collect())
}

fn key_of(it: &Reading) -> Key {
    Key { at: it.interval, length: it.length, block: block_of(it.identity) }
}

/// Which of the rows of an interval an identity is in.
pub(crate) const fn block_of(it: IdentityId) -> u32 {
    it.0 >> BLOCK_BITS
}

impl Key {
    /// The number from which the identities of a row are counted.
    const fn base(self) -> IdentityId {
        IdentityId(self.block << BLOCK_BITS)
    }

    /// Its columns, as they are stored.
    fn columns(self) -> [i64; 3] {
        [self.at.micros(), micros(self.length), self.block.into()]
    }

    fn write(self, row: &mut impl Sheet) {
        row.time(self.at);
        row.int(micros(self.length));
        row.int(self.block);
    }

    fn read<'r>(row: &mut impl Fields<'r>) -> Result<Self, sqlx::Error> {
        Ok(Self { at: row.time()?, length: duration(row.int()?)?, block: row.small()? })
    }
}

fn write_list(key: Key, readings: &[Reading], row: &mut impl Sheet) {
    key.write(row);
    row.int(i64::try_from(readings.len()).unwrap_or(i64::MAX));
    row.blob(pack::pack_readings(key.at, key.base(), readings));
}

fn read_list<'r>(row: &mut impl Fields<'r>) -> Result<(Key, Vec<Reading>), sqlx::Error> {
    let key = Key::read(row)?;
    let _count = row.int()?;
    let list = pack::unpack_readings(key.at, key.length, key.base(), row.blob()?);
    Ok((key, unpacked(list)?))
}

const LISTS: &[&str] = &["interval_at", "length", "block", "count", "list"];

impl Record for Measured {
    const TABLE: &'static str = "readings";
    const COLUMNS: &'static [&'static str] = LISTS;
    const KEY: usize = 3;

    fn write(&self, row: &mut impl Sheet) {
        write_list(self.0, &self.1, row);
    }

    fn read<'r>(row: &mut impl Fields<'r>) -> Result<Self, sqlx::Error> {
        read_list(row).map(|(key, list)| Self(key, list))
    }
}

impl Record for Won {
    const TABLE: &'static str = "winners";
    const COLUMNS: &'static [&'static str] = LISTS;
    const KEY: usize = 3;

    fn write(&self, row: &mut impl Sheet) {
        write_list(self.0, &self.1, row);
    }

    fn read<'r>(row: &mut impl Fields<'r>) -> Result<Self, sqlx::Error> {
        read_list(row).map(|(key, list)| Self(key, list))
    }
}

impl Record for Counted {
    const TABLE: &'static str = "winner_hours";
    const COLUMNS: &'static [&'static str] = &["hour", "length", "block", "list"];
    const KEY: usize = 3;

    fn write(&self, row: &mut impl Sheet) {
        self.0.write(row);
        row.blob(pack::pack_hours(self.0.at, self.0.base(), &self.1));
    }

    fn read<'r>(row: &mut impl Fields<'r>) -> Result<Self, sqlx::Error> {
        let key = Key::read(row)?;
        let list = pack::unpack_hours(key.at, key.length, key.base(), row.blob()?);
        Ok(Self(key, unpacked(list)?))
    }
}

/// A list of 256 times the listeners that hear somebody is some kilobytes, and rewritten as a whole.
const BLOCK_BITS: u32 = 8;
/// Rows that are read and written at once: some megabytes where every list is long.
const PIECE: usize = 64;

const OF_AN_HOUR: &str = "WHERE interval_at BETWEEN ?1 AND ?2 AND length = ?3 \
    AND block IN ?4 ORDER BY interval_at, length, block";
pub(crate) const WITHIN: &str =
    "WHERE interval_at >= ?1 AND interval_at < ?2 ORDER BY interval_at, length, block";
pub(crate) const WITHIN_OF: &str = "WHERE interval_at >= ?1 AND interval_at < ?2 \
    AND block IN ?3 ORDER BY interval_at, length, block";
pub(crate) const HOURS: &str = "WHERE hour >= ?1 AND hour < ?2 ORDER BY hour, length, block";
