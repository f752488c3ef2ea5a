//! An archive that is being written. It has its name when it is whole.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use muster_core::ports::{BoxFuture, StoreError};
use muster_core::time::Time;
use serde::Serialize;
use tempfile::TempDir;
use tokio::sync::mpsc::Sender;

use super::line::{Mark, Written};
use super::{Archive, FORMAT};
use crate::cells::Row;
use crate::disk;
use crate::tables;
use crate::transfer::{Blank, Origin as _, Piece, Sums, none};

/// Such a file; it lies in a folder of its own beside where it will be.
pub struct Writing {
    path: PathBuf,
    room: TempDir,
    /// None: everything is written.
    out: Option<BufWriter<GzEncoder<std::fs::File>>>,
    /// Whose rows are being written.
    table: Option<&'static str>,
    sums: Sums,
}

impl Writing {
    /// Begins one that will be the file `path`, in which it says that it was written at `now`. A file that
    /// is there already is left alone.
    pub fn begin(path: &Path, now: Time) -> Result<Self, StoreError> {
        disk::refuse_existing(path)?;
        let explain = |cause| disk::explain_file(cause, path);
        let room = disk::room_beside(path).map_err(explain)?;
        let unfinished = room.path().join(UNFINISHED);
        disk::create(&unfinished).map_err(explain)?;
        let file = OpenOptions::new().write(true).open(&unfinished).map_err(explain)?;
        let out = BufWriter::with_capacity(BUFFER, GzEncoder::new(file, Compression::default()));
        let (path, out) = (path.to_owned(), Some(out));
        let mut begun = Self { path, room, out, table: None, sums: none() };
        let written = now.to_string().into();
        let muster = env!("CARGO_PKG_VERSION").into();
        begun.write(&Mark::Begin { archive: FORMAT, muster, written })?;
        Ok(begun)
    }

    fn unfinished(&self) -> PathBuf {
        self.room.path().join(UNFINISHED)
    }

    fn explain(&self, cause: io::Error) -> StoreError {
        disk::explain_file(cause, &self.path)
    }

    fn write(&mut self, line: &impl Serialize) -> Result<(), StoreError> {
        let Some(out) = &mut self.out else {
            let what = "everything is written already".to_owned();
            return Err(StoreError::Refused { what });
        };
        let written = serde_json::to_writer(&mut *out, line).map_err(io::Error::from);
        written.and_then(|()| out.write_all(b"\n")).map_err(|it| self.explain(it))
    }

    /// Says that everything was there.
    fn end(&mut self) -> Result<(), StoreError> {
        let end: BTreeMap<_, _> =
            self.sums.iter().map(|(table, sum)| ((*table).into(), *sum)).collect();
        self.write(&Mark::End { end })?;
        let Some(out) = self.out.take() else { return Ok(()) };
        let ended = out.into_inner().map_err(io::IntoInnerError::into_error);
        let synced = ended.and_then(GzEncoder::finish).and_then(|it| it.sync_all());
        synced.map_err(|it| self.explain(it))
    }
}

impl Blank for Writing {
    fn put<'a>(
        &'a mut self,
        table: &'static str,
        rows: Vec<Row>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            if self.table != Some(table) {
                let columns = tables::columns(table).unwrap_or_default();
                let columns = columns.iter().map(|it| (*it).into()).collect();
                self.write(&Mark::Table { table: table.into(), columns })?;
                self.table = Some(table);
            }
            self.sums.entry(table).or_default().add_all(&rows);
            for row in &rows {
                self.write(&Written(row))?;
            }
            Ok(())
        })
    }

    fn rows(&mut self, to: Sender<Piece>) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            if self.out.is_some() {
                self.end()?;
            }
            Archive::open(&self.unfinished())?.rows(to).await
        })
    }

    fn finish(self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>> {
        Box::pin(async move { disk::finish_new(&self.unfinished(), &self.path).await })
    }

    fn abandon(self: Box<Self>) -> BoxFuture<'static, ()> {
        // Its folder goes with it.
        Box::pin(async move { drop(self) })
    }
}

impl std::fmt::Debug for Writing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writing").field("path", &self.path).finish_non_exhaustive()
    }
}

const UNFINISHED: &str = "archive";
/// Some rows: the compressor is called with more than a cell.
const BUFFER: usize = 64 << 10;
