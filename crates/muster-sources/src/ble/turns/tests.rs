//! Stories of adapters: what happened, at which second, and what was asked and proved.

use muster_config::ble::Rhythm;

use super::*;

const LE: Transports = Transports::LOW_ENERGY;
const BOTH: Transports = Transports(7);

struct Story {
    turns: Turns,
    asked: Vec<(u64, Ask)>,
    now: u64,
}

fn secs(s: u64) -> Duration {
    Duration::from_secs(s)
}

fn tag(number: u8) -> Address {
    Address::low_energy(muster_core::identity::Mac([0xc0, 0, 0, 0, 0, number]), true)
}

fn kernel() -> Story {
    resting(Rhythm::Continuous)
}

fn resting(rhythm: Rhythm) -> Story {
    let mut turns = Turns::new(rhythm.duty());
    turns.available(secs(0), Pace::KERNEL);
    Story { turns, asked: Vec::new(), now: 0 }
}

fn daemon() -> Story {
    kernel().then(|it, now| it.available(now, Pace::DAEMON))
}

impl Story {
    /// Time goes on, and what is due is asked.
    fn until(mut self, second: u64) -> Self {
        while let Some(due) = self.turns.poll_timeout().filter(|it| *it <= secs(second)) {
            let now = due.max(secs(self.now));
            let before = self.turns.poll_timeout();
            let ask = self.turns.poll(now);
            self.asked.extend(ask.map(|it| (now.as_secs(), it)));
            assert!(self.turns.poll_timeout() != before || self.turns.poll_timeout() > Some(now));
            self.now = now.as_secs();
        }
        self.now = second;
        self
    }

    fn then(mut self, what: impl FnOnce(&mut Turns, Duration)) -> Self {
        what(&mut self.turns, secs(self.now));
        self
    }

    /// Turns of the kernel, back to back, each with so many devices.
    fn turns(mut self, count: usize, devices: u8) -> Self {
        for _ in 0..count {
            let begins = self.now;
            self = self.until(begins).then(|it, now| it.began(now, LE));
            for number in 0..devices {
                self.turns.heard(secs(begins + 9), tag(number));
            }
            self = self.until(begins + 10).then(|it, now| it.ended(now, true));
        }
        self
    }

    fn proved(&self) -> Option<(u64, u64)> {
        self.turns.proved().map(|(from, to)| (from.as_secs(), to.as_secs()))
    }
}

#[test]
fn turns_follow_each_other_and_prove_themselves_in_an_empty_room() {
    let story = kernel().turns(3, 0).until(30);
    let starts: Vec<u64> = story.asked.iter().map(|(at, _)| *at).collect();
    assert_eq!(starts, [0, 10, 20, 30]);
    assert!(story.asked.iter().all(|(_, it)| *it == Ask::Start));
    assert_eq!(story.proved(), Some((0, 30)));
    assert_eq!(story.turns.trouble(), None);
}

#[test]
fn a_controller_that_hangs_proves_nothing_and_is_tried_until_it_answers() {
    let story = kernel().turns(2, 1).until(20).then(|it, now| it.began(now, LE));
    let story = story.until(23).then(|it, now| it.heard(now, tag(0))).until(60);
    // Overdue after 13 s; then nothing answers either question.
    assert_eq!(story.asked[3..], [(33, Ask::Stop), (48, Ask::Stop)]);
    assert_eq!(story.turns.trouble(), Some(&Trouble::Hangs));
    assert_eq!(story.proved(), Some((0, 23)));

    let story = story.then(|it, now| it.ended(now, true)).until(61);
    let story = story.then(|it, now| it.began(now, LE)).until(66);
    let story = story.then(|it, now| it.heard(now, tag(0)));
    assert_eq!((story.proved(), story.turns.trouble()), (Some((61, 66)), None));
}

#[test]
fn what_hangs_for_long_is_switched_off_and_on_but_not_again_and_again() {
    let pace = Pace { restarts: true, ..Pace::DAEMON };
    let off = || Trouble::Off { is_blocked: false };
    let story = daemon().then(|it, now| it.available(now, pace)).until(0);
    let story = story.then(|it, now| it.began(now, LE)).until(60);
    // Nothing answers; the third time it is no longer asked to stop.
    let asks = [(0, Ask::Start), (8, Ask::Stop), (23, Ask::Stop), (38, Ask::Restart)];
    assert_eq!(story.asked, asks);
    assert_eq!(story.turns.trouble(), Some(&Trouble::Restarts));
    // It goes off by that, which is told as that.
    let story = story.then(|it, _| it.unavailable(off()));
    assert_eq!(story.turns.trouble(), Some(&Trouble::Restarts));
    let story = story.then(|it, now| it.available(now, pace)).until(61);
    assert_eq!(story.asked[4..], [(60, Ask::Stop)], "what was under way is cleared first");
    let story = story.then(|it, now| it.ended(now, false)).until(61);
    let story = story.then(|it, now| it.began(now, LE)).then(|it, now| it.heard(now, tag(1)));
    assert_eq!(story.turns.trouble(), None);

    // It hangs again, and switching it off did not help: no more than every 5 minutes.
    let story = story.until(600);
    let restarts = story.asked.iter().filter(|it| it.1 == Ask::Restart);
    assert_eq!(restarts.map(|it| it.0).collect::<Vec<_>>(), [38, 339]);
    let story = story.then(|it, _| it.stays_off()).until(2_000);
    assert_eq!((story.turns.trouble(), story.turns.poll_timeout()), (Some(&off()), None));
}

#[test]
fn whoever_is_switched_off_by_people_is_not_switched_on() {
    let pace = Pace { restarts: true, ..Pace::DAEMON };
    let story = daemon().then(|it, now| it.available(now, pace)).until(0);
    let off = Trouble::Off { is_blocked: false };
    let story = story.then(|it, _| it.unavailable(off)).until(3_000);
    assert!(story.asked.iter().all(|it| it.1 != Ask::Restart), "{:?}", story.asked);
    let by_hand = daemon().until(0).then(|it, now| it.began(now, LE)).until(3_000);
    assert!(by_hand.asked.iter().all(|it| it.1 != Ask::Restart), "where that is not wanted");
}

#[test]
fn who_is_off_or_gone_is_not_asked() {
    let off = Trouble::Off { is_blocked: false };
    let story = kernel().turns(2, 2).then(|it, _| it.unavailable(off.clone())).until(3_000);
    assert_eq!(story.asked.len(), 2);
    assert_eq!((story.proved(), story.turns.trouble()), (Some((0, 20)), Some(&off)));
    // What comes late changes nothing.
    let story = story.then(|it, now| it.ended(now, true)).then(|it, now| it.heard(now, tag(1)));
    assert_eq!((story.proved(), story.turns.poll_timeout()), (Some((0, 20)), None));
    let story = story.then(|it, now| it.available(now, Pace::KERNEL)).turns(1, 0);
    assert_eq!((story.proved(), story.turns.trouble()), (Some((3_000, 3_010)), None));
}

#[test]
fn what_is_refused_is_cleared_and_tried_again() {
    let no = Trouble::Refused { why: "not now".to_owned(), hint: None };
    let story = kernel().until(0).then(|it, now| it.refused(now, no.clone())).until(5);
    assert_eq!(story.turns.trouble(), Some(&no));
    let story = story.then(|it, now| it.ended(now, false)).until(6);
    assert_eq!(story.asked, [(0, Ask::Start), (5, Ask::Stop), (5, Ask::Start)]);
    assert_eq!(story.proved(), None);
}

#[test]
fn the_turns_of_others_count_as_ours() {
    let story = kernel().until(0).then(Turns::busy).until(0);
    assert_eq!(story.turns.trouble(), Some(&Trouble::Starting));
    let story = story.then(|it, now| it.began(now, LE)).until(10);
    assert_eq!(story.asked, [(0, Ask::Start)]);
    let story = story.then(|it, now| it.ended(now, true)).until(10);
    assert_eq!(story.asked.last(), Some(&(10, Ask::Start)));
    assert_eq!(story.proved(), Some((0, 10)));
}

#[test]
fn busy_for_longer_than_anybody_looks_is_trouble() {
    let mut story = kernel();
    for second in 0..=25 {
        story = story.until(second).then(Turns::busy);
    }
    assert_eq!(story.turns.trouble(), Some(&Trouble::Hangs));
    let story = story.until(30);
    assert_eq!(story.asked.last(), Some(&(30, Ask::Stop)));
}

#[test]
fn half_of_a_search_for_classic_devices_too_is_heard() {
    let story = kernel().until(0).then(|it, now| it.began(now, BOTH)).until(15);
    let story = story.then(|it, now| it.ended(now, true));
    let (from, to) = story.turns.proved().unwrap();
    assert_eq!((from, to), (secs(0), Duration::from_millis(5_120)));
    let story = kernel().until(0).then(|it, now| it.began(now, Transports::CLASSIC)).until(15);
    let story = story.then(|it, now| it.heard(now, tag(0))).then(|it, now| it.ended(now, true));
    assert_eq!(story.proved(), None);
}

#[test]
fn a_daemon_is_asked_to_end_its_turns_and_a_shared_end_proves_nothing() {
    let story = daemon().until(0).then(|it, now| it.began(now, LE)).until(8);
    assert_eq!(story.asked, [(0, Ask::Start), (8, Ask::Stop)]);
    let story = story.then(|it, now| it.ended(now, false)).until(8);
    let story = story.then(|it, now| it.began(now, LE)).until(12);
    assert_eq!(story.proved(), Some((8, 8)), "two turns that nobody was heard in");
    let story = story.then(|it, now| it.heard(now, tag(0)));
    assert_eq!((story.proved(), story.turns.trouble()), (Some((8, 12)), None));
}

#[test]
fn a_turn_that_is_ended_at_once_is_not_begun_at_once() {
    let story = kernel().until(0).then(|it, now| it.began(now, LE));
    let story = story.then(|it, now| it.ended(now, true)).until(5);
    assert_eq!(story.asked, [(0, Ask::Start), (1, Ask::Start)]);
}

#[test]
fn a_crowd_that_falls_silent_proves_deafness() {
    let story = kernel().turns(30, 4);
    assert_eq!(story.proved(), Some((0, 300)));
    let story = story.turns(3, 0);
    assert_eq!(story.turns.trouble(), Some(&Trouble::Deserted));
    assert_eq!(story.proved(), Some((320, 320)), "nothing of the silence");
    let story = story.until(330).then(|it, now| it.began(now, LE)).until(335);
    let story = story.then(|it, now| it.heard(now, tag(0))).until(340);
    let story = story.then(|it, now| it.ended(now, true));
    assert_eq!((story.proved(), story.turns.trouble()), (Some((335, 340)), None));
}

#[test]
fn what_was_lost_is_not_proved() {
    let story = kernel().turns(1, 1).until(10).then(|it, now| it.began(now, LE)).until(14);
    let story = story.then(|it, _| it.lost());
    assert_eq!((story.proved(), story.turns.trouble()), (None, Some(&Trouble::Lost)));
    let story = story.until(16).then(|it, now| it.heard(now, tag(0))).until(20);
    let story = story.then(|it, now| it.ended(now, true));
    assert_eq!((story.proved(), story.turns.trouble()), (Some((16, 20)), None));
}

#[test]
fn passive_turns_prove_themselves_by_an_answer_that_comes_at_once() {
    let mut story = kernel().then(|it, now| it.available(now, Pace::PASSIVE)).until(0);
    for begins in [0, 10] {
        story = story.until(begins).then(|it, now| it.began(now, LE)).until(begins + 10);
        story = story.then(|it, now| it.ended(now, true));
    }
    let story = story.until(20).then(|it, now| it.began(now, LE));
    assert_eq!((story.proved(), story.turns.trouble()), (Some((0, 20)), None));
    let story = story.until(32).then(|it, now| it.ended(now, true)).until(32);
    assert_eq!(story.asked[4..], [(20, Ask::Start), (30, Ask::Stop), (32, Ask::Start)]);
    assert_eq!((story.proved(), story.turns.trouble()), (Some((0, 20)), Some(&Trouble::Hangs)));
    // That it can be asked to listen again proves nothing: the kernel answers that itself.
    let story = story.then(|it, now| it.began(now, LE)).until(36);
    assert_eq!(story.turns.trouble(), Some(&Trouble::Hangs));
    let story = story.then(|it, now| it.heard(now, tag(0)));
    assert_eq!((story.proved(), story.turns.trouble()), (Some((32, 36)), None));
}

#[test]
fn by_a_rhythm_it_rests_and_nothing_is_proved_of_the_rest() {
    let story = resting(Rhythm::ThirtiethOfFiveMinutes).turns(1, 2).until(299);
    assert_eq!(story.asked, [(0, Ask::Start)]);
    assert_eq!((story.proved(), story.turns.trouble()), (Some((0, 10)), None));
    let story = story.until(300);
    assert_eq!(story.asked, [(0, Ask::Start), (300, Ask::Start)]);
    let story = story.then(|it, now| it.began(now, LE)).until(310);
    let story = story.then(|it, now| it.ended(now, true)).until(599);
    assert_eq!((story.proved(), story.asked.len()), (Some((300, 310)), 2));
}

#[test]
fn a_window_that_is_interrupted_is_listened_through() {
    let story = resting(Rhythm::TenthOfFiveMinutes).turns(1, 1).until(10);
    let story = story.then(|it, now| it.began(now, LE)).until(12);
    let no = Trouble::Refused { why: "not now".to_owned(), hint: None };
    let story = story.then(|it, now| it.refused(now, no)).until(17);
    let story = story.then(|it, now| it.ended(now, false)).until(17).turns(2, 1).until(299);
    let starts = story.asked.iter().filter(|(_, it)| *it == Ask::Start);
    assert_eq!(starts.map(|(at, _)| *at).collect::<Vec<_>>(), [0, 10, 17, 27]);
    assert_eq!(story.until(300).asked.last(), Some(&(300, Ask::Start)));
}

#[test]
fn who_comes_back_while_it_would_rest_listens_at_once() {
    let off = Trouble::Off { is_blocked: false };
    let story = resting(Rhythm::ThirtiethOfFiveMinutes).turns(1, 1).until(100);
    let story = story.then(|it, _| it.unavailable(off)).until(140);
    let story = story.then(|it, now| it.available(now, Pace::KERNEL)).turns(1, 0).until(439);
    assert_eq!(story.asked.last(), Some(&(140, Ask::Start)));
    assert_eq!((story.proved(), story.turns.trouble()), (Some((140, 150)), None));
    assert_eq!(story.until(440).asked.last(), Some(&(440, Ask::Start)));
}

#[test]
fn the_turns_of_others_are_heard_while_it_rests() {
    let story = resting(Rhythm::ThirtiethOfFiveMinutes).turns(1, 1).until(100).turns(1, 1);
    assert_eq!((story.asked.len(), story.proved()), (1, Some((100, 110))));
    assert_eq!(story.until(300).asked.last(), Some(&(300, Ask::Start)));
}

#[test]
fn a_daemons_window_is_listened_in_turns_of_equal_length() {
    let mut story = resting(Rhythm::ThirtiethOfFiveMinutes);
    story = story.then(|it, now| it.available(now, Pace::DAEMON)).until(0);
    for begins in [0, 5] {
        story = story.until(begins).then(|it, now| it.began(now, LE)).until(begins + 5);
        story = story.then(|it, now| it.ended(now, true));
    }
    let story = story.until(299);
    let asked = [(0, Ask::Start), (5, Ask::Stop), (5, Ask::Start), (10, Ask::Stop)];
    assert_eq!((&story.asked[..], story.proved()), (&asked[..], Some((0, 10))));
}

/// Whatever the world does to it, it never begins a turn between a window that was listened through and
/// the next, and never waits longer than the rhythm's rest.
#[test]
fn no_turn_begins_in_a_rest() {
    let duty = Rhythm::SixthOfAMinute.duty().unwrap();
    let mut chance = Chance(7);
    for _ in 0..200 {
        let mut story = resting(Rhythm::SixthOfAMinute);
        let (mut listened, mut rests_until) = (0, 0);
        for _ in 0..60 {
            let known = story.asked.len();
            let due = story.turns.poll_timeout().unwrap().as_secs();
            assert!(due <= story.now + duty.every.as_secs(), "it waits until {due}");
            let at = due.max(story.now);
            story = story.until(at);
            for (at, ask) in story.asked.split_off(known) {
                assert!(ask == Ask::Stop || at >= rests_until, "{at} in a rest to {rests_until}");
            }
            let begins = story.now + chance.below(2);
            story = story.until(begins).then(|it, now| it.began(now, LE));
            let ends = begins + 1 + chance.below(10);
            story = story.until(ends);
            story = story.then(|it, now| it.ended(now, true));
            listened += ends - begins.max(rests_until).min(ends);
            if listened >= duty.listens.as_secs() {
                let every = duty.every.as_secs();
                listened = 0;
                rests_until += (ends - rests_until).div_ceil(every).max(1) * every;
            }
        }
    }
}

/// Numbers that look like chance and are the same in every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) % most
    }
}
