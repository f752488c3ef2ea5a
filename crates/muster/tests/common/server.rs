//! A real database server that a hub keeps its store on, of either kind.
//!
//! Whoever wants one takes this in by path: most tests of the program need none.
#![allow(dead_code, reason = "each test binary uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use std::fs;

use super::common::Home;
pub(crate) use mariadb::MariaDb;
pub(crate) use postgres::Postgres;

#[path = "../../../../tests/peers/mariadb.rs"]
mod mariadb;

#[path = "../../../../tests/peers/postgres.rs"]
mod postgres;

/// What both kinds can do.
pub(crate) trait Server {
    fn password(&self) -> &'static str;
    fn url(&self) -> String;
    fn kill(&mut self);
    fn start_again(&mut self);
    fn pause(&self);
    fn go_on(&self);
    /// What the database `home` says.
    fn say(&self, sql: &str) -> String;
}

impl Server for Postgres {
    fn password(&self) -> &'static str {
        Self::PASSWORD
    }

    fn url(&self) -> String {
        format!("postgres://{}@127.0.0.1:{}/home", Self::USER, self.port)
    }

    fn kill(&mut self) {
        self.kill();
    }

    fn start_again(&mut self) {
        self.start_again();
    }

    fn pause(&self) {
        self.pause();
    }

    fn go_on(&self) {
        self.go_on();
    }

    fn say(&self, sql: &str) -> String {
        self.say("home", sql)
    }
}

impl Server for MariaDb {
    fn password(&self) -> &'static str {
        Self::PASSWORD
    }

    fn url(&self) -> String {
        format!("mysql://{}@127.0.0.1:{}/home", Self::USER, self.port)
    }

    fn kill(&mut self) {
        self.kill();
    }

    fn start_again(&mut self) {
        self.start_again();
    }

    fn pause(&self) {
        self.pause();
    }

    fn go_on(&self) {
        self.go_on();
    }

    fn say(&self, sql: &str) -> String {
        self.say("home", sql)
    }
}

/// A home whose store is the server's database `home`.
pub(crate) fn home(server: &(impl Server + ?Sized)) -> Home {
    let home = Home::new();
    let password = home.path().join("password");
    fs::write(&password, format!("{}\n", server.password())).unwrap();
    let file = home.path().join("muster.toml");
    let text = fs::read_to_string(&file).unwrap();
    let url = server.url();
    let store = format!("\n[store]\nurl = \"{url}\"\npassword_file = \"{}\"\n", password.display());
    fs::write(&file, text + &store).unwrap();
    home
}
