//! Eddystone frames (service 0xfeaa, github.com/google/eddystone).

use std::fmt::Write as _;

use crate::bytes::Bytes;

/// An Eddystone frame. Powers are those at 0 m, dBm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Eddystone<'a> {
    /// Who it is.
    Uid {
        /// How strongly it sends.
        power: i8,
        /// Whose beacons.
        namespace: [u8; 10],
        /// Which of them.
        instance: [u8; 6],
    },
    /// A link.
    Url {
        /// How strongly it sends.
        power: i8,
        /// Scheme and text, both shortened.
        encoded: &'a [u8],
    },
    /// How it is.
    Telemetry(Telemetry),
    /// Who it is, told only to those who have its key: changed from time to time.
    Ephemeral {
        /// How strongly it sends.
        power: i8,
        /// Changes.
        id: [u8; 8],
    },
}

/// How a beacon is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Telemetry {
    /// Told to all.
    Plain {
        /// Of its battery; 0 when it has none.
        millivolts: u16,
        /// In 1/256 of a degree Celsius; the least number when it does not know.
        temperature: i16,
        /// Advertisements since it was switched on.
        count: u32,
        /// Tenths of a second since then.
        uptime_ds: u32,
    },
    /// Told only to those who have its key.
    Encrypted,
}

impl<'a> Eddystone<'a> {
    pub(super) fn read(data: &'a [u8]) -> Option<Self> {
        let mut at = Bytes::new(data);
        Some(match at.u8()? {
            0x00 => {
                let (power, namespace, instance) = (at.i8()?, at.array()?, at.array()?);
                Self::Uid { power, namespace, instance }
            }
            0x10 => {
                let power = at.i8()?;
                Self::Url { power, encoded: Some(at.rest()).filter(|it| !it.is_empty())? }
            }
            0x20 => Self::Telemetry(match at.u8()? {
                0x00 => Telemetry::Plain {
                    millivolts: at.u16()?,
                    temperature: at.u16()?.cast_signed(),
                    count: at.u32()?,
                    uptime_ds: at.u32()?,
                },
                0x01 => Telemetry::Encrypted,
                _ => return None,
            }),
            0x30 => Self::Ephemeral { power: at.i8()?, id: at.array()? },
            _ => return None,
        })
    }

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Uid { .. } => "eddystone_uid",
            Self::Url { .. } => "eddystone_url",
            Self::Telemetry(_) => "eddystone_tlm",
            Self::Ephemeral { .. } => "eddystone_eid",
        }
    }

    pub(super) const fn power_at_0_m(self) -> Option<i8> {
        match self {
            Self::Uid { power, .. } | Self::Url { power, .. } | Self::Ephemeral { power, .. } => {
                Some(power)
            }
            Self::Telemetry(_) => None,
        }
    }

    /// The link in full; characters that a link cannot have are written as `%` and two digits.
    #[must_use]
    pub fn url(self) -> Option<String> {
        let Self::Url { encoded: [scheme, rest @ ..], .. } = self else { return None };
        let mut url = (*SCHEMES.get(usize::from(*scheme))?).to_owned();
        for octet in rest {
            match (ENDINGS.get(usize::from(*octet)), *octet) {
                (Some(ending), _) => url.push_str(ending),
                (None, 0x21..=0x7e) => url.push(char::from(*octet)),
                (None, _) => write!(url, "%{octet:02x}").ok()?,
            }
        }
        Some(url)
    }
}

const SCHEMES: [&str; 4] = ["http://www.", "https://www.", "http://", "https://"];
const ENDINGS: [&str; 14] = [
    ".com/", ".org/", ".edu/", ".net/", ".info/", ".biz/", ".gov/", ".com", ".org", ".edu", ".net",
    ".info", ".biz", ".gov",
];
