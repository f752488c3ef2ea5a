//! Makes a short name, as commands and metrics use it, of what people read.
//!
//! **Invariant:** what it makes is a short name or empty, and a short name stays as it is.

/// `Änna Müller` becomes `aenna-mueller`; empty: nothing of it can be written in a-z and 0-9.
#[must_use]
pub fn short(display: &str) -> String {
    let mut name = String::new();
    for it in display.chars().flat_map(char::to_lowercase) {
        match it {
            'a'..='z' | '0'..='9' | '_' => name.push(it),
            // A mark over the letter before it.
            '\u{300}'..='\u{36f}' => {}
            _ => match LETTERS.iter().find(|(letters, _)| letters.contains(it)) {
                Some((_, plain)) => name.push_str(plain),
                None if name.ends_with('-') => {}
                None => name.push('-'),
            },
        }
    }
    let name: String = name.trim_start_matches('-').chars().take(LONGEST).collect();
    name.trim_end_matches('-').to_owned()
}

/// The first of `name`, `name-2`, `name-3` ... that is free.
pub(crate) fn free(name: &str, taken: impl Fn(&str) -> bool) -> String {
    let mut found = name.to_owned();
    let mut number = 2;
    while taken(&found) {
        let ending = format!("-{number}");
        let room = LONGEST - ending.len();
        found = name.chars().take(room).chain(ending.chars()).collect();
        number += 1;
    }
    found
}

/// As a person's name in the directory.
const LONGEST: usize = 32;

/// Latin letters with marks, in the spelling that is usual without them.
const LETTERS: [(&str, &str); 26] = [
    ("àáâãåāăą", "a"),
    ("äæ", "ae"),
    ("çćĉċč", "c"),
    ("ďđð", "d"),
    ("èéêëēĕėęě", "e"),
    ("ĝğġģ", "g"),
    ("ĥħ", "h"),
    ("ìíîïĩīĭįı", "i"),
    ("ĵ", "j"),
    ("ķ", "k"),
    ("ĺļľŀł", "l"),
    ("ñńņňŉ", "n"),
    ("òóôõōŏőø", "o"),
    ("öœ", "oe"),
    ("ŕŗř", "r"),
    ("śŝşšș", "s"),
    ("ß", "ss"),
    ("ţťŧț", "t"),
    ("þ", "th"),
    ("ùúûũūŭůűų", "u"),
    ("ü", "ue"),
    ("ŵ", "w"),
    ("ýÿŷ", "y"),
    ("źżž", "z"),
    ("'’", ""),
    (".", ""),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_as_they_are_spelt_without_marks() {
        for (display, name) in [
            ("Anna", "anna"),
            ("Änna Müller", "aenna-mueller"),
            ("Søren Ærø", "soren-aero"),
            ("Zoé d'Aubigné", "zoe-daubigne"),
            ("Zoe\u{301}", "zoe"),
            ("İbrahim Şahin", "ibrahim-sahin"),
            ("Łukasz  (work)", "lukasz-work"),
            ("J.R. ", "jr"),
            ("李雷", ""),
            ("李 Bob", "bob"),
            ("---", ""),
            ("anna-2_b", "anna-2_b"),
            ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
        ] {
            assert_eq!(short(display), name, "{display}");
        }
    }

    #[test]
    fn a_second_one_is_numbered() {
        assert_eq!(free("anna", |_| false), "anna");
        assert_eq!(free("anna", |it| it == "anna"), "anna-2");
        assert_eq!(free("anna", |it| it != "anna-3"), "anna-3");
        let long = "a".repeat(32);
        assert_eq!(free(&long, |it| it == long), format!("{}-2", "a".repeat(30)));
    }
}
