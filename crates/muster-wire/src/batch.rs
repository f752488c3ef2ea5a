//! The monitor's batch: an upload as bytes, and the hub's reply as a line of JSON.
//!
//! Tables of listeners and identities come first, then rows that name them by number, with their
//! sequence and their age. What travels is compressed. `docs/protocol.md` describes every field.
//!
//! **Invariant:** what was written is read equal, with the header's monitor in all listeners; any other
//! bytes are read as something or refused, and cost memory in proportion to their number.

mod cursor;
mod facts;
mod header;
mod reply;
#[cfg(test)]
mod tests;

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use muster_core::uplink::Upload;

use cursor::{In, Out};

pub use facts::{read_fact, write_fact};
pub use reply::{read_reply, write_reply};

/// Writes an upload, uncompressed.
pub fn write(upload: &Upload) -> Vec<u8> {
    let mut out = Out::default();
    out.bytes(MAGIC);
    out.byte(VERSION);
    header::write(&mut out, &upload.header);
    facts::write(&mut out, &upload.header, &upload.rows);
    out.done()
}

/// Reads an upload, uncompressed.
pub fn read(bytes: &[u8]) -> Result<Upload, BatchError> {
    let mut at = In::new(bytes);
    if at.take(MAGIC.len()) != Ok(MAGIC) {
        return Err(BatchError::Other);
    }
    let version = at.byte()?;
    if version != VERSION {
        return Err(BatchError::Version { given: version });
    }
    let header = header::read(&mut at)?;
    let rows = facts::read(&mut at, &header)?;
    if at.is_empty() { Ok(Upload { header, rows }) } else { Err(BatchError::Long) }
}

/// Compresses what was written (RFC 1950).
pub fn compress(bytes: &[u8]) -> Vec<u8> {
    let mut out = ZlibEncoder::new(Vec::with_capacity(bytes.len() / 4), Compression::fast());
    // Writing into memory does not fail.
    let written = out.write_all(bytes).and_then(|()| out.finish());
    written.unwrap_or_default()
}

/// The bytes that were compressed, if they are no more than an upload has.
pub fn expand(bytes: &[u8]) -> Result<Vec<u8>, BatchError> {
    let most = MAX_BYTES.min(bytes.len().saturating_mul(MOST_RATIO).saturating_add(SMALL));
    let mut out = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    let read = ZlibDecoder::new(bytes).take(limit).read_to_end(&mut out);
    match read {
        Ok(count) if count > most => Err(BatchError::Large),
        Ok(_) => Ok(out),
        Err(_) => Err(BatchError::Compression),
    }
}

/// Why bytes are no upload.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// Something else.
    #[error("this is no monitor's batch")]
    Other,
    /// Written by another version.
    #[error("the batch has format {given}, this hub knows {VERSION}")]
    Version {
        /// The format.
        given: u8,
    },
    /// It is not what it says that it is compressed with.
    #[error("the batch is not compressed as it should be")]
    Compression,
    /// It is larger than an upload may be.
    #[error("the batch expands to more than {MAX_BYTES} bytes, or to much more than was sent")]
    Large,
    /// It ends too soon.
    #[error("the batch ends inside a field")]
    Truncated,
    /// It goes on.
    #[error("something follows the batch")]
    Long,
    /// A field has a value that it cannot have.
    #[error("the batch has a wrong {field}")]
    Field {
        /// Which.
        field: &'static str,
    },
}

/// The most bytes of an upload, uncompressed: [`Upload::MAX_ROWS`] rows with texts of usual length.
pub const MAX_BYTES: usize = 8 << 20;
const MAGIC: &[u8] = b"MSTB";
const VERSION: u8 = 1;
/// Rows that are nearly alike come down to a fortieth.
const MOST_RATIO: usize = 100;
/// What may be expanded from however little.
const SMALL: usize = 64 << 10;
