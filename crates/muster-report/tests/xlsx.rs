//! Workbooks, as another program reads them: openpyxl, which `cargo xtask check --job install` brings.

#![expect(clippy::unwrap_used, reason = "a test may fail in its helpers")]

use std::path::{Path, PathBuf};
use std::process::Command;

use muster_core::time::Time;
use muster_report::{Cell, Column, Table, xlsx};
use serde_json::{Value, json};

#[test]
fn another_program_reads_what_was_written() {
    let names = ["text", "whole", "decimal", "share", "flag", "time", "list", "empty"];
    let mut table = Table::new(&names.map(Column::new));
    table.push(vec![
        Cell::Text("=HYPERLINK(\"x\")".into()),
        Cell::Whole(-72),
        Cell::Decimal(-61.25),
        Cell::Share(0.75),
        Cell::Flag(true),
        Cell::Time(at("2026-11-20T09:00:07Z")),
        Cell::List(vec!["a".into(), "b".into()]),
        Cell::Empty,
    ]);
    table.push(vec![Cell::Text("Zoë \u{1b}[2J <手机> & \"x\"".into())]);
    let read = read(&xlsx(&table, at("2026-11-21T10:00:00Z")).unwrap());
    assert_eq!(read["created"], "2026-11-21T10:00:00");
    let first =
        json!(["=HYPERLINK(\"x\")", -72, -61.25, 0.75, true, "2026-11-20T09:00:07", "a b", null]);
    assert_eq!(read["rows"][0], json!(names));
    assert_eq!(read["rows"][1], first);
    assert_eq!(read["rows"][2][0], "Zoë \u{fffd}[2J <手机> & \"x\"");
    // A text that looks like a formula is a text.
    assert_eq!(read["kinds"][1], json!(["s", "n", "n", "n", "b", "d", "s", "n"]));
}

#[test]
fn the_same_table_gives_the_same_bytes() {
    let mut table = Table::new(&[Column::new("name")]);
    table.push(vec![Cell::Text("x".repeat(100_000))]);
    let now = at("2026-11-21T10:00:00Z");
    let one = xlsx(&table, now).unwrap();
    assert!(one == xlsx(&table, now).unwrap());
    assert_eq!(read(&one)["rows"][1][0].as_str().map(str::len), Some(16_000));
}

/// What openpyxl finds in a workbook.
#[track_caller]
fn read(bytes: &[u8]) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.xlsx");
    std::fs::write(&file, bytes).unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let python = target.join("venv/bin/python");
    let out = Command::new(&python).args(["-c", SCRIPT]).arg(&file).output();
    let out = out.unwrap_or_else(|it| {
        panic!("{}: {it}: run cargo xtask check --job install", python.display())
    });
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    serde_json::from_slice(&out.stdout).unwrap()
}

fn at(text: &str) -> Time {
    text.parse().unwrap()
}

const SCRIPT: &str = "
import json, sys, openpyxl
book = openpyxl.load_workbook(sys.argv[1])
rows = list(book.active.iter_rows())
show = lambda it: it.isoformat() if hasattr(it, 'isoformat') else it
print(json.dumps({
    'created': book.properties.created.isoformat(),
    'rows': [[show(cell.value) for cell in row] for row in rows],
    'kinds': [[cell.data_type for cell in row] for row in rows],
}))
";
