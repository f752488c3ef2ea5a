//! Files that are whole or not there: their rights, their names, and what an error of the disk means.

use std::fs::{File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use muster_core::ports::{BoxError, StoreError};
use tempfile::{TempDir, TempPath};

/// A folder for its owner alone beside `path`, for what is not whole yet: with a name that nobody
/// has, and gone with all that is in it when dropped.
pub(crate) fn room_beside(path: &Path) -> io::Result<TempDir> {
    let mut room = tempfile::Builder::new();
    room.prefix(".muster-unfinished-").permissions(Permissions::from_mode(0o700));
    room.tempdir_in(folder(path))
}

/// Makes a file, for its owner alone from the first byte on.
pub(crate) fn create(path: &Path) -> io::Result<()> {
    OpenOptions::new().write(true).create_new(true).mode(OWNERS).open(path).map(drop)
}

/// Makes the content of a finished file durable, gives it its name, and makes that durable. Who was
/// where when is for its owner's eyes.
pub(crate) async fn finish(from: &Path, to: &Path) -> io::Result<()> {
    finished(from, to, |from, to| std::fs::rename(from, to)).await
}

/// The same for a file of whoever asks for it: what has that name by then is left alone.
pub(crate) async fn finish_new(from: &Path, to: &Path) -> Result<(), StoreError> {
    let name = |from: &Path, to: &Path| {
        TempPath::try_from_path(from)?.persist_noclobber(to).map_err(|it| it.error)
    };
    finished(from, to, name).await.map_err(|it| {
        if it.kind() == io::ErrorKind::AlreadyExists { existing(to) } else { explain_file(it, to) }
    })
}

async fn finished(
    from: &Path,
    to: &Path,
    name: impl FnOnce(&Path, &Path) -> io::Result<()> + Send + 'static,
) -> io::Result<()> {
    let (from, to) = (from.to_owned(), to.to_owned());
    // A disk may take seconds to make a large file durable.
    aside(move || {
        let file = File::open(&from)?;
        // It was made so; where a disk knows no rights, as many a stick, there is nothing to set.
        if file.metadata()?.permissions().mode() & 0o777 != OWNERS {
            file.set_permissions(Permissions::from_mode(OWNERS)).ok();
        }
        file.sync_all()?;
        name(&from, &to)?;
        sync_folder(&to)
    })
    .await
}

/// Makes the names in a file's folder durable.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(folder(path))?.sync_all()
}

/// Copies an open file into a new one, for its owner's eyes.
pub(crate) async fn copy(mut from: File, to: &Path) -> io::Result<()> {
    let mut to = OpenOptions::new().write(true).create_new(true).mode(OWNERS).open(to)?;
    aside(move || io::copy(&mut from, &mut to).map(drop)).await
}

/// Where a file may keep its thread waiting.
async fn aside(work: impl FnOnce() -> io::Result<()> + Send + 'static) -> io::Result<()> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|it| Err(io::Error::other(it)))
}

/// What an error of the file system means for the store in the file `path`.
pub(crate) fn explain_io(error: io::Error, path: &Path) -> StoreError {
    unavailable(meant(error.kind(), path), error.into())
}

/// The same for a file that is no store.
pub(crate) fn explain_file(error: io::Error, path: &Path) -> StoreError {
    FileError::told(meant(error.kind(), path), error)
}

/// What is wrong with a file that is no store: with an archive, or a backup.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct FileError {
    what: String,
    #[source]
    cause: io::Error,
}

impl FileError {
    /// Whether it was this that kept a store from being copied; if not, what else.
    pub fn of(error: StoreError) -> Result<Self, StoreError> {
        let StoreError::Unavailable { what, cause } = error else { return Err(error) };
        let found = cause.downcast::<Self>();
        found.map(|it| *it).map_err(|cause| StoreError::Unavailable { what, cause })
    }

    /// What the system calls it.
    pub fn kind(&self) -> io::ErrorKind {
        self.cause.kind()
    }

    /// As the cause of what a store could not do.
    pub(crate) fn told(what: String, cause: io::Error) -> StoreError {
        unavailable(what.clone(), Self { what, cause }.into())
    }
}

fn meant(kind: io::ErrorKind, path: &Path) -> String {
    let folder = folder(path).display();
    if matches!(kind, io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
        "disk full".to_owned()
    } else if matches!(kind, io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem) {
        format!("the folder is read-only: {folder}")
    } else if matches!(kind, io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) {
        format!("there is no such folder: {folder}")
    } else {
        format!("the disk does not answer as it should: {folder}")
    }
}

/// The folder of a file.
pub(crate) fn folder(path: &Path) -> &Path {
    path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Not now.
pub(crate) fn unavailable(what: String, cause: BoxError) -> StoreError {
    StoreError::Unavailable { what, cause }
}

/// Nothing is written over.
pub(crate) fn refuse_existing(path: &Path) -> Result<(), StoreError> {
    if std::fs::symlink_metadata(path).is_ok() { Err(existing(path)) } else { Ok(()) }
}

fn existing(path: &Path) -> StoreError {
    let what = format!("there is such a file already, and it is left alone: {}", path.display());
    StoreError::Refused { what }
}

/// Who was where when is for its owner's eyes. `SQLite` gives what it leaves beside a file the same mode
/// (`findCreateFileMode` of its `os_unix.c`).
pub(crate) const OWNERS: u32 = 0o600;
