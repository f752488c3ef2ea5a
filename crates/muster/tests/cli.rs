//! The real binary over a store and with a hub: what people and scripts get to see.

#[path = "cli/support.rs"]
mod support;

#[path = "cli/look.rs"]
mod look;

#[path = "cli/reports.rs"]
mod reports;

#[path = "cli/change.rs"]
mod change;

#[path = "cli/wrong.rs"]
mod wrong;

#[path = "cli/copies.rs"]
mod copies;

#[path = "cli/keeping.rs"]
mod keeping;

#[path = "../../muster-wire/tests/it/captures.rs"]
mod captures;

#[path = "cli/decode.rs"]
mod decode;

#[path = "cli/scan.rs"]
mod scan;

#[path = "cli/doctor.rs"]
mod doctor;

#[path = "cli/hub.rs"]
mod hub;

#[path = "cli/keys.rs"]
mod keys;

#[path = "cli/top.rs"]
mod top;

mod common;
