//! Sinks against scripted peers and real ones.

// Marked as tests, so that the lints know the helpers for such.
#[cfg(test)]
mod carbon;

#[cfg(test)]
#[path = "../../../../tests/peers/carbon_cache.rs"]
mod carbon_cache;

#[cfg(test)]
mod conformance;

#[cfg(test)]
mod graphite;

#[cfg(test)]
mod peer;

#[cfg(test)]
mod undisturbed;
