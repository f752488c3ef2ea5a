//! `muster monitor --once`: one look around with every source that is switched on.

use std::io;
use std::time::Duration;

use muster_config::Config;
use muster_core::fact::Fact;
use muster_sources::management::Trusted;

use super::super::scan::{found, look, table, tell};
use crate::cli::{Medium, ScanArgs};
use crate::context::Context;
use crate::demo;
use crate::failure::{Exit, Failure};
use crate::output::Output;

/// Looks, and prints what was found. An error says that there was nothing to listen with: then nobody
/// has anything to tell.
pub(super) fn around(
    context: &Context,
    length: Option<Duration>,
    radio: io::Result<Trusted>,
) -> Result<Vec<Fact>, Failure> {
    let output = Output::new(context)?;
    let mut radio = Some(radio);
    let (mut facts, mut deaf) = (Vec::new(), None);
    let mut is_heard = false;
    for medium in media(&context.config()?.config) {
        let args = ScanArgs { medium, length, single: false, record: None };
        let radio = || radio.take().unwrap_or_else(|| Err(io::Error::other("it was used")));
        let it = look(context, &args, true, radio)?;
        tell(&output, &it);
        if it.is_deaf() {
            deaf.get_or_insert(it.nothing_heard());
        } else {
            is_heard = true;
            facts.extend(it.facts);
        }
    }
    if !is_heard {
        let none = || Failure::new(Exit::Unreachable, "every source is switched off");
        return Err(deaf.unwrap_or_else(none));
    }
    show(&output, &facts)?;
    Ok(facts)
}

/// The same with a made-up household.
pub(super) fn simulated(context: &Context) -> Result<Vec<Fact>, Failure> {
    let output = Output::new(context)?;
    output.note("simulated: nobody and nothing of this is real");
    let facts = demo::look(&*context.clock);
    show(&output, &facts)?;
    Ok(facts)
}

fn show(output: &Output, facts: &[Fact]) -> Result<(), Failure> {
    let found = found(facts);
    output.table(&table(&found))?;
    if found.is_empty() {
        output.note("nobody was heard");
    }
    Ok(())
}

/// What is listened with, quick ones first.
fn media(config: &Config) -> Vec<Medium> {
    let sources = &config.sources;
    let all = [
        (sources.lan.enabled, Medium::Lan),
        (sources.ble.enabled, Medium::Ble),
        (sources.classic.enabled, Medium::Classic),
    ];
    all.into_iter().filter(|(is_on, _)| *is_on).map(|(_, it)| it).collect()
}
