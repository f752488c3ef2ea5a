//! The back end over the kernel's management socket: nobody between us and the kernel.
//!
//! Decides what messages mean for an adapter, and nothing else. Active turns are discoveries. Passive ones
//! are *monitors*: the kernel listens passively while it is asked for advertisements by a pattern, and
//! reports all, unless the controller picks by itself. Monitors outlive the socket: what was added is
//! removed by whoever lets go of this.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::task::{Context, Poll};

use muster_config::ble::Mode;
use muster_wire::bluetooth::address::AddressKind;
use muster_wire::bluetooth::management::{
    Body, Command, Controller, Message, MonitorFeatures, Settings, Status, Transports,
    adapters_of_answer, monitor_of_answer,
};

use super::news::News;
use super::turns::{Ask, Pace, Trouble};
use crate::management::{Management, Trusted};

/// The kernel, asked about all adapters.
#[derive(Debug)]
pub(super) struct Kernel {
    socket: Management,
    mode: Mode,
    monitors: Monitors,
}

/// What was added, and is not known to be removed, by adapter.
type Monitors = BTreeMap<u16, BTreeSet<u16>>;

impl Kernel {
    /// Takes up the socket, and asks which adapters there are. They will listen in this mode.
    pub(super) fn open(socket: Trusted, mode: Mode) -> io::Result<Self> {
        let socket = Management::new(socket)?;
        socket.send(None, Command::ReadIndexList)?;
        Ok(Self { socket, mode, monitors: Monitors::new() })
    }

    /// Ready when something came; hands it over in order. Some may be left for the next time.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        each: &mut dyn FnMut(u16, News<'_>),
    ) -> Poll<io::Result<()>> {
        for count in 0..MOST_AT_ONCE {
            match self.socket.poll_next(cx)? {
                Poll::Pending if count == 0 => return Poll::Pending,
                Poll::Pending => return Poll::Ready(Ok(())),
                Poll::Ready(()) => self.message(each)?,
            }
        }
        // There may be more that nobody would wake us for.
        cx.waker().wake_by_ref();
        Poll::Ready(Ok(()))
    }

    /// Asks an adapter; what comes of it is told.
    pub(super) fn ask(&self, adapter: u16, ask: Ask) -> io::Result<()> {
        let what = Transports::LOW_ENERGY;
        let command = match (self.mode, ask) {
            (Mode::Active, Ask::Start) => Command::StartDiscovery(what),
            (Mode::Active, Ask::Stop) => Command::StopDiscovery(what),
            (Mode::Passive, Ask::Start) => Command::ReadMonitorFeatures,
            // Monitors are the kernel's alone; this the controller has to answer.
            (Mode::Passive, Ask::Stop) => Command::ReadClock,
            // The kernel ends a hung discovery by itself: `Pace::restarts` is bluetoothd's alone.
            (_, Ask::Restart) => return Ok(()),
        };
        // Those of before an outage are still there.
        self.remove_monitors(adapter)?;
        self.socket.send(Some(adapter), command)
    }

    fn remove_monitors(&self, adapter: u16) -> io::Result<()> {
        let mut all = self.monitors.get(&adapter).into_iter().flatten();
        all.try_for_each(|it| self.socket.send(Some(adapter), Command::RemoveMonitor(*it)))
    }

    /// Whether messages were lost since the last time.
    pub(super) fn take_loss(&mut self) -> io::Result<bool> {
        self.socket.take_loss()
    }

    fn message(&mut self, each: &mut dyn FnMut(u16, News<'_>)) -> io::Result<()> {
        let Self { socket, mode, monitors } = self;
        let Ok((adapter, message)) = Message::of_socket(socket.message()) else {
            // The kernel sends nothing that we cannot read; what is read of the next is not harmed.
            return Ok(());
        };
        let information = Command::ReadControllerInformation;
        match (adapter, message.body) {
            (None, Body::Answer { command, status: 0, data }) => {
                if command == Command::ReadIndexList.code() {
                    for adapter in adapters_of_answer(data).unwrap_or_default() {
                        socket.send(Some(adapter), information)?;
                    }
                }
            }
            (Some(adapter), Body::Adapter(true)) => socket.send(Some(adapter), information)?,
            (Some(adapter), Body::Answer { command, status, data }) => {
                let status = Status(status);
                if command == Command::ReadMonitorFeatures.code() && may_add(status, data) {
                    socket.send(Some(adapter), Command::AddMonitor)?;
                } else if let Some(news) = answer(*mode, command, status, data) {
                    each(adapter, news);
                }
                note_monitor(monitors.entry(adapter).or_default(), command, status, data);
            }
            (Some(adapter), body) => {
                if matches!(body, Body::Adapter(_)) {
                    monitors.remove(&adapter);
                }
                if let Some(news) = of_adapter(*mode, body) {
                    each(adapter, news);
                }
            }
            (None, _) => {}
        }
        Ok(())
    }
}

impl Drop for Kernel {
    fn drop(&mut self) {
        for adapter in self.monitors.keys() {
            // The kernel that takes no message has no monitor any more.
            drop(self.remove_monitors(*adapter));
        }
    }
}

/// Whether a monitor would bring all advertisements.
fn may_add(status: Status, data: &[u8]) -> bool {
    status == Status::SUCCESS && MonitorFeatures::of_answer(data).is_some_and(|it| !it.picks())
}

fn note_monitor(monitors: &mut BTreeSet<u16>, command: u16, status: Status, data: &[u8]) {
    let Some(number) = monitor_of_answer(data) else { return };
    if command == Command::AddMonitor.code() && status == Status::SUCCESS {
        monitors.insert(number);
    } else if command == Command::RemoveMonitor(number).code()
        && matches!(status, Status::SUCCESS | Status::INVALID_PARAMETERS)
    {
        // Whether it was there or another program had removed it.
        monitors.remove(&number);
    }
}

fn of_adapter(mode: Mode, body: Body<'_>) -> Option<News<'_>> {
    Some(match body {
        Body::Found(it) => {
            let is_low_energy = it.address.is_some_and(|it| it.kind != AddressKind::Classic);
            return is_low_energy.then_some(News::Heard(it));
        }
        Body::Discovering { what, on: true } => News::Began(what),
        Body::Discovering { on: false, .. } => News::Ended { proves: true },
        Body::Settings(it) => switched(mode, it),
        Body::Adapter(_) => News::Unavailable(Trouble::Gone),
        Body::Answer { .. } | Body::Device { .. } | Body::Other => return None,
    })
}

fn answer(mode: Mode, command: u16, status: Status, data: &[u8]) -> Option<News<'static>> {
    let what = Transports::LOW_ENERGY;
    let [start, stop] = [Command::StartDiscovery(what), Command::StopDiscovery(what)];
    if command == Command::ReadControllerInformation.code() {
        return Some(switched(mode, Controller::of_answer(data)?.current));
    }
    let [features, add, clock] =
        [Command::ReadMonitorFeatures, Command::AddMonitor, Command::ReadClock];
    if ![start, stop, features, add, clock].map(Command::code).contains(&command) {
        return None;
    }
    Some(match status {
        Status::SUCCESS if command == add.code() => News::Began(what),
        Status::SUCCESS if command == features.code() => News::Refused(picks()),
        // The event that it began or ended follows.
        Status::SUCCESS if command != clock.code() => return None,
        Status::INVALID_INDEX => News::Unavailable(Trouble::Gone),
        Status::NOT_POWERED => News::Unavailable(Trouble::Off { is_blocked: false }),
        Status::RFKILLED => News::Unavailable(Trouble::Off { is_blocked: true }),
        Status::BUSY => News::Busy,
        // Nothing was under way.
        Status::REJECTED if command == stop.code() => News::Ended { proves: false },
        // Kernels refuse to tell the clock of no connection, after they asked the controller.
        _ if command == clock.code() => News::Ended { proves: true },
        Status::NO_RESOURCES if command == add.code() => {
            let why = "too many programs asked it to listen passively, or were killed while it did";
            let hint = "pull it out and put it in again, or restart the machine";
            News::Refused(Trouble::Refused { why: why.to_owned(), hint: Some(hint.to_owned()) })
        }
        Status::FAILED => News::Refused(Trouble::Hangs),
        other if command == features.code() || command == add.code() => {
            let why = format!("the kernel does not listen passively: {other}");
            News::Refused(Trouble::Refused { why, hint: None })
        }
        other => News::Refused(Trouble::Refused { why: other.to_string(), hint: None }),
    })
}

fn picks() -> Trouble {
    let why = "the adapter itself picks what it reports while it listens passively, and would leave out \
               many";
    let hint = "write in [sources.ble]: mode = \"active\"";
    Trouble::Refused { why: why.to_owned(), hint: Some(hint.to_owned()) }
}

fn switched(mode: Mode, it: Settings) -> News<'static> {
    if !it.is_powered() {
        News::Unavailable(Trouble::Off { is_blocked: false })
    } else if it.has_low_energy() {
        News::Ready(match mode {
            Mode::Active => Pace::KERNEL,
            Mode::Passive => Pace::PASSIVE,
        })
    } else {
        let why = "low energy is switched off at it".to_owned();
        News::Unavailable(Trouble::Refused { why, hint: None })
    }
}

/// A turn of the loop takes no more, so that questions and coverage are not late.
const MOST_AT_ONCE: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn passive(command: Command<'_>, status: Status, data: &[u8]) -> String {
        format!("{:?}", answer(Mode::Passive, command.code(), status, data))
    }

    #[test]
    fn a_monitor_is_added_where_nobody_picks() {
        let features = |it: u8| [it, 0, 0, 0, it, 0, 0, 0, 32, 0, 16, 0, 0];
        assert!(may_add(Status::SUCCESS, &features(0)));
        assert!(!may_add(Status::SUCCESS, &features(1)) && !may_add(Status(1), &features(0)));
        assert!(!may_add(Status::SUCCESS, &[]));
        let ask = Command::ReadMonitorFeatures;
        assert!(passive(ask, Status::SUCCESS, &features(1)).contains("picks what it reports"));
        let old = passive(ask, Status(1), &[]);
        assert!(old.contains("does not listen passively: unknown command"), "{old}");
        let full = passive(Command::AddMonitor, Status::NO_RESOURCES, &[]);
        assert!(full.contains("too many programs"), "{full}");
        assert!(passive(Command::AddMonitor, Status::SUCCESS, &[1, 0]).contains("Began"));
    }

    #[test]
    fn any_answer_of_the_clock_ends_a_turn_but_that_there_is_none() {
        for status in [Status::SUCCESS, Status(2), Status(1)] {
            assert!(passive(Command::ReadClock, status, &[]).contains("Ended { proves: true }"));
        }
        assert!(passive(Command::ReadClock, Status::NOT_POWERED, &[]).contains("Off"));
        assert!(passive(Command::ReadClock, Status::INVALID_INDEX, &[]).contains("Gone"));
    }

    #[test]
    fn monitors_are_known_until_they_are_gone() {
        let (add, remove) = (Command::AddMonitor.code(), Command::RemoveMonitor(0).code());
        let mut all = BTreeSet::new();
        note_monitor(&mut all, add, Status::SUCCESS, &[3, 0]);
        note_monitor(&mut all, add, Status::SUCCESS, &[4, 0]);
        note_monitor(&mut all, add, Status::NO_RESOURCES, &[5, 0]);
        note_monitor(&mut all, remove, Status::BUSY, &[3, 0]);
        assert_eq!(all, BTreeSet::from([3, 4]));
        note_monitor(&mut all, remove, Status::SUCCESS, &[3, 0]);
        note_monitor(&mut all, remove, Status::INVALID_PARAMETERS, &[4, 0]);
        assert_eq!(all, BTreeSet::new());
    }
}
