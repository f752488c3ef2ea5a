//! The btsnoop format (RFC 1761 with the data links of Bluetooth): a file header, then records.
//!
//! What its data links say beside the bytes is put before them as the link types of pcap have it,
//! so that whoever reads a record needs to know one form of each.

use std::io::Read;

use muster_core::time::Time;

use super::{Frame, RecordFault, Stop, read_all, read_bounded, read_or_end};
use crate::frame::LinkType;

/// The first bytes of every such file.
pub(super) const MAGIC: [u8; 8] = *b"btsnoop\0";

/// What the file header says of every record.
#[derive(Debug)]
pub(super) struct Header {
    link: DataLink,
}

/// How the records are wrapped.
#[derive(Clone, Copy, Debug)]
enum DataLink {
    /// HCI packets without their type; the flags tell it.
    H1,
    /// HCI packets behind their type (UART transport).
    H4,
    /// The monitor channel of Linux; the flags are adapter and opcode.
    Monitor,
}

impl Header {
    /// Reads the file's head behind the magic number.
    pub(super) fn read(input: &mut impl Read) -> Result<Self, RecordFault> {
        let mut words = [[0; 4]; 2];
        read_all(input, words.as_flattened_mut())?;
        let [version, link] = words.map(u32::from_be_bytes);
        if version != 1 {
            return Err(RecordFault::Broken("its version is not 1"));
        }
        let link = match link {
            1001 => DataLink::H1,
            1002 => DataLink::H4,
            2001 => DataLink::Monitor,
            _ => return Err(RecordFault::Broken("its data link is none of 1001, 1002 and 2001")),
        };
        Ok(Self { link })
    }

    pub(super) fn next(&self, input: &mut impl Read) -> Result<Option<Frame>, Stop> {
        let mut words = [[0; 4]; 6];
        if !read_or_end(input, words.as_flattened_mut()).map_err(Stop::end)? {
            return Ok(None);
        }
        let [_, included, flags, _, high, low] = words.map(u32::from_be_bytes);
        let payload = read_bounded(input, included)?;
        let (received, event) = (flags & 0b01 != 0, flags & 0b10 != 0);
        let direction = u32::from(received).to_be_bytes();
        let (link, mut bytes) = match self.link {
            DataLink::H1 => {
                let kind = match (event, received) {
                    (false, _) => 2,
                    (true, false) => 1,
                    (true, true) => 4,
                };
                (LinkType::HCI_DIRECTED, [&direction[..], &[kind]].concat())
            }
            DataLink::H4 => (LinkType::HCI_DIRECTED, direction.to_vec()),
            DataLink::Monitor => (LinkType::BLUETOOTH_MONITOR, flags.to_be_bytes().to_vec()),
        };
        bytes.extend(payload);
        Ok(Some(Frame { at: time(u64::from(high) << 32 | u64::from(low)), link, bytes }))
    }
}

/// Microseconds since the year 0, as the writers of such files count them.
fn time(micros: u64) -> Time {
    let since_1970 = i128::from(micros) - i128::from(EPOCH);
    Time::from_micros(i64::try_from(since_1970).unwrap_or(i64::MAX))
}

/// 1970-01-01 in microseconds since the year 0. The number that all tools use; it is some days off
/// what the calendar gives.
const EPOCH: u64 = 0x00dc_ddb3_0f2f_8000;
