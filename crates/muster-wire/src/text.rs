//! Names from the network, made fit to be shown, stored and compared.

use muster_core::fact::Detail;
use muster_core::legible::{hides, is_legible, joins};

/// Text of `bytes` without control, direction and invisible characters, at most
/// [`Detail::MAX_VALUE`] bytes long; none when nothing is left.
pub(crate) fn clean(bytes: &[u8]) -> Option<String> {
    let bounded = bytes.get(..bytes.len().min(4 * Detail::MAX_VALUE)).unwrap_or(bytes);
    let mut text = String::new();
    for it in String::from_utf8_lossy(bounded).chars().filter(|it| !hides(*it) && !joins(*it)) {
        if text.len() + it.len_utf8() > Detail::MAX_VALUE {
            break;
        }
        text.push(it);
    }
    let trimmed = text.trim();
    is_legible(trimmed).then(|| trimmed.to_owned())
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
            ("a\u{e0062}b\u{3164}".as_bytes(), Some("ab")),
            ("\u{2800}".as_bytes(), None),
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
