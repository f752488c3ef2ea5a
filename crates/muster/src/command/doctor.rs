//! `muster doctor`: what is wrong with this machine for Muster, and the command that mends it.

use muster_report::{Cell, Column, Table};

use crate::context::Context;
use crate::doctor::{self, Remark, State};
use crate::failure::{Exit, Failure};
use crate::output::Output;

/// Runs the command. It fails with what the first thing that is wrong would make Muster fail with.
pub(crate) fn run(context: &Context) -> Result<(), Failure> {
    let output = Output::new(context)?;
    let config = &context.config()?.config;
    let data = context.data()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|it| Failure::new(Exit::Failed, "cannot start").because(it))?;
    let observed = runtime.block_on(doctor::observe::look(config, &context.clock, &data));
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
