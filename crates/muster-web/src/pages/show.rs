//! People, devices and times in the shape in which templates print them.

use jiff::tz::TimeZone;
use muster_core::directory::{DeviceKind, Mark};
use muster_core::fact::SourceKind;
use muster_core::snapshot::{DeviceView, PersonView, Presence, Snapshot};
use muster_core::stay::Subject;
use muster_core::time::Time;

use crate::api::now::is_strange;
use crate::app::App;
use crate::kind::{guess, is_unsaid};
use crate::label::{label, vendor};
use crate::when::When;

/// A moment and a zone, to print times by.
pub(crate) struct Clock {
    pub(crate) now: Time,
    zone: TimeZone,
}

impl Clock {
    pub(crate) fn of(app: &App) -> Self {
        Self { now: app.hub.now().wall, zone: app.hub.zone() }
    }

    pub(crate) fn when(&self, at: Time) -> When {
        When::new(at, self.now, &self.zone)
    }

    /// A moment as a date and time field holds it.
    pub(crate) fn civil(&self, at: Time) -> String {
        at.timestamp().to_zoned(self.zone.clone()).strftime("%Y-%m-%dT%H:%M").to_string()
    }

    /// What the zone is called at this time of the year.
    pub(crate) fn zone_name(&self) -> String {
        self.now.timestamp().to_zoned(self.zone.clone()).strftime("%Z").to_string()
    }

    pub(crate) fn zone(&self) -> &TimeZone {
        &self.zone
    }
}

/// What is believed, as a word and a style.
#[derive(Clone, Debug)]
pub(crate) struct State {
    /// For the style sheet: `present`, `away`, `arriving`, `unknown`.
    pub(crate) class: &'static str,
    /// For people: `here`, `away`, `arriving`, `unknown`.
    pub(crate) word: &'static str,
    pub(crate) since: Option<When>,
}

impl State {
    pub(crate) fn new(presence: Presence, since: Option<Time>, clock: &Clock) -> Self {
        let word = if presence == Presence::Present { "here" } else { presence.word() };
        Self { class: presence.word(), word, since: since.map(|it| clock.when(it)) }
    }
}

/// A person on a card.
pub(crate) struct PersonCard {
    pub(crate) id: u32,
    pub(crate) name: String,
    pub(crate) display: String,
    pub(crate) initial: String,
    pub(crate) state: State,
    pub(crate) last: Option<When>,
    /// Which media hear them, for people.
    pub(crate) sources: String,
    /// The site, where there are several.
    pub(crate) place: Option<String>,
    /// Who set it by hand, when, and until when.
    pub(crate) overridden: Option<(String, When, When)>,
    pub(crate) devices: Vec<DeviceLine>,
    pub(crate) declared: bool,
}

impl PersonCard {
    /// Whether they have devices, and none that says anything about them.
    pub(crate) fn carries_nothing(&self) -> bool {
        !self.devices.is_empty() && self.devices.iter().all(|it| !it.carried)
    }

    pub(crate) fn of(app: &App, snapshot: &Snapshot, view: &PersonView, clock: &Clock) -> Self {
        let described = snapshot.directory.people.get(&view.id);
        let display = described.map_or_else(String::new, |it| it.display.to_string());
        let standing = view.standing;
        let sites = snapshot.directory.places.values().filter(|it| it.parent.is_none()).count();
        let devices = view.devices.iter().filter_map(|it| snapshot.device(*it));
        Self {
            id: view.id.0,
            name: described.map_or_else(String::new, |it| it.name.to_string()),
            initial: display.chars().next().into_iter().flat_map(char::to_uppercase).collect(),
            display,
            state: State::new(standing.presence, standing.since, clock),
            last: standing.last.map(|it| clock.when(it)),
            sources: view.sources.iter().map(|it| medium(*it)).collect::<Vec<_>>().join(", "),
            place: standing
                .site
                .filter(|_| sites > 1 && standing.presence != Presence::Away)
                .map(|it| snapshot.place_name(it).to_owned()),
            overridden: view.overridden.as_ref().map(|(by, until)| {
                let set = snapshot.directory.overrides.get(&view.id).and_then(|it| it.last());
                let at = set.map_or(clock.now, |it| it.at);
                (by.to_string(), clock.when(at), clock.when(*until))
            }),
            devices: devices.map(|it| DeviceLine::of(snapshot, it, clock)).collect(),
            declared: app.hub.declares(Subject::Person(view.id)),
        }
    }
}

/// A device in a list.
pub(crate) struct DeviceLine {
    pub(crate) id: u32,
    pub(crate) label: String,
    pub(crate) state: State,
    pub(crate) vendor: Option<&'static str>,
    /// What it is known by besides its label: identities first, then IP addresses.
    pub(crate) addresses: Vec<String>,
    /// The IP address that it used last.
    pub(crate) ip: Option<String>,
    pub(crate) randomised: bool,
    pub(crate) first: Option<When>,
    pub(crate) last: Option<When>,
    /// What people call the owner.
    pub(crate) owner: Option<String>,
    /// Whether it may be a visitor's.
    pub(crate) strange: bool,
    /// What it is, where somebody said.
    pub(crate) kind: Option<&'static str>,
    /// What to say it is when it is given to somebody: what was said, else what it looks like.
    pub(crate) guess: &'static str,
    /// How it is marked, where it is.
    pub(crate) mark: Option<&'static str>,
    pub(crate) carried: bool,
}

impl DeviceLine {
    pub(crate) fn of(snapshot: &Snapshot, view: &DeviceView, clock: &Clock) -> Self {
        let kind = snapshot.directory.devices.get(&view.id).map_or(DeviceKind::Other, |it| it.kind);
        let unsaid = is_unsaid(&snapshot.directory.device(view.id));
        let guessed = if unsaid { guess(view) } else { None };
        let owner = view.owner.and_then(|it| snapshot.directory.people.get(&it));
        let identities = view.identities.iter().map(|(_, it)| it.to_string());
        let ips = view.ips.iter().map(ToString::to_string);
        let label = label(view, snapshot);
        Self {
            id: view.id.0,
            state: State::new(view.standing.presence, view.standing.since, clock),
            vendor: vendor(view),
            addresses: identities.chain(ips).filter(|it| *it != label).collect(),
            ip: view.ips.first().map(ToString::to_string),
            label,
            randomised: view.randomised,
            first: view.first_seen.map(|it| clock.when(it)),
            last: view.last_seen.map(|it| clock.when(it)),
            owner: owner.map(|it| it.display.to_string()),
            strange: is_strange(snapshot, view),
            kind: (kind != DeviceKind::Other).then(|| kind.word()),
            guess: match guessed {
                Some(kind) => kind.word(),
                None if unsaid => "",
                None => kind.word(),
            },
            mark: (view.mark != Mark::Normal).then(|| view.mark.word()),
            carried: view.carried,
        }
    }
}

/// A medium in words that say something to people.
pub(crate) fn medium(source: SourceKind) -> &'static str {
    match source {
        SourceKind::Lan => "network",
        SourceKind::Ble => "Bluetooth LE",
        SourceKind::Classic => "Bluetooth",
        SourceKind::HomeAssistant => "Home Assistant",
        SourceKind::Mqtt => "MQTT",
        SourceKind::Gpio => "button",
    }
}
