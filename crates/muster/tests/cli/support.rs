//! A data folder with a small house in it, and the real binary to ask about it.

#![expect(clippy::unwrap_used, reason = "a test may fail in its helpers")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use muster_core::batch::Restored;
use muster_core::directory::{DeviceKind, Edit, Mark};
use muster_core::engine::Engine;
use muster_core::fact::{
    Detail, DetailKind, Fact, FactBody, Listener, Outcome, Probe, Sighting, SourceKind,
};
use muster_core::identity::{DeviceId, Identity, PersonId};
use muster_core::policy::Policy;
use muster_core::ports::Store as _;
use muster_core::span::Span;
use muster_core::step::Step;
use muster_core::time::{Now, Time};
use muster_store::Access;
use muster_store::sqlite::Sqlite;
use tempfile::TempDir;

/// A data folder, and how to ask about it.
pub(crate) struct House {
    folder: TempDir,
    variables: Vec<(String, String)>,
}

/// What a command said.
#[derive(Debug)]
pub(crate) struct Said {
    /// The exit code.
    pub(crate) code: i32,
    /// Standard output, with the folder's name replaced.
    pub(crate) out: String,
    /// Standard error, likewise.
    pub(crate) err: String,
}

impl House {
    /// A folder without a store.
    pub(crate) fn empty() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), variables: Vec::new() }
    }

    /// Six hours of a morning that begins at `start`: Anna's phone is heard in the second and
    /// third hour, Bert's from the third on, the television throughout.
    pub(crate) fn lived_in(start: Time) -> Self {
        let house = Self::empty();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(live(&house.path().join("muster.db"), start));
        house
    }

    /// The morning of Friday, 20 November 2026, from 06:00.
    pub(crate) fn of_a_friday() -> Self {
        Self::lived_in("2026-11-20T06:00:00Z".parse().unwrap())
    }

    /// A morning that ended ten minutes ago.
    #[expect(clippy::disallowed_methods, reason = "the binary asks the machine, so must we")]
    pub(crate) fn until_ten_minutes_ago() -> Self {
        let now = Time::from(jiff::Timestamp::now());
        Self::lived_in(now - Duration::from_mins(370))
    }

    /// Names and sizes of what is in the folder.
    pub(crate) fn listing(&self) -> Vec<(String, u64)> {
        let entries = std::fs::read_dir(self.path()).unwrap().map(Result::unwrap);
        let mut all: Vec<_> = entries
            .map(|it| (it.file_name().into_string().unwrap(), it.metadata().unwrap().len()))
            .collect();
        all.sort();
        all
    }

    /// The data folder.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A file in it.
    pub(crate) fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// The same house with a variable set for every command.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A command that is not started yet.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_muster"));
        command
            .args(args)
            .env_clear()
            .env("MUSTER_DATA", self.path())
            .env("MUSTER__TIME_ZONE", "UTC")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(self.path());
        command
    }

    /// Runs a command to its end.
    pub(crate) fn ask(&self, args: &[&str]) -> Said {
        Said::new(&self.command(args).output().unwrap(), self.path())
    }

    /// What a terminal would show of these commands, and how they ended.
    pub(crate) fn transcript(&self, lines: &[&str]) -> String {
        let shown = lines.iter().flat_map(|line| {
            let said = self.ask(&words(line));
            let mut all = vec![format!("$ muster {line}\n"), said.out];
            let notes = said.err.lines().filter(|it| !it.starts_with("hub not running"));
            all.extend(notes.map(|it| format!("! {it}\n")));
            all.extend((said.code != 0).then(|| format!("! exit {}\n", said.code)));
            all
        });
        shown.collect()
    }

    /// Runs a command that must do it, and gives what it printed.
    #[track_caller]
    pub(crate) fn tell(&self, args: &[&str]) -> String {
        let said = self.ask(args);
        assert_eq!(said.code, 0, "{args:?}: {said:?}");
        said.out
    }
}

impl Said {
    fn new(output: &Output, folder: &Path) -> Self {
        let text =
            |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(folder.to_str().unwrap(), "DATA");
        Self {
            code: output.status.code().unwrap_or(-1),
            out: text(&output.stdout),
            err: text(&output.stderr),
        }
    }
}

/// Anna's phone.
pub(crate) const ANNAS: &str = "mac:b8:27:eb:01:02:03";
/// Bert's phone; it chose its address at random.
pub(crate) const BERTS: &str = "mac:da:a1:19:00:00:01";
/// The television.
pub(crate) const TELEVISION: &str = "mac:00:1e:c2:0a:0b:0c";

/// The words of a line, as a shell makes them; only double quotes are known.
pub(crate) fn words(line: &str) -> Vec<&str> {
    let quoted = line.split('"').enumerate();
    quoted
        .flat_map(|(at, part)| match at % 2 {
            0 => part.split_whitespace().collect(),
            _ => vec![part],
        })
        .collect()
}

async fn live(file: &Path, start: Time) {
    let store = Sqlite::open(file, Access::ReadWrite).await.unwrap();
    let since = Engine::since(&Policy::default(), start);
    let restored = Restored { since, frontier: start, ..Restored::default() };
    let at = |minute: u64| Now {
        mono: Duration::from_hours(1) + Duration::from_mins(minute),
        wall: start + Duration::from_mins(minute),
    };
    let mut step = Step::new(Engine::new(Policy::default(), restored, at(0)), at(0));
    for minute in 1..=360 {
        let now = at(minute);
        let intake = step.handle_facts(heard(minute, at(minute - 1).wall, now.wall), now);
        assert_eq!(intake.refused, []);
        if minute == 130 {
            for edit in told(start) {
                step.handle_edit(edit, None, now).unwrap();
            }
        }
        step.handle_timeout(now);
        if minute == 360 {
            step.flush();
        }
        while let Some(batch) = step.poll_commit(now) {
            step.handle_committed(store.commit(&batch).await.unwrap());
        }
    }
}

/// What is noticed in one minute, coverage last.
fn heard(minute: u64, from: Time, to: Time) -> Vec<Fact> {
    let identity = |text: &str| text.parse::<Identity>().unwrap();
    let seen = |text: &str| {
        FactBody::Sighting(Sighting { identity: identity(text), at: from, rssi: None })
    };
    let detail = |text: &str, kind, value: &str| {
        FactBody::Detail(Detail { identity: identity(text), at: from, kind, value: value.into() })
    };
    let mut bodies = vec![seen(TELEVISION)];
    if minute == 1 {
        bodies.push(detail(TELEVISION, DetailKind::Hostname, "kitchen-tv"));
        bodies.push(detail(TELEVISION, DetailKind::Ipv4, "192.168.1.40"));
    }
    match minute {
        61..=180 => bodies.push(seen(ANNAS)),
        181.. => bodies.push(FactBody::Probe(Probe {
            identity: identity(ANNAS),
            at: from,
            outcome: Outcome::Silent,
        })),
        _ => {}
    }
    if minute == 61 {
        bodies.push(detail(ANNAS, DetailKind::Hostname, "annas-phone"));
        bodies.push(detail(ANNAS, DetailKind::Ipv4, "192.168.1.23"));
    }
    if minute > 120 {
        bodies.push(seen(BERTS));
    }
    bodies.push(FactBody::Coverage(Span::new(from, to)));
    let listener = Arc::new(Listener::new("hub", SourceKind::Lan, "eth0"));
    bodies.into_iter().map(|body| Fact { listener: Arc::clone(&listener), body }).collect()
}

/// What people say of it.
fn told(start: Time) -> Vec<Edit> {
    let person = |name: &str, display: &str| Edit::AddPerson {
        name: name.to_owned(),
        display: display.to_owned(),
    };
    let describe = |device, name: &str, kind, mark| Edit::EditDevice {
        device: DeviceId(device),
        name: Some(name.to_owned()),
        kind: Some(kind),
        mark: Some(mark),
        carried: None,
    };
    let assign = |device, owner| Edit::Assign {
        device: DeviceId(device),
        person: Some(PersonId(owner)),
        from: start,
    };
    vec![
        person("anna", "Anna Berg"),
        person("bert", ""),
        describe(2, "Anna's phone", DeviceKind::Phone, Mark::Normal),
        describe(3, "", DeviceKind::Phone, Mark::Normal),
        describe(1, "", DeviceKind::Media, Mark::Infrastructure),
        assign(2, 1),
        assign(3, 2),
    ]
}
