//! Secure Simple Pairing on BR/EDR, and what its keys are for (volume 2, part F, section 4.2; volume 4,
//! part E, section 7.1): either end begins, the phone's owner agrees at once, the host is asked.
//!
//! Two association models are played, Just Works and Numeric Comparison. The keys are numbers without
//! the arithmetic behind them: nobody listens on this air. A phone keeps its key whatever becomes of
//! the adapter, and shows it whenever it connects again.

use super::link::Link;
use super::{Controller, Done, Refusal};
use crate::address::Address;
use crate::air::{Phone, Screen};
use crate::hci::{self, Parameters};
use crate::request::NoRequest;

/// Where two ends of a link stand on their way to a key that both have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pairing {
    /// The host began it, else the phone.
    is_by_host: bool,
    asked: Asked,
    /// The key will be one that people compared a number for.
    is_compared: bool,
}

/// What the host was asked for last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Key,
    Capability,
    Agreement,
}

impl Controller {
    /// Commands about pairing, keys and encryption; each reply of the host comes with the peer's address.
    pub(super) fn security(&mut self, opcode: u16, parameters: Parameters<'_>) -> Done {
        let asked = match opcode {
            AUTHENTICATE => return self.authenticate(parameters),
            ENCRYPT => return self.encrypt_for_host(parameters),
            KEY_REPLY | KEY_NEGATIVE_REPLY => Asked::Key,
            CAPABILITY_REPLY | CAPABILITY_NEGATIVE_REPLY => Asked::Capability,
            CONFIRMATION_REPLY | CONFIRMATION_NEGATIVE_REPLY => Asked::Agreement,
            _ => return Err(Refusal::Unknown),
        };
        let peer = parameters.address(0).ok_or(Refusal::TooShort)?;
        let rest = parameters.0.get(6..).unwrap_or_default();
        // What each brings beside the address: a key; what it can show, with two more; a reason.
        let wanted = match opcode {
            KEY_REPLY => 16,
            CAPABILITY_REPLY => 3,
            CAPABILITY_NEGATIVE_REPLY => 1,
            _ => 0,
        };
        let rest = rest.get(..wanted).ok_or(Refusal::TooShort)?;
        let handle = self.link_to(peer);
        let link = handle.and_then(|it| self.links.get_mut(&it));
        let pairing = link.and_then(|it| it.pairing.take_if(|it| it.asked == asked));
        let (Some(handle), Some(pairing)) = (handle, pairing) else {
            self.complete(opcode, &[&[hci::UNKNOWN_CONNECTION][..], &peer.0].concat());
            return Ok(());
        };
        self.complete(opcode, &[&[hci::SUCCESS][..], &peer.0].concat());
        match (opcode, rest) {
            (KEY_REPLY, key) => self.compare_keys(handle, peer, pairing, key),
            (KEY_NEGATIVE_REPLY, _) if pairing.is_by_host => self.ask_capability(handle, pairing),
            (KEY_NEGATIVE_REPLY, _) => self.fail(handle, peer, pairing, hci::KEY_MISSING),
            (CAPABILITY_REPLY, &[shows, _, wants]) => {
                self.choose_model(handle, peer, pairing, (shows, wants));
            }
            (CAPABILITY_NEGATIVE_REPLY, &[reason]) => {
                self.refuse(handle, peer, pairing, reason);
            }
            (CONFIRMATION_REPLY, _) => self.agree(handle, peer, pairing),
            _ => self.refuse(handle, peer, pairing, hci::AUTHENTICATION_FAILURE),
        }
        Ok(())
    }

    /// The phone's owner begins to pair on a link that stands.
    pub(super) fn pair_from_phone(&mut self, handle: u16) -> Result<(), NoRequest> {
        let Some(link) = self.links.get(&handle) else { return Ok(()) };
        if link.pairing.is_some() {
            return Err(NoRequest::Busy);
        }
        let peer = link.peer;
        self.show(peer, Screen::Dark);
        let [shows, wants] = self.air.phones.get(&peer).map_or([NOTHING, 0], capability);
        self.event(hci::CAPABILITY_RESPONSE, &[&peer.0[..], &[shows, 0, wants]].concat());
        self.ask_capability(handle, Pairing::by(false));
        Ok(())
    }

    /// A phone does what it opened its link for, if that is still to do.
    pub(super) fn greet(&mut self, number: u64) {
        let mut links = self.links.iter_mut();
        let greeting = |(handle, link): (&u16, &mut Link)| {
            let greeting = link.greeting.take_if(|it| it.number == number)?;
            Some((*handle, link.peer, greeting.pairs))
        };
        let Some((handle, peer, pairs)) = links.find_map(greeting) else { return };
        if pairs {
            // If the host has begun meanwhile, that is as good.
            let _begun: Result<(), NoRequest> = self.pair_from_phone(handle);
        } else if self.air.phones.get(&peer).is_some_and(|it| it.key.is_some()) {
            self.ask(handle, Pairing::by(false), Asked::Key, (hci::KEY_REQUEST, &[]));
        } else {
            self.stay(handle);
        }
    }

    /// A phone keeps its link.
    fn stay(&mut self, handle: u16) {
        let frame = self.links.get_mut(&handle).map(|it| it.channels.open_directory());
        if let Some(frame) = frame {
            self.say(handle, &frame);
        }
    }

    fn authenticate(&mut self, parameters: Parameters<'_>) -> Done {
        let handle = parameters.word(0).ok_or(Refusal::TooShort)?;
        let status = match self.links.get(&handle).filter(|it| it.low_energy.is_none()) {
            None => hci::UNKNOWN_CONNECTION,
            Some(link) if link.pairing.is_some() => hci::COMMAND_DISALLOWED,
            Some(_) => hci::SUCCESS,
        };
        self.status(AUTHENTICATE, status);
        if status == hci::SUCCESS {
            self.ask(handle, Pairing::by(true), Asked::Key, (hci::KEY_REQUEST, &[]));
        }
        Ok(())
    }

    fn encrypt_for_host(&mut self, parameters: Parameters<'_>) -> Done {
        let handle = parameters.word(0).ok_or(Refusal::TooShort)?;
        let is_on = parameters.byte(2).ok_or(Refusal::TooShort)? == 1;
        let Some(link) = self.links.get(&handle).filter(|it| it.low_energy.is_none()) else {
            self.status(ENCRYPT, hci::UNKNOWN_CONNECTION);
            return Ok(());
        };
        let status = if link.is_authenticated { hci::SUCCESS } else { hci::KEY_MISSING };
        self.status(ENCRYPT, hci::SUCCESS);
        self.encrypt(handle, status, is_on);
        Ok(())
    }

    pub(super) fn encrypt(&mut self, handle: u16, status: u8, is_on: bool) {
        if let Some(link) = self.links.get_mut(&handle).filter(|_| status == hci::SUCCESS) {
            link.is_encrypted = is_on;
        }
        let [low, high] = handle.to_le_bytes();
        self.event(hci::ENCRYPTION_CHANGE, &[status, low, high, u8::from(is_on)]);
    }

    fn ask_capability(&mut self, handle: u16, pairing: Pairing) {
        self.ask(handle, pairing, Asked::Capability, (hci::CAPABILITY_REQUEST, &[]));
    }

    /// Asks the host something about the peer of a link, and waits for its reply.
    fn ask(&mut self, handle: u16, pairing: Pairing, asked: Asked, what: (u8, &[u8])) {
        let Some(link) = self.links.get_mut(&handle) else { return };
        let peer = link.peer;
        link.pairing = Some(Pairing { asked, ..pairing });
        self.event(what.0, &[&peer.0[..], what.1].concat());
    }

    fn compare_keys(&mut self, handle: u16, peer: Address, pairing: Pairing, key: &[u8]) {
        match self.air.phones.get(&peer).and_then(|it| it.key) {
            Some(its) if its == key => self.succeed(handle, pairing),
            Some(_) => self.fail(handle, peer, pairing, hci::AUTHENTICATION_FAILURE),
            None => self.fail(handle, peer, pairing, hci::KEY_MISSING),
        }
    }

    /// The host has said what it can show and what it wants: volume 3, part C, section 5.2.2.6.
    fn choose_model(&mut self, handle: u16, peer: Address, pairing: Pairing, host: (u8, u8)) {
        let Some(phone) = self.air.phones.get(&peer).filter(|it| it.pairs()) else {
            return self.refuse(handle, peer, pairing, hci::PAIRING_NOT_ALLOWED);
        };
        let [shows, wants] = capability(phone);
        if pairing.is_by_host {
            self.event(hci::CAPABILITY_RESPONSE, &[&peer.0[..], &[shows, 0, wants]].concat());
        }
        let is_protected = (host.1 | wants) & 1 == 1;
        let both_show = shows == DISPLAY_YES_NO && host.0 != NOTHING;
        if is_protected && both_show && host.0 == KEYBOARD {
            // It would be typed, which is not played.
            return self.refuse(handle, peer, pairing, hci::PAIRING_NOT_ALLOWED);
        }
        // A host that shows and cannot ask agrees by itself, and the key proves nothing.
        let is_compared = is_protected && both_show && host.0 == DISPLAY_YES_NO;
        let number = u32::try_from(self.noise.bits() % 1_000_000).unwrap_or(0);
        if is_compared {
            self.show(peer, Screen::Number(number));
        }
        let pairing = Pairing { is_compared, ..pairing };
        let asked = (hci::CONFIRMATION_REQUEST, &number.to_le_bytes()[..]);
        self.ask(handle, pairing, Asked::Agreement, asked);
    }

    fn agree(&mut self, handle: u16, peer: Address, pairing: Pairing) {
        let key = self.noise.word();
        if let Some(phone) = self.air.phones.get_mut(&peer) {
            phone.key = Some(key);
        }
        self.show(peer, Screen::Paired);
        self.event(hci::SIMPLE_PAIRING_COMPLETE, &[&[hci::SUCCESS][..], &peer.0].concat());
        // Section 7.7.24.
        let kind = if pairing.is_compared { AUTHENTICATED } else { UNAUTHENTICATED };
        self.event(hci::KEY_NOTIFICATION, &[&peer.0[..], &key, &[kind]].concat());
        self.succeed(handle, pairing);
    }

    /// Both have the same key. Who began has the link encrypted: the host by a command of its own.
    fn succeed(&mut self, handle: u16, pairing: Pairing) {
        let Some(link) = self.links.get_mut(&handle) else { return };
        link.is_authenticated = true;
        if pairing.is_by_host {
            let [low, high] = handle.to_le_bytes();
            self.event(hci::AUTHENTICATION_COMPLETE, &[hci::SUCCESS, low, high]);
        } else {
            self.encrypt(handle, hci::SUCCESS, true);
            self.stay(handle);
        }
    }

    /// Pairing ends before there is a key.
    fn refuse(&mut self, handle: u16, peer: Address, pairing: Pairing, reason: u8) {
        self.event(hci::SIMPLE_PAIRING_COMPLETE, &[&[reason][..], &peer.0].concat());
        self.fail(handle, peer, pairing, reason);
    }

    /// Who began is told; a phone that did hangs up.
    fn fail(&mut self, handle: u16, peer: Address, pairing: Pairing, reason: u8) {
        self.show(peer, Screen::Failed(reason));
        if pairing.is_by_host {
            let [low, high] = handle.to_le_bytes();
            self.event(hci::AUTHENTICATION_COMPLETE, &[reason, low, high]);
        } else {
            self.end_link(handle, hci::AUTHENTICATION_FAILURE);
        }
    }

    pub(super) fn show(&mut self, whose: Address, screen: Screen) {
        if let Some(phone) = self.air.phones.get_mut(&whose) {
            phone.screen = screen;
        }
    }
}

impl Pairing {
    fn by(is_host: bool) -> Self {
        Self { is_by_host: is_host, asked: Asked::Key, is_compared: false }
    }
}

/// What a phone can show, and what it wants of the key: general bonding, protected where numbers are
/// compared (section 7.7.41).
fn capability(phone: &Phone) -> [u8; 2] {
    if phone.compares_numbers() { [DISPLAY_YES_NO, 5] } else { [NOTHING, 4] }
}

const KEY_REPLY: u16 = 0x040b;
const KEY_NEGATIVE_REPLY: u16 = 0x040c;
const AUTHENTICATE: u16 = 0x0411;
const ENCRYPT: u16 = 0x0413;
const CAPABILITY_REPLY: u16 = 0x042b;
const CONFIRMATION_REPLY: u16 = 0x042c;
const CONFIRMATION_NEGATIVE_REPLY: u16 = 0x042d;
const CAPABILITY_NEGATIVE_REPLY: u16 = 0x0434;

// What an end can show or take in (section 7.7.41).
const DISPLAY_YES_NO: u8 = 1;
const KEYBOARD: u8 = 2;
const NOTHING: u8 = 3;

// What a key proves.
const UNAUTHENTICATED: u8 = 4;
const AUTHENTICATED: u8 = 5;
