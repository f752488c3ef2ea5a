//! A small seeded generator of numbers, so that a failing run is one number to hand on.
//!
//! `SplitMix64` (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014): passes
//! the usual batteries, needs one word of state and no dependency.

/// A stream of numbers that a seed determines.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// A stream for a seed; near seeds give unrelated streams.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed ^ 0x5851_f42d_4c95_7f2d)
    }

    /// An unrelated stream, named so that adding draws elsewhere does not disturb it.
    #[must_use]
    pub fn fork(&self, name: u64) -> Self {
        let mut other = Self(self.0 ^ name.wrapping_mul(GOLDEN));
        other.bits();
        Self(other.bits())
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in `from..to`; `from` if there is none.
    pub fn within(&mut self, from: i64, to: i64) -> i64 {
        let width = u64::try_from(to.saturating_sub(from)).unwrap_or(0);
        if width == 0 {
            return from;
        }
        from.saturating_add(i64::try_from(self.bits() % width).unwrap_or(0))
    }

    /// An index below `count`; 0 if there is none.
    pub fn below(&mut self, count: usize) -> usize {
        usize::try_from(self.bits() % (count as u64).max(1)).unwrap_or(0)
    }

    /// A number below `count`; 0 if there is none.
    pub fn number(&mut self, count: u32) -> u32 {
        u32::try_from(self.bits() % u64::from(count.max(1))).unwrap_or(0)
    }

    /// True in so many of a hundred draws.
    pub fn percent(&mut self, chance: u32) -> bool {
        self.bits() % 100 < u64::from(chance)
    }

    /// One of several.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        let at = self.below(from.len());
        from.get(at)
    }

    /// A fraction in [0, 1).
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit a double exactly")]
    pub fn fraction(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Shuffles (Fisher and Yates).
    pub fn shuffle<T>(&mut self, all: &mut [T]) {
        for at in (1..all.len()).rev() {
            let other = self.below(at + 1);
            all.swap(at, other);
        }
    }
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_determines_the_stream() {
        let draw = |seed| {
            let mut it = Rng::new(seed);
            [it.bits(), it.bits(), it.bits()]
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }

    #[test]
    fn draws_stay_within_their_bounds() {
        let mut it = Rng::new(1);
        for _ in 0..1000 {
            assert!((-3..4).contains(&it.within(-3, 4)));
            assert!((0.0..1.0).contains(&it.fraction()));
        }
        assert_eq!(it.within(5, 5), 5);
    }
}
