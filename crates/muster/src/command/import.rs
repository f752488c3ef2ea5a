//! `muster import`: what another system kept comes along, while no hub runs.
//!
//! Rows are read in pieces and stored in pieces, each with how far it came, so that an interrupted import
//! goes on where it stopped, and one that is run again brings what is new.

use std::fs::File;
use std::io::{self, BufRead as _, IsTerminal as _, Read as _, Write as _, stdin};
use std::path::Path;

use jiff::tz::TimeZone;
use muster_config::store::StoreSettings;
use muster_config::value::{DatabaseUrl, ServerKind, Wrong};
use muster_core::legible::is_legible;
use muster_core::ports::{Store, StoreError};
use muster_store::Access;
use muster_store::mariadb::ble_monitor::{BleMonitor, Sightings};
use muster_store::server::{Address, Secret};
use nix::sys::termios::{LocalFlags, SetArg, tcgetattr, tcsetattr};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::cli::{BleMonitorArgs, ImportCommand};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::folder::Folder;
use crate::import::{Came, Import, ini};
use crate::output::{Output, aside, ask, put};
use crate::password;
use crate::privileges;
use crate::registry;
use crate::shelf::{Shelf, exit};

/// Runs the command.
pub(crate) fn run(context: &Context, command: &ImportCommand) -> Result<(), Failure> {
    match command {
        ImportCommand::BleMonitor(args) => ble_monitor(context, args),
        ImportCommand::BleMonitorConfig { file, write } => {
            convert(&Output::new(context)?, file, write.as_deref())
        }
    }
}

/// Turns a configuration into ours.
fn convert(output: &Output, file: &Path, write: Option<&Path>) -> Result<(), Failure> {
    let unread = |exit, it: anyhow::Error| {
        Failure::new(exit, format!("cannot read: {}", file.display())).because(it)
    };
    let mut bytes = Vec::new();
    let read = File::open(file).and_then(|it| it.take(LONGEST_INI + 1).read_to_end(&mut bytes));
    let read = read.map_err(|it| {
        let is_missing = it.kind() == io::ErrorKind::NotFound;
        unread(if is_missing { Exit::NotFound } else { Exit::Failed }, it.into())
    })?;
    if read as u64 > LONGEST_INI {
        let why = anyhow::anyhow!("it has more than {LONGEST_INI} bytes, which no config.ini has");
        return Err(unread(Exit::Usage, why));
    }
    let text = String::from_utf8(bytes);
    let text = text.map_err(|_| unread(Exit::Usage, anyhow::anyhow!("it is no text in UTF-8")))?;
    let converted = ini::converted(&text).map_err(|it| unread(Exit::Usage, it.into()))?;
    let Some(to) = write else { return put(&converted) };
    let unwritten = |it: io::Error| {
        Failure::new(Exit::Failed, format!("cannot write: {}", to.display())).because(it)
    };
    let mut made = File::create_new(to).map_err(unwritten)?;
    made.write_all(converted.as_bytes()).map_err(unwritten)?;
    let to = to.display().to_string();
    output.done(&format!("written: {to}"), &json!({ "to": to }))
}

fn ble_monitor(context: &Context, args: &BleMonitorArgs) -> Result<(), Failure> {
    let output = Output::new(context)?;
    if context.config()?.config.privacy.pseudonyms {
        let what = "the old rows hold the addresses of strangers, who are known by pseudonyms here";
        let hint = "do without them, or say pseudonyms = false in [privacy] until they are there";
        return Err(Failure::new(Exit::Usage, what).hint(hint));
    }
    let (zone, name) = zone(context, args)?;
    if args.time_zone.is_none() {
        output.note(&format!(
            "its times say no time zone, so they are taken for those of {name}; if that is wrong, stop \
             this and say --time-zone ZONE"
        ));
    }
    // Before rights are given up, with which its file may have to be read.
    let address = address(args)?;
    let data = context.data()?;
    privileges::act_as_maker(&data)?;
    let folder = Folder::take(&data)?;
    let settings = &context.config()?.config.store;
    let shelf = Shelf::of(settings, folder.path());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|it| Failure::new(Exit::Failed, "cannot start threads").because(it))?;
    let came = runtime.block_on(async {
        let mut old = BleMonitor::open(address).await.map_err(unread)?;
        let kept = shelf.open(Access::ReadWrite).await.map_err(|it| shelf.unreadable(it))?.store;
        let now = context.clock.now().wall;
        let restored = kept.restore(now).await.map_err(|it| shelf.unreadable(it))?;
        let mut import = Import::new(restored, zone, now);
        let mark = mark(&args.database, &name);
        let bringing = Bringing {
            import: &mut import,
            store: &*kept,
            shelf: &shelf,
            context,
            output: &output,
        };
        let brought = bringing.bring(&mut old, &mark).await;
        let closed = kept.close().await.map_err(|it| shelf.unreadable(it));
        brought?;
        closed?;
        old.close().await.map_err(unread)?;
        Ok::<Came, Failure>(import.came().clone())
    })?;
    summary(&output, &came)
}

/// Rows on their way.
struct Bringing<'a> {
    import: &'a mut Import,
    store: &'a dyn Store,
    shelf: &'a Shelf<'a>,
    context: &'a Context,
    output: &'a Output,
}

impl Bringing<'_> {
    /// Brings everything, in pieces.
    async fn bring(mut self, old: &mut BleMonitor, mark: &str) -> Result<(), Failure> {
        let mut after = i64::MIN;
        loop {
            let rows = old.monitors(after, PIECE).await.map_err(unread)?;
            let Some(last) = rows.last() else { break };
            after = further(after, last.id)?;
            for it in &rows {
                self.import.monitor(it);
            }
        }
        after = i64::MIN;
        loop {
            let rows = old.devices(after, PIECE).await.map_err(unread)?;
            let Some(last) = rows.last() else { break };
            after = further(after, last.id)?;
            for it in &rows {
                self.import.device(it);
            }
            self.store().await?;
        }
        self.store().await?;
        for (of, word) in [(Sightings::Best, "best"), (Sightings::Staged, "staged")] {
            self.sightings(old, of, word, &format!("{mark}-{word}")).await?;
        }
        Ok(())
    }

    async fn sightings(
        &mut self,
        old: &mut BleMonitor,
        of: Sightings,
        word: &str,
        mark: &str,
    ) -> Result<(), Failure> {
        let begin = self.store.cursor(mark).await.map_err(|it| self.unstored(it))?;
        // Where fewer rows are than there were, they are others.
        let last = old.last(of).await.map_err(unread)?;
        let begin = begin.filter(|it| last.is_some_and(|last| *it <= last));
        let mut after = begin.map_or(i64::MIN, |it| it.saturating_sub(AGAIN));
        if let Some(begin) = begin {
            self.output.note(&format!(
                "goes on shortly before the {word} sighting that came last: {begin}"
            ));
        }
        let (mut told, mut is_held) = (0, false);
        loop {
            let rows = old.sightings(of, after, PIECE).await.map_err(unread)?;
            let Some(last) = rows.last() else { break };
            after = further(after, last.id)?;
            self.import.until(self.context.clock.now().wall);
            let early = rows.iter().find(|it| self.import.is_early(it));
            for it in &rows {
                self.import.sighting(it);
            }
            self.store().await?;
            if !is_held {
                // Behind its rows: whoever stops in between brings them twice, which is once. And before
                // the first one that will come another time, however many are behind that.
                let cursor = early.map_or(after, |it| it.id - 1);
                self.store.set_cursor(mark, cursor).await.map_err(|it| self.unstored(it))?;
            }
            is_held |= early.is_some();
            let came = self.import.came().sightings;
            if came / TELL_EVERY > told {
                told = came / TELL_EVERY;
                self.output.note(&format!("{came} sightings so far"));
            }
        }
        Ok(())
    }

    async fn store(&mut self) -> Result<(), Failure> {
        self.store.commit(&self.import.take()).await.map_err(|it| self.unstored(it))?;
        Ok(())
    }

    fn unstored(&self, error: StoreError) -> Failure {
        let is_for_now = matches!(error, StoreError::Unavailable { .. });
        let failure = self.shelf.unreadable(error);
        let again = "type it again when that is mended, and it goes on there";
        if is_for_now { failure.hint(again) } else { failure }
    }
}

/// Rows come by number: who gives the same again would go on for ever.
fn further(after: i64, last: i64) -> Result<i64, Failure> {
    if last <= after {
        let what = format!("the old database gives rows again that were there: {last}");
        return Err(Failure::new(Exit::Failed, what));
    }
    Ok(last)
}

fn summary(output: &Output, came: &Came) -> Result<(), Failure> {
    for (why, (count, example)) in &came.refused {
        output.note(&format!("left out, {count} {why}, as in: {}", shown(example)));
    }
    if let Some((count, example)) = &came.foreign {
        output.note(&format!(
            "{count} monitors keep names that none of muster can have (1 to 64 letters, digits, _, . and -), \
             so what listens there from now on is called otherwise, as in: {}",
            shown(example)
        ));
    }
    if came.ambiguous > 0 {
        output.note(&format!(
            "{} sightings of an hour that clocks showed twice were taken for those of the first",
            came.ambiguous
        ));
    }
    let Came { monitors, devices, sightings, .. } = came;
    let refused: serde_json::Map<_, _> =
        came.refused.iter().map(|(why, it)| (why.to_string(), json!(it.0))).collect();
    output.done(
        &format!("{monitors} monitors, {devices} devices and {sightings} sightings are there"),
        &json!({ "monitors": monitors, "devices": devices, "sightings": sightings,
            "ambiguous": came.ambiguous, "foreign_names": came.foreign.as_ref().map_or(0, |it| it.0),
            "left_out": refused }),
    )
}

/// What came from outside, for people.
fn shown(example: &str) -> String {
    if is_legible(example) { example.to_owned() } else { "(not legible)".into() }
}

fn zone(context: &Context, args: &BleMonitorArgs) -> Result<(TimeZone, String), Failure> {
    let zone = match &args.time_zone {
        // Whoever could say that it is wrong does not read along.
        None if !stdin().is_terminal() => {
            let what = "say in which time zone the clocks of the old monitors were";
            return Err(Failure::new(Exit::Usage, what).hint("--time-zone Europe/Berlin"));
        }
        None => context.config()?.config.zone(),
        Some(name) => TimeZone::get(name).map_err(|it| {
            let what = format!("there is no such time zone: {name}");
            Failure::new(Exit::Usage, what).because(it).hint("--time-zone Europe/Berlin")
        })?,
    };
    let name = zone.iana_name().map_or_else(|| "this machine".to_owned(), ToOwned::to_owned);
    Ok((zone, name))
}

fn address(args: &BleMonitorArgs) -> Result<Address, Failure> {
    let wrong = |it: String| Failure::new(Exit::Usage, it).hint(EXAMPLE);
    let url: DatabaseUrl = args.database.parse().map_err(|it: Wrong| wrong(it.to_string()))?;
    if url.get().kind != ServerKind::MariaDb {
        return Err(wrong(format!("a BLE Monitor keeps its rows on MariaDB or MySQL: {url}")));
    }
    let settings =
        StoreSettings { tls: args.tls, url: Some(url.clone()), ..StoreSettings::default() };
    let mut address = registry::address(&settings, url.get()).map_err(unread)?;
    address.password = match &args.password_file {
        Some(file) => Some(password::read(file, "--password-file").map_err(unread)?),
        None => asked(&address.user)?,
    };
    Ok(address)
}

/// Asks for the password where somebody sits who can type one; it is not shown.
fn asked(user: &str) -> Result<Option<Secret>, Failure> {
    let input = stdin();
    if !input.is_terminal() {
        return Ok(None);
    }
    let unread = |it: io::Error| Failure::new(Exit::Failed, "cannot read the password").because(it);
    let before = tcgetattr(&input).map_err(|it| unread(it.into()))?;
    let mut hidden = before.clone();
    hidden.local_flags.remove(LocalFlags::ECHO);
    ask(&format!("password of {user} (it is not shown): "));
    tcsetattr(&input, SetArg::TCSAFLUSH, &hidden).map_err(|it| unread(it.into()))?;
    let mut line = String::new();
    let read = input.lock().take(LONGEST_PASSWORD).read_line(&mut line);
    tcsetattr(&input, SetArg::TCSAFLUSH, &before).map_err(|it| unread(it.into()))?;
    aside("");
    read.map_err(unread)?;
    Ok(Some(Secret::new(line.trim_end_matches(['\r', '\n']).to_owned())))
}

/// The name under which it is kept how far an import came: of this database, read in this zone.
fn mark(database: &str, zone: &str) -> String {
    let sum = Sha256::digest(format!("{database} {zone}"));
    let short = sum.iter().take(8).fold(0_u64, |all, it| all << 8 | u64::from(*it));
    format!("import-ble-monitor-{short:016x}")
}

fn unread(error: StoreError) -> Failure {
    let hint = password::remedy(&error).map_or_else(|| EXAMPLE.to_owned(), |it| it.1);
    Failure::new(exit(&error), "cannot read the old database").because(error).hint(hint)
}

const EXAMPLE: &str = "muster import ble-monitor --database mysql://ble_user@db.local/ble_monitor --password-file FILE";
/// Rows in one commit: some megabytes.
const PIECE: u32 = 10_000;
/// Rows that come again, each time: the old program writes over those of the last hours, and a lower number
/// may be there later than a higher one.
const AGAIN: i64 = 10_000;
const LONGEST_INI: u64 = 65_536;
const LONGEST_PASSWORD: u64 = 4096;
const TELL_EVERY: u64 = 100_000;
