//! When an adapter could hear advertisements, from what its capture shows of it.

use std::time::Duration;

use muster_core::span::Span;
use muster_core::time::Time;
use muster_wire::bluetooth::hci::{EventBody, Hci, Scan};
use muster_wire::bluetooth::{Body, Packet, monitor};

/// What is known of an adapter's hearing.
#[derive(Debug, Default)]
pub(super) struct Hearing {
    spans: Vec<Span>,
    state: State,
    /// A command that was not answered yet: its opcode, and what it would do.
    asked: Option<(u16, Scan)>,
    /// The first and the last packet.
    whole: Option<(Time, Time)>,
}

#[derive(Clone, Copy, Debug, Default)]
enum State {
    /// The capture has not shown it; whether anything was heard meanwhile.
    #[default]
    Unknown,
    /// Unknown, but it heard.
    Heard,
    /// It does not listen.
    Deaf,
    /// It listens.
    Listening { since: Time, each_once: bool },
}

impl Hearing {
    /// Takes in a packet.
    pub(super) fn packet(&mut self, packet: &Packet<'_>, at: Time) {
        let (from, to) = self.whole.unwrap_or((at, at));
        self.whole = Some((from.min(at), to.max(at)));
        if matches!(self.state, State::Unknown) && packet.advertisements().next().is_some() {
            self.state = State::Heard;
        }
        match packet.body {
            Body::Hci(Hci::Command(it)) => {
                if let Some(scan) = it.scan() {
                    self.asked = Some((it.opcode, scan));
                }
            }
            Body::Hci(Hci::Event(event)) => {
                let EventBody::Answer { opcode, status: Some(0), .. } = event.body else { return };
                if opcode == RESET {
                    self.turn(State::Deaf, at);
                }
                let Some((_, scan)) = self.asked.take_if(|(asked, _)| *asked == opcode) else {
                    return;
                };
                self.turn(
                    match scan {
                        Scan::Off => State::Deaf,
                        Scan::On { each_once } => State::Listening { since: at, each_once },
                    },
                    at,
                );
            }
            Body::Monitor(monitor::Body::Adapter { word, .. }) if ENDS.contains(&word) => {
                self.turn(State::Deaf, at);
            }
            Body::Air(_) => self.state = State::Heard,
            Body::Monitor(_) | Body::Management(_) => {}
        }
    }

    /// The spans in which it could hear.
    pub(super) fn end(mut self) -> Vec<Span> {
        let last = self.whole.map_or(Time::default(), |(_, to)| to);
        self.turn(State::Deaf, last);
        self.spans
    }

    fn turn(&mut self, to: State, at: Time) {
        let span = match self.state {
            State::Unknown | State::Deaf => None,
            State::Heard => self.whole.map(|(from, _)| Span::new(from, at)),
            // Behind that nobody who was reported is reported again: silence tells nothing.
            State::Listening { since, each_once: true } => {
                Some(Span::new(since, at.min(since + ONCE)))
            }
            State::Listening { since, each_once: false } => Some(Span::new(since, at)),
        };
        self.spans.extend(span.filter(|it| it.from < it.to));
        self.state = to;
    }
}

const RESET: u16 = 0x0c03;
/// What is told of an adapter that does not listen from then on.
const ENDS: [&str; 4] = ["new_index", "delete_index", "open_index", "close_index"];
/// How long a controller takes to report everybody who is there, where it reports each but once: as
/// long as a listening window.
const ONCE: Duration = Duration::from_secs(10);
