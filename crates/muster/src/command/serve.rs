//! `muster serve`: the hub with its own sources, its pages and its socket.
//!
//! Puts the rooms together in the order in which they can fail for the person at the keyboard, and
//! takes them apart in the order that loses nothing.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;

use axum::serve::ListenerExt as _;
use muster_config::Config;
use muster_core::batch::Restored;
use muster_core::engine::Engine;
use muster_core::policy::Policy;
use muster_core::ports::{Clock, Store, StoreError};
use muster_sources::tags;
use muster_web::{Guard, router};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::broadcasts::Broadcasts;
use crate::cli::ServeArgs;
use crate::clock::is_synchronised;
use crate::context::Context;
use crate::declare::{self, Declared};
use crate::demo::Demo;
use crate::doors::{self, Doors, Manners};
use crate::failure::{Exit, Failure};
use crate::folder::Folder;
use crate::greeting::{Speaker, Started};
use crate::hub::LiveHub;
use crate::keyring::{self, Keyring};
use crate::listen::Administrators;
use crate::monitors;
use crate::owner::Owner;
use crate::pairing::{self, Means, Shared};
use crate::past::Past;
use crate::picture::Picture;
use crate::privileges::{self, Rights};
use crate::pseudonyms::Pseudonyms;
use crate::pulse::Pulses;
use crate::recognise::Recogniser;
use crate::registry::Opened;
use crate::retention::{self, Retention, Witness};
use crate::runtime::{Input, Runtime, Start};
use crate::senders::{Readings, Senders};
use crate::shelf::{Shelf, let_go};
use crate::standby::{self, Entrances};
use crate::stop;
use crate::supervisor::{Backoff, Channels, Plan, Wires, supervise};
use crate::{inspection, listen, logs, owner, registry};

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
    let mut entry = Entry { address, rights, means, file, speaker, is_told: false };
    runtime.block_on(async {
        let mut stop = pin!(stop::asked()?);
        let Some(data) = data else {
            let (plan, kept) = Demo::prepare(&clock).await?.open(&clock);
            let house = House { folder: &kept.folder, policy: Policy::default(), demo: true };
            let shelf = house.shelf(config);
            let opened = shelf.open_patiently(speaker).await.map_err(|it| shelf.closed(it))?;
            return lead(&house, config, vec![plan], opened, &mut entry, stop, clock)
                .await
                .map(drop);
        };
        let folder = Folder::take(&data).map_err(|it| owner::out_of_reach(it, owner.as_ref()))?;
        let house = House { folder: &folder, policy: config.policy(), demo: false };
        Pseudonyms::end(config.privacy, folder.path(), clock.now());
        // A store on a server keeps nobody else out of the folder, as one in the folder does.
        let is_elsewhere = house.shelf(config).server().is_some();
        let _lock = is_elsewhere.then(|| folder.lock()).transpose()?;
        let mut leader = None;
        loop {
            let shelf = house.shelf(config);
            let doors = async || {
                let opened = entry.open(&house).await?;
                entry.greet(&house);
                Ok(opened)
            };
            let opened = tokio::select! {
                it = standby::open(&shelf, leader, speaker, doors) => it?,
                () = &mut stop => {
                    // Before this one opened its doors the socket is another's.
                    if entry.is_told {
                        drop(std::fs::remove_file(folder.socket()));
                    }
                    return Ok(());
                }
            };
            let plans = registry::sources(config, &clock, &radio);
            let (clock, stop) = (Arc::clone(&clock), stop.as_mut());
            leader = lead(&house, config, plans, opened, &mut entry, stop, clock).await?;
            if leader.is_none() {
                return Ok(());
            }
        }
    })
}

/// What is judged, and where it is kept.
struct House<'a> {
    folder: &'a Folder,
    policy: Policy,
    demo: bool,
}

impl House<'_> {
    /// What is simulated is kept nowhere but in its folder.
    fn shelf<'a>(&'a self, config: &'a Config) -> Shelf<'a> {
        let settings = (!self.demo).then_some(&config.store);
        Shelf::of(settings, self.folder.path())
    }

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
    /// Whether people know where the page is.
    is_told: bool,
}

impl Entry {
    /// Opens the doors, always the same ones.
    async fn open(&mut self, house: &House<'_>) -> Result<Entrances, Failure> {
        let pages = listen::pages(self.address).await?;
        let commands = listen::commands(&house.folder.socket())?;
        self.address = pages.local_addr().unwrap_or(self.address);
        Ok(Entrances { pages, commands })
    }

    /// Says where the doors are, once.
    fn greet(&mut self, house: &House<'_>) {
        if !std::mem::replace(&mut self.is_told, true) {
            let file = self.file.as_deref();
            self.speaker.started(&house.started(self.address, &self.rights, file));
        }
    }

    /// Greets, or says to whoever saw it wait that it does no longer.
    fn leads(&mut self, house: &House<'_>, waited: bool, unmasked: usize) {
        self.greet(house);
        if waited {
            self.speaker.say("leads: nobody else writes to the store\n");
        }
        self.speaker.strangers(unmasked);
    }
}

/// The hub that writes to the store, until it is stopped; or until another one has taken the store: who, in
/// words for people.
async fn lead(
    house: &House<'_>,
    config: &Config,
    plans: Vec<Plan>,
    mut kept: Opened,
    entry: &mut Entry,
    stop: impl Future<Output = ()>,
    clock: Arc<dyn Clock>,
) -> Result<Option<String>, Failure> {
    let (shelf, waited) = (house.shelf(config), entry.is_told);
    let restored = match restore(house, &shelf, &kept, &*clock).await {
        Ok(it) => it,
        Err(error) => return standby::again(error, &shelf, kept, waited).await,
    };
    let store: Arc<dyn Store> = Arc::clone(&kept.store) as _;
    let Entrances { pages, commands } = entry.open(house).await?;

    let (inputs, taken) = mpsc::channel(QUEUE);
    let (channels, mut doors) = (Channels::default(), Doors::new());
    let mut picture = Picture::new(Arc::clone(&clock), house.demo);
    let mut sources = start(plans, &mut picture, &inputs, &channels, &clock);
    let declared = if house.demo { Declared::default() } else { Declared::new(config) };
    sources.spawn(declare::keep(declared.clone(), picture.snapshots(), inputs.clone()));
    let senders = senders(house, config, &store, &picture, &clock);
    let ((finder, damage), announcer) = (inspection::channel(), picture.announcer());
    let (broadcasts, pulses) = (Broadcasts::default(), Pulses::default());
    let keyring = Keyring::of(house.folder.path());
    let recogniser = Recogniser::new(keyring.load());
    let (pseudonyms, unmasked) = pseudonyms(house, config, &declared, &restored);
    let found = keyring::remember(&keyring, &mut sources);
    let shared = Shared { picture: &picture, inputs: &inputs, keyring: &keyring, clock: &clock };
    let about = (house.folder.path(), house.demo);
    let (pairing, desk) = pairing::start(&config.pairing, entry.means.turn(), about, &shared);
    let far = monitors::start(config, about, &shared, &mut doors);
    let hub = Arc::new(LiveHub {
        desk: far.clone(),
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

    monitors::resume(far.as_ref()).await?;
    open_doors(&mut doors, pages, commands, hub);
    let (mut rooms, mut leader) = (JoinSet::new(), None);
    rooms.spawn(retention::keep(store, Arc::clone(&clock), Retention::of(&config.store), witness));
    kept.file.map(|it| rooms.spawn(inspection::once(it, shelf.file(), clock, finder, announcer)));
    entry.leads(house, waited, unmasked);
    rooms.spawn(entry.speaker.tell(channels, config.monitor.clone()));

    let asked = async {
        tokio::select! {
            () = stop => {}
            by = kept.store.overtaken() => leader = Some(by),
        }
        desk.end().await;
        sources.shutdown().await;
    };
    let ended = Box::pin(runtime.masking(pseudonyms).run(asked)).await;
    close(senders, rooms, doors).await;
    let_go(&mut kept.store).await;
    drop(std::fs::remove_file(house.folder.socket()));
    left(leader, ended)
}

/// Lets sinks and answers end what they began.
async fn close(senders: Senders, mut rooms: JoinSet<()>, doors: Doors) {
    senders.finish().await;
    rooms.shutdown().await;
    doors.shut().await;
}

/// Who leads now, if another one does; an error, if the last of what there was to store was not.
fn left(leader: Option<String>, ended: Result<(), StoreError>) -> Result<Option<String>, Failure> {
    let Some(by) = leader else { return ended.map_err(unstored).map(|()| None) };
    let words = format!("another muster leads: {by}");
    let lost = ended.err().map(|it| format!("; what was not stored yet is not: {it}"));
    tracing::warn!("overtaken, {words}{}", lost.unwrap_or_default());
    Ok(Some(words))
}

fn unstored(cause: StoreError) -> Failure {
    Failure::new(Exit::Failed, "what happened last could not be stored").because(cause)
}

/// What the store gives back, once it keeps what it is to keep.
async fn restore(
    house: &House<'_>,
    shelf: &Shelf<'_>,
    opened: &Opened,
    clock: &dyn Clock,
) -> Result<Restored, StoreError> {
    shelf.keep_views(opened).await?;
    let mut wall = clock.now().wall;
    if !is_synchronised() {
        // A clock that woke in the past must not have the whole store read.
        wall = wall.max(opened.store.frontier().await?);
    }
    let since = Engine::since(&house.policy, wall);
    opened.store.restore(since).await
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

/// Opens the pages to browsers and the socket to commands.
fn open_doors(doors: &mut Doors, pages: TcpListener, commands: Administrators, hub: Arc<LiveHub>) {
    let port = pages.local_addr().map_or(0, |it| it.port());
    // A page's answer is small and waited for.
    let pages = pages.tap_io(|it| drop(it.set_nodelay(true)));
    let browsers = router(Arc::clone(&hub) as _, Guard::Loopback { port });
    doors.add(doors::keep(pages, browsers, Manners::browsers(), doors.open()));
    let administrators = router(hub, Guard::Socket);
    doors.add(doors::keep(commands, administrators, Manners::commands(), doors.open()));
}

/// What stands for strangers, and how many are stored under more than that. Nobody who is made up needs
/// any.
fn pseudonyms(
    house: &House<'_>,
    config: &Config,
    declared: &Declared,
    stored: &Restored,
) -> (Option<Pseudonyms>, usize) {
    if house.demo {
        return (None, 0);
    }
    let mut known = declared.identities();
    known.extend(config.sources.classic.devices.iter().map(|it| it.identity().clone()));
    let all = Pseudonyms::of(config.privacy, house.folder.path(), known);
    let unmasked = all.as_ref().map_or(0, |it| it.unmasked(stored));
    (all, unmasked)
}

/// One for the loop, one for the pages: more would only cost memory.
const WORKERS: usize = 2;
/// Reports that may wait for the loop; a source that is faster waits.
const QUEUE: usize = 64;
