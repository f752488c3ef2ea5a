//! Why a device may, or may not, be known again by what it sends: one line for each thing in an
//! advertisement that could have named it.
//!
//! Says the same as [`identify`](super::identify::identify), in words.

use muster_core::identity::{Identity, TextKind};

use super::address::AddressKind;
use super::advertisement::Advertisement;
use super::beacon::{Beacon, Eddystone};
use super::identify::{Id, of_beacon};
use super::tag::{self, TagRules};
use super::text::shown;

/// One thing, and what it is good for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// What was sent: `address`, `name Keys`, `text ATT-1 in name`, `ibeacon` ...
    pub what: String,
    /// The identity that it is; none: nobody is known again by it.
    pub identity: Option<Identity>,
    /// Why, or why not.
    pub why: String,
}

impl Reason {
    fn new(what: impl Into<String>, identity: Option<Identity>, why: impl Into<String>) -> Self {
        Self { what: what.into(), identity, why: why.into() }
    }
}

/// All lines, the address first. `named` are the identities that the hub found in it: the key of a
/// private address is among them, if one resolves it.
#[must_use]
pub fn reasons(it: &Advertisement<'_>, rules: &TagRules, named: &[Identity]) -> Vec<Reason> {
    let mut all = vec![of_address(it, named)];
    for field in it.fields() {
        if let Some((text, is_whole)) = field.name()
            && let Some(name) = shown(text)
        {
            let why = if is_whole {
                "shown, but many devices may have the same"
            } else {
                "shown, but shortened, and many devices may have the same"
            };
            all.push(Reason::new(format!("name {name}"), None, why));
        }
        if let Some(beacon) = Beacon::of(field) {
            let identity = of_beacon(beacon).and_then(Id::to_identity);
            all.push(Reason::new(beacon.word(), identity, of_format(&beacon)));
            continue;
        }
        for (candidate, verdict) in tag::explain_field(field, rules) {
            let text = candidate.text().and_then(|it| shown(it.as_bytes()));
            let identity = rules.takes(&candidate).then_some(Id::Tag(candidate));
            let text = text.map_or_else(String::new, |it| format!(" {it}"));
            let what = format!("text{text} in {}", candidate.carrier);
            all.push(Reason::new(what, identity.and_then(Id::to_identity), verdict.to_string()));
        }
    }
    all
}

fn of_address(it: &Advertisement<'_>, named: &[Identity]) -> Reason {
    let is_key = |it: &&Identity| matches!(it, Identity::Text(TextKind::Irk, _));
    let key = named.iter().find(is_key).cloned();
    let Some(address) = it.address else {
        return Reason::new("address", key, "it was sent without one");
    };
    let own = || Id::Address(address.kind, address.mac).to_identity();
    let (identity, why) = match address.kind {
        AddressKind::Classic | AddressKind::Public => (own(), "its maker gave it, and it stays"),
        AddressKind::RandomStatic => (own(), "chosen at random, and kept until it is switched off"),
        AddressKind::Resolvable if key.is_some() => {
            (key, "changed every few minutes; a key that was given resolves it")
        }
        AddressKind::Resolvable => {
            (None, "changed every few minutes; no key that was given resolves it")
        }
        AddressKind::NonResolvable => (None, "changed at will, and no key resolves such a one"),
        AddressKind::Reserved => (None, "of a kind that does not exist"),
    };
    Reason::new(format!("{} address", kind(address.kind)), identity, why)
}

/// The kind of an address in words.
const fn kind(it: AddressKind) -> &'static str {
    match it {
        AddressKind::Classic => "classic",
        AddressKind::Public => "public",
        AddressKind::RandomStatic => "random static",
        AddressKind::Resolvable => "resolvable private",
        AddressKind::NonResolvable => "non-resolvable private",
        AddressKind::Reserved => "reserved",
    }
}

fn of_format(beacon: &Beacon<'_>) -> &'static str {
    match beacon {
        Beacon::Ibeacon { .. } | Beacon::Altbeacon { .. } => "a beacon, and it keeps its numbers",
        Beacon::Eddystone(Eddystone::Uid { .. }) => "a beacon, and it keeps its name",
        Beacon::Eddystone(Eddystone::Url { .. }) => "a link, which many may send",
        Beacon::Eddystone(Eddystone::Ephemeral { .. }) => "a number that changes every few minutes",
        Beacon::Eddystone(Eddystone::Telemetry(_)) => "values, which name nobody",
        Beacon::Exposure { .. } => "a contact number that changes every few minutes",
        Beacon::Apple(_) | Beacon::Microsoft(_) => {
            "messages between devices of one maker: all of them send the same types"
        }
        Beacon::Bthome(_) => "values of a sensor, which name nobody",
    }
}

#[cfg(test)]
mod tests {
    use muster_core::identity::Mac;

    use super::super::address::Address;
    use super::super::identify::identify;
    use super::*;

    fn lines(it: &Advertisement<'_>, named: &[Identity]) -> Vec<String> {
        let all = reasons(it, &TagRules::default(), named).into_iter();
        all.map(|it| {
            let identity = it.identity.map_or_else(|| "nobody".to_owned(), |it| it.to_string());
            format!("{}: {identity}: {}", it.what, it.why)
        })
        .collect()
    }

    fn heard(octet: u8, is_random: bool, data: &[u8]) -> Advertisement<'_> {
        let mac = Mac([octet, 1, 2, 3, 4, 5]);
        let address = Some(Address::low_energy(mac, is_random));
        Advertisement { address, ..Advertisement::bare(data) }
    }

    #[test]
    fn every_thing_is_told_with_what_it_is_good_for() {
        let app = [&[20, 0xff, 0xff, 0xff][..], b"ATT-USER-1a2b3c4d", &[5, 9], b"Keys"].concat();
        let private = "resolvable private address: nobody: changed every few minutes; no key that \
                       was given resolves it";
        let text = "text ATT-USER-1a2b3c4d in manufacturer data ffff: tag:ATT-USER-1a2b3c4d: \
                    begins with ATT-";
        let name = "name Keys: nobody: shown, but many devices may have the same";
        let no_text = "text Keys in name: nobody: begins with no prefix";
        assert_eq!(lines(&heard(0x41, true, &app), &[]), [private, text, name, no_text]);
        let key: Identity = "irk:0011223344556677".parse().unwrap();
        let known = "resolvable private address: irk:0011223344556677: changed every few minutes; \
                     a key that was given resolves it";
        assert_eq!(lines(&heard(0x41, true, &[]), &[key]), [known]);
        let messages = "apple: nobody: messages between devices of one maker: all of them send the \
                        same types";
        let maker = "public address: ble:41:01:02:03:04:05: its maker gave it, and it stays";
        let apple = [5, 0xff, 0x4c, 0, 0x10, 0];
        assert_eq!(lines(&heard(0x41, false, &apple), &[]), [maker, messages]);
    }

    #[test]
    fn what_is_told_is_what_identifies() {
        let beacon: Vec<u8> = [&[0x1a, 0xff, 0x4c, 0, 2, 0x15][..], &[7; 21]].concat();
        for data in [&beacon[..], &[5, 9, b'A', b'T', b'T', b'-'], b"\x06\x09ATT-1", &[]] {
            for (octet, is_random) in [(0xc1, true), (0x41, true), (0x01, true), (0x41, false)] {
                let it = heard(octet, is_random, data);
                let mut ids = Vec::new();
                identify(&it, &TagRules::default(), &mut |id| ids.extend(id.to_identity()));
                // Names are shown, and nobody is sighted by one.
                ids.retain(|it| !matches!(it, Identity::Text(TextKind::Name, _)));
                let told = reasons(&it, &TagRules::default(), &[]);
                let told: Vec<Identity> = told.into_iter().filter_map(|it| it.identity).collect();
                assert_eq!(told, ids, "{octet:x} {data:?}");
            }
        }
    }
}
