//! `[store]`: where things are kept, and for how long.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::value::{DatabaseUrl, FilePath, Length};

/// Where things are kept, and for how long. Without `url` the store is one file, `muster.db` in the data
/// folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StoreSettings {
    /// A database on a server that keeps the store: of `PostgreSQL`, as in
    /// `postgres://muster@db.local/muster`, or of `MariaDB` or `MySQL`, as in
    /// `mysql://muster@db.local/muster`. Through the server's socket on this machine:
    /// `postgres://muster@localhost/muster?socket=/run/postgresql` (its folder),
    /// `mysql://muster@localhost/muster?socket=/run/mysqld/mysqld.sock` (the socket itself).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<DatabaseUrl>,
    /// A file whose first line is the user's password there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_file: Option<FilePath>,
    /// Whether others on the way to the server can read along. Without it: `verify`, but `off` for a
    /// server on this machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    /// A file with the certificates (PEM) of whoever may have signed the server's. Without it: those that
    /// this machine trusts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<FilePath>,
    /// How long facts (who was heard when, how strongly, and who was listening) are kept. Late facts are
    /// merged for 30 days, so they are kept at least that long.
    pub retention_facts: Length<{ 30 * DAY }, { 3_650 * DAY }>,
    /// How long the best reading of each interval is kept, and what reports count by the hour: by far the
    /// most that a fleet keeps. Without it: as long as `retention_journal` says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention_readings: Option<Length<{ 30 * DAY }, { 36_500 * DAY }>>,
    /// How long stays and changes are kept. Without it: for ever. A device that nobody described is
    /// forgotten with its last stay, if its facts are gone as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention_journal: Option<Length<{ 30 * DAY }, { 36_500 * DAY }>>,
    /// Whether readings are kept a second time, a row each, with views on them for the SQL of other
    /// programs: `monitors`, `ble_devices`, `device_sightings`, `sighting_staging`,
    /// `hourly_device_counts` and `recent_device_activity`. They need ten times the room of the readings
    /// alone.
    pub sql_views: bool,
}

impl Default for StoreSettings {
    fn default() -> Self {
        Self {
            url: None,
            password_file: None,
            tls: None,
            ca_file: None,
            retention_facts: Length::secs(30 * DAY),
            retention_readings: None,
            retention_journal: None,
            sql_views: false,
        }
    }
}

impl StoreSettings {
    /// How the connection to a server is kept from others.
    #[must_use]
    pub fn encryption(&self) -> Tls {
        let here = self.url.as_ref().is_some_and(|it| it.get().is_on_this_machine());
        let standard = if here && self.ca_file.is_none() { Tls::Off } else { Tls::Verify };
        self.tls.unwrap_or(standard)
    }

    /// How long the best readings are kept; none: for ever.
    #[must_use]
    pub fn readings_kept(&self) -> Option<Duration> {
        self.retention_readings.or(self.retention_journal).map(Length::get)
    }

    /// What a single value cannot show: keys, and what is wrong with them.
    #[must_use]
    pub fn clashes(&self) -> Vec<(String, String)> {
        let mut out = Vec::new();
        let mut clash = |key: &str, what: &str| {
            out.push((format!("store.{key}"), what.to_owned()));
        };
        let of_servers = [
            ("password_file", self.password_file.is_some()),
            ("tls", self.tls.is_some()),
            ("ca_file", self.ca_file.is_some()),
        ];
        for (key, _) in of_servers.iter().filter(|(_, is_set)| *is_set && self.url.is_none()) {
            clash(key, "only a store on a server needs it: set store.url");
        }
        if self.ca_file.is_some() && self.encryption() != Tls::Verify {
            clash("ca_file", "certificates are checked with store.tls = \"verify\" only");
        }
        let socket = self.url.as_ref().is_some_and(|it| it.get().socket.is_some());
        if socket && self.encryption() != Tls::Off {
            clash("tls", "nobody reads along at a socket of this machine: set store.tls = \"off\"");
        }
        out
    }
}

/// Whether others on the way can read along.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tls {
    /// They can.
    Off,
    /// They cannot, unless they pose as the server: its certificate is not checked.
    Require,
    /// They cannot: the server's certificate is checked, and that it is for this host.
    Verify,
}

const DAY: u64 = 86_400;
