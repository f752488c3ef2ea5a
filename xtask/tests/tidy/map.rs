//! `ARCHITECTURE.md` is the map of the house, and the guides lead through it: what they name must
//! stand.

use super::tree::{Tree, in_backticks, numbered};

const PAGES: &[&str] = &["ARCHITECTURE.md", "docs/add-a-source.md", "docs/add-a-sink.md"];

/// Every path, crate, type and function that these pages name in backticks exists. What has spaces,
/// a leading `/`, `$`, `-` or any other shape is a command, an address or a value, and is left
/// alone.
pub(crate) fn named_things_exist(tree: &Tree) -> Vec<String> {
    PAGES.iter().flat_map(|page| gone_from(tree, page)).collect()
}

fn gone_from(tree: &Tree, page: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut in_code = false;
    for (number, line) in numbered(tree.text(page).unwrap_or_default()) {
        in_code ^= line.trim_start().starts_with("```");
        for name in in_backticks(line).filter(|_| !in_code) {
            if !stands(tree, name) {
                found.push(format!("{page}:{number}: {name} is not there"));
            }
        }
    }
    found
}

fn stands(tree: &Tree, name: &str) -> bool {
    if is_path(name) {
        return tree.has_named(name);
    }
    if is_crate(name) {
        return tree.has(&format!("crates/{name}/Cargo.toml"));
    }
    if let Some(function) = name.strip_suffix("()") {
        return is_defined(tree, function.rsplit("::").next().unwrap_or_default());
    }
    match name.split_once("::") {
        Some((owner, part)) if is_type(owner) => is_defined(tree, owner) && is_defined(tree, part),
        None if is_type(name) => is_defined(tree, name),
        _ => true,
    }
}

fn is_path(name: &str) -> bool {
    let is_plain = name.chars().all(|it| it.is_ascii_alphanumeric() || "._-/".contains(it));
    let has_ending = [".rs", ".toml", ".md", ".sql"].iter().any(|it| name.ends_with(it));
    is_plain && (has_ending || name.contains('/')) && !name.starts_with(['/', '-'])
}

fn is_crate(name: &str) -> bool {
    name.starts_with("muster-") && name.chars().all(|it| it.is_ascii_lowercase() || it == '-')
}

/// `Fact`, `BatchId`; not `CAP_NET_RAW` or `GET`.
fn is_type(name: &str) -> bool {
    name.starts_with(|it: char| it.is_ascii_uppercase())
        && name.contains(|it: char| it.is_ascii_lowercase())
        && name.chars().all(|it| it.is_ascii_alphanumeric())
        && !["Ok", "Err", "Some", "None"].contains(&name)
}

/// Whether our Rust code defines an item, variant or field of this name.
fn is_defined(tree: &Tree, name: &str) -> bool {
    let sources = tree.texts_ending(&[".rs"]).filter(|(path, _)| path.contains("src/"));
    sources.flat_map(|(_, text)| text.lines()).any(|line| defines(line, name))
}

fn defines(line: &str, name: &str) -> bool {
    line.match_indices(name).any(|(at, _)| {
        let before = line.get(..at).unwrap_or_default();
        let after = line.get(at + name.len()..).unwrap_or_default();
        let ends = !after.starts_with(|it: char| it.is_alphanumeric() || it == '_');
        let word = before.split_whitespace().next_back().unwrap_or_default();
        let keyword = before.ends_with(' ') && KEYWORDS.contains(&word);
        let alone = before.trim().is_empty() || before.trim() == "pub";
        let variant_or_field = alone && after.starts_with([',', '(', ' ', ':', ';']);
        ends && (keyword || (variant_or_field && !after.starts_with("::")))
    })
}

const KEYWORDS: &[&str] =
    &["struct", "enum", "trait", "type", "union", "fn", "mod", "const", "static"];

#[cfg(test)]
mod tests {
    use super::super::tree::check;
    use super::*;

    #[test]
    fn a_name_without_a_thing_is_found() {
        for good in [
            "`engine.rs`",
            "`muster-core/src/engine.rs`",
            "`crates/muster-core`",
            "`Engine`",
            "`muster-core`",
            "`Engine::step`",
            "`step()`",
            "`Fact`",
            "`Fact::Probe`",
            "`GET /api/v1`",
            "`/metrics`",
            "`CAP_NET_RAW`",
            "`muster serve`",
            "`$data/x.sock`",
            "`away_after`",
            "`Ok`",
            "Gone",
            "```\n`Gone`\n```",
        ] {
            says(good, "");
        }
        says("`gone.rs`", "gone.rs");
        says("`ngine.rs`", "ngine.rs");
        says("`crates/muster-gone`", "crates/muster-gone");
        says("`docs/adr/`", "docs/adr/");
        says("`muster-gone`", "muster-gone");
        says("`Gone`", "Gone");
        says("`Engin`", "Engin");
        says("`Engine::gone`", "Engine::gone");
        says("`gone()`", "gone()");
    }

    #[track_caller]
    fn says(map: &str, gone: &str) {
        let engine = "pub struct Engine {\n}\nimpl Engine {\n  pub fn step(&mut self) {}\n}\n";
        let fact = "pub enum Fact {\n    Probe(Probe),\n}\n";
        for page in PAGES {
            let expected = format!("{page}:1: {gone} is not there");
            let expected: &[&str] = if gone.is_empty() { &[] } else { &[&expected] };
            let files = [
                (*page, map),
                ("crates/muster-core/Cargo.toml", ""),
                ("crates/muster-core/src/engine.rs", engine),
                ("crates/muster-core/src/fact.rs", fact),
            ];
            check(named_things_exist, &files, expected);
        }
    }
}
