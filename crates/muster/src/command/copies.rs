//! `muster backup` and `muster restore`.

use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use muster_core::ports::StoreError;
use muster_store::archive::Archive;
use muster_store::sqlite::{Backup, Over, kept};
use muster_store::transfer::{self, Uncopied};
use muster_store::{Access, FileError};
use nix::unistd::{AccessFlags, access};
use serde_json::json;
use tokio::runtime::Runtime;

use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::folder::{Folder, in_use};
use crate::output::Output;
use crate::password;
use crate::privileges;
use crate::shelf::{Shelf, exit};
use crate::stop;

/// Writes a verified copy of the store, also while a hub runs: as the person who asks for it, so
/// that the file lies where they may write and is theirs.
pub(crate) fn backup(context: &Context, file: &Path) -> Result<(), Failure> {
    let output = Output::new(context)?;
    let folder = context.data()?;
    let to = destination(file, &folder, "choose a file in a folder of yours")?;
    let shelf = Shelf::of(&context.config()?.config.store, &folder);
    shelf.refuse_nothing()?;
    let unwritten = |it: StoreError| {
        let taken = matches!(it, StoreError::Refused { .. }) && shelf.server().is_none();
        let failure = unwritten(&to, it);
        if taken { failure.hint("choose another name") } else { failure }
    };
    ended(async {
        let opened = shelf.open(Access::ReadOnly).await.map_err(|it| shelf.unreadable(it))?;
        let store = opened.store;
        store.backup(&to).await.map_err(unwritten)?;
        store.close().await.map_err(unwritten)
    })?;
    let to = to.display().to_string();
    output.done(&format!("written and verified: {to}"), &json!({ "to": to }))
}

/// Where a copy is written: in a folder that is there, and where this is allowed.
pub(super) fn destination(
    file: &Path,
    data: &Path,
    hint: &'static str,
) -> Result<PathBuf, Failure> {
    let to = std::path::absolute(file).map_err(|it| {
        Failure::new(Exit::Usage, format!("this is no file: {}", file.display())).because(it)
    })?;
    if file.as_os_str().as_encoded_bytes().ends_with(b"/") {
        let what = format!("this is a folder, and no file: {}", file.display());
        return Err(Failure::new(Exit::Usage, what).hint("write the name of a file behind it"));
    }
    let parent = to.parent().unwrap_or(Path::new("/"));
    // What a hub finds there by these names it takes for its own.
    let own = to
        .file_name()
        .is_some_and(|it| OWN.iter().any(|own| it.as_encoded_bytes().starts_with(own.as_bytes())));
    if own && parent.canonicalize().ok() == data.canonicalize().ok() {
        let what = format!("a name that the store itself may need: {}", to.display());
        return Err(Failure::new(Exit::Usage, what).hint("choose another name"));
    }
    if !parent.is_dir() {
        let what = format!("there is no such folder: {}", parent.display());
        return Err(Failure::new(Exit::Usage, what).hint("choose a file in a folder that exists"));
    }
    access(parent, AccessFlags::W_OK | AccessFlags::X_OK).map_err(|cause| {
        let what = format!("not allowed to write in: {}", parent.display());
        Failure::new(Exit::NotAllowed, what).because(cause).hint(hint)
    })?;
    Ok(to)
}

/// Why there is no copy: because of its file, or of the store.
pub(super) fn unwritten(to: &Path, cause: StoreError) -> Failure {
    use io::ErrorKind as Kind;
    let what = format!("cannot write a copy: {}", to.display());
    let cause = match FileError::of(cause) {
        Ok(it) => it,
        Err(cause) => return Failure::new(exit(&cause), what).because(cause),
    };
    let is = |kinds: &[Kind]| kinds.contains(&cause.kind());
    let (exit, hint) = if is(&[Kind::PermissionDenied, Kind::ReadOnlyFilesystem]) {
        (Exit::NotAllowed, "choose a file in a folder in which you may write")
    } else if is(&[Kind::StorageFull, Kind::QuotaExceeded]) {
        (Exit::Failed, "make room on its disk, or choose a file on another")
    } else {
        (Exit::Failed, "look after its disk, or choose a file on another")
    };
    Failure::new(exit, what).because(cause).hint(hint)
}

/// Makes a backup or an archive the store. Nothing is touched before the copy is whole and verified.
pub(crate) fn restore(context: &Context, file: &Path, replace: bool) -> Result<(), Failure> {
    let output = Output::new(context)?;
    let data = context.data()?;
    let shelf = Shelf::of(&context.config()?.config.store, &data);
    if let Some(server) = shelf.server() {
        return restore_there(&output, &shelf, &server, file, replace);
    }
    let unfit = |it| unfit(file, it);
    let copied = Copied::open(file).map_err(unfit)?;
    privileges::act_as_maker(&data)?;
    let (folder, fresh) = Folder::take_to_try(&data)?;
    let store = folder.store();
    if UnixStream::connect(folder.socket()).is_ok() {
        return Err(in_use(folder.path()));
    }
    if store.exists() && !replace {
        let what = format!("there is a store already: {}", store.display());
        return Err(Failure::new(Exit::Failed, what)
            .hint("replace it with --replace; the old one is kept beside it"));
    }
    if store.exists() && !kept(&store).is_empty() {
        return Err(still_kept(file, &store));
    }
    let over = if replace { Over::TheStore } else { Over::Nothing };
    let ready = ended(async {
        let backup = match copied {
            Copied::Backup(it) => it,
            Copied::Archive(it) => {
                it.verify().await.map_err(unfit)?;
                Backup::unpack(&it, &store).await.map_err(unfit)?
            }
        };
        backup.restore(&store, over).await.map_err(unfit)
    })?;
    fresh.keep();
    let rows = ready.rows();
    let kept = ready.put_in_place().map_err(|it| {
        let what = format!("restored, and not in its place yet: {}", store.display());
        Failure::new(Exit::Failed, what)
            .because(it)
            .hint("it is put there when the store is opened next, as by `muster serve`")
    })?;
    let said = format!("restored: {rows} rows into {}", store.display());
    output.done(&said, &json!({ "store": store.display().to_string(), "rows": rows }))?;
    if !kept.is_empty() {
        output.note(&format!("the old store is kept: {}", listed(&kept)));
    }
    Ok(())
}

/// A file that was opened to be restored.
enum Copied {
    Backup(Backup),
    Archive(Archive),
}

impl Copied {
    fn open(file: &Path) -> Result<Self, StoreError> {
        // What is no file, as a pipe, could be waited for for ever.
        if file.is_file() && Archive::is_one(file) {
            Archive::open(file).map(Self::Archive)
        } else {
            Backup::open(file).map(Self::Backup)
        }
    }
}

/// Makes an archive the store on a server, where there is none.
fn restore_there(
    output: &Output,
    shelf: &Shelf<'_>,
    server: &str,
    file: &Path,
    replace: bool,
) -> Result<(), Failure> {
    if !file.is_file() || !Archive::is_one(file) {
        let what = format!("the store is on a server, and no archive is: {}", file.display());
        let exit = if file.exists() { Exit::Failed } else { Exit::NotFound };
        return Err(Failure::new(exit, what).hint(ELSEWHERE));
    }
    if replace {
        let what = format!("a database is not replaced: {server}");
        return Err(Failure::new(Exit::Usage, what).hint("give an empty one in store.url"));
    }
    let unfit = |it| unfit(file, it);
    let archive = Archive::open(file).map_err(unfit)?;
    let unrestored = |it: Uncopied| {
        let hint = match &it {
            Uncopied::Not(_) => "nothing came of it there; store.url has to name an empty database",
            Uncopied::Unknown(_) => "it is not known whether it is there: muster store check",
        };
        let it = StoreError::from(it);
        let hint = password::remedy(&it).map_or_else(|| format!("{hint}: {server}"), |it| it.1);
        Failure::new(exit(&it), format!("cannot restore: {}", file.display()))
            .because(it)
            .hint(hint)
    };
    let copied = ended(async {
        archive.verify().await.map_err(unfit)?;
        let blank = shelf.fill().await.map_err(|it| unrestored(Uncopied::Not(it)))?;
        transfer::copy(&archive, blank).await.map_err(unrestored)
    })?;
    let rows: u64 = copied.values().sum();
    let said = format!("restored: {rows} rows into {server}");
    output.done(&said, &json!({ "store": server, "rows": rows }))
}

/// What becomes of work that leaves nothing half done, also of one that is interrupted.
pub(super) fn ended<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    started()?.block_on(async {
        let asked = stop::asked()?;
        tokio::select! {
            done = work => done,
            () = asked => Err(Failure::new(Exit::Failed, "interrupted")
                .hint("what was not finished is not there, and nothing is lost; type it again")),
        }
    })
}

/// What waits for a store.
pub(super) fn started() -> Result<Runtime, Failure> {
    let mut one_thread = tokio::runtime::Builder::new_current_thread();
    let made = one_thread.enable_all().build();
    made.map_err(|it| Failure::new(Exit::Failed, "cannot start").because(it))
}

/// What to do about an earlier store that was kept, and that a restore would write over.
fn still_kept(file: &Path, store: &Path) -> Failure {
    let files = listed(&kept(store));
    let what = format!(
        "the store from before an earlier restore is still kept, move it away first: {files}"
    );
    Failure::new(Exit::Failed, format!("cannot restore: {}", file.display()))
        .because(anyhow::anyhow!(what))
        .hint(format!("nothing was changed; move away or delete: {files}"))
}

fn listed(files: &[PathBuf]) -> String {
    let names: Vec<String> = files.iter().map(|it| it.display().to_string()).collect();
    names.join(" ")
}

fn unfit(file: &Path, cause: StoreError) -> Failure {
    let found = std::fs::metadata(file);
    let is_there = found.as_ref().is_ok_and(std::fs::Metadata::is_file);
    let is_allowed = access(file, AccessFlags::R_OK).is_ok();
    let (exit, hint) = if found.is_err() {
        (Exit::NotFound, ANOTHER)
    } else if is_there && !is_allowed {
        (Exit::NotAllowed, "nothing was changed; type it as whoever may read that file")
    } else if is_there && matches!(cause, StoreError::Unavailable { .. }) {
        (Exit::Failed, "nothing was changed; look after the disk, and type it again")
    } else {
        (Exit::Failed, ANOTHER)
    };
    let failure = Failure::new(exit, format!("cannot restore: {}", file.display())).hint(hint);
    match FileError::of(cause) {
        Ok(cause) => failure.because(cause),
        Err(cause) => failure.because(cause),
    }
}

const ANOTHER: &str =
    "nothing was changed; give a file that `muster backup` or `muster archive` wrote";

/// How files of a data folder are called.
const OWN: [&str; 2] = ["muster.", "spool."];
/// How what a server's own program wrote is put back.
const ELSEWHERE: &str = "give a file that `muster archive` wrote; what the server's own program wrote is put \
    back by: pg_restore --clean --if-exists -d DATABASE FILE, or: mariadb DATABASE < FILE";
