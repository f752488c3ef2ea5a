//! Plain rows and the views on them, as other programs' SQL finds them on a server.

use std::sync::Arc;

use muster_core::batch::Reading;
use muster_core::ports::{ReadingQuery, ReadingsOf};
use muster_core::span::Span;
use muster_core::time::Time;
use muster_store::Kept;
use muster_store::conformance::{MADE_UP, Scene};
use sqlx::AssertSqlSafe;

use super::questions::{ANALYZE, AT, INTERVAL, NOW, PLANS, QUESTIONS, READER, reader};
use super::{Peer, open, panels};

#[tokio::test]
async fn plain_rows_are_those_of_the_packed_lists_whatever_happens() {
    let server = Peer::start();
    // The last ones are those that forget.
    for (number, (name, case)) in MADE_UP.iter().rev().take(2).enumerate() {
        let database = format!("made_up_{number}");
        let store = plain(&server, &database).await;
        if let Err(it) = case(&*store, 7).await {
            panic!("{name}: {it}");
        }
        is_plain(&server, &database, &*store).await;
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn they_are_made_of_what_is_there_kept_by_whoever_opens_next_and_let_go_of() {
    let server = Peer::start();
    server.make("home");
    let store = open(&server, "home").await.unwrap();
    let mut scene = Scene::new(5);
    for _ in 0..30 {
        store.commit(&scene.batch()).await.unwrap();
    }
    assert!(store.keep_plain(true).await.unwrap() > 0);
    assert_eq!(store.keep_plain(true).await.unwrap(), 0);
    is_plain(&server, "home", &*store).await;
    store.close().await.unwrap();

    let store = open(&server, "home").await.unwrap();
    for _ in 0..30 {
        store.commit(&scene.batch()).await.unwrap();
    }
    is_plain(&server, "home", &*store).await;
    let kept = all(&server, "home");
    store.keep_plain(false).await.unwrap();
    let tables = "SELECT count(*) FROM information_schema.tables
        WHERE table_name LIKE 'plain%' OR table_name = 'monitors'";
    assert_eq!(server.say("home", tables), "0");
    store.keep_plain(true).await.unwrap();
    assert_eq!(all(&server, "home"), kept, "made at once, or as it came");
    store.close().await.unwrap();
    // As whoever was interrupted leaves it.
    server.say("home", "DROP VIEW plain_shape");
    let store = open(&server, "home").await.unwrap();
    store.keep_plain(false).await.unwrap();
    assert_eq!(server.say("home", tables), "0");
    store.close().await.unwrap();
}

#[tokio::test]
async fn those_of_another_shape_are_made_anew() {
    let server = Peer::start();
    server.make("home");
    let store = open(&server, "home").await.unwrap();
    let mut scene = Scene::new(6);
    for _ in 0..30 {
        store.commit(&scene.batch()).await.unwrap();
    }
    store.keep_plain(true).await.unwrap();
    store.close().await.unwrap();
    let kept = all(&server, "home");
    // As another Muster made them, with a view that is corrected meanwhile.
    server.say("home", "DROP VIEW plain_shape");
    server.say("home", "CREATE VIEW plain_shape AS SELECT 9223372036854775807 AS shape");
    server.say("home", "DROP VIEW recent_device_activity");
    server.say("home", "CREATE VIEW recent_device_activity AS SELECT 1 AS wrong");
    let store = open(&server, "home").await.unwrap();
    assert!(store.keep_plain(true).await.unwrap() > 0);
    assert_eq!(store.keep_plain(true).await.unwrap(), 0);
    server.say("home", "SELECT mac_address FROM recent_device_activity");
    assert_eq!(all(&server, "home"), kept);
    store.close().await.unwrap();
}

#[tokio::test]
async fn panels_and_checks_find_what_they_ask_for() {
    let server = Peer::start();
    server.make("home");
    let store = open(&server, "home").await.unwrap();
    store.keep_plain(true).await.unwrap();
    let now: i64 = server.say("home", NOW).parse().unwrap();
    let now = Time::from_secs(now);
    store.commit(&panels::house(now)).await.unwrap();
    for (question, want) in QUESTIONS {
        let told = server.say("home", question).replace('\t', "|").replace('\n', "; ");
        assert_eq!(told, *want, "{question}");
    }
    // Who may look at views needs no right to what is below them.
    server.say("home", READER);
    let mut panel = reader(&server).await;
    for (view, rows) in [("device_sightings", 5), ("recent_device_activity", 5)] {
        let sql = AssertSqlSafe(format!("SELECT count(*) FROM {view}"));
        let told: i64 = sqlx::query_scalar(sql).fetch_one(&mut panel).await.unwrap();
        assert_eq!(told, rows, "{view}");
    }
    sqlx::query("SELECT * FROM plain_winner").fetch_all(&mut panel).await.unwrap_err();
    // Weeks of winners, so that a plan has a choice.
    for day in 1..=14 {
        store.commit(&panels::day(now, day)).await.unwrap();
    }
    server.say("home", ANALYZE);
    for (question, index) in PLANS {
        let plan = server.say("home", &format!("EXPLAIN {question}"));
        assert!(plan.contains(index), "{question}: {plan}");
    }
    store.close().await.unwrap();
}

/// A store with plain rows.
async fn plain(server: &Peer, database: &str) -> Arc<dyn Kept> {
    server.make(database);
    let store = open(server, database).await.unwrap();
    assert_eq!(store.keep_plain(true).await.unwrap(), 0);
    store
}

/// Compares plain rows with what the store reads from its lists.
async fn is_plain(server: &Peer, database: &str, store: &dyn Kept) {
    for (table, of) in
        [("plain_winner", ReadingsOf::Winners), ("plain_reading", ReadingsOf::Listeners)]
    {
        let window = Span::new(Time::MIN, Time::MAX);
        let query = ReadingQuery { window, identities: Vec::new(), of };
        let mut want: Vec<String> =
            store.readings(&query).await.unwrap().iter().filter_map(row).collect();
        want.sort();
        let sql = format!("SELECT {INTERVAL}, length, identity, listener, rssi, {AT} FROM {table}");
        let told = server.say(database, &sql).replace('\t', "|");
        let mut got: Vec<&str> = told.lines().collect();
        got.sort_unstable();
        assert_eq!(got, want, "{table}");
    }
}

/// A reading as the row that there should be of it: with a signal, and of a time that servers know.
fn row(it: &Reading) -> Option<String> {
    let (interval, at) = (it.interval.micros(), it.at.micros());
    let told = 86_400_000_000..2_147_400_000_000_000;
    let rssi = it.rssi.filter(|_| told.contains(&interval) && told.contains(&at))?;
    let (length, identity, listener) = (it.length.as_micros(), it.identity.0, it.listener.0);
    Some(format!("{interval}|{length}|{identity}|{listener}|{rssi}|{}", at / 1_000_000))
}

/// All plain rows of readings.
fn all(server: &Peer, database: &str) -> Vec<String> {
    let tables = ["plain_winner", "plain_reading", "plain_hour"];
    let rows = |it| {
        let told = server.say(database, &format!("SELECT * FROM {it}"));
        let mut rows: Vec<String> = told.lines().map(ToOwned::to_owned).collect();
        rows.sort();
        rows
    };
    tables.into_iter().flat_map(rows).collect()
}
