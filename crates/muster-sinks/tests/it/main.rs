//! Sinks against scripted peers and real ones.

// Marked as tests, so that the lints know the helpers for such.
#[cfg(test)]
mod carbon;

#[cfg(test)]
mod conformance;

#[cfg(test)]
mod graphite;

#[cfg(test)]
mod peer;

#[cfg(test)]
mod undisturbed;
