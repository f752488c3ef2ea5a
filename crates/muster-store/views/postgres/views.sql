-- Views by the names and columns that other programs' SQL asks for.

CREATE VIEW monitors AS
SELECT known.monitor_id, known.monitor_name,
    (SELECT max(place.name) FROM monitor JOIN place ON place.id = monitor.place
        WHERE monitor.name = known.monitor_name) AS location,
    NULL::text AS description,
    (SELECT to_timestamp(enrolment.at / 1000000::double precision) FROM enrolment
        WHERE enrolment.monitor = known.monitor_name) AS created_at,
    to_timestamp(known.last / 1000000::double precision) AS last_seen,
    coalesce(known.last / 1000000 >= extract(epoch FROM now()) - 900 AND NOT EXISTS (SELECT 1 FROM enrolment
        WHERE enrolment.monitor = known.monitor_name AND revoked IS NOT NULL), false) AS is_active,
    false AS is_processor,
    NULL::timestamptz AS processor_claimed_at
FROM (SELECT min(listener.id) AS monitor_id, listener.monitor AS monitor_name,
        nullif(max(greatest(coalesce(plain_covered.at, 0), coalesce(sign_of_life.at, 0))), 0) AS last
    FROM listener
    LEFT JOIN plain_covered ON plain_covered.listener = listener.id
    LEFT JOIN sign_of_life ON sign_of_life.monitor = listener.monitor
    GROUP BY listener.monitor) AS known;

CREATE VIEW ble_devices AS
SELECT identity.id AS device_id,
    CASE WHEN kind IN ('ble', 'bt', 'private') THEN upper(value) ELSE kind || ':' || value END AS mac_address,
    coalesce(
        (SELECT nullif(max(device.name), '') FROM device WHERE device.id = coalesce(
            (SELECT "grouping".device FROM "grouping" WHERE "grouping".identity = identity.id),
            identity.id)),
        (SELECT max(detail.value) FROM detail
            WHERE detail.identity = identity.id AND detail.kind = 'hostname')) AS device_name,
    (SELECT to_timestamp(first_seen.at / 1000000::double precision) FROM first_seen
        WHERE first_seen.identity = identity.id) AS first_seen,
    (SELECT to_timestamp(last_seen.at / 1000000::double precision) FROM last_seen
        WHERE last_seen.identity = identity.id) AS last_seen
FROM identity
WHERE kind NOT IN ('mac', 'entity');

-- The numbers of rows are made of the interval, in steps of 10 s, and of whom it was.
CREATE VIEW device_sightings AS
SELECT (interval_at / 10000000) * 4294967296 + identity AS sighting_id,
    identity AS device_id,
    monitor AS monitor_id,
    rssi,
    to_timestamp(interval_at / 1000000::double precision) AS interval_start,
    to_timestamp((interval_at + length) / 1000000::double precision) AS interval_end,
    to_timestamp(at / 1000000::double precision) AS sighting_timestamp,
    NULL::json AS extra_data
FROM plain_winner;

CREATE VIEW sighting_staging AS
SELECT (interval_at / 10000000) * 34359738368 + (listener % 1024) * 33554432
        + identity % 33554432 AS staging_id,
    ble_devices.mac_address,
    ble_devices.device_name,
    monitor AS monitor_id,
    rssi,
    to_timestamp(interval_at / 1000000::double precision) AS interval_start,
    to_timestamp(at / 1000000::double precision) AS scan_timestamp,
    true AS processed
FROM plain_reading LEFT JOIN ble_devices ON ble_devices.device_id = plain_reading.identity;

CREATE VIEW hourly_device_counts AS
SELECT monitors.monitor_name, monitors.location,
    counted.hour_start, counted.unique_devices, counted.total_sightings,
    counted.total::numeric / counted.total_sightings AS avg_rssi,
    counted.min_rssi, counted.max_rssi
FROM (SELECT monitor, to_char(to_timestamp(hour / 1000000::double precision), 'YYYY-MM-DD HH24:00:00') AS hour_start,
        sum(identities)::bigint AS unique_devices, sum(readings)::bigint AS total_sightings,
        sum(total)::bigint AS total, min(worst) AS min_rssi, max(best) AS max_rssi
    FROM plain_hour
    GROUP BY hour, monitor) AS counted
LEFT JOIN monitors ON monitors.monitor_id = counted.monitor;

CREATE VIEW recent_device_activity AS
SELECT ble_devices.mac_address, ble_devices.device_name, monitors.monitor_name, latest.rssi,
    latest.interval_start, latest.sighting_timestamp
FROM device_sightings AS latest
LEFT JOIN ble_devices ON ble_devices.device_id = latest.device_id
LEFT JOIN monitors ON monitors.monitor_id = latest.monitor_id
WHERE latest.interval_start >= now() - interval '24 hours'
ORDER BY latest.interval_start DESC, latest.rssi DESC;

-- Which shape tables and views have, counted up in `plain.rs` and here when one of them changes.
CREATE VIEW plain_shape AS SELECT 1::bigint AS shape;
