//! What pairing has to remember beyond the program's end: a file of its own beside the store. It is about
//! this machine's radio, so no backup takes it to another.
//!
//! **Invariant:** it is written in full or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use muster_core::identity::Mac;
use muster_core::pairing::{Before, Bond, Kept, Pending};
use muster_core::time::Time;
use serde::{Deserialize, Serialize};
use tracing::warn;

/// Where it is.
#[derive(Clone, Debug)]
pub(super) struct Memory(PathBuf);

impl Memory {
    /// In this data folder.
    pub(super) fn of(data: &Path) -> Self {
        Self(data.join(FILE))
    }

    /// What was written last; nothing if there is no file. One that cannot be read is told.
    pub(super) fn read(&self) -> Kept {
        let content = || -> io::Result<Kept> {
            let mut content = String::new();
            File::open(&self.0)?.take(LONGEST).read_to_string(&mut content)?;
            let written: Written = serde_json::from_str(&content)?;
            Ok(written.into())
        };
        content().unwrap_or_else(|cause| {
            if cause.kind() != io::ErrorKind::NotFound {
                warn!("who paired last is not known: {}: {cause}", self.0.display());
            }
            Kept::default()
        })
    }

    /// Writes it down; nothing to remember is no file.
    pub(super) fn write(&self, kept: &Kept) -> io::Result<()> {
        if *kept == Kept::default() {
            return match fs::remove_file(&self.0) {
                Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(cause),
                Ok(()) | Err(_) => Ok(()),
            };
        }
        let unfinished = self.0.with_extension("new");
        let mut options = OpenOptions::new();
        let mut file =
            options.write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
        file.write_all(&serde_json::to_vec_pretty(&Written::from(kept))?)?;
        file.sync_all()?;
        fs::rename(&unfinished, &self.0)?;
        match self.0.parent() {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Written {
    adapters: Vec<AdapterWas>,
    known: Option<Vec<String>>,
    pending: Vec<Waits>,
}

#[derive(Serialize, Deserialize)]
struct AdapterWas {
    adapter: String,
    alias: String,
    discoverable: bool,
    discoverable_timeout: u32,
    pairable: bool,
    pairable_timeout: u32,
}

#[derive(Serialize, Deserialize)]
struct Waits {
    device: String,
    random: bool,
    name: String,
    since_us: i64,
    until_us: i64,
}

impl From<&Kept> for Written {
    fn from(kept: &Kept) -> Self {
        let adapter = |it: &Before| AdapterWas {
            adapter: it.adapter.to_string(),
            alias: it.alias.to_string(),
            discoverable: it.discoverable,
            discoverable_timeout: it.discoverable_timeout,
            pairable: it.pairable,
            pairable_timeout: it.pairable_timeout,
        };
        let waits = |it: &Pending| Waits {
            device: it.bond.device.to_string(),
            random: it.bond.random,
            name: it.bond.name.to_string(),
            since_us: it.since.micros(),
            until_us: it.until.micros(),
        };
        Self {
            adapters: kept.before.iter().map(adapter).collect(),
            known: kept.known.as_ref().map(|it| it.iter().map(Mac::to_string).collect()),
            pending: kept.pending.iter().map(waits).collect(),
        }
    }
}

/// What somebody wrote into it that is no address is left out.
impl From<Written> for Kept {
    fn from(it: Written) -> Self {
        let adapter = |it: AdapterWas| {
            Some(Before {
                adapter: it.adapter.parse().ok()?,
                alias: it.alias.into(),
                discoverable: it.discoverable,
                discoverable_timeout: it.discoverable_timeout,
                pairable: it.pairable,
                pairable_timeout: it.pairable_timeout,
            })
        };
        let waits = |it: Waits| {
            let (device, random) = (it.device.parse().ok()?, it.random);
            Some(Pending {
                bond: Bond { device, random, name: it.name.into() },
                since: Time::from_micros(it.since_us),
                until: Time::from_micros(it.until_us),
                trouble: None,
            })
        };
        let known = |it: Vec<String>| it.iter().filter_map(|it| it.parse().ok()).collect();
        Self {
            before: it.adapters.into_iter().filter_map(adapter).collect(),
            known: it.known.map(known),
            pending: it.pending.into_iter().filter_map(waits).collect(),
        }
    }
}

const FILE: &str = "pairing.json";
/// Some thousand pairings.
const LONGEST: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_nothing_is_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let memory = Memory::of(folder.path());
        assert_eq!(memory.read(), Kept::default());
        let device = Mac([0xc0, 0x11, 0x22, 0x33, 0x44, 0x55]);
        let kept = Kept {
            before: vec![Before {
                adapter: Mac([2, 0, 0, 0, 0, 1]),
                alias: "rig \"1\"".into(),
                discoverable: false,
                discoverable_timeout: 180,
                pairable: true,
                pairable_timeout: 0,
            }],
            known: Some(vec![device]),
            pending: vec![Pending {
                bond: Bond { device, random: true, name: "<Anna>".into() },
                since: Time::from_secs(1),
                until: Time::from_secs(301),
                trouble: None,
            }],
        };
        memory.write(&kept).unwrap();
        assert_eq!(memory.read(), kept);
        memory.write(&Kept::default()).unwrap();
        memory.write(&Kept::default()).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        for wrong in ["", "{}", "{\"adapters\":[", "\u{0}"] {
            fs::write(folder.path().join(FILE), wrong).unwrap();
            assert_eq!(memory.read(), Kept::default(), "{wrong}");
        }
    }
}
