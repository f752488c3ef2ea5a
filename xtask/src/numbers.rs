//! Builds the table of Bluetooth's assigned numbers of `muster-wire` from Nordic Semiconductor's
//! `bluetooth-numbers-database`.
//!
//! The table is the same for the same lists. Its layout is described beside it, in
//! `crates/muster-wire/data/bluetooth/README.md`; the reader is `muster_wire::bluetooth::numbers`.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context, ensure};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::names::{Names, shown};

/// Reads the lists in `from` and writes the table.
pub(crate) fn run(from: &Path) -> anyhow::Result<()> {
    let lists = Lists {
        companies: listed(from, "company_ids.json")?,
        services: listed(from, "service_uuids.json")?,
        appearances: listed(from, "gap_appearance.json")?,
    };
    let table = lists.table()?;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/muster-wire/data/bluetooth");
    let path = folder.join("numbers.bin");
    fs::write(&path, &table).with_context(|| format!("cannot write {}", path.display()))?;
    writeln!(io::stderr(), "{} bytes: {}", table.len(), path.display())?;
    Ok(())
}

fn listed<T: DeserializeOwned>(from: &Path, file: &str) -> anyhow::Result<Vec<T>> {
    let path = from.join(file);
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("in {}", path.display()))
}

struct Lists {
    companies: Vec<Company>,
    services: Vec<Service>,
    appearances: Vec<Category>,
}

#[derive(Deserialize)]
struct Company {
    code: u16,
    name: String,
}

#[derive(Deserialize)]
struct Service {
    uuid: String,
    name: String,
}

#[derive(Deserialize)]
struct Category {
    #[serde(rename = "category")]
    number: u16,
    name: String,
    #[serde(default, rename = "subcategory")]
    kinds: Vec<Kind>,
}

#[derive(Deserialize)]
struct Kind {
    value: u16,
    name: String,
}

impl Lists {
    /// The layout: `b"MBTN"`; the number of names, of companies, of appearances and of services; where
    /// every 32nd name begins among the names; the rows; the names, each behind its length in one
    /// byte.
    ///
    /// Counts and beginnings are numbers of 4 bytes. A row is a number in 2 bytes (of a service, the
    /// identifier in 16), and the number of a name in 2. All numbers are big-endian.
    fn table(&self) -> anyhow::Result<Vec<u8>> {
        let mut companies: BTreeMap<u16, String> =
            self.companies.iter().map(|it| (it.code, shown(&it.name))).collect();
        // No company: what devices without a number of their own put in its place.
        companies.remove(&0xffff);
        let mut appearances = BTreeMap::new();
        for it in &self.appearances {
            ensure!(it.number < 1 << 10, "a category has 10 bits: {}", it.number);
            appearances.insert(it.number << 6, shown(&it.name));
            for kind in &it.kinds {
                ensure!(kind.value < 1 << 6, "a kind has 6 bits: {}", kind.value);
                appearances.insert(it.number << 6 | kind.value, shown(&kind.name));
            }
        }
        let services = self.services.iter().map(|it| Ok((uuid(&it.uuid)?, shown(&it.name))));
        let services: BTreeMap<[u8; 16], String> = services.collect::<anyhow::Result<_>>()?;
        let all = companies.values().chain(appearances.values()).chain(services.values());
        let names = Names::of(all.map(String::as_str))?;
        let mut out = b"MBTN".to_vec();
        out.extend(names.count()?.to_be_bytes());
        for count in [companies.len(), appearances.len(), services.len()] {
            out.extend(u32::try_from(count)?.to_be_bytes());
        }
        out.extend(&names.begins);
        for (number, name) in companies.iter().chain(&appearances) {
            out.extend(number.to_be_bytes());
            out.extend(names.number(name)?.to_be_bytes());
        }
        for (uuid, name) in &services {
            out.extend(uuid);
            out.extend(names.number(name)?.to_be_bytes());
        }
        out.extend(&names.text);
        Ok(out)
    }
}

/// Four digits, or all of an identifier.
fn uuid(text: &str) -> anyhow::Result<[u8; 16]> {
    let digits: String = match text.len() {
        4 => format!("0000{text}00001000800000805f9b34fb"),
        _ => text.chars().filter(|it| *it != '-').collect(),
    };
    ensure!(digits.len() == 32, "an identifier has 4 or 32 digits: {text}");
    let number = u128::from_str_radix(&digits, 16).with_context(|| text.to_owned())?;
    Ok(number.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_few() {
        let company = |code, name: &str| Company { code, name: name.to_owned() };
        let kinds = vec![Kind { value: 2, name: "Smartwatch".to_owned() }];
        let lists = Lists {
            companies: vec![company(76, "Apple, Inc."), company(0xffff, "nobody")],
            services: vec![Service { uuid: "180F".to_owned(), name: "Battery".to_owned() }],
            appearances: vec![Category { number: 3, name: "Watch".into(), kinds }],
        };
        let want = [
            &b"MBTN\0\0\0\x04\0\0\0\x01\0\0\0\x02\0\0\0\x01\0\0\0\0"[..],
            b"\0\x4c\0\0\0\xc0\0\x03\0\xc2\0\x02",
            b"\0\0\x18\x0f\0\0\x10\0\x80\0\0\x80\x5f\x9b\x34\xfb\0\x01",
            b"\x05Apple\x07Battery\x0aSmartwatch\x05Watch",
        ];
        assert_eq!(lists.table().unwrap(), want.concat());
        assert!(uuid("18").is_err() && uuid("18gg").is_err());
    }
}
