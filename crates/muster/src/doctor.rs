//! What is wrong with this machine for Muster, and what mends it: judged from what was found.
//!
//! Pure: [`observe`] looks, this only says what follows. Something is *wrong* where what is there or
//! asked for does not work, and *lacking* where Muster works with less.

use muster_core::ports::ChannelStatus;

use crate::failure::Exit;

pub(crate) mod observe;

pub(crate) mod store;

/// All that was looked at.
#[derive(Clone, Debug)]
pub(crate) struct Observed {
    pub(crate) folder: Folder,
    /// The data folder and its rights, if others than its owner get into it.
    pub(crate) shared: Option<(String, u32)>,
    pub(crate) pages: Place,
    pub(crate) network: Network,
    pub(crate) bluetooth: Bluetooth,
}

/// The data folder.
#[derive(Clone, Debug)]
pub(crate) enum Folder {
    /// A hub runs on it, and so has what it needs there.
    InUse(String),
    Writable(String),
    Refused(Refused),
}

/// Where the pages are served.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    Free(String),
    /// The hub of this data folder is there.
    Hub,
    Refused(Refused),
}

/// What serving would fail with.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    pub(crate) exit: Exit,
    pub(crate) what: String,
    pub(crate) hint: Option<String>,
}

/// What the local network's source says of itself.
#[derive(Clone, Debug)]
pub(crate) enum Network {
    /// The configuration switches it off.
    Off,
    Unusable(String),
    Looked(Vec<ChannelStatus>),
}

/// The machine's Bluetooth.
#[derive(Clone, Debug)]
pub(crate) struct Bluetooth {
    /// What the kernel has, as in `hci0`; none where the kernel knows no Bluetooth at all.
    pub(crate) adapters: Option<Vec<String>>,
    pub(crate) switches: Vec<Switch>,
    /// Whether bluetoothd is installed where distributions put it.
    pub(crate) is_installed: bool,
    pub(crate) daemon: Daemon,
    pub(crate) chosen: Vec<Chosen>,
}

/// A switch that silences radios (the kernel's `rfkill`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Switch {
    /// An adapter's name, or that of the machine's own switch.
    pub(crate) name: String,
    /// A program has set it.
    pub(crate) is_soft: bool,
    /// A person has, or the firmware.
    pub(crate) is_hard: bool,
}

/// A way that the configuration chose by name, and the right that it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chosen {
    /// As in the configuration.
    pub(crate) what: &'static str,
    pub(crate) right: &'static str,
    /// Whether this process has it.
    pub(crate) is_there: bool,
    pub(crate) hint: &'static str,
}

/// bluetoothd, as the system bus shows it.
#[derive(Clone, Debug)]
pub(crate) enum Daemon {
    /// There is no bus to ask, and why.
    NoBus(String),
    /// Nobody has its name.
    Absent,
    /// The bus does not let this user ask it.
    Denied,
    /// It has its name and does not answer, and why.
    Silent(String),
    Runs(Vec<Adapter>),
}

/// What bluetoothd says of an adapter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Adapter {
    pub(crate) name: String,
    pub(crate) is_powered: bool,
    /// bluetoothd's version, if the adapter is described by it (`Modalias`).
    pub(crate) version: Option<String>,
    /// What a search for devices can be narrowed by (`GetDiscoveryFilters`).
    pub(crate) filters: Vec<String>,
}

/// One thing that was found, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Remark {
    pub(crate) part: &'static str,
    pub(crate) state: State,
    pub(crate) what: String,
    /// The command to type, or what to do where no command helps.
    pub(crate) hint: Option<String>,
}

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Fine,
    Lacking,
    /// With what the command ends for it.
    Wrong(Exit),
}

/// Everything that is to be said, part by part.
pub(crate) fn judge(it: &Observed) -> Vec<Remark> {
    let mut remarks = vec![folder(&it.folder)];
    remarks.extend(it.shared.as_ref().map(shared));
    remarks.push(pages(&it.pages));
    remarks.extend(network(&it.network));
    remarks.extend(bluetooth(&it.bluetooth));
    remarks
}

/// What is to be said of the data folder.
pub(crate) fn folder(it: &Folder) -> Remark {
    match it {
        Folder::InUse(path) => fine(DATA, format!("a muster runs on it: {path}")),
        Folder::Writable(path) => fine(DATA, format!("can be written: {path}")),
        Folder::Refused(it) => refused(DATA, it),
    }
}

/// What is to be said of a data folder that was not made by a muster, and is open to others.
pub(crate) fn shared((path, mode): &(String, u32)) -> Remark {
    let what = format!(
        "others than its owner get into it ({mode:o}), and who was where when lies there: {path}"
    );
    remark(DATA, State::Lacking, what, Some(format!("chmod 700 {path}")))
}

fn pages(it: &Place) -> Remark {
    match it {
        Place::Free(address) => fine(PAGES, format!("nobody else listens on: {address}")),
        Place::Hub => fine(PAGES, "the running muster serves them".to_owned()),
        Place::Refused(it) => refused(PAGES, it),
    }
}

fn network(it: &Network) -> Vec<Remark> {
    let channels = match it {
        Network::Off => return vec![fine(NETWORK, "switched off by sources.lan.enabled".into())],
        Network::Unusable(why) => {
            let hint = Some("muster config explain sources.lan".to_owned());
            return vec![remark(NETWORK, State::Wrong(Exit::NotAllowed), why.clone(), hint)];
        }
        Network::Looked(channels) => channels,
    };
    let mut remarks = Vec::new();
    for it in channels.iter().filter(|it| it.hears) {
        let name = &it.listener.channel;
        remarks.push(fine(NETWORK, format!("{name} is watched")));
        // What is switched off was meant to be.
        for lack in it.cannot.iter().filter(|it| !it.why.contains("switched off")) {
            let what = format!("{name} cannot {}: {}", lack.what, lack.why);
            remarks.push(remark(NETWORK, State::Lacking, what, lack.hint.clone()));
        }
    }
    if !remarks.is_empty() {
        return remarks;
    }
    let why = channels.iter().flat_map(|it| {
        it.cannot.iter().map(|lack| format!("{} ({})", it.listener.channel, lack.why))
    });
    let why = why.collect::<Vec<_>>().join(", ");
    let what = if why.is_empty() {
        "there is no interface to watch".to_owned()
    } else {
        format!("no interface can be watched: {why}")
    };
    let hint = "connect the machine to a network, or name an interface: muster config explain \
                sources.lan.interfaces";
    vec![remark(NETWORK, State::Lacking, what, Some(hint.to_owned()))]
}

fn bluetooth(it: &Bluetooth) -> Vec<Remark> {
    let blocked = it.switches.iter().find(|it| it.is_hard || it.is_soft);
    match it.adapters.as_deref() {
        None | Some([]) => vec![no_adapter(it, blocked)],
        Some(adapters) => {
            let each = adapters.iter().map(|name| adapter(it, name));
            let lacking = it.chosen.iter().filter(|it| !it.is_there).map(lacking);
            each.chain(lacking).collect()
        }
    }
}

fn lacking(it: &Chosen) -> Remark {
    let what = format!("{} takes {}, which is not there", it.what, it.right);
    remark(BLUETOOTH, State::Wrong(Exit::NotAllowed), what, Some(it.hint.to_owned()))
}

/// Some machines take the adapter away while its switch is off.
fn no_adapter(it: &Bluetooth, blocked: Option<&Switch>) -> Remark {
    if let Some(switch) = blocked {
        return silenced(switch, "no Bluetooth adapter is there while its switch is off");
    }
    let (what, hint) = if it.adapters.is_none() {
        let hint = "plug in an adapter, or if one is there: sudo modprobe btusb";
        ("the kernel has loaded nothing for Bluetooth", hint)
    } else {
        let hint = "plug one in, or if one is there: sudo dmesg | grep -i bluetooth";
        ("there is no Bluetooth adapter", hint)
    };
    remark(BLUETOOTH, State::Lacking, what.to_owned(), Some(hint.to_owned()))
}

fn adapter(it: &Bluetooth, name: &str) -> Remark {
    // The adapter's own, or the one that the machine has for all.
    let is_its = |it: &&Switch| it.name == name || !it.name.starts_with("hci");
    let blocked = it.switches.iter().filter(is_its).find(|it| it.is_hard || it.is_soft);
    if let Some(switch) = blocked {
        return silenced(switch, &format!("{name} is silenced by a switch"));
    }
    let unreachable = |what: String, hint: &str| {
        let state = State::Wrong(Exit::Unreachable);
        remark(BLUETOOTH, state, what, Some(hint.to_owned()))
    };
    let told = match &it.daemon {
        Daemon::NoBus(why) => {
            let what = format!("{name} is there, and no system bus to ask bluetoothd over: {why}");
            return unreachable(what, "sudo systemctl start dbus");
        }
        Daemon::Absent => {
            let what = format!("{name} is there, and bluetoothd does not run");
            let install = if it.is_installed { START } else { INSTALL };
            return unreachable(what, install);
        }
        Daemon::Denied => {
            let what = format!("the system bus does not let this user ask bluetoothd about {name}");
            let hint = "sudo usermod --append --groups bluetooth $USER, and log in again";
            let state = State::Wrong(Exit::NotAllowed);
            return remark(BLUETOOTH, state, what, Some(hint.to_owned()));
        }
        Daemon::Silent(why) => {
            let what = format!("bluetoothd does not answer about {name}: {why}");
            return unreachable(what, RESTART);
        }
        Daemon::Runs(adapters) => adapters.iter().find(|it| it.name == name),
    };
    let Some(told) = told else {
        return unreachable(
            format!("bluetoothd does not have {name}, which the kernel has"),
            RESTART,
        );
    };
    let version = told.version.as_deref().map_or(String::new(), |it| format!(" {it}"));
    if !told.is_powered {
        return unreachable(format!("{name} is off"), "bluetoothctl power on");
    }
    if !told.filters.iter().any(|it| it == NEEDED_FILTER) {
        let what = format!("bluetoothd{version} is too old: it tells of each device once only");
        return remark(BLUETOOTH, State::Wrong(Exit::Failed), what, Some(UPGRADE.to_owned()));
    }
    fine(BLUETOOTH, format!("{name} is on, bluetoothd{version} answers"))
}

fn silenced(switch: &Switch, what: &str) -> Remark {
    let (what, hint) = if switch.is_hard {
        let hint = "turn on the machine's own switch, or Bluetooth in its firmware's settings";
        (format!("{what} on the machine: {}", switch.name), hint)
    } else {
        (format!("{what}, by a program: {}", switch.name), "sudo rfkill unblock bluetooth")
    };
    remark(BLUETOOTH, State::Wrong(Exit::Unreachable), what, Some(hint.to_owned()))
}

fn refused(part: &'static str, it: &Refused) -> Remark {
    remark(part, State::Wrong(it.exit), it.what.clone(), it.hint.clone())
}

fn fine(part: &'static str, what: String) -> Remark {
    remark(part, State::Fine, what, None)
}

fn remark(part: &'static str, state: State, what: String, hint: Option<String>) -> Remark {
    Remark { part, state, what, hint }
}

const DATA: &str = "data folder";
const PAGES: &str = "pages";
const NETWORK: &str = "local network";
const BLUETOOTH: &str = "bluetooth";
const START: &str = "sudo systemctl enable --now bluetooth";
const RESTART: &str = "sudo systemctl restart bluetooth";
const INSTALL: &str = "install bluetoothd, as in: sudo apt install bluez";
const UPGRADE: &str = "upgrade bluetoothd, as in: sudo apt install bluez, from a newer release";
/// Without it a search tells of each device once, and silence says nothing.
const NEEDED_FILTER: &str = "DuplicateData";

#[cfg(test)]
mod tests;
