//! Stays: who was where, from when to when, and how sure that is.
#![expect(unused_qualifications, reason = "the route macro qualifies what it is given")]

use axum::Json;
use axum::extract::State;
use muster_core::ports::{StayQuery, StaysOf};
use muster_core::snapshot::Snapshot;
use muster_core::span::Span;
use muster_core::stay;
use muster_core::stay::Subject;
use muster_core::time::Time;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::{IntoParams, ToSchema};

use super::{List, Part, Routes, Stamp, devices, people, places};
use crate::app::App;
use crate::extract::Asked;
use crate::problem::Problem;
use crate::subject;

pub(crate) fn add(routes: Routes) -> Routes {
    routes.get("/api/v1/stays", list)
}

/// One unbroken presence.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Stay {
    /// Its number.
    id: u64,
    /// What the subject is called now.
    who: String,
    /// Whose: `person:anna`, `device:7`.
    subject: String,
    /// At which site.
    place: String,
    /// The first evidence.
    from: Stamp,
    /// The last evidence; null while it is open.
    to: Option<Stamp>,
    /// `open`, `left`, `moved` or `assumed`.
    ended: &'static str,
    /// The latest time at which it may really have ended.
    to_latest: Option<Stamp>,
    /// The share of it in which somebody who knows the subject listened.
    #[schema(minimum = 0, maximum = 1)]
    covered: f64,
    /// Whether it began after a long uncovered gap.
    after_gap: bool,
    /// How often it was rewritten.
    revision: u32,
}

impl Stay {
    fn of(snapshot: &Snapshot, it: &stay::Stay, now: Time) -> Self {
        let length = it.to().unwrap_or(now).since(it.from).max(it.uncovered);
        let covered = if length.is_zero() {
            1.0
        } else {
            1.0 - it.uncovered.as_secs_f64() / length.as_secs_f64()
        };
        Self {
            id: it.id.0,
            who: subject::called(snapshot, it.subject),
            subject: subject::key(&snapshot.directory, it.subject),
            place: snapshot.place_name(it.site).to_owned(),
            from: Stamp(it.from),
            to: it.to().map(Stamp),
            ended: it.ended.word(),
            to_latest: it.to_latest.map(Stamp),
            covered,
            after_gap: it.after_gap,
            revision: it.revision,
        }
    }
}

/// Which stays.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// Those that share an instant with the time from here; 7 days ago if absent.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Stamp>,
    /// Up to here; now if absent.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<Stamp>,
    /// Only of this person, by short name.
    person: Option<String>,
    /// Only of this device, by number.
    device: Option<u32>,
    /// Only at this site, by name.
    place: Option<String>,
    /// Of `people` (the default), `devices` or `both`.
    of: Option<String>,
    /// The cursor that the page before gave.
    after: Option<String>,
    /// At most so many, 1 to 1000; 100 by default.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

/// Stays, by their start.
#[utoipa::path(get, path = "/api/v1/stays", tag = "history", params(Which),
    responses((status = 200, body = List<Stay>)))]
pub(crate) async fn list(
    State(app): State<App>,
    Asked(which): Asked<Which>,
) -> Result<Json<List<Stay>>, Problem> {
    let part = Part { after: which.after.clone(), limit: which.limit };
    // The cursor counts entries: stays have no order of their own that a number could name.
    let (skip, limit) = (part.after()?, part.limit()?);
    let most = skip.saturating_add(limit as u64).saturating_add(1);
    if most > DEEPEST {
        return Err(Problem::wrong("the list is too long to page through")
            .hint("ask for a shorter time with from and to"));
    }
    let snapshot = app.snapshot();
    let now = app.hub.now().wall;
    let query = which.query(&snapshot, now, u32::try_from(most).unwrap_or(u32::MAX))?;
    let found = app.hub.store().stays(&query).await?;
    let more = found.len() as u64 == most;
    let rest = found.iter().skip(usize::try_from(skip).unwrap_or(usize::MAX)).take(limit);
    let items = rest.map(|it| Stay::of(&snapshot, it, now)).collect();
    let next = more.then(|| (skip + limit as u64).to_string());
    Ok(Json(List { items, next }))
}

impl Which {
    fn query(&self, snapshot: &Snapshot, now: Time, limit: u32) -> Result<StayQuery, Problem> {
        let to = self.to.map_or(now, |it| it.0);
        let from = self.from.map_or(to - WEEK, |it| it.0);
        if to <= from {
            return Err(Problem::wrong(format!("`to` is not after `from`: {to}")));
        }
        let person = self.person.as_deref().map(|it| people::named(snapshot, it)).transpose()?;
        let device = self.device.map(|it| devices::numbered(snapshot, it)).transpose()?;
        let site = self.place.as_deref().map(|it| places::named(snapshot, it)).transpose()?;
        let subject = match (person, device) {
            (Some(person), None) => Some(Subject::Person(person)),
            (None, Some(device)) => Some(Subject::Device(device)),
            (None, None) => None,
            (Some(_), Some(_)) => {
                return Err(Problem::wrong("ask for a person or for a device, not for both"));
            }
        };
        let of = match (subject, self.of.as_deref()) {
            (Some(_), _) | (None, Some("both")) => StaysOf::Both,
            (None, None | Some("people")) => StaysOf::People,
            (None, Some("devices")) => StaysOf::Devices,
            (None, Some(other)) => {
                let detail = format!("of is one of people, devices, both: {other}");
                return Err(Problem::wrong(detail));
            }
        };
        let site = site.map(|it| snapshot.directory.site_of(it));
        Ok(StayQuery { window: Span::new(from, to), subject, of, site, limit })
    }
}

/// Beyond so many entries a list is read as a report, not page by page.
const DEEPEST: u64 = 50_000;

const WEEK: Duration = Duration::from_hours(7 * 24);
