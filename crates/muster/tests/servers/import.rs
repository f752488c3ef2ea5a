//! What a BLE Monitor kept on a real server comes along.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use muster_core::identity::IdentityId;
use muster_core::ports::{ReadingQuery, ReadingsOf, Store as _};
use muster_core::span::Span;
use muster_core::time::Time;
use muster_store::Access;
use muster_store::sqlite::Sqlite;

use crate::common::{Home, failed};
use crate::server::MariaDb;

#[test]
fn an_old_database_comes_along_once_however_often_it_is_told() {
    let server = MariaDb::start();
    server.make("ble_monitor");
    server.say("ble_monitor", SCHEMA);
    server.say("ble_monitor", ROWS);
    let home = Home::new();
    let said = told(&import(&home, &server, &["--time-zone", "Europe/Berlin"]));
    for part in [
        "2 monitors, 3 devices and 6 sightings are there",
        "left out, 1 monitors whose name is not 1 to 64 legible characters, as in: monitor_id 3",
        "left out, 2 addresses that are not six octets like AA:BB:CC:DD:EE:01, as in: not-a-mac",
        "left out, 1 device names that are not 1 to 64 legible characters, as in: (not legible)",
        "left out, 1 sightings of a monitor that did not come along, as in: number 5",
        "left out, 1 sightings without a signal from -127 to 20 dBm, as in: number 6",
        "left out, 2 sightings of before 2000 or of later than in a day, as in: 1999-05-01 12:00:00",
        "1 sightings of an hour that clocks showed twice were taken for those of the first",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!said.contains(MariaDb::PASSWORD), "{said}");
    let kept = kept(&home);
    assert_eq!(
        kept,
        [
            "RPi_Kitchen in Kitchen",
            "RPi_LivingRoom in Living Room",
            "AA:BB:CC:DD:EE:01 (Watch), 2025-10-26T00:30:00Z to 2026-03-10T13:45:00Z",
            "AA:BB:CC:DD:EE:02 (), 2026-03-10T13:30:00Z to 2026-03-10T13:45:00Z",
            "AA:BB:CC:DD:EE:04 (), 2026-03-10T13:30:00Z to 2026-03-10T13:45:00Z",
            "won 2025-10-26T00:30:00Z 1 RPi_LivingRoom -60",
            "won 2026-03-10T13:35:00Z 1 RPi_LivingRoom -65",
            "won 2026-03-10T13:35:00Z 2 RPi_Kitchen -70",
            "won 2026-03-10T13:40:00Z 1 RPi_Kitchen -50",
            "heard 2025-10-26T00:30:00Z 1 RPi_LivingRoom -60",
            "heard 2026-03-10T13:35:00Z 1 RPi_Kitchen -72",
            "heard 2026-03-10T13:35:00Z 1 RPi_LivingRoom -65",
            "heard 2026-03-10T13:35:00Z 2 RPi_Kitchen -70",
            "heard 2026-03-10T13:40:00Z 1 RPi_Kitchen -50",
        ]
        .map(ToOwned::to_owned)
    );

    // What came last comes again, which changes nothing. Then one row is new.
    let again = told(&import(&home, &server, &["--time-zone", "Europe/Berlin"]));
    assert!(again.contains("2 monitors, 3 devices and 6 sightings are there"), "{again}");
    assert_eq!(self::kept(&home), kept);
    let one = "INSERT INTO device_sightings VALUES
        (89, 2, 1, -43, UTC_TIMESTAMP() + INTERVAL 6 HOUR, UTC_TIMESTAMP(), UTC_TIMESTAMP(), NULL),
        (50000, 2, 1, -44, '2026-03-11 08:00:00', '2026-03-11 08:05:00', '2026-03-11 08:00:09', NULL)";
    server.say("ble_monitor", one);
    let new = told(&import(&home, &server, &["--time-zone", "Europe/Berlin"]));
    assert!(new.contains("3 devices and 7 sightings are there"), "{new}");
    assert!(new.contains("left out, 1 sightings of later than now, which come"), "{new}");
    // What was heard with a clock that is ahead comes when that is past.
    let past = "UPDATE device_sightings SET interval_start = '2026-03-11 09:00:00'
        WHERE sighting_id = 89";
    server.say("ble_monitor", past);
    let came = told(&import(&home, &server, &["--time-zone", "Europe/Berlin"]));
    assert!(came.contains("3 devices and 8 sightings are there"), "{came}");
    let more = self::kept(&home);
    for won in ["07:00:00Z 2 RPi_LivingRoom -44", "08:00:00Z 2 RPi_LivingRoom -43"] {
        assert!(more.contains(&format!("won 2026-03-11T{won}")), "{more:?}");
    }
    // From the beginning, as if nothing had come: it merges with what is there.
    server.say("ble_monitor", "CREATE DATABASE moved");
    server.say("moved", SCHEMA);
    server.say("moved", ROWS);
    let password = home.path().join("password");
    let url = format!("mysql://{}@127.0.0.1:{}/moved", MariaDb::USER, server.port);
    let from = ["import", "ble-monitor", "--time-zone", "Europe/Berlin", "--database", &url];
    let moved = home.run(&[&from[..], &["--password-file", text(&password)]].concat());
    assert!(told(&moved).contains("and 6 sightings are there"));
    assert_eq!(self::kept(&home), more);
}

#[test]
fn what_cannot_be_imported_is_said_with_what_to_type() {
    let server = MariaDb::start();
    server.make("ble_monitor");
    let home = Home::new();
    let (code, said) = failed(&import(&home, &server, &["--time-zone", "UTC"]));
    assert!(code == 1 && said.contains("it has no table monitors"), "{said}");
    // Nobody is there to say that a guess is wrong.
    let (code, said) = failed(&import(&home, &server, &[]));
    assert!(code == 2 && said.contains("--time-zone Europe/Berlin"), "{said}");
    let (code, said) = failed(&import(&home, &server, &["--time-zone", "Atlantis/Main"]));
    assert!(code == 2 && said.contains("there is no such time zone: Atlantis/Main"), "{said}");
    let from = ["import", "ble-monitor", "--database"];
    let (code, said) =
        failed(&home.run(&[&from[..], &["postgres://a@db/b", "--time-zone", "UTC"]].concat()));
    assert!(code == 2 && said.contains("on MariaDB or MySQL"), "{said}");
    // Strangers stay strangers.
    let file = home.path().join("muster.toml");
    let without = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("{without}\n[privacy]\npseudonyms = true\n")).unwrap();
    let (code, said) = failed(&import(&home, &server, &["--time-zone", "UTC"]));
    assert!(code == 2 && said.contains("say pseudonyms = false in [privacy]"), "{said}");
    fs::write(&file, without).unwrap();
    server.say("ble_monitor", SCHEMA);
    // A name that no monitor of ours can have is kept.
    server.say("ble_monitor", "INSERT INTO monitors (monitor_name) VALUES ('Old Pi')");
    let said = told(&import(&home, &server, &["--time-zone", "UTC"]));
    let foreign = "1 monitors keep names that none of muster can have";
    assert!(said.contains(foreign) && said.contains("as in: Old Pi"), "{said}");
    // A hub writes alone.
    let hub = home.serve();
    let (code, said) = failed(&import(&home, &server, &["--time-zone", "UTC"]));
    assert!(code == 5 && said.contains("in use"), "{said}");
    drop(hub);
}

#[test]
fn old_panels_find_what_came_along_while_the_configuration_wants_them_to() {
    let server = MariaDb::start();
    server.make("home");
    server.make("ble_monitor");
    server.say("ble_monitor", SCHEMA);
    server.say("ble_monitor", ROWS);
    let home = crate::server::home(&server);
    let file = home.path().join("muster.toml");
    let without = fs::read_to_string(&file).unwrap();
    told(&import(&home, &server, &["--time-zone", "UTC"]));
    // What is there already is there for panels as well, and so is what comes next.
    fs::write(&file, format!("{without}sql_views = true\n")).unwrap();
    home.serve().terminate();
    assert_eq!(server.say("home", PANEL), "AA:BB:CC:DD:EE:01\tRPi_LivingRoom\tLiving Room\t-65");
    assert_eq!(server.say("home", "SELECT COUNT(*) FROM sighting_staging"), "5");
    let one = "INSERT INTO device_sightings VALUES
        (90, 2, 1, -44, '2026-03-10 14:50:00', '2026-03-10 14:55:00', '2026-03-10 14:50:09', NULL)";
    server.say("ble_monitor", one);
    told(&import(&home, &server, &["--time-zone", "UTC"]));
    assert_eq!(server.say("home", "SELECT COUNT(*) FROM device_sightings WHERE rssi = -44"), "1");
    fs::write(&file, without).unwrap();
    home.serve().terminate();
    let left = "SELECT COUNT(*) FROM information_schema.tables
        WHERE table_schema = 'home' AND (table_name LIKE 'plain%' OR table_name = 'monitors')";
    assert_eq!(server.say("home", left), "0");
}

#[test]
fn a_configuration_is_read_as_a_whole_or_not() {
    let home = Home::new();
    let file = home.path().join("config.ini");
    let convert = || home.run(&["import", "ble-monitor-config", text(&file)]);
    let long = format!("[monitor]\nname = pi\n{}", "# and so on\n".repeat(6_000));
    fs::write(&file, &long).unwrap();
    let (code, said) = failed(&convert());
    assert!(code == 2 && said.contains("more than 65536 bytes"), "{said}");
    fs::write(&file, long.get(..65_536).unwrap()).unwrap();
    assert!(String::from_utf8(convert().stdout).unwrap().contains("monitor = \"pi\""));
    fs::write(&file, b"[monitor]\nname = \xff").unwrap();
    let (code, said) = failed(&convert());
    assert!(code == 2 && said.contains("no text in UTF-8"), "{said}");
}

pub(crate) fn import(home: &Home, server: &MariaDb, more: &[&str]) -> Output {
    begin(home, server, more).output().unwrap()
}

/// The same, still to be started.
pub(crate) fn begin(home: &Home, server: &MariaDb, more: &[&str]) -> Command {
    let password = home.path().join("password");
    fs::write(&password, format!("{}\n", MariaDb::PASSWORD)).unwrap();
    let url = format!("mysql://{}@127.0.0.1:{}/ble_monitor", MariaDb::USER, server.port);
    let args = ["import", "ble-monitor", "--database", &url, "--password-file", text(&password)];
    home.muster(&[&args[..], more].concat())
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[track_caller]
pub(crate) fn told(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    said
}

/// What is in the store.
pub(crate) fn kept(home: &Home) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = Sqlite::open(&home.data().join("muster.db"), Access::ReadOnly).await.unwrap();
        let all = store.restore(Time::MAX).await.unwrap();
        let mut told = Vec::new();
        for (monitor, place) in &all.directory.monitors {
            told.push(format!("{monitor} in {}", all.directory.places[place].name));
        }
        for (id, identity) in &all.identities {
            assert!(all.directory.device(id.own_device()).name.is_empty(), "nobody described it");
            let mut details = all.details.iter().filter(|it| it.identity == *id);
            let name = details.next().map_or("", |it| &*it.value);
            let seen = all.seen.iter().find(|it| it.identity == *id);
            let seen = seen.map_or("never".to_owned(), |it| format!("{} to {}", it.first, it.last));
            let address = identity.to_string().trim_start_matches("ble:").to_uppercase();
            told.push(format!("{address} ({name}), {seen}"));
        }
        for (word, of) in [("won", ReadingsOf::Winners), ("heard", ReadingsOf::Listeners)] {
            let query =
                ReadingQuery { window: Span::new(Time::MIN, Time::MAX), identities: vec![], of };
            let mut rows: Vec<String> = Vec::new();
            for it in store.readings(&query).await.unwrap() {
                let by = all.listeners.iter().find(|(id, _)| *id == it.listener).unwrap();
                let (IdentityId(who), rssi) = (it.identity, it.rssi.unwrap());
                rows.push(format!("{word} {} {who} {} {rssi}", it.interval, by.1.monitor));
            }
            rows.sort();
            told.extend(rows);
        }
        told
    })
}

const PANEL: &str =
    "SELECT d.mac_address, m.monitor_name, m.location, s.rssi FROM device_sightings s
    JOIN ble_devices d ON s.device_id = d.device_id JOIN monitors m ON s.monitor_id = m.monitor_id
    WHERE s.interval_start = '2026-03-10 14:35:00' AND d.device_name = 'Watch'";
/// The tables as they were described.
pub(crate) const SCHEMA: &str = "
    CREATE TABLE monitors (monitor_id INT AUTO_INCREMENT PRIMARY KEY,
        monitor_name VARCHAR(100) NOT NULL UNIQUE, location VARCHAR(200), description TEXT,
        created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
        last_seen TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
        is_active BOOLEAN DEFAULT TRUE, is_processor BOOLEAN DEFAULT FALSE,
        processor_claimed_at TIMESTAMP NULL) CHARACTER SET utf8mb4;
    CREATE TABLE ble_devices (device_id INT AUTO_INCREMENT PRIMARY KEY,
        mac_address VARCHAR(17) NOT NULL UNIQUE, device_name VARCHAR(200),
        first_seen TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
        last_seen TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP) CHARACTER SET utf8mb4;
    CREATE TABLE device_sightings (sighting_id BIGINT AUTO_INCREMENT PRIMARY KEY,
        device_id INT NOT NULL, monitor_id INT NOT NULL, rssi INT NOT NULL,
        interval_start TIMESTAMP NOT NULL DEFAULT '2000-01-01 00:00:00',
        interval_end TIMESTAMP NOT NULL DEFAULT '2000-01-01 00:00:00',
        sighting_timestamp TIMESTAMP NOT NULL DEFAULT '2000-01-01 00:00:00', extra_data JSON,
        UNIQUE (device_id, interval_start),
        FOREIGN KEY (device_id) REFERENCES ble_devices (device_id) ON DELETE CASCADE,
        FOREIGN KEY (monitor_id) REFERENCES monitors (monitor_id) ON DELETE CASCADE)
        CHARACTER SET utf8mb4;
    CREATE TABLE sighting_staging (staging_id BIGINT AUTO_INCREMENT PRIMARY KEY,
        mac_address VARCHAR(17) NOT NULL, device_name VARCHAR(200), monitor_id INT NOT NULL,
        rssi INT NOT NULL, interval_start TIMESTAMP NOT NULL DEFAULT '2000-01-01 00:00:00',
        scan_timestamp TIMESTAMP NOT NULL DEFAULT '2000-01-01 00:00:00',
        processed BOOLEAN DEFAULT FALSE) CHARACTER SET utf8mb4";
pub(crate) const ROWS: &str = "
    INSERT INTO monitors (monitor_id, monitor_name, location) VALUES
        (1, 'RPi_LivingRoom', 'Living Room'), (2, 'RPi_Kitchen', 'Kitchen'), (3, ' ', 'Attic');
    INSERT INTO ble_devices VALUES
        (1, 'AA:BB:CC:DD:EE:01', 'Watch', '2026-03-10 14:30:00', '2026-03-10 14:45:00'),
        (2, 'aa:bb:cc:dd:ee:02', 'Unknown', '2026-03-10 14:30:00', '2026-03-10 14:45:00'),
        (3, 'not-a-mac', 'x', '2026-03-10 14:30:00', '2026-03-10 14:45:00'),
        (4, 'AA:BB:CC:DD:EE:04', CONCAT(CHAR(27), '[31m'), '2026-03-10 14:30:00',
            '2026-03-10 14:45:00');
    INSERT INTO device_sightings VALUES
        (1, 1, 1, -65, '2026-03-10 14:35:00', '2026-03-10 14:40:00', '2026-03-10 14:35:00', NULL),
        (2, 2, 2, -70, '2026-03-10 14:35:00', '2026-03-10 14:40:00', '2026-03-10 15:02:00', NULL),
        (3, 1, 2, -50, '2026-03-10 14:40:00', '2026-03-10 14:45:00', '2026-03-10 14:40:03', NULL),
        (4, 3, 1, -50, '2026-03-10 14:40:00', '2026-03-10 14:45:00', '2026-03-10 14:40:03', NULL),
        (5, 2, 3, -50, '2026-03-10 14:40:00', '2026-03-10 14:45:00', '2026-03-10 14:40:03', NULL),
        (6, 2, 1, 99, '2026-03-10 14:45:00', '2026-03-10 14:50:00', '2026-03-10 14:45:03', NULL),
        (7, 1, 1, -60, '1999-05-01 12:00:00', '1999-05-01 12:05:00', '1999-05-01 12:00:03', NULL),
        (8, 1, 1, -60, '2037-05-01 12:00:00', '2037-05-01 12:05:00', '2037-05-01 12:00:03', NULL),
        (9, 1, 1, -60, '2025-10-26 02:30:00', '2025-10-26 02:35:00', '2025-10-26 02:30:00', NULL);
    INSERT INTO sighting_staging VALUES
        (1, 'AA:BB:CC:DD:EE:01', 'Watch', 2, -72, '2026-03-10 14:35:00', '2026-03-10 14:35:05', 1),
        (2, 'AA:BB:CC:DD:EE:01', 'Watch', 1, -65, '2026-03-10 14:35:00', '2026-03-10 14:35:00', 1)";
