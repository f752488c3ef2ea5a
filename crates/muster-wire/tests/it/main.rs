//! The crate from outside: real captures against other decoders, and hostile bytes.

// Marked as tests, so that the lints know the helpers for such.
#[cfg(test)]
mod air;

#[cfg(test)]
mod captures;

#[cfg(test)]
mod golden;

#[cfg(test)]
mod hci;

#[cfg(test)]
mod hostile;

#[cfg(test)]
mod hostile_radio;

#[cfg(test)]
mod receivers;

#[cfg(test)]
mod texts;

#[cfg(test)]
mod vectors;
