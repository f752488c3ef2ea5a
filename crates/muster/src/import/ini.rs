//! What a BLE Monitor's `config.ini` says, as the configuration of a Muster on the same machine.
//!
//! **Invariant:** every key is accounted for, by a setting or by a sentence that says where its matter went,
//! and no value is repeated but those of the keys that are known: a password is in none of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use muster_config::ble::Rhythm;
use muster_config::value::MonitorName;
use muster_core::legible::is_legible;

/// Why a file is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unread {
    #[error("line {line} is neither [section] nor key = value")]
    Line { line: usize },
    #[error("line {line} is before the first [section]")]
    NoSection { line: usize },
    #[error("line {line} goes on with the value of the line before: put it into one line")]
    GoesOn { line: usize },
    #[error("line {line} says again what was said before: {key}")]
    Twice { line: usize, key: String },
    #[error("it has no section [monitor]")]
    NoMonitor,
}

/// The values by section and key, both in small letters.
#[derive(Debug, Default)]
struct Ini(BTreeMap<(String, String), String>);

/// The text of a `muster.toml` for it.
pub(crate) fn converted(text: &str) -> Result<String, Unread> {
    let mut ini = Ini::read(text)?;
    let mut out = String::from("# What a BLE Monitor's config.ini said.\n\n");
    let name = ini.monitor(&mut out);
    ini.location(&mut out, &name);
    ini.matters(&mut out, "monitor", OF_MONITORS);
    ini.rhythm(&mut out);
    ini.database(&mut out);
    for (section, key) in ini.0.keys() {
        let known = if is_legible(section) && is_legible(key) { "" } else { " (not legible)" };
        let (section, key) = if known.is_empty() { (&**section, &**key) } else { ("", "") };
        line(&mut out, format_args!("# Not known, and left out: {section}.{key}{known}"));
    }
    Ok(out)
}

impl Ini {
    fn read(text: &str) -> Result<Self, Unread> {
        let mut ini = Self::default();
        let (mut section, mut has_monitor) = (String::new(), false);
        for (number, it) in (1..).zip(text.lines()) {
            let it = it.trim_start_matches('\u{feff}').trim_end();
            if it.trim_start().is_empty() || it.trim_start().starts_with(['#', ';']) {
                continue;
            }
            if let Some(name) = it.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
                section = name.trim().to_lowercase();
                has_monitor |= section == "monitor";
                continue;
            }
            if section.is_empty() {
                return Err(Unread::NoSection { line: number });
            }
            if it.starts_with(char::is_whitespace) {
                return Err(Unread::GoesOn { line: number });
            }
            let (key, value) = it
                .split_once(['=', ':'])
                .filter(|(key, _)| !key.trim().is_empty())
                .ok_or(Unread::Line { line: number })?;
            let key = (section.clone(), key.trim().to_lowercase());
            if ini.0.insert(key.clone(), value.trim().to_owned()).is_some() {
                let known = if is_legible(&key.1) { key.1 } else { "(not legible)".to_owned() };
                return Err(Unread::Twice { line: number, key: known });
            }
        }
        if has_monitor { Ok(ini) } else { Err(Unread::NoMonitor) }
    }

    fn take(&mut self, section: &str, key: &str) -> Option<String> {
        self.0.remove(&(section.to_owned(), key.to_owned()))
    }

    /// The name, which is also that of an imported monitor.
    fn monitor(&mut self, out: &mut String) -> String {
        let name = self.take("monitor", "name");
        match name.as_deref().map(str::parse::<MonitorName>) {
            Some(Ok(name)) => {
                line(out, format_args!("monitor = \"{name}\""));
                name.to_string()
            }
            Some(Err(wrong)) => {
                line(out, format_args!("# name: {}", plain(&wrong.to_string())));
                line(out, format_args!("monitor = \"hub\""));
                "hub".to_owned()
            }
            None => {
                line(out, format_args!("monitor = \"hub\""));
                "hub".to_owned()
            }
        }
    }

    fn location(&mut self, out: &mut String, monitor: &str) {
        let location = self.take("monitor", "location").filter(|it| !it.is_empty());
        if let Some(location) = location {
            line(
                out,
                format_args!(
                    "# location: places are in the store, not here. An import brings them, or:"
                ),
            );
            line(out, format_args!("#   muster monitor place {monitor} {}", quoted(&location)));
        }
    }

    /// Keys whose matter went elsewhere.
    fn matters(&mut self, out: &mut String, section: &str, all: &[(&str, &str)]) {
        for (key, what) in all {
            if self.take(section, key).is_some() {
                line(out, format_args!("# {key}: {what}"));
            }
        }
    }

    /// How long it scans, and how often.
    fn rhythm(&mut self, out: &mut String) {
        let every = self.take("monitor", "scan_interval_seconds");
        let length = self.take("monitor", "scan_duration_seconds");
        if every.is_none() && length.is_none() {
            return;
        }
        let number = |it: &Option<String>, standard| match it {
            None => Some(standard),
            Some(it) => it.parse::<u64>().ok(),
        };
        let told = number(&length, 10).zip(number(&every, 300));
        let named = told.and_then(|(length, every)| {
            let is_it = |it: &&Rhythm| {
                it.duty()
                    .is_some_and(|it| (it.listens.as_secs(), it.every.as_secs()) == (length, every))
            };
            RHYTHMS.iter().find(is_it).map(|_| format!("{length}s in {every}s"))
        });
        out.push('\n');
        line(out, format_args!("[sources.ble]"));
        if let Some(named) = named {
            line(out, format_args!("scan = \"{named}\""));
            return;
        }
        if let Some((length, every)) = told {
            line(
                out,
                format_args!(
                    "# {length} s in {every} s is no rhythm here; all the time hears more, and 30s in 60s, \
                 10s in 60s, 30s in 300s and 10s in 300s are the others."
                ),
            );
        }
        let keys = [("scan_interval_seconds", every), ("scan_duration_seconds", length)];
        for (key, _) in keys.iter().filter(|(_, it)| number(it, 0).is_none()) {
            line(out, format_args!("# {key}: it is no whole number."));
        }
        line(out, format_args!("scan = \"continuous\""));
    }

    /// Where the store may be, if it is to stay on that server.
    fn database(&mut self, out: &mut String) {
        let host = self.take("database", "host");
        let port = self.take("database", "port");
        let user = self.take("database", "user");
        let database = self.take("database", "database");
        let password = self.take("database", "password");
        if [&host, &port, &user, &database, &password].iter().all(|it| it.is_none()) {
            return;
        }
        out.push('\n');
        let is_port = |it: &u16| *it != 0;
        let port = port.map(|it| it.parse::<u16>().ok().filter(is_port));
        if port == Some(None) {
            line(out, format_args!("# port: it is no number from 1 to 65535; 3306 is taken."));
        }
        let port = port.flatten().filter(|it| *it != 3306);
        let port = port.map_or(String::new(), |it| format!(":{it}"));
        let mut word = |it: Option<String>, key: &str| {
            let standard = key.to_uppercase();
            let sound = |it: char| it.is_ascii_alphanumeric() || "_.-".contains(it);
            let Some(given) = it.filter(|it| !it.is_empty()) else { return standard };
            if given.chars().all(sound) {
                return given;
            }
            line(
                out,
                format_args!(
                    "# {key}: it has more than letters, digits, _, . and -; put it in for {standard}."
                ),
            );
            standard
        };
        let (host, user) = (word(host, "host"), word(user, "user"));
        let database = word(database, "database");
        line(
            out,
            format_args!(
                "# Only the hub speaks with a database, and it needs none. What is in this one comes along by:"
            ),
        );
        line(
            out,
            format_args!(
                "#   muster import ble-monitor --database mysql://{user}@{host}{port}/{database}"
            ),
        );
        line(
            out,
            format_args!("# To keep the store on that server, give it a database of its own:"),
        );
        line(out, format_args!("#   [store]"));
        line(out, format_args!("#   url = \"mysql://{user}@{host}{port}/muster\""));
        line(out, format_args!("#   password_file = \"/etc/muster/password\""));
        line(out, format_args!("#   sql_views = true"));
        if password.is_some() {
            line(
                out,
                format_args!("# password: it belongs into a file that the hub alone may read."),
            );
        }
    }
}

fn line(out: &mut String, what: std::fmt::Arguments<'_>) {
    // A text takes whatever is written.
    out.write_fmt(what).ok();
    out.push('\n');
}

/// In one line of a comment.
fn plain(text: &str) -> &str {
    if is_legible(text) { text } else { "it is not legible" }
}

/// For a shell.
fn quoted(text: &str) -> String {
    if is_legible(text) { format!("'{}'", text.replace('\'', "'\\''")) } else { "PLACE".to_owned() }
}

const OF_MONITORS: &[(&str, &str)] = &[
    ("description", "there is nothing like it."),
    ("process_intervals", "no monitor has that role: readings merge as they come, in the hub."),
    ("processor_wait_seconds", "nothing is waited for: what comes late is merged."),
    ("log_level", "the hub says more with --verbose, and less with --quiet."),
];
const RHYTHMS: [Rhythm; 4] = [
    Rhythm::HalfOfAMinute,
    Rhythm::SixthOfAMinute,
    Rhythm::TenthOfFiveMinutes,
    Rhythm::ThirtiethOfFiveMinutes,
];

#[cfg(test)]
mod tests {
    use muster_config::Config;
    use muster_sim::damage::damage;

    use super::*;

    const EXAMPLE: &str = "[monitor]
name = RPi_Monitor_01
location = Anna's Room
scan_interval_seconds = 300
scan_duration_seconds = 10
process_intervals = true
processor_wait_seconds = 60
log_level = INFO
; who knows
extra = hush

[database]
host = db.local
port = 3307
user = ble_user
password = hush
database = ble_monitor
";

    #[test]
    fn every_key_is_accounted_for_and_the_password_is_not_told() {
        let out = converted(EXAMPLE).unwrap();
        let config: Config = toml::from_str(&out).unwrap();
        assert_eq!(config.monitor.to_string(), "RPi_Monitor_01");
        assert_eq!(config.sources.ble.scan, Rhythm::ThirtiethOfFiveMinutes);
        assert!(!out.contains("hush"), "{out}");
        for part in [
            "muster monitor place RPi_Monitor_01 'Anna'\\''s Room'",
            "# process_intervals: no monitor has that role",
            "# processor_wait_seconds: nothing is waited for",
            "# log_level: ",
            "mysql://ble_user@db.local:3307/ble_monitor",
            "# password: it belongs into a file",
            "# Not known, and left out: monitor.extra",
        ] {
            assert!(out.contains(part), "{part}: {out}");
        }
        // What is commented out is right, too.
        let commented = out.lines().filter_map(|it| it.strip_prefix("#   "));
        let store: Vec<&str> = commented.filter(|it| !it.starts_with("muster ")).collect();
        let config: Config = toml::from_str(&store.join("\n")).unwrap();
        assert!(config.store.sql_views && config.store.url.is_some());
    }

    #[test]
    fn a_rhythm_that_is_none_is_said() {
        let of = |every: &str, length: &str| {
            let text = format!(
                "[monitor]\nscan_interval_seconds={every}\nscan_duration_seconds: {length}\n"
            );
            converted(&text).unwrap()
        };
        assert!(of("60", "30").contains("scan = \"30s in 60s\""));
        let other = of("180", "8");
        assert!(other.contains("# 8 s in 180 s is no rhythm"), "{other}");
        assert!(other.contains("scan = \"continuous\""), "{other}");
        let wrong = of("often", "8");
        assert!(wrong.contains("# scan_interval_seconds: it is no whole number"), "{wrong}");
        assert!(!wrong.contains("scan_duration_seconds") && !wrong.contains("often"), "{wrong}");
        toml::from_str::<Config>(&wrong).unwrap();
    }

    #[test]
    fn every_key_of_the_database_is_accounted_for() {
        let of = |keys: &str| converted(&format!("[monitor]\n[database]\n{keys}\n")).unwrap();
        for (keys, told) in [
            ("password = hush", "# password: it belongs into a file"),
            ("port = 3307", "mysql://USER@HOST:3307/DATABASE"),
            ("port = 3306", "mysql://USER@HOST/DATABASE"),
            ("port = many", "# port: it is no number from 1 to 65535; 3306 is taken."),
            ("port = 0", "# port: it is no number"),
            ("host = hush@db", "# host: it has more than letters"),
        ] {
            let out = of(keys);
            assert!(out.contains(told) && !out.contains("hush"), "{keys}: {out}");
            toml::from_str::<Config>(&out).unwrap();
        }
        assert!(!of("").contains("database"));
    }

    #[test]
    fn what_is_no_such_file_is_said() {
        let wrong = |text: &str| converted(text).unwrap_err().to_string();
        assert_eq!(wrong(""), "it has no section [monitor]");
        assert_eq!(wrong("[monitor]\nname"), "line 2 is neither [section] nor key = value");
        assert_eq!(wrong("name = x"), "line 1 is before the first [section]");
        let goes_on = wrong("[monitor]\nname = x\n  y = z");
        assert!(goes_on.starts_with("line 3 goes on with the value"), "{goes_on}");
        let twice = wrong("[monitor]\nname = x\nNAME = y");
        assert_eq!(twice, "line 3 says again what was said before: name");
    }

    #[test]
    fn whatever_it_says_the_answer_is_a_configuration() {
        for name in ["a b", "\u{1b}[31m", "\"\nx = 1", "", "ü"] {
            let text = format!("[monitor]\nname = {name}\nlocation = {name}\n{name} = 1\n");
            let Ok(out) = converted(&text) else { continue };
            let config: Config = toml::from_str(&out).unwrap();
            assert_eq!(config.monitor.to_string(), "hub", "{out}");
        }
        damage(33, 20_000, &[EXAMPLE.into()], |_, bytes| {
            let Ok(out) = converted(&String::from_utf8_lossy(bytes)) else { return };
            toml::from_str::<Config>(&out).unwrap();
            assert!(out.lines().all(|it| it.is_empty() || is_legible(it)), "{out:?}");
        });
    }
}
