//! Numbers and texts of a batch, to and fro.

use std::time::Duration;

use muster_core::time::{Time, micros};
use muster_core::uplink::SequenceSet;

use super::BatchError;
use crate::bytes::Bytes;
use crate::pack::{PackError, pull, pull_run, push, push_runs, unzigzag, zigzag};

/// What is written.
#[derive(Debug, Default)]
pub(super) struct Out(Vec<u8>);

impl Out {
    pub(super) fn byte(&mut self, it: u8) {
        self.0.push(it);
    }

    pub(super) fn bytes(&mut self, it: &[u8]) {
        self.0.extend_from_slice(it);
    }

    /// LEB128.
    pub(super) fn number(&mut self, it: u64) {
        push(&mut self.0, it.into());
    }

    /// Zigzag, then LEB128: small in size, few bytes.
    pub(super) fn signed(&mut self, it: i64) {
        self.number(zigzag(it));
    }

    /// Microseconds.
    pub(super) fn length(&mut self, it: Duration) {
        self.number(micros(it).unsigned_abs());
    }

    /// How many runs there are, then each.
    pub(super) fn sequences(&mut self, it: &SequenceSet) {
        self.number(it.runs().len() as u64);
        push_runs(&mut self.0, it);
    }

    /// Its length, then UTF-8.
    pub(super) fn text(&mut self, it: &str) {
        self.number(it.len() as u64);
        self.bytes(it.as_bytes());
    }

    /// 0, or 1 and the value.
    pub(super) fn maybe<T>(&mut self, it: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.byte(u8::from(it.is_some()));
        if let Some(it) = it {
            write(self, it);
        }
    }

    /// How long before `sent`, in microseconds.
    pub(super) fn age(&mut self, sent: Time, at: Time) {
        self.signed(sent.micros().wrapping_sub(at.micros()));
    }

    pub(super) fn done(self) -> Vec<u8> {
        self.0
    }
}

/// What is read.
#[derive(Debug)]
pub(super) struct In<'a>(Bytes<'a>);

impl<'a> In<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(Bytes::new(bytes))
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many bytes are left: no list has more entries.
    pub(super) const fn left(&self) -> usize {
        self.0.rest().len()
    }

    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], BatchError> {
        self.0.take(count).ok_or(BatchError::Truncated)
    }

    pub(super) fn byte(&mut self) -> Result<u8, BatchError> {
        self.0.u8().ok_or(BatchError::Truncated)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], BatchError> {
        self.0.array().ok_or(BatchError::Truncated)
    }

    pub(super) fn number(&mut self) -> Result<u64, BatchError> {
        let number = pull(&mut self.0).map_err(|_| BatchError::Truncated)?;
        u64::try_from(number).map_err(|_| BatchError::Field { field: "number" })
    }

    pub(super) fn signed(&mut self) -> Result<i64, BatchError> {
        self.number().map(unzigzag)
    }

    pub(super) fn length(&mut self) -> Result<Duration, BatchError> {
        self.number().map(Duration::from_micros)
    }

    /// A count that is at most `most`.
    pub(super) fn count(&mut self, most: usize, field: &'static str) -> Result<usize, BatchError> {
        let count = usize::try_from(self.number()?).unwrap_or(usize::MAX);
        if count > self.left() {
            return Err(BatchError::Truncated);
        }
        if count > most { Err(BatchError::Field { field }) } else { Ok(count) }
    }

    /// At most `most` runs.
    pub(super) fn sequences(
        &mut self,
        most: usize,
        field: &'static str,
    ) -> Result<SequenceSet, BatchError> {
        let mut set = SequenceSet::new();
        for _ in 0..self.count(most, field)? {
            pull_run(&mut self.0, &mut set).map_err(|it| match it {
                PackError::Truncated => BatchError::Truncated,
                PackError::Large => BatchError::Field { field },
            })?;
        }
        Ok(set)
    }

    /// Text of at most `most` bytes, without control characters.
    pub(super) fn text(&mut self, most: usize, field: &'static str) -> Result<&'a str, BatchError> {
        let count = self.count(most, field)?;
        let text = std::str::from_utf8(self.take(count)?);
        let text = text.ok().filter(|it| !it.chars().any(char::is_control));
        text.ok_or(BatchError::Field { field })
    }

    pub(super) fn maybe<T>(
        &mut self,
        field: &'static str,
        read: impl FnOnce(&mut Self) -> Result<T, BatchError>,
    ) -> Result<Option<T>, BatchError> {
        match self.byte()? {
            0 => Ok(None),
            1 => read(self).map(Some),
            _ => Err(BatchError::Field { field }),
        }
    }

    pub(super) fn age(&mut self, sent: Time) -> Result<Time, BatchError> {
        Ok(Time::from_micros(sent.micros().wrapping_sub(self.signed()?)))
    }
}
