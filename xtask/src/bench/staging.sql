-- Where monitors write rows themselves, and one of them calls a procedure when an interval is over.

DROP DATABASE IF EXISTS staging;
CREATE DATABASE staging;
USE staging;

CREATE TABLE monitors (
    monitor_id INT AUTO_INCREMENT PRIMARY KEY,
    monitor_name VARCHAR(100) NOT NULL UNIQUE
);

CREATE TABLE ble_devices (
    device_id INT AUTO_INCREMENT PRIMARY KEY,
    mac_address VARCHAR(17) NOT NULL UNIQUE,
    device_name VARCHAR(200),
    first_seen TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    last_seen TIMESTAMP DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP
);

CREATE TABLE device_sightings (
    sighting_id BIGINT AUTO_INCREMENT PRIMARY KEY,
    device_id INT NOT NULL,
    monitor_id INT NOT NULL,
    rssi INT NOT NULL,
    interval_start TIMESTAMP NOT NULL DEFAULT '2000-01-01',
    interval_end TIMESTAMP NOT NULL DEFAULT '2000-01-01',
    sighting_timestamp TIMESTAMP NOT NULL DEFAULT '2000-01-01',
    extra_data JSON,
    FOREIGN KEY (device_id) REFERENCES ble_devices (device_id) ON DELETE CASCADE,
    FOREIGN KEY (monitor_id) REFERENCES monitors (monitor_id) ON DELETE CASCADE,
    UNIQUE KEY (device_id, interval_start),
    KEY (device_id, interval_start, interval_end),
    KEY (monitor_id, sighting_timestamp),
    KEY (interval_start),
    KEY (rssi)
);

CREATE TABLE sighting_staging (
    staging_id BIGINT AUTO_INCREMENT PRIMARY KEY,
    mac_address VARCHAR(17) NOT NULL,
    device_name VARCHAR(200),
    monitor_id INT NOT NULL,
    rssi INT NOT NULL,
    interval_start TIMESTAMP NOT NULL DEFAULT '2000-01-01',
    scan_timestamp TIMESTAMP NOT NULL DEFAULT '2000-01-01',
    processed BOOL DEFAULT FALSE,
    KEY (interval_start, processed),
    KEY (mac_address, interval_start)
);

CREATE VIEW hourly_device_counts AS
    SELECT m.monitor_name, DATE_FORMAT(s.interval_start, '%Y-%m-%d %H:00:00') AS hour_start,
        COUNT(DISTINCT s.device_id) AS unique_devices, COUNT(*) AS total_sightings,
        AVG(s.rssi) AS avg_rssi, MIN(s.rssi) AS min_rssi, MAX(s.rssi) AS max_rssi
    FROM device_sightings s JOIN monitors m USING (monitor_id)
    GROUP BY m.monitor_id, m.monitor_name, hour_start;

DELIMITER //
CREATE PROCEDURE choose_best(IN of_interval TIMESTAMP)
BEGIN
    INSERT INTO device_sightings
        (device_id, monitor_id, rssi, interval_start, interval_end, sighting_timestamp)
    SELECT d.device_id, b.monitor_id, b.rssi, b.interval_start,
        b.interval_start + INTERVAL 5 MINUTE, b.scan_timestamp
    FROM (
        SELECT *, ROW_NUMBER() OVER (PARTITION BY mac_address ORDER BY rssi DESC) AS place
        FROM sighting_staging WHERE interval_start = of_interval AND processed = FALSE
    ) b JOIN ble_devices d USING (mac_address)
    WHERE b.place = 1
    ON DUPLICATE KEY UPDATE monitor_id = VALUES(monitor_id), rssi = VALUES(rssi),
        sighting_timestamp = VALUES(sighting_timestamp);
    UPDATE sighting_staging SET processed = TRUE WHERE interval_start = of_interval;
END //
DELIMITER ;
