//! Whether everything that is kept can be read, and agrees with itself. Nothing is written.
//!
//! Retention goes piece by piece, and may leave facts behind of somebody who was forgotten; so what is
//! compared is only what holds at every moment.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::future::join;
use muster_core::batch::{
    CoverageHour, DetailRow, HOUR, HeardHour, LevelRow, ProbeHour, Reading, ReceivedRanges,
};
use muster_core::change::Change;
use muster_core::directory::Device;
use muster_core::fact::Listener;
use muster_core::identity::{DeviceId, Identity, IdentityId, ListenerId};
use muster_core::ports::{ReadingQuery, ReadingsOf, StoreError};
use muster_core::reading::hours;
use muster_core::span::Span;
use muster_core::stay::Stay;
use muster_core::time::Time;
use tokio::sync::mpsc::{self, Receiver};

use crate::Kept;
use crate::cells::Row;
use crate::directory::OwnershipRow;
use crate::judged::Meta;
use crate::readings::{Counted, Measured, Won};
use crate::record::Record;
use crate::rows::{FirstSeen, LastSeen};
use crate::tables;
use crate::transfer::{Moment, Origin, Piece};

/// What was found in a store.
#[derive(Debug, Default)]
pub struct Found {
    /// Its tables by name.
    pub tables: BTreeMap<&'static str, Table>,
    /// What does not agree, in words.
    pub wrong: Vec<String>,
    /// What could not be compared, in words. That is no damage.
    pub uncompared: Vec<String>,
}

/// What was found in a table.
#[derive(Debug, Default)]
pub struct Table {
    /// How many rows can be read.
    pub rows: u64,
    /// When the oldest of them is from, where they have a time.
    pub oldest: Option<Time>,
    /// When the newest is from.
    pub newest: Option<Time>,
    /// Bytes on the disk with its indexes, as the engine counts them.
    pub bytes: u64,
    /// Why not all rows can be read.
    pub damage: Option<String>,
}

impl Found {
    /// Everything that is wrong, in words.
    pub fn all_wrong(&self) -> impl Iterator<Item = String> {
        let damaged = self.tables.iter();
        let damaged = damaged.filter_map(|(table, it)| Some((table, it.damage.as_ref()?)));
        damaged.map(|(table, it)| format!("{table}: {it}")).chain(self.wrong.iter().cloned())
    }
}

/// Reads every row of every table, of one moment, and compares what speaks of each other. A hub may write
/// meanwhile. Fails where the store cannot be read at all.
pub async fn check(store: &dyn Kept) -> Result<Found, StoreError> {
    let Seen { mut found, days, .. } = seen(&Moment(store)).await?;
    match store.sizes().await {
        Ok(sizes) => {
            for (table, bytes) in sizes {
                found.tables.entry(table).or_default().bytes = bytes;
            }
        }
        Err(damaged @ StoreError::Damaged { .. }) => found.wrong.push(damaged.to_string()),
        Err(other) => return Err(other),
    }
    // What is damaged says nothing of the others.
    if found.all_wrong().next().is_none() {
        compare_hours(store, &days, &mut found).await?;
    }
    Ok(found)
}

/// The same of rows that are in no store: how winners are counted is not compared.
pub(crate) async fn check_rows(from: &dyn Origin) -> Result<Found, StoreError> {
    seen(from).await.map(|it| it.found)
}

async fn seen(from: &dyn Origin) -> Result<Seen, StoreError> {
    let (to, pieces) = mpsc::channel(2);
    let (read, mut seen) = join(from.rows(to), look(pieces)).await;
    read?;
    seen.compare();
    Ok(seen)
}

async fn look(mut pieces: Receiver<Piece>) -> Seen {
    let mut seen = Seen::default();
    seen.found.tables.extend(tables::NAMES.iter().map(|it| (*it, Table::default())));
    while let Some(Piece { table, rows }) = pieces.recv().await {
        let noted = rows.map_err(|it| it.to_string()).and_then(|rows| {
            rows.iter().try_for_each(|it| seen.note(table, it)).map_err(|it| it.to_string())
        });
        if let Err(damage) = noted {
            seen.found.tables.entry(table).or_default().damage = Some(damage);
        }
    }
    seen
}

/// What was seen of rows that others speak of.
#[derive(Default)]
struct Seen {
    found: Found,
    meta: Option<Meta>,
    /// The highest number that was given, and the highest that is spoken of.
    highest: Option<IdentityId>,
    highest_spoken: Option<IdentityId>,
    listeners: BTreeSet<ListenerId>,
    unknown_listeners: BTreeSet<ListenerId>,
    firsts: BTreeSet<IdentityId>,
    lasts: BTreeSet<IdentityId>,
    devices: BTreeSet<DeviceId>,
    owned: BTreeSet<DeviceId>,
    last_change: u64,
    last_stay: u64,
    /// Those that winners, or hours that count them, are of.
    days: BTreeSet<Time>,
}

impl Seen {
    fn note(&mut self, table: &'static str, row: &Row) -> Result<(), sqlx::Error> {
        let entry = self.found.tables.entry(table).or_default();
        entry.rows += 1;
        if let Some(at) = time_of(table, row)? {
            entry.oldest = Some(entry.oldest.map_or(at, |it| it.min(at)));
            entry.newest = Some(entry.newest.map_or(at, |it| it.max(at)));
            if table == Won::TABLE || table == Counted::TABLE {
                self.days.insert(at.floor(DAY));
            }
        }
        match table {
            Meta::TABLE => self.meta = Some(row.record()?),
            <(IdentityId, Identity)>::TABLE => {
                let (id, _): (IdentityId, Identity) = row.record()?;
                self.highest = self.highest.max(Some(id));
            }
            <(ListenerId, Listener)>::TABLE => {
                let (id, _): (ListenerId, Listener) = row.record()?;
                self.listeners.insert(id);
            }
            FirstSeen::TABLE => drop(self.firsts.insert(row.record::<FirstSeen>()?.0)),
            LastSeen::TABLE => drop(self.lasts.insert(row.record::<LastSeen>()?.0)),
            <(DeviceId, Device)>::TABLE => {
                let (id, _): (DeviceId, Device) = row.record()?;
                self.devices.insert(id);
            }
            OwnershipRow::TABLE => drop(self.owned.insert(row.record::<OwnershipRow>()?.device)),
            Stay::TABLE => self.last_stay = self.last_stay.max(row.record::<Stay>()?.id.0),
            Change::TABLE => self.last_change = self.last_change.max(row.record::<Change>()?.id),
            _ => self.note_fact(table, row)?,
        }
        Ok(())
    }

    /// Facts speak of identities and listeners.
    fn note_fact(&mut self, table: &'static str, row: &Row) -> Result<(), sqlx::Error> {
        match table {
            DetailRow::TABLE => self.speaks_of([row.record::<DetailRow>()?.identity], []),
            HeardHour::TABLE => {
                let it: HeardHour = row.record()?;
                self.speaks_of([it.identity], [it.listener]);
            }
            CoverageHour::TABLE => self.speaks_of([], [row.record::<CoverageHour>()?.listener]),
            ProbeHour::TABLE => {
                let it: ProbeHour = row.record()?;
                self.speaks_of([it.identity], [it.listener]);
            }
            LevelRow::TABLE => {
                let it: LevelRow = row.record()?;
                self.speaks_of([it.identity], [it.listener]);
            }
            Measured::TABLE => self.note_readings(row.record::<Measured>()?.readings()),
            Won::TABLE => self.note_readings(row.record::<Won>()?.readings()),
            _ => {}
        }
        Ok(())
    }

    fn note_readings(&mut self, all: &[Reading]) {
        self.speaks_of(all.iter().map(|it| it.identity), all.iter().map(|it| it.listener));
    }

    fn speaks_of(
        &mut self,
        identities: impl IntoIterator<Item = IdentityId>,
        listeners: impl IntoIterator<Item = ListenerId>,
    ) {
        let highest = identities.into_iter().max();
        self.highest_spoken = self.highest_spoken.max(highest);
        // Listeners are read before whatever speaks of them.
        for it in listeners {
            if !self.listeners.contains(&it) {
                self.unknown_listeners.insert(it);
            }
        }
    }

    fn compare(&mut self) {
        let whole = |names: &[&str]| {
            names.iter().all(|it| self.found.tables.get(it).is_some_and(|it| it.damage.is_none()))
        };
        let mut wrong = Vec::new();
        let mut check = |tables: &[&str], is_right: bool, what: &str| {
            if whole(tables) && !is_right {
                wrong.push(what.to_owned());
            }
        };
        let meta = self.meta;
        check(&["meta"], meta.is_some(), "meta: its one row is missing");
        let known = self.highest_spoken <= self.highest;
        check(
            &["identity"],
            known,
            "identity: facts speak of somebody who was never given a number",
        );
        let known = self.unknown_listeners.is_empty();
        check(&["listener"], known, "listener: facts speak of a listener that is not there");
        let same = self.firsts == self.lasts;
        check(&["first_seen", "last_seen"], same, "first_seen, last_seen: they name others");
        let known = self.owned.is_subset(&self.devices);
        check(&["device"], known, "ownership: it speaks of a device that is not there");
        let counted = meta.is_none_or(|it| self.last_change <= it.last_change);
        check(&["meta"], counted, "journal: it has a number that was not given");
        let counted = meta.is_none_or(|it| self.last_stay <= it.last_stay);
        check(&["meta"], counted, "stay: it has a number that was not given");
        self.found.wrong = wrong;
    }
}

/// When a row is from, by the column of its table that says so.
fn time_of(table: &str, row: &Row) -> Result<Option<Time>, sqlx::Error> {
    Ok(match table {
        FirstSeen::TABLE => Some(row.record::<FirstSeen>()?.1),
        LastSeen::TABLE => Some(row.record::<LastSeen>()?.1),
        DetailRow::TABLE => Some(row.record::<DetailRow>()?.at),
        HeardHour::TABLE => Some(row.record::<HeardHour>()?.hour),
        CoverageHour::TABLE => Some(row.record::<CoverageHour>()?.hour),
        ProbeHour::TABLE => Some(row.record::<ProbeHour>()?.hour),
        LevelRow::TABLE => Some(row.record::<LevelRow>()?.at),
        Measured::TABLE => Some(row.record::<Measured>()?.at()),
        Won::TABLE => Some(row.record::<Won>()?.at()),
        Counted::TABLE => Some(row.record::<Counted>()?.at()),
        Stay::TABLE => Some(row.record::<Stay>()?.from),
        Change::TABLE => Some(row.record::<Change>()?.decided),
        ReceivedRanges::TABLE => Some(row.record::<ReceivedRanges>()?.at),
        _ => None,
    })
}

/// Every hour of winners is counted as they are, a day at a time. One row with a wrong time may be ages from
/// the others, so only days that rows are of are looked at.
async fn compare_hours(
    store: &dyn Kept,
    days: &BTreeSet<Time>,
    found: &mut Found,
) -> Result<(), StoreError> {
    let mut wrong = 0;
    for &from in days {
        match counts_agree(store, Span::new(from, from + DAY)).await? {
            Some(true) => continue,
            Some(false) => {
                let what = "winner_hours: winners are counted wrongly on the day of";
                found.wrong.push(format!("{what} {from}"));
            }
            None => {
                let what = "winner_hours: the hub writes too often to compare the day of";
                found.uncompared.push(format!("{what} {from}"));
                continue;
            }
        }
        wrong += 1;
        if wrong == MOST_WRONG {
            break;
        }
    }
    Ok(())
}

async fn counts_agree(store: &dyn Kept, day: Span) -> Result<Option<bool>, StoreError> {
    let counts = async || {
        let mut counted = store.winner_hours(day).await?;
        counted.sort_by_key(|it| (it.hour, it.length, it.identity, it.listener));
        Ok(counted)
    };
    let winners = async || {
        let query = ReadingQuery { window: day, identities: Vec::new(), of: ReadingsOf::Winners };
        Ok(hours(&store.readings(&query).await?))
    };
    agree(counts, winners).await
}

/// Whether two answers agree. A hub may write between them, about once in a second and not every time; so
/// they differ only if the first is the same once more after the second. None: it never was.
async fn agree<T: PartialEq>(
    mut one: impl AsyncFnMut() -> Result<T, StoreError>,
    mut other: impl AsyncFnMut() -> Result<T, StoreError>,
) -> Result<Option<bool>, StoreError> {
    for _ in 0..LOOKS {
        let before = one().await?;
        if other().await? == before {
            return Ok(Some(true));
        }
        if one().await? == before {
            return Ok(Some(false));
        }
    }
    Ok(None)
}

const DAY: Duration = Duration::from_secs(24 * HOUR.as_secs());
/// How many days are told of.
const MOST_WRONG: u32 = 3;
const LOOKS: u32 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether what is counted agrees with `other`, where it counts `by` more with each answer.
    async fn counted(by: u32, other: u32) -> Option<bool> {
        let mut count = 7;
        let one = async || {
            count += by;
            Ok(count)
        };
        agree(one, async || Ok(other)).await.unwrap_or_default()
    }

    #[tokio::test]
    async fn what_stands_still_is_judged_and_what_does_not_is_not() {
        assert_eq!(counted(0, 7).await, Some(true));
        assert_eq!(counted(0, 8).await, Some(false));
        // It was asked three times.
        assert_eq!(counted(1, 10).await, Some(true));
        assert_eq!(counted(1, 0).await, None);
    }
}
