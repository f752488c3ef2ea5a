//! The key of the day, in a file of its own beside the store, and the one moment at which it is
//! replaced.
//!
//! **Invariant:** of all keys that there were the file holds the last alone, for the folder's owner. One
//! that cannot be written is used all the same: then a restart makes strangers of strangers.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use muster_core::identity::Identity;
use muster_core::time::{Now, Time};
use muster_wire::pseudonym::StrangersKey;
use tracing::warn;
use zeroize::Zeroizing;

use super::rotation::{Dated, Rotation};
use crate::machine;

/// The keys of a hub, of which one is kept.
#[derive(Debug)]
pub(super) struct Keys {
    path: PathBuf,
    rotation: Rotation,
    /// What is not in the file yet, and when that was tried last, on the monotonic clock.
    unwritten: Option<(Zeroizing<String>, Duration)>,
}

impl Keys {
    /// Those of a data folder. What is there and cannot be read is used no more.
    pub(super) fn of(data: &Path, length: Duration) -> Self {
        let path = data.join(FOLDER).join(FILE);
        let kept = match read(&path) {
            Ok(it) => it,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => None,
            Err(cause) => {
                warn!("the key of pseudonyms cannot be read: {}: {cause}", path.display());
                None
            }
        };
        Self { path, rotation: Rotation::new(length, kept), unwritten: None }
    }

    /// Uses the key of now.
    pub(super) fn turn(&mut self, now: Now) {
        if let Some(period) = self.rotation.due(now.wall) {
            match machine::random() {
                Ok(octets) => self.draw(period, StrangersKey::new(octets), now),
                Err(failure) => {
                    // What cannot be hidden is not taken.
                    if self.rotation.stop() {
                        warn!("nothing is taken of strangers: {}", failure.into_parts().1);
                    }
                }
            }
        } else if let Some((line, _)) =
            self.unwritten.take_if(|it| now.mono.saturating_sub(it.1) >= AGAIN)
        {
            self.write(line, now.mono);
        }
    }

    fn draw(&mut self, period: Time, key: StrangersKey, now: Now) {
        let line = Zeroizing::new(format!("{} {}\n", period.secs(), *key.reveal()));
        self.rotation.turn(Dated { period, key });
        self.write(line, now.mono);
    }

    /// What stands for an identity that was noticed at a time; none: there is no key yet.
    pub(super) fn pseudonym(&self, at: Time, identity: &Identity) -> Option<Identity> {
        self.rotation.pseudonym(at, identity)
    }

    fn write(&mut self, line: Zeroizing<String>, now: Duration) {
        if let Err(cause) = put(&self.path, line.as_bytes()) {
            // Said once: it is tried every minute.
            if self.unwritten.is_none() {
                let path = self.path.display();
                warn!(
                    "the key of pseudonyms is not written down, nor the last one over: {path}: {cause}"
                );
            }
            self.unwritten = Some((line, now));
        }
    }
}

/// Writes over and removes the key of a data folder, unless its period lasts. `length`: of a period; none:
/// no key is used.
pub(super) fn end(data: &Path, length: Option<Duration>, now: Time) {
    let path = data.join(FOLDER).join(FILE);
    if !fs::exists(&path).unwrap_or(true) {
        return;
    }
    if let (Some(length), Ok(Some(kept))) = (length, read(&path))
        && kept.period >= now.floor(length)
    {
        return;
    }
    let gone = put(&path, &[b'0'; LONGEST]).and_then(|()| fs::remove_file(&path));
    if let Err(cause) = gone {
        warn!("an old key of pseudonyms is not removed: {}: {cause}", path.display());
    }
}

/// What the file holds, if it is what was written.
fn read(path: &Path) -> io::Result<Option<Dated>> {
    let mut text = Zeroizing::new(String::with_capacity(LONGEST));
    File::open(path)?.take(LONGEST as u64).read_to_string(&mut text)?;
    let parts = text.strip_suffix('\n').and_then(|it| it.split_once(' '));
    let dated = parts.and_then(|(period, digits)| {
        let period = Time::from_secs(period.parse().ok()?);
        Some(Dated { period, key: StrangersKey::read(digits)? })
    });
    if dated.is_none() {
        warn!(
            "not the key of pseudonyms that was written, so there is a new one: {}",
            path.display()
        );
    }
    Ok(dated)
}

/// Writes over what is there, so that no block of the disk is left with it where disks do so. What a
/// power cut tears is no key, and replaced by the next start.
fn put(path: &Path, line: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let is_new = !fs::exists(path)?;
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(false).mode(OWNERS).open(path)?;
    file.set_permissions(Permissions::from_mode(OWNERS))?;
    file.write_all(line)?;
    file.set_len(u64::try_from(line.len()).unwrap_or(u64::MAX))?;
    file.sync_all()?;
    if is_new { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// In the data folder.
const FOLDER: &str = "secrets";
/// One line: when its period began, in seconds since 1970, and 64 digits.
const FILE: &str = "strangers.key";
const OWNERS: u32 = 0o600;
/// Longer than such a line.
const LONGEST: usize = 128;
/// How soon a key that could not be written is written again.
const AGAIN: Duration = Duration::from_mins(1);

#[cfg(test)]
mod tests {
    use muster_core::identity::Mac;

    use super::*;

    const LENGTH: Duration = Duration::from_hours(24);

    fn now(day: i64, second: u64) -> Now {
        let mono = Duration::from_secs(second);
        Now { mono, wall: Time::from_secs(day * 86_400) + mono }
    }

    fn name(keys: &Keys, now: Now) -> Identity {
        keys.pseudonym(now.wall, &Identity::Mac(Mac([2, 0, 0, 0, 0, 1]))).unwrap()
    }

    #[test]
    fn a_restart_within_the_day_goes_on_and_the_next_day_has_another_key() {
        let data = tempfile::tempdir().unwrap();
        let start = |at| {
            let mut keys = Keys::of(data.path(), LENGTH);
            keys.turn(at);
            name(&keys, at)
        };
        let today = start(now(20_000, 10));
        let path = data.path().join(FOLDER).join(FILE);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        let kept = fs::read_to_string(&path).unwrap();
        assert_eq!(start(now(20_000, 80_000)), today);
        assert_eq!(fs::read_to_string(&path).unwrap(), kept);
        // The next day, and back: the first key is nowhere.
        let tomorrow = start(now(20_001, 10));
        assert_ne!(tomorrow, today);
        let digits = kept.split(' ').nth(1).unwrap().trim();
        assert!(!fs::read_to_string(&path).unwrap().contains(digits));
        assert_ne!(start(now(20_000, 10)), today);
        // What is torn, or was given to all, is replaced.
        fs::write(&path, kept.trim_end()).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        assert_ne!(start(now(20_000, 10)), today);
        assert_eq!(mode(&path), 0o600);
        assert_eq!(fs::read_to_string(&path).unwrap().len(), kept.len());
    }

    #[test]
    fn a_start_removes_a_key_that_is_used_no_more() {
        let data = tempfile::tempdir().unwrap();
        let path = data.path().join(FOLDER).join(FILE);
        end(data.path(), None, now(20_000, 10).wall);
        for (length, at, stays) in [
            (Some(LENGTH), now(20_000, 80_000), true),
            // A clock that is not set yet ends nothing.
            (Some(LENGTH), now(0, 10), true),
            (Some(LENGTH), now(20_001, 0), false),
            (None, now(20_000, 10), false),
        ] {
            Keys::of(data.path(), LENGTH).turn(now(20_000, 10));
            let other = data.path().join("other");
            fs::hard_link(&path, &other).unwrap();
            let kept = fs::read(&other).unwrap();
            end(data.path(), length, at.wall);
            assert_eq!(
                (path.exists(), fs::read(&other).unwrap() == kept),
                (stays, stays),
                "{at:?}"
            );
            fs::remove_file(other).unwrap();
        }
    }

    #[test]
    fn a_disk_that_takes_nothing_is_tried_again_and_keeps_nobody_from_a_new_key() {
        let data = tempfile::tempdir().unwrap();
        // Where the folder should be lies a file.
        let in_the_way = data.path().join(FOLDER);
        fs::write(&in_the_way, "").unwrap();
        let mut keys = Keys::of(data.path(), LENGTH);
        keys.turn(now(20_000, 10));
        let today = name(&keys, now(20_000, 10));
        fs::remove_file(&in_the_way).unwrap();
        keys.turn(now(20_000, 69));
        assert!(!in_the_way.exists(), "it was tried a moment ago");
        keys.turn(now(20_000, 70));
        assert_eq!(name(&keys, now(20_000, 70)), today);
        let again = Keys::of(data.path(), LENGTH);
        assert_eq!(name(&again, now(20_000, 70)), today);
    }
}
