//! bluetoothd, where it has what the kernel tells nobody: who is paired. And it connects to them.
//!
//! Its list is asked for again and again, and of what it tells whoever listens only the end of an object
//! is: nothing of the crowd around is of use here. **Invariants:** the last list holds until there is
//! another one, so nobody is forgotten because bluetoothd is gone for a while; who is unpaired is
//! forgotten at once, so that nobody who was sent away is asked in.

use std::collections::BTreeMap;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt as _};
use futures_util::stream::StreamExt as _;
use muster_core::identity::Mac;
use zbus::{MatchRule, MessageStream, OwnedObjectPath};

use crate::bluez::objects::{Bonded, Objects};
use crate::bluez::{Bluez, BluezError, NAME, adapter_number};

/// Why bluetoothd cannot be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lack {
    /// There is no system bus.
    NoBus,
    /// It does not run.
    Absent,
    /// The bus does not let this user ask it.
    Denied,
    /// It does not answer, or not as it should.
    Silent,
}

impl Lack {
    /// What kept it from being asked; none where it was asked and said no.
    pub(super) fn of(error: &BluezError) -> Option<Self> {
        match error {
            BluezError::NoBus(_) => Some(Self::NoBus),
            BluezError::NoDaemon(_) => Some(Self::Absent),
            BluezError::Denied(_) => Some(Self::Denied),
            BluezError::Bus(_) => Some(Self::Silent),
            BluezError::Gone(_) | BluezError::Refused(..) => None,
        }
    }

    /// In plain words, with what helps.
    pub(super) const fn why(self) -> (&'static str, &'static str) {
        match self {
            Self::NoBus => ("there is no system bus", "sudo systemctl start dbus bluetooth"),
            Self::Absent => ("bluetoothd does not run", "sudo systemctl start bluetooth"),
            Self::Denied => (
                "the system bus does not let this user ask bluetoothd",
                "sudo usermod -aG bluetooth USER, for the user that muster runs as",
            ),
            Self::Silent => ("bluetoothd does not answer", "sudo systemctl restart bluetooth"),
        }
    }
}

/// What one adapter's channel needs of bluetoothd.
#[derive(Clone, Debug, Default)]
pub(super) struct Reach {
    pub(super) bluez: Option<Bluez>,
    /// The objects of those who are paired with the adapter.
    pub(super) paths: BTreeMap<Mac, String>,
    pub(super) lack: Option<Lack>,
}

/// A list, and where it came from; with a stream if the connection is new.
struct Answer {
    bluez: Bluez,
    ends: Option<MessageStream>,
    objects: Objects,
}

/// bluetoothd, asked now and then.
#[derive(Default)]
pub(super) struct Daemon {
    bluez: Option<Bluez>,
    /// The ends of objects.
    ends: Option<MessageStream>,
    asking: Option<BoxFuture<'static, Result<Answer, Lack>>>,
    next: Duration,
    /// What came of the last question; none was answered yet if none.
    told: Option<Result<(), Lack>>,
    bonds: Vec<Bonded>,
}

impl Daemon {
    /// Asks, if it is time to. Call it inside a tokio runtime.
    pub(super) fn act(&mut self, now: Duration) {
        if self.asking.is_none() && self.next <= now {
            self.asking = Some(ask(self.bluez.clone()).boxed());
        }
    }

    /// Ready when something was told that may be new.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, now: Duration) -> Poll<()> {
        let listed = self.poll_list(cx, now);
        let before = self.bonds.len();
        while let Some(Poll::Ready(message)) = self.ends.as_mut().map(|it| it.poll_next_unpin(cx)) {
            let Some(message) = message else {
                self.ends = None;
                break;
            };
            let body = message.as_ref().ok().map(zbus::Message::body);
            let told = body.and_then(|it| it.deserialize::<(OwnedObjectPath, Vec<String>)>().ok());
            if let Some((path, _)) = told {
                self.end(path.as_str());
            }
        }
        if listed || self.bonds.len() < before { Poll::Ready(()) } else { Poll::Pending }
    }

    fn poll_list(&mut self, cx: &mut Context<'_>, now: Duration) -> bool {
        let Some(asking) = &mut self.asking else { return false };
        let Poll::Ready(told) = asking.poll_unpin(cx) else { return false };
        self.asking = None;
        self.next = now + if told.is_ok() { EVERY } else { AGAIN };
        self.told = Some(match told {
            Ok(answer) => {
                self.bluez = Some(answer.bluez);
                self.ends = answer.ends.or(self.ends.take());
                self.bonds = answer.objects.bonds;
                Ok(())
            }
            Err(lack) => {
                // A bus that failed is not used again.
                (self.bluez, self.ends) = (None, None);
                Err(lack)
            }
        });
        true
    }

    /// An object is no more: who was paired there is no longer.
    fn end(&mut self, path: &str) {
        self.bonds.retain(|it| it.path != path);
    }

    /// When [`Self::act`] has something to do; never while an answer is waited for.
    pub(super) fn next(&self) -> Duration {
        if self.asking.is_some() { Duration::MAX } else { self.next }
    }

    /// Whether it said who is paired, or why not.
    pub(super) fn has_told(&self) -> bool {
        self.told.is_some()
    }

    /// Everybody who is paired with any adapter and can be asked over classic Bluetooth.
    pub(super) fn paired(&self) -> impl Iterator<Item = Mac> {
        self.bonds.iter().filter(|it| it.is_classic).map(|it| it.bond.device)
    }

    /// What the adapter with that number needs.
    pub(super) fn reach(&self, adapter: u16) -> Reach {
        let its = |it: &&Bonded| it.is_classic && adapter_number(&it.adapter) == Some(adapter);
        let paths = self.bonds.iter().filter(its).map(|it| (it.bond.device, it.path.clone()));
        let lack = self.told.and_then(Result::err);
        Reach { bluez: self.bluez.clone(), paths: paths.collect(), lack }
    }
}

impl std::fmt::Debug for Daemon {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Daemon").field("told", &self.told).finish_non_exhaustive()
    }
}

async fn ask(bluez: Option<Bluez>) -> Result<Answer, Lack> {
    let asked = async {
        let (bluez, ends) = if let Some(it) = bluez {
            (it, None)
        } else {
            let it = Bluez::connect().await?;
            let ends = ends(&it).await?;
            (it, Some(ends))
        };
        // The bus would start it for whoever asks.
        match bluez.owner().await? {
            Some(_) => Ok(Some(Answer { objects: Objects::read(&bluez).await?, bluez, ends })),
            None => Ok(None),
        }
    };
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(Some(answer))) => Ok(answer),
        Ok(Ok(None)) => Err(Lack::Absent),
        Ok(Err(error)) => Err(Lack::of(&error).unwrap_or(Lack::Silent)),
        Err(_) => Err(Lack::Silent),
    }
}

async fn ends(bluez: &Bluez) -> Result<MessageStream, BluezError> {
    let rule = MatchRule::builder()
        .msg_type(zbus::message::Type::Signal)
        .sender(NAME)
        .path("/")
        .interface("org.freedesktop.DBus.ObjectManager")
        .member("InterfacesRemoved")
        .build()?;
    Ok(MessageStream::for_match_rule(rule, bluez.connection(), None).await?)
}

/// Who was paired is asked within so long; in the window for pairing it is sooner, when it is named.
const EVERY: Duration = Duration::from_secs(30);
/// Whether it runs again.
const AGAIN: Duration = Duration::from_secs(5);
/// It answers within a second, also on a small board that is busy.
const PATIENCE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use muster_core::pairing::Bond;

    use super::*;

    fn bonded(adapter: &str, last: u8, is_classic: bool) -> Bonded {
        let device = Mac([0, 0x1a, 0x7d, 0, 0, last]);
        let path = format!("{adapter}/dev_00_1A_7D_00_00_{last:02X}");
        let bond = Bond { device, random: false, name: "phone".into() };
        Bonded { adapter: adapter.to_owned(), path, bond, is_classic }
    }

    #[test]
    fn each_adapter_reaches_its_own_and_all_are_known() {
        let bonds = vec![
            bonded("/org/bluez/hci0", 1, true),
            bonded("/org/bluez/hci0", 2, false),
            bonded("/org/bluez/hci1", 3, true),
        ];
        let daemon = Daemon { bonds, told: Some(Err(Lack::Absent)), ..Daemon::default() };
        let last = |it: Mac| it.0[5];
        assert_eq!(daemon.paired().map(last).collect::<Vec<_>>(), [1, 3]);
        let reach = daemon.reach(0);
        assert_eq!(reach.paths.keys().copied().map(last).collect::<Vec<_>>(), [1]);
        assert_eq!(
            reach.paths.values().collect::<Vec<_>>(),
            ["/org/bluez/hci0/dev_00_1A_7D_00_00_01"]
        );
        assert_eq!(reach.lack, Some(Lack::Absent));
        assert!(daemon.reach(2).paths.is_empty());
    }

    #[test]
    fn nobody_is_forgotten_while_it_is_gone() {
        let at = Duration::from_secs;
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let bonds = vec![bonded("/org/bluez/hci0", 1, true)];
        let mut daemon = Daemon { bonds, ..Daemon::default() };
        assert!(!daemon.has_told() && daemon.poll(&mut cx, at(1)).is_pending());
        daemon.asking = Some(std::future::ready(Err(Lack::Absent)).boxed());
        assert_eq!(daemon.next(), Duration::MAX, "one question at a time");
        assert!(daemon.poll(&mut cx, at(1)).is_ready() && daemon.has_told());
        assert_eq!((daemon.paired().count(), daemon.reach(0).lack), (1, Some(Lack::Absent)));
        assert_eq!(daemon.next(), at(1) + AGAIN);
        daemon.asking = Some(std::future::pending().boxed());
        assert!(daemon.poll(&mut cx, at(7)).is_pending());
        assert_eq!(daemon.reach(0).paths.len(), 1);
        daemon.end("/org/bluez/hci0");
        assert_eq!(daemon.paired().count(), 1, "another object");
        daemon.end("/org/bluez/hci0/dev_00_1A_7D_00_00_01");
        assert_eq!(daemon.paired().count(), 0, "unpaired");
    }
}
