//! The only clock of the benchmarks, and the kernel's accounts of a process.

use std::fs;
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context;
use muster_core::time::Time;

/// A started stopwatch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stopwatch(Instant);

impl Stopwatch {
    #[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }

    pub(super) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

/// How long the work took on the clock.
pub(super) fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let watch = Stopwatch::start();
    let done = work();
    (watch.elapsed(), done)
}

/// How long a process, all threads together, was on a processor (`schedstat` in `/proc`).
pub(super) fn cpu_of(process: u32) -> anyhow::Result<Duration> {
    let mut sum = 0;
    for task in fs::read_dir(format!("/proc/{process}/task"))? {
        let text = fs::read_to_string(task?.path().join("schedstat"))?;
        let ns = text.split_whitespace().next().context("an empty schedstat")?;
        sum += ns.parse::<u64>()?;
    }
    Ok(Duration::from_nanos(sum))
}

/// How long this thread was on a processor.
pub(super) fn own_cpu() -> anyhow::Result<Duration> {
    let text = fs::read_to_string("/proc/thread-self/schedstat")?;
    let ns = text.split_whitespace().next().context("an empty schedstat")?;
    Ok(Duration::from_nanos(ns.parse()?))
}

/// A figure of `/proc/PID/status`, in bytes: `VmRSS`, `VmHWM` ...
pub(super) fn status_of(process: &str, key: &str) -> anyhow::Result<u64> {
    let text = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = text.lines().find_map(|it| it.strip_prefix(key)?.strip_prefix(':'));
    let kib = line.and_then(|it| it.split_whitespace().next()).context("no such figure")?;
    Ok(kib.parse::<u64>()? * 1024)
}

/// A figure of `/proc/PID/io`: `wchar`, `write_bytes` ...
pub(super) fn io_of(process: &str, key: &str) -> anyhow::Result<u64> {
    let text = fs::read_to_string(format!("/proc/{process}/io"))?;
    let line = text.lines().find_map(|it| it.strip_prefix(key)?.strip_prefix(": "));
    Ok(line.context("no such figure")?.trim().parse()?)
}

/// Civil time, for a past that ends now and for what another process dates.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
pub(super) fn civil() -> Time {
    Time::default() + SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}
