//! Plain rows and the views on them, begun and ended in a file.
//!
//! **Invariant:** each step leaves a schema whose fingerprint agrees. The views come last: whoever finds
//! none, or those of another shape, keeps no plain rows, and begins anew.

use muster_core::batch::HOUR;
use muster_core::time::Time;
use sqlx::sqlite::SqliteConnection;
use tokio::sync::Mutex;

use super::backup::Checked;
use super::commit::Writer;
use super::schema;
use crate::plain::{self, PlainCovered, PlainHour, PlainReading, PlainWinner};
use crate::tables::PerTable as _;

/// Begins or ends to keep them; how many hours were written at once.
pub(super) async fn keep(writer: &Mutex<Writer>, wanted: bool) -> Result<u64, sqlx::Error> {
    // Nobody commits meanwhile: what came in between would be missing.
    let mut writer = writer.lock().await;
    if writer.plain == wanted && (wanted || !writer.together(are_left).await?) {
        return Ok(0);
    }
    writer.plain = false;
    writer.together(async |conn| schema::redefine(conn, DROP).await).await?;
    if !wanted {
        return Ok(0);
    }
    writer.together(async |conn| schema::redefine(conn, TABLES).await).await?;
    let (mut from, mut hours) = (Time::MIN, 0);
    while let Some(hour) = writer.together(async |conn| plain::fill(conn, from).await).await? {
        (from, hours) = (hour + HOUR, hours + 1);
    }
    writer.together(async |conn| plain::fill_covered(conn).await).await?;
    writer.together(async |conn| schema::redefine(conn, VIEWS).await).await?;
    writer.plain = true;
    Ok(hours)
}

/// Whether they are kept, in the shape that this program gives them.
pub(super) async fn are_there(conn: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    let sql = "SELECT count(*) FROM sqlite_master WHERE name = 'plain_shape'";
    let views: i64 = sqlx::query_scalar(sql).fetch_one(&mut *conn).await?;
    if views == 0 {
        return Ok(false);
    }
    let shape: i64 = sqlx::query_scalar("SELECT shape FROM plain_shape").fetch_one(conn).await?;
    Ok(shape == plain::SHAPE)
}

/// Whether anything of them is there, as after a fill that was interrupted.
async fn are_left(conn: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    let sql = "SELECT count(*) FROM sqlite_master WHERE name = 'plain_winner'";
    let tables: i64 = sqlx::query_scalar(sql).fetch_one(conn).await?;
    Ok(tables > 0)
}

/// Reads every plain row, so that every sum is checked.
pub(super) async fn check(conn: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    if are_there(conn).await? {
        let mut checked = Checked { conn, rows: 0 };
        checked.table::<PlainWinner>().await?;
        checked.table::<PlainReading>().await?;
        checked.table::<PlainHour>().await?;
        checked.table::<PlainCovered>().await?;
    }
    Ok(())
}

pub(super) const TABLES: &str = include_str!("../../views/sqlite/tables.sql");
const VIEWS: &str = include_str!("../../views/sqlite/views.sql");
const DROP: &str = include_str!("../../views/sqlite/drop.sql");
