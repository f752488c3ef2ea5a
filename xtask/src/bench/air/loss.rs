//! Whether anything is lost between whoever delivers and Muster, with a witness at that place.

use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use anyhow::Context;

use super::super::figure::row;
use super::controller;
use super::listener::{Listener, Who};
use super::witness::Witness;

/// Counts and prints.
pub(super) fn measure(python: &Path) -> anyhow::Result<()> {
    let kernel = Witness::of_kernel()?;
    let (told, heard) = listen(Who::Kernel, python)?;
    row("by the kernel: the controller told", &told.to_string());
    row("the kernel passed on, to each listener", &format!("{:?}", kernel.passed_on()?));
    row("muster heard", &heard.to_string());
    let daemon = Witness::of_daemon()?;
    let (told, heard) = listen(Who::Daemon, python)?;
    row("by bluetoothd: the controller told", &told.to_string());
    row("bluetoothd signalled", &daemon.signals()?.to_string());
    row("muster heard", &heard.to_string());
    Ok(())
}

/// How many advertisements were told while a scan listened, and how many it heard.
fn listen(who: Who, python: &Path) -> anyhow::Result<(u64, u64)> {
    let listener = Listener::start(who, python, LENGTH + MARGIN)?;
    let before = controller::reports()?;
    controller::crowd()?;
    sleep(LENGTH);
    controller::clear()?;
    let told = controller::reports()? - before;
    Ok((told, listener.heard()?.context("it does not count")?))
}

const LENGTH: Duration = Duration::from_secs(25);
const MARGIN: Duration = Duration::from_secs(12);
