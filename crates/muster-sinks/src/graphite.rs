//! Graphite, plaintext protocol over TCP: one connection, reused.
//!
//! The protocol has no answers, so *delivered* is judged from outside: everything that was written
//! is acknowledged by the peer's machine, and the connection outlived that. What the peer itself
//! had only in memory when it died is not known, which is what [`Graphite::unsure`] is for: carbon
//! flushes within a minute. **Invariant:** a connection that broke, was given up or was left in the
//! middle of a line is never used again.

use std::time::Duration;

use muster_config::graphite::GraphiteSettings;
use muster_core::ports::{BoxFuture, Sample, SeriesSink, SinkError};
use muster_wire::graphite::push_line;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use self::trouble::Trouble;

mod line;
mod trouble;

/// The sink.
#[derive(Debug)]
pub struct Graphite {
    address: String,
    prefix: String,
    patience: Duration,
    connection: Option<TcpStream>,
}

impl Graphite {
    /// A sink that connects once there is something to deliver.
    #[must_use]
    pub fn new(settings: &GraphiteSettings) -> Self {
        Self {
            address: settings.address.as_str().to_owned(),
            prefix: settings.prefix.as_str().to_owned(),
            patience: PATIENCE,
            connection: None,
        }
    }

    /// The same sink with another patience: how long the peer may take nothing at all before the
    /// connection is given up.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    async fn send(&mut self, lines: &[u8]) -> Result<(), Trouble> {
        // Taken out, so that neither an error nor a dropped future leaves half a line behind.
        let mut connection = match self.connection.take() {
            Some(it) => it,
            None => self.connect().await?,
        };
        line::outlived(&connection)?;
        let mut rest = lines;
        while !rest.is_empty() {
            let written = timeout(self.patience, connection.write(rest)).await;
            match written.map_err(|_| Trouble::Stuck { patience: self.patience })? {
                Ok(0) => return Err(Trouble::Closed),
                Ok(taken) => rest = rest.get(taken..).unwrap_or_default(),
                Err(cause) => return Err(Trouble::Lost { cause }),
            }
        }
        self.drain(&connection).await?;
        self.connection = Some(connection);
        Ok(())
    }

    async fn connect(&self) -> Result<TcpStream, Trouble> {
        let refused = |cause| Trouble::Connect { address: self.address.clone(), cause };
        let connected = timeout(self.patience, TcpStream::connect(&self.address)).await;
        let late = |_| refused(std::io::ErrorKind::TimedOut.into());
        let connection = connected.map_err(late)?.map_err(refused)?;
        // Every delivery is written as one, and waited for.
        connection.set_nodelay(true).map_err(|cause| Trouble::Lost { cause })?;
        Ok(connection)
    }

    /// Waits until the peer's machine has acknowledged everything; there is no event for it.
    async fn drain(&self, connection: &TcpStream) -> Result<(), Trouble> {
        let (mut left, mut waited, mut pause) = (usize::MAX, Duration::ZERO, SHORTEST_PAUSE);
        loop {
            let now = line::unacknowledged(connection)?;
            line::outlived(connection)?;
            if now == 0 {
                return Ok(());
            }
            if now < left {
                (left, waited) = (now, Duration::ZERO);
            } else if waited >= self.patience {
                return Err(Trouble::Stuck { patience: self.patience });
            }
            sleep(pause).await;
            waited += pause;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn lines(&self, samples: &[Sample]) -> String {
        let mut text = String::new();
        let mut path = format!("{}.", self.prefix);
        let base = path.len();
        for sample in samples {
            for (name, value) in &sample.values {
                path.truncate(base);
                path.push_str(name);
                push_line(&mut text, &path, *value, sample.at);
            }
        }
        text
    }
}

impl SeriesSink for Graphite {
    fn deliver<'a>(&'a mut self, samples: &'a [Sample]) -> BoxFuture<'a, Result<(), SinkError>> {
        Box::pin(async move {
            let lines = self.lines(samples);
            if lines.is_empty() {
                return Ok(());
            }
            self.send(lines.as_bytes()).await.map_err(|it| SinkError::Retry(it.into()))
        })
    }

    fn unsure(&self) -> Duration {
        UNSURE
    }
}

/// How long a peer may take nothing: longer than a busy small computer pauses for its disk.
const PATIENCE: Duration = Duration::from_secs(10);
/// What carbon may have had only in memory when it died (requirement: the last 60 s).
const UNSURE: Duration = Duration::from_mins(1);
/// How often an acknowledgement is looked for: at first, and at the least.
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);
