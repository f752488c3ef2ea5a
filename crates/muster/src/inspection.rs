//! Reads the whole store once, some time after start, and tells of damage.
//!
//! Rows are checked whenever they are read; this notices what nobody reads. **Invariant:** it takes
//! at most a tenth of one core, on a connection of its own, and keeps nobody from storing.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use muster_core::ports::{Clock, StoreError};
use muster_store::sqlite::Sqlite;
use tokio::sync::watch;
use tracing::{debug, error, info, warn};

use crate::trouble::said;

/// Where it is told, and where it is heard, what is damaged.
pub(crate) fn channel() -> (watch::Sender<Option<String>>, watch::Receiver<Option<String>>) {
    watch::channel(None)
}

/// Runs until everything is read.
pub(crate) async fn once(
    store: Arc<Sqlite>,
    file: PathBuf,
    clock: Arc<dyn Clock>,
    finder: watch::Sender<Option<String>>,
    announcer: watch::Sender<u64>,
) {
    tokio::time::sleep(AFTER_START).await;
    let size = tokio::fs::metadata(&file).await.map_or(0, |it| it.len());
    if size > LARGEST {
        return info!(
            size,
            "too large to be read through; `muster backup` verifies what it writes"
        );
    }
    match inspect(&store, &*clock).await {
        Ok(()) => debug!("the whole store can be read"),
        Err(found @ StoreError::Damaged { .. }) => {
            let what = said(&found);
            error!("{what}");
            finder.send_replace(Some(what));
            announcer.send_modify(|_| {});
        }
        Err(other) => warn!("the store was not read through: {}", said(&other)),
    }
}

async fn inspect(store: &Sqlite, clock: &dyn Clock) -> Result<(), StoreError> {
    let mut part = 0;
    loop {
        let began = clock.now();
        if !store.verify_part(part).await? {
            return Ok(());
        }
        part += 1;
        tokio::time::sleep(clock.now().since(began) * REST).await;
    }
}

/// Start is a busy time, and so is what retention does ten minutes later.
const AFTER_START: Duration = Duration::from_mins(20);
/// A gibibyte is read in some seconds; a household has a hundredth of it.
const LARGEST: u64 = 1 << 30;
/// It rests nine times as long as it works.
const REST: u32 = 9;

#[cfg(test)]
mod tests {
    use std::fs;

    use muster_core::batch::Batch;
    use muster_core::identity::IdentityId;
    use muster_core::ports::Store as _;
    use muster_store::Access;

    use super::*;
    use crate::clock::SystemClock;

    #[tokio::test]
    async fn a_torn_row_that_nobody_reads_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("muster.db");
        let store = Sqlite::open(&path, Access::ReadWrite).await.unwrap();
        let identity = "mac:b8:27:eb:01:02:03".parse().unwrap();
        let batch = Batch { identities: vec![(IdentityId(1), identity)], ..Batch::default() };
        store.commit(&batch).await.unwrap();
        inspect(&store, &SystemClock).await.unwrap();
        store.close().await.unwrap();

        let mut bytes = fs::read(&path).unwrap();
        let text = b"b8:27:eb:01:02:03";
        let at = bytes.windows(text.len()).position(|it| it == text).unwrap();
        bytes[at] ^= 1;
        fs::write(&path, bytes).unwrap();
        let store = Sqlite::open(&path, Access::ReadWrite).await.unwrap();
        let found = inspect(&store, &SystemClock).await.unwrap_err();
        assert!(matches!(found, StoreError::Damaged { .. }), "{found}");
        assert!(said(&found).contains("muster restore"), "{found}");
    }
}
