//! What the host sets and asks once: names, features, modes (volume 4, part E, sections 7.2 to 7.5).

use super::{Controller, Done, Refusal};
use crate::address::Address;
use crate::hci::{self, Parameters};

/// What the host has set.
#[derive(Debug)]
pub(super) struct Host {
    name: Vec<u8>,
    class: [u8; 3],
    scan_enable: u8,
    /// In slots of 0.625 ms.
    pub(super) page_timeout: u16,
    is_simple_pairing: bool,
    is_low_energy: bool,
}

impl Default for Host {
    fn default() -> Self {
        Self {
            name: Vec::new(),
            class: [0; 3],
            scan_enable: 0,
            // 5.12 s, as section 6.6 has it.
            page_timeout: 0x2000,
            is_simple_pairing: false,
            is_low_energy: false,
        }
    }
}

impl Host {
    /// It has its adapter listen for pages (section 6.1).
    pub(super) fn answers_pages(&self) -> bool {
        self.scan_enable & 2 != 0
    }
}

impl Controller {
    /// Commands of every group but links and low energy.
    pub(super) fn setting(&mut self, opcode: u16, parameters: Parameters<'_>) -> Done {
        if matches!(opcode, READ_POWER | READ_RSSI | WRITE_POLICY | WRITE_SUPERVISION) {
            return self.of_link(opcode, parameters);
        }
        let values =
            if self.set(opcode, parameters)? { Vec::new() } else { self.told(opcode, parameters)? };
        self.complete(opcode, &[&[hci::SUCCESS][..], &values].concat());
        Ok(())
    }

    /// Takes what a command sets; false if it sets nothing here.
    fn set(&mut self, opcode: u16, parameters: Parameters<'_>) -> Result<bool, Refusal> {
        let byte = |at| parameters.byte(at).ok_or(Refusal::TooShort);
        let host = &mut self.host;
        match opcode {
            RESET => self.reset(),
            WRITE_NAME => host.name = parameters.0.into(),
            WRITE_CLASS => host.class = [byte(0)?, byte(1)?, byte(2)?],
            WRITE_SCAN_ENABLE => host.scan_enable = byte(0)?,
            WRITE_PAGE_TIMEOUT => {
                host.page_timeout = parameters.word(0).ok_or(Refusal::TooShort)?;
            }
            WRITE_SIMPLE_PAIRING => host.is_simple_pairing = byte(0)? == 1,
            WRITE_LOW_ENERGY_HOST => host.is_low_energy = byte(0)? == 1,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// What a command is answered, behind the status.
    fn told(&self, opcode: u16, parameters: Parameters<'_>) -> Result<Vec<u8>, Refusal> {
        let host = &self.host;
        Ok(match opcode {
            READ_LOCAL_VERSION => {
                // Bluetooth 5.0 with extended scanning, else 4.2; of the Linux Foundation.
                let version = if self.offers_extended { 9 } else { 8 };
                vec![version, 0, 0, version, 0xf1, 0x05, 0, 0]
            }
            READ_LOCAL_COMMANDS => self.supported_commands(),
            READ_LOCAL_EXTENDED_FEATURES => {
                let page = parameters.byte(0).ok_or(Refusal::TooShort)?;
                let both = u8::from(host.is_simple_pairing) | u8::from(host.is_low_energy) << 1;
                let features = match page {
                    0 => FEATURES,
                    1 => [both, 0, 0, 0, 0, 0, 0, 0],
                    _ => [0; 8],
                };
                [&[page, 1][..], &features].concat()
            }
            READ_BUFFER_SIZE => {
                let [low, high] = hci::MOST_DATA.to_le_bytes();
                let [count, _] = hci::DATA_PACKETS.to_le_bytes();
                vec![low, high, 0x40, count, 0, 4, 0]
            }
            READ_ADDRESS => self.address.0.into(),
            READ_NAME => {
                let mut name = host.name.clone();
                name.resize(248, 0);
                name
            }
            READ_CLASS => host.class.into(),
            READ_SCAN_ENABLE => vec![host.scan_enable],
            READ_PAGE_TIMEOUT => host.page_timeout.to_le_bytes().into(),
            READ_SIMPLE_PAIRING => vec![u8::from(host.is_simple_pairing)],
            READ_LOW_ENERGY_HOST => vec![u8::from(host.is_low_energy), 0],
            _ => {
                let told = TOLD.iter().find(|(it, _)| *it == opcode);
                told.ok_or(Refusal::Unknown)?.1.to_vec()
            }
        })
    }

    /// What is asked or set of one link: the host's power on it, its signal, its policy, and how long it
    /// lasts without a word. Its handle comes first in every
    /// answer.
    fn of_link(&mut self, opcode: u16, parameters: Parameters<'_>) -> Done {
        let handle = parameters.word(0).ok_or(Refusal::TooShort)?;
        let [low, high] = handle.to_le_bytes();
        let peer: Option<Address> = self.links.get(&handle).map(|it| it.peer);
        let Some(peer) = peer else {
            self.complete(opcode, &[hci::UNKNOWN_CONNECTION, low, high, 0]);
            return Ok(());
        };
        let mut values = vec![hci::SUCCESS, low, high];
        match opcode {
            READ_POWER => values.push(POWER),
            READ_RSSI => {
                // Section 7.5.4: how far outside of the range in which a receiver likes it best.
                let phone = self.air.phones.get(&peer).map(|it| it.rssi);
                let device = self.air.advertisers.get(&peer).map(|it| it.rssi);
                let rssi = phone.or(device).unwrap_or(-60);
                let best = rssi.clamp(-60, -40);
                values.extend((rssi.saturating_sub(best)).to_le_bytes());
            }
            _ => {}
        }
        self.complete(opcode, &values);
        Ok(())
    }

    /// Section 6.27: a bit per command, of those that the kernel looks at.
    fn supported_commands(&self) -> Vec<u8> {
        let mut bits = vec![0; 64];
        for (at, it) in COMMANDS {
            bits[*at] = *it;
        }
        if self.offers_extended {
            // Extended scan parameters and enabling.
            bits[37] = 0x60;
        }
        bits
    }
}

const WRITE_POLICY: u16 = 0x080d;
const RESET: u16 = 0x0c03;
const WRITE_NAME: u16 = 0x0c13;
const READ_NAME: u16 = 0x0c14;
const READ_PAGE_TIMEOUT: u16 = 0x0c17;
const WRITE_PAGE_TIMEOUT: u16 = 0x0c18;
const READ_SCAN_ENABLE: u16 = 0x0c19;
const WRITE_SCAN_ENABLE: u16 = 0x0c1a;
const READ_CLASS: u16 = 0x0c23;
const WRITE_CLASS: u16 = 0x0c24;
const READ_POWER: u16 = 0x0c2d;
const WRITE_SUPERVISION: u16 = 0x0c37;
const READ_SIMPLE_PAIRING: u16 = 0x0c55;
const WRITE_SIMPLE_PAIRING: u16 = 0x0c56;
const READ_LOW_ENERGY_HOST: u16 = 0x0c6c;
const WRITE_LOW_ENERGY_HOST: u16 = 0x0c6d;
const READ_LOCAL_VERSION: u16 = 0x1001;
const READ_LOCAL_COMMANDS: u16 = 0x1002;
const READ_LOCAL_EXTENDED_FEATURES: u16 = 0x1004;
const READ_BUFFER_SIZE: u16 = 0x1005;
const READ_ADDRESS: u16 = 0x1009;
const READ_RSSI: u16 = 0x1405;

/// In dBm.
const POWER: u8 = 4;

/// Volume 2, part C, section 3.3: inquiries with signal and response, both radios, simple pairing.
pub(super) const FEATURES: [u8; 8] = [0xa4, 0x08, 0x08, 0xc0, 0x58, 0x1e, 0x1b, 0x83];

/// Which commands there are: the byte, and its bits.
const COMMANDS: &[(usize, u8)] = &[
    // Inquiry, connections and names.
    (0, 0xff),
    (1, 0x03),
    (2, 0xf8),
    // The default policy of links.
    (5, 0x10),
    // Names, page time-outs and scans, the class.
    (7, 0xff),
    (8, 0x01),
    (13, 0x02),
    (15, 0x20),
    // Low energy at the host; scanning, its parameters and the accept list.
    (24, 0x60),
    (25, 0xf7),
    (26, 0xcf),
    // Its connections' timing and features, chance, and the keys that the host is asked for.
    (27, 0xa7),
    (28, 0x0e),
];

/// What these commands are always answered, behind the status.
const TOLD: &[(u16, &[u8])] = &[
    // The default policy of links.
    (0x080f, &[]),
    // Event masks and filters, accept time-out, voice, inquiry modes and responses, scan kinds.
    (0x0c01, &[]),
    (0x0c05, &[]),
    (0x0c16, &[]),
    (0x0c1c, &[]),
    (0x0c1e, &[]),
    (0x0c20, &[]),
    (0x0c3a, &[]),
    (0x0c43, &[]),
    (0x0c45, &[]),
    (0x0c47, &[]),
    (0x0c52, &[]),
    (0x0c63, &[]),
    (0x0c15, &[0, 0x20]),
    (0x0c1b, &[0, 8, 0x12, 0]),
    (0x0c25, &[0x60, 0]),
    (0x0c44, &[2]),
    (0x0c46, &[0]),
    (0x0c58, &[0]),
    // The clock of no connection: when it was started, to the slot.
    (0x1407, &[0, 0, 0, 0, 0, 0, 0, 0]),
    // Keys that the controller keeps: none.
    (0x0c0d, &[0, 0, 0, 0]),
    (0x0c12, &[0, 0]),
    // Two general inquiry codes.
    (0x0c38, &[2]),
    (0x0c39, &[1, 0x33, 0x8b, 0x9e]),
    (0x1003, &FEATURES),
];
