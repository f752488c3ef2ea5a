//! Commands to write: questions to other devices, and one to the controller itself.

use std::time::Duration;

use muster_core::identity::Mac;

/// A command to the controller (Core Specification, Vol 4, Part E, 7.1 and 7.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// What its own address is: a question that every controller answers at once.
    ReadAddress,
    /// What another device calls itself: it is paged for that.
    Name(Mac),
    /// End a [`Self::Name`] that goes on.
    CancelName(Mac),
    /// Who is around and lets itself be found, for so long: brought to 1.28 s to 61.44 s.
    Inquiry(Duration),
    /// End an [`Self::Inquiry`].
    CancelInquiry,
}

impl Request {
    /// Which command it is: group in the upper 6 bits, number in the lower 10.
    #[must_use]
    pub const fn opcode(self) -> u16 {
        match self {
            Self::Inquiry(_) => 0x0401,
            Self::CancelInquiry => 0x0402,
            Self::Name(_) => 0x0419,
            Self::CancelName(_) => 0x041a,
            Self::ReadAddress => 0x1009,
        }
    }

    /// The packet, with its type before it.
    #[must_use]
    pub fn to_bytes(self) -> Vec<u8> {
        let mut parameters = Vec::new();
        match self {
            Self::ReadAddress | Self::CancelInquiry => {}
            Self::Name(mac) => {
                parameters.extend(mac.0.iter().rev());
                // It may scan for pages seldom, as a sleeping phone does; its clock is not known.
                parameters.extend([REPETITION_R2, 0, 0, 0]);
            }
            Self::CancelName(mac) => parameters.extend(mac.0.iter().rev()),
            Self::Inquiry(length) => {
                let units = (length.as_millis() / UNIT_MS).clamp(1, 0x30);
                parameters.extend(GENERAL_INQUIRY);
                parameters.extend([u8::try_from(units).unwrap_or(0x30), 0]);
            }
        }
        let mut packet = vec![super::COMMAND];
        packet.extend(self.opcode().to_le_bytes());
        packet.push(u8::try_from(parameters.len()).unwrap_or_default());
        packet.append(&mut parameters);
        packet
    }
}

/// Page scan repetition mode R2: intervals of up to 2.56 s (Vol 2, Part B, 8.3.1).
const REPETITION_R2: u8 = 2;
/// The general inquiry access code, 0x9e8b33 (Assigned Numbers, 2.2).
const GENERAL_INQUIRY: [u8; 3] = [0x33, 0x8b, 0x9e];
/// An inquiry's length is told in units of 1.28 s (Vol 4, Part E, 7.1.1).
const UNIT_MS: u128 = 1280;

#[cfg(test)]
mod tests {
    use super::super::{Hci, parse};
    use super::*;

    #[test]
    fn what_is_written_is_what_is_read() {
        let mac = Mac([0, 0x1a, 0x7d, 1, 2, 3]);
        let read = |it: Request| {
            let bytes = it.to_bytes();
            let Ok(Some(Hci::Command(command))) = parse(&bytes) else { panic!("{it:?}") };
            assert_eq!(command.opcode, it.opcode());
            (command.word().unwrap(), command.address().map(|it| it.mac), bytes.len())
        };
        assert_eq!(read(Request::ReadAddress), ("read_bd_addr", None, 4));
        assert_eq!(read(Request::Name(mac)), ("remote_name_request", Some(mac), 14));
        assert_eq!(read(Request::CancelName(mac)).1, Some(mac));
        assert_eq!(read(Request::CancelInquiry).2, 4);
        let inquiry = |s| Request::Inquiry(Duration::from_secs(s)).to_bytes();
        assert_eq!(inquiry(5), [1, 0x01, 0x04, 5, 0x33, 0x8b, 0x9e, 3, 0]);
        assert_eq!((inquiry(0)[7], inquiry(1000)[7]), (1, 0x30));
    }
}
