//! A simulated household in a throw-away store: what Muster looks like with a day behind it.
//!
//! **Invariant:** it is marked as simulated everywhere, and nothing of it outlives the process.

use std::collections::{BTreeSet, VecDeque};
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use muster_core::directory::Edit;
use muster_core::fact::{Fact, Listener, SourceKind};
use muster_core::identity::Identity;
use muster_core::policy::Policy;
use muster_core::ports::Store as _;
use muster_core::ports::{
    BoxFuture, ChannelStatus, Clock, Inability, Report, Source, SourceError, StoreError,
};
use muster_core::snapshot::{DeviceView, Interest, Snapshot};
use muster_core::time::Time;
use muster_sim::household::radio::Radio;
use muster_sim::household::{Household, TICK, Thing};
use muster_store::Access;
use muster_store::sqlite::Sqlite;
use nix::unistd::Uid;
use tempfile::TempDir;

use crate::failure::{Exit, Failure};
use crate::folder::{Folder, LOCK};
use crate::playback::Playback;
use crate::supervisor::Plan;

/// The household and where it is kept.
pub(crate) struct Demo {
    /// The throw-away data folder.
    pub(crate) folder: Folder,
    _removed_at_the_end: TempDir,
    household: Household,
    radio: Radio,
}

impl Demo {
    /// Plays the last day into a fresh store.
    pub(crate) async fn prepare(clock: &Arc<dyn Clock>) -> Result<Self, Failure> {
        clear_away(&std::env::temp_dir());
        let prefix = format!("{PREFIX}{}-", std::process::id());
        let throw_away = tempfile::Builder::new().prefix(&prefix).tempdir();
        let throw_away = throw_away
            .map_err(|it| Failure::new(Exit::Failed, "no room for the demo").because(it))?;
        let folder = Folder::take(throw_away.path())?;
        let now = clock.now().wall;
        let (household, radio) = play(&folder, now)
            .await
            .map_err(|it| Failure::new(Exit::Failed, "cannot store the demo").because(it))?;
        Ok(Self { folder, _removed_at_the_end: throw_away, household, radio })
    }

    /// The household as a source, from where the played day ended; and the folder.
    pub(crate) fn open(self, clock: &Arc<dyn Clock>) -> (Plan, Kept) {
        let Self { folder, _removed_at_the_end: throw_away, household, radio } = self;
        let clock = Arc::clone(clock);
        let mut both = Some((household, radio));
        let open = Box::new(move || match both.take() {
            Some((household, radio)) => {
                let waiting = introductions(&radio).map(Report::Channel).collect();
                let clock = Arc::clone(&clock);
                let live = Live { household, radio, clock, waiting, is_alone: false };
                Ok(Box::new(live) as Box<dyn Source>)
            }
            None => Err(SourceError::Unusable {
                what: "the simulated household".to_owned(),
                cause: "it was played to its end".into(),
            }),
        });
        let plan = Plan {
            monitor: Household::MONITOR.into(),
            kind: SourceKind::Lan,
            name: SourceKind::Lan.word(),
            open,
        };
        (plan, Kept { folder, _removed_at_the_end: throw_away })
    }
}

/// What one monitor hears of a household that is made up, from now on.
pub(crate) fn monitor(clock: &Arc<dyn Clock>) -> Plan {
    let clock = Arc::clone(clock);
    let open = Box::new(move || {
        let (household, radio) = begin(clock.now().wall);
        let is_own = |it: &ChannelStatus| *it.listener.monitor == *Household::MONITOR;
        let waiting = introductions(&radio).filter(is_own).map(Report::Channel).collect();
        let clock = Arc::clone(&clock);
        let live = Live { household, radio, clock, waiting, is_alone: true };
        Ok(Box::new(live) as Box<dyn Source>)
    });
    Plan {
        monitor: Household::MONITOR.into(),
        kind: SourceKind::Lan,
        name: SourceKind::Lan.word(),
        open,
    }
}

/// What one monitor heard lately of a household that is made up.
pub(crate) fn look(clock: &dyn Clock) -> Vec<Fact> {
    let now = clock.now().wall;
    let (mut household, mut radio) = begin(now - LOOK);
    let mut facts = household.facts_until(now);
    facts.extend(radio.facts_until(now).into_iter().filter(is_own));
    facts
}

fn begin(at: Time) -> (Household, Radio) {
    (Household::new(SEED, at.floor(TICK)), Radio::new(SEED, at))
}

/// Whether the household's own monitor noticed it, and not the one in the garden.
fn is_own(it: &Fact) -> bool {
    *it.listener.monitor == *Household::MONITOR
}

/// Removes what demonstrations left behind that were killed. What cannot be removed stays.
fn clear_away(temporary: &Path) {
    for entry in fs::read_dir(temporary).into_iter().flatten().flatten() {
        let is_folder = entry.file_type().is_ok_and(|it| it.is_dir());
        let path = entry.path();
        if is_folder && is_left_over(&path) {
            fs::remove_dir_all(&path).ok();
        }
    }
}

/// Whether this is the folder of a demonstration of ours whose process is gone. Where processes
/// are numbered apart and the folder is shared, the store's lock tells.
fn is_left_over(path: &Path) -> bool {
    let name = path.file_name().and_then(|it| it.to_str()).unwrap_or_default();
    let pid = name.strip_prefix(PREFIX).and_then(|it| it.split_once('-'));
    let Some(pid) = pid.and_then(|(pid, _)| pid.parse::<u32>().ok()) else { return false };
    let is_ours = fs::metadata(path).is_ok_and(|it| it.uid() == Uid::effective().as_raw());
    let lives = Path::new("/proc").join(pid.to_string()).exists();
    let is_free = |lock: File| lock.try_lock().is_ok();
    is_ours && !lives && File::open(path.join(LOCK)).map_or(true, is_free)
}

/// The throw-away folder, removed when dropped.
pub(crate) struct Kept {
    /// Where the store is.
    pub(crate) folder: Folder,
    _removed_at_the_end: TempDir,
}

async fn play(folder: &Folder, now: Time) -> Result<(Household, Radio), StoreError> {
    let start = (now - PAST).floor(TICK);
    let store = Sqlite::open(&folder.store(), Access::ReadWrite).await?;
    let restored = store.restore(start).await?;
    let mut household = Household::new(SEED, start);
    let mut radio = Radio::new(SEED, start);
    let mut playback = Playback::new(Policy::default(), restored, &store, start);
    for person in household.people() {
        let (name, display) = (person.name.to_owned(), person.display.to_owned());
        // The names are known to be good: the household's own tests hold them to the directory.
        playback.edit(Edit::AddPerson { name, display }).ok();
    }
    let mut described = BTreeSet::new();
    let mut at = start;
    while at < now {
        at = (at + PIECE).min(now);
        playback.feed(household.facts_until(at)).await?;
        // Strangers go no further than the hub's door.
        let hidden = |it: &Fact| matches!(it.body.identity(), Some(Identity::Private(_)));
        let mut heard = radio.facts_until(at);
        heard.retain(|it| !hidden(it));
        playback.feed(heard).await?;
        let picture = playback.snapshot();
        for thing in household.devices().iter().chain(radio.devices()) {
            let found = picture.devices.iter().find(|it| is_it(it, thing));
            let Some(device) = found.filter(|_| !described.contains(&thing.identity)) else {
                continue;
            };
            described.insert(thing.identity.clone());
            for edit in describe(thing, device, &picture, start) {
                playback.edit(edit).ok();
            }
        }
        playback.commit().await?;
    }
    store.close().await?;
    Ok((household, radio))
}

fn is_it(device: &DeviceView, thing: &Thing) -> bool {
    device.identities.iter().any(|(_, it)| *it == thing.identity)
}

/// What its people would have said about a device.
fn describe(thing: &Thing, device: &DeviceView, picture: &Snapshot, from: Time) -> Vec<Edit> {
    if thing.name.is_empty() && thing.owner.is_none() {
        return Vec::new();
    }
    let device = device.id;
    let mut edits = vec![Edit::EditDevice {
        device,
        name: Some(thing.name.to_owned()),
        kind: Some(thing.kind),
        mark: Some(thing.mark),
        carried: None,
    }];
    let owner = thing.owner.and_then(|it| picture.directory.person_named(it));
    edits.extend(owner.map(|it| Edit::Assign { device, person: Some(it), from }));
    edits
}

/// The household as it goes on.
struct Live {
    household: Household,
    radio: Radio,
    clock: Arc<dyn Clock>,
    /// What is to be said next.
    waiting: VecDeque<Report>,
    /// Only what the household's own monitor notices.
    is_alone: bool,
}

/// What its receivers say of themselves.
fn introductions(radio: &Radio) -> impl Iterator<Item = ChannelStatus> {
    let says = |listener, can: &str, cannot| ChannelStatus {
        listener,
        hears: true,
        can: vec![can.to_owned()],
        cannot,
    };
    let lan = Listener::new(Household::MONITOR, SourceKind::Lan, Household::CHANNEL);
    let lan = says(lan, "a simulated household", Vec::new());
    let radio: Vec<ChannelStatus> = radio
        .listeners()
        .iter()
        .map(|it| {
            let is_far = &*it.monitor == Radio::GARDEN;
            let fails = is_far.then(|| Inability {
                what: "listen all the time".to_owned(),
                why: "its simulated power fails for some minutes of every hour".to_owned(),
                hint: None,
            });
            let can = "advertisements of a simulated neighbourhood";
            says(Listener::clone(it), can, fails.into_iter().collect())
        })
        .collect();
    std::iter::once(lan).chain(radio)
}

impl Source for Live {
    fn next(&mut self) -> BoxFuture<'_, Result<Report, SourceError>> {
        Box::pin(async {
            loop {
                if let Some(report) = self.waiting.pop_front() {
                    return Ok(report);
                }
                let now = self.clock.now().wall;
                let facts = self.household.facts_until(now);
                if !facts.is_empty() {
                    self.waiting.push_back(Report::Facts(facts));
                }
                let mut heard = self.radio.facts_until(now);
                if self.is_alone {
                    heard.retain(is_own);
                }
                if !heard.is_empty() {
                    self.waiting.push_back(Report::Facts(heard));
                    self.waiting.push_back(Report::Broadcasts(self.radio.broadcasts()));
                }
                if self.waiting.is_empty() {
                    tokio::time::sleep(TICK / 10).await;
                }
            }
        })
    }

    fn set_interest(&mut self, _interest: &[Interest]) {
        // The household's monitor asks on its own.
    }
}

/// How the folders of demonstrations are called, before the number of the process.
const PREFIX: &str = "muster-demo-";
/// How much of the past is there from the start.
const PAST: Duration = Duration::from_hours(24);
/// How much of it is played at once.
const PIECE: Duration = Duration::from_hours(1);
/// How much of it one look sees.
const LOOK: Duration = Duration::from_mins(1);
/// Any number gives a household; the same one gives the same.
const SEED: u64 = 7;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_demonstration_left_is_removed_and_nothing_else() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = |name: &str| {
            let path = temporary.path().join(name);
            fs::create_dir(&path).unwrap();
            path
        };
        // No process has a number beyond what the kernel gives (`pid_max`, 2^22).
        let dead = folder("muster-demo-4194305-a");
        fs::write(dead.join(LOCK), "").unwrap();
        let held = folder("muster-demo-4194305-b");
        let lock = File::create(held.join(LOCK)).unwrap();
        lock.try_lock().unwrap();
        let live = folder(&format!("muster-demo-{}-c", std::process::id()));
        let other = folder("muster-demo-notes");
        clear_away(temporary.path());
        let there = [&dead, &held, &live, &other].map(|it| it.exists());
        assert_eq!(there, [false, true, true, true]);
    }
}
