//! Hostile input: what parsers know, damaged in ways that follow from a seed.
//!
//! The corpus is the caller's and fixed, the damage seeded, the number of rounds bounded: a failure
//! comes back, and takes as long as the last time. `MUSTER_FUZZ` multiplies the rounds.

use crate::rng::Rng;

/// Calls `check` with so many damaged copies of what is in `corpus`, and the place of the original.
pub fn damage(seed: u64, rounds: u64, corpus: &[Vec<u8>], mut check: impl FnMut(usize, &[u8])) {
    let all = Rng::new(seed);
    for round in 0..rounds.saturating_mul(factor()) {
        let mut luck = all.fork(round);
        let which = luck.below(corpus.len());
        let mut bytes = corpus.get(which).cloned().unwrap_or_default();
        for _ in 0..=luck.below(5) {
            hurt(&mut bytes, &mut luck);
        }
        check(which, &bytes);
    }
}

fn hurt(bytes: &mut Vec<u8>, luck: &mut Rng) {
    let (a, b) = (luck.below(bytes.len()), luck.below(bytes.len()));
    let (from, to) = (a.min(b), a.max(b));
    match luck.below(7) {
        0 => set(bytes, a, |_| u8::try_from(luck.number(256)).unwrap_or(0)),
        1 => set(bytes, a, |it| it ^ (1 << luck.below(8))),
        2 => bytes.truncate(a),
        3 => drop(bytes.drain(from..to)),
        4 => {
            let piece = bytes.get(from..to).unwrap_or_default().to_vec();
            bytes.splice(b..b, piece);
        }
        // Where limits hide.
        5 => set(bytes, a, |_| EDGES.get(luck.below(EDGES.len())).copied().unwrap_or(0)),
        _ => {
            let word = luck.pick(WORDS).copied().unwrap_or_default();
            bytes.splice(a..a, word.iter().copied());
        }
    }
}

fn set(bytes: &mut [u8], at: usize, to: impl FnOnce(u8) -> u8) {
    if let Some(it) = bytes.get_mut(at) {
        *it = to(*it);
    }
}

fn factor() -> u64 {
    std::env::var("MUSTER_FUZZ").ok().and_then(|it| it.parse().ok()).unwrap_or(1)
}

const EDGES: &[u8] = &[0, 1, 0x3f, 0x40, 0x7f, 0x80, 0xc0, 0xfe, 0xff];
/// What texts trip over.
const WORDS: &[&[u8]] = &[
    b"\0",
    b"\"",
    b"\\",
    b"-1",
    b"9223372036854775808",
    b"1e999",
    b"null",
    b"{",
    b"[",
    b"..",
    b"%00",
    b"%2f",
    b"\xff",
    "\u{202e}".as_bytes(),
    "\u{e0041}".as_bytes(),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_determines_the_damage() {
        let of = |seed| {
            let mut all = Vec::new();
            damage(seed, 50, &[b"one".to_vec(), Vec::new()], |which, it| {
                all.push((which, it.to_vec()));
            });
            all
        };
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
        assert!(of(1).iter().any(|(_, it)| it.len() > 3));
    }
}
