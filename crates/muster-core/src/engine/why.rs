//! Why something is believed: the evidence and the rule, in words that people can check.
//!
//! **Invariant:** everything is counted anew up to the frontier, so that the words never contradict
//! the lines beside them.

use std::time::Duration;

use crate::directory::Mark;
use crate::fact::SIGHTING;
use crate::identity::{DeviceId, PersonId};
use crate::snapshot::{Evidence, Missing, Presence, Why};
use crate::span::Span;
use crate::stay::{Ended, Subject};
use crate::time::Now;

use super::Engine;
use super::device::DeviceState;

impl Engine {
    /// Why something is believed now; none: there is no such subject.
    #[must_use]
    pub fn why(&self, subject: Subject, now: Now) -> Option<Why> {
        match subject {
            Subject::Device(id) => {
                self.book.entry(crate::identity::IdentityId(id.0))?;
                let state = self.devices.get(id);
                let rule = match state {
                    _ if self.directory.device(id).mark == Mark::Ignored => IGNORED.to_owned(),
                    Some(state) => self.rule(state),
                    None => NEVER.to_owned(),
                };
                Some(Why {
                    subject,
                    at: now.wall,
                    standing: self.standing_of(id),
                    rule,
                    until: None,
                    next: self.missing(id),
                    evidence: self.evidence(id),
                })
            }
            Subject::Person(id) => {
                self.directory.people.get(&id)?;
                let standing = self.person_standing(id);
                let mut evidence: Vec<Evidence> =
                    self.carried_by(id).flat_map(|it| self.evidence(it)).collect();
                evidence.sort_by_key(|it| std::cmp::Reverse(it.last));
                let by_hand = self.set_by_hand(id);
                let next = match by_hand {
                    Some(_) => Vec::new(),
                    None => self.carried_by(id).flat_map(|it| self.missing(it)).collect(),
                };
                Some(Why {
                    subject,
                    at: now.wall,
                    standing,
                    rule: self.person_rule(id, standing.presence, &evidence),
                    until: by_hand.map(|it| it.until),
                    next,
                    evidence,
                })
            }
        }
    }

    fn person_rule(&self, id: PersonId, presence: Presence, evidence: &[Evidence]) -> String {
        if let Some(set) = self.set_by_hand(id) {
            let word = if set.home { "here" } else { "away" };
            return format!("set to {word} by {}, whatever the devices say", set.by);
        }
        let carried = self.carried_by(id).count();
        let newest = evidence.first().map(|it| it.device).and_then(|it| self.devices.get(it));
        match (presence, carried, newest) {
            (_, 0, _) => self.uncarried(id),
            (Presence::Away | Presence::Unknown, _, None) => {
                "none of what they carry was ever heard".to_owned()
            }
            (Presence::Away, 1, Some(state)) => self.rule(state),
            (Presence::Away, _, Some(state)) => {
                format!(
                    "none of the {carried} devices that they carry is here; of the one heard last: {}",
                    self.rule(state)
                )
            }
            (Presence::Present | Presence::Arriving, ..) => {
                "a device that they carry is here; one is enough".to_owned()
            }
            (Presence::Unknown, ..) => "what they carry was here when the last listener that \
                                        knows it stopped hearing; nobody leaves because of that"
                .to_owned(),
        }
    }

    /// Why nothing tells where a person is who carries nothing, and what to do about it.
    fn uncarried(&self, id: PersonId) -> String {
        let owned: Vec<String> = self
            .directory
            .devices
            .iter()
            .filter(|(_, it)| it.owner() == Some(id))
            .map(|(id, _)| id.to_string())
            .collect();
        if owned.is_empty() {
            return "no device is theirs, so nothing tells where they are: give them what they \
                    carry"
                .to_owned();
        }
        let which = if owned.len() == 1 { "device" } else { "devices" };
        format!(
            "they have nothing that people carry, so nothing tells where they are: say that \
             {which} {} is a phone, a watch or a tag, or goes where its owner goes",
            owned.join(" or ")
        )
    }

    /// The rule that decided about a device.
    fn rule(&self, state: &DeviceState) -> String {
        match Self::presence_of(state) {
            Presence::Present => match &state.tail {
                Some(tail) if self.frontier.since(tail.last) < state.shortest => {
                    format!("heard {} ago", brief(self.frontier.since(tail.last)))
                }
                Some(tail) => format!(
                    "silent for {}, which is not enough to be gone",
                    brief(self.frontier.since(tail.last))
                ),
                None => "here".to_owned(),
            },
            Presence::Unknown => {
                "it was here when a listener that decides about it stopped hearing".to_owned()
            }
            Presence::Arriving => {
                "heard, but not yet long enough to rule out a passer-by".to_owned()
            }
            Presence::Away => match state.stays.last() {
                None => "heard too briefly to have been here, or not at all lately".to_owned(),
                Some(last) => match last.stay.ended {
                    Ended::Left | Ended::Open => {
                        "it fell silent while everybody who could hear it was listening".to_owned()
                    }
                    Ended::Moved => "it arrived at another site".to_owned(),
                    Ended::Assumed => format!(
                        "assumed to be gone: after it was last heard, nobody who knows it was \
                         listening for {}",
                        brief(self.policy.unknown_max)
                    ),
                },
            },
        }
    }

    /// What each listener that decides about a present device still has to miss.
    fn missing(&self, id: DeviceId) -> Vec<Missing> {
        let Some(tail) = self.devices.get(id).and_then(|it| it.tail.as_ref()) else {
            return Vec::new();
        };
        let lines = self.lines(id);
        let decisive = tail.decisive.iter().filter(|it| !it.dropped);
        let missing = decisive.filter_map(|it| {
            let line = lines.iter().find(|line| line.listener == it.listener)?;
            let window = Span::new(tail.last, self.frontier);
            let (silence, misses) = line.needs(window, &self.policy);
            Some(Missing {
                device: id,
                listener: self.book.heard_by(it.listener)?.listener.clone(),
                covered: self.hears(it.listener),
                silence: silence.saturating_sub(line.silence(window)),
                misses: misses.saturating_sub(line.misses(window, &self.policy)),
                asking: line.asks(&self.policy),
            })
        });
        missing.filter(|it| !it.covered || !it.silence.is_zero() || it.misses > 0).collect()
    }

    /// A line for each (identity, listener) that knows a device.
    fn evidence(&self, id: DeviceId) -> Vec<Evidence> {
        let tail = self.devices.get(id).and_then(|it| it.tail.as_ref());
        let lines = self.lines(id);
        let mut all = Vec::new();
        for identity in self.directory.identities_of(id) {
            let Some(entry) = self.book.entry(identity) else { continue };
            for track in &entry.tracks {
                let Some(last) = track.heard.last() else { continue };
                let Some(line) = lines.iter().find(|it| it.listener == track.listener) else {
                    continue;
                };
                let decisive = tail
                    .is_some_and(|it| it.decisive.iter().any(|it| it.listener == line.listener));
                let Some(heard) = self.book.heard_by(track.listener) else { continue };
                let since = tail.map(|it| it.last);
                let since = since.or_else(|| line.heard.last().map(|it| it.to - SIGHTING));
                let window = Span::new(since.unwrap_or(self.frontier), self.frontier);
                let (away_after, misses_needed) = line.needs(window, &self.policy);
                all.push(Evidence {
                    device: id,
                    identity: entry.identity.clone(),
                    listener: heard.listener.clone(),
                    last: last.to - SIGHTING,
                    rssi: track.reading.and_then(|it| it.rssi),
                    decisive,
                    covered: self.hears(track.listener),
                    silence: line.silence(window),
                    away_after,
                    misses: line.misses(window, &self.policy),
                    misses_needed,
                    asking: line.asks(&self.policy),
                });
            }
        }
        all.sort_by_key(|it| std::cmp::Reverse(it.last));
        all
    }
}

/// A length of time in the two largest units: `45 s`, `12 min`, `3 h 5 min`.
fn brief(it: Duration) -> String {
    let s = it.as_secs();
    match s {
        0..120 => format!("{s} s"),
        120..7200 => format!("{} min", s / 60),
        _ => match s % 3600 / 60 {
            0 => format!("{} h", s / 3600),
            min => format!("{} h {min} min", s / 3600),
        },
    }
}

const NEVER: &str = "never heard";
const IGNORED: &str = "you said to ignore it, so it is not judged";

#[cfg(test)]
mod tests;
