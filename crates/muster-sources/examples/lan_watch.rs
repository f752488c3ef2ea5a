//! The local network source alone: prints every report as a line. A look at it, and its test-bed.
//!
//! `lan_watch [--scan SECONDS] [INTERFACE...] [no-active] [no-poke] [no-sweep] [fast]`. Lines on its
//! input name whom to look for: `want MAC IP...`, several separated by semicolons; `want` alone asks
//! for nobody. At the end of its input it goes on.

use std::io::{BufRead, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use muster_config::lan::LanSettings;
use muster_core::fact::{Fact, FactBody};
use muster_core::identity::Identity;
use muster_core::ports::{ChannelStatus, Clock, Report, Source};
use muster_core::snapshot::Interest;
use muster_core::time::{Now, Time};
use muster_sources::lan::{Lan, Length, scan};
use nix::time::{ClockId, clock_gettime};
use tokio::sync::mpsc;

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let result = runtime.map_err(Failure::from).and_then(|it| it.block_on(run()));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error {error}: {:?}", error.source()));
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Failure> {
    let mut settings = LanSettings::default();
    let mut given = std::env::args().skip(1);
    let mut look_around = None;
    while let Some(word) = given.next() {
        match word.as_str() {
            "no-active" => settings.active = false,
            "no-poke" => settings.poke = false,
            "no-sweep" => settings.sweep = false,
            "fast" => settings.fast = true,
            "--scan" => look_around = given.next().map(|it| it.parse()).transpose()?,
            name => settings.interfaces.push(name.to_owned().try_into()?),
        }
    }
    let clock: Arc<dyn Clock> = Arc::new(Clocks);
    if let Some(seconds) = look_around {
        let limit = Duration::from_secs(seconds);
        let length = if settings.fast { Length::UntilAsked { limit } } else { Length::For(limit) };
        let found = scan(settings, "hub", clock, length, std::future::pending()).await?;
        found.channels.iter().for_each(print_channel);
        found.facts.iter().for_each(print_fact);
        say(&format!("closed {}", found.closed));
        return Ok(());
    }
    let mut lan = Lan::open(settings, "hub", clock)?;
    let mut lines = lines();
    loop {
        tokio::select! {
            report = lan.next() => match report? {
                Report::Facts(facts) => facts.iter().for_each(print_fact),
                // A network has none.
                Report::Broadcasts(_) => {}
                Report::Channel(status) => print_channel(&status),
                Report::End => return Ok(()),
            },
            Some(line) = lines.recv() => lan.set_interest(&interest(&line)),
        }
    }
}

fn interest(line: &str) -> Vec<Interest> {
    let wanted = line.strip_prefix("want").unwrap_or_default();
    let one = |text: &str| {
        let mut words = text.split_whitespace();
        let identity = Identity::Mac(words.next()?.parse().ok()?);
        let ips = words.filter_map(|it| it.parse().ok()).collect();
        Some(Interest { identity, described: false, present: false, due: Time::MIN, ips })
    };
    wanted.split(';').filter_map(one).collect()
}

fn print_fact(fact: &Fact) {
    let channel = &fact.listener.channel;
    say(&match &fact.body {
        FactBody::Sighting(it) => format!("{channel} sighting {} {}", it.identity, it.at),
        FactBody::Coverage(it) => {
            let seconds = it.length().as_secs_f64();
            format!("{channel} coverage {} {} {seconds:.1}", it.from, it.to)
        }
        FactBody::Probe(it) => format!("{channel} probe {} {:?}", it.identity, it.outcome),
        FactBody::Level(_) => format!("{channel} level"),
        FactBody::Detail(it) => {
            format!("{channel} detail {} {} {}", it.identity, it.kind.word(), it.value)
        }
    });
}

fn print_channel(it: &ChannelStatus) {
    let channel = &it.listener.channel;
    say(&format!("{channel} channel hears={} can: {}", it.hears, it.can.join("; ")));
    for not in &it.cannot {
        let hint = not.hint.as_deref().map(|it| format!(" hint: {it}")).unwrap_or_default();
        say(&format!("{channel} cannot {}: {}{hint}", not.what, not.why));
    }
}

fn lines() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(16);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// The machine's clocks.
#[derive(Debug)]
struct Clocks;

impl Clock for Clocks {
    fn now(&self) -> Now {
        let read = |id| clock_gettime(id).map_or(Duration::ZERO, Duration::from);
        let wall = read(ClockId::CLOCK_REALTIME).as_micros();
        let wall = Time::from_micros(i64::try_from(wall).unwrap_or(i64::MAX));
        Now { mono: read(ClockId::CLOCK_BOOTTIME), wall }
    }
}

#[expect(clippy::print_stdout, reason = "its lines are its interface")]
fn say(line: &str) {
    println!("{line}");
    let _closed = std::io::stdout().flush().is_err();
}
