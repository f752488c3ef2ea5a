//! What is kept is looked through, and what does not agree is found.

use muster_store::check::{Found, check};
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

use super::*;

impl Places {
    /// Says something to the database that no store would.
    async fn spoil(&self, kind: Kind, name: &str, sql: &'static str) {
        match kind {
            Kind::Sqlite => {
                let options = SqliteConnectOptions::new().filename(self.file(name));
                let mut conn = SqliteConnection::connect_with(&options).await.unwrap();
                sqlx::query(sql).execute(&mut conn).await.unwrap();
                conn.close().await.unwrap();
            }
            Kind::Postgres => drop(self.postgres.say(name, &sql.replace("x'00ff'", "'\\x00ff'"))),
            Kind::MariaDb => drop(self.mariadb.say(name, sql)),
        }
    }

    pub(super) async fn check(&self, kind: Kind, name: &str) -> Found {
        let store = self.open(kind, name, Access::ReadOnly).await.unwrap();
        let found = check(&*store).await.unwrap();
        store.close().await.unwrap();
        found
    }
}

#[tokio::test]
async fn what_is_whole_is_counted_and_what_is_not_is_found() {
    let places = Places::new();
    for kind in KINDS {
        let (store, mut model, mut scene) = places.scene(kind, "home", 7).await;
        let is_owned = |model: &Model| {
            let directory = model.restore(Time::MAX).directory;
            directory.devices.values().any(|it| !it.owners.is_empty())
        };
        while !is_owned(&model) {
            let batch = scene.batch();
            assert_eq!(store.commit(&batch).await.unwrap(), model.commit(&batch));
        }
        // Beside the one who writes.
        let found = places.check(kind, "home").await;
        assert_eq!(found.all_wrong().collect::<Vec<_>>(), [""; 0], "{kind:?}");
        let journal = &found.tables["journal"];
        assert_eq!(journal.rows, model.restore(Time::MAX).last_change);
        assert!(journal.oldest.unwrap() < journal.newest.unwrap() && journal.bytes > 0);
        assert!(found.tables["meta"].newest.is_none() && found.tables["meta"].rows == 1);
        store.close().await.unwrap();
        drop(store);

        for (sql, words) in [
            ("DELETE FROM winner_hours", "winner_hours: winners are counted wrongly"),
            ("DELETE FROM last_seen", "first_seen, last_seen: they name others"),
            ("DELETE FROM listener", "listener: facts speak of a listener that is not there"),
            ("DELETE FROM identity", "identity: facts speak of somebody"),
            ("DELETE FROM device", "ownership: it speaks of a device"),
            ("UPDATE heard SET spans = x'00ff'", "heard: the store is damaged: "),
            ("DELETE FROM meta", "meta: its one row is missing"),
        ] {
            places.spoil(kind, "home", sql).await;
            let wrong: Vec<_> = places.check(kind, "home").await.all_wrong().collect();
            let is_found = wrong.iter().any(|it| it.contains(words));
            // Each is found beside those before it.
            assert!(is_found, "{kind:?}, {sql}: {wrong:?}");
        }
    }
}

#[tokio::test]
async fn a_row_that_is_ages_from_the_others_is_found_soon() {
    let places = Places::new();
    for kind in [Kind::Postgres, Kind::MariaDb] {
        let (store, _, _) = places.scene(kind, "home", 8).await;
        store.close().await.unwrap();
        // As one flipped bit leaves it.
        let columns = "length, block, list FROM winner_hours";
        let far = format!(
            "INSERT INTO winner_hours (hour, length, block, list) SELECT hour + 2305843009213693952, \
             {columns} WHERE hour = (SELECT max(hour) FROM winner_hours)"
        );
        places.say(kind, "home", &far);
        let wrong: Vec<_> = places.check(kind, "home").await.all_wrong().collect();
        assert!(wrong.len() == 1 && wrong[0].contains("counted wrongly"), "{kind:?}: {wrong:?}");
    }
}

#[tokio::test]
async fn a_table_that_the_server_cannot_read_keeps_nobody_from_the_others() {
    let places = Places::new();
    for kind in [Kind::Postgres, Kind::MariaDb] {
        let (store, model, _) = places.scene(kind, "home", 9).await;
        store.close().await.unwrap();
        places.say(kind, "home", "DROP TABLE heard");
        places.say(kind, "home", "DROP TABLE level");
        let found = places.check(kind, "home").await;
        let damaged: Vec<_> = found.tables.iter().filter(|(_, it)| it.damage.is_some()).collect();
        assert!(matches!(damaged[..], [(&"heard", _), (&"level", _)]), "{kind:?}: {damaged:?}");
        // Tables before, between and after.
        assert_eq!(found.tables["meta"].rows, 1);
        assert!(found.tables["coverage"].rows > 0, "{kind:?}: {found:?}");
        assert_eq!(found.tables["journal"].rows, model.restore(Time::MAX).last_change);
    }
}

#[tokio::test]
async fn a_file_of_the_server_that_is_gone_is_damage_and_no_outage() {
    let places = Places::new();
    let (store, _, _) = places.scene(Kind::Postgres, "home", 10).await;
    store.close().await.unwrap();
    // As a file system leaves it that lost an entry: another file, which is not there.
    let lost = "SET allow_system_table_mods = on; \
                UPDATE pg_class SET relfilenode = 99999 WHERE relname = 'heard'";
    places.say(Kind::Postgres, "home", lost);
    let found = places.check(Kind::Postgres, "home").await;
    let damaged: Vec<_> = found.tables.iter().filter(|(_, it)| it.damage.is_some()).collect();
    let [(&"heard", table)] = damaged[..] else { panic!("{damaged:?}") };
    let told = table.damage.as_deref().unwrap();
    assert!(told.contains("a file of it is missing") && told.contains("pg_restore"), "{told}");
    assert!(found.tables["journal"].rows > 0);
}
