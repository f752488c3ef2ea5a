//! Writes Ethernet frames as a pcap file with times in microseconds.

use std::io::{self, Write};

use muster_core::time::Time;

use super::MAX_RECORD;
use crate::frame::LinkType;

/// A pcap file being written.
#[derive(Debug)]
pub struct PcapWriter<W> {
    output: W,
}

impl<W: Write> PcapWriter<W> {
    /// Writes the file's head.
    pub fn new(mut output: W) -> io::Result<Self> {
        let longest = u32::try_from(MAX_RECORD).unwrap_or(u32::MAX);
        let mut head = Vec::with_capacity(24);
        head.extend([0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0]);
        head.extend([0; 8]);
        head.extend(longest.to_le_bytes());
        head.extend(u32::from(LinkType::ETHERNET.0).to_le_bytes());
        output.write_all(&head)?;
        Ok(Self { output })
    }

    /// Writes one frame. Refused: a time outside 1970 to 2106, and a frame that no reader takes.
    pub fn write(&mut self, at: Time, frame: &[u8]) -> io::Result<()> {
        let refused = |what| io::Error::new(io::ErrorKind::InvalidInput, what);
        let seconds = u32::try_from(at.secs())
            .map_err(|_| refused("a pcap file holds times from 1970 to 2106"))?;
        let micros = u32::try_from(at.micros().rem_euclid(1_000_000)).unwrap_or(0);
        let length = u32::try_from(frame.len()).ok().filter(|_| frame.len() <= MAX_RECORD);
        let length = length.ok_or_else(|| refused("the frame is longer than any"))?;
        let mut head = [0; 16];
        let words = [seconds, micros, length, length].map(u32::to_le_bytes);
        for (to, from) in head.iter_mut().zip(words.as_flattened()) {
            *to = *from;
        }
        self.output.write_all(&head)?;
        self.output.write_all(frame)
    }

    /// Hands back the output, flushed.
    pub fn finish(mut self) -> io::Result<W> {
        self.output.flush()?;
        Ok(self.output)
    }
}
