//! How commands end, in words.

use std::fmt;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status(pub u8);

impl Status {
    /// It was done.
    pub const SUCCESS: Self = Self(0x00);
    /// The controller failed, or did not answer the kernel.
    pub const FAILED: Self = Self(0x03);
    /// There is no room for more.
    pub const NO_RESOURCES: Self = Self(0x07);
    /// Something else of the kind is under way.
    pub const BUSY: Self = Self(0x0a);
    /// Not as things stand: nothing was started that could be stopped.
    pub const REJECTED: Self = Self(0x0b);
    /// What it is about is not there, or not as it should be.
    pub const INVALID_PARAMETERS: Self = Self(0x0d);
    /// The adapter is off.
    pub const NOT_POWERED: Self = Self(0x0f);
    /// There is no such adapter.
    pub const INVALID_INDEX: Self = Self(0x11);
    /// Its switch is off (rfkill).
    pub const RFKILLED: Self = Self(0x12);
    /// It takes `CAP_NET_ADMIN`.
    pub const PERMISSION_DENIED: Self = Self(0x14);

    /// The words for it; none for those of the future.
    #[must_use]
    pub fn word(self) -> Option<&'static str> {
        WORDS.get(usize::from(self.0)).copied()
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.word() {
            Some(word) => f.write_str(word),
            None => write!(f, "status {:#04x}", self.0),
        }
    }
}

/// From 0x00 on, without gaps.
const WORDS: &[&str] = &[
    "success",
    "unknown command",
    "not connected",
    "failed",
    "connection failed",
    "authentication failed",
    "not paired",
    "no resources",
    "timed out",
    "already connected",
    "busy",
    "rejected",
    "not supported",
    "invalid parameters",
    "disconnected",
    "not powered",
    "cancelled",
    "no such adapter",
    "switched off by rfkill",
    "already paired",
    "permission denied",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_where_their_numbers_say() {
        assert_eq!(Status::SUCCESS.word(), Some("success"));
        assert_eq!(Status::NO_RESOURCES.word(), Some("no resources"));
        assert_eq!(Status::BUSY.word(), Some("busy"));
        assert_eq!(Status::INVALID_PARAMETERS.word(), Some("invalid parameters"));
        assert_eq!(Status::NOT_POWERED.word(), Some("not powered"));
        assert_eq!(Status::RFKILLED.to_string(), "switched off by rfkill");
        assert_eq!(Status::PERMISSION_DENIED.word(), Some("permission denied"));
        assert_eq!(Status(0x7f).to_string(), "status 0x7f");
    }
}
