//! `muster scan classic`: who lets itself be found over classic Bluetooth, and who of those that the
//! configuration names answers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use muster_config::classic::Inquiry;
use muster_core::fact::{DetailKind, FactBody, Outcome};
use muster_core::identity::Identity;
use muster_core::time::Time;
use muster_report::{Cell, Column, Table};
use muster_sources::classic::{Scan, scan};

use super::{Look, Stop, run_look};
use crate::cli::ScanArgs;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::registry;

/// Looks for as long as it is told to, or until everybody was asked once.
pub(super) fn look(context: &Context, args: &ScanArgs) -> Result<Look, Failure> {
    let config = &context.config()?.config;
    let mut settings = registry::classic(config);
    if settings.inquiry.get().is_zero() {
        settings.inquiry = Inquiry::secs(INQUIRY);
    }
    let until_closed = args.single || args.length.is_none();
    let limit = args.length.unwrap_or(PATIENCE);
    let (monitor, clock) = (config.monitor.as_str(), Arc::clone(&context.clock));
    let scan = async |stop: Stop| scan(settings, monitor, clock, limit, until_closed, stop).await;
    let scan = run_look(scan)?
        .map_err(|it| Failure::new(Exit::Unreachable, "cannot look around").because(it))?;
    let hint = "plug one in, and look again; what the kernel has: ls /sys/class/bluetooth";
    let missing = scan.channels.is_empty().then_some(("there is no Bluetooth adapter", hint));
    let late = missing.is_none() && !scan.closed;
    Ok(Look { table: table(&scan), facts: scan.facts, channels: scan.channels, missing, late })
}

/// What was found about one device.
#[derive(Debug, Default)]
struct Row {
    last: Option<Time>,
    rssi: Option<i8>,
    class: Option<u32>,
    name: Option<String>,
    answered: bool,
    channels: BTreeSet<String>,
}

/// The strongest first: those are near.
fn table(scan: &Scan) -> Table {
    let mut rows: BTreeMap<Identity, Row> = BTreeMap::new();
    for (_, it) in &scan.found {
        let row = rows.entry(Identity::Bt(it.mac)).or_default();
        row.class = it.class.or(row.class);
        row.name = it.name.clone().or(row.name.take());
    }
    for fact in &scan.facts {
        let Some(identity) = fact.body.identity() else { continue };
        let row = rows.entry(identity.clone()).or_default();
        let at = match &fact.body {
            FactBody::Sighting(it) => {
                row.rssi = it.rssi.max(row.rssi);
                it.at
            }
            FactBody::Probe(it) if it.outcome == Outcome::Answered => {
                row.answered = true;
                it.at
            }
            FactBody::Detail(it) if it.kind == DetailKind::Hostname => {
                row.name = Some(it.value.to_string());
                continue;
            }
            FactBody::Probe(_)
            | FactBody::Detail(_)
            | FactBody::Coverage(_)
            | FactBody::Level(_) => {
                continue;
            }
        };
        row.last = row.last.max(Some(at));
        row.channels.insert(fact.listener.channel.to_string());
    }
    rows.retain(|_, it| it.last.is_some());
    let mut rows: Vec<_> = rows.into_iter().collect();
    rows.sort_by_key(|(identity, it)| (std::cmp::Reverse(it.rssi), identity.clone()));
    let mut table = Table::new(&COLUMNS);
    for (identity, it) in rows {
        table.push(vec![
            Cell::Text(identity.to_string()),
            Cell::text(it.name),
            Cell::text(it.class.map(|it| format!("{it:06x}"))),
            it.rssi.map_or(Cell::Empty, |it| Cell::Whole(it.into())),
            Cell::Text(if it.answered { "answered" } else { "found" }.to_owned()),
            Cell::time(it.last),
            Cell::List(it.channels.into_iter().collect()),
        ]);
    }
    table
}

/// Seconds that every scan looks for who lets itself be found: the length that the specification
/// recommends (Vol 3, Part C, appendix A: 10.24 s), rounded up to what the setting takes.
const INQUIRY: u64 = 11;
/// A look around is quick: more known devices than this reaches are asked with `--for`.
const PATIENCE: Duration = Duration::from_mins(2);
const COLUMNS: [Column; 7] = [
    Column::new("identity"),
    Column::new("name"),
    Column::new("class"),
    Column::new("rssi"),
    Column::new("by"),
    Column::new("last"),
    Column::optional("channels"),
];
