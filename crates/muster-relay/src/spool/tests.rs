//! A spool on a real disk: what was written is there afterwards, and nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;

use muster_core::fact::{Fact, FactBody, Listener, Sighting, SourceKind};
use muster_core::identity::{Identity, Mac};
use muster_core::relay::dates::{Dates, MachineId};
use muster_core::relay::spool::{Machine, SpooledBoot};
use muster_core::relay::{Do, Relay, Settings, Start};
use muster_core::span::Span;
use muster_core::time::{Now, Time};
use muster_core::uplink::{Answer, BootId, Reply, Run, StoreId};
use tempfile::TempDir;

use super::*;

fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn fact(second: u64) -> Fact {
    let listener = Arc::new(Listener::new("attic", SourceKind::Ble, "hci0"));
    let at = Time::from_secs(0) + s(second);
    let identity = Identity::Ble(Mac([0x7c, 0, 0, 0, 0, 1]));
    let body = if second.is_multiple_of(3) {
        FactBody::Coverage(Span::new(at - s(10), at))
    } else {
        FactBody::Sighting(Sighting { identity, at, rssi: Some(-60) })
    };
    Fact { listener, body }
}

fn entry(sequence: u64) -> Entry {
    Entry { sequence, fact: fact(sequence) }
}

fn boot(number: u128, rows: u64) -> SpooledBoot {
    let id = BootId(number);
    let (machine, oldest) = (MachineId(7), s(1));
    SpooledBoot { id, machine, rows, weight: rows * 40, oldest, next: 100, thinned_to: 3 }
}

fn state(boots: Vec<SpooledBoot>) -> Spooled {
    let mut dates = Dates::default();
    let wall = Time::from_secs(1_772_438_400);
    dates.meet(s(10), wall, wall + s(1), s(12));
    let machines = vec![Machine { id: MachineId(7), dates, up: s(50) }];
    Spooled { store: Some(StoreId(u128::MAX)), thinned: 4, dropped: 5, machines, boots }
}

fn work(added: Vec<(BootId, Entry)>, removed: Vec<(BootId, Run)>, state: Spooled) -> SpoolWork {
    SpoolWork { removed, added, state }
}

async fn all(spool: &mut Spool, boot: u128) -> Vec<u64> {
    let read = ReadWork { boot: BootId(boot), from: 0, limit: 1_000 };
    spool.read(read).await.unwrap().entries.iter().map(|it| it.sequence).collect()
}

#[tokio::test]
async fn what_was_written_is_there_after_a_restart() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("spool.db");
    let (mut spool, found) = Spool::open(&path, "attic").await.unwrap();
    assert_eq!(found, Spooled::default());
    let (one, two) = (BootId(1), BootId(2));
    let added = (0..10).map(|it| (one, entry(it))).chain([(two, entry(0))]).collect();
    let first = state(vec![boot(1, 10), boot(2, 1)]);
    spool.write(&work(added, Vec::new(), first.clone())).await.unwrap();
    spool.close().await.unwrap();
    let (mut spool, found) = Spool::open(&path, "attic").await.unwrap();
    assert_eq!(found, first);
    let read = ReadWork { boot: one, from: 3, limit: 4 };
    let want: Vec<Entry> = (3..7).map(entry).collect();
    let want = SpoolRead { entries: want, damaged: Vec::new() };
    assert_eq!(spool.read(read).await.unwrap(), want);
    // What is thinned is deleted and put back in one breath.
    let run = Run { first: 2, last: 8 };
    let second = state(vec![boot(1, 4), boot(2, 1)]);
    spool.write(&work(vec![(one, entry(5))], vec![(one, run)], second)).await.unwrap();
    assert_eq!(all(&mut spool, 1).await, [0, 1, 5, 9]);
    // A boot that is not in the state is gone with its facts; it may come again.
    spool.write(&work(Vec::new(), Vec::new(), state(vec![boot(2, 1)]))).await.unwrap();
    assert_eq!(all(&mut spool, 1).await, [0; 0]);
    let third = state(vec![boot(2, 1), boot(1, 1)]);
    spool.write(&work(vec![(one, entry(50))], Vec::new(), third.clone())).await.unwrap();
    spool.close().await.unwrap();
    let (mut spool, found) = Spool::open(&path, "attic").await.unwrap();
    assert_eq!(found, third);
    assert_eq!((all(&mut spool, 1).await, all(&mut spool, 2).await), (vec![50], vec![0]));
}

#[tokio::test]
async fn a_full_disk_takes_nothing_by_half_and_then_everything() {
    let folder = TempDir::new().unwrap();
    let (mut spool, _) = Spool::open(&folder.path().join("spool.db"), "attic").await.unwrap();
    spool
        .write(&work(vec![(BootId(1), entry(0))], Vec::new(), state(vec![boot(1, 1)])))
        .await
        .unwrap();
    let pages: i64 = sqlx::query_scalar("PRAGMA page_count")
        .fetch_one(spool.conn.as_mut().unwrap())
        .await
        .unwrap();
    let limit = |pages: i64| sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"));
    sqlx::query(limit(pages)).execute(spool.conn.as_mut().unwrap()).await.unwrap();
    let many = (1..5_000).map(|it| (BootId(1), entry(it))).collect();
    let large =
        work(many, vec![(BootId(1), Run { first: 0, last: 0 })], state(vec![boot(1, 4_999)]));
    let full = spool.write(&large).await.unwrap_err();
    assert!(
        matches!(&full, SpoolError::Unavailable { what, .. } if what.contains("disk is full")),
        "{full:?}"
    );
    assert_eq!(all(&mut spool, 1).await, [0], "not even what was to be deleted is");
    // The limit went with its connection.
    spool.write(&large).await.unwrap();
    // Done again, as after an answer that was not heard.
    spool.write(&large).await.unwrap();
    let read = ReadWork { boot: BootId(1), from: 0, limit: 10_000 };
    assert_eq!(spool.read(read).await.unwrap().entries.len(), 4_999);
}

#[tokio::test]
async fn what_is_no_spool_is_said() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("spool.db");
    let (spool, _) = Spool::open(&path, "attic").await.unwrap();
    let second = Spool::open(&path, "attic").await.map(drop).unwrap_err();
    assert!(
        matches!(&second, SpoolError::Unavailable { what, .. } if what.contains("in use")),
        "{second:?}"
    );
    spool.close().await.unwrap();
    std::fs::write(&path, vec![7; 9_000]).unwrap();
    let torn = Spool::open(&path, "attic").await.map(drop).unwrap_err();
    assert!(matches!(torn, SpoolError::Damaged { .. }), "{torn:?}");
    let nowhere = Spool::open(&folder.path().join("no/where.db"), "attic").await.map(drop);
    assert!(matches!(nowhere, Err(SpoolError::Unavailable { .. })));
    let newer = folder.path().join("newer.db");
    let (mut spool, _) = Spool::open(&newer, "attic").await.unwrap();
    sqlx::query("PRAGMA user_version = 3").execute(spool.conn.as_mut().unwrap()).await.unwrap();
    spool.close().await.unwrap();
    let newer = Spool::open(&newer, "attic").await.map(drop).unwrap_err();
    assert!(matches!(newer, SpoolError::Newer { found: 3, known: 2 }), "{newer:?}");
}

#[tokio::test]
async fn a_damaged_fact_is_told_apart_from_the_others() {
    let folder = TempDir::new().unwrap();
    let (mut spool, _) = Spool::open(&folder.path().join("spool.db"), "attic").await.unwrap();
    let added = (0..4).map(|it| (BootId(1), entry(it))).collect();
    spool.write(&work(added, Vec::new(), state(vec![boot(1, 4)]))).await.unwrap();
    let harm = "UPDATE fact SET body = x'ff' WHERE sequence IN (0, 2)";
    sqlx::query(harm).execute(spool.conn.as_mut().unwrap()).await.unwrap();
    let read = spool.read(ReadWork { boot: BootId(1), from: 0, limit: 10 }).await.unwrap();
    assert_eq!(read, SpoolRead { entries: vec![entry(1), entry(3)], damaged: vec![0, 2] });
}

/// The bytes of a spool's files, its key aside.
fn bytes(folder: &TempDir) -> Vec<u8> {
    let files = std::fs::read_dir(folder.path()).unwrap().map(|it| it.unwrap().path());
    let files = files.filter(|it| it.extension().is_some_and(|it| it != "key"));
    files.flat_map(|it| std::fs::read(it).unwrap()).collect()
}

/// Whether the address of [`fact`] or its adapter can be read there.
fn tells(bytes: &[u8]) -> bool {
    let forms = [&[0x7c, 0, 0, 0, 0, 1][..], b"hci0"];
    forms.iter().any(|form| bytes.windows(form.len()).any(|it| it == *form))
}

#[tokio::test]
async fn what_waits_is_sealed_and_kept_for_whoever_has_the_key() {
    let folder = TempDir::new().unwrap();
    let (path, key) = (folder.path().join("spool.db"), folder.path().join("spool.key"));
    let (mut spool, _) = Spool::open(&path, "attic").await.unwrap();
    let added = (0..50).map(|it| (BootId(1), entry(it))).collect();
    spool.write(&work(added, Vec::new(), state(vec![boot(1, 50)]))).await.unwrap();
    assert!(!tells(&bytes(&folder)), "while it is open");
    spool.close().await.unwrap();
    assert!(!tells(&bytes(&folder)));
    // Another key, or none: what waits stays as it is.
    let (kept, before) = (std::fs::read(&key).unwrap(), std::fs::read(&path).unwrap());
    for wrong in [Some(&[7; 32][..]), Some(b"torn"), None] {
        match wrong {
            Some(it) => std::fs::write(&key, it).unwrap(),
            None => std::fs::remove_file(&key).unwrap(),
        }
        let locked = Spool::open(&path, "attic").await.map(drop).unwrap_err();
        assert!(locked.to_string().ends_with("spool.key"), "{locked}");
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }
    std::fs::write(&key, kept).unwrap();
    let (mut spool, _) = Spool::open(&path, "attic").await.unwrap();
    assert_eq!(all(&mut spool, 1).await, (0..50).collect::<Vec<_>>());
    // With nothing that waits a key can be lost.
    spool.write(&work(Vec::new(), Vec::new(), state(Vec::new()))).await.unwrap();
    spool.close().await.unwrap();
    std::fs::remove_file(&key).unwrap();
    let (mut spool, _) = Spool::open(&path, "attic").await.unwrap();
    spool
        .write(&work(vec![(BootId(2), entry(4))], Vec::new(), state(vec![boot(2, 1)])))
        .await
        .unwrap();
    spool.close().await.unwrap();
    let (mut spool, _) = Spool::open(&path, "attic").await.unwrap();
    assert_eq!(all(&mut spool, 2).await, [4]);
}

#[tokio::test]
async fn a_locked_spool_is_whole_in_its_one_file() {
    let (folder, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let (path, moved) = (folder.path().join("spool.db"), other.path().join("spool.db"));
    let (mut spool, _) = Spool::open(&path, "attic").await.unwrap();
    let added = (0..50).map(|it| (BootId(1), entry(it))).collect();
    spool.write(&work(added, Vec::new(), state(vec![boot(1, 50)]))).await.unwrap();
    // As a power cut leaves it, without the key.
    for name in ["spool.db", "spool.db-wal"] {
        std::fs::copy(folder.path().join(name), other.path().join(name)).unwrap();
    }
    let locked = Spool::open(&moved, "attic").await.map(drop).unwrap_err();
    assert!(matches!(locked, SpoolError::Locked { .. }), "{locked}");
    spool.close().await.unwrap();
    std::fs::rename(&moved, &path).unwrap();
    let (mut spool, _) = Spool::open(&path, "attic").await.unwrap();
    assert_eq!(all(&mut spool, 1).await, (0..50).collect::<Vec<_>>());
}

/// Makes a spool as it was before facts were sealed, of 2,000 facts, with others that were deleted;
/// what it says besides facts.
async fn open_spool(path: &Path) -> Spooled {
    let (mut spool, _) = Spool::open(path, "attic").await.unwrap();
    let added = (0..2_500).map(|it| (BootId(1), entry(it))).collect();
    let state = state(vec![boot(1, 2_000)]);
    spool.write(&work(added, Vec::new(), state.clone())).await.unwrap();
    let conn = spool.conn.as_mut().unwrap();
    for sequence in 0..2_500 {
        let put = sqlx::query("UPDATE fact SET body = ?1 WHERE sequence = ?2");
        let put = put.bind(write_fact(&fact(sequence))).bind(number(sequence));
        put.execute(&mut *conn).await.unwrap();
    }
    let before = "ALTER TABLE meta DROP COLUMN sealed_by; ALTER TABLE meta DROP COLUMN swept;
        PRAGMA user_version = 1; DELETE FROM fact WHERE sequence >= 2000;";
    sqlx::raw_sql(before).execute(&mut *conn).await.unwrap();
    spool.close().await.unwrap();
    std::fs::remove_file(path.with_extension("key")).unwrap();
    state
}

#[tokio::test]
async fn a_spool_from_before_is_sealed_once_and_goes_on() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("spool.db");
    let mut state = open_spool(&path).await;
    assert!(tells(&bytes(&folder)), "as it was before");
    state.boots[0].weight = 2_000 * 60;
    let (mut spool, found) = Spool::open(&path, "attic").await.unwrap();
    assert_eq!(found, state);
    assert!(!tells(&bytes(&folder)), "nor in what was deleted");
    assert_eq!(all(&mut spool, 1).await, (0..1_000).collect::<Vec<_>>());
    let read = ReadWork { boot: BootId(1), from: 1_990, limit: 100 };
    let rest = spool.read(read).await.unwrap();
    assert_eq!(rest.entries, (1_990..2_000).map(entry).collect::<Vec<_>>());
    spool.close().await.unwrap();
    let (mut spool, found) = Spool::open(&path, "attic").await.unwrap();
    assert_eq!(found, state, "once");
    assert_eq!(all(&mut spool, 1).await.len(), 1_000);
}

#[tokio::test]
async fn what_a_crash_left_in_the_file_is_swept_out_by_the_next_start() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("spool.db");
    open_spool(&path).await;
    let mut conn = SqliteConnectOptions::new().filename(&path).connect().await.unwrap();
    let (_, numbers) = state::read(&mut conn).await.unwrap();
    lock::lock(&mut conn, state::OPEN_FORMAT, &numbers, &path).await.unwrap();
    conn.close().await.unwrap();
    assert!(tells(&bytes(&folder)), "it is sealed and not swept");
    let (mut spool, _) = Spool::open(&path, "attic").await.unwrap();
    assert!(!tells(&bytes(&folder)));
    assert_eq!(all(&mut spool, 1).await.len(), 1_000);
}

#[tokio::test]
async fn only_its_owner_may_read_it() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("spool.db");
    let (mut spool, _) = Spool::open(&path, "attic").await.unwrap();
    spool
        .write(&work(vec![(BootId(1), entry(0))], Vec::new(), state(vec![boot(1, 1)])))
        .await
        .unwrap();
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let file = file.unwrap();
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{:?}", file.path());
    }
}

/// A real relay over a real spool: cut off, ended and started again, then the hub is back.
#[tokio::test]
async fn a_relay_sends_what_those_before_it_had_written() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("spool.db");
    let mut taken: BTreeMap<BootId, Vec<u64>> = BTreeMap::new();
    for life in 1..=3_u64 {
        let (mut spool, spooled) = Spool::open(&path, "attic").await.unwrap();
        let settings = Settings {
            monitor: "attic".into(),
            patience: Settings::PATIENCE,
            capacity: 1 << 20,
            interval: Duration::from_mins(5),
            version: "1".into(),
            simulated: false,
        };
        let now = |second: u64| {
            let mono = s(life * 10_000 + second);
            Now { mono, wall: Time::from_secs(1_772_438_400) + mono }
        };
        let boot = BootId(life.into());
        let start = Start { boot, machine: MachineId(1), spooled, seed: life };
        let mut relay = Relay::new(settings, start, now(0));
        for second in 0..400 {
            let now = now(second);
            if second < 100 {
                let mut fact = fact(second);
                fact = fact.dated(|_| now.wall);
                relay.handle_facts(vec![fact], now);
            }
            relay.handle_timeout(now);
            while let Some(what) = relay.poll(now) {
                match what {
                    Do::Write(it) => {
                        spool.write(&it).await.unwrap();
                        relay.handle_written(Ok(()), now);
                    }
                    Do::Read(it) => {
                        let read = spool.read(it).await.unwrap();
                        relay.handle_read(Ok(read), now);
                    }
                    // Only in its last life there is a hub.
                    Do::Send(it) if life == 3 => {
                        let rows = it.upload.rows.iter().map(|it| it.sequence);
                        taken.entry(it.upload.header.boot).or_default().extend(rows);
                        let settled = it.upload.header.settles;
                        let (store, refused) = (StoreId(9), Vec::new());
                        let (received, answered) = (now.wall, now.wall);
                        let answer = Answer { store, received, answered, settled, refused };
                        relay.handle_reply(it.number, Reply::Taken(answer), now);
                    }
                    Do::Send(_) => {}
                }
            }
        }
        spool.close().await.unwrap();
        assert_eq!(relay.spooled().rows(), if life == 3 { 0 } else { life * 100 });
    }
    let want: Vec<u64> = (0..100).collect();
    for life in 1..=3 {
        assert_eq!(taken.get(&BootId(life)), Some(&want), "life {life}");
    }
}
