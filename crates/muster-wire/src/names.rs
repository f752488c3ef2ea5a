//! Names in an embedded table, numbered: sorted, each behind its length in one byte, with where every
//! 32nd begins. Shared by the tables of vendors and of Bluetooth's numbers; `cargo xtask` makes them.

use std::cmp::Ordering;

use crate::bytes::Bytes;

/// The names of a table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Names<'a> {
    begins: &'a [[u8; 4]],
    text: &'a [u8],
}

impl<'a> Names<'a> {
    /// Names whose beginnings are in `begins`, as many as [`begin_count`] says.
    pub(crate) const fn new(begins: &'a [[u8; 4]], text: &'a [u8]) -> Self {
        Self { begins, text }
    }

    /// The name with a number.
    pub(crate) fn name(&self, number: u16) -> Option<&'a str> {
        let number = usize::from(number);
        let begin = u32::from_be_bytes(*self.begins.get(number / STRIDE)?);
        let mut at = Bytes::new(self.text.get(usize::try_from(begin).ok()?..)?);
        for _ in 0..number % STRIDE {
            let length = at.u8()?;
            at.skip(length.into())?;
        }
        let length = at.u8()?;
        std::str::from_utf8(at.take(length.into())?).ok()
    }
}

/// How many beginnings a table of so many names has.
pub(crate) const fn begin_count(names: usize) -> usize {
    names.div_ceil(STRIDE)
}

/// So many rows of `N` bytes.
pub(crate) fn rows<'a, const N: usize>(at: &mut Bytes<'a>, count: usize) -> Option<&'a [[u8; N]]> {
    let (rows, _) = at.take(count.checked_mul(N)?)?.as_chunks();
    Some(rows)
}

/// The number in the row with this prefix; rows are sorted, and end in the number.
pub(crate) fn find<const N: usize>(rows: &[[u8; N]], prefix: &[u8]) -> Option<u16> {
    let order = |row: &[u8; N]| row.get(..prefix.len()).map_or(Ordering::Less, |it| it.cmp(prefix));
    let row = rows.get(rows.binary_search_by(order).ok()?)?;
    row.last_chunk().map(|it| u16::from_be_bytes(*it))
}

/// Of every so many names the table says where they begin.
const STRIDE: usize = 32;
