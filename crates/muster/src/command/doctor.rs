//! `muster doctor`: what is wrong with this machine for Muster, and the command that mends it.

use std::path::Path;

use muster_report::{Cell, Column, Table};
use muster_store::Access;

use crate::command::copies::started;
use crate::context::Context;
use crate::doctor::{self, Remark, State};
use crate::failure::Failure;
use crate::output::Output;
use crate::privileges;
use crate::registry;
use crate::shelf::Shelf;

/// Runs the command, about the store alone.
pub(crate) fn of_store(context: &Context) -> Result<(), Failure> {
    let output = Output::new(context)?;
    let settings = &context.config()?.config.store;
    let data = context.data()?;
    privileges::act_as_owner(&data)?;
    let remarks = started()?.block_on(async {
        let survey = registry::survey(settings, &*context.clock).await;
        match (&settings.url, survey) {
            (Some(url), Some(survey)) => doctor::store::judge(url.get(), &survey),
            _ => of_file(&Shelf::of(settings, &data), &data).await,
        }
    });
    output.table(&table(&remarks))?;
    conclude(&remarks)
}

/// A file needs its folder, and to be readable.
async fn of_file(shelf: &Shelf<'_>, data: &Path) -> Vec<Remark> {
    let folder = doctor::folder(&doctor::observe::look_at_folder(data));
    let file = shelf.file();
    let (state, what, hint) = if file.exists() {
        match shelf.open(Access::ReadOnly).await {
            Ok(_) => (State::Fine, format!("can be read: {}", file.display()), None),
            Err(error) => {
                let (exit, what, hint) = shelf.unreadable(error).into_parts();
                (State::Wrong(exit), what, hint)
            }
        }
    } else {
        (State::Fine, format!("there is none yet, muster serve makes it: {}", file.display()), None)
    };
    let shared = doctor::observe::look_at_rights(data).as_ref().map(doctor::shared);
    let store = Remark { part: "store", state, what, hint };
    [Some(folder), shared, Some(store)].into_iter().flatten().collect()
}

/// Runs the command. It fails with what the first thing that is wrong would make Muster fail with.
pub(crate) fn run(context: &Context) -> Result<(), Failure> {
    let output = Output::new(context)?;
    let config = &context.config()?.config;
    let data = context.data()?;
    let observed = started()?.block_on(doctor::observe::look(config, &context.clock, &data));
    let remarks = doctor::judge(&observed);
    output.table(&table(&remarks))?;
    conclude(&remarks)
}

fn table(remarks: &[Remark]) -> Table {
    let mut table = Table::new(&COLUMNS);
    for it in remarks {
        let state = match it.state {
            State::Fine => "fine",
            State::Lacking => "lacking",
            State::Wrong(_) => "wrong",
        };
        let hint = Cell::text(it.hint.clone());
        table.push(vec![
            Cell::text(Some(it.part)),
            Cell::text(Some(state)),
            Cell::text(Some(&it.what)),
            hint,
        ]);
    }
    table
}

fn conclude(remarks: &[Remark]) -> Result<(), Failure> {
    let wrong = remarks.iter().filter_map(|it| match it.state {
        State::Wrong(exit) => Some((exit, it)),
        State::Fine | State::Lacking => None,
    });
    let wrong: Vec<_> = wrong.collect();
    let Some((exit, first)) = wrong.first() else { return Ok(()) };
    let what = match wrong.len() {
        1 => format!("one thing is wrong: {}", first.part),
        many => format!("{many} things are wrong, the first of them: {}", first.part),
    };
    let failure = Failure::new(*exit, what);
    Err(match &first.hint {
        Some(hint) => failure.hint(hint.clone()),
        None => failure,
    })
}

const COLUMNS: [Column; 4] =
    [Column::new("part"), Column::new("state"), Column::new("what"), Column::new("hint")];
