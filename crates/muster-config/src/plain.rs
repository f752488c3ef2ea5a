//! Says in plain words why a value does not fit its key; the parser's own words are for programmers.

use crate::keys::{Key, Shape};

/// What is wrong with the value of a key, by what the parser said about it.
pub(crate) fn said(parser: &str, key: Option<&Key>) -> String {
    let parser = one_line(parser);
    if let Some(field) = parser.strip_prefix("missing field ") {
        return format!("a key is missing here: {}", field.trim_matches('`'));
    }
    let Some((given, expected)) =
        parser.strip_prefix("invalid type: ").and_then(|it| it.split_once(", expected "))
    else {
        return parser;
    };
    let given = thing(given);
    match key {
        Some(key) if expected == "a string" && key.shape == Shape::Value => {
            format!("{given} stands in a {}, which holds texts in quotes", key.form)
        }
        Some(key) => match key.shape {
            Shape::Section => {
                format!("{given} stands where a section belongs, as in [{}]", key.path)
            }
            Shape::Sections => {
                format!("{given} stands where sections belong, as in [[{}]]", key.path)
            }
            Shape::Text | Shape::Value => {
                let form = match key.form.as_str() {
                    "text" => "a text in quotes".to_owned(),
                    form if form.starts_with(['"', 't']) => form.to_owned(),
                    form => format!("a {form}"),
                };
                let example = key.default.as_ref();
                let example = example.map(|it| format!(", as in {} = {it}", key.name()));
                format!("{given} does not fit: write {form}{}", example.unwrap_or_default())
            }
        },
        None => format!("{given} does not fit here"),
    }
}

/// Text in one line.
pub(crate) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `string "yes"` is the text "yes" to people.
fn thing(given: &str) -> String {
    let words = [
        ("string ", "the text "),
        ("integer ", "the number "),
        ("floating point ", "the number "),
        ("boolean ", "the word "),
    ];
    let named = words.iter().find_map(|(word, plain)| {
        given.strip_prefix(word).map(|it| format!("{plain}{}", it.trim_matches('`')))
    });
    named.unwrap_or_else(|| match given {
        "map" => "a section".to_owned(),
        "sequence" => "a list".to_owned(),
        other => other.to_owned(),
    })
}
