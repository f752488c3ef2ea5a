//! A channel on the loopback of this machine: real sockets, hand-made looks. Needs `CAP_NET_RAW`.

use muster_core::fact::SourceKind;
use muster_core::span::Span;

use super::*;

const LOOPBACK: u32 = 1;

/// A channel and its look's clock.
struct Room {
    channel: Channel,
    settings: LanSettings,
    own: BTreeSet<Mac>,
    second: u32,
}

impl Room {
    fn new() -> Self {
        let link = Link {
            index: LOOPBACK,
            name: "lo".to_owned(),
            mac: Some(Mac([2, 0, 0, 0, 0, 1])),
            addresses: vec![("127.0.0.1".parse().unwrap(), 8)],
            gateways: Vec::new(),
            ranges: Vec::new(),
            unswept: Vec::new(),
            deaf: None,
        };
        let settings = LanSettings::default();
        let listener = Listener::new("hub", SourceKind::Lan, "lo");
        let channel = Channel::open(link, listener, &settings, now(0)).unwrap();
        let error = channel.ears.error();
        assert!(error.is_none(), "this test needs CAP_NET_RAW (run it as root): {error:?}");
        Self { channel, settings, own: BTreeSet::new(), second: 0 }
    }

    /// A look four seconds later; what it covers, and what is wrong.
    fn look(&mut self) -> (Option<Span>, Option<String>) {
        self.second += 4;
        let hub = Hub { own: &self.own, now: now(self.second) };
        let mut facts = Vec::new();
        self.channel.look(now(self.second), &mut [0; 2048], &hub, &mut facts);
        let covered = facts.iter().find_map(|it| match &it.body {
            FactBody::Coverage(span) => Some(*span),
            FactBody::Sighting(_)
            | FactBody::Probe(_)
            | FactBody::Level(_)
            | FactBody::Detail(_) => None,
        });
        let status = self.channel.news(&self.settings);
        let wrong = status.and_then(|it| it.cannot.first().cloned()).map(|it| it.why);
        (covered, wrong)
    }
}

fn now(second: u32) -> Now {
    Now {
        mono: Duration::from_secs(second.into()),
        wall: Time::from_secs(1_000_000 + i64::from(second)),
    }
}

fn last_covered(looks: &[(Option<Span>, Option<String>)]) -> Option<Span> {
    looks.iter().rev().find_map(|it| it.0)
}

#[tokio::test]
async fn a_filter_that_is_gone_interrupts_coverage_and_is_set_again() {
    let mut room = Room::new();
    let before = [room.look(), room.look(), room.look()];
    assert!(last_covered(&before).is_some(), "{before:?}");
    room.channel.ears.socket().unwrap().drop_filter().unwrap();
    let lost = room.second;
    let (_, why) = room.look();
    assert_eq!(why.as_deref(), Some("the kernel's filter is gone from the socket"));
    let found = room.second;
    let after = [room.look(), room.look(), room.look(), room.look()];
    assert!(after.iter().all(|it| it.1.is_none()), "{after:?}");
    let (lost, found) = (now(lost).wall, now(found).wall);
    for span in after.iter().filter_map(|it| it.0) {
        assert!(span.to <= lost || span.from >= found, "{span:?}");
    }
    assert!(last_covered(&after).is_some_and(|it| it.from >= found));
}
