//! Asks without any rights: an empty datagram makes the kernel resolve an address, and the
//! neighbour table tells how that went.
//!
//! Pure: it says which address to poke and when, and is told what the table said. The kernel does
//! the asking (three times, a second apart) and decides by its own rules; so this only concludes
//! what those rules allow.
//!
//! **Invariant:** *answered* means confirmed after the poke; *silent* means that every known
//! address was poked and ended as failed after its poke. Anything else is no evidence. At most
//! [`MAX_UNRESOLVED`] addresses of a link are being resolved at once.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use muster_core::fact::Outcome;
use muster_core::identity::Mac;

use super::pacer::Pacer;
use super::sweep::Verdict;
use super::walk::Walk;
use super::wants::{Want, Wants, ipv4_of};

/// The poking machine of one link.
#[derive(Debug)]
pub(super) struct Poke {
    wants: Wants,
    questions: BTreeMap<Mac, Question>,
    /// Addresses of open questions, and who is asked there.
    asked: BTreeMap<IpAddr, Mac>,
    /// Addresses that the kernel is resolving for us, by the time to stop waiting.
    unresolved: BTreeMap<IpAddr, Duration>,
    pacer: Pacer,
    walk: Walk,
    known: BTreeSet<Ipv4Addr>,
    verdicts: VecDeque<Verdict>,
}

#[derive(Debug)]
struct Question {
    ips: BTreeMap<IpAddr, Asked>,
    until: Duration,
    /// Asked at its own address, not at a guess.
    sure: bool,
    spoiled: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Asked {
    poked: Option<Duration>,
    again: Duration,
    failed: bool,
}

impl Poke {
    /// `broadcasts` a second; the kernel sends up to three for a poke.
    pub(super) fn new(broadcasts: u32, walk: Walk) -> Self {
        Self {
            wants: Wants::new(LONGEST_PAUSE),
            questions: BTreeMap::new(),
            asked: BTreeMap::new(),
            unresolved: BTreeMap::new(),
            pacer: Pacer::new((broadcasts / KERNEL_TRIES).max(1), 1),
            walk,
            known: BTreeSet::new(),
            verdicts: VecDeque::new(),
        }
    }

    /// Walks other ranges from now on.
    pub(super) fn set_walk(&mut self, walk: Walk) {
        self.walk = walk;
    }

    /// Whom to ask from now on.
    pub(super) fn set_wants(&mut self, wants: Vec<Want>, now: Duration) {
        self.known = ipv4_of(&wants);
        self.wants.set(wants, now);
        let gone: Vec<Mac> =
            self.questions.keys().filter(|it| !self.wants.wants(**it)).copied().collect();
        for mac in gone {
            self.close(mac);
        }
    }

    /// The next address to poke now.
    pub(super) fn poll_poke(&mut self, now: Duration) -> Option<IpAddr> {
        self.unresolved.retain(|_, until| *until > now);
        self.open_questions(now);
        self.give_up(now);
        if self.unresolved.len() >= MAX_UNRESOLVED || self.pacer.ready_at() > now {
            return None;
        }
        let due = self.questions.values_mut().find_map(|question| {
            let (ip, asked) =
                question.ips.iter_mut().find(|(_, it)| !it.failed && it.again <= now)?;
            asked.poked.get_or_insert(now);
            asked.again = now + AGAIN;
            Some(*ip)
        });
        let ip = match due {
            Some(ip) => ip,
            None => IpAddr::V4(self.walk.next(now, |ip| self.known.contains(&ip))?),
        };
        self.pacer.take(now);
        self.unresolved.insert(ip, now + RESOLUTION);
        Some(ip)
    }

    /// The datagram could not be sent: a local error proves nothing about the neighbour.
    pub(super) fn not_sent(&mut self, ip: IpAddr) {
        self.unresolved.remove(&ip);
        if let Some(question) = self.asked.get(&ip).and_then(|it| self.questions.get_mut(it)) {
            question.spoiled = true;
        }
    }

    /// The address has another owner: it is not where its former one can be asked.
    pub(super) fn reassigned(&mut self, ip: IpAddr, owner: Mac, now: Duration) {
        let Some(mac) = self.asked.get(&ip).copied().filter(|it| *it != owner) else { return };
        self.asked.remove(&ip);
        let Some(question) = self.questions.get_mut(&mac) else { return };
        question.ips.remove(&ip);
        if question.ips.is_empty() {
            self.conclude(mac, Outcome::Unaskable, now);
        }
    }

    /// The table confirmed that `mac` is at `ip`.
    pub(super) fn confirmed(&mut self, mac: Mac, ip: IpAddr, at: Duration, now: Duration) {
        self.settled(ip);
        self.walk.answered(ip);
        let answered = self.questions.get(&mac).is_some_and(|it| {
            let poked = it.ips.values().filter_map(|it| it.poked).min();
            poked.is_some_and(|poked| at >= poked)
        });
        if answered {
            self.close(mac);
            self.verdicts.push_back(Verdict { mac, outcome: Outcome::Answered });
        }
        self.wants.heard(mac, now);
    }

    /// The kernel is no longer resolving the address, one way or the other.
    pub(super) fn settled(&mut self, ip: IpAddr) {
        self.unresolved.remove(&ip);
    }

    /// The entry ended as failed at `at`.
    pub(super) fn failed(&mut self, ip: IpAddr, at: Duration, now: Duration) {
        self.settled(ip);
        let Some(mac) = self.asked.get(&ip).copied() else { return };
        let Some(question) = self.questions.get_mut(&mac) else { return };
        if let Some(asked) = question.ips.get_mut(&ip) {
            asked.failed |= asked.poked.is_some_and(|poked| at >= poked);
        }
        if question.ips.values().all(|it| it.failed) {
            self.conclude(mac, Outcome::Silent, now);
        }
    }

    /// Something local was wrong: open questions prove nothing.
    pub(super) fn spoil(&mut self) {
        for question in self.questions.values_mut() {
            question.spoiled = true;
        }
    }

    /// What became of a station that was asked.
    pub(super) fn poll_verdict(&mut self) -> Option<Verdict> {
        self.verdicts.pop_front()
    }

    /// When [`Self::poll_poke`] may have something to do again.
    pub(super) fn poll_timeout(&self) -> Option<Duration> {
        let free = if self.unresolved.len() >= MAX_UNRESOLVED {
            self.unresolved.values().min().copied().unwrap_or_default()
        } else {
            Duration::ZERO
        };
        let ready = self.pacer.ready_at().max(free);
        let again = self
            .questions
            .values()
            .flat_map(|it| it.ips.values().filter(|it| !it.failed).map(|it| it.again))
            .min();
        let sending = [again, self.walk.ready_at()].into_iter().flatten().min();
        let ending = self.questions.values().map(|it| it.until).min();
        [sending.map(|it| it.max(ready)), ending, self.wants.next()].into_iter().flatten().min()
    }

    /// Whether every range has been poked once and stragglers had time to answer.
    pub(super) fn is_closed(&self, now: Duration) -> bool {
        self.walk.is_closed(now)
    }

    fn open_questions(&mut self, now: Duration) {
        while let Some(want) = self.wants.open(now) {
            self.close(want.mac);
            if want.doors.ips.is_empty() {
                self.verdicts.push_back(Verdict { mac: want.mac, outcome: Outcome::Unaskable });
                self.wants.ended(want.mac, now);
                continue;
            }
            let start = Asked { again: now, ..Asked::default() };
            let ips: BTreeMap<_, _> = want.doors.ips.iter().map(|ip| (*ip, start)).collect();
            self.asked.extend(ips.keys().map(|ip| (*ip, want.mac)));
            let question =
                Question { ips, until: now + PATIENCE, sure: want.doors.sure, spoiled: false };
            self.questions.insert(want.mac, question);
        }
    }

    fn give_up(&mut self, now: Duration) {
        let over: Vec<Mac> =
            self.questions.iter().filter(|(_, it)| it.until <= now).map(|(mac, _)| *mac).collect();
        for mac in over {
            self.conclude(mac, Outcome::NoEvidence, now);
        }
    }

    fn conclude(&mut self, mac: Mac, outcome: Outcome, now: Duration) {
        let Some(question) = self.close(mac) else { return };
        let outcome = match (question.spoiled, question.sure) {
            (true, _) => Outcome::NoEvidence,
            // At a guess nobody need answer.
            (false, false) if outcome != Outcome::Answered => Outcome::Unaskable,
            (false, _) => outcome,
        };
        self.verdicts.push_back(Verdict { mac, outcome });
        self.wants.ended(mac, now);
    }

    fn close(&mut self, mac: Mac) -> Option<Question> {
        let question = self.questions.remove(&mac)?;
        self.asked.retain(|_, it| *it != mac);
        Some(question)
    }
}

/// More entries being resolved would crowd out those that other programs need: the kernel begins
/// to collect at 512.
const MAX_UNRESOLVED: usize = 64;
/// The kernel's `mcast_solicit` and `ucast_solicit`.
const KERNEL_TRIES: u32 = 3;
/// Three tries a second apart, and a little.
const RESOLUTION: Duration = Duration::from_millis(3500);
/// A stale entry is asked 5 s after the poke, three times; a fresh one not before it is stale.
const AGAIN: Duration = Duration::from_secs(10);
/// An entry is fresh for up to 45 s; then it takes 9 s to fail.
const PATIENCE: Duration = Duration::from_secs(75);
/// Who comes back is noticed only by asking, as often as those are looked for who are not known.
const LONGEST_PAUSE: Duration = Duration::from_mins(10);

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::reach::Doors;
    use super::super::walk::Rounds;
    use super::*;

    const ANNA: Mac = Mac([2, 0, 0, 0, 0, 1]);
    const BEN: Mac = Mac([2, 0, 0, 0, 0, 7]);

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn ip(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    fn poke(range: &[&str]) -> Poke {
        let rounds = Rounds { first: 1, later: 1, gap: at(1), quiet: at(4), refresh: None };
        Poke::new(
            50,
            Walk::new(range.iter().map(|it| it.parse().unwrap()).collect(), Vec::new(), rounds),
        )
    }

    /// A question about Anna at two addresses, begun at 100 s.
    fn asking() -> Poke {
        let mut poke = poke(&[]);
        let doors = Doors { ips: vec![ip(1), ip(2)], sure: true };
        poke.set_wants(vec![Want { mac: ANNA, stranger: false, due: at(0), doors }], at(100));
        assert_eq!(poke.poll_poke(at(100)), Some(ip(1)));
        assert_eq!(poke.poll_poke(at(100)), None, "paced");
        assert_eq!(poke.poll_poke(at(101)), Some(ip(2)));
        assert_eq!(poke.poll_poke(at(102)), None);
        poke
    }

    fn outcome(poke: &mut Poke) -> Option<Outcome> {
        poke.poll_verdict().map(|it| it.outcome)
    }

    #[test]
    fn silent_only_when_every_address_failed_after_its_poke() {
        let mut it = asking();
        it.failed(ip(1), at(103), at(103));
        assert_eq!(outcome(&mut it), None);
        it.failed(ip(2), at(100), at(104));
        assert_eq!(outcome(&mut it), None, "that failure is older than the poke");
        it.failed(ip(2), at(104), at(104));
        assert_eq!(outcome(&mut it), Some(Outcome::Silent));
        assert_eq!(it.poll_poke(at(106)), None, "not again at once");
    }

    #[test]
    fn a_confirmation_after_the_poke_answers() {
        let mut it = asking();
        it.confirmed(ANNA, ip(1), at(99), at(103));
        assert_eq!(outcome(&mut it), None, "that one is older than the poke");
        it.confirmed(BEN, ip(1), at(103), at(103));
        assert_eq!(outcome(&mut it), None, "another station answered");
        it.confirmed(ANNA, ip(9), at(103), at(103));
        assert_eq!(outcome(&mut it), Some(Outcome::Answered));
    }

    #[test]
    fn anything_else_is_no_evidence() {
        let mut it = asking();
        it.failed(ip(1), at(103), at(103));
        let mut pokes = Vec::new();
        for second in 104..=175 {
            pokes.extend(it.poll_poke(at(second)));
        }
        assert!(pokes.iter().all(|ip| *ip == self::ip(2)) && pokes.len() > 3, "{pokes:?}");
        assert_eq!(outcome(&mut it), Some(Outcome::NoEvidence));
        let mut local = asking();
        local.not_sent(ip(2));
        local.failed(ip(1), at(103), at(103));
        local.failed(ip(2), at(103), at(103));
        assert_eq!(outcome(&mut local), Some(Outcome::NoEvidence));
        let mut spoiled = asking();
        spoiled.spoil();
        spoiled.failed(ip(1), at(103), at(103));
        spoiled.failed(ip(2), at(103), at(103));
        assert_eq!(outcome(&mut spoiled), Some(Outcome::NoEvidence));
    }

    #[test]
    fn whose_addresses_are_all_given_to_others_cannot_be_asked() {
        let mut it = asking();
        it.reassigned(ip(1), BEN, at(103));
        assert_eq!(outcome(&mut it), None, "there is another");
        it.reassigned(ip(2), ANNA, at(103));
        assert_eq!(outcome(&mut it), None, "that is its own");
        it.reassigned(ip(2), BEN, at(104));
        assert_eq!(outcome(&mut it), Some(Outcome::Unaskable), "and that is said at once");
        let mut nowhere = poke(&[]);
        let doors = Doors { ips: Vec::new(), sure: false };
        nowhere.set_wants(vec![Want { mac: ANNA, stranger: false, due: at(0), doors }], at(100));
        assert_eq!(nowhere.poll_poke(at(100)), None);
        assert_eq!(outcome(&mut nowhere), Some(Outcome::Unaskable));
    }

    #[test]
    fn the_kernel_never_resolves_too_many_for_us() {
        let mut it = poke(&["10.0.0.0/22"]);
        let (mut ms, mut open, mut sent) = (0, BTreeMap::new(), 0);
        while !it.is_closed(Duration::from_millis(ms)) {
            let now = Duration::from_millis(ms);
            open.retain(|_, until| *until > now);
            while let Some(ip) = it.poll_poke(now) {
                sent += 1;
                open.insert(ip, now + at(3));
            }
            assert!(open.len() <= MAX_UNRESOLVED);
            assert!(it.poll_timeout().is_none_or(|at| at > now), "{ms}");
            ms += 5;
        }
        assert_eq!(sent, 1022);
        assert!(ms > 60_000, "three broadcasts each, 50 a second: {ms} ms");
    }
}
