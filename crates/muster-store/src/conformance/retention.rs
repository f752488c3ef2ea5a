//! The cases about forgetting.

use std::collections::BTreeMap;

use muster_core::batch::{Batch, DetailRow, HOUR, Seen};
use muster_core::change::{Change, ChangeKind};
use muster_core::directory::{Device, Directory};
use muster_core::fact::DetailKind;
use muster_core::identity::{DeviceId, Identity, IdentityId, Mac};
use muster_core::ports::Store;
use muster_core::stay::{Ended, Stay, StayId, Subject};
use muster_core::time::Time;

use super::cases::{ANNA, MINUTE, NOON, PHONE, stay};
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
        let facts = scene.time();
        let journal = Some(scene.time()).filter(|_| scene.below(2) == 0);
        let states: BTreeMap<Time, Vec<Change>> = model
            .questions()
            .1
            .into_iter()
            .filter(|it| journal.is_none_or(|limit| *it >= limit))
            .map(|it| (it, model.states_at(it)))
            .collect();
        let gone = model.forget(facts, journal);
        same("rows gone", &store.forget(facts, journal).await?, &gone)?;
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
    same("rows gone", &store.forget(Time::MAX, Some(Time::MAX)).await?, &3)?;
    same("again", &store.forget(Time::MAX, Some(Time::MAX)).await?, &0)?;
    let found = store.restore(Time::MIN).await?;
    let kinds: Vec<ChangeKind> = found.states.iter().map(|it| it.kind).collect();
    same("states", &kinds, &vec![ChangeKind::Left])?;
    let stays: Vec<u64> = found.stays.iter().map(|it| it.id.0).collect();
    same("stays", &stays, &vec![2])?;
    same("last change", &found.last_change, &3)?;
    same("last stay", &found.last_stay, &StayId(2))?;
    same("frontier", &found.frontier, &NOON)
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
        same("rows gone", &store.forget(NOON, journal).await?, &gone)?;
        let found = store.restore(NOON).await?;
        let numbers: Vec<u32> = found.identities.iter().map(|it| it.0.0).collect();
        same("identities", &numbers.as_slice(), &kept)?;
        same("details", &found.details.len(), &kept.len())?;
        same("states", &found.states.len(), &usize::from(journal.is_none()))?;
        model.forget(NOON, journal);
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
