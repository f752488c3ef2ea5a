//! The crate from outside: real captures against another decoder, and hostile bytes.

#[cfg(test)]
mod captures;

#[cfg(test)]
mod golden;

#[cfg(test)]
mod hostile;
