//! Whether the open files are still the store: the ones that bear its name, and whole.
//!
//! A file that was moved, removed or damaged takes writes as before, and what is in them is never
//! found again. **Invariant:** nothing is acknowledged while the open files are not those in their
//! place, or after damage was met. Files that come back are the store again; damage stays.

use std::fs::metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use muster_core::ports::{BoxError, StoreError};

use super::{fault, files};

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
}

/// A device and a file on it.
type Node = (u64, u64);

impl Ground {
    /// What a store stands on whose writer has just been connected.
    pub(super) fn of(store: &Path) -> Result<Self, StoreError> {
        let beside = Mutex::new(around(store)?);
        Ok(Self { store: Placed::at(store)?, beside, damage: OnceLock::new() })
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
        if !connected {
            *self.beside() = around(&self.store.path)?;
        }
        self.store.check()?;
        self.beside().iter().try_for_each(Placed::check)
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
    files::beside(store).iter().map(|it| Placed::at(it)).collect()
}

impl Placed {
    fn at(path: &Path) -> Result<Self, StoreError> {
        match node(path) {
            Ok(node) => Ok(Self { path: path.to_owned(), node }),
            Err(cause) => Err(missed(path, "is gone", cause.into())),
        }
    }

    fn check(&self) -> Result<(), StoreError> {
        let (what, cause) = match node(&self.path) {
            Ok(it) if it == self.node => return Ok(()),
            Ok(_) => ("has another in its place", "not the file that is open".into()),
            Err(cause) => ("is gone", cause.into()),
        };
        Err(missed(&self.path, what, cause))
    }
}

fn missed(path: &Path, what: &str, cause: BoxError) -> StoreError {
    let name = path.file_name().unwrap_or_default().display();
    let folder = fault::folder(path).display();
    fault::unavailable(format!("{name} {what} in {folder}; {HELP}"), cause)
}

fn node(path: &Path) -> std::io::Result<Node> {
    metadata(path).map(|it| (it.dev(), it.ino()))
}

const HELP: &str = "put it back, or stop muster and look where it went";
