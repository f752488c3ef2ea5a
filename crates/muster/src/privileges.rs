//! Gives up every right that the sources do not need, before anything is opened.
//!
//! **Invariant:** called while the process has one thread: capabilities belong to threads, and
//! later ones inherit what is left.

use nix::sys::prctl::set_no_new_privs;
use nix::unistd::Uid;
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, clear_ambient_capability_set,
    remove_capability_from_bounding_set, set_capabilities,
};

use crate::failure::{Exit, Failure};

/// What was left after giving up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rights {
    /// Whether the process runs as root.
    pub(crate) root: bool,
    /// Whether it may open packet sockets.
    pub(crate) net_raw: bool,
    /// Whether anything else was given up.
    pub(crate) dropped: bool,
}

/// Keeps `CAP_NET_RAW` if it is there, and for a port below 1024 the right to listen on it.
pub(crate) fn give_up(port: u16) -> Result<Rights, Failure> {
    let failed = |what: &str, cause: std::io::Error| {
        Failure::new(Exit::NotAllowed, format!("rights cannot be given up: {what}")).because(cause)
    };
    set_no_new_privs().map_err(|it| failed("no_new_privs", it.into()))?;
    let had = capabilities(None).map_err(|it| failed("capget", it.into()))?;
    let needed = if port < FIRST_FREE_PORT {
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
    let sets =
        CapabilitySets { effective: kept, permitted: kept, inheritable: CapabilitySet::empty() };
    set_capabilities(None, sets).map_err(|it| failed("capset", it.into()))?;
    Ok(Rights {
        root: Uid::effective().is_root(),
        net_raw: kept.contains(CapabilitySet::NET_RAW),
        dropped: had.permitted != kept,
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
            std::thread::spawn(|| (give_up(8080).unwrap(), capabilities(None).unwrap()))
                .join()
                .unwrap();
        assert_eq!(left.effective, left.permitted);
        assert!((left.permitted & !CapabilitySet::NET_RAW).is_empty());
        assert_eq!(rights.net_raw, left.permitted.contains(CapabilitySet::NET_RAW));
        assert!(left.inheritable.is_empty());
    }
}
