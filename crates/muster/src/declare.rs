//! Makes the directory say what the configuration says: the site's name, people, their devices.
//!
//! People and the site are made at start; a device is given to its owner when it is first heard,
//! back to its first sighting, because before that it has no number; and further back when an earlier
//! sighting comes late.

use std::collections::BTreeSet;
use std::sync::Arc;

use muster_config::Config;
use muster_core::directory::{Directory, Edit};
use muster_core::identity::Identity;
use muster_core::snapshot::Snapshot;
use muster_core::stay::Subject;
use muster_core::time::Time;
use muster_web::EditRefused;
use tokio::sync::{mpsc, oneshot, watch};
use tracing::warn;

use crate::runtime::Input;

/// What the configuration says of people and places.
#[derive(Clone, Debug, Default)]
pub(crate) struct Declared {
    site: Option<String>,
    people: Vec<Person>,
}

#[derive(Clone, Debug)]
struct Person {
    name: String,
    display: String,
    devices: BTreeSet<Identity>,
}

impl Declared {
    /// Reads it from the configuration.
    pub(crate) fn new(config: &Config) -> Self {
        let person = |it: &muster_config::people::DeclaredPerson| Person {
            name: it.name.to_string(),
            display: it.display.as_ref().map_or_else(|| it.name.to_string(), ToString::to_string),
            devices: it.devices.iter().map(|it| it.get().clone()).collect(),
        };
        Self {
            site: config.site.as_ref().map(ToString::to_string),
            people: config.people.iter().map(person).collect(),
        }
    }

    /// The identities of all devices that it gives to somebody.
    pub(crate) fn identities(&self) -> BTreeSet<Identity> {
        self.people.iter().flat_map(|it| &it.devices).cloned().collect()
    }

    /// Whether a person or device is described here, so that pages cannot change it.
    pub(crate) fn speaks_of(&self, subject: Subject, picture: &Snapshot) -> bool {
        match subject {
            Subject::Person(id) => {
                let person = picture.directory.people.get(&id);
                person.is_some_and(|it| self.people.iter().any(|mine| *mine.name == *it.name))
            }
            Subject::Device(id) => picture.device(id).is_some_and(|device| {
                let is_mine = |it: &Identity| self.people.iter().any(|p| p.devices.contains(it));
                device.identities.iter().any(|(_, it)| is_mine(it))
            }),
        }
    }

    /// Whether the first site's name is described here.
    pub(crate) fn names_site(&self) -> bool {
        self.site.is_some()
    }

    /// What is still to be changed so that the directory agrees; each edit may make more possible.
    fn missing(&self, picture: &Snapshot) -> Vec<Edit> {
        let directory = &picture.directory;
        let mut edits = Vec::new();
        edits.extend(self.site.as_ref().and_then(|it| rename(directory, it)));
        for person in &self.people {
            let Some(id) = directory.person_named(&person.name) else {
                let Person { name, display, .. } = person.clone();
                edits.push(Edit::AddPerson { name, display });
                continue;
            };
            let shown = directory.people.get(&id).map(|it| &*it.display);
            if shown != Some(&person.display) {
                edits.push(Edit::RenamePerson { person: id, display: person.display.clone() });
            }
            for device in &picture.devices {
                let is_theirs = device.identities.iter().any(|(_, it)| person.devices.contains(it));
                let from = device.first_seen.unwrap_or(Time::default());
                let owners = &directory.device(device.id).owners;
                let is_late =
                    owners.first().is_some_and(|it| it.person == Some(id) && it.from > from);
                if is_theirs && (device.owner != Some(id) || is_late) {
                    edits.push(Edit::Assign { device: device.id, person: Some(id), from });
                }
                if is_theirs && !device.carried && directory.device(device.id).carried.is_none() {
                    edits.push(Edit::EditDevice {
                        device: device.id,
                        name: None,
                        kind: None,
                        mark: None,
                        carried: Some(Some(true)),
                    });
                }
            }
        }
        edits
    }
}

/// Runs until nothing is declared, or the hub ends.
pub(crate) async fn keep(
    declared: Declared,
    mut pictures: watch::Receiver<Arc<Snapshot>>,
    inputs: mpsc::Sender<Input>,
) {
    if declared.site.is_none() && declared.people.is_empty() {
        return;
    }
    // An edit that was refused once is refused again: it is said once, until the program restarts.
    let mut hopeless = Vec::new();
    loop {
        let picture = Arc::clone(&pictures.borrow_and_update());
        for edit in declared.missing(&picture) {
            if hopeless.contains(&edit) {
                continue;
            }
            let (answer, answered) = oneshot::channel();
            let asked = Input::Edit { edit: edit.clone(), expect: None, answer };
            if inputs.send(asked).await.is_err() {
                return;
            }
            if let Ok(Err(EditRefused::Wrong(why))) = answered.await {
                warn!("the configuration cannot be followed: {why}");
                hopeless.push(edit);
            }
        }
        if pictures.changed().await.is_err() {
            return;
        }
    }
}

fn rename(directory: &Directory, name: &str) -> Option<Edit> {
    let place = Directory::FIRST_SITE;
    let differs = directory.places.get(&place).is_some_and(|it| *it.name != *name);
    differs.then(|| Edit::RenamePlace { place, name: name.to_owned() })
}
