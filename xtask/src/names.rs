//! Names of companies and things in the embedded tables of `muster-wire`: made short, sorted,
//! numbered. The reader is `crates/muster-wire/src/names.rs`.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;

/// The names of a table.
pub(crate) struct Names<'a> {
    numbers: BTreeMap<&'a str, u16>,
    /// Where every 32nd name begins, numbers of 4 bytes, big-endian.
    pub(crate) begins: Vec<u8>,
    /// The names, each behind its length in one byte.
    pub(crate) text: Vec<u8>,
}

impl<'a> Names<'a> {
    /// Each of them once.
    pub(crate) fn of(all: impl Iterator<Item = &'a str>) -> anyhow::Result<Self> {
        let names: BTreeSet<&str> = all.collect();
        let (mut numbers, mut begins, mut text) = (BTreeMap::new(), Vec::new(), Vec::new());
        for (at, name) in names.into_iter().enumerate() {
            if at % 32 == 0 {
                begins.extend(u32::try_from(text.len())?.to_be_bytes());
            }
            text.push(u8::try_from(name.len())?);
            text.extend(name.bytes());
            numbers.insert(name, u16::try_from(at).context("there are more than 65536 names")?);
        }
        Ok(Self { numbers, begins, text })
    }

    /// How many there are.
    pub(crate) fn count(&self) -> anyhow::Result<u32> {
        Ok(u32::try_from(self.numbers.len())?)
    }

    /// The number of a name.
    pub(crate) fn number(&self, name: &str) -> anyhow::Result<u16> {
        self.numbers.get(name).copied().context("a name has no number")
    }
}

/// The name in one line, bounded, without the words for its legal form.
pub(crate) fn shown(name: &str) -> String {
    let words = name.split(|it: char| it.is_whitespace() || it.is_control());
    let name = words.filter(|it| !it.is_empty()).collect::<Vec<_>>().join(" ");
    let mut rest = name.as_str();
    while let Some((head, tail)) = rest.rsplit_once([' ', ',']) {
        let bare: String = tail.chars().filter(char::is_ascii_alphanumeric).collect();
        let is_form = bare.is_empty() || LEGAL_FORMS.contains(&bare.to_ascii_lowercase().as_str());
        if !is_form || head.is_empty() || tail.ends_with(')') {
            break;
        }
        rest = head.trim_end_matches([' ', ',', '&']);
    }
    let short: String = rest.chars().take(MAX_NAME).collect();
    short.trim_end_matches([' ', ',']).to_owned()
}

/// In characters; longer names are sentences.
const MAX_NAME: usize = 40;
/// Words that end a company's name and tell nothing about it.
const LEGAL_FORMS: [&str; 46] = [
    "ab",
    "ag",
    "aps",
    "as",
    "asa",
    "bv",
    "bvba",
    "co",
    "cokg",
    "coltd",
    "company",
    "corp",
    "corporation",
    "doo",
    "eood",
    "ev",
    "gmbh",
    "inc",
    "incorporated",
    "kft",
    "kg",
    "kk",
    "lda",
    "limited",
    "llc",
    "llp",
    "lp",
    "ltd",
    "ltda",
    "mbh",
    "nv",
    "oy",
    "oyj",
    "plc",
    "pte",
    "pty",
    "pvt",
    "sa",
    "sarl",
    "sas",
    "sl",
    "spa",
    "spzoo",
    "srl",
    "sro",
    "ulc",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_without_legal_forms() {
        for (given, want) in [
            ("Apple, Inc.", "Apple"),
            ("HUAWEI TECHNOLOGIES CO.,LTD", "HUAWEI TECHNOLOGIES"),
            ("Bosch GmbH & Co. KG", "Bosch"),
            ("Co., Ltd.", "Co."),
            ("A\tB  C\u{a0}S.p.A.", "A B C"),
            ("Nest Labs (Pty) Ltd", "Nest Labs (Pty)"),
            ("Inc", "Inc"),
            ("", ""),
        ] {
            assert_eq!(shown(given), want, "{given}");
        }
    }
}
