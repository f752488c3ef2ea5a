//! One operation of the radio: a question to a device, or an inquiry; from its command to its end.
//!
//! **Invariants:** it ends by its deadline, whatever the controller does; silence is told only by the
//! controller itself, never by time that ran out.

use std::time::Duration;

use muster_core::identity::Mac;
use muster_wire::bluetooth::hci::Request;

use super::outcome::{Verdict, of_status};

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// A device is asked for its name.
    Name(Mac),
    /// A device's service directory is connected to.
    Page(Mac),
    /// A device is asked to echo.
    Ping(Mac),
    /// bluetoothd connects to a device.
    Connect(Mac),
    /// Whoever lets itself be found is looked for, for so long.
    Inquiry(Duration),
}

/// An operation under way.
#[derive(Debug)]
pub(super) struct Question {
    what: What,
    /// When it is cancelled, on the monotonic clock.
    cancel_at: Duration,
    /// When it is over in any case.
    end_at: Duration,
    cancelled: bool,
}

/// What time asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing yet.
    Wait,
    /// Send this.
    Cancel(Request),
    /// Tell bluetoothd to give up on this device.
    HangUp(Mac),
    /// It is over.
    Over(Verdict),
}

impl Question {
    /// It begins; a device's answer is waited for until `deadline` has passed.
    pub(super) fn new(what: What, deadline: Duration, now: Duration) -> Self {
        let length = match what {
            What::Name(_) | What::Page(_) | What::Ping(_) | What::Connect(_) => deadline,
            // The controller ends it by itself; this is for one that does not.
            What::Inquiry(length) => length + deadline,
        };
        let end_at = now + length;
        Self { what, cancel_at: end_at.saturating_sub(GRACE), end_at, cancelled: false }
    }

    /// The command that begins it; none where an attempt does.
    pub(super) fn request(&self) -> Option<Request> {
        match self.what {
            What::Name(mac) => Some(Request::Name(mac)),
            What::Inquiry(length) => Some(Request::Inquiry(length)),
            What::Page(_) | What::Ping(_) | What::Connect(_) => None,
        }
    }

    /// Who is asked.
    pub(super) fn whom(&self) -> Option<Mac> {
        match self.what {
            What::Name(mac) | What::Page(mac) | What::Ping(mac) | What::Connect(mac) => Some(mac),
            What::Inquiry(_) => None,
        }
    }

    /// The controller took a command, or did not.
    pub(super) fn taken(&self, opcode: u16, status: u8) -> Option<Verdict> {
        let mine = self.request().is_some_and(|it| it.opcode() == opcode);
        // What the controller does not even begin says nothing about anybody.
        let refused =
            if of_status(status) == Verdict::Fault { Verdict::Fault } else { Verdict::Nothing };
        (mine && status != 0).then_some(refused)
    }

    /// A name came, or did not.
    pub(super) fn named(&self, mac: Mac, status: u8) -> Option<Verdict> {
        (self.what == What::Name(mac)).then(|| of_status(status))
    }

    /// The inquiry ended.
    pub(super) fn inquired(&self, status: u8) -> Option<Verdict> {
        let verdict = if status == 0 { Verdict::Nothing } else { Verdict::Fault };
        matches!(self.what, What::Inquiry(_)).then_some(verdict)
    }

    /// Lets time pass.
    pub(super) fn pass(&mut self, now: Duration) -> Step {
        if now >= self.end_at {
            return Step::Over(Verdict::Nothing);
        }
        if now < self.cancel_at || self.cancelled {
            return Step::Wait;
        }
        self.cancelled = true;
        match self.what {
            What::Name(mac) => Step::Cancel(Request::CancelName(mac)),
            What::Inquiry(_) => Step::Cancel(Request::CancelInquiry),
            What::Connect(mac) => Step::HangUp(mac),
            What::Page(_) | What::Ping(_) => Step::Over(Verdict::Nothing),
        }
    }

    /// When time asks for something.
    pub(super) fn next(&self) -> Duration {
        if self.cancelled { self.end_at } else { self.cancel_at }
    }
}

/// A controller has so long to end what was cancelled.
const GRACE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    const ANNA: Mac = Mac([0, 0x1a, 0x7d, 0, 0, 1]);
    const BEN: Mac = Mac([0, 0x1a, 0x7d, 0, 0, 2]);

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn question(what: What) -> Question {
        Question::new(what, at(10), at(100))
    }

    #[test]
    fn a_name_a_page_that_ran_out_and_a_refusal() {
        let asked = question(What::Name(ANNA));
        assert_eq!(asked.request(), Some(Request::Name(ANNA)));
        assert_eq!(asked.taken(0x0419, 0), None, "it goes on");
        assert_eq!(asked.taken(0x0419, 0x0c), Some(Verdict::Fault), "busy");
        assert_eq!(asked.taken(0x0419, 0x04), Some(Verdict::Nothing), "nobody was paged");
        assert_eq!(asked.taken(0x1009, 0x0c), None, "another command");
        assert_eq!(asked.named(BEN, 0), None, "somebody else asked for that one");
        assert_eq!(asked.named(ANNA, 0), Some(Verdict::Answered));
        assert_eq!(asked.named(ANNA, 0x04), Some(Verdict::Silent));
        assert_eq!(asked.named(ANNA, 0x1f), Some(Verdict::Nothing));
        assert_eq!(asked.inquired(0), None);
    }

    #[test]
    fn time_that_runs_out_is_no_silence() {
        let mut asked = question(What::Name(ANNA));
        assert_eq!(asked.next(), at(109));
        assert_eq!(asked.pass(at(108)), Step::Wait);
        assert_eq!(asked.pass(at(109)), Step::Cancel(Request::CancelName(ANNA)));
        assert_eq!(asked.pass(at(109)), Step::Wait, "cancelled once");
        assert_eq!(asked.named(ANNA, 0x02), Some(Verdict::Nothing), "as cancelled ones end");
        assert_eq!(asked.next(), at(110));
        assert_eq!(asked.pass(at(110)), Step::Over(Verdict::Nothing));
        for what in [What::Page(ANNA), What::Ping(ANNA)] {
            let mut page = question(what);
            assert_eq!((page.request(), page.whom()), (None, Some(ANNA)));
            assert_eq!(page.pass(at(109)), Step::Over(Verdict::Nothing));
        }
        let mut connecting = question(What::Connect(ANNA));
        assert_eq!((connecting.request(), connecting.whom()), (None, Some(ANNA)));
        assert_eq!(connecting.pass(at(109)), Step::HangUp(ANNA));
        assert_eq!(connecting.pass(at(109)), Step::Wait, "told once");
        assert_eq!(connecting.pass(at(110)), Step::Over(Verdict::Nothing));
    }

    #[test]
    fn an_inquiry_ends_by_itself_or_is_ended() {
        let mut inquiry = question(What::Inquiry(at(5)));
        assert_eq!(inquiry.whom(), None);
        assert_eq!(inquiry.inquired(0), Some(Verdict::Nothing));
        assert_eq!(inquiry.inquired(0x0c), Some(Verdict::Fault));
        assert_eq!(inquiry.pass(at(113)), Step::Wait);
        assert_eq!(inquiry.pass(at(114)), Step::Cancel(Request::CancelInquiry));
    }
}
