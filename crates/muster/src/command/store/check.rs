//! `muster store check`: whether everything can be read and agrees, how much it is, and from when.

use muster_core::ports::StoreError;
use muster_report::{Cell, Column, Holds, Table};
use muster_store::Access;
use muster_store::check::{self, Found};

use crate::command::copies::started;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::privileges;
use crate::shelf::Shelf;

/// Runs the command. It fails if anything is wrong.
pub(crate) fn run(context: &Context) -> Result<(), Failure> {
    let output = Output::new(context)?;
    let data = context.data()?;
    let shelf = Shelf::of(&context.config()?.config.store, &data);
    shelf.refuse_nothing()?;
    privileges::act_as_owner(&data)?;
    let found = started()?.block_on(look(&shelf))?;
    output.table(&table(&found))?;
    for it in &found.uncompared {
        output.note(&format!("not compared: {it}"));
    }
    let wrong: Vec<String> = found.all_wrong().collect();
    let Some(first) = wrong.first() else {
        let rows: u64 = found.tables.values().map(|it| it.rows).sum();
        let bytes: u64 = found.tables.values().map(|it| it.bytes).sum();
        output.note(&format!("whole: {rows} rows, {} KiB, in {}", bytes >> 10, shelf.place()));
        return Ok(());
    };
    for it in &wrong {
        output.note(&format!("wrong: {it}"));
    }
    let what = match wrong.len() {
        1 => format!("the store is damaged: {first}"),
        many => format!("the store is damaged in {many} ways, the first of them: {first}"),
    };
    let help = if shelf.server().is_some() {
        "stop the hub, and restore the last dump of the database in which nothing was wrong; what is \
         whole can be read meanwhile"
    } else {
        "stop the hub, look after the disk (`dmesg`, `smartctl -a`), and put the last backup in its \
         place: muster restore FILE --replace; the damaged store is kept beside it"
    };
    Err(Failure::new(Exit::Failed, what).hint(help))
}

async fn look(shelf: &Shelf<'_>) -> Result<Found, Failure> {
    let unreadable = |it| shelf.unreadable(it);
    let opened = shelf.open(Access::ReadOnly).await.map_err(unreadable)?;
    let mut found = check::check(&*opened.store).await.map_err(unreadable)?;
    if let Some(file) = &opened.file {
        // The first part is the structure of its pages.
        match file.verify_part(0).await {
            Ok(_) => {}
            Err(damaged @ StoreError::Damaged { .. }) => found.wrong.push(damaged.to_string()),
            Err(other) => return Err(unreadable(other)),
        }
    }
    opened.store.close().await.map_err(unreadable)?;
    Ok(found)
}

fn table(found: &Found) -> Table {
    let mut table = Table::new(&COLUMNS);
    for (name, it) in &found.tables {
        table.push(vec![
            Cell::text(Some(*name)),
            Cell::number(it.rows),
            Cell::number(it.bytes),
            Cell::time(it.oldest),
            Cell::time(it.newest),
            Cell::text(Some(if it.damage.is_some() { "damaged" } else { "whole" })),
        ]);
    }
    table
}

const COLUMNS: [Column; 6] = [
    Column::new("table"),
    Column::new("rows").holding(Holds::Whole),
    Column::new("bytes").holding(Holds::Whole),
    Column::new("oldest").holding(Holds::Time),
    Column::new("newest").holding(Holds::Time),
    Column::new("state"),
];
