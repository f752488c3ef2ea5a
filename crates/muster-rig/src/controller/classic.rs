//! BR/EDR: inquiries, names, and pages in both directions (volume 4, part E, section 7.1).
//!
//! One page at a time, as one radio has it: what would page meanwhile is disallowed.

use std::time::Duration;

use super::link::Greeting;
use super::{Controller, Done, Refusal, Task};
use crate::address::Address;
use crate::air::Screen;
use crate::hci::{self, Parameters};
use crate::request::{Act, NoRequest};

/// The page that is under way.
#[derive(Debug)]
pub(super) struct Paging {
    number: u64,
    whom: Address,
    wants: Wanted,
    is_answered: bool,
}

/// A phone that pages the adapter, until the host takes it or does not.
#[derive(Debug)]
pub(super) struct Knock {
    number: u64,
    from: Address,
    /// It wants to pair, and not its link alone.
    pairs: bool,
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
            ACCEPT_CONNECTION => self.accept(address()?, now),
            REJECT_CONNECTION => {
                let reason = parameters.byte(6).ok_or(Refusal::TooShort)?;
                self.reject(address()?, reason);
            }
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
                let handle = if page.is_answered { self.link(page.whom, None) } else { 0 };
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

    /// Does what a phone's owner does with it.
    pub(super) fn phone_does(
        &mut self,
        address: Address,
        act: Act,
        now: Duration,
    ) -> Result<(), NoRequest> {
        let link = self.link_to(address);
        let phone = self.air.phones.get_mut(&address).ok_or(NoRequest::Nobody(address))?;
        match act {
            Act::Forget => (phone.key, phone.screen) = (None, Screen::Dark),
            // On BR/EDR nobody hides.
            Act::Rotate => return Err(NoRequest::NotPrivate),
            Act::Disconnect => {
                self.end_link(link.ok_or(NoRequest::NoLink)?, hci::ENDED_BY_REMOTE_USER);
            }
            Act::Pair if !phone.pairs() => return Err(NoRequest::Declined),
            Act::Connect | Act::Pair if !phone.is_reachable => return Err(NoRequest::Unanswered),
            Act::Connect | Act::Pair => match link {
                Some(handle) if act == Act::Pair => self.pair_from_phone(handle)?,
                Some(_) => {}
                None => self.knock(address, act == Act::Pair, now)?,
            },
        }
        Ok(())
    }

    fn knock(&mut self, from: Address, pairs: bool, now: Duration) -> Result<(), NoRequest> {
        if !self.host.answers_pages() {
            return Err(NoRequest::Unanswered);
        }
        if self.knock.is_some() || self.paging.as_ref().is_some_and(|it| it.whom == from) {
            return Err(NoRequest::Busy);
        }
        let Some(phone) = self.air.phones.get(&from) else { return Ok(()) };
        // For data.
        let body = [&from.0[..], &phone.class, &[1]].concat();
        let number = self.number();
        self.knock = Some(Knock { number, from, pairs });
        self.plan(now + ACCEPT_TIMEOUT, Task::EndKnock(number));
        self.event(hci::CONNECTION_REQUEST, &body);
        Ok(())
    }

    /// The host has not said for too long whether it takes the phone.
    pub(super) fn end_knock(&mut self, number: u64) {
        if let Some(knock) = self.knock.take_if(|it| it.number == number) {
            self.turn_away(&knock, hci::ACCEPT_TIMEOUT);
        }
    }

    fn accept(&mut self, from: Address, now: Duration) {
        let Some(knock) = self.knock.take_if(|it| it.from == from) else {
            self.status(ACCEPT_CONNECTION, hci::UNKNOWN_CONNECTION);
            return;
        };
        self.status(ACCEPT_CONNECTION, hci::SUCCESS);
        if self.air.phones.get(&from).is_none_or(|it| !it.is_reachable) {
            self.tell_link(from, hci::CONNECTION_TIMEOUT, 0);
            return;
        }
        let handle = self.link(from, None);
        self.tell_link(from, hci::SUCCESS, handle);
        let greeting = Greeting { number: knock.number, pairs: knock.pairs };
        self.plan(now + GREETS_AFTER, Task::Greet(knock.number));
        if let Some(link) = self.links.get_mut(&handle) {
            link.greeting = Some(greeting);
        }
    }

    fn reject(&mut self, from: Address, reason: u8) {
        let knock = self.knock.take_if(|it| it.from == from);
        let status = if knock.is_some() { hci::SUCCESS } else { hci::UNKNOWN_CONNECTION };
        self.status(REJECT_CONNECTION, status);
        if let Some(knock) = knock {
            self.turn_away(&knock, reason);
        }
    }

    fn turn_away(&mut self, knock: &Knock, reason: u8) {
        self.tell_link(knock.from, reason, 0);
        if let Some(phone) = self.air.phones.get_mut(&knock.from) {
            phone.screen = Screen::Failed(reason);
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
}

const INQUIRY: u16 = 0x0401;
const INQUIRY_CANCEL: u16 = 0x0402;
const CREATE_CONNECTION: u16 = 0x0405;
const CREATE_CONNECTION_CANCEL: u16 = 0x0408;
const ACCEPT_CONNECTION: u16 = 0x0409;
const REJECT_CONNECTION: u16 = 0x040a;
const REMOTE_NAME_REQUEST: u16 = 0x0419;
const REMOTE_NAME_REQUEST_CANCEL: u16 = 0x041a;
/// A slot of the radio.
const SLOT: Duration = Duration::from_micros(625);
/// What an inquiry's length is counted in (section 7.1.1).
const INQUIRY_UNIT: Duration = Duration::from_millis(1280);
/// How long a host may take to say whether it takes a phone, unless it set another time (section 6.7).
const ACCEPT_TIMEOUT: Duration = Duration::from_millis(5060);
/// How long a phone waits for a host that asks nothing about it.
const GREETS_AFTER: Duration = Duration::from_secs(2);
