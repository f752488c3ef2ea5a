//! What the source said, read as facts: their names, their times, and what they cover.

use std::time::Duration;

use muster_core::time::Time;
use nix::time::{ClockId, clock_gettime};

use super::network::Process;

/// The first hosts of the responder: link-layer address and IPv4 address.
pub(crate) const HOSTS: [(&str, &str); 5] = [
    ("b8:27:eb:20:00:00", "10.77.0.10"),
    ("00:17:88:20:00:01", "10.77.0.11"),
    ("3c:22:fb:20:00:02", "10.77.0.12"),
    ("da:a1:19:20:00:03", "10.77.0.13"),
    ("b8:27:eb:20:00:04", "10.77.0.14"),
];

/// The line that has the source look for these hosts.
pub(crate) fn wants(hosts: &[usize]) -> String {
    let one = |n: &usize| format!("{} {}", HOSTS[*n].0, HOSTS[*n].1);
    format!("want {}", hosts.iter().map(one).collect::<Vec<_>>().join("; "))
}

/// How a sighting of the host begins.
pub(crate) fn sighting(host: usize) -> String {
    format!("va0 sighting mac:{}", HOSTS[host].0)
}

/// A probe of the host.
pub(crate) fn probe(host: usize, outcome: &str) -> String {
    format!("va0 probe mac:{} {outcome}", HOSTS[host].0)
}

/// Coverage told so far.
pub(crate) fn coverage(source: &Process) -> Vec<(Time, Time)> {
    let words = source.said().iter().filter_map(|it| it.strip_prefix("va0 coverage "));
    words
        .filter_map(|it| {
            let mut words = it.split(' ').map(time);
            Some((words.next()?, words.next()?))
        })
        .collect()
}

/// Waits for coverage that begins after `since`.
pub(crate) fn new_coverage(source: &mut Process, since: Time) {
    source.wait_until("new coverage", |it| {
        let from = it.strip_prefix("va0 coverage ").and_then(|it| it.split(' ').next());
        from.is_some_and(|it| time(it) > since)
    });
}

/// No coverage reaches further than 30 s behind the time of the fault, nor over one `between` the
/// fault and its end.
pub(crate) fn assert_blind(source: &Process, fault: Time, between: Time) {
    let limit = fault + Duration::from_secs(30);
    for (from, to) in coverage(source) {
        assert!(from > fault || to <= limit, "{from} to {to}, but blind from {fault} on");
        assert!(to <= between || from > between, "{from} to {to} covers {between}");
    }
}

/// The time now, for comparison with those in facts.
pub(crate) fn now() -> Time {
    let wall = clock_gettime(ClockId::CLOCK_REALTIME).expect("Linux has this clock");
    Time::from_micros(Duration::from(wall).as_micros().try_into().expect("not yet"))
}

/// A time as the programs print it.
pub(crate) fn time(text: &str) -> Time {
    text.parse().unwrap_or_else(|_| panic!("no time: {text}"))
}
