//! Adapters out: each takes what was decided to one kind of peer, and knows no other.

pub mod graphite;
