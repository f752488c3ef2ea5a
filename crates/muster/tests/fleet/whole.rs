//! Three monitors, their hub and its database server, each killed, paused and cut off in turn while facts
//! flow: in the end stays, readings, their winners and what was covered are those of an undisturbed run,
//! whatever the store.
//!
//! In the check an outage lasts as long as it takes to be met; `cargo xtask lab fleet` lets each last for
//! minutes.
#![expect(clippy::print_stderr, reason = "what lasts for minutes says how far it is")]

use std::fs;
use std::ops::Range;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::time::Duration;

use muster_core::time::Time;
use nix::sys::signal::Signal;
use serde_json::json;

use super::common::{Home, Hub};
use super::fault_proxy::Fault;
use super::peer::now;
use super::rooms::{Room, STAYS, STEPS, base, came, furnished, moved_in, stored};
use super::server::{self, MariaDb, Postgres, Server};

/// Whom something happens to, and what.
#[derive(Clone, Copy, Debug)]
enum Outage {
    MonitorKilled(usize),
    MonitorPaused(usize),
    Way(usize, Fault),
    HubKilled,
    HubPaused,
    HubCut,
    ServerKilled,
    ServerPaused,
}

use Outage::{
    HubCut, HubKilled, HubPaused, MonitorKilled, MonitorPaused, ServerKilled, ServerPaused, Way,
};

/// All the processes, and when they began to hear.
struct Fleet<'a> {
    home: Home,
    /// None while it is dead.
    hub: Option<Hub>,
    rooms: [Room; 3],
    /// None of a store in a file.
    server: Option<&'a mut dyn Server>,
    base: Time,
}

impl<'a> Fleet<'a> {
    fn new(server: Option<&'a mut dyn Server>, base: Time) -> Self {
        let home = furnished(server.as_deref().map_or_else(Home::new, server::home));
        let hub = home.serve();
        let rooms = moved_in(&home, &hub);
        Self { home, hub: Some(hub), rooms, server, base }
    }

    fn hears(&self, steps: Range<u32>) {
        for it in &self.rooms {
            it.hears(self.base, steps.clone());
        }
    }

    fn hub(&self) -> &Hub {
        self.hub.as_ref().unwrap()
    }

    fn begins(&mut self, outage: Outage) {
        match outage {
            MonitorKilled(it) => self.rooms[it].is_killed(),
            MonitorPaused(it) => self.rooms[it].signal(Signal::SIGSTOP),
            Way(it, fault) => self.rooms[it].way.set(fault),
            HubKilled => self.hub.take().unwrap().kill(),
            HubPaused => self.hub().signal(Signal::SIGSTOP),
            HubCut => self.rooms.iter().for_each(|it| it.way.set(Fault::Cut)),
            ServerKilled => self.server.as_mut().unwrap().kill(),
            ServerPaused => self.server.as_ref().unwrap().pause(),
        }
    }

    /// Ends it, once it was met, where that can be seen.
    fn ends(&mut self, outage: Outage) {
        match outage {
            MonitorKilled(it) => self.rooms[it].starts_again(),
            MonitorPaused(it) => self.rooms[it].signal(Signal::SIGCONT),
            Way(it, _) => {
                self.rooms[it].way.until_hit();
                self.rooms[it].way.set(Fault::None);
            }
            HubKilled => {
                let mut hub = self.home.serve();
                // On a server it may have to wait until the one before is no longer believed to live.
                if hub.get("/healthz").json()["status"] == "standby" {
                    hub.until_it_says("leads: ");
                }
                self.hub = Some(hub);
            }
            HubPaused => self.hub().signal(Signal::SIGCONT),
            HubCut => {
                for it in &self.rooms {
                    it.way.until_hit();
                    it.way.set(Fault::None);
                }
            }
            ServerKilled => {
                self.stores_nothing("killed");
                self.server.as_mut().unwrap().start_again();
            }
            ServerPaused => {
                self.stores_nothing("paused");
                self.server.as_ref().unwrap().go_on();
            }
        }
    }

    /// The hub notices that it cannot, by somebody who is added.
    fn stores_nothing(&self, name: &str) {
        let somebody = json!({ "name": name, "display": name });
        let answer = self.hub().ask("POST", "/api/v1/people", Some(&somebody));
        assert_eq!(answer.status, 503, "{answer:?}");
    }

    /// Waits until what is stored is right, and says what is wrong with it whenever that changes.
    fn until_right(&self, look: impl Fn(&[String]) -> Result<(), String>) -> Vec<String> {
        let mut told = String::new();
        self.hub().until("end of an undisturbed run", |_| {
            let all = stored(&self.home, self.base)?;
            let Err(wrong) = look(&all) else { return Some(all) };
            if wrong != told {
                eprintln!("{wrong}");
                told = wrong;
            }
            None
        })
    }
}

/// The difference of two lists.
fn same(all: &[String], want: &[String]) -> Result<(), String> {
    if all == want {
        return Ok(());
    }
    let missing = want.iter().filter(|it| !all.contains(it)).map(|it| format!("missing: {it}"));
    let more = all.iter().filter(|it| !want.contains(it)).map(|it| format!("too much: {it}"));
    Err(missing.chain(more).collect::<Vec<_>>().join("\n"))
}

/// What is stored where nothing happened.
fn undisturbed(base: Time) -> Vec<String> {
    let fleet = Fleet::new(None, base);
    fleet.hears(0..STEPS);
    fleet.hub().until("the last of it", |hub| came(hub, base, STEPS).then_some(()));
    let stays = STAYS.map(str::to_owned);
    let is_stay = |it: &&String| it.starts_with("stay: ");
    // A declared device becomes its owner's after it was heard.
    fleet.until_right(|all| same(&all.iter().filter(is_stay).cloned().collect::<Vec<_>>(), &stays))
}

/// On a store of which `name` tells people.
fn ends_the_same(name: &str, server: Option<&mut dyn Server>) {
    let base = base(now());
    let want = undisturbed(base);
    let mut outages = OUTAGES.to_vec();
    outages.retain(|it| server.is_some() || !matches!(it, ServerKilled | ServerPaused));
    let mut fleet = Fleet::new(server, base);
    let mut heard = 2;
    fleet.hears(0..heard);
    for outage in outages {
        eprintln!("{name}: {outage:?}");
        fleet.begins(outage);
        for _ in 0..2 {
            fleet.hears(heard..heard + 1);
            heard += 1;
            passes(half_an_outage());
        }
        fleet.ends(outage);
    }
    fleet.hears(heard..STEPS);
    fleet.until_right(|all| same(all, &want));
    eprintln!("{name}: {} rows are those of an undisturbed run", want.len());
}

#[test]
fn whoever_fails_meanwhile_the_end_is_that_of_an_undisturbed_run() {
    ends_the_same("a file", None);
}

#[test]
fn whoever_fails_meanwhile_the_end_is_the_same_on_mariadb() {
    let mut server = MariaDb::start();
    server.make("home");
    ends_the_same("MariaDB", Some(&mut server));
}

#[test]
fn whoever_fails_meanwhile_the_end_is_the_same_on_postgresql() {
    let mut server = Postgres::start();
    server.make("home");
    ends_the_same("PostgreSQL", Some(&mut server));
}

/// Copies the key, for whoever has the other folder.
fn gives_key(from: &Home, to: &Home) {
    let owner = fs::metadata(to.data()).unwrap();
    let folder = to.data().join("secrets");
    fs::create_dir(&folder).unwrap();
    let key = folder.join("monitors.key");
    fs::copy(from.data().join("secrets/monitors.key"), &key).unwrap();
    for it in [folder, key] {
        chown(it, Some(owner.uid()), Some(owner.gid())).unwrap();
    }
}

/// A second hub on another machine, at whose address monitors find whoever leads.
fn goes_on_with_the_other_hub(server: &mut dyn Server) {
    let base = base(now());
    let want = undisturbed(base);
    let mut fleet = Fleet::new(Some(server), base);
    // The same configuration, and the one key that monitors believe.
    let other = Home::new();
    let home = fleet.home.path();
    fs::copy(home.join("muster.toml"), other.path().join("muster.toml")).unwrap();
    let mut second = other.serve();
    second.until_it_says("standby: ");
    gives_key(&fleet.home, &other);
    fleet.hears(0..8);
    fleet.hub.take().unwrap().kill();
    fleet.hears(8..16);
    second.until_it_says("leads: ");
    fleet.hears(16..24);
    second.until("what was heard meanwhile", |hub| came(hub, base, 24).then_some(()));
    // The first one is back, and the second one asked to end.
    let mut first = fleet.home.serve();
    first.until_it_says("standby: ");
    let (status, said) = second.terminate();
    assert!(status.success(), "{said}");
    fleet.hears(24..STEPS);
    first.until_it_says("leads: ");
    fleet.hub = Some(first);
    fleet.until_right(|all| same(all, &want));
}

#[test]
fn monitors_go_on_with_the_hub_that_takes_over_on_mariadb() {
    let mut server = MariaDb::start();
    server.make("home");
    goes_on_with_the_other_hub(&mut server);
}

#[test]
fn monitors_go_on_with_the_hub_that_takes_over_on_postgresql() {
    let mut server = Postgres::start();
    server.make("home");
    goes_on_with_the_other_hub(&mut server);
}

/// How long facts flow twice while something fails. In the check no longer than it takes to be met; the
/// lab says for how long (in seconds).
fn half_an_outage() -> Duration {
    let told = std::env::var("MUSTER_OUTAGE_S");
    told.map_or(Duration::ZERO, |it| Duration::from_secs(it.parse().unwrap()) / 2)
}

/// Lets time pass, for people who watch: nothing is asserted about it.
fn passes(time: Duration) {
    if !time.is_zero() {
        std::thread::sleep(time);
    }
}

const OUTAGES: [Outage; 14] = [
    MonitorKilled(0),
    MonitorPaused(1),
    Way(2, Fault::Cut),
    HubKilled,
    MonitorKilled(1),
    Way(0, Fault::Unanswered),
    ServerKilled,
    MonitorPaused(2),
    Way(1, Fault::Stalled),
    HubPaused,
    MonitorKilled(2),
    ServerPaused,
    MonitorPaused(0),
    HubCut,
];
