//! How a phone pairs on low energy (Bluetooth Core Specification 5.4, volume 3, part H): it begins, by
//! Just Works of LE legacy pairing, takes the key of the link, and tells who it is behind its addresses.
//!
//! A state machine of one pairing: frames in, steps out. It knows no link and no radio.

use crate::address::Address;
use crate::cipher::{End, Word, confirmation, short_term_key};

/// A pairing that is under way.
#[derive(Clone, Debug)]
pub(crate) struct Pairing {
    me: Option<Identity>,
    request: [u8; 7],
    ends: (End, End),
    random: Word,
    stage: Stage,
    response: [u8; 7],
    bond: Bond,
}

/// Who a phone is behind its addresses.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) address: Address,
    pub(crate) is_random: bool,
    pub(crate) key: Word,
}

/// What two devices have together once they are paired: the key of their links, and its number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bond {
    pub(crate) key: Word,
    /// Eight octets of chance and two of the diversifier, as the host is asked for the key.
    pub(crate) number: [u8; 10],
}

/// What the other end is to say next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Response,
    Confirm,
    Random(Word),
    /// Nothing: the link is being encrypted.
    Encryption,
    /// Its keys, of which these kinds are still to come.
    Keys(u8),
    Over,
}

/// What comes of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Say(Vec<u8>),
    /// The link is to be encrypted with this key.
    Encrypt(Word),
    /// It is done, and this was agreed on.
    Paired(Bond),
    /// It is over, by a reason of section 3.5.5.
    Failed(u8),
}

impl Pairing {
    /// Of a phone that hides its identity, or has no other than its address. `random` is its chance.
    pub(crate) fn begin(me: Option<Identity>, ends: (End, End), random: Word) -> (Self, Step) {
        // It can show nothing and take nothing in, bonds, has keys of 16 octets; it tells who it is, and
        // wants the key of the link and who the other end is.
        let gives = if me.is_some() { IDENTITY } else { 0 };
        let request = [REQUEST, NOTHING, 0, BONDING, 16, gives, ENCRYPTION | IDENTITY];
        let (stage, bond) = (Stage::Response, Bond::default());
        let pairing = Self { me, request, ends, random, stage, response: [0; 7], bond };
        (pairing, Step::Say(request.into()))
    }

    /// Takes a frame of the other end's Security Manager.
    pub(crate) fn receive(&mut self, frame: &[u8]) -> Vec<Step> {
        match (self.stage, frame) {
            // A host that knows nothing of it yet asks for what is under way.
            (_, [SECURITY_REQUEST, _]) | (Stage::Over, _) => Vec::new(),
            (_, [FAILED, reason]) => self.end(Step::Failed(*reason)),
            (Stage::Response, [RESPONSE, ..]) => match frame.try_into() {
                Ok(response) => self.respond(response),
                Err(_) => self.fail(INVALID_PARAMETERS),
            },
            (Stage::Confirm, [CONFIRM, word @ ..]) => match word.try_into() {
                Ok(word) => {
                    self.stage = Stage::Random(word);
                    vec![Step::Say([&[RANDOM][..], &self.random].concat())]
                }
                Err(_) => self.fail(INVALID_PARAMETERS),
            },
            (Stage::Random(confirmed), [RANDOM, word @ ..]) => match word.try_into() {
                Ok(word) => self.compare(&confirmed, &word),
                Err(_) => self.fail(INVALID_PARAMETERS),
            },
            (Stage::Keys(missing), [kind, content @ ..]) => self.take_key(missing, *kind, content),
            _ => self.fail(UNSPECIFIED),
        }
    }

    /// The link is encrypted with the key that was wanted.
    pub(crate) fn encrypted(&mut self) -> Vec<Step> {
        if self.stage != Stage::Encryption {
            return Vec::new();
        }
        self.stage = Stage::Keys(self.response[6]);
        self.give_keys()
    }

    fn respond(&mut self, response: [u8; 7]) -> Vec<Step> {
        // What a response may grant is what was asked for.
        let grants = (response[5] & !self.request[5]) | (response[6] & !self.request[6]);
        if grants != 0 || !(7..=16).contains(&response[4]) {
            return self.fail(INVALID_PARAMETERS);
        }
        (self.response, self.stage) = (response, Stage::Confirm);
        let proof = confirmation(&JUST_WORKS, &self.random, (self.request, response), self.ends);
        vec![Step::Say([&[CONFIRM][..], &proof].concat())]
    }

    fn compare(&mut self, confirmed: &Word, random: &Word) -> Vec<Step> {
        let proof = confirmation(&JUST_WORKS, random, (self.request, self.response), self.ends);
        if proof != *confirmed {
            return self.fail(CONFIRM_VALUE);
        }
        let mut key = short_term_key(&JUST_WORKS, random, &self.random);
        // Section 2.3.4: what is longer than the shorter of both sizes is zero.
        key.iter_mut().skip(self.response[4].into()).for_each(|it| *it = 0);
        self.stage = Stage::Encryption;
        vec![Step::Encrypt(key)]
    }

    /// Section 3.6.1: the other end's keys come first, in this order.
    fn take_key(&mut self, missing: u8, kind: u8, content: &[u8]) -> Vec<Step> {
        let (of, is_last) = match kind {
            KEY | KEY_NUMBER => (ENCRYPTION, kind == KEY_NUMBER),
            IDENTITY_KEY | IDENTITY_ADDRESS => (IDENTITY, kind == IDENTITY_ADDRESS),
            SIGNATURE_KEY => (SIGNATURE, true),
            _ => return self.fail(UNSPECIFIED),
        };
        if missing & of == 0 {
            return self.fail(UNSPECIFIED);
        }
        match (kind, content.try_into(), <[u8; 10]>::try_from(content)) {
            (KEY, Ok(key), _) => self.bond.key = key,
            (KEY_NUMBER, _, Ok([low, high, random @ ..])) => {
                self.bond.number[..8].copy_from_slice(&random);
                self.bond.number[8..].copy_from_slice(&[low, high]);
            }
            (KEY | KEY_NUMBER, ..) => return self.fail(INVALID_PARAMETERS),
            _ => {}
        }
        if is_last {
            self.stage = Stage::Keys(missing & !of);
        }
        self.give_keys()
    }

    /// Tells who it is, once the other end has told everything.
    fn give_keys(&mut self) -> Vec<Step> {
        if self.stage != Stage::Keys(0) {
            return Vec::new();
        }
        let mut steps = Vec::new();
        if let Some(me) = self.me.as_ref().filter(|_| self.response[5] & IDENTITY != 0) {
            let address = [&[IDENTITY_ADDRESS, u8::from(me.is_random)][..], &me.address.0].concat();
            steps.push(Step::Say([&[IDENTITY_KEY][..], &me.key].concat()));
            steps.push(Step::Say(address));
        }
        steps.extend(self.end(Step::Paired(self.bond)));
        steps
    }

    fn fail(&mut self, reason: u8) -> Vec<Step> {
        let mut steps = vec![Step::Say(vec![FAILED, reason])];
        steps.extend(self.end(Step::Failed(reason)));
        steps
    }

    fn end(&mut self, how: Step) -> Vec<Step> {
        self.stage = Stage::Over;
        vec![how]
    }
}

// Frames (section 3.3).
const REQUEST: u8 = 0x01;
const RESPONSE: u8 = 0x02;
const CONFIRM: u8 = 0x03;
const RANDOM: u8 = 0x04;
const FAILED: u8 = 0x05;
const KEY: u8 = 0x06;
const KEY_NUMBER: u8 = 0x07;
const IDENTITY_KEY: u8 = 0x08;
const IDENTITY_ADDRESS: u8 = 0x09;
const SIGNATURE_KEY: u8 = 0x0a;
const SECURITY_REQUEST: u8 = 0x0b;

// Kinds of keys (section 3.6.1).
const ENCRYPTION: u8 = 1;
const IDENTITY: u8 = 2;
const SIGNATURE: u8 = 4;

// Reasons (section 3.5.5).
const CONFIRM_VALUE: u8 = 0x04;
const UNSPECIFIED: u8 = 0x08;
const INVALID_PARAMETERS: u8 = 0x0a;

// What a request tells (section 3.5.1).
const NOTHING: u8 = 3;
const BONDING: u8 = 1;
/// The temporary key where nothing is shown (section 2.3.5.2).
const JUST_WORKS: Word = [0; 16];

#[cfg(test)]
mod tests;
