//! Text that came from a network, made harmless for where it goes.

use muster_core::legible::hides;

/// For a terminal: what would move the cursor, colour, reverse or hide is shown as what it is.
#[must_use]
pub fn terminal(text: &str) -> String {
    if !text.chars().any(hides) {
        return text.to_owned();
    }
    text.chars().map(|it| if hides(it) { '\u{fffd}' } else { it }).collect()
}

/// For a spreadsheet: what would begin a formula gets an apostrophe before it, as spreadsheets
/// themselves write such text.
#[must_use]
pub fn spreadsheet(text: &str) -> String {
    match text.trim_start_matches(' ').chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠') => {
            format!("'{text}")
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_acts() {
        for (text, shown) in [
            ("Anna's phone", "Anna's phone"),
            ("\u{1b}[31mred", "\u{fffd}[31mred"),
            ("a\nb\tc", "a\u{fffd}b\u{fffd}c"),
            ("txt\u{202e}gpj.exe", "txt\u{fffd}gpj.exe"),
            ("tag\u{e0041}ged", "tag\u{fffd}ged"),
            ("Zoë 手机", "Zoë 手机"),
        ] {
            assert_eq!(terminal(text), shown);
        }
        for (text, shown) in [
            ("=HYPERLINK(\"x\")", "'=HYPERLINK(\"x\")"),
            ("-1", "'-1"),
            ("  @x", "'  @x"),
            ("＝1", "'＝1"),
            ("mac:b8:27:eb:01:02:03", "mac:b8:27:eb:01:02:03"),
            ("", ""),
        ] {
            assert_eq!(spreadsheet(text), shown);
        }
    }
}
