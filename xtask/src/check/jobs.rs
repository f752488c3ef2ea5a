//! What is checked: one function per job, in the order in which they run.
//!
//! Cheap jobs that find the most come first. A budget is the time that the job takes on a machine
//! with two cores and nothing built, rounded up; it is a promise to whoever waits, so a job that
//! outgrows it is made faster before its budget is raised.

use std::path::Path;
use std::time::Duration;

use super::install;
use super::shell::{self, Failure, Shell};

/// One named check.
#[derive(Debug)]
pub(super) struct Job {
    /// What `--job` calls it.
    pub(super) name: &'static str,
    /// What it checks, for `--list`.
    pub(super) what: &'static str,
    /// How long it may take.
    pub(super) budget: Duration,
    /// Does it.
    pub(super) work: fn(&mut Shell) -> Result<(), Failure>,
}

/// Every job of the workspace at `root`.
pub(super) fn all(root: &Path) -> Vec<Job> {
    let job =
        |name, seconds, what, work| Job { name, what, budget: Duration::from_secs(seconds), work };
    let mut jobs = vec![
        job("install", 420, "what the other jobs need is here, or is installed", install::run),
        job("fmt", 10, "the code is formatted", fmt),
        job("clippy", 300, "no lint fires, in tests neither", clippy),
        job("test", 1_800, "every test, on real sockets and namespaces where one needs them", test),
        job("doctest", 120, "the examples in the documentation run", doctest),
        job("doc", 240, "the documentation builds, links included", doc),
        job("deny", 10, "licences, banned crates and sources of every dependency", deny),
    ];
    if root.join(BROWSER_TESTS).is_dir() {
        let what = "the pages in a real Chromium, by mouse, keyboard and screen reader tree";
        jobs.push(job("browser", 240, what, browser));
    }
    jobs
}

fn fmt(shell: &mut Shell) -> Result<(), Failure> {
    shell.run(shell.cargo(&["fmt", "--all", "--check"]))
}

fn clippy(shell: &mut Shell) -> Result<(), Failure> {
    // What the benchmarks need is a feature, so that no other chore waits for it to be built.
    let code = ["clippy", "--workspace", "--all-targets", "--features", "xtask/bench"];
    shell.run(shell.cargo(&[&code[..], &["--", "-D", "warnings"]].concat()))
}

/// The tests that need a network namespace of their own run here too, as ordinary tests.
fn test(shell: &mut Shell) -> Result<(), Failure> {
    if Shell::succeeds(shell.cargo(&["nextest", "--version"])) {
        return shell.run(shell.cargo(&["nextest", "run", "--workspace", "--no-fail-fast"]));
    }
    println!("cargo-nextest is not installed: running the same tests with cargo test");
    // Tests on real networks start them, and cargo builds none of them for chosen targets.
    shell.run(shell.cargo(&["build", "--workspace", "--examples"]))?;
    let arguments = ["test", "--workspace", "--lib", "--bins", "--tests", "--no-fail-fast"];
    shell.run(shell.cargo(&arguments))
}

fn doctest(shell: &mut Shell) -> Result<(), Failure> {
    shell.run(shell.cargo(&["test", "--doc", "--workspace"]))
}

fn doc(shell: &mut Shell) -> Result<(), Failure> {
    let arguments = ["doc", "--workspace", "--no-deps", "--document-private-items"];
    let mut command = shell.cargo(&arguments);
    command.env("RUSTDOCFLAGS", "-D warnings");
    shell.run(command)
}

/// Without advisories: their database has to be fetched, and a check must not depend on that.
fn deny(shell: &mut Shell) -> Result<(), Failure> {
    let tool = install::cargo_deny(shell.root()).ok_or_else(|| missing("cargo-deny"))?;
    shell.run(shell.program(tool, &["--offline", "check", "licenses", "bans", "sources"]))
}

/// Builds the binary first, because the tests start it.
fn browser(shell: &mut Shell) -> Result<(), Failure> {
    shell.run(shell.cargo(&["build", "--package", "muster"]))?;
    let folder = shell.root().join(BROWSER_TESTS);
    let npm = shell::find("npm").ok_or_else(|| missing("npm"))?;
    let mut install = shell.program(npm, &["ci", "--no-audit", "--no-fund"]);
    install.current_dir(&folder);
    shell.run(install)?;
    let node = shell::find("node").ok_or_else(|| missing("node"))?;
    let mut tests = shell.program(node, &["--test"]);
    tests.current_dir(&folder);
    shell.run(tests)
}

fn missing(what: &str) -> Failure {
    let hint = "cargo xtask check --job install".to_owned();
    Failure::Missing { what: what.to_owned(), hint }
}

/// Where the browser tests and their package lock are.
const BROWSER_TESTS: &str = "tests/browser";
