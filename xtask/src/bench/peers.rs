//! Peers from `PyPI`: in a virtual environment of their own below `target/`, made when it is missing.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};

/// How many advertisements peers decode a second, by their names.
pub(super) fn decode<'a>(
    advertisements: impl Iterator<Item = &'a [u8]>,
) -> anyhow::Result<BTreeMap<String, f64>> {
    let file = tempfile::NamedTempFile::new()?;
    let mut lines = String::new();
    for data in advertisements {
        data.iter().try_for_each(|it| write!(lines, "{it:02x}"))?;
        lines.push('\n');
    }
    fs::write(file.path(), lines)?;
    rates(&["decode".as_ref(), file.path().as_os_str()])
}

/// How many keys peers try a second, by their names.
pub(super) fn resolve() -> anyhow::Result<BTreeMap<String, f64>> {
    rates(&["resolve".as_ref()])
}

fn rates(arguments: &[&OsStr]) -> anyhow::Result<BTreeMap<String, f64>> {
    let mut command = Command::new(python()?);
    command.args(["-c", include_str!("radio_peers.py")]).args(arguments);
    let said = output(command)?;
    said.lines()
        .map(|line| {
            let (name, value) = line.split_once('\t').context("a name and a number")?;
            Ok((name.to_owned(), value.parse()?))
        })
        .collect()
}

/// The Python of an environment that has them.
pub(super) fn python() -> anyhow::Result<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/peers");
    let python = folder.join("bin/python");
    let marker = folder.join("installed.txt");
    if fs::read_to_string(&marker).is_ok_and(|it| it == PACKAGES.join(" ")) {
        return Ok(python);
    }
    let mut command = Command::new("python3");
    command.args(["-m", "venv", "--clear"]).arg(&folder);
    output(command).context("hint: apt-get install python3-venv")?;
    let mut command = Command::new(&python);
    command.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    command.args(PACKAGES);
    output(command)?;
    fs::write(marker, PACKAGES.join(" "))?;
    Ok(python)
}

fn output(mut command: Command) -> anyhow::Result<String> {
    let output = command.output().with_context(|| format!("cannot start {command:?}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?} failed: {said}");
    Ok(String::from_utf8(output.stdout)?)
}

/// The versions that were looked at: what is called of the first is a name inside it.
const PACKAGES: [&str; 4] =
    ["bluetooth-data-tools==1.29.24", "bumble==0.0.236", "TheengsDecoder==2.5.0", "bleak==3.1.0"];
