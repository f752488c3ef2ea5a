//! Where a database on a server is.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use muster_core::legible::is_legible;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::Wrong;

text! {
    /// A database on a server: `postgres://USER@HOST:PORT/DATABASE`, or `mysql://`.
    DatabaseUrl(Database), |text| {
        // What somebody wrote as a password is not shown again.
        let before = text.rsplit_once('@').and_then(|(it, _)| it.split_once("://"));
        if before.is_some_and(|(_, user)| user.contains(':')) {
            return Err(Wrong::new("a password in it", "right: write it into a file, and the file's path \
                                                       into store.password_file"));
        }
        Database::read(text).ok_or_else(|| {
            Wrong::new(text, "a database on a server, as in postgres://muster@db.local/muster, \
                              mysql://muster@db.local/muster or \
                              postgres://muster@localhost/muster?socket=/run/postgresql")
        })
    }
}

impl DatabaseUrl {
    /// The database itself.
    #[must_use]
    pub fn get(&self) -> &Database {
        &self.0
    }
}

/// A database on a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Database {
    /// The kind of server.
    pub kind: ServerKind,
    /// Whom the server knows us as.
    pub user: Box<str>,
    /// A name or an address, of IPv6 without brackets.
    pub host: Box<str>,
    /// The port, if it is told.
    pub port: Option<u16>,
    /// Where the server's socket on this machine is, instead of the network.
    pub socket: Option<Box<str>>,
    /// The database's name.
    pub name: Box<str>,
}

/// A kind of server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerKind {
    /// `PostgreSQL`.
    Postgres,
    /// `MariaDB`, or `MySQL`.
    MariaDb,
}

impl ServerKind {
    /// The port on which it listens unless told otherwise.
    #[must_use]
    pub const fn port(self) -> u16 {
        match self {
            Self::Postgres => 5432,
            Self::MariaDb => 3306,
        }
    }

    const fn scheme(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::MariaDb => "mysql",
        }
    }
}

impl Database {
    /// Whether nobody is in between: through a socket, or an address of this machine alone.
    #[must_use]
    pub fn is_on_this_machine(&self) -> bool {
        let is_loopback = self.host.parse::<IpAddr>().is_ok_and(|it| it.is_loopback());
        self.socket.is_some() || is_loopback || &*self.host == "localhost"
    }

    fn read(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let kind = [ServerKind::Postgres, ServerKind::MariaDb]
            .into_iter()
            .find(|it| it.scheme() == scheme)?;
        let (user, rest) = rest.split_once('@')?;
        let (place, rest) = rest.split_once('/')?;
        let (name, socket) = match rest.split_once("?socket=") {
            Some((name, socket)) if socket.starts_with('/') && sound(socket, "/_-.") => {
                (name, Some(socket.into()))
            }
            Some(_) => return None,
            None => (rest, None),
        };
        let (host, port) = match place.strip_prefix('[') {
            Some(rest) => {
                let (host, port) = rest.split_once(']')?;
                host.parse::<std::net::Ipv6Addr>().ok()?;
                (host, port)
            }
            None => place.split_at(place.find(':').unwrap_or(place.len())),
        };
        let port = match port.strip_prefix(':') {
            Some(number) => Some(number.parse().ok().filter(|it| *it > 0)?),
            None if port.is_empty() => None,
            None => return None,
        };
        let named = sound(user, "_-.") && sound(name, "_-.") && sound(host, "_-.:");
        let (user, host, name) = (user.into(), host.into(), name.into());
        named.then_some(Self { kind, user, host, port, socket, name })
    }
}

/// Letters and digits of any language, and some more; nothing that a URL would have to escape.
fn sound(text: &str, more: &str) -> bool {
    let fits = |it: char| it.is_alphanumeric() || more.contains(it);
    (1..=128).contains(&text.len()) && is_legible(text) && text.chars().all(fits)
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}@", self.kind.scheme(), self.user)?;
        if self.host.contains(':') {
            write!(f, "[{}]", self.host)?;
        } else {
            f.write_str(&self.host)?;
        }
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        write!(f, "/{}", self.name)?;
        match &self.socket {
            Some(path) => write!(f, "?socket={path}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_come_back_as_they_were_written() {
        for (text, port, here) in [
            ("postgres://muster@db.local/muster", None, false),
            ("postgres://muster@127.0.0.1:5433/home", Some(5433), true),
            ("postgres://anna_b@[fd00::7]:5432/home-2", Some(5432), false),
            ("postgres://anna@[::1]/home", None, true),
            ("mysql://muster@db.local:3307/home", Some(3307), false),
            ("postgres://anna@localhost/home?socket=/run/postgresql", None, true),
        ] {
            let url: DatabaseUrl = text.parse().unwrap();
            assert_eq!(url.to_string(), text);
            assert_eq!((url.get().port, url.get().is_on_this_machine()), (port, here), "{text}");
        }
    }

    #[test]
    fn what_is_no_url_of_a_database_is_refused() {
        for text in [
            "",
            "sqlite",
            "postgres://",
            "postgres://db/home",
            "postgres://anna@db",
            "postgres://anna@db/",
            "postgres://@db/home",
            "postgres://anna@/home",
            "postgres://anna@db:0/home",
            "postgres://anna@db:x/home",
            "postgres://anna@[db]/home",
            "postgres://anna@[::1]5432/home",
            "postgres://anna@db/home?sslmode=disable",
            "postgres://anna@db/home?socket=run",
            "postgres://anna@db/ho me",
            "oracle://anna@db/home",
        ] {
            let wrong = text.parse::<DatabaseUrl>().unwrap_err().to_string();
            assert!(wrong.contains("a database on a server"), "{wrong}");
        }
    }

    #[test]
    fn a_password_is_neither_taken_nor_shown() {
        for text in ["postgres://anna:s3cret@db/home", "postgres://anna:s3/c@ret@db/home"] {
            let wrong = text.parse::<DatabaseUrl>().unwrap_err().to_string();
            assert!(!wrong.contains("s3") && wrong.contains("store.password_file"), "{wrong}");
        }
    }
}
