//! The types of messages that Apple's devices broadcast to each other.

/// The messages of one advertisement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Continuity<'a> {
    data: &'a [u8],
}

impl<'a> Continuity<'a> {
    pub(super) const fn new(data: &'a [u8]) -> Self {
        Self { data }
    }

    /// The types of the messages.
    pub fn types(self) -> impl Iterator<Item = u8> + use<'a> {
        let mut left = self.data;
        std::iter::from_fn(move || {
            let (kind, rest) = left.split_first()?;
            left = behind(*kind, rest);
            Some(*kind)
        })
    }

    /// The word for a type; none for those nobody described.
    #[must_use]
    pub const fn word(kind: u8) -> Option<&'static str> {
        Some(match kind {
            0x01 => "overflow",
            0x02 => "ibeacon",
            0x03 => "airprint",
            0x05 => "airdrop",
            0x06 => "homekit",
            0x07 => "proximity_pairing",
            0x08 => "hey_siri",
            0x09 => "airplay_target",
            0x0a => "airplay_source",
            0x0b => "magic_switch",
            0x0c => "handoff",
            0x0d => "tethering_target",
            0x0e => "tethering_source",
            0x0f => "nearby_action",
            0x10 => "nearby_info",
            0x12 => "find_my",
            0x16 => "nearby_info_2",
            _ => return None,
        })
    }
}

/// What stands behind a message of this type.
fn behind(kind: u8, rest: &[u8]) -> &[u8] {
    match (kind, rest) {
        // A bit mask that fills the rest.
        (0x01, _) | (_, []) => &[],
        // The upper bits of the length are something else.
        (0x06, [length, rest @ ..]) => rest.get(usize::from(length & 0x1f)..).unwrap_or(&[]),
        (_, [length, rest @ ..]) => rest.get(usize::from(*length)..).unwrap_or(&[]),
    }
}
