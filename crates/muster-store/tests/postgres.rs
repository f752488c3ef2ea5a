//! The store on a real `PostgreSQL` server, put through every case and every fault.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests")]

use std::sync::Arc;

use muster_core::ports::StoreError;
use muster_store::server::{Address, Encryption, Secret, Way};
use muster_store::{Access, Kept, postgres};

#[path = "../../../tests/peers/postgres.rs"]
mod peer;
use peer::Postgres as Peer;

#[path = "server/cases.rs"]
mod cases;

#[path = "server/lost.rs"]
mod lost;

#[path = "postgres/refused.rs"]
mod refused;

#[path = "server/views.rs"]
mod views;

#[path = "server/panels.rs"]
mod panels;

#[path = "postgres/questions.rs"]
mod questions;

/// Where a database is, over the network.
fn address(server: &Peer, database: &str) -> Address {
    Address {
        way: Way::Network { host: "127.0.0.1".to_owned(), port: server.port },
        user: Peer::USER.to_owned(),
        password: Some(Secret::new(Peer::PASSWORD.to_owned())),
        database: database.to_owned(),
        encryption: Encryption::None,
        holder: "a test".to_owned(),
    }
}

async fn open(server: &Peer, database: &str) -> Result<Arc<dyn Kept>, StoreError> {
    postgres::open(address(server, database), Access::ReadWrite).await
}

async fn look(server: &Peer, database: &str) -> Result<Arc<dyn Kept>, StoreError> {
    postgres::open(address(server, database), Access::ReadOnly).await
}

/// Ends all sessions of stores.
fn end_sessions(server: &Peer) {
    server.say(
        "postgres",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'muster'",
    );
}
