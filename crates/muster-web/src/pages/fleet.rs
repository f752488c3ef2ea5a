//! Far monitors on the page *Monitors*: how each is, who may come, and who no longer.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use muster_core::directory::Edit;
use muster_core::identity::PlaceId;
use muster_core::snapshot::{MonitorView, Snapshot};
use muster_core::uplink::Health;
use serde::Deserialize;

use super::show::Clock;
use super::{Refusal, back, monitors, refuse};
use crate::api::fleet::{INVITED, state};
use crate::app::App;
use crate::extract::Filled;
use crate::hub::{Invitation, InviteWish, Invitee};
use crate::problem::Problem;
use crate::when::{When, length};

/// All of them, and what became of the form.
pub(super) struct Fleet {
    pub(super) lines: Vec<Line>,
    pub(super) asked: Asked,
    /// Where one may stand: number and name, when there is more than one place.
    pub(super) places: Vec<(u32, String)>,
}

/// What became of the form.
#[derive(Default)]
pub(super) struct Asked {
    /// What was typed.
    pub(super) name: String,
    /// The line to type on the monitor, and until when it is good.
    pub(super) line: Option<(String, When)>,
    pub(super) refused: Option<Refusal>,
}

/// One far monitor.
pub(super) struct Line {
    pub(super) name: String,
    /// For the style sheet and for people.
    pub(super) state: (&'static str, &'static str),
    pub(super) place: Option<String>,
    pub(super) last: Option<When>,
    pub(super) revoked: Option<When>,
    /// Until when a code for it is good.
    pub(super) invited: Option<When>,
    /// Whether it was let in, now or once.
    pub(super) enrolled: bool,
    pub(super) health: Option<Shown>,
}

/// How it was when it was last heard of.
pub(super) struct Shown {
    pub(super) version: String,
    pub(super) uptime: String,
    pub(super) clock: String,
    pub(super) backlog: u64,
    pub(super) backlog_since: Option<When>,
    pub(super) lost: u64,
    pub(super) simulated: bool,
    pub(super) last_error: Option<String>,
}

impl Fleet {
    pub(super) fn of(app: &App, snapshot: &Snapshot, asked: Asked, clock: &Clock) -> Self {
        let places = &snapshot.directory.places;
        let many = places.len() > 1;
        let line = |it: &MonitorView| Line::of(it, snapshot, many, clock);
        let mut lines: Vec<Line> = snapshot.monitors.iter().map(line).collect();
        for (name, Invitee { place, until }) in app.hub.invitations() {
            let until = clock.when(until);
            if let Some(known) = lines.iter_mut().find(|it| it.name == name) {
                known.invited = Some(until);
                continue;
            }
            let place = place.unwrap_or_else(|| snapshot.directory.site_of_monitor(&name));
            let place = many.then(|| snapshot.place_name(place).to_owned());
            lines.push(Line::invited(name, place, until));
        }
        lines.sort_by(|a, b| a.name.cmp(&b.name));
        let named = places.iter().map(|(id, it)| (id.0, it.name.to_string()));
        Self { lines, asked, places: named.filter(|_| many).collect() }
    }
}

impl Line {
    /// One that has a code, and has not shown it.
    fn invited(name: String, place: Option<String>, until: When) -> Self {
        let (state, invited) = (("arriving", INVITED), Some(until));
        let (last, revoked, health, enrolled) = (None, None, None, false);
        Self { name, state, place, last, revoked, invited, enrolled, health }
    }

    fn of(it: &MonitorView, snapshot: &Snapshot, many: bool, clock: &Clock) -> Self {
        let word = state(it);
        let class = match word {
            "alive" => "present",
            "down" => "unknown",
            "revoked" => "away",
            _ => "arriving",
        };
        let revoked = it.enrolment.as_ref().and_then(|it| it.revoked);
        Self {
            name: it.monitor.to_string(),
            state: (class, if word == "silent" { "not heard of yet" } else { word }),
            place: many.then(|| snapshot.place_name(it.place).to_owned()),
            last: it.row.as_ref().map(|it| clock.when(it.at)),
            revoked: revoked.map(|it| clock.when(it)),
            invited: None,
            enrolled: true,
            health: it.row.as_ref().filter(|_| revoked.is_none()).map(|row| Shown {
                version: row.health.version.to_string(),
                uptime: length(row.health.uptime),
                clock: offset(&row.health),
                backlog: row.health.spooled,
                backlog_since: row.oldest_unsent.map(|it| clock.when(it)),
                lost: row.health.dropped,
                simulated: row.health.simulated,
                last_error: row.health.last_error.as_deref().map(str::to_owned),
            }),
        }
    }
}

/// How far its clock is off, in words.
fn offset(health: &Health) -> String {
    let kept =
        if health.synchronised { "" } else { "; its machine does not keep it right by itself" };
    let Some(ahead) = health.clock_ahead else { return format!("not compared yet{kept}") };
    let ms = ahead.unsigned_abs() / 1_000;
    if ms < AGREES_MS {
        return format!("agrees with the hub's{kept}");
    }
    let much = if ms < 10_000 { format!("{ms} ms") } else { format!("{} s", ms / 1_000) };
    let way = if ahead < 0 { "behind" } else { "ahead of" };
    format!("{much} {way} the hub's{kept}")
}

/// A comparison is good to half a round trip, which on a busy wireless network takes as long.
const AGREES_MS: u64 = 100;

#[derive(Deserialize)]
pub(super) struct InviteForm {
    monitor: String,
    /// Empty: where it stood, or the first site.
    #[serde(default)]
    place: String,
}

/// Hands out a line to type; the page shows it once.
pub(super) async fn invite(
    State(app): State<App>,
    headers: HeaderMap,
    Filled(form): Filled<InviteForm>,
) -> Response {
    let monitor = form.monitor.trim().to_owned();
    let place = match form.place.as_str() {
        "" => None,
        id => match id.parse() {
            Ok(id) => Some(PlaceId(id)),
            Err(_) => return refuse(&Problem::missing("place", id)),
        },
    };
    let wish = InviteWish { monitor, place, ..InviteWish::default() };
    let name = form.monitor;
    let (status, asked) = match app.hub.invite(wish).await {
        Ok(Invitation { line, until }) => {
            let line = Some((line, Clock::of(&app).when(until)));
            (StatusCode::OK, Asked { name, line, refused: None })
        }
        Err(it) => {
            let problem = Problem::from(it);
            let refused = Some(Refusal::from(&problem));
            (problem.status(), Asked { name, line: None, refused })
        }
    };
    monitors::render(&app, &headers, status, None, asked).await
}

#[derive(Deserialize)]
pub(super) struct RevokeForm {
    monitor: String,
}

/// Shuts one out.
pub(super) async fn revoke(
    State(app): State<App>,
    Filled(RevokeForm { monitor }): Filled<RevokeForm>,
) -> Response {
    let at = app.hub.now().wall;
    match app.hub.edit(Edit::Revoke { monitor, at }, None).await {
        Ok(_) => back("/monitors"),
        Err(it) => refuse(&Problem::from(it)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_off_only_by_what_can_be_measured() {
        let alone = "; its machine does not keep it right by itself";
        for (ahead, synchronised, said) in [
            (Some(0), true, "agrees with the hub's".to_owned()),
            (Some(-8_000), false, format!("agrees with the hub's{alone}")),
            (Some(99_999), true, "agrees with the hub's".to_owned()),
            (Some(100_000), true, "100 ms ahead of the hub's".to_owned()),
            (Some(-1_234_567), true, "1234 ms behind the hub's".to_owned()),
            (Some(-60_000_000), false, format!("60 s behind the hub's{alone}")),
            (None, false, format!("not compared yet{alone}")),
        ] {
            let health = Health { clock_ahead: ahead, synchronised, ..Health::default() };
            assert_eq!(offset(&health), said);
        }
    }
}
