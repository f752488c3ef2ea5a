//! `docs/configuration.md`, rendered from the doc comments of the settings.

use std::fmt::{Result, Write as _};

use crate::keys::{Key, Shape, keys};

/// The whole page.
#[must_use]
pub fn markdown() -> String {
    let keys = keys();
    let mut page = HEAD.to_owned();
    // Writing into a String does not fail.
    if table(&mut page, &keys, "").and_then(|()| sections(&mut page, &keys)).is_err() {
        page.clear();
    }
    page
}

fn sections(page: &mut String, keys: &[Key]) -> Result {
    for key in keys.iter().filter(|it| it.is_section()) {
        // A section that only holds sections needs no heading of its own.
        if !keys.iter().any(|it| it.section() == key.path && !it.is_section()) {
            continue;
        }
        let heading = match key.shape {
            Shape::Sections => format!("[[{}]]", key.path),
            Shape::Text | Shape::Value | Shape::Section => format!("[{}]", key.path),
        };
        write!(page, "\n## `{heading}`\n\n{}\n", key.doc)?;
        table(page, keys, &key.path)?;
    }
    Ok(())
}

fn table(page: &mut String, keys: &[Key], section: &str) -> Result {
    page.push_str("\n| Key | Form | Default | Meaning |\n|---|---|---|---|\n");
    for key in keys.iter().filter(|it| it.section() == section && !it.is_section()) {
        let without = if key.required { "required" } else { "none" };
        let default =
            key.default.as_ref().map_or_else(|| without.to_owned(), |it| format!("`{it}`"));
        let cell = |text: &str| text.replace('|', "\\|").replace("\n\n", " ");
        let (name, form, doc) = (key.name(), cell(&key.form), cell(&key.doc));
        writeln!(page, "| `{name}` | {form} | {default} | {doc} |")?;
    }
    Ok(())
}

const HEAD: &str = "\
# Configuration

<!-- Generated from the settings' doc comments. Do not edit: change the comment, then run
     UPDATE=1 cargo test -p muster-config --test reference -->

Muster needs no configuration. What you do want to say goes into one TOML file, the first of:
`--config FILE`, `$MUSTER_CONFIG`, `./muster.toml`, `/etc/muster/muster.toml`.

- Every key can be overridden by an environment variable: `MUSTER__SOURCES__LAN__ENABLED=false` is
  `enabled = false` in `[sources.lan]`. Text needs no quotes there; everything else is written as in
  TOML.
- A key that does not exist is an error, with the line and what was probably meant.
- `muster config check` checks, `muster config show` prints what is in effect, `muster config explain
  KEY` says what a key means and who set it, `muster config schema` prints a JSON Schema for editors.
- Lengths of time are written `\"90s\"`, `\"5m\"`, `\"1h 30m\"`, `\"30d\"`; a day has 24 hours.

`muster.example.toml` beside the README holds every key with its default.

## Top level
";
