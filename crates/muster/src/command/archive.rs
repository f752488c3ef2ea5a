//! `muster archive`: everything into one file, and then what is old out of the store, if that is wanted.

use std::path::Path;

use muster_core::ports::{Before, StoreError};
use muster_core::time::Time;
use muster_store::archive::Writing;
use muster_store::transfer::{self, Moment, Origin, Sole};
use muster_store::{Access, Kept};
use serde_json::json;

use crate::cli::ArchiveArgs;
use crate::command::cleanup::refuse_needed;
use crate::command::copies::{destination, ended, unwritten};
use crate::command::store::taken;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::privileges;
use crate::shelf::Shelf;
use crate::when::Meant;

/// Writes a verified archive: as the person who asks for it, or as the store's owner if it is to forget.
pub(crate) fn run(context: &Context, args: &ArchiveArgs) -> Result<(), Failure> {
    let output = Output::new(context)?;
    let data = context.data()?;
    let shelf = Shelf::of(&context.config()?.config.store, &data);
    shelf.refuse_nothing()?;
    let reader = context.reader()?;
    let read = |it: &String| reader.read(it, Meant::From);
    let before = args.forget_before.as_ref().map(read).transpose()?;
    let hint = if before.is_some() {
        privileges::act_as_owner(&data)?;
        "choose a file in a folder of whom the store belongs to: it changes that as well"
    } else {
        "choose a file in a folder of yours"
    };
    let to = destination(&args.file, &data, hint)?;
    let (rows, forgotten) = ended(async {
        let look = shelf.open(Access::ReadOnly).await.map_err(|it| shelf.unreadable(it))?.store;
        let Some(before) = before else {
            let rows = write(&Moment(&*look), &to, reader.now).await?;
            look.close().await.map_err(|it| shelf.unreadable(it))?;
            return Ok::<_, Failure>((rows, None));
        };
        // A clock that is far ahead makes nothing old: nothing was judged up to then.
        let judged = look.frontier().await.map_err(|it| shelf.unreadable(it))?;
        look.close().await.map_err(|it| shelf.unreadable(it))?;
        let limits = Some(before);
        let limits = Before { facts: limits, readings: limits, journal: limits };
        refuse_needed(limits, reader.now.min(judged))?;
        let store =
            shelf.open(Access::ReadWrite).await.map_err(|it| taken(&shelf, it, BUSY))?.store;
        let done = archive_and_forget(&*store, limits, &to, reader.now).await;
        let closed = store.close().await;
        let (rows, forgotten) = done?;
        closed.map_err(|it| shelf.unreadable(it))?;
        Ok((rows, Some(forgotten)))
    })?;
    let to = to.display().to_string();
    let gone = forgotten.map_or(String::new(), |it| {
        format!("; forgotten: {it} facts, readings, stays, changes and devices")
    });
    let said = format!("written and verified: {to} ({rows} rows){gone}");
    output.done(&said, &json!({ "to": to, "rows": rows, "forgotten": forgotten }))
}

/// Nobody else writes in between, so nothing goes that is not in the file.
async fn archive_and_forget(
    store: &dyn Kept,
    limits: Before,
    to: &Path,
    now: Time,
) -> Result<(u64, u64), Failure> {
    let rows = write(&Sole(store), to, now).await?;
    let gone = store.forget(limits).await.map_err(|it| {
        let what = format!("archived, and not all is forgotten: {}", to.display());
        Failure::new(Exit::Failed, what).because(it).hint(
            "the file is whole; the rest goes by: muster cleanup --before TIME --readings-before TIME \
             --journal-before TIME",
        )
    })?;
    Ok((rows, gone))
}

async fn write(from: &dyn Origin, to: &Path, now: Time) -> Result<u64, Failure> {
    let written = async {
        let blank = Writing::begin(to, now)?;
        let copied = transfer::copy(from, Box::new(blank)).await?;
        Ok(copied.values().sum())
    };
    written.await.map_err(|it: StoreError| {
        let taken = matches!(it, StoreError::Refused { .. });
        let failure = unwritten(to, it);
        if taken { failure.hint("choose another name") } else { failure }
    })
}

const BUSY: &str = "stop it first, or leave --forget-before out: a hub forgets by itself what \
    store.retention_facts and store.retention_journal say";
