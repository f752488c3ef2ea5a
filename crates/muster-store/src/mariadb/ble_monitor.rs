//! The tables of a BLE Monitor on a `MariaDB` or `MySQL` server, read a piece at a time and never written.
//!
//! What their rows are worth is for others to say: texts come as they are, up to a length, and times as
//! the texts that the server shows, in its own zone, because that is how they were written.

use std::time::Duration;

use muster_core::ports::StoreError;
use sqlx::mysql::{MySqlConnection, MySqlRow};
use sqlx::{ConnectOptions as _, Connection as _, FromRow, Row as _};
use tokio::time::timeout;

use super::{MariaDb, TO_CONNECT};
use crate::server::engine::Engine as _;
use crate::server::{Address, unanswered, unavailable};

/// A database of a BLE Monitor.
#[derive(Debug)]
pub struct BleMonitor {
    engine: MariaDb,
    conn: MySqlConnection,
    is_staging_there: bool,
}

/// A row of `monitors`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OldMonitor {
    /// Its number.
    pub id: i64,
    /// Its name, up to 256 characters, as all texts here.
    pub name: Option<String>,
    /// Where it stands.
    pub location: Option<String>,
}

/// A row of `ble_devices`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OldDevice {
    /// Its number.
    pub id: i64,
    /// Its address.
    pub address: Option<String>,
    /// What it calls itself.
    pub name: Option<String>,
    /// When it was first seen, as the time of a sighting.
    pub first: Option<String>,
    /// When it was last seen, likewise.
    pub last: Option<String>,
}

/// A row of `device_sightings`, or of `sighting_staging`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OldSighting {
    /// Its number.
    pub id: i64,
    /// The address of whom it is about.
    pub address: Option<String>,
    /// The number of its monitor.
    pub monitor: Option<i64>,
    /// The signal, dBm.
    pub rssi: Option<i64>,
    /// The start of its interval: `2026-11-20 14:35:00`.
    pub interval: Option<String>,
    /// When it was heard, likewise.
    pub at: Option<String>,
}

/// Which sightings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sightings {
    /// The best of each interval.
    Best,
    /// Those of all monitors, as far as they are kept.
    Staged,
}

impl BleMonitor {
    /// Looks for one. Needs a tokio runtime.
    pub async fn open(address: Address) -> Result<Self, StoreError> {
        let engine = MariaDb { address };
        // In the zone of the server, in which its programs wrote.
        let options = engine.options().timezone(None);
        let mut conn = match timeout(TO_CONNECT, options.connect()).await {
            Ok(it) => it.map_err(|it| engine.explain(it))?,
            Err(late) => {
                let what = format!("the MariaDB server does not answer: {}", engine.address.way);
                return Err(unavailable(what, late));
            }
        };
        let readied = answered(sqlx::raw_sql(FOR_READING).execute(&mut conn)).await?;
        readied.map_err(|it| engine.explain(it))?;
        let asked = answered(sqlx::query_scalar(TABLES).fetch_all(&mut conn)).await?;
        let tables: Vec<String> = asked.map_err(|it| engine.explain(it))?;
        let has = |name: &str| tables.iter().any(|it| it == name);
        if let Some(missing) = NEEDED.iter().find(|it| !has(it)) {
            let database = &engine.address.database;
            let what = format!("there is no BLE Monitor in {database}: it has no table {missing}");
            return Err(StoreError::Refused { what });
        }
        Ok(Self { is_staging_there: has("sighting_staging"), engine, conn })
    }

    /// The next monitors after a number.
    pub async fn monitors(&mut self, after: i64, most: u32) -> Result<Vec<OldMonitor>, StoreError> {
        self.next(MONITORS, after, most).await
    }

    /// The next devices after a number.
    pub async fn devices(&mut self, after: i64, most: u32) -> Result<Vec<OldDevice>, StoreError> {
        self.next(DEVICES, after, most).await
    }

    /// The next sightings after a number.
    pub async fn sightings(
        &mut self,
        of: Sightings,
        after: i64,
        most: u32,
    ) -> Result<Vec<OldSighting>, StoreError> {
        match of {
            Sightings::Best => self.next(BEST, after, most).await,
            Sightings::Staged if !self.is_staging_there => Ok(Vec::new()),
            Sightings::Staged => self.next(STAGED, after, most).await,
        }
    }

    /// The highest number of a sighting, if there is any.
    pub async fn last(&mut self, of: Sightings) -> Result<Option<i64>, StoreError> {
        let sql = match of {
            Sightings::Best => LAST_BEST,
            Sightings::Staged if !self.is_staging_there => return Ok(None),
            Sightings::Staged => LAST_STAGED,
        };
        let asked = answered(sqlx::query_scalar(sql).fetch_one(&mut self.conn)).await?;
        asked.map_err(|it| self.engine.explain(it))
    }

    /// Lets go of it.
    pub async fn close(self) -> Result<(), StoreError> {
        answered(self.conn.close()).await?.map_err(|it| self.engine.explain(it))
    }

    async fn next<R>(
        &mut self,
        sql: &'static str,
        after: i64,
        most: u32,
    ) -> Result<Vec<R>, StoreError>
    where
        R: for<'r> FromRow<'r, MySqlRow> + Send + Unpin,
    {
        let asked = sqlx::query_as(sql).bind(after).bind(most).fetch_all(&mut self.conn);
        answered(asked).await?.map_err(|it| self.engine.explain(it))
    }
}

/// What comes of a question, unless that takes too long.
async fn answered<T>(asked: impl Future<Output = T>) -> Result<T, StoreError> {
    timeout(TO_ANSWER, asked).await.map_err(unanswered)
}

impl FromRow<'_, MySqlRow> for OldMonitor {
    fn from_row(row: &MySqlRow) -> Result<Self, sqlx::Error> {
        Ok(Self { id: row.try_get(0)?, name: row.try_get(1)?, location: row.try_get(2)? })
    }
}

impl FromRow<'_, MySqlRow> for OldDevice {
    fn from_row(row: &MySqlRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get(0)?,
            address: row.try_get(1)?,
            name: row.try_get(2)?,
            first: row.try_get(3)?,
            last: row.try_get(4)?,
        })
    }
}

impl FromRow<'_, MySqlRow> for OldSighting {
    fn from_row(row: &MySqlRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get(0)?,
            address: row.try_get(1)?,
            monitor: row.try_get(2)?,
            rssi: row.try_get(3)?,
            interval: row.try_get(4)?,
            at: row.try_get(5)?,
        })
    }
}

/// Views by these names are Muster's own.
const TABLES: &str = "SELECT CAST(table_name AS CHAR(64)) FROM information_schema.tables
    WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'";
const NEEDED: [&str; 3] = ["monitors", "ble_devices", "device_sightings"];
/// For a piece of some thousand rows, on a small machine with a slow disk.
const TO_ANSWER: Duration = Duration::from_mins(1);
const FOR_READING: &str = "SET SESSION TRANSACTION READ ONLY";

const MONITORS: &str = "SELECT CAST(monitor_id AS SIGNED) AS id,
        CAST(LEFT(monitor_name, 256) AS CHAR) AS name, CAST(LEFT(location, 256) AS CHAR) AS location
    FROM monitors WHERE monitor_id > ? ORDER BY monitor_id LIMIT ?";
const DEVICES: &str = "SELECT CAST(device_id AS SIGNED) AS id,
        CAST(LEFT(mac_address, 256) AS CHAR) AS address,
        CAST(LEFT(device_name, 256) AS CHAR) AS name,
        CAST(first_seen AS CHAR) AS `first`, CAST(last_seen AS CHAR) AS `last`
    FROM ble_devices WHERE device_id > ? ORDER BY device_id LIMIT ?";
const BEST: &str = "SELECT CAST(piece.sighting_id AS SIGNED) AS id,
        CAST(LEFT(ble_devices.mac_address, 256) AS CHAR) AS address,
        CAST(piece.monitor_id AS SIGNED) AS monitor, CAST(piece.rssi AS SIGNED) AS rssi,
        CAST(piece.interval_start AS CHAR) AS `interval`,
        CAST(piece.sighting_timestamp AS CHAR) AS at
    FROM (SELECT * FROM device_sightings WHERE sighting_id > ? ORDER BY sighting_id LIMIT ?) AS piece
    LEFT JOIN ble_devices ON ble_devices.device_id = piece.device_id
    ORDER BY piece.sighting_id";
const STAGED: &str = "SELECT CAST(staging_id AS SIGNED) AS id,
        CAST(LEFT(mac_address, 256) AS CHAR) AS address,
        CAST(monitor_id AS SIGNED) AS monitor, CAST(rssi AS SIGNED) AS rssi,
        CAST(interval_start AS CHAR) AS `interval`, CAST(scan_timestamp AS CHAR) AS at
    FROM sighting_staging WHERE staging_id > ? ORDER BY staging_id LIMIT ?";
const LAST_BEST: &str = "SELECT CAST(MAX(sighting_id) AS SIGNED) FROM device_sightings";
const LAST_STAGED: &str = "SELECT CAST(MAX(staging_id) AS SIGNED) FROM sighting_staging";
