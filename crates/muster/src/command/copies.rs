//! `muster backup` and `muster restore`.

use std::os::unix::net::UnixStream;
use std::path::Path;

use muster_core::ports::{Store as _, StoreError};
use muster_store::sqlite::{Access, Backup, Over, Sqlite};
use serde_json::json;
use tokio::runtime::Runtime;

use crate::client::nothing_in;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::folder::{Folder, STORE, in_use};
use crate::offline::unreadable;
use crate::output::Output;
use crate::privileges;

/// Writes a verified copy of the store, also while a hub runs: as the person who asks for it, so
/// that the file lies where they may write and is theirs.
pub(crate) fn backup(context: &Context, file: &Path) -> Result<(), Failure> {
    let output = Output::new(context)?;
    let to = std::path::absolute(file).map_err(|it| {
        Failure::new(Exit::Usage, format!("this is no file: {}", file.display())).because(it)
    })?;
    if let Some(parent) = to.parent().filter(|it| !it.is_dir()) {
        let what = format!("there is no such folder: {}", parent.display());
        return Err(Failure::new(Exit::Usage, what).hint("choose a file in a folder that exists"));
    }
    let folder = context.data()?;
    let store = folder.join(STORE);
    if !store.exists() {
        return Err(nothing_in(&folder));
    }
    let unwritten = |it: StoreError| {
        let exit = match it {
            StoreError::Unavailable { .. } => Exit::Unreachable,
            StoreError::Newer { .. } | StoreError::Damaged { .. } | StoreError::Refused { .. } => {
                Exit::Failed
            }
        };
        Failure::new(exit, format!("cannot write a backup: {}", to.display())).because(it)
    };
    started()?.block_on(async {
        let store = Sqlite::open(&store, Access::ReadOnly).await;
        let store = store.map_err(|it| unreadable(it, &folder))?;
        store.backup(&to).await.map_err(unwritten)?;
        store.close().await.map_err(unwritten)
    })?;
    let to = to.display().to_string();
    output.done(&format!("written and verified: {to}"), &json!({ "to": to }))
}

/// Makes a backup the store. Nothing is touched before the copy is whole and verified.
pub(crate) fn restore(context: &Context, file: &Path, replace: bool) -> Result<(), Failure> {
    let output = Output::new(context)?;
    let folder = Folder::take(&context.data()?)?;
    let store = folder.store();
    if UnixStream::connect(folder.socket()).is_ok() {
        return Err(in_use(folder.path()));
    }
    if store.exists() && !replace {
        let what = format!("there is a store already: {}", store.display());
        return Err(Failure::new(Exit::Failed, what)
            .hint("replace it with --replace; the old one is kept beside it"));
    }
    let over = if replace { Over::TheStore } else { Over::Nothing };
    let unfit = |it| unfit(file, it);
    let backup = Backup::open(file).map_err(unfit)?;
    privileges::act_as_owner(folder.path())?;
    let ready = started()?.block_on(backup.restore(&store, over)).map_err(unfit)?;
    let kept = ready.put_in_place().map_err(|it| {
        let what = format!("restored, and not in its place yet: {}", store.display());
        Failure::new(Exit::Failed, what)
            .because(it)
            .hint("it is put there when the store is opened next, as by `muster serve`")
    })?;
    let said = format!("restored: {}", store.display());
    output.done(&said, &json!({ "store": store.display().to_string() }))?;
    if let Some(kept) = kept {
        output.note(&format!("the old store is kept: {}", kept.display()));
    }
    Ok(())
}

fn started() -> Result<Runtime, Failure> {
    let mut one_thread = tokio::runtime::Builder::new_current_thread();
    let made = one_thread.enable_all().build();
    made.map_err(|it| Failure::new(Exit::Failed, "cannot start").because(it))
}

fn unfit(file: &Path, cause: StoreError) -> Failure {
    let exit = if file.exists() { Exit::Failed } else { Exit::NotFound };
    Failure::new(exit, format!("cannot restore: {}", file.display()))
        .because(cause)
        .hint("nothing was changed; give a file that `muster backup` wrote")
}
