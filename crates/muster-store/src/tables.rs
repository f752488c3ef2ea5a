//! All tables of a store, listed once: for whoever does the same with each of them.

use std::collections::BTreeMap;
use std::future::Future;

use muster_core::batch::{
    CoverageHour, DetailRow, HeardHour, LevelRow, MonitorRow, ProbeHour, ReceivedRanges,
};
use muster_core::change::Change;
use muster_core::directory::{Device, Enrolment, Person, Place};
use muster_core::fact::Listener;
use muster_core::identity::{DeviceId, Identity, IdentityId, ListenerId, PersonId, PlaceId};
use muster_core::stay::Stay;

use crate::directory::{Numbers, OverrideRow, OwnershipRow};
use crate::far::StoreNumber;
use crate::judged::{CursorRow, Meta, StateRow};
use crate::readings::{Counted, Measured, Won};
use crate::record::{Record, broken};
use crate::rows::{FirstSeen, LastSeen};
use crate::session::{Session, Value};

/// Does something with a table, whichever it is.
pub(crate) trait PerTable: Send {
    /// Why it could not.
    type Error: From<sqlx::Error> + Send;

    /// Does it with the table of a kind of rows.
    fn table<R: Record + 'static>(
        &mut self,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

macro_rules! tables {
    ($($record:ty),* $(,)?) => {
        /// Their names.
        pub(crate) const NAMES: &[&str] = &[$(<$record>::TABLE),*];

        /// The columns of the one of this name.
        pub(crate) fn columns(name: &str) -> Option<&'static [&'static str]> {
            $(if name == <$record>::TABLE {
                return Some(<$record>::COLUMNS);
            })*
            None
        }

        /// Does it with all of them.
        pub(crate) async fn each<V: PerTable>(work: &mut V) -> Result<(), V::Error> {
            $(work.table::<$record>().await?;)*
            Ok(())
        }

        /// Does it with the one of this name.
        pub(crate) async fn one<V: PerTable>(name: &str, work: &mut V) -> Result<(), V::Error> {
            $(if name == <$record>::TABLE {
                return work.table::<$record>().await;
            })*
            Err(broken("tables").into())
        }
    };
}

tables![
    Meta,
    (IdentityId, Identity),
    (ListenerId, Listener),
    FirstSeen,
    LastSeen,
    DetailRow,
    HeardHour,
    CoverageHour,
    ProbeHour,
    LevelRow,
    Measured,
    Won,
    Counted,
    Stay,
    Change,
    StateRow,
    CursorRow,
    ReceivedRanges,
    MonitorRow,
    (PersonId, Person),
    (DeviceId, Device),
    OwnershipRow,
    (IdentityId, DeviceId),
    (PlaceId, Place),
    (Box<str>, PlaceId),
    OverrideRow,
    Numbers,
    (Box<str>, Enrolment),
    StoreNumber,
];

/// The bytes of each table, as `sql` says of the one whose name is its value.
pub(crate) async fn sizes(
    session: &mut impl Session,
    sql: &str,
) -> Result<BTreeMap<&'static str, u64>, sqlx::Error> {
    let mut sizes = BTreeMap::new();
    for name in NAMES {
        let found = session.numbers(sql, &[Value::Text(name)]).await?;
        let bytes: i64 = found.into_iter().flatten().sum();
        sizes.insert(*name, bytes.unsigned_abs());
    }
    Ok(sizes)
}
