//! The cases about writing and asking.

use std::time::Duration;

use futures_util::future::join;

use muster_core::batch::{
    Batch, CoverageHour, DetailRow, HOUR, HeardHour, LevelRow, ProbeHour, Reading, Restored, Seen,
};
use muster_core::change::{Change, ChangeKind};
use muster_core::fact::{DetailKind, LevelState, Listener, Outcome as ProbeOutcome, SourceKind};
use muster_core::identity::{
    DeviceId, Identity, IdentityId, ListenerId, Mac, PersonId, PlaceId, TextKind,
};
use muster_core::ports::{Before, ReadingQuery, ReadingsOf, StayQuery, StaysOf, Store};
use muster_core::span::Span;
use muster_core::stay::{Ended, Stay, StayId, Subject};
use muster_core::time::Time;

use super::compare::{agrees, by_subject, sorted};
use super::{Model, Outcome, Scene, same};

/// Noon of a day.
pub(super) const NOON: Time = Time::from_secs(1_795_262_400);
/// Whatever may go.
pub(super) const EVERYTHING: Before =
    Before { facts: Some(Time::MAX), readings: Some(Time::MAX), journal: Some(Time::MAX) };
pub(super) const ANNA: Subject = Subject::Person(PersonId(1));
pub(super) const PHONE: Subject = Subject::Device(DeviceId(7));

pub(super) async fn empty(store: &dyn Store) -> Outcome {
    let nothing = Restored { since: NOON, ..Restored::default() };
    same("restore", &store.restore(NOON).await?, &nothing)?;
    same("cursor", &store.cursor("graphite").await?, &None)?;
    same("forget", &store.forget(EVERYTHING).await?, &0)?;
    agrees(store, &Model::default()).await
}

pub(super) async fn numbers(store: &dyn Store) -> Outcome {
    let change = |at| Change { id: 99, ..Change::new(ChangeKind::Dark, NOON + at, NOON + at) };
    let batch = |changes| Batch { changes, frontier: NOON, ..Batch::default() };
    let first = batch(vec![change(MINUTE), change(HOUR)]);
    same("the first commit", &store.commit(&first).await?, &2)?;
    same("a commit without changes", &store.commit(&batch(Vec::new())).await?, &2)?;
    let next = batch(vec![change(2 * MINUTE); 300]);
    same("a third commit", &store.commit(&next).await?, &302)?;
    let ids: Vec<u64> = store.changes_after(0, 1000).await?.iter().map(|it| it.id).collect();
    same("ids", &ids, &(1..=302).collect())
}

pub(super) async fn replaces(store: &dyn Store) -> Outcome {
    let (identity, listener) = (IdentityId(1), ListenerId(1));
    let spans = |s| vec![Span::new(NOON, NOON + Duration::from_secs(s))];
    let level = |state| LevelRow { identity, listener, at: NOON, sequence: 1, state };
    let stay = |id, from| Stay { id: StayId(id), ..stay(ANNA, from, from + HOUR, Ended::Open) };
    let mut model = Model::default();
    for s in [30, 60, 45] {
        let probes = vec![(NOON + Duration::from_secs(s), ProbeOutcome::Silent)];
        let batch = Batch {
            seen: vec![Seen { identity, first: NOON, last: NOON + Duration::from_secs(s) }],
            heard: vec![HeardHour { hour: NOON, identity, listener, spans: spans(s) }],
            coverage: vec![CoverageHour { hour: NOON, listener, spans: spans(s) }],
            probes: vec![ProbeHour { hour: NOON, identity, listener, outcomes: probes }],
            levels: vec![level(LevelState::Home), level(LevelState::Away), level(LevelState::Home)],
            stays: vec![stay(1, NOON + Duration::from_secs(s)), stay(2, NOON)],
            ..Batch::default()
        };
        model.commit(&batch);
        store.commit(&batch).await?;
        store.commit(&batch).await?;
        agrees(store, &model).await?;
    }
    let gone = Batch { gone: vec![StayId(2), StayId(9)], ..Batch::default() };
    model.commit(&gone);
    store.commit(&gone).await?;
    agrees(store, &model).await
}

pub(super) async fn seen(store: &dyn Store) -> Outcome {
    let at = |n: u32| NOON + n * MINUTE;
    let seen = |first, last| Seen { identity: IdentityId(4), first: at(first), last: at(last) };
    for (first, last, want) in [
        (5, 6, seen(5, 6)),
        (7, 8, seen(5, 8)),
        (3, 4, seen(3, 8)),
        (4, 5, seen(3, 8)),
        (1, 9, seen(1, 9)),
    ] {
        let batch = Batch { seen: vec![seen(first, last)], ..Batch::default() };
        store.commit(&batch).await?;
        same("seen", &store.restore(Time::MIN).await?.seen, &vec![want])?;
    }
    Ok(())
}

pub(super) async fn readings(store: &dyn Store) -> Outcome {
    let reading = |listener: u32, rssi, minute: u32| Reading {
        interval: NOON,
        length: 5 * MINUTE,
        identity: IdentityId(1),
        listener: ListenerId(listener),
        rssi,
        at: NOON + minute * MINUTE,
    };
    for (new, want) in [
        (reading(1, None, 3), reading(1, None, 3)),
        (reading(1, None, 2), reading(1, None, 2)),
        (reading(1, None, 4), reading(1, None, 2)),
        (reading(1, Some(-90), 4), reading(1, Some(-90), 4)),
        (reading(1, Some(-95), 1), reading(1, Some(-90), 4)),
        (reading(1, Some(-90), 3), reading(1, Some(-90), 3)),
        (reading(1, None, 0), reading(1, Some(-90), 3)),
        (reading(1, Some(0), 4), reading(1, Some(0), 4)),
    ] {
        let batch = Batch { readings: vec![new, reading(2, Some(-1), 0)], ..Batch::default() };
        store.commit(&batch).await?;
        let window = Span::new(NOON, NOON + HOUR);
        let query = ReadingQuery { window, identities: Vec::new(), of: ReadingsOf::Listeners };
        let found = store.readings(&query).await?;
        same("readings", &found, &vec![want, reading(2, Some(-1), 0)])?;
    }
    Ok(())
}

/// The Living Room hears a device better than the Kitchen: told in any order, twice, or one by one,
/// it wins; and a hundred others beside it, in other blocks of numbers, ties included.
pub(super) async fn winners(store: &dyn Store) -> Outcome {
    let mut model = Model::default();
    let names = ["Kitchen", "Living Room", "Attic"];
    let mut batch = Batch::default();
    for (id, name) in (1..).zip(names) {
        batch.listeners.push((ListenerId(id), Listener::new(name, SourceKind::Ble, "hci0")));
    }
    model.commit(&batch);
    store.commit(&batch).await?;
    let reading = |interval: u32, identity, listener, rssi| Reading {
        interval: NOON + interval * 5 * MINUTE,
        length: 5 * MINUTE,
        identity: IdentityId(identity),
        listener: ListenerId(listener),
        rssi: Some(rssi),
        at: NOON + interval * 5 * MINUTE + MINUTE,
    };
    let (kitchen, living_room) = (reading(0, 7, 1, -72), reading(0, 7, 2, -65));
    let others = |number: u32| reading(number % 14, 200 + number * 8, 1 + number % 3, -70);
    let ties = |number: u32| reading(number % 14, 200 + number * 8, 3, -70);
    for readings in [
        vec![kitchen],
        vec![kitchen, living_room],
        vec![living_room],
        (0..100).map(others).collect(),
        (0..100).map(ties).chain([kitchen]).collect(),
    ] {
        let batch = Batch { readings, ..Batch::default() };
        model.commit(&batch);
        store.commit(&batch).await?;
        agrees(store, &model).await?;
    }
    let window = Span::new(NOON, NOON + 2 * HOUR);
    let query = ReadingQuery { window, identities: vec![IdentityId(7)], of: ReadingsOf::Winners };
    same("the winner", &store.readings(&query).await?, &vec![living_room])?;
    let query = ReadingQuery { identities: Vec::new(), ..query };
    let all = store.readings(&query).await?;
    let attic = all.iter().filter(|it| it.listener == ListenerId(3)).count();
    same("winners", &(all.len(), attic), &(101, 100))
}

pub(super) async fn details(store: &dyn Store) -> Outcome {
    let row = |identity, kind, n: u32| DetailRow {
        identity: IdentityId(identity),
        kind,
        value: format!("value {n}").into(),
        at: NOON + n * MINUTE,
    };
    let mut model = Model::default();
    for details in [
        vec![row(1, DetailKind::Ipv4, 1), row(1, DetailKind::Ipv4, 2), row(2, DetailKind::Ipv6, 1)],
        vec![row(1, DetailKind::Ipv4, 2), row(1, DetailKind::Hostname, 3)],
        Vec::new(),
        (0..300).map(|n| row(n, DetailKind::VendorClass, n)).collect(),
    ] {
        let batch = Batch { details, ..Batch::default() };
        model.commit(&batch);
        store.commit(&batch).await?;
        agrees(store, &model).await?;
    }
    Ok(())
}

pub(super) async fn extremes(store: &dyn Store) -> Outcome {
    let long = "\u{1F9D1}'\"\0\n;--".repeat(500);
    let names = [(u32::MAX - 1, ""), (u32::MAX, long.as_str())];
    let mut batch = Batch { frontier: Time::MIN, ..Batch::default() };
    for (id, name) in names {
        let text = Identity::Text(TextKind::Entity, name.into());
        batch.identities.push((IdentityId(id), text));
        batch.listeners.push((ListenerId(id), Listener::new(name, SourceKind::Gpio, name)));
        batch.directory.get_or_insert_default().monitors.insert(name.into(), PlaceId(id));
    }
    batch.identities.insert(0, (IdentityId(0), Identity::Mac(Mac([0xff; 6]))));
    let (identity, listener) = (IdentityId(u32::MAX), ListenerId(u32::MAX));
    batch.seen.push(Seen { identity, first: Time::MIN, last: Time::MAX });
    let spans = vec![Span::new(Time::MIN, Time::MAX), Span::new(Time::MAX, Time::MIN)];
    batch.heard.push(HeardHour { hour: NOON, identity, listener, spans });
    batch.coverage.push(CoverageHour { hour: NOON, listener, spans: Vec::new() });
    let (at, sequence, state) = (NOON, u64::MAX, LevelState::Unknown);
    batch.levels.push(LevelRow { identity, listener, at, sequence, state });
    for (rssi, n) in [(None, 0), (Some(i8::MIN), 1), (Some(0), 2), (Some(i8::MAX), 3)] {
        let (interval, length) = (NOON + n * MINUTE, Duration::from_micros(n.into()));
        batch.readings.push(Reading { interval, length, identity, listener, rssi, at: Time::MIN });
    }
    batch.stays.push(Stay {
        id: StayId(1 << 62),
        subject: Subject::Device(DeviceId(u32::MAX)),
        site: PlaceId(u32::MAX),
        from: Time::MIN,
        last: Time::MAX,
        ended: Ended::Assumed,
        to_latest: Some(Time::MAX),
        uncovered: Duration::from_micros(1 << 62),
        after_gap: true,
        revision: u32::MAX,
    });
    for (kind, at) in ChangeKind::ALL.map(|(_, kind)| kind).into_iter().zip(0..) {
        let mut change = Change::new(kind, Time::MIN, NOON + at * MINUTE);
        change.until = Some(Time::MAX);
        change.reason = long.as_str().into();
        batch.changes.push(change);
    }
    let mut model = Model::default();
    model.commit(&batch);
    store.commit(&batch).await?;
    agrees(store, &model).await
}

pub(super) async fn stays(store: &dyn Store) -> Outcome {
    let hour = |n: u32| NOON + n * HOUR;
    let mut model = Model::default();
    let mut batch = Batch::default();
    for (id, (subject, from, last, ended)) in (1..).zip([
        (ANNA, hour(1), hour(2), Ended::Left),
        (PHONE, hour(2), hour(2), Ended::Moved),
        (ANNA, hour(3), hour(5), Ended::Assumed),
        (PHONE, hour(4), hour(4), Ended::Open),
    ]) {
        batch.stays.push(Stay { id: StayId(id), ..stay(subject, from, last, ended) });
    }
    model.commit(&batch);
    store.commit(&batch).await?;
    let ask = async |from, to| {
        let (subject, site) = (None, None);
        let window = Span::new(from, to);
        let query = StayQuery { window, subject, of: StaysOf::Both, site, limit: 9 };
        let found = store.stays(&query).await?;
        same("as modelled", &found, &model.stays(&query))?;
        Ok::<Vec<u64>, super::Broken>(found.iter().map(|it| it.id.0).collect())
    };
    same("before all", &ask(hour(0), hour(1)).await?, &vec![])?;
    same("around a short one", &ask(hour(2), hour(2) + MINUTE).await?, &vec![1, 2])?;
    same("inside one", &ask(hour(3) + MINUTE, hour(4)).await?, &vec![3])?;
    same("an open one goes on", &ask(hour(90), hour(91)).await?, &vec![4])?;
    same("an empty window", &ask(hour(4), hour(4)).await?, &vec![])?;
    // One that had ended goes on after all, and changes hands.
    let again = Stay { id: StayId(1), ..stay(PHONE, hour(0), hour(8), Ended::Open) };
    let batch = Batch { stays: vec![again], ..Batch::default() };
    model.commit(&batch);
    store.commit(&batch).await?;
    agrees(store, &model).await
}

pub(super) async fn windows(store: &dyn Store) -> Outcome {
    let mut model = Model::default();
    for (round, n) in (0..).zip([3_u32, 1, 2, 2, 5]) {
        let mut change = Change::new(ChangeKind::Discovered, NOON, NOON + n * MINUTE);
        change.subject = Some(PHONE).filter(|_| n != 1);
        let frontier = Time::from_secs(round);
        let batch = Batch { changes: vec![change], frontier, ..Batch::default() };
        model.commit(&batch);
        store.commit(&batch).await?;
    }
    let window = Span::new(NOON + 2 * MINUTE, NOON + 5 * MINUTE);
    let found = store.changes_within(window, None, 10).await?;
    let ids: Vec<u64> = found.iter().map(|it| it.id).collect();
    same("newest first, the end outside", &ids, &vec![1, 4, 3])?;
    agrees(store, &model).await
}

pub(super) async fn states(store: &dyn Store) -> Outcome {
    let mut model = Model::default();
    let kinds =
        [ChangeKind::Arrived, ChangeKind::Unknown, ChangeKind::Discovered, ChangeKind::Left];
    for (n, kind) in (1_u32..).zip(kinds) {
        let mut changes = Vec::new();
        for subject in [ANNA, PHONE] {
            let decided = NOON + n * MINUTE;
            changes.push(Change { subject: Some(subject), ..Change::new(kind, decided, decided) });
        }
        let batch = Batch { changes, ..Batch::default() };
        model.commit(&batch);
        store.commit(&batch).await?;
    }
    // The clock was set back: the journal's order says what holds after a restart.
    let back = Change { subject: Some(ANNA), ..Change::new(ChangeKind::Known, NOON, NOON - HOUR) };
    let batch = Batch { changes: vec![back], ..Batch::default() };
    model.commit(&batch);
    store.commit(&batch).await?;
    let kinds = |found: Vec<Change>| -> Vec<ChangeKind> {
        by_subject(found).iter().map(|it| it.kind).collect()
    };
    let (left, known) = (ChangeKind::Left, ChangeKind::Known);
    same("at the end", &kinds(store.states_at(Time::MAX).await?), &vec![left, left])?;
    same("after a restart", &kinds(store.restore(NOON).await?.states), &vec![left, known])?;
    let before = store.states_at(NOON + 3 * MINUTE).await?;
    same("in between", &kinds(before), &vec![ChangeKind::Unknown, ChangeKind::Unknown])?;
    agrees(store, &model).await
}

pub(super) async fn cursors(store: &dyn Store) -> Outcome {
    for value in [7, i64::MIN, i64::MAX, 0] {
        store.set_cursor("graphite", value).await?;
        store.set_cursor("other", 1).await?;
        same("cursor", &store.cursor("graphite").await?, &Some(value))?;
    }
    same("another", &store.cursor("Graphite").await?, &None)
}

pub(super) async fn whole_commits(store: &dyn Store, seed: u64) -> Outcome {
    let mut scene = Scene::new(seed);
    let mut model = Model::default();
    for _ in 0..10 {
        let batch = scene.batch();
        let before = sorted(model.restore(Time::MIN));
        let last = model.commit(&batch);
        let after = sorted(model.restore(Time::MIN));
        let (committed, read) = join(store.commit(&batch), store.restore(Time::MIN)).await;
        same("the last change", &committed?, &last)?;
        let read = sorted(read?);
        if read != before {
            same("what was read meanwhile", &read, &after)?;
        }
    }
    Ok(())
}

pub(super) async fn made_up(store: &dyn Store, seed: u64) -> Outcome {
    let mut scene = Scene::new(seed);
    let mut model = Model::default();
    for round in 0..60 {
        let batch = scene.batch();
        let want = model.commit(&batch);
        same("the last change", &store.commit(&batch).await?, &want)?;
        if round % 15 == 14 {
            agrees(store, &model).await?;
        }
    }
    agrees(store, &model).await
}

pub(super) fn stay(subject: Subject, from: Time, last: Time, ended: Ended) -> Stay {
    Stay {
        id: StayId(1),
        subject,
        site: PlaceId(1),
        from,
        last,
        ended,
        to_latest: None,
        uncovered: Duration::ZERO,
        after_gap: false,
        revision: 0,
    }
}

pub(super) const MINUTE: Duration = Duration::from_mins(1);
