//! Monitors and their hub as processes: what arrives, what waits, and what is said meanwhile.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends")]

mod common;

#[path = "fleet/client.rs"]
mod client;

#[path = "fleet/clock.rs"]
mod clock;

#[path = "../../../tests/peers/fault_proxy.rs"]
mod fault_proxy;

#[path = "fleet/faults.rs"]
mod faults;

#[path = "fleet/ingest.rs"]
mod ingest;

#[path = "fleet/monitor.rs"]
mod monitor;

#[path = "fleet/peer.rs"]
mod peer;

#[path = "fleet/process.rs"]
mod process;

#[path = "fleet/pseudonyms.rs"]
mod pseudonyms;

#[path = "fleet/rooms.rs"]
mod rooms;

#[path = "common/server.rs"]
mod server;

#[path = "fleet/whole.rs"]
mod whole;
