//! Sinks against scripted peers and real ones.

mod carbon;
mod conformance;
mod graphite;
mod peer;
mod undisturbed;
