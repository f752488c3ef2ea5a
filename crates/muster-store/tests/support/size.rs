//! What a winner takes on the disk, once the readings that it won over are gone.

use std::time::Duration;

use muster_core::batch::{Batch, HOUR, Reading};
use muster_core::identity::{IdentityId, ListenerId};
use muster_core::ports::{Before, Store as _};
use muster_core::time::Time;

use crate::open;

#[tokio::test]
async fn a_winner_takes_at_most_24_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await.unwrap();
    for hour in 0..HOURS {
        let start = START + hour * HOUR;
        let readings = (0..12 * DEVICES * MONITORS).map(|it| reading(start, it)).collect();
        store.commit(&Batch { readings, ..Batch::default() }).await.unwrap();
    }
    let winners = u64::from(HOURS * 12 * DEVICES);
    let gone = store.forget(Before { facts: Some(Time::MAX), ..Before::default() }).await.unwrap();
    assert_eq!(gone, winners * u64::from(MONITORS));
    let copy = folder.path().join("copy.db");
    store.backup(&copy).await.unwrap();
    let bytes = copy.metadata().unwrap().len();
    println!("{} bytes a winner", bytes / winners);
    assert!(bytes <= winners * 24, "{bytes} bytes for {winners} winners");
}

/// Everybody is heard by all in every interval, at another moment and differently strongly each time.
fn reading(start: Time, number: u32) -> Reading {
    let interval = start + (number / (DEVICES * MONITORS)) * INTERVAL;
    let mixed = u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    let at = interval + Duration::from_micros(mixed * 13 % 300_000_000);
    Reading {
        interval,
        length: INTERVAL,
        identity: IdentityId(1 + number / MONITORS % DEVICES),
        listener: ListenerId(1 + number % MONITORS),
        rssi: i8::try_from(mixed % 50).ok().map(|it| -40 - it),
        at,
    }
}

const START: Time = Time::from_secs(1_795_219_200);
const INTERVAL: Duration = Duration::from_mins(5);
const DEVICES: u32 = 200;
const MONITORS: u32 = 5;
const HOURS: u32 = 12;
