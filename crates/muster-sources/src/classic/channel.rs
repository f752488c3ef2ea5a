//! One adapter: its controller, the operation under way, links that others make, and its coverage, put
//! together.
//!
//! Waits for nothing: the source says when time has come. **Invariant:** a question is told as silent
//! only if the controller answered before and after it, and its silence lies in what is covered.

mod told;

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use muster_config::classic::{ClassicSettings, Probe as How};
use muster_core::fact::{Fact, FactBody, Listener, Outcome, Probe};
use muster_core::identity::{Identity, Mac};
use muster_core::ports::ChannelStatus;
use muster_core::time::Now;
use muster_wire::bluetooth::hci::{Hci, Request, parse};
use nix::errno::Errno;

use crate::coverage::Coverage;

pub use told::Found;

use super::attempt::{Attempt, End};
use super::daemon::Reach;
use super::life::Life;
use super::links::Links;
use super::outcome::{Verdict, of_start};
use super::question::{Question, Step, What};
use super::schedule::{Rules, Schedule, Wanted};
use super::socket::{Controller, errno};
use super::status::{self, Trouble};

/// Whom a channel may ask, and what the engine knows of them.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Whom to ask.
    pub(super) wanted: Vec<Wanted>,
    /// Those of whom the engine knows: only their silence is of use to it.
    pub(super) judged: BTreeSet<Mac>,
    /// What bluetoothd has of them.
    pub(super) reach: Reach,
}

/// An adapter.
#[derive(Debug)]
pub(super) struct Channel {
    pub(super) listener: Arc<Listener>,
    index: u16,
    controller: Option<Controller>,
    /// Its own address, once it told.
    address: Option<Mac>,
    schedule: Schedule,
    known: Known,
    question: Option<(Question, Option<Attempt>)>,
    /// When to look for those who let themselves be found.
    inquiry_at: Duration,
    /// Somebody was asked since the last inquiry: the next one takes nobody's turn.
    may_look: bool,
    life: Life,
    links: Links,
    coverage: Coverage,
    look_at: Duration,
    /// How many inquiries ended.
    looked: u32,
    trouble: Option<Trouble>,
    told: Option<ChannelStatus>,
    /// What inquiries found, for whoever wants all of it.
    found: Vec<Found>,
}

impl Channel {
    /// An adapter that was found; nothing is sent yet.
    pub(super) fn new(index: u16, listener: Listener, settings: &ClassicSettings) -> Self {
        let (every, air_time) = (settings.every.get(), settings.air_time.get());
        Self {
            listener: Arc::new(listener),
            index,
            controller: None,
            address: None,
            schedule: Schedule::new(Rules { every, air_time }),
            known: Known::default(),
            question: None,
            inquiry_at: Duration::ZERO,
            may_look: true,
            life: Life::default(),
            links: Links::default(),
            coverage: Coverage::default(),
            look_at: Duration::ZERO,
            looked: 0,
            trouble: None,
            told: None,
            found: Vec::new(),
        }
    }

    /// Replaces whom to ask.
    pub(super) fn set_known(&mut self, known: Known, now: Duration) {
        self.schedule.set(known.wanted.clone(), now);
        if known.reach.lack.is_none() && matches!(self.trouble, Some(Trouble::Daemon(_))) {
            self.trouble = None;
        }
        self.known = known;
    }

    /// Ready when something came that was looked at.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
        now: Now,
        out: &mut Vec<Fact>,
    ) -> Poll<()> {
        let mut ready = Poll::Pending;
        while let Some(controller) = &mut self.controller {
            match controller.poll_event(cx, buffer) {
                Poll::Ready(Ok(length)) => {
                    let packet = buffer.get(..length).unwrap_or_default();
                    if let Ok(Some(Hci::Event(event))) = parse(packet) {
                        self.event(&event, now, out);
                    }
                    ready = Poll::Ready(());
                }
                Poll::Ready(Err(_)) => {
                    self.close(Trouble::Gone);
                    return Poll::Ready(());
                }
                Poll::Pending => break,
            }
        }
        if let Some((_, Some(attempt))) = &mut self.question
            && let Poll::Ready(end) = attempt.poll_end(cx)
        {
            self.ended(&end, now, out);
            return Poll::Ready(());
        }
        ready
    }

    /// Everything that is due.
    pub(super) fn act(&mut self, settings: &ClassicSettings, now: Now, out: &mut Vec<Fact>) {
        if self.controller.is_none() && self.look_at <= now.mono {
            match Controller::open(self.index) {
                Ok(it) => self.controller = Some(it),
                Err(error) => self.trouble = Some(Trouble::of(&error)),
            }
        }
        if self.life.asks(now.mono) {
            // What went wrong is kept as the trouble.
            self.send(Request::ReadAddress).unwrap_or_default();
        }
        let step = self.question.as_mut().map(|(it, _)| it.pass(now.mono));
        match step {
            Some(Step::Over(verdict)) => self.over(verdict, now, out),
            // One that cannot be cancelled ends by its deadline.
            Some(Step::Cancel(request)) => self.send(request).unwrap_or_default(),
            Some(Step::HangUp(mac)) => {
                if let Some((_, attempt)) = &mut self.question {
                    *attempt = Attempt::hang_up(mac, &self.known.reach);
                }
            }
            Some(Step::Wait) | None => {}
        }
        if self.question.is_none() && self.life.is_alive(now.mono) {
            self.begin(settings, now, out);
        }
        if self.look_at <= now.mono {
            self.look_at = now.mono + LOOK;
            self.look(settings, now, out);
        }
    }

    /// When [`Self::act`] has something to do.
    pub(super) fn next(&self) -> Duration {
        let question = match &self.question {
            Some((it, _)) => Some(it.next()),
            // Not before it answers, which wakes us.
            None => self.life.proved().and_then(|_| self.schedule.next()),
        };
        question.unwrap_or(Duration::MAX).min(self.life.next()).min(self.look_at)
    }

    /// Whether everybody was asked, and looked for if that is wanted; or nobody can be.
    pub(super) fn is_through(&self, settings: &ClassicSettings) -> bool {
        let looks = !settings.inquiry.get().is_zero();
        let begun = self.address.is_some() && self.looked >= u32::from(looks);
        self.trouble(settings).is_some()
            || begun && self.question.is_none() && self.schedule.is_through()
    }

    /// What inquiries found since this was asked last.
    pub(super) fn take_found(&mut self) -> Vec<Found> {
        std::mem::take(&mut self.found)
    }

    /// What the channel can and cannot do, if that has changed since it was last told.
    pub(super) fn news(&mut self, settings: &ClassicSettings) -> Option<ChannelStatus> {
        let (trouble, lack) = (self.trouble(settings), self.known.reach.lack);
        let status = status::of_channel(&self.listener, trouble, lack, settings);
        let news = self.told.as_ref() != Some(&status);
        self.told = Some(status.clone());
        news.then_some(status)
    }

    fn begin(&mut self, settings: &ClassicSettings, now: Now, out: &mut Vec<Fact>) {
        let inquiry = settings.inquiry.get();
        let looks = !inquiry.is_zero()
            && self.inquiry_at <= now.mono
            && self.schedule.is_free(now.mono)
            && (self.may_look || self.schedule.next().is_none_or(|it| it > now.mono));
        let what = if looks {
            self.may_look = false;
            self.inquiry_at = now.mono + settings.every.get().max(inquiry);
            self.schedule.occupy(now.mono);
            What::Inquiry(inquiry)
        } else {
            match self.choose(settings, now, out) {
                Some(it) => it,
                None => return,
            }
        };
        let question = Question::new(what, settings.deadline.get(), now.mono);
        let begun = match question.request() {
            Some(request) => self.send(request).map(|()| None).map_err(|it| of_start(it).into()),
            None => Attempt::begin(what, self.address, &self.known.reach).map(Some),
        };
        match begun {
            Ok(attempt) => self.question = Some((question, attempt)),
            Err(end) => {
                self.question = Some((question, None));
                self.ended(&end, now, out);
            }
        }
    }

    /// Whom to ask now, and how. Who cannot be asked is passed over.
    fn choose(
        &mut self,
        settings: &ClassicSettings,
        now: Now,
        out: &mut Vec<Fact>,
    ) -> Option<What> {
        while let Some(mac) = self.schedule.open(now.mono) {
            match settings.probe {
                How::Name => return Some(What::Name(mac)),
                How::Sdp => return Some(What::Page(mac)),
                How::L2ping => return Some(What::Ping(mac)),
                How::Connect if self.known.reach.paths.contains_key(&mac) => {
                    return Some(What::Connect(mac));
                }
                How::Connect | How::Off => self.pass_over(mac, now, out),
            }
        }
        None
    }

    /// Somebody is not asked: that is said, so that whoever ends a connection is not here for ever.
    fn pass_over(&mut self, mac: Mac, now: Now, out: &mut Vec<Fact>) {
        self.schedule.ended(Verdict::Silent, now.mono);
        if self.known.judged.contains(&mac) {
            let outcome = Outcome::Unaskable;
            let probe = Probe { identity: Identity::Bt(mac), at: now.wall, outcome };
            self.push(FactBody::Probe(probe), out);
        }
    }

    /// An attempt is over.
    fn ended(&mut self, end: &End, now: Now, out: &mut Vec<Fact>) {
        self.trouble = end.trouble.or(self.trouble);
        self.over(end.verdict, now, out);
    }

    /// Why nobody can be asked, or heard at all.
    fn trouble(&self, settings: &ClassicSettings) -> Option<Trouble> {
        let lack = self.known.reach.lack.filter(|_| settings.probe == How::Connect);
        self.trouble.or_else(|| lack.map(Trouble::Daemon))
    }

    /// The operation under way is over.
    fn over(&mut self, verdict: Verdict, now: Now, out: &mut Vec<Fact>) {
        let Some((question, _)) = self.question.take() else { return };
        self.schedule.ended(verdict, now.mono);
        if verdict == Verdict::Fault {
            self.coverage.interrupt();
            self.trouble.get_or_insert(Trouble::Busy);
        } else if self.trouble.is_some_and(Trouble::is_about_questions) {
            self.trouble = None;
        }
        let Some(mac) = question.whom() else {
            self.looked += 1;
            return;
        };
        self.may_look = true;
        let outcome = verdict.outcome();
        // Who was forgotten meanwhile is not told of.
        let tells = outcome == Outcome::Answered && self.schedule.knows(mac);
        if tells || self.known.judged.contains(&mac) {
            let probe = Probe { identity: Identity::Bt(mac), at: now.wall, outcome };
            self.push(FactBody::Probe(probe), out);
        }
    }

    /// Whoever is connected is there; and what is covered since the last look.
    fn look(&mut self, settings: &ClassicSettings, now: Now, out: &mut Vec<Fact>) {
        let alive = self.life.is_alive(now.mono);
        if self.life.is_deaf(now.mono) {
            self.trouble.get_or_insert(Trouble::Deaf);
        }
        let is_about_questions = self.trouble.is_some_and(Trouble::is_about_questions);
        if is_about_questions && self.schedule.counts() == [0; 3] {
            self.trouble = None;
        }
        if alive {
            let list = self.controller.as_ref().and_then(|it| it.links(self.index).ok());
            for mac in list.map(|it| self.links.are(it)).unwrap_or_default() {
                self.schedule.hint(mac, now.mono);
            }
            for mac in self.links.all() {
                self.sighted(mac, None, None, now, out);
            }
        }
        if let Some(span) =
            self.coverage.look(now, self.trouble(settings).is_none(), self.life.proved())
        {
            self.push(FactBody::Coverage(span), out);
        }
    }

    fn send(&mut self, request: Request) -> Result<(), Errno> {
        let Some(controller) = &self.controller else { return Err(Errno::ENODEV) };
        controller.send(request).map_err(|error: io::Error| {
            let error = errno(&error);
            if error == Errno::ENETDOWN {
                self.down(Trouble::Off);
            } else if !matches!(error, Errno::EAGAIN | Errno::EINTR | Errno::ENOBUFS) {
                // Whatever comes in its place is another one.
                self.close(Trouble::Gone);
            }
            error
        })
    }

    /// The controller is there and does nothing.
    fn down(&mut self, why: Trouble) {
        self.trouble = Some(why);
        self.life.ended();
        self.links.clear();
        self.coverage.interrupt();
    }

    fn close(&mut self, why: Trouble) {
        self.controller = None;
        self.down(why);
    }

    fn push(&self, body: FactBody, out: &mut Vec<Fact>) {
        out.push(Fact { listener: Arc::clone(&self.listener), body });
    }
}

/// The controller is looked at so often, and coverage told behind every second look.
const LOOK: Duration = Duration::from_secs(4);
