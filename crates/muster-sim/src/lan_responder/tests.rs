//! The machine's own stories; the local network source is tested against it elsewhere.

use super::*;

const BASE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 0);
const HUB: (Mac, Ipv4Addr) = (Mac([2, 0, 0, 0, 0, 1]), Ipv4Addr::new(10, 0, 0, 1));

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn replies(it: &mut Responder, until: Duration) -> Vec<Mac> {
    std::iter::from_fn(|| it.poll_frame(until))
        .filter_map(|it| decode(LinkType::ETHERNET, &it).unwrap()?.mac())
        .collect()
}

#[test]
fn a_host_answers_for_itself_when_it_is_on_and_asked() {
    let mut lan = Responder::new(1, BASE, 3, None);
    let host = lan.hosts()[2].clone();
    lan.handle_frame(&build::arp_request(HUB, host.v4, None), ms(0));
    assert_eq!(replies(&mut lan, ms(0)), [host.mac]);
    lan.handle_frame(&build::arp_request(HUB, host.v4, Some(host.mac)), ms(0));
    assert_eq!(replies(&mut lan, ms(0)), [host.mac]);
    lan.handle_frame(&build::arp_request(HUB, host.v4, Some(lan.hosts()[1].mac)), ms(0));
    lan.handle_frame(&build::arp_request(HUB, Ipv4Addr::new(10, 0, 0, 99), None), ms(0));
    assert_eq!(replies(&mut lan, ms(0)), []);
    let hub6 = (HUB.0, "fe80::1".parse().unwrap());
    lan.handle_frame(&build::neighbour_solicitation(hub6, host.v6, None), ms(0));
    assert_eq!(replies(&mut lan, ms(0)), [host.mac]);
    lan.switch(2, false, ms(0));
    lan.handle_frame(&build::arp_request(HUB, host.v4, None), ms(0));
    assert_eq!(replies(&mut lan, ms(0)), []);
}

#[test]
fn coming_up_it_says_who_it_is() {
    let mut lan = Responder::new(1, BASE, 1, None);
    lan.switch(0, false, ms(0));
    assert_eq!(lan.poll_timeout(), None);
    lan.switch(0, true, ms(7));
    let mut told = Vec::new();
    while let Some(frame) = lan.poll_frame(ms(7)) {
        let frame = decode(LinkType::ETHERNET, &frame).unwrap().unwrap();
        assert_eq!(frame.mac(), Some(lan.hosts()[0].mac));
        told.push(format!("{} {} {:?}", frame.kind(), frame.op(), frame.name()));
    }
    assert_eq!(
        told,
        [
            "dhcp request Some(\"host-0\")",
            "arp request None",
            "nd na None",
            "mdns response Some(\"host-0\")",
        ]
    );
}

#[test]
fn dozing_is_late_lossy_and_seeded() {
    let run = |seed| {
        let mut lan = Responder::new(seed, BASE, 100, Some(Doze::PHONE));
        for n in 10..110 {
            lan.handle_frame(&build::arp_request(HUB, Ipv4Addr::new(10, 0, 0, n), None), ms(0));
        }
        assert!(lan.poll_timeout().unwrap() >= ms(50));
        replies(&mut lan, ms(1500))
    };
    assert!((50..80).contains(&run(1).len()), "{}", run(1).len());
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn sleeps_are_long_and_have_a_heavy_tail() {
    let mut random = Rng::new(5);
    let mut all: Vec<_> = (0..10_000).map(|_| asleep(&mut random).as_secs() / 60).collect();
    all.sort_unstable();
    assert_eq!((all[0], all[5000]), (5, 7));
    assert!((20..26).contains(&all[9000]), "{}", all[9000]);
    assert!(all[9990] > 120 && all[9999] <= 180);
    let mut host = Responder::new(3, BASE, 1, None).hosts()[0].clone();
    let minutes = (0..10_000_u64).map(|it| host.asleep(Duration::from_mins(it), &mut random));
    let share = minutes.filter(|it| *it).count();
    assert!((6000..8500).contains(&share), "{share}");
}

#[test]
fn one_host_may_answer_for_others() {
    let mut lan = Responder::new(1, BASE, 2, None);
    let (router, other) = (lan.hosts()[0].mac, lan.hosts()[1].v4);
    lan.proxy(other);
    lan.switch(1, false, ms(0));
    lan.handle_frame(&build::arp_request(HUB, other, None), ms(0));
    assert_eq!(replies(&mut lan, ms(0)), [router]);
}
