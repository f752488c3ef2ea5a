//! Somebody at the machine who answers what bluetoothd asks: a `bluetoothctl` with an agent, typed into.

use super::machine::Machine;

/// Begins it. An agent shows and takes in what `capability` says (`DisplayYesNo`, `NoInputNoOutput`).
pub(super) fn begin(machine: &mut Machine, capability: &str) {
    machine.succeeds("mkfifo /run/typed; tail -f /dev/null > /run/typed 2> /dev/null &");
    let agent = format!("bluetoothctl --agent {capability} < /run/typed");
    machine.succeeds(&format!("{agent} > /run/agent.log 2>&1 & echo $! > /run/agent.pid"));
    machine.wait("agent", |it| reads(it, "Agent registered"));
}

pub(super) fn types(machine: &mut Machine, line: &str) {
    machine.succeeds(&format!("echo {line} > /run/typed"));
}

/// Whether it was told a text so far.
pub(super) fn reads(machine: &mut Machine, text: &str) -> bool {
    machine.run(&format!("grep -q '{text}' /run/agent.log")).status == 0
}
