//! Who and what is not let in, and what people are told to do about it.

use std::net::TcpListener;

use muster_core::batch::Batch;
use muster_core::identity::{Identity, IdentityId, TextKind};
use muster_core::time::Time;
use muster_store::conformance::Scene;

use super::*;

/// What opening says.
async fn told(address: Address, access: Access) -> String {
    let told = mariadb::open(address, access).await.unwrap_err().to_string();
    assert!(!told.contains(Peer::PASSWORD), "{told}");
    told
}

#[track_caller]
fn says(told: &str, words: &[&str]) {
    for words in words {
        assert!(told.contains(words), "{words}: {told}");
    }
}

#[tokio::test]
async fn whoever_cannot_come_in_is_told_what_to_type() {
    let server = Peer::start();
    server.make("home");
    let here = || address(&server, "home");

    let wrong = Address { password: Some(Secret::new("another".to_owned())), ..here() };
    says(&told(wrong, Access::ReadWrite).await, &["muster's password", "store.password_file"]);
    let none = Address { password: None, ..here() };
    says(&told(none, Access::ReadWrite).await, &["muster's password"]);
    let missing = Address { database: "garden".to_owned(), ..here() };
    says(
        &told(missing, Access::ReadWrite).await,
        &["no database garden", "CREATE DATABASE garden"],
    );
    let nobody = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let way = Way::Network { host: "127.0.0.1".to_owned(), port: nobody };
    let gone = Address { way, ..here() };
    says(&told(gone, Access::ReadWrite).await, &["cannot be reached", "systemctl", "ping"]);
    let plain = Address { encryption: Encryption::Unchecked, ..here() };
    says(&told(plain, Access::ReadWrite).await, &["does not encrypt", "ssl_cert"]);
    let checked = Address { encryption: Encryption::Checked { ca_file: None }, ..here() };
    says(&told(checked, Access::ReadWrite).await, &["only the right MariaDB server"]);

    let way = Way::Socket { path: server.socket(), port: server.port };
    let socket = Address { way, ..here() };
    mariadb::open(socket, Access::ReadWrite).await.unwrap().close().await.unwrap();
}

#[tokio::test]
async fn a_login_by_another_plugin_is_told_which() {
    let server = Peer::start();
    server.make("home");
    server.say(
        "mysql",
        "INSTALL SONAME 'auth_ed25519'; \
         CREATE USER anna@'%' IDENTIFIED VIA ed25519 USING PASSWORD('x'); GRANT ALL ON home.* TO anna@'%'",
    );
    let anna = Address { user: "anna".to_owned(), ..address(&server, "home") };
    says(&told(anna, Access::ReadWrite).await, &["client_ed25519", "ALTER USER 'anna'@'%'"]);
}

#[tokio::test]
async fn users_without_rights_are_told_which() {
    let server = Peer::start();
    server.make("home");
    let password = Peer::PASSWORD;
    server.say("mysql", &format!("CREATE USER reader@'%' IDENTIFIED BY '{password}'"));
    let reader = || Address { user: "reader".to_owned(), ..address(&server, "home") };
    says(&told(reader(), Access::ReadWrite).await, &["reader may not", "GRANT ALL ON home.*"]);
    server.say("mysql", "GRANT SELECT ON home.* TO reader@'%'");
    says(&told(reader(), Access::ReadWrite).await, &["reader may not", "CREATE", "GRANT ALL"]);

    let store = open(&server, "home").await.unwrap();
    let batch = Scene::new(3).batch();
    store.commit(&batch).await.unwrap();
    let look = mariadb::open(reader(), Access::ReadOnly).await.unwrap();
    assert_eq!(look.frontier().await.unwrap(), batch.frontier);
    store.close().await.unwrap();
    says(&told(reader(), Access::ReadWrite).await, &["reader may not"]);
}

#[tokio::test]
async fn a_database_that_cannot_keep_a_store_is_left_alone() {
    let server = Peer::start();
    server.make("shop");
    server.say("shop", "CREATE TABLE device (id BIGINT)");
    let theirs = told(address(&server, "shop"), Access::ReadWrite).await;
    says(&theirs, &["not muster's", "database of its own"]);

    server.make("empty");
    let empty = told(address(&server, "empty"), Access::ReadOnly).await;
    says(&empty, &["no store in the database yet", "muster serve"]);

    server.make("newer");
    open(&server, "newer").await.unwrap().close().await.unwrap();
    server.say("newer", "UPDATE `schema` SET version = 99");
    for access in [Access::ReadOnly, Access::ReadWrite] {
        let newer = told(address(&server, "newer"), access).await;
        says(&newer, &["the store has schema 99, this muster knows up to"]);
    }
}

#[tokio::test]
async fn a_database_of_another_character_set_keeps_every_name() {
    let server = Peer::start();
    server.say("mysql", "CREATE DATABASE old CHARACTER SET latin1");
    let store = open(&server, "old").await.unwrap();
    let name = Identity::Text(TextKind::Entity, "\u{1F9D1} Ľuboš".into());
    let identities = vec![(IdentityId(1), name)];
    store.commit(&Batch { identities: identities.clone(), ..Batch::default() }).await.unwrap();
    assert_eq!(store.restore(Time::MIN).await.unwrap().identities, identities);
}

#[tokio::test]
async fn an_interrupted_making_of_tables_is_gone_on_with() {
    let server = Peer::start();
    server.make("home");
    open(&server, "home").await.unwrap().close().await.unwrap();
    let newest = server.say("home", "SELECT version FROM `schema`");
    server.say("home", "DELETE FROM `schema`; DROP TABLE person, monitor");
    let store = open(&server, "home").await.unwrap();
    store.commit(&Scene::new(9).batch()).await.unwrap();
    assert_eq!(server.say("home", "SELECT version FROM `schema`"), newest);
}

#[tokio::test]
async fn one_writes_and_a_second_is_told_who() {
    let server = Peer::start();
    server.make("home");
    server.make("garden");
    let store = open(&server, "home").await.unwrap();
    let second = told(address(&server, "home"), Access::ReadWrite).await;
    says(&second, &["already in use by another muster (a test)"]);
    // Each database has its own writer.
    open(&server, "garden").await.unwrap();
    drop(store);
    // Whoever is gone without a word is believed to live until its lease lapsed.
    let again = loop {
        match open(&server, "home").await {
            Ok(it) => break it,
            Err(it) => says(&it.to_string(), &["already in use"]),
        }
    };
    again.commit(&Batch::default()).await.unwrap();
}

#[tokio::test]
async fn copies_are_left_to_the_server() {
    let server = Peer::start();
    server.make("home");
    let store = open(&server, "home").await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("copy");
    let told = store.backup(&file).await.unwrap_err();
    assert!(matches!(told, StoreError::Refused { .. }), "{told:?}");
    says(&told.to_string(), &["mariadb-dump --single-transaction -h 127.0.0.1", "home"]);
    assert!(!file.exists());
}

#[tokio::test]
async fn only_the_right_server_is_trusted() {
    let server = Peer::start_encrypted();
    server.make("home");
    let by = |encryption| Address { encryption, ..address(&server, "home") };
    let ours = Encryption::Checked { ca_file: Some(server.certificate()) };
    let another = Encryption::Checked { ca_file: None };
    says(&told(by(another), Access::ReadWrite).await, &["only the right MariaDB server"]);
    let named = Way::Network { host: "localhost".to_owned(), port: server.port };
    let elsewhere = Address { way: named, ..by(ours.clone()) };
    says(&told(elsewhere, Access::ReadWrite).await, &["is for another name"]);
    // Whoever does not encrypt is not let in.
    server.say("mysql", "ALTER USER muster@'%' REQUIRE SSL");
    says(&told(by(Encryption::None), Access::ReadWrite).await, &["store.tls"]);
    for encryption in [ours, Encryption::Unchecked] {
        let store = mariadb::open(by(encryption), Access::ReadWrite).await.unwrap();
        store.commit(&Batch::default()).await.unwrap();
        assert_eq!(store.frontier().await.unwrap(), Time::default());
        store.close().await.unwrap();
    }
}
