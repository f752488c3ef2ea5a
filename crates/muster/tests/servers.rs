//! The hub and its commands on real database servers.

#![expect(clippy::unwrap_used, reason = "a test may fail in its helpers")]

mod common;

#[path = "common/server.rs"]
mod server;

#[path = "servers/standby.rs"]
mod standby;

#[path = "servers/moving.rs"]
mod moving;

#[path = "servers/doctor.rs"]
mod doctor;

#[path = "servers/import.rs"]
mod import;

#[path = "servers/killed.rs"]
mod killed;

use common::failed;
use serde_json::json;
use server::{MariaDb, Postgres, Server, home};

#[test]
fn a_hub_keeps_everything_on_postgresql_whatever_is_killed() {
    let server = Postgres::start();
    server.make("home");
    keeps_everything(server);
}

#[test]
fn a_hub_keeps_everything_on_mariadb_whatever_is_killed() {
    let server = MariaDb::start();
    server.make("home");
    keeps_everything(server);
}

fn keeps_everything(mut server: impl Server) {
    let home = home(&server);
    let hub = home.serve();
    let anna = json!({ "name": "anna", "display": "Anna Berg" });
    assert_eq!(hub.ask("POST", "/api/v1/people", Some(&anna)).status, 201);
    assert_eq!(server.say("SELECT display FROM person"), "Anna Berg");
    assert!(!home.data().join("muster.db").exists());
    // The folder has one hub, wherever its store is.
    let (code, said) = failed(&home.run(&["serve", "--listen", "127.0.0.1:0"]));
    assert!(code == 5 && said.contains("another muster runs on this data folder"), "{said}");

    server.kill();
    server.start_again();
    // The edit is stored when the server is there again; nobody has to restart anything.
    let ben = json!({ "name": "ben", "display": "Ben" });
    let is_there = |it: u16| it == 201 || it == 409;
    hub.until("the server", |hub| {
        is_there(hub.ask("POST", "/api/v1/people", Some(&ben)).status).then_some(())
    });
    // One that stands still is not waited for, and nothing is lost when it goes on.
    server.pause();
    let carl = json!({ "name": "carl", "display": "Carl" });
    let answer = hub.ask("POST", "/api/v1/people", Some(&carl));
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(answer.body.contains("does not answer"), "{answer:?}");
    server.go_on();
    hub.until("the server again", |hub| {
        is_there(hub.ask("POST", "/api/v1/people", Some(&carl)).status).then_some(())
    });
    assert_eq!(server.say("SELECT count(*) FROM person"), "3");
    drop(hub);

    // Without a hub the commands read the same store.
    let listed = home.run(&["person", "list"]);
    let text = String::from_utf8(listed.stdout).unwrap();
    assert!(text.contains("anna") && text.contains("ben"), "{text}");
    let mut again = home.serve();
    // The one before was killed, and is believed to live for some seconds.
    again.until_it_says("leads: ");
    assert_eq!(again.get("/api/v1/people/anna").json()["display"], "Anna Berg");
}

#[test]
fn what_is_wrong_with_the_server_is_said_with_what_to_type() {
    let mut server = Postgres::start();
    let home = home(&server);
    let said = |args: &[&str]| {
        let done = home.run(args);
        let text = String::from_utf8(done.stderr).unwrap();
        assert!(!text.contains(Postgres::PASSWORD), "{text}");
        (done.status.code().unwrap(), text)
    };
    let serve = ["serve", "--listen", "127.0.0.1:0"];
    let (code, text) = said(&serve);
    assert!(code == 5 && text.contains("createdb") && text.contains("hint: "), "{text}");
    server.make("home");
    let (code, text) = said(&["who"]);
    assert!(code == 5 && text.contains("start `muster serve` once"), "{text}");
    let place = format!("error: cannot open the store of: {}\n", server.url());
    assert!(text.contains(&place), "{text}");

    let hub = home.serve();
    let (code, text) = said(&["backup", "copy.db"]);
    assert!(code == 1 && text.contains("pg_dump"), "{text}");
    let (code, text) = said(&["restore", "copy.db"]);
    assert!(code == 3 && text.contains("pg_restore"), "{text}");
    drop(hub);
    let (code, text) = said(&["who"]);
    let place = format!("hub not running: reading the store of {}\n", server.url());
    assert!(code == 0 && text.contains(&place), "{text}");
    server.kill();
    let (code, text) = said(&["who"]);
    assert!(code == 5 && text.contains("cannot be reached"), "{text}");
}
