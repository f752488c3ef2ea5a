//! Bytes of a file that were read beyond where its reader stands, so that it can look before it leaps.
//!
//! **Invariant:** it never reads further than it is asked to.

use std::io::Read;

use super::{RecordFault, Stop};

/// What was read and not yet taken.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    bytes: Vec<u8>,
    /// How many of them were taken already.
    taken: usize,
}

impl Ahead {
    /// Reads until `count` bytes are there, or the file ends; how many there are, at most `count`.
    pub(super) fn fill(&mut self, input: &mut impl Read, count: usize) -> Result<usize, Stop> {
        let there = self.bytes.len() - self.taken;
        if there < count {
            let missing = u64::try_from(count - there).unwrap_or(u64::MAX);
            let read = input.take(missing).read_to_end(&mut self.bytes);
            read.map_err(|cause| Stop::end(RecordFault::Unreadable(cause)))?;
        }
        Ok((self.bytes.len() - self.taken).min(count))
    }

    /// So many bytes from a place on, if they are there.
    pub(super) fn get(&self, place: usize, count: usize) -> Option<&[u8]> {
        let from = self.taken.checked_add(place)?;
        self.bytes.get(from..from.checked_add(count)?)
    }

    /// Takes so many bytes, or all that are there.
    pub(super) fn take(&mut self, count: usize) -> Vec<u8> {
        let end = self.bytes.len().min(self.taken.saturating_add(count));
        let taken = self.bytes.get(self.taken..end).unwrap_or_default().to_vec();
        self.taken = end;
        if self.taken >= KEPT {
            self.bytes.drain(..self.taken);
            self.taken = 0;
        }
        taken
    }
}

/// What was taken is dropped in pieces of this size: to move the rest each time would cost more.
const KEPT: usize = 1 << 16;
