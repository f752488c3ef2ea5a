//! Plain rows and the views on them, as other programs' SQL finds them in the file.

use muster_core::ports::{ReadingQuery, ReadingsOf, Store as _};
use muster_core::span::Span;
use muster_core::time::Time;
use muster_store::Kept as _;
use muster_store::conformance::{MADE_UP, Scene};
use muster_store::sqlite::Sqlite;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Row as _};

use crate::{open, panels};

#[tokio::test]
async fn plain_rows_are_those_of_the_packed_lists_whatever_happens() {
    for (name, case) in MADE_UP {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path()).await.unwrap();
        assert_eq!(store.keep_plain(true).await.unwrap(), 0);
        if let Err(it) = case(&store, 7).await {
            panic!("{name}: {it}");
        }
        let mut other = other(folder.path()).await;
        is_plain(&store, &mut other).await;
        store.verify().await.unwrap();
    }
}

#[tokio::test]
async fn they_are_made_of_what_is_there_kept_by_whoever_opens_next_and_let_go_of() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await.unwrap();
    let mut scene = Scene::new(5);
    for _ in 0..30 {
        store.commit(&scene.batch()).await.unwrap();
    }
    assert!(store.keep_plain(true).await.unwrap() > 0);
    assert_eq!(store.keep_plain(true).await.unwrap(), 0);
    let mut look = other(folder.path()).await;
    is_plain(&store, &mut look).await;
    store.close().await.unwrap();

    let store = open(folder.path()).await.unwrap();
    for _ in 0..30 {
        store.commit(&scene.batch()).await.unwrap();
    }
    is_plain(&store, &mut look).await;
    let kept = all(&mut look).await;
    store.keep_plain(false).await.unwrap();
    let left = "SELECT count(*) FROM sqlite_master WHERE name LIKE 'plain%' OR name = 'monitors'";
    assert_eq!(ask(&mut look, left).await, ["0"]);
    store.keep_plain(true).await.unwrap();
    assert_eq!(all(&mut look).await, kept, "made at once, or as it came");
    store.verify().await.unwrap();
    store.close().await.unwrap();
}

#[tokio::test]
async fn panels_and_checks_find_what_they_ask_for() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await.unwrap();
    store.keep_plain(true).await.unwrap();
    let mut look = other(folder.path()).await;
    let now: i64 = ask(&mut look, "SELECT unixepoch()").await[0].parse().unwrap();
    store.commit(&panels::house(Time::from_secs(now))).await.unwrap();
    for (question, want) in QUESTIONS {
        assert_eq!(ask(&mut look, question).await.join("; "), *want, "{question}");
    }
    for (question, index) in PLANS {
        let sql = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {question}"));
        let rows = sqlx::query(sql).fetch_all(&mut look).await.unwrap();
        let plan: Vec<String> = rows.iter().map(|it| it.get("detail")).collect();
        assert!(plan.join("; ").contains(index), "{question}: {plan:?}");
    }
    store.close().await.unwrap();
}

/// Another program.
async fn other(folder: &std::path::Path) -> SqliteConnection {
    let file = SqliteConnectOptions::new().filename(folder.join("muster.db")).read_only(true);
    file.connect().await.unwrap()
}

/// The rows of an answer, their columns joined.
async fn ask(look: &mut SqliteConnection, sql: &str) -> Vec<String> {
    let rows = sqlx::query(AssertSqlSafe(sql.to_owned())).fetch_all(look).await.unwrap();
    let column = |row: &sqlx::sqlite::SqliteRow, at| {
        let text = row.try_get_unchecked::<Option<String>, _>(at).unwrap();
        text.unwrap_or_default()
    };
    rows.iter()
        .map(|it| (0..it.len()).map(|at| column(it, at)).collect::<Vec<_>>().join("|"))
        .collect()
}

async fn is_plain(store: &Sqlite, look: &mut SqliteConnection) {
    for (table, of) in
        [("plain_winner", ReadingsOf::Winners), ("plain_reading", ReadingsOf::Listeners)]
    {
        let window = Span::new(Time::MIN, Time::MAX);
        let query = ReadingQuery { window, identities: Vec::new(), of };
        let readings = store.readings(&query).await.unwrap();
        let told = 86_400_000_000..2_147_400_000_000_000;
        let row = |it: &muster_core::batch::Reading| {
            let (interval, at) = (it.interval.micros(), it.at.micros());
            let rssi = it.rssi.filter(|_| told.contains(&interval) && told.contains(&at))?;
            let (length, identity) = (it.length.as_micros(), it.identity.0);
            Some(format!("{interval}|{length}|{identity}|{}|{rssi}|{at}", it.listener.0))
        };
        let mut want: Vec<String> = readings.iter().filter_map(row).collect();
        want.sort();
        let columns = "interval_at, length, identity, listener, rssi, at";
        let mut got = ask(look, &format!("SELECT {columns} FROM {table}")).await;
        got.sort();
        assert_eq!(got, want, "{table}");
    }
}

/// All plain rows of readings.
async fn all(look: &mut SqliteConnection) -> Vec<String> {
    let mut all = Vec::new();
    for table in ["plain_winner", "plain_reading", "plain_hour"] {
        all.extend(ask(look, &format!("SELECT * FROM {table}")).await);
    }
    all
}

const QUESTIONS: &[(&str, &str)] = &[
    (
        "SELECT monitor_name, location, (unixepoch() - unixepoch(last_seen)) / 60 > 50, is_active
            FROM monitors ORDER BY 1",
        "attic|||0; kitchen|Kitchen|1|0; living_room|Living Room|0|1",
    ),
    (
        "SELECT count(*) FROM device_sightings
            WHERE sighting_timestamp >= datetime('now', '-1 hour')",
        "1",
    ),
    ("SELECT processed, count(*) FROM sighting_staging GROUP BY processed", "1|7"),
    (
        "SELECT d.mac_address, d.device_name, m.monitor_name, s.rssi FROM device_sightings s
            JOIN ble_devices d ON s.device_id = d.device_id
            JOIN monitors m ON s.monitor_id = m.monitor_id
            ORDER BY s.sighting_timestamp DESC, s.rssi DESC LIMIT 3",
        "AA:BB:CC:DD:EE:01|Watch|living_room|-61; ibeacon:f7826da6-1-2||living_room|-50; \
         AA:BB:CC:DD:EE:01|Watch|kitchen|-60",
    ),
    (
        "SELECT count(DISTINCT monitor_id), count(DISTINCT device_id) FROM device_sightings
            WHERE interval_start >= datetime('now', '-4 hours')
            GROUP BY interval_start ORDER BY interval_start",
        "1|2; 2|2; 1|1",
    ),
    (
        "SELECT mac_address, device_name, monitor_name, rssi FROM recent_device_activity LIMIT 2",
        "AA:BB:CC:DD:EE:01|Watch|living_room|-61; ibeacon:f7826da6-1-2||living_room|-50",
    ),
    (
        "SELECT monitor_name, location, unique_devices, total_sightings, round(avg_rssi, 2),
                min_rssi, max_rssi
            FROM hourly_device_counts WHERE hour_start >= datetime('now', '-7 days')
            ORDER BY hour_start, monitor_name",
        "kitchen|Kitchen|1|1|-60.0|-60|-60; living_room|Living Room|3|3|-61.67|-70|-50; \
         living_room|Living Room|1|1|-61.0|-61|-61",
    ),
    (
        "SELECT device_id, interval_start, count(*) FROM device_sightings
            GROUP BY device_id, interval_start HAVING count(*) > 1",
        "",
    ),
];

/// Which index answers a question.
const PLANS: &[(&str, &str)] = &[
    (
        "SELECT count(*) FROM device_sightings
            WHERE interval_start >= datetime('now', '-24 hours')",
        "plain_winner_interval",
    ),
    (
        "SELECT count(*) FROM device_sightings
            WHERE sighting_timestamp >= datetime('now', '-1 hour')",
        "plain_winner_heard",
    ),
    ("SELECT rssi FROM device_sightings WHERE device_id = 7", "plain_winner_identity"),
];
