//! Low energy the other way around: the adapter advertises, and neighbours connect to it, pair and
//! encrypt (volume 4, part E, sections 7.8.5 to 7.8.9, 7.8.24 and on, 7.8.52 and on).

use super::link::LowEnergy;
use super::{Controller, Done, Refusal};
use crate::address::Address;
use crate::air::Screen;
use crate::cipher::Word;
use crate::hci::{self, Parameters};
use crate::l2cap::SECURITY;
use crate::request::{Act, NoRequest};
use crate::security_manager::{Bond, Identity, Pairing, Step};

/// How the host has the controller advertise.
#[derive(Debug, Default)]
pub(super) struct Advertising {
    is_on: bool,
    is_connectable: bool,
    /// Under the address that the host made up, else under the adapter's own.
    is_random: bool,
    random: Option<Address>,
    /// The host does so by the commands of Bluetooth 5, of the set with this number.
    set: Option<u8>,
}

impl Advertising {
    pub(super) fn name(&self) -> &'static str {
        match (self.is_on, self.is_connectable) {
            (false, _) => "off",
            (true, false) => "on",
            (true, true) => "connectable",
        }
    }
}

impl Controller {
    /// Commands that set the adapter's own advertising; what follows the status of an answer, `None` if
    /// it is no such command.
    pub(super) fn set_advertising(
        &mut self,
        opcode: u16,
        parameters: Parameters<'_>,
    ) -> Result<Option<&'static [u8]>, Refusal> {
        let byte = |at| parameters.byte(at).ok_or(Refusal::TooShort);
        let address = |at| parameters.address(at).ok_or(Refusal::TooShort);
        let own = &mut self.advertising;
        let mut told: &[u8] = &[];
        match opcode {
            SET_RANDOM_ADDRESS => own.random = Some(address(0)?),
            SET_PARAMETERS => {
                (own.is_connectable, own.is_random) = (byte(4)? == 0, byte(5)? & 1 == 1);
                own.set = None;
            }
            SET_ENABLE => own.is_on = byte(0)? == 1,
            SET_EXTENDED_ADDRESS if self.offers_extended => own.random = Some(address(1)?),
            SET_EXTENDED_PARAMETERS if self.offers_extended => {
                own.set = Some(byte(0)?);
                (own.is_connectable, own.is_random) = (byte(1)? & 1 == 1, byte(10)? & 1 == 1);
                told = &[POWER];
            }
            SET_EXTENDED_ENABLE if self.offers_extended => own.is_on = byte(0)? == 1,
            REMOVE_SET | CLEAR_SETS if self.offers_extended => own.is_on = false,
            _ => return Ok(None),
        }
        Ok(Some(told))
    }

    /// Commands about a link of low energy: its features, its timing, its key.
    pub(super) fn of_low_energy_link(&mut self, opcode: u16, parameters: Parameters<'_>) -> Done {
        let wanted = match opcode {
            READ_REMOTE_FEATURES | KEY_NEGATIVE_REPLY => 2,
            UPDATE_CONNECTION => 14,
            KEY_REPLY => 18,
            _ => return Err(Refusal::Unknown),
        };
        let handle = parameters.word(0).ok_or(Refusal::TooShort)?;
        let content = parameters.0.get(2..wanted).ok_or(Refusal::TooShort)?;
        let is_reply = matches!(opcode, KEY_REPLY | KEY_NEGATIVE_REPLY);
        let [low, high] = handle.to_le_bytes();
        let link = self.links.get_mut(&handle).and_then(|it| it.low_energy.as_mut());
        let Some(link) = link else {
            if is_reply {
                self.complete(opcode, &[hci::UNKNOWN_CONNECTION, low, high]);
            } else {
                self.status(opcode, hci::UNKNOWN_CONNECTION);
            }
            return Ok(());
        };
        if is_reply {
            let awaited = link.awaited.take();
            let status = if awaited.is_some() { hci::SUCCESS } else { hci::COMMAND_DISALLOWED };
            self.complete(opcode, &[status, low, high]);
            if let Some(key) = awaited {
                self.start_encryption(handle, &key, content);
            }
            return Ok(());
        }
        self.status(opcode, hci::SUCCESS);
        let told = [hci::SUCCESS, low, high];
        match (opcode, content) {
            // The greatest interval that the host would have, its latency and time-out.
            (UPDATE_CONNECTION, [_, _, timing @ .., _, _, _, _]) => {
                self.event(hci::LOW_ENERGY, &[&[UPDATED][..], &told, timing].concat());
            }
            _ => self.event(hci::LOW_ENERGY, &[&[REMOTE_FEATURES][..], &told, &[0; 8]].concat()),
        }
        Ok(())
    }

    /// Does what the owner of a device that advertises does with it.
    pub(super) fn advertiser_does(&mut self, whose: Address, act: Act) -> Result<(), NoRequest> {
        let link = self.link_on_low_energy(whose);
        let device = self.air.advertisers.get_mut(&whose).ok_or(NoRequest::Nobody(whose))?;
        match act {
            Act::Forget => (device.bond, device.screen) = (None, Screen::Dark),
            Act::Rotate if device.identity_key.is_none() => return Err(NoRequest::NotPrivate),
            Act::Rotate => self.rotate(whose),
            Act::Disconnect => {
                self.end_link(link.ok_or(NoRequest::NoLink)?, hci::ENDED_BY_REMOTE_USER);
            }
            Act::Connect | Act::Pair if !device.is_reachable => return Err(NoRequest::Unanswered),
            Act::Connect | Act::Pair => {
                let handle = match link {
                    Some(handle) => handle,
                    None => self.connect(whose)?,
                };
                if act == Act::Pair {
                    self.begin_pairing(handle, whose)?;
                } else if link.is_none() {
                    self.show_key(handle, whose);
                }
            }
        }
        Ok(())
    }

    /// A neighbour opens a link to the adapter; its handle.
    fn connect(&mut self, whose: Address) -> Result<u16, NoRequest> {
        let own = &mut self.advertising;
        if !own.is_on || !own.is_connectable {
            return Err(NoRequest::Unanswered);
        }
        // Section 7.8.9: a connection ends it.
        own.is_on = false;
        let random = own.random.filter(|_| own.is_random);
        let set = own.set;
        let adapter = random.map_or((self.address, false), |it| (it, true));
        let device = self.air.advertisers.get(&whose);
        let peer = device.ok_or(NoRequest::Nobody(whose))?.goes_by(whose);
        let handle = self.link(whose, Some(LowEnergy::between(peer, adapter)));
        let [low, high] = handle.to_le_bytes();
        // The adapter is the peripheral. 30 ms apart, none left out, lost after 420 ms.
        let mut body = vec![CONNECTED, hci::SUCCESS, low, high, 1, u8::from(peer.1)];
        body.extend(peer.0.0);
        body.extend([24, 0, 0, 0, 42, 0, 0]);
        self.event(hci::LOW_ENERGY, &body);
        if let Some(set) = set {
            self.event(hci::LOW_ENERGY, &[SET_TERMINATED, hci::SUCCESS, set, low, high, 0]);
        }
        Ok(handle)
    }

    fn begin_pairing(&mut self, handle: u16, whose: Address) -> Result<(), NoRequest> {
        let random = self.noise.word();
        let link = self.links.get_mut(&handle).and_then(|it| it.low_energy.as_mut());
        let device = self.air.advertisers.get_mut(&whose);
        let (Some(link), Some(device)) = (link, device) else { return Ok(()) };
        if link.pairing.is_some() {
            return Err(NoRequest::Busy);
        }
        (device.bond, device.screen) = (None, Screen::Dark);
        let is_random = device.is_random;
        let me = device.identity_key.map(|key| Identity { address: whose, is_random, key });
        let (pairing, step) = Pairing::begin(me, link.ends, random);
        link.pairing = Some(pairing);
        self.take_steps(handle, vec![step]);
        Ok(())
    }

    /// A neighbour that is paired has its link encrypted.
    fn show_key(&mut self, handle: u16, whose: Address) {
        if let Some(bond) = self.air.advertisers.get(&whose).and_then(|it| it.bond) {
            self.ask_key(handle, bond);
        }
    }

    fn ask_key(&mut self, handle: u16, bond: Bond) {
        let link = self.links.get_mut(&handle).and_then(|it| it.low_energy.as_mut());
        let Some(link) = link else { return };
        link.awaited = Some(bond.key);
        let [low, high] = handle.to_le_bytes();
        self.event(hci::LOW_ENERGY, &[&[KEY_REQUEST, low, high][..], &bond.number].concat());
    }

    /// The host has answered with a key, or that it has none.
    fn start_encryption(&mut self, handle: u16, awaited: &Word, shown: &[u8]) {
        if shown != awaited {
            let reason = if shown.is_empty() { hci::KEY_MISSING } else { hci::WRONG_KEY };
            return self.give_up(handle, reason);
        }
        self.encrypt(handle, hci::SUCCESS, true);
        let link = self.links.get_mut(&handle).and_then(|it| it.low_energy.as_mut());
        let pairing = link.and_then(|it| it.pairing.as_mut());
        if let Some(steps) = pairing.map(Pairing::encrypted) {
            self.take_steps(handle, steps);
        }
    }

    /// A frame of the host's Security Manager.
    pub(super) fn manage_security(&mut self, handle: u16, frame: &[u8]) {
        let link = self.links.get_mut(&handle).and_then(|it| it.low_energy.as_mut());
        let pairing = link.and_then(|it| it.pairing.as_mut());
        if let Some(steps) = pairing.map(|it| it.receive(frame)) {
            self.take_steps(handle, steps);
        }
    }

    fn take_steps(&mut self, handle: u16, steps: Vec<Step>) {
        for step in steps {
            match step {
                Step::Say(frame) => self.say(handle, &(SECURITY, frame)),
                Step::Encrypt(key) => self.ask_key(handle, Bond { key, number: [0; 10] }),
                Step::Paired(bond) => self.finish_pairing(handle, bond),
                Step::Failed(reason) => self.give_up(handle, reason),
            }
        }
    }

    fn finish_pairing(&mut self, handle: u16, bond: Bond) {
        let Some(link) = self.links.get_mut(&handle) else { return };
        if let Some(low_energy) = &mut link.low_energy {
            low_energy.pairing = None;
        }
        if let Some(device) = self.air.advertisers.get_mut(&link.peer) {
            (device.bond, device.screen) = (Some(bond), Screen::Paired);
        }
    }

    /// A neighbour hangs up on a host that it cannot trust.
    fn give_up(&mut self, handle: u16, reason: u8) {
        let Some(peer) = self.links.get(&handle).map(|it| it.peer) else { return };
        self.end_link(handle, hci::AUTHENTICATION_FAILURE);
        if let Some(device) = self.air.advertisers.get_mut(&peer) {
            device.screen = Screen::Failed(reason);
        }
    }
}

const SET_RANDOM_ADDRESS: u16 = 0x2005;
const SET_PARAMETERS: u16 = 0x2006;
const SET_ENABLE: u16 = 0x200a;
const UPDATE_CONNECTION: u16 = 0x2013;
const READ_REMOTE_FEATURES: u16 = 0x2016;
const KEY_REPLY: u16 = 0x201a;
const KEY_NEGATIVE_REPLY: u16 = 0x201b;
const SET_EXTENDED_ADDRESS: u16 = 0x2035;
const SET_EXTENDED_PARAMETERS: u16 = 0x2036;
const SET_EXTENDED_ENABLE: u16 = 0x2039;
const REMOVE_SET: u16 = 0x203c;
const CLEAR_SETS: u16 = 0x203d;

// Kinds of events (section 7.7.65).
const CONNECTED: u8 = 0x01;
const UPDATED: u8 = 0x03;
const REMOTE_FEATURES: u8 = 0x04;
const KEY_REQUEST: u8 = 0x05;
const SET_TERMINATED: u8 = 0x12;

/// In dBm.
const POWER: u8 = 0;
