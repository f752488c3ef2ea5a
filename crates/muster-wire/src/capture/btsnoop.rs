//! The btsnoop format (RFC 1761 with the data links of Bluetooth): a file header, then records.
//!
//! What its data links say beside the bytes is put before them as the link types of pcap have it,
//! so that whoever reads a record needs to know one form of each.

use std::io::Read;

use muster_core::time::Time;

use super::ahead::Ahead;
use super::{Frame, MAX_RECORD, RecordFault, Stop, read_all};
use crate::bytes::Bytes;
use crate::frame::LinkType;

/// The first bytes of every such file.
pub(super) const MAGIC: [u8; 8] = *b"btsnoop\0";

/// What the file header says of every record, and what was read of the file beyond the last one.
#[derive(Debug)]
pub(super) struct Header {
    link: DataLink,
    ahead: Ahead,
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
        Ok(Self { link, ahead: Ahead::default() })
    }

    /// The next record. A head that cannot be one, and a length that leads to none, are told, and the
    /// next record is looked for behind: one whose head can be one, and is followed by another.
    pub(super) fn next(&mut self, input: &mut impl Read) -> Result<Option<Frame>, Stop> {
        let there = self.ahead.fill(input, HEAD)?;
        if there == 0 {
            return Ok(None);
        }
        if there < HEAD {
            return Err(Stop::end(RecordFault::Truncated));
        }
        let Some(head) = self.head(0) else {
            let fault = RecordFault::Broken("its head cannot be one");
            return Err(self.lost(input, MAX_RECORD, fault));
        };
        let length = HEAD + head.included;
        if self.ahead.fill(input, length)? < length {
            return Err(self.lost(input, length, RecordFault::Truncated));
        }
        if !self.is_head_or_end(input, length)? && self.find(input, length)?.is_some() {
            let fault = RecordFault::Broken("its length leads past the next record");
            return Err(self.lost(input, length, fault));
        }
        let bytes = self.ahead.take(length);
        let payload = bytes.get(HEAD..).unwrap_or_default();
        let (link, mut bytes) = match self.link {
            DataLink::H1 => {
                let kind = match (head.flags & 0b10 != 0, head.flags & 0b01 != 0) {
                    (false, _) => 2,
                    (true, false) => 1,
                    (true, true) => 4,
                };
                let direction = (head.flags & 1).to_be_bytes();
                (LinkType::HCI_DIRECTED, [&direction[..], &[kind]].concat())
            }
            DataLink::H4 => (LinkType::HCI_DIRECTED, (head.flags & 1).to_be_bytes().to_vec()),
            DataLink::Monitor => (LinkType::BLUETOOTH_MONITOR, head.flags.to_be_bytes().to_vec()),
        };
        bytes.extend(payload);
        Ok(Some(Frame { at: head.at, link, bytes }))
    }

    /// A record was lost: goes to where the next one begins, if there is one within `most` bytes.
    fn lost(&mut self, input: &mut impl Read, most: usize, fault: RecordFault) -> Stop {
        match self.find(input, most) {
            Ok(Some(place)) => {
                self.ahead.take(place);
                Stop::skip(fault)
            }
            Ok(None) => Stop::end(fault),
            Err(stop) => stop,
        }
    }

    /// Where, of the next so many bytes, a record begins that is followed by another or by the end.
    fn find(&mut self, input: &mut impl Read, most: usize) -> Result<Option<usize>, Stop> {
        for place in 1..most {
            if self.ahead.fill(input, place + HEAD)? < place + HEAD {
                return Ok(None);
            }
            let Some(head) = self.head(place) else { continue };
            let end = place + HEAD + head.included;
            if self.ahead.fill(input, end)? >= end && self.is_head_or_end(input, end)? {
                return Ok(Some(place));
            }
        }
        Ok(None)
    }

    /// Whether a record's head, or the end of the file, is at a place.
    fn is_head_or_end(&mut self, input: &mut impl Read, place: usize) -> Result<bool, Stop> {
        let there = self.ahead.fill(input, place + HEAD)?;
        Ok(there <= place || self.head(place).is_some())
    }

    /// The head at a place; none when it cannot be one.
    fn head(&self, place: usize) -> Option<Head> {
        let mut at = Bytes::new(self.ahead.get(place, HEAD)?);
        let (original, included, flags, _drops) = (at.u32()?, at.u32()?, at.u32()?, at.u32()?);
        let at = time(at.array().map(u64::from_be_bytes)?);
        let included = usize::try_from(included).ok().filter(|it| *it <= MAX_RECORD)?;
        let fits = usize::try_from(original).is_ok_and(|it| included <= it && it <= LONGEST);
        let known = match self.link {
            DataLink::H1 | DataLink::H4 => flags <= 0b11,
            DataLink::Monitor => flags & 0xffff <= LAST_OPCODE,
        };
        let dated = (EARLIEST_S..LATEST_S).contains(&at.secs());
        (fits && known && dated).then_some(Head { included, flags, at })
    }
}

/// What stands before a record.
#[derive(Clone, Copy, Debug)]
struct Head {
    included: usize,
    flags: u32,
    at: Time,
}

/// Microseconds since the year 0, as the writers of such files count them.
fn time(micros: u64) -> Time {
    let since_1970 = i128::from(micros) - i128::from(EPOCH);
    Time::from_micros(i64::try_from(since_1970).unwrap_or(i64::MAX))
}

/// 1970-01-01 in microseconds since the year 0. The number that all tools use; it is some days off
/// what the calendar gives.
const EPOCH: u64 = 0x00dc_ddb3_0f2f_8000;
/// Lengths, flags, drops and time.
const HEAD: usize = 24;
/// No packet is longer, however little of it was kept.
const LONGEST: usize = 1 << 20;
/// Far behind those of the monitor channel that are known.
const LAST_OPCODE: u32 = 0xff;
/// 1960 and 2200, in seconds since 1970: nothing was recorded at another time.
const EARLIEST_S: i64 = -315_619_200;
const LATEST_S: i64 = 7_258_118_400;
