//! The world's end of the controller: `/dev/vhci`, the socket for requests, and the one clock.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};

use crate::address::Address;
use crate::controller::Controller;
use crate::request::Request;

/// Serves until the kernel takes its end away.
pub(crate) fn run(socket: &Path, address: Address, extended: bool) -> io::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(serve(socket, address, extended))?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(socket: &Path, address: Address, extended: bool) -> io::Result<()> {
    let mut controller = Controller::new(address, extended);
    let mut adapter = Some(Adapter::plug()?);
    // Bound when there is an adapter: who can ask finds one.
    let listener = UnixListener::bind(socket)?;
    let (sender, mut asked) = mpsc::channel(1);
    tokio::spawn(listen(listener, sender));
    loop {
        let wait = controller.deadline().map(|it| it.saturating_sub(running()));
        tokio::select! {
            packet = next_packet(adapter.as_ref()) => controller.receive(&packet?, running()),
            Some((line, answer)) = asked.recv() => {
                let said = ask(&mut controller, &mut adapter, &line);
                // Who asked and left wants no answer.
                let _gone: Result<(), _> = answer.send(said);
            }
            () = tokio::time::sleep(wait.unwrap_or(IDLE)) => {}
        }
        controller.advance(running());
        for packet in controller.take_packets() {
            if let Some(adapter) = &adapter {
                adapter.write(&packet)?;
            }
        }
    }
}

/// One request's answer, in a line.
fn ask(controller: &mut Controller, adapter: &mut Option<Adapter>, line: &str) -> String {
    let request = match Request::parse(line) {
        Ok(request) => request,
        Err(error) => return error.to_string(),
    };
    if request == Request::Plugged(false) {
        *adapter = None;
        controller.reset();
    } else if request == Request::Plugged(true) && adapter.is_none() {
        match Adapter::plug() {
            Ok(it) => *adapter = Some(it),
            Err(error) => return error.to_string(),
        }
    }
    match controller.request(request, running()) {
        Ok(said) => format!("ok {said}"),
        Err(error) => error.to_string(),
    }
}

type Asked = (String, oneshot::Sender<String>);

async fn listen(listener: UnixListener, sender: mpsc::Sender<Asked>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(converse(stream, sender.clone()));
    }
}

async fn converse(stream: UnixStream, sender: mpsc::Sender<Asked>) -> io::Result<()> {
    let (from, mut to) = stream.into_split();
    let mut lines = BufReader::new(from).lines();
    while let Some(line) = lines.next_line().await? {
        let (answer, answered) = oneshot::channel();
        let Ok(()) = sender.send((line, answer)).await else { break };
        let Ok(said) = answered.await else { break };
        to.write_all(format!("{}\n", said.trim_end()).as_bytes()).await?;
    }
    Ok(())
}

/// The kernel's end of the controller; dropping it is pulling it out of its socket.
#[derive(Debug)]
struct Adapter(AsyncFd<File>);

impl Adapter {
    fn plug() -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).custom_flags(nix::libc::O_NONBLOCK);
        let mut file = options.open("/dev/vhci")?;
        // A new controller of the primary kind, nothing special about it.
        file.write_all(&[VENDOR, 0])?;
        Ok(Self(watched(file)?))
    }

    /// The kernel takes a packet whole, or not.
    fn write(&self, packet: &[u8]) -> io::Result<()> {
        self.0.get_ref().write(packet).map(drop)
    }

    async fn read(&self) -> io::Result<Vec<u8>> {
        let mut buffer = vec![0; MOST_PACKET];
        loop {
            let mut ready = self.0.readable().await?;
            match ready.try_io(|it| it.get_ref().read(&mut buffer)) {
                Ok(Ok(0)) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(Ok(length)) => {
                    buffer.truncate(length);
                    return Ok(buffer);
                }
                Ok(Err(error)) if error.kind() == ErrorKind::Interrupted => {}
                Ok(Err(error)) => return Err(error),
                Err(_not_yet) => {}
            }
        }
    }
}

#[expect(unsafe_code, reason = "tokio's way to watch a file that it does not own has no safe form")]
fn watched(file: File) -> io::Result<AsyncFd<File>> {
    // SAFETY: `File` owns one open descriptor and answers with that one for as long as it lives; it
    // moves into the `AsyncFd` and nothing here takes it out or replaces it.
    let watched = unsafe { AsyncFd::register(file) };
    watched.map_err(io::Error::from)
}

/// The host's next packet; none while the adapter is out.
async fn next_packet(adapter: Option<&Adapter>) -> io::Result<Vec<u8>> {
    match adapter {
        Some(adapter) => adapter.read().await,
        None => std::future::pending().await,
    }
}

/// Time as it passes, whatever the civil clock does.
fn running() -> Duration {
    clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(Duration::ZERO, Duration::from)
}

/// How long to wait when nothing is due.
const IDLE: Duration = Duration::from_hours(1);
/// Longer than any packet that the controller allows: a command of 258 bytes, data of 1,025.
const MOST_PACKET: usize = 2048;
/// The kernel's own kind of packet, which makes a controller (Documentation of `hci_vhci`).
const VENDOR: u8 = 0xff;
