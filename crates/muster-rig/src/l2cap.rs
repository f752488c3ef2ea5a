//! What a phone without services says on a link: it answers echoes, tells what it can, and has an SDP
//! server that lists nothing (Bluetooth Core Specification 5.4, volume 3, parts A and B).

use std::collections::BTreeMap;

use crate::hci::Parameters;

/// A link's channels, from the phone's end.
#[derive(Debug, Default)]
pub(crate) struct Channels {
    /// Those that are open: the phone's number, and the host's.
    open: BTreeMap<u16, u16>,
    partial: Vec<u8>,
}

/// A frame: its channel and what is in it.
pub(crate) type Frame = (u16, Vec<u8>);

impl Channels {
    /// Takes a data packet's content; the frame that it completes.
    pub(crate) fn receive(&mut self, begins_frame: bool, content: &[u8]) -> Option<Frame> {
        if begins_frame {
            self.partial.clear();
        }
        self.partial.extend(content);
        let head = Parameters(&self.partial);
        let (length, channel) = (head.word(0)?, head.word(2)?);
        let body = self.partial.get(4..4 + usize::from(length))?.to_vec();
        self.partial.clear();
        Some((channel, body))
    }

    /// What the phone says to open the host's SDP server. An open channel keeps the link: hosts end one
    /// that nobody uses.
    pub(crate) fn open_directory(&mut self) -> Frame {
        let [low, high] = self.free().to_le_bytes();
        command(CONNECTION_REQUEST, OWN_ID, &[SDP.to_le_bytes(), [low, high]].concat())
    }

    /// The number for one more channel.
    fn free(&self) -> u16 {
        self.open.last_key_value().map_or(FIRST_CHANNEL, |(it, _)| it.saturating_add(1))
    }

    /// What the phone answers to a frame.
    pub(crate) fn answer(&mut self, (channel, body): &Frame) -> Vec<Frame> {
        match *channel {
            SIGNALLING | LOW_ENERGY_SIGNALLING => self.signal(*channel, body),
            ATTRIBUTES => attribute(body).into_iter().collect(),
            _ => self.serve(*channel, body).into_iter().collect(),
        }
    }

    /// Part A, section 4: every command of a signalling frame.
    fn signal(&mut self, channel: u16, mut commands: &[u8]) -> Vec<Frame> {
        let mut answers = Vec::new();
        while let [code, id, low, high, rest @ ..] = commands {
            let length = usize::from(u16::from_le_bytes([*low, *high])).min(rest.len());
            let (content, more) = rest.split_at(length);
            commands = more;
            let answer = self.command(*code, *id, content).unwrap_or_default();
            answers.extend(answer.into_iter().map(|(_, it)| (channel, it)));
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
                let last = self.free();
                self.open.insert(last, theirs);
                let [low, high] = last.to_le_bytes();
                let opened = [low, high, content[2], content[3], 0, 0, 0, 0];
                // As it is: no option, so every default.
                let wanted = [content[2], content[3], 0, 0];
                vec![
                    command(CONNECTION_RESPONSE, id, &opened),
                    command(CONFIGURATION_REQUEST, OWN_ID, &wanted),
                ]
            }
            CONNECTION_RESPONSE if it.word(4)? == 0 => {
                let (theirs, ours) = (it.word(0)?, it.word(2)?);
                self.open.insert(ours, theirs);
                vec![command(CONFIGURATION_REQUEST, OWN_ID, &[content[0], content[1], 0, 0])]
            }
            CONFIGURATION_REQUEST => {
                let [low, high] = self.open.get(&it.word(0)?)?.to_le_bytes();
                vec![command(CONFIGURATION_RESPONSE, id, &[low, high, 0, 0, 0, 0])]
            }
            DISCONNECTION_REQUEST => {
                self.open.remove(&it.word(0)?);
                vec![command(DISCONNECTION_RESPONSE, id, content.get(..4)?)]
            }
            // Whatever the host wants of the connection's timing is taken.
            PARAMETER_REQUEST => vec![command(PARAMETER_RESPONSE, id, &[0, 0])],
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
        let theirs = *self.open.get(&channel)?;
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

/// Part F, section 3.4: a server of attributes that has none. It takes frames of 23 octets and finds
/// nothing of what a request looks for; what is no request is not answered.
fn attribute(body: &[u8]) -> Option<Frame> {
    let (&code, rest) = body.split_first()?;
    if !ATTRIBUTE_REQUESTS.contains(&code) {
        return None;
    }
    let answer = match (code, rest) {
        (MTU_REQUEST, _) => vec![MTU_RESPONSE, 23, 0],
        (_, [low, high, ..]) => vec![ATTRIBUTE_ERROR, code, *low, *high, NOT_FOUND],
        _ => vec![ATTRIBUTE_ERROR, code, 0, 0, NOT_FOUND],
    };
    Some((ATTRIBUTES, answer))
}

const SIGNALLING: u16 = 1;
const ATTRIBUTES: u16 = 4;
const LOW_ENERGY_SIGNALLING: u16 = 5;
pub(crate) const SECURITY: u16 = 6;
const ATTRIBUTE_REQUESTS: [u8; 12] =
    [MTU_REQUEST, 0x04, 0x06, 0x08, 0x0a, 0x0c, 0x0e, 0x10, 0x12, 0x16, 0x18, 0x20];
const MTU_REQUEST: u8 = 2;
const MTU_RESPONSE: u8 = 3;
const ATTRIBUTE_ERROR: u8 = 1;
const NOT_FOUND: u8 = 0x0a;
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
const PARAMETER_REQUEST: u8 = 0x12;
const PARAMETER_RESPONSE: u8 = 0x13;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_echo_comes_back_however_it_is_cut() {
        let frame = [8, 0, 1, 0, ECHO_REQUEST, 7, 4, 0, b'p', b'i', b'n', b'g'];
        let back = vec![(SIGNALLING, vec![ECHO_RESPONSE, 7, 4, 0, b'p', b'i', b'n', b'g'])];
        for cut in 1..=frame.len() {
            let (first, rest) = frame.split_at(cut);
            let mut channels = Channels::default();
            let mut frame = channels.receive(true, first);
            if !rest.is_empty() {
                assert_eq!(frame, None, "cut at {cut}");
                frame = channels.receive(false, rest);
            }
            assert_eq!(channels.answer(&frame.unwrap()), back, "cut at {cut}");
        }
    }

    #[test]
    fn the_service_directory_opens_and_is_empty() {
        let mut channels = Channels::default();
        let mut ask = |channel, body: &[u8]| channels.answer(&(channel, body.to_vec()));
        let opened = ask(SIGNALLING, &[CONNECTION_REQUEST, 1, 4, 0, 1, 0, 0x50, 0]);
        assert_eq!(opened[0].1, [CONNECTION_RESPONSE, 1, 8, 0, 0x40, 0, 0x50, 0, 0, 0, 0, 0]);
        let found = ask(0x40, &[SERVICE_SEARCH, 0, 9]);
        assert_eq!(found, [(0x50, vec![3, 0, 9, 0, 5, 0, 0, 0, 0, 0])]);
        assert!(
            ask(SIGNALLING, &[CONNECTION_RESPONSE, 1, 8, 0, 9, 0, 0x41, 0, 2, 0, 0, 0]).is_empty()
        );
        let taken = ask(SIGNALLING, &[CONNECTION_RESPONSE, 1, 8, 0, 9, 0, 0x41, 0, 0, 0, 0, 0]);
        assert_eq!(taken[0].1, [CONFIGURATION_REQUEST, 1, 4, 0, 9, 0, 0, 0]);
        let refused = ask(SIGNALLING, &[CONNECTION_REQUEST, 2, 4, 0, 3, 0, 0x51, 0]);
        assert_eq!(refused[0].1, [CONNECTION_RESPONSE, 2, 8, 0, 0, 0, 0x51, 0, 2, 0, 0, 0]);
    }

    #[test]
    fn there_are_no_attributes() {
        let mut channels = Channels::default();
        let mut ask = |body: &[u8]| channels.answer(&(ATTRIBUTES, body.to_vec()));
        assert_eq!(ask(&[MTU_REQUEST, 5, 2]), [(ATTRIBUTES, vec![MTU_RESPONSE, 23, 0])]);
        let nothing = (ATTRIBUTES, vec![ATTRIBUTE_ERROR, 0x10, 1, 0, NOT_FOUND]);
        assert_eq!(ask(&[0x10, 1, 0, 0xff, 0xff, 0, 0x28]), [nothing]);
        // A command, a notification, a confirmation, nothing at all.
        for silent in [&[0x52, 1, 0][..], &[0x1b, 1, 0], &[0x1e], &[]] {
            assert!(ask(silent).is_empty(), "{silent:?}");
        }
    }
}
