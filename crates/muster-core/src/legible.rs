//! Which text people can read: what is there is seen, and in the order in which it is written.
//!
//! Two names that look alike are the same name, and a name does nothing to its neighbours. After
//! Unicode, UAX #9 (bidirectional text) and the property `Default_Ignorable_Code_Point`.

/// Whether a character is invisible, or changes how others are shown: controls, marks of direction,
/// fillers, tags.
#[must_use]
pub fn hides(it: char) -> bool {
    it.is_control()
        || matches!(it,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' |
            '\u{180b}'..='\u{180f}' | '\u{200b}' | '\u{200e}' | '\u{200f}' |
            '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' |
            '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' |
            '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e00ff}' | '\u{e01f0}'..='\u{e0fff}')
}

/// Whether a character is seen only in what it does to the one before it: joiners and selectors of
/// variants, which some scripts and many pictures need.
#[must_use]
pub const fn joins(it: char) -> bool {
    matches!(it, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

/// Whether a text hides nothing and there is something to see.
#[must_use]
pub fn is_legible(text: &str) -> bool {
    if text.is_ascii() {
        return text.bytes().all(|it| !it.is_ascii_control()) && text.bytes().any(|it| it != b' ');
    }
    let seen = |it: char| !it.is_whitespace() && !joins(it) && it != BLANK;
    !text.chars().any(hides) && text.chars().any(seen)
}

/// The Braille pattern without dots.
const BLANK: char = '\u{2800}';

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_read() {
        for text in ["Anna", "Zoë 手机", "می‌خواهم", "👨‍👩‍👧", "葛\u{e0100}城", "❤\u{fe0f}", "אבא"]
        {
            assert!(is_legible(text), "{text:?}");
        }
        let hidden = [
            "",
            " ",
            "\u{200b}",
            "\u{ad}",
            "\u{3164}",
            "\u{115f}",
            "\u{2800}",
            "\u{200d}",
            "\u{fe0f}",
            "\u{e0041}",
            "a\u{e007f}",
            "anna\u{200b}",
            "a\u{202e}b",
            "a\u{2066}b",
            "a\u{61c}",
            "a\nb",
            "\u{feff}a",
            "\u{a0}",
        ];
        for text in hidden {
            assert!(!is_legible(text), "{text:?}");
        }
    }
}
