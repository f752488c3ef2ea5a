//! Recordings as a source: fact files and captures, in the order of time.
//!
//! Reads everything before the first report, because a recording without coverage lines counts as
//! covered over the whole input, and because several files are one recording. Frames that cannot be
//! read are counted and skipped, as they are on a live network; a line that cannot be read is an
//! error, as nothing but a fact belongs into a fact file.
//!
//! **Invariant:** facts come out by time, and coverage never before what was heard in it.

mod coverage;

mod read;

mod radio;

#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};

use muster_core::broadcast::Broadcast;
use muster_core::fact::{Fact, FactBody, SourceKind};
use muster_core::ports::{BoxFuture, Report, Source, SourceError};
use muster_core::snapshot::Interest;
use muster_core::span::Span;
use muster_core::time::Time;
use muster_wire::bluetooth::tag::TagRules;
use muster_wire::capture::CaptureError;
use muster_wire::fact_file::FactFileError;

/// A recording.
#[derive(Debug)]
pub struct Replay {
    facts: std::vec::IntoIter<Fact>,
    broadcasts: Vec<Broadcast>,
    span: Option<Span>,
    bare: bool,
    skipped: u64,
}

impl Replay {
    /// Reads all files as one recording; captures were heard by `monitor`, and texts of apps in them
    /// are identities if the rules take them.
    pub fn open(files: &[PathBuf], monitor: &str, rules: TagRules) -> Result<Self, ReplayError> {
        let mut input = read::Input::new(rules);
        for file in files {
            input.read(file, monitor)?;
        }
        let read::Input { mut facts, skipped, radio } = input;
        // Advertisements are only listened to: what is covered of them says nothing of who was asked.
        let tells = |it: &Fact| match it.body {
            FactBody::Coverage(_) => it.listener.source != SourceKind::Ble,
            FactBody::Probe(_) => true,
            FactBody::Sighting(_) | FactBody::Level(_) | FactBody::Detail(_) => false,
        };
        let bare = !facts.iter().any(tells);
        let span = coverage::complete(&mut facts).map_err(ReplayError::too_long)?;
        let broadcasts = radio.broadcasts();
        Ok(Self { facts: facts.into_iter(), broadcasts, span, bare, skipped })
    }

    /// From the first fact to the last; none when there is no fact.
    pub fn span(&self) -> Option<Span> {
        self.span
    }

    /// Whether it says nothing of who listened and who was asked: then sources that ask are judged
    /// by listening windows too.
    pub fn is_bare(&self) -> bool {
        self.bare
    }

    /// How many frames could not be read.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// The next facts of one instant or of several; empty at the end.
    pub fn take(&mut self, most: usize) -> Vec<Fact> {
        self.facts.by_ref().take(most).collect()
    }
}

impl Source for Replay {
    fn next(&mut self) -> BoxFuture<'_, Result<Report, SourceError>> {
        let facts = self.take(CHUNK);
        let report = if !facts.is_empty() {
            Report::Facts(facts)
        } else if self.broadcasts.is_empty() {
            Report::End
        } else {
            Report::Broadcasts(std::mem::take(&mut self.broadcasts))
        };
        Box::pin(std::future::ready(Ok(report)))
    }

    fn set_interest(&mut self, _interest: &[Interest]) {
        // Nobody can be asked in a recording.
    }
}

/// When a fact was complete: the end of coverage, the instant of everything else.
#[must_use]
pub fn time_of(fact: &Fact) -> Time {
    match &fact.body {
        FactBody::Sighting(it) => it.at,
        FactBody::Coverage(it) => it.to,
        FactBody::Probe(it) => it.at,
        FactBody::Level(it) => it.at,
        FactBody::Detail(it) => it.at,
    }
}

/// Why a recording cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The file cannot be read: it is missing, not ours to read, or damaged.
    #[error("cannot read the recording: {}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// A line is no fact.
    #[error("line {number} is no fact: {}", path.display())]
    Line {
        /// Of which file.
        path: PathBuf,
        /// Which line, from 1.
        number: u64,
        /// Why.
        #[source]
        cause: FactFileError,
    },
    /// The capture's head is broken.
    #[error("cannot read the capture: {}", path.display())]
    Capture {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        cause: CaptureError,
    },
    /// It reaches so far that its silence cannot be filled in.
    #[error("the recording reaches from {} to {}, which is too long to be covered", .0.from, .0.to)]
    TooLong(Span),
    /// More facts than fit.
    #[error("a recording has at most {MOST_FACTS} facts: {}", path.display())]
    TooMany {
        /// Where it became too much.
        path: PathBuf,
    },
}

impl ReplayError {
    fn too_long(it: coverage::TooLong) -> Self {
        Self::TooLong(it.0)
    }

    fn unreadable(path: &Path, cause: io::Error) -> Self {
        Self::Unreadable { path: path.to_owned(), cause }
    }
}

/// How many facts are reported at once.
const CHUNK: usize = 1_024;
/// About 8 GB of them; a household has some hundred thousand a day.
const MOST_FACTS: usize = 50_000_000;
