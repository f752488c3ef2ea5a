//! What a device sent last, and why that makes it known or does not: beneath what is told of it.

use muster_report::{Cell, Column, Table};
use serde_json::Value;

use crate::client::{Api, shaped};
use crate::failure::Failure;
use crate::output::{self, Output};
use crate::shape::Sent;

/// What a device sent, newest first.
pub(crate) fn of(api: &Api, device: u32) -> Result<Vec<Value>, Failure> {
    api.list(&format!("devices/{device}/advertisements"))
}

/// What is told of a device, with what it sent if it did, for programs.
pub(crate) fn with(mut told: Value, sent: &[Value]) -> Value {
    if let Some(told) = told.as_object_mut().filter(|_| !sent.is_empty()) {
        told.insert("advertisements".to_owned(), Value::Array(sent.to_vec()));
    }
    told
}

/// What of it names the device, and what does not, for people.
pub(crate) fn show(output: &Output, sent: &[Value]) -> Result<(), Failure> {
    if sent.is_empty() || !output.is_for_people() {
        return Ok(());
    }
    let mut table = Table::new(&COLUMNS);
    for value in sent {
        let it: Sent = shaped(value.clone())?;
        for line in it.known_by {
            let known_by = line.identity.unwrap_or_else(|| "nobody".to_owned());
            table.push(vec![
                Cell::Text(line.what),
                Cell::Text(known_by),
                Cell::Text(line.why),
                Cell::Time(it.at.0),
            ]);
        }
    }
    output::put("\n")?;
    output.table(&table)
}

const COLUMNS: [Column; 4] =
    [Column::new("sent"), Column::new("names"), Column::new("why"), Column::new("heard")];
