//! The JSON objects that stand for one decoded frame: of a local network, or of Bluetooth.
//!
//! Fields that are absent are absent; what the network or the radio said is bounded text without what
//! hides or reorders it.

mod beacon;

mod bluetooth;

use std::net::IpAddr;

use serde::Serialize;

pub use beacon::{DecodedBeacon, DecodedTag};
pub use bluetooth::DecodedRadio;

use crate::bluetooth::advertisement::Advertisement;
use crate::bluetooth::resolve::Resolver;
use crate::bluetooth::tag::TagRules;
use crate::bluetooth::{Packet, decode, is_bluetooth};
use crate::capture::{Record, RecordError};
use crate::frame::{DecodeError, LinkType};
use crate::lan::{self, LanBody, LanFrame};

/// One line of decoder output.
#[derive(Clone, Debug, Serialize, PartialEq)]
#[serde(untagged)]
pub enum Decoded {
    /// A frame of a local network that tells something.
    Frame(Box<DecodedFrame>),
    /// Something that Bluetooth says.
    Radio(Box<DecodedRadio>),
    /// A frame or a record that is broken.
    Broken {
        /// Its number, from 1.
        frame: u64,
        /// What is wrong with it.
        error: String,
    },
}

/// What a frame tells.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
pub struct DecodedFrame {
    /// Its number, from 1.
    pub frame: u64,
    /// When it was captured, RFC 3339; absent where nobody knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub t: Option<String>,
    /// `arp`, `dhcp`, `dhcp6`, `mdns` or `nd`.
    pub kind: &'static str,
    /// Who speaks or is spoken for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mac: Option<String>,
    /// Who put the frame on the link, where that is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent_by: Option<String>,
    /// What it does.
    pub op: String,
    /// Addresses of `mac`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ip: Vec<IpAddr>,
    /// The address asked for or answered (ARP, neighbour discovery).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<IpAddr>,
    /// The host name it tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The vendor class it tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vendor_class: Option<String>,
    /// VLAN numbers, outermost first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub vlan: Vec<u16>,
}

impl Decoded {
    /// What a captured record says: nothing when it holds another protocol, several things when it
    /// reports several advertisements.
    pub fn of_record(record: &Record, rules: &TagRules) -> Vec<Self> {
        Self::of(record.number, Some(&record.at.to_string()), record.link, &record.bytes, rules)
    }

    /// What a frame says, by its number and time.
    pub fn of(
        frame: u64,
        t: Option<&str>,
        link: LinkType,
        bytes: &[u8],
        rules: &TagRules,
    ) -> Vec<Self> {
        if is_bluetooth(link) {
            return match decode(link, bytes) {
                Ok(packet) => packet.map_or_else(Vec::new, |it| radio(frame, t, &it, rules)),
                Err(error) => vec![Self::broken(frame, error)],
            };
        }
        match lan::decode(link, bytes) {
            Ok(found) => {
                let frame = found.map(|it| DecodedFrame::new(frame, t, &it));
                frame.map(|it| Self::Frame(Box::new(it))).into_iter().collect()
            }
            Err(error) => vec![Self::broken(frame, error)],
        }
    }

    /// What bare advertising data says, by its number.
    pub fn of_advertisement(frame: u64, data: &[u8], rules: &TagRules) -> Self {
        let advertisement = Advertisement::bare(data);
        Self::Radio(Box::new(DecodedRadio::of_advertisement(frame, None, &advertisement, rules)))
    }

    /// Says whose a private address is, if one of the keys resolves it.
    pub fn resolve(&mut self, keys: &mut Resolver) {
        if let Self::Radio(it) = self {
            it.resolve(keys);
        }
    }

    fn broken(frame: u64, error: DecodeError) -> Self {
        Self::Broken { frame, error: error.to_string() }
    }

    /// One line of JSON, without its end.
    pub fn to_json(&self) -> String {
        // Only text, numbers and lists of them: there is nothing that JSON cannot hold.
        serde_json::to_string(self).unwrap_or_default()
    }
}

fn radio(frame: u64, t: Option<&str>, packet: &Packet<'_>, rules: &TagRules) -> Vec<Decoded> {
    let lines: Vec<DecodedRadio> = packet
        .advertisements()
        .map(|it| {
            let line = DecodedRadio::of_advertisement(frame, t, &it, rules);
            DecodedRadio { adapter: packet.adapter, ..line }
        })
        .collect();
    let other = lines.is_empty().then(|| DecodedRadio::of_packet(frame, t, packet));
    lines.into_iter().chain(other).map(|it| Decoded::Radio(Box::new(it))).collect()
}

impl From<&RecordError> for Decoded {
    fn from(it: &RecordError) -> Self {
        Self::Broken { frame: it.number, error: it.fault.to_string() }
    }
}

impl DecodedFrame {
    fn new(number: u64, t: Option<&str>, frame: &LanFrame) -> Self {
        let target = match &frame.body {
            LanBody::Arp(it) => it.target_ip.map(IpAddr::V4),
            LanBody::Nd(it) => it.target.map(IpAddr::V6),
            LanBody::Dhcp(_) | LanBody::Dhcp6(_) | LanBody::Mdns(_) => None,
        };
        Self {
            frame: number,
            t: t.map(str::to_owned),
            kind: frame.kind(),
            mac: frame.mac().map(|it| it.to_string()),
            sent_by: frame.spoken_for().and(frame.source).map(|it| it.to_string()),
            op: frame.op(),
            ip: frame.ips(),
            target,
            name: frame.name().map(str::to_owned),
            vendor_class: frame.vendor_class().map(str::to_owned),
            vlan: frame.vlan.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use muster_core::identity::Mac;
    use muster_core::time::Time;

    use super::*;
    use crate::lan::build;

    #[test]
    fn lines() {
        let anna = (Mac([0xb8, 0x27, 0xeb, 1, 2, 3]), [10, 0, 0, 2].into());
        let whole = build::arp_request(anna, [10, 0, 0, 1].into(), None);
        let mut other = whole;
        other[12] = 0x90;
        let line = |bytes: &[u8]| {
            let at = Time::from_micros(1_795_251_600_120_000);
            let bytes = bytes.to_vec();
            let record = Record { number: 7, at, link: LinkType::ETHERNET, bytes };
            let lines = Decoded::of_record(&record, &TagRules::default());
            lines.first().map(Decoded::to_json)
        };
        assert_eq!(
            line(&whole).as_deref(),
            Some(
                r#"{"frame":7,"t":"2026-11-21T09:00:00.12Z","kind":"arp","mac":"b8:27:eb:01:02:03","op":"request","ip":["10.0.0.2"],"target":"10.0.0.1"}"#
            )
        );
        assert_eq!(
            line(&whole[..30]).as_deref(),
            Some(r#"{"frame":7,"error":"malformed arp frame: it ends before its addresses do"}"#)
        );
        assert_eq!(line(&other), None);
    }
}
