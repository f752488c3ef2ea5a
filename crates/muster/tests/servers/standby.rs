//! Two hubs and one database: one leads, the other one waits, whatever becomes of the first.

use std::{fs, thread};

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::common::{Hub, answered, send};
use super::{MariaDb, Postgres, Server, home};

#[test]
fn another_hub_takes_over_on_postgresql() {
    let server = Postgres::start();
    server.make("home");
    takes_over(&server);
}

#[test]
fn another_hub_takes_over_on_mariadb() {
    let server = MariaDb::start();
    server.make("home");
    takes_over(&server);
}

/// What passes by while it takes over sends no standby away.
#[test]
fn a_standby_that_cannot_read_the_store_waits_on() {
    let server = Postgres::start();
    server.make("home");
    let (home_a, home_b) = (home(&server), home(&server));
    let a = home_a.serve();
    adds(&a, "anna");
    let second = format!(
        "CREATE USER second PASSWORD '{}'; GRANT ALL ON ALL TABLES IN SCHEMA public TO second; \
         REVOKE SELECT ON stay FROM second",
        Postgres::PASSWORD
    );
    server.say("home", &second);
    let file = home_b.path().join("muster.toml");
    let text = fs::read_to_string(&file).unwrap();
    let of = |user: &str| format!("postgres://{user}@");
    let text = text.replace(&of(Postgres::USER), &of("second"));
    fs::write(&file, text).unwrap();
    let mut b = home_b.serve();
    b.until_it_says("standby: already in use");
    a.kill();
    b.until_it_says("the user second may not do that");
    assert_eq!(b.get("/healthz").json()["status"], "standby");
    server.say("home", "GRANT SELECT ON stay TO second");
    b.until_it_says("leads: ");
    adds(&b, "ben");
}

fn person(name: &str) -> Value {
    json!({ "name": name, "display": name })
}

#[track_caller]
fn adds(hub: &Hub, name: &str) {
    let answer = hub.ask("POST", "/api/v1/people", Some(&person(name)));
    assert_eq!(answer.status, 201, "{answer:?}");
}

/// It waits, and tells everybody for whom.
#[track_caller]
fn waits_for(hub: &Hub, leader: &Hub) {
    let who = format!("process {} on ", leader.pid());
    let page = hub.get("/");
    assert_eq!(page.status, 503);
    assert!(page.body.contains("this hub is the standby") && page.body.contains(&who), "{page:?}");
    assert_eq!(hub.ask("POST", "/api/v1/people", Some(&person("nobody"))).status, 503);
    assert_eq!(hub.get("/healthz").json()["status"], "standby");
}

fn takes_over(server: &impl Server) {
    let (home_a, home_b) = (home(server), home(server));
    let a = home_a.serve();
    adds(&a, "anna");
    let mut b = home_b.serve();
    b.until_it_says("standby: ");
    waits_for(&b, &a);
    let asked = home_b.run(&["who"]);
    let told = String::from_utf8(asked.stderr).unwrap();
    assert_eq!(asked.status.code(), Some(5), "{told}");
    assert!(
        told.contains(&format!("standby: already in use by another muster (process {}", a.pid()))
    );

    // Killed: the other one leads, and who comes back waits.
    a.kill();
    b.until_it_says("leads: ");
    adds(&b, "ben");
    let mut a = home_a.serve();
    a.until_it_says("standby: ");
    waits_for(&a, &b);

    // Stopped in the middle of whatever it did, with something to do when it wakes.
    b.signal(Signal::SIGSTOP);
    a.until_it_says("leads: ");
    adds(&a, "carl");
    let late = send(b.address, "POST", "/api/v1/people", Some(&person("dora"))).unwrap();
    let late = thread::spawn(move || answered(late));
    b.signal(Signal::SIGCONT);
    b.until_it_says("overtaken, ");
    b.until_it_says("standby: ");
    let late = late.join().unwrap();
    assert!(late.as_ref().is_none_or(|it| it.status == 503), "{late:?}");
    waits_for(&b, &a);
    adds(&a, "emil");

    // Asked to end: the next one need not wait for anything to lapse.
    let (status, said) = a.terminate();
    assert!(status.success(), "{said}");
    b.until_it_says("leads: ");
    adds(&b, "fred");
    let names = server.say("SELECT name FROM person ORDER BY id");
    assert_eq!(
        names.split_whitespace().collect::<Vec<_>>(),
        ["anna", "ben", "carl", "emil", "fred"]
    );
}
