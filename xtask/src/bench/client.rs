//! As much of HTTP/1.1 (RFC 9112) as measuring needs: no library's time is measured along.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, ensure};

/// The bytes of the first page.
pub(super) fn page(port: u16) -> anyhow::Result<usize> {
    let answer = exchange(port, &format!("GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{END}"))?;
    ensure!(answer.starts_with(b"HTTP/1.1 200") || answer.starts_with(b"HTTP/1.0 200"), "no page");
    Ok(answer.len())
}

/// What stands at a path.
pub(super) fn get(port: u16, path: &str) -> anyhow::Result<String> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{END}");
    let answer = String::from_utf8(exchange(port, &request)?)?;
    ensure!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
    let (_, body) = answer.split_once("\r\n\r\n").context("no body")?;
    Ok(body.to_owned())
}

/// A write.
pub(super) fn put(port: u16, path: &str, json: &str) -> anyhow::Result<()> {
    let length = json.len();
    let request = format!(
        "PUT {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n{END}{json}"
    );
    let answer = exchange(port, &request)?;
    ensure!(answer.starts_with(b"HTTP/1.1 200"), "refused: {}", String::from_utf8_lossy(&answer));
    Ok(())
}

fn exchange(port: u16, request: &str) -> anyhow::Result<Vec<u8>> {
    let mut stream = connect(port)?;
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
}

fn connect(port: u16) -> anyhow::Result<TcpStream> {
    let stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// The stream of changes.
pub(super) struct Events(BufReader<TcpStream>);

impl Events {
    pub(super) fn open(port: u16) -> anyhow::Result<Self> {
        let mut stream = connect(port)?;
        let request = format!(
            "GET /api/v1/stream HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: text/event-stream\r\n\r\n"
        );
        stream.write_all(request.as_bytes())?;
        let mut lines = BufReader::new(stream);
        let mut line = String::new();
        lines.read_line(&mut line)?;
        ensure!(line.starts_with("HTTP/1.1 200"), "no stream: {line}");
        while line.trim() != "" {
            line.clear();
            lines.read_line(&mut line)?;
        }
        Ok(Self(lines))
    }

    /// Waits for a change of this kind.
    pub(super) fn next(&mut self, kind: &str) -> anyhow::Result<()> {
        self.next_about(kind, "")
    }

    /// Waits for a change of this kind with these words in it.
    pub(super) fn next_about(&mut self, kind: &str, words: &str) -> anyhow::Result<()> {
        let wanted = format!("\"kind\":\"{kind}\"");
        let mut line = String::new();
        loop {
            line.clear();
            ensure!(self.0.read_line(&mut line).context("no change came")? > 0, "the stream ended");
            if line.contains(&wanted) && line.contains(words) {
                return Ok(());
            }
        }
    }
}

const END: &str = "Connection: close\r\n\r\n";
const PATIENCE: Duration = Duration::from_secs(30);
