//! An archive that is read. Everything in it may be anybody's.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _};
use std::path::{Path, PathBuf};

use flate2::bufread::GzDecoder;
use muster_core::ports::{BoxError, BoxFuture, StoreError};
use tokio::sync::mpsc::Sender;

use super::FORMAT;
use super::line::{Line, Mark};
use crate::cells::{Row, Sum};
use crate::transfer::{Origin, PIECE, Piece, ROWS, Sums, none, unread};
use crate::{disk, tables};

/// An opened archive; read with the rights of whoever opened it.
#[derive(Debug)]
pub struct Archive {
    path: PathBuf,
    file: File,
}

impl Archive {
    /// Whether a file looks like one; no: it cannot be read, or is something else.
    #[must_use]
    pub fn is_one(path: &Path) -> bool {
        let mut first = [0; MAGIC.len()];
        let read = File::open(path).and_then(|mut it| it.read_exact(&mut first));
        read.is_ok() && first == MAGIC
    }

    /// Opens one. Whether it is whole shows when it is read.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let file = File::open(path).map_err(|cause| {
            disk::unavailable(format!("cannot read: {}", path.display()), cause.into())
        })?;
        Ok(Self { path: path.to_owned(), file })
    }

    async fn send(&self, to: Sender<Piece>) -> Result<(), StoreError> {
        let rewound = self.file.try_clone().and_then(|mut it| it.rewind().map(|()| it));
        let file = rewound.map_err(|it| self.unreadable(it))?;
        let mut lines = Lines::new(self, file);
        lines.begin()?;
        let mut table: Option<&'static str> = None;
        let (mut piece, mut size, mut sums) = (Vec::new(), 0, none());
        loop {
            let line = lines.next()?;
            let is_row = matches!(line, Line::Row(_));
            if let Some(table) = table
                && (!is_row || size >= PIECE || piece.len() >= ROWS)
            {
                let rows: Vec<Row> = std::mem::take(&mut piece);
                sums.entry(table).or_default().add_all(&rows);
                to.send(Piece { table, rows: Ok(rows) }).await.map_err(|_| unread())?;
                size = 0;
            }
            match (line, table) {
                (Line::Row(row), Some(_)) => {
                    size += row.size();
                    piece.push(row);
                }
                (Line::Mark(Mark::Table { table: name, columns }), _) => {
                    table = Some(lines.table(&name, &columns)?);
                }
                (Line::Mark(Mark::End { end }), _) => return lines.end(&end, &sums),
                (Line::Row(_), None) | (Line::Mark(Mark::Begin { .. }), _) => {
                    return Err(lines.harmed("it stands in another place than it should"));
                }
            }
        }
    }

    fn unreadable(&self, cause: io::Error) -> StoreError {
        disk::unavailable(format!("cannot read: {}", self.path.display()), cause.into())
    }
}

impl Origin for Archive {
    fn rows(&self, to: Sender<Piece>) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.send(to))
    }

    fn is_all(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        // Its end said so.
        Box::pin(async { Ok(()) })
    }
}

/// The lines of an archive, one after the other.
struct Lines<'a> {
    of: &'a Archive,
    text: BufReader<GzDecoder<BufReader<File>>>,
    /// How many were read.
    read: u64,
    /// The one that was read last.
    last: Vec<u8>,
    /// The version that wrote them.
    writer: String,
}

impl<'a> Lines<'a> {
    fn new(of: &'a Archive, file: File) -> Self {
        let text = BufReader::new(GzDecoder::new(BufReader::new(file)));
        Self { of, text, read: 0, last: Vec::new(), writer: String::new() }
    }

    fn begin(&mut self) -> Result<(), StoreError> {
        let Line::Mark(Mark::Begin { archive, muster, .. }) = self.next()? else {
            return Err(self.harmed("it does not say what it is"));
        };
        if archive != FORMAT {
            let what = format!(
                "the archive has form {archive}, this muster knows {FORMAT}: restore it with a newer one"
            );
            return Err(StoreError::Refused { what });
        }
        self.writer = muster.into();
        Ok(())
    }

    fn next(&mut self) -> Result<Line, StoreError> {
        self.last.clear();
        self.read += 1;
        let mut line = self.text.by_ref().take(LONGEST);
        if let Err(cause) = line.read_until(b'\n', &mut self.last) {
            return Err(match cause.kind() {
                io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => self.harmed(cause),
                io::ErrorKind::UnexpectedEof => self.harmed("it ends in the middle"),
                _ => self.of.unreadable(cause),
            });
        }
        if self.last.pop() != Some(b'\n') {
            let is_long = self.last.len() as u64 + 1 >= LONGEST;
            let what = if is_long { "it is longer than any row" } else { "it ends in the middle" };
            return Err(self.harmed(what));
        }
        Line::read(&self.last).map_err(|it| self.harmed(it))
    }

    /// The table of this name, if it is as ours.
    fn table(&self, name: &str, columns: &[impl AsRef<str>]) -> Result<&'static str, StoreError> {
        let ours = tables::NAMES.iter().find(|it| **it == name);
        let same = tables::columns(name)
            .is_some_and(|it| it.iter().copied().eq(columns.iter().map(AsRef::as_ref)));
        match ours {
            Some(it) if same => Ok(it),
            Some(_) | None => {
                let what = format!(
                    "it is from muster {}, with another table `{}` than this one ({}): restore it \
                     with that one",
                    self.writer.escape_debug(),
                    name.escape_debug(),
                    env!("CARGO_PKG_VERSION"),
                );
                Err(StoreError::Refused { what })
            }
        }
    }

    fn end(
        mut self,
        told: &BTreeMap<impl AsRef<str>, Sum>,
        found: &Sums,
    ) -> Result<(), StoreError> {
        let told = told.iter().map(|(table, sum)| (table.as_ref(), sum));
        if !told.eq(found.iter().map(|(table, sum)| (*table, sum))) {
            return Err(self.harmed("its rows are not those that were written"));
        }
        // The compressed stream has a sum of its own, and nothing comes after it.
        let more = self.text.read(&mut [0]).and_then(|it| match it {
            0 => self.text.get_mut().get_mut().fill_buf().map(<[u8]>::len),
            it => Ok(it),
        });
        match more {
            Ok(0) => Ok(()),
            Ok(_) => Err(self.harmed("more comes after its end")),
            Err(cause) => Err(self.harmed(cause)),
        }
    }

    fn harmed(&self, cause: impl Into<BoxError>) -> StoreError {
        let what = format!("not a whole archive: {}, line {}", self.of.path.display(), self.read);
        StoreError::Damaged { what, cause: cause.into() }
    }
}

/// How a compressed file begins (RFC 1952, 2.3.1).
const MAGIC: [u8; 2] = [0x1f, 0x8b];
/// Bytes of a line: the largest rows are the hours of what was heard, some hundred kilobytes.
const LONGEST: u64 = 64 << 20;
