//! `muster serve`: the hub with its own sources, its pages and its socket.
//!
//! Puts the rooms together in the order in which they can fail for the person at the keyboard, and
//! takes them apart in the order that loses nothing.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::serve::ListenerExt as _;
use muster_config::Config;
use muster_config::value::Length;
use muster_core::engine::Engine;
use muster_core::policy::Policy;
use muster_core::ports::{Clock, Store, StoreError};
use muster_store::sqlite::{Access, Sqlite};
use muster_web::{Guard, router};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::cli::ServeArgs;
use crate::context::Context;
use crate::declare::{self, Declared};
use crate::demo::Demo;
use crate::failure::{Exit, Failure};
use crate::folder::Folder;
use crate::greeting::Speaker;
use crate::hub::LiveHub;
use crate::picture::Picture;
use crate::privileges::{self, Rights};
use crate::retention::{self, Retention};
use crate::runtime::Runtime;
use crate::senders::{Readings, Senders};
use crate::supervisor::{Backoff, Channels, Plan, Wires, supervise};
use crate::{listen, logs, registry};

/// Runs the command until a signal ends it.
pub(crate) fn run(context: &Context, args: &ServeArgs) -> Result<(), Failure> {
    logs::start(&context.common, context.colour_errors());
    let config = &context.config()?.config;
    let address = listen::loopback(args.listen.unwrap_or(config.listen.get()))?;
    let rights = privileges::give_up(address.port())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_all()
        .build()
        .map_err(|it| Failure::new(Exit::Failed, "cannot start threads").because(it))?;
    let speaker = Speaker { quiet: context.common.quiet };
    let clock = Arc::clone(&context.clock);
    runtime.block_on(async {
        if args.demo {
            let (plan, kept) = Demo::prepare(&clock).await?.open(&clock);
            let house = House { folder: &kept.folder, policy: Policy::default(), demo: true };
            serve(house, config, vec![plan], Entry { address, rights, speaker }, clock).await
        } else {
            let folder = Folder::take(&context.data()?)?;
            let policy = config.presence.policy();
            let house = House { folder: &folder, policy, demo: false };
            let plans = registry::sources(config, &clock);
            serve(house, config, plans, Entry { address, rights, speaker }, clock).await
        }
    })
}

/// What is judged, and where it is kept.
struct House<'a> {
    folder: &'a Folder,
    policy: Policy,
    demo: bool,
}

/// Where people come in, and what they are told.
struct Entry {
    address: SocketAddr,
    rights: Rights,
    speaker: Speaker,
}

async fn serve(
    house: House<'_>,
    config: &Config,
    plans: Vec<Plan>,
    entry: Entry,
    clock: Arc<dyn Clock>,
) -> Result<(), Failure> {
    let stop = stopped()?;
    let sqlite = Sqlite::open(&house.folder.store(), Access::ReadWrite).await;
    let sqlite = Arc::new(sqlite.map_err(|it| closed(it, &house))?);
    let store: Arc<dyn Store> = Arc::clone(&sqlite) as _;
    let since = Engine::since(&house.policy, clock.now().wall);
    let restored = store.restore(since).await.map_err(|it| closed(it, &house))?;
    let pages = listen::pages(entry.address).await?;
    let commands = listen::commands(&house.folder.socket())?;

    let (inputs, taken) = mpsc::channel(QUEUE);
    let channels = Channels::default();
    let mut picture = Picture::new(Arc::clone(&clock), house.demo);
    let mut sources = JoinSet::new();
    for plan in plans {
        let interest = picture.interest(&plan.monitor, plan.kind);
        let (inputs, channels) = (inputs.clone(), channels.clone());
        let (clock, backoff) = (Arc::clone(&clock), Backoff::STANDARD);
        sources.spawn(supervise(plan, Wires { inputs, interest, channels, clock, backoff }));
    }
    let declared = if house.demo { Declared::default() } else { Declared::new(config) };
    sources.spawn(declare::keep(declared.clone(), picture.snapshots(), inputs.clone()));

    let (snapshots, committed) = (picture.snapshots(), picture.committed());
    // What is simulated is told to nobody.
    let told = if house.demo { Vec::new() } else { registry::sinks(config) };
    let readings = Readings {
        store: Arc::clone(&store),
        snapshots: snapshots.clone(),
        committed: committed.clone(),
        clock: Arc::clone(&clock),
    };
    let senders = Senders::start(told, &readings);
    drop(readings);
    let runtime = Runtime::new(
        house.policy.clone(),
        restored,
        Arc::clone(&store),
        Arc::clone(&clock),
        taken,
        picture,
    );
    let hub = Arc::new(LiveHub {
        snapshots,
        committed,
        inputs,
        channels: channels.clone(),
        store: Arc::clone(&store),
        clock: Arc::clone(&clock),
        policy: house.policy,
        zone: config.zone(),
        declared,
    });
    let address = pages.local_addr().unwrap_or(entry.address);
    let guard = Guard::Loopback { port: address.port() };
    let mut rooms = JoinSet::new();
    // A page's answer is small and waited for.
    let pages = pages.tap_io(|it| drop(it.set_nodelay(true)));
    rooms.spawn(open(axum::serve(pages, router(Arc::clone(&hub) as _, guard)).into_future()));
    rooms.spawn(open(axum::serve(commands, router(hub, Guard::Socket)).into_future()));
    rooms.spawn(retention::keep(store, clock, kept(config)));
    entry.speaker.started(address, house.folder.path(), entry.rights, house.demo);
    rooms.spawn(entry.speaker.tell(channels));

    let stop = async move {
        stop.await;
        sources.shutdown().await;
    };
    let ended = runtime.run(stop).await;
    senders.finish().await;
    rooms.shutdown().await;
    if let Some(sqlite) = Arc::into_inner(sqlite)
        && let Err(cause) = sqlite.close().await
    {
        tracing::warn!("the store was not closed in order, which loses nothing: {cause}");
    }
    drop(std::fs::remove_file(house.folder.socket()));
    ended.map_err(|it| {
        let what = "what happened last could not be stored";
        Failure::new(Exit::Failed, what).because(it)
    })
}

/// A room that stays open until the program ends.
async fn open(room: impl Future<Output = std::io::Result<()>>) {
    if let Err(cause) = room.await {
        tracing::error!("the pages are closed: {cause}");
    }
}

/// Ends when somebody wants the program to.
fn stopped() -> Result<impl Future<Output = ()>, Failure> {
    let listen = |kind| {
        signal(kind).map_err(|it| Failure::new(Exit::Failed, "cannot wait for signals").because(it))
    };
    let mut terminate = listen(SignalKind::terminate())?;
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut hang_up = listen(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hang_up.recv() => {}
        }
        tracing::info!("stopping");
    })
}

fn kept(config: &Config) -> Retention {
    let journal = config.store.retention_journal.map(Length::get);
    Retention { facts: config.store.retention_facts.get(), journal }
}

fn closed(error: StoreError, house: &House<'_>) -> Failure {
    let folder = house.folder.path().display();
    let (exit, hint) = match &error {
        StoreError::Unavailable { .. } => {
            (Exit::Unreachable, format!("look after the data folder: {folder}"))
        }
        StoreError::Newer { .. } => {
            (Exit::Failed, "run the muster that wrote it, or a newer one".to_owned())
        }
        StoreError::Damaged { .. } => (
            Exit::Failed,
            format!("put a backup in its place: muster restore FILE --data {folder}"),
        ),
        StoreError::Refused { .. } => (Exit::Failed, format!("it is in: {folder}")),
    };
    Failure::new(exit, "cannot open the store").because(error).hint(hint)
}

/// One for the loop, one for the pages: more would only cost memory.
const WORKERS: usize = 2;
/// Reports that may wait for the loop; a source that is faster waits.
const QUEUE: usize = 64;
