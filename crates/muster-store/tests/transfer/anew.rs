//! A copy that is begun anew: nothing of it is a store in between, and whoever was overtaken drops nothing.

use super::*;

/// What somebody does to the database while it is being begun.
enum Meanwhile {
    /// The session ends when the schema's number is written.
    Ended,
    /// Somebody else takes the lease.
    Overtaken,
}

impl Meanwhile {
    fn sql(&self, kind: Kind) -> String {
        let (when, what) = match (self, kind) {
            (Self::Ended, Kind::MariaDb) => {
                ("BEFORE INSERT ON `schema`", "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'ended'")
            }
            (Self::Ended, _) => ("BEFORE INSERT ON schema", "RAISE EXCEPTION 'ended';"),
            (Self::Overtaken, Kind::MariaDb) => (
                "BEFORE UPDATE ON lease",
                "SET NEW.epoch = NEW.epoch + 1, NEW.holder = 'the attic'",
            ),
            (Self::Overtaken, _) => (
                "BEFORE UPDATE ON lease",
                "NEW.epoch := NEW.epoch + 1; NEW.holder := 'the attic'; RETURN NEW;",
            ),
        };
        if matches!(kind, Kind::MariaDb) {
            return format!("CREATE TRIGGER meanwhile {when} FOR EACH ROW {what}");
        }
        format!(
            "CREATE FUNCTION meanwhile() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {what} END $$; \
             CREATE TRIGGER meanwhile {when} FOR EACH ROW EXECUTE FUNCTION meanwhile()"
        )
    }
}

impl Places {
    fn asked(&self, kind: Kind, name: &str, sql: &str) -> String {
        match kind {
            Kind::Sqlite => String::new(),
            Kind::Postgres => self.postgres.say(name, sql),
            Kind::MariaDb => self.mariadb.say(name, sql),
        }
    }

    /// A copy that was given up with a row in it.
    async fn unfinished(&self, kind: Kind, name: &str) {
        self.make(kind, name);
        let blank = self.fill(kind, name).await.unwrap();
        self.say(kind, name, "INSERT INTO meta VALUES (1, 0, 0, 0, 0, NULL)");
        blank.abandon().await;
    }
}

#[tokio::test]
async fn a_beginning_that_is_interrupted_is_no_store() {
    let places = Places::new();
    for kind in [Kind::Postgres, Kind::MariaDb] {
        places.unfinished(kind, "new").await;
        places.say(kind, "new", &Meanwhile::Ended.sql(kind));
        let told = places.fill(kind, "new").await.err().unwrap().to_string();
        assert!(told.contains("ended"), "{kind:?}: {told}");
        let told = places.open(kind, "new", Access::ReadWrite).await.unwrap_err().to_string();
        assert!(told.contains("muster store move"), "{kind:?}: {told}");
    }
}

#[tokio::test]
async fn whoever_was_overtaken_drops_nothing() {
    let places = Places::new();
    for kind in [Kind::Postgres, Kind::MariaDb] {
        places.unfinished(kind, "new").await;
        places.say(kind, "new", &Meanwhile::Overtaken.sql(kind));
        let told = places.fill(kind, "new").await.err().unwrap().to_string();
        assert!(told.contains("another muster leads meanwhile (the attic)"), "{kind:?}: {told}");
        assert_eq!(places.asked(kind, "new", "SELECT count(*) FROM meta"), "1", "{kind:?}");
    }
}
