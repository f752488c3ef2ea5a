//! The store of a data folder, wherever it is kept: a file in it, or a database on a server.
//!
//! Opens it, waits for whoever is just writing to it, and says to people what is wrong with it and what
//! helps there. Which kind it is, is the registry's business.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use muster_config::store::StoreSettings;
use muster_core::ports::StoreError;
use muster_store::transfer::Blank;
use muster_store::{Access, Kept};

use crate::client::nothing_in;
use crate::failure::{Exit, Failure};
use crate::folder::{self, STORE, is_held, is_in_use};
use crate::greeting::Speaker;
use crate::password;
use crate::registry::{self, Opened};

/// Where a store is.
pub(crate) struct Shelf<'a> {
    /// None: the file in the folder, whatever is configured.
    settings: Option<&'a StoreSettings>,
    folder: &'a Path,
}

impl<'a> Shelf<'a> {
    /// The store of a data folder, as configured.
    pub(crate) fn of(settings: impl Into<Option<&'a StoreSettings>>, folder: &'a Path) -> Self {
        let settings = settings.into();
        Self { settings, folder }
    }

    /// Opens it.
    pub(crate) async fn open(&self, access: Access) -> Result<Opened, StoreError> {
        registry::store(self.settings, &self.file(), access).await
    }

    /// Begins to copy another store to where it will be.
    pub(crate) async fn fill(&self) -> Result<Box<dyn Blank>, StoreError> {
        registry::fill(self.settings, &self.file()).await
    }

    /// Opens it to write, after waiting for a command that is just writing to it.
    pub(crate) async fn open_patiently(&self, speaker: Speaker) -> Result<Opened, StoreError> {
        let mut tries = LOCK_TRIES;
        loop {
            match self.open(Access::ReadWrite).await {
                Err(error) if tries > 0 && (is_in_use(&error) || is_held(&error)) => {
                    if let (LOCK_TRIES, StoreError::Unavailable { what, .. }) = (tries, &error) {
                        speaker.waits_for_store(what);
                    }
                    tries -= 1;
                    tokio::time::sleep(LOCK_PAUSE).await;
                }
                other => return other,
            }
        }
    }

    /// Begins or ends to keep what other programs' SQL looks at, as configured.
    pub(crate) async fn keep_views(&self, opened: &Opened) -> Result<(), StoreError> {
        let wanted = self.settings.is_some_and(|it| it.sql_views);
        let hours = opened.store.keep_plain(wanted).await?;
        if hours > 0 {
            tracing::info!("views for other programs are there, with readings of {hours} hours");
        }
        Ok(())
    }

    /// The file in the folder, which is there only if nothing else is configured.
    pub(crate) fn file(&self) -> PathBuf {
        self.folder.join(STORE)
    }

    /// Where it is, in words.
    pub(crate) fn place(&self) -> String {
        self.server().unwrap_or_else(|| self.file().display().to_string())
    }

    /// Whose it is, in words: the data folder's, or the server's.
    pub(crate) fn whose(&self) -> String {
        self.server().unwrap_or_else(|| self.folder.display().to_string())
    }

    /// The server's address, if it is on one.
    pub(crate) fn server(&self) -> Option<String> {
        self.settings.and_then(|it| it.url.as_ref()).map(ToString::to_string)
    }

    /// Refuses a folder in which nothing was ever kept.
    pub(crate) fn refuse_nothing(&self) -> Result<(), Failure> {
        if self.server().is_some() || self.file().exists() {
            return Ok(());
        }
        Err(nothing_in(self.folder))
    }

    /// What a hub says that cannot open it.
    pub(crate) fn closed(&self, error: StoreError) -> Failure {
        let folder = self.folder.display();
        if let Some(server) = self.server() {
            return on_server(error, "cannot open the store", &server);
        }
        if let Some(failure) = folder::kept_out(&error, self.folder) {
            return failure;
        }
        let (exit, hint) = match &error {
            StoreError::Unavailable { .. } => {
                (Exit::Unreachable, format!("look after the data folder: {folder}"))
            }
            StoreError::Newer { .. } => (Exit::Failed, NEWER.to_owned()),
            StoreError::Damaged { .. } => (
                Exit::Failed,
                format!("put a backup in its place: muster restore FILE --replace --data {folder}"),
            ),
            StoreError::Refused { .. } => (Exit::Failed, format!("it is in: {folder}")),
        };
        Failure::new(exit, "cannot open the store").because(error).hint(hint)
    }

    /// What a command says that cannot open it.
    pub(crate) fn unreadable(&self, error: StoreError) -> Failure {
        let what = format!("cannot open the store of: {}", self.whose());
        if let Some(server) = self.server() {
            return on_server(error, &what, &server);
        }
        let (exit, hint) = match &error {
            StoreError::Unavailable { .. } => (
                Exit::Unreachable,
                "look after its disk and its owner, or choose another with --data DIR",
            ),
            StoreError::Newer { .. } => (Exit::Failed, NEWER),
            StoreError::Damaged { .. } => {
                (Exit::Failed, "put a backup in its place: muster restore FILE --replace")
            }
            StoreError::Refused { .. } => (Exit::Failed, "choose another with --data DIR"),
        };
        Failure::new(exit, what).because(error).hint(hint)
    }
}

/// The same of a server: what it says itself is what helps there.
fn on_server(error: StoreError, what: &str, server: &str) -> Failure {
    let hint = if let Some((_, hint)) = password::remedy(&error) {
        hint
    } else if is_in_use(&error) {
        format!("stop the other one, or give this one another database: {server}")
    } else if matches!(error, StoreError::Newer { .. }) {
        NEWER.to_owned()
    } else {
        format!("it is where store.url says: {server}")
    };
    Failure::new(exit(&error), what).because(error).hint(hint)
}

/// Lets go of a store in good order, if nobody else has it any more.
pub(crate) async fn let_go(store: &mut Arc<dyn Kept>) {
    if Arc::get_mut(store).is_some()
        && let Err(cause) = store.close().await
    {
        tracing::warn!("the store was not closed in order, which loses nothing: {cause}");
    }
}

/// With what a command ends that a store failed.
pub(crate) fn exit(error: &StoreError) -> Exit {
    if let Some((exit, _)) = password::remedy(error) {
        return exit;
    }
    match error {
        StoreError::Unavailable { .. } => Exit::Unreachable,
        StoreError::Newer { .. } | StoreError::Damaged { .. } | StoreError::Refused { .. } => {
            Exit::Failed
        }
    }
}

/// What is said of another muster that has it, if that is what is wrong.
pub(crate) fn in_use(error: &StoreError) -> Option<&str> {
    let StoreError::Unavailable { what, .. } = error else { return None };
    is_in_use(error).then_some(what)
}

const NEWER: &str = "use the muster that wrote it, or a newer one";
/// A command holds the store for some hundredths of a second; a hub for as long as it runs.
const LOCK_TRIES: u32 = 60;
const LOCK_PAUSE: Duration = Duration::from_millis(50);
