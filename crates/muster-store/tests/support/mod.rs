//! Faults, by kind.
