//! What reports over a month and over a year take, at the hub's socket, with each store; beside them the
//! questions of a fleet that keeps a row for each.

use std::thread::sleep;
use std::time::Duration;

use anyhow::Context;
use muster_core::batch::HOUR;
use muster_core::step::Step;
use muster_core::time::{Now, Time};

use super::building;
use super::figure::{Figures, RUNS, ms, row, times};
use super::mariadb_server::MariaDb;
use super::programs::House;
use super::servers::Home;
use super::stopwatch::{self, timed};
use super::{client, facts, network, staging};

pub(super) fn measure() -> anyhow::Result<()> {
    network::build(&["--package", "muster"])?;
    let end = stopwatch::civil().floor(HOUR);
    let theirs = row_by_row(end)?;
    for days in [30, 365] {
        row("days, winners", &format!("{days}, {}", days * 24 * 12 * building::DEVICES));
        let folder = tempfile::tempdir()?;
        for home in Home::all(folder.path()) {
            home.empty()?;
            fill(&home, end, days)?;
            size(&home, days)?;
            let config = home.config(&folder.path().join("password"))?;
            let house = House::new(folder.path(), &config)?;
            let _hub = house.hub()?;
            sleep(SETTLE);
            for (asked, theirs) in questions(end).into_iter().zip(&theirs) {
                let figures = ask(&house, &asked)?;
                row(&format!("{}: {}", home.name(), asked.what), &figures.text("ms"));
                if let (Home::MariaDb(_), 30) = (&home, days) {
                    row("  the same in rows, on the same kind of server", &theirs.text("ms"));
                    times("  the latter to the former", theirs.median(), figures.median());
                }
            }
        }
    }
    Ok(())
}

/// What is asked of a hub, and of rows.
struct Question {
    what: &'static str,
    path: String,
    sql: String,
}

fn questions(end: Time) -> [Question; 3] {
    let (day, month) = (end - HOUR * 24, end - HOUR * 24 * 30);
    let path = |report: &str, from: Time| format!("/api/v1/reports/{report}?from={from}&to={end}");
    let hourly = |from: Time| {
        format!(
            "SELECT * FROM hourly_device_counts WHERE hour_start >= '{}' ORDER BY hour_start DESC, monitor_name",
            staging::text(from)
        )
    };
    let devices = format!(
        "SELECT d.mac_address, d.device_name, COUNT(DISTINCT s.monitor_id), COUNT(*), MAX(s.rssi), \
         AVG(s.rssi), MAX(s.sighting_timestamp) FROM device_sightings s JOIN ble_devices d USING (device_id) \
         WHERE s.sighting_timestamp >= '{}' GROUP BY d.device_id ORDER BY 4 DESC",
        staging::text(day)
    );
    [
        Question { what: "hourly, 24 hours", path: path("hourly", day), sql: hourly(day) },
        Question { what: "hourly, 30 days", path: path("hourly", month), sql: hourly(month) },
        Question { what: "devices, 24 hours", path: path("devices", day), sql: devices },
    ]
}

/// Writes so many days up to `end` into a new store.
fn fill(home: &Home, end: Time, days: u32) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = { runtime }.worker_threads(1).enable_all().build()?;
    runtime.block_on(async {
        let store = home.open().await?;
        let start = end - HOUR * (days * 24);
        let at = |passed: Duration| Now { mono: passed, wall: start + passed };
        let mut step = Step::new(facts::empty_at(at(Duration::ZERO)), at(Duration::ZERO));
        for hour in 0..days * 24 {
            let now = at(HOUR * (hour + 1));
            let intake = step.handle_facts(building::an_hour(start + HOUR * hour), now);
            anyhow::ensure!(intake.refused.is_empty(), "facts were refused");
            step.flush();
            while let Some(batch) = step.poll_commit(now) {
                step.handle_committed(store.commit(&batch).await?);
            }
        }
        store.close().await?;
        Ok(())
    })
}

/// What the winners take there, with what counts them.
fn size(home: &Home, days: u32) -> anyhow::Result<()> {
    let bytes: f64 = match home {
        Home::Sqlite(_) => return Ok(()),
        Home::MariaDb(it) => it
            .say(
                "muster",
                "ANALYZE TABLE winners, winner_hours; SELECT SUM(data_length + index_length) \
                 FROM information_schema.tables WHERE table_schema = 'muster' \
                 AND table_name IN ('winners', 'winner_hours')",
            )
            .lines()
            .last()
            .context("no size")?
            .parse()?,
        Home::Postgres(it) => it
            .say(
                "muster",
                "SELECT pg_total_relation_size('winners') + pg_total_relation_size('winner_hours')",
            )
            .parse()?,
    };
    let winners = f64::from(days * 24 * 12 * building::DEVICES);
    row(&format!("{}: bytes of a winner", home.name()), &format!("{:.1}", bytes / winners));
    Ok(())
}

/// How long the same questions take where each winner is a row, on a server of their own.
fn row_by_row(end: Time) -> anyhow::Result<[Figures; 3]> {
    let server = MariaDb::start_as_shipped();
    staging::prepare(&server)?;
    staging::fill(&server, end, 30)?;
    let bytes: f64 = server
        .say(
            "staging",
            "ANALYZE TABLE device_sightings; SELECT data_length + index_length \
             FROM information_schema.tables WHERE table_name = 'device_sightings'",
        )
        .lines()
        .last()
        .context("no size")?
        .parse()?;
    let winners = f64::from(30 * 24 * 12 * building::DEVICES);
    row("rows in MariaDB: bytes of a winner", &format!("{:.1}", bytes / winners));
    let mut all = <[Figures; 3]>::default();
    for (question, figures) in questions(end).iter().zip(&mut all) {
        for _ in 0..RUNS {
            let (taken, _) = timed(|| server.say("staging", &question.sql));
            figures.add(ms(taken));
        }
    }
    Ok(all)
}

/// What a question takes.
fn ask(house: &House, question: &Question) -> anyhow::Result<Figures> {
    let mut figures = Figures::default();
    for _ in 0..RUNS {
        let (taken, answer) = timed(|| client::get(house.port, &question.path));
        anyhow::ensure!(answer?.len() > 1000, "there is nothing in it: {}", question.path);
        figures.add(ms(taken));
    }
    Ok(figures)
}

/// What a hub puts in order at its start is over by then.
const SETTLE: Duration = Duration::from_secs(10);
