//! The real Graphite: carbon stores what the sink sends, whisper gives it back, also after it was
//! killed and stayed away for ten minutes.

use std::time::Duration;

use muster_config::graphite::GraphiteSettings;
use muster_core::ports::{Sample, SeriesSink};
use muster_core::series::feed::{Feed, Pace};
use muster_core::time::{Now, Time};
use muster_sinks::graphite::Graphite;

use crate::carbon_cache::Carbon;

#[tokio::test]
async fn every_point_is_there_after_ten_minutes_without_carbon() {
    let mut carbon = Carbon::prepare(5);
    carbon.start();
    let settings = GraphiteSettings {
        address: carbon.address.to_string().parse().unwrap(),
        ..Default::default()
    };
    let mut sink = Graphite::new(&settings);
    // Virtual time, in the hour before the real one: whisper keeps only what is not too old.
    let start = carbon.now() - 3_600;
    let mut feed = Feed::new(PACE, None, now(start));
    let first = start.div_euclid(5) * 5 - 5;

    let mut second = start;
    live(&mut feed, &mut sink, &mut second, 600).await;
    // The last minute is still in carbon's memory, or on its way to the disk.
    carbon.wait_for(&SERIES, first, second - 65);
    carbon.kill();
    live(&mut feed, &mut sink, &mut second, 600).await;
    assert!(feed.backlog(now(second)) >= 600 / 5, "nobody took anything meanwhile");
    carbon.start();
    live(&mut feed, &mut sink, &mut second, 600).await;
    assert_eq!((feed.backlog(now(second)), feed.dropped()), (0, 0));

    carbon.wait_for(&SERIES, first, second - 6);
    for series in SERIES {
        let read = carbon.fetch(series, first, second - 6);
        assert!(read.len() >= 1_790 / 5, "{}", read.len());
        for (at, value) in read {
            assert_eq!(value, Some(value_at(at)), "{series} at {at}");
        }
    }
}

const SERIES: [&str; 2] = ["anna/is_home", "count_home"];

const PACE: Pace = Pace {
    every: Duration::from_secs(5),
    backfill: Duration::from_hours(24),
    unsure: Duration::from_mins(1),
};

async fn live(feed: &mut Feed, sink: &mut Graphite, second: &mut i64, seconds: i64) {
    for _ in 0..seconds {
        *second += 1;
        let now = now(*second);
        while let Some(piece) = feed.poll(now) {
            let samples: Vec<Sample> = feed.times(piece).map(sample).collect();
            match sink.deliver(&samples).await {
                Ok(()) => feed.handle_delivered(piece, now),
                Err(_) => feed.handle_failed(now),
            }
        }
    }
}

fn sample(at: Time) -> Sample {
    let value = f64::from(value_at(at.secs()));
    let values = vec![("anna.is_home".to_owned(), value), ("count_home".to_owned(), value)];
    Sample { at, values }
}

/// A different value often enough that a point in the wrong slot is noticed.
fn value_at(second: i64) -> u16 {
    u16::try_from((second / 5) % 7).unwrap()
}

fn now(second: i64) -> Now {
    Now { mono: Duration::from_secs(second.unsigned_abs()), wall: Time::from_secs(second) }
}
