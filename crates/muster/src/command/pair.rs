//! `muster pair`: lets phones pair for a while, and tells what comes of it.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::time::Duration;

use hyper::Method;
use muster_report::safe;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::cli::PairArgs;
use crate::client::Api;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::{self, Output};

/// Runs the command until the window is closed.
pub(crate) fn run(context: &Context, args: &PairArgs) -> Result<(), Failure> {
    let output = Output::new(context)?;
    let api = Api::to_edit(context)?;
    let mut interrupts = api.interrupts()?;
    let window = json!({ "seconds": args.length.map(|it| it.as_secs()) });
    api.send(&Method::POST, "pairing", &window)?;
    let mut watch = Watch { output: &output, seen: None, asked: 0, counts: false };
    let end = loop {
        let now: Pairing = api.read("pairing")?;
        watch.tell(&now);
        for request in &now.requests {
            watch.compare(&api, request)?;
        }
        if now.state == "closed" || now.state == "away" {
            break now;
        }
        if api.pause(&mut interrupts, EVERY) {
            watch.end_line();
            output.note("closing the window");
            api.delete("pairing")?;
        }
    };
    watch.end_line();
    if let Some(why) = end.away.or(end.trouble) {
        let failure = Failure::new(Exit::Failed, why.why);
        return Err(match why.hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        });
    }
    output.note("nobody can pair any more");
    for it in &end.pending {
        let name = safe::terminal(&it.name);
        output.note(&format!("{name} ({}) is forgotten unless it is registered", it.address));
        if let Some(id) = it.device {
            output.hint(&format!("muster device assign {id} PERSON --kind phone"));
        }
    }
    output.done("done", &Value::Null)
}

/// What was told already.
struct Watch<'a> {
    output: &'a Output,
    /// How many things had happened; none: nothing was told yet.
    seen: Option<Vec<(String, String, String)>>,
    /// The last request that was put to the person here.
    asked: u64,
    /// Whether a line that counts down is not ended.
    counts: bool,
}

impl Watch<'_> {
    fn tell(&mut self, now: &Pairing) {
        let known = |it: &Event| (it.at.clone(), it.name.clone(), it.what.clone());
        let all: Vec<_> = now.recent.iter().map(known).collect();
        if let Some(window) = &now.window {
            let is_first = self.seen.is_none();
            let seen = self.seen.replace(all.clone()).unwrap_or_else(|| all.clone());
            if is_first {
                self.introduce(window);
            }
            for (_, name, what) in all.iter().filter(|it| !seen.contains(it)).rev() {
                self.end_line();
                self.output.note(&format!("{}: {what}", safe::terminal(name)));
            }
            self.count(window.left_s);
        } else if let Some(seen) = &self.seen {
            let new: Vec<_> = all.iter().filter(|it| !seen.contains(it)).rev().cloned().collect();
            for (_, name, what) in new {
                self.end_line();
                self.output.note(&format!("{}: {what}", safe::terminal(&name)));
            }
            self.seen = Some(all);
        }
    }

    fn introduce(&self, window: &Window) {
        let adapters = window.adapters.join(", ");
        self.output.note(&format!("phones see through {adapters}: {}", window.name));
        if let Some(why) = &window.low_energy_why {
            self.output.note(&format!("not over low energy: {why}"));
        }
        self.output.note(&format!("open for {} s; Ctrl-C closes the window", window.left_s));
    }

    /// Counts down in place, where there is a place.
    fn count(&mut self, left: u64) {
        if self.output.is_for_people() && io::stderr().is_terminal() && !self.output.is_quiet() {
            let line = format!("\r{}:{:02} left ", left / 60, left % 60);
            drop(io::stderr().write_all(line.as_bytes()));
            self.counts = true;
        }
    }

    fn end_line(&mut self) {
        if std::mem::take(&mut self.counts) {
            drop(io::stderr().write_all(b"\r           \r"));
        }
    }

    /// Puts a number to the person at the terminal.
    fn compare(&mut self, api: &Api, request: &Request) -> Result<(), Failure> {
        if request.number <= self.asked {
            return Ok(());
        }
        self.asked = request.number;
        self.end_line();
        let name = safe::terminal(&request.name);
        let question = format!("does {name} show {}?", request.passkey);
        if !io::stdin().is_terminal() {
            self.output.note(&question);
            self.output.hint("answer on the page");
            return Ok(());
        }
        output::ask(&format!("{question} [y/N] "));
        let mut line = String::new();
        let read = io::stdin().lock().read_line(&mut line);
        let accept = read.is_ok() && ["y", "yes"].contains(&line.trim().to_lowercase().as_str());
        let path = format!("pairing/requests/{}", request.number);
        match api.send(&Method::POST, &path, &json!({ "accept": accept })) {
            // The phone gave up meanwhile: the window goes on.
            Err(gone) if gone.is_missing() => self.output.note("it asks no more"),
            Err(other) => return Err(other),
            Ok(_) => {}
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Pairing {
    state: String,
    away: Option<Why>,
    window: Option<Window>,
    trouble: Option<Why>,
    requests: Vec<Request>,
    pending: Vec<Waiting>,
    recent: Vec<Event>,
}

#[derive(Deserialize)]
struct Why {
    why: String,
    hint: Option<String>,
}

#[derive(Deserialize)]
struct Window {
    name: String,
    adapters: Vec<String>,
    left_s: u64,
    low_energy_why: Option<String>,
}

#[derive(Deserialize)]
struct Request {
    number: u64,
    name: String,
    passkey: String,
}

#[derive(Deserialize)]
struct Waiting {
    device: Option<u32>,
    name: String,
    address: String,
}

#[derive(Deserialize)]
struct Event {
    at: String,
    name: String,
    what: String,
}

/// How often it is looked what happened.
const EVERY: Duration = Duration::from_millis(500);
