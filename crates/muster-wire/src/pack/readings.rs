//! Readings and counted hours as few bytes.
//!
//! What all of a list have in common (the interval or the hour, its length, the number from which
//! identities are counted) is not in it: the caller keeps that beside. An identity is the difference to
//! the one before it, so lists in order of identity take the fewest bytes.

use std::time::Duration;

use muster_core::batch::Reading;
use muster_core::identity::{IdentityId, ListenerId};
use muster_core::reading::{Signals, WinnerHour};
use muster_core::time::Time;

use super::{PackError, delta, later, pull, push, small, unzigzag, zigzag};
use crate::bytes::Bytes;

/// Packs readings of one interval and length.
pub fn pack_readings(interval: Time, base: IdentityId, readings: &[Reading]) -> Vec<u8> {
    let mut out = Vec::with_capacity(readings.len() * 9);
    let mut last = base;
    for it in readings {
        push_identity(&mut out, &mut last, it.identity);
        push(&mut out, it.listener.0.into());
        let at = u128::from(delta(interval, it.at)) << SIGNAL_BITS;
        push(&mut out, at | it.rssi.map_or(0, |it| u128::from(above(it)) + 1));
    }
    out
}

/// Unpacks readings packed with the same interval and base.
pub fn unpack_readings(
    interval: Time,
    length: Duration,
    base: IdentityId,
    bytes: &[u8],
) -> Result<Vec<Reading>, PackError> {
    let mut from = Bytes::new(bytes);
    let mut readings = Vec::with_capacity(bytes.len() / 7);
    let mut last = base;
    while !from.is_empty() {
        let identity = pull_identity(&mut from, &mut last)?;
        let listener = ListenerId(narrow(pull(&mut from)?)?);
        let number = pull(&mut from)?;
        let at = later(interval, small(number >> SIGNAL_BITS)?);
        let rssi = match number & SIGNAL {
            0 => None,
            it => Some(below(narrow(it - 1)?)),
        };
        readings.push(Reading { interval, length, identity, listener, rssi, at });
    }
    Ok(readings)
}

/// Packs what was won in one hour in intervals of one length.
pub fn pack_hours(hour: Time, base: IdentityId, hours: &[WinnerHour]) -> Vec<u8> {
    let mut out = Vec::with_capacity(hours.len() * 20);
    let mut last = base;
    for it in hours {
        push_identity(&mut out, &mut last, it.identity);
        push(&mut out, it.listener.0.into());
        push(&mut out, it.readings.into());
        push(&mut out, delta(hour, it.first).into());
        push(&mut out, delta(it.first, it.last).into());
        push(&mut out, it.signals.map_or(0, |it| u128::from(it.count) + 1));
        if let Some(signals) = it.signals {
            push(&mut out, zigzag(signals.sum).into());
            out.extend([above(signals.best), above(signals.worst)]);
        }
    }
    out
}

/// Unpacks what was packed with the same hour and base.
pub fn unpack_hours(
    hour: Time,
    length: Duration,
    base: IdentityId,
    bytes: &[u8],
) -> Result<Vec<WinnerHour>, PackError> {
    let mut from = Bytes::new(bytes);
    let mut hours = Vec::with_capacity(bytes.len() / 16);
    let mut identity = base;
    while !from.is_empty() {
        let identity = pull_identity(&mut from, &mut identity)?;
        let listener = ListenerId(narrow(pull(&mut from)?)?);
        let readings = narrow(pull(&mut from)?)?;
        let first = later(hour, small(pull(&mut from)?)?);
        let last = later(first, small(pull(&mut from)?)?);
        let signals = match pull(&mut from)? {
            0 => None,
            count => {
                let count = narrow(count - 1)?;
                let sum = unzigzag(small(pull(&mut from)?)?);
                let [best, worst] = from.array().ok_or(PackError::Truncated)?;
                let (best, worst) = (below(best), below(worst));
                Some(Signals { count, sum, best, worst })
            }
        };
        hours.push(WinnerHour { hour, length, identity, listener, readings, first, last, signals });
    }
    Ok(hours)
}

fn push_identity(out: &mut Vec<u8>, last: &mut IdentityId, it: IdentityId) {
    push(out, it.0.wrapping_sub(last.0).into());
    *last = it;
}

fn pull_identity(from: &mut Bytes<'_>, last: &mut IdentityId) -> Result<IdentityId, PackError> {
    *last = IdentityId(last.0.wrapping_add(narrow(pull(from)?)?));
    Ok(*last)
}

/// A signal counted from the weakest there is.
const fn above(rssi: i8) -> u8 {
    rssi.cast_unsigned() ^ 0x80
}

const fn below(number: u8) -> i8 {
    (number ^ 0x80).cast_signed()
}

fn narrow<T: TryFrom<u128>>(number: u128) -> Result<T, PackError> {
    T::try_from(number).map_err(|_| PackError::Large)
}

/// No signal, or one of 256.
const SIGNAL_BITS: u32 = 9;
const SIGNAL: u128 = (1 << SIGNAL_BITS) - 1;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LENGTH: Duration = Duration::from_mins(5);

    fn times() -> impl Strategy<Value = Time> {
        prop_oneof![any::<i64>(), 1_795_000_000_000_000..1_795_100_000_000_000_i64]
            .prop_map(Time::from_micros)
    }

    fn readings() -> impl Strategy<Value = Vec<Reading>> {
        let one = (any::<u32>(), any::<u32>(), any::<Option<i8>>(), times());
        let one = one.prop_map(|(identity, listener, rssi, at)| Reading {
            interval: Time::default(),
            length: LENGTH,
            identity: IdentityId(identity),
            listener: ListenerId(listener),
            rssi,
            at,
        });
        prop::collection::vec(one, 0..40)
    }

    fn signals() -> impl Strategy<Value = Option<Signals>> {
        let some = (0..u32::MAX, any::<i64>(), any::<i8>(), any::<i8>());
        let some = some.prop_map(|(count, sum, best, worst)| Signals { count, sum, best, worst });
        prop::option::of(some)
    }

    fn hours() -> impl Strategy<Value = Vec<WinnerHour>> {
        let one = (any::<u32>(), any::<u32>(), any::<u32>(), times(), times(), signals());
        let one = one.prop_map(|(identity, listener, readings, first, last, signals)| WinnerHour {
            hour: Time::default(),
            length: LENGTH,
            identity: IdentityId(identity),
            listener: ListenerId(listener),
            readings,
            first,
            last,
            signals,
        });
        prop::collection::vec(one, 0..40)
    }

    proptest! {
        #[test]
        fn readings_come_back(interval in times(), base: u32, given in readings()) {
            let base = IdentityId(base);
            let all: Vec<_> = given.into_iter().map(|it| Reading { interval, ..it }).collect();
            let packed = pack_readings(interval, base, &all);
            prop_assert_eq!(unpack_readings(interval, LENGTH, base, &packed), Ok(all));
        }

        #[test]
        fn hours_come_back(hour in times(), base: u32, given in hours()) {
            let base = IdentityId(base);
            let all: Vec<_> = given.into_iter().map(|it| WinnerHour { hour, ..it }).collect();
            let packed = pack_hours(hour, base, &all);
            prop_assert_eq!(unpack_hours(hour, LENGTH, base, &packed), Ok(all));
        }

        #[test]
        fn any_bytes_are_read_or_refused(
            at in times(), base: u32, bytes in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            let base = IdentityId(base);
            if let Ok(all) = unpack_readings(at, LENGTH, base, &bytes) {
                prop_assert!(all.len() * 3 <= bytes.len());
                let packed = pack_readings(at, base, &all);
                prop_assert_eq!(unpack_readings(at, LENGTH, base, &packed), Ok(all));
            }
            if let Ok(all) = unpack_hours(at, LENGTH, base, &bytes) {
                prop_assert!(all.len() * 6 <= bytes.len());
                let packed = pack_hours(at, base, &all);
                prop_assert_eq!(unpack_hours(at, LENGTH, base, &packed), Ok(all));
            }
        }
    }

    #[test]
    fn an_interval_of_a_fleet_is_small() {
        let interval = Time::from_secs(1_795_262_400);
        let one = |number: u32| Reading {
            interval,
            length: LENGTH,
            identity: IdentityId(number),
            listener: ListenerId(number % 10),
            rssi: Some(-70),
            at: interval + Duration::from_millis(number.into()) * 1_400,
        };
        let all: Vec<Reading> = (0..200).map(one).collect();
        let packed = pack_readings(interval, IdentityId(0), &all);
        assert!(packed.len() <= 200 * 8, "{}", packed.len());
        assert_eq!(
            unpack_readings(interval, LENGTH, IdentityId(0), &packed[..7]),
            Err(PackError::Truncated)
        );
    }
}
