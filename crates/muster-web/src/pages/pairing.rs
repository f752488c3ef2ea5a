//! *Pairing*: let a phone pair, compare its number, and give who paired a name.

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use muster_core::directory::{DeviceKind, Edit};
use muster_core::pairing::{PairingView, Pending, Told, Trouble, WindowView};
use muster_core::snapshot::Snapshot;
use serde::Deserialize;

use super::show::Clock;
use super::{Frame, Refusal, back, refuse, show_as};
use crate::api::devices::{givable, numbered};
use crate::api::pairing::{device_of, forget_device};
use crate::api::people;
use crate::app::App;
use crate::extract::{Filled, Named};
use crate::hub::PairingWish;
use crate::problem::Problem;
use crate::when::{When, length};

#[derive(Template)]
#[template(path = "pairing.html")]
struct Page {
    frame: Frame,
    away: Option<Trouble>,
    window: Window,
    trouble: Option<Trouble>,
    keyless: Option<Trouble>,
    /// Requests: number, who, the digits.
    asked: Vec<(u64, String, String)>,
    pending: Vec<Line>,
    told: Vec<(When, String, &'static str)>,
    /// Short names and what people read.
    people: Vec<(String, String)>,
    /// How long a window is open, for people.
    length: String,
    refused: Option<Refused>,
}

impl Page {
    const KINDS: [&'static str; 4] = ["phone", "watch", "tag", "other"];

    /// The refused form of a device, if it is this one's.
    fn typed(&self, line: &Line) -> Option<&Refused> {
        self.refused.as_ref().filter(|it| it.device.is_some() && line.id == it.device)
    }

    fn same(one: impl AsRef<str>, other: impl AsRef<str>) -> bool {
        one.as_ref() == other.as_ref()
    }

    /// Why something was refused that has no form here any more.
    fn astray(&self) -> Option<&Refusal> {
        let refused = self.refused.as_ref()?;
        let has_form =
            refused.device.is_some() && self.pending.iter().any(|it| it.id == refused.device);
        (!has_form).then_some(&refused.why)
    }
}

/// The window, for people.
enum Window {
    Closed,
    Moving(&'static str),
    Open { name: String, adapters: String, by: String, until: When, low_energy: Option<String> },
}

impl Window {
    fn of(view: WindowView, clock: &Clock) -> Self {
        match view {
            WindowView::Closed => Self::Closed,
            WindowView::Opening => Self::Moving("opening"),
            WindowView::Closing => Self::Moving("closing"),
            WindowView::Open { name, adapters, by, left, low_energy, .. } => Self::Open {
                name: name.into(),
                adapters: adapters.join(", "),
                by: by.into(),
                // By the clock that does not step.
                until: clock.when(clock.now + left),
                low_energy: low_energy.err().map(Into::into),
            },
        }
    }
}

/// A device that waits for a name.
struct Line {
    /// Its number, once it has one.
    id: Option<u32>,
    name: String,
    address: String,
    since: When,
    until: When,
    trouble: Option<String>,
}

impl Line {
    fn of(it: Pending, snapshot: &Snapshot, clock: &Clock) -> Self {
        Self {
            id: device_of(snapshot, &it.bond).map(|it| it.0),
            address: it.bond.device.to_string(),
            name: it.bond.name.into(),
            since: clock.when(it.since),
            until: clock.when(it.until),
            trouble: it.trouble.map(Into::into),
        }
    }
}

/// What was typed, and why it is not so.
struct Refused {
    device: Option<u32>,
    form: RegisterForm,
    why: Refusal,
}

pub(super) async fn page(State(app): State<App>, headers: HeaderMap) -> Response {
    render(&app, &headers, StatusCode::OK, None)
}

fn render(
    app: &App,
    headers: &HeaderMap,
    status: StatusCode,
    refused: Option<Refused>,
) -> Response {
    let snapshot = app.snapshot();
    let clock = Clock::of(app);
    let PairingView { away, window, trouble, asked, pending, told, keyless } = app.hub.pairing();
    let people = snapshot.directory.people.values();
    let told_of = |it: Told| (clock.when(it.at), it.name.into(), it.what.word());
    let page = Page {
        frame: Frame::new(app, &snapshot, headers, "/pairing", "Pairing"),
        away,
        window: Window::of(window, &clock),
        trouble,
        keyless,
        asked: asked
            .into_iter()
            .map(|it| (it.number, it.name.into(), format!("{:06}", it.passkey)))
            .collect(),
        pending: pending.into_iter().map(|it| Line::of(it, &snapshot, &clock)).collect(),
        told: told.into_iter().map(told_of).collect(),
        people: people.map(|it| (it.name.to_string(), it.display.to_string())).collect(),
        length: length(app.hub.pairing_length()),
        refused,
    };
    show_as(status, &page)
}

pub(super) async fn open(State(app): State<App>, headers: HeaderMap) -> Response {
    let length = app.hub.pairing_length();
    done(&app, &headers, PairingWish::Open { length, by: "the page" }).await
}

pub(super) async fn close(State(app): State<App>, headers: HeaderMap) -> Response {
    done(&app, &headers, PairingWish::Close).await
}

#[derive(Deserialize)]
pub(super) struct AnswerForm {
    accept: bool,
}

pub(super) async fn answer(
    State(app): State<App>,
    headers: HeaderMap,
    Named(number): Named<u64>,
    Filled(AnswerForm { accept }): Filled<AnswerForm>,
) -> Response {
    done(&app, &headers, PairingWish::Answer { number, accept }).await
}

async fn done(app: &App, headers: &HeaderMap, wish: PairingWish) -> Response {
    match app.hub.pair(wish).await {
        Ok(()) => back("/pairing"),
        Err(refused) => again(app, headers, None, RegisterForm::default(), &refused.into()),
    }
}

/// A name for who paired, as typed.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct RegisterForm {
    name: String,
    /// A person's short name; empty: nobody.
    owner: String,
    kind: String,
}

pub(super) async fn register(
    State(app): State<App>,
    headers: HeaderMap,
    Named(id): Named<u32>,
    Filled(form): Filled<RegisterForm>,
) -> Response {
    match describe(&app, id, &form).await {
        Ok(()) => back("/pairing"),
        Err(problem) => again(&app, &headers, Some(id), form, &problem),
    }
}

async fn describe(app: &App, id: u32, form: &RegisterForm) -> Result<(), Problem> {
    let snapshot = app.snapshot();
    let device = numbered(&snapshot, id)?;
    let name = form.name.trim().to_owned();
    if name.is_empty() && form.owner.is_empty() {
        let detail = "give it a name or an owner, else it is forgotten";
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail));
    }
    let wrong = |it| Problem::from(crate::hub::EditRefused::Wrong(it));
    let kind: DeviceKind = form.kind.parse().map_err(wrong)?;
    let person = match form.owner.as_str() {
        "" => None,
        owner => Some(people::named(&snapshot, owner)?),
    };
    let (name, kind) = (Some(name), Some(kind));
    let edit = Edit::EditDevice { device, name, kind, mark: None, carried: None };
    app.hub.edit(edit, None).await?;
    if person.is_some() {
        let device = givable(app, &snapshot, id)?;
        let assign = Edit::Assign { device, person, from: app.hub.now().wall };
        app.hub.edit(assign, None).await?;
    }
    Ok(())
}

pub(super) async fn forget(
    State(app): State<App>,
    headers: HeaderMap,
    Named(id): Named<u32>,
) -> Response {
    match forget_device(&app, id).await {
        Ok(()) => back("/pairing"),
        Err(problem) => again(&app, &headers, Some(id), RegisterForm::default(), &problem),
    }
}

/// The same from the page of the device, which may be gone then.
pub(super) async fn forget_there(State(app): State<App>, Named(id): Named<u32>) -> Response {
    match forget_device(&app, id).await {
        Ok(()) => back("/devices"),
        Err(problem) => refuse(&problem),
    }
}

fn again(
    app: &App,
    headers: &HeaderMap,
    device: Option<u32>,
    form: RegisterForm,
    problem: &Problem,
) -> Response {
    let why = Refusal::from(problem);
    render(app, headers, problem.status(), Some(Refused { device, form, why }))
}
