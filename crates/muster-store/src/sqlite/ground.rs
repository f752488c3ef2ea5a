//! Whether the open files are still the store: the ones that bear its name, and whole.
//!
//! A file that was moved, removed, cut short or damaged takes writes as before, and what is in them
//! is never found again. **Invariant:** nothing is acknowledged while the open files are not those
//! in their place and as long as they were, or after damage was met. Files that come back are the
//! store again; damage stays.

use std::fs::{File, metadata};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use muster_core::ports::{BoxError, StoreError};

use super::files;
use crate::disk;

/// What the writer stands on.
#[derive(Debug)]
pub(super) struct Ground {
    store: Placed,
    /// The log and its index, which live as long as any connection.
    beside: Mutex<Vec<Placed>>,
    damage: OnceLock<String>,
}

/// One open file.
#[derive(Debug)]
struct Placed {
    path: PathBuf,
    node: Node,
    /// What it is never shorter than again.
    least: AtomicU64,
    /// The engine itself cuts it to that many bytes, never to fewer.
    cut_to: u64,
}

/// A device and a file on it.
type Node = (u64, u64);

impl Ground {
    /// What a store stands on whose writer has just been connected.
    pub(super) fn of(store: &Path) -> Result<Self, StoreError> {
        let beside = Mutex::new(around(store)?);
        // Pages that are free stay in the file.
        Ok(Self { store: Placed::at(store, u64::MAX)?, beside, damage: OnceLock::new() })
    }

    /// Refuses to read from a file that is not where it was.
    pub(super) fn bears_reading(&self) -> Result<(), StoreError> {
        self.store.check()
    }

    /// Refuses to write while a file is not where it was, and for ever after damage. Without a
    /// connection the engine may have put away what lies beside the store.
    pub(super) fn bears_writing(&self, connected: bool) -> Result<(), StoreError> {
        if let Some(what) = self.damage.get() {
            let cause = "it was met while reading or writing".into();
            return Err(StoreError::Damaged { what: what.clone(), cause });
        }
        self.store.check()?;
        self.beside().iter().filter(|it| connected || it.path.exists()).try_for_each(Placed::check)
    }

    /// Refuses to acknowledge what was written while a file went.
    pub(super) fn bore_writing(&self, connected: bool) -> Result<(), StoreError> {
        refuse_headless(&files::log_of(&self.store.path))?;
        if !connected {
            *self.beside() = around(&self.store.path)?;
        }
        self.store.check()?;
        self.beside().iter().try_for_each(Placed::check)
    }

    /// Whether the log may be folded into the file. One that was cut short would leave pages of two
    /// moments there; the rest of it is found again by whoever opens the store next.
    pub(super) fn bears_folding(&self) -> bool {
        self.beside().iter().all(|it| !it.is_cut()) && !self.store.is_cut()
    }

    /// Remembers damage.
    pub(super) fn notice(&self, error: &StoreError) {
        if let StoreError::Damaged { what, .. } = error {
            self.damage.get_or_init(|| what.clone());
        }
    }

    fn beside(&self) -> MutexGuard<'_, Vec<Placed>> {
        self.beside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn around(store: &Path) -> Result<Vec<Placed>, StoreError> {
    // The index of the log is made again from it.
    let [log, index] = files::beside(store);
    Ok(vec![Placed::at(&log, files::LOG_BYTES)?, Placed::at(&index, 0)?])
}

/// Refuses a log that was cut short just before it was written to: where its head was is a hole.
/// (A log begins with 0x377f0682 or 0x377f0683: `SQLite`'s fileformat2.html, section 4.1.)
fn refuse_headless(log: &Path) -> Result<(), StoreError> {
    let mut head = [0; 4];
    let read = File::open(log).and_then(|mut it| it.read_exact(&mut head));
    match read {
        Ok(()) if head == [0; 4] => Err(missed(log, CUT, "its head is missing".into())),
        // Whether it is there, and how long, is for others to say.
        Ok(()) | Err(_) => Ok(()),
    }
}

impl Placed {
    fn at(path: &Path, cut_to: u64) -> Result<Self, StoreError> {
        match found(path) {
            Ok((node, length)) => {
                let least = AtomicU64::new(length.min(cut_to));
                Ok(Self { path: path.to_owned(), node, least, cut_to })
            }
            Err(cause) => Err(missed(path, "is gone", cause.into())),
        }
    }

    fn check(&self) -> Result<(), StoreError> {
        let (what, cause) = match found(&self.path) {
            Ok((node, _)) if node != self.node => {
                ("has another in its place", "not the file that is open".into())
            }
            Ok((_, length)) => {
                let least = self.least.fetch_max(length.min(self.cut_to), Ordering::Relaxed);
                if length >= least {
                    return Ok(());
                }
                (CUT, format!("{length} of at least {least} bytes are left").into())
            }
            Err(cause) => ("is gone", cause.into()),
        };
        Err(missed(&self.path, what, cause))
    }

    fn is_cut(&self) -> bool {
        let least = self.least.load(Ordering::Relaxed);
        found(&self.path).is_ok_and(|(node, length)| node == self.node && length < least)
    }
}

fn missed(path: &Path, what: &str, cause: BoxError) -> StoreError {
    let name = path.file_name().unwrap_or_default().display();
    let folder = disk::folder(path).display();
    disk::unavailable(format!("{name} {what} in {folder}; {HELP}"), cause)
}

fn found(path: &Path) -> std::io::Result<(Node, u64)> {
    metadata(path).map(|it| ((it.dev(), it.ino()), it.len()))
}

const CUT: &str = "is shorter than it was";
const HELP: &str = "put it back, or stop muster and look where it went";
