//! What a Bluetooth controller does: answers its host's commands, and reports whom it hears.
//!
//! A state machine: packets, requests and time go in, packets come out. It reads no clock; the times
//! handed in are those since its start and never step back. **Invariant:** a command is answered by
//! exactly one Command Complete or Command Status, whatever its parameters (volume 4, part E, section
//! 4.4), unless the controller hangs.

mod classic;

mod low_energy;

mod peripheral;

mod link;

mod simple_pairing;

mod settings;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use crate::address::Address;
use crate::air::{Advertiser, Air, Phone, Screen};
use crate::cipher::{Word, private_address};
use crate::hci::{self, Parameters};
use crate::request::{NoRequest, Request};

/// The controller, its neighbourhood, and what both will do next.
#[derive(Debug)]
pub(crate) struct Controller {
    address: Address,
    offers_extended: bool,
    air: Air,
    agenda: BTreeMap<(Duration, u64), Task>,
    /// A number for whatever has to be told from its like.
    last: u64,
    noise: Noise,
    hangs: bool,
    keeps_duplicate_filter: bool,
    page_timeout: Option<Duration>,
    counts: Counts,
    host: settings::Host,
    scan: low_energy::Scan,
    advertising: peripheral::Advertising,
    inquiry: Option<u64>,
    paging: Option<classic::Paging>,
    knock: Option<classic::Knock>,
    links: BTreeMap<u16, link::Link>,
    out: Vec<Vec<u8>>,
}

/// What is due at its time; the numbers say to which of its like it belongs.
#[derive(Debug)]
enum Task {
    Advertise(Address, u64),
    AnswerInquiry(Address, u64),
    EndInquiry(u64),
    EndPage(u64),
    EndKnock(u64),
    Greet(u64),
}

/// What the controller did since it started.
#[derive(Debug, Default)]
struct Counts {
    commands: u64,
    reports: u64,
    inquiries: u64,
    pages: u64,
    unknown: BTreeSet<u16>,
}

/// Why a command was refused.
enum Refusal {
    Unknown,
    TooShort,
}

type Done = Result<(), Refusal>;

impl Controller {
    pub(crate) fn new(address: Address, offers_extended: bool) -> Self {
        Self {
            address,
            offers_extended,
            air: Air::default(),
            agenda: BTreeMap::new(),
            last: 0,
            noise: Noise(1),
            hangs: false,
            keeps_duplicate_filter: true,
            page_timeout: None,
            counts: Counts::default(),
            host: settings::Host::default(),
            scan: low_energy::Scan::default(),
            advertising: peripheral::Advertising::default(),
            inquiry: None,
            paging: None,
            knock: None,
            links: BTreeMap::new(),
            out: Vec::new(),
        }
    }

    /// Forgets what the host set and began, as after power was off; the neighbours stay.
    pub(crate) fn reset(&mut self) {
        self.host = settings::Host::default();
        self.scan = low_energy::Scan::default();
        self.advertising = peripheral::Advertising::default();
        self.inquiry = None;
        self.paging = None;
        self.knock = None;
        for link in std::mem::take(&mut self.links).into_values() {
            self.interrupt(&link, hci::CONNECTION_TIMEOUT);
        }
        self.out.clear();
    }

    /// Takes a packet from the host.
    pub(crate) fn receive(&mut self, packet: &[u8], now: Duration) {
        if self.hangs {
            return;
        }
        match packet {
            [hci::COMMAND, low, high, _length, parameters @ ..] => {
                self.command(u16::from_le_bytes([*low, *high]), parameters, now);
            }
            [hci::DATA, low, high, _, _, content @ ..] => {
                self.data(u16::from_le_bytes([*low, *high]), content);
            }
            _ => {}
        }
    }

    /// Does what is due.
    pub(crate) fn advance(&mut self, now: Duration) {
        while let Some(entry) = self.agenda.first_entry() {
            if entry.key().0 > now {
                return;
            }
            match entry.remove() {
                Task::Advertise(address, edition) => self.advertise(address, edition, now),
                Task::AnswerInquiry(address, inquiry) => self.answer_inquiry(address, inquiry),
                Task::EndInquiry(inquiry) => self.end_inquiry(inquiry),
                Task::EndPage(page) => self.end_page(page),
                Task::Greet(number) => self.greet(number),
                Task::EndKnock(knock) => self.end_knock(knock),
            }
        }
    }

    /// When something is due, if ever.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.agenda.first_key_value().map(|((at, _), _)| *at)
    }

    /// What the host is told, in its order; nothing while the controller hangs.
    pub(crate) fn take_packets(&mut self) -> Vec<Vec<u8>> {
        let packets = std::mem::take(&mut self.out);
        if self.hangs { Vec::new() } else { packets }
    }

    /// Does what people ask of the neighbourhood; what there is to say.
    pub(crate) fn request(&mut self, request: Request, now: Duration) -> Result<String, NoRequest> {
        match request {
            Request::Advertiser(address, pairs) => self.set_advertiser(address, &pairs, now)?,
            Request::Phone(address, pairs) => {
                let mut phone = self.air.phones.get(&address).cloned().unwrap_or_default();
                pairs.iter().try_for_each(|(key, value)| phone.set(key, value))?;
                self.set_phone(address, phone);
            }
            Request::AdvertiserDoes(address, act) => self.advertiser_does(address, act)?,
            Request::PhoneDoes(address, act) => self.phone_does(address, act, now)?,
            Request::Remove(address) => self.remove(address),
            Request::Clear => {
                let phones = self.air.phones.keys();
                let all: Vec<_> = phones.chain(self.air.advertisers.keys()).copied().collect();
                for address in all {
                    self.remove(address);
                }
            }
            Request::Duplicates { are_filtered } => self.keeps_duplicate_filter = are_filtered,
            Request::PageTimeout(after) => self.page_timeout = Some(after),
            Request::Hang(hangs) => self.hang(hangs),
            Request::Fault => self.event(hci::HARDWARE_ERROR, &[FAULT]),
            Request::State => return Ok(self.state()),
            // The world's end of it does that.
            Request::Plugged(_) => {}
        }
        Ok(String::new())
    }

    /// Who hears nothing of a link for long has lost it: so have both ends of every link of a controller
    /// that hung, which says so once it can again.
    fn hang(&mut self, hangs: bool) {
        let resumes = self.hangs && !hangs;
        self.hangs = hangs;
        let links = self.links.keys().copied().filter(|_| resumes);
        for handle in links.collect::<Vec<_>>() {
            self.lose(Some(handle));
        }
    }

    fn set_advertiser(
        &mut self,
        address: Address,
        pairs: &[(String, String)],
        now: Duration,
    ) -> Result<(), NoRequest> {
        let known = self.air.advertisers.get(&address).cloned();
        let mut advertiser: Advertiser = known.unwrap_or_default();
        pairs.iter().try_for_each(|(key, value)| advertiser.set(key, value))?;
        advertiser.edition = self.number();
        // Met at some phase of its own.
        let phase = self.noise.below(advertiser.interval);
        self.plan(now + phase, Task::Advertise(address, advertiser.edition));
        let hides = advertiser.identity_key.is_some() && advertiser.private_address.is_none();
        let is_reachable = advertiser.is_reachable;
        self.air.advertisers.insert(address, advertiser);
        if hides {
            self.rotate(address);
        }
        if !is_reachable {
            self.lose(self.link_on_low_energy(address));
        }
        Ok(())
    }

    /// A neighbour that hides goes by another address.
    fn rotate(&mut self, whose: Address) {
        let [low, middle, high, ..] = self.noise.word();
        if let Some(device) = self.air.advertisers.get_mut(&whose) {
            let address = device.identity_key.map(|it| private_address(&it, [low, middle, high]));
            device.private_address = address;
        }
    }

    fn set_phone(&mut self, address: Address, phone: Phone) {
        let is_reachable = phone.is_reachable;
        self.air.phones.insert(address, phone);
        if !is_reachable {
            self.lose(self.link_to(address));
        }
    }

    fn remove(&mut self, address: Address) {
        self.air.advertisers.remove(&address);
        self.air.phones.remove(&address);
        self.lose(self.link_to(address));
        self.lose(self.link_on_low_energy(address));
    }

    fn state(&self) -> String {
        let counts = &self.counts;
        let scan = self.scan.name();
        let mut text = format!(
            "scan={scan} filter={} advertising={} commands={} reports={} inquiries={} pages={}",
            if self.scan.filters() { "on" } else { "off" },
            self.advertising.name(),
            counts.commands,
            counts.reports,
            counts.inquiries,
            counts.pages,
        );
        let mut list = |key: &str, values: Vec<String>| {
            let values = if values.is_empty() { "none".to_owned() } else { values.join(",") };
            // Writing to a text cannot fail.
            let _done: Result<(), _> = write!(text, " {key}={values}");
        };
        list("links", self.links.values().map(|it| it.peer.to_string()).collect());
        let encrypted = self.links.values().filter(|it| it.is_encrypted);
        list("encrypted", encrypted.map(|it| it.peer.to_string()).collect());
        let phones = self.air.phones.iter().map(|(whose, it)| (whose, it.screen));
        let devices = self.air.advertisers.iter().map(|(whose, it)| (whose, it.screen));
        let screens = phones.chain(devices).filter(|(_, it)| *it != Screen::Dark);
        list("screens", screens.map(|(whose, it)| format!("{whose}/{it}")).collect());
        let private = self.air.advertisers.iter();
        let private = private.filter_map(|(whose, it)| Some((whose, it.private_address?)));
        list("private", private.map(|(whose, it)| format!("{whose}/{it}")).collect());
        list("unknown", counts.unknown.iter().map(|it| format!("{it:04x}")).collect());
        text
    }

    fn command(&mut self, opcode: u16, parameters: &[u8], now: Duration) {
        self.counts.commands += 1;
        let parameters = Parameters(parameters);
        // The upper six bits are the group (section 5.4.1).
        let done = match opcode >> 10 {
            0x01 => self.link_control(opcode, parameters, now),
            0x08 => self.low_energy(opcode, parameters),
            _ => self.setting(opcode, parameters),
        };
        match done {
            Ok(()) => {}
            Err(Refusal::TooShort) => self.complete(opcode, &[hci::INVALID_PARAMETERS]),
            Err(Refusal::Unknown) => {
                if self.counts.unknown.insert(opcode) {
                    eprintln!("command not known: {opcode:04x}");
                }
                self.complete(opcode, &[hci::UNKNOWN_COMMAND]);
            }
        }
    }

    fn event(&mut self, code: u8, body: &[u8]) {
        self.out.push(hci::event(code, body));
    }

    fn complete(&mut self, opcode: u16, values: &[u8]) {
        let [low, high] = opcode.to_le_bytes();
        self.event(hci::COMMAND_COMPLETE, &[&[1, low, high], values].concat());
    }

    fn status(&mut self, opcode: u16, status: u8) {
        let [low, high] = opcode.to_le_bytes();
        self.event(hci::COMMAND_STATUS, &[status, 1, low, high]);
    }

    fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    fn plan(&mut self, at: Duration, task: Task) {
        let number = self.number();
        self.agenda.insert((at, number), task);
    }
}

/// Numbers that look like chance and are the same in every run (Marsaglia's xorshift).
#[derive(Debug)]
struct Noise(u64);

impl Noise {
    fn bits(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn word(&mut self) -> Word {
        u128::to_le_bytes(u128::from(self.bits()) << 64 | u128::from(self.bits()))
    }

    /// A time shorter than `most`.
    fn below(&mut self, most: Duration) -> Duration {
        let most = u64::try_from(most.as_micros()).unwrap_or(u64::MAX).max(1);
        Duration::from_micros(self.bits() % most)
    }
}

/// What the hardware calls its error.
const FAULT: u8 = 0x42;

#[cfg(test)]
mod tests;
