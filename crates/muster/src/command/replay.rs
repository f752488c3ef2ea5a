//! `muster replay`: recordings through the whole path, on their own clock, into a store; then who
//! stayed when.

use std::collections::BTreeSet;
use std::time::Duration;

use muster_core::engine::Engine;
use muster_core::fact::Fact;
use muster_core::identity::Mac;
use muster_core::policy::{Patience, Policy};
use muster_core::ports::{StayQuery, StaysOf, Store, StoreError};
use muster_core::snapshot::Snapshot;
use muster_core::span::Span;
use muster_core::stay::{Stay, Subject};
use muster_core::time::Time;
use muster_report::stays::{self, StayRow};
use muster_sources::replay::{Replay, ReplayError, time_of};
use muster_sources::tags::rules;
use muster_store::Access;
use muster_store::sqlite::Sqlite;
use muster_web::subject::called;

use muster_wire::bluetooth::resolve::Resolver;

use crate::cli::{ReplayArgs, Speed};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::folder::Folder;
use crate::keyring;
use crate::logs;
use crate::output::Output;
use crate::playback::Playback;
use crate::privileges;
use crate::recognise::{Recognised, recognise};

/// Runs the command.
pub(crate) fn run(context: &Context, args: &ReplayArgs) -> Result<(), Failure> {
    logs::start(&context.common, context.colour_errors());
    let output = Output::new(context)?;
    let keys = keyring::resolver(&args.irk_file)?;
    let config = &context.config()?.config;
    let policy = config.policy();
    let recording =
        Replay::open(&args.files, &args.monitor, rules(&config.tags)).map_err(unread)?;
    match recording.skipped() {
        0 => {}
        1 => output.note("1 part of the recording could not be read"),
        n => output.note(&format!("{n} parts of the recording could not be read")),
    }
    if recording.skipped() > 0 {
        for file in &args.files {
            output.hint(&format!("what is wrong with them: muster decode {}", file.display()));
        }
    }
    let mut reading = Reading { recording, keys, strangers: BTreeSet::new() };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|it| Failure::new(Exit::Failed, "cannot start threads").because(it))?;
    let stays = runtime.block_on(async {
        if let Some(path) = &args.into {
            privileges::act_as_maker(path)?;
            return play(&Folder::take(path)?, &mut reading, policy, args.speed).await;
        }
        let throw_away = tempfile::tempdir().map_err(|it| {
            Failure::new(Exit::Failed, "cannot make a folder for the store").because(it)
        })?;
        play(&Folder::take(throw_away.path())?, &mut reading, policy, args.speed).await
    })?;
    match reading.strangers.len() {
        0 => {}
        1 => output.note("1 private Bluetooth address was heard, which names nobody"),
        MOST_STRANGERS => output.note(&format!(
            "{MOST_STRANGERS} private Bluetooth addresses or more were heard, which name nobody"
        )),
        n => output.note(&format!("{n} private Bluetooth addresses were heard, which name nobody")),
    }
    match stays.refused {
        0 => {}
        n => output.note(&format!("{n} facts are too old for what the store holds")),
    }
    show(&output, &stays)
}

/// A recording being read.
struct Reading {
    recording: Replay,
    keys: Resolver,
    /// Private addresses that no key resolves, up to [`MOST_STRANGERS`].
    strangers: BTreeSet<Mac>,
}

impl Reading {
    /// The next facts about those who are known, and when the last of all was; none at the end.
    fn take(&mut self) -> Option<(Vec<Fact>, Time)> {
        let facts = self.recording.take(CHUNK);
        let last = facts.last().map(time_of)?;
        let Recognised { facts, strangers } = recognise(&mut self.keys, facts);
        for (_, address) in strangers {
            if self.strangers.len() < MOST_STRANGERS {
                self.strangers.insert(address);
            }
        }
        Some((facts, last))
    }
}

/// What a replay ends with.
struct Played {
    stays: Vec<Stay>,
    picture: Snapshot,
    /// Facts that the engine did not take.
    refused: u64,
}

async fn play(
    folder: &Folder,
    reading: &mut Reading,
    mut policy: Policy,
    speed: Speed,
) -> Result<Played, Failure> {
    let failed = |it: StoreError| {
        let what = format!("cannot store the replay: {}", folder.path().display());
        Failure::new(Exit::Unreachable, what).because(it)
    };
    let store = Sqlite::open(&folder.store(), Access::ReadWrite).await.map_err(failed)?;
    if reading.recording.is_bare() {
        policy.windows_for_all = true;
        policy.lan_other = Patience { away_after: BARE_AWAY_AFTER, ..policy.lan_other };
    }
    let span = reading.recording.span().unwrap_or(Span::new(Time::default(), Time::default()));
    let restored = store.restore(Engine::since(&policy, span.from)).await.map_err(failed)?;
    let mut playback = Playback::new(policy, restored, &store, span.from);
    let mut before = span.from;
    while let Some((facts, last)) = reading.take() {
        match speed {
            Speed::Max => playback.feed(facts).await.map_err(failed)?,
            Speed::Times(times) => {
                for fact in facts {
                    wait(&mut before, &fact, times).await;
                    playback.feed(vec![fact]).await.map_err(failed)?;
                    playback.commit().await.map_err(failed)?;
                }
            }
        }
        before = last;
    }
    playback.commit().await.map_err(failed)?;
    let picture = playback.snapshot();
    let refused = playback.refused();
    // The last sighting covers a little more than the instant of it.
    let window = Span::new(span.from, span.to + Duration::from_secs(1));
    let query =
        StayQuery { window, subject: None, of: StaysOf::Both, site: None, limit: MOST_STAYS };
    let stays = store.stays(&query).await.map_err(failed)?;
    store.close().await.map_err(failed)?;
    Ok(Played { stays, picture, refused })
}

/// Waits as long as passed in the recording, so many times faster.
async fn wait(before: &mut Time, fact: &Fact, times: f64) {
    let at = time_of(fact);
    let passed = at.since(*before);
    *before = at;
    if !passed.is_zero() {
        tokio::time::sleep(passed.div_f64(times.max(SLOWEST))).await;
    }
}

fn show(output: &Output, played: &Played) -> Result<(), Failure> {
    let end = played.picture.at;
    let rows: Vec<StayRow> = played
        .stays
        .iter()
        .map(|it| {
            let length = it.to().unwrap_or(end).since(it.from).as_secs_f64();
            let uncovered = it.uncovered.as_secs_f64();
            let (person, device) = match it.subject {
                Subject::Person(id) => (played.picture.directory.people.get(&id), None),
                Subject::Device(id) => (None, Some(id.0)),
            };
            StayRow {
                who: called(&played.picture, it.subject),
                person: person.map(|it| it.name.to_string()),
                device,
                place: played.picture.place_name(it.site).to_owned(),
                from: it.from,
                to: it.to(),
                ended: it.ended.word().to_owned(),
                covered: if length > uncovered { 1.0 - uncovered / length } else { 1.0 },
            }
        })
        .collect();
    output.table(&stays::table(&rows))?;
    if rows.is_empty() {
        output.note("nobody was heard");
    }
    Ok(())
}

fn unread(error: ReplayError) -> Failure {
    let (exit, hint) = match &error {
        ReplayError::Unreadable { cause, .. } if cause.kind() == std::io::ErrorKind::NotFound => (
            Exit::NotFound,
            "give a file that is there: a fact file, a btsnoop, pcap or pcapng file".to_owned(),
        ),
        ReplayError::Unreadable { cause, .. }
            if cause.kind() == std::io::ErrorKind::PermissionDenied =>
        {
            (Exit::NotAllowed, "run as a user who may read it".to_owned())
        }
        ReplayError::Unreadable { .. } | ReplayError::TooMany { .. } => {
            (Exit::Failed, "replay a part of it".to_owned())
        }
        ReplayError::TooLong(_) => (
            Exit::Failed,
            "leave out what a wrong clock dated: muster decode FILE shows it".to_owned(),
        ),
        ReplayError::Line { .. } | ReplayError::Capture { .. } => {
            (Exit::Failed, "a recording is a fact file, a btsnoop, pcap or pcapng file".to_owned())
        }
    };
    Failure::new(exit, "cannot replay").because(error).hint(hint)
}

/// Facts at once: few enough to stop soon, enough to be fast.
const CHUNK: usize = 4_096;
/// Patience with everything on the network when a recording does not say whom anybody asked: a
/// quiet computer says nothing by itself for many minutes.
const BARE_AWAY_AFTER: Duration = Duration::from_mins(30);
/// More are not counted.
const MOST_STRANGERS: usize = 100_000;
/// As many as a report prints.
const MOST_STAYS: u32 = 1_000_000;
/// A thousand times slower than life: keeps the division finite.
const SLOWEST: f64 = 0.001;
