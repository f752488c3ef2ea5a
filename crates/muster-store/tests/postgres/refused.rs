//! Who and what is not let in, and what people are told to do about it.

use std::net::TcpListener;

use muster_store::conformance::Scene;

use muster_core::batch::Batch;

use super::*;

/// What opening says.
async fn told(address: Address, access: Access) -> String {
    let told = postgres::open(address, access).await.unwrap_err().to_string();
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
    says(&told(none, Access::ReadOnly).await, &["password"]);
    let missing = Address { database: "garden".to_owned(), ..here() };
    says(&told(missing, Access::ReadWrite).await, &["no database garden", "createdb", "garden"]);
    let nobody = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let gone =
        Address { way: Way::Network { host: "127.0.0.1".to_owned(), port: nobody }, ..here() };
    says(&told(gone, Access::ReadWrite).await, &["cannot be reached", "systemctl", "pg_isready"]);
    let plain = Address { encryption: Encryption::Unchecked, ..here() };
    says(&told(plain, Access::ReadWrite).await, &["does not encrypt", "ssl = on"]);
    let checked = Address { encryption: Encryption::Checked { ca_file: None }, ..here() };
    says(&told(checked, Access::ReadWrite).await, &["only the right PostgreSQL server"]);

    // Through the socket the server knows who it is without a password.
    let way = Way::Socket { path: server.socket().to_owned(), port: server.port };
    let socket = Address { way, password: None, ..here() };
    postgres::open(socket, Access::ReadWrite).await.unwrap().close().await.unwrap();
}

#[tokio::test]
async fn users_without_rights_are_told_which() {
    let server = Peer::start();
    server.make("home");
    let password = Peer::PASSWORD;
    server.say("home", &format!("CREATE USER reader PASSWORD '{password}'"));
    let reader = || Address { user: "reader".to_owned(), ..address(&server, "home") };
    says(&told(reader(), Access::ReadWrite).await, &["reader may not", "ALTER DATABASE", "GRANT"]);

    let store = open(&server, "home").await.unwrap();
    let batch = Scene::new(3).batch();
    store.commit(&batch).await.unwrap();
    says(&told(reader(), Access::ReadOnly).await, &["reader may not", "GRANT"]);
    server.say("home", "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader");
    let look = postgres::open(reader(), Access::ReadOnly).await.unwrap();
    assert_eq!(look.frontier().await.unwrap(), batch.frontier);
    store.close().await.unwrap();
    says(&told(reader(), Access::ReadWrite).await, &["reader may not"]);
}

#[tokio::test]
async fn a_database_that_cannot_keep_a_store_is_left_alone() {
    let server = Peer::start();
    server.say("postgres", "CREATE DATABASE old ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
    let latin = told(address(&server, "old"), Access::ReadWrite).await;
    says(&latin, &["keeps LATIN1", "createdb --encoding=UTF8"]);
    assert_eq!(server.say("old", "SELECT count(*) FROM pg_class WHERE relname = 'schema'"), "0");

    server.make("shop");
    server.say("shop", "CREATE TABLE device (id BIGINT)");
    let theirs = told(address(&server, "shop"), Access::ReadWrite).await;
    says(&theirs, &["not muster's", "database of its own"]);

    server.make("empty");
    let empty = told(address(&server, "empty"), Access::ReadOnly).await;
    says(&empty, &["no store in the database yet", "muster serve"]);

    server.make("newer");
    open(&server, "newer").await.unwrap().close().await.unwrap();
    server.say("newer", "UPDATE schema SET version = 99");
    for access in [Access::ReadOnly, Access::ReadWrite] {
        let newer = told(address(&server, "newer"), access).await;
        says(&newer, &["the store has schema 99, this muster knows up to"]);
    }
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
    let file = server.socket().join("copy");
    let told = store.backup(&file).await.unwrap_err();
    assert!(matches!(told, StoreError::Refused { .. }), "{told:?}");
    says(&told.to_string(), &["pg_dump -h 127.0.0.1", "home"]);
    assert!(!file.exists());
}

#[tokio::test]
async fn only_the_right_server_is_trusted() {
    let server = Peer::start_encrypted();
    server.make("home");
    let by = |encryption| Address { encryption, ..address(&server, "home") };
    let ours = Encryption::Checked { ca_file: Some(server.certificate()) };
    let another = Encryption::Checked { ca_file: None };
    says(&told(by(another), Access::ReadWrite).await, &["only the right PostgreSQL server"]);
    let named = Way::Network { host: "localhost".to_owned(), port: server.port };
    let elsewhere = Address { way: named, ..by(ours.clone()) };
    says(&told(elsewhere, Access::ReadWrite).await, &["is for another name"]);
    for encryption in [ours, Encryption::Unchecked] {
        let store = postgres::open(by(encryption), Access::ReadWrite).await.unwrap();
        store.commit(&Batch::default()).await.unwrap();
        let sql = "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
                   WHERE application_name = 'muster'";
        assert_eq!(server.say("home", sql), "t");
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn views_of_others_on_ours_are_named() {
    let server = Peer::start();
    server.make("home");
    let store = open(&server, "home").await.unwrap();
    store.keep_plain(true).await.unwrap();
    server.say("home", "CREATE VIEW panel AS SELECT rssi FROM device_sightings");
    let told = store.keep_plain(false).await.unwrap_err();
    assert!(matches!(told, StoreError::Refused { .. }), "{told:?}");
    let which = "view panel depends on view device_sightings";
    says(&told.to_string(), &[which, "views of your own", "DROP VIEW"]);
    assert_eq!(server.say("home", "SELECT count(*) FROM panel"), "0", "nothing went");
    server.say("home", "DROP VIEW panel");
    store.keep_plain(false).await.unwrap();
    store.close().await.unwrap();
}
