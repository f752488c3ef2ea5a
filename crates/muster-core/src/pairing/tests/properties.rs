//! What holds whatever people and the radio do.

use std::time::Duration;

use proptest::prelude::*;

use super::*;

fn any_step() -> impl Strategy<Value = (u8, u64)> {
    (0_u8..12, 0_u64..40)
}

proptest! {
    /// Whatever people and the radio do: nobody is let in outside a window, no window outlives its
    /// time, and who came in is never lost sight of.
    #[test]
    fn whatever_happens(steps in prop::collection::vec(any_step(), 1..60)) {
        let mut story = Story::new(Kept::default());
        let mut number = 0;
        let mut end = 0;
        let mut has_radio = false;
        for (step, span) in steps {
            number += 1;
            story.asked.clear();
            let was_open = matches!(story.window(), WindowView::Open { .. });
            match step {
                0 | 1 => {
                    let at = now(story.at);
                    let length = Duration::from_secs(span + 1);
                    let was = story.it.open(length, "anna", at);
                    prop_assert!(has_radio || was.is_err(), "{was:?}");
                    story.settle();
                    if matches!(story.window(), WindowView::Open { .. }) {
                        end = story.at + span + 1;
                    }
                }
                2 => { story.it.close(now(story.at)); story.settle(); }
                3 => story.wants(number, Wish::Pair),
                4 => story.wants(number, Wish::Compare(7)),
                5 => {
                    if let Some(first) = story.it.view(now(story.at)).asked.first() {
                        let first = first.number;
                        story.it.answer(first, true, now(story.at)).unwrap();
                        story.settle();
                    }
                }
                6 if has_radio && was_open => story.says(Said::Paired(bond(PHONE))),
                7 => { has_radio = true; story.dumb = false; story.says(Said::Here { bonds: vec![] }); }
                8 => {
                    has_radio = false;
                    story.says(Said::Away(Trouble { why: "gone".into(), hint: None }));
                }
                9 => story.dumb = !story.dumb,
                10 => {
                    let kept = story.kept.clone();
                    let (at, before) = (story.at, std::mem::take(&mut story.asked));
                    story = Story { it: Pairing::new(rules(), kept.clone(), now(at)), at,
                        asked: before, ..Story::new(kept) };
                    has_radio = false;
                }
                _ => story.at(story.at + span),
            }
            let let_in = story.asked.iter().any(|it| it.ends_with("true"));
            prop_assert!(!let_in || was_open, "{:?}", story.asked);
            if matches!(story.window(), WindowView::Open { .. }) {
                prop_assert!(story.at < end, "open at {} until {end}", story.at);
            }
            let view = story.it.view(now(story.at));
            for it in &view.pending {
                prop_assert!(story.it.poll_timeout().is_some() || view.away.is_some() || story.dumb,
                    "{it:?} waits for nothing");
            }
            prop_assert_eq!(story.kept.pending.len(), view.pending.len());
        }
    }
}
