//! An archive that is read. Everything in it may be anybody's.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use muster_core::ports::{BoxError, BoxFuture, StoreError};
use tokio::sync::mpsc::Sender;

use super::FORMAT;
use super::line::{Line, Mark};
use crate::cells::{Row, Sum};
use crate::disk::FileError;
use crate::transfer::{Origin, PIECE, Piece, ROWS, Sums, none, unread};
use crate::{check, tables};

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
        let file = File::open(path)
            .map_err(|cause| FileError::told(format!("cannot read: {}", path.display()), cause))?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// Whether a store can be made of it: everything can be read, and goes together.
    pub async fn verify(&self) -> Result<(), StoreError> {
        let found = check::check_rows(self).await?;
        let Some(wrong) = found.all_wrong().next() else { return Ok(()) };
        let what = format!("not a whole archive: {}", self.path.display());
        Err(StoreError::Damaged { what, cause: wrong.into() })
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
        FileError::told(format!("cannot read: {}", self.path.display()), cause)
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
    text: BufReader<MultiGzDecoder<BufReader<File>>>,
    /// How many were read.
    read: u64,
    /// The one that was read last.
    last: Vec<u8>,
    /// The version that wrote them.
    writer: String,
}

impl<'a> Lines<'a> {
    fn new(of: &'a Archive, file: File) -> Self {
        let text = BufReader::new(MultiGzDecoder::new(BufReader::new(file)));
        Self { of, text, read: 0, last: Vec::new(), writer: String::new() }
    }

    fn begin(&mut self) -> Result<(), StoreError> {
        let line = match self.next() {
            Ok(it) => Some(it),
            Err(StoreError::Damaged { .. }) => None,
            Err(other) => return Err(other),
        };
        let Some(Line::Mark(Mark::Begin { archive, muster, .. })) = line else {
            let what =
                "it is compressed and no whole archive; of a compressed backup, unpack it first";
            return Err(self.harmed(what));
        };
        self.writer = muster.into();
        if archive == FORMAT { Ok(()) } else { Err(self.foreign(&format!("in form {archive}"))) }
    }

    fn next(&mut self) -> Result<Line, StoreError> {
        self.last.clear();
        self.read += 1;
        let mut line = self.text.by_ref().take(LONGEST);
        if let Err(cause) = line.read_until(b'\n', &mut self.last) {
            let kind = cause.kind();
            return Err(if kind == io::ErrorKind::UnexpectedEof {
                self.harmed("it ends in the middle")
            } else if matches!(kind, io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData) {
                self.harmed(cause)
            } else {
                self.of.unreadable(cause)
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
                Err(self.foreign(&format!("with another table `{}`", name.escape_debug())))
            }
        }
    }

    fn end(
        mut self,
        told: &BTreeMap<impl AsRef<str>, Sum>,
        found: &Sums,
    ) -> Result<(), StoreError> {
        let told = || told.iter().map(|(table, sum)| (table.as_ref(), sum));
        if !told().map(|it| it.0).eq(found.keys().copied()) {
            return Err(self.foreign("with other tables"));
        }
        if !told().eq(found.iter().map(|(table, sum)| (*table, sum))) {
            return Err(self.harmed("its rows are not those that were written"));
        }
        // The compressed stream has a sum of its own, and nothing comes after it.
        match self.text.read(&mut [0]) {
            Ok(0) => Ok(()),
            Ok(_) => Err(self.harmed("more comes after its end")),
            Err(cause) => Err(self.harmed(cause)),
        }
    }

    fn foreign(&self, how: &str) -> StoreError {
        let (writer, own) = (self.writer.escape_debug(), env!("CARGO_PKG_VERSION"));
        let what = format!(
            "it is from muster {writer}, {how} than this one ({own}): restore it with that one"
        );
        StoreError::Refused { what }
    }

    fn harmed(&self, cause: impl Into<BoxError>) -> StoreError {
        let what = format!("not a whole archive: {}, line {}", self.of.path.display(), self.read);
        StoreError::Damaged { what, cause: cause.into() }
    }
}

/// How a compressed file begins (RFC 1952, 2.3.1).
const MAGIC: [u8; 2] = [0x1f, 0x8b];
/// Bytes of a line: the largest rows are the hours of what was heard, some hundred kilobytes.
const LONGEST: u64 = 16 << 20;
