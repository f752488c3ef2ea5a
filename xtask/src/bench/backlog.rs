//! A monitor comes back after a day: how soon its two million facts are stored, and how long meanwhile what
//! is heard now takes.

use std::fmt::Write as _;
use std::thread::sleep;
use std::time::Duration;

use anyhow::ensure;
use muster_core::time::Time;

use super::building;
use super::client::{self, Events};
use super::figure::{Figures, mib, ms, row};
use super::fleet::WHO;
use super::programs::{House, Room};
use super::stopwatch::{self, Stopwatch, status_of};

pub(super) fn measure() -> anyhow::Result<()> {
    super::network::build(&["--package", "muster"])?;
    let folder = tempfile::tempdir()?;
    let house = House::new(folder.path(), "")?;
    let hub = house.hub()?;
    let mut room = Room::new(&house, "far")?;
    let mut heard = Live { next: 0 };
    let quiet = heard.delays(&house, &mut room, None)?;
    hub.stop()?;
    let watch = Stopwatch::start();
    let base = stopwatch::civil() - ROUNDS_EVERY * (ROUNDS + 60);
    for round in 0..ROUNDS {
        room.hears(&lines(base + ROUNDS_EVERY * round)?)?;
    }
    while !room.has_read_all()? {
        sleep(AGAIN);
    }
    row("facts", &(ROUNDS * building::DEVICES).to_string());
    row("kept by the monitor within", &format!("{:.1} s", watch.elapsed().as_secs_f64()));
    let spooled = room.spooled()?;
    ensure!(spooled > u64::from(ROUNDS * building::DEVICES), "most were left out: {spooled} bytes");
    row("the spool", &format!("{:.1} MiB", mib(spooled)));
    let hub = house.hub()?;
    let watch = Stopwatch::start();
    while waiting(&house)?.is_none_or(|it| it == 0) {
        ensure!(watch.elapsed() < PATIENCE, "the monitor does not come back");
        sleep(AGAIN);
    }
    row("the monitor is back after", &format!("{:.1} s", watch.elapsed().as_secs_f64()));
    let back = Stopwatch::start();
    let busy = heard.delays(&house, &mut room, Some(&back))?;
    for (when, delays) in [("before", &quiet), ("meanwhile", &busy)] {
        row(
            &format!("a live fact to an event, {when}, median"),
            &format!("{:.0} ms", delays.median()),
        );
        row(
            &format!("a live fact to an event, {when}, 99 of 100"),
            &format!("{:.0} ms", delays.quantile(99)),
        );
    }
    for (who, id) in [("hub", hub.id()), ("monitor", room.monitor.id())] {
        row(
            &format!("{who}: peak"),
            &format!("{:.1} MiB", mib(status_of(&id.to_string(), "VmHWM")?)),
        );
    }
    Ok(())
}

/// What every device says at a time.
fn lines(at: Time) -> anyhow::Result<String> {
    let mut lines = String::new();
    for device in 0..building::DEVICES {
        let (id, rssi) = (building::identity(device), building::rssi(0, device, at));
        let at = at + Duration::from_millis(u64::from(device) * 20);
        writeln!(lines, "{{\"t\":\"{at}\",{WHO},\"id\":\"{id}\",\"rssi\":{rssi}}}")?;
    }
    let from = at - ROUNDS_EVERY;
    writeln!(lines, "{{\"t\":\"{at}\",{WHO},\"covered_from\":\"{from}\"}}")?;
    Ok(lines)
}

/// How many facts wait in the monitor, as it told the hub the last time.
fn waiting(house: &House) -> anyhow::Result<Option<u64>> {
    let fleet: serde_json::Value =
        serde_json::from_str(&client::get(house.port, "/api/v1/fleet")?)?;
    Ok(fleet.pointer("/items/0/health/backlog").and_then(serde_json::Value::as_u64))
}

/// Devices that nobody has heard before: each is told at once.
struct Live {
    next: u32,
}

impl Live {
    /// From before a device is heard until an event tells it: some times, or until the backlog that began
    /// to be sent at a time is gone.
    fn delays(
        &mut self,
        house: &House,
        room: &mut Room,
        backlog: Option<&Stopwatch>,
    ) -> anyhow::Result<Figures> {
        let mut events = Events::open(house.port)?;
        let mut figures = Figures::default();
        for count in 0.. {
            let id = building::identity(0x0010_0000 + self.next);
            self.next += 1;
            let (watch, now) = (Stopwatch::start(), stopwatch::civil());
            room.hears(&format!("{{\"t\":\"{now}\",{WHO},\"id\":\"{id}\",\"rssi\":-50}}\n"))?;
            events.next_about("discovered", &id.to_string())?;
            figures.add(ms(watch.elapsed()));
            match backlog {
                None if count >= SAMPLES => break,
                None => {}
                Some(begun) => {
                    let waiting = waiting(house)?;
                    if waiting == Some(0) {
                        row(
                            "then the backlog is gone after",
                            &format!("{:.1} s", begun.elapsed().as_secs_f64()),
                        );
                        break;
                    }
                    ensure!(begun.elapsed() < PATIENCE, "it is never gone: {waiting:?}");
                }
            }
            sleep(BETWEEN);
        }
        Ok(figures)
    }
}

/// Two million facts.
const ROUNDS: u32 = 10_000;
const ROUNDS_EVERY: Duration = Duration::from_secs(7);
const SAMPLES: u32 = 100;
const BETWEEN: Duration = Duration::from_millis(100);
const AGAIN: Duration = Duration::from_millis(50);
const PATIENCE: Duration = Duration::from_mins(10);
