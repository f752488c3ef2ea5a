//! Linux's management socket: commands to the kernel's Bluetooth, their answers, and all that the
//! kernel tells of its adapters. What the messages say is read and written in
//! `muster_wire::bluetooth::management`.
//!
//! Whoever has `CAP_NET_ADMIN` when it is opened is trusted by the kernel for as long as it is open;
//! nobody else is told of devices. Many programs may have one each, bluetoothd among them: everybody
//! hears all events, and the answers to their own commands.
//!
//! This and the packet socket are the modules that may use `unsafe`: the standard library and its
//! friends know no Bluetooth addresses. Each block passes the kernel a pointer to a local value
//! together with that value's own size.
#![expect(unsafe_code, reason = "AF_BLUETOOTH addresses have no safe wrapper")]

use std::collections::VecDeque;
use std::io;
use std::os::fd::AsRawFd as _;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use muster_wire::bluetooth::management::{Body, Command, Message, Status, Transports};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// A socket, open and trusted; what [`Management`] is made of. It can be made before rights are given up.
#[derive(Debug)]
pub struct Trusted(Socket);

impl Trusted {
    /// Opens it. Needs `CAP_NET_ADMIN` at this moment and no longer: [`io::ErrorKind::PermissionDenied`]
    /// without it, [`io::ErrorKind::Unsupported`] on a kernel without Bluetooth.
    pub fn open() -> io::Result<Self> {
        let family = Domain::from(libc::AF_BLUETOOTH);
        let socket = Socket::new(family, Type::RAW, Some(Protocol::from(BTPROTO_HCI)));
        let socket = socket.map_err(|it| match it.raw_os_error() {
            Some(libc::EAFNOSUPPORT | libc::EPROTONOSUPPORT) => {
                io::Error::new(io::ErrorKind::Unsupported, it)
            }
            _ => it,
        })?;
        socket.set_nonblocking(true)?;
        // The kernel gives no more than `net.core.rmem_max` allows.
        socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
        socket.bind(&control()?)?;
        let it = Self(socket);
        if it.is_trusted()? { Ok(it) } else { Err(io::ErrorKind::PermissionDenied.into()) }
    }

    /// The same socket once more: what one reads the other does not hear.
    pub fn again(&self) -> io::Result<Self> {
        self.0.try_clone().map(Self)
    }

    /// The kernel lets anybody bind it, and tells those who are not trusted only what the public may
    /// know. It refuses them a command before it looks for the adapter, so asking one of an adapter that
    /// cannot be there tells. The answer waits already when the question was sent.
    fn is_trusted(&self) -> io::Result<bool> {
        let ask = Command::StopDiscovery(Transports::LOW_ENERGY);
        self.0.send(&ask.to_bytes(Some(NOBODYS)))?;
        let mut buffer = vec![0; LONGEST];
        loop {
            let length = io::Read::read(&mut &self.0, &mut buffer)?;
            let message = Message::of_socket(buffer.get(..length).unwrap_or_default());
            if let Ok((_, Message { body: Body::Answer { command, status, .. }, .. })) = message
                && command == ask.code()
            {
                return Ok(Status(status) != Status::PERMISSION_DENIED);
            }
        }
    }
}

/// The socket among the tasks of a runtime.
#[derive(Debug)]
pub struct Management {
    socket: AsyncFd<Socket>,
    /// What came while an answer was waited for, oldest first; [`MOST_WAITING`] at most.
    waiting: VecDeque<Box<[u8]>>,
    buffer: Vec<u8>,
    filled: usize,
    /// How many messages the kernel had dropped at the last look.
    dropped: u32,
    /// Whether some did not fit into `waiting`.
    overflowed: bool,
}

/// Why a command was not done.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The kernel or the controller says no.
    #[error("the kernel refused: {0}")]
    Refused(Status),
    /// No answer came in time.
    #[error("no answer came")]
    Silent,
    /// The socket failed.
    #[error("the management socket failed")]
    Socket(#[from] io::Error),
}

impl Management {
    /// Takes the socket up. Call it inside a tokio runtime.
    pub fn new(socket: Trusted) -> io::Result<Self> {
        // SAFETY: `Socket` owns its open descriptor and always gives out the same one; it is moved
        // into the `AsyncFd` and nothing here takes it out or replaces it.
        let socket = unsafe { AsyncFd::register_with_interest(socket.0, Interest::READABLE) };
        let mut it = Self {
            socket: socket.map_err(io::Error::from)?,
            waiting: VecDeque::new(),
            buffer: vec![0; LONGEST],
            filled: 0,
            dropped: 0,
            overflowed: false,
        };
        it.take_loss()?;
        Ok(it)
    }

    /// Sends a command about an adapter, or about none. Its answer comes among the messages.
    pub fn send(&self, adapter: Option<u16>, command: Command<'_>) -> io::Result<()> {
        self.socket.get_ref().send(&command.to_bytes(adapter)).map(|_| ())
    }

    /// Sends a command and waits for its answer: its parameters. What comes before it is kept for
    /// [`Self::next`].
    pub async fn ask(
        &mut self,
        adapter: Option<u16>,
        command: Command<'_>,
        patience: Duration,
    ) -> Result<Vec<u8>, CommandError> {
        self.send(adapter, command)?;
        let answer = tokio::time::timeout(patience, self.answer(adapter, command.code()));
        let (status, data) = answer.await.map_err(|_| CommandError::Silent)??;
        if status == Status::SUCCESS { Ok(data) } else { Err(CommandError::Refused(status)) }
    }

    async fn answer(&mut self, adapter: Option<u16>, code: u16) -> io::Result<(Status, Vec<u8>)> {
        loop {
            std::future::poll_fn(|cx| self.poll_read(cx)).await?;
            if let Ok((about, Message { body: Body::Answer { command, status, data }, .. })) =
                Message::of_socket(self.message())
                && (about, command) == (adapter, code)
            {
                return Ok((Status(status), data.to_vec()));
            }
            if self.waiting.len() < MOST_WAITING {
                let kept = self.message().into();
                self.waiting.push_back(kept);
            } else {
                self.overflowed = true;
            }
        }
    }

    /// Waits for the next message, to be read by [`Message::of_socket`]. Cancel-safe.
    pub async fn next(&mut self) -> io::Result<&[u8]> {
        std::future::poll_fn(|cx| self.poll_next(cx)).await?;
        Ok(self.message())
    }

    /// Ready when the next message is there, as [`Self::message`].
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(kept) = self.waiting.pop_front() else { return self.poll_read(cx) };
        self.filled = kept.len().min(LONGEST);
        for (to, from) in self.buffer.iter_mut().zip(&kept) {
            *to = *from;
        }
        Poll::Ready(Ok(()))
    }

    /// The message that came last.
    pub(crate) fn message(&self) -> &[u8] {
        self.buffer.get(..self.filled).unwrap_or_default()
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let mut guard = ready!(self.socket.poll_read_ready(cx))?;
            let buffer = &mut self.buffer;
            if let Ok(read) = guard.try_io(|it| io::Read::read(&mut it.get_ref(), buffer)) {
                self.filled = read?;
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// Whether messages were lost since the last time, because nobody fetched them.
    pub fn take_loss(&mut self) -> io::Result<bool> {
        let mut information = [0_u32; MEMORY_INFORMATION];
        let mut length = size::<[u32; MEMORY_INFORMATION]>();
        // SAFETY: `information` is a live value of exactly `length` bytes that the kernel fills; any
        // content of it is valid.
        let result = unsafe {
            libc::getsockopt(
                self.socket.get_ref().as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_MEMINFO,
                (&raw mut information).cast(),
                &raw mut length,
            )
        };
        if result != 0 {
            return Err(io::Error::last_os_error());
        }
        let [.., dropped] = information;
        let lost = dropped != std::mem::replace(&mut self.dropped, dropped);
        Ok(lost | std::mem::take(&mut self.overflowed))
    }
}

/// Where all adapters are controlled: `struct sockaddr_hci` with no adapter and the control channel.
fn control() -> io::Result<SockAddr> {
    let family = u16::try_from(libc::AF_BLUETOOTH).map_err(io::Error::other)?;
    let fields = [family, HCI_DEV_NONE, HCI_CHANNEL_CONTROL];
    // SAFETY: the storage handed to the closure is zeroed and larger than the three numbers that are
    // written to its start, where it is aligned for larger ones; the length set is theirs.
    let ((), address) = unsafe {
        SockAddr::try_init(|storage, length| {
            *storage.cast::<[u16; 3]>() = fields;
            *length = size::<[u16; 3]>();
            Ok(())
        })?
    };
    Ok(address)
}

fn size<T>() -> libc::socklen_t {
    libc::socklen_t::try_from(size_of::<T>()).unwrap_or(0)
}

const BTPROTO_HCI: i32 = 1;
const HCI_DEV_NONE: u16 = 0xffff;
const HCI_CHANNEL_CONTROL: u16 = 3;
/// No adapter has so high a number.
const NOBODYS: u16 = 0xfffe;
/// The longest message: a header and parameters of 16 bits' length are never sent whole, the kernel
/// keeps to what an extended advertisement needs.
const LONGEST: usize = 4_096;
/// Bursts of a crowded place while this process is not scheduled.
const RECEIVE_BUFFER: usize = 4 << 20;
/// What comes within the seconds that an answer takes.
const MOST_WAITING: usize = 4_096;
/// `SK_MEMINFO_VARS` of `linux/sock_diag.h`; the last of them counts what was dropped.
const MEMORY_INFORMATION: usize = 9;

#[cfg(test)]
mod tests {
    use super::*;

    /// Where the tests run there may be no Bluetooth in the kernel, or no right to be trusted: both are
    /// said, and nothing else happens.
    #[test]
    fn it_opens_or_says_why_not() {
        if let Err(error) = Trusted::open() {
            let kinds = [io::ErrorKind::Unsupported, io::ErrorKind::PermissionDenied];
            assert!(kinds.contains(&error.kind()), "{error:?}");
        }
    }
}
