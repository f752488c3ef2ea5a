//! The captures of `tests/data`, each with the decode of `tshark` 4.0.17 beside it.
#![allow(dead_code, reason = "each test binary uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use muster_wire::capture::{Capture, Record};

/// A file of `tests/data/bluetooth`.
pub(crate) fn bluetooth(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../muster-wire/tests/data/bluetooth").join(name)
}

/// Every capture file of a local network, sorted.
pub(crate) fn all() -> Vec<PathBuf> {
    // Whichever crate's tests ask.
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../muster-wire/tests/data/lan");
    let mut files: Vec<PathBuf> = ["tcpdump", "zeek"]
        .iter()
        .flat_map(|it| fs::read_dir(root.join(it)).unwrap())
        .map(|it| it.unwrap().path())
        .filter(|it| it.extension().is_some_and(|it| it == "pcap" || it == "pcapng"))
        .collect();
    files.sort();
    files
}

/// The records of one, all of which can be read.
pub(crate) fn records(file: &Path) -> Vec<Record> {
    let file = fs::File::open(file).unwrap();
    Capture::open(std::io::BufReader::new(file)).unwrap().map(Result::unwrap).collect()
}

/// One line of the other decoder: values by the name of the column, those that are not empty.
pub(crate) type Row = BTreeMap<String, String>;

/// The other decoder's lines, by frame number.
pub(crate) fn witness(file: &Path) -> BTreeMap<u64, Row> {
    let text = fs::read(format!("{}.tshark.tsv", file.display())).unwrap();
    // Garbage in names is no UTF-8.
    let text = String::from_utf8_lossy(&text);
    let mut lines = text.lines().map(|it| it.split('\t'));
    let columns: Vec<&str> = lines.next().unwrap().collect();
    lines
        .map(|values| {
            let row: Row = (columns.iter().zip(values))
                .filter(|(_, value)| !value.is_empty())
                .map(|(column, value)| ((*column).to_owned(), value.to_owned()))
                .collect();
            (row["frame.number"].parse().unwrap(), row)
        })
        .collect()
}
