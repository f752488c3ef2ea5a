//! Builds the vendor table of `muster-wire` from the IEEE's public listings, as Debian's `ieee-data`
//! package brings them.
//!
//! The table is the same for the same listings, whatever their order. Its layout is described beside
//! it, in `crates/muster-wire/data/oui/README.md`; the reader is `muster_wire::oui`.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context, ensure};

use crate::names::{Names, shown};

/// Reads the listings and writes the table.
pub(crate) fn run() -> anyhow::Result<()> {
    let mut blocks = BTreeMap::new();
    for (file, digits) in LISTINGS {
        let path = Path::new(SOURCE).join(file);
        let text = fs::read_to_string(&path).with_context(|| {
            format!("cannot read {}\nhint: apt-get install ieee-data", path.display())
        })?;
        add_listing(&mut blocks, &text, digits).with_context(|| format!("in {file}"))?;
    }
    let table = table(&blocks)?;
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/muster-wire/data/oui/vendors.bin");
    fs::write(&path, &table).with_context(|| format!("cannot write {}", path.display()))?;
    writeln!(io::stderr(), "{} blocks, {} bytes: {}", blocks.len(), table.len(), path.display())?;
    Ok(())
}

/// Vendor names by (hexadecimal digits of the prefix, prefix).
type Blocks = BTreeMap<(usize, u64), String>;

fn add_listing(blocks: &mut Blocks, text: &str, digits: usize) -> anyhow::Result<()> {
    for row in rows(text).skip(1) {
        let [_, prefix, name, ..] = &row[..] else { continue };
        ensure!(prefix.len() == digits, "a prefix has {digits} digits: {prefix}");
        let prefix = u64::from_str_radix(prefix, 16).with_context(|| prefix.clone())?;
        let name = shown(name);
        let is_vendor =
            !name.is_empty() && name != "Private" && name != "IEEE Registration Authority";
        if !is_vendor {
            continue;
        }
        // A few old prefixes were given twice; the first name in the alphabet is kept.
        let known = blocks.entry((digits, prefix)).or_insert_with(|| name.clone());
        if name < *known {
            *known = name;
        }
    }
    Ok(())
}

/// The layout: `b"MOUI"`; the number of names and of rows of each length; where every 32nd name
/// begins among the names; the rows; the names, each behind its length in one byte.
///
/// Counts and beginnings are numbers of 4 bytes. A row is a prefix, left-aligned in 3, 4 or 5 bytes,
/// and the number of a name in 2. All numbers are big-endian, so that rows compare as bytes.
fn table(blocks: &Blocks) -> anyhow::Result<Vec<u8>> {
    let names = Names::of(blocks.values().map(String::as_str))?;
    let mut rows = Vec::new();
    let mut out = b"MOUI".to_vec();
    out.extend(names.count()?.to_be_bytes());
    for (digits, bytes) in [(6, 3), (7, 4), (9, 5)] {
        let mut count = 0_u32;
        for ((_, prefix), name) in blocks.range((digits, 0)..=(digits, u64::MAX)) {
            let aligned = prefix << (64 - 4 * digits);
            rows.extend(aligned.to_be_bytes().into_iter().take(bytes));
            rows.extend(names.number(name)?.to_be_bytes());
            count += 1;
        }
        out.extend(count.to_be_bytes());
    }
    for part in [names.begins, rows, names.text] {
        out.extend(part);
    }
    Ok(out)
}

/// The rows of a CSV file (RFC 4180): fields may be quoted, a quote inside is doubled.
fn rows(text: &str) -> impl Iterator<Item = Vec<String>> {
    let mut chars = text.chars().peekable();
    std::iter::from_fn(move || {
        chars.peek()?;
        let (mut row, mut field, mut quoted) = (Vec::new(), String::new(), false);
        while let Some(it) = chars.next() {
            match it {
                '"' if quoted && chars.peek() == Some(&'"') => field.extend(chars.next()),
                '"' => quoted = !quoted,
                ',' if !quoted => row.push(std::mem::take(&mut field)),
                '\r' if !quoted => {}
                '\n' if !quoted => break,
                other => field.push(other),
            }
        }
        row.push(field);
        Some(row)
    })
}

const SOURCE: &str = "/usr/share/ieee-data";
/// Files and the digits of their prefixes: blocks of 24, 28 and 36 bits; the last file lists the
/// 36-bit blocks of the time before they had their name.
const LISTINGS: [(&str, usize); 4] =
    [("oui.csv", 6), ("mam.csv", 7), ("oui36.csv", 9), ("iab.csv", 9)];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_fields() {
        let text = "a,\"b, \"\"c\"\"\",d\r\n,\"x\ny\"\n";
        let read: Vec<_> = rows(text).collect();
        assert_eq!(read, [vec!["a", "b, \"c\"", "d"], vec!["", "x\ny"]]);
    }

    #[test]
    fn a_table_of_two() {
        let mut blocks = Blocks::new();
        let listing = "Registry,Assignment,Organization Name,Organization Address\n\
            MA-L,B827EB,Raspberry  Pi\tFoundation,x\nMA-L,0055DA,IEEE Registration Authority,x\n\
            MA-L,080030,\"CERN\",x\nMA-L,080030,\"A, B\",x\n";
        add_listing(&mut blocks, listing, 6).unwrap();
        add_listing(&mut blocks, "head\nMA-M,0055DA1,Small,x\n", 7).unwrap();
        assert!(add_listing(&mut blocks, "head\nMA-L,0055DA1,Small,x\n", 6).is_err());
        let names: Vec<_> = blocks.values().cloned().collect();
        assert_eq!(names, ["A, B", "Raspberry Pi Foundation", "Small"]);
        let table = table(&blocks).unwrap();
        let want = [
            &b"MOUI\0\0\0\x03\0\0\0\x02\0\0\0\x01\0\0\0\0"[..],
            b"\0\0\0\0",
            b"\x08\0\x30\0\0\xb8\x27\xeb\0\x01",
            b"\0\x55\xda\x10\0\x02",
            b"\x04A, B\x17Raspberry Pi Foundation\x05Small",
        ];
        assert_eq!(table, want.concat());
    }
}
