//! Stories of one device.
