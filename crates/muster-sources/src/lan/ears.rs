//! What a channel hears frames with: a packet socket, or the reason why there is none.
//!
//! Waits for nothing and judges nothing; it tells whether everything that came was handed out.

use std::io;
use std::task::{Context, Poll};

use super::packet::PacketSocket;

/// The ears of one link.
#[derive(Debug)]
pub(super) struct Ears {
    index: u32,
    socket: Result<PacketSocket, io::Error>,
}

impl Ears {
    /// Opens them if this process may.
    pub(super) fn open(index: u32) -> Self {
        Self { index, socket: PacketSocket::open(index) }
    }

    /// The socket, to send with.
    pub(super) fn socket(&self) -> Option<&PacketSocket> {
        self.socket.as_ref().ok()
    }

    /// Why there are none.
    pub(super) fn error(&self) -> Option<&io::Error> {
        self.socket.as_ref().err()
    }

    /// Waits for a frame; how long it is. After an error there are no ears until [`Self::reopen`].
    pub(super) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<Result<usize, String>> {
        let Ok(socket) = &mut self.socket else { return Poll::Pending };
        socket.poll_frame(cx, buffer).map_err(|error| {
            let why = format!("cannot hear: {error}");
            self.socket = Err(error);
            why
        })
    }

    /// A frame that has come already, if any.
    pub(super) fn try_frame(&self, buffer: &mut [u8]) -> Option<usize> {
        self.socket()?.try_frame(buffer)
    }

    /// What was wrong since the last time, if anything.
    pub(super) fn check(&mut self) -> Option<String> {
        let trouble = check(self.socket()?);
        if trouble.as_deref() == Some(FILTER_GONE) {
            // What it hears without its filter is not what it was made for: begin anew.
            self.socket = PacketSocket::open(self.index);
        }
        trouble
    }

    /// Opens what was lost; what is not allowed is not tried.
    pub(super) fn reopen(&mut self) {
        if let Err(error) = &self.socket
            && error.kind() != io::ErrorKind::PermissionDenied
        {
            self.socket = PacketSocket::open(self.index);
        }
    }
}

fn check(socket: &PacketSocket) -> Option<String> {
    if let Some(error) = socket.take_error() {
        return Some(format!("cannot hear: {error}"));
    }
    if !socket.filter_stands() {
        return Some(FILTER_GONE.to_owned());
    }
    match socket.take_drops() {
        Ok(0) => None,
        Ok(lost) => Some(format!("too busy to hear everything: {lost} frames lost")),
        Err(error) => Some(format!("cannot hear: {error}")),
    }
}

const FILTER_GONE: &str = "the kernel's filter is gone from the socket";
