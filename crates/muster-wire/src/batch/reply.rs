//! The hub's reply: one JSON object, which people can read as well.

use std::time::Duration;

use muster_core::time::Time;
use muster_core::uplink::{Answer, Health, Reply, SequenceSet, StoreId};
use serde::{Deserialize, Serialize};

use super::BatchError;

/// The line that stands for a reply, without its end.
pub fn write_reply(reply: &Reply) -> String {
    let line = match reply {
        Reply::Taken(it) => Line::Taken {
            store: it.store.to_string(),
            received: it.received.micros(),
            answered: it.answered.micros(),
            settled: it.settled.runs().iter().map(|it| [it.first, it.last]).collect(),
            refused: it.refused.iter().map(|(why, count)| (why.to_string(), *count)).collect(),
        },
        Reply::Busy { after } => {
            Line::Busy { after_ms: u64::try_from(after.as_millis()).unwrap_or(u64::MAX) }
        }
        Reply::OtherStore { store } => Line::OtherStore { store: store.to_string() },
        Reply::Unauthorised => Line::Unauthorised {},
        Reply::Malformed { why } => Line::Malformed { why: why.to_string() },
    };
    // Only texts and numbers: there is nothing that JSON cannot hold.
    serde_json::to_string(&line).unwrap_or_default()
}

/// The reply of one line.
pub fn read_reply(text: &str) -> Result<Reply, BatchError> {
    if text.len() > MAX_REPLY {
        return Err(BatchError::Large);
    }
    let line: Line = serde_json::from_str(text).map_err(|_| BatchError::Other)?;
    Ok(match line {
        Line::Taken { store, received, answered, settled, refused } => {
            if refused.len() > Answer::MAX_REASONS {
                return Err(BatchError::Field { field: "refused" });
            }
            let mut set = SequenceSet::new();
            for [first, last] in settled {
                set.insert_run(first, last);
            }
            Reply::Taken(Answer {
                store: store_id(&store)?,
                received: Time::from_micros(received),
                answered: Time::from_micros(answered),
                settled: set,
                refused: refused.into_iter().map(|(why, it)| (worded(&why), it)).collect(),
            })
        }
        Line::Busy { after_ms } => Reply::Busy { after: Duration::from_millis(after_ms) },
        Line::OtherStore { store } => Reply::OtherStore { store: store_id(&store)? },
        Line::Unauthorised {} => Reply::Unauthorised,
        Line::Malformed { why } => Reply::Malformed { why: worded(&why) },
    })
}

#[derive(Deserialize, Serialize)]
#[serde(tag = "reply", rename_all = "snake_case", deny_unknown_fields)]
enum Line {
    Taken {
        store: String,
        received: i64,
        answered: i64,
        settled: Vec<[u64; 2]>,
        refused: Vec<(String, u64)>,
    },
    Busy {
        after_ms: u64,
    },
    OtherStore {
        store: String,
    },
    Unauthorised {},
    Malformed {
        why: String,
    },
}

/// A hub's words, as a terminal may show them.
fn worded(text: &str) -> Box<str> {
    Health::line(text, Answer::MAX_REASON)
}

fn store_id(text: &str) -> Result<StoreId, BatchError> {
    let wrong = BatchError::Field { field: "store" };
    let is_hex = text.len() == 32 && text.bytes().all(|it| it.is_ascii_hexdigit());
    let id = u128::from_str_radix(text, 16).ok().filter(|_| is_hex);
    id.map(StoreId).ok_or(wrong)
}

/// A reply to an upload whose every other fact waits.
const MAX_REPLY: usize = 1 << 20;
