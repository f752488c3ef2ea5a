//! A real Bluetooth stack for a test: the rig's virtual machine, with Debian's kernel, bluetoothd and
//! the virtual controller, booted once and then given commands.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};

/// The machine. Dropping it ends it.
pub(crate) struct Machine {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

/// What a command inside said, on both its outputs, and its exit status.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) status: i32,
    pub(crate) text: String,
}

impl Machine {
    /// Boots it and waits until bluetoothd has the adapter.
    #[track_caller]
    pub(crate) fn boot() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("a workspace");
        let target = target();
        assert!(
            target.join("../rig/recipe").exists(),
            "no machine is prepared: run `cargo xtask check --job install`"
        );
        let mut command = Command::new(root.join("rig/run.sh"));
        command.env("RIG", target.join("../rig")).env("RIG_RADIO", target.join("radio"));
        // A command that does not end must not keep the machine.
        command.args(["timeout", LIFE, "bash"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("bash is installed");
        let input = child.stdin.take().expect("piped");
        let output = BufReader::new(child.stdout.take().expect("piped"));
        let mut machine = Self { child, input, output };
        machine.wait("adapter", |it| it.adapters() == ["hci0"]);
        machine
    }

    /// Runs a command of bash inside, to its end.
    #[track_caller]
    pub(crate) fn run(&mut self, command: &str) -> Said {
        let quoted = command.replace('\'', r"'\''");
        writeln!(self.input, "bash -c '{quoted}' < /dev/null 2>&1; it=$?; echo; echo '{END}' $it")
            .expect("the machine runs");
        let mut text = String::new();
        loop {
            let mut line = String::new();
            let length = self.output.read_line(&mut line).expect("text");
            assert!(length > 0, "the machine ended; {command} said:\n{text}");
            if let Some(status) = line.strip_prefix(END) {
                let status = status.trim().parse().expect("a status");
                return Said { status, text: text.trim_end().to_owned() };
            }
            text.push_str(&line);
        }
    }

    /// Runs a command that must succeed; what it said.
    #[track_caller]
    pub(crate) fn succeeds(&mut self, command: &str) -> String {
        let said = self.run(command);
        assert_eq!(said.status, 0, "{command} said:\n{}", said.text);
        said.text
    }

    /// Runs a command that goes on while others run, with lines typed into it and an input that does
    /// not end; its output goes nowhere.
    #[track_caller]
    pub(crate) fn start(&mut self, command: &str, lines: &[&str]) {
        let typed = lines.iter().fold(String::new(), |text, it| text + "echo " + it + "; ");
        let typed = format!("{{ {typed}tail -f /dev/null; }}");
        self.succeeds(&format!("{typed} | {command} > /dev/null 2>&1 &"));
    }

    /// Asks the virtual controller for something.
    #[track_caller]
    pub(crate) fn radio(&mut self, requests: &[&str]) -> String {
        let quoted = requests.iter().fold(String::new(), |text, it| text + " '" + it + "'");
        self.succeeds(&format!("radio tell{quoted}"))
    }

    /// A property of a device as an adapter knows it, as `busctl` writes it: its type and its value, such
    /// as `n -47`. Empty if there is none.
    #[track_caller]
    pub(crate) fn device(&mut self, adapter: &str, address: &str, property: &str) -> String {
        let path = format!("/org/bluez/{adapter}/dev_{}", address.replace(':', "_"));
        self.property(&path, "Device1", property)
    }

    /// A property of any object of bluetoothd.
    #[track_caller]
    pub(crate) fn property(&mut self, path: &str, interface: &str, property: &str) -> String {
        let get = format!("busctl get-property org.bluez {path} org.bluez.{interface} {property}");
        let said = self.run(&get);
        if said.status == 0 { said.text } else { String::new() }
    }

    /// What bluetoothd calls its adapters.
    #[track_caller]
    pub(crate) fn adapters(&mut self) -> Vec<String> {
        let paths = self.run("busctl --list tree org.bluez").text;
        let names = paths.lines().filter_map(|it| it.strip_prefix("/org/bluez/"));
        names.filter(|it| !it.contains('/')).map(str::to_owned).collect()
    }

    /// Looks again until it is so.
    #[track_caller]
    pub(crate) fn wait(&mut self, what: &str, is_so: impl Fn(&mut Self) -> bool) {
        let is_so = (0..LOOKS).any(|_| is_so(self));
        assert!(is_so, "no {what}:\n{}", self.run("busctl tree org.bluez; dmesg | tail").text);
    }

    /// Ends it by a command that ends its shell; how it ended.
    #[track_caller]
    pub(crate) fn end(mut self, command: &str) -> ExitStatus {
        writeln!(self.input, "{command}").expect("the machine runs");
        self.child.wait().expect("it was started")
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // Ends its shell, after which it switches itself off; it is gone already if that fails.
        let _gone = self.input.write_all(b"exit\n");
        let _reaped = self.child.wait();
    }
}

/// Where the build that this test belongs to puts its programs.
fn target() -> PathBuf {
    let test = std::env::current_exe().expect("this test has a path");
    test.parent().and_then(Path::parent).expect("target/debug/deps").to_owned()
}

/// Begins the line behind what a command said.
const END: &str = "~~~ ended with";
/// How often something is looked at, of which each time takes a machine that is emulated a quarter of
/// a second or more.
const LOOKS: usize = 600;
/// In seconds, of the shell inside.
const LIFE: &str = "690";
