//! Any sequence of operations, from a seed: what stores of different kinds have to agree on.

use std::collections::BTreeMap;

use muster_core::batch::HOUR;
use muster_core::identity::{IdentityId, PersonId, PlaceId};
use muster_core::ports::{ReadingQuery, ReadingsOf, StayQuery, StaysOf, Store};
use muster_core::span::Span;
use muster_core::stay::Subject;

use super::compare::{agrees, by_subject, ordered, sorted};
use super::retention::limits;
use super::{Model, Outcome, Scene, same};

pub(super) async fn any(store: &dyn Store, seed: u64) -> Outcome {
    let mut scene = Scene::new(seed);
    let mut model = Model::default();
    let mut cursors = BTreeMap::new();
    for _ in 0..OPERATIONS {
        match scene.below(14) {
            0 => {
                let since = scene.time();
                let got = sorted(store.restore(since).await?);
                same("restore", &got, &sorted(model.restore(since)))?;
            }
            1 => {
                let window = window(&mut scene);
                let ids = [IdentityId(1), IdentityId(2), IdentityId(5)];
                let count = usize::try_from(scene.below(4)).unwrap_or_default();
                let ids = ids.get(..count).unwrap_or(&[]);
                let got = ordered(store.history(ids, window).await?);
                same("history", &got, &ordered(model.history(ids, window)))?;
            }
            2 => changes(store, &model, &mut scene).await?,
            3 => stays(store, &model, &mut scene).await?,
            4 => {
                let at = scene.time();
                let got = by_subject(store.states_at(at).await?);
                same("states", &got, &by_subject(model.states_at(at)))?;
            }
            5 | 6 => {
                let name = if scene.below(2) == 0 { "graphite" } else { "other" };
                let value = scene.time().micros();
                store.set_cursor(name, value).await?;
                cursors.insert(name, value);
            }
            7 => {
                for name in ["graphite", "other"] {
                    same("cursor", &store.cursor(name).await?, &cursors.get(name).copied())?;
                }
            }
            8 | 9 => readings(store, &model, &mut scene).await?,
            10 if scene.below(3) == 0 => {
                let before = limits(&mut scene);
                let gone = model.forget(before);
                same("rows gone", &store.forget(before).await?, &gone)?;
            }
            _ => {
                let batch = scene.batch();
                let want = model.commit(&batch);
                same("the last change", &store.commit(&batch).await?, &want)?;
            }
        }
    }
    agrees(store, &model).await
}

async fn changes(store: &dyn Store, model: &Model, scene: &mut Scene) -> Outcome {
    let after = scene.below(60);
    let limit = u32::try_from(scene.below(9)).unwrap_or_default();
    let got = store.changes_after(after, limit).await?;
    same("changes after", &got, &model.changes_after(after, limit))?;
    let (window, subject) = (window(scene), subject(scene));
    let got = store.changes_within(window, subject, limit).await?;
    same("changes within", &got, &model.changes_within(window, subject, limit))
}

async fn readings(store: &dyn Store, model: &Model, scene: &mut Scene) -> Outcome {
    let ids = [IdentityId(2), IdentityId(1), IdentityId(300)];
    let count = usize::try_from(scene.below(4)).unwrap_or_default();
    let query = ReadingQuery {
        window: window(scene),
        identities: ids.get(..count).unwrap_or(&[]).to_vec(),
        of: if scene.below(2) == 0 { ReadingsOf::Listeners } else { ReadingsOf::Winners },
    };
    same(&format!("{query:?}"), &store.readings(&query).await?, &model.readings(&query))?;
    let window = window(scene);
    same("hours", &store.winner_hours(window).await?, &model.winner_hours(window))?;
    same("coverage", &store.coverage(window).await?, &model.coverage(window))
}

async fn stays(store: &dyn Store, model: &Model, scene: &mut Scene) -> Outcome {
    let of = match scene.below(3) {
        0 => StaysOf::People,
        1 => StaysOf::Devices,
        _ => StaysOf::Both,
    };
    let query = StayQuery {
        window: window(scene),
        subject: subject(scene),
        of,
        site: Some(PlaceId(1)).filter(|_| scene.below(2) == 0),
        limit: u32::try_from(scene.below(9)).unwrap_or_default(),
    };
    same(&format!("{query:?}"), &store.stays(&query).await?, &model.stays(&query))
}

/// Some hours, or none.
fn window(scene: &mut Scene) -> Span {
    let from = scene.time();
    let hours = u32::try_from(scene.below(30)).unwrap_or_default();
    Span::new(from, from + hours * HOUR)
}

fn subject(scene: &mut Scene) -> Option<Subject> {
    Some(Subject::Person(PersonId(1))).filter(|_| scene.below(2) == 0)
}

const OPERATIONS: usize = 150;
