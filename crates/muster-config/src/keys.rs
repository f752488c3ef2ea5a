//! Every key there is, with its meaning, form and default, read from the types' own schema.

use schemars::schema_for;
use serde_json::{Map, Value};

use crate::config::Config;

/// One key of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The whole path, as in `sources.lan.enabled`. Tables in an array have no number in it.
    pub path: String,
    /// What it means: the doc comment of the field.
    pub doc: String,
    /// Its form in plain words: `true or false`, `length of time, between 30s and 24h` ...
    pub form: String,
    /// What holds without it, as TOML; none: nothing does.
    pub default: Option<String>,
    /// Whether its section cannot be without it.
    pub required: bool,
    /// Whether it is a value or a section.
    pub shape: Shape,
}

/// Whether a key is a value or a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A string.
    Text,
    /// Any other value.
    Value,
    /// `[section]`.
    Section,
    /// `[[section]]`, any number of times.
    Sections,
}

impl Key {
    /// Whether it is a section and not a value.
    #[must_use]
    pub fn is_section(&self) -> bool {
        matches!(self.shape, Shape::Section | Shape::Sections)
    }

    /// The last word of the path.
    #[must_use]
    pub fn name(&self) -> &str {
        self.path.rsplit('.').next().unwrap_or(&self.path)
    }

    /// The path without the last word; empty at the top.
    #[must_use]
    pub fn section(&self) -> &str {
        self.path.rsplit_once('.').map_or("", |(section, _)| section)
    }
}

/// The JSON Schema (draft 2020-12) of the file.
#[must_use]
pub fn schema() -> Value {
    let mut schema = schema_for!(Config).to_value();
    if let Some(root) = schema.as_object_mut() {
        root.insert("title".to_owned(), "muster.toml".into());
    }
    schema
}

/// All keys, sections before what is in them.
#[must_use]
pub fn keys() -> Vec<Key> {
    let schema = schema();
    let mut out = Vec::new();
    collect(&schema, &schema, "", &mut out);
    // Values of a section before its subsections: the order in which TOML wants them.
    out.sort_by_cached_key(|it| {
        let sort_of = |at: usize| at > 0 || it.is_section();
        it.path
            .split('.')
            .enumerate()
            .map(|(at, word)| (sort_of(at), word.to_owned()))
            .collect::<Vec<_>>()
    });
    out
}

fn collect(root: &Value, node: &Value, prefix: &str, out: &mut Vec<Key>) {
    let node = resolved(root, node);
    let Some(properties) = node.get("properties").and_then(Value::as_object) else { return };
    let required = node.get("required").and_then(Value::as_array);
    for (name, property) in properties {
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        let body = resolved(root, property);
        let items = body.get("items").map(|it| resolved(root, it));
        let table =
            [Some(body), items].into_iter().flatten().find(|it| it.get("properties").is_some());
        let doc = [property, table.unwrap_or(body)].into_iter().find_map(description);
        out.push(Key {
            path: path.clone(),
            doc: doc.unwrap_or_default(),
            form: form(root, body),
            default: property.get("default").filter(|_| table.is_none()).and_then(toml_of),
            required: required.is_some_and(|all| all.iter().any(|it| it == name)),
            shape: match (table, items) {
                (Some(_), Some(_)) => Shape::Sections,
                (Some(_), None) => Shape::Section,
                (None, _) if kind(body) == Some("string") => Shape::Text,
                (None, _) => Shape::Value,
            },
        });
        if let Some(table) = table {
            collect(root, table, &path, out);
        }
    }
}

fn resolved<'a>(root: &'a Value, node: &'a Value) -> &'a Value {
    let reference = node.get("$ref").or_else(|| {
        let any = node.get("anyOf")?.as_array()?;
        any.iter().find_map(|it| it.get("$ref"))
    });
    reference
        .and_then(Value::as_str)
        .and_then(|it| root.pointer(it.trim_start_matches('#')))
        .unwrap_or(node)
}

fn description(node: &Value) -> Option<String> {
    let text = node.get("description")?.as_str()?;
    // One paragraph stays one line, whatever the width of the source.
    let paragraphs =
        text.split("\n\n").map(|it| it.split_whitespace().collect::<Vec<_>>().join(" "));
    Some(paragraphs.collect::<Vec<_>>().join("\n\n"))
}

fn form(root: &Value, node: &Value) -> String {
    let texts = |it: &Value| it.as_str().map(str::to_owned);
    let kind = match node.get("type") {
        Some(Value::Array(any)) => any.iter().filter_map(texts).find(|it| it != "null"),
        Some(one) => texts(one),
        None => None,
    };
    if let Some(words) = node.get("enum").and_then(Value::as_array) {
        let words: Vec<String> =
            words.iter().filter_map(texts).map(|it| format!("\"{it}\"")).collect();
        return words.join(", ");
    }
    if let Some(one_of) = node.get("oneOf").and_then(Value::as_array) {
        let words: Vec<String> = one_of
            .iter()
            .filter_map(|it| it.get("const").and_then(texts))
            .map(|it| format!("\"{it}\""))
            .collect();
        return words.join(", ");
    }
    match kind.as_deref() {
        Some("boolean") => "true or false".to_owned(),
        Some("integer") => number(node.as_object()),
        Some("array") => {
            let items = node.get("items").map(|it| form(root, resolved(root, it)));
            format!("list of {}", items.unwrap_or_default())
        }
        Some("object") => "section".to_owned(),
        Some("string") => match node.get("x-range").and_then(Value::as_str) {
            Some(range) => format!("length of time {range}"),
            None => "text".to_owned(),
        },
        _ => "text".to_owned(),
    }
}

fn kind(node: &Value) -> Option<&str> {
    let given = node.get("type")?;
    let any = given.as_array().into_iter().flatten().filter_map(Value::as_str);
    any.chain(given.as_str()).find(|it| *it != "null")
}

fn number(node: Option<&Map<String, Value>>) -> String {
    let bound = |name: &str| node.and_then(|it| it.get(name)).map(Value::to_string);
    match (bound("minimum"), bound("maximum")) {
        (Some(low), Some(high)) => format!("number between {low} and {high}"),
        (Some(low), None) => format!("number from {low}"),
        _ => "number".to_owned(),
    }
}

fn toml_of(value: &Value) -> Option<String> {
    if value.is_null() {
        return None;
    }
    toml::Value::try_from(value).ok().map(|it| it.to_string())
}
