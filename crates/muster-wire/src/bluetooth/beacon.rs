//! Beacon formats: what is put into manufacturer data and service data by agreement.
//!
//! The types of Apple's and Microsoft's messages say what a device does, never whose it is: all
//! phones of a make send the same, so nothing here tells people apart by them.

mod apple;

mod bthome;

mod eddystone;

pub use apple::Continuity;
pub use bthome::{Bthome, Objects};
pub use eddystone::{Eddystone, Telemetry};

use super::ad::Field;
use super::uuid::Uuid;
use crate::bytes::Bytes;

/// What a structure says by agreement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beacon<'a> {
    /// Apple's iBeacon.
    Ibeacon {
        /// Whose beacons.
        uuid: [u8; 16],
        /// Which group of them.
        major: u16,
        /// Which of the group.
        minor: u16,
        /// How strongly it is heard at 1 m, dBm.
        power: i8,
    },
    /// `AltBeacon`, any maker's.
    Altbeacon {
        /// The maker.
        company: u16,
        /// Whose beacons.
        organisation: [u8; 16],
        /// Which of them.
        number: [u8; 4],
        /// How strongly it is heard at 1 m, dBm.
        power: i8,
    },
    /// Google's Eddystone.
    Eddystone(Eddystone<'a>),
    /// A contact number of the Exposure Notification service, changed every few minutes.
    Exposure {
        /// The number.
        rolling: [u8; 16],
    },
    /// Messages of Apple's devices to each other.
    Apple(Continuity<'a>),
    /// Messages of Microsoft's devices to each other, by their type.
    Microsoft(u8),
    /// Values of a sensor.
    Bthome(Bthome<'a>),
}

impl<'a> Beacon<'a> {
    /// What a field says by agreement; none when it keeps to none that is known.
    #[must_use]
    pub fn of(field: Field<'a>) -> Option<Self> {
        if let Field::Manufacturer(company, data) = field {
            return manufacturer(company, data);
        }
        let Field::ServiceData(Uuid::Short(service), data) = field else { return None };
        match service {
            EDDYSTONE => Eddystone::read(data).map(Self::Eddystone),
            EXPOSURE => data.first_chunk().map(|it| Self::Exposure { rolling: *it }),
            BTHOME => Bthome::read(data).map(Self::Bthome),
            _ => None,
        }
    }

    /// The word for the format.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ibeacon { .. } => "ibeacon",
            Self::Altbeacon { .. } => "altbeacon",
            Self::Eddystone(it) => it.word(),
            Self::Exposure { .. } => "exposure_notification",
            Self::Apple(_) => "apple",
            Self::Microsoft(_) => "microsoft",
            Self::Bthome(_) => "bthome",
        }
    }

    /// How strongly it is heard at 1 m, dBm, as it says itself.
    #[must_use]
    pub const fn power_at_1_m(self) -> Option<i8> {
        match self {
            Self::Ibeacon { power, .. } | Self::Altbeacon { power, .. } => Some(power),
            Self::Eddystone(it) => match it.power_at_0_m() {
                Some(power) => Some(power.saturating_sub(LOSS_OVER_1_M)),
                None => None,
            },
            Self::Exposure { .. } | Self::Apple(_) | Self::Microsoft(_) | Self::Bthome(_) => None,
        }
    }
}

fn manufacturer(company: u16, data: &[u8]) -> Option<Beacon<'_>> {
    match (company, data) {
        (APPLE, [0x02, 0x15, rest @ ..]) => ibeacon(Bytes::new(rest)),
        (APPLE, _) => Some(Beacon::Apple(Continuity::new(data))),
        (MICROSOFT, [scenario, ..]) => Some(Beacon::Microsoft(*scenario)),
        (_, [0xbe, 0xac, rest @ ..]) => altbeacon(company, Bytes::new(rest)),
        _ => None,
    }
}

fn ibeacon(mut at: Bytes<'_>) -> Option<Beacon<'_>> {
    let (uuid, major, minor, power) = (at.array()?, at.u16()?, at.u16()?, at.i8()?);
    Some(Beacon::Ibeacon { uuid, major, minor, power })
}

fn altbeacon(company: u16, mut at: Bytes<'_>) -> Option<Beacon<'_>> {
    let (organisation, number, power) = (at.array()?, at.array()?, at.i8()?);
    Some(Beacon::Altbeacon { company, organisation, number, power })
}

/// The word for a type of Microsoft's messages; none for those nobody described.
#[must_use]
pub const fn microsoft_word(scenario: u8) -> Option<&'static str> {
    match scenario {
        0x01 => Some("connected_devices"),
        0x03 => Some("swift_pair"),
        _ => None,
    }
}

const APPLE: u16 = 0x004c;
const MICROSOFT: u16 = 0x0006;
const EDDYSTONE: u16 = 0xfeaa;
const BTHOME: u16 = 0xfcd2;
const EXPOSURE: u16 = 0xfd6f;
/// What a signal loses over the first metre, dB (Eddystone-UID, *Tx Power*).
const LOSS_OVER_1_M: i8 = 41;

#[cfg(test)]
mod tests;
