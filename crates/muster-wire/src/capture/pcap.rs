//! The pcap format (draft-ietf-opsawg-pcap): a file header, then records.

use std::io::Read;

use muster_core::time::Time;

use super::{Frame, Order, RecordFault, Stop, read_all, read_bounded, read_or_end};
use crate::frame::LinkType;

/// What the file header says of every record.
#[derive(Debug)]
pub(super) struct Header {
    order: Order,
    is_nano: bool,
    link: LinkType,
}

/// The byte order and whether times are in nanoseconds, from the first four bytes.
pub(super) const fn order(magic: [u8; 4]) -> Option<(Order, bool)> {
    match magic {
        [0xa1, 0xb2, 0xc3, 0xd4] => Some((Order::Big, false)),
        [0xa1, 0xb2, 0x3c, 0x4d] => Some((Order::Big, true)),
        [0xd4, 0xc3, 0xb2, 0xa1] => Some((Order::Little, false)),
        [0x4d, 0x3c, 0xb2, 0xa1] => Some((Order::Little, true)),
        _ => None,
    }
}

impl Header {
    pub(super) fn read(
        input: &mut impl Read,
        (order, is_nano): (Order, bool),
    ) -> Result<Self, RecordFault> {
        let mut unused = [0; 16];
        let mut link = [0; 4];
        read_all(input, &mut unused)?;
        read_all(input, &mut link)?;
        // The upper half tells of check sequences, which is nothing for us.
        let link = u16::try_from(order.u32(link) & 0xffff).unwrap_or(0);
        Ok(Self { order, is_nano, link: LinkType(link) })
    }

    pub(super) fn next(&self, input: &mut impl Read) -> Result<Option<Frame>, Stop> {
        let mut words = [[0; 4]; 4];
        if !read_or_end(input, words.as_flattened_mut()).map_err(Stop::end)? {
            return Ok(None);
        }
        let [seconds, fraction, captured, _] = words.map(|it| i64::from(self.order.u32(it)));
        let micros = if self.is_nano { fraction / 1000 } else { fraction };
        let at = Time::from_micros(seconds * 1_000_000 + micros);
        let captured = u32::try_from(captured).unwrap_or(u32::MAX);
        let bytes = read_bounded(input, captured)?;
        Ok(Some(Frame { at, link: self.link, bytes }))
    }
}
