//! Names from the network, made fit to be shown, stored and compared.

use muster_core::fact::Detail;

/// Text of `bytes` without control, direction and invisible characters, at most
/// [`Detail::MAX_VALUE`] bytes long; none when nothing is left.
pub(super) fn clean(bytes: &[u8]) -> Option<String> {
    let bounded = bytes.get(..bytes.len().min(4 * Detail::MAX_VALUE)).unwrap_or(bytes);
    let mut text = String::new();
    for it in String::from_utf8_lossy(bounded).chars().filter(|it| is_shown(*it)) {
        if text.len() + it.len_utf8() > Detail::MAX_VALUE {
            break;
        }
        text.push(it);
    }
    let trimmed = text.trim();
    (!trimmed.is_empty()).then(|| trimmed.to_owned())
}

/// Not a control character, and none that changes how its neighbours are shown (Unicode, UAX 9).
fn is_shown(it: char) -> bool {
    let hides = matches!(it,
        '\u{ad}' | '\u{61c}' | '\u{feff}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' |
        '\u{2060}'..='\u{206f}' | '\u{fff9}'..='\u{fffb}');
    !it.is_control() && !hides
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names() {
        for (given, want) in [
            (&b"anna-phone"[..], Some("anna-phone")),
            (b"host\0", Some("host")),
            (b" \x1b[31mred\x07 ", Some("[31mred")),
            ("\u{202e}evil\u{2066}".as_bytes(), Some("evil")),
            (b"<img src=x>", Some("<img src=x>")),
            (b"caf\xc3\xa9", Some("caf\u{e9}")),
            (b"caf\xe9", Some("caf\u{fffd}")),
            (b"\0\0", None),
            (b"", None),
        ] {
            assert_eq!(clean(given).as_deref(), want, "{given:?}");
        }
        assert_eq!(clean(&[b'x'; 5000]).map(|it| it.len()), Some(255));
        let wide = "\u{e9}".repeat(200);
        assert_eq!(clean(wide.as_bytes()).map(|it| it.len()), Some(254));
    }
}
