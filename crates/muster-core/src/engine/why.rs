//! Why something is believed: the evidence and the rule, in words that people can check.

use std::time::Duration;

use crate::identity::DeviceId;
use crate::judge::{Line, Waiting};
use crate::snapshot::{Evidence, Presence, Why};
use crate::stay::{Ended, Subject};
use crate::time::{Now, Time};

use super::Engine;
use super::device::DeviceState;

impl Engine {
    /// Why something is believed now; none: there is no such subject.
    #[must_use]
    pub fn why(&self, subject: Subject, now: Now) -> Option<Why> {
        match subject {
            Subject::Device(id) => {
                self.book.entry(crate::identity::IdentityId(id.0))?;
                let standing = self.standing_of(id);
                let state = self.devices.get(id);
                let rule = state.map_or_else(|| NEVER.to_owned(), |it| self.rule(it));
                let next = state.and_then(|it| self.next(it));
                let evidence = self.evidence(id);
                Some(Why { subject, at: now.wall, standing, rule, next, evidence })
            }
            Subject::Person(id) => {
                self.directory.people.get(&id)?;
                let standing = self.person_standing(id);
                let mut evidence: Vec<Evidence> =
                    self.carried_by(id).flat_map(|it| self.evidence(it)).collect();
                evidence.sort_by_key(|it| std::cmp::Reverse(it.last));
                let rule = self.person_rule(id, standing.presence, &evidence);
                let next = self.carried_by(id).filter_map(|it| self.devices.get(it));
                let next = next.filter(|it| it.open().is_some()).filter_map(|it| self.next(it));
                Some(Why { subject, at: now.wall, standing, rule, next: next.last(), evidence })
            }
        }
    }

    fn person_rule(
        &self,
        id: crate::identity::PersonId,
        presence: Presence,
        evidence: &[Evidence],
    ) -> String {
        if let Some(set) = self.set_by_hand(id) {
            let word = if set.home { "home" } else { "away" };
            return format!("set to {word} by {} until {}", set.by, set.until);
        }
        let carried = self.carried_by(id).count();
        let newest = evidence.first().map(|it| it.device).and_then(|it| self.devices.get(it));
        match (presence, carried, newest) {
            (_, 0, _) => "nobody told which devices this person carries".to_owned(),
            (Presence::Away, _, None) => NEVER.to_owned(),
            (Presence::Away, _, Some(state)) => {
                format!(
                    "none of {carried} carried devices is here; the last one: {}",
                    self.rule(state)
                )
            }
            (Presence::Present | Presence::Arriving, ..) => {
                "a carried device is here; one is enough".to_owned()
            }
            (Presence::Unknown, ..) => {
                "the carried devices were here when the last listener that knows them stopped \
                 hearing; nobody leaves because of that"
                    .to_owned()
            }
        }
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
                    Ended::Left | Ended::Open => format!(
                        "gone since {}: everybody who could hear it was listening, and it was silent",
                        last.stay.last
                    ),
                    Ended::Moved => "it arrived at another site".to_owned(),
                    Ended::Assumed => format!(
                        "assumed to be gone: nobody who knows it was listening for {} after {}",
                        brief(self.policy.unknown_max),
                        last.stay.last
                    ),
                },
            },
        }
    }

    /// What would change it.
    fn next(&self, state: &DeviceState) -> Option<String> {
        let tail = state.tail.as_ref()?;
        let missing = |it: &Waiting| {
            let silence = it.away_after.saturating_sub(it.silence);
            let misses = it.misses_needed.saturating_sub(it.misses);
            let name = self.book.heard_by(it.listener).map(|it| it.listener.to_string());
            let heard_out = it.dropped || (silence.is_zero() && misses == 0);
            (!heard_out).then(|| {
                format!(
                    "{}: {} more covered silence and {misses} more misses",
                    name.unwrap_or_default(),
                    brief(silence)
                )
            })
        };
        let all: Vec<String> = tail.decisive.iter().filter_map(missing).collect();
        (!all.is_empty()).then(|| format!("it leaves after {}", all.join("; ")))
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
                let waiting =
                    tail.and_then(|it| it.decisive.iter().find(|it| it.listener == track.listener));
                let Some(heard) = self.book.heard_by(track.listener) else { continue };
                all.push(Evidence {
                    device: id,
                    identity: entry.identity.clone(),
                    listener: heard.listener.clone(),
                    last: last.to - crate::fact::SIGHTING,
                    rssi: track.reading.and_then(|it| it.rssi),
                    decisive: waiting.is_some(),
                    covered: !self.is_dark(track.listener),
                    silence: self.silence(line, tail.map(|it| it.last)),
                    away_after: line.patience.away_after,
                    misses: waiting.map_or(0, |it| it.misses),
                    misses_needed: line.patience.misses,
                });
            }
        }
        all.sort_by_key(|it| std::cmp::Reverse(it.last));
        all
    }

    fn silence(&self, line: &Line<'_>, since: Option<Time>) -> Duration {
        let since = since.or_else(|| line.heard.last().map(|it| it.to - crate::fact::SIGHTING));
        let window = crate::span::Span::new(since.unwrap_or(self.frontier), self.frontier);
        line.bridged.clip(window).measure()
    }
}

/// A length of time in the two largest units: `45 s`, `12 min`, `3 h 5 min`.
fn brief(it: Duration) -> String {
    let s = it.as_secs();
    match s {
        0..120 => format!("{s} s"),
        120..7200 => format!("{} min", s / 60),
        _ => format!("{} h {} min", s / 3600, s % 3600 / 60),
    }
}

const NEVER: &str = "never heard";
