//! The numbers and shapes of the Host Controller Interface (Bluetooth Core Specification 5.4,
//! volume 4): part A the packets, part E commands (section 7.1 and on) and events (7.7).

use crate::address::Address;

/// The first byte of a packet to the controller or from it (part A, section 2).
pub(crate) const COMMAND: u8 = 1;
pub(crate) const DATA: u8 = 2;
pub(crate) const EVENT: u8 = 4;

// What became of a command, or of what it began (volume 1, part F, section 1.3).
pub(crate) const SUCCESS: u8 = 0x00;
pub(crate) const UNKNOWN_COMMAND: u8 = 0x01;
pub(crate) const UNKNOWN_CONNECTION: u8 = 0x02;
pub(crate) const PAGE_TIMEOUT: u8 = 0x04;
pub(crate) const AUTHENTICATION_FAILURE: u8 = 0x05;
pub(crate) const KEY_MISSING: u8 = 0x06;
pub(crate) const CONNECTION_TIMEOUT: u8 = 0x08;
pub(crate) const CONNECTION_EXISTS: u8 = 0x0b;
pub(crate) const COMMAND_DISALLOWED: u8 = 0x0c;
pub(crate) const ACCEPT_TIMEOUT: u8 = 0x10;
pub(crate) const INVALID_PARAMETERS: u8 = 0x12;
pub(crate) const ENDED_BY_REMOTE_USER: u8 = 0x13;
pub(crate) const ENDED_BY_LOCAL_HOST: u8 = 0x16;
pub(crate) const PAIRING_NOT_ALLOWED: u8 = 0x18;
pub(crate) const WRONG_KEY: u8 = 0x3d;

// Events (section 7.7).
pub(crate) const INQUIRY_COMPLETE: u8 = 0x01;
pub(crate) const CONNECTION_COMPLETE: u8 = 0x03;
pub(crate) const CONNECTION_REQUEST: u8 = 0x04;
pub(crate) const DISCONNECTION_COMPLETE: u8 = 0x05;
pub(crate) const AUTHENTICATION_COMPLETE: u8 = 0x06;
pub(crate) const REMOTE_NAME: u8 = 0x07;
pub(crate) const ENCRYPTION_CHANGE: u8 = 0x08;
pub(crate) const REMOTE_FEATURES: u8 = 0x0b;
pub(crate) const REMOTE_VERSION: u8 = 0x0c;
pub(crate) const COMMAND_COMPLETE: u8 = 0x0e;
pub(crate) const COMMAND_STATUS: u8 = 0x0f;
pub(crate) const HARDWARE_ERROR: u8 = 0x10;
pub(crate) const PACKETS_COMPLETED: u8 = 0x13;
pub(crate) const MODE_CHANGE: u8 = 0x14;
pub(crate) const KEY_REQUEST: u8 = 0x17;
pub(crate) const KEY_NOTIFICATION: u8 = 0x18;
pub(crate) const CLOCK_OFFSET: u8 = 0x1c;
pub(crate) const PACKET_TYPE: u8 = 0x1d;
pub(crate) const REMOTE_EXTENDED_FEATURES: u8 = 0x23;
pub(crate) const EXTENDED_INQUIRY_RESULT: u8 = 0x2f;
pub(crate) const CAPABILITY_REQUEST: u8 = 0x31;
pub(crate) const CAPABILITY_RESPONSE: u8 = 0x32;
pub(crate) const CONFIRMATION_REQUEST: u8 = 0x33;
pub(crate) const SIMPLE_PAIRING_COMPLETE: u8 = 0x36;
pub(crate) const LOW_ENERGY: u8 = 0x3e;

/// An event's packet. One byte tells how long its body is: what is over is cut off.
pub(crate) fn event(code: u8, body: &[u8]) -> Vec<u8> {
    let length = u8::try_from(body.len()).unwrap_or(u8::MAX);
    let mut packet = vec![EVENT, code, length];
    packet.extend(body.iter().take(usize::from(length)));
    packet
}

/// The packets that carry one L2CAP frame on a link, each as long as the controller said it takes.
pub(crate) fn data(handle: u16, channel: u16, payload: &[u8]) -> Vec<Vec<u8>> {
    let length = u16::try_from(payload.len()).unwrap_or(u16::MAX);
    let mut frame = length.to_le_bytes().to_vec();
    frame.extend(channel.to_le_bytes());
    frame.extend(payload.iter().take(usize::from(length)));
    let chunks = frame.chunks(usize::from(MOST_DATA)).enumerate();
    let packet = |(at, chunk): (usize, &[u8])| {
        // Section 5.4.2: the first packet of a frame, or one that goes on with it.
        let flag = if at == 0 { 0x2000 } else { 0x1000 };
        let mut packet = vec![DATA];
        packet.extend((handle | flag).to_le_bytes());
        packet.extend(u16::try_from(chunk.len()).unwrap_or(MOST_DATA).to_le_bytes());
        packet.extend(chunk);
        packet
    };
    chunks.map(packet).collect()
}

/// A command's parameters, read by their place; `None` beyond their end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parameters<'a>(pub(crate) &'a [u8]);

impl Parameters<'_> {
    pub(crate) fn byte(self, at: usize) -> Option<u8> {
        self.0.get(at).copied()
    }

    pub(crate) fn word(self, at: usize) -> Option<u16> {
        Some(u16::from_le_bytes([self.byte(at)?, self.byte(at + 1)?]))
    }

    pub(crate) fn address(self, at: usize) -> Option<Address> {
        Some(Address(self.0.get(at..at + 6)?.try_into().ok()?))
    }
}

/// The longest data packet (section 7.4.5) and how many may be under way.
pub(crate) const MOST_DATA: u16 = 1021;
pub(crate) const DATA_PACKETS: u16 = 8;
