//! Graphite's plaintext protocol: one `path value epoch` a line.

use std::fmt::Write;

use muster_core::time::Time;

/// One point of one series.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Segments with dots between them, each made with [`slug`].
    pub path: String,
    /// The value.
    pub value: f64,
    /// When, whole seconds since the epoch.
    pub epoch: i64,
}

/// Appends one line with its end. The time is rounded down to seconds; whole values have no
/// fraction. A value that is no number gives no line: a gap is what Graphite shows for it.
pub fn push_line(to: &mut String, path: &str, value: f64, at: Time) {
    if value.is_finite() {
        // Writing to a string cannot fail, and a float's shortest form has no exponent.
        let _infallible = writeln!(to, "{path} {value} {}", at.secs());
    }
}

/// A path segment for any text: lower-case letters, digits, `_` and `-` stand for themselves, and
/// everything else, a dot above all, becomes one `_` for each run. Never empty.
///
/// Two texts may give one segment; who names series checks for that.
pub fn slug(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for it in text.trim().chars().flat_map(char::to_lowercase) {
        let safe = it.is_ascii_alphanumeric() || it == '-' || it == '_';
        match (safe, plain(it)) {
            (true, _) => out.push(it),
            (false, Some(plain)) => out.push_str(plain),
            (false, None) if out.ends_with('_') => {}
            (false, None) => out.push('_'),
        }
    }
    out.truncate(MAX_SEGMENT);
    if out.is_empty() { "_".to_owned() } else { out }
}

/// The customary ASCII form of the commonest letters outside of it.
const fn plain(it: char) -> Option<&'static str> {
    Some(match it {
        'ä' | 'æ' => "ae",
        'ö' | 'ø' | 'œ' => "oe",
        'ü' => "ue",
        'ß' => "ss",
        'à' | 'á' | 'â' | 'ã' | 'å' | 'ā' | 'ą' => "a",
        'ç' | 'ć' | 'č' => "c",
        'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ę' | 'ě' => "e",
        'ì' | 'í' | 'î' | 'ï' | 'ī' => "i",
        'ł' => "l",
        'ñ' | 'ń' | 'ň' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ő' | 'ō' => "o",
        'ř' => "r",
        'ś' | 'š' | 'ș' => "s",
        'ť' | 'ț' => "t",
        'ù' | 'ú' | 'û' | 'ů' | 'ű' | 'ū' => "u",
        'ý' | 'ÿ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        _ => return None,
    })
}

/// Reads one line, with or without its end.
pub fn parse_line(line: &str) -> Result<Point, LineError> {
    let mut parts = line.trim_end_matches(['\r', '\n']).split(' ');
    let (Some(path), Some(value), Some(epoch), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(LineError::Shape);
    };
    if path.is_empty() || path.split('.').any(str::is_empty) {
        return Err(LineError::Path);
    }
    let value = value.parse().ok().filter(|it: &f64| it.is_finite()).ok_or(LineError::Value)?;
    let epoch = epoch.parse().map_err(|_| LineError::Epoch)?;
    Ok(Point { path: path.to_owned(), value, epoch })
}

/// Why a line is not one of Graphite's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// Not three parts.
    #[error("a line is a path, a value and a time, with single spaces between them")]
    Shape,
    /// A segment is empty.
    #[error("a path has no empty segments")]
    Path,
    /// Not a finite number.
    #[error("a value is a finite number")]
    Value,
    /// Not a whole number.
    #[error("a time is whole seconds since 1970")]
    Epoch,
}

/// Long enough for any name, short enough for a file name with its neighbours.
const MAX_SEGMENT: usize = 100;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines() {
        let mut text = String::new();
        let at = Time::from_micros(1_795_251_600_999_999);
        push_line(&mut text, "home.presence.anna.is_home", 1.0, at);
        push_line(&mut text, "home.presence.load", 0.25, at);
        push_line(&mut text, "home.presence.none", f64::NAN, at);
        assert_eq!(
            text,
            "home.presence.anna.is_home 1 1795251600\nhome.presence.load 0.25 1795251600\n"
        );
    }

    #[test]
    fn slugs() {
        for (given, want) in [
            ("anna", "anna"),
            ("Anna Müller", "anna_mueller"),
            ("j.r. (guest)", "j_r_guest_"),
            ("a/../b\n", "a_b"),
            ("Łukasz-2", "lukasz-2"),
            ("  ", "_"),
            ("", "_"),
            ("猫", "_"),
        ] {
            assert_eq!(slug(given), want, "{given:?}");
        }
    }

    #[test]
    fn wrong_lines() {
        for (given, want) in [
            ("", LineError::Shape),
            ("a 1", LineError::Shape),
            ("a 1 2 3", LineError::Shape),
            ("a..b 1 2", LineError::Path),
            (" 1 2", LineError::Path),
            ("a nan 2", LineError::Value),
            ("a 1 2.5", LineError::Epoch),
        ] {
            assert_eq!(parse_line(given), Err(want), "{given:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            name in any::<String>(), value in prop::num::f64::NORMAL, epoch in any::<i32>(),
        ) {
            let mut line = String::new();
            let path = format!("home.{}", slug(&name));
            push_line(&mut line, &path, value, Time::from_secs(epoch.into()));
            prop_assert_eq!(parse_line(&line), Ok(Point { path, value, epoch: epoch.into() }));
        }

        #[test]
        fn any_line_is_read_or_refused(line in any::<String>()) {
            if let Ok(it) = parse_line(&line) {
                prop_assert!(it.value.is_finite());
            }
        }
    }
}
