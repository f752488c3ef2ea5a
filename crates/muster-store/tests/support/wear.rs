//! What a day of a household writes: flash cards wear out by bytes.

use std::io::BufRead as _;
use std::io::BufReader;
use std::path::Path;
use std::time::Duration;

use muster_core::batch::{Batch, CoverageHour, HOUR, HeardHour, ProbeHour, Reading, Seen};
use muster_core::fact::{Listener, Outcome, SIGHTING, SourceKind};
use muster_core::identity::{DeviceId, Identity, IdentityId, ListenerId, Mac, PlaceId};
use muster_core::ports::Store as _;
use muster_core::span::{Span, SpanSet};
use muster_core::stay::{Ended, Stay, StayId, Subject};
use muster_core::time::Time;

use super::child;
use crate::open;

#[tokio::test]
async fn a_day_of_thirty_devices_writes_at_most_64_mib() {
    if let Some(folder) = child::told() {
        return a_day(&folder).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let name = "support::wear::a_day_of_thirty_devices_writes_at_most_64_mib";
    let mut child = child::start(name, folder.path());
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let written = lines.find_map(|it| it.strip_prefix(WRITTEN)?.parse::<u64>().ok()).unwrap();
    assert!(child.wait().unwrap().success());
    println!("{written} bytes in a day");
    assert!(written > 1 << 20, "the count does not count: {written}");
    assert!(written <= 64 << 20, "{written} bytes");
}

/// Every minute each device is heard and probed, which is as busy as a household can be.
async fn a_day(folder: &Path) {
    let store = open(folder).await.unwrap();
    let listener = ListenerId(1);
    let named =
        |id| (IdentityId(id), Identity::Mac(Mac([2, 0, 0, 0, 0, u8::try_from(id).unwrap()])));
    let lan = Listener::new("hub", SourceKind::Lan, "eth0");
    let first = Batch {
        identities: (1..=DEVICES).map(named).collect(),
        listeners: vec![(listener, lan)],
        ..Batch::default()
    };
    store.commit(&first).await.unwrap();
    let before = bytes_written();
    let mut heard = vec![SpanSet::new(); 30];
    let mut probes = vec![Vec::new(); 30];
    for minute in 0..24 * 60_u32 {
        let at = START + minute * MINUTE;
        let hour = at.floor(HOUR);
        if minute % 60 == 0 {
            heard.fill(SpanSet::new());
            probes.fill(Vec::new());
        }
        let coverage = CoverageHour { hour, listener, spans: vec![Span::new(hour, at + MINUTE)] };
        let mut batch = Batch { frontier: at, coverage: vec![coverage], ..Batch::default() };
        for (id, (spans, outcomes)) in (1..=DEVICES).zip(heard.iter_mut().zip(&mut probes)) {
            let at = at + Duration::from_micros((u64::from(id) * 1_234_567) % 20_000_000);
            let identity = IdentityId(id);
            spans.insert(Span::new(at, at + SIGHTING));
            outcomes.push((at, Outcome::Answered));
            let (spans, outcomes) = (spans.spans().to_vec(), outcomes.clone());
            batch.heard.push(HeardHour { hour, identity, listener, spans });
            batch.probes.push(ProbeHour { hour, identity, listener, outcomes });
            batch.seen.push(Seen { identity, first: START, last: at });
            let (interval, length) = (at.floor(5 * MINUTE), 5 * MINUTE);
            batch.readings.push(Reading { interval, length, identity, listener, rssi: None, at });
            batch.stays.push(stay(id, at));
        }
        store.commit(&batch).await.unwrap();
        for second in (0..60).step_by(5) {
            let value = (at + Duration::from_secs(second)).micros();
            store.set_cursor("graphite", value).await.unwrap();
        }
    }
    store.close().await.unwrap();
    println!("\n{WRITTEN}{}", bytes_written() - before);
}

fn stay(id: u32, last: Time) -> Stay {
    Stay {
        id: StayId(id.into()),
        subject: Subject::Device(DeviceId(id)),
        site: PlaceId(1),
        from: START,
        last,
        ended: Ended::Open,
        to_latest: None,
        uncovered: Duration::ZERO,
        after_gap: false,
        revision: 0,
    }
}

/// All bytes that this process has handed to the kernel: log, file, and whatever else.
fn bytes_written() -> u64 {
    let counts = std::fs::read_to_string("/proc/self/io").unwrap();
    counts.lines().find_map(|it| it.strip_prefix("wchar: ")).unwrap().parse().unwrap()
}

const DEVICES: u32 = 30;
const MINUTE: Duration = Duration::from_mins(1);
const START: Time = Time::from_secs(1_795_240_800);
const WRITTEN: &str = "written ";
