//! Prints what was asked for on standard output, and everything else on standard error.

use std::io::{self, IsTerminal, Write, stderr, stdout};

use muster_report::{Cell, Style, Table};
use serde_json::Value;

use crate::cli::Format;
use crate::context::Context;
use crate::failure::{Exit, Failure};

/// Where a command's words go.
#[derive(Debug)]
pub(crate) struct Output {
    format: Format,
    quiet: bool,
    style: Style,
}

impl Output {
    /// As the common options say.
    pub(crate) fn new(context: &Context) -> Result<Self, Failure> {
        let width = if stdout().is_terminal() { terminal_width() } else { None };
        let zone = context.config()?.config.zone();
        let now = context.clock.now().wall;
        let style = Style { width, colour: context.colour(), zone, now };
        Ok(Self { format: context.common.format, quiet: context.common.quiet, style })
    }

    /// How tables look.
    pub(crate) fn style(&self) -> &Style {
        &self.style
    }

    /// Whether people read it.
    pub(crate) fn is_for_people(&self) -> bool {
        self.format == Format::Table
    }

    /// Whether nothing is said beside what was asked for.
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// A list: as a table, or with everything that is known about each entry as JSON.
    pub(crate) fn list(&self, table: &Table, all: &[Value]) -> Result<(), Failure> {
        match self.format {
            Format::Table => put(&muster_report::text(table, &self.style)),
            Format::Csv => put(&muster_report::csv(table).map_err(unprintable)?),
            Format::Json => put(&array(all)?),
            Format::Xlsx => self.workbook(table),
        }
    }

    fn workbook(&self, table: &Table) -> Result<(), Failure> {
        if stdout().is_terminal() {
            let what = "a workbook is not for a terminal";
            let hint = "write it to a file: muster report hourly --format xlsx > hourly.xlsx";
            return Err(Failure::new(Exit::Usage, what).hint(hint));
        }
        put_bytes(&muster_report::xlsx(table, self.style.now).map_err(unprintable)?)
    }

    /// A table whose rows are all there is to know.
    pub(crate) fn table(&self, table: &Table) -> Result<(), Failure> {
        match self.format {
            Format::Json => put(&muster_report::json(table).map_err(unprintable)?),
            Format::Table | Format::Csv | Format::Xlsx => self.list(table, &[]),
        }
    }

    /// One thing: as lines for people, as one object of JSON, as a table with one row of CSV.
    pub(crate) fn one(&self, pairs: &[(&'static str, Cell)], all: &Value) -> Result<(), Failure> {
        match self.format {
            Format::Table => put(&muster_report::details(pairs, &self.style)),
            Format::Json => json(all),
            Format::Csv | Format::Xlsx => {
                let columns: Vec<_> =
                    pairs.iter().map(|(name, _)| muster_report::Column::new(name)).collect();
                let mut table = Table::new(&columns);
                table.push(pairs.iter().map(|(_, cell)| cell.clone()).collect());
                self.list(&table, &[])
            }
        }
    }

    /// What was done: a sentence for people on standard error, the thing itself as JSON.
    pub(crate) fn done(&self, sentence: &str, thing: &Value) -> Result<(), Failure> {
        match self.format {
            Format::Json if !thing.is_null() => json(thing),
            Format::Json | Format::Table | Format::Csv | Format::Xlsx => {
                self.note(sentence);
                Ok(())
            }
        }
    }

    /// What to type next.
    pub(crate) fn hint(&self, command: &str) {
        self.note(&format!("hint: {command}"));
    }

    /// Something to know beside what was asked for.
    pub(crate) fn note(&self, sentence: &str) {
        if !self.quiet {
            aside(sentence);
        }
    }
}

/// Says something on standard error.
pub(crate) fn aside(sentence: &str) {
    // Nobody can be told when standard error is gone.
    drop(writeln!(stderr(), "{}", muster_report::safe::terminal(sentence)));
}

/// Asks something on standard error, and leaves the cursor there.
pub(crate) fn ask(question: &str) {
    let mut out = stderr();
    // Nobody can be asked when standard error is gone: the answer is missing too then.
    drop(out.write_all(muster_report::safe::terminal(question).as_bytes()));
    drop(out.flush());
}

/// One JSON value.
pub(crate) fn json(value: &Value) -> Result<(), Failure> {
    let mut text = serde_json::to_string_pretty(value).map_err(unprintable)?;
    text.push('\n');
    put(&text)
}

/// Writes to standard output. A reader that has gone away has what it wanted.
pub(crate) fn put(text: &str) -> Result<(), Failure> {
    put_bytes(text.as_bytes())
}

fn put_bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(cause) if cause.kind() != io::ErrorKind::BrokenPipe => Err(unprintable(cause)),
        _ => Ok(()),
    }
}

fn array(all: &[Value]) -> Result<String, Failure> {
    let lines: Result<Vec<String>, _> = all.iter().map(serde_json::to_string).collect();
    let lines = lines.map_err(unprintable)?;
    Ok(if lines.is_empty() { "[]\n".to_owned() } else { format!("[{}]\n", lines.join(",\n ")) })
}

fn unprintable(cause: impl Into<anyhow::Error>) -> Failure {
    Failure::new(Exit::Failed, "cannot print").because(cause)
}

/// The terminal's columns; `COLUMNS` wins.
fn terminal_width() -> Option<u16> {
    let said = std::env::var("COLUMNS").ok().and_then(|it| it.parse().ok());
    let measured = || terminal_size::terminal_size().map(|(width, _)| width.0);
    said.or_else(measured).filter(|it| *it >= NARROWEST)
}

/// No table is readable in less.
const NARROWEST: u16 = 20;
