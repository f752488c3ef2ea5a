//! Writes a fleet's month, 200 devices at 5 monitors, and says what a winner takes and how long the
//! questions of reports take: `cargo run --release --example months -- FILE [DAYS]`.

use std::path::Path;
use std::time::{Duration, Instant};

use muster_core::batch::{Batch, HOUR, Reading};
use muster_core::fact::{Listener, SourceKind};
use muster_core::identity::{IdentityId, ListenerId};
use muster_core::ports::{ReadingQuery, ReadingsOf, Store as _};
use muster_core::span::Span;
use muster_core::time::Time;
use muster_store::sqlite::{Access, Sqlite};

type Failure = Box<dyn std::error::Error>;

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stdout, reason = "what it measures is what it is for")]
async fn main() -> Result<(), Failure> {
    let mut args = std::env::args().skip(1);
    let Some(file) = args.next() else { return Err("usage: months FILE [DAYS]".into()) };
    let days: u32 = args.next().map_or(Ok(30), |it| it.parse())?;
    let path = Path::new(&file);
    let store = Sqlite::open(path, Access::ReadWrite).await?;
    write(&store, days).await?;
    store.close().await?;
    let store = Sqlite::open(path, Access::ReadOnly).await?;
    let end = START + days * DAY;
    let last = |length: Duration| Span::new(end - length, end);
    let winners = u64::from(days) * 288 * u64::from(DEVICES);
    println!(
        "{winners} winners, {} bytes each with all readings",
        path.metadata()?.len() / winners
    );
    for (what, window) in [("24 h", last(DAY)), ("30 days", last(30 * DAY))] {
        let mut times = Vec::new();
        for _ in 0..7 {
            let begin = now();
            let rows = store.winner_hours(window).await?.len();
            times.push((begin.elapsed(), rows));
        }
        times.sort_unstable();
        println!("counted hours of {what}: {:?}", times.get(3));
    }
    let of_a_day =
        ReadingQuery { window: last(DAY), identities: Vec::new(), of: ReadingsOf::Winners };
    let begin = now();
    let rows = store.readings(&of_a_day).await?.len();
    println!("winners of 24 h: {:?}", (begin.elapsed(), rows));
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "it measures")]
fn now() -> Instant {
    Instant::now()
}

/// An hour in each commit.
async fn write(store: &Sqlite, days: u32) -> Result<(), Failure> {
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
