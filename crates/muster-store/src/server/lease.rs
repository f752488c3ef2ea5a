//! Who may write: whoever holds the lease, a row with an epoch that every transaction checks.
//!
//! The row says until when, by the server's clock, its holder is believed to live; a keeper renews that on
//! a connection of its own. Whoever finds that it lapsed, and that nobody renews it, takes the next epoch.
//! **Invariant:** a transaction that writes locks the row first and goes on only if the epoch is its own,
//! so nobody who was overtaken commits, however late they wake up.

use std::sync::Arc;
use std::time::Duration;

use muster_core::ports::StoreError;
use sqlx::Connection as _;
use tokio::sync::{Mutex, watch};
use tokio::time::{sleep, timeout};

use super::engine::{Connection, Engine};
use super::in_use;
use super::writer::Writer;
use crate::record::{Fields, Record, Sheet, broken};
use crate::session::{Merge, Session, Value};
use Value::Int;

/// The lease as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lease {
    /// How often it was taken.
    pub(super) epoch: i64,
    /// Until when its holder is believed to live, in microseconds by the server's clock; 0: it was let go
    /// of.
    expires: i64,
    /// Whose it is, in words for people.
    pub(super) holder: String,
}

/// What somebody who wants the lease makes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// Nobody has it.
    Free,
    /// It lapsed. Its holder may only have been kept from the server, as everybody else was: whoever
    /// still finds it so after [`UNSURE`] takes it.
    Lapsed,
    /// Somebody has it.
    Held,
}

impl Lease {
    /// Judges it at `now`, by the server's clock; `before` is what it was [`UNSURE`] ago.
    fn judge(&self, now: i64, before: Option<&Self>) -> Verdict {
        if self.expires == 0 {
            Verdict::Free
        } else if self.is_held(now) {
            Verdict::Held
        } else {
            match before {
                None => Verdict::Lapsed,
                Some(it) if it == self => Verdict::Free,
                Some(_) => Verdict::Held,
            }
        }
    }

    /// Whether its holder is believed to live at `now`, by the server's clock.
    pub(super) fn is_held(&self, now: i64) -> bool {
        now < self.expires
    }

    fn refusal(&self) -> StoreError {
        in_use(&self.holder)
    }
}

/// Makes the lease of a new store, which nobody has.
pub(super) async fn begin(session: &mut impl Session) -> Result<(), sqlx::Error> {
    let there: Vec<Lease> = session.find("WHERE id = 1", &[]).await?;
    if there.is_empty() {
        let nobodys = Lease { epoch: 0, expires: 0, holder: String::new() };
        // Somebody may have made it just now: theirs is the same.
        drop(session.merge(&[nobodys], Merge::Append).await);
    }
    Ok(())
}

/// Takes the lease in the name of `holder`; the epoch that it gets. Refused while somebody has it.
pub(super) async fn take<E: Engine>(
    engine: &E,
    conn: &mut Connection<E>,
    holder: &str,
) -> Result<i64, StoreError> {
    let explain = |it| engine.explain(it);
    let (mut found, mut now) = look::<E>(conn, "").await.map_err(explain)?;
    let mut verdict = found.judge(now, None);
    if verdict == Verdict::Lapsed {
        sleep(UNSURE).await;
        let before = found;
        (found, now) = look::<E>(conn, "").await.map_err(explain)?;
        verdict = found.judge(now, Some(&before));
    }
    if verdict != Verdict::Free {
        return Err(found.refusal());
    }
    let mut tx = conn.begin().await.map_err(explain)?;
    let (locked, _) = look::<E>(&mut tx, " FOR UPDATE").await.map_err(explain)?;
    if locked != found {
        return Err(locked.refusal());
    }
    let taken = Lease { epoch: locked.epoch + 1, expires: 1, holder: short(holder) };
    tx.merge(&[taken], Merge::ByKey).await.map_err(explain)?;
    renew::<E>(&mut tx, locked.epoch + 1).await.map_err(explain)?;
    tx.commit().await.map_err(explain)?;
    Ok(locked.epoch + 1)
}

/// The lease of a transaction, which nobody else touches before that ends.
pub(super) async fn locked(session: &mut impl Session) -> Result<Lease, sqlx::Error> {
    one(session.find("WHERE id = 1 FOR UPDATE", &[]).await?)
}

/// Locks the lease of a transaction, and refuses whoever no longer has it.
pub(super) async fn lead<E: Engine>(
    engine: &E,
    conn: &mut Connection<E>,
    epoch: i64,
) -> Result<(), StoreError> {
    let found = locked(conn).await.map_err(|it| engine.explain(it))?;
    if found.epoch == epoch { Ok(()) } else { Err(lost(&found.holder)) }
}

/// Lets go of the lease, if it is still of this epoch.
pub(super) async fn release(session: &mut impl Session, epoch: i64) -> Result<(), sqlx::Error> {
    let sql = "UPDATE lease SET expires = 0 WHERE id = 1 AND epoch = ?1";
    session.run(sql, &[Int(epoch)]).await.map(drop)
}

/// Renews the lease of an epoch until somebody has taken it, which is then told. Keeps the writer's
/// connection alive along with it: servers end one that says nothing, so that nobody who stopped in the
/// middle of a transaction is waited for.
pub(super) async fn keep<E: Engine>(
    engine: Arc<E>,
    epoch: i64,
    writer: Arc<Mutex<Writer<E>>>,
    overtaken: watch::Sender<Option<String>>,
) {
    let mut conn = None;
    loop {
        sleep(RENEWED_EVERY).await;
        // Without a connection the next round makes one.
        if let Ok(Some(by)) = timeout(TTL, again(&*engine, &mut conn, epoch)).await {
            overtaken.send_replace(Some(by));
            return;
        }
        if let Ok(mut writer) = writer.try_lock() {
            writer.keep_alive(RENEWED_EVERY / 2).await;
        }
    }
}

/// Renews once; who has taken it, if somebody has. An error is no answer.
async fn again<E: Engine>(
    engine: &E,
    kept: &mut Option<Connection<E>>,
    epoch: i64,
) -> Option<String> {
    // A process that stood still has a connection that the server ended meanwhile.
    if let Some(mut conn) = kept.take()
        && let Ok(by) = renewed_or_taken::<E>(&mut conn, epoch).await
    {
        *kept = Some(conn);
        return by;
    }
    let mut conn = engine.writer().await.ok()?;
    let by = renewed_or_taken::<E>(&mut conn, epoch).await.ok()?;
    *kept = Some(conn);
    by
}

async fn renewed_or_taken<E: Engine>(
    conn: &mut Connection<E>,
    epoch: i64,
) -> Result<Option<String>, sqlx::Error> {
    if renew::<E>(conn, epoch).await? {
        return Ok(None);
    }
    Ok(Some(look::<E>(conn, "").await?.0.holder))
}

/// Whether the lease of an epoch is renewed.
pub(super) async fn renew<E: Engine>(
    conn: &mut Connection<E>,
    epoch: i64,
) -> Result<bool, sqlx::Error> {
    let (clock, length) = (E::CLOCK, TTL.as_micros());
    let sql = format!("UPDATE lease SET expires = {clock} + {length} WHERE id = 1 AND epoch = ?1");
    Ok(conn.run(&sql, &[Int(epoch)]).await? == 1)
}

/// The lease, and the server's clock just after.
async fn look<E: Engine>(
    conn: &mut Connection<E>,
    locking: &str,
) -> Result<(Lease, i64), sqlx::Error> {
    let lease = one(conn.find(&format!("WHERE id = 1{locking}"), &[]).await?)?;
    let clock = conn.numbers(&format!("SELECT {}", E::CLOCK), &[]).await?;
    Ok((lease, clock.first().copied().flatten().ok_or_else(|| broken("clocks"))?))
}

fn one(rows: Vec<Lease>) -> Result<Lease, sqlx::Error> {
    rows.into_iter().next().ok_or_else(|| broken(Lease::TABLE))
}

/// What fits into the column.
fn short(holder: &str) -> String {
    holder.chars().filter(char::is_ascii).take(LONGEST_HOLDER).collect()
}

impl Record for Lease {
    const TABLE: &'static str = "lease";
    const COLUMNS: &'static [&'static str] = &["id", "epoch", "expires", "holder"];
    const KEY: usize = 1;

    fn write(&self, row: &mut impl Sheet) {
        row.int(1);
        row.int(self.epoch);
        row.int(self.expires);
        row.text(&self.holder);
    }

    fn read<'r>(row: &mut impl Fields<'r>) -> Result<Self, sqlx::Error> {
        row.int()?;
        Ok(Self { epoch: row.int()?, expires: row.int()?, holder: row.text()?.into_owned() })
    }
}

/// The error of one who was overtaken. Not ever again: what is in memory no longer goes with what is
/// stored.
pub(super) fn lost(by: &str) -> StoreError {
    StoreError::Refused { what: format!("another muster leads meanwhile ({by})") }
}

/// How long a lease lasts. With [`UNSURE`] and the time between two tries of whoever waits, a store without
/// a writer has another one within ten seconds.
const TTL: Duration = Duration::from_secs(5);
/// How often it is renewed: three tries before it lapses.
const RENEWED_EVERY: Duration = Duration::from_millis(1500);
/// How long somebody who finds a lapsed lease leaves its holder to renew it, longer than
/// [`RENEWED_EVERY`]: after a server's outage everybody's has lapsed.
const UNSURE: Duration = Duration::from_secs(2);
const LONGEST_HOLDER: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_taken_when_nobody_renews_it() {
        let of = |epoch, expires| Lease { epoch, expires, holder: "attic".to_owned() };
        let held = of(3, 500);
        assert_eq!(held.judge(499, None), Verdict::Held);
        assert_eq!(held.judge(499, Some(&held)), Verdict::Held);
        assert_eq!(held.judge(500, None), Verdict::Lapsed);
        assert_eq!(held.judge(502, Some(&held)), Verdict::Free);
        // Its holder, or somebody else, was there meanwhile, and it lapsed once more.
        assert_eq!(of(3, 501).judge(502, Some(&held)), Verdict::Held);
        assert_eq!(of(4, 501).judge(502, Some(&held)), Verdict::Held);
        // Let go of, it waits for nobody.
        assert_eq!(of(3, 0).judge(0, None), Verdict::Free);
    }

    #[test]
    fn a_holder_fits_into_its_column() {
        assert_eq!(short("hub on küche"), "hub on kche");
        assert_eq!(short(&"x".repeat(999)).len(), LONGEST_HOLDER);
    }
}
