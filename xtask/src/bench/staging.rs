//! A fleet that writes to its database itself: each monitor a row for each sighting into a table of
//! staging, one commit a scan; then one of them makes sure of the devices, one by one, and calls a
//! procedure that chooses the best. Said by the server's own client, whose time is
//! little.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;

use muster_core::time::Time;

use super::building::{self, DEVICES, INTERVAL, MONITORS};
use super::facts;
use super::figure;
use super::mariadb_server::MariaDb;
use super::stopwatch::timed;

/// Sightings a second, from nothing to chosen.
pub(super) fn rate(server: &MariaDb) -> anyhow::Result<f64> {
    prepare(server)?;
    let mut script = String::new();
    for number in 0..INTERVALS {
        an_interval(&mut script, facts::START + INTERVAL * number)?;
    }
    let (taken, done) = timed(|| say(server, &script));
    done?;
    holds(server, INTERVALS * DEVICES)?;
    Ok(figure::rate((INTERVALS * DEVICES) as usize * MONITORS.len(), taken))
}

/// Makes its tables and its monitors.
pub(super) fn prepare(server: &MariaDb) -> anyhow::Result<()> {
    let mut script = include_str!("staging.sql").to_owned();
    for name in MONITORS {
        writeln!(script, "INSERT INTO monitors (monitor_name) VALUES ('{name}');")?;
    }
    say(server, &script)
}

/// Says a script in the fleet's database.
pub(super) fn say(server: &MariaDb, script: &str) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755))?;
    let file = folder.path().join("script.sql");
    std::fs::write(&file, format!("SET time_zone = '+00:00';\n{script}"))?;
    let database = if script.contains("CREATE DATABASE") { "mysql" } else { "staging" };
    server.say(database, &format!("source {}", file.display()));
    Ok(())
}

/// Puts the winners of so many days up to `end` there: every device once in every interval, in order of
/// time.
pub(super) fn fill(server: &MariaDb, end: Time, days: u32) -> anyhow::Result<()> {
    let mut script = String::new();
    for mac in (0..DEVICES).map(mac) {
        writeln!(
            script,
            "INSERT INTO ble_devices (mac_address, device_name) VALUES ('{mac}', 'Unknown');"
        )?;
    }
    let day = INTERVAL * 288;
    for start in (1..=days).rev().map(|it| text(end - day * it)) {
        writeln!(
            script,
            "INSERT INTO device_sightings (device_id, monitor_id, rssi, interval_start, interval_end, \
             sighting_timestamp) SELECT d.device_id, 1 + (d.device_id + i.seq) % 5, \
             -45 - (d.device_id * 7 + CAST(i.seq AS SIGNED) * 11) % 40, '{start}' + INTERVAL i.seq * 5 MINUTE, \
             '{start}' + INTERVAL i.seq * 5 + 5 MINUTE, \
             '{start}' + INTERVAL i.seq * 300 + d.device_id SECOND \
             FROM seq_0_to_287 i JOIN ble_devices d ORDER BY i.seq, d.device_id;"
        )?;
    }
    say(server, &script)?;
    holds(server, days * 288 * DEVICES)
}

/// The client goes on after a statement that failed.
fn holds(server: &MariaDb, winners: u32) -> anyhow::Result<()> {
    let found = server.say("staging", "SELECT COUNT(*) FROM device_sightings");
    anyhow::ensure!(found == winners.to_string(), "{found} winners instead of {winners}");
    Ok(())
}

fn an_interval(script: &mut String, interval: Time) -> anyhow::Result<()> {
    let start = text(interval);
    for monitor in 0..MONITORS.len() {
        writeln!(script, "START TRANSACTION;")?;
        for device in 0..DEVICES {
            let (mac, rssi) = (mac(device), building::rssi(monitor, device, interval));
            let at = text(building::moment(device, interval));
            writeln!(
                script,
                "INSERT INTO sighting_staging (mac_address, device_name, monitor_id, rssi, \
                 interval_start, scan_timestamp) \
                 VALUES ('{mac}', 'Unknown', {}, {rssi}, '{start}', '{at}');",
                monitor + 1
            )?;
        }
        writeln!(script, "COMMIT;")?;
    }
    writeln!(script, "START TRANSACTION;")?;
    for mac in (0..DEVICES).map(mac) {
        writeln!(
            script,
            "INSERT INTO ble_devices (mac_address, device_name) VALUES ('{mac}', 'Unknown') \
             ON DUPLICATE KEY UPDATE device_name = VALUES(device_name);\n\
             SELECT device_id FROM ble_devices WHERE mac_address = '{mac}' INTO @id;"
        )?;
    }
    writeln!(script, "COMMIT;\nCALL choose_best('{start}');")?;
    Ok(())
}

/// A device's address, as they write it.
pub(super) fn mac(device: u32) -> String {
    let [_, a, b, c] = device.to_be_bytes();
    format!("B8:27:EB:{a:02X}:{b:02X}:{c:02X}")
}

/// A time as a statement says it, in UTC.
pub(super) fn text(at: Time) -> String {
    let text = at.to_string();
    text.get(..19).unwrap_or(&text).replace('T', " ")
}

const INTERVALS: u32 = 20;
