//! What was found, and what is said of it.

use muster_core::fact::{Listener, SourceKind};
use muster_core::ports::Inability;

use super::*;

/// A machine on which everything is as Muster wants it.
fn well() -> Observed {
    Observed {
        folder: Folder::Writable("/var/lib/muster".to_owned()),
        shared: None,
        pages: Place::Free("127.0.0.1:8080".to_owned()),
        network: Network::Looked(vec![channel("eth0", true, &[])]),
        bluetooth: Bluetooth {
            adapters: Some(vec!["hci0".to_owned()]),
            switches: vec![switch("hci0", false, false)],
            is_installed: true,
            daemon: Daemon::Runs(vec![told("hci0")]),
            chosen: vec![ECHOES],
        },
    }
}

const ECHOES: Chosen = Chosen {
    what: "sources.classic.probe = \"l2ping\"",
    right: "CAP_NET_RAW",
    is_there: true,
    hint: "sudo setcap",
};

fn told(name: &str) -> Adapter {
    let filters = ["RSSI", "DuplicateData"].map(str::to_owned).into();
    Adapter { name: name.to_owned(), is_powered: true, version: Some("5.66".to_owned()), filters }
}

fn switch(name: &str, is_soft: bool, is_hard: bool) -> Switch {
    Switch { name: name.to_owned(), is_soft, is_hard }
}

fn channel(name: &str, hears: bool, cannot: &[(&str, &str, Option<&str>)]) -> ChannelStatus {
    let lack = |it: &(&str, &str, Option<&str>)| Inability {
        what: it.0.to_owned(),
        why: it.1.to_owned(),
        hint: it.2.map(str::to_owned),
    };
    let listener = Listener::new("hub", SourceKind::Lan, name);
    ChannelStatus { listener, hears, can: Vec::new(), cannot: cannot.iter().map(lack).collect() }
}

/// Every remark of a part in a line: its state, what it says, what helps.
fn said(observed: &Observed, part: &str) -> Vec<String> {
    let line = |it: &Remark| {
        let state = match it.state {
            State::Fine => "fine".to_owned(),
            State::Lacking => "lacking".to_owned(),
            State::Wrong(exit) => format!("wrong {}", exit as u8),
        };
        format!("{state}: {} | {}", it.what, it.hint.as_deref().unwrap_or("-"))
    };
    judge(observed).iter().filter(|it| it.part == part).map(line).collect()
}

#[test]
fn a_machine_that_is_well() {
    let remarks = judge(&well());
    assert_eq!(remarks.len(), 4);
    assert!(remarks.iter().all(|it| it.state == State::Fine && it.hint.is_none()), "{remarks:?}");
    let on = "fine: hci0 is on, bluetoothd 5.66 answers | -";
    assert_eq!(said(&well(), BLUETOOTH), [on]);
}

#[test]
fn what_may_be_wrong_with_bluetooth() {
    type Change = fn(&mut Bluetooth);
    let stories: &[(Change, &str)] = &[
        (|it| it.adapters = None, "lacking: the kernel has loaded nothing for Bluetooth | plug in"),
        (
            |it| it.adapters = Some(Vec::new()),
            "lacking: there is no Bluetooth adapter | plug one in",
        ),
        (
            |it| (it.adapters, it.switches) = (Some(Vec::new()), vec![switch("dell", true, false)]),
            "wrong 5: no Bluetooth adapter is there while its switch is off, by a program: dell | sudo rfkill",
        ),
        (
            |it| it.switches[0].is_soft = true,
            "wrong 5: hci0 is silenced by a switch, by a program: hci0 | sudo rfkill unblock bluetooth",
        ),
        (
            |it| (it.switches[0].is_soft, it.switches[0].is_hard) = (true, true),
            "wrong 5: hci0 is silenced by a switch on the machine: hci0 | turn on the machine's",
        ),
        (
            |it| it.switches.push(switch("dell-bluetooth", false, true)),
            "wrong 5: hci0 is silenced by a switch on the machine: dell-bluetooth | turn on",
        ),
        // Somebody else's.
        (|it| it.switches.push(switch("hci1", true, true)), "fine: hci0 is on"),
        (
            |it| it.daemon = Daemon::NoBus("refused".to_owned()),
            "wrong 5: hci0 is there, and no system bus to ask bluetoothd over: refused | sudo systemctl start dbus",
        ),
        (
            |it| it.daemon = Daemon::Absent,
            "wrong 5: hci0 is there, and bluetoothd does not run | sudo systemctl enable --now bluetooth",
        ),
        (
            |it| (it.daemon, it.is_installed) = (Daemon::Absent, false),
            "wrong 5: hci0 is there, and bluetoothd does not run | install bluetoothd",
        ),
        (
            |it| it.daemon = Daemon::Denied,
            "wrong 4: the system bus does not let this user ask bluetoothd about hci0 | sudo usermod",
        ),
        (
            |it| it.daemon = Daemon::Silent("not within 5 s".to_owned()),
            "wrong 5: bluetoothd does not answer about hci0: not within 5 s | sudo systemctl restart",
        ),
        (
            |it| it.daemon = Daemon::Runs(vec![told("hci1")]),
            "wrong 5: bluetoothd does not have hci0, which the kernel has | sudo systemctl restart",
        ),
        (
            |it| it.daemon = Daemon::Runs(vec![Adapter { is_powered: false, ..told("hci0") }]),
            "wrong 5: hci0 is off | bluetoothctl power on",
        ),
        (
            |it| it.daemon = Daemon::Runs(vec![Adapter { filters: Vec::new(), ..told("hci0") }]),
            "wrong 1: bluetoothd 5.66 is too old: it tells of each device once only | upgrade",
        ),
        (
            |it| it.daemon = Daemon::Runs(vec![Adapter { version: None, ..told("hci0") }]),
            "fine: hci0 is on, bluetoothd answers | -",
        ),
    ];
    for (change, begins) in stories {
        let mut observed = well();
        change(&mut observed.bluetooth);
        let said = said(&observed, BLUETOOTH);
        assert!(said.len() == 1 && said[0].starts_with(begins), "{begins}\n{said:?}");
    }
    let mut two = well();
    two.bluetooth.adapters = Some(vec!["hci0".to_owned(), "hci1".to_owned()]);
    assert_eq!(said(&two, BLUETOOTH).len(), 2);
}

#[test]
fn a_right_that_a_chosen_way_takes() {
    let mut lacking = well();
    lacking.bluetooth.chosen = vec![Chosen { is_there: false, ..ECHOES }];
    let takes = "takes CAP_NET_RAW, which is not there | sudo setcap";
    let lacks = format!("wrong 4: sources.classic.probe = \"l2ping\" {takes}");
    assert_eq!(
        said(&lacking, BLUETOOTH),
        ["fine: hci0 is on, bluetoothd 5.66 answers | -", &lacks]
    );
}

#[test]
fn what_may_be_wrong_with_the_network() {
    let rights = ("hear frames as they pass", "it takes CAP_NET_RAW", Some("sudo setcap"));
    let meant = ("find silent newcomers by sweeping", "switched off", Some("set it"));
    let ignored = ("watch this interface", "it is virtual", Some("name it"));
    for (network, wanted) in [
        (Network::Off, &["fine: switched off by sources.lan.enabled | -"][..]),
        (
            Network::Unusable("netlink".to_owned()),
            &["wrong 4: netlink | muster config explain sources.lan"],
        ),
        (
            Network::Looked(vec![
                channel("lo", false, &[ignored]),
                channel("eth0", true, &[rights, meant]),
            ]),
            &[
                "fine: eth0 is watched | -",
                "lacking: eth0 cannot hear frames as they pass: it takes CAP_NET_RAW | sudo setcap",
            ],
        ),
        (
            Network::Looked(vec![channel("veth1", false, &[ignored])]),
            &[
                "lacking: no interface can be watched: veth1 (it is virtual) | connect the machine to \
               a network, or name an interface: muster config explain sources.lan.interfaces",
            ],
        ),
    ] {
        assert_eq!(said(&Observed { network, ..well() }, NETWORK), wanted);
    }
    let nowhere = said(&Observed { network: Network::Looked(Vec::new()), ..well() }, NETWORK);
    assert!(nowhere[0].starts_with("lacking: there is no interface to watch"), "{nowhere:?}");
}

#[test]
fn what_serving_would_fail_with_is_wrong() {
    let it = Refused { exit: Exit::NotAllowed, what: "no".to_owned(), hint: Some("do".to_owned()) };
    let observed = Observed { folder: Folder::Refused(it.clone()), ..well() };
    assert_eq!(said(&observed, DATA), ["wrong 4: no | do"]);
    let observed = Observed { pages: Place::Refused(it), ..well() };
    assert_eq!(said(&observed, PAGES), ["wrong 4: no | do"]);
    let folder = Folder::InUse("/var/lib/muster".to_owned());
    let running = Observed { folder, pages: Place::Hub, ..well() };
    assert!(judge(&running).iter().all(|it| it.state == State::Fine));
}
