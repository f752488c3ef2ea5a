//! The header's fields, in the order of `docs/protocol.md`.

use std::time::Duration;

use muster_core::fact::Detail;
use muster_core::time::Time;
use muster_core::uplink::{BootId, Header, Health, Lane, SequenceSet, StoreId, Upload};

use super::BatchError;
use super::cursor::{In, Out};

pub(super) fn write(out: &mut Out, it: &Header) {
    out.text(&it.monitor);
    out.bytes(&it.boot.0.to_be_bytes());
    out.byte(u8::from(it.lane == Lane::Backlog));
    out.maybe(it.store, |out, it| out.bytes(&it.0.to_be_bytes()));
    out.maybe(it.sent, |out, it| out.signed(it.micros()));
    out.maybe(it.uncertain, |out, it| out.number(micros(it)));
    let runs = it.settles.runs();
    out.number(runs.len() as u64);
    let mut next = 0;
    for run in runs {
        out.number(run.first - next);
        out.number(run.last - run.first);
        next = run.last;
    }
    let sent = it.sent.unwrap_or_default();
    out.maybe(it.oldest_unsent, |out, it| out.age(sent, it));
    health(out, &it.health);
}

pub(super) fn read(at: &mut In<'_>) -> Result<Header, BatchError> {
    let monitor = at.text(Detail::MAX_VALUE, "monitor")?;
    if monitor.is_empty() {
        return Err(BatchError::Field { field: "monitor" });
    }
    let boot = BootId(u128::from_be_bytes(at.array()?));
    let lane = match at.byte()? {
        0 => Lane::Live,
        1 => Lane::Backlog,
        _ => return Err(BatchError::Field { field: "lane" }),
    };
    let store = at.maybe("store", |at| Ok(StoreId(u128::from_be_bytes(at.array()?))))?;
    let sent = at.maybe("sent", |at| Ok(Time::from_micros(at.signed()?)))?;
    let uncertain = at.maybe("uncertain", |at| Ok(Duration::from_micros(at.number()?)))?;
    let settles = runs(at)?;
    let since = sent.unwrap_or_default();
    let oldest_unsent = at.maybe("oldest_unsent", |at| at.age(since))?;
    let health = read_health(at)?;
    let monitor = monitor.into();
    Ok(Header { monitor, boot, lane, store, sent, uncertain, settles, oldest_unsent, health })
}

/// Runs in order that do not touch.
fn runs(at: &mut In<'_>) -> Result<SequenceSet, BatchError> {
    let wrong = BatchError::Field { field: "settles" };
    let count = at.count(Upload::MAX_RUNS, "settles")?;
    let mut set = SequenceSet::new();
    let mut next = 0_u64;
    for index in 0..count {
        let gap = at.number()?;
        if index > 0 && gap < 2 {
            return Err(wrong);
        }
        let first = next.checked_add(gap).ok_or_else(|| wrong.clone())?;
        let last = first.checked_add(at.number()?).ok_or_else(|| wrong.clone())?;
        set.insert_run(first, last);
        next = last;
    }
    Ok(set)
}

fn health(out: &mut Out, it: &Health) {
    out.text(&it.version);
    out.number(micros(it.uptime));
    out.maybe(it.clock_ahead, Out::signed);
    out.byte(u8::from(it.synchronised) | u8::from(it.simulated) << 1);
    for number in [it.spooled, it.thinned, it.dropped, it.facts, micros(it.listened)] {
        out.number(number);
    }
    out.maybe(it.last_error.as_deref(), Out::text);
}

fn read_health(at: &mut In<'_>) -> Result<Health, BatchError> {
    let version = at.text(Health::MAX_VERSION, "version")?.into();
    let uptime = Duration::from_micros(at.number()?);
    let clock_ahead = at.maybe("clock", In::signed)?;
    let flags = at.byte()?;
    if flags > 0b11 {
        return Err(BatchError::Field { field: "flags" });
    }
    Ok(Health {
        version,
        uptime,
        clock_ahead,
        synchronised: flags & 0b01 != 0,
        simulated: flags & 0b10 != 0,
        spooled: at.number()?,
        thinned: at.number()?,
        dropped: at.number()?,
        facts: at.number()?,
        listened: Duration::from_micros(at.number()?),
        last_error: at.maybe("error", |at| Ok(at.text(Health::MAX_ERROR, "error")?.into()))?,
    })
}

fn micros(it: Duration) -> u64 {
    u64::try_from(it.as_micros()).unwrap_or(u64::MAX)
}
