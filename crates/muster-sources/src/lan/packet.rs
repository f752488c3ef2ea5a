//! The packet socket of one interface: whole frames in and out. Needs `CAP_NET_RAW`.
//!
//! One of the modules that may use `unsafe`: the standard library and its friends know neither packet
//! addresses nor packet options. Each block passes the kernel a pointer to a local value together
//! with that value's own size.
#![expect(unsafe_code, reason = "AF_PACKET addresses and options have no safe wrapper")]

use std::io;
use std::os::fd::AsRawFd;
use std::task::{Context, Poll, ready};

use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::filter;

/// An open packet socket. It hears nothing that this machine sends itself.
#[derive(Debug)]
pub struct PacketSocket {
    socket: AsyncFd<Socket>,
    filter_length: u32,
}

impl PacketSocket {
    /// Opens it on the interface, in the network namespace of the calling thread.
    pub fn open(index: u32) -> io::Result<Self> {
        // Protocol zero hears nothing: no frame can come before the filter stands.
        let socket =
            Socket::new(Domain::from(libc::AF_PACKET), Type::RAW, Some(Protocol::from(0)))?;
        socket.set_nonblocking(true)?;
        socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
        let program = filter::program();
        socket.attach_filter(&program)?;
        set_option(&socket, libc::PACKET_IGNORE_OUTGOING, 1)?;
        socket.bind(&address(index)?)?;
        let it = Self {
            socket: watched(socket)?,
            filter_length: u32::try_from(program.len()).unwrap_or(u32::MAX),
        };
        it.take_drops()?;
        Ok(it)
    }

    /// Waits for a frame and copies it into `buffer`; how long it is. Longer frames are cut.
    pub async fn frame(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        std::future::poll_fn(|cx| self.poll_frame(cx, buffer)).await
    }

    /// Waits for a frame and copies it into `buffer`; how long it is. Longer frames are cut.
    pub(super) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            let mut guard = ready!(self.socket.poll_read_ready(cx))?;
            let read = guard.try_io(|it| io::Read::read(&mut it.get_ref(), buffer));
            if let Ok(read) = read {
                return Poll::Ready(read);
            }
        }
    }

    /// A frame that has come already, if any.
    pub(super) fn try_frame(&self, buffer: &mut [u8]) -> Option<usize> {
        io::Read::read(&mut self.socket.get_ref(), buffer).ok()
    }

    /// Sends a whole frame. It goes out now or not at all.
    pub fn send(&self, frame: &[u8]) -> io::Result<()> {
        self.socket.get_ref().send(frame).map(|_| ())
    }

    /// How many frames the kernel had to drop since the last time, because nobody fetched them.
    pub(super) fn take_drops(&self) -> io::Result<u32> {
        let mut statistics = libc::tpacket_stats { tp_packets: 0, tp_drops: 0 };
        let mut length = size::<libc::tpacket_stats>();
        // SAFETY: `statistics` is a live value of exactly `length` bytes that the kernel fills; any
        // content of it is valid.
        let result = unsafe {
            libc::getsockopt(
                self.socket.get_ref().as_raw_fd(),
                libc::SOL_PACKET,
                libc::PACKET_STATISTICS,
                (&raw mut statistics).cast(),
                &raw mut length,
            )
        };
        if result == 0 { Ok(statistics.tp_drops) } else { Err(io::Error::last_os_error()) }
    }

    /// Whether the kernel still has our filter, whole.
    pub(super) fn filter_stands(&self) -> bool {
        let mut instructions: libc::socklen_t = 0;
        // SAFETY: with a length of zero the kernel writes nothing but the number of instructions,
        // which it puts into `instructions`.
        let result = unsafe {
            libc::getsockopt(
                self.socket.get_ref().as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_GET_FILTER,
                std::ptr::null_mut(),
                &raw mut instructions,
            )
        };
        result == 0 && instructions == self.filter_length
    }

    /// The error that the kernel keeps for the socket: the interface went down or away.
    pub(super) fn take_error(&self) -> Option<io::Error> {
        self.socket.get_ref().take_error().ok().flatten()
    }

    #[cfg(test)]
    pub(super) fn drop_filter(&self) -> io::Result<()> {
        self.socket.get_ref().detach_filter()
    }
}

fn address(index: u32) -> io::Result<SockAddr> {
    let protocol = u16::try_from(libc::ETH_P_ALL).unwrap_or(3).to_be();
    let index = i32::try_from(index).map_err(io::Error::other)?;
    // SAFETY: the storage handed to the closure is zeroed and larger than `sockaddr_ll`; the length
    // set is that of the value written.
    let ((), address) = unsafe {
        SockAddr::try_init(|storage, length| {
            let link = &mut *storage.cast::<libc::sockaddr_ll>();
            link.sll_family = u16::try_from(libc::AF_PACKET).unwrap_or_default();
            link.sll_protocol = protocol;
            link.sll_ifindex = index;
            *length = size::<libc::sockaddr_ll>();
            Ok(())
        })?
    };
    Ok(address)
}

fn watched(socket: Socket) -> io::Result<AsyncFd<Socket>> {
    // SAFETY: `Socket` owns its open descriptor and always gives out the same one; it is moved into
    // the `AsyncFd` and nothing here takes it out or replaces it.
    let watched = unsafe { AsyncFd::register_with_interest(socket, Interest::READABLE) };
    watched.map_err(Into::into)
}

fn set_option(socket: &Socket, option: libc::c_int, value: libc::c_int) -> io::Result<()> {
    // SAFETY: `value` is a live `c_int` and the length given is its size.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_PACKET,
            option,
            (&raw const value).cast(),
            size::<libc::c_int>(),
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn size<T>() -> libc::socklen_t {
    libc::socklen_t::try_from(size_of::<T>()).unwrap_or(0)
}

/// Room for the answers to a fast sweep of a /16 that come while this process is not scheduled.
const RECEIVE_BUFFER: usize = 4 << 20;
