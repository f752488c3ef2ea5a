//! The back end over the kernel's management socket: nobody between us and the kernel.
//!
//! Decides what messages mean for an adapter, and nothing else.

use std::io;
use std::task::{Context, Poll};

use muster_wire::bluetooth::address::AddressKind;
use muster_wire::bluetooth::management::{
    Body, Command, Controller, Message, Settings, Status, Transports, adapters_of_answer,
};

use super::news::News;
use super::turns::{Ask, Pace, Trouble};
use crate::management::{Management, Trusted};

/// The kernel, asked about all adapters.
#[derive(Debug)]
pub(super) struct Kernel {
    socket: Management,
}

impl Kernel {
    /// Takes up the socket, and asks which adapters there are.
    pub(super) fn open(socket: Trusted) -> io::Result<Self> {
        let socket = Management::new(socket)?;
        socket.send(None, Command::ReadIndexList)?;
        Ok(Self { socket })
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
        let command = match ask {
            Ask::Start => Command::StartDiscovery(what),
            Ask::Stop => Command::StopDiscovery(what),
        };
        self.socket.send(Some(adapter), command)
    }

    /// Whether messages were lost since the last time.
    pub(super) fn take_loss(&mut self) -> io::Result<bool> {
        self.socket.take_loss()
    }

    fn message(&self, each: &mut dyn FnMut(u16, News<'_>)) -> io::Result<()> {
        let Ok((adapter, message)) = Message::of_socket(self.socket.message()) else {
            // The kernel sends nothing that we cannot read; what is read of the next is not harmed.
            return Ok(());
        };
        let information = Command::ReadControllerInformation;
        match (adapter, message.body) {
            (None, Body::Answer { command, status: 0, data }) => {
                if command == Command::ReadIndexList.code() {
                    for adapter in adapters_of_answer(data).unwrap_or_default() {
                        self.socket.send(Some(adapter), information)?;
                    }
                }
            }
            (Some(adapter), Body::Adapter(true)) => self.socket.send(Some(adapter), information)?,
            (Some(adapter), body) => {
                if let Some(news) = of_adapter(body) {
                    each(adapter, news);
                }
            }
            (None, _) => {}
        }
        Ok(())
    }
}

fn of_adapter(body: Body<'_>) -> Option<News<'_>> {
    Some(match body {
        Body::Found(it) => {
            let is_low_energy = it.address.is_some_and(|it| it.kind != AddressKind::Classic);
            return is_low_energy.then_some(News::Heard(it));
        }
        Body::Discovering { what, on: true } => News::Began(what),
        Body::Discovering { on: false, .. } => News::Ended { proves: true },
        Body::Settings(it) => switched(it),
        Body::Adapter(_) => News::Unavailable(Trouble::Gone),
        Body::Answer { command, status, data } => return answer(command, Status(status), data),
        Body::Device { .. } | Body::Other => return None,
    })
}

fn answer(command: u16, status: Status, data: &[u8]) -> Option<News<'static>> {
    let what = Transports::LOW_ENERGY;
    let [start, stop] = [Command::StartDiscovery(what), Command::StopDiscovery(what)];
    if command == Command::ReadControllerInformation.code() {
        return Some(switched(Controller::of_answer(data)?.current));
    }
    if command != start.code() && command != stop.code() {
        return None;
    }
    Some(match status {
        // The event that it began or ended follows.
        Status::SUCCESS => return None,
        Status::INVALID_INDEX => News::Unavailable(Trouble::Gone),
        Status::NOT_POWERED => News::Unavailable(Trouble::Off { is_blocked: false }),
        Status::RFKILLED => News::Unavailable(Trouble::Off { is_blocked: true }),
        Status::BUSY => News::Busy,
        // Nothing was under way.
        Status::REJECTED if command == stop.code() => News::Ended { proves: false },
        Status::FAILED => News::Refused(Trouble::Hangs),
        other => News::Refused(Trouble::Refused { why: other.to_string(), hint: None }),
    })
}

fn switched(it: Settings) -> News<'static> {
    if !it.is_powered() {
        News::Unavailable(Trouble::Off { is_blocked: false })
    } else if it.has_low_energy() {
        News::Ready(Pace::KERNEL)
    } else {
        let why = "low energy is switched off at it".to_owned();
        News::Unavailable(Trouble::Refused { why, hint: None })
    }
}

/// A turn of the loop takes no more, so that questions and coverage are not late.
const MOST_AT_ONCE: usize = 256;
