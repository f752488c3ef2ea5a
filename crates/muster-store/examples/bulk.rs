//! Writes many readings, each of another (identity, interval, monitor), in commits of 50,000, into a
//! new store: `time cargo run --release --example bulk -- FILE ROWS`.

use std::path::Path;
use std::time::Duration;

use muster_core::batch::{Batch, Reading};
use muster_core::identity::{IdentityId, ListenerId};
use muster_core::ports::Store as _;
use muster_core::time::Time;
use muster_store::Access;
use muster_store::sqlite::Sqlite;

type Failure = Box<dyn std::error::Error>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let mut args = std::env::args().skip(1);
    let (Some(file), Some(rows)) = (args.next(), args.next()) else {
        return Err("usage: bulk FILE ROWS".into());
    };
    let rows: u32 = rows.parse()?;
    let store = Sqlite::open(Path::new(&file), Access::ReadWrite).await?;
    let mut number = 0;
    while number < rows {
        let end = rows.min(number + COMMIT);
        let readings = (number..end).map(reading).collect();
        store.commit(&Batch { readings, ..Batch::default() }).await?;
        number = end;
    }
    store.close().await?;
    Ok(())
}

/// 10,000 identities at 4 monitors, interval after interval, identities in no order.
fn reading(number: u32) -> Reading {
    let interval = Time::from_secs(1_795_240_800) + (number / 40_000) * INTERVAL;
    let identity = IdentityId(number.wrapping_mul(7919) % 10_000);
    let listener = ListenerId(number / 10_000 % 4);
    let rssi = i8::try_from(number % 60).ok().map(|it| it - 90);
    Reading { interval, length: INTERVAL, identity, listener, rssi, at: interval }
}

const COMMIT: u32 = 50_000;
const INTERVAL: Duration = Duration::from_mins(5);
