//! Writes a fleet's days, 200 devices at 5 monitors, into a new store: `months FILE DAYS`. Then asks what
//! reports ask about all of them, over and over, to be timed from outside:
//! `time cargo run --release --example months -- FILE DAYS hours|winners TIMES`.

use std::path::Path;
use std::time::Duration;

use muster_core::batch::{Batch, HOUR, Reading};
use muster_core::fact::{Listener, SourceKind};
use muster_core::identity::{IdentityId, ListenerId};
use muster_core::ports::{ReadingQuery, ReadingsOf, Store as _};
use muster_core::span::Span;
use muster_core::time::Time;
use muster_store::Access;
use muster_store::sqlite::Sqlite;

type Failure = Box<dyn std::error::Error>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        [file, days] => write(Path::new(file), days.parse()?).await,
        [file, days, what @ ("hours" | "winners"), times] => {
            let store = Sqlite::open(Path::new(file), Access::ReadOnly).await?;
            for _ in 0..times.parse::<u32>()? {
                ask(&store, days.parse()?, *what == "hours").await?;
            }
            Ok(())
        }
        _ => Err("usage: months FILE DAYS [hours|winners TIMES]".into()),
    }
}

/// A day at a time, as reports do.
async fn ask(store: &Sqlite, days: u32, hours: bool) -> Result<(), Failure> {
    let mut rows = 0;
    for day in 0..days {
        let window = Span::new(START + day * DAY, START + (day + 1) * DAY);
        let query = ReadingQuery { window, identities: Vec::new(), of: ReadingsOf::Winners };
        rows += if hours {
            store.winner_hours(window).await?.len()
        } else {
            store.readings(&query).await?.len()
        };
    }
    if rows == 0 { Err("there is nothing in the store".into()) } else { Ok(()) }
}

/// An hour in each commit.
async fn write(file: &Path, days: u32) -> Result<(), Failure> {
    let store = Sqlite::open(file, Access::ReadWrite).await?;
    let names = ["attic", "bedroom", "cellar", "kitchen", "living room"];
    let listeners = (1..).map(ListenerId);
    let listeners =
        listeners.zip(names.map(|it| Listener::new(it, SourceKind::Ble, "hci0"))).collect();
    store.commit(&Batch { listeners, ..Batch::default() }).await?;
    for hour in 0..days * 24 {
        let hour = START + hour * HOUR;
        let readings = (0..12 * DEVICES * 5).map(|it| reading(hour, it)).collect();
        store.commit(&Batch { readings, ..Batch::default() }).await?;
    }
    store.close().await?;
    Ok(())
}

/// Everybody is heard by all, and a little differently each time.
fn reading(hour: Time, number: u32) -> Reading {
    let interval = hour + (number / (DEVICES * 5)) * INTERVAL;
    let (identity, listener) = (number / 5 % DEVICES, number % 5);
    let mixed =
        number.wrapping_mul(2_654_435_761) ^ u32::try_from(hour.secs() & 0xffff_ffff).unwrap_or(0);
    let noise = mixed.wrapping_mul(2_246_822_519) >> 28;
    let far = (identity + listener * 3) % 5 * 7;
    let rssi = i8::try_from(far + noise).ok().map(|it| -45 - it);
    let at = interval + Duration::from_millis(u64::from(mixed % 300_000));
    let (identity, listener) = (IdentityId(identity + 1), ListenerId(listener + 1));
    Reading { interval, length: INTERVAL, identity, listener, rssi, at }
}

const START: Time = Time::from_secs(1_795_219_200);
const DEVICES: u32 = 200;
const INTERVAL: Duration = Duration::from_mins(5);
const DAY: Duration = Duration::from_hours(24);
