//! Spans, probe outcomes and readings as few bytes, exact to the microsecond.
//!
//! Each instant is the difference to the one before it, the first to a base that the caller keeps,
//! as a zigzag LEB128 number. **Invariant:** what was packed is unpacked equal with the same base;
//! any other bytes are read as something or refused, and cost memory in proportion to their number.

use muster_core::fact::Outcome;
use muster_core::span::Span;
use muster_core::time::Time;

use crate::bytes::Bytes;

mod readings;
mod sequences;
pub use readings::{pack_hours, pack_readings, unpack_hours, unpack_readings};
pub use sequences::{pack_sequences, unpack_sequences};
pub(crate) use sequences::{pull_run, push_runs};

/// Packs spans; sorted ones near `base` take the fewest bytes, others are kept as well.
pub fn pack_spans(base: Time, spans: &[Span]) -> Vec<u8> {
    let mut out = Vec::with_capacity(spans.len() * 8);
    let mut last = base;
    for span in spans {
        push(&mut out, delta(last, span.from).into());
        push(&mut out, delta(span.from, span.to).into());
        last = span.to;
    }
    out
}

/// Unpacks spans packed with the same `base`.
pub fn unpack_spans(base: Time, bytes: &[u8]) -> Result<Vec<Span>, PackError> {
    let mut at = Bytes::new(bytes);
    let mut spans = Vec::with_capacity(bytes.len() / 6);
    let mut last = base;
    while !at.is_empty() {
        let from = later(last, small(pull(&mut at)?)?);
        let to = later(from, small(pull(&mut at)?)?);
        spans.push(Span::new(from, to));
        last = to;
    }
    Ok(spans)
}

/// Packs probe outcomes with their times.
pub fn pack_outcomes(base: Time, outcomes: &[(Time, Outcome)]) -> Vec<u8> {
    let mut out = Vec::with_capacity(outcomes.len() * 5);
    let mut last = base;
    for &(at, outcome) in outcomes {
        let code: u128 = match outcome {
            Outcome::Answered => 0,
            Outcome::Silent => 1,
            Outcome::NoEvidence => 2,
            Outcome::Unaskable => 3,
        };
        push(&mut out, u128::from(delta(last, at)) << 2 | code);
        last = at;
    }
    out
}

/// Unpacks outcomes packed with the same `base`.
pub fn unpack_outcomes(base: Time, bytes: &[u8]) -> Result<Vec<(Time, Outcome)>, PackError> {
    let mut at = Bytes::new(bytes);
    let mut outcomes = Vec::with_capacity(bytes.len() / 5);
    let mut last = base;
    while !at.is_empty() {
        let number = pull(&mut at)?;
        let outcome = match number & 0b11 {
            0 => Outcome::Answered,
            1 => Outcome::Silent,
            2 => Outcome::NoEvidence,
            _ => Outcome::Unaskable,
        };
        last = later(last, small(number >> 2)?);
        outcomes.push((last, outcome));
    }
    Ok(outcomes)
}

/// Why bytes are no packed list: they were damaged, or never were one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PackError {
    /// They end inside a number or between two that belong together.
    #[error("the packed list ends inside an entry")]
    Truncated,
    /// A number of more than 64 bits.
    #[error("the packed list holds a number that is too large")]
    Large,
}

/// The difference between two instants, small in size giving a small number. It wraps, so that it
/// exists for any two.
const fn delta(from: Time, to: Time) -> u64 {
    zigzag(to.micros().wrapping_sub(from.micros()))
}

const fn later(from: Time, delta: u64) -> Time {
    Time::from_micros(from.micros().wrapping_add(unzigzag(delta)))
}

/// A number small in size gives a small number.
pub(crate) const fn zigzag(it: i64) -> u64 {
    (it.cast_unsigned() << 1) ^ (it >> 63).cast_unsigned()
}

pub(crate) const fn unzigzag(it: u64) -> i64 {
    (it >> 1).cast_signed() ^ -((it & 1).cast_signed())
}

fn small(number: u128) -> Result<u64, PackError> {
    u64::try_from(number).map_err(|_| PackError::Large)
}

/// Writes a number as LEB128.
pub(crate) fn push(out: &mut Vec<u8>, mut number: u128) {
    loop {
        let [low, ..] = number.to_le_bytes();
        number >>= 7;
        if number == 0 {
            out.push(low & 0x7f);
            return;
        }
        out.push(low | 0x80);
    }
}

/// Reads a number of at most 11 digits of 7 bits each.
pub(crate) fn pull(at: &mut Bytes<'_>) -> Result<u128, PackError> {
    // Almost every number is that small, and there are hundreds of thousands in a report.
    let mut low: u64 = 0;
    for place in 0..NARROW_DIGITS {
        let digit = at.u8().ok_or(PackError::Truncated)?;
        low |= u64::from(digit & 0x7f) << (7 * place);
        if digit & 0x80 == 0 {
            return Ok(low.into());
        }
    }
    let mut number = u128::from(low);
    for place in NARROW_DIGITS..MAX_DIGITS {
        let digit = at.u8().ok_or(PackError::Truncated)?;
        number |= u128::from(digit & 0x7f) << (7 * place);
        if digit & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(PackError::Large)
}

/// What 64 bits hold, by 7.
const NARROW_DIGITS: u32 = 9;
/// 64 bits and the 9 of a signal, by 7.
const MAX_DIGITS: u32 = 11;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn times() -> impl Strategy<Value = Time> {
        prop_oneof![
            any::<i64>(),
            1_795_000_000_000_000..1_795_100_000_000_000_i64,
            Just(i64::MIN),
            Just(i64::MAX)
        ]
        .prop_map(Time::from_micros)
    }

    fn outcomes() -> impl Strategy<Value = Outcome> {
        prop_oneof![
            Just(Outcome::Answered),
            Just(Outcome::Silent),
            Just(Outcome::NoEvidence),
            Just(Outcome::Unaskable)
        ]
    }

    proptest! {
        #[test]
        fn spans_come_back(
            base in times(), given in prop::collection::vec((times(), times()), 0..40),
        ) {
            let spans: Vec<Span> = given.into_iter().map(|(a, b)| Span::new(a, b)).collect();
            prop_assert_eq!(unpack_spans(base, &pack_spans(base, &spans)), Ok(spans));
        }

        #[test]
        fn outcomes_come_back(
            base in times(), given in prop::collection::vec((times(), outcomes()), 0..40),
        ) {
            prop_assert_eq!(unpack_outcomes(base, &pack_outcomes(base, &given)), Ok(given));
        }

        #[test]
        fn any_bytes_are_read_or_refused(
            base in times(), bytes in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            if let Ok(spans) = unpack_spans(base, &bytes) {
                prop_assert!(spans.len() * 2 <= bytes.len());
                prop_assert_eq!(unpack_spans(base, &pack_spans(base, &spans)), Ok(spans));
            }
            if let Ok(list) = unpack_outcomes(base, &bytes) {
                prop_assert!(list.len() <= bytes.len());
                prop_assert_eq!(unpack_outcomes(base, &pack_outcomes(base, &list)), Ok(list));
            }
        }
    }

    #[test]
    fn a_day_is_small() {
        let base = Time::from_secs(1_795_219_200);
        let at = |s: i64| Time::from_secs(1_795_219_200 + s);
        let spans: Vec<Span> =
            (0..100).map(|it| Span::new(at(it * 800), at(it * 800 + 500))).collect();
        assert!(pack_spans(base, &spans).len() <= 100 * 10);
        let probes: Vec<_> = (0..100).map(|it| (at(it * 60), Outcome::Silent)).collect();
        assert!(pack_outcomes(base, &probes).len() <= 100 * 5);
    }

    #[test]
    fn damage_is_told_apart() {
        let base = Time::default();
        let spans = [Span::new(Time::from_secs(1), Time::from_secs(2))];
        let mut packed = pack_spans(base, &spans);
        packed.pop();
        assert_eq!(unpack_spans(base, &packed), Err(PackError::Truncated));
        assert_eq!(unpack_spans(base, &[0]), Err(PackError::Truncated));
        assert_eq!(unpack_spans(base, &[0xff; 12]), Err(PackError::Large));
        assert_eq!(unpack_outcomes(base, &[0xff]), Err(PackError::Truncated));
    }
}
