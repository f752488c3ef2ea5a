//! `muster cleanup`: retention now, by hand, and with other limits than the configuration's.

use std::collections::BTreeMap;
use std::time::Duration;

use muster_config::store::StoreSettings;
use muster_core::ports::Before;
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
use crate::retention::Retention;
use crate::shelf::Shelf;
use crate::when::Meant;

/// Forgets what is older, or says how much that is.
pub(crate) fn run(context: &Context, args: &CleanupArgs) -> Result<(), Failure> {
    let output = Output::new(context)?;
    let data = context.data()?;
    let config = &context.config()?.config.store;
    let shelf = Shelf::of(config, &data);
    shelf.refuse_nothing()?;
    privileges::act_as_owner(&data)?;
    let reader = context.reader()?;
    let given = given(args, config, |it| reader.read(it, Meant::From))?;
    started()?.block_on(async {
        let unreadable = |it| shelf.unreadable(it);
        let look = shelf.open(Access::ReadOnly).await.map_err(unreadable)?.store;
        // A clock that is far ahead makes nothing old: nothing was judged up to then.
        let now = reader.now.min(look.frontier().await.map_err(unreadable)?);
        let before = given.unwrap_or_else(|| Retention::of(config).at(now));
        refuse_needed(before, now)?;
        if args.dry_run {
            let rows = old::count(&*look, before).await.map_err(unreadable)?;
            look.close().await.map_err(unreadable)?;
            output.table(&table(&rows))?;
            output.note("nothing was changed; of the journal at most so many go");
            return Ok(());
        }
        look.close().await.map_err(unreadable)?;
        let store =
            shelf.open(Access::ReadWrite).await.map_err(|it| taken(&shelf, it, BY_ITSELF))?.store;
        let gone = store.forget(before).await;
        let closed = store.close().await;
        let gone = gone.map_err(|it| {
            unreadable(it).hint("what went is gone, the rest is as it was; type it again")
        })?;
        closed.map_err(unreadable)?;
        let said = format!("forgotten: {gone} facts, readings, stays, changes and devices");
        output.done(&said, &json!({ "rows": gone }))
    })
}

/// What the command line says, if it says anything. Readings that the configuration keeps as long as the
/// journal go along with it.
fn given(
    args: &CleanupArgs,
    config: &StoreSettings,
    read: impl Fn(&str) -> Result<Time, Failure>,
) -> Result<Option<Before>, Failure> {
    let read = |it: &Option<String>| it.as_deref().map(&read).transpose();
    let (facts, journal) = (read(&args.before)?, read(&args.journal_before)?);
    let along = journal.filter(|_| config.retention_readings.is_none());
    let readings = read(&args.readings_before)?.or(along);
    let before = Before { facts, readings, journal };
    Ok((before != Before::default()).then_some(before))
}

/// What comes late is merged with what is there, and needs it.
pub(super) fn refuse_needed(before: Before, now: Time) -> Result<(), Failure> {
    let limits = [before.facts, before.readings, before.journal];
    let Some(latest) = limits.into_iter().flatten().max().filter(|it| *it > now - NEEDED) else {
        return Ok(());
    };
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
const BY_ITSELF: &str = "a hub forgets by itself once an hour, as store.retention_facts, \
    store.retention_readings and store.retention_journal say; for other limits stop it first";
/// How late facts may come, as the least that `store.retention_facts` takes.
const NEEDED: Duration = Duration::from_hours(30 * 24);
