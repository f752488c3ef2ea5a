//! Plain rows and the views on them, begun and ended on a server.
//!
//! Not every server makes tables within a transaction, so the views come last: where they are, the rows
//! below them are whole. **Invariant:** whoever finds no views, or those of another shape, keeps no plain
//! rows, and begins anew. The table of winners is made first and dropped last: without it nothing is left.

use muster_core::batch::HOUR;
use muster_core::ports::StoreError;
use muster_core::time::Time;
use tokio::sync::Mutex;

use super::engine::{Connection, Engine};
use super::writer::Writer;
use crate::plain;
use crate::session::Session as _;

/// Begins or ends to keep them; how many hours were written at once.
pub(super) async fn keep<E: Engine>(
    writer: &Mutex<Writer<E>>,
    wanted: bool,
) -> Result<u64, StoreError> {
    // Nobody commits meanwhile: what came in between would be missing.
    let mut writer = writer.lock().await;
    if writer.plain == wanted && (wanted || !writer.together(are_left::<E>).await?) {
        return Ok(0);
    }
    let [tables, views, drop] = E::PLAIN;
    writer.plain = false;
    writer.together(async |conn| E::script(conn, drop).await).await?;
    if !wanted {
        return Ok(0);
    }
    writer.together(async |conn| E::script(conn, tables).await).await?;
    let (mut from, mut hours) = (Time::MIN, 0);
    while let Some(hour) = writer.together(async |conn| plain::fill(conn, from).await).await? {
        (from, hours) = (hour + HOUR, hours + 1);
    }
    writer.together(async |conn| plain::fill_covered(conn).await).await?;
    writer.together(async |conn| E::script(conn, views).await).await?;
    writer.plain = true;
    Ok(hours)
}

/// Whether they are kept, in the shape that this program gives them.
pub(super) async fn are_there<E: Engine>(conn: &mut Connection<E>) -> Result<bool, sqlx::Error> {
    let views = conn.numbers(E::VIEWS, &[]).await?;
    if views.first().copied().flatten().is_none_or(|it| it == 0) {
        return Ok(false);
    }
    let shape = conn.numbers("SELECT shape FROM plain_shape", &[]).await?;
    Ok(shape.first().copied().flatten() == Some(plain::SHAPE))
}

/// Whether anything of them is there, as after a fill or a drop that was interrupted.
async fn are_left<E: Engine>(conn: &mut Connection<E>) -> Result<bool, sqlx::Error> {
    let tables = conn.numbers(E::LEFT, &[]).await?;
    Ok(tables.first().copied().flatten().is_some_and(|it| it > 0))
}
