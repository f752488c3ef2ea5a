//! `muster backup` and `muster restore`.

use std::fs::{self, File};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use hyper::Method;
use muster_core::ports::StoreError;
use serde_json::json;

use crate::client::Api;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::folder::{Folder, in_use};
use crate::output::Output;

/// Writes a verified copy of the store, through the hub if one runs.
pub(crate) fn backup(context: &Context, file: &Path) -> Result<(), Failure> {
    let output = Output::new(context)?;
    let to = std::path::absolute(file).map_err(|it| {
        Failure::new(Exit::Usage, format!("this is no file: {}", file.display())).because(it)
    })?;
    let Some(to) = to.to_str() else {
        let what = format!("the file's name is not UTF-8: {}", file.display());
        return Err(Failure::new(Exit::Usage, what));
    };
    let written = Api::to_read(context)?.send(&Method::POST, "backup", &json!({ "to": to }))?;
    output.done(&format!("written and verified: {to}"), &written)
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
    let fresh = store.with_extension("restoring");
    clear(&fresh)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|it| Failure::new(Exit::Failed, "cannot start").because(it))?;
    runtime.block_on(muster_store::restore(file, &fresh)).map_err(|it| unfit(file, it))?;
    let _lock = lock(&folder)?;
    let kept = store.exists().then(|| store.with_extension("before-restore"));
    if let Some(kept) = &kept {
        clear(kept)?;
        rename(&store, kept)?;
    }
    rename(&fresh, &store)?;
    let said = format!("restored: {}", store.display());
    output.done(&said, &json!({ "store": store.display().to_string() }))?;
    if let Some(kept) = kept {
        output.note(&format!("the old store is kept: {}", kept.display()));
    }
    Ok(())
}

/// The lock of whoever writes the store.
fn lock(folder: &Folder) -> Result<File, Failure> {
    let path = folder.store().with_extension("lock");
    let file = File::create(&path).map_err(|it| {
        Failure::new(Exit::NotAllowed, format!("cannot write: {}", path.display())).because(it)
    })?;
    file.try_lock().map_err(|_| in_use(folder.path()))?;
    Ok(file)
}

/// Moves a database with the files that belong to it: its log would be another one's ruin.
fn rename(from: &Path, to: &Path) -> Result<(), Failure> {
    for ending in PARTS {
        let (part, target) = (beside(from, ending), beside(to, ending));
        if part.exists() {
            fs::rename(&part, &target).map_err(|it| {
                Failure::new(Exit::Failed, format!("cannot move: {}", part.display())).because(it)
            })?;
        }
    }
    Ok(())
}

fn clear(database: &Path) -> Result<(), Failure> {
    for part in PARTS.iter().map(|it| beside(database, it)).filter(|it| it.exists()) {
        fs::remove_file(&part).map_err(|it| {
            Failure::new(Exit::Failed, format!("cannot remove: {}", part.display())).because(it)
        })?;
    }
    Ok(())
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

fn unfit(file: &Path, cause: StoreError) -> Failure {
    let exit = if file.exists() { Exit::Failed } else { Exit::NotFound };
    Failure::new(exit, format!("cannot restore: {}", file.display()))
        .because(cause)
        .hint("nothing was changed; give a file that `muster backup` wrote")
}

/// What belongs to a database: the file, its log and its index of the log.
const PARTS: [&str; 3] = ["", "-wal", "-shm"];
