//! The virtual controller and who is around, from inside the machine.

use std::fmt::Write as _;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, ensure};

use super::super::stopwatch::Stopwatch;

/// Asks the controller for something; what it says.
pub(super) fn tell(requests: &[String]) -> anyhow::Result<String> {
    let told = Command::new("radio").arg("tell").args(requests).output();
    let told = told.context("cannot start radio")?;
    let said = String::from_utf8_lossy(&told.stdout).into_owned();
    ensure!(told.status.success(), "radio: {said}{}", String::from_utf8_lossy(&told.stderr));
    Ok(said)
}

/// So many devices, all in sight by one order, and every one of their advertisements.
pub(super) fn crowd() -> anyhow::Result<()> {
    let mut requests = vec!["duplicates reported".to_owned()];
    requests.extend((0..CROWD).map(tag));
    tell(&requests).map(drop)
}

/// A device with a text of an attendance app, which says so in manufacturer data of nobody.
fn tag(number: u32) -> String {
    let mut data = "02010614ffffff".to_owned();
    for octet in format!("ATT-USER-{number:08x}").bytes() {
        // Writing to a text cannot fail.
        let _done: Result<(), _> = write!(data, "{octet:02x}");
    }
    format!("advertiser {} interval={EVERY_MS} jitter=4 data={data}", address(number))
}

/// A device of which nothing is known but its address.
pub(super) fn newcomer(number: u32) -> String {
    format!("advertiser {} interval=100", address(number))
}

/// A random static address.
pub(super) fn address(number: u32) -> String {
    let [_, _, a, b] = number.to_be_bytes();
    format!("C0:00:00:00:{a:02X}:{b:02X}")
}

/// Everybody is gone.
pub(super) fn clear() -> anyhow::Result<()> {
    tell(&["clear".to_owned()]).map(drop)
}

/// How many advertisements it handed to the kernel since it started.
pub(super) fn reports() -> anyhow::Result<u64> {
    Ok(state("reports")?.parse()?)
}

/// Waits until the kernel has it scan, or has it not.
pub(super) fn wait_for_scan(wanted: &str) -> anyhow::Result<()> {
    wait(&format!("scan={wanted}"), || Ok(state("scan")? == wanted))
}

pub(super) fn wait_for_adapter() -> anyhow::Result<()> {
    let get = "get-property org.bluez /org/bluez/hci0 org.bluez.Adapter1 Powered";
    wait("an adapter that is on", || {
        let said = Command::new("busctl").args(get.split(' ')).output()?;
        Ok(said.stdout.trim_ascii() == b"b true")
    })
}

fn state(key: &str) -> anyhow::Result<String> {
    let said = tell(&["state".to_owned()])?;
    let value = said.split_whitespace().find_map(|it| it.strip_prefix(key)?.strip_prefix('='));
    Ok(value.with_context(|| format!("the controller does not say its {key}: {said}"))?.to_owned())
}

/// Looks again until it is so.
pub(super) fn wait(what: &str, is_so: impl Fn() -> anyhow::Result<bool>) -> anyhow::Result<()> {
    let watch = Stopwatch::start();
    while !is_so()? {
        ensure!(watch.elapsed() < PATIENCE, "waited in vain: {what}");
        sleep(AGAIN);
    }
    Ok(())
}

/// With the delay of up to 10 ms that each advertisement gets: 488 a second in all.
const CROWD: u32 = 100;
const EVERY_MS: u32 = 200;
/// Longer than a discovery that nobody ends goes on, and than Python starts in there.
const PATIENCE: Duration = Duration::from_mins(1);
const AGAIN: Duration = Duration::from_millis(200);
