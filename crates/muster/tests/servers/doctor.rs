//! `muster doctor --store` before there is a store, while a hub writes, and without a server.

use serde_json::Value;

use super::{MariaDb, Postgres, Server, home};

#[test]
fn a_postgresql_server_is_looked_at() {
    let server = Postgres::start();
    server.make("home");
    is_looked_at(server);
}

#[test]
fn a_mariadb_server_is_looked_at() {
    let server = MariaDb::start();
    server.make("home");
    is_looked_at(server);
}

fn is_looked_at(mut server: impl Server) {
    let home = home(&server);
    let ask = || {
        let done = home.run(&["doctor", "--store", "--format", "json"]);
        let text = String::from_utf8(done.stdout).unwrap();
        let all: Value = serde_json::from_str(&text).unwrap_or_else(|it| panic!("{it}: {text}"));
        (done.status.code().unwrap(), all.as_array().unwrap().clone())
    };
    let what = |all: &[Value], part: &str| {
        let found = all.iter().find(|it| it["part"] == part).map(|it| it["what"].to_string());
        found.unwrap_or_else(|| panic!("{part}: {all:?}"))
    };
    let (code, empty) = ask();
    assert_eq!(code, 0, "{empty:?}");
    assert!(what(&empty, "store").contains("is empty"), "{empty:?}");
    assert!(what(&empty, "rights").contains("tables may be made"), "{empty:?}");
    assert!(what(&empty, "clock").contains("as this machine's"), "{empty:?}");

    let hub = home.serve();
    let (code, led) = ask();
    assert_eq!(code, 0, "{led:?}");
    let who = format!("process {} on ", hub.pid());
    assert!(what(&led, "store").contains(&who), "{led:?}");
    drop(hub);
    server.kill();
    let (code, gone) = ask();
    assert_eq!(code, 5, "{gone:?}");
    assert!(what(&gone, "connection").contains("cannot be reached"), "{gone:?}");
}
