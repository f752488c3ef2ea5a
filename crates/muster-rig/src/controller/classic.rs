//! BR/EDR: inquiries, pages, names and links (volume 4, part E, section 7.1).
//!
//! One page at a time, as one radio has it: what would page meanwhile is disallowed.

use std::time::Duration;

use super::settings::FEATURES;
use super::{Controller, Done, Refusal, Task};
use crate::address::Address;
use crate::hci::{self, Parameters};
use crate::l2cap::Link;

/// The page that is under way.
#[derive(Debug)]
pub(super) struct Paging {
    number: u64,
    whom: Address,
    wants: Wanted,
    is_answered: bool,
}

/// What a page is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Link,
    Name,
}

impl Controller {
    /// Commands of group 0x01.
    pub(super) fn link_control(
        &mut self,
        opcode: u16,
        parameters: Parameters<'_>,
        now: Duration,
    ) -> Done {
        let address = || parameters.address(0).ok_or(Refusal::TooShort);
        match opcode {
            INQUIRY => self.inquire(parameters.byte(3).ok_or(Refusal::TooShort)?, now),
            INQUIRY_CANCEL => {
                self.inquiry = None;
                self.complete(INQUIRY_CANCEL, &[hci::SUCCESS]);
            }
            CREATE_CONNECTION => {
                let whom = address()?;
                if self.link_to(whom).is_some() {
                    self.status(opcode, hci::CONNECTION_EXISTS);
                } else {
                    self.page(opcode, whom, Wanted::Link, now);
                }
            }
            REMOTE_NAME_REQUEST => {
                let whom = address()?;
                if self.link_to(whom).is_some() {
                    self.status(opcode, hci::SUCCESS);
                    self.tell_name(whom, hci::SUCCESS);
                } else {
                    self.page(opcode, whom, Wanted::Name, now);
                }
            }
            CREATE_CONNECTION_CANCEL => self.cancel(opcode, address()?, Wanted::Link),
            REMOTE_NAME_REQUEST_CANCEL => self.cancel(opcode, address()?, Wanted::Name),
            _ => return self.of_established(opcode, parameters),
        }
        Ok(())
    }

    fn inquire(&mut self, length: u8, now: Duration) {
        self.counts.inquiries += 1;
        let inquiry = self.number();
        self.inquiry = Some(inquiry);
        self.status(INQUIRY, hci::SUCCESS);
        let length = INQUIRY_UNIT * u32::from(length);
        let there: Vec<_> = self.air.phones.iter().filter(|(_, it)| it.is_discoverable).collect();
        let there: Vec<_> = there.into_iter().map(|(address, _)| *address).collect();
        for address in there {
            // Each is met in the first half, at some time of its own.
            let after = self.noise.below(length / 2);
            self.plan(now + after, Task::AnswerInquiry(address, inquiry));
        }
        self.plan(now + length, Task::EndInquiry(inquiry));
    }

    pub(super) fn answer_inquiry(&mut self, address: Address, inquiry: u64) {
        if self.inquiry != Some(inquiry) {
            return;
        }
        let Some(phone) = self.air.phones.get(&address) else { return };
        let mut body = vec![1];
        body.extend(address.0);
        // How it scans for pages, and a byte that is reserved.
        body.extend([1, 0]);
        body.extend(phone.class);
        // Its clock.
        body.extend([0, 0]);
        body.extend(phone.rssi.to_le_bytes());
        body.extend(phone.inquiry_response());
        self.event(hci::EXTENDED_INQUIRY_RESULT, &body);
    }

    pub(super) fn end_inquiry(&mut self, inquiry: u64) {
        if self.inquiry == Some(inquiry) {
            self.inquiry = None;
            self.event(hci::INQUIRY_COMPLETE, &[hci::SUCCESS]);
        }
    }

    fn page(&mut self, opcode: u16, whom: Address, wants: Wanted, now: Duration) {
        if self.paging.is_some() {
            self.status(opcode, hci::COMMAND_DISALLOWED);
            return;
        }
        self.counts.pages += 1;
        self.status(opcode, hci::SUCCESS);
        let host = SLOT * u32::from(self.host.page_timeout);
        let timeout = self.page_timeout.unwrap_or(host);
        let answer = self.air.phones.get(&whom).filter(|it| it.is_reachable);
        let answer = answer.map(|it| it.answers_after).filter(|it| *it < timeout);
        let number = self.number();
        self.paging = Some(Paging { number, whom, wants, is_answered: answer.is_some() });
        self.plan(now + answer.unwrap_or(timeout), Task::EndPage(number));
    }

    pub(super) fn end_page(&mut self, number: u64) {
        let Some(page) = self.paging.take_if(|it| it.number == number) else { return };
        let status = if page.is_answered { hci::SUCCESS } else { hci::PAGE_TIMEOUT };
        match page.wants {
            Wanted::Name => self.tell_name(page.whom, status),
            Wanted::Link => {
                let handle = if page.is_answered { self.link(page.whom) } else { 0 };
                self.tell_link(page.whom, status, handle);
            }
        }
    }

    fn cancel(&mut self, opcode: u16, whom: Address, wants: Wanted) {
        let page = self.paging.take_if(|it| it.whom == whom && it.wants == wants);
        let status = if page.is_some() { hci::SUCCESS } else { hci::UNKNOWN_CONNECTION };
        self.complete(opcode, &[&[status][..], &whom.0].concat());
        match page.map(|it| it.wants) {
            Some(Wanted::Link) => self.tell_link(whom, hci::UNKNOWN_CONNECTION, 0),
            Some(Wanted::Name) => self.tell_name(whom, hci::UNKNOWN_CONNECTION),
            None => {}
        }
    }

    fn tell_name(&mut self, whom: Address, status: u8) {
        let mut body = vec![status];
        body.extend(whom.0);
        if status == hci::SUCCESS {
            let name = self.air.phones.get(&whom).map(|it| it.name.as_bytes());
            body.extend(name.unwrap_or_default().iter().take(248));
        }
        body.resize(255, 0);
        self.event(hci::REMOTE_NAME, &body);
    }

    fn tell_link(&mut self, whom: Address, status: u8, handle: u16) {
        let mut body = vec![status];
        body.extend(handle.to_le_bytes());
        body.extend(whom.0);
        // For data, not encrypted.
        body.extend([1, 0]);
        self.event(hci::CONNECTION_COMPLETE, &body);
    }

    /// A new link's handle: the lowest that is free.
    fn link(&mut self, peer: Address) -> u16 {
        let handle = (1..MOST_HANDLE).find(|it| !self.links.contains_key(it)).unwrap_or(1);
        self.links.insert(handle, Link::to(peer));
        handle
    }

    fn link_to(&self, peer: Address) -> Option<u16> {
        self.links.iter().find(|(_, it)| it.peer == peer).map(|(handle, _)| *handle)
    }

    pub(super) fn lose_link(&mut self, peer: Address) {
        if let Some(handle) = self.link_to(peer) {
            self.end_link(handle, hci::CONNECTION_TIMEOUT);
        }
    }

    fn end_link(&mut self, handle: u16, reason: u8) {
        self.links.remove(&handle);
        let [low, high] = handle.to_le_bytes();
        self.event(hci::DISCONNECTION_COMPLETE, &[hci::SUCCESS, low, high, reason]);
    }

    /// Commands about a link that stands.
    fn of_established(&mut self, opcode: u16, parameters: Parameters<'_>) -> Done {
        let handle = parameters.word(0).ok_or(Refusal::TooShort)?;
        let [low, high] = handle.to_le_bytes();
        let told = |values: &[u8]| [&[hci::SUCCESS, low, high][..], values].concat();
        let (code, body) = match opcode {
            DISCONNECT => (hci::DISCONNECTION_COMPLETE, told(&[hci::ENDED_BY_LOCAL_HOST])),
            READ_REMOTE_FEATURES => (hci::REMOTE_FEATURES, told(&FEATURES)),
            READ_REMOTE_EXTENDED_FEATURES => {
                let page = parameters.byte(2).ok_or(Refusal::TooShort)?;
                // Its host pairs simply.
                let features = if page == 0 { FEATURES } else { [1, 0, 0, 0, 0, 0, 0, 0] };
                (hci::REMOTE_EXTENDED_FEATURES, told(&[&[page, 1][..], &features].concat()))
            }
            READ_REMOTE_VERSION => (hci::REMOTE_VERSION, told(&[8, 0x0f, 0, 0, 0])),
            READ_CLOCK_OFFSET => (hci::CLOCK_OFFSET, told(&[0, 0])),
            CHANGE_PACKET_TYPE => (hci::PACKET_TYPE, told(&[0x18, 0xcc])),
            SNIFF => (hci::MODE_CHANGE, told(&[2, 0, 0])),
            EXIT_SNIFF => (hci::MODE_CHANGE, told(&[0, 0, 0])),
            _ => return Err(Refusal::Unknown),
        };
        if !self.links.contains_key(&handle) {
            self.status(opcode, hci::UNKNOWN_CONNECTION);
            return Ok(());
        }
        self.status(opcode, hci::SUCCESS);
        if opcode == DISCONNECT {
            self.links.remove(&handle);
        }
        self.event(code, &body);
        Ok(())
    }

    /// A data packet from the host; the upper four bits of its handle say what part of a frame it is.
    pub(super) fn data(&mut self, handle: u16, content: &[u8]) {
        let (begins_frame, handle) = (handle & 0x3000 != 0x1000, handle & 0x0fff);
        let [low, high] = handle.to_le_bytes();
        self.event(hci::PACKETS_COMPLETED, &[1, low, high, 1, 0]);
        let Some(link) = self.links.get_mut(&handle) else { return };
        for (channel, payload) in link.receive(begins_frame, content) {
            self.out.extend(hci::data(handle, channel, &payload));
        }
    }
}

const INQUIRY: u16 = 0x0401;
const INQUIRY_CANCEL: u16 = 0x0402;
const CREATE_CONNECTION: u16 = 0x0405;
const DISCONNECT: u16 = 0x0406;
const CREATE_CONNECTION_CANCEL: u16 = 0x0408;
const CHANGE_PACKET_TYPE: u16 = 0x040f;
const REMOTE_NAME_REQUEST: u16 = 0x0419;
const REMOTE_NAME_REQUEST_CANCEL: u16 = 0x041a;
const READ_REMOTE_FEATURES: u16 = 0x041b;
const READ_REMOTE_EXTENDED_FEATURES: u16 = 0x041c;
const READ_REMOTE_VERSION: u16 = 0x041d;
const READ_CLOCK_OFFSET: u16 = 0x041f;
const SNIFF: u16 = 0x0803;
const EXIT_SNIFF: u16 = 0x0804;
/// Handles end below this (section 5.4.2).
const MOST_HANDLE: u16 = 0x0f00;
/// A slot of the radio.
const SLOT: Duration = Duration::from_micros(625);
/// What an inquiry's length is counted in (section 7.1.1).
const INQUIRY_UNIT: Duration = Duration::from_millis(1280);
