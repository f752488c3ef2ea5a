//! The hub's desk for pairing: drives the core's machine with the radio, the clock and what people want,
//! and makes of who paired a device with its key.
//!
//! Decides nothing about who is let in. **Invariant:** what the machine wants kept is on the disk before
//! anything else is asked of the radio.

mod devices;
mod kept;
mod start;

pub(crate) use start::{Means, Shared, start};

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use muster_config::pairing::PairingSettings;
use muster_core::identity::{DeviceId, Identity, Mac};
use muster_core::pairing::{Ask, Kept, News, Pairing, PairingView, Said, Trouble};
use muster_core::ports::Clock;
use muster_core::snapshot::Snapshot;
use muster_sources::pairing::Found;
use muster_web::{PairingRefused, PairingWish};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::spawn_blocking;
use tracing::warn;

use devices::Devices;
use kept::Memory;

/// The desk, as the hub's pages see it.
#[derive(Clone)]
pub(crate) struct Counter {
    machine: Arc<Mutex<Pairing>>,
    clock: Arc<dyn Clock>,
    wishes: mpsc::Sender<(PairingWish, Answer)>,
    keyless: Option<Trouble>,
    length: Duration,
}

/// Who waits for what came of a wish.
type Answer = oneshot::Sender<Result<(), PairingRefused>>;

impl Counter {
    /// What there is to see.
    pub(crate) fn view(&self) -> PairingView {
        let view = lock(&self.machine).view(self.clock.now());
        PairingView { keyless: self.keyless.clone(), ..view }
    }

    /// How long a window is open if nobody says.
    pub(crate) fn length(&self) -> Duration {
        self.length
    }

    /// Does what somebody wants, or says why not.
    pub(crate) async fn pair(&self, wish: PairingWish) -> Result<(), PairingRefused> {
        let (answer, answered) = oneshot::channel();
        let asked = self.wishes.send((wish, answer)).await;
        match (asked, answered.await) {
            (Ok(()), Ok(answer)) => answer,
            _ => Err(PairingRefused::Unavailable("the hub is shutting down".to_owned())),
        }
    }
}

/// What the desk is connected to.
struct Wires {
    /// Where the radio is asked.
    asks: mpsc::Sender<Ask>,
    /// What it says.
    said: mpsc::Receiver<Said>,
    /// Keys as they become known.
    keys: mpsc::Receiver<Found>,
    /// Which right is missing for keys to come by themselves, if one is.
    keyless: Option<Trouble>,
    /// Who and what there is.
    pictures: watch::Receiver<Arc<Snapshot>>,
    /// Where it is told that there is something new to see.
    announcer: watch::Sender<u64>,
    /// Devices and keys of the hub.
    devices: Devices,
}

/// The desk itself.
struct Desk {
    machine: Arc<Mutex<Pairing>>,
    clock: Arc<dyn Clock>,
    memory: Memory,
    wishes: mpsc::Receiver<(PairingWish, Answer)>,
    wires: Wires,
    /// The directory's version at which it was last looked who is registered.
    looked: Option<u64>,
    /// Devices that somebody wants forgotten, and what still has to be unpaired for it.
    forgets: Vec<Forget>,
    /// When what could not be written down is tried again, on the monotonic clock.
    again: Option<Duration>,
}

struct Forget {
    device: DeviceId,
    left: BTreeSet<Mac>,
    answer: Answer,
}

impl Desk {
    /// A desk with what an earlier run of this data folder left.
    fn new(
        data: &Path,
        settings: &PairingSettings,
        clock: Arc<dyn Clock>,
        wires: Wires,
    ) -> (Self, Counter) {
        let memory = Memory::of(data);
        let machine = Pairing::new(settings.rules(), memory.read(), clock.now());
        let machine = Arc::new(Mutex::new(machine));
        let (wanted, wishes) = mpsc::channel(WISHES);
        let counter = Counter {
            machine: Arc::clone(&machine),
            clock: Arc::clone(&clock),
            wishes: wanted,
            keyless: wires.keyless.clone(),
            length: settings.window.get(),
        };
        let (looked, forgets, again) = (None, Vec::new(), None);
        (Self { machine, clock, memory, wishes, wires, looked, forgets, again }, counter)
    }

    /// Runs until `stop`, and closes a window that is open then.
    async fn run(mut self, stop: oneshot::Receiver<()>) {
        let mut stop = stop;
        loop {
            self.settle().await;
            let nap = self.nap();
            tokio::select! {
                _ = &mut stop => break,
                Some(said) = self.wires.said.recv() => self.handle(said),
                Some((wish, answer)) = self.wishes.recv() => self.wish(wish, answer).await,
                Some(found) = self.wires.keys.recv() => {
                    let bond = lock(&self.machine).bond(found.device).cloned();
                    self.wires.devices.key(found, bond).await;
                }
                Ok(()) = self.wires.pictures.changed() => self.look(),
                () = tokio::time::sleep(nap) => {
                    let now = self.clock.now();
                    lock(&self.machine).handle_timeout(now);
                    if self.again.is_some_and(|it| it <= now.mono) {
                        self.again = None;
                        self.wires.devices.again().await;
                    }
                }
            }
        }
        let now = self.clock.now();
        lock(&self.machine).close(now);
        let shut = async {
            self.settle().await;
            while !lock(&self.machine).is_shut() {
                let Some(said) = self.wires.said.recv().await else { return };
                self.handle(said);
                self.settle().await;
            }
        };
        if tokio::time::timeout(LAST_WORDS, shut).await.is_err() {
            warn!("the pairing window was not closed in order: the next start does it");
        }
    }

    fn handle(&mut self, said: Said) {
        let now = self.clock.now();
        lock(&self.machine).handle(said, now);
        // Whoever looks sees it at once.
        self.wires.announcer.send_modify(|_| ());
    }

    fn nap(&mut self) -> Duration {
        let due = lock(&self.machine).poll_timeout();
        let now = self.clock.now().mono;
        if self.wires.devices.is_late() && self.again.is_none() {
            self.again = Some(now + AGAIN);
        }
        let due = due.into_iter().chain(self.again).min();
        let left = due.map(|it| it.saturating_sub(now));
        left.unwrap_or(LONGEST_NAP).min(LONGEST_NAP)
    }

    /// Does what the machine wants, until it wants nothing.
    async fn settle(&mut self) {
        loop {
            let kept = lock(&self.machine).poll_kept();
            if let Some(kept) = kept {
                self.keep(kept).await;
            }
            let news = lock(&self.machine).poll_news();
            if let Some(news) = news {
                self.act(news).await;
                self.wires.announcer.send_modify(|_| ());
                continue;
            }
            let ask = lock(&self.machine).poll_ask();
            let Some(ask) = ask else { return };
            // A radio that is gone says nothing, which the machine takes for what it is.
            drop(self.wires.asks.send(ask).await);
            self.wires.announcer.send_modify(|_| ());
        }
    }

    async fn keep(&mut self, kept: Kept) {
        let memory = self.memory.clone();
        let written = spawn_blocking(move || memory.write(&kept)).await;
        if let Err(cause) = written.unwrap_or_else(|it| Err(it.into())) {
            let why = format!("what adapters are like cannot be written down: {cause}");
            warn!("{why}");
            lock(&self.machine).unkept(&why);
        }
    }

    async fn act(&mut self, news: News) {
        match news {
            News::Bonds(bonds) => {
                for bond in bonds {
                    self.wires.devices.adopt(&bond).await;
                }
                self.looked = None;
                self.look();
            }
            News::Unpaired { device, outcome } => {
                let by_hand = self.forgets.iter().any(|it| it.left.contains(&device));
                for at in (0..self.forgets.len()).rev() {
                    self.unpaired(at, device, &outcome).await;
                }
                if outcome.is_ok() && !by_hand {
                    self.wires.devices.forget_stranger(device).await;
                }
            }
        }
    }

    /// What came of unpairing, for somebody who waits for it.
    async fn unpaired(&mut self, at: usize, device: Mac, outcome: &Result<(), Box<str>>) {
        let Some(forget) = self.forgets.get_mut(at).filter(|it| it.left.contains(&device)) else {
            return;
        };
        forget.left.remove(&device);
        let done = match outcome {
            Err(why) => Err(PairingRefused::StillPaired(why.to_string())),
            Ok(()) if !forget.left.is_empty() => return,
            Ok(()) => {
                let id = forget.device;
                self.wires.devices.forget(id).await.map_err(PairingRefused::Half)
            }
        };
        // Whoever asked may have gone.
        drop(self.forgets.remove(at).answer.send(done));
    }

    async fn wish(&mut self, wish: PairingWish, answer: Answer) {
        let now = self.clock.now();
        let done = match wish {
            PairingWish::Open { length, by } => {
                lock(&self.machine).open(length, by, now).map_err(Into::into)
            }
            PairingWish::Close => {
                lock(&self.machine).close(now);
                Ok(())
            }
            PairingWish::Answer { number, accept } => {
                lock(&self.machine).answer(number, accept, now).map_err(Into::into)
            }
            PairingWish::Forget(device) => return self.forget(device, answer).await,
        };
        drop(answer.send(done));
        self.wires.announcer.send_modify(|_| ());
    }

    async fn forget(&mut self, device: DeviceId, answer: Answer) {
        let mut addresses = addresses_of(&self.wires.pictures.borrow(), device);
        // What was never paired needs no radio to be forgotten.
        addresses.retain(|it| lock(&self.machine).is_paired(*it));
        if addresses.is_empty() {
            let done = self.wires.devices.forget(device).await;
            drop(answer.send(done.map_err(PairingRefused::Unavailable)));
            return;
        }
        for address in &addresses {
            let asked = lock(&self.machine).forget(*address);
            if let Err(refused) = asked {
                drop(answer.send(Err(refused.into())));
                return;
            }
        }
        self.forgets.push(Forget { device, left: addresses, answer });
    }

    /// Sees who has a name or an owner by now.
    fn look(&mut self) {
        let picture = Arc::clone(&self.wires.pictures.borrow_and_update());
        if self.looked == Some(picture.directory.version) {
            return;
        }
        self.looked = Some(picture.directory.version);
        let described = picture.devices.iter().filter(|it| {
            let entry = picture.directory.devices.get(&it.id);
            entry.is_some_and(|it| !it.name.is_empty() || it.owner().is_some())
        });
        let addresses = described.flat_map(|it| &it.identities).filter_map(|(_, it)| address(it));
        let now = self.clock.now();
        lock(&self.machine).register(addresses.collect(), now);
    }
}

/// The Bluetooth addresses of a device.
fn addresses_of(picture: &Snapshot, device: DeviceId) -> BTreeSet<Mac> {
    let identities = picture.device(device).map_or(&[][..], |it| &it.identities);
    identities.iter().filter_map(|(_, it)| address(it)).collect()
}

fn address(identity: &Identity) -> Option<Mac> {
    match identity {
        Identity::Bt(mac) | Identity::Ble(mac) => Some(*mac),
        Identity::Mac(_) | Identity::Private(_) | Identity::Text(..) => None,
    }
}

fn lock(machine: &Mutex<Pairing>) -> MutexGuard<'_, Pairing> {
    machine.lock().unwrap_or_else(PoisonError::into_inner)
}

/// People want one thing at a time.
const WISHES: usize = 8;
/// How soon what could not be written down is tried again.
const AGAIN: Duration = Duration::from_secs(5);
/// See the loop's: a timer does not count suspend.
const LONGEST_NAP: Duration = Duration::from_secs(10);
/// How long putting adapters back may take at the end.
const LAST_WORDS: Duration = Duration::from_secs(5);
