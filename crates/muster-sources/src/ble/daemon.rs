//! The back end over bluetoothd on D-Bus: where only the kernel's friends may ask the kernel.
//!
//! Decides what signals mean for an adapter, and nothing else. **Invariant:** one match rule for all of
//! bluetoothd's objects; what was known before we listened is no report; and only who answers to
//! bluetoothd's name is believed.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::{BoxStream, FuturesUnordered, StreamExt as _};
use muster_wire::bluetooth::management::Transports;
use tokio::time::timeout;
use zbus::fdo::ManagedObjects;
use zbus::names::{MemberName, OwnedUniqueName, UniqueName};
use zbus::{MatchRule, Message, MessageStream, ObjectPath, OwnedObjectPath, Variant};

use super::news::News;
use super::properties::{Device, Properties};
use super::turns::{Ask, Pace, Trouble};
use crate::bluez::{Bluez, BluezError, NAME, Refusal, adapter_number, adapter_path};

/// bluetoothd, listened to.
pub(super) struct Daemon {
    bluez: Bluez,
    /// Who answers to its name; none while it does not run.
    owner: Option<OwnedUniqueName>,
    owners: BoxStream<'static, Option<OwnedUniqueName>>,
    signals: MessageStream,
    calls: FuturesUnordered<BoxFuture<'static, (OwnedUniqueName, Done)>>,
    devices: BTreeMap<String, Device>,
    pace: Pace,
}

/// What came of a call.
enum Done {
    Objects(Result<ManagedObjects, BluezError>),
    Started(u16, Result<(), BluezError>),
    /// Whether somebody still looks for devices.
    Stopped(u16, Result<bool, BluezError>),
    Restarted(u16, Restarted),
}

/// What came of switching an adapter off and on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Restarted {
    /// It is on.
    On,
    /// It was left as it is: somebody is connected, or it would not.
    LeftAlone,
    /// It could not be switched on again.
    StaysOff,
}

impl Daemon {
    /// Connects to the bus and begins to listen, whether or not bluetoothd runs. `restarts`: whether an
    /// adapter that hangs is switched off and on.
    pub(super) async fn connect(restarts: bool) -> Result<Self, BluezError> {
        let bluez = Bluez::connect().await?;
        let rule = MatchRule::builder()
            .msg_type(zbus::message::Type::Signal)
            .sender(NAME)
            .path_namespace("/")
            .build()?;
        let owners = bluez.owners().await?.boxed();
        let signals = MessageStream::for_match_rule(rule, bluez.connection(), None).await?;
        let owner = bluez.owner().await?;
        let (calls, devices) = (FuturesUnordered::new(), BTreeMap::new());
        let pace = Pace { restarts, ..Pace::DAEMON };
        let mut it = Self { bluez, owner: None, owners, signals, calls, devices, pace };
        it.set_owner(owner);
        Ok(it)
    }

    /// Whether bluetoothd runs.
    pub(super) fn runs(&self) -> bool {
        self.owner.is_some()
    }

    fn set_owner(&mut self, owner: Option<OwnedUniqueName>) {
        self.devices.clear();
        self.owner = owner;
        let bluez = self.bluez.clone();
        self.call(async move { Done::Objects(objects(&bluez).await) });
    }

    /// Asks an adapter; what comes of it is told.
    pub(super) fn ask(&mut self, adapter: u16, ask: Ask) {
        let bluez = self.bluez.clone();
        self.call(async move {
            match ask {
                Ask::Start => Done::Started(adapter, start(&bluez, adapter).await),
                Ask::Stop => Done::Stopped(adapter, stop(&bluez, adapter).await),
                Ask::Restart => Done::Restarted(adapter, restart(&bluez, adapter).await),
            }
        });
    }

    fn call(&mut self, what: impl Future<Output = Done> + Send + 'static) {
        if let Some(owner) = self.owner.clone() {
            self.calls.push(Box::pin(async move { (owner, what.await) }));
        }
    }

    /// Ready when something came; hands it over in order. An error is the end of the bus, or of all
    /// that can be asked over it.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        each: &mut dyn FnMut(u16, News<'_>),
    ) -> Poll<io::Result<()>> {
        let mut any = false;
        while let Poll::Ready(owner) = self.owners.poll_next_unpin(cx) {
            any = true;
            self.set_owner(owner.ok_or(io::ErrorKind::ConnectionAborted)?);
        }
        for _ in 0..MOST_AT_ONCE {
            let Poll::Ready(message) = self.signals.poll_next_unpin(cx) else { break };
            any = true;
            match message {
                Some(Ok(message)) => self.signal(&message, each),
                Some(Err(error)) => return Poll::Ready(Err(io::Error::other(error))),
                None => return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into())),
            }
        }
        while let Poll::Ready(Some((owner, done))) = self.calls.poll_next_unpin(cx) {
            any = true;
            if self.owner.as_ref() == Some(&owner) {
                self.done(done, each)?;
            }
        }
        if any {
            // There may be more that nobody would wake us for.
            cx.waker().wake_by_ref();
        }
        if any { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    /// An error is a bluetoothd that does not list its objects: nothing would ever be heard by it.
    fn done(&mut self, done: Done, each: &mut dyn FnMut(u16, News<'_>)) -> io::Result<()> {
        match done {
            Done::Objects(Ok(objects)) => {
                for (path, interfaces) in objects {
                    for (name, told) in interfaces {
                        let told = told.iter().filter_map(|(name, it)| {
                            Some((name.as_str(), it.try_clone().ok()?.into()))
                        });
                        let told = told.collect();
                        self.object(path.as_str(), name.as_str(), &told, false, each);
                    }
                }
            }
            Done::Objects(Err(error)) => return Err(io::Error::other(error)),
            Done::Started(adapter, Ok(())) => each(adapter, News::Began(Transports::LOW_ENERGY)),
            Done::Stopped(adapter, Ok(goes_on)) => each(adapter, News::Ended { proves: !goes_on }),
            Done::Restarted(adapter, Restarted::On) => each(adapter, News::Ready(self.pace)),
            Done::Restarted(adapter, Restarted::LeftAlone) => {
                each(adapter, News::Ready(self.pace));
                each(adapter, News::Refused(Trouble::Hangs));
            }
            Done::Restarted(adapter, Restarted::StaysOff) => each(adapter, News::StaysOff),
            Done::Started(adapter, Err(error)) => each(adapter, refused(&error)),
            Done::Stopped(adapter, Err(error)) => each(adapter, not_stopped(&error)),
        }
        Ok(())
    }

    fn signal(&mut self, message: &Message, each: &mut dyn FnMut(u16, News<'_>)) {
        let header = message.header();
        // A match rule keeps nobody from sending to us alone.
        if header.sender().map(UniqueName::as_str) != self.owner.as_ref().map(|it| it.as_str()) {
            return;
        }
        let body = message.body();
        match header.member().map(MemberName::as_str) {
            Some("InterfacesAdded") => {
                let Ok((path, added)) =
                    body.deserialize::<(ObjectPath<'_>, HashMap<&str, Properties<'_>>)>()
                else {
                    return;
                };
                for (interface, told) in added {
                    self.object(path.as_str(), interface, &told, true, each);
                }
            }
            Some("InterfacesRemoved") => {
                let Ok((path, gone)) = body.deserialize::<(OwnedObjectPath, Vec<String>)>() else {
                    return;
                };
                if gone.iter().any(|it| it == DEVICE) {
                    self.devices.remove(path.as_str());
                }
                if let Some(adapter) =
                    adapter_number(&path).filter(|_| gone.iter().any(|it| it == ADAPTER))
                {
                    each(adapter, News::Unavailable(Trouble::Gone));
                }
            }
            Some("PropertiesChanged") => {
                let told = body.deserialize::<(&str, Properties<'_>, Vec<&str>)>();
                if let (Some(path), Ok((interface, told, _))) = (header.path(), told) {
                    self.object(path.as_str(), interface, &told, true, each);
                }
            }
            _ => {}
        }
    }

    /// Something about an object; `live` unless it is what was known before.
    fn object(
        &mut self,
        path: &str,
        interface: &str,
        told: &Properties<'_>,
        live: bool,
        each: &mut dyn FnMut(u16, News<'_>),
    ) {
        let Some(adapter) = adapter_number(path) else { return };
        if interface == ADAPTER {
            match told.get("Powered").and_then(|it| bool::try_from(it).ok()) {
                Some(true) => each(adapter, News::Ready(self.pace)),
                Some(false) => {
                    each(adapter, News::Unavailable(Trouble::Off { is_blocked: false }));
                }
                None => {}
            }
            return;
        }
        if interface != DEVICE {
            return;
        }
        if self.devices.len() >= MOST_DEVICES && !self.devices.contains_key(path) {
            self.devices.clear();
        }
        let device = self.devices.entry(path.to_owned()).or_default();
        if device.learn(told) && live {
            let mut data = Vec::new();
            each(adapter, News::Heard(device.advertisement(&mut data)));
        }
    }
}

impl std::fmt::Debug for Daemon {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Daemon").field("owner", &self.owner).finish_non_exhaustive()
    }
}

async fn objects(bluez: &Bluez) -> Result<ManagedObjects, BluezError> {
    Ok(bluez.objects().await?.get_managed_objects().await?)
}

/// The filter says what it would be without: with one, bluetoothd tells of every change of the signal,
/// and with `DuplicateData` of every report that carries data.
async fn start(bluez: &Bluez, adapter: u16) -> Result<(), BluezError> {
    let proxy = bluez.adapter(&adapter_path(adapter)).await?;
    let filter = HashMap::from([
        ("RSSI", Variant::from(WEAKEST)),
        ("Transport", Variant::from("le")),
        ("DuplicateData", Variant::from(true)),
    ]);
    proxy.set_discovery_filter(filter).await?;
    Ok(proxy.start_discovery().await?)
}

async fn stop(bluez: &Bluez, adapter: u16) -> Result<bool, BluezError> {
    let proxy = bluez.adapter(&adapter_path(adapter)).await?;
    proxy.stop_discovery().await?;
    Ok(proxy.discovering().await?)
}

/// Switches an adapter off and on, which ends what its controller never answered; nobody's connection is
/// cut by it. The controller may need its time until it can be switched on.
async fn restart(bluez: &Bluez, adapter: u16) -> Restarted {
    let Ok(Ok(true)) = timeout(PATIENCE, switch_off(bluez, adapter)).await else {
        return Restarted::LeftAlone;
    };
    for _ in 0..SWITCHES {
        match timeout(PATIENCE, switch(bluez, adapter, true)).await {
            Ok(Ok(())) => return Restarted::On,
            Ok(Err(BluezError::Refused(..))) | Err(_) => tokio::time::sleep(NEXT_SWITCH).await,
            // What became of it is told by who has it now.
            Ok(Err(_)) => return Restarted::LeftAlone,
        }
    }
    Restarted::StaysOff
}

/// Whether it was; not where somebody is connected.
async fn switch_off(bluez: &Bluez, adapter: u16) -> Result<bool, BluezError> {
    let objects = objects(bluez).await?;
    let mut devices = objects.iter().filter(|(path, _)| adapter_number(path) == Some(adapter));
    let is_used = devices.any(|(_, interfaces)| {
        let connected = interfaces.get(DEVICE).and_then(|it| it.get("Connected"));
        connected.is_some_and(|it| bool::try_from(&**it) == Ok(true))
    });
    if !is_used {
        switch(bluez, adapter, false).await?;
    }
    Ok(!is_used)
}

async fn switch(bluez: &Bluez, adapter: u16, on: bool) -> Result<(), BluezError> {
    let proxy = bluez.adapter(&adapter_path(adapter)).await?;
    Ok(proxy.set_powered(on).await?)
}

fn refused(error: &BluezError) -> News<'static> {
    let why = || error.to_string();
    match error {
        BluezError::Gone(_) => News::Unavailable(Trouble::Gone),
        BluezError::NoDaemon(_) | BluezError::NoBus(_) | BluezError::Bus(_) => {
            News::Refused(Trouble::Refused { why: why(), hint: None })
        }
        BluezError::Denied(_) => {
            let hint = "sudo usermod -aG bluetooth USER, for the user that muster runs as";
            News::Refused(Trouble::Refused { why: why(), hint: Some(hint.to_owned()) })
        }
        BluezError::Refused(Refusal::NotReady, _) => {
            News::Unavailable(Trouble::Off { is_blocked: false })
        }
        BluezError::Refused(Refusal::InProgress, _) => News::Busy,
        BluezError::Refused(..) => News::Refused(Trouble::Refused { why: why(), hint: None }),
    }
}

/// That nothing was under way is no trouble.
fn not_stopped(error: &BluezError) -> News<'static> {
    match error.refusal() {
        Some(Refusal::Failed(_)) => News::Ended { proves: false },
        // The kernel could not end it, because the controller did not answer.
        Some(Refusal::InProgress) => News::Refused(Trouble::Hangs),
        Some(_) | None => refused(error),
    }
}

const ADAPTER: &str = "org.bluez.Adapter1";
const DEVICE: &str = "org.bluez.Device1";
/// dBm; bluetoothd takes nothing less.
const WEAKEST: i16 = -127;
/// How often a controller is told to be on, with a pause of [`NEXT_SWITCH`]: for 10 min, which outlasts
/// firmware that starts again.
const SWITCHES: usize = 60;
/// The kernel waits for each of several answers, 2 s for most, 10 s for the first (`HCI_INIT_TIMEOUT`).
const PATIENCE: Duration = Duration::from_secs(40);
const NEXT_SWITCH: Duration = Duration::from_secs(10);
/// bluetoothd forgets who is silent for 30 s; nobody near has so many around in that time.
const MOST_DEVICES: usize = 20_000;
/// A turn of the loop takes no more, so that questions and coverage are not late.
const MOST_AT_ONCE: usize = 256;
