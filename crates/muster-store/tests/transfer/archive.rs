//! Everything into a file, and out of it into every kind of store.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use muster_core::ports::StoreError;
use muster_core::time::Time;
use muster_store::archive::{Archive, Writing};
use muster_store::sqlite::{Backup, Over, Sqlite};
use muster_store::transfer::{self, Moment};
use muster_store::{Access, FileError, conformance};

use super::{KINDS, Kind, Places};

async fn write(places: &Places, kind: Kind, name: &str, to: &Path) -> Result<(), StoreError> {
    let source = places.open(kind, name, Access::ReadOnly).await?;
    let blank = Box::new(Writing::begin(to, Time::from_secs(1_800_000_000))?);
    let copied = transfer::copy(&Moment(&*source), blank).await?;
    assert!(copied["winners"] > 0 && copied["heard"] > 0, "{copied:?}");
    source.close().await
}

#[tokio::test]
async fn every_kind_becomes_a_file_and_that_every_kind() {
    let places = Places::new();
    for (number, from) in KINDS.into_iter().enumerate() {
        let name = format!("from_{number}");
        let (source, model, _) = places.scene(from, &name, 20 + number as u64).await;
        let file = places.folder.path().join(format!("{name}.gz"));
        // Also while somebody writes.
        write(&places, from, &name, &file).await.unwrap();
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        source.close().await.unwrap();
        let archive = Archive::open(&file).unwrap();
        for (other, to) in KINDS.into_iter().enumerate() {
            let name = format!("to_{number}_{other}");
            places.make(to, &name);
            transfer::copy(&archive, places.fill(to, &name).await.unwrap()).await.unwrap();
            let store = places.open(to, &name, Access::ReadWrite).await.unwrap();
            conformance::agrees(&*store, &model).await.unwrap();
            store.close().await.unwrap();
        }
        // In the place of a file that is there already.
        let home = places.file(&format!("to_{number}_0"));
        let backup = Backup::unpack(&archive, &home).await.unwrap();
        backup.restore(&home, Over::TheStore).await.unwrap().put_in_place().unwrap();
        let name = format!("to_{number}_0");
        let store = places.open(Kind::Sqlite, &name, Access::ReadOnly).await.unwrap();
        conformance::agrees(&*store, &model).await.unwrap();
        let taken = write(&places, Kind::Sqlite, &name, &file).await.unwrap_err().to_string();
        assert!(taken.contains("left alone"), "{taken}");
    }
}

/// A file of a store, and where it may be harmed.
async fn archive(places: &Places) -> (PathBuf, Vec<u8>, String) {
    let (source, _, _) = places.scene(Kind::Sqlite, "home", 30).await;
    source.close().await.unwrap();
    let file = places.folder.path().join("home.gz");
    write(places, Kind::Sqlite, "home", &file).await.unwrap();
    let bytes = std::fs::read(&file).unwrap();
    let mut text = String::new();
    GzDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap();
    (file, bytes, text)
}

/// Why a file is not restored; nothing comes of it.
async fn refusal(places: &Places, file: &Path, bytes: &[u8]) -> StoreError {
    std::fs::write(file, bytes).unwrap();
    let name = "new";
    let blank = places.fill(Kind::Sqlite, name).await.unwrap();
    let error = transfer::copy(&Archive::open(file).unwrap(), blank).await.unwrap_err();
    places.open(Kind::Sqlite, name, Access::ReadOnly).await.unwrap_err();
    error.into()
}

#[tokio::test]
async fn what_is_not_a_whole_archive_is_no_store() {
    let places = Places::new();
    let (file, bytes, text) = archive(&places).await;
    places.make(Kind::Sqlite, "new");
    for length in (0..bytes.len()).step_by(bytes.len() / 20) {
        let error = refusal(&places, &file, &bytes[..length]).await;
        assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
        let mut harmed = bytes.clone();
        harmed[length] ^= 0x10;
        // But for what a name or a date in its head is, each octet counts.
        if length >= 10 {
            refusal(&places, &file, &harmed).await;
        }
    }
    let more = refusal(&places, &file, &[&bytes[..], b"more"].concat()).await.to_string();
    assert!(more.ends_with("more comes after its end") || more.contains("line"), "{more}");
    assert!(text.starts_with("{\"archive\":1,\"muster\":\""), "{}", text.lines().next().unwrap());
    let lines: Vec<&str> = text.lines().collect();
    let row = lines.iter().position(|it| it.starts_with('[')).unwrap();
    let table = lines.iter().position(|it| it.starts_with("{\"table\":\"stay\"")).unwrap();
    let without = |at: usize| [&lines[..at], &lines[at + 1..]].concat();
    let instead = |at: usize, it: String| {
        let mut all: Vec<String> = lines.iter().map(ToString::to_string).collect();
        all[at] = it;
        all
    };
    let cases: [(Vec<String>, &str); 8] = [
        (Vec::new(), "line 1"),
        (without(0).iter().map(ToString::to_string).collect(), "line 1"),
        (without(row).iter().map(ToString::to_string).collect(), "not those that were written"),
        (without(lines.len() - 1).iter().map(ToString::to_string).collect(), "ends in the middle"),
        (instead(0, lines[0].replace(":1,", ":2,")), "in form 2 than this one"),
        (instead(table, lines[table].replace("stay", "rooms")), "restore it with that one"),
        (instead(table, lines[table].replace("\"id\"", "\"key\"")), "restore it with that one"),
        (instead(row, "[{}]".to_owned()), "line 3"),
    ];
    for (lines, want) in cases {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        for line in lines {
            writeln!(packed, "{line}").unwrap();
        }
        let error = refusal(&places, &file, &packed.finish().unwrap()).await;
        let mut said = error.to_string();
        if let Some(it) = std::error::Error::source(&error) {
            said = format!("{said}: {it}");
        }
        assert!(said.contains(want), "{want}: {said}");
    }
}

#[tokio::test]
async fn what_has_its_name_by_then_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("all.gz");
    let blank = Box::new(Writing::begin(&path, Time::default()).unwrap());
    std::fs::write(&path, "somebody else's").unwrap();
    let home = tempfile::tempdir().unwrap();
    let store = Sqlite::open(&home.path().join("home.db"), Access::ReadWrite).await.unwrap();
    let refused = transfer::copy(&Moment(&store), blank).await.unwrap_err();
    assert!(matches!(StoreError::from(refused), StoreError::Refused { .. }));
    assert_eq!(std::fs::read(&path).unwrap(), b"somebody else's");
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "nothing else is left");

    // What is wrong with the file is not told of a store.
    let nowhere = Writing::begin(&folder.path().join("no/all.gz"), Time::default()).unwrap_err();
    let told = FileError::of(nowhere).unwrap();
    assert_eq!(told.kind(), std::io::ErrorKind::NotFound);
    assert!(told.to_string().starts_with("there is no such folder: "), "{told}");
}
