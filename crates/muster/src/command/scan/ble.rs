//! `muster scan ble`: who is heard by the radio, what each says of itself, and who that makes them.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use muster_config::ble::{BleSettings, Rhythm};
use muster_core::fact::Fact;
use muster_core::identity::Identity;
use muster_report::{Cell, Column, Table};
use muster_sources::ble::{Ble, Length, Neighbour, scan};
use muster_sources::management::Trusted;
use muster_sources::tags;
use muster_wire::bluetooth::ad::Field;
use muster_wire::bluetooth::advertisement::Advertisement;
use muster_wire::bluetooth::identify::{Id, identify};
use muster_wire::bluetooth::tag::TagRules;
use muster_wire::bluetooth::uuid::Uuid;
use muster_wire::bluetooth::{numbers, text};

use super::{Look, Stop, run_look};
use crate::cli::ScanArgs;
use crate::context::Context;
use crate::failure::{Exit, Failure};

/// Listens, for as long as it is told to or for one turn of every adapter.
pub(super) fn look(
    context: &Context,
    args: &ScanArgs,
    keep: bool,
    radio: io::Result<Trusted>,
) -> Result<Look, Failure> {
    let config = &context.config()?.config;
    let length = match args.length {
        Some(length) if !args.single => Length::For(length),
        length => Length::OneTurn { limit: length.unwrap_or(PATIENCE) },
    };
    let clock = Arc::clone(&context.clock);
    // Whoever looks now does not want to wait for the next window.
    let settings = BleSettings { scan: Rhythm::Continuous, ..config.sources.ble.clone() };
    let monitor = config.monitor.as_str();
    let rules = tags::rules(&config.tags);
    let ble = Ble::new(settings, rules.clone(), monitor, Arc::clone(&clock), radio);
    let mut facts = Vec::new();
    let each = |it| {
        if keep {
            facts.extend::<Vec<Fact>>(it);
        }
    };
    let scan = run_look(async |stop: Stop| scan(ble, &clock, length, stop, each).await)?
        .map_err(|it| Failure::new(Exit::Unreachable, "cannot listen to the radio").because(it))?;
    let hint = "plug one in, and look again; what the kernel has: ls /sys/class/bluetooth";
    let missing = scan.channels.is_empty().then_some(("there is no Bluetooth adapter", hint));
    let table = table(scan.neighbours, &rules);
    Ok(Look { facts, table, channels: scan.channels, missing, late: false })
}

/// The strongest first: those are near.
fn table(mut neighbours: Vec<Neighbour>, rules: &TagRules) -> Table {
    neighbours.sort_by_key(|it| (std::cmp::Reverse(it.rssi), it.address));
    let mut table = Table::new(&COLUMNS);
    for it in &neighbours {
        table.push(row(it, rules));
    }
    table
}

fn row(it: &Neighbour, rules: &TagRules) -> Vec<Cell> {
    let heard = Advertisement { address: Some(it.address), ..Advertisement::bare(&it.data) };
    let mut named: Vec<Identity> = Vec::new();
    identify(&heard, rules, &mut |id| {
        if !matches!(id, Id::Name(_)) {
            named.extend(id.to_identity());
        }
    });
    vec![
        Cell::Text(it.address.mac.to_string()),
        Cell::Text(it.address.kind.word().to_owned()),
        Cell::List(named.iter().map(ToString::to_string).collect()),
        Cell::text(heard.name().and_then(text::shown)),
        Cell::text(company(&heard)),
        it.rssi.map_or(Cell::Empty, |it| Cell::Whole(it.into())),
        Cell::List(said(&heard)),
        Cell::time(Some(it.last)),
        Cell::Whole(i64::try_from(it.reports).unwrap_or(i64::MAX)),
        Cell::Text(it.channel.clone()),
    ]
}

/// Whose data it sends.
fn company(it: &Advertisement<'_>) -> Option<&'static str> {
    it.fields().find_map(|it| {
        let Field::Manufacturer(id, _) = it else { return None };
        numbers::company(id)
    })
}

/// What it says it is, and what it offers.
fn said(it: &Advertisement<'_>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut say = |it: &str| {
        if !all.iter().any(|known| known == it) {
            all.push(it.to_owned());
        }
    };
    for field in it.fields() {
        if let Field::Appearance(it) = field {
            numbers::appearance(it).into_iter().for_each(&mut say);
        } else if let Field::ServiceData(uuid, _) = field {
            service(uuid, &mut say);
        } else if let Field::Services(them) = field {
            them.iter().for_each(|it| service(it, &mut say));
        }
    }
    all
}

fn service(uuid: Uuid, say: &mut impl FnMut(&str)) {
    numbers::service(uuid).into_iter().for_each(say);
}

/// Whoever sends seldom is heard in this time too, and a machine without an adapter is told so.
const PATIENCE: Duration = Duration::from_secs(20);
const COLUMNS: [Column; 10] = [
    Column::new("address"),
    Column::new("kind"),
    Column::new("identities"),
    Column::new("name"),
    Column::new("company"),
    Column::new("rssi"),
    Column::optional("says"),
    Column::optional("last"),
    Column::optional("reports"),
    Column::optional("channel"),
];

#[cfg(test)]
mod tests {
    use muster_core::time::Time;
    use muster_wire::bluetooth::address::Address;

    use super::*;

    fn neighbour(last: u8, rssi: i8, data: &[u8]) -> Neighbour {
        let mac = muster_core::identity::Mac([0xc0, 0, 0, 0, 0, last]);
        Neighbour {
            address: Address::low_energy(mac, true),
            rssi: Some(rssi),
            reports: 3,
            last: Time::from_secs(1_800_000_000),
            data: data.to_vec(),
            channel: "hci0".to_owned(),
        }
    }

    #[test]
    fn the_nearest_comes_first_with_all_that_it_says() {
        let tag = [&[20, 0xff, 0xff, 0xff][..], b"ATT-USER-1a2b3c4d"].concat();
        let watch = [3, 0x19, 0xc2, 0x00, 3, 0x03, 0x0f, 0x18, 3, 0xff, 0x4c, 0x00, 2, 9, b'W'];
        let table =
            table(vec![neighbour(1, -80, &tag), neighbour(2, -40, &watch)], &TagRules::default());
        let cell = |row: usize, name: &str| {
            let at = COLUMNS.iter().position(|it| it.name == name).unwrap();
            table.rows[row][at].clone()
        };
        let text = |it: &str| Cell::Text(it.to_owned());
        let list = |it: &[&str]| Cell::List(it.iter().map(|it| (*it).to_owned()).collect());
        assert_eq!(cell(0, "address"), text("c0:00:00:00:00:02"));
        assert_eq!(cell(0, "kind"), text("random_static"));
        assert_eq!((cell(0, "name"), cell(0, "company")), (text("W"), text("Apple")));
        assert_eq!(cell(0, "says"), list(&["Smartwatch", "Battery Service"]));
        assert_eq!(cell(1, "rssi"), Cell::Whole(-80));
        let both = ["ble:c0:00:00:00:00:01", "tag:ATT-USER-1a2b3c4d"];
        assert_eq!(cell(1, "identities"), list(&both));
    }
}
