//! Known devices that doze: they overlook 35 % of requests and answer the others after 50 to
//! 1,500 ms. The asking machine is followed in virtual time by its own test, which prints what it
//! saw; arp-scan asks the same devices over a real cable.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, ensure};

use super::figure::{Figures, RUNS, row};
use super::network::{self, Devices};

pub(super) fn measure() -> anyhow::Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["test", "--package", "muster-sources", "--lib", "--", "--exact", "--nocapture"]);
    let output = command.arg(TEST).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let output = String::from_utf8(output.stdout)?;
    let told: Vec<&str> =
        output.lines().filter_map(|it| it.split_once("doze: ")).map(|it| it.1).collect();
    ensure!(!told.is_empty(), "the test told nothing");
    for (what, value) in told.iter().filter_map(|it| it.split_once(": ")) {
        row(what, value);
    }
    network::build(&["--package", "muster-sources", "--example", "lan_responder"])?;
    let folder = tempfile::tempdir()?;
    network::enter("doze", folder.path())
}

/// The comparison, inside a network of its own: as many rounds as it takes by default, and six.
pub(super) fn inside(arguments: &[String]) -> anyhow::Result<()> {
    let folder = PathBuf::from(arguments.first().context("which folder?")?);
    network::ip("link set lo up")?;
    for retry in ["2", "6"] {
        let (mut found, mut frames, mut wall) = <(Figures, Figures, Figures)>::default();
        for run in 0..RUNS {
            let seed = run.to_string();
            let _devices = Devices::start("10.77.0.1/24", &["--doze", "--seed", &seed])?;
            let words = ["--interface", "lan0", "--plain", "--retry", retry, "10.77.0.0/24"];
            let out = folder.join("out");
            let scan = network::scan(Path::new("arp-scan"), &words, &out, LIMIT)?;
            let scan = scan.context("it did not end")?;
            #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
            {
                found.add(heard(&scan.output) as f64);
                frames.add(scan.frames as f64);
            }
            wall.add(scan.wall.as_secs_f64());
        }
        let name = format!("arp-scan --retry {retry}");
        row(&format!("{name}: found"), &found.text("of 100"));
        row(&format!("{name}: frames"), &frames.text("frames"));
        row(&format!("{name}: start to end"), &wall.text("s"));
    }
    Ok(())
}

/// How many devices the lines tell of, each once.
fn heard(output: &str) -> usize {
    let first = output.lines().filter_map(|it| it.split_whitespace().next());
    first.filter(|it| it.starts_with("10.77.")).collect::<std::collections::BTreeSet<_>>().len()
}

const TEST: &str =
    "lan::sweep::tests::known_dozing_devices_are_complete_within_11_s_and_250_packets";
const LIMIT: Duration = Duration::from_mins(2);
