//! Seeded damage to what is read besides frames: recordings, fact files, Graphite's lines, packed
//! rows. What is read can be written, and is then read as the same.

use std::fs;
use std::time::Duration;

use muster_core::fact::Outcome;
use muster_core::span::Span;
use muster_core::time::Time;
use muster_sim::damage::damage;
use muster_wire::capture::{Capture, MAX_RECORD, PcapWriter, Record};
use muster_wire::fact_file::{parse_line, write_line};
use muster_wire::graphite;
use muster_wire::pack::{pack_outcomes, pack_spans, unpack_outcomes, unpack_spans};

use crate::captures;

#[test]
fn recordings() {
    let mut corpus: Vec<Vec<u8>> = captures::all().iter().map(|it| fs::read(it).unwrap()).collect();
    for it in &mut corpus {
        it.truncate(4096);
    }
    let mut read = 0;
    damage(2, 4_000, &corpus, |_, bytes| {
        let Ok(capture) = Capture::open(bytes) else { return };
        // Every record takes at least 8 bytes of the file, errors included.
        let all: Vec<_> = capture.take(bytes.len()).collect();
        assert!(all.len() <= bytes.len() / 8 + 1);
        let records: Vec<Record> = all.into_iter().flatten().collect();
        assert!(records.iter().all(|it| it.bytes.len() <= MAX_RECORD));
        read += records.len();
        comes_back(&records);
    });
    assert!(read > 4_000, "{read}");
}

fn comes_back(records: &[Record]) {
    let mut written = PcapWriter::new(Vec::new()).unwrap();
    // A pcap file holds times from 1970 to 2106.
    let fit = |it: &&Record| written_fits(it.at);
    let kept: Vec<&Record> = records.iter().filter(fit).collect();
    for it in &kept {
        written.write(it.at, &it.bytes).unwrap();
    }
    let file = written.finish().unwrap();
    let again = Capture::open(&file[..]).unwrap().map(Result::unwrap);
    let again: Vec<_> = again.map(|it| (it.at, it.bytes)).collect();
    let kept: Vec<_> = kept.into_iter().map(|it| (it.at, it.bytes.clone())).collect();
    assert_eq!(again, kept);
}

fn written_fits(at: Time) -> bool {
    u32::try_from(at.secs()).is_ok()
}

#[test]
fn fact_files() {
    let head = r#"{"t":"2026-11-21T09:00:12.5Z","monitor":"hub","source":"lan","channel":"eth0""#;
    let corpus = [
        r#","id":"mac:b8:27:eb:01:02:03","rssi":-61,"name":"anna-phone"}"#,
        r#","covered_from":"2026-11-21T09:00:00Z"}"#,
        r#","id":"mac:b8:27:eb:01:02:03","probe":"silent"}"#,
        r#","id":"entity:person.anna","level":"home","sequence":7}"#,
        r#","id":"mac:b8:27:eb:01:02:03","detail":"hostname","value":"anna \"phone\""}"#,
    ]
    .map(|it| format!("{head}{it}").into_bytes());
    let mut read = 0;
    damage(3, 20_000, &corpus, |_, bytes| {
        for fact in parse_line(&String::from_utf8_lossy(bytes)).unwrap_or_default() {
            assert_eq!(parse_line(&write_line(&fact)).unwrap(), [fact]);
            read += 1;
        }
    });
    assert!(read > 200, "{read}");
}

#[test]
fn lines_of_graphite() {
    let corpus =
        ["home.presence.anna.is_home 1 1795251600", "home.presence.load 0.25 1795251600\n"]
            .map(|it| it.as_bytes().to_vec());
    let mut read = 0;
    damage(4, 20_000, &corpus, |_, bytes| {
        let Ok(point) = graphite::parse_line(&String::from_utf8_lossy(bytes)) else { return };
        assert!(point.value.is_finite());
        if i32::try_from(point.epoch).is_ok() {
            let mut line = String::new();
            graphite::push_line(&mut line, &point.path, point.value, Time::from_secs(point.epoch));
            assert_eq!(graphite::parse_line(&line), Ok(point));
            read += 1;
        }
    });
    assert!(read > 200, "{read}");
}

#[test]
fn packed_rows() {
    let base = Time::from_secs(1_795_251_600);
    let spans =
        [(0, 5), (7, 600), (700, 3_600)].map(|(from, to)| Span::new(at(base, from), at(base, to)));
    let outcomes =
        [Outcome::Answered, Outcome::Silent, Outcome::NoEvidence].map(|it| (at(base, 1), it));
    let corpus = [pack_spans(base, &spans), pack_outcomes(base, &outcomes)];
    damage(5, 20_000, &corpus, |_, bytes| {
        if let Ok(it) = unpack_spans(base, bytes) {
            assert_eq!(unpack_spans(base, &pack_spans(base, &it)), Ok(it));
        }
        if let Ok(it) = unpack_outcomes(base, bytes) {
            assert_eq!(unpack_outcomes(base, &pack_outcomes(base, &it)), Ok(it));
        }
    });
}

fn at(base: Time, seconds: u64) -> Time {
    base + Duration::from_secs(seconds)
}
