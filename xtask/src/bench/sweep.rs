//! One look around a wired network of 100 devices: `muster scan lan --single` as people run it,
//! beside arp-scan and nmap, over the same cable.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, ensure};
use muster_core::fact::FactBody;
use muster_core::identity::Identity;
use muster_core::time::Time;
use muster_wire::fact_file::FactReader;

use super::figure::{Figures, RUNS, mib, ms, row, times};
use super::network::{self, Devices, Scan};
use super::stopwatch::civil;

pub(super) fn measure() -> anyhow::Result<()> {
    network::build(&["--package", "muster"])?;
    network::build(&["--package", "muster-sources", "--example", "lan_responder"])?;
    let folder = tempfile::tempdir()?;
    network::enter("sweep", folder.path())
}

/// The work inside a network of its own, with a folder for files.
pub(super) fn inside(arguments: &[String]) -> anyhow::Result<()> {
    let folder = PathBuf::from(arguments.first().context("which folder?")?);
    fs::write(folder.join("muster.toml"), CONFIG)?;
    network::ip("link set lo up")?;
    let small = Network { bits: "24", folder: &folder, runs: RUNS };
    small.compare()?;
    let large = Network { bits: "16", folder: &folder, runs: 1 };
    large.compare()
}

struct Network<'a> {
    /// The length of its prefix.
    bits: &'a str,
    folder: &'a Path,
    /// How often the others scan it.
    runs: usize,
}

impl Network<'_> {
    fn compare(&self) -> anyhow::Result<()> {
        let _devices = Devices::start(&format!("10.77.0.1/{}", self.bits), &[])?;
        let muster = self.muster()?;
        let range = format!("10.77.0.0/{}", self.bits);
        let arp_scan = ["--interface", "lan0", "--plain", &range];
        let nmap = ["-sn", "-PR", "-n", "-e", "lan0", "-oG", "-", &range];
        for (name, words) in [("arp-scan", &arp_scan[..]), ("nmap", &nmap[..])] {
            match self.other(name, words)? {
                Some(other) => {
                    times(&format!("{name} to muster, /{}", self.bits), other, muster);
                }
                None => row(name, &format!("not over after {} s", LIMIT.as_secs())),
            }
        }
        Ok(())
    }

    /// Median time of `muster scan`, in ms.
    fn muster(&self) -> anyhow::Result<f64> {
        let program = network::built("muster")?;
        let record = self.folder.join("facts.jsonl");
        let config = self.folder.join("muster.toml");
        let paths = (config.to_str().context("a path")?, record.to_str().context("a path")?);
        let words = ["scan", "lan", "--single", "--for", "60s", "--config", paths.0];
        let words = [&words[..], &["--record", paths.1]].concat();
        let (mut last, mut figures) = (Figures::default(), Shown::default());
        for _ in 0..RUNS {
            if record.exists() {
                fs::remove_file(&record)?;
            }
            let begun = civil();
            let out = self.folder.join("out");
            let scan = network::scan(&program, &words, &out, LIMIT)?.context("it did not end")?;
            let found = first_heard(&record)?;
            ensure!(found.len() == 100, "not everybody was found: {}", found.len());
            let at = found.values().max().copied().unwrap_or_default();
            last.add(ms(at.since(begun)));
            figures.add(&scan);
        }
        let name = format!("muster scan lan --single, /{}", self.bits);
        row(&format!("{name}: start to the last of 100"), &last.text("ms"));
        figures.show(&name);
        Ok(figures.wall.median())
    }

    /// Median time of another scanner, in ms; none if it takes too long.
    fn other(&self, name: &str, words: &[&str]) -> anyhow::Result<Option<f64>> {
        let mut figures = Shown::default();
        for _ in 0..self.runs {
            let out = self.folder.join("out");
            let Some(scan) = network::scan(Path::new(name), words, &out, LIMIT)? else {
                return Ok(None);
            };
            let found = scan.output.lines().filter(|it| is_found(it)).count();
            ensure!(found == 100, "{name} found {found}");
            figures.add(&scan);
        }
        figures.show(&format!("{name}, /{}", self.bits));
        Ok(Some(figures.wall.median()))
    }
}

/// Whether a line of arp-scan or nmap tells of a device, which this end is not.
fn is_found(line: &str) -> bool {
    let line = line.strip_prefix("Host: ").unwrap_or(line);
    line.starts_with("10.77.")
        && !line.starts_with("10.77.0.1 ")
        && (line.contains('\t') || line.contains("Up"))
}

/// When each identity was heard first.
fn first_heard(record: &Path) -> anyhow::Result<BTreeMap<Identity, Time>> {
    let (mut reader, mut found) = (FactReader::new(), BTreeMap::new());
    for line in fs::read_to_string(record)?.lines() {
        for fact in reader.read_line(line)? {
            let (identity, at) = match fact.body {
                FactBody::Sighting(it) => (it.identity, it.at),
                FactBody::Probe(it) if it.outcome == muster_core::fact::Outcome::Answered => {
                    (it.identity, it.at)
                }
                FactBody::Probe(_)
                | FactBody::Coverage(_)
                | FactBody::Level(_)
                | FactBody::Detail(_) => continue,
            };
            let first = found.entry(identity).or_insert(at);
            *first = at.min(*first);
        }
    }
    Ok(found)
}

/// The figures of a scanner.
#[derive(Default)]
struct Shown {
    wall: Figures,
    cpu: Figures,
    memory: Figures,
    frames: Figures,
}

impl Shown {
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    fn add(&mut self, scan: &Scan) {
        self.wall.add(ms(scan.wall));
        self.cpu.add(ms(scan.cpu));
        self.memory.add(mib(scan.memory));
        self.frames.add(scan.frames as f64);
    }

    fn show(&self, name: &str) {
        row(&format!("{name}: start to end"), &self.wall.text("ms"));
        row(&format!("{name}: processor"), &self.cpu.text("ms"));
        row(&format!("{name}: memory"), &self.memory.text("MiB"));
        row(&format!("{name}: frames"), &self.frames.text("frames"));
    }
}

const CONFIG: &str = "[sources.lan]\ninterfaces = [\"lan0\"]\n";
const LIMIT: Duration = Duration::from_hours(1);
