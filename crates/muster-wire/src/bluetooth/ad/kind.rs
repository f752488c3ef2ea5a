//! The types of advertising data by number and word (Assigned Numbers, 2.3).

/// The type of a structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AdKind(pub u8);

impl AdKind {
    /// The word for it; none for numbers that are not assigned.
    #[must_use]
    pub fn word(self) -> Option<&'static str> {
        let at = WORDS.binary_search_by_key(&self.0, |(it, _)| *it).ok()?;
        WORDS.get(at).map(|(_, word)| *word)
    }
}

const WORDS: &[(u8, &str)] = &[
    (0x01, "flags"),
    (0x02, "incomplete_uuids_16"),
    (0x03, "uuids_16"),
    (0x04, "incomplete_uuids_32"),
    (0x05, "uuids_32"),
    (0x06, "incomplete_uuids_128"),
    (0x07, "uuids_128"),
    (0x08, "short_name"),
    (0x09, "name"),
    (0x0a, "tx_power"),
    (0x0d, "class"),
    (0x0e, "pairing_hash_192"),
    (0x0f, "pairing_randomizer_192"),
    // In classic Bluetooth the device ID; in low energy the security manager's key.
    (0x10, "device_id"),
    (0x11, "security_manager_flags"),
    (0x12, "connection_interval"),
    (0x14, "solicited_uuids_16"),
    (0x15, "solicited_uuids_128"),
    (0x16, "service_data_16"),
    (0x17, "public_target"),
    (0x18, "random_target"),
    (0x19, "appearance"),
    (0x1a, "advertising_interval"),
    (0x1b, "le_address"),
    (0x1c, "le_role"),
    (0x1d, "pairing_hash_256"),
    (0x1e, "pairing_randomizer_256"),
    (0x1f, "solicited_uuids_32"),
    (0x20, "service_data_32"),
    (0x21, "service_data_128"),
    (0x22, "secure_connections_confirmation"),
    (0x23, "secure_connections_random"),
    (0x24, "uri"),
    (0x25, "indoor_positioning"),
    (0x26, "transport_discovery"),
    (0x27, "le_features"),
    (0x28, "channel_map_update"),
    (0x29, "mesh_provisioning"),
    (0x2a, "mesh_message"),
    (0x2b, "mesh_beacon"),
    (0x2c, "big_info"),
    (0x2d, "broadcast_code"),
    (0x2e, "resolvable_set_identifier"),
    (0x2f, "advertising_interval_long"),
    (0x30, "broadcast_name"),
    (0x31, "encrypted"),
    (0x32, "periodic_response_timing"),
    (0x34, "electronic_shelf_label"),
    (0x3d, "3d_information"),
    (0xff, "manufacturer"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found() {
        assert!(WORDS.is_sorted_by_key(|(number, _)| *number));
        assert_eq!(AdKind(0x2a).word(), Some("mesh_message"));
        assert_eq!(AdKind(0x13).word(), None);
    }
}
