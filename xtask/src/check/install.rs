//! The check's first job: brings what the others need, and nothing that is there already.
//!
//! Debian's packages come with apt-get, as root; without root the job prints the commands and
//! ends with exit code 4. Everything else goes below `target/`: a virtual environment with a real
//! Graphite and a reader of workbooks, a machine for Bluetooth (`rig/`), and cargo-deny. Every step
//! looks first, so with nothing missing the job takes a moment.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::shell::{self, Failure, Shell};

/// Installs what is missing.
pub(super) fn run(shell: &mut Shell) -> Result<(), Failure> {
    debian_packages(shell)?;
    rust_components(shell)?;
    python_programs(shell)?;
    machine(shell)?;
    if cargo_deny(shell.root()).is_none() {
        shell.run(shell.cargo(&["install", "--locked", "cargo-deny", "--root", "target/tools"]))?;
    }
    // It reads about every dependency, also those of other systems, which no build brings.
    shell.run(shell.cargo(&["fetch", "--locked"]))
}

/// cargo-deny as installed by this job, or by the person.
pub(super) fn cargo_deny(root: &Path) -> Option<PathBuf> {
    let own = root.join("target/tools/bin/cargo-deny");
    if own.is_file() { Some(own) } else { shell::find("cargo-deny") }
}

/// Something that a Debian package brings.
struct Need {
    package: &'static str,
    is_here: fn() -> bool,
}

/// What the jobs call, and the packages of Debian 12 that have it.
const NEEDS: [Need; 24] = [
    Need { package: "git", is_here: || shell::find("git").is_some() },
    Need { package: "gcc", is_here: || shell::find("cc").is_some() },
    Need { package: "libc6-dev", is_here: || Path::new("/usr/include/stdio.h").is_file() },
    Need { package: "iproute2", is_here: || shell::find("ip").is_some() },
    Need { package: "util-linux", is_here: || shell::find("setpriv").is_some() },
    Need { package: "chromium", is_here: || shell::find("chromium").is_some() },
    Need { package: "fonts-liberation", is_here: has_fonts },
    Need { package: "nodejs", is_here: || shell::find("node").is_some() },
    Need { package: "npm", is_here: || shell::find("npm").is_some() },
    Need { package: "python3-venv", is_here: || python().is_some() },
    Need { package: "qemu-system-x86", is_here: || shell::find("qemu-system-x86_64").is_some() },
    Need { package: "busybox-static", is_here: has_static_busybox },
    Need { package: "cpio", is_here: || shell::find("cpio").is_some() },
    Need { package: "kmod", is_here: || shell::find("depmod").is_some() },
    Need { package: "xz-utils", is_here: || shell::find("xz").is_some() },
    Need { package: "bluez", is_here: || shell::find("l2ping").is_some() },
    Need { package: "dbus", is_here: || shell::find("dbus-daemon").is_some() },
    Need { package: "mosquitto", is_here: || is_server("mosquitto") },
    Need { package: "mosquitto-clients", is_here: || shell::find("mosquitto_pub").is_some() },
    Need { package: "postgresql", is_here: || Path::new("/usr/lib/postgresql").is_dir() },
    Need { package: "mariadb-server", is_here: || is_server("mariadbd") },
    Need { package: "faketime", is_here: || shell::find("faketime").is_some() },
    Need { package: "openssl", is_here: || shell::find("openssl").is_some() },
    Need { package: "systemd", is_here: || shell::find("busctl").is_some() },
];

/// Servers are where only root's path leads.
fn is_server(name: &str) -> bool {
    shell::find(name).is_some() || Path::new("/usr/sbin").join(name).is_file()
}

/// The package that does without libraries has its program where the other one has.
fn has_static_busybox() -> bool {
    Path::new("/var/lib/dpkg/info/busybox-static.list").is_file()
}

fn has_fonts() -> bool {
    let folders = ["/usr/share/fonts/truetype/liberation", "/usr/share/fonts/truetype/liberation2"];
    folders.iter().any(|it| Path::new(it).is_dir())
}

fn debian_packages(shell: &mut Shell) -> Result<(), Failure> {
    let missing: Vec<_> = NEEDS.iter().filter(|it| !(it.is_here)()).map(|it| it.package).collect();
    if missing.is_empty() {
        return Ok(());
    }
    if !is_root() {
        return Err(Failure::NotAllowed { commands: commands(&missing) });
    }
    let apt = shell::find("apt-get").ok_or_else(|| Failure::Missing {
        what: missing.join(", "),
        hint: "install them with this system's package manager, then try again".to_owned(),
    })?;
    for arguments in [UPDATE.to_vec(), [&INSTALL[..], &missing].concat()] {
        let mut command = shell.program(&apt, &arguments);
        command.env("DEBIAN_FRONTEND", "noninteractive");
        shell.run(command)?;
    }
    Ok(())
}

/// What a person types to install `packages`.
fn commands(packages: &[&str]) -> Vec<String> {
    let lines = [UPDATE.join(" "), [&INSTALL[..], packages].concat().join(" ")];
    lines.map(|it| format!("sudo apt-get {it}")).into()
}

fn rust_components(shell: &mut Shell) -> Result<(), Failure> {
    for (component, tool) in [("clippy", "clippy"), ("rustfmt", "fmt")] {
        if !Shell::succeeds(shell.cargo(&[tool, "--version"])) {
            shell.run(shell.program("rustup", &["component", "add", component]))?;
        }
    }
    Ok(())
}

/// carbon and whisper, the real Graphite that the sink's tests talk to, and openpyxl.
fn python_programs(shell: &mut Shell) -> Result<(), Failure> {
    let folder = shell.root().join("target/venv");
    let marker = folder.join("installed.txt");
    if fs::read_to_string(&marker).is_ok_and(|it| it == PYTHON) {
        return Ok(());
    }
    let python = python().ok_or_else(|| Failure::Missing {
        what: "Python 3.9 or newer with venv".to_owned(),
        hint: "sudo apt-get install -y python3-venv".to_owned(),
    })?;
    let wanted = shell.root().join("target/python.txt");
    fs::create_dir_all(shell.root().join("target")).context("cannot make target/")?;
    fs::write(&wanted, PYTHON).context("cannot write target/python.txt")?;
    shell.run(shell.program(python, &["-m", "venv", "--clear", "target/venv"]))?;
    let arguments = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    let arguments = [&arguments[..], &["--requirement", "target/python.txt"]].concat();
    shell.run(shell.program(folder.join("bin/python"), &arguments))?;
    Ok(fs::write(&marker, PYTHON).context("cannot write target/venv/installed.txt")?)
}

/// The kernel of the machine with a real Bluetooth stack, unpacked from Debian's package.
fn machine(shell: &mut Shell) -> Result<(), Failure> {
    let prepare = shell.root().join("rig/prepare.sh");
    let done = shell.run(shell.program(&prepare, &[]));
    if done.is_ok() {
        return done;
    }
    // The lists of packages may be missing, or name a version that is gone.
    if !is_root() {
        return Err(Failure::NotAllowed {
            commands: vec![format!("sudo apt-get {}", UPDATE.join(" "))],
        });
    }
    let apt = shell::find("apt-get").ok_or_else(|| Failure::Missing {
        what: "a kernel package of Debian".to_owned(),
        hint: "the machine for Bluetooth is made on Debian".to_owned(),
    })?;
    shell.run(shell.program(apt, &UPDATE))?;
    shell.run(shell.program(&prepare, &[]))
}

/// A Python that can make virtual environments.
fn python() -> Option<PathBuf> {
    let makes_venvs = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 9))";
    let found = ["python3", "python3.13", "python3.12", "python3.11", "python3.10", "python3.9"];
    found.iter().filter_map(|it| shell::find(it)).find(|it| {
        let mut command = std::process::Command::new(it);
        command.args(["-c", makes_venvs]);
        Shell::succeeds(command)
    })
}

/// Whether this process may install packages. The owner of its own entry in `/proc` is its
/// effective user.
fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|it| it.uid() == 0)
}

const UPDATE: [&str; 3] = ["-o", "DPkg::Lock::Timeout=300", "update"];
const INSTALL: [&str; 5] =
    ["-o", "DPkg::Lock::Timeout=300", "install", "-y", "--no-install-recommends"];

/// Every package of the environment, by version, so that a run next year tests the same Graphite.
const PYTHON: &str = include_str!("python.txt");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_without_rights_gets_commands_to_type() {
        let shown = commands(&["iproute2", "chromium"]);
        assert_eq!(
            shown,
            [
                "sudo apt-get -o DPkg::Lock::Timeout=300 update",
                "sudo apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends \
                 iproute2 chromium",
            ]
        );
    }

    #[test]
    fn every_graphite_package_has_its_version() {
        let lines = PYTHON.lines().filter(|it| !it.is_empty() && !it.starts_with('#'));
        let unpinned: Vec<_> = lines.filter(|it| !it.contains("==")).collect();
        assert!(unpinned.is_empty(), "{unpinned:?}");
        assert!(PYTHON.contains("carbon==") && PYTHON.contains("whisper=="));
    }
}
