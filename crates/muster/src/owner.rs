//! Whose the data folder is, and so as whom a hub runs that root starts.
//!
//! A process without capabilities that is still root owns the machine's passwords and timetables,
//! so the hub is root for no longer than it takes to find out who else to be. **Invariant:** nothing
//! is given away but an empty folder and what a hub keeps in its own.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, chown, fchown};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;
use nix::unistd::{Gid, Uid, User};

use crate::failure::{Exit, Failure};
use crate::folder::{self, STORE};

/// Somebody who is not root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    /// Their number.
    pub(crate) uid: Uid,
    /// Their group's.
    pub(crate) gid: Gid,
}

impl Owner {
    /// Who has a data folder, as root sees it: whoever it belongs to. Root's own is given to
    /// [`Owner::for_services`], and one that is still to be made to whoever has the folder above.
    pub(crate) fn of(data: &Path) -> Result<Self, Failure> {
        let unusable = |it| folder::unusable(data, "given to another user than root", it);
        let made = missing(data);
        folder::make(data)?;
        let found = fs::metadata(data).map_err(unusable)?;
        let above = made.last().and_then(|it| it.parent()).map(fs::metadata).transpose();
        let owner = [Some(found), above.map_err(unusable)?].iter().flatten().find_map(theirs);
        let owner = owner.unwrap_or_else(Self::for_services);
        for it in &made {
            chown(it, Some(owner.uid.as_raw()), Some(owner.gid.as_raw())).map_err(unusable)?;
        }
        owner.take_over(data)?;
        Ok(owner)
    }

    /// The user `muster` if the machine has one, else `nobody`.
    pub(crate) fn for_services() -> Self {
        let known = |name| User::from_name(name).ok().flatten().filter(|it| !it.uid.is_root());
        let found = known("muster").or_else(|| known("nobody"));
        found.map_or_else(
            || Self { uid: Uid::from_raw(OVERFLOW), gid: Gid::from_raw(OVERFLOW) },
            |it| Self { uid: it.uid, gid: it.gid },
        )
    }

    /// What they are called.
    pub(crate) fn name(&self) -> String {
        let known = User::from_uid(self.uid).ok().flatten();
        known.map_or_else(|| format!("user {}", self.uid), |it| it.name)
    }

    /// Makes a folder theirs that is still root's, and what root left in it.
    fn take_over(&self, data: &Path) -> Result<(), Failure> {
        let unusable = |it| folder::unusable(data, "given to another user than root", it);
        let (uid, gid) = (Some(self.uid.as_raw()), Some(self.gid.as_raw()));
        if fs::metadata(data).map_err(unusable)?.uid() == 0 {
            let is_empty = fs::read_dir(data).map_err(unusable)?.next().is_none();
            if !is_empty && !data.join(STORE).exists() {
                let what =
                    format!("the folder is root's and holds other things: {}", data.display());
                return Err(Failure::new(Exit::NotAllowed, what).hint(
                    "choose a folder of its own with --data DIR, or start it as another user",
                ));
            }
            chown(data, uid, gid).map_err(unusable)?;
        }
        for entry in fs::read_dir(data).map_err(unusable)? {
            let path = entry.map_err(unusable)?.path();
            let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
            if OURS.contains(&name)
                && let Some(file) = roots(&path)
            {
                fchown(&file, uid, gid).map_err(unusable)?;
            }
        }
        Ok(())
    }
}

/// Who has a file, unless it is root's.
fn theirs(it: &fs::Metadata) -> Option<Owner> {
    let owner = Owner { uid: Uid::from_raw(it.uid()), gid: Gid::from_raw(it.gid()) };
    (!owner.uid.is_root()).then_some(owner)
}

/// The folders on the way to `data` that are not there, the last one first.
fn missing(data: &Path) -> Vec<PathBuf> {
    let data = std::path::absolute(data).unwrap_or_else(|_| data.to_owned());
    let way = data.ancestors().take_while(|it| !it.exists());
    way.map(Path::to_owned).collect()
}

/// A plain file of root's. Whoever has the folder could have put a link there to any other one.
fn roots(path: &Path) -> Option<File> {
    let careful = (OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits();
    let file = OpenOptions::new().read(true).custom_flags(careful).open(path).ok()?;
    let found: io::Result<fs::Metadata> = file.metadata();
    found.is_ok_and(|it| it.is_file() && it.nlink() == 1 && it.uid() == 0).then_some(file)
}

/// What a hub keeps, and what a restore leaves.
const OURS: [&str; 6] = [
    STORE,
    "muster.db-wal",
    "muster.db-shm",
    "muster.lock",
    "muster.restoring",
    "muster.before-restore",
];
/// `nobody` where nobody has a name (`/proc/sys/kernel/overflowuid`).
const OVERFLOW: u32 = 65_534;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_never_root() {
        let owner = Owner::for_services();
        assert!(!owner.uid.is_root());
        assert!(!owner.name().is_empty());
    }

    #[test]
    fn folders_on_the_way() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("a/b");
        assert_eq!(missing(&path), [path.clone(), parent.path().join("a")]);
        assert_eq!(missing(parent.path()), [] as [PathBuf; 0]);
    }

    #[test]
    fn links_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name| folder.path().join(name);
        fs::write(at("elsewhere"), "").unwrap();
        std::os::unix::fs::symlink(at("elsewhere"), at("muster.db")).unwrap();
        fs::hard_link(at("elsewhere"), at("muster.lock")).unwrap();
        assert!(roots(&at("muster.db")).is_none());
        assert!(roots(&at("muster.lock")).is_none());
    }
}
