//! Adapters in: where facts come from. Each knows its medium and the core's words, nothing else.

pub mod lan;

pub mod mqtt;

pub mod replay;
