//! Advertising data: a sequence of structures, each a length, a type and the data of that type
//! (Core Specification, Vol 3, Part C, 11; Supplement, Part A; Assigned Numbers, 2.3).
//!
//! **Invariant:** nothing is copied, and what is looked at is only what was asked for. A structure
//! that says it is longer than what is left ends the sequence, as nothing behind it can be found.

mod field;

mod kind;

pub use field::{Field, Uuids};
pub use kind::AdKind;

/// Goes through the structures of advertising data, extended inquiry responses and the data that
/// hosts give their controllers.
#[derive(Clone, Debug)]
pub struct AdStructures<'a> {
    rest: &'a [u8],
}

/// One structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ad<'a> {
    /// Its type.
    pub kind: AdKind,
    /// Its data, without length and type.
    pub data: &'a [u8],
}

impl<'a> AdStructures<'a> {
    /// The structures in `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The structures, each read as its type says.
    pub fn fields(self) -> impl Iterator<Item = Field<'a>> {
        self.map(Ad::field)
    }

    /// Whether the last structure says that it is longer than what is left.
    #[must_use]
    pub fn is_cut(mut self) -> bool {
        self.by_ref().for_each(drop);
        self.rest.iter().any(|it| *it != 0)
    }
}

impl<'a> Iterator for AdStructures<'a> {
    type Item = Ad<'a>;

    /// Octets of zero between structures are padding: receivers that put an advertisement and the
    /// response to a scan into one buffer pad the first to its full length.
    fn next(&mut self) -> Option<Ad<'a>> {
        loop {
            let (length, rest) = self.rest.split_first()?;
            if *length == 0 {
                self.rest = rest;
                continue;
            }
            let (structure, rest) = rest.split_at_checked(usize::from(*length))?;
            let (kind, data) = structure.split_first()?;
            self.rest = rest;
            return Some(Ad { kind: AdKind(*kind), data });
        }
    }
}

#[cfg(test)]
mod tests;
