//! Stories of recordings.

use std::io::Write as _;

use super::*;

/// A recording of these lines, in files of their own.
fn open(files: &[&str]) -> Result<Replay, ReplayError> {
    let (_folder, paths) = written(files);
    Replay::open(&paths, "hub", TagRules::default())
}

fn written(files: &[&str]) -> (tempfile::TempDir, Vec<PathBuf>) {
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<PathBuf> =
        (0..files.len()).map(|it| folder.path().join(it.to_string())).collect();
    for (path, text) in paths.iter().zip(files) {
        std::fs::File::create(path).unwrap().write_all(text.as_bytes()).unwrap();
    }
    (folder, paths)
}

/// Facts in brief: `12 heard`, `20 covered kitchen from 10`.
fn brief(mut replay: Replay) -> Vec<String> {
    replay
        .take(usize::MAX)
        .iter()
        .map(|it| {
            let at = time_of(it).secs() - T0;
            match &it.body {
                FactBody::Coverage(span) => {
                    format!("{at} covered {} from {}", it.listener, span.from.secs() - T0)
                }
                FactBody::Sighting(_) => format!("{at} heard"),
                FactBody::Probe(_) => format!("{at} asked"),
                FactBody::Level(_) => format!("{at} level"),
                FactBody::Detail(_) => format!("{at} detail"),
            }
        })
        .collect()
}

fn heard(second: i64, source: &str) -> String {
    let t = Time::from_secs(T0 + second);
    format!(
        r#"{{"t":"{t}","monitor":"hub","source":"{source}","channel":"a","id":"mac:02:00:00:00:00:01"}}"#
    ) + "\n"
}

fn covered(from: i64, to: i64) -> String {
    let (from, t) = (Time::from_secs(T0 + from), Time::from_secs(T0 + to));
    format!(r#"{{"t":"{t}","monitor":"hub","source":"lan","channel":"a","covered_from":"{from}"}}"#)
        + "\n"
}

#[test]
fn without_coverage_lines_all_of_the_input_is_covered() {
    let replay = open(&[&heard(12, "lan"), &(heard(3, "lan") + &heard(25, "lan"))]).unwrap();
    assert!(replay.is_bare());
    assert_eq!(replay.span().map(Span::length), Some(std::time::Duration::from_secs(22)));
    let want = [
        "3 heard",
        "10 covered hub/lan/a from 3",
        "12 heard",
        "20 covered hub/lan/a from 10",
        "25 heard",
        "25 covered hub/lan/a from 20",
    ];
    assert_eq!(brief(replay), want);
}

#[test]
fn a_source_with_coverage_lines_is_covered_only_by_them() {
    let replay = open(&[&(covered(0, 10) + &heard(5, "lan") + &heard(30, "ble"))]).unwrap();
    assert!(!replay.is_bare());
    let want = [
        "5 heard",
        "10 covered hub/lan/a from 0",
        "10 covered hub/ble/a from 0",
        "20 covered hub/ble/a from 10",
        "30 heard",
        "30 covered hub/ble/a from 20",
    ];
    assert_eq!(brief(replay), want);
}

#[test]
fn half_a_line_at_the_end_is_skipped_and_any_other_is_an_error() {
    let half = open(&[&(heard(1, "lan") + r#"{"t":"2026-"#)]).unwrap();
    assert_eq!((half.skipped(), brief(half)), (1, vec!["1 heard".to_owned()]));
    let wrong = open(&[&(heard(1, "lan") + "{}\n" + &heard(2, "lan"))]).unwrap_err();
    assert!(matches!(wrong, ReplayError::Line { number: 2, .. }), "{wrong}");
    let long = open(&[&"x".repeat(1_000_000)]).unwrap_err();
    assert!(matches!(long, ReplayError::Line { number: 1, .. }), "{long}");
}

/// One fact that a wrong clock dated would take gigabytes of coverage; one that says itself what is
/// covered needs none.
#[test]
fn a_recording_of_decades_is_refused_unless_it_says_what_it_covers() {
    const DECADES: i64 = 30 * 365 * 86_400;
    let wrong = open(&[&(heard(0, "lan") + &heard(DECADES, "lan"))]).unwrap_err();
    assert!(wrong.to_string().contains("too long to be covered"), "{wrong}");
    assert!(matches!(wrong, ReplayError::TooLong(it) if it.from == Time::from_secs(T0)));
    let said = open(&[&(covered(0, 10) + &heard(DECADES, "lan"))]).unwrap();
    assert_eq!(said.span().unwrap().to, Time::from_secs(T0 + DECADES));
    let year = open(&[&(heard(0, "lan") + &heard(366 * 86_400, "lan"))]).unwrap();
    assert_eq!(brief(year).len(), 2 + 366 * 8_640);
}

#[test]
fn nothing_is_a_recording_too() {
    let empty = open(&["", "\n# only a remark\n"]).unwrap();
    assert_eq!(empty.span(), None);
    assert_eq!(brief(empty), Vec::<String>::new());
}

#[test]
fn a_missing_file_is_said() {
    let wrong =
        Replay::open(&["/nowhere/to/be/found".into()], "hub", TagRules::default()).unwrap_err();
    assert!(matches!(wrong, ReplayError::Unreadable { .. }), "{wrong}");
}

const T0: i64 = 1_790_000_000;
