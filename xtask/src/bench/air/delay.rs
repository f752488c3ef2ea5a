//! How soon a newcomer is told: from bluetoothd's signal, and from the kernel's, to whoever listens.

use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use anyhow::Context;

use super::super::figure::{Figures, row, times};
use super::controller;
use super::listener::{Listener, Who};
use super::witness::Witness;

/// Measures and prints.
pub(super) fn measure(python: &Path) -> anyhow::Result<()> {
    let (mut hub, mut bleak) = <(Figures, Figures)>::default();
    for round in 0..ROUNDS {
        let first = 1_000 * (2 * round + 1);
        newcomers(Who::DaemonHub, python, first, &mut hub)?;
        newcomers(Who::Bleak, python, first + 1_000, &mut bleak)?;
    }
    let text =
        |it: &Figures| format!("{}; 95 of 100 within {:.2} ms", it.text("ms"), it.quantile(95));
    row("from bluetoothd's signal to the hub's event", &text(&hub));
    row("from bluetoothd's signal to bleak's callback", &text(&bleak));
    times("the former to the latter, medians", hub.median(), bleak.median());
    Ok(())
}

/// One newcomer after the other, each alone.
fn newcomers(who: Who, python: &Path, first: u32, delays: &mut Figures) -> anyhow::Result<()> {
    let mut listener = Listener::start(who, python, Duration::ZERO)?;
    let witness = Witness::of_daemon()?;
    let mut told = Vec::new();
    let mut news = listener.news()?;
    for number in first..first + NEWCOMERS {
        controller::tell(&[controller::newcomer(number)])?;
        told.push(news.next()?);
        controller::clear()?;
        sleep(PAUSE);
    }
    drop(news);
    let signalled = witness.newcomers()?;
    for (number, told) in (first..).zip(told) {
        let address = controller::address(number);
        let signalled = signalled.get(&address);
        let signalled = signalled.with_context(|| format!("never signalled: {address}"))?;
        delays.add(milliseconds(told - signalled));
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
fn milliseconds(us: i64) -> f64 {
    us as f64 / 1000.0
}

const ROUNDS: u32 = 3;
const NEWCOMERS: u32 = 50;
/// Whatever a newcomer sets off is done.
const PAUSE: Duration = Duration::from_millis(300);
