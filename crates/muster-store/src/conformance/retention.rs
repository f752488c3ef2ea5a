//! The cases about forgetting.

use std::collections::BTreeMap;

use muster_core::batch::{Batch, HOUR};
use muster_core::change::{Change, ChangeKind};
use muster_core::ports::Store;
use muster_core::stay::{Ended, Stay, StayId};
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
        for (at, states) in states {
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
