//! Puts the desk, the radio and the keys together, as far as this machine and its settings have them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{io, mem};

use muster_config::pairing::PairingSettings;
use muster_core::pairing::{Ask, Said, Trouble};
use muster_core::ports::Clock;
use muster_sources::management::Trusted;
use muster_sources::pairing::{Found, KeyEars, keys_in_files, speak};
use tokio::sync::mpsc::{self, Sender};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};
use tracing::warn;

use super::devices::Devices;
use super::{Counter, Desk, Wires};
use crate::keyring::Keyring;
use crate::picture::Picture;
use crate::runtime::Input;

/// What only whoever started the program may get at: taken before rights are given up.
pub(crate) struct Means {
    socket: io::Result<Trusted>,
    found: Vec<Found>,
}

impl Means {
    /// As much of it as there is.
    pub(crate) fn gather() -> Self {
        // What may not be read is not there for us; what is missing is said on the page.
        Self { socket: Trusted::open(), found: keys_in_files(Path::new(FILES)).unwrap_or_default() }
    }

    /// The same once more, but for the keys in files: who was told of them remembers them.
    pub(crate) fn turn(&mut self) -> Self {
        let socket = match &self.socket {
            Ok(it) => it.again(),
            Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
        };
        Self { socket, found: mem::take(&mut self.found) }
    }

    /// Nothing, for a house without a radio.
    pub(crate) fn none() -> Self {
        Self { socket: Err(io::ErrorKind::Unsupported.into()), found: Vec::new() }
    }
}

/// What the desk shares with the rest of the hub.
pub(crate) struct Shared<'a> {
    /// Who and what there is to see.
    pub(crate) picture: &'a Picture,
    /// Where edits and keys go.
    pub(crate) inputs: &'a Sender<Input>,
    /// Where keys are kept.
    pub(crate) keyring: &'a Keyring,
    /// The clocks.
    pub(crate) clock: &'a Arc<dyn Clock>,
}

/// A desk that runs. Dropped, its radio is left as it is.
pub(crate) struct Running {
    stop: oneshot::Sender<()>,
    desk: JoinHandle<()>,
    _beside: JoinSet<()>,
}

impl Running {
    /// Closes a window that is open, and ends.
    pub(crate) async fn end(self) {
        drop(self.stop);
        if self.desk.await.is_err() {
            warn!("pairing ended by a defect in it, reported above");
        }
    }
}

/// Opens the desk of a data folder; a simulated house has no radio.
pub(crate) fn start(
    settings: &PairingSettings,
    means: Means,
    (data, is_simulated): (&Path, bool),
    shared: &Shared<'_>,
) -> (Counter, Running) {
    let (asks, asked) = mpsc::channel(QUEUE);
    let (told, said) = mpsc::channel(QUEUE);
    let (found, keys) = mpsc::channel(QUEUE);
    let mut beside = JoinSet::new();
    let files = Some(PathBuf::from(FILES)).filter(|it| std::fs::read_dir(it).is_ok());
    let mut keyless = None;
    if let Some(why) = without(settings, is_simulated) {
        beside.spawn(stay_away(why, asked, told));
    } else {
        beside.spawn(speak(asked, told));
        match means.socket.and_then(KeyEars::new) {
            Ok(ears) => {
                beside.spawn(listen(ears, means.found, found));
            }
            Err(cause) => {
                keyless = lacking(&cause).filter(|_| files.is_none());
                beside.spawn(hand_over(means.found, found));
            }
        }
    }
    let Shared { picture, inputs, keyring, clock } = shared;
    let pictures = picture.snapshots();
    let parts = (Sender::clone(inputs), Keyring::clone(keyring), Arc::clone(clock));
    let devices = Devices::new(pictures.clone(), parts, files);
    let announcer = picture.announcer();
    let wires = Wires { asks, said, keys, keyless, pictures, announcer, devices };
    let (desk, counter) = Desk::new(data, settings, Arc::clone(clock), wires);
    let (stop, stopped) = oneshot::channel();
    (counter, Running { stop, desk: tokio::spawn(desk.run(stopped)), _beside: beside })
}

/// Why there is no radio to speak with, if so.
fn without(settings: &PairingSettings, is_simulated: bool) -> Option<Trouble> {
    let away =
        |why: &str, hint: Option<&str>| Trouble { why: why.into(), hint: hint.map(Into::into) };
    if is_simulated {
        return Some(away("this house is simulated: it has no Bluetooth adapter", None));
    }
    let off = "pairing is switched off in the configuration";
    (!settings.enabled).then(|| away(off, Some("pairing.enabled = true")))
}

/// Instead of a radio: nothing is asked of one that is away.
async fn stay_away(why: Trouble, mut asked: mpsc::Receiver<Ask>, told: Sender<Said>) {
    drop(told.send(Said::Away(why)).await);
    while asked.recv().await.is_some() {}
}

/// Hands on what was found at the start, then what the kernel tells.
async fn listen(mut ears: KeyEars, first: Vec<Found>, to: Sender<Found>) {
    hand_over(first, to.clone()).await;
    loop {
        match ears.next().await {
            Ok(found) => {
                if to.send(found).await.is_err() {
                    return;
                }
            }
            Err(cause) => return warn!("keys of who pairs do not come any more: {cause}"),
        }
    }
}

async fn hand_over(found: Vec<Found>, to: Sender<Found>) {
    for found in found {
        if to.send(found).await.is_err() {
            return;
        }
    }
}

/// What is missing; nothing where there is no Bluetooth at all.
fn lacking(cause: &io::Error) -> Option<Trouble> {
    let denied = cause.kind() == io::ErrorKind::PermissionDenied;
    denied.then(|| Trouble {
        why: "the kernel tells them only to whoever has CAP_NET_ADMIN when it starts".into(),
        hint: Some("setcap cap_net_raw,cap_net_admin=ep muster".into()),
    })
}

/// Where bluetoothd keeps what it knows, of the package's build.
const FILES: &str = "/var/lib/bluetooth";
/// What people and radios do comes one by one.
const QUEUE: usize = 64;
