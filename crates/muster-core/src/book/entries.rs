//! What is known of each identity, found by its number.
//!
//! Numbers are given in order and never twice. They lie side by side until a store has let go of
//! some; one that is gone costs nothing here.

use crate::batch::{DetailRow, LevelRow, Reading};
use crate::fact::Outcome;
use crate::identity::{Identity, IdentityId, ListenerId};
use crate::reading::is_better;
use crate::span::SpanSet;
use crate::time::Time;

/// What is known of one identity.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) identity: Identity,
    pub(crate) seen: Option<(Time, Time)>,
    /// Whether `seen` is on the list of what to store.
    pub(super) marked: bool,
    /// The strongest signal of the last sighting, dBm; not stored.
    pub(crate) rssi: Option<i8>,
    pub(crate) tracks: Vec<Track>,
    pub(crate) details: Vec<DetailRow>,
    pub(crate) levels: Vec<LevelRow>,
}

/// What one listener knows of one identity.
#[derive(Debug)]
pub(crate) struct Track {
    pub(crate) listener: ListenerId,
    pub(crate) heard: SpanSet,
    pub(crate) probes: Vec<(Time, Outcome)>,
    /// The reading of the latest interval.
    pub(crate) reading: Option<Reading>,
    /// Readings of earlier intervals that are not stored yet.
    pub(super) earlier: Vec<Reading>,
    /// The hour that is already on the list of what to store.
    pub(super) marked: Time,
}

/// All identities, in order of number.
#[derive(Debug, Default)]
pub(super) struct Entries {
    numbers: Vec<IdentityId>,
    entries: Vec<Entry>,
}

impl Entries {
    /// The number that the next one gets.
    pub(super) fn next(&self) -> IdentityId {
        IdentityId(self.numbers.last().map_or(1, |it| it.0.saturating_add(1)))
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Adds one whose number is above all others.
    pub(super) fn add(&mut self, id: IdentityId, identity: Identity) {
        self.numbers.push(id);
        self.entries.push(Entry {
            identity,
            seen: None,
            marked: false,
            rssi: None,
            tracks: Vec::new(),
            details: Vec::new(),
            levels: Vec::new(),
        });
    }

    pub(super) fn get(&self, id: IdentityId) -> Option<&Entry> {
        self.entries.get(self.place(id)?)
    }

    pub(super) fn get_mut(&mut self, id: IdentityId) -> Option<&mut Entry> {
        let place = self.place(id)?;
        self.entries.get_mut(place)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (IdentityId, &Entry)> {
        self.numbers.iter().copied().zip(&self.entries)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Entry> {
        self.entries.iter_mut()
    }

    fn place(&self, id: IdentityId) -> Option<usize> {
        let dense = (id.0 as usize).checked_sub(1)?;
        match self.numbers.get(dense) {
            Some(it) if *it == id => Some(dense),
            Some(_) | None => self.numbers.binary_search(&id).ok(),
        }
    }
}

impl Entry {
    /// The last sign of it: a sighting, or something told about it.
    pub(super) fn newest(&self) -> Option<Time> {
        let told = self.details.iter().map(|it| it.at);
        self.seen.map(|it| it.1).into_iter().chain(told).max()
    }

    /// Whether any source ever told of it.
    pub(crate) fn is_heard_of(&self) -> bool {
        self.newest().is_some() || !self.tracks.is_empty() || !self.levels.is_empty()
    }

    /// What a listener knows of it, which begins empty.
    pub(super) fn track(&mut self, listener: ListenerId) -> Option<&mut Track> {
        let known = self.tracks.iter().position(|it| it.listener == listener);
        if known.is_none() {
            self.tracks.reserve_exact(1);
            self.tracks.push(Track {
                listener,
                heard: SpanSet::new(),
                probes: Vec::new(),
                reading: None,
                earlier: Vec::new(),
                marked: Time::MIN,
            });
        }
        let place = known.unwrap_or(self.tracks.len() - 1);
        self.tracks.get_mut(place)
    }
}

impl Track {
    /// Keeps the best reading of an interval; whether this one is it.
    pub(super) fn read(&mut self, new: Reading) -> bool {
        let mut at_hand = self.reading.iter_mut().chain(&mut self.earlier);
        match at_hand.find(|it| it.interval == new.interval) {
            Some(old) if is_better(&new, old) => *old = new,
            Some(_) => return false,
            None => match &mut self.reading {
                Some(latest) if new.interval < latest.interval => self.earlier.push(new),
                latest => self.earlier.extend(latest.replace(new)),
            },
        }
        true
    }
}
