//! What the API answers, as far as commands look at it.

use muster_core::time::Time;
use muster_report::Cell;
use serde::Deserialize;

/// An instant, RFC 3339.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Stamp(pub(crate) Time);

impl TryFrom<String> for Stamp {
    type Error = jiff::Error;

    fn try_from(text: String) -> Result<Self, jiff::Error> {
        text.parse().map(Self)
    }
}

/// An instant, or nothing, in a table.
pub(crate) fn time(it: Option<Stamp>) -> Cell {
    Cell::time(it.map(|it| it.0))
}

/// `GET /now`.
#[derive(Debug, Deserialize)]
pub(crate) struct Now {
    /// Whether any of it is simulated.
    pub(crate) simulated: bool,
    /// Why nothing is stored at the moment.
    pub(crate) degraded: Option<String>,
    /// How many devices are present.
    pub(crate) devices_present: u64,
    /// How many of them are nobody's.
    pub(crate) guests: u64,
}

/// A sink.
#[derive(Debug, Deserialize)]
pub(crate) struct Sink {
    /// Its name.
    pub(crate) name: String,
    /// `starting`, `delivering`, `failing`.
    pub(crate) state: String,
    /// What went wrong last.
    pub(crate) last_error: Option<Trouble>,
}

/// What went wrong.
#[derive(Debug, Deserialize)]
pub(crate) struct Trouble {
    /// In plain words.
    pub(crate) what: String,
}

/// A person now.
#[derive(Debug, Deserialize)]
pub(crate) struct Person {
    /// The short name.
    pub(crate) name: String,
    /// What people read.
    pub(crate) display: String,
    /// `away`, `arriving`, `present`, `unknown`.
    pub(crate) presence: String,
    /// Since when.
    pub(crate) since: Option<Stamp>,
    /// The last evidence.
    pub(crate) last: Option<Stamp>,
    /// Where.
    pub(crate) place: Option<String>,
    /// Whether somebody set it by hand.
    pub(crate) overridden: Option<Overridden>,
    /// Numbers of their devices.
    pub(crate) devices: Vec<u32>,
    /// The media on which they are heard.
    pub(crate) sources: Vec<String>,
}

impl Person {
    /// Where that comes from: media, or who set it by hand.
    pub(crate) fn by(&self) -> Cell {
        match &self.overridden {
            Some(it) => Cell::Text(format!("set by {}", it.by)),
            None => Cell::List(self.sources.clone()),
        }
    }
}

/// Presence set by hand.
#[derive(Debug, Deserialize)]
pub(crate) struct Overridden {
    /// By whom.
    pub(crate) by: String,
    /// Until when.
    pub(crate) until: Stamp,
}

/// A device now.
#[derive(Debug, Deserialize)]
pub(crate) struct Device {
    /// Its number.
    pub(crate) id: u32,
    /// What to call it.
    pub(crate) label: String,
    /// The name it gives itself.
    pub(crate) hostname: Option<String>,
    /// Its maker.
    pub(crate) vendor: Option<String>,
    /// DHCP vendor class.
    pub(crate) vendor_class: Option<String>,
    /// Its identities, its own first.
    pub(crate) identities: Vec<String>,
    /// Its addresses, newest first.
    pub(crate) ips: Vec<String>,
    /// Whether its addresses are random.
    pub(crate) randomised: bool,
    /// The first sighting.
    pub(crate) first_seen: Option<Stamp>,
    /// The last sighting.
    pub(crate) last_seen: Option<Stamp>,
    /// `away`, `arriving`, `present`, `unknown`.
    pub(crate) presence: String,
    /// Since when.
    pub(crate) since: Option<Stamp>,
    /// Where.
    pub(crate) place: Option<String>,
    /// The owner's short name.
    pub(crate) owner: Option<String>,
    /// Whether it votes for its owner.
    pub(crate) carried: bool,
    /// What it is.
    pub(crate) kind: String,
    /// Whether it counts.
    pub(crate) mark: String,
    /// Whom it answers for.
    pub(crate) proxy_for: Option<String>,
    /// The medium on which it was last heard.
    pub(crate) source: Option<String>,
    /// The last signal, dBm.
    pub(crate) rssi: Option<i8>,
}

/// What a device sent.
#[derive(Debug, Deserialize)]
pub(crate) struct Sent {
    /// When it was heard.
    pub(crate) at: Stamp,
    /// What of it names the device, and what does not.
    pub(crate) known_by: Vec<KnownBy>,
}

/// One thing that could name a device.
#[derive(Debug, Deserialize)]
pub(crate) struct KnownBy {
    /// What was sent.
    pub(crate) what: String,
    /// What it is known by; none: nobody.
    pub(crate) identity: Option<String>,
    /// Why, or why not.
    pub(crate) why: String,
}

/// A place.
#[derive(Debug, Deserialize)]
pub(crate) struct Place {
    /// Its number.
    pub(crate) id: u32,
    /// Its name.
    pub(crate) name: String,
    /// The name of what it lies in.
    pub(crate) parent: Option<String>,
    /// The site's name.
    pub(crate) site: String,
    /// The monitors in it.
    pub(crate) monitors: Vec<String>,
}

/// One of a monitor's channels.
#[derive(Debug, Deserialize)]
pub(crate) struct Listening {
    /// The monitor's name.
    pub(crate) monitor: String,
    /// Which of its sources.
    pub(crate) source: String,
    /// Which of its channels.
    pub(crate) channel: String,
    /// Where the monitor stands.
    pub(crate) place: String,
    /// `listens`, `starts`, `dark`, `tells`, `revoked`.
    pub(crate) state: String,
    /// When it was last heard of.
    pub(crate) last: Option<Stamp>,
    /// What it hears.
    pub(crate) can: Vec<String>,
    /// What it cannot.
    pub(crate) cannot: Vec<Cannot>,
}

/// What is typed on a far monitor.
#[derive(Debug, Deserialize)]
pub(crate) struct Invited {
    /// The command.
    pub(crate) line: String,
}

/// A far monitor.
#[derive(Debug, Deserialize)]
pub(crate) struct FarMonitor {
    /// Its name.
    pub(crate) monitor: String,
    /// `invited`, `silent`, `alive`, `late`, `down`, `revoked`.
    pub(crate) state: String,
    /// Where it stands.
    pub(crate) place: String,
    /// Its last sign of life.
    pub(crate) last: Option<Stamp>,
    /// Until when a code that lets it in is good.
    pub(crate) code_until: Option<Stamp>,
    /// How it was then.
    pub(crate) health: Option<Health>,
}

/// How a far monitor was.
#[derive(Debug, Deserialize)]
pub(crate) struct Health {
    /// The version of its program.
    pub(crate) version: String,
    /// How long that ran.
    pub(crate) uptime_seconds: u64,
    /// Its own clock less the hub's.
    pub(crate) clock_ahead_ms: Option<i64>,
    /// How many facts wait there.
    pub(crate) backlog: u64,
    /// When the oldest of them was noticed.
    pub(crate) backlog_since: Option<Stamp>,
    /// Whether its facts are made up.
    pub(crate) simulated: bool,
    /// What went wrong last.
    pub(crate) last_error: Option<String>,
}

/// Something that a channel cannot do.
#[derive(Debug, Deserialize)]
pub(crate) struct Cannot {
    /// What.
    pub(crate) what: String,
    /// Why.
    pub(crate) why: String,
    /// What would help.
    pub(crate) hint: Option<String>,
}

/// A stay.
#[derive(Debug, Deserialize)]
pub(crate) struct Stay {
    /// What the subject is called.
    pub(crate) who: String,
    /// Whose: `person:anna`, `device:7`.
    pub(crate) subject: String,
    /// Where.
    pub(crate) place: String,
    /// The first evidence.
    pub(crate) from: Stamp,
    /// The last.
    pub(crate) to: Option<Stamp>,
    /// How it ended.
    pub(crate) ended: String,
    /// How much of it was watched.
    pub(crate) covered: f64,
}

/// An explanation.
#[derive(Debug, Deserialize)]
pub(crate) struct Why {
    /// `person:anna`, `device:7`.
    pub(crate) subject: String,
    /// What they are called.
    #[serde(default)]
    pub(crate) called: String,
    /// `away`, `arriving`, `present`, `unknown`.
    pub(crate) presence: String,
    /// Since when.
    pub(crate) since: Option<Stamp>,
    /// The last evidence.
    pub(crate) last: Option<Stamp>,
    /// The rule that decided.
    pub(crate) rule: String,
    /// Until when it was set by hand.
    pub(crate) until: Option<Stamp>,
    /// What would change it.
    pub(crate) next: Option<String>,
    /// What was heard by whom.
    pub(crate) evidence: Vec<Evidence>,
}

/// One line of evidence.
#[derive(Debug, Deserialize)]
pub(crate) struct Evidence {
    /// What the device is called.
    pub(crate) label: String,
    /// The identity heard.
    pub(crate) identity: String,
    /// Who heard it.
    pub(crate) monitor: String,
    /// On which medium.
    pub(crate) source: String,
    /// Through what.
    pub(crate) channel: String,
    /// When last.
    pub(crate) last: Stamp,
    /// Whether it decides.
    pub(crate) decisive: bool,
    /// Whether it hears.
    pub(crate) covered: bool,
    /// Covered silence, seconds.
    pub(crate) silence_s: u64,
    /// How much is needed, seconds.
    pub(crate) away_after_s: u64,
    /// Misses.
    pub(crate) misses: u32,
    /// How many are needed.
    pub(crate) misses_needed: u32,
    /// Whether a miss is a question without an answer.
    pub(crate) asking: bool,
}
