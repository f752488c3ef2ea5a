//! How the texts begin by which the apps of attendance systems make a phone known.

use std::fmt;
use std::str::FromStr;

/// The beginning of such a text: 1 to 32 characters of ASCII without spaces.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TagPrefix(Box<str>);

impl TagPrefix {
    /// Longer ones are no prefixes but whole identifiers.
    pub const MAX: usize = 32;

    /// The text itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for TagPrefix {
    /// `ATT-`, as the attendance reference has it (E-12).
    fn default() -> Self {
        Self("ATT-".into())
    }
}

impl FromStr for TagPrefix {
    type Err = InvalidPrefix;

    fn from_str(text: &str) -> Result<Self, InvalidPrefix> {
        let fits = (1..=Self::MAX).contains(&text.len());
        let plain = text.bytes().all(|it| it.is_ascii_graphic());
        let wrong = || InvalidPrefix { given: text.to_owned() };
        (fits && plain).then(|| Self(text.into())).ok_or_else(wrong)
    }
}

impl fmt::Display for TagPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A prefix that would take what is no identifier.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a prefix is 1 to {} characters of ASCII without spaces: {given}", TagPrefix::MAX)]
pub struct InvalidPrefix {
    given: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_plain_and_short() {
        for right in ["A", "ATT-", "5eb0c2", "0123456789abcdef0123456789abcdef"] {
            assert_eq!(right.parse::<TagPrefix>().unwrap().to_string(), right);
        }
        for wrong in ["", " ATT", "A T", "Ä", "A\u{7f}", "0123456789abcdef0123456789abcdef0"] {
            wrong.parse::<TagPrefix>().unwrap_err();
        }
    }
}
