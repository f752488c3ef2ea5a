//! What hearing 488 advertisements a second costs: processor time of whoever listens and of those in
//! between, and memory.

use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use anyhow::Context;

use super::super::figure::{Figures, mib, row, times};
use super::super::stopwatch::{cpu_of, status_of};
use super::controller;
use super::listener::{Listener, Who};

/// Measures and prints.
pub(super) fn measure(python: &Path) -> anyhow::Result<()> {
    let mut all = [Who::Kernel, Who::Daemon, Who::Bleak, Who::KernelHub].map(Load::new);
    for _ in 0..ROUNDS {
        for load in &mut all {
            load.add(python)?;
        }
    }
    for it in &all {
        let name = it.who.name();
        row(&format!("{name}: processor"), &it.own.text("s"));
        row(&format!("{name}: bluetoothd's meanwhile"), &it.daemon.text("s"));
        row(
            &format!("{name}: advertisements in its time"),
            &it.told.text("told by the controller"),
        );
        if it.who != Who::KernelHub {
            row(&format!("{name}: of those"), &it.heard.text("% heard"));
        }
        row(&format!("{name}: resident"), &it.resident.text("MiB"));
        row(&format!("{name}: peak"), &it.peak.text("MiB"));
    }
    let [kernel, daemon, bleak, hub] = &all;
    for it in [kernel, daemon, hub] {
        let name = it.who.name();
        times(&format!("{name}, to bluetoothd"), it.own.median(), daemon.daemon.median());
        times(&format!("{name}, to bleak"), it.own.median(), bleak.own.median());
    }
    Ok(())
}

/// The figures of one listener.
struct Load {
    who: Who,
    own: Figures,
    daemon: Figures,
    told: Figures,
    heard: Figures,
    resident: Figures,
    peak: Figures,
}

impl Load {
    fn new(who: Who) -> Self {
        let [own, daemon, told, heard, resident, peak] = <[Figures; 6]>::default();
        Self { who, own, daemon, told, heard, resident, peak }
    }

    /// Has it listen once more.
    fn add(&mut self, python: &Path) -> anyhow::Result<()> {
        let length = SETTLE + LENGTH + MARGIN;
        let listener = Listener::start(self.who, python, length)?;
        let daemon = process("bluetoothd")?;
        let before = controller::reports()?;
        controller::crowd()?;
        sleep(SETTLE);
        let cpu = || anyhow::Ok((cpu_of(listener.id())?, cpu_of(daemon)?));
        let begin = cpu()?;
        sleep(LENGTH);
        let end = cpu()?;
        self.own.add(end.0.saturating_sub(begin.0).as_secs_f64());
        self.daemon.add(end.1.saturating_sub(begin.1).as_secs_f64());
        let id = listener.id().to_string();
        self.resident.add(mib(status_of(&id, "VmRSS")?));
        self.peak.add(mib(status_of(&id, "VmHWM")?));
        controller::clear()?;
        let told = controller::reports()? - before;
        sleep(REST);
        self.told.add(count(told));
        if let Some(heard) = listener.heard()? {
            self.heard.add(100.0 * count(heard) / count(told));
        }
        Ok(())
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of things that were measured")]
fn count(it: u64) -> f64 {
    it as f64
}

/// The process of this name.
fn process(name: &str) -> anyhow::Result<u32> {
    let said = Command::new("pidof").args(["-s", name]).output()?;
    let id = String::from_utf8(said.stdout)?;
    id.trim().parse().with_context(|| format!("it does not run: {name}"))
}

const ROUNDS: usize = 3;
/// Everybody was heard by then, and memory stands.
const SETTLE: Duration = Duration::from_secs(5);
const LENGTH: Duration = Duration::from_mins(1);
/// What is on its way arrives.
const REST: Duration = Duration::from_secs(2);
/// A scan lasts longer than what is done beside it.
const MARGIN: Duration = Duration::from_secs(10);
