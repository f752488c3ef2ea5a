//! A store on a database server: what all kinds of them have in common.
//!
//! One connection writes, one keeps the lease that says who may, two read. A connection that broke is made
//! again by the next call. Rows carry no sums here: the servers check their own pages, and their
//! files are out of our reach.

use std::collections::BTreeMap;
use std::fmt;
use std::future::pending;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use muster_core::batch::{Batch, CoverageHour, History, Reading, Restored};
use muster_core::change::Change;
use muster_core::identity::IdentityId;
use muster_core::ports::{Before, BoxError, BoxFuture, ReadingQuery, StayQuery, Store, StoreError};
use muster_core::reading::WinnerHour;
use muster_core::span::Span;
use muster_core::stay::{Stay, Subject};
use muster_core::time::Time;
use sqlx::{Connection as _, Pool};
use tokio::sync::Mutex;
use tokio::sync::mpsc::Sender;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::cursors::Cursors;
use crate::session::{Merge, Session as _};
use crate::transfer::Piece;
use crate::{Access, Kept, read, readings, tables};

use engine::{Connection, Engine};
pub use survey::{Holds, Survey};
use writer::{Making, Writer};

pub(crate) mod engine;

mod lease;

mod schema;

mod writer;

mod forget;

pub(crate) mod filling;

pub(crate) mod survey;

mod views;

/// Where a store is, and who asks for it.
#[derive(Clone, Debug)]
pub struct Address {
    /// How the server is reached.
    pub way: Way,
    /// Whom the server knows us as.
    pub user: String,
    /// What shows that it is us, if the server wants to know.
    pub password: Option<Secret>,
    /// The database.
    pub database: String,
    /// Whether others on the way can read along.
    pub encryption: Encryption,
    /// What others are told of whoever writes: who this is, and where. Kept up to 200 characters of ASCII.
    pub holder: String,
}

/// How a server is reached.
#[derive(Clone, Debug)]
pub enum Way {
    /// Over the network.
    Network {
        /// A name or an address, of IPv6 without brackets.
        host: String,
        /// The port.
        port: u16,
    },
    /// On this machine, through a socket.
    Socket {
        /// `PostgreSQL`: the folder in which it is. `MariaDB`: the socket itself.
        path: PathBuf,
        /// The port, which is a part of the socket's name in that folder.
        port: u16,
    },
}

/// Whether others on the way can read along.
#[derive(Clone, Debug)]
pub enum Encryption {
    /// They can.
    None,
    /// They cannot, unless they pose as the server: its certificate is not looked at.
    Unchecked,
    /// They cannot.
    Checked {
        /// The certificates (PEM) of whoever may have signed the server's; else those that this machine
        /// trusts.
        ca_file: Option<PathBuf>,
    },
}

/// A password, which shows itself to nobody.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Keeps a password.
    pub fn new(password: String) -> Self {
        Self(password)
    }

    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Network { host, port } => write!(f, "{host}:{port}"),
            Self::Socket { path, port } => write!(f, "{} (port {port})", path.display()),
        }
    }
}

/// A store on a server.
#[derive(Debug)]
pub(crate) struct Server<E: Engine> {
    engine: Arc<E>,
    readers: Pool<E::Db>,
    /// None when opened to look only.
    writer: Option<Arc<Mutex<Writer<E>>>>,
    /// Keeps the lease as long as this lives.
    keeper: Mutex<JoinSet<()>>,
    cursors: Cursors,
}

impl<E: Engine> Server<E> {
    /// Opens the store; whoever writes makes its tables where there are none. Needs a tokio runtime.
    pub(crate) async fn open(engine: E, holder: &str, access: Access) -> Result<Self, StoreError> {
        let engine = Arc::new(engine);
        let (writer, keeper) = match access {
            Access::ReadWrite => {
                let opened = Writer::open(Arc::clone(&engine), holder, Making::Store);
                let opened = timeout(PATIENCE, opened).await;
                let (writer, keeper) = opened.map_err(unanswered)??;
                (Some(writer), keeper)
            }
            Access::ReadOnly => (None, JoinSet::new()),
        };
        let (readers, keeper) = (engine.readers(), Mutex::new(keeper));
        let store = Self { engine, readers, writer, keeper, cursors: Cursors::default() };
        if access == Access::ReadOnly {
            // The pool would only say that it waited.
            let mut conn = store.engine.reader().await?;
            store.engine.fits(&mut conn).await?;
            schema::check(&*store.engine, &mut conn).await?;
            conn.close().await.map_err(|it| store.engine.explain(it))?;
        }
        Ok(store)
    }

    /// Asks in a read transaction, so that every part of an answer is of one moment.
    async fn ask<T>(
        &self,
        question: impl AsyncFnOnce(&mut Connection<E>) -> Result<T, sqlx::Error>,
    ) -> Result<T, StoreError> {
        let asked = timeout(PATIENCE, async {
            let mut tx = self.readers.begin_with(E::READ).await?;
            let answer = question(&mut *tx).await?;
            tx.commit().await?;
            Ok(answer)
        });
        match asked.await {
            Ok(answer) => answer.map_err(|it| self.engine.explain(it)),
            Err(late) => Err(unanswered(late)),
        }
    }

    async fn write_cursors(&self, writer: &Mutex<Writer<E>>) -> Result<(), StoreError> {
        let rows = self.cursors.rows();
        let mut writer = writer.lock().await;
        writer.together(async |session| session.merge(&rows, Merge::ByKey).await).await?;
        self.cursors.written(&rows);
        Ok(())
    }

    fn writer(&self) -> Result<&Mutex<Writer<E>>, StoreError> {
        self.writer.as_deref().ok_or_else(|| StoreError::Refused {
            what: "the store was opened to look only".to_owned(),
        })
    }
}

impl<E: Engine> Kept for Server<E> {
    fn close(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            self.readers.close().await;
            let Some(writer) = &self.writer else { return Ok(()) };
            let written = self.write_cursors(writer).await;
            self.keeper.lock().await.shutdown().await;
            writer.lock().await.close().await?;
            written
        })
    }

    fn still_leads(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        // Every transaction that writes looks.
        Box::pin(async move { self.writer()?.lock().await.together(async |_| Ok(())).await })
    }

    fn rows(&self, to: Sender<Piece>) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let mut conn = self.engine.reader().await?;
            filling::send(&*self.engine, &mut conn, to).await?;
            conn.close().await.map_err(|it| self.engine.explain(it))
        })
    }

    fn sizes(&self) -> BoxFuture<'_, Result<BTreeMap<&'static str, u64>, StoreError>> {
        Box::pin(self.ask(async |conn| tables::sizes(conn, E::SIZE).await))
    }

    fn overtaken(&self) -> BoxFuture<'_, String> {
        Box::pin(async move {
            let Some(writer) = &self.writer else { return pending().await };
            let mut told = writer.lock().await.overtaken();
            match told.wait_for(Option::is_some).await.map(|it| it.clone()) {
                Ok(Some(by)) => by,
                Ok(None) | Err(_) => pending().await,
            }
        })
    }

    fn keep_plain(&self, wanted: bool) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(async move { views::keep(self.writer()?, wanted).await })
    }
}

impl<E: Engine> Store for Server<E> {
    fn commit<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Result<u64, StoreError>> {
        Box::pin(async move {
            let mut writer = self.writer()?.lock().await;
            let cursors = self.cursors.rows();
            let last = writer.commit(batch, &cursors).await?;
            self.cursors.written(&cursors);
            Ok(last)
        })
    }

    fn restore(&self, since: Time) -> BoxFuture<'_, Result<Restored, StoreError>> {
        Box::pin(self.ask(async move |conn| read::restore(conn, since).await))
    }

    fn frontier(&self) -> BoxFuture<'_, Result<Time, StoreError>> {
        Box::pin(self.ask(async |conn| read::frontier(conn).await))
    }

    fn history<'a>(
        &'a self,
        identities: &'a [IdentityId],
        window: Span,
    ) -> BoxFuture<'a, Result<History, StoreError>> {
        Box::pin(self.ask(async move |conn| read::history(conn, identities, window).await))
    }

    fn coverage(&self, window: Span) -> BoxFuture<'_, Result<Vec<CoverageHour>, StoreError>> {
        Box::pin(self.ask(async move |conn| read::coverage(conn, window).await))
    }

    fn readings<'a>(
        &'a self,
        query: &'a ReadingQuery,
    ) -> BoxFuture<'a, Result<Vec<Reading>, StoreError>> {
        Box::pin(self.ask(async move |conn| readings::readings(conn, query).await))
    }

    fn winner_hours(&self, window: Span) -> BoxFuture<'_, Result<Vec<WinnerHour>, StoreError>> {
        Box::pin(self.ask(async move |conn| readings::winner_hours(conn, window).await))
    }

    fn changes_after(
        &self,
        after: u64,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Change>, StoreError>> {
        Box::pin(self.ask(async move |conn| read::changes_after(conn, after, limit).await))
    }

    fn changes_within(
        &self,
        window: Span,
        subject: Option<Subject>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Change>, StoreError>> {
        Box::pin(
            self.ask(async move |conn| read::changes_within(conn, window, subject, limit).await),
        )
    }

    fn states_at(&self, at: Time) -> BoxFuture<'_, Result<Vec<Change>, StoreError>> {
        Box::pin(self.ask(async move |conn| read::states_at(conn, at).await))
    }

    fn stays<'a>(&'a self, query: &'a StayQuery) -> BoxFuture<'a, Result<Vec<Stay>, StoreError>> {
        Box::pin(self.ask(async move |conn| read::stays(conn, query).await))
    }

    fn cursor<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<i64>, StoreError>> {
        Box::pin(async move {
            match self.cursors.moved(name) {
                Some(it) => Ok(Some(it)),
                None => self.ask(async move |conn| read::cursor(conn, name).await).await,
            }
        })
    }

    fn set_cursor<'a>(
        &'a self,
        name: &'a str,
        value: i64,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let writer = self.writer()?;
            if self.cursors.set(name, value) { self.write_cursors(writer).await } else { Ok(()) }
        })
    }

    fn forget(&self, before: Before) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(async move { forget::forget(self.writer()?, before).await })
    }

    fn backup<'a>(&'a self, _: &'a Path) -> BoxFuture<'a, Result<(), StoreError>> {
        let what = self.engine.backup();
        Box::pin(std::future::ready(Err(StoreError::Refused { what })))
    }
}

/// Not now.
pub(crate) fn unavailable(what: String, cause: impl Into<BoxError>) -> StoreError {
    StoreError::Unavailable { what, cause: cause.into() }
}

pub(crate) fn unanswered(late: tokio::time::error::Elapsed) -> StoreError {
    unavailable("the database server does not answer".to_owned(), late)
}

/// Somebody else writes; the kind of the cause is what callers know it by.
fn in_use(who: &str) -> StoreError {
    let kind = std::io::ErrorKind::WouldBlock;
    let cause = std::io::Error::new(kind, "it has the lease in the database");
    unavailable(format!("already in use by another muster ({who})"), cause)
}

/// How long a server may take over one answer. Its other limits end sooner; this one is for a server
/// that says nothing at all.
const PATIENCE: Duration = Duration::from_secs(20);
