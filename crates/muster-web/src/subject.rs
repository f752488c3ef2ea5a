//! Finds the person or device that somebody means by a name, number or address.

use std::net::IpAddr;

use muster_core::directory::{Directory, Person};
use muster_core::identity::{DeviceId, Identity, Mac, PersonId};
use muster_core::snapshot::{DeviceView, Snapshot};
use muster_core::stay::Subject;

use crate::label::{label, plain};

/// What a text means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// This one.
    One(Subject),
    /// Nothing is called so but this device, and only by itself: over the network, where everybody
    /// can take every name.
    SelfNamed(Subject),
    /// One of these, equally well: each as a text that means it alone, and what it is called.
    Several(Vec<(String, String)>),
    /// Nothing; these are written nearly so.
    Nothing(Vec<String>),
}

/// Looks for `text`: `person:NAME`, `device:NUMBER`, or anything that a person or device is called.
/// What a device calls itself counts only where nothing else does, and never as a number or address.
pub fn find(snapshot: &Snapshot, text: &str) -> Found {
    if let Some(name) = text.strip_prefix("person:") {
        return person(&snapshot.directory, name).map_or_else(
            || Found::Nothing(near_people(snapshot, name)),
            |it| Found::One(Subject::Person(it)),
        );
    }
    if let Some(number) = text.strip_prefix("device:") {
        return device(snapshot, number).map_or_else(
            || Found::Nothing(nearest(snapshot, devices_near(snapshot, number))),
            Found::One,
        );
    }
    match exact(snapshot, text).as_slice() {
        [] => match self_named(snapshot, text).as_slice() {
            [] => {
                let mut near = people_near(snapshot, text);
                near.extend(devices_near(snapshot, text));
                Found::Nothing(nearest(snapshot, near))
            }
            [one] => Found::SelfNamed(*one),
            several => several_of(snapshot, several),
        },
        [one] => Found::One(*one),
        several => several_of(snapshot, several),
    }
}

/// Everybody and everything that people call so, or that has this number or address.
fn exact(snapshot: &Snapshot, text: &str) -> Vec<Subject> {
    let lower = text.to_lowercase();
    let people = snapshot.directory.people.iter().filter(|(_, it)| is_called(it, &lower));
    let meant = Meant::read(text);
    let devices = snapshot.devices.iter().filter(|it| meant.is(it, snapshot));
    let people = people.map(|(id, _)| Subject::Person(*id));
    people.chain(devices.map(|it| Subject::Device(it.id))).collect()
}

/// Everything that calls itself so.
fn self_named(snapshot: &Snapshot, text: &str) -> Vec<Subject> {
    let meant = Meant::read(text);
    let devices = snapshot.devices.iter().filter(|it| meant.is_self_name(it));
    devices.map(|it| Subject::Device(it.id)).collect()
}

fn several_of(snapshot: &Snapshot, all: &[Subject]) -> Found {
    Found::Several(all.iter().map(|it| named(snapshot, *it)).collect())
}

/// A text that means this subject and no other: `person:anna`, `device:7`.
pub fn key(directory: &Directory, subject: Subject) -> String {
    match subject {
        Subject::Person(id) => match directory.people.get(&id) {
            Some(person) => format!("person:{}", person.name),
            None => subject.to_string(),
        },
        Subject::Device(_) => subject.to_string(),
    }
}

/// What people call it.
pub fn called(snapshot: &Snapshot, subject: Subject) -> String {
    match subject {
        Subject::Person(id) => {
            let person = snapshot.directory.people.get(&id);
            person.map_or_else(|| format!("person {id}"), |it| it.display.to_string())
        }
        Subject::Device(id) => {
            snapshot.device(id).map_or_else(|| format!("device {id}"), |it| label(it, snapshot))
        }
    }
}

/// The person with this short name, else the only one who is called so, whatever the case, else the
/// one with this number.
pub(crate) fn person(directory: &Directory, name: &str) -> Option<PersonId> {
    let by_number = || {
        let id = PersonId(name.parse().ok()?);
        directory.people.contains_key(&id).then_some(id)
    };
    let alone = || {
        let lower = name.to_lowercase();
        let mut called = directory.people.iter().filter(|(_, it)| is_called(it, &lower));
        let first = called.next().map(|(id, _)| *id);
        first.filter(|_| called.next().is_none())
    };
    directory.person_named(name).or_else(alone).or_else(by_number)
}

fn is_called(person: &Person, lower: &str) -> bool {
    person.name.to_lowercase() == lower || person.display.to_lowercase() == lower
}

fn device(snapshot: &Snapshot, number: &str) -> Option<Subject> {
    let id = DeviceId(number.parse().ok()?);
    snapshot.device(id).map(|it| Subject::Device(it.id))
}

/// The ways in which a text may name a device.
struct Meant {
    lower: String,
    number: Option<DeviceId>,
    ip: Option<IpAddr>,
    mac: Option<Mac>,
    identity: Option<Identity>,
}

impl Meant {
    fn read(text: &str) -> Self {
        Self {
            lower: text.to_lowercase(),
            number: text.parse().ok().map(DeviceId),
            ip: text.parse().ok(),
            mac: text.parse().ok(),
            identity: text.parse().ok(),
        }
    }

    fn is(&self, device: &DeviceView, snapshot: &Snapshot) -> bool {
        self.number == Some(device.id)
            || snapshot.directory.devices.get(&device.id).is_some_and(|it| self.same(&it.name))
            || self.same(&plain(device))
            || self.ip.is_some_and(|it| device.ips.contains(&it))
            || device.identities.iter().any(|(_, it)| {
                Some(it) == self.identity.as_ref()
                    || (self.mac.is_some() && address(it) == self.mac)
            })
    }

    fn is_self_name(&self, device: &DeviceView) -> bool {
        let exact = self.number.is_some()
            || self.ip.is_some()
            || self.mac.is_some()
            || self.identity.is_some();
        !exact && device.hostname.as_deref().is_some_and(|it| self.same(it))
    }

    fn same(&self, name: &str) -> bool {
        !name.is_empty() && name.to_lowercase() == self.lower
    }
}

fn address(identity: &Identity) -> Option<Mac> {
    match identity {
        Identity::Mac(it) | Identity::Ble(it) | Identity::Bt(it) => Some(*it),
        Identity::Private(_) | Identity::Text(..) => None,
    }
}

fn named(snapshot: &Snapshot, subject: Subject) -> (String, String) {
    (key(&snapshot.directory, subject), called(snapshot, subject))
}

/// People who are called nearly so, each once, as a text that means them alone.
pub(crate) fn near_people(snapshot: &Snapshot, text: &str) -> Vec<String> {
    nearest(snapshot, people_near(snapshot, text))
}

fn people_near(snapshot: &Snapshot, text: &str) -> Vec<Near> {
    let wanted = text.to_lowercase();
    let people = snapshot.directory.people.iter().filter_map(|(id, it)| {
        let names = [&it.name, &it.display];
        let near = names.into_iter().filter_map(|it| Some((nearness(&wanted, it)?, it)));
        let (apart, it) = near.min_by_key(|(apart, _)| *apart)?;
        Some((apart, it.to_string(), Subject::Person(*id)))
    });
    people.collect()
}

fn devices_near(snapshot: &Snapshot, text: &str) -> Vec<Near> {
    let wanted = text.to_lowercase();
    let devices = snapshot.devices.iter().filter_map(|it| {
        let called = label(it, snapshot);
        Some((nearness(&wanted, &called)?, called, Subject::Device(it.id)))
    });
    devices.collect()
}

/// How far apart, the text that is near, and what it means.
type Near = (usize, String, Subject);

fn nearest(snapshot: &Snapshot, mut near: Vec<Near>) -> Vec<String> {
    near.sort();
    near.truncate(MAX_NEAR);
    let alone = |it: &str, who| match exact(snapshot, it).as_slice() {
        [] => self_named(snapshot, it) == [who],
        all => all == [who],
    };
    let texts = near
        .into_iter()
        .map(|(_, it, who)| if alone(&it, who) { it } else { key(&snapshot.directory, who) });
    texts.collect()
}

/// How far a text is from what was wanted (lower case), if they are near: up to a third of the length, or one is part of the
/// other.
fn nearness(a: &str, b: &str) -> Option<usize> {
    let cut = |it: &str| it.chars().take(COMPARED).collect::<String>();
    let (a, b) = (cut(a), cut(&b.to_lowercase()));
    let (short, long) = if a.chars().count() < b.chars().count() { (&a, &b) } else { (&b, &a) };
    let apart = muster_config::distance(&a, &b);
    let part = short.chars().count() >= 3 && long.contains(short.as_str());
    (part || apart <= long.chars().count() / 3).then_some(apart)
}

/// Comparing more of a name costs its length.
const COMPARED: usize = 64;
/// As many suggestions as a person reads.
const MAX_NEAR: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_and_far() {
        assert_eq!(nearness("anna", "anna"), Some(0));
        assert_eq!(nearness("anna", "ana"), Some(1));
        assert_eq!(nearness("bne", "ben"), Some(1));
        assert_eq!(nearness("kitten", "sitting"), None);
        assert_eq!(nearness("phone", "annas phone"), Some(6));
        assert_eq!(nearness("anna", "bert"), None);
        assert_eq!(nearness("", "bert"), None);
    }
}
