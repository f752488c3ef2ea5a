//! `muster cleanup`: retention now, by hand, and with other limits than the configuration's.

use std::collections::BTreeMap;
use std::time::Duration;

use muster_core::time::Time;
use muster_report::{Cell, Column, Holds, Table};
use muster_store::{Access, old};
use serde_json::json;

use crate::cli::CleanupArgs;
use crate::command::copies::started;
use crate::command::store::taken;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::privileges;
use crate::shelf::Shelf;
use crate::when::Meant;

/// Before when things go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) facts: Time,
    pub(super) journal: Option<Time>,
}

/// Forgets what is older, or says how much that is.
pub(crate) fn run(context: &Context, args: &CleanupArgs) -> Result<(), Failure> {
    let output = Output::new(context)?;
    let data = context.data()?;
    let config = &context.config()?.config.store;
    let shelf = Shelf::of(config, &data);
    shelf.refuse_nothing()?;
    privileges::act_as_owner(&data)?;
    let reader = context.reader()?;
    let read =
        |it: &Option<String>| it.as_deref().map(|it| reader.read(it, Meant::From)).transpose();
    let (facts, journal) = (read(&args.before)?, read(&args.journal_before)?);
    started()?.block_on(async {
        let unreadable = |it| shelf.unreadable(it);
        let look = shelf.open(Access::ReadOnly).await.map_err(unreadable)?.store;
        // A clock that is far ahead makes nothing old: nothing was judged up to then.
        let now = reader.now.min(look.frontier().await.map_err(unreadable)?);
        let limits = if facts.is_none() && journal.is_none() {
            let journal = config.retention_journal.as_ref().map(|it| now - it.get());
            Limits { facts: now - config.retention_facts.get(), journal }
        } else {
            Limits { facts: facts.unwrap_or(Time::MIN), journal }
        };
        refuse_needed(limits, now)?;
        if args.dry_run {
            let rows =
                old::count(&*look, limits.facts, limits.journal).await.map_err(unreadable)?;
            look.close().await.map_err(unreadable)?;
            output.table(&table(&rows))?;
            output.note("nothing was changed; of the journal at most so many go");
            return Ok(());
        }
        look.close().await.map_err(unreadable)?;
        let store =
            shelf.open(Access::ReadWrite).await.map_err(|it| taken(&shelf, it, BY_ITSELF))?.store;
        let gone = store.forget(limits.facts, limits.journal).await;
        let closed = store.close().await;
        let gone = gone.map_err(|it| {
            unreadable(it).hint("what went is gone, the rest is as it was; type it again")
        })?;
        closed.map_err(unreadable)?;
        let said = format!("forgotten: {gone} facts, readings, stays, changes and devices");
        output.done(&said, &json!({ "rows": gone }))
    })
}

/// What comes late is merged with what is there, and needs it.
pub(super) fn refuse_needed(limits: Limits, now: Time) -> Result<(), Failure> {
    let latest = limits.journal.map_or(limits.facts, |it| it.max(limits.facts));
    if latest <= now - NEEDED {
        return Ok(());
    }
    let what = format!("what is younger than 30 days is needed for what comes late: {latest}");
    let hint = format!("give a time up to {}", now - NEEDED);
    Err(Failure::new(Exit::Usage, what).hint(hint))
}

fn table(rows: &BTreeMap<&'static str, u64>) -> Table {
    let mut table = Table::new(&COLUMNS);
    for (name, rows) in rows {
        table.push(vec![Cell::text(Some(*name)), Cell::number(*rows)]);
    }
    table
}

const COLUMNS: [Column; 2] = [Column::new("table"), Column::new("rows").holding(Holds::Whole)];
const BY_ITSELF: &str = "a hub forgets by itself once an hour, as store.retention_facts and \
    store.retention_journal say; for other limits stop it first";
/// How late facts may come, as the least that `store.retention_facts` takes.
const NEEDED: Duration = Duration::from_hours(30 * 24);
