//! `muster scan`: one look around, written nowhere unless told so.

mod ble;
mod classic;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use muster_core::fact::{DetailKind, Fact, FactBody, Outcome};
use muster_core::identity::{Identity, Mac};
use muster_core::ports::{ChannelStatus, SourceError};
use muster_core::time::Time;
use muster_report::{Cell, Column, Table};
use muster_sources::lan::{self, Length, Scan};
use muster_sources::management::Trusted;
use muster_wire::{fact_file, oui};

use crate::cli::{Medium, ScanArgs};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::{registry, stop};

/// Runs the command.
pub(crate) fn run(context: &Context, args: &ScanArgs) -> Result<(), Failure> {
    let output = Output::new(context)?;
    if let Some(length) = args.length.filter(|it| !(SHORTEST..=LONGEST).contains(it)) {
        let length = jiff::SignedDuration::try_from(length).unwrap_or(jiff::SignedDuration::MAX);
        let what = format!("a look takes from 1s to 24h: {length:#}");
        let hint = match args.medium {
            Medium::Lan => "muster scan lan --for 10s",
            Medium::Ble => "muster scan ble --for 10s",
            Medium::Classic => "muster scan classic --for 30s",
        };
        return Err(Failure::new(Exit::Usage, what).hint(hint));
    }
    let record = args.record.as_deref().map(Recording::new).transpose()?;
    let config = &context.config()?.config;
    let look = look(context, args, record.is_some(), || registry::radio(config))?;
    if let Some(record) = record {
        record.write(&look.facts)?;
    }
    output.table(&look.table)?;
    let is_deaf = look.is_deaf();
    if look.table.rows.is_empty() && !is_deaf {
        output.note("nobody was heard");
    }
    tell(&output, &look);
    // That nobody was heard would be an answer.
    if !is_deaf {
        return Ok(());
    }
    Err(look.nothing_heard())
}

/// What one look around brought, on either medium.
pub(super) struct Look {
    /// What was noticed. Of the radio only where it was wanted.
    pub(super) facts: Vec<Fact>,
    table: Table,
    channels: Vec<ChannelStatus>,
    /// What there is nothing of to listen with, and what to type about it.
    missing: Option<(&'static str, &'static str)>,
    /// Whether it ended before everybody was asked.
    late: bool,
}

impl Look {
    /// Whether there was nothing to listen with.
    pub(super) fn is_deaf(&self) -> bool {
        self.table.rows.is_empty() && !self.channels.iter().any(|it| it.hears)
    }

    /// What that is called.
    pub(super) fn nothing_heard(&self) -> Failure {
        match self.missing {
            Some((why, hint)) => Failure::new(Exit::Unreachable, why).hint(hint),
            None => Failure::new(Exit::Unreachable, "there was nothing to listen with"),
        }
    }
}

/// Looks around once; `keep`: all facts are wanted. `radio` is what [`registry::radio`] brings.
pub(super) fn look(
    context: &Context,
    args: &ScanArgs,
    keep: bool,
    radio: impl FnOnce() -> io::Result<Trusted>,
) -> Result<Look, Failure> {
    match args.medium {
        Medium::Lan => {
            let scan = look_at_lan(context, args)?;
            let table = table(&found(&scan.facts));
            let missing = no_interface(&scan);
            let (facts, channels, late) = (scan.facts, scan.channels, !scan.closed);
            Ok(Look { facts, table, channels, missing, late })
        }
        Medium::Ble => ble::look(context, args, keep, radio()),
        Medium::Classic => classic::look(context, args),
    }
}

fn no_interface(scan: &Scan) -> Option<(&'static str, &'static str)> {
    let hint = "name one: muster config explain sources.lan.interfaces";
    scan.channels.is_empty().then_some(("there is no interface to watch", hint))
}

fn look_at_lan(context: &Context, args: &ScanArgs) -> Result<Scan, Failure> {
    let config = &context.config()?.config;
    let mut settings = config.sources.lan.clone();
    settings.fast |= args.single;
    let length = match args.length {
        Some(length) if !args.single => Length::For(length),
        length => Length::UntilAsked { limit: length.unwrap_or(PATIENCE) },
    };
    let clock = Arc::clone(&context.clock);
    let monitor = config.monitor.as_str();
    let scan = async |stop: Stop| lan::scan(settings, monitor, clock, length, stop).await;
    run_look(scan)?.map_err(|it| {
        let what = "cannot look around on the local network";
        match it {
            SourceError::Lost { .. } => Failure::new(Exit::Unreachable, what).because(it),
            SourceError::Unusable { .. } => Failure::new(Exit::NotAllowed, what)
                .because(it)
                .hint("look at [sources.lan]: muster config explain sources.lan"),
        }
    })
}

/// The file for the facts, made before anybody looks around.
struct Recording<'a> {
    path: &'a Path,
    file: File,
}

impl<'a> Recording<'a> {
    fn new(path: &'a Path) -> Result<Self, Failure> {
        let file = File::create_new(path).map_err(|cause| {
            Failure::new(Exit::Failed, format!("cannot write a new file: {}", path.display()))
                .because(cause)
                .hint("give the name of a file that does not exist")
        })?;
        Ok(Self { path, file })
    }

    fn write(self, facts: &[Fact]) -> Result<(), Failure> {
        let mut out = BufWriter::new(&self.file);
        let lines = facts.iter().try_for_each(|it| writeln!(out, "{}", fact_file::write_line(it)));
        lines.and_then(|()| out.flush()).map_err(|cause| {
            Failure::new(Exit::Failed, format!("cannot write: {}", self.path.display()))
                .because(cause)
        })
    }
}

/// What was found about one identity.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Found {
    last: Option<Time>,
    addresses: BTreeSet<String>,
    hostname: Option<String>,
    vendor_class: Option<String>,
    proxy_for: Option<String>,
    channels: BTreeSet<String>,
}

/// Everybody who was heard: who was only spoken of is nobody.
pub(super) fn found(facts: &[Fact]) -> BTreeMap<Identity, Found> {
    let mut all: BTreeMap<Identity, Found> = BTreeMap::new();
    for fact in facts {
        let channel = fact.listener.channel.to_string();
        match &fact.body {
            FactBody::Sighting(it) => {
                let entry = all.entry(it.identity.clone()).or_default();
                entry.last = entry.last.max(Some(it.at));
                entry.channels.insert(channel);
            }
            FactBody::Probe(it) if it.outcome == Outcome::Answered => {
                let entry = all.entry(it.identity.clone()).or_default();
                entry.last = entry.last.max(Some(it.at));
                entry.channels.insert(channel);
            }
            FactBody::Detail(it) => {
                let entry = all.entry(it.identity.clone()).or_default();
                let value = it.value.to_string();
                match it.kind {
                    DetailKind::Ipv4 | DetailKind::Ipv6 => {
                        entry.addresses.insert(value);
                    }
                    DetailKind::Hostname => entry.hostname = Some(value),
                    DetailKind::VendorClass => entry.vendor_class = Some(value),
                    DetailKind::ProxyFor => entry.proxy_for = Some(value),
                }
            }
            FactBody::Probe(_) | FactBody::Coverage(_) | FactBody::Level(_) => {}
        }
    }
    all.retain(|_, it| it.last.is_some());
    all
}

/// One row for each who was heard.
pub(super) fn table(found: &BTreeMap<Identity, Found>) -> Table {
    let mut table = Table::new(&COLUMNS);
    let mut rows: Vec<_> = found.iter().collect();
    rows.sort_by_key(|(identity, it)| (first_address(it), (*identity).clone()));
    for (identity, it) in rows {
        let vendor = match identity.mac() {
            Some(mac) if Mac::is_local(mac) => Some("(random address)"),
            Some(mac) => oui::vendor(mac),
            None => None,
        };
        table.push(vec![
            Cell::Text(identity.to_string()),
            Cell::List(it.addresses.iter().cloned().collect()),
            Cell::text(it.hostname.clone()),
            Cell::text(vendor),
            Cell::time(it.last),
            Cell::text(it.vendor_class.clone()),
            Cell::text(it.proxy_for.clone()),
            Cell::List(it.channels.iter().cloned().collect()),
        ]);
    }
    table
}

/// Addresses in the order of numbers, not of digits.
fn first_address(it: &Found) -> Option<std::net::IpAddr> {
    it.addresses.iter().filter_map(|it| it.parse().ok()).min()
}

/// What could be heard, and what could not and why.
pub(super) fn tell(output: &Output, look: &Look) {
    for channel in &look.channels {
        if !channel.can.is_empty() {
            output.note(&format!("{} hears: {}", channel.listener, channel.can.join("; ")));
        }
        for it in &channel.cannot {
            output.note(&format!("{} cannot {}: {}", channel.listener, it.what, it.why));
            if let Some(hint) = &it.hint {
                output.hint(hint);
            }
        }
    }
    if look.late {
        output.note("it ended before everybody was asked");
        output.hint("look longer, as in --for 10m, or ask faster with --single");
    }
}

/// Runs a look around, which ends early when somebody wants it to: what was found until then is shown.
fn run_look<T>(
    look: impl AsyncFnOnce(Stop) -> Result<T, SourceError>,
) -> Result<Result<T, SourceError>, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|it| Failure::new(Exit::Failed, "cannot start").because(it))?;
    runtime.block_on(async { Ok(look(Box::pin(stop::asked()?)).await) })
}

/// What ends a look early.
type Stop = Pin<Box<dyn Future<Output = ()>>>;

/// A look around is quick: a larger network than this reaches is asked with `--for`.
const PATIENCE: Duration = Duration::from_mins(2);
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_hours(24);
const COLUMNS: [Column; 8] = [
    Column::new("identity"),
    Column::new("addresses"),
    Column::new("name"),
    Column::new("vendor"),
    Column::new("last"),
    Column::optional("vendor_class"),
    Column::optional("proxy_for"),
    Column::optional("channels"),
];

#[cfg(test)]
mod tests {
    use muster_core::fact::{Detail, Listener, Probe, Sighting, SourceKind};
    use muster_core::span::Span;

    use super::*;

    fn at(s: i64) -> Time {
        Time::from_secs(1_800_000_000 + s)
    }

    fn fact(channel: &str, body: FactBody) -> Fact {
        Fact { listener: Arc::new(Listener::new("hub", SourceKind::Lan, channel)), body }
    }

    fn identity(text: &str) -> Identity {
        text.parse().unwrap()
    }

    #[test]
    fn only_who_was_heard_is_shown_with_all_that_was_learned() {
        let (heard, spoken_of) = ("mac:b8:27:eb:01:02:03", "mac:b8:27:eb:01:02:04");
        let detail = |who: &str, kind, value: &str| {
            let value = value.into();
            fact(
                "eth0",
                FactBody::Detail(Detail { identity: identity(who), at: at(0), kind, value }),
            )
        };
        let asked = |outcome| {
            let probe = Probe { identity: identity(heard), at: at(9), outcome };
            fact("wlan0", FactBody::Probe(probe))
        };
        let seen = Sighting { identity: identity(heard), at: at(5), rssi: None };
        let facts = [
            detail(heard, DetailKind::Ipv4, "192.168.1.23"),
            detail(heard, DetailKind::Hostname, "annas-phone"),
            detail(spoken_of, DetailKind::Ipv4, "192.168.1.24"),
            fact("eth0", FactBody::Sighting(seen)),
            asked(Outcome::Silent),
            asked(Outcome::Answered),
            fact("eth0", FactBody::Coverage(Span::new(at(0), at(10)))),
        ];
        let found = found(&facts);
        assert_eq!(found.len(), 1);
        let phone = &found[&identity(heard)];
        assert_eq!(phone.last, Some(at(9)));
        assert_eq!(phone.hostname.as_deref(), Some("annas-phone"));
        assert!(phone.addresses.contains("192.168.1.23"));
        assert_eq!(phone.channels.len(), 2);
    }

    #[test]
    fn addresses_are_in_the_order_of_numbers() {
        let mut all = BTreeMap::new();
        for (last, ip) in [(1, "10.0.0.10"), (2, "10.0.0.9"), (3, "")] {
            let mut found = Found { last: Some(at(0)), ..Found::default() };
            found.addresses.extend((!ip.is_empty()).then(|| ip.to_owned()));
            all.insert(Identity::Mac(Mac([2, 0, 0, 0, 0, last])), found);
        }
        let table = table(&all);
        let shown: Vec<_> = table.rows.iter().map(|it| it[1].clone()).collect();
        let list = |ip: &str| Cell::List(vec![ip.to_owned()]);
        assert_eq!(shown, [Cell::List(vec![]), list("10.0.0.9"), list("10.0.0.10")]);
    }
}
