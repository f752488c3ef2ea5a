//! The data folder: made when missing, for its owner alone.
//!
//! Refuses to know what lies in it but for the names. The store's lock keeps a second hub out.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

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

/// Makes a folder that may be there already, for its owner alone.
pub(crate) fn make(path: &Path) -> Result<(), Failure> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|it| unusable(path, "made", it))
}

/// What a folder that another hub holds is called.
pub(crate) fn in_use(path: &Path) -> Failure {
    let what = format!("another muster runs on this data folder: {}", path.display());
    Failure::new(Exit::Unreachable, what)
        .hint("ask the running one with `muster who`, or choose another folder with --data DIR")
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
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        Folder::take(&path).unwrap();
    }

    #[test]
    fn a_file_in_the_way_is_said() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("file");
        std::fs::write(&path, "").unwrap();
        assert!(Folder::take(&path).unwrap_err().to_string().contains("cannot be made"));
    }
}
