//! `docs/configuration.md`, rendered from the doc comments of the settings.

use crate::keys::{Key, keys};

/// The whole page.
#[must_use]
pub fn markdown() -> String {
    let keys = keys();
    let mut page = HEAD.to_owned();
    section(&mut page, &keys, "");
    for key in keys.iter().filter(|it| it.section) {
        let brackets = if key.repeated { ("[[", "]]") } else { ("[", "]") };
        let mut block = String::new();
        section(&mut block, &keys, &key.path);
        // A section that only holds sections needs no heading of its own.
        if !block.is_empty() {
            let (open, close) = brackets;
            page.push_str(&format!("\n## `{open}{}{close}`\n\n{}\n", key.path, key.doc));
            page.push_str(&block);
        }
    }
    page
}

fn section(page: &mut String, keys: &[Key], section: &str) {
    let mut rows = keys.iter().filter(|it| it.section() == section && !it.section).peekable();
    if rows.peek().is_none() {
        return;
    }
    page.push_str("\n| Key | Form | Default | Meaning |\n|---|---|---|---|\n");
    for key in rows {
        let default =
            key.default.as_ref().map_or_else(|| "none".to_owned(), |it| format!("`{it}`"));
        let cell = |text: &str| text.replace('|', "\\|").replace("\n\n", " ");
        let (name, form, doc) = (key.name(), cell(&key.form), cell(&key.doc));
        page.push_str(&format!("| `{name}` | {form} | {default} | {doc} |\n"));
    }
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
