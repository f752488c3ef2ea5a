//! What a phone without services says on a link: it answers echoes, tells what it can, and has an SDP
//! server that lists nothing (Bluetooth Core Specification 5.4, volume 3, parts A and B).

use std::collections::BTreeMap;

use crate::address::Address;
use crate::hci::Parameters;

/// A link to a phone, from the phone's end.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) peer: Address,
    /// Open channels: the phone's number, and the host's.
    channels: BTreeMap<u16, u16>,
    partial: Vec<u8>,
}

/// A frame to the host: its channel and what is in it.
pub(crate) type Frame = (u16, Vec<u8>);

impl Link {
    pub(crate) fn to(peer: Address) -> Self {
        Self { peer, channels: BTreeMap::new(), partial: Vec::new() }
    }

    /// Takes a data packet's content; what the phone answers to the frame that it completes.
    pub(crate) fn receive(&mut self, begins_frame: bool, content: &[u8]) -> Vec<Frame> {
        if begins_frame {
            self.partial.clear();
        }
        self.partial.extend(content);
        let head = Parameters(&self.partial);
        let (Some(length), Some(channel)) = (head.word(0), head.word(2)) else { return Vec::new() };
        let Some(body) = self.partial.get(4..4 + usize::from(length)) else { return Vec::new() };
        let body = body.to_vec();
        self.partial.clear();
        match channel {
            SIGNALLING => self.signal(&body),
            _ => self.serve(channel, &body).into_iter().collect(),
        }
    }

    /// Part A, section 4: every command of a signalling frame.
    fn signal(&mut self, mut commands: &[u8]) -> Vec<Frame> {
        let mut answers = Vec::new();
        while let [code, id, low, high, rest @ ..] = commands {
            let length = usize::from(u16::from_le_bytes([*low, *high])).min(rest.len());
            let (content, more) = rest.split_at(length);
            commands = more;
            answers.extend(self.command(*code, *id, content).unwrap_or_default());
        }
        answers
    }

    /// `None` is a command that is too short to answer.
    fn command(&mut self, code: u8, id: u8, content: &[u8]) -> Option<Vec<Frame>> {
        let it = Parameters(content);
        let answers = match code {
            CONNECTION_REQUEST => {
                let (service, theirs) = (it.word(0)?, it.word(2)?);
                if service != SDP {
                    let refusal = [0, 0, content[2], content[3], 2, 0, 0, 0];
                    return Some(vec![command(CONNECTION_RESPONSE, id, &refusal)]);
                }
                let last = self
                    .channels
                    .last_key_value()
                    .map_or(FIRST_CHANNEL, |(it, _)| it.saturating_add(1));
                self.channels.insert(last, theirs);
                let [low, high] = last.to_le_bytes();
                let opened = [low, high, content[2], content[3], 0, 0, 0, 0];
                // As it is: no option, so every default.
                let wanted = [content[2], content[3], 0, 0];
                vec![
                    command(CONNECTION_RESPONSE, id, &opened),
                    command(CONFIGURATION_REQUEST, OWN_ID, &wanted),
                ]
            }
            CONFIGURATION_REQUEST => {
                let [low, high] = self.channels.get(&it.word(0)?)?.to_le_bytes();
                vec![command(CONFIGURATION_RESPONSE, id, &[low, high, 0, 0, 0, 0])]
            }
            DISCONNECTION_REQUEST => {
                self.channels.remove(&it.word(0)?);
                vec![command(DISCONNECTION_RESPONSE, id, content.get(..4)?)]
            }
            ECHO_REQUEST => vec![command(ECHO_RESPONSE, id, content)],
            INFORMATION_REQUEST => {
                // Fixed channels are told; connectionless data and further features are not there.
                let (low, high) = (it.byte(0)?, it.byte(1)?);
                let told: &[u8] = match low {
                    2 => &[2, 0, 0, 0, 0x80, 0, 0, 0],
                    3 => &[3, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0],
                    _ => &[low, high, 1, 0],
                };
                vec![command(INFORMATION_RESPONSE, id, told)]
            }
            _ => Vec::new(),
        };
        Some(answers)
    }

    /// Part B, section 4: an SDP server without records.
    fn serve(&self, channel: u16, request: &[u8]) -> Option<Frame> {
        let theirs = *self.channels.get(&channel)?;
        let [code, high, low, ..] = *request else { return None };
        let answer = match code {
            SERVICE_SEARCH => vec![3, high, low, 0, 5, 0, 0, 0, 0, 0],
            SERVICE_SEARCH_ATTRIBUTE => vec![7, high, low, 0, 5, 0, 2, 0x35, 0, 0],
            _ => vec![1, high, low, 0, 2, 0, 3],
        };
        Some((theirs, answer))
    }
}

fn command(code: u8, id: u8, content: &[u8]) -> Frame {
    let mut frame = vec![code, id];
    frame.extend(u16::try_from(content.len()).unwrap_or(u16::MAX).to_le_bytes());
    frame.extend(content);
    (SIGNALLING, frame)
}

const SIGNALLING: u16 = 1;
const FIRST_CHANNEL: u16 = 0x40;
/// Of commands that the phone begins.
const OWN_ID: u8 = 1;
const SDP: u16 = 1;
const SERVICE_SEARCH: u8 = 2;
const SERVICE_SEARCH_ATTRIBUTE: u8 = 6;
const CONNECTION_REQUEST: u8 = 2;
const CONNECTION_RESPONSE: u8 = 3;
const CONFIGURATION_REQUEST: u8 = 4;
const CONFIGURATION_RESPONSE: u8 = 5;
const DISCONNECTION_REQUEST: u8 = 6;
const DISCONNECTION_RESPONSE: u8 = 7;
const ECHO_REQUEST: u8 = 8;
const ECHO_RESPONSE: u8 = 9;
const INFORMATION_REQUEST: u8 = 10;
const INFORMATION_RESPONSE: u8 = 11;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_echo_comes_back_however_it_is_cut() {
        let frame = [8, 0, 1, 0, ECHO_REQUEST, 7, 4, 0, b'p', b'i', b'n', b'g'];
        let back = vec![(SIGNALLING, vec![ECHO_RESPONSE, 7, 4, 0, b'p', b'i', b'n', b'g'])];
        for cut in 1..=frame.len() {
            let (first, rest) = frame.split_at(cut);
            let mut link = Link::to(Address([0; 6]));
            let mut answers = link.receive(true, first);
            if !rest.is_empty() {
                assert!(answers.is_empty(), "cut at {cut}");
                answers = link.receive(false, rest);
            }
            assert_eq!(answers, back, "cut at {cut}");
        }
    }

    #[test]
    fn the_service_directory_opens_and_is_empty() {
        let mut link = Link::to(Address([0; 6]));
        let opened = link.receive(true, &[8, 0, 1, 0, CONNECTION_REQUEST, 1, 4, 0, 1, 0, 0x50, 0]);
        assert_eq!(opened[0].1, [CONNECTION_RESPONSE, 1, 8, 0, 0x40, 0, 0x50, 0, 0, 0, 0, 0]);
        let found = link.receive(true, &[3, 0, 0x40, 0, SERVICE_SEARCH, 0, 9]);
        assert_eq!(found, [(0x50, vec![3, 0, 9, 0, 5, 0, 0, 0, 0, 0])]);
        let refused = link.receive(true, &[8, 0, 1, 0, CONNECTION_REQUEST, 2, 4, 0, 3, 0, 0x51, 0]);
        assert_eq!(refused[0].1, [CONNECTION_RESPONSE, 2, 8, 0, 0, 0, 0x51, 0, 2, 0, 0, 0]);
    }
}
