//! Which crate may know which: the arrows of `ARCHITECTURE.md`, read from the manifests.

use toml::{Table, Value};

use super::tree::Tree;

/// A crate, and the only crates of the workspace that it may depend on. `muster` and `xtask` know
/// everybody; nobody knows them.
const ARROWS: &[(&str, &[&str])] = &[
    ("muster-core", &[]),
    ("muster-wire", &["muster-core"]),
    ("muster-config", &["muster-core"]),
    ("muster-report", &["muster-core"]),
    ("muster-sources", &["muster-core", "muster-wire", "muster-config"]),
    ("muster-sinks", &["muster-core", "muster-wire", "muster-config"]),
    ("muster-relay", &["muster-core", "muster-wire", "muster-config"]),
    ("muster-store", &["muster-core", "muster-wire", "muster-config"]),
    ("muster-web", &["muster-core", "muster-wire", "muster-config", "muster-report"]),
    ("muster-sim", &["muster-core", "muster-wire"]),
    ("muster-rig", &[]),
];
const KNOW_EVERYBODY: &[&str] = &["muster", "xtask"];

/// What the core may use of the world: errors and the calendar.
const CORE_USES: &[&str] = &["jiff", "thiserror"];

/// What tests may use anywhere: the simulator, and the suite that every store must pass.
const IN_TESTS: &[&str] = &["muster-sim", "muster-store"];

/// Crates that only turn values into values, and what would make them do more.
const PURE: &[&str] = &["muster-wire", "muster-config", "muster-report", "muster-sim"];
const IMPURE: &[&str] =
    &["axum", "libc", "nix", "reqwest", "rtnetlink", "socket2", "sqlx", "tokio", "tracing"];

/// Dependencies follow the arrows. Tests may use the simulator anywhere.
pub(crate) fn along(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for (path, name, manifest) in manifests(tree) {
        if KNOW_EVERYBODY.contains(&name.as_str()) {
            continue;
        }
        let Some((_, allowed)) = ARROWS.iter().find(|(it, _)| *it == name) else {
            found.push(format!("{path}: {name} has no place among the arrows"));
            continue;
        };
        for (kind, dependency) in dependencies(&manifest) {
            let is_ours = dependency.starts_with("muster") || dependency == "xtask";
            let in_tests = kind == "dev-dependencies" && IN_TESTS.contains(&dependency.as_str());
            if is_ours && !in_tests && !allowed.contains(&dependency.as_str()) {
                found.push(format!("{path}: {name} may not depend on {dependency}"));
            }
        }
    }
    found
}

/// The core stays free of I/O, and errors without a type stay in the binaries.
pub(crate) fn pure(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for (path, name, manifest) in manifests(tree) {
        for (kind, dependency) in dependencies(&manifest) {
            let it = dependency.as_str();
            let is_ours = it.starts_with("muster");
            let breaks = match name.as_str() {
                _ if kind == "dev-dependencies" => false,
                "muster-core" => !is_ours && !CORE_USES.contains(&it),
                _ if it == "anyhow" => !KNOW_EVERYBODY.contains(&name.as_str()),
                _ => PURE.contains(&name.as_str()) && IMPURE.contains(&it),
            };
            if breaks {
                found.push(format!("{path}: {name} may not use {dependency}"));
            }
        }
    }
    found
}

/// Path, name and content of every crate's manifest.
fn manifests(tree: &Tree) -> impl Iterator<Item = (&str, String, Table)> {
    tree.texts_ending(&["/Cargo.toml"]).filter_map(|(path, text)| {
        let manifest: Table = text.parse().unwrap_or_else(|error| panic!("{path}: {error}"));
        let name = manifest.get("package")?.get("name")?.as_str()?.to_owned();
        Some((path, name, manifest))
    })
}

/// Every dependency with the table it stands in, those of single targets included.
fn dependencies(manifest: &Table) -> Vec<(&'static str, String)> {
    let targets = manifest.get("target").and_then(Value::as_table);
    let targets = targets.into_iter().flat_map(|it| it.values()).filter_map(Value::as_table);
    let mut found = Vec::new();
    for table in std::iter::once(manifest).chain(targets) {
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let listed = table.get(kind).and_then(Value::as_table);
            let entries = listed.into_iter().flatten();
            found.extend(entries.map(|(name, entry)| (kind, real_name(name, entry))));
        }
    }
    found
}

/// The crate behind a dependency, which may have been renamed.
fn real_name(name: &str, entry: &Value) -> String {
    entry.get("package").and_then(Value::as_str).unwrap_or(name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::tree::{Rule, check};
    use super::*;

    #[test]
    fn a_crate_off_the_arrows_is_found() {
        let may = "may not depend on";
        says(along, "muster-wire", "[dependencies]\nmuster-core.workspace = true", "");
        says(along, "muster", "[dependencies]\nmuster-web.workspace = true", "");
        says(along, "muster-core", "[dev-dependencies]\nmuster-sim.workspace = true", "");
        says(
            along,
            "muster-core",
            "[dependencies]\nmuster-sim = { path = \"\" }",
            &format!("{may} muster-sim"),
        );
        says(
            along,
            "muster-sinks",
            "[dependencies]\nmuster-sources.workspace = true",
            &format!("{may} muster-sources"),
        );
        says(
            along,
            "muster-web",
            "[dependencies]\nstore = { package = \"muster-store\", path = \"\" }",
            &format!("{may} muster-store"),
        );
        says(
            along,
            "muster-store",
            "[target.'cfg(unix)'.dependencies]\nmuster.path = \"\"",
            &format!("{may} muster"),
        );
        says(
            along,
            "muster-web",
            "[build-dependencies]\nxtask.path = \"\"",
            &format!("{may} xtask"),
        );
        says(along, "muster-new", "", "has no place among the arrows");
    }

    #[test]
    fn a_pure_crate_that_does_io_is_found() {
        says(pure, "muster-core", "[dependencies]\njiff = \"0.2\"", "");
        says(pure, "muster-core", "[dev-dependencies]\nproptest = \"1\"", "");
        says(pure, "muster-core", "[dependencies]\nserde = \"1\"", "may not use serde");
        says(pure, "muster-wire", "[dependencies]\ntokio = \"1\"", "may not use tokio");
        says(pure, "muster-sources", "[dependencies]\ntokio = \"1\"", "");
        says(pure, "muster-sources", "[dependencies]\nanyhow = \"1\"", "may not use anyhow");
        says(pure, "muster", "[dependencies]\nanyhow = \"1\"", "");
    }

    #[track_caller]
    fn says(rule: Rule, name: &str, rest: &str, expected: &str) {
        let manifest = format!("[package]\nname = \"{name}\"\n{rest}\n");
        let expected = format!("c/Cargo.toml: {name} {expected}");
        let is_clean = expected.ends_with(' ');
        let expected: &[&str] = if is_clean { &[] } else { &[&expected] };
        check(rule, &[("c/Cargo.toml", &manifest)], expected);
    }
}
