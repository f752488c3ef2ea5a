//! A backup becomes the store, and what was the store is kept beside it.
//!
//! **Invariant:** a file called `muster.restoring` is whole, verified and durable, and whoever wrote
//! it was told to replace the store. From then on a power cut changes nothing: whoever opens the
//! store next puts it in place, and until then nobody writes.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use muster_core::ports::StoreError;
use tempfile::TempDir;

use super::Filling;
use super::backup::verify_file;
use super::fault;
use super::files::{self, Lock};
use crate::disk::{self, FileError};
use crate::transfer::{self, Origin};

/// An opened backup; read with the rights of whoever opened it.
#[derive(Debug)]
pub struct Backup {
    path: PathBuf,
    file: File,
    /// Where it was unpacked, and is nobody else's.
    room: Option<TempDir>,
}

/// What a backup may be put in the place of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// Of nothing: there is no store.
    Nothing,
    /// Of a store, if there is one; it is kept.
    TheStore,
}

/// A verified copy of a backup, not in its place yet. Nobody else writes meanwhile.
#[derive(Debug)]
pub struct Ready {
    store: PathBuf,
    rows: u64,
    _lock: Lock,
}

impl Backup {
    /// Opens a file that was written by a backup.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        if !path.is_file() {
            let cause = io::Error::from(io::ErrorKind::NotFound);
            let what = format!("there is no such backup: {}", path.display());
            return Err(FileError::told(what, cause));
        }
        if std::fs::metadata(files::log_of(path)).is_ok_and(|it| it.len() > 0) {
            let what = format!(
                "not a backup but a store with unfinished writing beside it: {}",
                path.display()
            );
            return Err(StoreError::Refused { what });
        }
        let file = File::open(path)
            .map_err(|cause| FileError::told(format!("cannot read: {}", path.display()), cause))?;
        Ok(Self { path: path.to_owned(), file, room: None })
    }

    /// Makes one of other rows, beside where the store is, or will be. That takes as much room as the store
    /// will.
    pub async fn unpack(rows: &dyn Origin, store: &Path) -> Result<Self, StoreError> {
        let room = disk::room_beside(store).map_err(|it| disk::explain_io(it, store))?;
        let path = room.path().join("unpacked.db");
        transfer::copy(rows, Box::new(Filling::begin(&path).await?)).await?;
        Ok(Self { room: Some(room), ..Self::open(&path)? })
    }

    /// Copies it beside where the store is, or will be, and reads it to its last row. A store that
    /// an earlier restore kept is never written over.
    pub async fn restore(self, store: &Path, over: Over) -> Result<Ready, StoreError> {
        let explain_io = |cause| disk::explain_io(cause, store);
        let lock = Lock::take(store)?;
        if over == Over::Nothing {
            disk::refuse_existing(store)?;
            disk::refuse_existing(&files::log_of(store))?;
        } else if store.exists() && !kept(store).is_empty() {
            let what = format!(
                "the store from before an earlier restore is still kept, move it away first: {}",
                before(store).display()
            );
            return Err(StoreError::Refused { what });
        }
        let ready = restoring(store);
        let unfinished = files::unfinished(&ready);
        files::discard(&ready).and_then(|()| files::discard(&unfinished)).map_err(explain_io)?;
        let brought = match &self.room {
            Some(_) => std::fs::rename(&self.path, &unfinished),
            None => disk::copy(self.file, &unfinished).await,
        };
        let made = match brought {
            Ok(()) => match verify_file(&unfinished, &self.path).await {
                Ok(rows) => {
                    let finished = disk::finish(&unfinished, &ready).await;
                    finished.map(|()| rows).map_err(explain_io)
                }
                // What helps against damage is a backup: not this one.
                Err(StoreError::Damaged { cause, .. }) => {
                    let what = format!("not a whole backup: {}", self.path.display());
                    Err(StoreError::Damaged { what, cause })
                }
                Err(cause) => Err(cause),
            },
            Err(cause) => Err(explain_io(cause)),
        };
        if made.is_err() {
            files::discard(&unfinished).map_err(explain_io)?;
        }
        made.map(|rows| Ready { store: store.to_owned(), rows, _lock: lock })
    }
}

impl Ready {
    /// How many rows it has.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Makes it the store; where the old one is kept, if there was one.
    pub fn put_in_place(self) -> Result<Vec<PathBuf>, StoreError> {
        put_in_place(&self.store)?;
        Ok(kept(&self.store))
    }
}

/// The files in which a restore kept the store from before it: the store and its log, as far as they
/// are there.
pub fn kept(store: &Path) -> Vec<PathBuf> {
    let all = [before(store), files::log_of(&before(store))];
    all.into_iter().filter(|it| it.exists()).collect()
}

/// Ends a restoring that was interrupted, if there was one. Every step can be the last one that is
/// done, and none does harm when it is done again.
pub(super) fn put_in_place(store: &Path) -> Result<(), StoreError> {
    let (fresh, kept) = (restoring(store), before(store));
    let explain_io = |cause| disk::explain_io(cause, store);
    if !fresh.exists() {
        return Ok(());
    }
    let moved = || -> io::Result<()> {
        if store.exists() {
            std::fs::rename(store, &kept)?;
        }
        // The log goes with its own store: it would be the other one's ruin.
        if std::fs::metadata(files::log_of(store)).is_ok_and(|it| it.len() > 0) {
            std::fs::rename(files::log_of(store), files::log_of(&kept))?;
        }
        files::discard(store)?;
        disk::sync_folder(store)?;
        std::fs::rename(&fresh, store)?;
        disk::sync_folder(store)
    };
    moved().map_err(explain_io)
}

/// A folder in which only the store from before a restore lies is not one without a store.
pub(super) fn refuse_lost(store: &Path) -> Result<(), StoreError> {
    let kept = before(store);
    if kept.exists() {
        let what =
            format!("the store is gone, the one before a restore is there: {}", kept.display());
        return Err(fault::damaged(&what, "the file is missing".into()));
    }
    Ok(())
}

/// Where a restoring was interrupted there is a store.
pub(super) fn refuse_pending(store: &Path) -> Result<(), StoreError> {
    disk::refuse_existing(&restoring(store))
}

fn restoring(store: &Path) -> PathBuf {
    store.with_extension("restoring")
}

fn before(store: &Path) -> PathBuf {
    store.with_extension("before-restore")
}
