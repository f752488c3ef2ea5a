//! What a server says is told before anybody writes there, and nothing is changed by asking.

use std::time::Duration;

use muster_core::ports::Clock;
use muster_core::time::Now;
use muster_store::server::{Holds, Survey};

use super::*;

/// It is always the beginning of 1970.
#[derive(Debug)]
struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> Now {
        Now { mono: Duration::ZERO, wall: Time::default() }
    }
}

async fn survey(kind: Kind, address: Address) -> Result<Survey, StoreError> {
    match kind {
        Kind::MariaDb => mariadb::survey(address, &Stopped).await,
        Kind::Postgres | Kind::Sqlite => postgres::survey(address, &Stopped).await,
    }
}

#[tokio::test]
async fn a_server_is_looked_at_and_left_as_it_was() {
    let places = Places::new();
    for kind in [Kind::Postgres, Kind::MariaDb] {
        let ask = async |name: &str| survey(kind, places.address(kind, name)).await.unwrap();
        places.make(kind, "home");
        for _ in 0..2 {
            let empty = ask("home").await;
            assert_eq!((empty.holds, &empty.unfit), (Holds::Nothing, &None), "{empty:?}");
            assert_eq!((empty.lacking.as_deref(), &empty.led_by), (Some(&[][..]), &None));
            assert_eq!((empty.is_read_only, &empty.encryption), (false, &None));
            // Later than September 2020.
            assert!(empty.clock_ahead > 1_600_000_000_000_000 && empty.unsure == 0);
        }
        let found = ask("home").await;
        match kind {
            Kind::MariaDb => {
                assert!(found.version.contains("MariaDB"), "{found:?}");
                assert_eq!(found.login.as_deref(), Some("mysql_native_password"));
            }
            Kind::Postgres | Kind::Sqlite => {
                assert!(found.version.starts_with("PostgreSQL 1"), "{found:?}");
                // As the server of this test was started.
                assert!(found.risk.unwrap().contains("fsync = off"));
            }
        }

        let store = places.open(kind, "home", Access::ReadWrite).await.unwrap();
        let led = ask("home").await;
        assert!(matches!(led.holds, Holds::Store(one, other) if one == other), "{led:?}");
        assert_eq!(led.led_by.as_deref(), Some("a test"));
        store.close().await.unwrap();
        assert_eq!(ask("home").await.led_by, None);

        places.make(kind, "shop");
        places.say(kind, "shop", "CREATE TABLE device (id BIGINT)");
        assert_eq!(ask("shop").await.holds, Holds::Others);
        places.make(kind, "new");
        drop(places.fill(kind, "new").await.unwrap());
        assert_eq!(ask("new").await.holds, Holds::Interrupted);

        let (user, database) = ("reader", "home");
        let reader = || Address { user: user.to_owned(), ..places.address(kind, database) };
        survey(kind, reader()).await.unwrap_err();
        match kind {
            Kind::MariaDb => {
                let made = format!("CREATE USER reader@'%' IDENTIFIED BY '{}'", MariaDb::PASSWORD);
                places.say(kind, "mysql", &made);
                places.say(kind, "mysql", "GRANT SELECT ON home.* TO reader@'%'");
            }
            Kind::Postgres | Kind::Sqlite => {
                let made = format!("CREATE USER reader PASSWORD '{}'", Postgres::PASSWORD);
                places.say(kind, "home", &made);
                places.say(kind, "home", "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader");
            }
        }
        let lacking = survey(kind, reader()).await.unwrap().lacking.unwrap();
        assert!(lacking.iter().any(|it| it.starts_with("INSERT")), "{lacking:?}");
        assert!(!lacking.iter().any(|it| it.starts_with("SELECT")), "{lacking:?}");
    }
}

#[tokio::test]
async fn rights_are_asked_for_table_by_table() {
    let places = Places::new();
    for kind in [Kind::Postgres, Kind::MariaDb] {
        let (store, _, _) = places.scene(kind, "home", 11).await;
        store.close().await.unwrap();
        let (password, place) = match kind {
            Kind::MariaDb => (MariaDb::PASSWORD, "home."),
            Kind::Postgres | Kind::Sqlite => (Postgres::PASSWORD, ""),
        };
        let say = |sql: &str| places.say(kind, "home", sql);
        let who = match kind {
            Kind::MariaDb => {
                say(&format!("CREATE USER single@'%' IDENTIFIED BY '{password}'"));
                "single@'%'"
            }
            Kind::Postgres | Kind::Sqlite => {
                say(&format!("CREATE USER single PASSWORD '{password}'"));
                "single"
            }
        };
        let rights = "SELECT, INSERT, UPDATE, DELETE";
        let found = places.check(kind, "home").await;
        let tables = found.tables.keys().copied().chain(["schema", "lease"]);
        for it in tables.filter(|it| *it != "journal") {
            let table = match kind {
                Kind::MariaDb => format!("home.`{it}`"),
                Kind::Postgres | Kind::Sqlite => format!("\"{it}\""),
            };
            say(&format!("GRANT {rights} ON {table} TO {who}"));
        }
        say(&format!("GRANT SELECT, UPDATE, DELETE ON {place}journal TO {who}"));
        let single = || Address { user: "single".to_owned(), ..places.address(kind, "home") };
        let ask = async || survey(kind, single()).await.unwrap();
        // Nobody has to make tables where all of them are.
        assert_eq!(ask().await.lacking.unwrap(), ["INSERT on journal"], "{kind:?}");
        let schema = match kind {
            Kind::MariaDb => "home.`schema`",
            Kind::Postgres | Kind::Sqlite => "schema",
        };
        say(&format!("REVOKE SELECT ON {schema} FROM {who}"));
        let found = ask().await;
        assert_eq!(found.holds, Holds::Unreadable, "{kind:?}");
        let lacking = found.lacking.unwrap();
        assert!(lacking.contains(&"SELECT on schema".to_owned()), "{kind:?}: {lacking:?}");
    }
    // Somebody to whom the server shows one table alone is not told that there are no others.
    places.say(Kind::MariaDb, "home", "CREATE USER narrow@'%' IDENTIFIED BY 's3'");
    places.say(Kind::MariaDb, "home", "GRANT SELECT ON home.journal TO narrow@'%'");
    let narrow = Address {
        user: "narrow".to_owned(),
        password: Some(Secret::new("s3".to_owned())),
        ..places.address(Kind::MariaDb, "home")
    };
    let found = survey(Kind::MariaDb, narrow).await.unwrap();
    assert_eq!(found.holds, Holds::Unseen);
    let lacking = found.lacking.unwrap();
    assert!(lacking.contains(&"INSERT on journal".to_owned()), "{lacking:?}");
    assert!(!lacking.contains(&"SELECT on journal".to_owned()), "{lacking:?}");
}

#[tokio::test]
async fn an_encrypted_connection_is_told() {
    let postgres = Postgres::start_encrypted();
    let mariadb = MariaDb::start_encrypted();
    postgres.make("home");
    mariadb.make("home");
    let folder = tempfile::tempdir().unwrap();
    let places = Places { folder, postgres, mariadb };
    for kind in [Kind::Postgres, Kind::MariaDb] {
        let address = places.address(kind, "home");
        let address = Address { encryption: Encryption::Unchecked, ..address };
        let found = survey(kind, address).await.unwrap();
        assert!(found.encryption.as_ref().unwrap().starts_with("TLSv1."), "{found:?}");
    }
}
