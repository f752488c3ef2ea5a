//! Where the keys of paired devices come from: the kernel tells each when a device has paired, and
//! bluetoothd keeps it in a file that only root may read.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

use muster_core::identity::Mac;
use muster_wire::bluetooth::key::{self, Irk};
use muster_wire::bluetooth::management::IdentityKey;
use zeroize::Zeroizing;

use crate::management::{Management, Trusted};

/// A key, and whose it is by its lasting address.
#[derive(Debug)]
pub struct Found {
    /// The device.
    pub device: Mac,
    /// Its key.
    pub key: Irk,
}

/// What the kernel tells of keys, from when it is made.
#[derive(Debug)]
pub struct KeyEars(Management);

impl KeyEars {
    /// Takes up a socket that the kernel trusts. Call it inside a tokio runtime.
    pub fn new(socket: Trusted) -> io::Result<Self> {
        Management::new(socket).map(Self)
    }

    /// Waits for the next key. Cancel-safe.
    pub async fn next(&mut self) -> io::Result<Found> {
        loop {
            let message = self.0.next().await?;
            let Some(IdentityKey { address, key }) = IdentityKey::of_socket(message) else {
                continue;
            };
            if !key.is_null() {
                return Ok(Found { device: address.mac, key });
            }
        }
    }
}

/// The keys that bluetoothd keeps below a folder, as far as it may be read: `ADAPTER/DEVICE/info`. A
/// device that gave none is left out; so is what is no file of bluetoothd's.
pub fn keys_in_files(folder: &Path) -> io::Result<Vec<Found>> {
    let mut all = Vec::new();
    for adapter in fs::read_dir(folder)?.flatten() {
        if named(&adapter).is_none() {
            continue;
        }
        for device in fs::read_dir(adapter.path())?.flatten().take(MOST_DEVICES) {
            let Some(mac) = named(&device) else { continue };
            if let Some(key) = key_in(&device.path().join("info")).filter(|it| !it.is_null()) {
                all.push(Found { device: mac, key });
            }
        }
    }
    Ok(all)
}

fn named(entry: &fs::DirEntry) -> Option<Mac> {
    entry.file_name().to_str()?.parse().ok()
}

fn key_in(path: &Path) -> Option<Irk> {
    let mut content = Zeroizing::new(Vec::with_capacity(4_096));
    File::open(path).ok()?.take(key::LONGEST_FILE).read_to_end(&mut content).ok()?;
    Irk::read_all(&content).ok()?.pop()
}

/// Of one adapter; bluetoothd keeps its caches of strangers elsewhere.
const MOST_DEVICES: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_bluetoothd_give_the_keys_of_who_gave_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = |path: &str, content: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        };
        let key = "EC0234A357C8AD05341010A60A397D9B";
        let with = format!("[General]\nName=x\n[IdentityResolvingKey]\nKey={key}\n");
        file("02:00:00:00:00:01/C0:11:22:33:44:55/info", &with);
        file("02:00:00:00:00:01/00:1A:7D:00:00:01/info", "[LinkKey]\nKey=00\n");
        let null = with.replace(key, &"0".repeat(32));
        file("02:00:00:00:00:01/C0:11:22:33:44:66/info", &null);
        file("02:00:00:00:00:01/cache/C0:11:22:33:44:77", &with);
        file("notes/C0:11:22:33:44:88/info", &with);
        fs::create_dir_all(folder.path().join("02:00:00:00:00:02/C0:11:22:33:44:99")).unwrap();
        let found = keys_in_files(folder.path()).unwrap();
        let found: Vec<_> =
            found.iter().map(|it| (it.device.to_string(), it.key.reveal().to_string())).collect();
        assert_eq!(found, [("c0:11:22:33:44:55".to_owned(), key.to_lowercase())]);
        assert!(keys_in_files(&folder.path().join("gone")).is_err());
    }
}
