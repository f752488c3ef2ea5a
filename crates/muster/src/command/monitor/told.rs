//! What a monitor tells the person who started it: whose it is, how much waits, and whenever the way
//! to the hub breaks or mends, why, and what to type about it.

use std::path::Path;

use muster_core::relay::Trouble;
use muster_core::relay::spool::Spooled;
use muster_relay::address::HubAddress;
use muster_relay::driver::Standing;
use tokio::sync::watch;

use crate::greeting::{Speaker, line, rights_told};
use crate::privileges::Rights;

/// How a monitor was started.
#[derive(Clone, Copy, Debug)]
pub(super) struct Started<'a> {
    /// What it is called.
    pub(super) monitor: &'a str,
    /// Where its hub is.
    pub(super) hub: &'a HubAddress,
    /// Where its data is.
    pub(super) data: &'a Path,
    /// The configuration file in use.
    pub(super) file: Option<&'a Path>,
    /// With which rights it runs.
    pub(super) rights: &'a Rights,
    /// What its spool holds.
    pub(super) spooled: &'a Spooled,
    /// How many bytes of facts it may hold.
    pub(super) capacity: u64,
    /// Whether it makes everything up.
    pub(super) simulated: bool,
}

/// What is said at the start.
pub(super) fn started(it: &Started<'_>) -> String {
    let mut text = format!("muster {}\n", env!("CARGO_PKG_VERSION"));
    if it.simulated {
        text.push_str("simulated: what this monitor tells is made up, and marked so\n");
    }
    text.push_str(&rights_told(it.rights));
    match it.file {
        Some(file) => line(&mut text, format_args!("configuration: {}", file.display())),
        None => line(&mut text, format_args!("configuration: none, the defaults hold")),
    }
    line(&mut text, format_args!("data: {}", it.data.display()));
    line(&mut text, format_args!("monitor: {}", muster_report::safe::terminal(it.monitor)));
    let (rows, capacity) = (it.spooled.rows(), it.capacity >> 20);
    if rows == 0 {
        line(&mut text, format_args!("spool: empty, room for {capacity} MiB"));
    } else {
        let kib = it.spooled.weight().div_ceil(1024);
        line(&mut text, format_args!("spool: {rows} facts wait, {kib} KiB of {capacity} MiB"));
    }
    line(&mut text, format_args!("hub: {}", it.hub));
    text
}

/// Tells how things stand whenever that is news. Runs until dropped.
pub(super) async fn tell(
    speaker: Speaker,
    mut standing: watch::Receiver<Standing>,
    spool: Box<Path>,
) {
    // What was dropped before the start is no news.
    let dropped = standing.borrow().dropped;
    let mut before = Standing { dropped, ..Standing::default() };
    loop {
        let now = standing.borrow_and_update().clone();
        speaker.say(&news(&before, &now, &spool));
        before = now;
        if standing.changed().await.is_err() {
            return;
        }
    }
}

/// What has changed that somebody would want to know.
fn news(before: &Standing, now: &Standing, spool: &Path) -> String {
    let mut text = String::new();
    if let Some(trouble) = now.trouble.as_ref().filter(|it| before.trouble.as_ref() != Some(it)) {
        let (what, hint) = explained(trouble, spool);
        line(&mut text, format_args!("{}", muster_report::safe::terminal(&what)));
        line(&mut text, format_args!("hint: {hint}"));
    }
    let is_mended = before.trouble.is_some() && now.trouble.is_none();
    match (now.reached, &now.why) {
        (Some(false), Some(why)) if before.reached != now.reached || before.why != now.why => {
            let why = muster_report::safe::terminal(why);
            line(&mut text, format_args!("the hub is not reached, facts are kept: {why}"));
            if let Some(hint) = now.hint {
                line(&mut text, format_args!("hint: {hint}"));
            }
        }
        (Some(true), _)
            if (before.reached != now.reached || is_mended) && now.trouble.is_none() =>
        {
            text.push_str("the hub answers\n");
        }
        _ => {}
    }
    if before.waiting > 0 && now.waiting == 0 {
        text.push_str("the hub has all that waited\n");
    }
    // Each time that there are twice as many.
    let grew = |before: u64, now: u64| now.checked_ilog2() > before.checked_ilog2();
    if grew(before.dropped, now.dropped) {
        line(&mut text, format_args!("facts that are dropped so far: {}", now.dropped));
    }
    if grew(before.refused, now.refused) {
        let why = now.refusal.as_deref().unwrap_or_default();
        let why = muster_report::safe::terminal(why);
        line(
            &mut text,
            format_args!("facts that the hub refused: {}, the last ones: {why}", now.refused),
        );
    }
    text
}

/// What is wrong, and what to type about it.
pub(super) fn explained(trouble: &Trouble, spool: &Path) -> (String, String) {
    let enrol = "on the hub, type `muster monitor enrol NAME`, and here the line that it prints";
    match trouble {
        Trouble::OtherStore { bound, found } => (
            format!(
                "the hub has another store than the one that this monitor tells: {found} and not {bound}"
            ),
            format!(
                "if that is meant, give up what waits: mv {0} {0}.old; {enrol}",
                spool.display()
            ),
        ),
        Trouble::Unauthorised => (
            "the hub does not let this monitor in any more, facts are kept".to_owned(),
            enrol.to_owned(),
        ),
        Trouble::Malformed(why) => (
            format!("the hub does not understand this monitor, facts are kept: {why}"),
            "run the same version of muster here and there".to_owned(),
        ),
        Trouble::Spool(why) => (
            format!("facts cannot be written down, and are in memory only: {why}"),
            format!("look after its disk: df -h {}", spool.parent().unwrap_or(spool).display()),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn news_is_told_once() {
        let spool = Path::new("/data/spool.db");
        let up = Standing { reached: Some(true), ..Standing::default() };
        let down = Standing {
            reached: Some(false),
            why: Some("nobody answers there".into()),
            hint: Some("look"),
            waiting: 3,
            ..Standing::default()
        };
        let more = Standing { waiting: 9, dropped: 3, ..down.clone() };
        let revoked = Standing { trouble: Some(Trouble::Unauthorised), ..up.clone() };
        let story = [&up, &up, &down, &more, &revoked, &revoked, &up];
        let mut before = Standing::default();
        let mut said = Vec::new();
        for now in story {
            said.push(news(&before, now, spool));
            before = now.clone();
        }
        let kept = "the hub is not reached, facts are kept: nobody answers there\nhint: look\n";
        assert_eq!(said[..3], ["the hub answers\n", "", kept]);
        assert_eq!(said[3], "facts that are dropped so far: 3\n");
        assert!(said[4].starts_with("the hub does not let this monitor in"), "{}", said[4]);
        assert!(said[4].ends_with("the hub has all that waited\n"), "{}", said[4]);
        assert_eq!(said[5..], ["", "the hub answers\n"]);
    }

    #[test]
    fn every_trouble_has_something_to_type() {
        use muster_core::uplink::StoreId;
        let (bound, found) = (StoreId(1), StoreId(2));
        for trouble in [
            Trouble::OtherStore { bound, found },
            Trouble::Unauthorised,
            Trouble::Malformed("a wrong lane".into()),
            Trouble::Spool("the disk is full".into()),
        ] {
            let (what, hint) = explained(&trouble, Path::new("/data/spool.db"));
            assert!(!what.is_empty() && !hint.is_empty());
        }
    }
}
