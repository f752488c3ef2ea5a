//! What a channel can and cannot hear, in plain words, with the command that would help.

use std::sync::Arc;

use muster_config::ble::{Duty, Mode};
use muster_core::fact::Listener;
use muster_core::ports::{ChannelStatus, Inability};

use super::turns::Trouble;

/// The way to the adapter, and why it is not the better one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// The kernel's management socket, in this mode.
    Kernel(Mode),
    /// bluetoothd, and why the kernel is not asked, unless nobody wanted that.
    Daemon { instead: Option<Arc<str>> },
}

/// The status of an adapter, which may rest by a rhythm; none before anything is known.
pub(super) fn of_channel(
    listener: &Listener,
    way: &Way,
    duty: Option<Duty>,
    trouble: Option<&Trouble>,
) -> Option<ChannelStatus> {
    let mut status = ChannelStatus {
        listener: listener.clone(),
        hears: trouble.is_none(),
        can: Vec::new(),
        cannot: Vec::new(),
    };
    if let Some(trouble) = trouble {
        let (why, hint) = words(trouble, &listener.channel)?;
        status.cannot.push(inability("hear advertisements", why, hint));
        return Some(status);
    }
    let by = match way {
        Way::Kernel(Mode::Active) => "by the kernel's management socket",
        Way::Kernel(Mode::Passive) => "passively, by the kernel's management socket",
        Way::Daemon { .. } => "by bluetoothd",
    };
    let rhythm = duty.map_or_else(String::new, |it| {
        format!(", for {} s of every {} s", it.listens.as_secs(), it.every.as_secs())
    });
    status.can.push(format!("advertisements of low energy, {by}{rhythm}"));
    if let Way::Daemon { instead: Some(why) } = way {
        let what = "ask the kernel itself, which costs less than bluetoothd";
        status.cannot.push(inability(what, why.to_string(), Some(capability())));
    }
    Some(status)
}

fn words(trouble: &Trouble, adapter: &str) -> Option<(String, Option<String>)> {
    let plain = |why: &str, hint: Option<&str>| Some((why.to_owned(), hint.map(str::to_owned)));
    match trouble {
        Trouble::Starting => None,
        Trouble::Off { is_blocked: true } => {
            plain("it is switched off by rfkill", Some("sudo rfkill unblock bluetooth"))
        }
        Trouble::Off { is_blocked: false } => {
            plain("it is switched off", Some("bluetoothctl power on"))
        }
        Trouble::Gone => Some((format!("there is no adapter {adapter}"), None)),
        Trouble::Unreachable { why, hint } | Trouble::Refused { why, hint } => {
            Some((why.clone(), hint.clone()))
        }
        Trouble::Hangs => plain(
            "it does not answer",
            Some(
                "bluetoothctl power off && bluetoothctl power on, or pull it out and put it in again",
            ),
        ),
        Trouble::Restarts => plain("it did not answer, and is being switched off and on", None),
        Trouble::Lost => plain("too busy to take in what it reports: some of it was lost", None),
        Trouble::Deserted => {
            plain("nobody is heard where there were always some: it may have gone deaf", None)
        }
    }
}

/// How to give the right that the kernel asks for.
pub(super) fn capability() -> String {
    let binary = std::env::current_exe().ok();
    let binary = binary.as_deref().map_or_else(|| "muster".into(), |it| it.to_string_lossy());
    format!(
        "sudo setcap cap_net_raw,cap_net_admin=ep {binary} (for a service: \
         AmbientCapabilities=CAP_NET_RAW CAP_NET_ADMIN)"
    )
}

fn inability(what: &str, why: String, hint: Option<String>) -> Inability {
    Inability { what: what.to_owned(), why, hint }
}

#[cfg(test)]
mod tests {
    use muster_config::ble::Rhythm;
    use muster_core::fact::SourceKind;

    use super::*;

    #[test]
    fn all_trouble_is_said_with_what_to_type() {
        let listener = Listener::new("hub", SourceKind::Ble, "hci0");
        let by = Way::Kernel(Mode::Active);
        let of = |it: Option<&Trouble>| of_channel(&listener, &by, None, it);
        assert_eq!(of(Some(&Trouble::Starting)), None);
        let hears = of(None).unwrap();
        assert!(hears.hears && hears.cannot.is_empty());
        for (trouble, hint) in [
            (Trouble::Off { is_blocked: true }, Some("sudo rfkill unblock bluetooth")),
            (Trouble::Off { is_blocked: false }, Some("bluetoothctl power on")),
            (Trouble::Gone, None),
        ] {
            let status = of(Some(&trouble)).unwrap();
            assert!(!status.hears && status.can.is_empty());
            let [one] = &status.cannot[..] else { panic!("{status:?}") };
            assert_eq!(one.hint.as_deref(), hint, "{trouble:?}");
        }
        let instead = Way::Daemon { instead: Some("it takes CAP_NET_ADMIN".into()) };
        let status = of_channel(&listener, &instead, None, None).unwrap();
        assert!(status.hears && status.cannot[0].why.contains("CAP_NET_ADMIN"));
        let duty = Rhythm::ThirtiethOfFiveMinutes.duty();
        let status = of_channel(&listener, &Way::Kernel(Mode::Passive), duty, None).unwrap();
        assert!(
            status.can[0].starts_with("advertisements of low energy, passively, by the kernel")
        );
        assert!(status.can[0].ends_with("socket, for 10 s of every 300 s"), "{status:?}");
    }
}
