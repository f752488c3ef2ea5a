//! Virtual time and pretend people: what the tests, the demonstration and the benchmarks run on.
//!
//! Nothing here is asked by the hub's own work. Everything follows from a seed, so a failing run
//! is a number to hand on.

pub mod household;

pub mod lan_responder;

pub mod leave_curve;

pub mod simulate;

pub mod fleet;

pub mod generator;

pub mod reference;

pub mod store;

pub mod rng;

pub mod damage;
