//! Whom advertisements name, as facts: one way for recordings and for what is heard live.
//!
//! Private addresses are told as such: whether they name somebody is for whoever has keys. A name alone
//! names nobody, as many may have it; it is told of whoever is named otherwise.
//!
//! **Invariant:** what is remembered of identities is bounded; forgetting costs repeated facts only.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use muster_core::fact::{Detail, DetailKind, Fact, FactBody, Listener, Sighting};
use muster_core::identity::{Identity, TextKind};
use muster_core::time::Time;
use muster_wire::bluetooth::address::{Address, AddressKind};
use muster_wire::bluetooth::advertisement::Advertisement;
use muster_wire::bluetooth::identify::identify;
use muster_wire::bluetooth::tag::TagRules;
use muster_wire::bluetooth::text;

/// Who an adapter is on either medium.
#[derive(Clone, Debug)]
pub(crate) struct Listeners {
    pub(crate) ble: Arc<Listener>,
    pub(crate) classic: Arc<Listener>,
}

/// What was last told of each identity.
#[derive(Debug, Default)]
pub(crate) struct Told(BTreeMap<Identity, Last>);

#[derive(Debug)]
struct Last {
    at: Time,
    rssi: Option<i8>,
    name: Option<Box<str>>,
}

impl Told {
    /// Everybody whom an advertisement names, or may name to whoever has the key; who that is comes
    /// back.
    pub(crate) fn advertisement(
        &mut self,
        it: &Advertisement<'_>,
        at: Time,
        rules: &TagRules,
        to: &Listeners,
        facts: &mut Vec<Fact>,
    ) -> Vec<Identity> {
        let name = it.name().and_then(text::shown);
        let private = it.address.filter(|it| it.kind.rotates());
        let mut identities: Vec<Identity> = private.into_iter().map(of_address).collect();
        identify(it, rules, &mut |id| identities.extend(id.to_identity()));
        identities.retain(|it| !matches!(it, Identity::Text(TextKind::Name, _)));
        for identity in &identities {
            self.sighted((identity.clone(), at, it.rssi), name.as_deref(), to, facts);
        }
        identities
    }

    /// A sighting, unless one as strong was told within [`REPEAT`]; and the name, if it is another.
    pub(crate) fn sighted(
        &mut self,
        (identity, at, rssi): (Identity, Time, Option<i8>),
        name: Option<&str>,
        to: &Listeners,
        facts: &mut Vec<Fact>,
    ) {
        if self.0.len() >= MOST_TOLD && !self.0.contains_key(&identity) {
            self.0.clear();
        }
        let classic = matches!(identity, Identity::Bt(_));
        let listener = if classic { &to.classic } else { &to.ble };
        let mut tell = |body| facts.push(Fact { listener: Arc::clone(listener), body });
        let last = self.0.get(&identity);
        let known = last.and_then(|it| it.name.clone());
        let is_news = last.is_none_or(|it| it.at + REPEAT <= at || at < it.at || it.rssi < rssi);
        if let Some(value) = name.filter(|it| known.as_deref() != Some(it)) {
            let (identity, value) = (identity.clone(), value.into());
            tell(FactBody::Detail(Detail { identity, at, kind: DetailKind::Hostname, value }));
        } else if !is_news {
            return;
        }
        if is_news {
            tell(FactBody::Sighting(Sighting { identity: identity.clone(), at, rssi }));
        }
        let (at, rssi) = match self.0.get(&identity) {
            Some(it) if !is_news => (it.at, it.rssi),
            Some(_) | None => (at, rssi),
        };
        let name = name.map(Box::from).or(known);
        self.0.insert(identity, Last { at, rssi, name });
    }
}

/// The identity that an address is.
pub(crate) const fn of_address(address: Address) -> Identity {
    match address.kind {
        AddressKind::Classic => Identity::Bt(address.mac),
        AddressKind::Public | AddressKind::RandomStatic => Identity::Ble(address.mac),
        AddressKind::Resolvable | AddressKind::NonResolvable | AddressKind::Reserved => {
            Identity::Private(address.mac)
        }
    }
}

/// How often one identity is told; the strongest in between is told as well.
const REPEAT: Duration = Duration::from_secs(1);
/// More identities than a day brings past a listener.
const MOST_TOLD: usize = 50_000;
