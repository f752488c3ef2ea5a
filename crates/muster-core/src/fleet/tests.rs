//! Who is told to be late, down and back, and when.

use super::*;
use crate::batch::Restored;
use crate::directory::{Edit, Enrol, Enrolment, TokenHash};
use crate::engine::Engine;
use crate::policy::Policy;
use crate::step::Step;
use crate::uplink::{BootId, Health, Lane, SequenceSet, StoreId};

fn now(second: u64) -> Now {
    let mono = Duration::from_secs(second);
    Now { mono, wall: Time::from_secs(1_772_438_400) + mono }
}

fn header(version: &str) -> Header {
    Header {
        monitor: "whatever".into(),
        boot: BootId(1),
        lane: Lane::Live,
        store: None,
        sent: None,
        uncertain: None,
        settles: SequenceSet::new(),
        oldest_unsent: None,
        health: Health { version: version.into(), ..Health::default() },
    }
}

/// What happens, at which second.
#[derive(Clone, Copy)]
enum At {
    Heard(u64),
    /// A deadline is handled.
    Passes(u64),
    /// The hub ends and begins again.
    Restart(u64),
}
use At::{Heard, Passes, Restart};

/// Every deadline on the way is handled, as the loop does.
#[track_caller]
fn check(name: &str, all: &[At], told: &[&str]) {
    let directory = Directory::default();
    let mut fleet = Fleet::new(Vec::new(), now(0));
    let (mut rows, mut changes) = (BTreeMap::new(), Vec::new());
    for it in all {
        match *it {
            Heard(second) => {
                fleet.handle_upload("attic", &header("1"), &directory, now(second));
            }
            Passes(second) => {
                while let Some(due) = fleet.poll_timeout().filter(|it| it.as_secs() <= second) {
                    fleet.handle_timeout(&directory, now(due.as_secs()));
                    assert!(fleet.poll_timeout().is_none_or(|it| it > due), "{name}");
                }
                fleet.handle_timeout(&directory, now(second));
            }
            Restart(second) => fleet = Fleet::new(rows.values().cloned().collect(), now(second)),
        }
        let (drained, new) = fleet.drain();
        rows.extend(drained.into_iter().map(|it| (it.monitor.clone(), it)));
        changes.extend(new.into_iter().map(|it: Change| {
            let second = |at: Time| at.since(now(0).wall).as_secs();
            format!("{} {} at {} {}", second(it.decided), it.kind.word(), second(it.at), it.reason)
        }));
    }
    assert_eq!(changes, told, "{name}");
}

#[test]
fn stories() {
    check("it speaks", &[Heard(0), Passes(60), Heard(61), Passes(150), Heard(150)], &[]);
    check(
        "late once",
        &[Heard(10), Passes(159), Passes(160), Passes(250)],
        &["160 late at 10 attic"],
    );
    check(
        "down, and back",
        &[Heard(10), Passes(400), Passes(4_000), Heard(4_010), Passes(4_050)],
        &["160 late at 10 attic", "310 down at 10 attic", "4010 back at 4010 attic"],
    );
    check(
        "late, and back",
        &[Heard(10), Passes(170), Heard(180), Passes(200)],
        &["160 late at 10 attic", "180 back at 180 attic"],
    );
    check(
        "while no hub ran nobody could speak",
        &[Heard(10), Restart(1_000), Passes(1_080), Heard(1_085), Passes(1_100)],
        &[],
    );
    check(
        "what was told before a restart is not told again",
        &[Heard(10), Passes(400), Restart(1_000), Passes(2_000), Heard(2_001)],
        &["160 late at 10 attic", "310 down at 10 attic", "2001 back at 2001 attic"],
    );
    check(
        "late before a restart, down after it",
        &[Heard(10), Passes(170), Restart(1_000), Passes(2_000)],
        &["160 late at 10 attic", "1300 down at 10 attic"],
    );
}

#[test]
fn while_the_hub_slept_nobody_could_speak() {
    let directory = Directory::default();
    let mut fleet = Fleet::new(Vec::new(), now(0));
    fleet.handle_upload("attic", &header("1"), &directory, now(10));
    for second in [30, 50] {
        fleet.handle_timeout(&directory, now(second));
    }
    // Asleep for a minute, and for an hour: what was silent for 40 s goes on being silent from there.
    fleet.handle_timeout(&directory, now(110));
    fleet.handle_timeout(&directory, now(3_710));
    for second in (3_710..3_820).step_by(10) {
        fleet.handle_timeout(&directory, now(second));
        assert!(!fleet.wants_commit().1, "at {second}");
    }
    assert_eq!(fleet.poll_timeout(), Some(now(3_820).mono));
    fleet.handle_timeout(&directory, now(3_820));
    assert_eq!(fleet.drain().1[0].kind, ChangeKind::Late);
}

fn enrol(monitor: &str, token: u8) -> Edit {
    Edit::Enrol(Enrol {
        monitor: monitor.to_owned(),
        enrolment: Enrolment {
            token: TokenHash([token; 32]),
            sources: None,
            kinds: None,
            at: now(1).wall,
            revoked: None,
        },
        place: None,
        store: StoreId(5),
    })
}

#[test]
fn it_is_shown_and_stored_and_who_was_shut_out_is_not_waited_for() {
    let engine = Engine::new(Policy::default(), Restored::default(), now(1));
    let mut step = Step::new(engine, now(1));
    step.handle_edit(enrol("attic", 1), None, now(1)).unwrap();
    step.handle_edit(enrol("cellar", 2), None, now(1)).unwrap();
    let shown = step.snapshot(now(1)).monitors;
    assert_eq!(shown.iter().map(|it| &*it.monitor).collect::<Vec<_>>(), ["attic", "cellar"]);
    assert!(shown.iter().all(|it| it.row.is_none()), "they never spoke");
    for who in ["attic", "cellar"] {
        step.handle_sign_of_life(who, &header("0.2"), now(2));
    }
    let batch = step.poll_commit(now(2)).unwrap();
    assert_eq!(batch.monitors.len(), 2);
    step.handle_committed(0);
    step.handle_edit(Edit::Revoke { monitor: "cellar".into(), at: now(3).wall }, None, now(3))
        .unwrap();
    step.poll_commit(now(3)).unwrap();
    step.handle_committed(0);
    for second in (20..=152).step_by(12) {
        step.handle_timeout(now(second));
    }
    let news = step.poll_commit(now(152)).unwrap();
    let told: Vec<_> = news.changes.iter().map(|it| (it.kind, &*it.reason)).collect();
    assert_eq!(told, [(ChangeKind::Late, "attic")]);
    assert_eq!(news.monitors[0].liveness, Liveness::Late);
    assert_eq!(&*news.monitors[0].health.version, "0.2");
    let shown = step.snapshot(now(152)).monitors;
    assert!(shown[1].enrolment.as_ref().unwrap().revoked.is_some());
    let last = shown[1].row.as_ref().map(|it| it.at);
    assert_eq!(last, Some(now(2).wall), "when it was heard of last is known after it was shut out");
    step.handle_edit(enrol("cellar", 3), None, now(153)).unwrap();
    step.handle_timeout(now(154));
    let shown = step.snapshot(now(154)).monitors;
    assert!(shown[1].row.is_none(), "who was let in anew begins anew");
}
