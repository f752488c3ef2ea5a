//! Low energy: scanning, and what is reported of those who advertise (volume 4, part E, section 7.8).

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Controller, Done, Refusal, Task};
use crate::address::Address;
use crate::air::{Advertiser, MOST_LEGACY};
use crate::hci::{self, Parameters};

/// How the host has the controller listen.
#[derive(Debug, Default)]
pub(super) struct Scan {
    mode: Mode,
    is_active: bool,
    filters: bool,
    /// Of whom this scan has reported: a device, and whether that was its answer.
    reported: BTreeSet<(Address, bool)>,
}

/// Whether it listens, and to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Mode {
    #[default]
    Off,
    /// Advertisements of Bluetooth 4.
    Legacy,
    /// Those and the extended ones, both told in extended reports.
    Extended,
}

impl Scan {
    pub(super) fn name(&self) -> &'static str {
        match (self.mode, self.is_active) {
            (Mode::Off, _) => "off",
            (_, false) => "passive",
            (_, true) => "active",
        }
    }

    pub(super) fn filters(&self) -> bool {
        self.filters
    }

    /// Begins a scan of a mode if `enable` is 1, else ends whatever was.
    fn enable(&mut self, enable: u8, filters: bool, mode: Mode) {
        self.mode = if enable == 1 { mode } else { Mode::Off };
        self.filters = filters;
        self.reported.clear();
    }
}

impl Controller {
    /// Commands of group 0x08.
    pub(super) fn low_energy(&mut self, opcode: u16, parameters: Parameters<'_>) -> Done {
        let byte = |at| parameters.byte(at).ok_or(Refusal::TooShort);
        match opcode {
            SET_SCAN_PARAMETERS => self.scan.is_active = byte(0)? == 1,
            SET_SCAN_ENABLE => self.scan.enable(byte(0)?, byte(1)? == 1, Mode::Legacy),
            SET_EXTENDED_SCAN_PARAMETERS if self.offers_extended => {
                // Behind the own address, the filter and the physical channels.
                self.scan.is_active = byte(3)? == 1;
            }
            SET_EXTENDED_SCAN_ENABLE if self.offers_extended => {
                self.scan.enable(byte(0)?, byte(1)? != 0, Mode::Extended);
            }
            RAND => {
                let chance = self.noise.bits().to_le_bytes();
                self.complete(opcode, &[&[hci::SUCCESS][..], &chance].concat());
                return Ok(());
            }
            _ => {
                if let Some(told) = self.set_advertising(opcode, parameters)? {
                    self.complete(opcode, &[&[hci::SUCCESS][..], told].concat());
                    return Ok(());
                }
                let extended = if self.offers_extended { TOLD_EXTENDED } else { &[] };
                let told = extended.iter().chain(TOLD).find(|(it, _)| *it == opcode);
                let Some((_, told)) = told else {
                    return self.of_low_energy_link(opcode, parameters);
                };
                self.complete(opcode, told);
                return Ok(());
            }
        }
        self.complete(opcode, &[hci::SUCCESS]);
        Ok(())
    }

    /// A neighbour's turn. Each advertises whether or not somebody listens.
    pub(super) fn advertise(&mut self, address: Address, edition: u64, now: Duration) {
        let Some(advertiser) = self.air.advertisers.get(&address) else { return };
        if advertiser.edition != edition {
            return;
        }
        if advertiser.is_restless {
            self.rotate(address);
        }
        let Some(advertiser) = self.air.advertisers.get(&address).cloned() else { return };
        // Volume 6, part B, section 4.4.2.2.1. Counted from now: being late makes no burst.
        let delay = self.noise.below(Duration::from_millis(10));
        self.plan(now + advertiser.interval + delay, Task::Advertise(address, edition));
        if self.scan.mode == Mode::Off || !advertiser.is_reachable {
            return;
        }
        let rssi = self.rssi(&advertiser);
        self.report(address, &advertiser, rssi, false);
        if self.scan.is_active && !advertiser.response.is_empty() {
            self.report(address, &advertiser, rssi, true);
        }
    }

    fn rssi(&mut self, advertiser: &Advertiser) -> i8 {
        let jitter = i16::from(advertiser.jitter);
        let span = u64::from(advertiser.jitter) * 2 + 1;
        let moved = i16::try_from(self.noise.bits() % span).unwrap_or(0) - jitter;
        i8::try_from(i16::from(advertiser.rssi) + moved).unwrap_or(i8::MIN)
    }

    fn report(&mut self, address: Address, from: &Advertiser, rssi: i8, is_response: bool) {
        // What is longer is not heard by a scan of Bluetooth 4.
        let is_legacy = from.data.len() <= MOST_LEGACY;
        if !is_legacy && self.scan.mode == Mode::Legacy {
            return;
        }
        let (address, is_random) = from.goes_by(address);
        let is_new = self.scan.reported.insert((address, is_response));
        if self.scan.filters && self.keeps_duplicate_filter && !is_new {
            return;
        }
        let data = if is_response { &from.response } else { &from.data };
        let length = u8::try_from(data.len()).unwrap_or(u8::MAX);
        let kind = Kind { is_legacy, is_response, from };
        let mut body = Vec::new();
        if self.scan.mode == Mode::Extended {
            let [low, high] = kind.extended();
            body.extend([EXTENDED_REPORT, 1, low, high, u8::from(is_random)]);
            body.extend(address.0);
            // On the 1 Mbit/s channel alone, of no set, at unknown power.
            body.extend([1, 0, 0xff, 0x7f]);
            body.extend(rssi.to_le_bytes());
            // Not periodic, directed at nobody.
            body.extend([0; 9]);
            body.push(length);
            body.extend(data);
        } else {
            body.extend([REPORT, 1, kind.legacy(), u8::from(is_random)]);
            body.extend(address.0);
            body.push(length);
            body.extend(data);
            body.extend(rssi.to_le_bytes());
        }
        self.counts.reports += 1;
        self.event(hci::LOW_ENERGY, &body);
    }
}

/// What an advertisement is on the air.
struct Kind<'a> {
    is_legacy: bool,
    is_response: bool,
    from: &'a Advertiser,
}

impl Kind<'_> {
    /// Section 7.7.65.2.
    fn legacy(&self) -> u8 {
        match (self.is_response, self.from.is_connectable, self.from.response.is_empty()) {
            (true, _, _) => 4,
            (false, true, _) => 0,
            (false, false, false) => 2,
            (false, false, true) => 3,
        }
    }

    /// Section 7.7.65.13: connectable, scannable, directed, response, legacy.
    fn extended(&self) -> [u8; 2] {
        let is_scannable =
            !self.from.response.is_empty() || (self.is_legacy && self.from.is_connectable);
        let bits =
            [self.from.is_connectable, is_scannable, false, self.is_response, self.is_legacy];
        let bits = bits.into_iter().rev().fold(0, |all, bit| all << 1 | u8::from(bit));
        [bits, 0]
    }
}

const SET_SCAN_PARAMETERS: u16 = 0x200b;
const SET_SCAN_ENABLE: u16 = 0x200c;
const RAND: u16 = 0x2018;
const SET_EXTENDED_SCAN_PARAMETERS: u16 = 0x2041;
const SET_EXTENDED_SCAN_ENABLE: u16 = 0x2042;
const REPORT: u8 = 0x02;
const EXTENDED_REPORT: u8 = 0x0d;

/// What these commands are always answered: the status, and what follows it.
const TOLD: &[(u16, &[u8])] = &[
    // The event mask.
    (0x2001, &[0]),
    // Data goes through the buffers of BR/EDR.
    (0x2002, &[0, 0, 0, 0]),
    // The feature of encryption.
    (0x2003, &[0, 1, 0, 0, 0, 0, 0, 0, 0]),
    // The power of advertising; its data and response, which no neighbour reads.
    (0x2007, &[0, 0]),
    (0x2008, &[0]),
    (0x2009, &[0]),
    // The accept list: its size, empty it, add, remove.
    (0x200f, &[0, 64]),
    (0x2010, &[0]),
    (0x2011, &[0]),
    (0x2012, &[0]),
    // The states it can be in.
    (0x201c, &[0, 0xff, 0xff, 0xff, 0xff, 0xff, 0x03, 0, 0]),
];

/// What these are answered where extended scanning is offered, before the above.
const TOLD_EXTENDED: &[(u16, &[u8])] = &[
    // That and extended advertising: without it the kernel takes no long report.
    (0x2003, &[0, 1, 0x10, 0, 0, 0, 0, 0, 0]),
    // One set of own advertising: its data and response, how much of it, how many sets.
    (0x2037, &[0]),
    (0x2038, &[0]),
    (0x203a, &[0, 229, 0]),
    (0x203b, &[0, 1]),
];
