//! How many keys a second are tried on private addresses on one core, and what a day of them costs.

use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use muster_core::identity::Mac;
use muster_wire::bluetooth::key::Irk;
use muster_wire::bluetooth::resolve::Resolver;

use super::figure::{Figures, RUNS, mib, number, rate, row, times};
use super::stopwatch::{Stopwatch, status_of};
use super::{network, peers};

/// Measures and prints.
pub(super) fn measure() -> anyhow::Result<()> {
    let (mut many, mut single, mut known) = <(Figures, Figures, Figures)>::default();
    for _ in 0..RUNS {
        let mut resolver = keyed(KEYS);
        // No order of octets is found, so that each key is tried both ways.
        let checks = 2 * usize::from(KEYS);
        let addresses: Vec<Mac> = (0..ADDRESSES).map(address).collect();
        let watch = Stopwatch::start();
        black_box(resolver.resolve_all(&addresses));
        many.add(rate(checks * addresses.len(), watch.elapsed()));
        let watch = Stopwatch::start();
        black_box(resolver.resolve_all(&addresses));
        known.add(rate(addresses.len(), watch.elapsed()));
        let addresses: Vec<Mac> = (ADDRESSES..2 * ADDRESSES).map(address).collect();
        let watch = Stopwatch::start();
        for one in &addresses {
            black_box(resolver.resolve(*one));
        }
        single.add(rate(checks * addresses.len(), watch.elapsed()));
    }
    row("1,000 keys tried on new addresses, many at once", &many.text("keys a second"));
    row("the same, each address by itself", &single.text("keys a second"));
    row("addresses that were tried before", &known.text("a second"));
    for (name, rate) in peers::resolve()? {
        row(&name, &format!("{} keys a second", number(rate)));
        times(&format!("each address by itself, to {name}"), single.median(), rate);
    }
    let mut day = Figures::default();
    for _ in 0..RUNS {
        day.add(mib(child(A_DAY)?.saturating_sub(child(0)?)));
    }
    row("1,000,000 addresses, peak less an empty process", &day.text("MiB"));
    network::build(&["--package", "muster"])?;
    let (mut replayed, muster) = (Figures::default(), network::built("muster")?);
    for _ in 0..RUNS {
        replayed.add(mib(replay(&muster)?));
    }
    row("muster replay of a day with them, peak less the recording", &replayed.text("MiB"));
    Ok(())
}

/// Peak memory of the whole program while it judges a day's recording, which it reads at once, less that.
fn replay(muster: &Path) -> anyhow::Result<u64> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("day.btsnoop");
    let recording = recording();
    fs::write(&file, &recording)?;
    let mut command = Command::new(muster);
    command.arg("replay").arg(&file).stdout(Stdio::null()).stderr(Stdio::null());
    let mut process = command.spawn()?;
    let number = process.id().to_string();
    let mut peak = 0;
    let status = loop {
        // What has ended tells nothing any more.
        peak = status_of(&number, "VmHWM").unwrap_or(peak);
        if let Some(status) = process.try_wait()? {
            break status;
        }
        std::thread::yield_now();
    };
    ensure!(status.success(), "the replay failed");
    Ok(peak.saturating_sub(u64::try_from(recording.len())?))
}

/// A btsnoop file of a host (H4), in which a controller reports one advertisement of each address.
fn recording() -> Vec<u8> {
    let mut file = b"btsnoop\0\0\0\0\x01\0\0\x03\xea".to_vec();
    for number in 0..A_DAY {
        let Mac(address) = address(number);
        let mut event = vec![4, 0x3e, 23, 2, 1, 0, 1];
        event.extend(address.iter().rev());
        event.extend([11, 2, 1, 0x1a, 7, 0xff, 0x4c, 0, 0x10, 2, 0x0b, 0, 0xc4]);
        let length = u32::try_from(event.len()).unwrap_or(u32::MAX);
        for field in [length, length, 1, 0] {
            file.extend(field.to_be_bytes());
        }
        file.extend((SNOOP_START + u64::from(number) * BETWEEN_US).to_be_bytes());
        file.extend(event);
    }
    file
}

/// The child's work: hears so many addresses, and prints its peak.
pub(super) fn hear(arguments: &[String]) -> anyhow::Result<()> {
    let addresses: u32 = arguments.first().context("how many addresses?")?.parse()?;
    let mut resolver = keyed(FEW_KEYS);
    for number in 0..addresses {
        black_box(resolver.resolve(address(number)));
    }
    println!("{}", status_of("self", "VmHWM")?);
    Ok(())
}

fn child(addresses: u32) -> anyhow::Result<u64> {
    let mut command = Command::new(std::env::current_exe()?);
    let output = command.args(["bench", "--child", "resolve", &addresses.to_string()]).output()?;
    ensure!(output.status.success(), "the process failed");
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}

fn keyed(keys: u16) -> Resolver {
    let mut resolver = Resolver::default();
    for number in 1..=keys {
        let [a, b] = number.to_be_bytes();
        resolver.add(&Irk::new([a, b, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]));
    }
    resolver
}

/// A resolvable address that no key resolves, but by chance.
fn address(number: u32) -> Mac {
    let [a, b, c, d] = number.to_be_bytes();
    Mac([0x40, b, c, d, a, 0x5a])
}

const KEYS: u16 = 1_000;
const FEW_KEYS: u16 = 10;
const ADDRESSES: u32 = 50_000;
const A_DAY: u32 = 1_000_000;
/// In microseconds, so that all of them fill a day.
const BETWEEN_US: u64 = 86_400;
/// 2026-11-01 as btsnoop counts it: microseconds since the year 0.
const SNOOP_START: u64 = 0x00dc_ddb3_0f2f_8000 + 1_793_491_200_000_000;
