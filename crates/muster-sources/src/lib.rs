//! Adapters in: where facts come from. Each source is a room of its own and knows no other.

pub mod lan;
