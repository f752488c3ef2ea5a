//! Everything of one store goes into another place, between all kinds of stores.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests")]

use std::path::PathBuf;
use std::sync::Arc;

use muster_core::batch::Batch;
use muster_core::ports::{BoxFuture, StoreError};
use muster_core::time::Time;
use muster_store::conformance::{self, Model, Scene};
use muster_store::server::{Address, Encryption, Secret, Way};
use muster_store::sqlite::{Filling, Sqlite};
use muster_store::transfer::{self, Blank, Piece, Row, Sole};
use muster_store::{Access, Kept, mariadb, postgres};
use tempfile::TempDir;
use tokio::sync::mpsc::Sender;

#[path = "../../../tests/peers/postgres.rs"]
mod postgres_peer;
use postgres_peer::Postgres;

#[path = "../../../tests/peers/mariadb.rs"]
mod mariadb_peer;
use mariadb_peer::MariaDb;

#[path = "transfer/anew.rs"]
mod anew;

#[path = "transfer/archive.rs"]
mod archive;

#[path = "transfer/check.rs"]
mod check;

#[path = "transfer/old.rs"]
mod old;

#[path = "transfer/survey.rs"]
mod survey;

/// Where a store can be: in files of a folder, in databases of two servers.
struct Places {
    folder: TempDir,
    postgres: Postgres,
    mariadb: MariaDb,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Sqlite,
    Postgres,
    MariaDb,
}

const KINDS: [Kind; 3] = [Kind::Sqlite, Kind::Postgres, Kind::MariaDb];

impl Places {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, postgres: Postgres::start(), mariadb: MariaDb::start() }
    }

    /// An empty place.
    fn make(&self, kind: Kind, name: &str) {
        match kind {
            Kind::Sqlite => std::fs::create_dir(self.folder.path().join(name)).unwrap(),
            Kind::Postgres => self.postgres.make(name),
            Kind::MariaDb => self.mariadb.make(name),
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name).join("muster.db")
    }

    fn address(&self, kind: Kind, name: &str) -> Address {
        let (port, user, password) = match kind {
            Kind::MariaDb => (self.mariadb.port, MariaDb::USER, MariaDb::PASSWORD),
            Kind::Postgres | Kind::Sqlite => {
                (self.postgres.port, Postgres::USER, Postgres::PASSWORD)
            }
        };
        Address {
            way: Way::Network { host: "127.0.0.1".to_owned(), port },
            user: user.to_owned(),
            password: Some(Secret::new(password.to_owned())),
            database: name.to_owned(),
            encryption: Encryption::None,
            holder: "a test".to_owned(),
        }
    }

    async fn open(
        &self,
        kind: Kind,
        name: &str,
        access: Access,
    ) -> Result<Arc<dyn Kept>, StoreError> {
        match kind {
            Kind::Sqlite => Ok(Arc::new(Sqlite::open(&self.file(name), access).await?)),
            Kind::Postgres => postgres::open(self.address(kind, name), access).await,
            Kind::MariaDb => mariadb::open(self.address(kind, name), access).await,
        }
    }

    async fn fill(&self, kind: Kind, name: &str) -> Result<Box<dyn Blank>, StoreError> {
        match kind {
            Kind::Sqlite => Ok(Box::new(Filling::begin(&self.file(name)).await?)),
            Kind::Postgres => postgres::fill(self.address(kind, name)).await,
            Kind::MariaDb => mariadb::fill(self.address(kind, name)).await,
        }
    }

    /// The same, after whoever was there a moment ago.
    async fn fill_again(&self, kind: Kind, name: &str) -> Box<dyn Blank> {
        loop {
            match self.fill(kind, name).await {
                Ok(it) => return it,
                Err(it) => assert!(it.to_string().contains("already in use"), "{it}"),
            }
        }
    }

    /// A store with a scene in it, and what that should be.
    async fn scene(&self, kind: Kind, name: &str, seed: u64) -> (Arc<dyn Kept>, Model, Scene) {
        self.make(kind, name);
        let store = self.open(kind, name, Access::ReadWrite).await.unwrap();
        let (mut scene, mut model) = (Scene::new(seed), Model::default());
        for _ in 0..15 {
            let batch = scene.batch();
            assert_eq!(store.commit(&batch).await.unwrap(), model.commit(&batch));
        }
        (store, model, scene)
    }

    fn say(&self, kind: Kind, name: &str, sql: &str) {
        match kind {
            Kind::Sqlite => {}
            Kind::Postgres => drop(self.postgres.say(name, sql)),
            Kind::MariaDb => drop(self.mariadb.say(name, sql)),
        }
    }
}

#[tokio::test]
async fn every_kind_goes_into_every_other() {
    let places = Places::new();
    for (number, from) in KINDS.into_iter().enumerate() {
        let name = format!("from_{number}");
        let (source, mut model, mut scene) = places.scene(from, &name, number as u64).await;
        let mut moved = Vec::new();
        for (other, to) in KINDS.into_iter().enumerate() {
            let name = format!("to_{number}_{other}");
            places.make(to, &name);
            let blank = places.fill(to, &name).await.unwrap();
            let copied = transfer::copy(&Sole(&*source), blank).await.unwrap();
            assert_eq!(copied["journal"], model.restore(Time::MAX).last_change);
            assert!(copied["winners"] > 0 && copied["heard"] > 0, "{copied:?}");
            let store = places.open(to, &name, Access::ReadWrite).await.unwrap();
            conformance::agrees(&*store, &model).await.unwrap();
            moved.push(store);
        }
        conformance::agrees(&*source, &model).await.unwrap();
        // They go on from there as the first one does.
        for _ in 0..5 {
            let batch = scene.batch();
            let last = model.commit(&batch);
            for store in moved.iter().chain([&source]) {
                assert_eq!(store.commit(&batch).await.unwrap(), last);
            }
        }
        for store in moved.iter().chain([&source]) {
            conformance::agrees(&**store, &model).await.unwrap();
            store.close().await.unwrap();
        }
    }
}

#[tokio::test]
async fn what_is_there_already_is_left_alone() {
    let places = Places::new();
    for kind in KINDS {
        let (store, model, _) = places.scene(kind, "home", 3).await;
        store.close().await.unwrap();
        drop(store);
        let told = places.fill(kind, "home").await.err().unwrap().to_string();
        assert!(told.contains("left alone"), "{kind:?}: {told}");
        let store = places.open(kind, "home", Access::ReadOnly).await.unwrap();
        conformance::agrees(&*store, &model).await.unwrap();
        places.make(kind, "shop");
        places.say(kind, "shop", "CREATE TABLE device (id BIGINT)");
        if !matches!(kind, Kind::Sqlite) {
            let told = places.fill(kind, "shop").await.err().unwrap().to_string();
            assert!(told.contains("not muster's"), "{kind:?}: {told}");
        }
    }
}

#[tokio::test]
async fn what_is_not_whole_is_no_store_and_is_begun_anew() {
    let places = Places::new();
    let (source, model, _) = places.scene(Kind::Sqlite, "home", 4).await;
    for kind in KINDS {
        places.make(kind, "new");
        // A store without a directory's tables, as when somebody is killed in the middle.
        let mut blank = places.fill(kind, "new").await.unwrap();
        let (to, mut pieces) = tokio::sync::mpsc::channel(64);
        source.rows(to).await.unwrap();
        for _ in 0..20 {
            let (table, rows) = pieces.recv().await.unwrap().into_rows().unwrap();
            blank.put(table, rows).await.unwrap();
        }
        drop(blank);
        let unfit = async |access| {
            let told = places.open(kind, "new", access).await.unwrap_err().to_string();
            let words = match kind {
                Kind::Sqlite => "there is no store yet",
                Kind::Postgres | Kind::MariaDb => "muster store move",
            };
            assert!(told.contains(words), "{kind:?}: {told}");
        };
        unfit(Access::ReadOnly).await;
        if !matches!(kind, Kind::Sqlite) {
            unfit(Access::ReadWrite).await;
        }
        let blank = places.fill_again(kind, "new").await;
        transfer::copy(&Sole(&*source), blank).await.unwrap();
        let store = places.open(kind, "new", Access::ReadWrite).await.unwrap();
        conformance::agrees(&*store, &model).await.unwrap();
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn plain_rows_stay_behind_and_are_made_where_it_goes() {
    let places = Places::new();
    for (number, from) in KINDS.into_iter().enumerate() {
        let name = format!("from_{number}");
        let (source, model, _) = places.scene(from, &name, 13).await;
        source.keep_plain(true).await.unwrap();
        for (other, to) in KINDS.into_iter().enumerate() {
            let name = format!("to_{number}_{other}");
            places.make(to, &name);
            let blank = places.fill(to, &name).await.unwrap();
            transfer::copy(&Sole(&*source), blank).await.unwrap();
            let store = places.open(to, &name, Access::ReadWrite).await.unwrap();
            assert!(store.keep_plain(true).await.unwrap() > 0, "{from:?} to {to:?}");
            conformance::agrees(&*store, &model).await.unwrap();
            store.close().await.unwrap();
        }
        assert_eq!(source.keep_plain(true).await.unwrap(), 0, "{from:?} keeps its own");
        source.close().await.unwrap();
    }
}

/// Loses what it is given last.
struct Losing(Box<dyn Blank>);

impl Blank for Losing {
    fn put<'a>(
        &'a mut self,
        table: &'static str,
        mut rows: Vec<Row>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        if table == "stay" {
            rows.pop();
        }
        self.0.put(table, rows)
    }

    fn rows(&mut self, to: Sender<Piece>) -> BoxFuture<'_, Result<(), StoreError>> {
        self.0.rows(to)
    }

    fn finish(self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>> {
        self.0.finish()
    }

    fn abandon(self: Box<Self>) -> BoxFuture<'static, ()> {
        self.0.abandon()
    }
}

#[tokio::test]
async fn a_row_that_did_not_arrive_is_noticed() {
    let places = Places::new();
    let (source, _, _) = places.scene(Kind::Sqlite, "home", 5).await;
    for kind in KINDS {
        places.make(kind, "new");
        let blank = Box::new(Losing(places.fill(kind, "new").await.unwrap()));
        let told = transfer::copy(&Sole(&*source), blank).await.unwrap_err().to_string();
        assert!(told.ends_with("what was copied: stay"), "{told}");
        places.open(kind, "new", Access::ReadOnly).await.unwrap_err();
    }
}

#[tokio::test]
async fn whoever_wrote_to_the_source_meanwhile_is_noticed() {
    let places = Places::new();
    for kind in [Kind::Postgres, Kind::MariaDb] {
        let (source, _, _) = places.scene(kind, "home", 6).await;
        places.make(kind, "new");
        let blank = places.fill(kind, "new").await.unwrap();
        // As another hub does that found the lease lapsed.
        places.say(kind, "home", "UPDATE lease SET epoch = epoch + 1, holder = 'the attic'");
        let told = transfer::copy(&Sole(&*source), blank).await.unwrap_err().to_string();
        assert!(told.contains("another muster leads meanwhile (the attic)"), "{told}");
        let told = places.open(kind, "new", Access::ReadOnly).await.unwrap_err().to_string();
        assert!(told.contains("muster store move"), "{told}");
        source.commit(&Batch::default()).await.unwrap_err();
    }
}

/// The place is a store, and whoever made it one does not learn of it.
struct Unanswered(Box<dyn Blank>);

impl Blank for Unanswered {
    fn put<'a>(
        &'a mut self,
        table: &'static str,
        rows: Vec<Row>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.0.put(table, rows)
    }

    fn rows(&mut self, to: Sender<Piece>) -> BoxFuture<'_, Result<(), StoreError>> {
        self.0.rows(to)
    }

    fn finish(self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>> {
        Box::pin(async move {
            self.0.finish().await?;
            Err(StoreError::Unavailable { what: "it went away".into(), cause: "cut".into() })
        })
    }

    fn abandon(self: Box<Self>) -> BoxFuture<'static, ()> {
        self.0.abandon()
    }
}

#[tokio::test]
async fn an_answer_that_is_lost_is_no_copy_that_failed() {
    let places = Places::new();
    let (source, model, _) = places.scene(Kind::Sqlite, "home", 12).await;
    for kind in KINDS {
        places.make(kind, "new");
        let blank = Box::new(Unanswered(places.fill(kind, "new").await.unwrap()));
        let told = transfer::copy(&Sole(&*source), blank).await.unwrap_err();
        assert!(matches!(told, transfer::Uncopied::Unknown(_)), "{kind:?}: {told:?}");
        // Typed again it says which.
        let told = places.fill(kind, "new").await.err().unwrap().to_string();
        assert!(told.contains("left alone"), "{kind:?}: {told}");
        let store = places.open(kind, "new", Access::ReadOnly).await.unwrap();
        conformance::agrees(&*store, &model).await.unwrap();
    }
}
