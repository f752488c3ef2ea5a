//! Stories of sources that work, fail and come back.

use std::collections::VecDeque;

use muster_core::broadcast::Broadcast;
use muster_core::fact::{Fact, FactBody};
use muster_core::ports::BoxFuture;
use muster_core::span::Span;
use muster_core::time::{Now, Time};

use super::*;
use crate::runtime::Input;

/// What a scripted source does next.
enum Act {
    Say(Report),
    Fail(SourceError),
    Panic,
    /// Says who it was asked to look for, as a fact about a channel of that name.
    Echo,
}

struct Scripted {
    acts: VecDeque<Act>,
    asked: Vec<Interest>,
}

impl Source for Scripted {
    fn next(&mut self) -> BoxFuture<'_, Result<Report, SourceError>> {
        Box::pin(async {
            if matches!(self.acts.front(), Some(Act::Echo)) && self.asked.is_empty() {
                std::future::pending::<()>().await;
            }
            match self.acts.pop_front() {
                Some(Act::Say(report)) => Ok(report),
                Some(Act::Fail(error)) => Err(error),
                Some(Act::Panic) => panic!("a defect, on purpose"),
                Some(Act::Echo) => Ok(coverage(&self.asked[0].identity.to_string())),
                None => std::future::pending().await,
            }
        })
    }

    fn set_interest(&mut self, interest: &[Interest]) {
        self.asked = interest.to_vec();
    }
}

#[derive(Debug)]
struct Still;

impl Clock for Still {
    fn now(&self) -> Now {
        Now { mono: Duration::from_secs(9), wall: Time::from_secs(9) }
    }
}

/// A source whose lives follow the script, one a life; when the script is over it cannot be opened.
struct Run {
    taken: mpsc::Receiver<Input>,
    channels: Channels,
    interest: watch::Sender<Arc<[Interest]>>,
    task: tokio::task::JoinHandle<()>,
}

fn start(lives: Vec<Vec<Act>>) -> Run {
    let mut lives = VecDeque::from(lives);
    let open: Opener = Box::new(move || match lives.pop_front() {
        Some(acts) => Ok(Box::new(Scripted { acts: acts.into(), asked: Vec::new() })),
        None => Err(unusable()),
    });
    let plan =
        Plan { monitor: "hub".into(), kind: SourceKind::Lan, name: SourceKind::Lan.word(), open };
    let (inputs, taken) = mpsc::channel(8);
    let (interest, wanted) = watch::channel(Arc::from([]));
    let channels = Channels::default();
    let wires = Wires {
        inputs,
        interest: wanted,
        channels: channels.clone(),
        clock: Arc::new(Still),
        backoff: Backoff { first: Duration::ZERO, longest: Duration::ZERO },
    };
    Run { taken, channels, interest, task: tokio::spawn(supervise(plan, wires)) }
}

fn coverage(channel: &str) -> Report {
    let listener = Arc::new(Listener::new("hub", SourceKind::Lan, channel));
    let span = Span::new(Time::from_secs(0), Time::from_secs(10));
    Report::Facts(vec![Fact { listener, body: FactBody::Coverage(span) }])
}

fn hearing(channel: &str) -> Act {
    Act::Say(Report::Channel(ChannelStatus {
        listener: Listener::new("hub", SourceKind::Lan, channel),
        hears: true,
        can: vec!["everything".into()],
        cannot: Vec::new(),
    }))
}

fn lost() -> SourceError {
    SourceError::Lost { what: "eth0".into(), cause: "unplugged".into() }
}

fn unusable() -> SourceError {
    SourceError::Unusable { what: "eth0".into(), cause: "no such interface".into() }
}

fn sent(channel: &str) -> Report {
    let listener = Arc::new(Listener::new("hub", SourceKind::Ble, channel));
    let at = Time::from_secs(9);
    let octets = Box::default();
    Report::Broadcasts(vec![Broadcast { listener, identities: Vec::new(), at, rssi: None, octets }])
}

async fn heard(run: &mut Run) -> String {
    match run.taken.recv().await {
        Some(Input::Broadcasts(all)) => all[0].listener.channel.to_string(),
        Some(Input::Facts(facts)) => facts[0].listener.channel.to_string(),
        other => panic!("no facts: {other:?}"),
    }
}

#[tokio::test]
async fn facts_come_through_in_order_and_the_end_ends_it() {
    let mut run = start(vec![
        vec![coverage("a"), sent("c"), coverage("b"), Report::End]
            .into_iter()
            .map(Act::Say)
            .collect(),
    ]);
    assert_eq!(heard(&mut run).await, "a");
    assert_eq!(heard(&mut run).await, "c");
    assert_eq!(heard(&mut run).await, "b");
    run.task.await.unwrap();
    assert!(run.taken.recv().await.is_none());
}

#[tokio::test]
async fn what_failed_is_opened_again_and_what_cannot_work_is_not() {
    let (log, _guard) = crate::logs::heard::Log::begin();
    let mut run = start(vec![
        vec![hearing("eth0"), Act::Fail(lost())],
        vec![Act::Panic],
        vec![Act::Say(coverage("again")), Act::Fail(lost())],
    ]);
    assert_eq!(heard(&mut run).await, "again");
    run.task.await.unwrap();
    let [status] = &run.channels.all()[..] else { panic!("one channel") };
    assert!(!status.hears && status.can.is_empty());
    assert_eq!(
        (&*status.cannot[0].what, &*status.cannot[0].why),
        ("use eth0", "no such interface")
    );
    // The log tells once that it was over, behind what it tells of both losses.
    let text = log.text();
    let lines = text.lines().filter_map(|it| it.split_once("WARN").map(|(_, it)| it));
    let told: Vec<&str> =
        lines.map(|it| if it.contains("hears again") { "again" } else { "lost" }).collect();
    assert_eq!(told, ["lost", "lost", "again", "lost", "lost"], "{text}");
}

#[tokio::test]
async fn a_source_that_never_worked_is_shown_too() {
    let run = start(Vec::new());
    run.task.await.unwrap();
    let [status] = &run.channels.all()[..] else { panic!("one channel") };
    assert_eq!(status.listener, Listener::new("hub", SourceKind::Lan, ""));
    assert!(!status.hears);
}

#[tokio::test]
async fn interest_reaches_a_source_that_is_waiting() {
    let mut run = start(vec![vec![Act::Say(coverage("first")), Act::Echo]]);
    assert_eq!(heard(&mut run).await, "first");
    let identity = "mac:b8:27:eb:01:02:03".parse().unwrap();
    let interest = Interest {
        identity,
        described: false,
        present: false,
        due: Time::from_secs(5),
        ips: Vec::new(),
    };
    run.interest.send_replace(vec![interest].into());
    assert_eq!(heard(&mut run).await, "mac:b8:27:eb:01:02:03");
    run.task.abort();
}

#[test]
fn pauses_grow_and_stay_within_bounds() {
    let backoff = Backoff::STANDARD;
    assert!(backoff.pause(1, 0) >= Duration::from_millis(500));
    assert!(backoff.pause(1, 999) <= Duration::from_secs(1));
    assert!(backoff.pause(3, 0) >= Duration::from_secs(2));
    for tries in 1..100 {
        assert!(backoff.pause(tries, tries * 37) <= Duration::from_secs(30));
    }
}
