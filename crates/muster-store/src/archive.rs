//! A store as one compressed file, of which a store of any kind can be made again.
//!
//! It is text that other programs read as well: gzip (RFC 1952), and in that one JSON value a line (RFC
//! 8259). The first one says what it is, then come the tables, each with its columns and then its rows as
//! arrays, and the last one says how many rows each table has and their sums. **Invariant:** a file that does
//! not end with sums that agree is no archive.

mod line;
mod reading;
mod writing;

pub use reading::Archive;
pub use writing::Writing;

/// The form that is read and written here. It is raised whenever what a row says changes, whatever its
/// columns are called.
pub(crate) const FORMAT: i64 = 1;
