//! Gives up every right that the sources do not need, and being root, before anything is opened but the
//! kernel's management socket of Bluetooth: that takes a right at the moment in which it is opened, and
//! none afterwards.
//!
//! **Invariant:** called while the process has one thread: capabilities belong to threads, and
//! later ones inherit what is left.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use nix::sys::prctl::{set_keepcaps, set_no_new_privs};
use nix::unistd::{Gid, Uid, setgroups, setresgid, setresuid};
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, clear_ambient_capability_set,
    remove_capability_from_bounding_set, set_capabilities,
};

use crate::failure::{Exit, Failure};
use crate::owner::Owner;

/// What was left after giving up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rights {
    /// Whom the process became, having been root.
    pub(crate) became: Option<String>,
    /// Whether it may open packet sockets.
    pub(crate) net_raw: bool,
    /// Whether anything else was given up.
    pub(crate) dropped: bool,
}

/// Whether the process is the machine's root. The root of a user namespace is somebody else
/// outside of it, who has nothing that is root's.
pub(crate) fn is_root() -> bool {
    let others = |line: &str| {
        let mut words = line.split_whitespace();
        // In a namespace of root alone there is nobody else to become.
        words.by_ref().take(2).eq(["0", "0"]) && words.next().is_some_and(|count| count != "1")
    };
    let same = |map: String| map.lines().any(others);
    Uid::effective().is_root() && fs::read_to_string("/proc/self/uid_map").is_ok_and(same)
}

/// Becomes `owner`, if one is given, and keeps `CAP_NET_RAW` if it is there, and for a port below
/// 1024 the right to listen on it.
pub(crate) fn give_up(port: u16, owner: Option<&Owner>) -> Result<Rights, Failure> {
    let failed = |what: &str, cause: io::Error| {
        Failure::new(Exit::NotAllowed, format!("rights cannot be given up: {what}")).because(cause)
    };
    set_no_new_privs().map_err(|it| failed("no_new_privs", it.into()))?;
    let had = capabilities(None).map_err(|it| failed("capget", it.into()))?;
    let needed = if (1..FIRST_FREE_PORT).contains(&port) {
        CapabilitySet::NET_RAW | CapabilitySet::NET_BIND_SERVICE
    } else {
        CapabilitySet::NET_RAW
    };
    let kept = had.permitted & needed;
    if had.effective.contains(CapabilitySet::SETPCAP) {
        for bit in 0..u64::BITS {
            let one = CapabilitySet::from_bits_retain(1 << bit);
            if !needed.contains(one) {
                // A number that this kernel does not know cannot be removed and need not be.
                remove_capability_from_bounding_set(one).ok();
            }
        }
    }
    clear_ambient_capability_set().map_err(|it| failed("ambient", it.into()))?;
    if let Some(owner) = owner {
        set_keepcaps(true).map_err(|it| failed("keepcaps", it.into()))?;
        become_user(owner.uid, owner.gid)?;
    }
    let sets =
        CapabilitySets { effective: kept, permitted: kept, inheritable: CapabilitySet::empty() };
    set_capabilities(None, sets).map_err(|it| failed("capset", it.into()))?;
    Ok(Rights {
        became: owner.map(Owner::name),
        net_raw: kept.contains(CapabilitySet::NET_RAW),
        dropped: had.permitted != kept,
    })
}

/// Works in a folder as whoever has it, when root asks: what it makes there must be theirs, and
/// what they put there must not be followed with root's rights. Whom it became; none: it stays who it is.
pub(crate) fn act_as_owner(folder: &Path) -> Result<Option<Owner>, Failure> {
    match fs::metadata(folder) {
        Ok(found) if is_root() && found.uid() != 0 => {
            let owner = Owner { uid: Uid::from_raw(found.uid()), gid: Gid::from_raw(found.gid()) };
            become_user(owner.uid, owner.gid)?;
            Ok(Some(owner))
        }
        Ok(_) | Err(_) => Ok(None),
    }
}

/// The same where the folder may be missing: then whoever has the first one above that is there makes it.
pub(crate) fn act_as_maker(folder: &Path) -> Result<(), Failure> {
    let whole = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let there = whole.ancestors().find(|it| it.symlink_metadata().is_ok());
    act_as_owner(there.unwrap_or(&whole)).map(drop)
}

fn become_user(uid: Uid, gid: Gid) -> Result<(), Failure> {
    let become_it = setgroups(&[gid])
        .and_then(|()| setresgid(gid, gid, gid))
        .and_then(|()| setresuid(uid, uid, uid));
    become_it.map_err(|it| {
        Failure::new(Exit::NotAllowed, format!("root cannot become the user {uid}"))
            .because(io::Error::from(it))
            .hint("start it as another user than root")
    })
}

/// Ports below need a right of their own, unless the machine says otherwise.
const FIRST_FREE_PORT: u16 = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_what_is_needed_remains() {
        // On a thread of its own: it ends with the test, and so does what it gave up.
        let (rights, left) =
            std::thread::spawn(|| (give_up(8080, None).unwrap(), capabilities(None).unwrap()))
                .join()
                .unwrap();
        assert_eq!(left.effective, left.permitted);
        assert!((left.permitted & !CapabilitySet::NET_RAW).is_empty());
        assert_eq!(rights.net_raw, left.permitted.contains(CapabilitySet::NET_RAW));
        assert!(left.inheritable.is_empty());
    }
}
