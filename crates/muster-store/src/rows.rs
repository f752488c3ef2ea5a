//! How facts, and who they are about, are laid out in rows.
//!
//! **Invariant:** what was written is read back equal, whatever it holds: nothing is validated
//! here, because a store that refuses to read what it took would lose it.

use std::time::Duration;

use muster_core::batch::{CoverageHour, DetailRow, HeardHour, LevelRow, ProbeHour, ReceivedRanges};
use muster_core::fact::{DetailKind, LevelState, Listener, SourceKind};
use muster_core::identity::{Identity, IdentityId, ListenerId, TextKind};
use muster_core::time::Time;
use muster_core::uplink::BootId;
use muster_wire::pack;

use crate::record::{Conflict, Fields, Record, Sheet, broken};

impl Record for (IdentityId, Identity) {
    const TABLE: &'static str = "identity";
    const COLUMNS: &'static [&'static str] = &["id", "kind", "value"];
    const KEY: usize = 1;

    fn write(&self, row: &mut impl Sheet) {
        row.int(self.0.0);
        row.text(self.1.kind());
        match &self.1 {
            Identity::Mac(mac)
            | Identity::Ble(mac)
            | Identity::Bt(mac)
            | Identity::Private(mac) => {
                row.text(&mac.to_string());
            }
            Identity::Text(_, value) => row.text(value),
        }
    }

    fn read<'r>(row: &mut impl Fields<'r>) -> Result<Self, sqlx::Error> {
        let (id, kind, value) = (IdentityId(row.small()?), row.text()?, row.text()?);
        let identity = match text_kind(&kind) {
            Some(kind) => Identity::Text(kind, value.into()),
            None => format!("{kind}:{value}").parse().map_err(|_| broken(Self::TABLE))?,
        };
        Ok((id, identity))
    }
}

impl Record for (ListenerId, Listener) {
    const TABLE: &'static str = "listener";
    const COLUMNS: &'static [&'static str] = &["id", "monitor", "source", "channel"];
    const KEY: usize = 1;

    fn write(&self, row: &mut impl Sheet) {
        row.int(self.0.0);
        row.text(&self.1.monitor);
        row.text(self.1.source.word());
        row.text(&self.1.channel);
    }

    fn read<'r>(row: &mut impl Fields<'r>) -> Result<Self, sqlx::Error> {
        let id = ListenerId(row.small()?);
        let monitor = row.text()?;
        Ok((id, Listener::new(&monitor, source(&row.text()?)?, &row.text()?)))
    }
}

/// The first sighting of an identity.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FirstSeen(pub(super) IdentityId, pub(super) Time);

/// The last sighting of an identity.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LastSeen(pub(super) IdentityId, pub(super) Time);

impl Record for FirstSeen {
    const TABLE: &'static str = "first_seen";
    const COLUMNS: &'static [&'static str] = &["identity", "at"];
    const KEY: usize = 1;

    fn write(&self, row: &mut impl Sheet) {
        row.int(self.0.0);
        row.time(self.1);
    }

    fn read<'r>(row: &mut impl Fields<'r>) -> Result<Self, sqlx::Error> {
        Ok(Self(IdentityId(row.small()?), row.time()?))
    }
}

impl Record for LastSeen {
    const TABLE: &'static str = "last_seen";
    const COLUMNS: &'static [&'static str] = &["identity", "at"];
    const KEY: usize = 1;

    fn write(&self, row: &mut impl Sheet) {
        row.int(self.0.0);
        row.time(self.1);
    }

    fn read<'r>(row: &mut impl Fields<'r>) -> Result<Self, sqlx::Error> {
        Ok(Self(IdentityId(row.small()?), row.time()?))
    }
}

impl Record for DetailRow {
    const TABLE: &'static str = "detail";
    const COLUMNS: &'static [&'static str] = &["identity", "kind", "value", "at"];
    const KEY: usize = 3;

    fn write(&self, row: &mut impl Sheet) {
        row.int(self.identity.0);
        row.text(self.kind.word());
        row.text(&self.value);
        row.time(self.at);
    }

    fn read<'r>(row: &mut impl Fields<'r>) -> Result<Self, sqlx::Error> {
        let identity = IdentityId(row.small()?);
        let word = row.text()?;
        let (_, kind) = *DetailKind::ALL
            .iter()
            .find(|(it, _)| **it == *word)
            .ok_or_else(|| broken(Self::TABLE))?;
        Ok(Self { identity, kind, value: row.text()?.into(), at: row.time()? })
    }
}

impl Record for HeardHour {
    const TABLE: &'static str = "heard";
    const COLUMNS: &'static [&'static str] = &["hour", "identity", "listener", "spans"];
    const KEY: usize = 3;

    fn write(&self, row: &mut impl Sheet) {
        row.time(self.hour);
        row.int(self.identity.0);
        row.int(self.listener.0);
        row.blob(pack::pack_spans(self.hour, &self.spans));
    }

    fn read<'r>(row: &mut impl Fields<'r>) -> Result<Self, sqlx::Error> {
        let hour = row.time()?;
        let (identity, listener) = (IdentityId(row.small()?), ListenerId(row.small()?));
        Ok(Self {
            hour,
            identity,
            listener,
            spans: unpacked(pack::unpack_spans(hour, row.blob()?))?,
        })
    }
}

impl Record for CoverageHour {
    const TABLE: &'static str = "coverage";
    const COLUMNS: &'static [&'static str] = &["hour", "listener", "spans"];
    const KEY: usize = 2;

    fn write(&self, row: &mut impl Sheet) {
        row.time(self.hour);
        row.int(self.listener.0);
        row.blob(pack::pack_spans(self.hour, &self.spans));
    }

    fn read<'r>(row: &mut impl Fields<'r>) -> Result<Self, sqlx::Error> {
        let (hour, listener) = (row.time()?, ListenerId(row.small()?));
        Ok(Self { hour, listener, spans: unpacked(pack::unpack_spans(hour, row.blob()?))? })
    }
}

impl Record for ProbeHour {
    const TABLE: &'static str = "probe";
    const COLUMNS: &'static [&'static str] = &["hour", "identity", "listener", "outcomes"];
    const KEY: usize = 3;

    fn write(&self, row: &mut impl Sheet) {
        row.time(self.hour);
        row.int(self.identity.0);
        row.int(self.listener.0);
        row.blob(pack::pack_outcomes(self.hour, &self.outcomes));
    }

    fn read<'r>(row: &mut impl Fields<'r>) -> Result<Self, sqlx::Error> {
        let hour = row.time()?;
        let (identity, listener) = (IdentityId(row.small()?), ListenerId(row.small()?));
        let outcomes = unpacked(pack::unpack_outcomes(hour, row.blob()?))?;
        Ok(Self { hour, identity, listener, outcomes })
    }
}

impl Record for ReceivedRanges {
    const TABLE: &'static str = "received";
    const COLUMNS: &'static [&'static str] = &["monitor", "boot", "runs", "at"];
    const KEY: usize = 2;

    fn write(&self, row: &mut impl Sheet) {
        row.text(&self.monitor);
        row.text(&self.boot.to_string());
        row.blob(pack::pack_sequences(&self.runs));
        row.time(self.at);
    }

    fn read<'r>(row: &mut impl Fields<'r>) -> Result<Self, sqlx::Error> {
        let monitor = row.text()?.into();
        let boot = u128::from_str_radix(&row.text()?, 16).map_err(|_| broken(Self::TABLE))?;
        let runs = unpacked(pack::unpack_sequences(row.blob()?))?;
        Ok(Self { monitor, boot: BootId(boot), runs, at: row.time()? })
    }
}

impl Record for LevelRow {
    const TABLE: &'static str = "level";
    const COLUMNS: &'static [&'static str] = &["at", "identity", "listener", "sequence", "state"];
    const KEY: usize = 5;
    const CONFLICT: Conflict = Conflict::Keep;

    fn write(&self, row: &mut impl Sheet) {
        row.time(self.at);
        row.int(self.identity.0);
        row.int(self.listener.0);
        row.int(self.sequence.cast_signed());
        row.text(match self.state {
            LevelState::Home => "home",
            LevelState::Away => "away",
            LevelState::Unknown => "unknown",
        });
    }

    fn read<'r>(row: &mut impl Fields<'r>) -> Result<Self, sqlx::Error> {
        let at = row.time()?;
        let (identity, listener) = (IdentityId(row.small()?), ListenerId(row.small()?));
        let sequence = row.int()?.cast_unsigned();
        let state = match &*row.text()? {
            "home" => LevelState::Home,
            "away" => LevelState::Away,
            "unknown" => LevelState::Unknown,
            _ => return Err(broken(Self::TABLE)),
        };
        Ok(Self { identity, listener, at, sequence, state })
    }
}

/// The source that a word stands for.
pub(crate) fn source(word: &str) -> Result<SourceKind, sqlx::Error> {
    word.parse().map_err(|_| broken("sources"))
}

fn text_kind(word: &str) -> Option<TextKind> {
    match format!("{word}:x").parse() {
        Ok(Identity::Text(kind, _)) => Some(kind),
        Ok(_) | Err(_) => None,
    }
}

/// A list that was packed; one that cannot be read was damaged.
pub(crate) fn unpacked<T>(list: Result<T, pack::PackError>) -> Result<T, sqlx::Error> {
    list.map_err(|cause| sqlx::Error::Decode(cause.into()))
}

/// A length as it is stored.
pub(crate) fn micros(length: Duration) -> i64 {
    i64::try_from(length.as_micros()).unwrap_or(i64::MAX)
}

/// A length as it was stored.
pub(crate) fn duration(micros: i64) -> Result<Duration, sqlx::Error> {
    u64::try_from(micros).map(Duration::from_micros).map_err(|_| broken("lengths"))
}
