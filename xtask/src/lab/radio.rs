//! `cargo xtask lab radio`: a machine with Debian's kernel and a real bluetoothd, to try Muster's radio
//! by hand.
//!
//! The machine is `rig/`; this builds what it runs and puts a few devices around it. It sees the host's
//! files and changes none of them.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::Context;
use clap::Args;

use super::{cargo, passed_on, run_to_end, target};

/// What to do in the machine.
#[derive(Debug, Args)]
pub(crate) struct Radio {
    /// Run this instead of a shell, with nobody around
    #[arg(last = true)]
    command: Vec<String>,
}

/// Opens the lab and waits until it is left.
pub(super) fn open(radio: &Radio) -> anyhow::Result<ExitCode> {
    run_to_end(cargo().args(["build", "--package", "muster-rig", "--bin", "radio"]))?;
    run_to_end(cargo().args(["build", "--package", "muster"]))?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("no workspace")?;
    run_to_end(&mut Command::new(root.join("rig/prepare.sh")))?;
    let mut machine = Command::new(root.join("rig/run.sh"));
    machine.env("RIG_RADIO", target().join("radio"));
    if radio.command.is_empty() {
        explain();
        machine.args(["bash", "-c", &first(&target())]);
    } else {
        machine.args(&radio.command);
    }
    Ok(passed_on(machine.status().context("cannot start the machine")?))
}

/// What is done before the shell opens: neighbours, and where to find `muster`.
fn first(programs: &Path) -> String {
    let neighbours = NEIGHBOURS.iter().fold(String::new(), |text, it| text + " '" + it + "'");
    format!(
        "export PATH=\"$PATH:{}\" MUSTER_DATA=/tmp/muster
        until radio tell state > /dev/null 2>&1; do sleep 0.1; done
        radio tell{neighbours}
        exec bash --noprofile --norc -i",
        programs.display()
    )
}

fn explain() {
    println!("A machine starts; it takes ten seconds. In it:");
    println!();
    println!("  bluetoothctl      its adapter, as on any other machine");
    println!("  radio tell state  what the virtual controller is doing");
    println!("  radio tell --help how to change who is around: a tag and a phone to begin with");
    println!("  muster serve      the hub (also: muster who ...)");
    println!("  exit              take everything away again");
    println!();
}

const NEIGHBOURS: [&str; 2] = [
    "advertiser C0:11:22:33:44:55 rssi=-63 jitter=6 interval=500 name=Tag",
    "phone 00:1A:7D:00:00:01 rssi=-55 name=Phone",
];
