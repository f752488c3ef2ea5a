//! Fifty monitors of 200 devices each and their hub, as processes: what the hub needs, and what a monitor
//! needs and writes with a hub and without.

use std::fmt::Write as _;
use std::thread::sleep;
use std::time::Duration;

use super::building::{self, DEVICES};
use super::figure::{Figures, mib, row};
use super::programs::{House, Room};
use super::stopwatch::{self, Stopwatch, cpu_of, io_of, status_of};

pub(super) fn measure() -> anyhow::Result<()> {
    super::network::build(&["--package", "muster"])?;
    let folder = tempfile::tempdir()?;
    let house = House::new(folder.path(), "")?;
    let hub = house.hub()?;
    let mut rooms = Vec::new();
    for number in 0..MONITORS {
        rooms.push(Room::new(&house, &format!("room-{number:02}"))?);
    }
    let mut second = 0;
    feed(&mut rooms, &mut second, SETTLE)?;
    let (watch, before) = (Stopwatch::start(), cpu_of(hub.id())?);
    let (written, wrote) = (written(&rooms)?, io_of(&hub.id().to_string(), "write_bytes")?);
    feed(&mut rooms, &mut second, MEASURED)?;
    let taken = watch.elapsed();
    let share = cpu_of(hub.id())?.saturating_sub(before).as_secs_f64() / taken.as_secs_f64();
    row("facts a second, all together", &(MONITORS * DEVICES / EVERY).to_string());
    row("hub: of a core", &format!("{:.1} %", share * 100.0));
    let id = hub.id().to_string();
    row("hub: resident", &format!("{:.1} MiB", mib(status_of(&id, "VmRSS")?)));
    row("hub: its own memory", &format!("{:.1} MiB", mib(status_of(&id, "RssAnon")?)));
    row("hub: peak", &format!("{:.1} MiB", mib(status_of(&id, "VmHWM")?)));
    let wrote = io_of(&id, "write_bytes")? - wrote;
    row("hub: written in an hour", &format!("{:.0} MiB", mib(wrote) * an_hour(taken)));
    tell(&rooms, "with a hub", &written, an_hour(taken))?;
    hub.stop()?;
    feed(&mut rooms, &mut second, SETTLE)?;
    let (watch, written) = (Stopwatch::start(), self::written(&rooms)?);
    feed(&mut rooms, &mut second, MEASURED)?;
    tell(&rooms, "without", &written, an_hour(watch.elapsed()))
}

/// How often this goes into an hour.
fn an_hour(taken: Duration) -> f64 {
    3600.0 / taken.as_secs_f64()
}

fn tell(rooms: &[Room], when: &str, before: &[u64], times: f64) -> anyhow::Result<()> {
    let after = written(rooms)?;
    let bytes: Figures = after.iter().zip(before).map(|(a, b)| mib(a - b) * times).collect();
    row(&format!("monitor, {when}: written in an hour"), &bytes.text("MiB"));
    for (what, key) in [("resident", "VmRSS"), ("its own memory", "RssAnon"), ("peak", "VmHWM")] {
        let mut all = Figures::default();
        for it in rooms {
            all.add(mib(status_of(&it.monitor.id().to_string(), key)?));
        }
        row(&format!("monitor, {when}: {what}"), &all.text("MiB"));
    }
    Ok(())
}

fn written(rooms: &[Room]) -> anyhow::Result<Vec<u64>> {
    rooms.iter().map(|it| io_of(&it.monitor.id().to_string(), "write_bytes")).collect()
}

/// Lets all hear for so long, in real time: each device every ten seconds.
fn feed(rooms: &mut [Room], second: &mut u32, length: Duration) -> anyhow::Result<()> {
    let watch = Stopwatch::start();
    let mut passed = 0;
    while Duration::from_secs(passed) < length {
        let now = stopwatch::civil();
        for (number, room) in (0..).zip(rooms.iter_mut()) {
            let mut lines = String::new();
            let monitor = number % building::MONITORS.len();
            for device in (0..DEVICES).filter(|it| it % EVERY == *second % EVERY) {
                let (id, rssi) = (building::identity(device), building::rssi(monitor, device, now));
                writeln!(lines, "{{\"t\":\"{now}\",{WHO},\"id\":\"{id}\",\"rssi\":{rssi}}}")?;
            }
            let from = now - Duration::from_secs(1);
            writeln!(lines, "{{\"t\":\"{now}\",{WHO},\"covered_from\":\"{from}\"}}")?;
            room.hears(&lines)?;
        }
        *second += 1;
        passed += 1;
        sleep(Duration::from_secs(passed).saturating_sub(watch.elapsed()));
    }
    Ok(())
}

/// By whom; the monitor tells as itself.
pub(super) const WHO: &str = "\"monitor\":\"any\",\"source\":\"ble\",\"channel\":\"hci0\"";
const MONITORS: u32 = 50;
/// A device is heard once in so many seconds.
const EVERY: u32 = 10;
const SETTLE: Duration = Duration::from_mins(1);
const MEASURED: Duration = Duration::from_mins(2);
