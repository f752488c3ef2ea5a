//! One word per thing, in code and in SQL: the glossary's banned synonyms.
//!
//! Only words that cannot mean anything else here. A `timeout` of a socket, the `host` of an
//! address or the `ttl` of a DNS answer are right in their place, so people watch over those.

use super::tree::{Tree, numbered};

/// A word that names must not have, and the one to use.
const BANNED: &[(&str, &str)] = &[
    ("backend", "hub"),
    ("checkin", "attendance"),
    ("detection", "sighting"),
    ("detections", "sightings"),
    ("member", "person"),
    ("members", "people"),
    ("peripheral", "device"),
    ("peripherals", "devices"),
    ("plugin", "source or sink"),
    ("plugins", "sources or sinks"),
    ("visit", "stay"),
    ("visits", "stays"),
];

/// No public item, field, table or column is called by a banned synonym.
pub(crate) fn no_synonyms(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in tree.texts_ending(&[".rs"]).filter(|(path, _)| path.contains("/src/")) {
        for (number, line) in numbered(text) {
            if let Some(name) = public_name(line) {
                found.extend(banned_in(name).map(|it| format!("{path}:{number}: {name}: {it}")));
            }
        }
    }
    for (path, text) in tree.texts_ending(&[".sql"]) {
        for (number, line) in numbered(text) {
            let code = line.split("--").next().unwrap_or_default();
            let outside_strings: String = code.split('\'').step_by(2).collect();
            let is_name = |it: char| it.is_ascii_alphanumeric() || it == '_';
            for name in outside_strings.split(|it| !is_name(it)) {
                found.extend(banned_in(name).map(|it| format!("{path}:{number}: {name}: {it}")));
            }
        }
    }
    found
}

/// The name that a line makes public: an item's or a field's.
fn public_name(line: &str) -> Option<&str> {
    let rest = line.trim_start().strip_prefix("pub")?;
    let rest = match rest.strip_prefix('(') {
        Some(scope) => scope.split_once(')')?.1,
        None => rest,
    };
    let mut words = rest.strip_prefix(' ')?.split([' ', '(', '<', ':', ';', '{', '=', '!']);
    words.find(|it| !KEYWORDS.contains(it))
}

fn banned_in(name: &str) -> impl Iterator<Item = String> {
    let words = words(name);
    let hits = BANNED.iter().filter(move |(banned, _)| words.iter().any(|it| it == banned));
    hits.map(|(banned, right)| format!("say {right}, not {banned}"))
}

/// The words of a name in snake or camel case, lower case.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for it in name.chars() {
        if it == '_' || it.is_ascii_uppercase() {
            words.push(String::new());
        }
        let last = words.last_mut().into_iter();
        last.for_each(|word| word.extend(Some(it.to_ascii_lowercase()).filter(|it| *it != '_')));
    }
    words
}

const KEYWORDS: &[&str] = &[
    "async", "const", "enum", "extern", "fn", "mod", "static", "struct", "trait", "type", "unsafe",
    "use",
];

#[cfg(test)]
mod tests {
    use super::super::tree::check;
    use super::*;

    #[test]
    fn a_synonym_in_a_public_name_is_found() {
        says("c/src/a.rs", "pub struct Stay {", "");
        says("c/src/a.rs", "    fn visit_str(self) {}", "");
        says("c/src/a.rs", "pub(crate) fn revisited() {}", "");
        says("c/src/a.rs", "pub struct Visit {", "Visit: say stay, not visit");
        says("c/src/a.rs", "pub enum BlePeripheral {", "BlePeripheral: say device, not peripheral");
        says("c/src/a.rs", "    pub members: Vec<Person>,", "members: say people, not members");
        says(
            "c/src/a.rs",
            "pub(crate) async fn load_plugin() {",
            "load_plugin: say source or sink, not plugin",
        );
    }

    #[test]
    fn a_synonym_in_sql_is_found() {
        says("m/1.sql", "create table stay (person_id integer); -- no visit", "");
        says("m/1.sql", "select 'visit'", "");
        says("m/1.sql", "create table visit (id integer);", "visit: say stay, not visit");
        says("m/1.sql", "  last_detection bigint,", "last_detection: say sighting, not detection");
    }

    #[test]
    fn names_fall_into_words() {
        assert_eq!(words("BleDevice"), ["", "ble", "device"]);
        assert_eq!(words("last_seen"), ["last", "seen"]);
    }

    #[track_caller]
    fn says(path: &str, line: &str, expected: &str) {
        let expected = format!("{path}:1: {expected}");
        let expected: &[&str] = if expected.ends_with(": ") { &[] } else { &[&expected] };
        check(no_synonyms, &[(path, line)], expected);
    }
}
