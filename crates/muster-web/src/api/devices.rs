//! Devices: search, describe, assign, merge and take apart.
#![expect(unused_qualifications, reason = "the route macro qualifies what it is given")]

use axum::extract::State;
use muster_core::directory::{DeviceKind, Edit, Mark};
use muster_core::identity::{DeviceId, Identity, IdentityId};
use muster_core::snapshot::{DeviceView, Presence, Snapshot};
use muster_core::stay::Subject;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::{List, Part, Routes, Stamp, Versioned, edit, people, value, versioned};
use crate::app::App;
use crate::extract::{Asked, Expected, Named, Sent};
use crate::label::{label, vendor};
use crate::problem::Problem;

pub(crate) fn add(routes: Routes) -> Routes {
    routes
        .get("/api/v1/devices", list)
        .get("/api/v1/devices/{id}", read)
        .patch("/api/v1/devices/{id}", describe)
        .put("/api/v1/devices/{id}/owner", assign)
        .post("/api/v1/devices/{id}/merge", merge)
        .delete("/api/v1/devices/{id}/identities/{identity}", ungroup)
}

/// A device now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Device {
    /// Its number.
    id: u32,
    /// The name that people gave it; empty: none.
    name: String,
    /// What to call it: its name, else its hostname, else vendor and address, else its identity.
    label: String,
    /// The name that it gives itself.
    hostname: Option<String>,
    /// Who made it, by its address.
    vendor: Option<&'static str>,
    /// DHCP vendor class.
    vendor_class: Option<String>,
    /// How it names itself, its own first: `mac:b8:27:eb:01:02:03` ...
    identities: Vec<String>,
    /// Addresses that it uses, newest first.
    ips: Vec<String>,
    /// Whether every address that it has was chosen at random.
    randomised: bool,
    /// The first sighting.
    first_seen: Option<Stamp>,
    /// The last sighting.
    last_seen: Option<Stamp>,
    /// The last signal since the hub runs, dBm.
    rssi: Option<i8>,
    /// When that was.
    rssi_at: Option<Stamp>,
    /// `away`, `arriving`, `present` or `unknown`.
    presence: &'static str,
    /// Since when.
    since: Option<Stamp>,
    /// The last evidence.
    last: Option<Stamp>,
    /// At which site.
    place: Option<String>,
    /// The short name of the person who owns it.
    owner: Option<String>,
    /// Whether it votes for its owner's presence.
    carried: bool,
    /// What it is: `phone`, `laptop` ...
    kind: &'static str,
    /// `normal`, `infrastructure` or `ignored`.
    mark: &'static str,
    /// Whom it answers for, if it answers for others.
    proxy_for: Option<String>,
    /// The medium on which it was last heard.
    source: Option<&'static str>,
}

impl Device {
    pub(crate) fn of(snapshot: &Snapshot, view: &DeviceView) -> Self {
        let described = snapshot.directory.device(view.id);
        let owner = view.owner.and_then(|it| snapshot.directory.people.get(&it));
        let standing = view.standing;
        Self {
            id: view.id.0,
            name: described.name.to_string(),
            label: label(view, snapshot),
            hostname: view.hostname.as_deref().map(str::to_owned),
            vendor: vendor(view),
            vendor_class: view.vendor_class.as_deref().map(str::to_owned),
            identities: view.identities.iter().map(|(_, it)| it.to_string()).collect(),
            ips: view.ips.iter().map(ToString::to_string).collect(),
            randomised: view.randomised,
            first_seen: view.first_seen.map(Stamp),
            last_seen: view.last_seen.map(Stamp),
            rssi: view.signal.map(|it| it.0),
            rssi_at: view.signal.map(|it| Stamp(it.1)),
            presence: standing.presence.word(),
            since: standing.since.map(Stamp),
            last: standing.last.map(Stamp),
            place: standing.site.map(|it| snapshot.place_name(it).to_owned()),
            owner: owner.map(|it| it.name.to_string()),
            carried: view.carried,
            kind: described.kind.word(),
            mark: view.mark.word(),
            proxy_for: view.proxy_for.as_deref().map(str::to_owned),
            source: view.source.map(muster_core::fact::SourceKind::word),
        }
    }
}

/// Which devices.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Filter {
    /// Only those that are present, or only those that are not.
    pub(crate) present: Option<bool>,
    /// Only those with this mark: `normal`, `infrastructure`, `ignored`.
    pub(crate) mark: Option<String>,
    /// Only those with this text in a name, vendor, owner or address.
    pub(crate) q: Option<String>,
    /// The cursor that the page before gave.
    pub(crate) after: Option<String>,
    /// At most so many, 1 to 1000; 100 by default.
    #[param(minimum = 1, maximum = 1000)]
    pub(crate) limit: Option<usize>,
}

impl Filter {
    /// The devices that pass, in order of number.
    pub(crate) fn pick<'a>(&self, snapshot: &'a Snapshot) -> Result<Vec<&'a DeviceView>, Problem> {
        let mark = self.mark.as_deref().filter(|it| !it.is_empty());
        let mark = mark.map(str::parse::<Mark>).transpose();
        let mark = mark.map_err(|it| Problem::wrong(it.to_string()))?;
        let text = self.q.as_deref().unwrap_or_default().trim().to_lowercase();
        let here = |it: &&DeviceView| {
            self.present.is_none_or(|want| (it.standing.presence == Presence::Present) == want)
        };
        let passes = snapshot
            .devices
            .iter()
            .filter(here)
            .filter(|it| mark.is_none_or(|want| it.mark == want))
            .filter(|it| text.is_empty() || mentions(snapshot, it, &text));
        Ok(passes.collect())
    }
}

fn mentions(snapshot: &Snapshot, device: &DeviceView, lower: &str) -> bool {
    let owner = device.owner.and_then(|it| snapshot.directory.people.get(&it));
    let has = |it: &str| it.to_lowercase().contains(lower);
    has(&label(device, snapshot))
        || device.hostname.as_deref().is_some_and(has)
        || device.vendor_class.as_deref().is_some_and(has)
        || vendor(device).is_some_and(has)
        || owner.is_some_and(|it| has(&it.display) || has(&it.name))
        || device.ips.iter().any(|it| has(&it.to_string()))
        || device.identities.iter().any(|(_, it)| has(&it.to_string()))
}

/// A device's new description; what is absent stays as it is.
#[expect(clippy::option_option, reason = "absent, null and a value are three different wishes")]
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeviceChange {
    /// Empty: no name.
    name: Option<String>,
    /// `phone`, `watch`, `tag`, `laptop`, `tablet`, `computer`, `media`, `printer`, `appliance`,
    /// `network` or `other`.
    kind: Option<String>,
    /// `normal`, `infrastructure` or `ignored`.
    mark: Option<String>,
    /// Whether it votes for its owner's presence; null: by its kind.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<bool>)]
    carried: Option<Option<bool>>,
}

/// A device's new owner.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewOwner {
    /// A person's short name; null: nobody.
    person: Option<String>,
    /// What the device is, as in a description; what it is said to be already if absent.
    kind: Option<String>,
    /// From when on, not later than now; now if absent.
    from: Option<Stamp>,
}

/// Where to put all identities of a device.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Merge {
    /// The number of the device that they become part of.
    into: u32,
}

/// Devices.
#[utoipa::path(get, path = "/api/v1/devices", tag = "devices", params(Filter),
    responses((status = 200, body = List<Device>)))]
pub(crate) async fn list(
    State(app): State<App>,
    Asked(filter): Asked<Filter>,
) -> Result<Versioned<List<Device>>, Problem> {
    let snapshot = app.snapshot();
    let part = Part { after: filter.after.clone(), limit: filter.limit };
    let picked = filter.pick(&snapshot)?.into_iter();
    let devices = part.of(picked, |it| it.id.0.into(), |it| Device::of(&snapshot, it))?;
    Ok(versioned(snapshot.directory.version, devices))
}

/// One device.
#[utoipa::path(get, path = "/api/v1/devices/{id}", tag = "devices",
    params(("id" = u32, Path, description = "the device's number")),
    responses((status = 200, body = Device)))]
pub(crate) async fn read(
    State(app): State<App>,
    Named(id): Named<u32>,
) -> Result<Versioned<Device>, Problem> {
    let version = app.snapshot().directory.version;
    shown(&app, version, DeviceId(id))
}

/// Describe a device.
#[utoipa::path(patch, path = "/api/v1/devices/{id}", tag = "devices",
    params(("id" = u32, Path, description = "the device's number")),
    request_body = DeviceChange, responses((status = 200, body = Device)))]
pub(crate) async fn describe(
    State(app): State<App>,
    Named(id): Named<u32>,
    Expected(expect): Expected,
    Sent(change): Sent<DeviceChange>,
) -> Result<Versioned<Device>, Problem> {
    let device = numbered(&app.snapshot(), id)?;
    let wrong =
        |it: muster_core::directory::EditError| Problem::from(crate::hub::EditRefused::Wrong(it));
    let kind = change.kind.as_deref().map(str::parse::<DeviceKind>).transpose().map_err(wrong)?;
    let mark = change.mark.as_deref().map(str::parse::<Mark>).transpose().map_err(wrong)?;
    let describe =
        Edit::EditDevice { device, name: change.name, kind, mark, carried: change.carried };
    let done = edit(&app, describe, expect, |it| current(it, device)).await?;
    shown(&app, done.version, device)
}

/// Give a device to a person, or to nobody.
#[utoipa::path(put, path = "/api/v1/devices/{id}/owner", tag = "devices",
    params(("id" = u32, Path, description = "the device's number")),
    request_body = NewOwner, responses((status = 200, body = Device)))]
pub(crate) async fn assign(
    State(app): State<App>,
    Named(id): Named<u32>,
    Expected(expect): Expected,
    Sent(new): Sent<NewOwner>,
) -> Result<Versioned<Device>, Problem> {
    let snapshot = app.snapshot();
    let device = givable(&app, &snapshot, id)?;
    let person = new.person.as_deref().map(|it| people::named(&snapshot, it)).transpose()?;
    let kind = new.kind.as_deref().map(str::parse::<DeviceKind>).transpose();
    let kind = kind.map_err(|it| Problem::from(crate::hub::EditRefused::Wrong(it)))?;
    let from = new.from.map_or_else(|| app.hub.now().wall, |it| it.0);
    let mut expect = expect;
    if kind.is_some() {
        let is = Edit::EditDevice { device, name: None, kind, mark: None, carried: None };
        expect = Some(edit(&app, is, expect, |it| current(it, device)).await?.version);
    }
    let assign = Edit::Assign { device, person, from };
    let done = edit(&app, assign, expect, |it| current(it, device)).await?;
    shown(&app, done.version, device)
}

/// Make all identities of a device part of another one, whose name, kind, mark and owners hold.
/// Those of the merged device are kept aside; taking each identity out again undoes it.
#[utoipa::path(post, path = "/api/v1/devices/{id}/merge", tag = "devices",
    params(("id" = u32, Path, description = "the device's number")),
    request_body = Merge, responses((status = 200, body = Device)))]
pub(crate) async fn merge(
    State(app): State<App>,
    Named(id): Named<u32>,
    Expected(expect): Expected,
    Sent(merge): Sent<Merge>,
) -> Result<Versioned<Device>, Problem> {
    let into = DeviceId(merge.into);
    let version = join(&app, DeviceId(id), into, expect).await?;
    shown(&app, version, into)
}

/// Makes one device part of another; the directory's new version.
pub(crate) async fn join(
    app: &App,
    from: DeviceId,
    into: DeviceId,
    expect: Option<u64>,
) -> Result<u64, Problem> {
    let snapshot = app.snapshot();
    for device in [from, into] {
        numbered(&snapshot, device.0)?;
    }
    let done = edit(app, Edit::Merge { from, into }, expect, |it| current(it, from)).await?;
    Ok(done.version)
}

/// Make one identity a device of its own again.
#[utoipa::path(delete, path = "/api/v1/devices/{id}/identities/{identity}", tag = "devices",
    params(("id" = u32, Path, description = "the device's number"),
        ("identity" = String, Path, description = "as in mac:b8:27:eb:01:02:03")),
    responses((status = 200, body = Device)))]
pub(crate) async fn ungroup(
    State(app): State<App>,
    Named((id, identity)): Named<(u32, String)>,
    Expected(expect): Expected,
) -> Result<Versioned<Device>, Problem> {
    let device = DeviceId(id);
    let identity = part(&app.snapshot(), device, &identity)?;
    let done = edit(&app, Edit::Ungroup { identity }, expect, |it| current(it, device)).await?;
    shown(&app, done.version, device)
}

/// The number of an identity that was put into this device.
pub(crate) fn part(
    snapshot: &Snapshot,
    device: DeviceId,
    identity: &str,
) -> Result<IdentityId, Problem> {
    numbered(snapshot, device.0)?;
    let wanted: Identity = identity
        .parse()
        .map_err(|it: muster_core::identity::InvalidIdentity| Problem::wrong(it.to_string()))?;
    let identities = snapshot.device(device).map_or(&[][..], |it| &it.identities);
    let found = identities.iter().find(|(_, it)| *it == wanted);
    let (id, _) = found.ok_or_else(|| Problem::missing("identity of this device", identity))?;
    if id.own_device() == device {
        let detail = format!("the device is named after this identity: {identity}");
        return Err(Problem::new(axum::http::StatusCode::UNPROCESSABLE_ENTITY, detail)
            .hint("take the others out instead"));
    }
    Ok(*id)
}

/// The device with this number.
pub(crate) fn numbered(snapshot: &Snapshot, id: u32) -> Result<DeviceId, Problem> {
    let found = snapshot.device(DeviceId(id));
    found.map(|it| it.id).ok_or_else(|| Problem::missing("device", &id.to_string()))
}

/// The same, unless the configuration file says whose it is.
pub(crate) fn givable(app: &App, snapshot: &Snapshot, id: u32) -> Result<DeviceId, Problem> {
    let device = numbered(snapshot, id)?;
    if app.hub.declares(Subject::Device(device)) {
        let what = snapshot.device(device).map_or_else(String::new, |it| label(it, snapshot));
        let detail = format!("the configuration file says whose this is: {what}");
        return Err(Problem::new(axum::http::StatusCode::FORBIDDEN, detail)
            .hint("change it in the configuration file and restart"));
    }
    Ok(device)
}

fn shown(app: &App, version: u64, id: DeviceId) -> Result<Versioned<Device>, Problem> {
    let snapshot = app.snapshot();
    let view = snapshot.device(id).ok_or_else(|| Problem::missing("device", &id.to_string()))?;
    Ok(versioned(version, Device::of(&snapshot, view)))
}

fn current(snapshot: &Snapshot, id: DeviceId) -> Option<Value> {
    value(Device::of(snapshot, snapshot.device(id)?))
}

/// Tells `null` from absent.
#[expect(clippy::option_option, reason = "absent, null and a value are three different wishes")]
fn given<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Option<bool>>, D::Error> {
    Option::deserialize(from).map(Some)
}
