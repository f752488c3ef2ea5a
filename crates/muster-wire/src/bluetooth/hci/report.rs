//! Reports of the controller on what it heard: advertisements of both generations and the answers
//! to an inquiry, one event holding several.

use muster_core::identity::Mac;

use super::super::address::Address;
use super::super::advertisement::{Advertisement, Event, Kind};
use crate::bytes::Bytes;

/// The broadcasts of one event, read one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reports<'a> {
    form: Form,
    count: u8,
    octets: &'a [u8],
}

/// How a report is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// LE Advertising Report (Vol 4, Part E, 7.7.65.2).
    Legacy,
    /// LE Directed Advertising Report (7.7.65.11).
    Directed,
    /// LE Extended Advertising Report (7.7.65.13).
    Extended,
    /// Inquiry Result (7.7.2).
    Inquiry,
    /// Inquiry Result with RSSI (7.7.33).
    InquirySignal,
    /// Extended Inquiry Result (7.7.38): always one.
    InquiryExtended,
}

impl Form {
    /// How the event with these codes is laid out; none when it reports no broadcast.
    pub(super) const fn of(code: u8, subevent: Option<u8>) -> Option<Self> {
        Some(match (code, subevent) {
            (0x02, _) => Self::Inquiry,
            (0x22, _) => Self::InquirySignal,
            (0x2f, _) => Self::InquiryExtended,
            (0x3e, Some(0x02)) => Self::Legacy,
            (0x3e, Some(0x0b)) => Self::Directed,
            (0x3e, Some(0x0d)) => Self::Extended,
            _ => return None,
        })
    }
}

impl<'a> Reports<'a> {
    /// The reports of an event; none when one of them is cut short.
    pub(super) fn read(form: Form, parameters: &'a [u8]) -> Option<Self> {
        let (count, octets) = parameters.split_first()?;
        let count = if form == Form::InquiryExtended { 1 } else { *count };
        Some(Self { form, count, octets }).filter(|it| it.iter().count() == usize::from(count))
    }

    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = Advertisement<'a>> + use<'a> {
        let mut at = Bytes::new(self.octets);
        let reports = (0..self.count).map(move |_| match self.form {
            Form::Legacy => legacy(&mut at),
            Form::Directed => directed(&mut at),
            Form::Extended => extended(&mut at),
            Form::Inquiry => inquiry(&mut at),
            Form::InquirySignal => inquiry_signal(&mut at),
            Form::InquiryExtended => inquiry_extended(&mut at),
        });
        reports.map_while(|it| it)
    }
}

fn legacy<'a>(at: &mut Bytes<'a>) -> Option<Advertisement<'a>> {
    let kind = match at.u8()? {
        0x00 => Kind::LowEnergy(Event::CONNECTABLE),
        0x01 => Kind::LowEnergy(Event::DIRECTED),
        0x02 => Kind::LowEnergy(Event::SCANNABLE),
        0x03 => Kind::LowEnergy(Event::BROADCAST),
        0x04 => Kind::LowEnergy(Event::SCAN_RESPONSE),
        _ => Kind::Unknown,
    };
    let from = typed(at)?;
    let length = at.u8()?;
    let data = at.take(length.into())?;
    let (address, rssi) = (sender(from), signal(at.i8()?));
    Some(Advertisement { address, rssi, kind, ..Advertisement::bare(data) })
}

fn directed<'a>(at: &mut Bytes<'a>) -> Option<Advertisement<'a>> {
    at.skip(1)?;
    let (address, target) = (sender(typed(at)?), target(typed(at)?));
    let rssi = signal(at.i8()?);
    let kind = Kind::LowEnergy(Event::DIRECTED);
    Some(Advertisement { address, rssi, kind, target, ..Advertisement::bare(&[]) })
}

fn extended<'a>(at: &mut Bytes<'a>) -> Option<Advertisement<'a>> {
    let event = Event(at.u16_le()?);
    let address = sender(typed(at)?);
    // PHYs and the advertising set.
    at.skip(3)?;
    let (tx_power, rssi) = (signal(at.i8()?), signal(at.i8()?));
    at.skip(2)?;
    let target = target(typed(at)?).filter(|_| event.is_directed());
    let length = at.u8()?;
    let data = at.take(length.into())?;
    let kind = Kind::LowEnergy(event);
    Some(Advertisement { address, rssi, tx_power, kind, target, ..Advertisement::bare(data) })
}

fn inquiry<'a>(at: &mut Bytes<'a>) -> Option<Advertisement<'a>> {
    let address = Some(Address::classic(at.mac_le()?));
    at.skip(3)?;
    let class = Some(at.u24_le()?);
    at.skip(2)?;
    Some(Advertisement { address, class, kind: Kind::Inquiry, ..Advertisement::bare(&[]) })
}

fn inquiry_signal<'a>(at: &mut Bytes<'a>) -> Option<Advertisement<'a>> {
    let address = Some(Address::classic(at.mac_le()?));
    at.skip(2)?;
    let class = Some(at.u24_le()?);
    at.skip(2)?;
    let rssi = signal(at.i8()?);
    Some(Advertisement { address, rssi, class, kind: Kind::Inquiry, ..Advertisement::bare(&[]) })
}

fn inquiry_extended<'a>(at: &mut Bytes<'a>) -> Option<Advertisement<'a>> {
    let head = inquiry_signal(at)?;
    let data = at.rest();
    at.skip(data.len())?;
    Some(Advertisement { data, ..head })
}

/// An address behind its type.
fn typed(at: &mut Bytes<'_>) -> Option<(u8, Mac)> {
    Some((at.u8()?, at.mac_le()?))
}

/// Who sent it; none when it is anonymous.
const fn sender((kind, mac): (u8, Mac)) -> Option<Address> {
    Address::of_hci(kind, mac)
}

/// Whom a directed advertisement is for; 0xfe stands for a private address that the controller could
/// not resolve.
const fn target((kind, mac): (u8, Mac)) -> Option<Address> {
    Address::of_hci(if kind == 0xfe { 1 } else { kind }, mac)
}

/// Decibels; none for 127, which stands for "not known".
pub(in crate::bluetooth) const fn signal(dbm: i8) -> Option<i8> {
    if dbm == i8::MAX { None } else { Some(dbm) }
}
