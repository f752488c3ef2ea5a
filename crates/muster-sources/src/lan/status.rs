//! What a channel can and cannot hear, in plain words, with the command that would help.

use std::io;
use std::sync::Arc;

use muster_config::lan::LanSettings;
use muster_core::fact::Listener;
use muster_core::ports::{ChannelStatus, Inability};

use super::asker::{Asker, rate};
use super::links::{Link, Unwatched};

/// All that a status is made from.
#[derive(Debug)]
pub(super) struct Described<'a> {
    pub(super) listener: &'a Arc<Listener>,
    pub(super) link: &'a Link,
    /// Why there is no packet socket.
    pub(super) packet: Option<&'a io::Error>,
    pub(super) asker: &'a Asker,
    /// What was wrong at the last look.
    pub(super) trouble: Option<&'a str>,
    pub(super) settings: &'a LanSettings,
}

/// The status of a watched interface.
pub(super) fn of_channel(it: &Described<'_>) -> ChannelStatus {
    let mut status = ChannelStatus {
        listener: it.listener.as_ref().clone(),
        hears: it.trouble.is_none(),
        can: vec!["neighbour table".to_owned()],
        cannot: Vec::new(),
    };
    if let Some(why) = it.trouble {
        status.cannot.push(inability("hear anything reliably now", why, None));
    }
    match it.packet {
        None => status.can.push("arp, dhcp, mdns and neighbour discovery as they pass".to_owned()),
        Some(error) => status.cannot.push(no_packet_socket(error)),
    }
    match it.asker {
        Asker::Frames(_) => {
            status.can.push("ask known devices by arp and neighbour solicitation".to_owned());
            sweeping(it, &mut status);
        }
        Asker::Pokes(..) => {
            status.can.push("poke known devices and read the answer in the table".to_owned());
            sweeping(it, &mut status);
        }
        Asker::Nobody => {
            let keys = if it.packet.is_none() { "active or poke" } else { "poke" };
            let hint = format!("set sources.lan.{keys} = true");
            let why = "switched off, so silence tells nothing";
            status.cannot.push(inability("ask anybody", why, Some(hint)));
        }
    }
    status
}

/// The status of an interface that is not watched.
pub(super) fn of_unwatched(monitor: &Listener, it: &Unwatched) -> ChannelStatus {
    let listener = Listener { channel: it.name.as_str().into(), ..monitor.clone() };
    let cannot = vec![inability("watch this interface", &it.why, it.hint.clone())];
    ChannelStatus { listener, hears: false, can: Vec::new(), cannot }
}

/// The status of an interface that was watched and is no longer there.
pub(super) fn gone(listener: &Listener) -> ChannelStatus {
    let cannot = vec![inability("hear anything", "the interface is gone", None)];
    ChannelStatus { listener: listener.clone(), hears: false, can: Vec::new(), cannot }
}

fn sweeping(it: &Described<'_>, status: &mut ChannelStatus) {
    let list = |networks: &[muster_config::lan::Network]| {
        networks.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    };
    let what = "find silent newcomers by sweeping";
    if !it.settings.sweep {
        let hint = Some("set sources.lan.sweep = true".to_owned());
        status.cannot.push(inability(what, "switched off", hint));
    } else if !it.link.ranges.is_empty() {
        let seconds = sweep_seconds(it);
        let ranges = list(&it.link.ranges);
        let every = it.settings.refresh.get().as_secs();
        let took = format!("sweep {ranges} for newcomers: {seconds} s, every {every} s");
        status.can.push(took);
    }
    for (network, why) in &it.link.unswept {
        let hint = format!("to sweep it: sources.lan.ranges = [\"{network}\"]");
        let hint = network.prefix().ge(&16).then_some(hint);
        status.cannot.push(inability(&format!("sweep {network}"), why, hint));
    }
}

fn sweep_seconds(it: &Described<'_>) -> u64 {
    let addresses: u64 = it.link.ranges.iter().map(|it| 1_u64 << (32 - it.prefix().min(32))).sum();
    let rate = rate(it.settings);
    let rate = if matches!(it.asker, Asker::Pokes(..)) { (rate / 3).max(1) } else { rate };
    addresses.div_ceil(u64::from(rate))
}

fn no_packet_socket(error: &io::Error) -> Inability {
    let what = "hear frames as they pass";
    if error.kind() != io::ErrorKind::PermissionDenied {
        return inability(what, &error.to_string(), None);
    }
    let binary = std::env::current_exe().ok();
    let binary = binary.as_deref().map_or_else(|| "muster".into(), |it| it.to_string_lossy());
    let hint = format!(
        "sudo setcap cap_net_raw=ep {binary} (for a service: AmbientCapabilities=CAP_NET_RAW)"
    );
    inability(what, "it takes the right to open packet sockets (CAP_NET_RAW)", Some(hint))
}

fn inability(what: &str, why: &str, hint: Option<String>) -> Inability {
    Inability { what: what.to_owned(), why: why.to_owned(), hint }
}
