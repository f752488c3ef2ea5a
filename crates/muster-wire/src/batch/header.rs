//! The header's fields, in the order of `docs/protocol.md`.

use muster_core::fact::Detail;
use muster_core::time::Time;
use muster_core::uplink::{BootId, Header, Health, Lane, StoreId, Upload};

use super::BatchError;
use super::cursor::{In, Out};

pub(super) fn write(out: &mut Out, it: &Header) {
    out.text(&it.monitor);
    out.bytes(&it.boot.0.to_be_bytes());
    out.byte(u8::from(it.lane == Lane::Backlog));
    out.maybe(it.store, |out, it| out.bytes(&it.0.to_be_bytes()));
    out.maybe(it.sent, |out, it| out.signed(it.micros()));
    out.maybe(it.uncertain, Out::length);
    out.sequences(&it.settles);
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
    let uncertain = at.maybe("uncertain", In::length)?;
    let settles = at.sequences(Upload::MAX_RUNS, "settles")?;
    let since = sent.unwrap_or_default();
    let oldest_unsent = at.maybe("oldest_unsent", |at| at.age(since))?;
    let health = read_health(at)?;
    let monitor = monitor.into();
    Ok(Header { monitor, boot, lane, store, sent, uncertain, settles, oldest_unsent, health })
}

fn health(out: &mut Out, it: &Health) {
    out.text(&it.version);
    out.length(it.uptime);
    out.maybe(it.clock_ahead, Out::signed);
    out.byte(u8::from(it.synchronised) | u8::from(it.simulated) << 1);
    for number in [it.spooled, it.thinned, it.dropped, it.facts] {
        out.number(number);
    }
    out.length(it.listened);
    out.maybe(it.last_error.as_deref(), Out::text);
}

fn read_health(at: &mut In<'_>) -> Result<Health, BatchError> {
    let version = at.text(Health::MAX_VERSION, "version")?.into();
    let uptime = at.length()?;
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
        listened: at.length()?,
        last_error: at.maybe("error", |at| Ok(at.text(Health::MAX_ERROR, "error")?.into()))?,
    })
}
