//! One device: describe it, give it to somebody, merge it with another or take it apart.

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use muster_core::directory::{DeviceKind, Directory, Edit, Mark};
use muster_core::identity::DeviceId;
use muster_core::snapshot::Snapshot;
use muster_core::stay::Subject;
use serde::Deserialize;

use super::radio::Radio;
use super::show::{Clock, DeviceLine};
use super::{Frame, Refusal, back, refuse, show_as};
use crate::api::devices::{givable, join, numbered, part};
use crate::api::people;
use crate::app::App;
use crate::extract::{Filled, Named};
use crate::hub::EditRefused;
use crate::label::label;
use crate::problem::Problem;

#[derive(Template)]
#[template(path = "device.html")]
struct Page {
    frame: Frame,
    device: DeviceLine,
    facts: Facts,
    radio: Radio,
    form: DeviceForm,
    /// Short names and what people read.
    people: Vec<(String, String)>,
    /// Devices that it may be merged into.
    others: Vec<(u32, String)>,
    /// Whether the configuration file says whose it is.
    declared: bool,
    refusal: Option<Refusal>,
}

impl Page {
    const KINDS: [(&'static str, DeviceKind); 11] = DeviceKind::ALL;
    const MARKS: [(&'static str, &'static str); 3] = [
        ("normal", "Counts as somebody's"),
        ("infrastructure", "Belongs to the building"),
        ("ignored", "Ignore it"),
    ];
}

/// What a device says of itself.
struct Facts {
    hostname: Option<String>,
    vendor_class: Option<String>,
    proxy_for: Option<String>,
    /// Identities, and whether each can be taken out.
    identities: Vec<(String, bool)>,
    ips: Vec<String>,
}

/// The description, as typed.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct DeviceForm {
    name: String,
    kind: String,
    owner: String,
    carried: String,
    mark: String,
    /// The description that the form was filled from, to notice that it has changed meanwhile.
    seen: String,
}

impl DeviceForm {
    fn of(directory: &Directory, id: DeviceId) -> Self {
        let device = directory.device(id);
        let owner = device.owner().and_then(|it| directory.people.get(&it));
        let mut form = Self {
            name: device.name.to_string(),
            kind: device.kind.word().to_owned(),
            owner: owner.map(|it| it.name.to_string()).unwrap_or_default(),
            carried: match device.carried {
                None => "by kind",
                Some(true) => "yes",
                Some(false) => "no",
            }
            .to_owned(),
            mark: device.mark.word().to_owned(),
            seen: String::new(),
        };
        form.seen = [&form.name, &form.kind, &form.owner, &form.carried, &form.mark]
            .map(String::as_str)
            .join("|");
        form
    }
}

pub(super) async fn page(
    State(app): State<App>,
    headers: HeaderMap,
    Named(id): Named<u32>,
) -> Response {
    render(&app, &headers, StatusCode::OK, id, None, None).await
}

async fn render(
    app: &App,
    headers: &HeaderMap,
    status: StatusCode,
    id: u32,
    typed: Option<DeviceForm>,
    refusal: Option<Refusal>,
) -> Response {
    let snapshot = app.snapshot();
    let Some(view) = snapshot.device(DeviceId(id)) else {
        let problem = Problem::missing("device", &id.to_string());
        return refuse(&problem.hint("it may have become part of another device"));
    };
    let current = DeviceForm::of(&snapshot.directory, view.id);
    let form = match typed {
        Some(typed) => DeviceForm { seen: current.seen, ..typed },
        None => current,
    };
    let clock = Clock::of(app);
    let device = DeviceLine::of(&snapshot, view, &clock);
    let radio = match Radio::of(app, &snapshot, view, &clock).await {
        Ok(radio) => radio,
        Err(error) => return refuse(&Problem::from(error)),
    };
    let people = snapshot.directory.people.values();
    let page = Page {
        frame: Frame::new(app, &snapshot, headers, "/devices", device.label.clone()),
        device,
        facts: Facts {
            hostname: view.hostname.as_deref().map(str::to_owned),
            vendor_class: view.vendor_class.as_deref().map(str::to_owned),
            proxy_for: view.proxy_for.as_deref().map(str::to_owned),
            identities: view
                .identities
                .iter()
                .map(|(number, it)| (it.to_string(), number.own_device() != view.id))
                .collect(),
            ips: view.ips.iter().map(ToString::to_string).collect(),
        },
        radio,
        form,
        people: people.map(|it| (it.name.to_string(), it.display.to_string())).collect(),
        others: others(&snapshot, view.id),
        declared: app.hub.declares(Subject::Device(view.id)),
        refusal,
    };
    show_as(status, &page)
}

fn others(snapshot: &Snapshot, id: DeviceId) -> Vec<(u32, String)> {
    let all = snapshot.devices.iter().filter(|it| it.id != id);
    let mut all: Vec<_> = all.map(|it| (it.id.0, label(it, snapshot))).collect();
    all.sort_by(|a, b| a.1.to_lowercase().cmp(&b.1.to_lowercase()).then(a.0.cmp(&b.0)));
    all.truncate(OFFERED);
    all
}

pub(super) async fn save(
    State(app): State<App>,
    headers: HeaderMap,
    Named(id): Named<u32>,
    Filled(form): Filled<DeviceForm>,
) -> Response {
    match describe(&app, DeviceId(id), &form).await {
        Ok(()) => back(&format!("/devices/{id}")),
        Err(problem) => {
            let refusal = Some(Refusal::from(&problem));
            render(&app, &headers, problem.status(), id, Some(form), refusal).await
        }
    }
}

/// Makes what was typed true: only what differs is edited, and only if nobody else was faster.
async fn describe(app: &App, device: DeviceId, form: &DeviceForm) -> Result<(), Problem> {
    let wrong = |it| Problem::from(EditRefused::Wrong(it));
    let kind: DeviceKind = form.kind.parse().map_err(wrong)?;
    let mark: Mark = form.mark.parse().map_err(wrong)?;
    let carried = match form.carried.as_str() {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    };
    let name = form.name.trim().to_owned();
    for _ in 0..TRIES {
        let snapshot = app.snapshot();
        numbered(&snapshot, device.0)?;
        let directory = &snapshot.directory;
        let current = DeviceForm::of(directory, device);
        if current.seen != form.seen {
            return Err(Problem::new(
                StatusCode::CONFLICT,
                "somebody changed this device while you were typing",
            )
            .hint("what you typed is still here; save again to replace theirs"));
        }
        let person = match form.owner.as_str() {
            "" => None,
            name => Some(people::named(&snapshot, name)?),
        };
        if form.owner != current.owner {
            givable(app, &snapshot, device.0)?;
            if kind == DeviceKind::Other && carried.is_none() && person.is_some() {
                return Err(super::people::unsaid(&form.owner));
            }
        }
        let edit = Edit::EditDevice {
            device,
            name: Some(name.clone()),
            kind: Some(kind),
            mark: Some(mark),
            carried: Some(carried),
        };
        match app.hub.edit(edit, Some(directory.version)).await {
            Ok(_) => {}
            Err(EditRefused::Stale { .. }) => continue,
            Err(refused) => return Err(refused.into()),
        }
        if form.owner == current.owner {
            return Ok(());
        }
        let assign = Edit::Assign { device, person, from: app.hub.now().wall };
        return app.hub.edit(assign, None).await.map(|_| ()).map_err(Problem::from);
    }
    Err(Problem::new(StatusCode::CONFLICT, "others are changing things all the time")
        .hint("save again"))
}

#[derive(Deserialize)]
pub(super) struct MergeForm {
    into: u32,
}

pub(super) async fn merge(
    State(app): State<App>,
    Named(id): Named<u32>,
    Filled(form): Filled<MergeForm>,
) -> Response {
    match join(&app, DeviceId(id), DeviceId(form.into), None).await {
        Ok(_) => back(&format!("/devices/{}", form.into)),
        Err(problem) => refuse(&problem),
    }
}

#[derive(Deserialize)]
pub(super) struct UngroupForm {
    identity: String,
}

pub(super) async fn ungroup(
    State(app): State<App>,
    Named(id): Named<u32>,
    Filled(form): Filled<UngroupForm>,
) -> Response {
    let ungrouped = async {
        let identity = part(&app.snapshot(), DeviceId(id), &form.identity)?;
        app.hub.edit(Edit::Ungroup { identity }, None).await.map_err(Problem::from)
    };
    match ungrouped.await {
        Ok(_) => back(&format!("/devices/{id}")),
        Err(problem) => refuse(&problem),
    }
}

/// A longer choice cannot be searched by eye; `muster device merge` takes any.
const OFFERED: usize = 300;

/// Edits of other things may come between reading and writing; so many in a row do not.
const TRIES: usize = 4;
