//! `docs/coverage.md` says what became of every wish; this holds it to its word.

use std::collections::BTreeSet;

use super::tree::{Tree, in_backticks, numbered};

const TABLE: &str = "docs/coverage.md";

/// The wishes that exist: prefix, how many, and whether each must have its row by now.
const WISHES: &[(&str, u32, bool)] = &[
    ("H", 89, true),
    ("WH", 8, true),
    ("C", 195, false),
    ("WC", 8, false),
    ("D", 50, false),
    ("WD", 7, false),
    ("F", 218, true),
    ("WF", 8, true),
    ("E", 122, false),
    ("WE", 8, false),
];

/// What an answer may begin with when it is not a test.
const ANSWERS: &[&str] = &["replaced by ", "refused: ", "open: "];

/// Every row has a known wish that no other row has, and an answer; every test that it names
/// exists; every wish that must be answered is.
pub(crate) fn is_true(tree: &Tree) -> Vec<String> {
    let Some(text) = tree.text(TABLE) else { return Vec::new() };
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for (number, line) in numbered(text) {
        let Some((id, answer)) = row(line) else { continue };
        let mut say = |what: &str| found.push(format!("{TABLE}:{number}: {id}: {what}"));
        if !is_known(id) {
            say("no such wish");
        }
        if !seen.insert(id) {
            say("has a row already");
        }
        let tests: Vec<_> = in_backticks(answer).filter(|it| it.contains("::")).collect();
        if tests.is_empty() && !ANSWERS.iter().any(|it| answer.starts_with(it)) {
            say("no test, and none of \"replaced by\", \"refused:\", \"open:\"");
        }
        for test in tests.into_iter().filter(|it| !is_test(tree, it)) {
            say(&format!("no such test: {test}"));
        }
    }
    let due = WISHES.iter().filter(|(_, _, is_due)| *is_due);
    let due = due.flat_map(|(prefix, count, _)| (1..=*count).map(|it| wish(prefix, it)));
    found.extend(
        due.filter(|it| !seen.contains(it.as_str())).map(|it| format!("{TABLE}: {it}: no row")),
    );
    found
}

/// The wish and the answer of a table row; `None` for the head, the rule and all other lines.
fn row(line: &str) -> Option<(&str, &str)> {
    let mut cells = line.strip_prefix('|')?.split('|').map(str::trim);
    let (id, _what, answer) = (cells.next()?, cells.next()?, cells.next()?);
    (id != "ID" && !id.starts_with('-')).then_some((id, answer))
}

fn is_known(id: &str) -> bool {
    let Some((prefix, number)) = id.split_once('-') else { return false };
    let Ok(number) = number.parse() else { return false };
    let in_range =
        |(it, count, _): &(&str, u32, bool)| *it == prefix && (1..=*count).contains(&number);
    WISHES.iter().any(in_range) && wish(prefix, number) == id
}

/// The one way to write a wish: `H-07`, `C-195`, `WH-7`.
fn wish(prefix: &str, number: u32) -> String {
    if prefix.starts_with('W') {
        format!("{prefix}-{number}")
    } else {
        format!("{prefix}-{number:02}")
    }
}

/// Whether `path::test_name` names a test that stands in that file.
fn is_test(tree: &Tree, reference: &str) -> bool {
    let Some((path, name)) = reference.split_once("::") else { return false };
    let lines: Vec<_> = tree.text(path).unwrap_or_default().lines().collect();
    let head = format!("fn {name}(");
    let scripted = ['\'', '"', '`'].map(|it| format!("test({it}{name}{it}"));
    (0..).zip(&lines).any(|(at, line)| {
        let attributes = lines.iter().take(at).rev().take_while(|it| it.trim().starts_with("#["));
        let is_test_function = || attributes.into_iter().any(|it| it.contains("test"));
        (line.contains(&head) && is_test_function()) || scripted.iter().any(|it| line.contains(it))
    })
}

#[cfg(test)]
mod tests {
    use super::super::tree::check;
    use super::*;

    #[test]
    fn a_false_row_is_found() {
        says("| C-07 | people | `a.rs::stories` |", "");
        says("| C-195 | people | first `a.rs::stories`, then `b.mjs::a page opens` |", "");
        says("| WC-8 | people | replaced by the page |", "");
        says("| C-07 | people | open: radio |\nProse.\n\n| E-07 | x | refused: unsafe |", "");
        says("| X-07 | people | open: a |", "X-07: no such wish");
        says("| C-7 | people | open: a |", "C-7: no such wish");
        says("| C-196 | people | open: a |", "C-196: no such wish");
        says("| C-00 | people | open: a |", "C-00: no such wish");
        says("| WC-08 | people | open: a |", "WC-08: no such wish");
        says(
            "| C-07 | people | done |",
            "C-07: no test, and none of \"replaced by\", \"refused:\", \"open:\"",
        );
        says("| C-07 | people | `a.rs::gone` |", "C-07: no such test: a.rs::gone");
        says("| C-07 | people | `a.rs::helper` |", "C-07: no such test: a.rs::helper");
        says("| C-07 | people | `gone.rs::stories` |", "C-07: no such test: gone.rs::stories");
        says("| C-07 | people | `b.mjs::gone` |", "C-07: no such test: b.mjs::gone");
        says("| C-07 | people | `plain.rs::helper` |", "C-07: no such test: plain.rs::helper");
    }

    #[test]
    fn a_wish_without_a_row_or_with_two_is_found() {
        let table = rows() + "| H-07 | again | open: a |\n";
        let twice = format!("{TABLE}:{}: H-07: has a row already", rows().lines().count() + 1);
        check(is_true, &[(TABLE, &table)], &[&twice]);
        let table = rows().replace("| WH-8 | x | open: a |\n", "");
        check(is_true, &[(TABLE, &table)], &[&format!("{TABLE}: WH-8: no row")]);
    }

    /// A table with every wish that is due.
    fn rows() -> String {
        let due = WISHES.iter().filter(|(_, _, is_due)| *is_due);
        let due = due.flat_map(|(prefix, count, _)| (1..=*count).map(|it| wish(prefix, it)));
        let head = "| ID | What | How |\n|---|---|---|\n".to_owned();
        due.fold(head, |text, id| text + &format!("| {id} | x | open: a |\n"))
    }

    #[track_caller]
    fn says(lines: &str, expected: &str) {
        let table = rows() + lines + "\n";
        let expected = format!("{TABLE}:{}: {expected}", rows().lines().count() + 1);
        let expected: &[&str] = if expected.ends_with(": ") { &[] } else { &[&expected] };
        let files = [
            (TABLE, table.as_str()),
            ("a.rs", "#[test]\nfn stories() {}\nfn helper() {}\n"),
            ("b.mjs", "test('a page opens', async () => {});\n"),
        ];
        check(is_true, &files, expected);
    }
}
