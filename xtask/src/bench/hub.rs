//! The release binary as people run it, in a network of its own, with thirty days behind it: how
//! soon it shows a page, what it costs to have it idle, how fast a change reaches a client.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, anyhow, ensure};

use super::client::{self, Events};
use super::figure::{Figures, RUNS, mib, ms, row, times};
use super::network;
use super::stopwatch::{Stopwatch, cpu_of, status_of};

mod past;

pub(super) fn measure() -> anyhow::Result<()> {
    network::build(&["--package", "muster"])?;
    let folder = tempfile::tempdir()?;
    past::write(&folder.path().join("muster.db"))?;
    network::enter("hub", folder.path())
}

/// The work inside a network of its own, with the data folder.
pub(super) fn inside(arguments: &[String]) -> anyhow::Result<()> {
    let folder = PathBuf::from(arguments.first().context("which folder?")?);
    CABLE.iter().try_for_each(|it| network::ip(it))?;
    std::fs::write(folder.join("muster.toml"), CONFIG)?;
    let binary = network::built("muster")?;
    row("the binary", &format!("{:.1} MiB", mib(std::fs::metadata(&binary)?.len())));
    let store = std::fs::metadata(folder.join("muster.db"))?.len();
    row("the store, thirty days of a household", &format!("{:.1} MiB", mib(store)));
    starts(&binary, &folder)?;
    let hub = Process::hub(&binary, &folder)?;
    hub.first_page()?;
    idle(&hub)?;
    changes(&hub, &folder)
}

/// Start to first page, beside a web server that knows nothing.
fn starts(binary: &Path, folder: &Path) -> anyhow::Result<()> {
    let (mut muster, mut python) = <(Figures, Figures)>::default();
    let (mut page, mut idle) = (0, Figures::default());
    for _ in 0..RUNS {
        let watch = Stopwatch::start();
        let hub = Process::hub(binary, folder)?;
        page = hub.first_page()?;
        muster.add(ms(watch.elapsed()));
        hub.stop()?;
        let watch = Stopwatch::start();
        let server = Process::python(folder)?;
        server.first_page()?;
        python.add(ms(watch.elapsed()));
        idle.add(mib(status_of(&server.child.id().to_string(), "VmRSS")?));
        server.stop()?;
    }
    row("start to first page", &muster.text("ms"));
    row("the page", &format!("{page} bytes"));
    row("python3 -m http.server, start to first page", &python.text("ms"));
    row("python3 -m http.server, resident", &idle.text("MiB"));
    times("the latter to the former, start", python.median(), muster.median());
    Ok(())
}

/// A minute in which nothing happens, after it has settled.
fn idle(hub: &Process) -> anyhow::Result<()> {
    sleep(SETTLE);
    let id = hub.child.id();
    let (watch, before) = (Stopwatch::start(), cpu_of(id)?);
    sleep(IDLE);
    let share = (cpu_of(id)?.saturating_sub(before)).as_secs_f64() / watch.elapsed().as_secs_f64();
    let id = id.to_string();
    row("idle, resident", &format!("{:.1} MiB", mib(status_of(&id, "VmRSS")?)));
    row("idle, its own memory", &format!("{:.1} MiB", mib(status_of(&id, "RssAnon")?)));
    row("peak since the start", &format!("{:.1} MiB", mib(status_of(&id, "VmHWM")?)));
    row("idle, of a core", &format!("{:.3} %", share * 100.0));
    Ok(())
}

/// From before an edit is sent until the change is with a client, each stored in between.
fn changes(hub: &Process, folder: &Path) -> anyhow::Result<()> {
    let mut events = Events::open(hub.port)?;
    let mut figures = Figures::default();
    for count in 0..CHANGES {
        let home = if count % 2 == 0 { "{\"home\":true}" } else { "{\"home\":false}" };
        let watch = Stopwatch::start();
        std::thread::scope(|both| {
            let sent = both.spawn(|| client::put(hub.port, "/api/v1/people/anna/override", home));
            let heard = events.next("overridden").map(|()| watch.elapsed());
            let sent = sent.join().map_err(|_| anyhow!("the sender failed"))?;
            figures.add(ms(heard?));
            sent
        })?;
    }
    let sync = syncs(folder)?;
    row("a change to a client, median", &format!("{:.2} ms", figures.median()));
    row("a change to a client, 99 of 100", &format!("{:.2} ms", figures.quantile(99)));
    row("4 KiB and fdatasync alone, median", &format!("{:.2} ms", sync.median()));
    row("4 KiB and fdatasync alone, 99 of 100", &format!("{:.2} ms", sync.quantile(99)));
    times("the former to the latter, medians", figures.median(), sync.median());
    Ok(())
}

/// The least that anything durable takes.
fn syncs(folder: &Path) -> anyhow::Result<Figures> {
    let path = folder.join("sync");
    let mut file = File::create(&path)?;
    let mut figures = Figures::default();
    for _ in 0..CHANGES {
        let watch = Stopwatch::start();
        file.write_all(&[0; 4096])?;
        file.sync_data()?;
        figures.add(ms(watch.elapsed()));
    }
    std::fs::remove_file(path)?;
    Ok(figures)
}

/// A server that is running; dropping it ends it.
struct Process {
    child: Child,
    port: u16,
}

impl Process {
    fn hub(binary: &Path, folder: &Path) -> anyhow::Result<Self> {
        let mut command = Command::new(binary);
        command.args(["serve", "--listen", "127.0.0.1:8080", "--data"]).arg(folder);
        Self::start(command.current_dir(folder), 8080)
    }

    fn python(folder: &Path) -> anyhow::Result<Self> {
        let mut command = Command::new("python3");
        command.args(["-m", "http.server", "--bind", "127.0.0.1", "8081"]);
        Self::start(command.current_dir(folder), 8081)
    }

    fn start(command: &mut Command, port: u16) -> anyhow::Result<Self> {
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(Self { child: quiet.spawn().context("cannot start the server")?, port })
    }

    /// Waits for the first page; how many bytes it has.
    fn first_page(&self) -> anyhow::Result<usize> {
        let watch = Stopwatch::start();
        loop {
            match client::page(self.port) {
                Ok(page) => return Ok(page),
                Err(error) if watch.elapsed() > PATIENCE => return Err(error),
                Err(_) => sleep(AGAIN),
            }
        }
    }

    /// Asks it to end, and waits for that.
    fn stop(mut self) -> anyhow::Result<()> {
        let id = self.child.id().to_string();
        ensure!(Command::new("kill").arg(id).status()?.success(), "it had ended already");
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A cable with nobody at the other end.
const CABLE: [&str; 5] = [
    "link set lo up",
    "link add lan0 type veth peer name far0",
    "addr add 10.77.0.1/24 dev lan0",
    "link set lan0 up",
    "link set far0 up",
];
const CONFIG: &str = "[sources.lan]\ninterfaces = [\"lan0\"]\n";
const CHANGES: usize = 200;
/// The first sweep and the store's first upkeep are over by then.
const SETTLE: Duration = Duration::from_secs(20);
const IDLE: Duration = Duration::from_mins(1);
const PATIENCE: Duration = Duration::from_secs(10);
const AGAIN: Duration = Duration::from_micros(500);
