//! The codes that let a far monitor in: each is good once, and not for long.
//!
//! A machine without clock, chance or network: time and random bits are handed in. Of a code only the
//! hash is kept. **Invariant:** whoever guesses at the 50 bits of a code has five tries a minute over
//! all codes.

use std::collections::VecDeque;
use std::time::Duration;

use muster_core::time::Now;
use muster_web::InviteWish;
use sha2::{Digest as _, Sha256};

/// The codes that wait.
#[derive(Debug, Default)]
pub(crate) struct Codes {
    waiting: Vec<Waiting>,
    /// When somebody gave a wrong one, on the monotonic clock.
    wrong: VecDeque<Duration>,
}

/// Who is let in by a code.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    code: [u8; 32],
    until: Duration,
    /// As whom.
    pub(crate) wish: InviteWish,
}

/// Why nobody is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    /// It is none of them.
    #[error("the code is wrong, was used, or is too old")]
    Wrong,
    /// Whoever it is has to wait.
    #[error("too many wrong codes were given in the last minute")]
    TooMany,
}

impl Codes {
    /// How long a code is good: as long as it takes to walk to the monitor.
    pub(crate) const GOOD_FOR: Duration = Duration::from_mins(15);
    /// So many wrong codes within [`Codes::WITHIN`], and nobody is let in for the rest of it.
    const MOST_WRONG: usize = 5;
    const WITHIN: Duration = Duration::from_mins(1);
    /// More than anybody sets up at once; of more the oldest is let go.
    const MOST_WAITING: usize = 64;

    /// Makes a code of random bits. An older one for the same monitor is good no longer.
    pub(crate) fn invite(&mut self, wish: InviteWish, random: u64, now: Now) -> String {
        self.expire(now);
        self.waiting.retain(|it| it.wish.monitor != wish.monitor);
        if self.waiting.len() >= Self::MOST_WAITING {
            self.waiting.remove(0);
        }
        let digit = |at: u32| {
            let five = (random >> (5 * at)) & 31;
            usize::try_from(five).ok().and_then(|it| DIGITS.get(it)).copied().unwrap_or(b'0')
        };
        let digits: Vec<u8> = (0..LENGTH).map(digit).collect();
        let text = String::from_utf8_lossy(&digits);
        let until = now.mono + Self::GOOD_FOR;
        self.waiting.push(Waiting { code: hash(&text), until, wish });
        let (first, second) = text.split_at(text.len() / 2);
        format!("{first}-{second}")
    }

    /// Who has a code that is good, and how much longer.
    pub(crate) fn waiting(&mut self, now: Now) -> impl Iterator<Item = (&InviteWish, Duration)> {
        self.expire(now);
        self.waiting.iter().map(move |it| (&it.wish, it.until.saturating_sub(now.mono)))
    }

    /// Takes the code that somebody shows: it is good no longer.
    pub(crate) fn take(&mut self, shown: &str, now: Now) -> Result<Waiting, Refused> {
        self.expire(now);
        if self.wrong.len() >= Self::MOST_WRONG {
            return Err(Refused::TooMany);
        }
        let shown = canonical(shown).map(|it| hash(&it));
        // All are compared in full, so that time tells nothing.
        let same = |it: &[u8; 32], other: &[u8; 32]| {
            it.iter().zip(other).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0
        };
        let mut found = None;
        for (at, it) in self.waiting.iter().enumerate() {
            if shown.as_ref().is_some_and(|shown| same(&it.code, shown)) {
                found = Some(at);
            }
        }
        if let Some(at) = found {
            return Ok(self.waiting.remove(at));
        }
        self.wrong.push_back(now.mono);
        Err(Refused::Wrong)
    }

    /// Takes one back that was taken, but let nobody in.
    pub(crate) fn put_back(&mut self, it: Waiting) {
        if !self.waiting.iter().any(|other| other.wish.monitor == it.wish.monitor) {
            self.waiting.push(it);
        }
    }

    fn expire(&mut self, now: Now) {
        self.waiting.retain(|it| now.mono < it.until);
        while self.wrong.front().is_some_and(|it| *it + Self::WITHIN <= now.mono) {
            self.wrong.pop_front();
        }
    }
}

/// The code as it was made, from what people type (Crockford's base 32: case, hyphens, and the letters
/// that look like digits do not matter); none: it is none.
fn canonical(shown: &str) -> Option<String> {
    if shown.len() > LONGEST {
        return None;
    }
    let digits = shown.chars().filter(|it| !matches!(it, '-' | ' '));
    let digits = digits.map(|it| match it.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    });
    let digits: String = digits.collect();
    let sound = |it: u8| DIGITS.contains(&it);
    (digits.len() == LENGTH as usize && digits.bytes().all(sound)).then_some(digits)
}

fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}

/// Without I, L, O and U (Crockford, base 32).
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// 50 bits.
const LENGTH: u32 = 10;
/// With hyphens and spaces.
const LONGEST: usize = 32;

#[cfg(test)]
mod tests {
    use muster_core::time::Time;

    use super::*;

    fn now(second: u64) -> Now {
        Now { mono: Duration::from_secs(second), wall: Time::default() }
    }

    fn wish(monitor: &str) -> InviteWish {
        InviteWish { monitor: monitor.to_owned(), ..InviteWish::default() }
    }

    fn taken(codes: &mut Codes, shown: &str, second: u64) -> Result<String, Refused> {
        codes.take(shown, now(second)).map(|it| it.wish.monitor)
    }

    #[test]
    fn a_code_is_good_once_however_it_is_typed() {
        let mut codes = Codes::default();
        let code = codes.invite(wish("attic"), u64::MAX - 1, now(0));
        assert_eq!(code, "YZZZZ-ZZZZZ");
        let sloppy = format!(" {}", code.to_lowercase().replace('-', " "));
        assert_eq!(taken(&mut codes, &sloppy, 1), Ok("attic".to_owned()));
        assert_eq!(taken(&mut codes, &code, 2), Err(Refused::Wrong));
        let code = codes.invite(wish("attic"), 1 << 5, now(3));
        assert_eq!(code, "01000-00000");
        assert_eq!(taken(&mut codes, "oLooo-ooooO", 4), Ok("attic".to_owned()));
    }

    #[test]
    fn a_code_ends_and_a_newer_one_for_the_same_monitor_replaces_it() {
        let mut codes = Codes::default();
        let old = codes.invite(wish("attic"), 7, now(0));
        let other = codes.invite(wish("cellar"), 8, now(0));
        let new = codes.invite(wish("attic"), 9, now(60));
        let waiting = codes.waiting(now(60)).map(|(it, left)| (it.monitor.clone(), left.as_secs()));
        let waiting: Vec<_> = waiting.collect();
        assert_eq!(waiting, [("cellar".to_owned(), 840), ("attic".to_owned(), 900)]);
        assert_eq!(taken(&mut codes, &old, 61), Err(Refused::Wrong));
        assert_eq!(taken(&mut codes, &new, 959), Ok("attic".to_owned()));
        assert_eq!(taken(&mut codes, &other, 900), Err(Refused::Wrong), "a quarter of an hour");
        let it = codes.invite(wish("attic"), 10, now(1_000));
        let waiting = codes.take(&it, now(1_001)).unwrap();
        codes.put_back(waiting);
        assert_eq!(taken(&mut codes, &it, 1_002), Ok("attic".to_owned()));
    }

    #[test]
    fn whoever_guesses_has_five_tries_a_minute() {
        let mut codes = Codes::default();
        let code = codes.invite(wish("attic"), 7, now(0));
        for wrong in ["", "0", "00000-00000", "ÜÜÜÜÜ", &"7".repeat(1_000_000)] {
            assert_eq!(taken(&mut codes, wrong, 1), Err(Refused::Wrong), "{}", wrong.len());
        }
        assert_eq!(taken(&mut codes, &code, 60), Err(Refused::TooMany));
        assert_eq!(taken(&mut codes, &code, 61), Ok("attic".to_owned()));
    }

    #[test]
    fn no_more_wait_than_anybody_sets_up() {
        let mut codes = Codes::default();
        let first = codes.invite(wish("m"), 1, now(0));
        for number in 0..Codes::MOST_WAITING as u64 {
            codes.invite(wish(&format!("m{number}")), number + 2, now(1));
        }
        assert_eq!(codes.waiting.len(), Codes::MOST_WAITING);
        assert_eq!(taken(&mut codes, &first, 2), Err(Refused::Wrong));
    }
}
