//! `muster serve`: the hub with its own sources, its pages and its socket.
//!
//! Puts the rooms together in the order in which they can fail for the person at the keyboard, and
//! takes them apart in the order that loses nothing.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::serve::ListenerExt as _;
use muster_config::Config;
use muster_config::value::Length;
use muster_core::batch::Restored;
use muster_core::engine::Engine;
use muster_core::policy::Policy;
use muster_core::ports::{Clock, Store, StoreError};
use muster_sources::tags;
use muster_store::sqlite::{Access, Sqlite};
use muster_web::{Guard, router};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::broadcasts::Broadcasts;
use crate::cli::ServeArgs;
use crate::clock::is_synchronised;
use crate::context::Context;
use crate::declare::{self, Declared};
use crate::demo::Demo;
use crate::doors::{self, Manners};
use crate::failure::{Exit, Failure};
use crate::folder::Folder;
use crate::greeting::{Speaker, Started};
use crate::hub::LiveHub;
use crate::keyring::{self, Keyring};
use crate::listen::Administrators;
use crate::owner::Owner;
use crate::pairing::{self, Means, Shared};
use crate::past::Past;
use crate::picture::Picture;
use crate::privileges::{self, Rights};
use crate::pulse::Pulses;
use crate::recognise::Recogniser;
use crate::retention::{self, Retention, Witness};
use crate::runtime::{Input, Runtime, Start};
use crate::senders::{Readings, Senders};
use crate::stop;
use crate::supervisor::{Backoff, Channels, Plan, Wires, supervise};
use crate::{folder, inspection, listen, logs, registry};

/// Runs the command until a signal ends it.
pub(crate) fn run(context: &Context, args: &ServeArgs) -> Result<(), Failure> {
    logs::start(&context.common, context.colour_errors());
    let config = &context.config()?.config;
    let address = listen::loopback(args.listen.unwrap_or(config.listen.get()))?;
    if args.demo && context.is_told_data() {
        let what = "a demonstration keeps nothing, so it takes no data folder";
        return Err(Failure::new(Exit::Usage, what).hint("muster serve --demo"));
    }
    let data = if args.demo { None } else { Some(context.data()?) };
    let owner = match &data {
        _ if !privileges::is_root() => None,
        Some(data) => Some(Owner::of(data)?),
        None => Some(Owner::for_services()),
    };
    let radio = registry::radio(config);
    let means = if args.demo { Means::none() } else { Means::gather() };
    let rights = privileges::give_up(address.port(), owner.as_ref())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_all()
        .build()
        .map_err(|it| Failure::new(Exit::Failed, "cannot start threads").because(it))?;
    let speaker = Speaker { quiet: context.common.quiet };
    let file = context.config()?.file.clone();
    let clock = Arc::clone(&context.clock);
    let entry = Entry { address, rights, means, file, speaker };
    runtime.block_on(async {
        let Some(data) = data else {
            let (plan, kept) = Demo::prepare(&clock).await?.open(&clock);
            let house = House { folder: &kept.folder, policy: Policy::default(), demo: true };
            return serve(house, config, vec![plan], entry, clock).await;
        };
        let folder = Folder::take(&data).map_err(|it| out_of_reach(it, owner.as_ref()))?;
        let policy = config.policy();
        let house = House { folder: &folder, policy, demo: false };
        let plans = registry::sources(config, &clock, &radio);
        serve(house, config, plans, entry, clock).await
    })
}

/// A folder that was made, and that whoever root became cannot get to.
fn out_of_reach(failure: Failure, owner: Option<&Owner>) -> Failure {
    let Some(owner) = owner else { return failure };
    let who = owner.name();
    failure.hint(format!(
        "started as root it runs as {who}, who must get there: choose another with --data DIR"
    ))
}

/// What is judged, and where it is kept.
struct House<'a> {
    folder: &'a Folder,
    policy: Policy,
    demo: bool,
}

impl House<'_> {
    fn started<'a>(
        &'a self,
        address: SocketAddr,
        rights: &'a Rights,
        file: Option<&'a Path>,
    ) -> Started<'a> {
        Started { address, data: self.folder.path(), file, rights, demo: self.demo }
    }
}

/// Where people come in, and what they are told.
struct Entry {
    address: SocketAddr,
    rights: Rights,
    /// What was taken before rights were given up.
    means: Means,
    /// The configuration file in use.
    file: Option<PathBuf>,
    speaker: Speaker,
}

async fn serve(
    house: House<'_>,
    config: &Config,
    plans: Vec<Plan>,
    entry: Entry,
    clock: Arc<dyn Clock>,
) -> Result<(), Failure> {
    let stop = stop::asked()?;
    let (sqlite, restored) = open_store(&house, &*clock, entry.speaker).await?;
    let store: Arc<dyn Store> = Arc::clone(&sqlite) as _;
    let pages = listen::pages(entry.address).await?;
    let commands = listen::commands(&house.folder.socket())?;

    let (inputs, taken) = mpsc::channel(QUEUE);
    let channels = Channels::default();
    let mut picture = Picture::new(Arc::clone(&clock), house.demo);
    let mut sources = start(plans, &mut picture, &inputs, &channels, &clock);
    let declared = if house.demo { Declared::default() } else { Declared::new(config) };
    sources.spawn(declare::keep(declared.clone(), picture.snapshots(), inputs.clone()));
    let senders = senders(&house, config, &store, &picture, &clock);
    let (finder, damage) = inspection::channel();
    let announcer = picture.announcer();
    let (broadcasts, pulses) = (Broadcasts::default(), Pulses::default());
    let keyring = Keyring::of(house.folder.path());
    let recogniser = Recogniser::new(keyring.load());
    let found = keyring::remember(&keyring, &mut sources);
    let shared = Shared { picture: &picture, inputs: &inputs, keyring: &keyring, clock: &clock };
    let about = (house.folder.path(), house.demo);
    let (pairing, desk) = pairing::start(&config.pairing, entry.means, about, &shared);
    let hub = Arc::new(LiveHub {
        keyring,
        pairing,
        strangers: recogniser.strangers(),
        broadcasts: broadcasts.clone(),
        pulses: pulses.clone(),
        tag_rules: tags::rules(&config.tags),
        snapshots: picture.snapshots(),
        committed: picture.committed(),
        inputs,
        channels: channels.clone(),
        sinks: senders.health(),
        damage,
        store: Arc::clone(&store),
        clock: Arc::clone(&clock),
        past: Past::new(Arc::clone(&store), house.policy.clone()),
        zone: config.zone(),
        declared,
    });
    let (policy, synchronised) = (house.policy.clone(), is_synchronised);
    let witness = Witness::of(&restored, synchronised);
    let restored = Start { policy, restored, synchronised, recogniser, broadcasts, pulses, found };
    let runtime = Runtime::new(restored, Arc::clone(&store), Arc::clone(&clock), taken, picture);

    let address = pages.local_addr().unwrap_or(entry.address);
    let (open, doors) = open_doors(pages, commands, address, hub);
    let mut rooms = JoinSet::new();
    rooms.spawn(retention::keep(store, Arc::clone(&clock), kept(config), witness));
    let once =
        inspection::once(Arc::clone(&sqlite), house.folder.store(), clock, finder, announcer);
    rooms.spawn(once);
    let Entry { rights, file, speaker, .. } = entry;
    speaker.started(&house.started(address, &rights, file.as_deref()));
    rooms.spawn(speaker.tell(channels, config.monitor.clone()));

    let ended = runtime
        .run(async move {
            stop.await;
            desk.end().await;
            sources.shutdown().await;
        })
        .await;
    senders.finish().await;
    rooms.shutdown().await;
    shut(open, doors).await;
    close(sqlite).await;
    drop(std::fs::remove_file(house.folder.socket()));
    ended.map_err(unstored)
}

fn unstored(cause: StoreError) -> Failure {
    Failure::new(Exit::Failed, "what happened last could not be stored").because(cause)
}

/// The store, and what it gives back.
async fn open_store(
    house: &House<'_>,
    clock: &dyn Clock,
    speaker: Speaker,
) -> Result<(Arc<Sqlite>, Restored), Failure> {
    let refused = |it| closed(it, house);
    let store = patiently(&house.folder.store(), speaker).await.map_err(refused)?;
    let mut wall = clock.now().wall;
    if !is_synchronised() {
        // A clock that woke in the past must not have the whole store read.
        wall = wall.max(store.frontier().await.map_err(refused)?);
    }
    let since = Engine::since(&house.policy, wall);
    let restored = store.restore(since).await.map_err(refused)?;
    Ok((Arc::new(store), restored))
}

/// Opens the store, after waiting for a command that is just writing to it.
async fn patiently(path: &Path, speaker: Speaker) -> Result<Sqlite, StoreError> {
    let mut tries = LOCK_TRIES;
    loop {
        match Sqlite::open(path, Access::ReadWrite).await {
            Err(error) if tries > 0 && (is_in_use(&error) || is_held(&error)) => {
                if let (LOCK_TRIES, StoreError::Unavailable { what, .. }) = (tries, &error) {
                    speaker.waits_for_store(what);
                }
                tries -= 1;
                tokio::time::sleep(LOCK_PAUSE).await;
            }
            other => return other,
        }
    }
}

/// By another muster.
fn is_in_use(error: &StoreError) -> bool {
    is_kept_out(error, io::ErrorKind::WouldBlock)
}

/// By somebody who left no number, or by a muster that has not written its own yet.
fn is_held(error: &StoreError) -> bool {
    is_kept_out(error, io::ErrorKind::ResourceBusy)
}

fn is_kept_out(error: &StoreError, kind: io::ErrorKind) -> bool {
    let StoreError::Unavailable { cause, .. } = error else { return false };
    cause.downcast_ref::<io::Error>().is_some_and(|it| it.kind() == kind)
}

/// Starts the sources, each under its supervisor.
fn start(
    plans: Vec<Plan>,
    picture: &mut Picture,
    inputs: &mpsc::Sender<Input>,
    channels: &Channels,
    clock: &Arc<dyn Clock>,
) -> JoinSet<()> {
    let mut sources = JoinSet::new();
    for plan in plans {
        let wires = Wires {
            inputs: inputs.clone(),
            interest: picture.interest(&plan.monitor, plan.kind),
            channels: channels.clone(),
            clock: Arc::clone(clock),
            backoff: Backoff::STANDARD,
        };
        sources.spawn(supervise(plan, wires));
    }
    sources
}

/// Starts the series sinks. What is simulated is told to nobody.
fn senders(
    house: &House<'_>,
    config: &Config,
    store: &Arc<dyn Store>,
    picture: &Picture,
    clock: &Arc<dyn Clock>,
) -> Senders {
    let told = if house.demo { Vec::new() } else { registry::sinks(config) };
    let readings = Readings {
        store: Arc::clone(store),
        snapshots: picture.snapshots(),
        committed: picture.committed(),
        announcer: picture.announcer(),
        clock: Arc::clone(clock),
    };
    Senders::start(told, &readings)
}

/// Opens the pages to browsers and the socket to commands, until what comes back first is dropped.
fn open_doors(
    pages: TcpListener,
    commands: Administrators,
    address: SocketAddr,
    hub: Arc<LiveHub>,
) -> (watch::Sender<()>, JoinSet<()>) {
    let guard = Guard::Loopback { port: address.port() };
    // A page's answer is small and waited for.
    let pages = pages.tap_io(|it| drop(it.set_nodelay(true)));
    let (open, opened) = watch::channel(());
    let mut doors = JoinSet::new();
    let browsers = router(Arc::clone(&hub) as _, guard);
    doors.spawn(doors::keep(pages, browsers, Manners::browsers(), opened.clone()));
    let administrators = router(hub, Guard::Socket);
    doors.spawn(doors::keep(commands, administrators, Manners::commands(), opened));
    (open, doors)
}

/// Lets nobody in any more, and those who are in read to the end.
async fn shut(open: watch::Sender<()>, doors: JoinSet<()>) {
    drop(open);
    if tokio::time::timeout(LAST_ANSWERS, doors.join_all()).await.is_err() {
        tracing::debug!("somebody was still reading the last answer");
    }
}

async fn close(sqlite: Arc<Sqlite>) {
    if let Some(sqlite) = Arc::into_inner(sqlite)
        && let Err(cause) = sqlite.close().await
    {
        tracing::warn!("the store was not closed in order, which loses nothing: {cause}");
    }
}

fn kept(config: &Config) -> Retention {
    let journal = config.store.retention_journal.map(Length::get);
    Retention { facts: config.store.retention_facts.get(), journal }
}

fn closed(error: StoreError, house: &House<'_>) -> Failure {
    if is_in_use(&error) {
        // Who has it; what the system calls that says nothing.
        return folder::in_use(house.folder.path()).because(anyhow::anyhow!(error.to_string()));
    }
    let folder = house.folder.path().display();
    if is_held(&error) {
        let hint = format!("find who holds it: fuser -v {folder}/{}", folder::LOCK);
        return Failure::new(Exit::Unreachable, "cannot open the store").because(error).hint(hint);
    }
    let (exit, hint) = match &error {
        StoreError::Unavailable { .. } => {
            (Exit::Unreachable, format!("look after the data folder: {folder}"))
        }
        StoreError::Newer { .. } => {
            (Exit::Failed, "run the muster that wrote it, or a newer one".to_owned())
        }
        StoreError::Damaged { .. } => (
            Exit::Failed,
            format!("put a backup in its place: muster restore FILE --replace --data {folder}"),
        ),
        StoreError::Refused { .. } => (Exit::Failed, format!("it is in: {folder}")),
    };
    Failure::new(exit, "cannot open the store").because(error).hint(hint)
}

/// One for the loop, one for the pages: more would only cost memory.
const WORKERS: usize = 2;
/// Reports that may wait for the loop; a source that is faster waits.
const QUEUE: usize = 64;
/// A command holds the store for some hundredths of a second; a hub for as long as it runs.
const LOCK_TRIES: u32 = 60;
const LOCK_PAUSE: Duration = Duration::from_millis(50);
/// How long answers that are under way at the end may take.
const LAST_ANSWERS: Duration = Duration::from_secs(2);
