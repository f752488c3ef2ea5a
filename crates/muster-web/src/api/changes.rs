//! The journal: what was decided, in order.

use axum::Json;
use axum::extract::State;
use muster_core::change;
use muster_core::fact::SourceKind;
use muster_core::snapshot::Snapshot;
use muster_core::stay::Subject;
use serde::Serialize;
use utoipa::ToSchema;

use super::{List, Part, Routes, Stamp};
use crate::app::App;
use crate::extract::Asked;
use crate::problem::Problem;
use crate::subject;

pub(crate) fn add(routes: Routes) -> Routes {
    routes.get("/api/v1/changes", list)
}

/// One decision.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Change {
    /// Its place in the journal.
    id: u64,
    /// When it happened.
    at: Stamp,
    /// When it was decided.
    decided: Stamp,
    /// `arrived`, `left`, `moved`, `unknown`, `known`, `corrected`, `conflict`, `discovered`,
    /// `assigned`, `overridden`, `override_ended`, `dark` or `covered`.
    kind: &'static str,
    /// Of whom: `person:anna`, `device:7`; null for a listener.
    subject: Option<String>,
    /// What they are called now.
    name: Option<String>,
    /// The owner's short name, when the subject is a device that has one.
    owner: Option<String>,
    /// At which site.
    place: Option<String>,
    /// The stay that it begins, ends or rewrites.
    stay: Option<u64>,
    /// The medium that decided, when it was one.
    source: Option<&'static str>,
    /// The other end of an uncertain time.
    until: Option<Stamp>,
    /// Whether it is news to nobody.
    quiet: bool,
    /// The reason in plain words; may be empty.
    reason: String,
}

impl Change {
    pub(crate) fn of(snapshot: &Snapshot, it: &change::Change) -> Self {
        let people = &snapshot.directory.people;
        let called = |it: Subject| subject::called(snapshot, it);
        Self {
            id: it.id,
            at: Stamp(it.at),
            decided: Stamp(it.decided),
            kind: it.kind.word(),
            subject: it.subject.map(|it| subject::key(&snapshot.directory, it)),
            name: it.subject.map(called),
            owner: it.owner.and_then(|it| people.get(&it)).map(|it| it.name.to_string()),
            place: it.site.map(|it| snapshot.place_name(it).to_owned()),
            stay: it.stay.map(|it| it.0),
            source: it.source.map(SourceKind::word),
            until: it.until.map(Stamp),
            quiet: it.quiet,
            reason: it.reason.to_string(),
        }
    }
}

/// Changes after a number, oldest first. `next` is the number to go on from.
#[utoipa::path(get, path = "/api/v1/changes", tag = "history", params(Part),
    responses((status = 200, body = List<Change>)))]
pub(crate) async fn list(
    State(app): State<App>,
    Asked(part): Asked<Part>,
) -> Result<Json<List<Change>>, Problem> {
    let (after, limit) = (part.after()?, part.limit()?);
    let asked = u32::try_from(limit).unwrap_or(u32::MAX);
    let found = app.hub.store().changes_after(after, asked).await?;
    let next = found.last().filter(|_| found.len() == limit).map(|it| it.id.to_string());
    let snapshot = app.snapshot();
    Ok(Json(List { items: found.iter().map(|it| Change::of(&snapshot, it)).collect(), next }))
}
