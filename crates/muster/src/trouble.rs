//! What a store that takes nothing means: whether trying again can help, and what does.

use muster_core::ports::StoreError;

/// Why nothing is being stored, and whether that can pass by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// In plain words, with what to type where nothing else helps.
    pub(crate) what: String,
    /// Whether the same batch can be taken later.
    pub(crate) passes: bool,
}

impl From<&StoreError> for Trouble {
    fn from(error: &StoreError) -> Self {
        let what = said(error);
        match error {
            StoreError::Unavailable { .. } => Self { what, passes: true },
            StoreError::Damaged { .. } => Self {
                what: format!("{what}; stop this hub first, what happens until then is lost"),
                passes: false,
            },
            StoreError::Newer { .. } => Self {
                what: format!("{what}; run the muster that wrote it, or a newer one"),
                passes: false,
            },
            StoreError::Refused { .. } => Self {
                what: format!("{what}; restart this hub, and report it if it happens again"),
                passes: false,
            },
        }
    }
}

/// An error of the store with what lies beneath.
pub(crate) fn said(error: &StoreError) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_pass_is_tried_again() {
        let cause = || "why".into();
        let what = || "what".to_owned();
        let check = |error: &StoreError, passes, words: &str| {
            let trouble = Trouble::from(error);
            assert_eq!(trouble.passes, passes, "{trouble:?}");
            assert!(trouble.what.contains(words), "{trouble:?}");
        };
        check(&StoreError::Unavailable { what: what(), cause: cause() }, true, "what: why");
        check(&StoreError::Damaged { what: what(), cause: cause() }, false, "stop this hub");
        check(&StoreError::Newer { found: 2, known: 1 }, false, "run the muster that wrote it");
        check(&StoreError::Refused { what: what() }, false, "report it");
    }
}
