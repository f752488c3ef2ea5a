//! How is laid out in rows what is known of far monitors: that they were let in, the store's number to
//! which they are bound, and their last signs of life.

use muster_core::batch::MonitorRow;
use muster_core::directory::{Enrolment, TokenHash};
use muster_core::fact::SourceKind;
use muster_core::time::Time;
use muster_core::uplink::{Health, Liveness, StoreId};

use crate::record::{Fields, Record, Sheet, broken};
use crate::rows::{duration, micros};

impl Record for (Box<str>, Enrolment) {
    const TABLE: &'static str = "enrolment";
    const COLUMNS: &'static [&'static str] =
        &["monitor", "token", "sources", "kinds", "at", "revoked"];
    const KEY: usize = 1;

    fn write(&self, row: &mut impl Sheet) {
        let (monitor, it) = self;
        row.text(monitor);
        row.blob(it.token.0.to_vec());
        let words = |it: &Vec<SourceKind>| it.iter().map(|it| it.word()).collect::<Vec<_>>();
        row.maybe_text(it.sources.as_ref().map(|it| words(it).join(" ")).as_deref());
        row.maybe_text(it.kinds.as_ref().map(|it| it.join(" ")).as_deref());
        row.time(it.at);
        row.maybe(it.revoked.map(Time::micros));
    }

    fn read<'r>(row: &mut impl Fields<'r>) -> Result<Self, sqlx::Error> {
        let monitor = row.text()?.into();
        let token = row.blob()?.try_into().map_err(|_| broken(Self::TABLE))?;
        let source = |it: &str| it.parse().map_err(|_| broken(Self::TABLE));
        let sources = row.maybe_text()?.map(|it| it.split_whitespace().map(source).collect());
        let kinds = row.maybe_text()?.map(|it| it.split_whitespace().map(Into::into).collect());
        let (at, revoked) = (row.time()?, row.maybe()?.map(Time::from_micros));
        let sources = sources.transpose()?;
        Ok((monitor, Enrolment { token: TokenHash(token), sources, kinds, at, revoked }))
    }
}

/// The number of this store.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StoreNumber(pub(crate) StoreId);

impl Record for StoreNumber {
    const TABLE: &'static str = "store_number";
    const COLUMNS: &'static [&'static str] = &["id", "store"];
    const KEY: usize = 1;

    fn write(&self, row: &mut impl Sheet) {
        row.int(1);
        row.text(&self.0.to_string());
    }

    fn read<'r>(row: &mut impl Fields<'r>) -> Result<Self, sqlx::Error> {
        row.int()?;
        let store = u128::from_str_radix(&row.text()?, 16).map_err(|_| broken(Self::TABLE))?;
        Ok(Self(StoreId(store)))
    }
}

impl Record for MonitorRow {
    const TABLE: &'static str = "sign_of_life";
    const COLUMNS: &'static [&'static str] = &[
        "monitor",
        "at",
        "liveness",
        "oldest_unsent",
        "version",
        "uptime",
        "clock_ahead",
        "synchronised",
        "spooled",
        "thinned",
        "dropped",
        "facts",
        "listened",
        "simulated",
        "last_error",
    ];
    const KEY: usize = 1;

    fn write(&self, row: &mut impl Sheet) {
        row.text(&self.monitor);
        row.time(self.at);
        row.text(self.liveness.word());
        row.maybe(self.oldest_unsent.map(Time::micros));
        let it = &self.health;
        row.text(&it.version);
        row.int(micros(it.uptime));
        row.maybe(it.clock_ahead);
        row.int(it.synchronised);
        for count in [it.spooled, it.thinned, it.dropped, it.facts] {
            row.int(count.cast_signed());
        }
        row.int(micros(it.listened));
        row.int(it.simulated);
        row.maybe_text(it.last_error.as_deref());
    }

    fn read<'r>(row: &mut impl Fields<'r>) -> Result<Self, sqlx::Error> {
        let (monitor, at) = (row.text()?.into(), row.time()?);
        let liveness = Liveness::from_word(&row.text()?).ok_or_else(|| broken(Self::TABLE))?;
        let oldest_unsent = row.maybe()?.map(Time::from_micros);
        let health = Health {
            version: row.text()?.into(),
            uptime: duration(row.int()?)?,
            clock_ahead: row.maybe()?,
            synchronised: row.flag()?,
            spooled: row.int()?.cast_unsigned(),
            thinned: row.int()?.cast_unsigned(),
            dropped: row.int()?.cast_unsigned(),
            facts: row.int()?.cast_unsigned(),
            listened: duration(row.int()?)?,
            simulated: row.flag()?,
            last_error: row.maybe_text()?.map(Into::into),
        };
        Ok(Self { monitor, at, liveness, oldest_unsent, health })
    }
}
