//! The house rules that no compiler knows, held over every file of the workspace.
//!
//! A rule is a function from the tree of files to the places that break it; it reads no disk, so
//! each rule is also tested on small planted trees, that it fires and that it does not. A new
//! rule gets a line in [`RULES`] and a planted test beside it.

#[path = "tidy/tree.rs"]
mod tree;

#[path = "tidy/files.rs"]
mod files;

#[path = "tidy/arrows.rs"]
mod arrows;

#[path = "tidy/map.rs"]
mod map;

#[path = "tidy/words.rs"]
mod words;

#[path = "tidy/links.rs"]
mod links;

#[path = "tidy/coverage.rs"]
mod coverage;

use tree::{Rule, Tree};

/// Every rule, by the name that its violations are shown under.
const RULES: &[(&str, Rule)] = &[
    ("a file is short enough to read", files::length),
    ("a module says what it is", files::module_comment),
    ("nothing is left over", files::left_overs),
    ("no path of one machine", files::machine_paths),
    ("crates depend along the arrows", arrows::along),
    ("pure crates stay pure", arrows::pure),
    ("the map names what exists", map::named_things_exist),
    ("one word for one thing", words::no_synonyms),
    ("links lead somewhere", links::resolve),
    ("the coverage table is true", coverage::is_true),
];

#[test]
fn the_workspace_is_tidy() {
    let tree = Tree::of_workspace().unwrap();
    let places = |(name, rule): &(&str, Rule)| {
        rule(&tree).into_iter().map(|it| format!("{name}: {it}")).collect::<Vec<_>>()
    };
    let found: Vec<_> = RULES.iter().flat_map(places).collect();
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}
