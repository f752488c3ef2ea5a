//! A fact file that grows: what is in it, and what is added, as facts that were just noticed.
//!
//! What somebody else's program hears becomes part of a monitor by it. The file is read from its
//! beginning at every start; facts merge, so what was told before changes nothing.
//!
//! **Invariant:** a line is told once it has its end; one that is no fact is named, left out, and keeps no
//! other from being told; what was noticed before the machine was started cannot be dated by a monitor, and
//! is counted.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use muster_core::fact::{Fact, Listener};
use muster_core::ports::{BoxError, BoxFuture, ChannelStatus, Clock, Report, Source, SourceError};
use muster_core::snapshot::Interest;
use muster_wire::fact_file::FactReader;
use tokio::fs::File;
use tokio::io::AsyncReadExt as _;
use tracing::warn;

use crate::replay::time_of;

/// A fact file that is read as it grows.
#[derive(Debug)]
pub struct Feed {
    path: PathBuf,
    /// Under which name it is told whether the file can be read.
    listener: Listener,
    clock: Arc<dyn Clock>,
    file: Option<File>,
    /// How many bytes of it were read.
    read: u64,
    reader: FactReader,
    /// Read, and not told.
    rest: Vec<u8>,
    /// How many lines were told.
    lines: u64,
    /// How many facts are older than the machine's start.
    old: u64,
}

impl Feed {
    /// Reads nothing yet.
    pub fn new(path: &Path, listener: Listener, clock: Arc<dyn Clock>) -> Self {
        let (reader, path) = (FactReader::new(), path.to_owned());
        let (file, rest) = (None, Vec::new());
        Self { path, listener, clock, file, read: 0, reader, rest, lines: 0, old: 0 }
    }

    async fn more(&mut self) -> Result<Report, SourceError> {
        let path = self.path.display().to_string();
        let lost = |cause: io::Error| SourceError::Lost { what: path.clone(), cause: cause.into() };
        loop {
            let facts = self.whole_lines()?;
            if !facts.is_empty() {
                return Ok(Report::Facts(facts));
            }
            let Some(file) = &mut self.file else {
                self.file = Some(File::open(&self.path).await.map_err(lost)?);
                let (listener, can) = (self.listener.clone(), vec![format!("facts of {path}")]);
                let status = ChannelStatus { listener, hears: true, can, cannot: Vec::new() };
                return Ok(Report::Channel(status));
            };
            self.rest.reserve(AT_ONCE);
            let read = file.read_buf(&mut self.rest).await.map_err(lost)?;
            self.read += read as u64;
            if read == 0 {
                let (ours, there) = (file.metadata().await, tokio::fs::metadata(&self.path).await);
                let (ours, there) = (ours.map_err(lost)?, there.map_err(lost)?);
                if ours.ino() != there.ino() || ours.dev() != there.dev() || there.len() < self.read
                {
                    return Err(lost(io::Error::other("it was replaced or cut short")));
                }
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        }
    }

    /// The facts of the lines that have their end.
    fn whole_lines(&mut self) -> Result<Vec<Fact>, SourceError> {
        let Some(end) = self.rest.iter().rposition(|it| *it == b'\n') else {
            return match self.rest.len() {
                0..=LONGEST_LINE => Ok(Vec::new()),
                _ => Err(self.unusable("it is longer than any fact".into())),
            };
        };
        let whole: Vec<u8> = self.rest.drain(..=end).collect();
        let now = self.clock.now();
        let begin = now.wall - now.mono;
        let mut facts = Vec::new();
        for line in whole.split_inclusive(|it| *it == b'\n') {
            self.lines += 1;
            let text = std::str::from_utf8(line).map_err(BoxError::from);
            match text.and_then(|it| self.reader.read_line(it).map_err(BoxError::from)) {
                Ok(it) => facts.extend(it),
                Err(cause) => {
                    let (path, line) = (self.path.display(), self.lines);
                    // What lies beneath says where in the line.
                    let beneath = cause.source().map_or(String::new(), |it| format!(": {it}"));
                    warn!("the fact file {path}, line {line} is left out: {cause}{beneath}");
                }
            }
        }
        let before = facts.len();
        facts.retain(|it| time_of(it) >= begin);
        let old = (before - facts.len()) as u64;
        if old > 0 {
            self.old += old;
            warn!("facts older than this machine's start are left out: {}", self.old);
        }
        Ok(facts)
    }

    fn unusable(&self, cause: BoxError) -> SourceError {
        let line = self.lines.max(1);
        SourceError::Unusable { what: format!("{}, line {line}", self.path.display()), cause }
    }
}

impl Source for Feed {
    fn next(&mut self) -> BoxFuture<'_, Result<Report, SourceError>> {
        Box::pin(self.more())
    }

    fn set_interest(&mut self, _interest: &[Interest]) {
        // Whoever writes the file asks whom it likes.
    }
}

/// Some hundred lines.
const AT_ONCE: usize = 64 << 10;
/// More than a fact's line may have.
const LONGEST_LINE: usize = 64 << 10;
/// A person who looks at the page does not notice it.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use muster_core::fact::SourceKind;
    use muster_core::time::{Now, Time};

    use super::*;

    #[derive(Debug)]
    struct Still;

    impl Clock for Still {
        fn now(&self) -> Now {
            // Up for an hour.
            Now { mono: Duration::from_hours(1), wall: Time::from_secs(1_800_000_000) }
        }
    }

    fn line(at: i64) -> String {
        let at = Time::from_secs(1_800_000_000 + at);
        format!(
            "{{\"t\":\"{at}\",\"monitor\":\"a\",\"source\":\"ble\",\"id\":\"ble:7c:2f:80:a1:b2:c3\"}}\n"
        )
    }

    fn feed(path: &Path) -> Feed {
        Feed::new(path, Listener::new("a", SourceKind::Gpio, ""), Arc::new(Still))
    }

    async fn facts(feed: &mut Feed) -> usize {
        let Report::Facts(it) = feed.next().await.unwrap() else { panic!("it tells facts now") };
        it.len()
    }

    #[tokio::test]
    async fn what_is_added_is_told_once_its_line_is_whole() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let mut feed = feed(file.path());
        let opened = feed.next().await.unwrap();
        assert!(matches!(opened, Report::Channel(it) if it.hears), "that it can be read is told");
        // An hour and a second ago there was no machine.
        write!(file, "{}{}{}", line(-3_601), line(-3_600), line(0)).unwrap();
        assert_eq!(facts(&mut feed).await, 2);
        assert_eq!(feed.old, 1);
        let whole = line(5);
        let (first, second) = whole.split_at(20);
        write!(file, "{first}").unwrap();
        let waited = tokio::time::timeout(LOOK_AGAIN * 3, feed.next()).await;
        assert!(waited.is_err(), "half a line is no fact");
        write!(file, "{second}{}", line(6)).unwrap();
        assert_eq!(facts(&mut feed).await, 2);
        // Somebody begins it anew, or puts another in its place.
        file.as_file().set_len(3).unwrap();
        let cut = feed.next().await.unwrap_err();
        assert!(matches!(cut, SourceError::Lost { .. }), "{cut}");
    }

    #[tokio::test]
    async fn what_is_no_fact_keeps_no_other_from_being_told() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let lines = [line(0), "nonsense\n".to_owned(), line(5), "\u{7f}\n".to_owned(), line(6)];
        std::fs::write(file.path(), lines.concat()).unwrap();
        let mut feed = feed(file.path());
        feed.next().await.unwrap();
        assert_eq!(facts(&mut feed).await, 3);
        assert_eq!(feed.lines, 5);
    }

    #[tokio::test]
    async fn what_is_no_fact_file_is_said() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "x".repeat(LONGEST_LINE + 2)).unwrap();
        let mut long = feed(file.path());
        long.next().await.unwrap();
        let error = long.next().await.unwrap_err();
        assert!(matches!(error, SourceError::Unusable { .. }), "{error}");
        assert!(error.to_string().ends_with("line 1"), "{error}");
        let mut gone = feed(Path::new("/nowhere"));
        assert!(matches!(gone.next().await, Err(SourceError::Lost { .. })));
    }
}
