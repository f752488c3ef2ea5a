//! What the hub tells the person who started it, on stderr: where the page is, where the data is,
//! what can be heard, what cannot, why, and what to type about it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::Path;

use muster_config::value::MonitorName;
use muster_core::fact::Listener;
use muster_core::ports::{ChannelStatus, Inability};

use crate::privileges::Rights;
use crate::supervisor::Channels;

/// Says it, unless told to be quiet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Speaker {
    /// Whether to say nothing.
    pub(crate) quiet: bool,
}

/// How a hub was started.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Started<'a> {
    /// Where the page is.
    pub(crate) address: SocketAddr,
    /// Where the data is.
    pub(crate) data: &'a Path,
    /// The configuration file in use.
    pub(crate) file: Option<&'a Path>,
    /// With which rights it runs.
    pub(crate) rights: &'a Rights,
    /// Whether it simulates a house.
    pub(crate) demo: bool,
}

impl Speaker {
    /// Somebody else has the store at the moment.
    pub(crate) fn waits_for_store(self, why: &str) {
        self.say(&format!("waiting: {why}\n"));
    }

    /// Where the page and the data are, and with which rights the hub runs.
    pub(crate) fn started(self, it: &Started<'_>) {
        self.say(&started_told(it));
    }

    /// How many strangers are stored under more than a pseudonym, from before there were any.
    pub(crate) fn strangers(self, unmasked: usize) {
        if unmasked > 0 {
            self.say(&format!(
                "strangers from before pseudonyms are stored as they were: {unmasked}\n\
                 hint: `retention_facts` and `retention_journal` in [store] say for how long\n"
            ));
        }
    }

    /// Any line for people.
    pub(crate) fn say(self, text: &str) {
        if !self.quiet {
            // There is nobody left to tell when stderr is gone.
            drop(io::stderr().write_all(text.as_bytes()));
        }
    }

    /// Tells of each channel when it is new and whenever it begins or stops hearing. Runs until
    /// dropped.
    pub(crate) async fn tell(self, channels: Channels, own: MonitorName) {
        let mut changed = channels.changed();
        let mut told: BTreeMap<Listener, (bool, Vec<Inability>)> = BTreeMap::new();
        loop {
            changed.mark_unchanged();
            for (name, status) in channels.named() {
                let now = (status.hears, status.cannot.clone());
                if told.get(&status.listener) != Some(&now) {
                    self.say(&channel_told(name, &status, own.as_str()));
                    told.insert(status.listener, now);
                }
            }
            if changed.changed().await.is_err() {
                return;
            }
        }
    }
}

fn started_told(it: &Started<'_>) -> String {
    let mut text = format!("muster {}\n", env!("CARGO_PKG_VERSION"));
    if it.demo {
        text.push_str("simulated: nobody here is real, and nothing of it is kept\n");
    }
    text.push_str(&rights_told(it.rights));
    match it.file {
        Some(file) => line(&mut text, format_args!("configuration: {}", file.display())),
        None => line(&mut text, format_args!("configuration: none, the defaults hold")),
    }
    let data = it.data.display();
    if it.demo {
        line(&mut text, format_args!("data, until the end: {data}"));
        line(&mut text, format_args!("in another terminal: muster who --data {data}"));
    } else {
        line(&mut text, format_args!("data: {data}"));
    }
    line(&mut text, format_args!("page: http://{}/", it.address));
    text
}

/// Which rights were given up.
pub(crate) fn rights_told(rights: &Rights) -> String {
    let gave_up = if rights.net_raw { "every right but CAP_NET_RAW" } else { "every right" };
    match &rights.became {
        Some(user) => format!("started as root: runs as {user}, gave up {gave_up}\n"),
        None if rights.dropped => format!("gave up {gave_up}\n"),
        None => String::new(),
    }
}

/// What a channel can and cannot hear; that of another monitor than this machine's own by its name.
fn channel_told(name: &str, status: &ChannelStatus, own: &str) -> String {
    let ChannelStatus { listener, hears, can, cannot } = status;
    let Listener { monitor, source: _, channel } = listener;
    let monitor = Some(&**monitor).filter(|it| *it != own);
    let channel = Some(&**channel).filter(|it| !it.is_empty());
    let words = [monitor, Some(name), channel];
    let name = words.into_iter().flatten().collect::<Vec<_>>().join(" ");
    let mut text = String::new();
    if *hears {
        line(&mut text, format_args!("{name} hears: {}", can.join(", ")));
    } else if cannot.is_empty() {
        line(&mut text, format_args!("{name} hears nothing"));
    }
    for Inability { what, why, hint } in cannot {
        line(&mut text, format_args!("{name} cannot {what}: {why}"));
        if let Some(hint) = hint {
            line(&mut text, format_args!("hint: {hint}"));
        }
    }
    text
}

/// Adds a line.
pub(crate) fn line(text: &mut String, what: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    writeln!(text, "{what}").ok();
}

#[cfg(test)]
mod tests {
    use muster_core::fact::SourceKind;

    use super::*;

    #[test]
    fn what_can_and_cannot_be_heard_is_said_with_what_to_type() {
        let status = ChannelStatus {
            listener: Listener::new("hub", SourceKind::Lan, "eth0"),
            hears: true,
            can: vec!["neighbour table".into(), "answers to pokes".into()],
            cannot: vec![Inability {
                what: "read frames".into(),
                why: "CAP_NET_RAW is missing".into(),
                hint: Some("sudo setcap cap_net_raw+p muster".into()),
            }],
        };
        let want = "lan eth0 hears: neighbour table, answers to pokes\n\
                    lan eth0 cannot read frames: CAP_NET_RAW is missing\n\
                    hint: sudo setcap cap_net_raw+p muster\n";
        assert_eq!(channel_told("lan", &status, "hub"), want);
        let elsewhere = channel_told("lan", &status, "attic");
        assert!(elsewhere.starts_with("hub lan eth0 hears: "), "{elsewhere}");
    }
}
