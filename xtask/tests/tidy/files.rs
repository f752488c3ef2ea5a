//! Rules about single files: their length, their first line, and what must not be in them.

use super::tree::{Tree, numbered};

/// Written by hand, to be read by people.
const CODE: &[&str] = &[".rs", ".js", ".mjs", ".ts", ".css", ".html", ".sql"];

/// Past this a file has two subjects. Its name shows one of them.
const MOST_LINES: usize = 400;

/// A crate's root is its table of contents.
const MOST_LIB_LINES: usize = 60;

/// No file is longer than it can be read in one sitting.
pub(crate) fn length(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in own_code(tree) {
        let lines = text.lines().count();
        let most = if path.ends_with("src/lib.rs") { MOST_LIB_LINES } else { MOST_LINES };
        if lines > most {
            found.push(format!("{path}: {lines} lines, at most {most}"));
        }
    }
    found
}

/// Every module begins with what it decides and what it refuses to know.
pub(crate) fn module_comment(tree: &Tree) -> Vec<String> {
    let lacks = |text: &str| !text.lines().next().is_some_and(|it| it.starts_with("//! "));
    let modules = tree.texts_ending(&[".rs"]).filter(|(_, text)| lacks(text));
    modules.map(|(path, _)| format!("{path}:1: no module comment")).collect()
}

/// Nothing is unfinished, switched off or a stand-in.
pub(crate) fn left_overs(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in own_code(tree) {
        for (number, line) in numbered(text) {
            let here = LEFT_OVERS.iter().filter(|it| line.contains(&it.concat()));
            found.extend(here.map(|it| format!("{path}:{number}: {}", it.concat())));
        }
    }
    for (path, text) in tree.texts_ending(&[".md", ".rs", ".html", ".toml"]) {
        for (number, line) in numbered(text) {
            let line = line.to_lowercase();
            let here = STAND_INS.iter().filter(|it| line.contains(&it.concat()));
            found.extend(here.map(|it| format!("{path}:{number}: {}", it.concat())));
        }
    }
    found
}

/// Nothing names a folder that only one machine has.
pub(crate) fn machine_paths(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in tree.texts() {
        for (number, line) in numbered(text) {
            for folder in MACHINE_FOLDERS.iter().map(|it| it.concat()) {
                let starts_path = |at: usize| {
                    let before = line.get(..at).and_then(|it| it.chars().next_back());
                    !before.is_some_and(|it| it.is_alphanumeric() || "._-/}".contains(it))
                };
                if line.match_indices(&folder).any(|(at, _)| starts_path(at)) {
                    found.push(format!("{path}:{number}: {folder}"));
                }
            }
        }
    }
    found
}

/// Code of this project: what others wrote stays as it came.
fn own_code(tree: &Tree) -> impl Iterator<Item = (&str, &str)> {
    tree.texts_ending(CODE).filter(|(path, _)| !path.contains("/vendor/"))
}

// In two parts each, so that this file does not break its own rules.
const LEFT_OVERS: &[[&str; 2]] = &[
    ["TO", "DO"],
    ["FIX", "ME"],
    ["XX", "X"],
    ["todo", "!("],
    ["unimplemented", "!("],
    ["#[igno", "re"],
    ["#[should", "_panic"],
];
const STAND_INS: &[[&str; 2]] =
    &[["(scaf", "fold)"], ["lorem ", "ipsum"], ["coming ", "soon"], ["to be ", "written"]];
const MACHINE_FOLDERS: &[[&str; 2]] = &[["/wo", "rk/"], ["/ro", "ot/"], ["/home/", "runner"]];

#[cfg(test)]
mod tests {
    use super::super::tree::check;
    use super::*;

    #[test]
    fn a_long_file_is_found() {
        let lines = |count| "x\n".repeat(count);
        check(length, &[("a.rs", &lines(400)), ("b/src/lib.rs", &lines(60))], &[]);
        check(length, &[("a.rs", &lines(401))], &["a.rs: 401 lines, at most 400"]);
        check(length, &[("a.css", &lines(401))], &["a.css: 401 lines, at most 400"]);
        check(length, &[("b/src/lib.rs", &lines(61))], &["b/src/lib.rs: 61 lines, at most 60"]);
        check(length, &[("web/vendor/uplot.js", &lines(900)), ("Cargo.lock", &lines(900))], &[]);
    }

    #[test]
    fn a_module_without_a_comment_is_found() {
        check(module_comment, &[("a.rs", "//! Decides.\nfn a() {}\n"), ("b.sql", "x")], &[]);
        check(module_comment, &[("a.rs", "fn a() {}\n")], &["a.rs:1: no module comment"]);
        check(module_comment, &[("a.rs", "\n//! Late.\n")], &["a.rs:1: no module comment"]);
        check(module_comment, &[("a.rs", "//!\n")], &["a.rs:1: no module comment"]);
    }

    #[test]
    fn left_overs_are_found() {
        check(left_overs, &[("a.rs", "//! Whole.\n"), ("b.md", "Whole.")], &[]);
        for word in LEFT_OVERS.iter().map(|it| it.concat()) {
            let expected = format!("a.rs:2: {word}");
            check(left_overs, &[("a.rs", &format!("//! A.\n  {word}\n"))], &[&expected]);
        }
        for word in STAND_INS.iter().map(|it| it.concat()) {
            let expected = format!("a.md:1: {word}");
            check(left_overs, &[("a.md", &word.to_uppercase())], &[&expected]);
        }
    }

    #[test]
    fn machine_paths_are_found() {
        for folder in MACHINE_FOLDERS.iter().map(|it| it.concat()) {
            let expected = format!("a.md:1: {folder}");
            check(machine_paths, &[("a.md", &format!("see `{folder}x`"))], &[&expected]);
            check(machine_paths, &[("a.md", &format!("https://example.org{folder}x"))], &[]);
        }
    }
}
