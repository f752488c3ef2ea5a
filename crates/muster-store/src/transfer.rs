//! Everything of one store into a place without one, whatever kinds they are.
//!
//! **Invariant:** what is not whole is never a store: the rows are read back from where they were written,
//! and only when they are those that were read before, the place becomes one.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use futures_util::future::join;
use muster_core::ports::{BoxFuture, StoreError};
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::time::timeout;

use crate::Kept;
pub use crate::cells::Row;
use crate::cells::Sum;
use crate::record::Record;
use crate::server::unanswered;
use crate::session::{Merge, Session};
use crate::tables::{self, PerTable};

/// Some rows of a table, on their way to somebody.
#[derive(Debug)]
pub struct Piece {
    pub(crate) table: &'static str,
    /// The rows; or why no more of them can be read, if they are damaged.
    pub(crate) rows: Result<Vec<Row>, StoreError>,
}

impl Piece {
    /// The table, and the rows; or why no more of them can be read, if they are damaged.
    pub fn into_rows(self) -> Result<(&'static str, Vec<Row>), StoreError> {
        Ok((self.table, self.rows?))
    }
}

/// A place that is becoming a store. One that is dropped, or whose process is killed, is none, and can be
/// begun again.
pub trait Blank: Send {
    /// Writes rows that are not there yet.
    fn put<'a>(
        &'a mut self,
        table: &'static str,
        rows: Vec<Row>,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Reads everything that was written, from where it is kept.
    fn rows(&mut self, to: Sender<Piece>) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Makes it a store. If that is not available it is not known whether it is one.
    fn finish(self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>>;

    /// Gives it up.
    fn abandon(self: Box<Self>) -> BoxFuture<'static, ()>;
}

/// Where rows come from.
pub trait Origin: Send + Sync {
    /// Hands on every row of every table, of one moment. Of a table that is damaged it is told that it is.
    fn rows(&self, to: Sender<Piece>) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Fails if there may be rows that were not handed on.
    fn is_all(&self) -> BoxFuture<'_, Result<(), StoreError>>;
}

/// A store whose one writer this process is: nobody adds to it.
#[derive(Clone, Copy, Debug)]
pub struct Sole<'a>(pub &'a dyn Kept);

impl Origin for Sole<'_> {
    fn rows(&self, to: Sender<Piece>) -> BoxFuture<'_, Result<(), StoreError>> {
        self.0.rows(to)
    }

    fn is_all(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.0.still_leads()
    }
}

/// A store as it is at one moment; what others add later is not meant.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a>(pub &'a dyn Kept);

impl Origin for Moment<'_> {
    fn rows(&self, to: Sender<Piece>) -> BoxFuture<'_, Result<(), StoreError>> {
        self.0.rows(to)
    }

    fn is_all(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }
}

/// Why a store was not copied, as far as that is known.
#[derive(Debug, thiserror::Error)]
pub enum Uncopied {
    /// The place is no store: copy again when this is mended.
    #[error(transparent)]
    Not(#[from] StoreError),
    /// All of it is there, and the answer to the last word was lost: look whether the place is a store.
    #[error("the answer to the last word was lost")]
    Unknown(#[source] StoreError),
}

impl From<Uncopied> for StoreError {
    fn from(it: Uncopied) -> Self {
        match it {
            Uncopied::Not(it) | Uncopied::Unknown(it) => it,
        }
    }
}

/// Copies all tables; how many rows each has. Where they come from stays as it is.
pub async fn copy(
    from: &dyn Origin,
    mut into: Box<dyn Blank>,
) -> Result<BTreeMap<&'static str, u64>, Uncopied> {
    let copied = copied(from, &mut *into).await;
    let copied = match copied {
        Ok(it) => it,
        Err(error) => {
            into.abandon().await;
            return Err(Uncopied::Not(error));
        }
    };
    into.finish().await.map_err(|error| match error {
        StoreError::Unavailable { .. } => Uncopied::Unknown(error),
        StoreError::Newer { .. } | StoreError::Damaged { .. } | StoreError::Refused { .. } => {
            Uncopied::Not(error)
        }
    })?;
    Ok(copied.into_iter().map(|(table, sum)| (table, sum.rows)).collect())
}

async fn copied(from: &dyn Origin, into: &mut dyn Blank) -> Result<Sums, StoreError> {
    let (to, pieces) = mpsc::channel(AHEAD);
    let (read, written) = join(from.rows(to), write(pieces, &mut *into)).await;
    let written = written?;
    read?;
    let (to, pieces) = mpsc::channel(AHEAD);
    let (read, found) = join(into.rows(to), sums(pieces)).await;
    let found = found?;
    read?;
    if let Some(table) = tables::NAMES.iter().find(|it| written.get(*it) != found.get(*it)) {
        let what = format!("the copy does not hold what was copied: {table}");
        return Err(StoreError::Refused { what });
    }
    from.is_all().await?;
    Ok(written)
}

pub(crate) type Sums = BTreeMap<&'static str, Sum>;

async fn write(mut pieces: Receiver<Piece>, into: &mut dyn Blank) -> Result<Sums, StoreError> {
    let mut sums = none();
    while let Some(piece) = pieces.recv().await {
        let (table, rows) = piece.into_rows()?;
        let sum = sums.entry(table).or_default();
        sum.add_all(&rows);
        into.put(table, rows).await?;
    }
    Ok(sums)
}

async fn sums(mut pieces: Receiver<Piece>) -> Result<Sums, StoreError> {
    let mut sums = none();
    while let Some(piece) = pieces.recv().await {
        let (table, rows) = piece.into_rows()?;
        let sum = sums.entry(table).or_default();
        sum.add_all(&rows);
    }
    Ok(sums)
}

/// Of tables without rows.
pub(crate) fn none() -> Sums {
    tables::NAMES.iter().map(|it| (*it, Sum::default())).collect()
}

/// Hands on every row of every table, in a transaction that is open. Of a table that is damaged it is told
/// that it is, and the next one is read.
pub(crate) async fn send(
    session: &mut impl Session,
    explain: impl Fn(sqlx::Error) -> StoreError + Send + Sync,
    patience: Duration,
    to: Sender<Piece>,
) -> Result<(), StoreError> {
    tables::each(&mut Sending { session, explain: &explain, patience, to }).await.map_err(|it| {
        match it {
            Unsent::Store(it) => it,
            Unsent::Row(it) => explain(it),
        }
    })
}

struct Sending<'a, S, F> {
    session: &'a mut S,
    explain: &'a F,
    /// How long one row may take.
    patience: Duration,
    to: Sender<Piece>,
}

enum Unsent {
    Store(StoreError),
    Row(sqlx::Error),
}

impl From<sqlx::Error> for Unsent {
    fn from(it: sqlx::Error) -> Self {
        Self::Row(it)
    }
}

impl<S: Session, F: Fn(sqlx::Error) -> StoreError + Send + Sync> PerTable for Sending<'_, S, F> {
    type Error = Unsent;

    async fn table<R: Record + 'static>(&mut self) -> Result<(), Unsent> {
        in_time(self.patience, self.session.attempt()).await?;
        let error = match self.rows::<R>().await {
            Ok(()) => return Ok(()),
            Err(Unsent::Store(it)) => it,
            Err(Unsent::Row(cause)) => (self.explain)(cause),
        };
        if !matches!(error, StoreError::Damaged { .. }) {
            return Err(Unsent::Store(error));
        }
        hand_on(&self.to, R::TABLE, Err(error)).await?;
        in_time(self.patience, self.session.recover()).await
    }
}

impl<S: Session, F: Sync> Sending<'_, S, F> {
    async fn rows<R: Record + 'static>(&mut self) -> Result<(), Unsent> {
        let (patience, to) = (self.patience, self.to.clone());
        let mut stream = self.session.stream::<R>();
        let (mut piece, mut size) = (Vec::new(), 0);
        loop {
            let next = in_time(patience, stream.try_next()).await?;
            let is_last = next.is_none();
            if let Some(record) = next {
                let row = Row::of(&record);
                size += row.size();
                piece.push(row);
            }
            if size >= PIECE || piece.len() >= ROWS || is_last {
                let rows = Ok(std::mem::take(&mut piece));
                hand_on(&to, R::TABLE, rows).await?;
                size = 0;
            }
            if is_last {
                return Ok(());
            }
        }
    }
}

async fn in_time<T>(
    patience: Duration,
    answer: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, Unsent> {
    let answer = timeout(patience, answer).await;
    Ok(answer.map_err(|it| Unsent::Store(unanswered(it)))??)
}

async fn hand_on(
    to: &Sender<Piece>,
    table: &'static str,
    rows: Result<Vec<Row>, StoreError>,
) -> Result<(), Unsent> {
    to.send(Piece { table, rows }).await.map_err(|_| Unsent::Store(unread()))
}

/// Whoever wanted it has its own reason.
pub(crate) fn unread() -> StoreError {
    StoreError::Refused { what: "nobody reads on".to_owned() }
}

/// Writes rows of a table, in a transaction that is open.
pub(crate) async fn put(
    session: &mut impl Session,
    table: &str,
    rows: &[Row],
) -> Result<(), sqlx::Error> {
    tables::one(table, &mut Putting { session, rows }).await
}

struct Putting<'a, S> {
    session: &'a mut S,
    rows: &'a [Row],
}

impl<S: Session> PerTable for Putting<'_, S> {
    type Error = sqlx::Error;

    async fn table<R: Record + 'static>(&mut self) -> Result<(), sqlx::Error> {
        let records: Result<Vec<R>, _> = self.rows.iter().map(Row::record).collect();
        self.session.merge(&records?, Merge::Append).await
    }
}

/// Says the same of every table.
pub(crate) async fn say_of_each(
    session: &mut impl Session,
    what: fn(&str) -> String,
) -> Result<(), sqlx::Error> {
    tables::each(&mut Saying { session, what }).await
}

/// Takes out of a table what the making of it put in.
pub(crate) fn emptying(table: &str) -> String {
    format!("DELETE FROM \"{table}\"")
}

struct Saying<'a, S> {
    session: &'a mut S,
    what: fn(&str) -> String,
}

impl<S: Session> PerTable for Saying<'_, S> {
    type Error = sqlx::Error;

    async fn table<R: Record + 'static>(&mut self) -> Result<(), sqlx::Error> {
        self.session.run(&(self.what)(R::TABLE), &[]).await.map(drop)
    }
}

/// Pieces that wait: one is written while the next is read.
const AHEAD: usize = 2;
/// Bytes of a piece, about, and its most rows: one transaction of a place on a server.
pub(crate) const PIECE: usize = 512 << 10;
pub(crate) const ROWS: usize = 5000;
