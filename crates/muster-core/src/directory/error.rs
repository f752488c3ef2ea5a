//! Why an edit of the directory is refused, in words for whoever made it.

use crate::time::Time;

/// Why an edit was refused; nothing was changed.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum EditError {
    /// The name cannot be used in metrics and addresses.
    #[error("a short name has 1 to 32 of a-z, 0-9, _ and -: {given}")]
    PersonName {
        /// What was given.
        given: String,
    },
    /// The name cannot be used in addresses and lines to paste.
    #[error("a monitor's name has 1 to 64 of a-z, A-Z, 0-9, _, . and -: {given}")]
    MonitorName {
        /// What was given.
        given: String,
    },
    /// A text for people that cannot be shown.
    #[error("a name has 1 to 64 characters, some to see and none that is hidden: {given}")]
    Text {
        /// What was given.
        given: String,
    },
    /// Taken.
    #[error("there is already a {what}: {given}")]
    Taken {
        /// What it would be the second of: a person with a short name, a place with a name.
        what: &'static str,
        /// The name.
        given: String,
    },
    /// Not there.
    #[error("no such {what}: {given}")]
    Missing {
        /// Person, device, place or far monitor.
        what: &'static str,
        /// What was given.
        given: String,
    },
    /// In use.
    #[error("the place still holds {what}: {given}")]
    InUse {
        /// A place or a monitor.
        what: &'static str,
        /// Which.
        given: String,
    },
    /// A word outside its list.
    #[error("{what} is one of {allowed}: {given}")]
    UnknownWord {
        /// Which field.
        what: &'static str,
        /// What was given.
        given: String,
        /// What may be given.
        allowed: &'static str,
    },
    /// An override that is over before it begins, or lasts longer than a week.
    #[error("an override lasts up to 7 days from now")]
    Expiry,
    /// Ownership that begins in the future: nothing would happen then, and everything at once.
    #[error("a device can be given to somebody from now on or from a time that has passed: {from}")]
    Ahead {
        /// From when on.
        from: Time,
    },
    /// A device named by an address that it gives up.
    #[error("a private address names no device: the device gives it up while it is there")]
    Private,
    /// A device named by what stands for it until the next key.
    #[error(
        "a pseudonym names no device for long: add the device by what it is known by itself, of the \
         network (mac:), of Bluetooth (ble:, bt:, ibeacon:, altbeacon:, eddystone:) or of an app (tag:, \
         name:), as in `muster device add mac:b8:27:eb:01:02:03`; `muster scan` shows who is about"
    )]
    Pseudonym,
    /// A device merged with itself.
    #[error("a device cannot become part of itself")]
    Itself,
    /// A place would lie too deep.
    #[error("places lie in each other at most {limit} deep")]
    Deep {
        /// The deepest nesting, a site being 1.
        limit: usize,
    },
    /// Too much of it.
    #[error("the directory is full")]
    Full,
}
