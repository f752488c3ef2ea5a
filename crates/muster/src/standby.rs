//! Waits until this hub may lead: until nobody else writes to the store.
//!
//! Meanwhile its page and its socket say that it waits, and for whom. What is tried is to open the store;
//! whether another one still lives is the store's business.

use std::time::Duration;

use muster_core::ports::StoreError;
use muster_store::Access;
use muster_web::{Guard, standby};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::doors::{self, Doors, Manners};
use crate::failure::Failure;
use crate::greeting::Speaker;
use crate::listen::Administrators;
use crate::registry::Opened;
use crate::shelf::{Shelf, in_use, let_go};
use crate::trouble::said;

/// Where a hub can be asked.
pub(crate) struct Entrances {
    pub(crate) pages: TcpListener,
    pub(crate) commands: Administrators,
}

/// Opens the store, once nobody else writes to it. `leader` is who has taken it from this hub; `doors` opens
/// those of a hub that has to wait. A store in a file belongs to its folder: whoever has that keeps it.
pub(crate) async fn open(
    shelf: &Shelf<'_>,
    leader: Option<String>,
    speaker: Speaker,
    doors: impl AsyncFnOnce() -> Result<Entrances, Failure>,
) -> Result<Opened, Failure> {
    let leader = match leader {
        Some(it) => it,
        None if shelf.server().is_none() => {
            return shelf.open_patiently(speaker).await.map_err(|it| shelf.closed(it));
        }
        None => match shelf.open(Access::ReadWrite).await {
            Ok(opened) => return Ok(opened),
            Err(error) => match in_use(&error) {
                Some(told) => told.to_owned(),
                None => return Err(shelf.closed(error)),
            },
        },
    };
    wait(shelf, doors().await?, leader, speaker).await
}

/// Tries again and again. `leader`: who writes now, in words for people.
async fn wait(
    shelf: &Shelf<'_>,
    at: Entrances,
    leader: String,
    speaker: Speaker,
) -> Result<Opened, Failure> {
    speaker.say(&format!("standby: {leader}\n"));
    let (told, leads) = watch::channel(leader);
    let mut doors = Doors::new();
    let port = at.pages.local_addr().map_or(0, |it| it.port());
    let browsers = standby(leads.clone(), VERSION, Guard::Loopback { port });
    doors.add(doors::keep(at.pages, browsers, Manners::browsers(), doors.open()));
    let administrators = standby(leads, VERSION, Guard::Socket);
    doors.add(doors::keep(at.commands, administrators, Manners::commands(), doors.open()));
    let opened = loop {
        tokio::time::sleep(PAUSE).await;
        match shelf.open(Access::ReadWrite).await {
            Err(error @ StoreError::Unavailable { .. }) => {
                let words = in_use(&error).map_or_else(|| said(&error), str::to_owned);
                // What is known is not news.
                if *told.borrow() != words {
                    tracing::warn!("standby: {words}");
                    told.send_replace(words);
                }
            }
            other => break other.map_err(|it| shelf.closed(it)),
        }
    };
    // The next ones to come in find the hub that leads.
    doors.shut().await;
    opened
}

/// Who waited for the store waits again, if what it does not give can come back; why, in words for people.
pub(crate) async fn again(
    error: StoreError,
    shelf: &Shelf<'_>,
    mut kept: Opened,
    waited: bool,
) -> Result<Option<String>, Failure> {
    if !waited || !matches!(error, StoreError::Unavailable { .. }) {
        return Err(shelf.closed(error));
    }
    let_go(&mut kept.store).await;
    Ok(Some(said(&error)))
}

const VERSION: &str = env!("CARGO_PKG_VERSION");
/// How long between two tries: with the lease's own times a store is without a writer for less than ten
/// seconds.
const PAUSE: Duration = Duration::from_millis(500);
