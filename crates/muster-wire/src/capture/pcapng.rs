//! The pcapng format (draft-ietf-opsawg-pcapng): sections of blocks. Packet blocks are read, all
//! others skipped; a broken block is skipped by its length.

use std::io::Read;

use muster_core::time::Time;

use super::{Frame, MAX_RECORD, Order, RecordFault, Stop, read_all, read_bounded, read_or_end};
use crate::bytes::Bytes;
use crate::frame::LinkType;

/// The first bytes of a section header block, the same in both orders.
pub(super) const SECTION: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];

/// The section being read.
#[derive(Debug)]
pub(super) struct Section {
    order: Order,
    interfaces: Vec<Interface>,
}

#[derive(Clone, Copy, Debug)]
struct Interface {
    link: LinkType,
    resolution: Resolution,
    offset_s: i64,
}

/// The unit of an interface's times.
#[derive(Clone, Copy, Debug)]
enum Resolution {
    /// 10 to the minus n seconds.
    Decimal(u8),
    /// 2 to the minus n seconds.
    Binary(u8),
}

impl Section {
    /// Reads a section header block behind its type.
    pub(super) fn read(input: &mut impl Read) -> Result<Self, RecordFault> {
        let mut length = [0; 4];
        let mut magic = [0; 4];
        read_all(input, &mut length)?;
        read_all(input, &mut magic)?;
        let order = match magic {
            [0x1a, 0x2b, 0x3c, 0x4d] => Order::Big,
            [0x4d, 0x3c, 0x2b, 0x1a] => Order::Little,
            _ => return Err(RecordFault::Broken("a section has no byte order mark")),
        };
        let length = order.u32(length);
        let rest = length.checked_sub(12).filter(|it| it % 4 == 0 && *it >= 16);
        let rest = rest.ok_or(RecordFault::Broken("a section header has an impossible length"))?;
        read_bounded(input, rest).map_err(|it| it.fault)?;
        Ok(Self { order, interfaces: Vec::new() })
    }

    /// The next packet.
    pub(super) fn next(&mut self, input: &mut impl Read) -> Result<Option<Frame>, Stop> {
        loop {
            let mut kind = [0; 4];
            if !read_or_end(input, &mut kind).map_err(Stop::end)? {
                return Ok(None);
            }
            if kind == SECTION {
                *self = Self::read(input).map_err(Stop::end)?;
                continue;
            }
            let body = self.body(input)?;
            let body = Bytes::new(&body);
            match self.order.u32(kind) {
                INTERFACE => {
                    let interface = self.interface(body);
                    self.interfaces.push(interface.ok_or(Stop::end(RecordFault::Broken(
                        "an interface's description is cut short",
                    )))?);
                    if self.interfaces.len() > MAX_INTERFACES {
                        let wrong = "it describes more interfaces than any machine has";
                        return Err(Stop::end(RecordFault::Broken(wrong)));
                    }
                }
                ENHANCED_PACKET => return self.packet(body, false).map(Some),
                OLD_PACKET => return self.packet(body, true).map(Some),
                SIMPLE_PACKET => {
                    return Err(Stop::skip(RecordFault::Broken("it has no time")));
                }
                _ => {}
            }
        }
    }

    /// A block's body, behind its type, up to and with the repeated length.
    fn body(&self, input: &mut impl Read) -> Result<Vec<u8>, Stop> {
        let mut length = [0; 4];
        read_all(input, &mut length).map_err(Stop::end)?;
        let length = self.order.u32(length);
        let rest = length.checked_sub(8).filter(|it| it % 4 == 0 && *it >= 4);
        let Some(rest) = rest else {
            let wrong = "a block has an impossible length, so the next one cannot be found";
            return Err(Stop::end(RecordFault::Broken(wrong)));
        };
        let mut body = read_bounded(input, rest)?;
        let again = body.split_off(body.len().saturating_sub(4));
        if <[u8; 4]>::try_from(again).map(|it| self.order.u32(it)) == Ok(length) {
            Ok(body)
        } else {
            Err(Stop::skip(RecordFault::Broken("a block's two lengths differ")))
        }
    }

    fn interface(&self, mut body: Bytes<'_>) -> Option<Interface> {
        let link = LinkType(self.u16(&mut body)?);
        body.skip(6)?;
        let mut interface = Interface { link, resolution: Resolution::Decimal(6), offset_s: 0 };
        while let (Some(code), Some(length)) = (self.u16(&mut body), self.u16(&mut body)) {
            if code == 0 {
                break;
            }
            // A broken option loses the options behind it, not the interface.
            let Some(value) = body.take(length.into()) else { break };
            match (code, value) {
                (TIME_RESOLUTION, [it]) if it & 0x80 == 0 => {
                    interface.resolution = Resolution::Decimal(*it);
                }
                (TIME_RESOLUTION, [it]) => interface.resolution = Resolution::Binary(it & 0x7f),
                (TIME_OFFSET, _) => {
                    if let Ok(octets) = <[u8; 8]>::try_from(value) {
                        interface.offset_s = match self.order {
                            Order::Big => i64::from_be_bytes(octets),
                            Order::Little => i64::from_le_bytes(octets),
                        };
                    }
                }
                _ => {}
            }
            let padding = usize::from(length).next_multiple_of(4) - usize::from(length);
            if body.skip(padding).is_none() {
                break;
            }
        }
        Some(interface)
    }

    fn packet(&self, mut body: Bytes<'_>, is_old: bool) -> Result<Frame, Stop> {
        let head = (|| {
            let interface = if is_old {
                let interface = self.u16(&mut body)?;
                body.skip(2)?;
                u32::from(interface)
            } else {
                self.u32(&mut body)?
            };
            let (high, low) = (self.u32(&mut body)?, self.u32(&mut body)?);
            let captured = self.u32(&mut body)?;
            body.skip(4)?;
            Some((interface, u64::from(high) << 32 | u64::from(low), captured))
        })();
        let wrong = |what| Stop::skip(RecordFault::Broken(what));
        let (interface, ticks, captured) = head.ok_or(wrong("its block is too short"))?;
        let index = usize::try_from(interface).unwrap_or(usize::MAX);
        let interface =
            self.interfaces.get(index).ok_or(wrong("its interface is not described"))?;
        let captured = usize::try_from(captured).unwrap_or(usize::MAX);
        let bytes = body.take(captured).ok_or(wrong("it is longer than its block"))?;
        if bytes.len() > MAX_RECORD {
            return Err(wrong("it is longer than any frame"));
        }
        Ok(Frame { at: interface.time(ticks), link: interface.link, bytes: bytes.to_vec() })
    }

    fn u16(&self, at: &mut Bytes<'_>) -> Option<u16> {
        at.array().map(|it| self.order.u16(it))
    }

    fn u32(&self, at: &mut Bytes<'_>) -> Option<u32> {
        at.array().map(|it| self.order.u32(it))
    }
}

impl Interface {
    fn time(self, ticks: u64) -> Time {
        let ticks = u128::from(ticks);
        let micros = match self.resolution {
            Resolution::Decimal(n @ 0..=6) => ticks * 10_u128.pow(6 - u32::from(n)),
            // A tick of less than 10^-38 s: everything happened at once.
            Resolution::Decimal(n) => {
                10_u128.checked_pow(u32::from(n) - 6).map_or(0, |unit| ticks / unit)
            }
            Resolution::Binary(n) => (ticks * 1_000_000).checked_shr(n.into()).unwrap_or(0),
        };
        let micros = i64::try_from(micros).unwrap_or(i64::MAX);
        Time::from_micros(micros.saturating_add(self.offset_s.saturating_mul(1_000_000)))
    }
}

const INTERFACE: u32 = 1;
const OLD_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;
const TIME_RESOLUTION: u16 = 9;
const TIME_OFFSET: u16 = 14;
const MAX_INTERFACES: usize = 4096;
