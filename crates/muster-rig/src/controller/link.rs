//! Links that stand: their handles, what is asked about them, the data on them, and their end.

use super::settings::FEATURES;
use super::simple_pairing::Pairing;
use super::{Controller, Done, Refusal};
use crate::address::Address;
use crate::air::Screen;
use crate::cipher::{End, Word};
use crate::hci::{self, Parameters};
use crate::l2cap::{Channels, Frame, SECURITY};
use crate::security_manager;

/// One link to a neighbour.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) peer: Address,
    pub(super) channels: Channels,
    /// Both ends have shown that they hold the same key.
    pub(super) is_authenticated: bool,
    pub(super) is_encrypted: bool,
    pub(super) pairing: Option<Pairing>,
    /// What the phone that opened it is about to do.
    pub(super) greeting: Option<Greeting>,
    /// What it has on low energy; a link of BR/EDR has nothing of it.
    pub(super) low_energy: Option<LowEnergy>,
}

/// What a link on low energy has, where the neighbour is who connected.
#[derive(Debug)]
pub(super) struct LowEnergy {
    /// The neighbour, by the address it went by then, and the adapter.
    pub(super) ends: (End, End),
    pub(super) pairing: Option<security_manager::Pairing>,
    /// The key that the host was asked for.
    pub(super) awaited: Option<Word>,
}

impl LowEnergy {
    pub(super) fn between(neighbour: End, adapter: End) -> Self {
        Self { ends: (neighbour, adapter), pairing: None, awaited: None }
    }
}

impl Link {
    /// Something is under way on it that its end leaves undone.
    pub(super) fn is_pairing(&self) -> bool {
        let on_low_energy = self.low_energy.as_ref().is_some_and(|it| it.pairing.is_some());
        self.pairing.is_some() || on_low_energy
    }
}

/// What a phone does on a link that it opened once the host has read what it can; one that began before
/// would find a host that does not count it as connected.
#[derive(Clone, Copy, Debug)]
pub(super) struct Greeting {
    pub(super) number: u64,
    /// It pairs, else it shows its key if it has one.
    pub(super) pairs: bool,
}

impl Controller {
    /// A new link's handle: the lowest that is free.
    pub(super) fn link(&mut self, peer: Address, low_energy: Option<LowEnergy>) -> u16 {
        let handle = (1..MOST_HANDLE).find(|it| !self.links.contains_key(it)).unwrap_or(1);
        let link = Link {
            peer,
            channels: Channels::default(),
            is_authenticated: false,
            is_encrypted: false,
            pairing: None,
            greeting: None,
            low_energy,
        };
        self.links.insert(handle, link);
        handle
    }

    /// The link to a phone, on BR/EDR.
    pub(super) fn link_to(&self, peer: Address) -> Option<u16> {
        let mut links = self.links.iter();
        let found = links.find(|(_, it)| it.peer == peer && it.low_energy.is_none());
        found.map(|(handle, _)| *handle)
    }

    /// The link to a device that advertises.
    pub(super) fn link_on_low_energy(&self, peer: Address) -> Option<u16> {
        let mut links = self.links.iter();
        let found = links.find(|(_, it)| it.peer == peer && it.low_energy.is_some());
        found.map(|(handle, _)| *handle)
    }

    /// A neighbour is out of range: its link times out.
    pub(super) fn lose(&mut self, link: Option<u16>) {
        if let Some(handle) = link {
            self.end_link(handle, hci::CONNECTION_TIMEOUT);
        }
    }

    pub(super) fn end_link(&mut self, handle: u16, reason: u8) {
        let Some(link) = self.links.remove(&handle) else { return };
        self.interrupt(&link, reason);
        let [low, high] = handle.to_le_bytes();
        self.event(hci::DISCONNECTION_COMPLETE, &[hci::SUCCESS, low, high, reason]);
    }

    /// Whoever was pairing on a link that is gone sees why it did not come to that.
    pub(super) fn interrupt(&mut self, link: &Link, reason: u8) {
        if !link.is_pairing() {
            return;
        }
        let failed = Screen::Failed(reason);
        if link.low_energy.is_none() {
            self.show(link.peer, failed);
        } else if let Some(device) = self.air.advertisers.get_mut(&link.peer) {
            device.screen = failed;
        }
    }

    /// Commands about a link that stands.
    pub(super) fn of_established(&mut self, opcode: u16, parameters: Parameters<'_>) -> Done {
        let handle = parameters.word(0).ok_or(Refusal::TooShort)?;
        let [low, high] = handle.to_le_bytes();
        let told = |values: &[u8]| [&[hci::SUCCESS, low, high][..], values].concat();
        let (code, body) = match opcode {
            DISCONNECT => (hci::DISCONNECTION_COMPLETE, Vec::new()),
            READ_REMOTE_FEATURES => (hci::REMOTE_FEATURES, told(&FEATURES)),
            READ_REMOTE_EXTENDED_FEATURES => {
                let page = parameters.byte(2).ok_or(Refusal::TooShort)?;
                // Its host pairs simply.
                let features = if page == 0 { FEATURES } else { [1, 0, 0, 0, 0, 0, 0, 0] };
                (hci::REMOTE_EXTENDED_FEATURES, told(&[&[page, 1][..], &features].concat()))
            }
            READ_REMOTE_VERSION => (hci::REMOTE_VERSION, told(&[8, 0x0f, 0, 0, 0])),
            READ_CLOCK_OFFSET => (hci::CLOCK_OFFSET, told(&[0, 0])),
            CHANGE_PACKET_TYPE => (hci::PACKET_TYPE, told(&[0x18, 0xcc])),
            SNIFF => (hci::MODE_CHANGE, told(&[2, 0, 0])),
            EXIT_SNIFF => (hci::MODE_CHANGE, told(&[0, 0, 0])),
            _ => return self.security(opcode, parameters),
        };
        if !self.links.contains_key(&handle) {
            self.status(opcode, hci::UNKNOWN_CONNECTION);
            return Ok(());
        }
        self.status(opcode, hci::SUCCESS);
        if opcode == DISCONNECT {
            self.end_link(handle, hci::ENDED_BY_LOCAL_HOST);
        } else {
            self.event(code, &body);
        }
        let greeting = self.links.get(&handle).and_then(|it| it.greeting);
        if let Some(greeting) = greeting.filter(|_| opcode == READ_REMOTE_EXTENDED_FEATURES) {
            self.greet(greeting.number);
        }
        Ok(())
    }

    /// What a phone says on a channel of a link.
    pub(super) fn say(&mut self, handle: u16, (channel, payload): &Frame) {
        self.out.extend(hci::data(handle, *channel, payload));
    }

    /// A data packet from the host; the upper four bits of its handle say what part of a frame it is.
    pub(super) fn data(&mut self, handle: u16, content: &[u8]) {
        let (begins_frame, handle) = (handle & 0x3000 != 0x1000, handle & 0x0fff);
        let [low, high] = handle.to_le_bytes();
        self.event(hci::PACKETS_COMPLETED, &[1, low, high, 1, 0]);
        let Some(link) = self.links.get_mut(&handle) else { return };
        let Some(frame) = link.channels.receive(begins_frame, content) else { return };
        if frame.0 == SECURITY && link.low_energy.is_some() {
            return self.manage_security(handle, &frame.1);
        }
        for frame in link.channels.answer(&frame) {
            self.say(handle, &frame);
        }
    }
}

const DISCONNECT: u16 = 0x0406;
const CHANGE_PACKET_TYPE: u16 = 0x040f;
const READ_REMOTE_FEATURES: u16 = 0x041b;
const READ_REMOTE_EXTENDED_FEATURES: u16 = 0x041c;
const READ_REMOTE_VERSION: u16 = 0x041d;
const READ_CLOCK_OFFSET: u16 = 0x041f;
const SNIFF: u16 = 0x0803;
const EXIT_SNIFF: u16 = 0x0804;
/// Handles end below this (section 5.4.2).
const MOST_HANDLE: u16 = 0x0f00;
