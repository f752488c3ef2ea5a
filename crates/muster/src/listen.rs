//! Where the pages and commands come in: a loopback address, and a socket for administrators.
//!
//! **Invariant:** nothing listens beyond this machine, and only the user who runs the hub, or root,
//! gets past the socket.

use std::fs::{Permissions, remove_file, set_permissions};
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::Path;

use axum::serve::Listener;
use nix::unistd::Uid;
use tokio::net::unix;
use tokio::net::{TcpListener, UnixListener, UnixStream};
use tracing::warn;

use crate::failure::{Exit, Failure};
use crate::folder;

/// Refuses an address that others can reach: the pages have no accounts.
pub(crate) fn loopback(address: SocketAddr) -> Result<SocketAddr, Failure> {
    if address.ip().is_loopback() {
        return Ok(address);
    }
    let what = format!("the pages are served on this machine alone, not on: {address}");
    Err(Failure::new(Exit::Usage, what).hint(format!(
        "listen on 127.0.0.1:{0}, and from elsewhere use `ssh -L {0}:127.0.0.1:{0} THIS-MACHINE`",
        address.port()
    )))
}

/// Listens for browsers.
pub(crate) async fn pages(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|cause| {
        if cause.kind() == io::ErrorKind::AddrInUse {
            let what = format!("another program listens on: {address}");
            let free = SocketAddr::new(address.ip(), address.port().checked_add(1).unwrap_or(8080));
            Failure::new(Exit::Unreachable, what)
                .hint(format!("choose another port, as in `muster serve --listen {free}`"))
        } else if cause.kind() == io::ErrorKind::PermissionDenied {
            let what = format!("not allowed to listen on: {address}");
            Failure::new(Exit::NotAllowed, what).hint("choose a port above 1023")
        } else {
            let what = format!("cannot listen on: {address}");
            Failure::new(Exit::Unreachable, what).because(cause)
        }
    })
}

/// Listens for commands of the same user, or root.
pub(crate) fn commands(path: &Path) -> Result<Administrators, Failure> {
    let failed = |cause: io::Error| {
        let what = format!("cannot listen on the socket: {}", path.display());
        let long = path.as_os_str().len() > LONGEST_SOCKET_PATH;
        let failure = Failure::new(Exit::Failed, what).because(cause);
        if long {
            failure.hint("its path is too long, choose a shorter --data DIR")
        } else {
            failure
        }
    };
    clear_away(path)?;
    let listener = UnixListener::bind(path).map_err(failed)?;
    set_permissions(path, Permissions::from_mode(0o600)).map_err(failed)?;
    Ok(Administrators(listener))
}

/// Removes the socket that a hub left behind which did not end by itself.
fn clear_away(path: &Path) -> Result<(), Failure> {
    let Ok(found) = path.symlink_metadata() else { return Ok(()) };
    let is_live = || std::os::unix::net::UnixStream::connect(path).is_ok();
    if found.file_type().is_socket() && is_live() {
        return Err(folder::in_use(path.parent().unwrap_or(path)));
    }
    let failed = |cause: io::Error| {
        let what = format!("something is in the way of the socket: {}", path.display());
        Failure::new(Exit::Failed, what).because(cause).hint("move it away")
    };
    if !found.file_type().is_socket() {
        return Err(failed(io::ErrorKind::AlreadyExists.into()));
    }
    remove_file(path).map_err(failed)
}

/// Accepts only peers of the same user, or root (`SO_PEERCRED`).
#[derive(Debug)]
pub(crate) struct Administrators(UnixListener);

impl Listener for Administrators {
    type Io = UnixStream;
    type Addr = unix::SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, address) = Listener::accept(&mut self.0).await;
            match stream.peer_cred() {
                Ok(peer) if is_administrator(peer.uid()) => return (stream, address),
                Ok(peer) => warn!(uid = peer.uid(), "refused a command of another user"),
                Err(cause) => warn!("refused a command of an unknown user: {cause}"),
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

fn is_administrator(uid: u32) -> bool {
    uid == Uid::effective().as_raw() || uid == 0
}

/// `sun_path` of `unix(7)`, less its closing zero.
const LONGEST_SOCKET_PATH: usize = 107;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine() {
        for good in ["127.0.0.1:8080", "127.8.0.1:1", "[::1]:8080"] {
            assert!(loopback(good.parse().unwrap()).is_ok(), "{good}");
        }
        for bad in ["0.0.0.0:8080", "192.168.1.2:80", "[::]:8080"] {
            assert!(loopback(bad.parse().unwrap()).is_err(), "{bad}");
        }
    }

    #[tokio::test]
    async fn a_left_over_socket_is_replaced_and_a_live_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("muster.sock");
        drop(commands(&path).unwrap());
        assert!(path.exists(), "a socket stays behind when its hub is killed");
        let live = commands(&path).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert!(commands(&path).unwrap_err().to_string().contains("another muster runs"));
        drop(live);
        remove_file(&path).unwrap();
        std::fs::write(&path, "somebody's notes").unwrap();
        assert!(commands(&path).unwrap_err().to_string().contains("in the way"));
        assert!(path.exists());
    }

    #[test]
    fn root_and_oneself_administrate() {
        let own = Uid::effective().as_raw();
        assert!(is_administrator(own) && is_administrator(0));
        assert!(!is_administrator(own.wrapping_add(12_345)));
    }
}
