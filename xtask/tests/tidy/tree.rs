//! The files of the workspace as values, so that rules can be tried on planted ones.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::Context;

/// Finds the places that break a rule, each as `path:line: what`, or `path: what`.
pub(crate) type Rule = fn(&Tree) -> Vec<String>;

/// Every file that is, or would be, in version control.
#[derive(Debug)]
pub(crate) struct Tree {
    /// The text of each path; `None` for a file that is not text.
    files: BTreeMap<String, Option<String>>,
}

impl Tree {
    /// The workspace around this test, uncommitted files included, ignored ones not.
    pub(crate) fn of_workspace() -> anyhow::Result<Self> {
        // Asked at run time: a copied target folder remembers another clone's path.
        let own = std::env::var_os("CARGO_MANIFEST_DIR").context("run this through cargo")?;
        let root = Path::new(&own).parent().context("no workspace")?;
        let listed = Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(root)
            .output()?;
        anyhow::ensure!(listed.status.success(), "git cannot list the workspace's files");
        let paths = String::from_utf8(listed.stdout)?;
        let read = |path: &str| {
            let bytes = std::fs::read(root.join(path)).ok()?;
            Some((path.to_owned(), String::from_utf8(bytes).ok()))
        };
        Ok(Self { files: paths.split_terminator('\0').filter_map(read).collect() })
    }

    /// Files made up for a test.
    pub(crate) fn planted(files: &[(&str, &str)]) -> Self {
        let own = |(path, text): &(&str, &str)| ((*path).to_owned(), Some((*text).to_owned()));
        Self { files: files.iter().map(own).collect() }
    }

    /// Whether there is a file, or a folder with files, at `path`.
    pub(crate) fn has(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        let folder = format!("{path}/");
        self.files.contains_key(path) || self.files.keys().any(|it| it.starts_with(&folder))
    }

    /// Whether a path ends in `name`, whole components counted.
    pub(crate) fn has_named(&self, name: &str) -> bool {
        let name = name.trim_end_matches('/');
        let (end, middle) = (format!("/{name}"), format!("/{name}/"));
        self.has(name) || self.files.keys().any(|it| it.ends_with(&end) || it.contains(&middle))
    }

    /// The text of one file.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path)?.as_deref()
    }

    /// Every text file: its path and its text.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().filter_map(|(path, text)| Some((path.as_str(), text.as_deref()?)))
    }

    /// The text files with one of these endings.
    pub(crate) fn texts_ending(
        &self,
        endings: &'static [&'static str],
    ) -> impl Iterator<Item = (&str, &str)> {
        self.texts().filter(|(path, _)| endings.iter().any(|it| path.ends_with(it)))
    }
}

/// The lines of a text, counted from 1.
pub(crate) fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..).zip(text.lines())
}

/// The parts of a line between backticks.
pub(crate) fn in_backticks(line: &str) -> impl Iterator<Item = &str> {
    let closed = line.matches('`').count() / 2;
    line.split('`').skip(1).step_by(2).take(closed)
}

/// Asserts what a rule says of planted files.
#[track_caller]
pub(crate) fn check(rule: Rule, files: &[(&str, &str)], expected: &[&str]) {
    assert_eq!(rule(&Tree::planted(files)), expected, "{files:?}");
}

#[test]
fn the_workspace_is_seen() {
    let tree = Tree::of_workspace().unwrap();
    assert!(tree.has("xtask/tests/tidy.rs") && tree.has("crates") && !tree.has("target"));
    assert!(tree.has_named("tests/tidy") && tree.has_named("tidy.rs") && !tree.has_named("idy.rs"));
}

#[test]
fn backticks_pair_up() {
    let found = |line| in_backticks(line).collect::<Vec<_>>();
    assert_eq!(found("a `b` c `d`"), ["b", "d"]);
    assert_eq!(found("a `b` c `d"), ["b"]);
    assert_eq!(found("none"), [""; 0]);
}
