//! What the radio knows of one device: how strongly it was heard, what it sent last, and what of that
//! names it.

use muster_core::ports::StoreError;
use muster_core::snapshot::{DeviceView, Snapshot};
use muster_core::span::Span;
use muster_wire::decoded::{DecodedBeacon, DecodedRadio};

use super::chart::{Chart, worth};
use super::show::{Clock, medium};
use crate::app::App;
use crate::heard::{self, Heard};
use crate::signals;
use crate::when::When;

/// The part of a device's page that is about radio.
pub(super) struct Radio {
    /// The last signal, a word for it, and when that was.
    pub(super) last: Option<(i8, &'static str, When)>,
    pub(super) charts: Vec<Chart>,
    pub(super) sent: Vec<Sent>,
}

/// One advertisement or answer.
pub(super) struct Sent {
    pub(super) title: &'static str,
    pub(super) at: When,
    pub(super) listener: String,
    /// What it says: what, and how much of it.
    pub(super) fields: Vec<(String, String)>,
    /// What could name it, as what it is known by that, and why or why not.
    pub(super) reasons: Vec<(String, Option<String>, String)>,
}

impl Radio {
    pub(super) async fn of(
        app: &App,
        snapshot: &Snapshot,
        view: &DeviceView,
        clock: &Clock,
    ) -> Result<Self, StoreError> {
        let window = Span::new(clock.now - Chart::WINDOW, clock.now);
        let mut last = signals::last(app, &[view], window).await?;
        let last = last.remove(&view.id).or(view.signal);
        let last = last.map(|(rssi, at)| (rssi, worth(rssi), clock.when(at)));
        let mut series = signals::of(app, snapshot, &[view], window).await?;
        let series = series.remove(&view.id).unwrap_or_default();
        let named = |(at, it)| Chart::of(format!("signal-{}-{at}", view.id.0), it, window);
        Ok(Self {
            last,
            charts: series.iter().take(CHARTS).enumerate().map(named).collect(),
            sent: heard::of(app, view).into_iter().map(|it| Sent::of(it, clock)).collect(),
        })
    }
}

impl Sent {
    fn of(it: Heard, clock: &Clock) -> Self {
        let title = match (it.says.kind, it.says.op.as_deref()) {
            ("inquiry", _) => "Answer to an inquiry",
            (_, Some("scan_rsp")) => "Answer to a scan",
            _ => "Advertisement",
        };
        let listener = &it.listener;
        let listener =
            format!("{} · {} {}", listener.monitor, medium(listener.source), listener.channel);
        let reasons = it.reasons.into_iter();
        Self {
            title,
            at: clock.when(it.at),
            listener,
            fields: fields(&it.says),
            reasons: reasons
                .map(|it| (it.what, it.identity.map(|it| it.to_string()), it.why))
                .collect(),
        }
    }
}

/// What it says, line by line.
fn fields(says: &DecodedRadio) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = Vec::new();
    let mut add = |what: &str, value: Option<String>| {
        all.extend(value.map(|it| (what.to_owned(), it)));
    };
    let data = &says.data;
    let called = |number: String| data.names.get(&number).map_or("", |it| *it);
    add("Kind", says.op.clone());
    let kind = says.address_type.map(|it| it.replace('_', " "));
    add(
        "Address",
        match (&says.address, kind) {
            (Some(address), Some(kind)) => Some(format!("{address} ({kind})")),
            (_, kind) => kind.map(|_| "private, and not shown".to_owned()),
        },
    );
    add("Name", says.name.clone());
    add("Heard with", says.rssi.map(|it| format!("{it} dBm")));
    add("Sent with", says.tx_power.map(|it| format!("{it} dBm")));
    add("Flags", data.flags.map(flags));
    add("Appearance", data.appearance.map(|it| both(&it.to_string(), called("appearance".into()))));
    add("Class", data.class.map(|it| format!("{it:06x}")));
    for uuid in &data.service_uuids {
        add("Service", Some(both(uuid, called(format!("service {uuid}")))));
    }
    for uuid in &data.solicited_uuids {
        add("Asks for service", Some(both(uuid, called(format!("service {uuid}")))));
    }
    for (uuid, octets) in &data.service_data {
        let of = both(uuid, called(format!("service {uuid}")));
        add("Data of service", Some(format!("{of}: {octets}")));
    }
    for (company, octets) in &data.manufacturer {
        let of = both(company, called(format!("manufacturer {company}")));
        add("Data of maker", Some(format!("{of}: {octets}")));
    }
    for beacon in &says.beacons {
        add("Reads as", Some(format(beacon)));
    }
    for (word, octets) in &data.other {
        add(&word.replace('_', " "), Some(octets.clone()));
    }
    add("Cut", data.cut.then(|| "it ends inside a structure".to_owned()));
    all
}

fn both(number: &str, name: &str) -> String {
    if name.is_empty() { number.to_owned() } else { format!("{number} {name}") }
}

fn format(it: &DecodedBeacon) -> String {
    let number = |what: &str, it: Option<String>| it.map(|it| format!("{what} {it}"));
    let parts = [
        it.uuid.clone(),
        number("major", it.major.map(|it| it.to_string())),
        number("minor", it.minor.map(|it| it.to_string())),
        it.namespace.clone(),
        it.instance.clone(),
        it.url.clone(),
        it.power_at_1_m.map(|it| format!("{it} dBm at 1 m")),
        it.millivolts.map(|it| format!("{it} mV")),
        it.temperature.map(|it| format!("{it} °C")),
        number("count", it.count.map(|it| it.to_string())),
        it.uptime_s.map(|it| format!("up for {it} s")),
        (!it.types.is_empty()).then(|| it.types.join(", ")),
        it.encrypted.then(|| "encrypted".to_owned()),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    let format = it.format.replace('_', " ");
    if parts.is_empty() { format } else { format!("{format}: {}", parts.join(", ")) }
}

/// The flags in words (Supplement to the Core Specification, A.1.3).
fn flags(bits: u8) -> String {
    let words = [
        (0, "discoverable for a while"),
        (1, "discoverable"),
        (2, "low energy only"),
        (3, "both radios at once in the controller"),
        (4, "both radios at once in the host"),
    ];
    let set = words.iter().filter(|(at, _)| bits & (1 << at) != 0).map(|(_, word)| *word);
    let set: Vec<&str> = set.collect();
    if set.is_empty() { format!("{bits:02x}") } else { set.join(", ") }
}

/// As many monitors as a page has room for.
const CHARTS: usize = 16;

#[cfg(test)]
mod tests {
    use muster_wire::bluetooth::advertisement::Advertisement;
    use muster_wire::bluetooth::tag::TagRules;

    use super::*;

    fn lines(data: &[u8]) -> Vec<String> {
        let it = Advertisement { rssi: Some(-61), ..Advertisement::bare(data) };
        let says = DecodedRadio::of_advertisement(0, None, &it, &TagRules::default());
        fields(&says).into_iter().map(|(what, value)| format!("{what}: {value}")).collect()
    }

    #[test]
    fn what_is_said_is_told_line_by_line() {
        let heart = [2, 1, 6, 3, 3, 0x0d, 0x18, 3, 0x19, 0x41, 3, 2, 0x0a, 0xfc];
        assert_eq!(
            lines(&heart),
            [
                "Heard with: -61 dBm",
                "Sent with: -4 dBm",
                "Flags: discoverable, low energy only",
                "Appearance: 833 Heart Rate Belt",
                "Service: 180d Heart Rate",
            ]
        );
        let apple = [6, 0xff, 0x4c, 0, 0x10, 1, 0];
        assert_eq!(
            lines(&apple)[1..],
            ["Data of maker: 004c Apple: 100100", "Reads as: apple: nearby_info",]
        );
        assert_eq!(
            lines(&[2, 1, 0, 9, 9, b'c'])[1..],
            ["Flags: 00", "Cut: it ends inside a structure"]
        );
    }
}
