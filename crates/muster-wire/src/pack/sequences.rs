//! Sets of sequence numbers: each run as the numbers left out before it, and how many more than one it has.

use muster_core::uplink::SequenceSet;

use super::{PackError, pull, push, small};
use crate::bytes::Bytes;

/// Packs a set; runs near each other take the fewest bytes.
#[must_use]
pub fn pack_sequences(set: &SequenceSet) -> Vec<u8> {
    let mut out = Vec::with_capacity(set.runs().len() * 4);
    push_runs(&mut out, set);
    out
}

/// Writes the runs of a set.
pub(crate) fn push_runs(out: &mut Vec<u8>, set: &SequenceSet) {
    let mut next = 0;
    for run in set.runs() {
        push(out, u128::from(run.first.wrapping_sub(next)));
        push(out, u128::from(run.last.wrapping_sub(run.first)));
        // Behind the highest number nothing can follow.
        next = run.last.wrapping_add(1);
    }
}

/// Reads a run into a set whose last run it follows.
pub(crate) fn pull_run(at: &mut Bytes<'_>, set: &mut SequenceSet) -> Result<(), PackError> {
    let (out, more) = (small(pull(at)?)?, small(pull(at)?)?);
    let next = set.runs().last().map_or(Some(0), |it| it.last.checked_add(1));
    let first = next.and_then(|it| it.checked_add(out)).ok_or(PackError::Large)?;
    set.insert_run(first, first.checked_add(more).ok_or(PackError::Large)?);
    Ok(())
}

/// Unpacks a set.
pub fn unpack_sequences(bytes: &[u8]) -> Result<SequenceSet, PackError> {
    let mut at = Bytes::new(bytes);
    let mut set = SequenceSet::new();
    while !at.is_empty() {
        pull_run(&mut at, &mut set)?;
    }
    Ok(set)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sets() -> impl Strategy<Value = SequenceSet> {
        let number = prop_oneof![any::<u64>(), 0..50_u64, (u64::MAX - 50)..=u64::MAX];
        let runs = prop::collection::vec((number, 0..9_u64), 0..9);
        runs.prop_map(|runs| {
            let mut set = SequenceSet::new();
            for (first, more) in runs {
                set.insert_run(first, first.saturating_add(more));
            }
            set
        })
    }

    proptest! {
        #[test]
        fn what_was_packed_comes_back(set in sets()) {
            prop_assert_eq!(unpack_sequences(&pack_sequences(&set)), Ok(set));
        }

        #[test]
        fn anything_else_is_refused_or_read(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            if let Ok(set) = unpack_sequences(&bytes) {
                prop_assert_eq!(unpack_sequences(&pack_sequences(&set)), Ok(set));
            }
        }
    }

    #[test]
    fn behind_the_highest_number_nothing_follows() {
        let mut all = SequenceSet::new();
        all.insert_run(0, u64::MAX);
        let bytes = pack_sequences(&all);
        assert_eq!(unpack_sequences(&bytes), Ok(all));
        assert_eq!(unpack_sequences(&[bytes, vec![0, 0]].concat()), Err(PackError::Large));
        assert_eq!(unpack_sequences(&[0x80]), Err(PackError::Truncated));
    }
}
