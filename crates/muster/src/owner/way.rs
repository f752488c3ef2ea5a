//! The way to a folder of root's: each part opened in the one before, and no link followed.
//!
//! **Invariant:** on a way that is opened nobody but root can put another folder in the place of
//! one: every folder is root's, and others may not rename what is in it.

use std::fs::File;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Component, Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat};
use nix::sys::stat::{Mode, mkdirat};

use crate::failure::{Exit, Failure};
use crate::folder;

/// Opens the folder at an absolute path, and makes what is missing for its owner alone: the folder,
/// and those above it that were made, the lowest first.
pub(super) fn to(data: &Path) -> Result<(File, Vec<File>), Failure> {
    let unusable = |it: Errno| folder::unusable(data, "opened", it.into());
    let mut path = PathBuf::from("/");
    let mut at = File::from(open(&path, FOLDER, Mode::empty()).map_err(unusable)?);
    let mut made = Vec::new();
    let mut is_new = false;
    for part in data.components() {
        if !matches!(part, Component::Normal(_) | Component::ParentDir) {
            continue;
        }
        let name = part.as_os_str();
        refuse_shared(&at, &path, STICKY)?;
        path.push(name);
        let next = match openat(&at, name, FOLDER, Mode::empty()) {
            Err(Errno::ENOENT) => {
                let failed = |it: Errno| folder::unusable(data, "made", it.into());
                mkdirat(&at, name, Mode::S_IRWXU).map_err(failed)?;
                let next = openat(&at, name, FOLDER, Mode::empty()).map_err(failed)?;
                let above = std::mem::replace(&mut at, File::from(next));
                made.extend(is_new.then_some(above));
                is_new = true;
                continue;
            }
            Err(_) if path.is_symlink() => return Err(another_hand("a link is on", &path)),
            other => other.map_err(unusable)?,
        };
        at = File::from(next);
    }
    refuse_shared(&at, &path, 0)?;
    made.reverse();
    Ok((at, made))
}

/// Refuses a folder in which somebody else could rename things. With the `sticky` bit nobody
/// renames what is another's (`inode(7)`).
fn refuse_shared(folder: &File, path: &Path, sticky: u32) -> Result<(), Failure> {
    let found = folder.metadata().map_err(|it: io::Error| folder::unusable(path, "read", it))?;
    let mode = found.permissions().mode();
    if found.uid() != 0 {
        return Err(another_hand("somebody else has a folder on", path));
    }
    if mode & WRITTEN_BY_OTHERS != 0 && mode & sticky == 0 {
        return Err(another_hand("others may write on", path));
    }
    Ok(())
}

fn another_hand(what: &str, path: &Path) -> Failure {
    let what = format!("{what} the way to the data folder, which is root's: {}", path.display());
    Failure::new(Exit::NotAllowed, what).hint(
        "give the folder to whom muster shall run as with chown, or choose another: --data DIR",
    )
}

const FOLDER: OFlag = OFlag::O_DIRECTORY.union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC);
const WRITTEN_BY_OTHERS: u32 = 0o022;
const STICKY: u32 = 0o1000;
