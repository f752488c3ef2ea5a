//! The pages that are generated from the settings are the ones in the tree.

use std::fs;
use std::path::{Path, PathBuf};

use muster_config::{Config, Loaded, keys, reference};

/// `UPDATE=1` writes the page.
#[test]
fn the_reference_is_current() {
    let path = root().join("docs/configuration.md");
    let page = reference::markdown();
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == page,
        "docs/configuration.md is stale: UPDATE=1 cargo test -p muster-config --test reference"
    );
}

#[test]
fn the_reference_names_every_key_and_its_meaning() {
    let page = reference::markdown();
    for key in keys().iter().filter(|it| !it.is_section()) {
        assert!(!key.doc.is_empty(), "no meaning: {}", key.path);
        let row = page.lines().find(|it| it.contains(&format!("| {} |", key.doc)));
        assert!(row.is_some_and(|it| it.starts_with(&format!("| `{}` |", key.name()))));
        let heading = format!("[{}]", key.section());
        assert!(key.section().is_empty() || page.contains(&heading), "{}", key.path);
    }
}

#[test]
fn the_example_holds_every_key_and_all_defaults() {
    let path = root().join("muster.example.toml");
    let text = fs::read_to_string(&path).unwrap();
    let loaded = Loaded::read(&text, Some(&path), &[]).unwrap();
    let mut without_people = loaded.config.clone();
    without_people.people.clear();
    assert_eq!(without_people, Config::default());
    // What has no default stands there as a comment.
    let uncommented = text.replace("#: ", "");
    let all = Loaded::read(&uncommented, Some(&path), &[]).unwrap();
    for key in keys().iter().filter(|it| !it.is_section()) {
        let listed = [("people.", "people.0."), ("mappings.", "mappings.0.")];
        let path =
            listed.iter().fold(key.path.clone(), |path, (all, first)| path.replace(all, first));
        assert!(all.value(&path).is_some(), "missing in muster.example.toml: {path}");
        assert!(
            *all.origin(&path) != muster_config::Origin::Default,
            "not said in muster.example.toml: {path}"
        );
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
