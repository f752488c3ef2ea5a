//! What an adapter can and cannot do, in plain words, with the command that would help.

use std::io;
use std::sync::Arc;

use muster_config::classic::{ClassicSettings, Probe};
use muster_core::fact::Listener;
use muster_core::ports::{ChannelStatus, Inability};

use super::daemon::Lack;

/// Why nothing is covered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The adapter is not there.
    Gone,
    /// It is switched off, or its radio is blocked.
    Off,
    /// Its controller does not answer.
    Deaf,
    /// It does not take questions.
    Busy,
    /// This process may not open Bluetooth sockets.
    Denied,
    /// Something else.
    Unusable,
    /// Echoes take a right that this process does not have.
    NoRawSocket,
    /// bluetoothd, which is to connect, cannot be asked.
    Daemon(Lack),
}

impl Trouble {
    /// Why an adapter's socket could not be opened.
    pub(super) fn of(error: &io::Error) -> Self {
        match error.raw_os_error() {
            Some(libc::ENODEV) => Self::Gone,
            Some(libc::EPERM | libc::EACCES | libc::EAFNOSUPPORT) => Self::Denied,
            _ => Self::Unusable,
        }
    }

    /// Whether a question that could be put is the end of it; the others end when the controller answers.
    pub(super) const fn is_about_questions(self) -> bool {
        match self {
            Self::Busy | Self::NoRawSocket | Self::Daemon(_) => true,
            Self::Gone | Self::Off | Self::Deaf | Self::Denied | Self::Unusable => false,
        }
    }

    fn why(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Gone => ("the adapter is gone", None),
            Self::Off => (
                "the adapter is off, or its radio is blocked",
                Some("bluetoothctl power on (if that is refused: rfkill unblock bluetooth)"),
            ),
            Self::Deaf => (
                "the adapter does not answer its own computer",
                Some("pull it out and put it in again, or restart the machine"),
            ),
            Self::Busy => (
                "the adapter is at something else and takes no questions",
                Some("end what scans with it: bluetoothctl scan off"),
            ),
            Self::Denied => (
                "this process may not open Bluetooth sockets",
                Some("for a service: RestrictAddressFamilies= has to name AF_BLUETOOTH"),
            ),
            Self::Unusable => ("its socket cannot be opened", None),
            Self::NoRawSocket => (
                "an echo takes the right to send it (CAP_NET_RAW)",
                Some("sudo setcap cap_net_raw+p muster, or set sources.classic.probe = \"name\""),
            ),
            Self::Daemon(lack) => {
                let (why, hint) = lack.why();
                (why, Some(hint))
            }
        }
    }
}

/// The status of an adapter.
pub(super) fn of_channel(
    listener: &Arc<Listener>,
    trouble: Option<Trouble>,
    lack: Option<Lack>,
    settings: &ClassicSettings,
) -> ChannelStatus {
    let listener = listener.as_ref().clone();
    if let Some(trouble) = trouble {
        let (why, hint) = trouble.why();
        let cannot = vec![Inability {
            what: "ask anybody".to_owned(),
            why: why.to_owned(),
            hint: hint.map(str::to_owned),
        }];
        return ChannelStatus { listener, hears: false, can: Vec::new(), cannot };
    }
    let mut can = vec!["connections that begin and end".to_owned()];
    let mut cannot = Vec::new();
    let share = settings.air_time.get();
    match settings.probe {
        Probe::Name => {
            can.push(format!("ask known phones for their names, in {share} % of the time"));
        }
        Probe::Sdp => {
            can.push(format!(
                "connect to known phones' service directories, in {share} % of the time"
            ));
        }
        Probe::L2ping => can.push(format!("ask known phones for echoes, in {share} % of the time")),
        Probe::Connect => {
            can.push(format!("connect to paired phones by bluetoothd, in {share} % of the time"));
        }
        Probe::Off => cannot.push(Inability {
            what: "ask anybody".to_owned(),
            why: "switched off, so silence tells nothing".to_owned(),
            hint: Some("set sources.classic.probe = \"name\"".to_owned()),
        }),
    }
    if !settings.inquiry.get().is_zero() {
        let (length, every) = (settings.inquiry.get(), settings.every.get());
        can.push(format!(
            "find those who let themselves be found: {} s in {} s",
            length.as_secs(),
            every.max(length).as_secs()
        ));
    }
    if let Some((why, hint)) = lack.map(Lack::why) {
        let (what, why) = ("know who is paired".to_owned(), why.to_owned());
        cannot.push(Inability { what, why, hint: Some(hint.to_owned()) });
    }
    ChannelStatus { listener, hears: true, can, cannot }
}

/// The status of an adapter that was there and is not.
pub(super) fn gone(listener: &Arc<Listener>, settings: &ClassicSettings) -> ChannelStatus {
    of_channel(listener, Some(Trouble::Gone), None, settings)
}
