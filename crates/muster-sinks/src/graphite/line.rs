//! What the kernel knows about a connection: the one place that asks it directly.

use std::io;
use std::os::fd::AsRawFd;

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv};
use tokio::net::TcpStream;

use super::trouble::Trouble;

/// That the peer has neither closed nor broken the connection so far, nor said anything on it.
pub(super) fn outlived(connection: &TcpStream) -> Result<(), Trouble> {
    let flags = MsgFlags::MSG_PEEK | MsgFlags::MSG_DONTWAIT;
    match recv(connection.as_raw_fd(), &mut [0], flags) {
        Ok(0) => Err(Trouble::Closed),
        Ok(_) => Err(Trouble::Answers),
        Err(Errno::EAGAIN | Errno::EINTR) => Ok(()),
        Err(cause) => Err(Trouble::Lost { cause: cause.into() }),
    }
}

/// How many written bytes the peer's machine has not acknowledged (`tcp(7)`, `SIOCOUTQ`).
pub(super) fn unacknowledged(connection: &TcpStream) -> Result<usize, Trouble> {
    let mut bytes: libc::c_int = 0;
    // SAFETY: the descriptor is open as long as the connection is borrowed, and the kernel writes
    // one integer to where the pointer points.
    #[expect(unsafe_code, reason = "no safe wrapper of SIOCOUTQ among what is linked anyway")]
    let answer = unsafe { libc::ioctl(connection.as_raw_fd(), libc::TIOCOUTQ, &raw mut bytes) };
    if answer == -1 {
        return Err(Trouble::Lost { cause: io::Error::last_os_error() });
    }
    Ok(usize::try_from(bytes).unwrap_or(0))
}
