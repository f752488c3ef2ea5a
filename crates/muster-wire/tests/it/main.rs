//! The crate from outside: real captures against another decoder, and hostile bytes.

// Marked as tests, so that the lints know the helpers for such.
#[cfg(test)]
mod captures;

#[cfg(test)]
mod golden;

#[cfg(test)]
mod hostile;

#[cfg(test)]
mod texts;
