//! Stories of windows, told to a radio that does what it is asked unless a story says otherwise.

mod properties;

use std::collections::BTreeSet;
use std::time::Duration;

use super::*;
use crate::time::{Now, Time};

const PHONE: Mac = Mac([0x00, 0x1a, 0x7d, 0, 0, 1]);
const WATCH: Mac = Mac([0xc0, 0, 0, 0, 0, 2]);
const BASE: u128 = 0x0000_0000_0000_1000_8000_0080_5f9b_34fb;
const A2DP_SINK: u128 = BASE | 0x110b << 96;
const SERIAL: u128 = BASE | 0x1101 << 96;

fn now(second: u64) -> Now {
    let mono = Duration::from_secs(second);
    Now { mono, wall: Time::from_secs(1_800_000_000) + mono }
}

fn rules() -> Rules {
    let capability = Capability::DisplayYesNo;
    Rules { name: "Muster".into(), capability, grace: Duration::from_mins(5) }
}

fn bond(device: Mac) -> Bond {
    Bond { device, random: device == WATCH, name: format!("phone {device}").into() }
}

fn before() -> Vec<Before> {
    vec![Before {
        adapter: Mac([2, 0, 0, 0, 0, 1]),
        alias: "rig".into(),
        discoverable: false,
        discoverable_timeout: 180,
        pairable: true,
        pairable_timeout: 0,
    }]
}

/// A machine, with a radio that does what it is asked unless a test says otherwise.
struct Story {
    it: Pairing,
    at: u64,
    /// What was kept last.
    kept: Kept,
    /// Everything that was asked, in brief.
    asked: Vec<String>,
    news: Vec<News>,
    dumb: bool,
}

impl Story {
    fn new(kept: Kept) -> Self {
        let it = Pairing::new(rules(), kept.clone(), now(0));
        Self { it, at: 0, kept, asked: Vec::new(), news: Vec::new(), dumb: false }
    }

    /// With a radio, and somebody paired long ago.
    fn with_radio() -> Self {
        let mut story = Self::new(Kept::default());
        story.says(Said::Here { bonds: Vec::new() });
        story.asked.clear();
        story
    }

    fn open(length: u64) -> Self {
        let mut story = Self::with_radio();
        story.it.open(Duration::from_secs(length), "anna", now(0)).unwrap();
        story.settle();
        assert!(matches!(story.window(), WindowView::Open { .. }), "{:?}", story.window());
        story.asked.clear();
        story
    }

    fn window(&self) -> WindowView {
        self.it.view(now(self.at)).window
    }

    fn says(&mut self, said: Said) {
        self.it.handle(said, now(self.at));
        self.settle();
    }

    fn wants(&mut self, number: u64, what: Wish) {
        self.says(Said::Asks { number, device: PHONE, name: "phone".into(), what });
    }

    /// Time passes, second by second of those that matter.
    fn at(&mut self, second: u64) {
        while let Some(due) = self.it.poll_timeout().filter(|it| it.as_secs() <= second) {
            self.at = self.at.max(due.as_secs());
            self.it.handle_timeout(now(self.at));
            self.settle();
        }
        self.at = second;
    }

    fn settle(&mut self) {
        loop {
            if let Some(kept) = self.it.poll_kept() {
                self.kept = kept;
            }
            self.news.extend(std::iter::from_fn(|| self.it.poll_news()));
            let Some(ask) = self.it.poll_ask() else { return };
            self.asked.push(brief(&ask));
            let said = match ask {
                Ask::Look => Said::Looked(before()),
                Ask::Open { .. } => {
                    assert_eq!(self.kept.before, before(), "changed before it was kept");
                    Said::Opened { adapters: vec!["hci0".into()], low_energy: Ok(()) }
                }
                Ask::Close { .. } => Said::Closed(Ok(Vec::new())),
                Ask::Unpair { device } => Said::Unpaired { device, outcome: Ok(()) },
                Ask::Answer { .. } => continue,
            };
            if !self.dumb {
                self.it.handle(said, now(self.at));
            }
        }
    }

    fn happened(&self) -> Vec<&'static str> {
        self.it.view(now(self.at)).told.iter().rev().map(|it| it.what.word()).collect()
    }

    fn pending(&self) -> Vec<Mac> {
        self.it.view(now(self.at)).pending.iter().map(|it| it.bond.device).collect()
    }
}

fn brief(ask: &Ask) -> String {
    match ask {
        Ask::Look => "look".into(),
        Ask::Open { name, length, .. } => format!("open {name} {}", length.as_secs()),
        Ask::Close { before } => format!("close {}", before.len()),
        Ask::Answer { number, accept } => format!("{number} {accept}"),
        Ask::Unpair { device } => format!("unpair {device}"),
    }
}

#[test]
fn a_window_opens_after_what_was_before_is_kept_and_ends_at_its_time() {
    let mut story = Story::with_radio();
    story.it.open(Duration::from_mins(2), "anna", now(0)).unwrap();
    story.settle();
    assert_eq!(story.asked, ["look", "open Muster 120"]);
    story.at(100);
    let WindowView::Open { left, by, until, .. } = story.window() else { panic!("open") };
    assert_eq!((left.as_secs(), &*by, until), (20, "anna", now(120).wall));
    story.at(120);
    assert_eq!(story.asked.last().unwrap(), "close 1");
    assert_eq!((story.window(), &story.kept), (WindowView::Closed, &Kept::default()));
    story.it.open(Duration::from_mins(1), "ben", now(121)).unwrap();
    story.settle();
    story.it.open(Duration::from_secs(90), "ben", now(130)).unwrap();
    story.settle();
    assert_eq!(story.asked.last().unwrap(), "open Muster 90");
    story.it.close(now(131));
    story.settle();
    assert_eq!(story.window(), WindowView::Closed);
}

#[test]
fn requests_are_answered_by_the_window_alone() {
    let mut story = Story::open(60);
    story.wants(1, Wish::Pair);
    story.wants(2, Wish::Service(A2DP_SINK));
    story.wants(3, Wish::Service(SERIAL));
    story.wants(4, Wish::Compare(123_456));
    assert_eq!(story.asked, ["1 true", "2 false", "3 true"]);
    assert_eq!(story.it.view(now(0)).asked[0].passkey, 123_456);
    story.it.answer(4, true, now(1)).unwrap();
    assert_eq!(story.it.answer(4, true, now(1)), Err(Refused::Missing(4)));
    story.wants(5, Wish::Compare(1));
    story.says(Said::Withdrawn { number: 5 });
    assert_eq!(story.it.answer(5, true, now(1)), Err(Refused::Missing(5)));
    story.wants(6, Wish::Compare(2));
    story.at(60);
    assert_eq!(story.asked[3..], ["4 true", "6 false", "close 1"]);
    for (number, what) in [(7, Wish::Pair), (8, Wish::Compare(3)), (9, Wish::Service(SERIAL))] {
        story.wants(number, what);
    }
    assert_eq!(story.asked[6..], ["7 false", "8 false", "9 false"]);
}

#[test]
fn who_paired_is_registered_or_unpaired() {
    let mut story = Story::open(60);
    story.says(Said::Paired(bond(PHONE)));
    story.says(Said::Paired(bond(WATCH)));
    assert_eq!(story.pending(), [PHONE, WATCH]);
    assert_eq!(story.kept.pending.len(), 2);
    story.it.register(BTreeSet::from([WATCH]), now(30));
    assert_eq!(story.pending(), [PHONE]);
    story.at(299);
    assert_eq!(story.pending(), [PHONE]);
    story.at(300);
    assert_eq!((story.pending(), story.kept.pending.len()), (vec![], 0));
    let unpaired = News::Unpaired { device: PHONE, outcome: Ok(()) };
    assert_eq!(story.news.last(), Some(&unpaired));
    assert_eq!(
        story.happened(),
        ["paired", "paired", "registered", "not registered in time, unpaired"]
    );
    // Who was registered before and pairs again does not wait.
    story.it.open(Duration::from_mins(1), "anna", now(400)).unwrap();
    story.settle();
    story.says(Said::Paired(bond(WATCH)));
    assert!(story.pending().is_empty());
    // Pairings that others made are theirs.
    story.at(500);
    story.says(Said::Paired(bond(PHONE)));
    assert!(story.pending().is_empty());
}

#[test]
fn what_could_not_be_unpaired_is_said_and_tried_again() {
    let mut story = Story::open(60);
    story.says(Said::Paired(bond(PHONE)));
    story.at(61);
    story.dumb = true;
    story.at(300);
    let why: Box<str> = "bluetoothd refuses".into();
    story.says(Said::Unpaired { device: PHONE, outcome: Err(why.clone()) });
    let view = story.it.view(now(300));
    assert_eq!(view.pending[0].trouble, Some(why.clone()));
    assert_eq!(story.news.last(), Some(&News::Unpaired { device: PHONE, outcome: Err(why) }));
    assert_eq!(story.happened().last(), Some(&"not unpaired"));
    // No radio, no try; and none is lost.
    let away = Trouble { why: "bluetoothd ended".into(), hint: None };
    story.says(Said::Away(away.clone()));
    story.at(1_000);
    assert_eq!(story.it.forget(PHONE), Err(Refused::Away(away)));
    story.dumb = false;
    story.says(Said::Here { bonds: vec![bond(PHONE)] });
    story.it.handle_timeout(now(1_000));
    story.settle();
    assert_eq!(story.pending(), [] as [Mac; 0]);
}

#[test]
fn by_hand_anybody_is_unpaired_and_an_end_of_the_radio_is_an_error() {
    let mut story = Story::with_radio();
    story.says(Said::Here { bonds: vec![bond(PHONE), bond(WATCH)] });
    assert!(story.it.is_paired(PHONE));
    story.it.forget(PHONE).unwrap();
    story.it.forget(PHONE).unwrap();
    story.settle();
    assert_eq!(story.asked, [format!("unpair {PHONE}")]);
    assert_eq!(story.happened(), ["forgotten and unpaired"]);
    assert!(!story.it.is_paired(PHONE), "and needs no radio any more");
    story.dumb = true;
    story.it.forget(WATCH).unwrap();
    story.settle();
    story.says(Said::Away(Trouble { why: "pulled out".into(), hint: None }));
    let outcome = Err("pulled out".into());
    assert_eq!(story.news.last(), Some(&News::Unpaired { device: WATCH, outcome }));
}

#[test]
fn a_crash_leaves_nothing_open_and_nobody_unseen() {
    let mut story = Story::open(60);
    story.says(Said::Paired(bond(PHONE)));
    let kept = story.kept.clone();
    // The watch paired when nobody could write it down any more.
    let mut again = Story::new(kept);
    assert_eq!(again.pending(), [PHONE]);
    again.says(Said::Here { bonds: vec![bond(PHONE), bond(WATCH)] });
    assert_eq!(again.asked, ["close 1"]);
    assert_eq!(again.pending(), [PHONE, WATCH]);
    assert!(again.kept.before.is_empty());
    // The next start knows who is pending, and no window.
    let mut third = Story::new(again.kept.clone());
    third.says(Said::Here { bonds: vec![bond(WATCH)] });
    assert_eq!((third.asked.len(), third.pending()), (0, vec![WATCH]));
    third.at(300);
    assert_eq!(third.asked, [format!("unpair {WATCH}")]);
}

#[test]
fn a_restart_gives_time_to_register_and_not_for_ever() {
    for (until, goes_at) in [(-500, 60), (20, 60), (200, 200), (9_999, 300)] {
        let mut pending = Pending {
            bond: bond(PHONE),
            since: now(0).wall,
            until: Time::from_secs(now(0).wall.secs() + until),
            trouble: None,
        };
        pending.trouble = Some("as before".into());
        let kept = Kept { pending: vec![pending], ..Kept::default() };
        let mut story = Story::new(kept);
        story.says(Said::Here { bonds: vec![bond(PHONE)] });
        story.at(goes_at - 1);
        assert_eq!(story.pending(), [PHONE], "{until}");
        story.at(goes_at);
        assert_eq!(story.pending(), [] as [Mac; 0], "{until}");
    }
}

#[test]
fn what_the_radio_cannot_is_said() {
    let mut story = Story::new(Kept::default());
    let away = Trouble { why: "no adapter".into(), hint: Some("plug one in".into()) };
    story.says(Said::Away(away.clone()));
    let opened = story.it.open(Duration::from_mins(1), "anna", now(0));
    assert_eq!(opened, Err(Refused::Away(away.clone())));
    assert_eq!(story.it.view(now(0)).away, Some(away.clone()));
    // Half open: put back, and the reason is shown.
    story.says(Said::Here { bonds: vec![] });
    story.dumb = true;
    story.it.open(Duration::from_mins(1), "anna", now(0)).unwrap();
    story.settle();
    story.says(Said::Looked(before()));
    story.says(Said::NotOpened(away.clone()));
    assert_eq!(story.asked.last().unwrap(), "close 1");
    story.says(Said::Closed(Err("the alias stays".into())));
    let view = story.it.view(now(0));
    assert_eq!(view.trouble.unwrap().why, "the alias stays".into());
    assert_eq!(story.kept.before, before());
    assert_eq!(story.it.open(Duration::from_secs(1), "anna", now(1)), Err(Refused::Busy));
    story.dumb = false;
    story.at(30);
    assert!(story.it.is_shut() && story.kept.before.is_empty());
    // A radio that says nothing holds nobody up.
    story.dumb = true;
    story.it.open(Duration::from_mins(10), "anna", now(40)).unwrap();
    story.settle();
    story.at(70);
    assert!(story.it.is_shut());
    assert_eq!(story.it.view(now(70)).trouble.unwrap().why, "the radio does not answer".into());
}

#[test]
fn an_adapter_that_was_pulled_out_is_put_back_when_it_is_there_again() {
    let mut story = Story::open(60);
    story.dumb = true;
    story.it.close(now(1));
    story.settle();
    story.says(Said::Closed(Ok(before())));
    assert_eq!((story.window(), &story.kept.before), (WindowView::Closed, &before()));
    // Who is paired elsewhere meanwhile did not come through a window.
    story.dumb = false;
    story.asked.clear();
    story.says(Said::Here { bonds: vec![bond(PHONE)] });
    assert_eq!(story.asked, ["close 1"]);
    assert!(story.pending().is_empty() && story.kept == Kept::default());
}

#[test]
fn what_cannot_be_kept_is_not_begun() {
    let mut it = Pairing::new(rules(), Kept::default(), now(0));
    it.handle(Said::Here { bonds: vec![] }, now(0));
    it.open(Duration::from_mins(1), "anna", now(0)).unwrap();
    assert_eq!(it.poll_ask(), Some(Ask::Look));
    it.handle(Said::Looked(before()), now(0));
    assert!(it.poll_kept().is_some());
    it.unkept("disk full");
    assert_eq!((it.poll_ask(), it.is_shut()), (None, true));
    assert_eq!(it.view(now(0)).trouble.unwrap().why, "disk full".into());
}

#[test]
fn a_crowd_is_bounded() {
    let mut story = Story::open(60);
    for number in 0..100_u8 {
        let device = Mac([0xc0, 1, 1, 1, 1, number]);
        story.says(Said::Asks {
            number: number.into(),
            device,
            name: "x".into(),
            what: Wish::Pair,
        });
        if story.asked.last().unwrap().ends_with("true") {
            story.says(Said::Paired(Bond { device, random: true, name: "x".into() }));
        }
    }
    assert_eq!(story.pending().len(), 32);
    assert_eq!(story.it.view(now(0)).told.len(), 20);
}

#[test]
fn who_gave_no_lasting_address_has_no_name() {
    let names = |device, random| {
        let names = Bond { device, random, name: "x".into() }.identities();
        names.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(names(PHONE, false), ["bt:00:1a:7d:00:00:01", "ble:00:1a:7d:00:00:01"]);
    assert_eq!(names(WATCH, true), ["ble:c0:00:00:00:00:02"]);
    assert!(names(Mac([0x4a, 0, 0, 0, 0, 3]), true).is_empty());
}

#[test]
fn a_window_without_adapters_that_ended_badly_keeps_no_other_shut() {
    let mut story = Story::new(Kept { known: Some(Vec::new()), ..Kept::default() });
    story.says(Said::Here { bonds: Vec::new() });
    story.it.open(Duration::from_mins(1), "anna", now(1)).unwrap();
}
