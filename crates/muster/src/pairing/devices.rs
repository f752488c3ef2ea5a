//! What a pairing is among the hub's devices: one device under all of its identities, with its key.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use muster_core::directory::Edit;
use muster_core::identity::{DeviceId, Identity, Mac};
use muster_core::pairing::Bond;
use muster_core::ports::Clock;
use muster_core::snapshot::Snapshot;
use muster_sources::pairing::{Found, keys_in_files};
use muster_web::EditRefused;
use muster_wire::bluetooth::key::KeyId;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::spawn_blocking;
use tracing::warn;

use crate::keyring::Keyring;
use crate::runtime::Input;

/// The hub's devices and keys.
pub(super) struct Devices {
    pictures: watch::Receiver<Arc<Snapshot>>,
    inputs: mpsc::Sender<Input>,
    keyring: Keyring,
    clock: Arc<dyn Clock>,
    /// The keys that became known in this run, by whose they are.
    keys: BTreeMap<Mac, KeyId>,
    /// Keys of devices that are not paired yet: the kernel is a moment faster than bluetoothd.
    early: BTreeMap<Mac, Found>,
    files: Option<PathBuf>,
    /// Pairings that could not be written down, to be tried again.
    late: BTreeMap<Mac, Bond>,
}

impl Devices {
    /// Of this hub; with the folder in which bluetoothd keeps keys, where it may be read.
    pub(super) fn new(
        pictures: watch::Receiver<Arc<Snapshot>>,
        (inputs, keyring, clock): (mpsc::Sender<Input>, Keyring, Arc<dyn Clock>),
        files: Option<PathBuf>,
    ) -> Self {
        let (keys, early, late) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { pictures, inputs, keyring, clock, keys, early, files, late }
    }

    /// Keeps a key, if its device is paired; one that comes before its pairing waits for it.
    pub(super) async fn key(&mut self, found: Found, bond: Option<Bond>) {
        let Some(bond) = bond else {
            if self.early.len() >= MOST_EARLY {
                self.early.pop_first();
            }
            self.early.insert(found.device, found);
            return;
        };
        self.keep(found).await;
        self.adopt(&bond).await;
    }

    async fn keep(&mut self, found: Found) {
        let (keyring, id) = (self.keyring.clone(), found.key.id());
        let kept = spawn_blocking(move || keyring.keep(&found.key).map(|()| found)).await;
        match kept.unwrap_or_else(|it| Err(it.into())) {
            Ok(Found { device, key }) => {
                self.keys.insert(device, id);
                // The hub is ending if nobody takes it: it is on the disk.
                drop(self.inputs.send(Input::Key(key)).await);
            }
            Err(cause) => warn!("the key of a paired device cannot be kept: {cause}"),
        }
    }

    /// Whether something could not be written down.
    pub(super) fn is_late(&self) -> bool {
        !self.late.is_empty()
    }

    /// Tries it again.
    pub(super) async fn again(&mut self) {
        for bond in std::mem::take(&mut self.late).into_values() {
            self.adopt(&bond).await;
        }
    }

    /// Makes one device of a pairing, whatever it is heard as. What cannot be written down at the moment
    /// is told once, and tried again.
    pub(super) async fn adopt(&mut self, bond: &Bond) {
        if let Err(why) = self.write_down(bond).await
            && self.late.insert(bond.device, bond.clone()).is_none()
        {
            warn!("who paired is not written down yet: {why}");
        }
    }

    async fn write_down(&mut self, bond: &Bond) -> Result<(), String> {
        if let Some(found) = self.early.remove(&bond.device) {
            self.keep(found).await;
        }
        if !self.keys.contains_key(&bond.device)
            && let Some(found) = self.in_files(bond.device).await
        {
            self.keep(found).await;
        }
        let mut names = bond.identities();
        names.extend(self.keys.get(&bond.device).map(|it| it.identity()));
        for identity in &names {
            if device_of(&self.pictures.borrow(), identity).is_none() {
                let add = Edit::AddDevice { identity: identity.clone(), name: String::new() };
                self.edit(add).await?;
            }
        }
        let edits = joined(&self.pictures.borrow(), &names);
        for edit in edits {
            self.edit(edit).await?;
        }
        Ok(())
    }

    async fn in_files(&self, device: Mac) -> Option<Found> {
        let files = self.files.clone()?;
        let all = spawn_blocking(move || keys_in_files(&files)).await.ok()?.ok()?;
        all.into_iter().find(|it| it.device == device)
    }

    /// Forgets a device that is not paired any more and that nobody has described.
    pub(super) async fn forget_stranger(&mut self, device: Mac) {
        let picture = Arc::clone(&self.pictures.borrow());
        for identity in [Identity::Bt(device), Identity::Ble(device)] {
            let Some(id) = device_of(&picture, &identity) else { continue };
            if !is_described(&picture, id)
                && let Err(why) = self.forget(id).await
            {
                warn!("who was unpaired is not forgotten: {why}");
            }
            return;
        }
    }

    /// Removes a device's keys, and takes back what was said of it.
    pub(super) async fn forget(&mut self, device: DeviceId) -> Result<(), String> {
        let picture = Arc::clone(&self.pictures.borrow());
        let identities = picture.device(device).map_or(&[][..], |it| &it.identities);
        for id in identities.iter().filter_map(|(_, it)| KeyId::of_identity(it)) {
            let keyring = self.keyring.clone();
            let removed = spawn_blocking(move || keyring.remove(id)).await;
            let removed = removed.unwrap_or_else(|it| Err(it.into()));
            removed.map_err(|it| format!("its key cannot be removed: {it}"))?;
            self.keys.retain(|_, it| *it != id);
            drop(self.inputs.send(Input::Unkey(id)).await);
        }
        let at = self.clock.now().wall;
        self.edit(Edit::ForgetDevice { device, at }).await
    }

    async fn edit(&self, edit: Edit) -> Result<(), String> {
        let (answer, answered) = oneshot::channel();
        let asked = self.inputs.send(Input::Edit { edit, expect: None, answer }).await;
        match (asked, answered.await) {
            // What is kept is made, and stored as soon as that works.
            (Ok(()), Ok(Ok(_) | Err(EditRefused::Kept(_)))) => Ok(()),
            (Ok(()), Ok(Err(why))) => Err(why.to_string()),
            _ => Err("the hub is shutting down".to_owned()),
        }
    }
}

/// What makes these identities one device. One that somebody described keeps its description; two of
/// those are two things to somebody, and stay so.
fn joined(picture: &Snapshot, names: &[Identity]) -> Vec<Edit> {
    let mut all: Vec<DeviceId> = names.iter().filter_map(|it| device_of(picture, it)).collect();
    all.sort_by_key(|it| !is_described(picture, *it));
    let Some(into) = all.first().copied() else { return Vec::new() };
    let mut edits = Vec::new();
    for from in all {
        let is_new = !edits.contains(&Edit::Merge { from, into });
        if from != into && is_new && !is_described(picture, from) {
            edits.push(Edit::Merge { from, into });
        }
    }
    edits
}

fn device_of(picture: &Snapshot, identity: &Identity) -> Option<DeviceId> {
    let has = |mine: &Identity| mine == identity;
    let found = picture.devices.iter().find(|it| it.identities.iter().any(|(_, it)| has(it)));
    found.map(|it| it.id)
}

fn is_described(picture: &Snapshot, device: DeviceId) -> bool {
    let entry = picture.directory.devices.get(&device);
    entry.is_some_and(|it| !it.name.is_empty() || it.owner().is_some())
}

/// Pairings under way at once.
const MOST_EARLY: usize = 16;
