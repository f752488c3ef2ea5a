//! A phone that people know answers over classic Bluetooth, walks away and comes back, and the adapter
//! fails in every way that it can. The hub has no rights at all.

use super::machine::Machine;

#[test]
fn a_phone_is_found_comes_and_goes() {
    let mut machine = Machine::boot();
    prepare(&mut machine);
    a_look_around_finds_and_asks(&mut machine);
    serve(&mut machine);
    machine.wait("anna", |it| is(it, "present"));
    let devices = muster(&mut machine, "device list");
    assert!(devices.contains("Anna B. phone"), "by the name that it has: {devices}");

    machine.radio(&[&format!("phone {PHONE} reachable=no")]);
    machine.wait("departure", |it| is(it, "away"));
    machine.radio(&[&format!("phone {PHONE} reachable=yes")]);
    machine.wait("return", |it| is(it, "present"));
    assert_eq!(departures(&mut machine), 1);
    is_clean(&mut machine);
}

#[test]
fn an_adapter_that_fails_sends_nobody_away() {
    let mut machine = Machine::boot();
    prepare(&mut machine);
    serve(&mut machine);
    machine.wait("anna", |it| is(it, "present"));
    an_adapter_fails(&mut machine);
    assert_eq!(departures(&mut machine), 0, "nobody left whom no question missed");
    is_clean(&mut machine);
}

fn an_adapter_fails(machine: &mut Machine) {
    // Nothing is doubted that was never covered.
    machine.wait("coverage", |it| hears(it, "listens,hub,classic"));
    machine.succeeds("bluetoothctl power off");
    machine.wait("word of that", |it| hears(it, "the adapter is off"));
    machine.succeeds("bluetoothctl power on");
    machine.wait("word of that", |it| hears(it, "ask known phones"));

    machine.radio(&["hang"]);
    machine.wait("word of that", |it| hears(it, "does not answer its own computer"));
    machine.radio(&["resume"]);
    machine.wait("word of that", |it| hears(it, "ask known phones"));

    machine.radio(&["unplug"]);
    machine.wait("word of that", |it| hears(it, "the adapter is gone"));
    machine.wait("doubt", |it| is(it, "unknown"));
    machine.radio(&["plug"]);
    machine.wait("return", |it| is(it, "present"));
}

fn a_look_around_finds_and_asks(machine: &mut Machine) {
    machine.radio(&[&format!("phone {VISIBLE} rssi=-47 class=5a020c name=Ben B. phone")]);
    let found = muster(machine, "scan classic --single");
    let row = |of: &str| found.lines().find(|it| it.starts_with(of)).unwrap_or_default();
    let ben = row("bt:00:1a:7d:00:00:02");
    assert!(ben.contains(",Ben B. phone,5a020c,-47,found,"), "{found}");
    let anna = row("bt:00:1a:7d:00:00:01");
    assert!(anna.contains(",Anna B. phone,,,answered,"), "who hides answers who asks: {found}");
    machine.radio(&[&format!("remove {VISIBLE}")]);
    let quickly = |probe: &str| {
        format!("MUSTER__SOURCES__CLASSIC__PROBE={probe} MUSTER__SOURCES__CLASSIC__INQUIRY=2s")
    };
    let by = |machine: &mut Machine, probe| with(machine, &quickly(probe), "scan classic --single");
    let connected = by(machine, "sdp");
    assert!(connected.contains(",answered,"), "{connected}");
    let nobody = by(machine, "off");
    assert!(!nobody.contains("bt:"), "nobody is asked: {nobody}");
}

/// A phone that hides from scans, the configuration, a folder for nobody, and a clock that counts as set:
/// no network sets it in there.
fn prepare(machine: &mut Machine) {
    machine.radio(&[
        "page-timeout 1000",
        &format!("phone {PHONE} discoverable=no name=Anna B. phone"),
    ]);
    let config = CONFIG.replace("PHONE", PHONE).replace('\n', "\\n");
    machine.succeeds(&format!("printf \"{config}\" > /tmp/muster.toml"));
    machine.succeeds(&format!("install -d -o {NOBODY} /tmp/data; {SYNCHRONISED}"));
}

fn serve(machine: &mut Machine) {
    let serve = format!("{} serve --config /tmp/muster.toml --data /tmp/data", binary());
    machine.start(&format!("setpriv {UNPRIVILEGED} {serve}"), &[]);
    machine.wait("hub", |it| it.run("curl -sf http://127.0.0.1:8080/api/v1/people").status == 0);
}

fn muster(machine: &mut Machine, command: &str) -> String {
    with(machine, "", command)
}

fn with(machine: &mut Machine, variables: &str, command: &str) -> String {
    let common = "--config /tmp/muster.toml --data /tmp/data --format csv";
    machine.run(&format!("{variables} {} {command} {common}", binary())).text
}

fn is(machine: &mut Machine, presence: &str) -> bool {
    muster(machine, "who --all").lines().any(|it| it.starts_with(presence) && it.contains("anna"))
}

/// Whether the adapter asks, or why it does not, which is said to people only.
fn hears(machine: &mut Machine, what: &str) -> bool {
    let common = "--config /tmp/muster.toml --data /tmp/data --format";
    let list = |format: &str| format!("{} monitor list {common} {format}", binary());
    machine.run(&format!("{}; {}", list("csv"), list("table"))).text.contains(what)
}

/// How often Anna left, as the journal has it.
fn departures(machine: &mut Machine) -> usize {
    let stays = muster(machine, "report stays --of people");
    stays.lines().filter(|it| it.contains("left") && it.contains("anna")).count()
}

/// The kernel met nothing that it should not, and no program was started: neither one that runs, nor one
/// that ended, whose page faults the kernel would count.
fn is_clean(machine: &mut Machine) {
    let log = machine.succeeds("dmesg");
    for wrong in ["BUG:", "kernel BUG", "Oops", "WARNING:", "list_del"] {
        assert!(!log.contains(wrong), "{log}");
    }
    let children = "cat /proc/$(pgrep -x muster)/task/*/children; cut -d\" \" -f11 /proc/$(pgrep -x muster)/stat";
    assert_eq!(machine.succeeds(children).trim(), "0");
}

fn binary() -> &'static str {
    env!("CARGO_BIN_EXE_muster")
}

const PHONE: &str = "00:1A:7D:00:00:01";
const VISIBLE: &str = "00:1A:7D:00:00:02";
/// `adjtimex` with `ADJ_STATUS` and `ADJ_MAXERROR`, neither of which is left to say that nobody keeps the
/// clock.
pub(super) const SYNCHRONISED: &str = "perl -e \"my \\$it = pack(q(L x4 q4 l x164), 0x14, 0, 0, 0, 0, 0); \
                            syscall(159, \\$it) >= 0 or die\"";
const NOBODY: &str = "65534";
const UNPRIVILEGED: &str =
    "--reuid=65534 --regid=65534 --clear-groups --inh-caps=-all --bounding-set=-all --no-new-privs";
/// An adapter that hangs is left alone, so that it is told of and not switched off.
const CONFIG: &str = "
listen = '127.0.0.1:8080'
[presence]
unknown_after = '30s'
[presence.classic]
away_after = '30s'
misses = 2
[sources.lan]
enabled = false
[sources.ble]
recover = false
[sources.classic]
every = '10s'
[[people]]
name = 'anna'
devices = ['bt:PHONE']
";
