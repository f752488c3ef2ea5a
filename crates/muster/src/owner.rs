//! Whose the data folder is, and so as whom a hub or a monitor runs that root starts.
//!
//! A process without capabilities that is still root owns the machine's passwords and timetables,
//! so the hub is root for no longer than it takes to find out who else to be. **Invariant:** nothing
//! is given away but an empty folder and what a hub keeps in its own, and that only where nobody
//! but root can have a hand in the way there. Whoever else has the folder makes what is missing.

use std::fs::{self, File};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{MetadataExt as _, fchown};
use std::path::{Path, PathBuf};

use muster_relay::membership::Membership;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;
use nix::unistd::{Gid, Uid, User};

use crate::failure::{Exit, Failure};
use crate::folder::{self, SIMULATED, SPOOL, STORE};

mod way;

/// Somebody who is not root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    /// Their number.
    pub(crate) uid: Uid,
    /// Their group's.
    pub(crate) gid: Gid,
}

impl Owner {
    /// Who has a data folder, as root sees it: whoever it belongs to, or the folder above one that
    /// is still to be made, which is then theirs to make. Root's own is made, and given to
    /// [`Owner::for_services`].
    pub(crate) fn of(data: &Path) -> Result<Self, Failure> {
        let data = std::path::absolute(data).map_err(|it| folder::unusable(data, "found", it))?;
        if let Some(owner) = nearest(&data).as_ref().and_then(theirs) {
            owner.refuse_roots(&data)?;
            return Ok(owner);
        }
        let owner = Self::for_services();
        owner.take_over(&data)?;
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

    /// Their name, or their number where they have none: as `chown` takes them.
    pub(crate) fn account(&self) -> String {
        let known = User::from_uid(self.uid).ok().flatten();
        known.map_or_else(|| self.uid.to_string(), |it| it.name)
    }

    /// Root's files in somebody else's folder may have been put there by them.
    fn refuse_roots(&self, data: &Path) -> Result<(), Failure> {
        let is_roots = |it: &PathBuf| it.symlink_metadata().is_ok_and(|it| it.uid() == 0);
        let Some(file) = OURS.map(|it| data.join(it)).into_iter().find(is_roots) else {
            return Ok(());
        };
        let (file, who) = (file.display(), self.name());
        let what = format!("the data folder belongs to {who}, and a file in it to root: {file}");
        let hint = format!(
            "move it away, or if a muster made it: chown -h {}:{} {file}",
            self.uid, self.gid
        );
        Err(Failure::new(Exit::NotAllowed, what).hint(hint))
    }

    /// Makes a folder theirs that is still root's, and what root left in it.
    fn take_over(&self, data: &Path) -> Result<(), Failure> {
        let unusable = |it| folder::unusable(data, "given to another user than root", it);
        let (folder, above) = way::to(data)?;
        // By the open folder, whatever has its name meanwhile.
        let inside = PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd()));
        let is_empty = fs::read_dir(&inside).map_err(unusable)?.next().is_none();
        let has = |it: &&str| inside.join(it).symlink_metadata().is_ok();
        if !is_empty && ![STORE, SPOOL, SIMULATED, Membership::FILE].iter().any(has) {
            let what = format!("the folder is root's and holds other things: {}", data.display());
            return Err(Failure::new(Exit::NotAllowed, what)
                .hint("choose a folder of its own with --data DIR, or start it as another user"));
        }
        let files = OURS.iter().filter_map(|it| roots(&folder, it));
        for it in files.chain([folder.try_clone().map_err(unusable)?]).chain(above) {
            fchown(&it, Some(self.uid.as_raw()), Some(self.gid.as_raw())).map_err(unusable)?;
        }
        Ok(())
    }
}

/// A folder that was made, and that whoever root became cannot get to.
pub(crate) fn out_of_reach(failure: Failure, owner: Option<&Owner>) -> Failure {
    let Some(owner) = owner else { return failure };
    let who = owner.name();
    failure.hint(format!(
        "started as root it runs as {who}, who must get there: choose another with --data DIR"
    ))
}

/// Who has a file, unless it is root's.
fn theirs(it: &fs::Metadata) -> Option<Owner> {
    let owner = Owner { uid: Uid::from_raw(it.uid()), gid: Gid::from_raw(it.gid()) };
    (!owner.uid.is_root()).then_some(owner)
}

/// The folder itself, or the first one above that is there.
fn nearest(data: &Path) -> Option<fs::Metadata> {
    data.ancestors().find_map(|it| fs::metadata(it).ok())
}

/// A plain file of root's, by no second name: another one could be anywhere.
fn roots(folder: &File, name: &str) -> Option<File> {
    let careful = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    let file = File::from(openat(folder, name, careful, Mode::empty()).ok()?);
    let found = file.metadata();
    found.is_ok_and(|it| it.is_file() && it.nlink() == 1 && it.uid() == 0).then_some(file)
}

/// What a hub and a monitor keep, and what a restore leaves.
const OURS: [&str; 11] = [
    STORE,
    SPOOL,
    "spool.db-wal",
    SIMULATED,
    "spool-simulated.db-wal",
    Membership::FILE,
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
    fn a_folder_still_to_be_made_belongs_to_whoever_has_the_one_above() {
        let parent = tempfile::tempdir().unwrap();
        let found = nearest(&parent.path().join("a/b")).unwrap();
        assert_eq!(found.ino(), fs::metadata(parent.path()).unwrap().ino());
    }

    #[test]
    fn links_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name| folder.path().join(name);
        fs::write(at("elsewhere"), "").unwrap();
        std::os::unix::fs::symlink(at("elsewhere"), at("muster.db")).unwrap();
        fs::hard_link(at("elsewhere"), at("muster.lock")).unwrap();
        let open = File::open(folder.path()).unwrap();
        assert!(roots(&open, "muster.db").is_none());
        assert!(roots(&open, "muster.lock").is_none());
    }
}
