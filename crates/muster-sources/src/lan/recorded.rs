//! The frames of a capture as facts, judged as live ones are.
//!
//! A capture says nothing of the link that it was taken on: every address in it counts as directly
//! attached, because only protocols are read that do not leave a link, and nobody's frames are this
//! machine's own.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use muster_core::fact::{Detail, Fact, FactBody, Listener, Sighting, SourceKind};
use muster_core::identity::Identity;
use muster_core::time::Time;
use muster_wire::lan::LanFrame;

use super::book::Book;
use super::channel::shortened;
use super::judge::{Finding, Scene, judge};
use super::links::Link;

/// A link that was recorded.
#[derive(Debug)]
pub(crate) struct Recorded {
    listener: Arc<Listener>,
    link: Link,
    book: Book,
}

impl Recorded {
    /// A link of which nothing is known yet.
    pub(crate) fn new(monitor: &str, channel: &str) -> Self {
        let everything =
            vec![(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0), (IpAddr::V6(Ipv6Addr::UNSPECIFIED), 0)];
        let link = Link {
            index: 0,
            name: channel.to_owned(),
            mac: None,
            addresses: everything,
            gateways: Vec::new(),
            ranges: Vec::new(),
            unswept: Vec::new(),
            deaf: None,
        };
        let listener = Arc::new(Listener::new(monitor, SourceKind::Lan, channel));
        Self { listener, link, book: Book::default() }
    }

    /// What a frame tells.
    pub(crate) fn frame(&mut self, mut frame: LanFrame, at: Time) -> Vec<Fact> {
        // Whoever recorded a tagged network wanted to know who is on it.
        frame.vlan.clear();
        let now = at.since(Time::default());
        let own = BTreeSet::new();
        let scene = Scene { link: &self.link, own: &own, now };
        let found = judge(&frame, &mut self.book, scene);
        let mut facts = Vec::with_capacity(found.len());
        for it in found {
            let body = match it {
                Finding::Here(mac) if self.book.is_news(mac, now) => {
                    let identity = Identity::Mac(mac);
                    FactBody::Sighting(Sighting { identity, at, rssi: None })
                }
                Finding::Here(_) | Finding::At(..) => continue,
                Finding::Detail(mac, kind, value) => {
                    let (identity, value) = (Identity::Mac(mac), shortened(value).into());
                    FactBody::Detail(Detail { identity, at, kind, value })
                }
            };
            facts.push(Fact { listener: Arc::clone(&self.listener), body });
        }
        facts
    }
}
