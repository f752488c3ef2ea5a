//! Who writes down what passes between the controller, the kernel and bluetoothd: `BlueZ`'s btmon and
//! D-Bus's own monitor.

use std::collections::BTreeMap;
use std::fs::File;
use std::process::{Child, Command, Stdio};

use anyhow::Context;
use muster_wire::bluetooth::{Body, decode};
use muster_wire::capture::{Capture, Record};

use super::{controller, listener};

/// One that writes down; dropping it ends it.
#[derive(Debug)]
pub(super) struct Witness {
    child: Child,
    path: &'static str,
}

impl Witness {
    /// What passes between controller and kernel.
    pub(super) fn of_kernel() -> anyhow::Result<Self> {
        // It cannot ask for more itself, and what it overlooks is no witness.
        std::fs::write("/proc/sys/net/core/rmem_default", ROOM)?;
        let mut command = Command::new("btmon");
        command.args(["-w", KERNEL]).stdout(Stdio::null());
        Self::start(command, KERNEL)
    }

    /// What bluetoothd signals.
    pub(super) fn of_daemon() -> anyhow::Result<Self> {
        let mut command = Command::new("dbus-monitor");
        command.args(["--system", "--pcap", "type='signal',sender='org.bluez'"]);
        command.stdout(File::create(DAEMON)?);
        Self::start(command, DAEMON)
    }

    fn start(mut command: Command, path: &'static str) -> anyhow::Result<Self> {
        // A file of before is no sign of life.
        std::fs::write(path, "")?;
        command.stdin(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
        let it = Self { child, path };
        controller::wait("a witness", || Ok(std::fs::metadata(path)?.len() > 0))?;
        Ok(it)
    }

    /// Ends it; what it wrote down.
    fn records(mut self) -> anyhow::Result<Vec<Record>> {
        listener::end(&self.child)?;
        self.child.wait()?;
        // A monitor that is ended may leave half a record behind.
        Ok(Capture::open(File::open(self.path)?)?.filter_map(Result::ok).collect())
    }

    /// How many advertisements the kernel passed on to each program that listened, the most first.
    pub(super) fn passed_on(self) -> anyhow::Result<Vec<u64>> {
        let mut programs: BTreeMap<Vec<u8>, u64> = BTreeMap::new();
        for it in self.records()? {
            let Ok(Some(packet)) = decode(it.link, &it.bytes) else { continue };
            // Behind adapter and opcode, the monitor says for which socket it is.
            if let (Body::Management(_), Some(socket)) = (&packet.body, it.bytes.get(4..8)) {
                let found = u64::try_from(packet.advertisements().count())?;
                *programs.entry(socket.to_owned()).or_default() += found;
            }
        }
        let mut all: Vec<u64> = programs.into_values().filter(|it| *it > 0).collect();
        all.sort_unstable_by(|a, b| b.cmp(a));
        Ok(all)
    }

    /// How many signals bluetoothd sent because it heard something.
    pub(super) fn signals(self) -> anyhow::Result<u64> {
        let records = self.records()?;
        Ok(records.iter().filter(|it| is_report(&it.bytes)).count().try_into()?)
    }

    /// When bluetoothd first told of each device, in microseconds of civil time.
    pub(super) fn newcomers(self) -> anyhow::Result<BTreeMap<String, i64>> {
        let mut all = BTreeMap::new();
        for it in self.records()?.iter().filter(|it| has(&it.bytes, b"InterfacesAdded")) {
            if let Some(path) = path(&it.bytes) {
                all.entry(path).or_insert(it.at.micros());
            }
        }
        Ok(all)
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        // It may have ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A change of what comes with every advertisement, or a device that came with its signal. A signal that
/// only says what holds no longer, as at the end of a discovery, is none.
fn is_report(message: &[u8]) -> bool {
    let told = [&b"RSSI"[..], b"ManufacturerData", b"ServiceData"];
    let Some(at) = find(message, DEVICE) else { return false };
    // The length of what changed stands behind the name of the interface, its end and padding.
    let changed = message.get(at + DEVICE.len() + 3..).and_then(|it| it.first_chunk());
    let is_change = changed.is_some_and(|it| u32::from_le_bytes(*it) > 0);
    let is_new = has(message, b"InterfacesAdded");
    (is_new || is_change) && told.iter().any(|it| has(message, it))
}

fn has(message: &[u8], text: &[u8]) -> bool {
    find(message, text).is_some()
}

fn find(message: &[u8], text: &[u8]) -> Option<usize> {
    message.windows(text.len()).position(|it| it == text)
}

/// The device that a message names.
fn path(message: &[u8]) -> Option<String> {
    let prefix = b"/org/bluez/hci0/dev_";
    let at = find(message, prefix)?;
    let name = message.get(at + prefix.len()..)?.get(..17)?;
    Some(String::from_utf8_lossy(name).replace('_', ":"))
}

const DEVICE: &[u8] = b"org.bluez.Device1";
/// Bytes that wait for a program that reads a socket.
const ROOM: &str = "16777216";
const KERNEL: &str = "/tmp/kernel.btsnoop";
const DAEMON: &str = "/tmp/daemon.pcap";
