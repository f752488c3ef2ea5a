//! A network full of devices behind one interface, for tests and for trying by hand.
//!
//! `lan_responder INTERFACE BASE HOSTS [--doze|--sleep] [--seed N]`, as root or with `CAP_NET_RAW`.
//! Commands on its input, one a line: `off N`, `on N`, `proxy IP`, `hello`, `list`, `quit`. It
//! answers each with a line, `ok` and the time when it obeyed; at the end of its input it ends.

use std::io::{BufRead, Write};
use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::time::Duration;

use muster_core::time::Time;
use muster_sim::lan_responder::{Doze, Responder};
use muster_sources::lan::PacketSocket;
use nix::time::{ClockId, clock_gettime};
use tokio::sync::mpsc;
use tokio::time::Instant;

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let result = runtime.map_err(Failure::from).and_then(|it| it.block_on(run()));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Failure> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let [interface, base, hosts, options @ ..] = given.as_slice() else {
        return Err("usage: lan_responder INTERFACE BASE HOSTS [--doze|--sleep] [--seed N]".into());
    };
    let base: Ipv4Addr = base.parse()?;
    let doze = options.iter().find_map(|it| match it.as_str() {
        "--doze" => Some(Doze::PHONE),
        "--sleep" => Some(Doze::PHONE_AT_NIGHT),
        _ => None,
    });
    let seed = options.iter().position(|it| it == "--seed").and_then(|it| options.get(it + 1));
    let seed = seed.map_or(Ok(1), |it| it.parse())?;
    let lan = Responder::new(seed, base, hosts.parse()?, doze);
    let index = nix::net::if_::if_nametoindex(interface.as_str())?;
    let socket = PacketSocket::open(index)?;
    say(&format!("ready {}", lan.hosts().len()));
    serve(lan, socket, commands()).await
}

async fn serve(
    mut lan: Responder,
    mut socket: PacketSocket,
    mut commands: mpsc::Receiver<String>,
) -> Result<(), Failure> {
    let started = Instant::now();
    let now = || started.elapsed();
    let mut buffer = [0; 2048];
    loop {
        while let Some(frame) = lan.poll_frame(now()) {
            // A frame that finds the link down is lost, as on a cable.
            let _lost = socket.send(&frame).is_err();
        }
        let wait = lan.poll_timeout().map_or(IDLE, |it| it.saturating_sub(now()));
        tokio::select! {
            read = socket.frame(&mut buffer) => if let Ok(length) = read {
                lan.handle_frame(buffer.get(..length).unwrap_or(&[]), now());
            },
            command = commands.recv() => match command.as_deref() {
                None | Some("quit") => return Ok(()),
                Some(line) => obey(&mut lan, line, now()),
            },
            () = tokio::time::sleep(wait) => {}
        }
    }
}

fn obey(lan: &mut Responder, line: &str, now: Duration) {
    let words: Vec<&str> = line.split_whitespace().collect();
    let known = match words.as_slice() {
        [word @ ("on" | "off"), hosts @ ..] => {
            let hosts: Vec<usize> = hosts.iter().filter_map(|it| it.parse().ok()).collect();
            for host in &hosts {
                lan.switch(*host, *word == "on", now);
            }
            !hosts.is_empty()
        }
        ["proxy", ip] => ip.parse().map(|ip| lan.proxy(ip)).is_ok(),
        ["hello"] => {
            lan.greet(now);
            true
        }
        ["list"] => {
            for (n, it) in lan.hosts().iter().enumerate() {
                let state = if it.on { "on" } else { "off" };
                say(&format!("{n} {state} {} {} {} {}", it.mac, it.v4, it.v6, it.name));
            }
            true
        }
        _ => false,
    };
    if known {
        let wall = clock_gettime(ClockId::CLOCK_REALTIME).map_or(Duration::ZERO, Duration::from);
        say(&format!("ok {}", Time::from_micros(wall.as_micros().try_into().unwrap_or(i64::MAX))));
    } else {
        say("commands: on N..., off N..., proxy IP, hello, list, quit");
    }
}

fn commands() -> mpsc::Receiver<String> {
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

#[expect(clippy::print_stdout, reason = "its lines are its interface")]
fn say(line: &str) {
    println!("{line}");
    let _closed = std::io::stdout().flush().is_err();
}

/// With nothing to send it only listens.
const IDLE: Duration = Duration::from_hours(1);
