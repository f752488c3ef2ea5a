//! How many advertisements a second are decoded, and by what their devices may be known again, on one
//! core: those of all vectors and captures of the tests, over and over.

use std::fs;
use std::hint::black_box;
use std::path::Path;

use anyhow::{Context, ensure};
use muster_wire::bluetooth::ad::Field;
use muster_wire::bluetooth::advertisement::Advertisement;
use muster_wire::bluetooth::decode;
use muster_wire::bluetooth::identify::identify;
use muster_wire::bluetooth::tag::TagRules;
use muster_wire::capture::Capture;
use muster_wire::frame::LinkType;

use super::figure::{Figures, RUNS, number, rate, row, times};
use super::peers;
use super::stopwatch::Stopwatch;

/// Measures and prints.
pub(super) fn measure() -> anyhow::Result<()> {
    let frames = frames()?;
    let packets = frames.iter().filter_map(|(link, bytes)| decode(*link, bytes).ok().flatten());
    let heard: Vec<Advertisement<'_>> = packets.flat_map(|it| it.advertisements()).collect();
    ensure!(heard.len() > 1_000, "there is too little to decode: {}", heard.len());
    row("different advertisements", &heard.len().to_string());
    let rounds = ADVERTISEMENTS.div_ceil(heard.len());
    let (mut fields, mut identities, mut events) =
        (Figures::default(), Figures::default(), Figures::default());
    let rules = TagRules::default();
    for _ in 0..RUNS {
        fields.add(timed(rounds, heard.len(), || heard.iter().map(all_fields).sum()));
        identities.add(timed(rounds, heard.len(), || {
            heard.iter().map(|it| all_fields(it) + all_identities(it, &rules)).sum()
        }));
        let whole = || -> usize {
            let packets = frames.iter().filter_map(|(link, it)| decode(*link, it).ok().flatten());
            packets.flat_map(|it| it.advertisements()).map(|it| all_fields(&it)).sum()
        };
        events.add(timed(rounds, heard.len(), whole));
    }
    row("all fields decoded", &fields.text("a second"));
    row("and identified", &identities.text("a second"));
    row("from the captured packet to all fields", &events.text("a second"));
    compare(&heard, fields.median())
}

/// What others decode of the same, right after.
fn compare(heard: &[Advertisement<'_>], own: f64) -> anyhow::Result<()> {
    for (name, rate) in peers::decode(heard.iter().map(|it| it.data))? {
        row(&name, &format!("{} a second", number(rate)));
        times(&format!("all fields, to {name}"), own, rate);
    }
    Ok(())
}

fn timed(rounds: usize, count: usize, mut work: impl FnMut() -> usize) -> f64 {
    let watch = Stopwatch::start();
    for _ in 0..rounds {
        black_box(work());
    }
    rate(rounds * count, watch.elapsed())
}

/// Looks at every field, so that none is left out.
fn all_fields(it: &Advertisement<'_>) -> usize {
    let size = |field: Field<'_>| {
        if let Field::Services(all) | Field::Solicited(all) = field {
            return all.iter().fold(0, |count, uuid| {
                black_box(uuid);
                count + 1
            });
        }
        black_box(field);
        1
    };
    it.fields().map(size).sum()
}

fn all_identities(it: &Advertisement<'_>, rules: &TagRules) -> usize {
    let mut count = 0;
    identify(it, rules, &mut |id| {
        black_box(id);
        count += 1;
    });
    count
}

/// The packets of the captures and the events of the vectors.
fn frames() -> anyhow::Result<Vec<(LinkType, Vec<u8>)>> {
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/muster-wire/tests/data/bluetooth");
    let mut all = Vec::new();
    for name in ["take1_20_channels", "take2_ble_all_adv", "take3_adv38"] {
        let path = folder.join("boston").join(name).with_extension("pcap");
        let bytes = fs::read(&path).with_context(|| path.display().to_string())?;
        let records = Capture::open(&bytes[..]).with_context(|| path.display().to_string())?;
        all.extend(records.filter_map(Result::ok).map(|it| (it.link, it.bytes)));
    }
    let text = fs::read_to_string(folder.join("ble_monitor.jsonl"))?;
    for line in text.lines() {
        let case: serde_json::Value = serde_json::from_str(line)?;
        let frames = case["frames"].as_array().context("no frames")?.iter();
        let packets = frames.filter_map(|it| it.as_str().and_then(octets));
        all.extend(packets.map(|it| (LinkType::HCI, it)));
    }
    Ok(all)
}

fn octets(digits: &str) -> Option<Vec<u8>> {
    let digit = |it: char| it.to_digit(16).and_then(|it| u8::try_from(it).ok());
    let digits: Option<Vec<u8>> = digits.chars().map(digit).collect();
    let pairs = digits?;
    Some(pairs.chunks_exact(2).map(|it| it.iter().fold(0, |sum, it| sum << 4 | it)).collect())
}

/// In one run: some seconds of work.
const ADVERTISEMENTS: usize = 20_000_000;
