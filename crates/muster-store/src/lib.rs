//! Where everything is kept: the adapters behind the core's [`Store`](muster_core::ports::Store)
//! port, and the suite of cases that each of them has to pass.
//!
//! A store replaces rows by their key and never merges or judges; that is the core's.

pub mod sqlite;

pub mod conformance;
