//! The sockets of classic Bluetooth: one to an adapter's controller, and those to another device. Only
//! echoes take a right: the kernel lets everybody ask for names, for the service directory and for the
//! links that there are, and sorts out what else goes through (`hci_sec_filter` in
//! `net/bluetooth/hci_sock.c`).
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

    /// The classic links of `hci{index}` that the kernel has: handle and device. It tells everybody.
    pub(super) fn links(&self, index: u16) -> io::Result<Vec<(u16, Mac)>> {
        let mut list = LinkList { index, count: ROOM, links: [Link::default(); MOST_LINKS] };
        // SAFETY: `list` is a live value whose first two numbers say how many entries have room in it;
        // the kernel writes no more than that (`hci_get_conn_list` in `net/bluetooth/hci_conn.c`).
        let result =
            unsafe { libc::ioctl(self.0.get_ref().as_raw_fd(), HCIGETCONNLIST, &raw mut list) };
        if result != 0 {
            return Err(io::Error::last_os_error());
        }
        let all = list.links.iter().take(list.count.into());
        let classic = all.filter(|it| it.kind == ACL_LINK && LINKED.contains(&it.state));
        Ok(classic.map(|it| (it.handle, it.mac())).collect())
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

/// The kernel's list of links, `struct hci_conn_list_req`.
#[repr(C)]
struct LinkList {
    index: u16,
    count: u16,
    links: [Link; MOST_LINKS],
}

/// One of them, `struct hci_conn_info`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Link {
    handle: u16,
    /// From its last octet on.
    address: [u8; 6],
    kind: u8,
    is_ours: u8,
    state: u16,
    mode: u32,
}

impl Link {
    fn mac(self) -> Mac {
        let mut octets = self.address;
        octets.reverse();
        Mac(octets)
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
        let socket = connecting(Type::SEQPACKET, from, to, SERVICE_DIRECTORY)?;
        // Registered before it connects it would be found writable.
        watched(socket, Interest::WRITABLE).map(Self).map_err(|it| errno(&it))
    }

    /// Waits until it is decided: connected, or why not.
    pub(super) fn poll_end(&self, cx: &mut Context<'_>) -> Poll<Result<(), Errno>> {
        poll_connected(&self.0, cx)
    }
}

/// An L2CAP echo (Core Specification, Vol 3, Part A, 4.8), after a page where there is no link yet.
/// Dropping it ends it; a link that nobody else uses ends with it.
#[derive(Debug)]
pub(super) struct Ping {
    socket: AsyncFd<Socket>,
    is_sent: bool,
}

impl Ping {
    /// Begins, from the adapter with the address `from`. An error is this machine's: `EPERM` without
    /// `CAP_NET_RAW`. Call it inside a tokio runtime.
    pub(super) fn begin(from: Mac, to: Mac) -> Result<Self, Errno> {
        let socket = connecting(Type::RAW, from, to, 0)?;
        let socket = watched(socket, Interest::WRITABLE | Interest::READABLE);
        Ok(Self { socket: socket.map_err(|it| errno(&it))?, is_sent: false })
    }

    /// Waits until the echo is back, or it is decided why it never will be.
    pub(super) fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Errno>> {
        if !self.is_sent {
            ready!(poll_connected(&self.socket, cx))?;
            self.socket.get_ref().send(&ECHO).map_err(|it| errno(&it))?;
            self.is_sent = true;
        }
        let mut buffer = [0; 64];
        loop {
            let mut guard = ready!(self.socket.poll_read_ready(cx)).map_err(|it| errno(&it))?;
            match guard.try_io(|it| io::Read::read(&mut it.get_ref(), &mut buffer)) {
                Ok(Ok(0)) => return Poll::Ready(Err(Errno::ENOTCONN)),
                Ok(Ok(read)) if is_back(buffer.get(..read).unwrap_or_default()) => {
                    return Poll::Ready(Ok(()));
                }
                // Signals about other channels of the link.
                Ok(Ok(_)) | Err(_) => {}
                Ok(Err(error)) => return Poll::Ready(Err(errno(&error))),
            }
        }
    }
}

/// Whether a signal is the answer to the echo; one that rejects it is too.
fn is_back(signal: &[u8]) -> bool {
    matches!(signal, [ECHO_RESPONSE | COMMAND_REJECT, id, ..] if *id == ECHO[1])
}

/// A socket that has begun to connect, from one address to another.
fn connecting(kind: Type, from: Mac, to: Mac, psm: u16) -> Result<Socket, Errno> {
    let begin = || {
        let socket = Socket::new(family(), kind, Some(Protocol::from(BTPROTO_L2CAP)))?;
        socket.set_nonblocking(true)?;
        socket.bind(&channel(from, 0)?)?;
        match socket.connect(&channel(to, psm)?) {
            Err(it) if it.raw_os_error() != Some(libc::EINPROGRESS) => Err(it),
            Ok(()) | Err(_) => Ok(socket),
        }
    };
    begin().map_err(|it: io::Error| errno(&it))
}

/// Waits until it is decided: connected, or why not.
fn poll_connected(socket: &AsyncFd<Socket>, cx: &mut Context<'_>) -> Poll<Result<(), Errno>> {
    if let Err(error) = ready!(socket.poll_write_ready(cx)) {
        return Poll::Ready(Err(errno(&error)));
    }
    Poll::Ready(match socket.get_ref().take_error() {
        Ok(None) => Ok(()),
        Ok(Some(error)) | Err(error) => Err(errno(&error)),
    })
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

/// An adapter has seven links to others on one piconet, and few of those (Core Specification, Vol 2,
/// Part B, 4.1); the kernel writes up to 512.
const MOST_LINKS: usize = 64;
const ROOM: u16 = 64;
/// Linux, `include/net/bluetooth`: `bluetooth.h`, `hci_sock.h` and `hci.h`.
const BTPROTO_L2CAP: libc::c_int = 0;
const BTPROTO_HCI: libc::c_int = 1;
const SOL_HCI: libc::c_int = 0;
const HCI_FILTER: libc::c_int = 2;
/// `_IOR('H', 212, int)`, on x86, ARM and RISC-V.
const HCIGETCONNLIST: libc::Ioctl = 0x8004_48d4;
const ACL_LINK: u8 = 0x01;
/// `BT_CONNECTED`, and `BT_CONFIG` while the kernel reads what the other side can.
const LINKED: [u16; 2] = [1, 7];
const EVENT_PACKET: u32 = 4;
/// The service discovery server's PSM (Assigned Numbers, 3.1).
const SERVICE_DIRECTORY: u16 = 1;
/// An echo request without data, by a number that the kernel gives none of its own signals: those go up
/// to 128 (`l2cap_get_ident` in `net/bluetooth/l2cap_core.c`).
const ECHO: [u8; 4] = [0x08, 200, 0, 0];
const ECHO_RESPONSE: u8 = 0x09;
const COMMAND_REJECT: u8 = 0x01;
/// Inquiries and what they find, links that begin and end, names, and answers to commands.
const EVENTS: [u8; 9] = [0x01, 0x02, 0x03, 0x05, 0x07, 0x0e, 0x0f, 0x22, 0x2f];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_echo_is_known_among_other_signals() {
        assert!(is_back(&[0x09, 200, 0, 0]) && is_back(&[0x09, 200, 2, 0, 1, 2]));
        assert!(is_back(&[0x01, 200, 2, 0, 0, 0]), "it does not know echoes");
        for other in [&[0x09, 1, 0, 0][..], &[0x02, 200, 4, 0], &[0x09], &[]] {
            assert!(!is_back(other), "{other:?}");
        }
    }

    #[test]
    fn a_link_of_the_kernels_list_has_the_size_that_the_kernel_writes() {
        assert_eq!((size_of::<Link>(), std::mem::offset_of!(LinkList, links)), (16, 4));
        let link = Link { address: [1, 0, 0, 0x7d, 0x1a, 0], ..Link::default() };
        assert_eq!(link.mac().to_string(), "00:1a:7d:00:00:01");
        assert_eq!(usize::from(ROOM), MOST_LINKS);
    }
}
