//! What panels and checks ask `MariaDB`, and what they are told of the house.

use sqlx::ConnectOptions as _;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};

use super::Peer;

/// Lets somebody in who may look at two views of `home`.
pub(crate) const READER: &str = "CREATE USER panels@'%' IDENTIFIED BY 'look';
    GRANT SELECT ON home.device_sightings TO panels@'%';
    GRANT SELECT ON home.recent_device_activity TO panels@'%'";

/// Who that is.
pub(crate) async fn reader(server: &Peer) -> MySqlConnection {
    let there = MySqlConnectOptions::new().host("127.0.0.1").port(server.port).database("home");
    there.username("panels").password("look").connect().await.unwrap()
}

/// An interval's start in microseconds, and when it was heard in seconds.
pub(crate) const INTERVAL: &str = "UNIX_TIMESTAMP(interval_at) * 1000000";
pub(crate) const AT: &str = "UNIX_TIMESTAMP(at)";
pub(crate) const NOW: &str = "SELECT UNIX_TIMESTAMP()";
pub(crate) const ANALYZE: &str = "ANALYZE TABLE plain_winner";

pub(crate) const QUESTIONS: &[(&str, &str)] = &[
    (
        "SELECT asked.monitor_name, asked.location, asked.minutes > 50, asked.is_active FROM (
            SELECT monitor_name, location, last_seen,
                TIMESTAMPDIFF(MINUTE, last_seen, NOW()) AS minutes, is_active
            FROM monitors ORDER BY last_seen DESC) AS asked ORDER BY 1",
        "attic|NULL|NULL|0; kitchen|Kitchen|1|0; living_room|Living Room|0|1",
    ),
    (
        "SELECT COUNT(*) FROM device_sightings
            WHERE sighting_timestamp >= DATE_SUB(NOW(), INTERVAL 1 HOUR)",
        "1",
    ),
    ("SELECT processed, COUNT(*) FROM sighting_staging GROUP BY processed", "1|7"),
    (
        "SELECT interval_start, COUNT(*) FROM sighting_staging WHERE processed = FALSE
            GROUP BY interval_start",
        "",
    ),
    (
        "SELECT d.mac_address, d.device_name, m.monitor_name, s.rssi FROM device_sightings s
            JOIN ble_devices d ON s.device_id = d.device_id
            JOIN monitors m ON s.monitor_id = m.monitor_id
            ORDER BY s.sighting_timestamp DESC, s.rssi DESC LIMIT 10",
        "AA:BB:CC:DD:EE:01|Watch|living_room|-61; ibeacon:f7826da6-1-2|NULL|living_room|-50; \
         AA:BB:CC:DD:EE:01|Watch|kitchen|-60; AA:BB:CC:DD:EE:01|Watch|living_room|-65; \
         AA:BB:CC:DD:EE:02|Tag|living_room|-70",
    ),
    (
        "SELECT m.monitor_name, AVG(scans.devices), SUM(scans.devices) FROM (
            SELECT monitor_id, interval_start, COUNT(DISTINCT device_id) AS devices
            FROM device_sightings WHERE interval_start >= DATE_SUB(NOW(), INTERVAL 24 HOUR)
            GROUP BY monitor_id, interval_start) AS scans
            JOIN monitors m ON m.monitor_id = scans.monitor_id
            GROUP BY m.monitor_name ORDER BY 1",
        "kitchen|1.0000|1; living_room|1.3333|4",
    ),
    (
        "SELECT m.monitor_name, COUNT(s.sighting_id) FROM monitors m
            LEFT JOIN device_sightings s ON s.monitor_id = m.monitor_id
                AND s.interval_start >= DATE_SUB(NOW(), INTERVAL 24 HOUR)
            GROUP BY m.monitor_id, m.monitor_name ORDER BY 1",
        "attic|0; kitchen|1; living_room|4",
    ),
    (
        "SELECT asked.monitors, asked.devices FROM (
            SELECT interval_start, COUNT(DISTINCT monitor_id) AS monitors,
                COUNT(DISTINCT device_id) AS devices
            FROM device_sightings WHERE interval_start >= DATE_SUB(NOW(), INTERVAL 4 HOUR)
            GROUP BY interval_start ORDER BY interval_start) AS asked ORDER BY interval_start",
        "1|2; 2|2; 1|1",
    ),
    (
        "SELECT mac_address, monitor_name, rssi FROM recent_device_activity LIMIT 2",
        "AA:BB:CC:DD:EE:01|living_room|-61; ibeacon:f7826da6-1-2|living_room|-50",
    ),
    (
        "SELECT monitor_name, location, unique_devices, total_sightings, avg_rssi, min_rssi, max_rssi
            FROM hourly_device_counts WHERE hour_start >= DATE_SUB(NOW(), INTERVAL 7 DAY)
            ORDER BY hour_start, monitor_name",
        "kitchen|Kitchen|1|1|-60.0000|-60|-60; living_room|Living Room|3|3|-61.6667|-70|-50; \
         living_room|Living Room|1|1|-61.0000|-61|-61",
    ),
    (
        "SELECT * FROM device_sightings WHERE interval_start < DATE_SUB(NOW(), INTERVAL 90 DAY)",
        "",
    ),
    (
        "SELECT device_id, TIMESTAMPDIFF(SECOND, interval_start, interval_end), extra_data
            FROM device_sightings WHERE rssi = -65",
        "1|300|NULL",
    ),
    ("SELECT COUNT(DISTINCT sighting_id) FROM device_sightings", "5"),
    ("SELECT COUNT(DISTINCT staging_id) FROM sighting_staging", "7"),
    (
        "SELECT device_id, interval_start, COUNT(*) FROM device_sightings
            GROUP BY device_id, interval_start HAVING COUNT(*) > 1",
        "",
    ),
    (
        "SELECT monitor_name, is_processor, processor_claimed_at FROM monitors
            WHERE is_processor = TRUE",
        "",
    ),
];

/// Which index answers a question.
pub(crate) const PLANS: &[(&str, &str)] = &[
    (
        "SELECT COUNT(*) FROM device_sightings
            WHERE interval_start >= DATE_SUB(NOW(), INTERVAL 24 HOUR)",
        "range\tPRIMARY",
    ),
    (
        "SELECT COUNT(*) FROM device_sightings
            WHERE sighting_timestamp >= DATE_SUB(NOW(), INTERVAL 1 HOUR)",
        "range\tplain_winner_heard",
    ),
    ("SELECT rssi FROM device_sightings WHERE device_id = 7", "plain_winner_identity"),
];
