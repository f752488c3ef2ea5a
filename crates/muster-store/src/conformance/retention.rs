//! The cases about forgetting.

use std::collections::BTreeMap;

use muster_core::batch::{Batch, DetailRow, HOUR, Reading, Seen};
use muster_core::change::{Change, ChangeKind};
use muster_core::directory::{Device, Directory};
use muster_core::fact::DetailKind;
use muster_core::identity::{DeviceId, Identity, IdentityId, ListenerId, Mac};
use muster_core::ports::{Before, ReadingQuery, ReadingsOf, Store};
use muster_core::span::Span;
use muster_core::stay::{Ended, Stay, StayId, Subject};
use muster_core::time::Time;

use super::cases::{ANNA, EVERYTHING, MINUTE, NOON, PHONE, stay};
use super::compare::{agrees, by_subject};
use super::{Model, Outcome, Scene, same};

/// A made-up history, forgotten bit by bit.
pub(super) async fn forgets(store: &dyn Store, seed: u64) -> Outcome {
    let mut scene = Scene::new(seed);
    let mut model = Model::default();
    for _ in 0..40 {
        let batch = scene.batch();
        model.commit(&batch);
        store.commit(&batch).await?;
    }
    for _ in 0..5 {
        let before = limits(&mut scene);
        let states: BTreeMap<Time, Vec<Change>> = model
            .questions()
            .1
            .into_iter()
            .filter(|it| before.journal.is_none_or(|limit| *it >= limit))
            .map(|it| (it, model.states_at(it)))
            .collect();
        let gone = model.forget(before);
        same("rows gone", &store.forget(before).await?, &gone)?;
        agrees(store, &model).await?;
        let last = by_subject(model.restore(Time::MAX).states);
        for (at, mut states) in states {
            // Of a device that went with its identity nothing is told any more.
            states.retain(|it| last.iter().any(|last| last.subject == it.subject));
            let got = by_subject(store.states_at(at).await?);
            same("states since the limit", &got, &by_subject(states))?;
        }
    }
    // What comes afterwards is numbered on.
    let batch = scene.batch();
    same("the last change", &store.commit(&batch).await?, &model.commit(&batch))?;
    agrees(store, &model).await
}

/// Each of them by chance: what goes by one of them is no matter of the others.
pub(super) fn limits(scene: &mut Scene) -> Before {
    let mut limit = || Some(scene.time()).filter(|_| scene.below(3) > 0);
    Before { facts: limit(), readings: limit(), journal: limit() }
}

/// Open stays, last states, the numbering and the frontier outlast everything.
pub(super) async fn keeps(store: &dyn Store) -> Outcome {
    let mut batch = Batch { frontier: NOON, ..Batch::default() };
    for (kind, n) in [(ChangeKind::Arrived, 1), (ChangeKind::Left, 2), (ChangeKind::Dark, 3)] {
        let change = Change::new(kind, NOON, NOON + n * MINUTE);
        batch.changes.push(Change { subject: Some(ANNA), ..change });
    }
    batch.stays.push(stay(ANNA, NOON, NOON + HOUR, Ended::Left));
    batch.stays.push(Stay { id: StayId(2), ..stay(PHONE, NOON, NOON, Ended::Open) });
    store.commit(&batch).await?;
    same("rows gone", &store.forget(EVERYTHING).await?, &3)?;
    same("again", &store.forget(EVERYTHING).await?, &0)?;
    let found = store.restore(Time::MIN).await?;
    let kinds: Vec<ChangeKind> = found.states.iter().map(|it| it.kind).collect();
    same("states", &kinds, &vec![ChangeKind::Left])?;
    let stays: Vec<u64> = found.stays.iter().map(|it| it.id.0).collect();
    same("stays", &stays, &vec![2])?;
    same("last change", &found.last_change, &3)?;
    same("last stay", &found.last_stay, &StayId(2))?;
    same("frontier", &found.frontier, &NOON)
}

/// Winners, and the counts of their hours, go by a limit of their own: whole hours, and nothing else.
pub(super) async fn readings(store: &dyn Store) -> Outcome {
    let mut batch = Batch { frontier: NOON, ..Batch::default() };
    for hours in (1..=3_u32).rev() {
        let interval = NOON - hours * HOUR;
        let (identity, listener) = (IdentityId(1), ListenerId(1));
        let length = 5 * MINUTE;
        let rssi = Some(-60);
        let it = Reading { interval, length, identity, listener, rssi, at: interval };
        batch.readings.push(it);
        let left = Change::new(ChangeKind::Left, interval, interval);
        batch.changes.push(Change { subject: Some(ANNA), ..left });
        let number = StayId(hours.into());
        batch.stays.push(Stay { id: number, ..stay(ANNA, interval, interval, Ended::Left) });
    }
    let mut model = Model::default();
    model.commit(&batch);
    store.commit(&batch).await?;
    let none = Before::default();
    let (early, late) = (Some(NOON - HOUR - MINUTE), Some(NOON - MINUTE));
    for (before, gone, left) in [
        (none, 0, (3, 3, 3)),
        (Before { readings: early, ..none }, 1, (3, 2, 3)),
        // Of the journal the last state, and the one in force then, are kept.
        (Before { journal: early, ..none }, 3, (3, 2, 1)),
        (Before { readings: late, ..none }, 1, (3, 1, 1)),
        (Before { facts: Some(NOON), ..none }, 3, (0, 1, 1)),
        (Before { readings: Some(NOON), ..none }, 1, (0, 0, 1)),
    ] {
        same("rows gone", &store.forget(before).await?, &gone)?;
        let count = async |of| {
            let window = Span::new(Time::MIN, Time::MAX);
            let query = ReadingQuery { window, identities: Vec::new(), of };
            store.readings(&query).await.map(|it| it.len())
        };
        let measured = count(ReadingsOf::Listeners).await?;
        let winners = count(ReadingsOf::Winners).await?;
        let found = store.restore(Time::MIN).await?.stays.len();
        same("readings, winners and stays", &(measured, winners, found), &left)?;
        model.forget(before);
        agrees(store, &model).await?;
    }
    Ok(())
}

/// Identities go with the facts about them, unless somebody speaks of them.
pub(super) async fn identities(store: &dyn Store) -> Outcome {
    let mut batch = Batch { frontier: NOON, ..Batch::default() };
    let early = NOON - HOUR;
    for number in 1..=9 {
        let id = IdentityId(number);
        let [.., octet] = number.to_be_bytes();
        batch.identities.push((id, Identity::Mac(Mac([2, 0, 0, 0, 0, octet]))));
        let last = if number == SEEN_LATELY { NOON } else { early };
        if number != TOLD_OF_ONLY {
            batch.seen.push(Seen { identity: id, first: early, last });
        }
        let told = if number == TOLD_OF_LATELY { NOON } else { early };
        let value = "x".into();
        batch.details.push(DetailRow { identity: id, kind: DetailKind::Hostname, value, at: told });
    }
    let mut directory = Directory::default();
    directory.devices.insert(DeviceId(DESCRIBED), Device::default());
    directory.groups.insert(IdentityId(PART), DeviceId(WHOLE));
    batch.directory = Some(directory);
    let stayed = Subject::Device(DeviceId(STAYED));
    batch.stays.push(stay(stayed, early, early, Ended::Left));
    let left = Change::new(ChangeKind::Left, early, early);
    batch.changes.push(Change { subject: Some(stayed), ..left });
    let mut model = Model::default();
    model.commit(&batch);
    store.commit(&batch).await?;
    for (journal, gone, kept) in [
        (None, 2, &[1, 2, 3, 4, 5, 6, 9][..]),
        (Some(NOON), 3, &[1, 2, 3, 4, 5, 9]),
        (Some(NOON), 0, &[1, 2, 3, 4, 5, 9]),
    ] {
        let before = Before { facts: Some(NOON), readings: None, journal };
        same("rows gone", &store.forget(before).await?, &gone)?;
        let found = store.restore(NOON).await?;
        let numbers: Vec<u32> = found.identities.iter().map(|it| it.0.0).collect();
        same("identities", &numbers.as_slice(), &kept)?;
        same("details", &found.details.len(), &kept.len())?;
        same("states", &found.states.len(), &usize::from(journal.is_none()))?;
        model.forget(before);
        agrees(store, &model).await?;
    }
    // Who comes back is written again.
    let again = Batch { directory: None, changes: Vec::new(), stays: Vec::new(), ..batch };
    model.commit(&again);
    store.commit(&again).await?;
    same("back", &store.restore(NOON).await?.identities.len(), &9)?;
    agrees(store, &model).await
}

/// The identities of that case; 8 is like any other, and 9 the highest.
const SEEN_LATELY: u32 = 1;
const TOLD_OF_LATELY: u32 = 2;
const DESCRIBED: u32 = 3;
const PART: u32 = 4;
const WHOLE: u32 = 5;
const STAYED: u32 = 6;
const TOLD_OF_ONLY: u32 = 7;
