//! The help is what was agreed, and its examples are commands that exist.

use std::fmt::Write as _;

use clap::{Command, CommandFactory as _, Parser as _};
use insta::assert_snapshot;

use super::Cli;

#[test]
fn the_definitions_are_sound() {
    Cli::command().debug_assert();
}

#[test]
fn every_command_says_what_it_does_and_has_an_example_that_parses() {
    for (path, command) in all() {
        assert!(command.get_about().is_some(), "{path}: what does it do?");
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let example = help.lines().find_map(|it| it.strip_prefix("Example: "));
        let example = example.unwrap_or_else(|| panic!("{path}: no example"));
        assert!(example.starts_with(&path), "{path}: the example is another's: {example}");
        let typed = example.split(" > ").next().unwrap_or_default();
        if let Err(wrong) = Cli::try_parse_from(words(typed)) {
            panic!("{example}: {wrong}");
        }
    }
}

#[test]
fn help() {
    let mut text = String::new();
    for (path, mut command) in all() {
        let help = command.render_help().to_string();
        // The common options are the same everywhere and shown once.
        let own = match help.split_once("Common options:") {
            Some((own, rest)) if path != "muster" => {
                let after = rest.split_once("Example: ").map_or("", |(_, it)| it);
                format!("{own}Example: {after}")
            }
            _ => help,
        };
        writeln!(text, "=== {path}\n{}\n", own.trim_end()).unwrap();
    }
    assert_snapshot!(text);
}

/// Every command by what is typed, parents first.
fn all() -> Vec<(String, Command)> {
    fn walk(path: &str, command: &Command, into: &mut Vec<(String, Command)>) {
        into.push((path.to_owned(), command.clone().term_width(80)));
        for inner in command.get_subcommands().filter(|it| it.get_name() != "help") {
            walk(&format!("{path} {}", inner.get_name()), inner, into);
        }
    }
    let mut root = Cli::command();
    root.build();
    let mut found = Vec::new();
    walk("muster", &root, &mut found);
    found
}

/// The words of a line, as a shell makes them; only double quotes are known.
fn words(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, part) in line.split('"').enumerate() {
        match at % 2 {
            0 => found.extend(part.split_whitespace().map(str::to_owned)),
            _ => found.push(part.to_owned()),
        }
    }
    found
}
