//! What somebody who typed a wrong key probably meant.

use crate::keys::Key;

/// The key that was probably meant by `name` inside `section` (empty: the top level).
pub(crate) fn meant(section: &str, name: &str, keys: &[Key]) -> Option<String> {
    let wanted = plain(name);
    let siblings = keys.iter().filter(|it| it.section() == section);
    let near = |it: &&Key| distance(&plain(it.name()), &wanted) <= tolerance(&wanted);
    let nearest = |it: &&Key| distance(&plain(it.name()), &wanted);
    let sibling = siblings.filter(near).min_by_key(nearest);
    if let Some(sibling) = sibling {
        return Some(sibling.name().to_owned());
    }
    if let Some((_, meant)) = ELSEWHERE.iter().find(|(it, _)| *it == wanted) {
        return Some((*meant).to_owned());
    }
    // The right word in the wrong section.
    keys.iter().filter(near).min_by_key(nearest).map(|it| it.path.clone())
}

/// How many edits (insert, delete, replace, swap neighbours) lead from one word to the other:
/// optimal string alignment distance.
#[must_use]
pub fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let replace = last.get(j).copied().unwrap_or(0) + usize::from(x != y);
            let delete = last.get(j + 1).copied().unwrap_or(0) + 1;
            let insert = row.last().copied().unwrap_or(0) + 1;
            let mut best = replace.min(delete).min(insert);
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(y) && b.get(j - 1) == Some(x);
            if swapped {
                best = best.min(before.get(j - 1).copied().unwrap_or(0) + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or(0)
}

fn tolerance(word: &str) -> usize {
    (word.chars().count() / 3).clamp(1, 3)
}

/// Case, dashes and underscores are the commonest slips and count for nothing.
fn plain(name: &str) -> String {
    // A key longer than this is no slip of the pen, and comparing it costs its length.
    name.chars().take(64).filter(|it| !matches!(it, '_' | '-')).collect::<String>().to_lowercase()
}

/// Words of other presence programs, written as [`plain`] writes them.
const ELSEWHERE: [(&str, &str); 15] = [
    ("wifi", "[sources.lan]"),
    ("network", "[sources.lan]"),
    ("cidr", "sources.lan.ranges"),
    ("metrics", "[sinks.graphite]"),
    ("person", "people.name"),
    ("wifimacs", "devices, as in devices = [\"mac:b8:27:eb:01:02:03\"]"),
    ("wifihostnames", "devices, as in devices = [\"mac:b8:27:eb:01:02:03\"]"),
    ("macs", "devices, as in devices = [\"mac:b8:27:eb:01:02:03\"]"),
    ("hapersonentity", ENTITY),
    ("hadevicetracker", ENTITY),
    ("homeassistantentity", ENTITY),
    ("offlinegraceseconds", "presence.lan_phone.away_after, as in away_after = \"30m\""),
    ("grace", "presence.lan_phone.away_after, as in away_after = \"30m\""),
    ("host", "address, as in address = \"graphite.local:2003\""),
    ("port", "address, as in address = \"graphite.local:2003\""),
];

const ENTITY: &str = "devices, as in devices = [\"entity:person.anna\"]";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_counted() {
        for (a, b, edits) in [
            ("", "", 0),
            ("", "abc", 3),
            ("prefix", "prefix", 0),
            ("prefx", "prefix", 1),
            ("perfix", "prefix", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(a, b), edits, "{a} {b}");
            assert_eq!(distance(b, a), edits, "{b} {a}");
        }
    }
}
