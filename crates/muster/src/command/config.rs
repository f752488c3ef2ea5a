//! `muster config`: is it right, what is in effect, what does a key mean and who set it.

use muster_config::{Key, Loaded, Origin, keys, schema};
use serde_json::json;

use crate::cli::{ConfigCommand, Format};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::{self, Output};

/// Runs the command.
pub(crate) fn run(context: &Context, command: &ConfigCommand) -> Result<(), Failure> {
    match command {
        ConfigCommand::Check => check(context),
        ConfigCommand::Show => show(context),
        ConfigCommand::Explain { key } => explain(context, key),
        ConfigCommand::Schema => {
            let text = serde_json::to_string_pretty(&schema());
            let text = text.map_err(|it| Failure::new(Exit::Failed, "cannot print").because(it))?;
            output::put(&(text + "\n"))
        }
    }
}

fn check(context: &Context) -> Result<(), Failure> {
    let output = Output::new(context)?;
    let loaded = context.config()?;
    let file = loaded.file.as_ref().map(|it| it.display().to_string());
    let sentence = match &file {
        Some(file) => format!("right: {file}"),
        None => "right: there is no file, the defaults hold".to_owned(),
    };
    output.done(&sentence, &json!({ "right": true, "file": file }))
}

fn show(context: &Context) -> Result<(), Failure> {
    let loaded = context.config()?;
    if context.common.format == Format::Json {
        let value = serde_json::to_value(&loaded.config);
        let value = value.map_err(|it| Failure::new(Exit::Failed, "cannot print").because(it))?;
        return output::json(&value);
    }
    let text = toml::to_string(&loaded.config)
        .map_err(|it| Failure::new(Exit::Failed, "cannot print").because(it))?;
    output::put(&annotated(&text, loaded))
}

/// The same TOML with a comment behind every line that somebody wrote: who.
fn annotated(text: &str, loaded: &Loaded) -> String {
    let mut section = String::new();
    let mut listed = 0;
    let mut lines = Vec::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("[[").and_then(|it| it.strip_suffix("]]")) {
            section = format!("{name}.{listed}.");
            listed += 1;
        } else if let Some(name) = line.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
            section = format!("{name}.");
        }
        let key = line.split_once(" = ").map(|(key, _)| format!("{section}{key}"));
        lines.push(match key.map(|it| loaded.origin(&it)) {
            None | Some(Origin::Default) => format!("{line}\n"),
            Some(origin) => format!("{line}  # {origin}\n"),
        });
    }
    lines.concat()
}

fn explain(context: &Context, wanted: &str) -> Result<(), Failure> {
    let loaded = context.config()?;
    let keys = keys();
    // In a list, any entry's number may stand in the path.
    let plain: Vec<&str> = wanted
        .trim_matches(['[', ']'])
        .split('.')
        .filter(|it| it.parse::<usize>().is_err())
        .collect();
    let plain = plain.join(".");
    let Some(key) = keys.iter().find(|it| it.path == plain) else {
        return Err(unknown(wanted, &plain, &keys));
    };
    if context.common.format == Format::Json {
        let inside: Vec<&str> =
            keys.iter().filter(|it| it.section() == key.path).map(|it| it.path.as_str()).collect();
        return output::json(&json!({
            "key": key.path, "meaning": key.doc, "form": key.form, "default": key.default,
            "value": loaded.value(wanted), "set_by": loaded.origin(wanted).to_string(),
            "variable": variable(key), "keys": inside,
        }));
    }
    output::put(&if key.is_section() { section(key, &keys) } else { one(key, wanted, loaded) })
}

fn section(key: &Key, keys: &[Key]) -> String {
    let inner = keys.iter().filter(|it| it.section() == key.path);
    let inner: Vec<String> = inner.map(|it| format!("  {}\n", it.path)).collect();
    format!("[{}]\n  {}\n\nkeys:\n{}", key.path, folded(&key.doc), inner.concat())
}

fn one(key: &Key, wanted: &str, loaded: &Loaded) -> String {
    let nothing = || "nothing".to_owned();
    let rows = [
        ("form", Some(key.form.clone())),
        ("default", Some(key.default.clone().unwrap_or_else(nothing))),
        ("value", Some(loaded.value(wanted).map_or_else(nothing, |it| it.to_string()))),
        ("set by", Some(loaded.origin(wanted).to_string())),
        ("variable", variable(key)),
    ];
    let rows = rows.iter().filter_map(|(name, it)| Some((name, it.as_ref()?)));
    let rows: Vec<String> = rows.map(|(name, it)| format!("  {name:<9} {it}\n")).collect();
    format!("{}\n  {}\n\n{}", key.path, folded(&key.doc), rows.concat())
}

/// The environment variable that overrides it; lists of tables have none.
fn variable(key: &Key) -> Option<String> {
    let settable = !key.is_section() && !key.path.starts_with("people.");
    settable.then(|| format!("MUSTER__{}", key.path.to_uppercase().replace('.', "__")))
}

fn unknown(wanted: &str, plain: &str, keys: &[Key]) -> Failure {
    let last = plain.rsplit('.').next().unwrap_or(plain);
    let near: Vec<&str> = keys
        .iter()
        .filter(|it| it.name() == last || (last.len() > 2 && it.path.contains(last)))
        .map(|it| it.path.as_str())
        .collect();
    let failure = Failure::new(Exit::NotFound, format!("there is no such key: {wanted}"));
    if near.is_empty() {
        return failure.hint("all keys: muster config schema, or docs/configuration.md");
    }
    failure.hint(format!("muster config explain {}", near.join(", or ")))
}

/// Text in lines of at most 78 columns, indented by two.
fn folded(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + 1 + word.chars().count() <= 76 => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.join("\n  ")
}
