//! One screen that keeps up, on a terminal of its own.

#![expect(clippy::unwrap_used, reason = "a test may fail in its helpers")]

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Child, Stdio};

use nix::pty::{Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::common::Home;
use crate::support::House;

/// A terminal with something running on it.
struct Terminal {
    screen: File,
    child: Child,
    shown: String,
}

impl Terminal {
    fn with(mut command: std::process::Command) -> Self {
        let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = openpty(Some(&size), None).unwrap();
        let end = || Stdio::from(pty.slave.try_clone().unwrap());
        let child = command.stdin(end()).stdout(end()).stderr(end()).spawn().unwrap();
        Self { screen: File::from(pty.master), child, shown: String::new() }
    }

    /// Reads until it shows this, or until nothing is shown any more.
    fn until(&mut self, what: &str) {
        while !self.shown.contains(what) {
            let mut bytes = [0; 4_096];
            // A terminal that nobody has open any more fails.
            let count = self.screen.read(&mut bytes).unwrap_or_default();
            assert!(count > 0, "no {what:?}: {}", self.shown);
            self.shown.push_str(&String::from_utf8_lossy(&bytes[..count]));
        }
    }

    fn end(mut self) -> (Option<i32>, String) {
        self.until(GIVEN_BACK);
        (self.child.wait().unwrap().code(), self.shown)
    }
}

#[test]
fn it_ends_as_it_is_told_and_gives_the_terminal_back() {
    let house = House::until_ten_minutes_ago();
    for how in ["q", "\u{1b}", "\u{3}", "kill"] {
        let mut terminal = Terminal::with(house.command(&["top", "--refresh", "1h"]));
        terminal.until("LAST HEARD");
        if how == "kill" {
            kill(Pid::from_raw(terminal.child.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
        } else {
            terminal.screen.write_all(how.as_bytes()).unwrap();
        }
        let (code, shown) = terminal.end();
        assert_eq!(code, Some(0), "{how:?}: {shown}");
        assert!(shown.contains("Anna's phone") && shown.contains("MONITORS, 24 H"), "{shown}");
    }
}

#[test]
fn it_keeps_up_and_says_when_it_cannot() {
    let home = Home::new();
    let hub = home.serve();
    let mut terminal = Terminal::with(home.muster(&["top", "--refresh", "1h"]));
    terminal.until("nothing");
    assert!(!terminal.shown.contains("Zoe"));
    for line in ["person add zoe --display Zoe", "person home zoe --until +1h"] {
        let done = home.run(&line.split(' ').collect::<Vec<_>>());
        assert!(done.status.success(), "{done:?}");
    }
    terminal.screen.write_all(b"r").unwrap();
    terminal.until("Zoe");
    hub.kill();
    terminal.screen.write_all(b" ").unwrap();
    terminal.until("nothing newer is known");
    terminal.screen.write_all(b"q").unwrap();
    assert_eq!(terminal.end().0, Some(0));
}

#[test]
fn once_is_for_pipes_and_programs() {
    let house = House::of_a_friday();
    let text = house.tell(&["top", "--once"]);
    for title in ["PEOPLE", "MONITORS, 24 H", "DEVICES, 24 H", "LAST HEARD"] {
        assert!(text.contains(title), "{text}");
    }
    let all: Value = serde_json::from_str(&house.tell(&["top", "--format", "json"])).unwrap();
    for key in ["people", "monitors", "devices", "last_heard"] {
        assert!(all[key].is_array(), "{key}: {all}");
    }
    let piped = house.ask(&["top"]);
    assert_eq!((piped.code, piped.out.as_str()), (2, ""));
    assert!(piped.err.contains("muster top --once"), "{}", piped.err);
    assert_eq!(house.ask(&["top", "--once", "--format", "csv"]).code, 2);
    assert_eq!(house.ask(&["top", "--once", "--refresh", "2h"]).code, 2);
}

/// Leaves the alternate screen (xterm's control sequences, DECSET 1049).
const GIVEN_BACK: &str = "\u{1b}[?1049l";
