//! `muster device`: what was heard, what it is, and whose.

use std::io::{IsTerminal as _, stderr, stdin};
use std::path::Path;

use hyper::Method;
use muster_report::{Cell, Column, Table};
use muster_wire::bluetooth::key::Irk;
use serde_json::{Value, json};

use super::heard;
use crate::cli::{Carried, DeviceCommand};
use crate::client::{Api, encoded, shaped};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::keyring;
use crate::output::{self, Output};
use crate::shape::{Device, Why, time};
use crate::when::Meant;

/// Runs the command.
pub(crate) fn run(context: &Context, command: &DeviceCommand) -> Result<(), Failure> {
    let output = Output::new(context)?;
    let describe = |device: &str, change: Value| {
        let api = Api::to_edit(context)?;
        let id = number(&api, device)?;
        let described = api.send(&Method::PATCH, &format!("devices/{id}"), &change)?;
        output.done(&sentence("described", &described)?, &described)
    };
    match command {
        DeviceCommand::List { present, away, mark, search } => {
            let wanted = [(*present, "present=true"), (*away, "present=false")];
            let mut query: Vec<String> =
                wanted.iter().filter(|(it, _)| *it).map(|(_, it)| (*it).to_owned()).collect();
            query.extend(mark.as_ref().map(|it| format!("mark={}", encoded(it))));
            query.extend(search.as_ref().map(|it| format!("q={}", encoded(it))));
            list(&output, &Api::to_read(context)?, &query.join("&"))
        }
        DeviceCommand::Show { device } => show(&output, &Api::to_read(context)?, device),
        DeviceCommand::Add { identity, irk_file, name } => {
            let name = name.as_deref().unwrap_or_default();
            let device = match irk_file {
                // Before anything else: root may read it, and the folder's owner may not.
                Some(file) => json!({ "irk": single_key(file)?.reveal().as_str(), "name": name }),
                None => json!({ "identity": identity, "name": name }),
            };
            let added = Api::to_edit(context)?.send(&Method::POST, "devices", &device)?;
            output.done(&sentence("added", &added)?, &added)
        }
        DeviceCommand::Name { device, name } => describe(device, json!({ "name": name })),
        DeviceCommand::Kind { device, kind } => describe(device, json!({ "kind": kind })),
        DeviceCommand::Mark { device, mark } => describe(device, json!({ "mark": mark })),
        DeviceCommand::Carried { device, carried } => {
            let carried = match carried {
                Carried::Yes => Some(true),
                Carried::No => Some(false),
                Carried::Auto => None,
            };
            describe(device, json!({ "carried": carried }))
        }
        DeviceCommand::Assign { device, person, nobody: _, kind, from } => {
            let from = from.as_deref().map(|it| context.reader()?.read(it, Meant::From));
            let from = from.transpose()?.map(|it| it.to_string());
            let api = Api::to_edit(context)?;
            let id = number(&api, device)?;
            let person = person.as_ref().filter(|it| !it.eq_ignore_ascii_case(NOBODY));
            let owner = json!({ "person": person, "kind": kind, "from": from });
            let assigned = api.send(&Method::PUT, &format!("devices/{id}/owner"), &owner)?;
            output.done(&sentence("assigned", &assigned)?, &assigned)?;
            says_nothing(&output, &assigned)
        }
        DeviceCommand::Merge { device, into } => {
            let api = Api::to_edit(context)?;
            let (id, into) = (number(&api, device)?, number(&api, into)?);
            let merged =
                api.send(&Method::POST, &format!("devices/{id}/merge"), &json!({ "into": into }))?;
            output.done(&sentence("merged into", &merged)?, &merged)
        }
        DeviceCommand::Forget { device, yes } => forget(context, &output, device, *yes),
        DeviceCommand::Split { device, identity } => {
            let api = Api::to_edit(context)?;
            let id = number(&api, device)?;
            api.delete(&format!("devices/{id}/identities/{}", encoded(identity)))?;
            let own = api.get(&format!("devices/{}", number(&api, identity)?))?;
            output.done(&sentence("split off", &own)?, &own)
        }
    }
}

fn single_key(file: &Path) -> Result<Irk, Failure> {
    let mut keys = keyring::read(file)?;
    let count = keys.len();
    keys.pop().filter(|_| count == 1).ok_or_else(|| {
        let what = format!("there are {count} keys in: {}", file.display());
        Failure::new(Exit::Usage, what).hint("give a file with one key")
    })
}

/// The number of the device that somebody means.
pub(crate) fn number(api: &Api, text: &str) -> Result<u32, Failure> {
    if let Ok(number) = text.parse() {
        return Ok(number);
    }
    let why: Why = api.read(&format!("why/{}", encoded(text)))?;
    why.subject.strip_prefix("device:").and_then(|it| it.parse().ok()).ok_or_else(|| {
        Failure::new(Exit::Usage, format!("this is a person, not a device: {text}")).hint(format!(
            "their devices: muster person show {}",
            why.subject.replace("person:", "")
        ))
    })
}

fn forget(context: &Context, output: &Output, device: &str, yes: bool) -> Result<(), Failure> {
    let api = Api::to_edit(context)?;
    let id = number(&api, device)?;
    let it: Device = shaped(api.get(&format!("devices/{id}"))?)?;
    if !yes {
        confirm(id, &it.label)?;
    }
    api.delete(&format!("devices/{id}"))?;
    output.done(&format!("forgotten: device {id}, {}", it.label), &Value::Null)
}

fn confirm(id: u32, label: &str) -> Result<(), Failure> {
    let refused = |what: &str| {
        let hint = format!("muster device forget {id} --yes");
        Failure::new(Exit::Usage, format!("{what}: {label}")).hint(hint)
    };
    if !stdin().is_terminal() || !stderr().is_terminal() {
        return Err(refused("forgetting a device cannot be undone, so it has to be confirmed"));
    }
    output::ask(&format!("forget {label}? it is unpaired, and has to pair again [y/N] "));
    let mut answer = String::new();
    let read = stdin().read_line(&mut answer);
    match read.map(|_| answer.trim().to_lowercase()).as_deref() {
        Ok("y" | "yes") => Ok(()),
        _ => Err(refused("nothing was forgotten")),
    }
}

fn list(output: &Output, api: &Api, query: &str) -> Result<(), Failure> {
    let path = if query.is_empty() { "devices".to_owned() } else { format!("devices?{query}") };
    let all = api.list(&path)?;
    let table = table(&all)?;
    output.list(&table, &all)?;
    if all.is_empty() {
        output.note(if query.is_empty() { "no device was heard yet" } else { "no device matches" });
    }
    Ok(())
}

/// Devices as a table.
pub(crate) fn table(all: &[Value]) -> Result<Table, Failure> {
    let mut table = Table::new(&COLUMNS);
    for value in all {
        let it: Device = shaped(value.clone())?;
        let shown = it.vendor.clone();
        let shown = if it.randomised { Some("(random address)".to_owned()) } else { shown };
        table.push(vec![
            Cell::State(it.presence),
            Cell::Whole(it.id.into()),
            Cell::Text(it.label),
            Cell::text(it.owner),
            Cell::text(it.ips.first().cloned()),
            time(it.last_seen),
            Cell::text(shown),
            Cell::text(it.vendor),
            Cell::Flag(it.randomised),
            Cell::text(it.identities.first().cloned()),
            Cell::Text(it.kind),
            Cell::Text(it.mark),
        ]);
    }
    Ok(table)
}

fn show(output: &Output, api: &Api, device: &str) -> Result<(), Failure> {
    let id = number(api, device)?;
    let told = api.get(&format!("devices/{id}"))?;
    let sent = heard::of(api, id)?;
    let it: Device = shaped(told.clone())?;
    let pairs = [
        ("device", Cell::Text(it.label)),
        ("number", Cell::Whole(it.id.into())),
        ("presence", Cell::State(it.presence)),
        ("since", time(it.since)),
        ("place", Cell::text(it.place)),
        ("owner", Cell::text(it.owner)),
        ("goes_with_its_owner", Cell::Flag(it.carried)),
        ("kind", Cell::Text(it.kind)),
        ("mark", Cell::Text(it.mark)),
        ("host_name", Cell::text(it.hostname)),
        ("vendor", Cell::text(it.vendor)),
        ("vendor_class", Cell::text(it.vendor_class)),
        ("random_address", Cell::Flag(it.randomised)),
        ("identities", Cell::List(it.identities)),
        ("addresses", Cell::List(it.ips)),
        ("answers_for", Cell::text(it.proxy_for)),
        ("first_seen", time(it.first_seen)),
        ("last_seen", time(it.last_seen)),
        ("last_heard_on", Cell::text(it.source)),
        ("signal", Cell::text(it.rssi.map(|it| format!("{it} dBm")))),
    ];
    output.one(&pairs, &heard::with(told, &sent))?;
    heard::show(output, &sent)
}

/// Tells whoever gave a device to somebody that it says nothing about them, and what would.
fn says_nothing(output: &Output, assigned: &Value) -> Result<(), Failure> {
    let Device { id, owner, carried, kind, mark, .. } = shaped(assigned.clone())?;
    let Some(owner) = owner.filter(|_| !carried) else { return Ok(()) };
    if mark != "normal" {
        output.note(&format!("device {id} is marked as {mark}, so it says nothing about {owner}"));
        output.hint(&format!("muster device mark {id} normal"));
    } else if kind == "other" {
        output.note(&format!(
            "device {id} is of no kind that people carry, so it says nothing about {owner}"
        ));
        output.hint(&format!("muster device kind {id} phone"));
    } else {
        output.note(&format!(
            "device {id} ({kind}) does not go where its owner goes, so it says nothing about {owner}"
        ));
        output.hint(&format!("muster device carried {id} yes"));
    }
    Ok(())
}

fn sentence(done: &str, device: &Value) -> Result<String, Failure> {
    let it: Device = shaped(device.clone())?;
    let owner = it.owner.unwrap_or_else(|| "nobody".to_owned());
    let carried = if it.carried { "carried" } else { "not carried" };
    let Device { id, label, kind, mark, .. } = it;
    Ok(format!("{done}: device {id}, {label}, {kind}, {mark}, {carried}, owned by {owner}"))
}

/// Instead of a person's name.
const NOBODY: &str = "nobody";
const COLUMNS: [Column; 12] = [
    Column::new("presence"),
    Column::new("id"),
    Column::new("name"),
    Column::new("owner"),
    Column::optional("address"),
    Column::new("last_seen"),
    Column::optional("vendor").for_people(),
    Column::new("vendor").for_programs(),
    Column::new("randomised").for_programs(),
    Column::optional("identity"),
    Column::optional("kind"),
    Column::optional("mark"),
];
