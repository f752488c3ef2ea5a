//! No input whatever makes the loader panic, and what it says names a place in the text.

#![expect(clippy::unwrap_used, reason = "a test may fail in its helpers")]

use std::path::Path;

use muster_config::{ConfigError, Loaded};
use muster_sim::damage::damage;
use proptest::prelude::*;

const EXAMPLE: &str = include_str!("../../../muster.example.toml");

fn read(text: &str, environment: &[(String, String)]) {
    match Loaded::read(text, Some(Path::new("m.toml")), environment) {
        Ok(loaded) => {
            let written = toml::to_string(&loaded.config).unwrap();
            assert_eq!(Loaded::read(&written, None, &[]).unwrap().config, loaded.config);
        }
        Err(wrong) => {
            assert!(!wrong.to_string().is_empty());
            let problems = match wrong {
                ConfigError::Syntax { problem } => vec![problem],
                ConfigError::Wrong { problems } => problems,
                ConfigError::Unreadable { .. } => panic!("a text is readable"),
            };
            assert!(!problems.is_empty());
            for problem in problems {
                let at_a_line = problem.place.starts_with("m.toml, line ");
                assert!(at_a_line || problem.place.starts_with("MUSTER__"), "{problem}");
            }
        }
    }
}

proptest! {
    #[test]
    fn any_text(text in any::<String>()) {
        read(&text, &[]);
    }

    #[test]
    fn nearly_toml(text in "([\\[\\]a-z_.=\" 0-9,#\\n{}-]|people|sources|lan|presence|true|\\[\\[){0,60}") {
        read(&text, &[]);
    }

    /// The example with a stretch of it replaced.
    #[test]
    fn nearly_right(from in 0..EXAMPLE.len(), length in 0..200_usize, with in "[\\[\\]a-z=\" 0-9\\n]{0,12}") {
        let to = (from + length).min(EXAMPLE.len());
        prop_assume!(EXAMPLE.is_char_boundary(from) && EXAMPLE.is_char_boundary(to));
        let mut text = EXAMPLE.replace("#: ", "");
        let (from, to) = (from.min(text.len()), to.min(text.len()));
        text.replace_range(from..to, &with);
        read(&text, &[]);
    }

    #[test]
    fn any_variable(name in "[A-Z_]{0,40}|[a-z]+(__[a-z_]+){0,3}|.{0,20}", value in any::<String>()) {
        read("", &[(name, value)]);
    }
}

/// The example with everything in it, damaged.
#[test]
fn seeded_damage() {
    let corpus = [EXAMPLE.replace("#: ", ""), EXAMPLE.to_owned()].map(String::into_bytes);
    damage(6, 2_000, &corpus, |_, bytes| read(&String::from_utf8_lossy(bytes), &[]));
}

#[test]
fn deep_nesting_is_refused_and_not_followed() {
    for text in ["a.".repeat(50_000) + "a = 1", format!("a = {}", "[".repeat(100_000))] {
        read(&text, &[]);
    }
}
