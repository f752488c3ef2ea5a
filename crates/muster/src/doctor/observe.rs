//! Looks at this machine and judges nothing: what [`super::judge`] is told. Reads and asks only; makes no
//! file, changes nothing, starts no other program.

use std::fs;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use muster_config::Config;
use muster_config::ble::Way;
use muster_config::classic::Probe;
use muster_core::ports::Clock;
use muster_sources::lan::{self, Length};
use nix::unistd::{AccessFlags, access};
use rustix::thread::{CapabilitySet, capabilities};

use super::{Bluetooth, Chosen, Folder, Network, Observed, Place, Refused, Switch};
use crate::failure::Failure;
use crate::{folder, listen};

mod daemon;

/// Looks at everything, for about a second.
pub(crate) async fn look(config: &Config, clock: &Arc<dyn Clock>, data: &Path) -> Observed {
    let folder = look_at_folder(data);
    let pages = match &folder {
        Folder::InUse(_) => Place::Hub,
        Folder::Writable(_) | Folder::Refused(_) => look_at_pages(config.listen.get()).await,
    };
    let network = look_at_network(config, clock).await;
    let bluetooth = look_at_bluetooth(config, Path::new("/")).await;
    Observed { folder, shared: look_at_rights(data), pages, network, bluetooth }
}

/// What the data folder is good for.
pub(crate) fn look_at_folder(data: &Path) -> Folder {
    let shown = data.display().to_string();
    if std::os::unix::net::UnixStream::connect(data.join(folder::SOCKET)).is_ok() {
        return Folder::InUse(shown);
    }
    // One that is still to be made is made in the first one above that is there.
    let there = data.ancestors().find(|it| it.symlink_metadata().is_ok() || *it == Path::new(""));
    let there = match there {
        Some(it) if it == Path::new("") => Path::new("."),
        Some(it) => it,
        None => data,
    };
    let done = if there == data { "written" } else { "made" };
    let found = match fs::metadata(there) {
        Ok(it) if !it.is_dir() => Err(io::ErrorKind::NotADirectory.into()),
        Ok(_) => access(there, AccessFlags::W_OK | AccessFlags::X_OK).map_err(io::Error::from),
        Err(cause) => Err(cause),
    };
    match found {
        Ok(()) => Folder::Writable(shown),
        Err(cause) => Folder::Refused(folder::unusable(data, done, cause).into()),
    }
}

/// A data folder into which others than its owner get, with its rights.
pub(crate) fn look_at_rights(data: &Path) -> Option<(String, u32)> {
    let mode = fs::metadata(data).ok()?.permissions().mode() & 0o777;
    (mode & OTHERS != 0).then(|| (data.display().to_string(), mode))
}

async fn look_at_pages(address: SocketAddr) -> Place {
    let opened = match listen::loopback(address) {
        Ok(address) => listen::pages(address).await,
        Err(failure) => Err(failure),
    };
    match opened {
        Ok(_) => Place::Free(address.to_string()),
        Err(failure) => Place::Refused(failure.into()),
    }
}

async fn look_at_network(config: &Config, clock: &Arc<dyn Clock>) -> Network {
    let settings = &config.sources.lan;
    if !settings.enabled {
        return Network::Off;
    }
    let monitor = config.monitor.as_str();
    let scan =
        lan::scan(settings.clone(), monitor, Arc::clone(clock), Length::For(LOOK), pending()).await;
    scan.map_or_else(|it| Network::Unusable(it.to_string()), |it| Network::Looked(it.channels))
}

/// The machine's Bluetooth, below a root that tests have of their own.
async fn look_at_bluetooth(config: &Config, root: &Path) -> Bluetooth {
    let programs = ["usr/libexec/bluetooth/bluetoothd", "usr/lib/bluetooth/bluetoothd"];
    Bluetooth {
        adapters: adapters(&root.join("sys/class/bluetooth")),
        switches: switches(&root.join("sys/class/rfkill")),
        is_installed: programs.iter().any(|it| root.join(it).exists()),
        daemon: daemon::ask().await,
        chosen: chosen(
            config,
            capabilities(None).map_or(CapabilitySet::empty(), |it| it.permitted),
        ),
    }
}

/// What takes a right and was chosen by name: what is left to itself takes another way without.
fn chosen(config: &Config, has: CapabilitySet) -> Vec<Chosen> {
    let (ble, classic) = (&config.sources.ble, &config.sources.classic);
    let mut chosen = Vec::new();
    if ble.enabled && ble.way == Way::Management {
        chosen.push(Chosen {
            what: "sources.ble.way = \"management\"",
            right: "CAP_NET_ADMIN",
            is_there: has.contains(CapabilitySet::NET_ADMIN),
            hint: "sudo setcap cap_net_raw,cap_net_admin+p muster, or set it to \"auto\"",
        });
    }
    if classic.enabled && classic.probe == Probe::L2ping {
        chosen.push(Chosen {
            what: "sources.classic.probe = \"l2ping\"",
            right: "CAP_NET_RAW",
            is_there: has.contains(CapabilitySet::NET_RAW),
            hint: "sudo setcap cap_net_raw+p muster, or set it to \"name\"",
        });
    }
    chosen
}

/// The kernel's adapters; beside them its links, as in `hci0:1`, which are none.
fn adapters(class: &Path) -> Option<Vec<String>> {
    let names = names(class)?;
    Some(names.into_iter().filter(|it| it.starts_with("hci") && !it.contains(':')).collect())
}

fn switches(class: &Path) -> Vec<Switch> {
    let of = |entry: &String| {
        let read = |file: &str| fs::read_to_string(class.join(entry).join(file)).ok();
        let is_on = |file| read(file).is_some_and(|it| it.trim() == "1");
        read("type").filter(|it| it.trim() == "bluetooth")?;
        let name = read("name")?.trim().to_owned();
        Some(Switch { name, is_soft: is_on("soft"), is_hard: is_on("hard") })
    };
    names(class).unwrap_or_default().iter().filter_map(of).collect()
}

/// What is in a folder, in order; none where there is no such folder.
fn names(folder: &Path) -> Option<Vec<String>> {
    let entries = fs::read_dir(folder).ok()?.filter_map(Result::ok);
    let mut names: Vec<_> = entries.filter_map(|it| it.file_name().into_string().ok()).collect();
    names.sort();
    Some(names)
}

impl From<Failure> for Refused {
    fn from(it: Failure) -> Self {
        let (exit, what, hint) = it.into_parts();
        Self { exit, what, hint }
    }
}

/// What others than the owner may do with a folder.
const OTHERS: u32 = 0o077;
/// The kernel describes all interfaces in less.
const LOOK: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_files_are_read() {
        let root = tempfile::tempdir().unwrap();
        let put = |file: &str, text: &str| {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let class = root.path().join("class");
        assert_eq!(adapters(&class), None);
        for name in ["hci1", "hci0", "hci0:256"] {
            put(&format!("class/{name}/uevent"), "");
        }
        assert_eq!(adapters(&class), Some(vec!["hci0".to_owned(), "hci1".to_owned()]));

        let switched = root.path().join("rfkill");
        assert!(switches(&switched).is_empty());
        for (at, kind, name, soft, hard) in [
            (0, "wlan", "phy0", 1, 1),
            (1, "bluetooth", "hci0", 1, 0),
            (2, "bluetooth", "dell", 0, 1),
        ] {
            put(&format!("rfkill/rfkill{at}/type"), &format!("{kind}\n"));
            put(&format!("rfkill/rfkill{at}/name"), &format!("{name}\n"));
            put(&format!("rfkill/rfkill{at}/soft"), &format!("{soft}\n"));
            put(&format!("rfkill/rfkill{at}/hard"), &format!("{hard}\n"));
        }
        let switch = |name: &str, is_soft, is_hard| {
            let name = name.to_owned();
            Switch { name, is_soft, is_hard }
        };
        assert_eq!(switches(&switched), [switch("hci0", true, false), switch("dell", false, true)]);
    }

    #[test]
    fn rights_matter_where_they_were_chosen() {
        let config = |text: &str| {
            muster_config::Loaded::read(text, Some(Path::new("m.toml")), &[]).unwrap().config
        };
        assert_eq!(chosen(&config(""), CapabilitySet::empty()), [], "other ways are taken");
        let both =
            config("[sources.ble]\nway = \"management\"\n[sources.classic]\nprobe = \"l2ping\"\n");
        let there = |has| chosen(&both, has).iter().map(|it| it.is_there).collect::<Vec<_>>();
        assert_eq!(there(CapabilitySet::empty()), [false, false]);
        assert_eq!(there(CapabilitySet::NET_RAW), [false, true]);
        assert_eq!(there(CapabilitySet::NET_ADMIN), [true, false]);
        let off = config(
            "[sources.ble]\nenabled = false\nway = \"management\"\n\
             [sources.classic]\nenabled = false\nprobe = \"l2ping\"\n",
        );
        assert_eq!(chosen(&off, CapabilitySet::empty()), []);
    }

    #[test]
    fn a_folder_is_looked_at_and_not_made() {
        let parent = tempfile::tempdir().unwrap();
        let wanted = parent.path().join("not/yet");
        assert!(matches!(look_at_folder(&wanted), Folder::Writable(_)));
        assert!(!parent.path().join("not").exists());
        let of = |mode| {
            fs::set_permissions(parent.path(), fs::Permissions::from_mode(mode)).unwrap();
            look_at_rights(parent.path()).map(|it| super::super::shared(&it).hint)
        };
        let hint = Some(format!("chmod 700 {}", parent.path().display()));
        assert_eq!([of(0o755), of(0o710), of(0o700)], [Some(hint.clone()), Some(hint), None]);
        fs::write(parent.path().join("file"), "").unwrap();
        for wrong in ["file", "file/below"] {
            let found = look_at_folder(&parent.path().join(wrong));
            assert!(matches!(found, Folder::Refused(_)), "{wrong}: {found:?}");
        }
    }
}
