//! Uploads and replies, both ways, whole and damaged.

use std::sync::Arc;
use std::time::Duration;

use muster_core::fact::{
    Detail, DetailKind, Fact, FactBody, Level, LevelState, Listener, Outcome, Probe, Sighting,
    SourceKind,
};
use muster_core::identity::{Identity, Mac, TextKind};
use muster_core::span::Span;
use muster_core::time::Time;
use muster_core::uplink::{
    Answer, BootId, Header, Health, Lane, Reply, Row, SequenceSet, StoreId, Upload,
};
use muster_sim::damage::damage;
use proptest::prelude::*;

use super::*;

const SENT: Time = Time::from_secs(1_772_438_400);

fn text() -> impl Strategy<Value = String> {
    "[^\\p{Cc}]{1,20}"
}

fn times() -> impl Strategy<Value = Time> {
    (-4_000_000_000_000_000..4_000_000_000_000_000_i64).prop_map(Time::from_micros)
}

fn identities() -> impl Strategy<Value = Identity> {
    prop_oneof![
        any::<[u8; 6]>().prop_map(|it| Identity::Mac(Mac(it))),
        any::<[u8; 6]>().prop_map(|it| Identity::Ble(Mac(it))),
        any::<[u8; 6]>().prop_map(|it| Identity::Bt(Mac(it))),
        any::<[u8; 6]>().prop_map(|it| Identity::Private(Mac(it))),
        text().prop_map(|it| Identity::Text(TextKind::Tag, it.into())),
        text().prop_map(|it| Identity::Text(TextKind::Entity, it.into())),
    ]
}

fn bodies() -> impl Strategy<Value = FactBody> {
    let outcome = prop_oneof![
        Just(Outcome::Answered),
        Just(Outcome::Silent),
        Just(Outcome::NoEvidence),
        Just(Outcome::Unaskable)
    ];
    let state =
        prop_oneof![Just(LevelState::Home), Just(LevelState::Away), Just(LevelState::Unknown)];
    prop_oneof![
        (identities(), times(), any::<Option<i8>>())
            .prop_map(|(identity, at, rssi)| FactBody::Sighting(Sighting { identity, at, rssi })),
        (times(), 0..100_000_000_u64)
            .prop_map(|(to, it)| FactBody::Coverage(Span::new(to - Duration::from_micros(it), to))),
        (identities(), times(), outcome)
            .prop_map(|(identity, at, outcome)| FactBody::Probe(Probe { identity, at, outcome })),
        (identities(), times(), any::<u64>(), state).prop_map(|(identity, at, sequence, state)| {
            FactBody::Level(Level { identity, at, sequence, state })
        }),
        (identities(), times(), 0..5_usize, text()).prop_map(|(identity, at, it, value)| {
            let kind = DetailKind::ALL[it].1;
            FactBody::Detail(Detail { identity, at, kind, value: value.into() })
        }),
    ]
}

fn healths() -> impl Strategy<Value = Health> {
    let numbers = any::<[u32; 5]>();
    let flags = any::<(bool, bool, Option<i64>)>();
    (text(), numbers, flags, prop::option::of(text())).prop_map(|(version, it, flags, error)| {
        Health {
            version: version.chars().take(10).collect::<String>().into(),
            uptime: Duration::from_micros(it[0].into()),
            clock_ahead: flags.2,
            synchronised: flags.0,
            spooled: it[1].into(),
            thinned: it[2].into(),
            dropped: it[3].into(),
            facts: it[4].into(),
            listened: Duration::from_micros(it[0].into()),
            simulated: flags.1,
            last_error: error.map(Into::into),
        }
    })
}

prop_compose! {
    fn uploads()(
        monitor in text(),
        rows in prop::collection::vec((0..5_u64, 0..3_usize, text(), bodies()), 0..30),
        boot in any::<u128>(),
        store in any::<Option<u128>>(),
        (backlog, more) in any::<(bool, u16)>(),
        uncertain in any::<Option<u32>>(),
        oldest in prop::option::of(times()),
        health in healths(),
    ) -> Upload {
        let mut sequence = 0;
        let mut settles = SequenceSet::new();
        let rows: Vec<Row> = rows.into_iter().map(|(gap, source, channel, body)| {
            sequence += gap + 1;
            settles.insert(sequence);
            let listener = Listener::new(&monitor, SourceKind::ALL[source].1, &channel);
            Row { sequence, fact: Fact { listener: Arc::new(listener), body } }
        }).collect();
        if backlog {
            settles.insert_run(0, sequence + u64::from(more));
        }
        let header = Header {
            monitor: monitor.into(),
            boot: BootId(boot),
            lane: if backlog { Lane::Backlog } else { Lane::Live },
            store: store.map(StoreId),
            sent: Some(SENT),
            uncertain: uncertain.map(|it| Duration::from_micros(it.into())),
            settles,
            oldest_unsent: oldest,
            health,
        };
        Upload { header, rows }
    }
}

prop_compose! {
    fn replies()(
        which in 0..5,
        id in any::<u128>(),
        (received, answered) in (times(), times()),
        settled in prop::collection::btree_set(any::<u64>(), 0..20),
        refused in prop::collection::vec((text(), any::<u64>()), 0..Answer::MAX_REASONS),
        after in any::<u32>(),
    ) -> Reply {
        let store = StoreId(id);
        let refused: Vec<(Box<str>, u64)> =
            refused.into_iter().map(|(why, it)| (why.into(), it)).collect();
        let settled = settled.into_iter().collect();
        match which {
            0 => Reply::Busy { after: Duration::from_millis(after.into()) },
            1 => Reply::OtherStore { store },
            2 => Reply::Unauthorised,
            3 => Reply::Malformed { why: "a wrong \"field\"".into() },
            _ => Reply::Taken(Answer { store, received, answered, settled, refused }),
        }
    }
}

proptest! {
    #[test]
    fn uploads_come_back(upload in uploads()) {
        let bytes = write(&upload);
        prop_assert_eq!(read(&bytes), Ok(upload));
        let packed = compress(&bytes);
        prop_assert_eq!(expand(&packed), Ok(bytes));
    }

    #[test]
    fn facts_come_back(body in bodies(), channel in text(), source in 0..6_usize) {
        let listener = Arc::new(Listener::new("attic", SourceKind::ALL[source].1, &channel));
        let fact = Fact { listener, body };
        prop_assert_eq!(read_fact("attic", &write_fact(&fact)), Ok(fact));
    }

    #[test]
    fn replies_come_back(reply in replies()) {
        prop_assert_eq!(read_reply(&write_reply(&reply)), Ok(reply));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        drop(read_fact("attic", &bytes));
        drop(expand(&bytes));
        let whole = [MAGIC, &[VERSION], &bytes].concat();
        if let Ok(upload) = read(&whole) {
            prop_assert_eq!(read(&write(&upload)), Ok(upload));
        }
    }
}

/// An upload with every kind of row and every field.
fn sample(lane: Lane) -> Upload {
    let identity = |last| Identity::Ble(Mac([0x7c, 0x2f, 0x80, 0xa1, 0xb2, last]));
    let tag = Identity::Text(TextKind::Tag, "ATT-USER-1a2b3c4d".into());
    let at = SENT - Duration::from_secs(3);
    let bodies = [
        FactBody::Sighting(Sighting { identity: identity(1), at, rssi: Some(-61) }),
        FactBody::Sighting(Sighting { identity: identity(2), at, rssi: None }),
        FactBody::Probe(Probe { identity: identity(1), at, outcome: Outcome::Silent }),
        FactBody::Level(Level { identity: tag.clone(), at, sequence: 7, state: LevelState::Home }),
        FactBody::Detail(Detail {
            identity: tag,
            at,
            kind: DetailKind::Hostname,
            value: "anna's keys".into(),
        }),
        FactBody::Coverage(Span::new(at - Duration::from_secs(10), at)),
    ];
    let listener = |it| Arc::new(Listener::new("attic", SourceKind::Ble, it));
    let (one, two) = (listener("hci0"), listener("hci1"));
    let rows: Vec<Row> = (3_u64..)
        .zip(bodies)
        .map(|(sequence, body)| {
            let listener = Arc::clone(if sequence % 2 == 0 { &one } else { &two });
            Row { sequence: sequence * 2, fact: Fact { listener, body } }
        })
        .collect();
    let mut settles: SequenceSet = rows.iter().map(|it| it.sequence).collect();
    if lane == Lane::Backlog {
        settles.insert_run(0, 16);
    }
    let header = Header {
        monitor: "attic".into(),
        boot: BootId(0x0123_4567_89ab_cdef),
        lane,
        store: Some(StoreId(42)),
        sent: Some(SENT),
        uncertain: (lane == Lane::Backlog).then_some(Duration::from_mins(3)),
        settles,
        oldest_unsent: Some(at),
        health: Health {
            version: "0.1.0".into(),
            last_error: Some("the adapter hci0 is gone".into()),
            ..Health::default()
        },
    };
    Upload { header, rows }
}

/// What old monitors send is read by later hubs: neither the bytes nor the words of
/// `docs/protocol.md` may move when a table in the core does.
#[test]
fn the_format_is_the_one_that_is_described() {
    assert_eq!(hex(&write(&sample(Lane::Live))), SAMPLE);
    let page = include_str!("../../../../docs/protocol.md");
    let row = |first: &str| -> Vec<&str> {
        let start = format!("| {first} |");
        let mut codes = page.lines().skip_while(|it| !it.starts_with("| byte |"));
        let row = codes.find_map(|it| it.strip_prefix(&start)).unwrap_or_default();
        row.split('|').map(str::trim).filter(|it| !it.is_empty()).collect()
    };
    assert_eq!(row("source"), SourceKind::ALL.map(|(word, _)| word));
    assert_eq!(row("detail"), DetailKind::ALL.map(|(word, _)| word));
    assert_eq!(row("outcome"), facts::OUTCOMES.map(|(word, _)| word));
    assert_eq!(row("level"), facts::STATES.map(|(word, _)| word));
    let texts = facts::TEXTS.map(|(word, _)| word);
    assert_eq!(row("identity"), [&facts::ADDRESSES[..], &texts].concat());
    let most = [Upload::MAX_ROWS, Upload::MAX_RUNS].map(|it| (it / 1_000, it % 1_000));
    for (thousands, rest) in most {
        assert!(page.contains(&format!("at most {thousands},{rest}")));
    }
}

/// The sample, 32 bytes a line.
const SAMPLE: [&str; 8] = [
    "4d5354420105617474696300000000000000000123456789abcdef0001000000",
    "0000000000000000000000002a018080bf93bf81a60600060600010001000100",
    "0100010001809bee0205302e312e300000000000000000011874686520616461",
    "70746572206863693020697320676f6e65020104686369310104686369300301",
    "7c2f80a1b201017c2f80a1b20208114154542d555345522d3161326233633464",
    "0606000100809bee02c301010001809bee0201000300809bee02010101040280",
    "9bee02070001000502809bee02000b616e6e612773206b657973010102809bee",
    "0280ade204",
];

fn hex(bytes: &[u8]) -> Vec<String> {
    let digit = |it: u8| char::from_digit(it.into(), 16).unwrap_or_default();
    let line = |it: &[u8]| it.iter().flat_map(|it| [digit(it >> 4), digit(it & 0xf)]).collect();
    bytes.chunks(32).map(line).collect()
}

#[test]
fn words_of_a_hub_are_a_line() {
    let long = "x\u{1b}[2J".repeat(200);
    let given = Reply::Malformed { why: long.into() };
    let Ok(Reply::Malformed { why }) = read_reply(&write_reply(&given)) else {
        panic!("{given:?}")
    };
    assert!(why.len() <= Answer::MAX_REASON && !why.contains(char::is_control));
}

#[test]
fn seeded_damage() {
    let corpus = [write(&sample(Lane::Live)), write(&sample(Lane::Backlog))];
    let (mut taken, mut refused) = (0, 0);
    damage(4, 20_000, &corpus, |_, bytes| match read(bytes) {
        Ok(upload) => {
            assert_eq!(read(&write(&upload)), Ok(upload));
            taken += 1;
        }
        Err(_) => refused += 1,
    });
    // The damage is not so heavy that nothing gets behind the header.
    assert!(taken > 500 && refused > 500, "{taken} taken, {refused} refused");
    let packed: Vec<Vec<u8>> = corpus.iter().map(|it| compress(it)).collect();
    damage(5, 2_000, &packed, |_, bytes| {
        if let Ok(bytes) = expand(bytes) {
            drop(read(&bytes));
        }
    });
    let replies = [Reply::Unauthorised, Reply::Busy { after: Duration::from_secs(5) }];
    let replies: Vec<Vec<u8>> = replies.iter().map(|it| write_reply(it).into_bytes()).collect();
    damage(6, 2_000, &replies, |_, bytes| {
        if let Ok(reply) =
            std::str::from_utf8(bytes).map_err(drop).and_then(|it| read_reply(it).map_err(drop))
        {
            assert_eq!(read_reply(&write_reply(&reply)), Ok(reply));
        }
    });
}

#[test]
fn little_that_expands_to_much_is_refused() {
    let bomb = compress(&vec![0; MAX_BYTES]);
    assert_eq!(expand(&bomb), Err(BatchError::Large));
    assert_eq!(expand(b"plain"), Err(BatchError::Compression));
    let whole = compress(&vec![7; 60_000]);
    assert_eq!(expand(&whole), Ok(vec![7; 60_000]));
    assert_eq!(expand(&whole[..whole.len() - 5]), Err(BatchError::Compression));
}

#[test]
fn what_cannot_be_is_refused_by_its_name() {
    let good = write(&sample(Lane::Live));
    assert_eq!(read(b"{\"t\":1}"), Err(BatchError::Other));
    let mut newer = good.clone();
    newer[4] = 2;
    assert_eq!(read(&newer), Err(BatchError::Version { given: 2 }));
    assert_eq!(read(&[&good[..], b"x"].concat()), Err(BatchError::Long));
    assert_eq!(read(&good[..good.len() - 1]), Err(BatchError::Truncated));
    let mut undated = sample(Lane::Live);
    undated.header.sent = None;
    assert_eq!(read(&write(&undated)), Err(BatchError::Field { field: "sent" }));
    let mut loose = sample(Lane::Live);
    loose.header.settles.remove(8);
    assert_eq!(read(&write(&loose)), Err(BatchError::Field { field: "sequence" }));
}
