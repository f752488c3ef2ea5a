//! The sockets of classic Bluetooth: one to an adapter's controller, and one to another device. Both
//! take no rights: the kernel lets everybody ask for names and for the service directory, and sorts
//! out what else goes through (`hci_sec_filter` in `net/bluetooth/hci_sock.c`).
//!
//! One of the modules that may use `unsafe`: the standard library and its friends know no Bluetooth
//! addresses. Each block passes the kernel a pointer to a local value together with that value's own
//! size.
#![expect(unsafe_code, reason = "AF_BLUETOOTH addresses and options have no safe wrapper")]

use std::io;
use std::os::fd::AsRawFd as _;
use std::task::{Context, Poll, ready};

use muster_core::identity::Mac;
use muster_wire::bluetooth::hci::Request;
use nix::errno::Errno;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// The raw socket of one adapter: commands to its controller, and the events that concern us.
#[derive(Debug)]
pub(super) struct Controller(AsyncFd<Socket>);

impl Controller {
    /// Opens that of `hci{index}`, whether it is on or off. Call it inside a tokio runtime.
    pub(super) fn open(index: u16) -> io::Result<Self> {
        let socket = Socket::new(family(), Type::RAW, Some(Protocol::from(BTPROTO_HCI)))?;
        socket.set_nonblocking(true)?;
        set_filter(&socket)?;
        let [low, high] = index.to_ne_bytes();
        let [first, second] = family_octets();
        socket.bind(&address(&[first, second, low, high, 0, 0])?)?;
        watched(socket, Interest::READABLE).map(Self)
    }

    /// Sends a command. It is taken now or not at all.
    pub(super) fn send(&self, request: Request) -> io::Result<()> {
        self.0.get_ref().send(&request.to_bytes()).map(drop)
    }

    /// Waits for an event and copies it into `buffer`, behind its type: how long it is. An error is the
    /// end of the adapter.
    pub(super) fn poll_event(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            let mut guard = ready!(self.0.poll_read_ready(cx))?;
            let read = guard.try_io(|it| io::Read::read(&mut it.get_ref(), buffer));
            match read {
                Ok(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
                Ok(read) => return Poll::Ready(read),
                Err(_would_block) => {}
            }
        }
    }
}

/// A connection being made to another device's service directory, which every device has. Dropping it
/// ends it.
#[derive(Debug)]
pub(super) struct Page(AsyncFd<Socket>);

impl Page {
    /// Begins to connect from the adapter with the address `from`. An error is this machine's. Call it
    /// inside a tokio runtime.
    pub(super) fn begin(from: Mac, to: Mac) -> Result<Self, Errno> {
        let begin = || {
            let protocol = Some(Protocol::from(BTPROTO_L2CAP));
            let socket = Socket::new(family(), Type::SEQPACKET, protocol)?;
            socket.set_nonblocking(true)?;
            socket.bind(&channel(from, 0)?)?;
            match socket.connect(&channel(to, SERVICE_DIRECTORY)?) {
                Err(it) if it.raw_os_error() != Some(libc::EINPROGRESS) => return Err(it),
                Ok(()) | Err(_) => {}
            }
            // Registered before it connects it would be found writable.
            watched(socket, Interest::WRITABLE)
        };
        begin().map(Self).map_err(|it: io::Error| errno(&it))
    }

    /// Waits until it is decided: connected, or why not.
    pub(super) fn poll_end(&self, cx: &mut Context<'_>) -> Poll<Result<(), Errno>> {
        if let Err(error) = ready!(self.0.poll_write_ready(cx)) {
            return Poll::Ready(Err(errno(&error)));
        }
        Poll::Ready(match self.0.get_ref().take_error() {
            Ok(None) => Ok(()),
            Ok(Some(error)) | Err(error) => Err(errno(&error)),
        })
    }
}

/// What the system said.
pub(super) fn errno(error: &io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or_default())
}

fn family() -> Domain {
    Domain::from(libc::AF_BLUETOOTH)
}

fn family_octets() -> [u8; 2] {
    u16::try_from(libc::AF_BLUETOOTH).unwrap_or_default().to_ne_bytes()
}

/// The L2CAP address of a device and a service of it: family, PSM, the address from its last octet on,
/// channel, and the kind of address, 0 for classic.
fn channel(mac: Mac, psm: u16) -> io::Result<SockAddr> {
    let mut octets = Vec::with_capacity(14);
    octets.extend(family_octets());
    octets.extend(psm.to_le_bytes());
    octets.extend(mac.0.iter().rev());
    octets.extend([0; 4]);
    address(&octets)
}

fn address(octets: &[u8]) -> io::Result<SockAddr> {
    let length = libc::socklen_t::try_from(octets.len()).map_err(io::Error::other)?;
    if octets.len() > size_of::<libc::sockaddr>() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: the storage handed to the closure is zeroed and larger than a `sockaddr`, and no more
    // than that is written to it; the length set is that of the octets written.
    let ((), address) = unsafe {
        SockAddr::try_init(|storage, written| {
            std::ptr::copy_nonoverlapping(octets.as_ptr(), storage.cast(), octets.len());
            *written = length;
            Ok(())
        })?
    };
    Ok(address)
}

/// Lets through what [`EVENTS`] names, and nothing else.
fn set_filter(socket: &Socket) -> io::Result<()> {
    let bit = |word: u8| {
        let mine = EVENTS.iter().filter(move |it| **it / 32 == word);
        mine.fold(0_u32, |bits, it| bits | 1 << (it % 32))
    };
    // struct hci_filter: kinds of packet, two words of events, and one command, 0 for all.
    let filter: [u32; 4] = [1 << EVENT_PACKET, bit(0), bit(1), 0];
    // SAFETY: `filter` is a live value and the length given is its size.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            SOL_HCI,
            HCI_FILTER,
            (&raw const filter).cast(),
            libc::socklen_t::try_from(size_of_val(&filter)).unwrap_or(0),
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn watched(socket: Socket, interest: Interest) -> io::Result<AsyncFd<Socket>> {
    // SAFETY: `Socket` owns its open descriptor and always gives out the same one; it is moved into
    // the `AsyncFd` and nothing here takes it out or replaces it.
    let watched = unsafe { AsyncFd::register_with_interest(socket, interest) };
    watched.map_err(Into::into)
}

/// Linux, `include/net/bluetooth`: `bluetooth.h`, `hci_sock.h` and `hci.h`.
const BTPROTO_L2CAP: libc::c_int = 0;
const BTPROTO_HCI: libc::c_int = 1;
const SOL_HCI: libc::c_int = 0;
const HCI_FILTER: libc::c_int = 2;
const EVENT_PACKET: u32 = 4;
/// The service discovery server's PSM (Assigned Numbers, 3.1).
const SERVICE_DIRECTORY: u16 = 1;
/// Inquiries and what they find, links that begin and end, names, and answers to commands.
const EVENTS: [u8; 9] = [0x01, 0x02, 0x03, 0x05, 0x07, 0x0e, 0x0f, 0x22, 0x2f];
