//! One life of bluetoothd: from finding it to its end.

use std::collections::{BTreeMap, HashMap};
use std::pin::pin;

use futures_util::{StreamExt as _, stream};
use muster_core::identity::Mac;
use muster_core::pairing::{Ask, Said, Trouble, Wish};
use tokio::sync::{mpsc, oneshot};
use tracing::debug;
use zbus::message::Type;
use zbus::names::OwnedUniqueName;
use zbus::{MatchRule, Message, MessageStream, ObjectPath, OwnedVariant};

use super::adapters::{self, Wanted};
use super::agent::Asked;
use super::{connect, read_objects, trouble};
use crate::bluez::objects::{Objects, address_in, is_private, shown};
use crate::bluez::{Bluez, BluezError};

/// bluetoothd, while it runs.
pub(super) struct Session {
    bluez: Bluez,
    owner: OwnedUniqueName,
    said: mpsc::Sender<Said>,
    /// Where the agent hands its questions on.
    to_us: mpsc::Sender<Asked>,
    asked: mpsc::Receiver<Asked>,
    /// Who waits for an answer.
    answers: BTreeMap<u64, oneshot::Sender<bool>>,
    last: u64,
    /// Whose pairing was told of.
    told: Vec<Mac>,
    /// Changes of devices: only while a window is open, because in a crowded place they are many.
    changes: Option<MessageStream>,
}

/// What was waited for.
enum Event {
    Ask(Option<Ask>),
    Asked(Asked),
    Changed,
    /// An object came or went.
    Object(String),
    Owner(Option<OwnedUniqueName>),
}

impl Session {
    /// Finds bluetoothd and an adapter, or says what is missing.
    pub(super) async fn begin(said: mpsc::Sender<Said>) -> Result<Self, Trouble> {
        let bluez = connect().await?;
        let owner = bluez.owner().await.map_err(|it| trouble(&it))?;
        let owner = owner.ok_or_else(|| Trouble {
            why: "bluetoothd does not run".into(),
            hint: Some("systemctl start bluetooth".into()),
        })?;
        let (to_us, asked) = mpsc::channel(MOST_QUESTIONS);
        let (answers, told) = (BTreeMap::new(), Vec::new());
        let mut it =
            Self { bluez, owner, said, to_us, asked, answers, last: 0, told, changes: None };
        it.say_here().await?;
        Ok(it)
    }

    /// Goes on until bluetoothd ends, and says why; none when nobody asks any more.
    pub(super) async fn run(mut self, asks: &mut mpsc::Receiver<Ask>) -> Option<Trouble> {
        let (owners, objects) = match self.signals().await {
            Ok(signals) => signals,
            Err(error) => return Some(trouble(&error)),
        };
        let (mut owners, mut objects) = (pin!(owners), pin!(objects));
        loop {
            let changed = async {
                match &mut self.changes {
                    Some(changes) => changes.next().await,
                    None => std::future::pending().await,
                }
            };
            let event = tokio::select! {
                ask = asks.recv() => Event::Ask(ask),
                Some(asked) = self.asked.recv() => Event::Asked(asked),
                Some(Ok(message)) = changed => match changed_device(&message) {
                    Some(_) => Event::Changed,
                    None => continue,
                },
                Some(path) = objects.next() => Event::Object(path),
                owner = owners.next() => Event::Owner(owner.flatten()),
            };
            let went = match event {
                Event::Ask(None) => return None,
                Event::Ask(Some(ask)) => self.handle(ask).await,
                Event::Asked(asked) => self.question(asked).await,
                Event::Object(path) if is_adapter(&path) => self.say_here().await,
                // Devices come and go all the time: of them only who was paired is news.
                Event::Object(path) if !self.was_told(&path) => Ok(()),
                Event::Changed | Event::Object(_) => self.changed().await,
                Event::Owner(Some(owner)) if owner == self.owner => Ok(()),
                Event::Owner(_) => Err(Trouble {
                    why: "bluetoothd ended".into(),
                    hint: Some("systemctl start bluetooth".into()),
                }),
            };
            if let Err(why) = went {
                return Some(why);
            }
        }
    }

    async fn signals(
        &self,
    ) -> Result<
        (
            impl futures_util::Stream<Item = Option<OwnedUniqueName>> + use<>,
            impl futures_util::Stream<Item = String> + use<>,
        ),
        BluezError,
    > {
        let owners = self.bluez.owners().await?;
        let objects = self.bluez.objects().await?;
        let added = objects.receive_interfaces_added().await?;
        let added = added.filter_map(async |it| Some(it.args().ok()?.object_path.to_string()));
        let removed = objects.receive_interfaces_removed().await?;
        let removed = removed.filter_map(async |it| Some(it.args().ok()?.object_path.to_string()));
        let told = stream::select(added.boxed(), removed.boxed());
        Ok((owners, told))
    }

    /// Everybody who is paired, where there is an adapter.
    async fn say_here(&mut self) -> Result<(), Trouble> {
        let objects = read_objects(&self.bluez).await?;
        if objects.adapters.is_empty() {
            return Err(Trouble {
                why: "there is no Bluetooth adapter".into(),
                hint: Some("muster doctor".into()),
            });
        }
        self.told = objects.paired().iter().map(|it| it.device).collect();
        self.say(Said::Here { bonds: objects.paired() }).await;
        Ok(())
    }

    async fn handle(&mut self, ask: Ask) -> Result<(), Trouble> {
        match ask {
            Ask::Look => {
                self.say_here().await?;
                let objects = read_objects(&self.bluez).await?;
                let said = match adapters::look(&self.bluez, &objects).await {
                    Ok(before) => Said::Looked(before),
                    Err(why) => Said::NotOpened(why),
                };
                self.say(said).await;
            }
            Ask::Open { name, length, capability } => {
                let wanted = Wanted { name: &name, length, capability };
                let said = match self.open(&wanted).await {
                    Ok((adapters, low_energy)) => Said::Opened { adapters, low_energy },
                    Err(why) => Said::NotOpened(why),
                };
                self.say(said).await;
            }
            Ask::Close { before } => {
                self.answers.clear();
                let objects = read_objects(&self.bluez).await?;
                let closed = adapters::close(&self.bluez, &objects, before).await;
                // What paired at the last moment.
                self.tell_new(&objects).await;
                self.changes = None;
                self.say(Said::Closed(closed)).await;
            }
            Ask::Answer { number, accept } => {
                if let Some(answer) = self.answers.remove(&number) {
                    // The device may have given up.
                    answer.send(accept).ok();
                }
            }
            Ask::Unpair { device } => {
                let outcome = self.unpair(device).await?;
                self.say(Said::Unpaired { device, outcome }).await;
            }
        }
        Ok(())
    }

    async fn open(&mut self, wanted: &Wanted<'_>) -> Result<adapters::Opened, Trouble> {
        let objects = read_objects(&self.bluez).await?;
        if self.changes.is_none() {
            let changes = self.device_changes().await.map_err(|it| trouble(&it))?;
            self.changes = Some(changes);
        }
        adapters::open(&self.bluez, &objects, &self.owner, &self.to_us, wanted).await
    }

    /// What is told when something about a device changes.
    async fn device_changes(&self) -> Result<MessageStream, BluezError> {
        let rule = MatchRule::builder()
            .msg_type(Type::Signal)
            .sender(self.owner.as_str())
            .interface("org.freedesktop.DBus.Properties")
            .member("PropertiesChanged")
            .path_namespace("/org/bluez")
            .arg(0, "org.bluez.Device1")
            .build()?
            .to_owned();
        Ok(MessageStream::for_match_rule(rule, self.bluez.connection(), None).await?)
    }

    fn was_told(&self, path: &str) -> bool {
        address_in(path).is_some_and(|it| self.told.contains(&it))
    }

    async fn changed(&mut self) -> Result<(), Trouble> {
        debug!("a device changed");
        let objects = read_objects(&self.bluez).await?;
        self.tell_new(&objects).await;
        Ok(())
    }

    /// Tells of who is paired and was not yet. One that still hides is told once it has said who it is,
    /// or at the end of the window.
    async fn tell_new(&mut self, objects: &Objects) {
        for bond in objects.paired() {
            let waits = is_private(&bond) && self.changes.is_some();
            if !waits && !self.told.contains(&bond.device) {
                self.told.push(bond.device);
                self.say(Said::Paired(bond)).await;
            }
        }
        let paired = |it: &Mac| objects.bonds.iter().any(|bonded| bonded.bond.device == *it);
        let (stay, gone): (Vec<Mac>, Vec<Mac>) = self.told.iter().partition(|it| paired(it));
        self.told = stay;
        for device in gone {
            self.say(Said::Parted { device }).await;
        }
    }

    async fn question(&mut self, asked: Asked) -> Result<(), Trouble> {
        match asked {
            Asked::Cancel => {
                for (number, _) in std::mem::take(&mut self.answers) {
                    self.say(Said::Withdrawn { number }).await;
                }
            }
            Asked::May { path, what, answer } => {
                let Some(device) = address_in(&path) else { return Ok(()) };
                let name = match self.bluez.device(&path).await {
                    Ok(proxy) => proxy.alias().await.ok(),
                    Err(_) => None,
                };
                let name = shown(name.as_deref(), device);
                self.last += 1;
                let number = self.last;
                self.answers.retain(|_, it| !it.is_closed());
                self.answers.insert(number, answer);
                self.say(Said::Asks { number, device, name, what }).await;
                if let Wish::Service(service) = what {
                    debug!("a device wants to use service {service:032x}");
                }
            }
        }
        Ok(())
    }

    async fn unpair(&mut self, device: Mac) -> Result<Result<(), Box<str>>, Trouble> {
        let objects = read_objects(&self.bluez).await?;
        let theirs = objects.bonds.iter().filter(|it| it.bond.device == device);
        for it in theirs {
            if let Err(error) = self.remove(&it.adapter, &it.path).await {
                return Ok(Err(error.to_string().into()));
            }
        }
        let left = read_objects(&self.bluez).await?;
        if left.bonds.iter().any(|it| it.bond.device == device) {
            return Ok(Err("bluetoothd says it is done, and still has it".into()));
        }
        self.told.retain(|it| *it != device);
        Ok(Ok(()))
    }

    async fn remove(&self, adapter: &str, path: &str) -> Result<(), BluezError> {
        let object = ObjectPath::try_from(path)?;
        Ok(self.bluez.adapter(adapter).await?.remove_device(&object).await?)
    }

    async fn say(&self, said: Said) {
        // Nobody listens any more when the hub ends.
        drop(self.said.send(said).await);
    }
}

/// The path of a device, if it is about who it is or whether it is paired: signal and advertising data
/// change all the time.
fn changed_device(message: &Message) -> Option<String> {
    let body = message.body();
    let (_, changed, _): (String, HashMap<String, OwnedVariant>, Vec<String>) =
        body.deserialize().ok()?;
    let is_news = ["Paired", "Bonded", "Address", "AddressType"];
    let is_news = is_news.iter().any(|it| changed.contains_key(*it));
    Some(message.header().path()?.to_string()).filter(|_| is_news)
}

/// As in `/org/bluez/hci0`.
fn is_adapter(path: &str) -> bool {
    path.strip_prefix("/org/bluez/").is_some_and(|it| !it.contains('/'))
}

/// One for each link that an adapter may have.
const MOST_QUESTIONS: usize = 16;
