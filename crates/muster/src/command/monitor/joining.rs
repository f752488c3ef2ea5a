//! Whose monitor this is: by a one-time code, a token, or what was remembered of either.

use std::fs;
use std::path::Path;

use muster_core::uplink::StoreId;
use muster_relay::address::HubAddress;
use muster_relay::hub::{Hub, Token, Unreached, enrol};
use muster_relay::membership::Membership;

use crate::cli::{Enrolment, RunningArgs};
use crate::failure::{Exit, Failure};
use crate::folder::Folder;

/// The hub, and what this monitor is to it.
pub(super) struct Joined {
    /// The way there.
    pub(super) hub: Hub,
    /// Where that is.
    pub(super) address: HubAddress,
    /// What this monitor is called; none: nobody said yet.
    pub(super) monitor: Option<Box<str>>,
    /// The hub's store, if it said.
    pub(super) store: Option<StoreId>,
}

/// Finds out whose monitor this is; with a code it is let in first, and that is remembered.
pub(super) async fn join(
    args: &RunningArgs,
    token: Option<Token>,
    folder: &Folder,
) -> Result<Joined, Failure> {
    if let (Some(address), Some(token)) = (&args.hub, token) {
        let hub = Hub::new(address, args.pin, token);
        let hub = hub.map_err(|it| unreached(address, it))?;
        return Ok(Joined { hub, address: address.clone(), monitor: None, store: None });
    }
    if let (Some(address), Some(code)) = (&args.hub, &args.enrol) {
        return member(let_in(address, code, folder).await?);
    }
    let kept = Membership::read(folder.path()).map_err(|it| {
        let file = folder.path().join(Membership::FILE);
        let what = format!("what is remembered of the hub is of no use: {}", file.display());
        Failure::new(Exit::Failed, what).because(it).hint(ENROL)
    })?;
    let Some(mut kept) = kept else {
        let what = match &args.hub {
            Some(hub) => format!("this monitor was not let in yet by: {hub}"),
            None => "this monitor knows no hub".to_owned(),
        };
        return Err(Failure::new(Exit::Usage, what).hint(ENROL));
    };
    if let Some(address) = &args.hub {
        kept.hub = address.clone();
        kept.pin = args.pin.or(kept.pin);
        // The hub moved: the next start finds it without being told.
        keep(&kept, folder, "the hub's new address cannot be written down")?;
    }
    member(kept)
}

/// A token as somebody put it into a file.
pub(super) fn token(file: &Path) -> Result<Token, Failure> {
    let unreadable = || format!("cannot read the token: {}", file.display());
    let text = fs::read_to_string(file)
        .map_err(|it| Failure::new(Exit::Usage, unreadable()).because(it))?;
    let is_none = || {
        let what = format!("there is no token in: {}", file.display());
        Failure::new(Exit::Usage, what).hint("a token has 43 letters, digits, - and _")
    };
    Token::read(text.trim()).ok_or_else(is_none)
}

async fn let_in(
    address: &HubAddress,
    by: &Enrolment,
    folder: &Folder,
) -> Result<Membership, Failure> {
    let asked = enrol(address, by.pin, &by.code, env!("CARGO_PKG_VERSION")).await;
    let welcome = asked.map_err(|it| unreached(address, it))?;
    let member = Membership { hub: address.clone(), pin: by.pin, welcome };
    keep(&member, folder, "it was let in, and cannot write that down").map_err(|it| {
        it.hint("make room on its disk, and let it in again: the code was good once")
    })?;
    Ok(member)
}

fn keep(member: &Membership, folder: &Folder, failed: &str) -> Result<(), Failure> {
    member.write(folder.path()).map_err(|it| {
        let file = folder.path().join(Membership::FILE);
        let what = format!("{failed}: {}", file.display());
        Failure::new(Exit::Failed, what).because(it).hint("make room on its disk")
    })
}

fn member(it: Membership) -> Result<Joined, Failure> {
    let Membership { hub: address, pin, welcome } = it;
    let hub = Hub::new(&address, pin, welcome.token).map_err(|it| unreached(&address, it))?;
    Ok(Joined { hub, address, monitor: Some(welcome.monitor), store: Some(welcome.store) })
}

fn unreached(address: &HubAddress, why: Unreached) -> Failure {
    if let Unreached::Refused { why, hint } = &why {
        let what = format!("the hub does not let it in: {why}");
        return Failure::new(Exit::NotAllowed, what).hint(hint.as_deref().unwrap_or(ENROL));
    }
    let hint = why.hint();
    let failure = Failure::new(Exit::Unreachable, format!("the hub is not reached: {address}"));
    match hint {
        Some(hint) => failure.because(why).hint(hint),
        None => failure.because(why),
    }
}

/// How a monitor is let in.
const ENROL: &str =
    "on the hub, type `muster monitor enrol NAME`, and here the line that it prints";
