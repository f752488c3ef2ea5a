//! The data folder: made when missing, for its owner alone.
//!
//! Refuses to know what lies in it but for the names. One lock keeps a second hub, and a monitor, out.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use muster_core::ports::StoreError;
use muster_store::sqlite::Lock;
use nix::unistd::{AccessFlags, access};

use crate::failure::{Exit, Failure};

/// A data folder.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Makes the folder if need be; it can be written.
    pub(crate) fn take(path: &Path) -> Result<Self, Failure> {
        make(path)?;
        access(path, AccessFlags::W_OK | AccessFlags::X_OK)
            .map_err(|it| unusable(path, "written", it.into()))?;
        Ok(Self { path: path.to_owned() })
    }

    /// The same for work that may fail: whatever is missing goes again with the second value.
    pub(crate) fn take_to_try(path: &Path) -> Result<(Self, Fresh), Failure> {
        let whole = std::path::absolute(path).map_err(|it| unusable(path, "found", it))?;
        let missing = whole.ancestors().take_while(|it| it.symlink_metadata().is_err());
        let fresh = Fresh { made: missing.map(Path::to_owned).collect() };
        Ok((Self::take(path)?, fresh))
    }

    /// Keeps every other muster out for as long as the lock is held.
    pub(crate) fn lock(&self) -> Result<Lock, Failure> {
        let unusable = |it: StoreError| {
            let what = format!("the data folder cannot be used: {}", self.path.display());
            kept_out(&it, &self.path).unwrap_or(Failure::new(Exit::Failed, what).because(it))
        };
        Lock::take(&self.store()).map_err(unusable)
    }

    /// The file in which a monitor keeps what its hub does not have. What is made up has another:
    /// in the end it would be told as if it were true.
    pub(crate) fn spool(&self, simulated: bool) -> PathBuf {
        self.path.join(if simulated { SIMULATED } else { SPOOL })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The store's file.
    pub(crate) fn store(&self) -> PathBuf {
        self.path.join(STORE)
    }

    /// The commands' socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.path.join(SOCKET)
    }
}

/// Folders that were made for work that may fail, the lowest first: they go when this is dropped, unless
/// they are kept.
#[derive(Debug)]
pub(crate) struct Fresh {
    made: Vec<PathBuf>,
}

impl Fresh {
    /// What they were made for was done.
    pub(crate) fn keep(mut self) {
        self.made.clear();
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        let Some(store) = self.made.first().map(|it| it.join(STORE)) else { return };
        // Nobody begins anything there meanwhile: who did already has the lock.
        let alone = Lock::take(&store);
        if alone.is_ok() && !store.exists() {
            fs::remove_file(store.with_file_name(LOCK)).ok();
        }
        // One in which there is anything stays, and those above it.
        let is_gone = |it: &&PathBuf| fs::remove_dir(it).is_ok() || !it.exists();
        self.made.iter().take_while(is_gone).for_each(drop);
    }
}

/// Makes a folder that may be there already, for its owner alone.
pub(crate) fn make(path: &Path) -> Result<(), Failure> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|it| unusable(path, "made", it))
}

/// What a folder that another hub holds is called.
pub(crate) fn in_use(path: &Path) -> Failure {
    let what = format!("another muster runs on this data folder: {}", path.display());
    Failure::new(Exit::Unreachable, what)
        .hint("choose another folder with --data DIR, or end the running one first")
}

/// What it means if somebody else has the lock; none: nobody has.
pub(crate) fn kept_out(error: &StoreError, path: &Path) -> Option<Failure> {
    if is_in_use(error) {
        // Who has it; what the system calls that says nothing.
        return Some(in_use(path).because(anyhow::anyhow!(error.to_string())));
    }
    is_held(error).then(|| {
        let hint = format!("find who holds it: fuser -v {}/{LOCK}", path.display());
        Failure::new(Exit::Unreachable, "cannot open the data folder")
            .because(anyhow::anyhow!(error.to_string()))
            .hint(hint)
    })
}

/// By another muster.
pub(crate) fn is_in_use(error: &StoreError) -> bool {
    is_kept_out(error, io::ErrorKind::WouldBlock)
}

/// By somebody who left no number, or by a muster that has not written its own yet.
pub(crate) fn is_held(error: &StoreError) -> bool {
    is_kept_out(error, io::ErrorKind::ResourceBusy)
}

fn is_kept_out(error: &StoreError, kind: io::ErrorKind) -> bool {
    let StoreError::Unavailable { cause, .. } = error else { return false };
    cause.downcast_ref::<io::Error>().is_some_and(|it| it.kind() == kind)
}

pub(crate) fn unusable(path: &Path, done: &str, cause: io::Error) -> Failure {
    use io::ErrorKind as Kind;
    let is = |kinds: &[Kind]| kinds.contains(&cause.kind());
    let (exit, hint) = if is(&[Kind::PermissionDenied, Kind::ReadOnlyFilesystem]) {
        (Exit::NotAllowed, "run as the folder's owner, or choose another with --data DIR")
    } else if is(&[Kind::StorageFull, Kind::QuotaExceeded]) {
        (Exit::Failed, "make room on its disk, or choose another with --data DIR")
    } else if is(&[Kind::AlreadyExists, Kind::NotADirectory]) {
        (Exit::Usage, "a file is in the way; choose a folder with --data DIR")
    } else {
        (Exit::Failed, "choose another with --data DIR")
    };
    let what = format!("the data folder cannot be {done}: {}", path.display());
    Failure::new(exit, what).because(cause).hint(hint)
}

/// The store's file in the data folder.
pub(crate) const STORE: &str = "muster.db";
/// What whoever writes the store holds, beside it.
pub(crate) const LOCK: &str = "muster.lock";
/// What a monitor's hub does not have yet.
pub(crate) const SPOOL: &str = "spool.db";
/// The same of a made-up household.
pub(crate) const SIMULATED: &str = "spool-simulated.db";
/// The commands' socket in the data folder.
pub(crate) const SOCKET: &str = "muster.sock";

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn made_for_its_owner_alone() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("not/yet/there");
        Folder::take(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        Folder::take(&path).unwrap();
    }

    #[test]
    fn what_was_made_for_what_failed_goes_again() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("not/yet");
        let (folder, fresh) = Folder::take_to_try(&path).unwrap();
        drop(Lock::take(&folder.store()).unwrap());
        drop(fresh);
        assert!(!parent.path().join("not").exists());
        // Not what was there before, nor where somebody else puts something.
        fs::create_dir(parent.path().join("not")).unwrap();
        drop(Folder::take_to_try(&path).unwrap());
        assert!(parent.path().join("not").exists() && !path.exists());
        let (folder, fresh) = Folder::take_to_try(&path).unwrap();
        fs::write(folder.store(), "").unwrap();
        drop(fresh);
        assert!(folder.store().exists() && path.join(LOCK).exists());
        Folder::take_to_try(&path.join("kept")).unwrap().1.keep();
        assert!(path.join("kept").exists());
    }

    #[test]
    fn a_file_in_the_way_is_said() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("file");
        fs::write(&path, "").unwrap();
        assert!(Folder::take(&path).unwrap_err().to_string().contains("cannot be made"));
    }
}
