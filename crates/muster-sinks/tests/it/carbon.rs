//! The real Graphite: carbon stores what the sink sends, whisper gives it back, also after it was
//! killed and stayed away for ten minutes.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, UNIX_EPOCH};

use muster_config::graphite::GraphiteSettings;
use muster_core::ports::{Sample, SeriesSink};
use muster_core::series::feed::{Feed, Pace};
use muster_core::time::{Now, Time};
use muster_sinks::graphite::Graphite;
use tempfile::TempDir;

#[tokio::test]
async fn every_point_is_there_after_ten_minutes_without_carbon() {
    let mut carbon = Carbon::prepare();
    carbon.start();
    let settings = GraphiteSettings {
        address: carbon.address.to_string().parse().unwrap(),
        ..Default::default()
    };
    let mut sink = Graphite::new(&settings);
    // Virtual time, in the hour before the real one: whisper keeps only what is not too old.
    let start = carbon.now() - 3_600;
    let mut feed = Feed::new(PACE, None, now(start));
    let first = start.div_euclid(5) * 5 - 5;

    let mut second = start;
    live(&mut feed, &mut sink, &mut second, 600).await;
    // The last minute is still in carbon's memory, or on its way to the disk.
    carbon.wait_for(first, second - 65);
    carbon.kill();
    live(&mut feed, &mut sink, &mut second, 600).await;
    assert!(feed.backlog(now(second)) >= 600 / 5, "nobody took anything meanwhile");
    carbon.start();
    live(&mut feed, &mut sink, &mut second, 600).await;
    assert_eq!((feed.backlog(now(second)), feed.dropped()), (0, 0));

    carbon.wait_for(first, second - 6);
    for series in ["anna/is_home", "count_home"] {
        let read = carbon.fetch(series, first, second - 6);
        assert!(read.len() >= 1_790 / 5, "{}", read.len());
        for (at, value) in read {
            assert_eq!(value, Some(value_at(at)), "{series} at {at}");
        }
    }
}

const PACE: Pace = Pace {
    every: Duration::from_secs(5),
    backfill: Duration::from_hours(24),
    unsure: Duration::from_mins(1),
};

async fn live(feed: &mut Feed, sink: &mut Graphite, second: &mut i64, seconds: i64) {
    for _ in 0..seconds {
        *second += 1;
        let now = now(*second);
        while let Some(piece) = feed.poll(now) {
            let samples: Vec<Sample> = feed.times(piece).map(sample).collect();
            match sink.deliver(&samples).await {
                Ok(()) => feed.handle_delivered(piece, now),
                Err(_) => feed.handle_failed(now),
            }
        }
    }
}

fn sample(at: Time) -> Sample {
    let value = f64::from(value_at(at.secs()));
    let values = vec![("anna.is_home".to_owned(), value), ("count_home".to_owned(), value)];
    Sample { at, values }
}

/// A different value often enough that a point in the wrong slot is noticed.
fn value_at(second: i64) -> u16 {
    u16::try_from((second / 5) % 7).unwrap()
}

fn now(second: i64) -> Now {
    Now { mono: Duration::from_secs(second.unsigned_abs()), wall: Time::from_secs(second) }
}

/// carbon-cache in a folder of its own, on loopback.
struct Carbon {
    folder: TempDir,
    address: SocketAddr,
    running: Option<Child>,
}

impl Carbon {
    fn prepare() -> Self {
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
        let schema = "[default]\npattern = .*\nretentions = 5s:1d\n";
        std::fs::write(conf.join("storage-schemas.conf"), schema).unwrap();
        Self { folder, address, running: None }
    }

    /// Starts it, and waits until it says that it takes lines.
    fn start(&mut self) {
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

    fn kill(&mut self) {
        if let Some(mut child) = self.running.take() {
            drop(child.kill());
            drop(child.wait());
        }
    }

    /// The real time, as the file system tells it.
    fn now(&self) -> i64 {
        let file = self.folder.path().join("now");
        std::fs::write(&file, "").unwrap();
        let modified = std::fs::metadata(&file).unwrap().modified().unwrap();
        i64::try_from(modified.duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
    }

    /// Asks until every point of a window is on disk; whisper answers as fast as a process starts.
    #[track_caller]
    fn wait_for(&self, after: i64, to: i64) {
        let complete = |series| {
            let points = self.fetch(series, after, to);
            !points.is_empty() && points.values().all(Option::is_some)
        };
        let enough = (0..ASKED).any(|_| complete("anna/is_home") && complete("count_home"));
        assert!(enough, "missing: {:?}", self.fetch("anna/is_home", after, to));
    }

    /// What whisper has after a time, up to another: the slot's time, and the value.
    fn fetch(&self, series: &str, after: i64, to: i64) -> BTreeMap<i64, Option<u16>> {
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
