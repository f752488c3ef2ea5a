//! The asking machine against a simulated network of dozing devices, in virtual time.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use muster_core::fact::Outcome;
use muster_core::identity::Mac;
use muster_sim::lan_responder::{Doze, Responder};
use muster_wire::frame::LinkType;
use muster_wire::lan::{build, decode};

use super::super::reach::Doors;
use super::super::walk::{Rounds, Walk};
use super::super::wants::Want;
use super::Sweep;

const BASE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 0);
const HUB: (Mac, Ipv4Addr) = (Mac([2, 0, 0, 0, 0, 1]), Ipv4Addr::new(10, 0, 0, 1));
const START: Duration = Duration::from_secs(100);

/// What a run came to.
#[derive(Debug, Default)]
struct Run {
    unicasts: Vec<Duration>,
    broadcasts: Vec<Duration>,
    /// When each host was heard first.
    found: std::collections::BTreeMap<Mac, Duration>,
    outcomes: Vec<(Mac, Outcome, Duration)>,
}

impl Run {
    fn packets(&self) -> usize {
        self.unicasts.len() + self.broadcasts.len()
    }

    fn last_found(&self) -> Duration {
        after(self.found.values().max().copied().unwrap_or_default())
    }
}

/// Lets machine and network talk until `enough`, jumping from deadline to deadline.
fn run(sweep: &mut Sweep, lan: &mut Responder, enough: impl Fn(&Run, Duration) -> bool) -> Run {
    let mut now = START;
    let mut run = Run::default();
    for _ in 0..2_000_000 {
        while let Some(ask) = sweep.poll_ask(now) {
            let IpAddr::V4(ip) = ask.ip else { panic!("nobody told it of IPv6") };
            if ask.to.is_some() { &mut run.unicasts } else { &mut run.broadcasts }.push(now);
            lan.handle_frame(&build::arp_request(HUB, ip, ask.to), now);
        }
        while let Some(frame) = lan.poll_frame(now) {
            let frame = decode(LinkType::ETHERNET, &frame).unwrap().unwrap();
            let mac = frame.mac().unwrap();
            run.found.entry(mac).or_insert(now);
            sweep.heard(mac, now);
            sweep.heard_at(frame.ips()[0]);
        }
        while let Some(it) = sweep.poll_verdict() {
            run.outcomes.push((it.mac, it.outcome, now));
        }
        if enough(&run, now) {
            return run;
        }
        let next = [sweep.poll_timeout(), lan.poll_timeout()].into_iter().flatten().min();
        let Some(next) = next else { return run };
        assert!(next > now, "a deadline makes progress: {next:?}");
        now = next;
    }
    panic!("it never came to an end");
}

fn after(it: Duration) -> Duration {
    it.saturating_sub(START)
}

fn known(lan: &Responder) -> Vec<Want> {
    let at = |v4: Ipv4Addr| Doors { ips: vec![v4.into()], sure: true };
    let want =
        |mac, v4: Ipv4Addr| Want { mac, stranger: false, due: Duration::ZERO, doors: at(v4) };
    lan.hosts().iter().map(|it| want(it.mac, it.v4)).collect()
}

fn default_rounds() -> Rounds {
    let seconds = Duration::from_secs;
    Rounds { first: 2, later: 1, gap: seconds(2), quiet: seconds(2), refresh: Some(seconds(300)) }
}

fn sweep(range: &str, rate: u32, rounds: Rounds) -> Sweep {
    Sweep::new(rate, Walk::new(vec![range.parse().unwrap()], Vec::new(), rounds))
}

#[test]
fn known_dozing_devices_are_complete_within_11_s_and_250_packets() {
    let mut bad = Vec::new();
    let mut packets = 0;
    let mut took = Vec::new();
    for seed in 0..1000 {
        let mut lan = Responder::new(seed, BASE, 100, Some(Doze::PHONE));
        let mut sweep = sweep("10.0.0.0/24", 50, default_rounds());
        sweep.set_wants(known(&lan), START);
        let limit = START + Duration::from_secs(11);
        let run = run(&mut sweep, &mut lan, |it, now| it.found.len() == 100 || now > limit);
        packets += run.packets();
        took.push((run.last_found(), run.packets()));
        if run.found.len() < 100 || run.packets() > 250 {
            bad.push((seed, run.found.len(), run.packets()));
        }
    }
    took.sort_unstable();
    println!("doze: 1,000 seeds, complete after, median: {:.2?}", took[499].0);
    println!("doze: 1,000 seeds, complete after, 999 of them: {:.2?}", took[998].0);
    let most = took.iter().map(|it| it.1).max().unwrap();
    println!("doze: packets, mean and most: {} and {most}", packets / 1000);
    assert!(bad.len() <= 1, "{bad:?}");
    assert!((154_000..200_000).contains(&packets), "the best possible is 154 each: {packets}");
}

#[test]
fn silent_means_asked_often_enough_and_nothing_was_lost() {
    let mut lan = Responder::new(7, BASE, 3, Some(Doze::PHONE));
    lan.switch(1, false, START);
    let off = lan.hosts()[1].mac;
    let ends = |run: &Run, _| run.outcomes.iter().any(|it| it.0 == off);
    let mut machine = sweep("10.0.0.0/24", 50, default_rounds());
    machine.set_wants(known(&lan), START);
    let first = run(&mut machine, &mut lan, ends);
    let (_, outcome, at) = *first.outcomes.iter().find(|it| it.0 == off).unwrap();
    assert_eq!(outcome, Outcome::Silent);
    assert!(after(at) <= Duration::from_secs(11));
    let answered = first.outcomes.iter().filter(|it| it.1 == Outcome::Answered).count();
    assert_eq!(answered, 2, "{first:?}");

    let mut spoiled = sweep("10.0.0.0/24", 50, default_rounds());
    spoiled.set_wants(known(&lan), START);
    assert!(spoiled.poll_ask(START).is_some());
    spoiled.spoil();
    let second = run(&mut spoiled, &mut lan, ends);
    assert!(second.outcomes.iter().any(|it| it.0 == off && it.1 == Outcome::NoEvidence));
}

#[test]
fn an_unanswered_device_is_asked_again_while_it_is_wanted() {
    let mut lan = Responder::new(7, BASE, 1, None);
    lan.switch(0, false, START);
    let mut machine = sweep("10.0.0.0/30", 50, default_rounds());
    machine.set_wants(known(&lan), START);
    let five = run(&mut machine, &mut lan, |it, _| it.outcomes.len() == 5);
    assert!(five.outcomes.iter().all(|it| it.1 == Outcome::Silent));
    let took = after(five.outcomes[4].2);
    assert!((150..250).contains(&took.as_secs()), "{took:?}");
}

#[test]
fn whoever_is_silent_at_a_guessed_address_or_has_none_cannot_be_asked() {
    let mut lan = Responder::new(7, BASE, 2, None);
    let mut wants = known(&lan);
    lan.switch(0, false, START);
    lan.switch(1, false, START);
    wants[0].doors.sure = false;
    wants[1].doors = Doors { ips: Vec::new(), sure: false };
    let mut machine = sweep("10.0.0.0/30", 50, default_rounds());
    machine.set_wants(wants.clone(), START);
    let silent = run(&mut machine, &mut lan, |it, _| it.outcomes.len() == 6);
    assert!(silent.outcomes.iter().all(|it| it.1 == Outcome::Unaskable), "{silent:?}");
    let cannot = silent.outcomes.iter().filter(|it| it.0 == wants[1].mac).map(|it| after(it.2));
    let cannot: Vec<_> = cannot.map(|it| it.as_secs()).take(3).collect();
    assert_eq!(cannot, [0, 30, 60], "said again while it is wanted");

    lan.switch(0, true, START);
    let mut machine = sweep("10.0.0.0/30", 50, default_rounds());
    machine.set_wants(wants.clone(), START);
    let answered = run(&mut machine, &mut lan, |it, _| it.outcomes.len() == 2);
    let guessed = answered.outcomes.iter().find(|it| it.0 == wants[0].mac).unwrap();
    assert_eq!(guessed.1, Outcome::Answered, "an answer is one wherever it comes from");
}

#[test]
fn who_is_silent_for_days_costs_next_to_nothing() {
    let mut lan = Responder::new(7, BASE, 1, None);
    lan.switch(0, false, START);
    let mut machine = Sweep::new(50, Walk::new(Vec::new(), Vec::new(), default_rounds()));
    machine.set_wants(known(&lan), START);
    let day = |n: u32| START + Duration::from_hours(24) * n;
    let run = run(&mut machine, &mut lan, |_, now| now > day(3));
    let last = run.unicasts.iter().filter(|it| **it > day(2)).count();
    assert!((8..40).contains(&last), "{last} questions on the third day");
    assert!(run.outcomes.iter().all(|it| it.1 == Outcome::Silent));
    let soon = run.unicasts.iter().filter(|it| **it < START + Duration::from_mins(10)).count();
    assert!(soon > 150, "{soon}");
}

#[test]
fn an_engine_that_asks_every_second_gets_its_answer() {
    let mut lan = Responder::new(7, BASE, 2, None);
    lan.switch(1, false, START);
    let mut machine = sweep("10.0.0.0/30", 50, default_rounds());
    let off = lan.hosts()[1].mac;
    for second in 0..25 {
        let now = START + Duration::from_secs(second);
        let due = |it: Want| Want { due: now, ..it };
        machine.set_wants(known(&lan).into_iter().map(due).collect(), now);
        while let Some(ask) = machine.poll_ask(now) {
            let IpAddr::V4(ip) = ask.ip else { panic!("nobody told it of IPv6") };
            lan.handle_frame(&build::arp_request(HUB, ip, ask.to), now);
        }
        while let Some(frame) = lan.poll_frame(now) {
            machine.heard(decode(LinkType::ETHERNET, &frame).unwrap().unwrap().mac().unwrap(), now);
        }
    }
    let all: Vec<_> = std::iter::from_fn(|| machine.poll_verdict()).collect();
    assert!(all.iter().any(|it| it.mac == off && it.outcome == Outcome::Silent), "{all:?}");
    assert!(all.iter().any(|it| it.mac != off && it.outcome == Outcome::Answered), "{all:?}");
}

#[test]
fn never_more_broadcasts_than_allowed() {
    let mut lan = Responder::new(3, BASE, 100, None);
    let mut machine = sweep("10.0.0.0/22", 50, default_rounds());
    let end = START + Duration::from_secs(700);
    let run = run(&mut machine, &mut lan, |_, now| now > end);
    assert_eq!(run.found.len(), 100);
    for window in run.broadcasts.windows(51) {
        assert!(window[50].saturating_sub(window[0]) >= Duration::from_millis(995), "{window:?}");
    }
    let sent = run.broadcasts.iter().filter(|it| **it <= end).count();
    assert_eq!(sent, 1022 + 922 + 1022 + 1022, "two rounds, then two sweeps");
}

#[test]
fn the_walk_waits_for_known_devices_but_not_for_ever() {
    let mut lan = Responder::new(3, BASE, 2, None);
    lan.switch(0, false, START);
    let mut machine = sweep("10.0.0.0/24", 50, default_rounds());
    machine.set_wants(known(&lan), START);
    let run = run(&mut machine, &mut lan, |it, _| it.broadcasts.len() == 252);
    let first = after(run.broadcasts[0]);
    assert!(first >= Duration::from_secs(10) && first <= Duration::from_secs(16), "{first:?}");
}

#[test]
fn the_fast_profile_finds_all_at_once_and_closes_within_a_second() {
    let ms = Duration::from_millis;
    let fast = Rounds { first: 3, later: 1, gap: ms(250), quiet: ms(200), refresh: None };
    let mut lan = Responder::new(3, BASE, 100, None);
    let mut machine = sweep("10.0.0.0/24", 10_000, fast);
    let small = run(&mut machine, &mut lan, |_, now| now >= START + ms(550));
    assert_eq!(small.found.len(), 100);
    assert!(small.last_found() <= ms(250), "{:?}", small.last_found());
    assert!(!machine.is_closed(START) && machine.is_closed(START + ms(1000)));

    let once = Rounds { first: 1, ..fast };
    let mut lan = Responder::new(3, BASE, 100, None);
    let mut machine = sweep("10.0.0.0/16", 10_000, once);
    let seven = START + ms(7000);
    let large = run(&mut machine, &mut lan, |it, now| it.broadcasts.len() == 65_534 || now > seven);
    assert_eq!(large.found.len(), 100);
    assert_eq!(large.broadcasts.len(), 65_534);
}
