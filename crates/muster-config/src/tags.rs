//! `[tags]`: which texts of apps make a phone known.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::value::{Count, Prefix};

/// Phones change their addresses, so the apps of attendance systems send a text, as in
/// `ATT-USER-1a2b3c4d`. Which of all the texts that are heard count is said here, for whatever hears
/// them; a text that counts is the identity `tag:TEXT`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TagSettings {
    /// How such a text begins: any of these, each of 1 to 32 characters of ASCII without spaces. With
    /// an empty list no text counts.
    pub prefixes: Vec<Prefix>,
    /// What it may travel in. A 128-bit service identifier is read as 16 characters and as its digits.
    pub from: Vec<Carrier>,
    /// Whether the letters of a prefix must be written as they are here. The text itself is always kept
    /// as it was sent: what differs in a letter is another identity.
    pub case: Case,
    /// The fewest characters of the whole text.
    pub shortest: Count<1, 255>,
    /// The most characters of the whole text.
    pub longest: Count<1, 255>,
}

impl Default for TagSettings {
    fn default() -> Self {
        Self {
            prefixes: vec![Prefix::default()],
            from: vec![
                Carrier::Name,
                Carrier::ServiceData,
                Carrier::ManufacturerData,
                Carrier::ServiceUuid,
            ],
            case: Case::Exact,
            shortest: Count::new(1),
            longest: Count::new(255),
        }
    }
}

impl TagSettings {
    /// What a single value cannot show.
    pub(crate) fn clashes(&self) -> Vec<(String, String)> {
        let (shortest, longest) = (self.shortest.get(), self.longest.get());
        let mut out = Vec::new();
        if shortest > longest {
            let what = format!("no text has {shortest} characters and at most {longest}");
            out.push(("tags.shortest".to_owned(), what));
        }
        // A text says something behind its prefix.
        for prefix in self.prefixes.iter().filter(|it| it.get().as_str().len() >= longest as usize)
        {
            let what =
                format!("no text of at most {longest} characters says anything behind {prefix}");
            out.push(("tags.longest".to_owned(), what));
        }
        out
    }
}

/// What a text may travel in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Carrier {
    /// The device's name.
    Name,
    /// Data of a service.
    ServiceData,
    /// Data of a maker.
    ManufacturerData,
    /// A 128-bit service identifier.
    ServiceUuid,
}

/// How letters are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Case {
    /// As they are written.
    Exact,
    /// Large and small ones are the same.
    Any,
}
