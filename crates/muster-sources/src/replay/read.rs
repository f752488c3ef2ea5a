//! Files to facts: tells captures from fact files by their first bytes.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;

use muster_core::fact::Fact;
use muster_wire::bluetooth::is_bluetooth;
use muster_wire::bluetooth::tag::TagRules;
use muster_wire::capture::{Capture, RecordError, RecordFault, is_capture};
use muster_wire::fact_file::FactReader;
use muster_wire::{bluetooth, lan};

use super::radio::Radio;
use super::{MOST_FACTS, ReplayError};
use crate::lan::Recorded;

/// What was read so far.
#[derive(Debug)]
pub(super) struct Input {
    /// All facts, in the order of the files.
    pub(super) facts: Vec<Fact>,
    /// How many frames could not be read.
    pub(super) skipped: u64,
    /// What was recorded of Bluetooth.
    pub(super) radio: Radio,
}

impl Input {
    /// Nothing yet.
    pub(super) fn new(rules: TagRules) -> Self {
        Self { facts: Vec::new(), skipped: 0, radio: Radio::new(rules) }
    }

    /// Reads one file.
    pub(super) fn read(&mut self, path: &Path, monitor: &str) -> Result<(), ReplayError> {
        let failed = |cause| ReplayError::unreadable(path, cause);
        let mut file = BufReader::new(File::open(path).map_err(failed)?);
        let head = file.fill_buf().map_err(failed)?;
        if is_capture(head) { self.capture(file, path, monitor) } else { self.lines(file, path) }
    }

    fn lines(&mut self, mut file: BufReader<File>, path: &Path) -> Result<(), ReplayError> {
        let mut reader = FactReader::new();
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            let read = file.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line);
            if read.map_err(|it| ReplayError::unreadable(path, it))? == 0 {
                break;
            }
            let text = String::from_utf8_lossy(&line);
            match reader.read_line(&text) {
                Ok(facts) => add(&mut self.facts, facts, path)?,
                // A recorder that was killed leaves half a line at the end.
                Err(_) if !line.ends_with(b"\n") && file.fill_buf().is_ok_and(<[u8]>::is_empty) => {
                    self.skipped += 1;
                }
                Err(cause) => {
                    return Err(ReplayError::Line { path: path.to_owned(), number, cause });
                }
            }
        }
        Ok(())
    }

    fn capture(
        &mut self,
        file: BufReader<File>,
        path: &Path,
        monitor: &str,
    ) -> Result<(), ReplayError> {
        let wrong = |cause| ReplayError::Capture { path: path.to_owned(), cause };
        let channel = path.file_stem().map(|it| it.to_string_lossy()).unwrap_or_default();
        let mut link = Recorded::new(monitor, &channel);
        let mut air = self.radio.capture(monitor, &channel);
        for record in Capture::open(file).map_err(wrong)? {
            let record = match record {
                Ok(record) => record,
                Err(RecordError { fault: RecordFault::Unreadable(cause), .. }) => {
                    return Err(ReplayError::unreadable(path, cause));
                }
                Err(_) => {
                    self.skipped += 1;
                    continue;
                }
            };
            let found = if is_bluetooth(record.link) {
                bluetooth::decode(record.link, &record.bytes)
                    .map(|it| it.map(|packet| air.packet(&packet, record.at)))
            } else {
                lan::decode(record.link, &record.bytes)
                    .map(|it| it.map(|frame| link.frame(frame, record.at)))
            };
            match found {
                Ok(facts) => add(&mut self.facts, facts.unwrap_or_default(), path)?,
                Err(_) => self.skipped += 1,
            }
        }
        add(&mut self.facts, air.end().map_err(ReplayError::too_long)?, path)
    }
}

fn add(all: &mut Vec<Fact>, facts: Vec<Fact>, path: &Path) -> Result<(), ReplayError> {
    if all.len() + facts.len() > MOST_FACTS {
        return Err(ReplayError::TooMany { path: path.to_owned() });
    }
    all.extend(facts);
    Ok(())
}

/// Far more than any fact needs; the reader refuses what is longer than a fact.
const LONGEST_LINE: u64 = 65_536;
