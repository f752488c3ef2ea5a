//! Lines and facts, both ways.

use proptest::prelude::*;

use super::*;

const LINES: [&str; 6] = [
    r#"{"t":"2026-11-21T09:00:00.12Z","monitor":"kitchen","source":"ble","id":"ble:7c:2f:80:a1:b2:c3","rssi":-61}"#,
    r#"{"t":"2026-11-21T09:00:10Z","monitor":"kitchen","source":"ble","channel":"hci0","covered_from":"2026-11-21T09:00:00Z"}"#,
    r#"{"t":"2026-11-21T09:00:12Z","monitor":"kitchen","source":"lan","channel":"eth0","id":"mac:b8:27:eb:01:02:03","probe":"silent"}"#,
    r#"{"t":"2026-11-21T09:00:15Z","monitor":"hub","source":"home_assistant","id":"entity:person.anna","level":"home"}"#,
    r#"{"t":"2026-11-21T09:00:15Z","monitor":"hub","source":"home_assistant","id":"entity:person.anna","level":"unknown","sequence":7}"#,
    r#"{"t":"2026-11-21T09:00:15.000001Z","monitor":"hub","source":"lan","id":"mac:b8:27:eb:01:02:03","detail":"hostname","value":"anna \"phone\""}"#,
];

#[test]
fn lines_come_back() {
    for line in LINES {
        let facts = parse_line(line).unwrap();
        assert_eq!(facts.len(), 1, "{line}");
        assert_eq!(write_line(&facts[0]), line);
    }
}

#[test]
fn a_sighting_with_a_name_is_two_facts() {
    let line = r#" {"t":"2026-11-21T10:00:00+01:00","monitor":"kitchen","source":"ble","id":"ble:7c:2f:80:a1:b2:c3","name":"Keys"}"#;
    let mut reader = FactReader::new();
    let facts = reader.read_line(&format!("{line}\r\n")).unwrap();
    let lines: Vec<String> = facts.iter().map(write_line).collect();
    assert_eq!(
        lines,
        [
            r#"{"t":"2026-11-21T09:00:00Z","monitor":"kitchen","source":"ble","id":"ble:7c:2f:80:a1:b2:c3"}"#,
            r#"{"t":"2026-11-21T09:00:00Z","monitor":"kitchen","source":"ble","id":"ble:7c:2f:80:a1:b2:c3","detail":"hostname","value":"Keys"}"#,
        ]
    );
    let again = reader.read_line(line).unwrap();
    assert!(Arc::ptr_eq(&facts[0].listener, &again[0].listener));
}

#[test]
fn lines_without_facts() {
    for line in ["", "  \r\n", "# t, monitor, source", "  # {"] {
        assert!(parse_line(line).unwrap().is_empty(), "{line:?}");
    }
}

#[test]
fn wrong_lines_say_why() {
    let head = r#"{"t":"2026-11-21T09:00:00Z","monitor":"hub","source":"lan""#;
    let mac = r#""id":"mac:b8:27:eb:01:02:03""#;
    for (line, want) in [
        ("[]".to_owned(), "a line holds one JSON object"),
        ("{".to_owned(), "not a fact: EOF"),
        (r#"{"t":1}"#.to_owned(), "not a fact: invalid type: integer `1`, expected a string"),
        (
            format!(r#"{head},{mac},"rsi":1}}"#),
            "not a fact: unknown field `rsi`, expected one of `t`",
        ),
        (r#"{"monitor":"hub"}"#.to_owned(), "key `t` is missing"),
        (r#"{"t":"2026-11-21T09:00:00Z"}"#.to_owned(), "key `monitor` is missing"),
        (r#"{"t":"2026-11-21T09:00:00Z","monitor":"a"}"#.to_owned(), "key `source` is missing"),
        (
            r#"{"t":"09:00","monitor":"a"}"#.to_owned(),
            "key `t` is a time in RFC 3339 with its offset, as in 2026-11-21T09:00:00Z: 09:00",
        ),
        (
            r#"{"t":"2026-11-21T09:00:00Z","monitor":"a","source":"wifi"}"#.to_owned(),
            "key `source` is one of lan, ble, classic, home_assistant, mqtt, gpio: wifi",
        ),
        (
            r#"{"t":"2026-11-21T09:00:00Z","monitor":"a\u0007","source":"lan"}"#.to_owned(),
            "key `monitor` is 1 to 255 bytes of text without control characters: a\\u{7}",
        ),
        (
            format!("{head}}}"),
            "a fact has one of the keys `id` (alone: a sighting), `covered_from`, `probe`, `level`, `detail`",
        ),
        (
            format!(r#"{head},"id":"b8"}}"#),
            "key `id` is kind:value, as in mac:b8:27:eb:01:02:03: an identity is written kind:value",
        ),
        (format!(r#"{head},{mac},"rssi":-200}}"#), "key `rssi` is -128 to 127 dBm: -200"),
        (
            format!(r#"{head},{mac},"probe":"lost"}}"#),
            "key `probe` is one of answered, silent, no_evidence, unaskable: lost",
        ),
        (
            format!(r#"{head},{mac},"level":"not_home"}}"#),
            "key `level` is one of home, away, unknown: not_home",
        ),
        (format!(r#"{head},"probe":"silent"}}"#), "key `id` is missing"),
        (
            format!(r#"{head},{mac},"detail":"ip","value":"x"}}"#),
            "key `detail` is one of hostname, vendor_class, ipv4, ipv6, proxy_for: ip",
        ),
        (format!(r#"{head},{mac},"detail":"ipv4"}}"#), "key `value` is missing"),
        (
            format!(r#"{head},{mac},"level":"home","rssi":1}}"#),
            "key `rssi` does not belong to a level",
        ),
        (
            format!(r#"{head},{mac},"covered_from":"2026-11-21T08:00:00Z"}}"#),
            "key `id` does not belong to coverage",
        ),
        (
            format!(r#"{head},"covered_from":"2026-11-21T10:00:00Z"}}"#),
            "key `covered_from` is not after `t`: 2026-11-21T10:00:00Z",
        ),
        (format!(r#"{head},{mac},"sequence":1}}"#), "key `sequence` does not belong to a sighting"),
        (
            format!(r#"{head},{mac},"name":"{}"}}"#, "x".repeat(20_000)),
            "a line has at most 16384 bytes",
        ),
    ] {
        let said = whole(&parse_line(&line).unwrap_err());
        assert!(said.starts_with(want), "{line}\n  said {said}\n  want {want}");
    }
}

/// An error with what lies beneath it.
fn whole(error: &FactFileError) -> String {
    let beneath = std::error::Error::source(error).map(|it| format!(": {it}"));
    format!("{error}{}", beneath.unwrap_or_default())
}

fn text() -> impl Strategy<Value = String> {
    "[^\\p{Cc}]{1,40}"
}

fn times() -> impl Strategy<Value = Time> {
    // What RFC 3339 can write: the years 0 to 9999.
    (-62_000_000_000_000_000..250_000_000_000_000_000_i64).prop_map(Time::from_micros)
}

fn identities() -> impl Strategy<Value = Identity> {
    use muster_core::identity::{Mac, TextKind};
    prop_oneof![
        any::<[u8; 6]>().prop_map(|it| Identity::Mac(Mac(it))),
        any::<[u8; 6]>().prop_map(|it| Identity::Ble(Mac(it))),
        text().prop_map(|it| Identity::Text(TextKind::Tag, it.into())),
    ]
}

fn bodies() -> impl Strategy<Value = FactBody> {
    let pick = |of: usize| 0..of;
    prop_oneof![
        (identities(), times(), any::<Option<i8>>()).prop_map(|(identity, at, rssi)| {
            FactBody::Sighting(Sighting { identity, at, rssi })
        }),
        (times(), times()).prop_map(|(a, b)| FactBody::Coverage(Span::new(a.min(b), a.max(b)))),
        (identities(), times(), pick(3)).prop_map(|(identity, at, it)| {
            FactBody::Probe(Probe { identity, at, outcome: OUTCOMES[it].1 })
        }),
        (identities(), times(), any::<u64>(), pick(3)).prop_map(|(identity, at, sequence, it)| {
            FactBody::Level(Level { identity, at, sequence, state: LEVELS[it].1 })
        }),
        (identities(), times(), pick(5), text()).prop_map(|(identity, at, it, value)| {
            let kind = DetailKind::ALL[it].1;
            FactBody::Detail(Detail { identity, at, kind, value: value.into() })
        }),
    ]
}

proptest! {
    #[test]
    fn facts_come_back(monitor in text(), channel in text(), source in 0..6_usize, body in bodies()) {
        let listener = Arc::new(Listener::new(&monitor, SourceKind::ALL[source].1, &channel));
        let fact = Fact { listener, body };
        prop_assert_eq!(parse_line(&write_line(&fact)).unwrap(), vec![fact]);
    }

    #[test]
    fn any_line_is_read_or_refused(line in any::<String>()) {
        drop(parse_line(&line));
    }

    #[test]
    fn a_damaged_line_is_read_or_refused(
        which in 0..LINES.len(), place in any::<prop::sample::Index>(), with in any::<char>(),
    ) {
        let mut chars: Vec<char> = LINES[which].chars().collect();
        let place = place.index(chars.len());
        chars[place] = with;
        for fact in parse_line(&chars.iter().collect::<String>()).unwrap_or_default() {
            prop_assert_eq!(parse_line(&write_line(&fact)).unwrap(), vec![fact]);
        }
    }
}
