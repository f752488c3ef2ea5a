//! What retention would take is told before it does, and it takes that.

use std::time::Duration;

use muster_core::ports::Before;
use muster_store::check::check;
use muster_store::old::count;

use super::*;

const DATED: [&str; 9] = [
    "heard",
    "coverage",
    "probe",
    "level",
    "received",
    "readings",
    "winners",
    "winner_hours",
    "stay",
];

#[tokio::test]
async fn what_would_go_is_what_goes() {
    let places = Places::new();
    for (number, kind) in KINDS.into_iter().enumerate() {
        let (store, _, mut scene) = places.scene(kind, "home", 20 + number as u64).await;
        let mut went = 0;
        for turn in 0..4 {
            let facts = Some(scene.time());
            let mut later = |from| (turn > from).then(|| scene.time() + Duration::from_hours(1));
            let before = Before { facts, readings: later(0), journal: later(1) };
            let held = check(&*store).await.unwrap();
            let told = count(&*store, before).await.unwrap();
            store.forget(before).await.unwrap();
            let after = check(&*store).await.unwrap();
            for table in DATED {
                let gone = held.tables[table].rows - after.tables[table].rows;
                assert_eq!(told[table], gone, "{kind:?} {table}");
                went += gone;
            }
            let changes = held.tables["journal"].rows - after.tables["journal"].rows;
            assert!(changes <= told["journal"]);
            let again = count(&*store, before).await.unwrap();
            assert!(DATED.iter().all(|it| again[it] == 0), "{again:?}");
            assert_eq!(after.all_wrong().collect::<Vec<_>>(), [""; 0], "{kind:?}");
        }
        assert!(went > 20, "{went}");
    }
}
