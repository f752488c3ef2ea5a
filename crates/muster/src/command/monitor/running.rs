//! A monitor that runs: the sources of this machine, and the relay that tells a hub what they notice.
//!
//! The same sources, supervisor and rights as the hub's; no store, no page, no judgement.

use std::io;
use std::path::Path;
use std::sync::Arc;

use muster_config::Config;
use muster_core::broadcast::Broadcast;
use muster_core::fact::{Fact, Listener, SourceKind};
use muster_core::ports::Clock;
use muster_core::relay::{Relay, Settings, Start};
use muster_core::uplink::BootId;
use muster_relay::driver::{Driver, Standing, Told, Unkept};
use muster_relay::hub::Token;
use muster_relay::spool::{Spool, SpoolError};
use muster_sources::feed::Feed;
use muster_sources::management::Trusted;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::joining::{self, Joined, join};
use super::once;
use super::told::{self, Started};
use crate::cli::RunningArgs;
use crate::clock::is_synchronised;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::folder::Folder;
use crate::greeting::Speaker;
use crate::memory::Memory;
use crate::owner::Owner;
use crate::privileges::{self, Rights};
use crate::supervisor::{Backoff, Channels, Heard, Plan, Wires, supervise};
use crate::{demo, logs, machine, owner, registry, stop};

impl Heard for Told {
    fn facts(facts: Vec<Fact>) -> Self {
        Self::Facts(facts)
    }

    /// What was sent is looked at where it was heard, or nowhere.
    fn broadcasts(_: Vec<Broadcast>) -> Option<Self> {
        None
    }
}

/// Runs until a signal ends it, or once.
pub(super) fn run(context: &Context, args: &RunningArgs) -> Result<(), Failure> {
    logs::start(&context.common, context.colour_errors());
    let memory = Memory::begin();
    let config = &context.config()?.config;
    let data = context.data()?;
    let owner = if privileges::is_root() { Some(Owner::of(&data)?) } else { None };
    // While it is still root, who may be the only one to read it.
    let token = args.token_file.as_deref().map(joining::token).transpose()?;
    let radio = registry::radio(config);
    let rights = privileges::give_up(NO_PORT, owner.as_ref())?;
    let folder = Folder::take(&data).map_err(|it| owner::out_of_reach(it, owner.as_ref()))?;
    let _alone = folder.lock()?;
    let facts = match (args.once, args.simulate) {
        (false, _) => None,
        (true, true) => Some(once::simulated(context)?),
        (true, false) => Some(once::around(context, args.length, registry::again(&radio))?),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|it| Failure::new(Exit::Failed, "cannot start threads").because(it))?;
    let it = Running { context, config, args, folder: &folder, rights: &rights };
    runtime.block_on(async {
        // From here on nothing is cut off in the middle: a code that lets somebody in is good once.
        let stop = stop::asked()?;
        let (driver, spool) = it.driver(token).await?;
        match facts {
            Some(facts) => delivered(driver.deliver(facts, stop).await, &spool),
            None => it.listen(driver, &spool, &radio, memory, stop).await,
        }
    })
}

/// What a monitor is made of.
struct Running<'a> {
    context: &'a Context,
    config: &'a Config,
    args: &'a RunningArgs,
    folder: &'a Folder,
    rights: &'a Rights,
}

impl Running<'_> {
    /// The relay over its spool, and where that is.
    async fn driver(&self, token: Option<Token>) -> Result<(Driver, Box<Path>), Failure> {
        let Joined { hub, address, monitor, store } = join(self.args, token, self.folder).await?;
        let monitor = monitor.unwrap_or_else(|| self.config.monitor.as_str().into());
        let path = self.folder.spool(self.args.simulate);
        let opened = Spool::open(&path, &monitor).await;
        let (spool, mut spooled) = opened.map_err(|it| unopened(it, &path))?;
        if spooled.rows() == 0 && store.is_some() {
            // Whoever was let in anew, with nothing that waits, tells the new hub.
            spooled.store = store;
        }
        let settings = Settings {
            monitor: monitor.clone(),
            patience: self.config.relay.patience.get(),
            capacity: self.config.relay.capacity(),
            interval: self.config.readings.interval.get(),
            version: env!("CARGO_PKG_VERSION").into(),
            simulated: self.args.simulate,
        };
        let speaker = Speaker { quiet: self.context.common.quiet };
        if !self.args.once {
            speaker.say(&told::started(&Started {
                monitor: &monitor,
                hub: &address,
                data: self.folder.path(),
                file: self.context.config()?.file.as_deref(),
                rights: self.rights,
                spooled: &spooled,
                capacity: settings.capacity,
                simulated: settings.simulated,
            }));
        }
        let start = Start {
            boot: BootId(u128::from_be_bytes(machine::random()?)),
            machine: machine::start()?,
            spooled,
            seed: u64::from_be_bytes(machine::random()?),
        };
        let clock = Arc::clone(&self.context.clock);
        let relay = Relay::new(settings, start, clock.now());
        Ok((Driver::new(relay, hub, spool, clock, is_synchronised), path.into()))
    }

    /// Listens until somebody wants it to end.
    async fn listen(
        &self,
        driver: Driver,
        spool: &Path,
        radio: &io::Result<Trusted>,
        memory: Memory,
        stop: impl Future<Output = ()>,
    ) -> Result<(), Failure> {
        let clock = &self.context.clock;
        let speaker = Speaker { quiet: self.context.common.quiet };
        let (tell, heard) = mpsc::channel(QUEUE);
        let channels = Channels::default();
        let mut sources = JoinSet::new();
        // Whom to look for first is said by a hub about its own sources only.
        let (_interest, wanted) = watch::channel(Arc::from([]));
        for plan in self.plans(clock, radio) {
            let wires = Wires {
                inputs: tell.clone(),
                interest: wanted.clone(),
                channels: channels.clone(),
                clock: Arc::clone(clock),
                backoff: Backoff::STANDARD,
            };
            sources.spawn(supervise(plan, wires));
        }
        let mut rooms = JoinSet::new();
        rooms.spawn(complain(channels.clone(), tell));
        rooms.spawn(speaker.tell(channels, self.config.monitor.clone()));
        rooms.spawn(memory.keep_small());
        rooms.spawn(told::tell(speaker, driver.standing(), spool.into()));
        let stopping = async move {
            stop.await;
            sources.shutdown().await;
        };
        let ended = driver.run(heard, stopping).await;
        rooms.shutdown().await;
        let standing = ended.map_err(|it| unkept(&it))?;
        if standing.waiting > 0 {
            speaker.say(&format!("facts that wait for the hub: {}\n", standing.waiting));
        }
        Ok(())
    }

    fn plans(&self, clock: &Arc<dyn Clock>, radio: &io::Result<Trusted>) -> Vec<Plan> {
        if self.args.simulate {
            return vec![demo::monitor(clock)];
        }
        // The receivers at a broker are monitors of their own, of which one upload cannot tell.
        let is_own = |it: &Plan| it.kind != SourceKind::Mqtt;
        let mut plans = registry::sources(self.config, clock, radio);
        if !plans.iter().all(is_own) {
            tracing::warn!(
                "the receivers at a broker are heard by a hub only: sources.mqtt is left out"
            );
        }
        plans.retain(is_own);
        plans.extend(self.args.facts.clone().map(|path| {
            let (monitor, kind) = (self.config.monitor.as_str(), SourceKind::Gpio);
            let (clock, listener) = (Arc::clone(clock), Listener::new(monitor, kind, ""));
            Plan {
                monitor: monitor.into(),
                // What is in a file may be of any medium; nothing else of a monitor claims this one.
                kind,
                name: "fact file",
                open: Box::new(move || {
                    Ok(Box::new(Feed::new(&path, listener.clone(), Arc::clone(&clock))))
                }),
            }
        }));
        plans
    }
}

/// Tells the hub what the first source that hears nothing says of it. Runs until dropped.
async fn complain(channels: Channels, tell: mpsc::Sender<Told>) {
    let mut changed = channels.changed();
    let mut before = None;
    loop {
        changed.mark_unchanged();
        let all = channels.named();
        let deaf = all.iter().find(|(_, it)| !it.hears && !it.cannot.is_empty());
        let error = deaf.and_then(|(name, it)| {
            let missing = it.cannot.first()?;
            let Listener { monitor, channel, .. } = &it.listener;
            let who = [&**monitor, name, channel].into_iter().filter(|it| !it.is_empty());
            let who = who.collect::<Vec<_>>().join("/");
            let why = format!("{who} cannot {}: {}", missing.what, missing.why);
            Some(why.into_boxed_str())
        });
        if error != before {
            before.clone_from(&error);
            if tell.send(Told::Error(error)).await.is_err() {
                return;
            }
        }
        if changed.changed().await.is_err() {
            return;
        }
    }
}

/// What became of a single look.
fn delivered(ended: Result<Standing, Unkept>, spool: &Path) -> Result<(), Failure> {
    let standing = ended.map_err(|it| unkept(&it))?;
    if standing.refused > 0 {
        let why = standing.refusal.as_deref().unwrap_or_default();
        crate::output::aside(&format!("the hub refused {} facts: {why}", standing.refused));
    }
    if let Some(trouble) = &standing.trouble {
        let (what, hint) = told::explained(trouble, spool);
        return Err(Failure::new(Exit::NotAllowed, what).hint(hint));
    }
    if standing.waiting == 0 {
        return Ok(());
    }
    let waiting = standing.waiting;
    let what = format!("the hub is not reached; facts that wait in the spool: {waiting}");
    let failure = Failure::new(Exit::Unreachable, what)
        .hint(standing.hint.unwrap_or("they are told when `muster monitor` runs again"));
    Err(match &standing.why {
        Some(why) => failure.because(anyhow::anyhow!(why.to_string())),
        None => failure,
    })
}

fn unkept(it: &Unkept) -> Failure {
    Failure::new(Exit::Failed, it.to_string()).hint("look after its disk: df -h")
}

fn unopened(error: SpoolError, path: &Path) -> Failure {
    let (exit, hint) = match &error {
        SpoolError::Unavailable { .. } => {
            (Exit::Unreachable, format!("look after it: ls -l {}", path.display()))
        }
        SpoolError::Newer { .. } => {
            (Exit::Failed, "run the muster that wrote it, or a newer one".to_owned())
        }
        SpoolError::Locked { key } => {
            let (key, path) = (key.display(), path.display());
            (
                Exit::Failed,
                format!(
                    "bring {key} back, or let what waits lie and throw no key away: mv {path} {path}.locked"
                ),
            )
        }
        SpoolError::Damaged { .. } => {
            (Exit::Failed, format!("give up what it holds: mv {0} {0}.damaged", path.display()))
        }
    };
    Failure::new(exit, "cannot open the spool").because(error).hint(hint)
}

/// No port is listened on.
const NO_PORT: u16 = 0;
/// Reports that may wait for the relay; a source that is faster waits.
const QUEUE: usize = 64;
