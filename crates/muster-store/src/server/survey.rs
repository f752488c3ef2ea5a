//! What a database server says of itself, of the connection and of our rights there. Nothing is written,
//! and no lease is taken.

use muster_core::ports::{Clock, StoreError};
use sqlx::Connection as _;
use tokio::time::timeout;

use super::engine::Engine;
use super::lease::Lease;
use super::{PATIENCE, schema, unanswered};
use crate::session::Session as _;

/// What was found.
#[derive(Clone, Debug)]
pub struct Survey {
    /// The server, in its own words.
    pub version: String,
    /// Why it cannot keep a store, and what to do about it.
    pub unfit: Option<String>,
    /// The character set of the database.
    pub encoding: String,
    /// How the connection is encrypted; none: it is not.
    pub encryption: Option<String>,
    /// By what the server took us in, if it says so.
    pub login: Option<String>,
    /// How far its clock is ahead of this machine's, in microseconds.
    pub clock_ahead: i64,
    /// By how much that may be wrong, in microseconds: half the way there and back.
    pub unsure: i64,
    /// Whether it only lets read, as a standby does.
    pub is_read_only: bool,
    /// What of its settings may lose what was answered.
    pub risk: Option<String>,
    /// What is in the database.
    pub holds: Holds,
    /// The rights that are missing, as in `INSERT on journal`; none if the server does not tell.
    pub lacking: Option<Vec<String>>,
    /// Who writes to the store.
    pub led_by: Option<String>,
}

/// What a database holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// Nothing.
    Nothing,
    /// Tables of others.
    Others,
    /// A store: the version of its schema, and the newest that this program knows.
    Store(i64, i64),
    /// A copy of a store that was interrupted.
    Interrupted,
    /// Tables of a store, or of a copy of one: this user may not read which.
    Unreadable,
    /// Whatever there is: the server shows this user single tables, and not those that would tell.
    Unseen,
}

impl Holds {
    /// Whether a hub that starts here makes tables.
    pub(crate) fn wants_tables(self) -> bool {
        match self {
            Self::Nothing | Self::Others | Self::Interrupted => true,
            Self::Store(found, newest) => found < newest,
            Self::Unreadable | Self::Unseen => false,
        }
    }
}

/// What an engine finds by itself.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) version: String,
    pub(crate) encoding: String,
    pub(crate) encryption: Option<String>,
    pub(crate) login: Option<String>,
    pub(crate) is_read_only: bool,
    pub(crate) risk: Option<String>,
    /// None: it does not tell.
    pub(crate) lacking: Option<Vec<String>>,
    /// What is in the database, as far as this user sees it.
    pub(crate) holds: Holds,
}

/// Looks at everything through one connection.
pub(crate) async fn survey<E: Engine>(engine: &E, clock: &dyn Clock) -> Result<Survey, StoreError> {
    timeout(PATIENCE, look(engine, clock)).await.unwrap_or_else(|late| Err(unanswered(late)))
}

async fn look<E: Engine>(engine: &E, clock: &dyn Clock) -> Result<Survey, StoreError> {
    let explain = |it| engine.explain(it);
    let mut conn = engine.reader().await?;
    let unfit = match engine.fits(&mut conn).await {
        Ok(()) => None,
        Err(StoreError::Refused { what }) => Some(what),
        Err(other) => return Err(other),
    };
    let holds = schema::holds(engine, &mut conn).await?;
    let known = engine.known(&mut conn, holds).await.map_err(explain)?;
    let before = clock.now();
    let theirs = conn.numbers(&format!("SELECT {}", E::CLOCK), &[]).await.map_err(explain)?;
    let after = clock.now();
    let theirs = theirs.first().copied().flatten().unwrap_or_default();
    let unsure = i64::try_from(after.since(before).as_micros() / 2).unwrap_or(i64::MAX);
    let ours = after.wall.micros().saturating_sub(unsure);
    let Known { version, encoding, encryption, login, is_read_only, risk, lacking, holds } = known;
    let led_by = match holds {
        Holds::Store(..) | Holds::Interrupted | Holds::Unreadable => {
            // Who may read nothing learns nothing of it.
            let lease: Vec<Lease> = conn.find("", &[]).await.unwrap_or_default();
            lease.into_iter().find(|it| it.is_held(theirs)).map(|it| it.holder)
        }
        Holds::Nothing | Holds::Others | Holds::Unseen => None,
    };
    conn.close().await.map_err(explain)?;
    let clock_ahead = theirs.saturating_sub(ours);
    Ok(Survey {
        version,
        unfit,
        encoding,
        encryption,
        login,
        clock_ahead,
        unsure,
        is_read_only,
        risk,
        holds,
        lacking,
        led_by,
    })
}
