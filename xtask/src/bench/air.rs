//! Muster, bluetoothd and a scanner made with bleak, which all hear the same advertisers in the rig's
//! machine: what each costs, whether anything is lost on the way, and how soon it is told.
//!
//! Everything is emulated in there, so the ratios are the result and the times their illustration.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

use super::{network, peers};

mod controller;
mod delay;
mod listener;
mod load;
mod loss;
mod witness;

/// What hearing costs, whether anything is lost, and how soon it is told.
pub(super) fn measure() -> anyhow::Result<()> {
    network::build(&["--package", "muster", "--package", "muster-rig"])?;
    let rig = Path::new(env!("CARGO_MANIFEST_DIR")).join("../rig");
    let prepared = Command::new(rig.join("prepare.sh")).status()?;
    ensure!(prepared.success(), "the machine cannot be prepared");
    let mut machine = Command::new(rig.join("run.sh"));
    machine.env("RIG_RADIO", network::built("radio")?);
    machine.args(["timeout", LIFE]).arg(std::env::current_exe()?);
    machine.args(["bench", "--child", "air"]).arg(peers::python()?).stdin(Stdio::null());
    let status = machine.status().context("cannot start the machine")?;
    ensure!(status.success(), "the work in the machine failed");
    Ok(())
}

/// The work inside, with the Python that has bleak.
pub(super) fn inside(arguments: &[String]) -> anyhow::Result<()> {
    let python = Path::new(arguments.first().context("which Python?")?);
    controller::wait_for_adapter()?;
    load::measure(python)?;
    loss::measure(python)?;
    delay::measure(python)
}

/// In seconds: some times what either takes.
const LIFE: &str = "7200";
