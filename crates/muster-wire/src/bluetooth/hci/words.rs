//! The words for commands and events of the host interface (Core Specification, Vol 4, Part E, 7).
//!
//! The commands stand in `commands.rs`, one a line.

use super::commands;

/// The word for a command by its opcode.
pub fn command(opcode: u16) -> Option<&'static str> {
    let list = if opcode < 0x2000 { commands::CLASSIC } else { commands::LOW_ENERGY };
    list.binary_search_by_key(&opcode, |(it, _)| *it).ok().and_then(|at| word(list, at))
}

/// The word for an event by its code, and its second one in low energy.
pub(super) fn event(code: u8, subevent: Option<u8>) -> Option<&'static str> {
    let (list, code) = subevent.map_or((EVENTS, code), |it| (LOW_ENERGY_EVENTS, it));
    list.binary_search_by_key(&code, |(it, _)| *it).ok().and_then(|at| word(list, at))
}

fn word<T>(list: &[(T, &'static str)], at: usize) -> Option<&'static str> {
    list.get(at).map(|(_, word)| *word)
}

const EVENTS: &[(u8, &str)] = &[
    (0x01, "inquiry_complete"),
    (0x02, "inquiry_result"),
    (0x03, "connection_complete"),
    (0x04, "connection_request"),
    (0x05, "disconnection_complete"),
    (0x06, "authentication_complete"),
    (0x07, "remote_name"),
    (0x08, "encryption_change"),
    (0x09, "change_link_key_complete"),
    (0x0a, "link_key_type_changed"),
    (0x0b, "remote_features"),
    (0x0c, "remote_version"),
    (0x0d, "qos_setup_complete"),
    (0x0e, "command_complete"),
    (0x0f, "command_status"),
    (0x10, "hardware_error"),
    (0x11, "flush_occurred"),
    (0x12, "role_change"),
    (0x13, "completed_packets"),
    (0x14, "mode_change"),
    (0x15, "return_link_keys"),
    (0x16, "pin_code_request"),
    (0x17, "link_key_request"),
    (0x18, "link_key_notification"),
    (0x19, "loopback_command"),
    (0x1a, "data_buffer_overflow"),
    (0x1b, "max_slots_change"),
    (0x1c, "clock_offset"),
    (0x1d, "packet_type_changed"),
    (0x1e, "qos_violation"),
    (0x20, "page_scan_repetition_mode_change"),
    (0x21, "flow_specification_complete"),
    (0x22, "inquiry_result_rssi"),
    (0x23, "remote_extended_features"),
    (0x2c, "synchronous_connection_complete"),
    (0x2d, "synchronous_connection_changed"),
    (0x2e, "sniff_subrating"),
    (0x2f, "extended_inquiry_result"),
    (0x30, "encryption_key_refresh"),
    (0x31, "io_capability_request"),
    (0x32, "io_capability_response"),
    (0x33, "user_confirmation_request"),
    (0x34, "user_passkey_request"),
    (0x35, "remote_oob_data_request"),
    (0x36, "simple_pairing_complete"),
    (0x38, "link_supervision_timeout_changed"),
    (0x39, "enhanced_flush_complete"),
    (0x3b, "user_passkey_notification"),
    (0x3c, "keypress_notification"),
    (0x3d, "remote_host_features"),
    (0x3e, "le_meta"),
    (0x48, "completed_data_blocks"),
    (0x4e, "triggered_clock_capture"),
    (0x4f, "synchronization_train_complete"),
    (0x50, "synchronization_train_received"),
    (0x51, "broadcast_receive"),
    (0x52, "broadcast_timeout"),
    (0x53, "truncated_page_complete"),
    (0x54, "page_response_timeout"),
    (0x55, "broadcast_channel_map_change"),
    (0x56, "inquiry_response_notification"),
    (0x57, "authenticated_payload_timeout"),
    (0x58, "sam_status_change"),
    (0x59, "encryption_change_2"),
    (0xff, "vendor"),
];

const LOW_ENERGY_EVENTS: &[(u8, &str)] = &[
    (0x01, "le_connection_complete"),
    (0x02, "le_advertising_report"),
    (0x03, "le_connection_update_complete"),
    (0x04, "le_remote_features"),
    (0x05, "le_long_term_key_request"),
    (0x06, "le_connection_parameter_request"),
    (0x07, "le_data_length_change"),
    (0x08, "le_p256_public_key_complete"),
    (0x09, "le_dhkey_complete"),
    (0x0a, "le_enhanced_connection_complete"),
    (0x0b, "le_directed_advertising_report"),
    (0x0c, "le_phy_update_complete"),
    (0x0d, "le_extended_advertising_report"),
    (0x0e, "le_periodic_sync_established"),
    (0x0f, "le_periodic_advertising_report"),
    (0x10, "le_periodic_sync_lost"),
    (0x11, "le_scan_timeout"),
    (0x12, "le_advertising_set_terminated"),
    (0x13, "le_scan_request_received"),
    (0x14, "le_channel_selection_algorithm"),
    (0x15, "le_connectionless_iq_report"),
    (0x16, "le_connection_iq_report"),
    (0x17, "le_cte_request_failed"),
    (0x18, "le_periodic_sync_transfer_received"),
    (0x19, "le_cis_established"),
    (0x1a, "le_cis_request"),
    (0x1b, "le_create_big_complete"),
    (0x1c, "le_terminate_big_complete"),
    (0x1d, "le_big_sync_established"),
    (0x1e, "le_big_sync_lost"),
    (0x1f, "le_request_peer_sca_complete"),
    (0x20, "le_path_loss_threshold"),
    (0x21, "le_transmit_power_reporting"),
    (0x22, "le_biginfo_advertising_report"),
    (0x23, "le_subrate_change"),
    (0x24, "le_periodic_sync_established_2"),
    (0x25, "le_periodic_advertising_report_2"),
    (0x26, "le_periodic_sync_transfer_received_2"),
    (0x27, "le_periodic_subevent_data_request"),
    (0x28, "le_periodic_response_report"),
    (0x29, "le_enhanced_connection_complete_2"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_sorted_and_words_found() {
        assert!(commands::CLASSIC.is_sorted_by_key(|(it, _)| *it));
        assert!(commands::LOW_ENERGY.is_sorted_by_key(|(it, _)| *it));
        assert!(EVENTS.is_sorted_by_key(|(it, _)| *it));
        assert!(LOW_ENERGY_EVENTS.is_sorted_by_key(|(it, _)| *it));
        assert_eq!(command(0x0c03), Some("reset"));
        assert_eq!(command(0x2042), Some("le_set_extended_scan_enable"));
        assert_eq!(command(0xfd57), None);
        assert_eq!(event(0x0e, None), Some("command_complete"));
        assert_eq!(event(0x3e, Some(0x0d)), Some("le_extended_advertising_report"));
        assert_eq!(event(0x3e, Some(0x7f)), None);
    }
}
