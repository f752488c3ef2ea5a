//! Capture files: pcap and pcapng in both byte orders and btsnoop, read record by record, and pcap
//! written.
//!
//! Refuses to know what a record holds. **Invariant:** a record that cannot be read is an error with
//! its number, and whatever of the file can still be found behind it is read; no record, however
//! long it says it is, takes more than [`MAX_RECORD`] bytes of memory.

mod ahead;

mod btsnoop;

mod pcap;

mod pcapng;

mod write;

#[cfg(test)]
mod tests;

use std::io::{self, Read};

use muster_core::time::Time;

use crate::frame::LinkType;

pub use write::PcapWriter;

/// The longest record read: the largest snapshot length of the tools that write captures.
pub const MAX_RECORD: usize = 262_144;

/// How many bytes at a file's begin tell whether it is a capture.
pub const HEAD: usize = 8;

/// A capture being read; iterates over its records.
#[derive(Debug)]
pub struct Capture<R> {
    input: R,
    format: Format,
    number: u64,
    ended: bool,
}

#[derive(Debug)]
enum Format {
    Pcap(pcap::Header),
    Pcapng(pcapng::Section),
    Btsnoop(btsnoop::Header),
}

/// One captured frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its place among the frames of the file, from 1.
    pub number: u64,
    /// When it was captured.
    pub at: Time,
    /// How to read its bytes.
    pub link: LinkType,
    /// What was captured; may be less than what was on the link.
    pub bytes: Vec<u8>,
}

/// Whether a file that begins with `head` ([`HEAD`] bytes or more) is a capture that [`Capture`]
/// reads.
pub fn is_capture(head: &[u8]) -> bool {
    head.starts_with(&btsnoop::MAGIC)
        || head.first_chunk().is_some_and(|it| pcap::order(*it).is_some() || *it == pcapng::SECTION)
}

impl<R: Read> Capture<R> {
    /// Reads the file's head.
    pub fn open(mut input: R) -> Result<Self, CaptureError> {
        let mut magic = [0; 4];
        read_all(&mut input, &mut magic).map_err(CaptureError::from)?;
        let format = if let Some(order) = pcap::order(magic) {
            Format::Pcap(pcap::Header::read(&mut input, order).map_err(CaptureError::from)?)
        } else if magic == pcapng::SECTION {
            Format::Pcapng(pcapng::Section::read(&mut input).map_err(CaptureError::from)?)
        } else if magic == btsnoop::MAGIC[..4] {
            let mut rest = [0; 4];
            read_all(&mut input, &mut rest).map_err(CaptureError::from)?;
            if rest != btsnoop::MAGIC[4..] {
                return Err(CaptureError::Format);
            }
            Format::Btsnoop(btsnoop::Header::read(&mut input).map_err(CaptureError::from)?)
        } else {
            return Err(CaptureError::Format);
        };
        Ok(Self { input, format, number: 0, ended: false })
    }
}

impl<R: Read> Iterator for Capture<R> {
    type Item = Result<Record, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = match &mut self.format {
            Format::Pcap(header) => header.next(&mut self.input),
            Format::Pcapng(section) => section.next(&mut self.input),
            Format::Btsnoop(header) => header.next(&mut self.input),
        };
        self.number += 1;
        let number = self.number;
        match next {
            Ok(Some(Frame { at, link, bytes })) => Some(Ok(Record { number, at, link, bytes })),
            Ok(None) => {
                self.ended = true;
                None
            }
            Err(Stop { fault, is_end }) => {
                self.ended = is_end;
                Some(Err(RecordError { number, fault }))
            }
        }
    }
}

/// Why a file is not read at all.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// Something else: give it to another reader.
    #[error("this is no btsnoop, pcap or pcapng file")]
    Format,
    /// A capture whose head is broken.
    #[error("the head of the capture is broken: {0}")]
    Head(RecordFault),
}

impl From<RecordFault> for CaptureError {
    fn from(fault: RecordFault) -> Self {
        Self::Head(fault)
    }
}

/// Why one record is not read; those behind it may be.
#[derive(Debug, thiserror::Error)]
#[error("record {number}: {fault}")]
pub struct RecordError {
    /// Its place among the frames of the file, from 1.
    pub number: u64,
    /// What is wrong with it.
    pub fault: RecordFault,
}

/// What can be wrong with a record.
#[derive(Debug, thiserror::Error)]
pub enum RecordFault {
    /// The file ends inside it.
    #[error("the file ends inside it")]
    Truncated,
    /// It says that it is longer than any frame.
    #[error("its length is more than {MAX_RECORD} bytes: {length}")]
    TooLong {
        /// What it says.
        length: u32,
    },
    /// Its parts contradict each other.
    #[error("{0}")]
    Broken(&'static str),
    /// The file could not be read.
    #[error("the file cannot be read")]
    Unreadable(#[source] io::Error),
}

/// What a format's reader finds.
#[derive(Debug)]
struct Frame {
    at: Time,
    link: LinkType,
    bytes: Vec<u8>,
}

/// Why it found none, and whether there is no going on behind it.
#[derive(Debug)]
struct Stop {
    fault: RecordFault,
    is_end: bool,
}

impl Stop {
    const fn end(fault: RecordFault) -> Self {
        Self { fault, is_end: true }
    }

    const fn skip(fault: RecordFault) -> Self {
        Self { fault, is_end: false }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Big,
    Little,
}

impl Order {
    const fn u16(self, bytes: [u8; 2]) -> u16 {
        match self {
            Self::Big => u16::from_be_bytes(bytes),
            Self::Little => u16::from_le_bytes(bytes),
        }
    }

    const fn u32(self, bytes: [u8; 4]) -> u32 {
        match self {
            Self::Big => u32::from_be_bytes(bytes),
            Self::Little => u32::from_le_bytes(bytes),
        }
    }
}

fn read_all(input: &mut impl Read, to: &mut [u8]) -> Result<(), RecordFault> {
    if read_or_end(input, to)? { Ok(()) } else { Err(RecordFault::Truncated) }
}

/// Fills `to`; `false` when the input ended before its first byte.
fn read_or_end(input: &mut impl Read, to: &mut [u8]) -> Result<bool, RecordFault> {
    let mut filled = 0;
    while let Some(open) = to.get_mut(filled..).filter(|it| !it.is_empty()) {
        match input.read(open) {
            Ok(0) if filled == 0 => return Ok(false),
            Ok(0) => return Err(RecordFault::Truncated),
            Ok(count) => filled += count,
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
            Err(cause) => return Err(RecordFault::Unreadable(cause)),
        }
    }
    Ok(true)
}

/// Reads `length` bytes; too many are skipped, so that the next record can be read.
fn read_bounded(input: &mut impl Read, length: u32) -> Result<Vec<u8>, Stop> {
    let count = usize::try_from(length).unwrap_or(usize::MAX);
    if count > MAX_RECORD {
        let skipped = io::copy(&mut input.take(length.into()), &mut io::sink());
        let is_end = skipped.is_ok_and(|it| it < u64::from(length));
        return Err(Stop { fault: RecordFault::TooLong { length }, is_end });
    }
    let mut bytes = vec![0; count];
    read_all(input, &mut bytes).map_err(Stop::end)?;
    Ok(bytes)
}
