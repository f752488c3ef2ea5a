//! The identity resolving keys of this hub, each in a file of its own in the data folder, beside the
//! store and never in it: what a backup copies, a page shows or a query reads holds no key.
//!
//! **Invariant:** a key is written in full or not at all, for the folder's owner alone.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use muster_wire::bluetooth::key::{self, Irk, KeyId};
use muster_wire::bluetooth::resolve::Resolver;
use tokio::sync::mpsc;
use tokio::task::{JoinSet, spawn_blocking};
use tracing::warn;
use zeroize::Zeroizing;

use crate::failure::{Exit, Failure};

/// Where keys are kept.
#[derive(Clone, Debug)]
pub(crate) struct Keyring {
    folder: PathBuf,
}

impl Keyring {
    /// The keys of a data folder.
    pub(crate) fn of(data: &Path) -> Self {
        Self { folder: data.join(FOLDER) }
    }

    /// All of them, ready to be tried. A file that cannot be read, or is no key, is told and left out.
    pub(crate) fn load(&self) -> Resolver {
        let mut resolver = Resolver::default();
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(cause) => {
                if cause.kind() != io::ErrorKind::NotFound {
                    warn!("keys cannot be read: {}: {cause}", self.folder.display());
                }
                return resolver;
            }
        };
        for path in entries.filter_map(Result::ok).map(|it| it.path()) {
            if path.extension().is_some_and(|it| it == UNFINISHED) {
                continue;
            }
            let content = match content(&path) {
                Ok(content) => content,
                Err(cause) => {
                    warn!("left out: {}: {cause}", path.display());
                    continue;
                }
            };
            match Irk::read_all(&content) {
                Ok(keys) => {
                    let ordered = content.starts_with(ORDERED);
                    let add = if ordered { Resolver::add_ordered } else { Resolver::add };
                    if !keys.iter().all(|it| add(&mut resolver, it)) {
                        warn!("there are more keys than {}", Resolver::MOST_KEYS);
                        return resolver;
                    }
                }
                Err(wrong) => warn!("left out: {}: {wrong}", path.display()),
            }
        }
        resolver
    }

    /// Keeps a key; one that is there already stays.
    pub(crate) fn keep(&self, key: &Irk) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        let path = self.folder.join(key.id().to_string());
        if path.exists() {
            return Ok(());
        }
        if fs::read_dir(&self.folder)?.count() >= Resolver::MOST_KEYS {
            return Err(io::Error::other(format!("there are {} already", Resolver::MOST_KEYS)));
        }
        self.write(&path, &[key.reveal().as_bytes(), b"\n"])
    }

    /// Remembers in which order a key's octets are, `turned` if in the other one than that in which it
    /// is kept.
    pub(crate) fn order(&self, id: KeyId, turned: bool) -> io::Result<()> {
        let path = self.folder.join(id.to_string());
        let keys = Irk::read_all(&content(&path)?).map_err(io::Error::other)?;
        let [key] = keys.as_slice() else { return Err(io::Error::other("it holds no single key")) };
        let turned = turned.then(|| key.turned());
        let key = turned.as_ref().unwrap_or(key);
        self.write(&path, &[ORDERED, key.reveal().as_bytes(), b"\n"])
    }

    /// Removes a key; one that is not there is gone already.
    pub(crate) fn remove(&self, id: KeyId) -> io::Result<()> {
        match fs::remove_file(self.folder.join(id.to_string())) {
            Ok(()) => File::open(&self.folder)?.sync_all(),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(cause) => Err(cause),
        }
    }

    fn write(&self, path: &Path, parts: &[&[u8]]) -> io::Result<()> {
        let unfinished = path.with_extension(UNFINISHED);
        let mut options = OpenOptions::new();
        let mut file =
            options.write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
        for part in parts {
            file.write_all(part)?;
        }
        file.sync_all()?;
        fs::rename(&unfinished, path)?;
        File::open(&self.folder)?.sync_all()
    }
}

/// Remembers the order of octets of every key for which it is found, as a task among others: where to
/// tell of one.
pub(crate) fn remember(
    keyring: &Keyring,
    among: &mut JoinSet<()>,
) -> mpsc::UnboundedSender<(KeyId, bool)> {
    let (found, orders) = mpsc::unbounded_channel();
    among.spawn(write_orders(keyring.clone(), orders));
    found
}

async fn write_orders(keyring: Keyring, mut found: mpsc::UnboundedReceiver<(KeyId, bool)>) {
    while let Some((id, turned)) = found.recv().await {
        let keyring = keyring.clone();
        let written = spawn_blocking(move || keyring.order(id, turned)).await;
        if let Err(cause) = written.unwrap_or_else(|it| Err(it.into())) {
            warn!("the order of a key's octets is not remembered: {cause}");
        }
    }
}

/// Reads the keys in a file that somebody names.
pub(crate) fn read(path: &Path) -> Result<Vec<Irk>, Failure> {
    let what = || format!("cannot read a key from: {}", path.display());
    let content = content(path).map_err(|cause| {
        let (exit, hint) = if cause.kind() == io::ErrorKind::NotFound {
            (Exit::NotFound, "give a file that is there")
        } else if cause.kind() == io::ErrorKind::PermissionDenied {
            (Exit::NotAllowed, "run as a user who may read it")
        } else {
            (Exit::Failed, FORMS)
        };
        Failure::new(exit, what()).because(cause).hint(hint)
    })?;
    Irk::read_all(&content)
        .map_err(|wrong| Failure::new(Exit::Usage, what()).because(wrong).hint(FORMS))
}

/// The keys in these files, ready to be tried.
pub(crate) fn resolver(files: &[PathBuf]) -> Result<Resolver, Failure> {
    let mut resolver = Resolver::default();
    for path in files {
        if !read(path)?.iter().all(|it| resolver.add(it)) {
            let what = format!("there are more keys than {}", Resolver::MOST_KEYS);
            return Err(Failure::new(Exit::Usage, what).hint("give fewer of them"));
        }
    }
    Ok(resolver)
}

fn content(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut content = Zeroizing::new(Vec::with_capacity(1_024));
    File::open(path)?.take(key::LONGEST_FILE + 1).read_to_end(&mut content)?;
    if content.len() as u64 > key::LONGEST_FILE {
        return Err(io::Error::other("it is longer than a file of keys"));
    }
    Ok(content)
}

/// In the data folder.
const FOLDER: &str = "secrets/irk";
/// What a file begins with whose key's order of octets was found.
const ORDERED: &[u8] = b"# this order of octets resolved addresses\n";
/// What a file ends with until it is whole.
const UNFINISHED: &str = "new";
const FORMS: &str = "a key file has 32 hexadecimal digits, or is bluetoothd's `info` of the device";

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_key_is_kept_for_its_owner_alone_and_found_again() {
        let data = tempfile::tempdir().unwrap();
        let ring = Keyring::of(data.path());
        let key = Irk::new([7; 16]);
        assert!(!ring.load().remove(key.id()));
        ring.keep(&key).unwrap();
        ring.keep(&key).unwrap();
        let folder = data.path().join(FOLDER);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&folder.join(key.id().to_string()))), (0o700, 0o600));
        // What a power cut left behind, and what is no key, hurts no other.
        fs::write(folder.join("0000000000000000.new"), "0707").unwrap();
        fs::write(folder.join("notes"), "Anna's phone").unwrap();
        assert!(ring.load().remove(key.id()));
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 3);
        ring.remove(key.id()).unwrap();
        ring.remove(key.id()).unwrap();
        assert!(!ring.load().remove(key.id()));
    }

    #[test]
    fn the_order_of_octets_that_was_found_is_remembered() {
        let data = tempfile::tempdir().unwrap();
        let ring = Keyring::of(data.path());
        // Of the sample data of `ah` (Core Specification, Vol 3, Part H, D.7), written backwards.
        let key = Irk::read(b"9b7d390aa610103405adc857a33402ec").unwrap();
        ring.keep(&key).unwrap();
        ring.order(key.id(), true).unwrap();
        let text = fs::read_to_string(data.path().join(FOLDER).join(key.id().to_string())).unwrap();
        assert!(text.ends_with("\nec0234a357c8ad05341010a60a397d9b\n"), "{text}");
        let mut again = ring.load();
        assert_eq!(again.resolve("70:81:94:0d:fb:aa".parse().unwrap()), Some(key.id()));
        ring.order(key.id(), false).unwrap();
        assert_eq!(
            fs::read_to_string(data.path().join(FOLDER).join(key.id().to_string())).unwrap(),
            text
        );
    }
}
