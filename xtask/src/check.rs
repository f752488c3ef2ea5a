//! `cargo xtask check`: every check that a change must pass, the same here and on a build machine.
//!
//! Jobs run one after another, in the order of [`jobs::all`], and the first that fails ends the
//! run. A job that takes longer than its budget is reported; one that takes more than
//! [`TOO_SLOW`] times its budget fails, so that slowness is noticed while its cause is one commit
//! old. Nothing is skipped silently: a job that cannot run fails and says what to install.

mod install;
mod jobs;
mod shell;
mod tally;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use jobs::Job;
use shell::{Failure, Shell};
use tally::Tally;

/// What to check.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Run only this job; may be given more than once
    #[arg(long = "job", value_name = "NAME")]
    jobs: Vec<String>,
    /// List the jobs with their time budgets and run none
    #[arg(long)]
    list: bool,
}

/// Runs the chosen jobs; the exit code is that of the command line tool (0, 1, 2, 4).
pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let mut shell = Shell::at_workspace_root()?;
    let all = jobs::all(shell.root());
    if options.list {
        for job in &all {
            println!("{:<9} {:>5} s  {}", job.name, job.budget.as_secs(), job.what);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let chosen = match choose(&all, &options.jobs) {
        Ok(chosen) => chosen,
        Err(unknown) => {
            eprintln!("error: there is no such job: {unknown}");
            eprintln!("hint: cargo xtask check --list");
            return Ok(ExitCode::from(2));
        }
    };
    Ok(run_all(&mut shell, &chosen))
}

fn run_all(shell: &mut Shell, chosen: &[&Job]) -> ExitCode {
    let mut rows = Vec::new();
    let mut tally = Tally::default();
    let mut code = ExitCode::SUCCESS;
    for job in chosen {
        println!("==> {}: {}", job.name, job.what);
        let (taken, done) = timed(|| (job.work)(shell));
        tally.add(&shell.take_captured());
        let pace = Pace::of(taken, job.budget);
        rows.push(row(job, taken, pace, done.is_ok()));
        println!("<== {}: {:.1} s of {} s", job.name, taken.as_secs_f64(), job.budget.as_secs());
        if let Err(failure) = done {
            code = explain(job, &failure);
            break;
        }
        if pace == Pace::TooSlow {
            eprintln!("error: {} took more than {TOO_SLOW} times its budget", job.name);
            code = ExitCode::FAILURE;
            break;
        }
    }
    println!("\n{:<9} {:>9} {:>9}", "job", "time", "budget");
    for row in rows {
        println!("{row}");
    }
    if tally.skipped > 0 {
        println!("warning: {} tests were skipped", tally.skipped);
    }
    println!("{tally}");
    code
}

/// Says what failed and how to run it alone; yields the exit code.
fn explain(job: &Job, failure: &Failure) -> ExitCode {
    eprintln!("error: {}: {failure}", job.name);
    match failure {
        Failure::NotAllowed { .. } => ExitCode::from(4),
        Failure::Missing { hint, .. } => {
            eprintln!("hint: {hint}");
            ExitCode::FAILURE
        }
        Failure::Failed(_) => {
            eprintln!("hint: cargo xtask check --job {}", job.name);
            ExitCode::FAILURE
        }
    }
}

/// The jobs to run, in the order of `all`; `Err` is a name that no job has.
fn choose<'a>(all: &'a [Job], wanted: &[String]) -> Result<Vec<&'a Job>, String> {
    if let Some(unknown) = wanted.iter().find(|it| all.iter().all(|job| job.name != **it)) {
        return Err(unknown.clone());
    }
    let is_wanted = |job: &&Job| wanted.is_empty() || wanted.iter().any(|it| it == job.name);
    Ok(all.iter().filter(is_wanted).collect())
}

/// How a job's time compares with its budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    Fine,
    OverBudget,
    TooSlow,
}

impl Pace {
    fn of(taken: Duration, budget: Duration) -> Self {
        if taken > budget * TOO_SLOW {
            Self::TooSlow
        } else if taken > budget {
            Self::OverBudget
        } else {
            Self::Fine
        }
    }
}

fn row(job: &Job, taken: Duration, pace: Pace, passed: bool) -> String {
    let verdict = match (passed, pace) {
        (false, _) => "  failed",
        (true, Pace::Fine) => "",
        (true, Pace::OverBudget) => "  over budget",
        (true, Pace::TooSlow) => "  over budget, too slow",
    };
    let (taken, budget) = (taken.as_secs_f64(), job.budget.as_secs());
    format!("{:<9} {taken:>7.1} s {budget:>7} s{verdict}", job.name)
}

#[expect(clippy::disallowed_methods, reason = "a stopwatch for people; decides nothing in Muster")]
fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let start = Instant::now();
    let done = work();
    (start.elapsed(), done)
}

/// Past this multiple of its budget a job fails. Build machines differ by a factor of two, not of
/// three.
const TOO_SLOW: u32 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    fn job(name: &'static str) -> Job {
        Job { name, what: "", budget: Duration::from_secs(10), work: |_| Ok(()) }
    }

    #[test]
    fn jobs_are_chosen_by_name_in_their_own_order() {
        let all = [job("fmt"), job("clippy"), job("test")];
        let names = |wanted: &[&str]| {
            let wanted: Vec<_> = wanted.iter().map(ToString::to_string).collect();
            choose(&all, &wanted).map(|it| it.iter().map(|job| job.name).collect::<Vec<_>>())
        };
        assert_eq!(names(&[]), Ok(vec!["fmt", "clippy", "test"]));
        assert_eq!(names(&["test", "fmt"]), Ok(vec!["fmt", "test"]));
        assert_eq!(names(&["test", "tset"]), Err("tset".to_owned()));
    }

    #[test]
    fn only_three_budgets_are_too_slow() {
        let pace = |seconds| Pace::of(Duration::from_secs(seconds), Duration::from_secs(10));
        assert_eq!(pace(10), Pace::Fine);
        assert_eq!(pace(11), Pace::OverBudget);
        assert_eq!(pace(30), Pace::OverBudget);
        assert_eq!(pace(31), Pace::TooSlow);
    }

    #[test]
    fn a_row_says_what_is_wrong() {
        let row =
            |seconds, pace, passed| row(&job("fmt"), Duration::from_secs(seconds), pace, passed);
        assert_eq!(row(2, Pace::Fine, true), "fmt           2.0 s      10 s");
        assert_eq!(row(12, Pace::OverBudget, true), "fmt          12.0 s      10 s  over budget");
        assert_eq!(row(2, Pace::Fine, false), "fmt           2.0 s      10 s  failed");
    }

    #[test]
    fn every_job_has_a_name_of_its_own_and_a_budget() {
        let all = jobs::all(Shell::at_workspace_root().unwrap().root());
        let mut names: Vec<_> = all.iter().map(|it| it.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all.len());
        assert!(all.iter().all(|it| it.budget >= Duration::from_secs(5)));
    }
}
