//! Every key of the configuration has a test that is tagged with it.
//!
//! A tag is a comment line above a test, `// config: sources.lan.enabled`; it says that this test
//! fails if the key does nothing.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn every_key_has_a_test() -> std::io::Result<()> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates");
    let mut tagged = BTreeSet::new();
    for file in sources(&crates)? {
        tagged.extend(tags(&fs::read_to_string(&file)?));
    }
    let keys: BTreeSet<String> =
        muster_config::keys().into_iter().filter(|it| !it.is_section()).map(|it| it.path).collect();
    let untested: Vec<_> = keys.difference(&tagged).collect();
    let unknown: Vec<_> = tagged.difference(&keys).collect();
    assert!(untested.is_empty(), "keys without a test tagged `// config: KEY`: {untested:?}");
    assert!(unknown.is_empty(), "tests tagged with keys that do not exist: {unknown:?}");
    Ok(())
}

#[test]
fn only_tags_above_a_test_count() {
    let tagged = tags(
        "// config: a.b\n// config: c\n#[test]\nfn one() {}\n\n// config: d\nfn helper() {}\n\
         // config: e\n#[tokio::test]\nasync fn two() {}\n",
    );
    assert_eq!(tagged, ["a.b", "c", "e"]);
}

/// The keys that tests in this text are tagged with.
fn tags(text: &str) -> Vec<String> {
    let mut waiting = Vec::new();
    let mut found = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some(key) = line.strip_prefix("// config: ") {
            waiting.push(key.trim().to_owned());
        } else if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            found.append(&mut waiting);
        } else if !line.starts_with("//") && !line.starts_with("#[") {
            waiting.clear();
        }
    }
    found
}

fn sources(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            all.extend(sources(&path)?);
        } else if path.extension().is_some_and(|it| it == "rs") {
            all.push(path);
        }
    }
    Ok(all)
}
