//! The crate from outside: real captures against another decoder, and hostile bytes.

mod captures;

mod golden;

mod hostile;
