//! How decisions are laid out in rows: stays, the journal, and what there is once.

use muster_core::change::{Change, ChangeKind};
use muster_core::fact::SourceKind;
use muster_core::identity::{DeviceId, PersonId, PlaceId};
use muster_core::stay::{Ended, Stay, StayId, Subject};
use muster_core::time::Time;

use crate::record::{Conflict, Fields, Record, Sheet, broken};
use crate::rows::{duration, micros, source};

impl Record for Stay {
    const TABLE: &'static str = "stay";
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "subject",
        "subject_id",
        "site",
        "from_at",
        "last",
        "ended",
        "to_latest",
        "uncovered",
        "after_gap",
        "revision",
    ];
    const KEY: usize = 1;

    fn write(&self, row: &mut impl Sheet) {
        let (word, number) = subject_columns(self.subject);
        row.int(self.id.0.cast_signed());
        row.text(word);
        row.int(number);
        row.int(self.site.0);
        row.time(self.from);
        row.time(self.last);
        row.text(self.ended.word());
        row.maybe(self.to_latest.map(Time::micros));
        row.int(micros(self.uncovered));
        row.int(self.after_gap);
        row.int(self.revision);
    }

    fn read<'r>(row: &mut impl Fields<'r>) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: StayId(row.int()?.cast_unsigned()),
            subject: subject(&row.text()?, row.small()?)?,
            site: PlaceId(row.small()?),
            from: row.time()?,
            last: row.time()?,
            ended: Ended::from_word(&row.text()?).ok_or_else(|| broken(Self::TABLE))?,
            to_latest: row.maybe()?.map(Time::from_micros),
            uncovered: duration(row.int()?)?,
            after_gap: row.flag()?,
            revision: row.small()?,
        })
    }
}

impl Record for Change {
    const TABLE: &'static str = "journal";
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "at",
        "decided",
        "kind",
        "subject",
        "subject_id",
        "owner",
        "site",
        "stay",
        "source",
        "until_at",
        "quiet",
        "reason",
    ];
    const KEY: usize = 1;
    /// A number is given once.
    const CONFLICT: Conflict = Conflict::Refuse;

    fn write(&self, row: &mut impl Sheet) {
        let subject = self.subject.map(subject_columns);
        row.int(self.id.cast_signed());
        row.time(self.at);
        row.time(self.decided);
        row.text(self.kind.word());
        row.maybe_text(subject.map(|(word, _)| word));
        row.maybe(subject.map(|(_, number)| number));
        row.maybe(self.owner.map(|it| it.0));
        row.maybe(self.site.map(|it| it.0));
        row.maybe(self.stay.map(|it| it.0.cast_signed()));
        row.maybe_text(self.source.map(SourceKind::word));
        row.maybe(self.until.map(Time::micros));
        row.int(self.quiet);
        row.text(&self.reason);
    }

    fn read<'r>(row: &mut impl Fields<'r>) -> Result<Self, sqlx::Error> {
        let id = row.int()?.cast_unsigned();
        let (at, decided) = (row.time()?, row.time()?);
        let kind = ChangeKind::from_word(&row.text()?).ok_or_else(|| broken(Self::TABLE))?;
        let subject = match (row.maybe_text()?, row.maybe_small()?) {
            (Some(word), Some(number)) => Some(subject(&word, number)?),
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => return Err(broken(Self::TABLE)),
        };
        Ok(Self {
            id,
            at,
            decided,
            kind,
            subject,
            owner: row.maybe_small()?.map(PersonId),
            site: row.maybe_small()?.map(PlaceId),
            stay: row.maybe()?.map(|it| StayId(it.cast_unsigned())),
            source: row.maybe_text()?.map(|it| source(&it)).transpose()?,
            until: row.maybe()?.map(Time::from_micros),
            quiet: row.flag()?,
            reason: row.text()?.into(),
        })
    }
}

/// The last change that set a subject's state.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StateRow {
    /// Whose.
    pub(crate) subject: Subject,
    /// Which change.
    pub(crate) change: u64,
}

impl Record for StateRow {
    const TABLE: &'static str = "state";
    const COLUMNS: &'static [&'static str] = &["subject", "subject_id", "change"];
    const KEY: usize = 2;

    fn write(&self, row: &mut impl Sheet) {
        let (word, number) = subject_columns(self.subject);
        row.text(word);
        row.int(number);
        row.int(self.change.cast_signed());
    }

    fn read<'r>(row: &mut impl Fields<'r>) -> Result<Self, sqlx::Error> {
        let subject = subject(&row.text()?, row.small()?)?;
        Ok(Self { subject, change: row.int()?.cast_unsigned() })
    }
}

/// A consumer's place.
#[derive(Clone, Debug)]
pub(crate) struct CursorRow {
    /// The consumer.
    pub(crate) name: Box<str>,
    /// A change id or a time.
    pub(crate) value: i64,
}

impl Record for CursorRow {
    const TABLE: &'static str = "cursor";
    const COLUMNS: &'static [&'static str] = &["name", "value"];
    const KEY: usize = 1;

    fn write(&self, row: &mut impl Sheet) {
        row.text(&self.name);
        row.int(self.value);
    }

    fn read<'r>(row: &mut impl Fields<'r>) -> Result<Self, sqlx::Error> {
        Ok(Self { name: row.text()?.into(), value: row.int()? })
    }
}

/// What there is once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Meta {
    /// How many commits there were: tells whether an unanswered one took place.
    pub(crate) commits: i64,
    /// The id of the last change.
    pub(crate) last_change: u64,
    /// The highest stay number ever written.
    pub(crate) last_stay: u64,
    /// The time up to which has been judged.
    pub(crate) frontier: Time,
    /// The version of the directory, once there was one.
    pub(crate) directory: Option<u64>,
}

impl Record for Meta {
    const TABLE: &'static str = "meta";
    const COLUMNS: &'static [&'static str] =
        &["id", "commits", "last_change", "last_stay", "frontier", "directory"];
    const KEY: usize = 1;

    fn write(&self, row: &mut impl Sheet) {
        row.int(1);
        row.int(self.commits);
        row.int(self.last_change.cast_signed());
        row.int(self.last_stay.cast_signed());
        row.time(self.frontier);
        row.maybe(self.directory.map(u64::cast_signed));
    }

    fn read<'r>(row: &mut impl Fields<'r>) -> Result<Self, sqlx::Error> {
        row.int()?;
        Ok(Self {
            commits: row.int()?,
            last_change: row.int()?.cast_unsigned(),
            last_stay: row.int()?.cast_unsigned(),
            frontier: row.time()?,
            directory: row.maybe()?.map(i64::cast_unsigned),
        })
    }
}

/// The two columns that name a subject.
pub(crate) fn subject_columns(subject: Subject) -> (&'static str, u32) {
    match subject {
        Subject::Device(DeviceId(number)) => ("device", number),
        Subject::Person(PersonId(number)) => ("person", number),
    }
}

fn subject(word: &str, number: u32) -> Result<Subject, sqlx::Error> {
    match word {
        "device" => Ok(Subject::Device(DeviceId(number))),
        "person" => Ok(Subject::Person(PersonId(number))),
        _ => Err(broken("subjects")),
    }
}
