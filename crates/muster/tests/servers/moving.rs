//! What a hub keeps goes to another place, and the hub goes on from there.

use std::fs;

use serde_json::{Value, json};

use super::common::{Home, failed};
use super::{MariaDb, Postgres, Server};

/// The configuration's `[store]` becomes what the command says, or goes.
fn configure(home: &Home, store: &str) {
    let file = home.path().join("muster.toml");
    let text = fs::read_to_string(&file).unwrap();
    let text = text.split("\n[store]").next().unwrap();
    fs::write(&file, format!("{text}\n{store}\n")).unwrap();
}

/// Moves the home's store there; what it said to change.
fn moves(home: &Home, args: &[&str]) -> String {
    let done = home.run(&[&["store", "move", "--to"], args].concat());
    let said = String::from_utf8(done.stderr).unwrap();
    assert!(done.status.success() && said.contains("copied and verified: "), "{said}");
    assert!(said.contains("the old store is as it was"), "{said}");
    let lines = said.lines().skip_while(|it| *it != "[store]");
    let lines: Vec<&str> = lines.take_while(|it| !it.starts_with("the old")).collect();
    lines.join("\n")
}

fn people(home: &Home) -> Value {
    let listed = home.run(&["person", "list", "--format", "json"]);
    assert!(listed.status.success(), "{listed:?}");
    serde_json::from_slice(&listed.stdout).unwrap()
}

fn password(home: &Home, server: &impl Server) -> String {
    let file = home.path().join("password-there");
    fs::write(&file, server.password()).unwrap();
    file.display().to_string()
}

/// A file, a server, another server, a file.
#[test]
fn a_store_goes_round_and_is_the_same() {
    let (postgres, mariadb) = (Postgres::start(), MariaDb::start());
    postgres.make("home");
    mariadb.make("home");
    let home = Home::new();
    let hub = home.serve();
    let anna = json!({ "name": "anna", "display": "Anna Berg" });
    assert_eq!(hub.ask("POST", "/api/v1/people", Some(&anna)).status, 201);
    // Far monitors are bound to the store's number, which is made when the first is let in.
    let invited = home.run(&["monitor", "enrol", "kitchen"]);
    assert!(invited.status.success(), "{invited:?}");
    let url = Server::url(&postgres);
    let there = password(&home, &postgres);
    let to_postgres = [url.as_str(), "--password-file", &there];
    let (code, said) = failed(&home.run(&[&["store", "move", "--to"], &to_postgres[..]].concat()));
    assert!(
        code == 5 && said.contains("somebody writes") && said.contains("stop every hub"),
        "{said}"
    );
    assert_eq!(postgres.say("home", "SELECT count(*) FROM pg_class WHERE relname = 'schema'"), "0");
    hub.terminate();
    let known = people(&home);

    configure(&home, &moves(&home, &to_postgres));
    assert_eq!(people(&home), known);
    let hub = home.serve();
    let (code, said) = failed(&home.run(&["store", "move", "--to", "data/elsewhere"]));
    let who = format!("another muster (process {}", hub.pid());
    assert!(code == 5 && said.contains(&who), "{said}");
    assert_eq!(hub.get("/api/v1/people/anna").json()["display"], "Anna Berg");
    hub.terminate();

    let (code, said) = failed(&home.run(&["store", "move", "--to", &url]));
    assert!(code == 2 && said.contains("the store is there already"), "{said}");
    let url = Server::url(&mariadb);
    let there = password(&home, &mariadb);
    configure(&home, &moves(&home, &[&url, "--password-file", &there]));
    assert_eq!(people(&home), known);
    assert_eq!(
        mariadb.say("home", "SELECT count(*) FROM journal"),
        postgres.say("home", "SELECT count(*) FROM journal")
    );

    // In the data folder is what was there before.
    let (code, said) = failed(&home.run(&["store", "move", "--to", "data"]));
    assert!(code == 1 && said.contains("it is left alone"), "{said}");
    fs::remove_file(home.data().join("muster.db")).unwrap();
    assert_eq!(moves(&home, &["data"]), "");
    configure(&home, "");
    assert_eq!(people(&home), known);
    home.serve().terminate();
}

/// What one server keeps becomes a file, and that the store on another one.
#[test]
fn an_archive_of_one_server_is_restored_on_another() {
    let (postgres, mariadb) = (Postgres::start(), MariaDb::start());
    postgres.make("home");
    mariadb.make("home");
    let home = Home::new();
    let store = |url: String, password: &str| {
        format!("[store]\nurl = \"{url}\"\npassword_file = \"{password}\"")
    };
    configure(&home, &store(Server::url(&postgres), &password(&home, &postgres)));
    let hub = home.serve();
    let anna = json!({ "name": "anna", "display": "Anna Berg" });
    assert_eq!(hub.ask("POST", "/api/v1/people", Some(&anna)).status, 201);
    let file = home.path().join("all.gz").display().to_string();
    let done = home.run(&["archive", &file]);
    assert!(done.status.success(), "{done:?}");
    hub.terminate();
    let known = people(&home);

    let (code, said) = failed(&home.run(&["restore", &file]));
    assert!(code == 1 && said.contains("left alone"), "{said}");
    let (code, said) = failed(&home.run(&["restore", &file, "--replace"]));
    assert!(code == 2 && said.contains("a database is not replaced"), "{said}");
    configure(&home, &store(Server::url(&mariadb), &password(&home, &mariadb)));
    let done = home.run(&["restore", &file]);
    assert!(done.status.success(), "{done:?}");
    assert_eq!(people(&home), known);
    let hub = home.serve();
    assert_eq!(hub.get("/api/v1/people/anna").json()["display"], "Anna Berg");
    hub.terminate();
    let toml = home.path().join("muster.toml").display().to_string();
    let (code, said) = failed(&home.run(&["restore", &toml]));
    assert!(code == 1 && said.contains("muster archive") && said.contains("pg_restore"), "{said}");
}

/// Killed while it copies, it leaves no store; typed once more, it does it.
#[test]
fn a_move_that_is_killed_is_no_store_and_is_done_again() {
    let server = Postgres::start();
    let home = Home::new();
    home.serve().terminate();
    let there = password(&home, &server);
    server.make("home");
    server.say("home", &Postgres::gate("journal", "DELETE"));
    let url = Server::url(&server);
    let typed = ["store", "move", "--to", &url, "--password-file", &there];
    let mut moving = home.muster(&typed).spawn().unwrap();
    let is_held = "SELECT count(*) FROM pg_class WHERE relname = 'journal'";
    while server.say("home", is_held) == "0" {
        assert!(moving.try_wait().unwrap().is_none(), "it ended before it was held");
    }
    moving.kill().unwrap();
    moving.wait().unwrap();
    server.say("home", "DELETE FROM test.gate");
    assert_eq!(server.say("home", "SELECT version FROM schema"), "1000000");
    let store = format!("[store]\nurl = \"{url}\"\npassword_file = \"{there}\"");
    configure(&home, &store);
    for args in [&["who"][..], &["serve", "--listen", "127.0.0.1:0"]] {
        let (_, said) = failed(&home.run(args));
        assert!(said.contains("`muster store move` or `muster restore` into it had"), "{said}");
    }
    configure(&home, "");
    // Whoever was killed is believed to live for some seconds.
    loop {
        let done = home.run(&typed);
        let said = String::from_utf8(done.stderr).unwrap();
        if done.status.success() {
            break;
        }
        assert!(said.contains("already in use"), "{said}");
    }
    configure(&home, &store);
    assert_eq!(people(&home), json!([]));
}
