//! A real Graphite for a test: carbon-cache in a folder of its own takes the lines, whisper gives
//! back what it keeps.
#![allow(dead_code, reason = "each test binary uses a part of it")]
#![allow(clippy::unwrap_used, clippy::zombie_processes, reason = "a test that cannot go on ends")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::UNIX_EPOCH;

use tempfile::TempDir;

/// carbon-cache in a folder of its own, on loopback.
pub(crate) struct Carbon {
    folder: TempDir,
    pub(crate) address: SocketAddr,
    running: Option<Child>,
}

impl Carbon {
    /// One that keeps a day of a value every so many seconds.
    pub(crate) fn prepare(every: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
        let conf = folder.path().join("conf");
        std::fs::create_dir(&conf).unwrap();
        let at = folder.path().display();
        let port = address.port();
        let settings = format!(
            "[cache]\nSTORAGE_DIR = {at}\nCONF_DIR = {at}/conf\nLOCAL_DATA_DIR = {at}/whisper\n\
             WHITELISTS_DIR = {at}/lists\nLOG_DIR = {at}/log\nPID_DIR = {at}\nUSER =\n\
             LINE_RECEIVER_INTERFACE = 127.0.0.1\nLINE_RECEIVER_PORT = {port}\n\
             PICKLE_RECEIVER_INTERFACE = 127.0.0.1\nPICKLE_RECEIVER_PORT = 0\n\
             CACHE_QUERY_INTERFACE = 127.0.0.1\nCACHE_QUERY_PORT = 0\n\
             MAX_UPDATES_PER_SECOND = inf\nMAX_CREATES_PER_MINUTE = inf\n\
             ENABLE_TAGS = False\nCARBON_METRIC_INTERVAL = 0\n"
        );
        std::fs::write(conf.join("carbon.conf"), settings).unwrap();
        let schema = format!("[default]\npattern = .*\nretentions = {every}s:1d\n");
        std::fs::write(conf.join("storage-schemas.conf"), schema).unwrap();
        Self { folder, address, running: None }
    }

    /// Starts it, and waits until it says that it takes lines.
    pub(crate) fn start(&mut self) {
        let mut child = tool("carbon-cache.py")
            .arg(format!("--config={}/conf/carbon.conf", self.folder.path().display()))
            .args(["--nodaemon", "start"])
            .env("GRAPHITE_ROOT", self.folder.path())
            .env("PYTHONUNBUFFERED", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stdout.take().unwrap());
        self.running = Some(child);
        let ready = format!("CarbonReceiverFactory starting on {}", self.address.port());
        let mut lines = said.lines().map_while(Result::ok);
        assert!(lines.any(|it| it.contains(&ready)), "carbon ended before it took lines");
        // Read on, or its next word would end it.
        std::thread::spawn(move || lines.count());
    }

    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.running.take() {
            drop(child.kill());
            drop(child.wait());
        }
    }

    /// The real time, as the file system tells it.
    pub(crate) fn now(&self) -> i64 {
        let file = self.folder.path().join("now");
        std::fs::write(&file, "").unwrap();
        let modified = std::fs::metadata(&file).unwrap().modified().unwrap();
        i64::try_from(modified.duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
    }

    /// Asks until all of these series have every point after a time, up to another. Whisper answers
    /// as fast as a process starts.
    #[track_caller]
    pub(crate) fn wait_for(&self, all: &[&str], after: i64, to: i64) {
        let missing = |series: &&&str| {
            let points = self.fetch(series, after, to);
            points.is_empty() || points.values().any(Option::is_none)
        };
        let mut late = all.first();
        for _ in 0..ASKED {
            late = all.iter().find(missing);
            if late.is_none() {
                return;
            }
        }
        let points = late.map(|it| self.fetch(it, after, to));
        panic!("{late:?} is missing after {after}: {points:?}");
    }

    /// Asks until the last so many seconds of a series are missing, of those that are over.
    #[track_caller]
    pub(crate) fn wait_for_gap(&self, series: &str, seconds: i64) {
        let is_gap = |_| {
            let over = self.now() - 1;
            let points = self.fetch(series, over - seconds, over);
            !points.is_empty() && points.values().all(Option::is_none)
        };
        assert!((0..ASKED).any(is_gap), "{series} goes on");
    }

    /// What whisper has after a time, up to another: the slot's time, and the value.
    pub(crate) fn fetch(&self, series: &str, after: i64, to: i64) -> BTreeMap<i64, Option<u16>> {
        let file = self.folder.path().join(format!("whisper/home/presence/{series}.wsp"));
        let out = tool("whisper-fetch.py")
            .args([format!("--from={after}"), format!("--until={to}")])
            .arg(file)
            .output()
            .unwrap();
        if !out.status.success() {
            return BTreeMap::new();
        }
        let text = String::from_utf8(out.stdout).unwrap();
        let points = text.lines().map(|line| {
            let (at, value) = line.split_once('\t').unwrap();
            let value = value.parse::<f64>().ok();
            let whole = value.map(|it| format!("{it}").parse().unwrap());
            (at.parse().unwrap(), whole)
        });
        points.collect()
    }
}

impl Drop for Carbon {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A program of the real Graphite, which the check installs.
fn tool(name: &str) -> Command {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let programs = target.join("venv/bin");
    let program = programs.join(name);
    assert!(program.exists(), "no {name}: run `cargo xtask check --job install`");
    let mut command = Command::new(programs.join("python"));
    command.arg(program);
    command
}

/// How often whisper is asked at most: each takes a tenth of a second or more.
const ASKED: usize = 300;
