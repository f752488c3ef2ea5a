//! A real MQTT broker for a test: mosquitto on loopback, with its own clients as receivers.
#![allow(dead_code, reason = "each test binary uses a part of it")]
#![allow(clippy::unwrap_used, clippy::zombie_processes, reason = "a test that cannot go on ends")]

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// mosquitto in a folder of its own; killed when dropped.
pub(crate) struct Mosquitto {
    folder: TempDir,
    pub(crate) address: SocketAddr,
    /// User and password, where it takes nobody else.
    login: Option<(&'static str, &'static str)>,
    encrypted: bool,
    running: Option<Child>,
}

impl Mosquitto {
    /// One that takes everybody.
    pub(crate) fn open() -> Self {
        Self::prepare(None, false)
    }

    /// One that takes one user.
    pub(crate) fn closed(user: &'static str, password: &'static str) -> Self {
        Self::prepare(Some((user, password)), false)
    }

    /// One that takes everybody, over TLS, with a certificate for 127.0.0.1 that it signed itself.
    pub(crate) fn encrypted() -> Self {
        Self::prepare(None, true)
    }

    fn prepare(login: Option<(&'static str, &'static str)>, encrypted: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // The hub may be somebody else than the tester.
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
        let address = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
        let at = folder.path().display();
        let mut conf = format!("listener {} 127.0.0.1\nlog_dest stderr\n", address.port());
        if is_root() {
            conf.push_str("user root\n");
        }
        if let Some((user, password)) = login {
            let file = folder.path().join("users");
            let mut made = tool("mosquitto_passwd");
            let made = made.arg("-c").arg("-b").arg(file).args([user, password]).output().unwrap();
            assert!(made.status.success(), "{made:?}");
            write!(conf, "allow_anonymous false\npassword_file {at}/users\n").unwrap();
        } else {
            conf.push_str("allow_anonymous true\n");
        }
        if encrypted {
            certificate(folder.path());
            write!(conf, "certfile {at}/certificate.pem\nkeyfile {at}/key.pem\n").unwrap();
        }
        std::fs::write(folder.path().join("mosquitto.conf"), conf).unwrap();
        let mut broker = Self { folder, address, login, encrypted, running: None };
        broker.start();
        broker
    }

    /// Starts it, and waits until it says that it runs.
    pub(crate) fn start(&mut self) {
        let mut child = tool("mosquitto")
            .arg("-c")
            .arg(self.folder.path().join("mosquitto.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stderr.take().unwrap());
        self.running = Some(child);
        let mut lines = said.lines().map_while(Result::ok);
        assert!(lines.any(|it| it.ends_with(" running")), "mosquitto ended before it ran");
        // Read on, or its next word would end it.
        std::thread::spawn(move || lines.count());
    }

    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.running.take() {
            drop(child.kill());
            drop(child.wait());
        }
    }

    /// Stops it where it is: its connections stay, and nothing comes.
    pub(crate) fn freeze(&self) {
        let pid = self.running.as_ref().unwrap().id().to_string();
        assert!(tool("kill").args(["-STOP", &pid]).status().unwrap().success());
    }

    /// The file with the certificate that it shows.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.folder.path().join("certificate.pem")
    }

    /// Publishes a message.
    #[track_caller]
    pub(crate) fn publish(&self, topic: &str, message: &str) {
        succeed(self.client("mosquitto_pub").args(["-t", topic, "-m", message]));
    }

    /// Publishes one that the broker keeps.
    #[track_caller]
    pub(crate) fn retain(&self, topic: &str, message: &str) {
        succeed(self.client("mosquitto_pub").args(["-r", "-t", topic, "-m", message]));
    }

    /// Publishes one message for each line, over one connection.
    #[track_caller]
    pub(crate) fn publish_lines(&self, topic: &str, lines: &str) {
        let mut child = self
            .client("mosquitto_pub")
            .args(["-l", "-t", topic])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success());
    }

    /// A client that publishes a message every second, with a last will that is kept: a receiver.
    pub(crate) fn repeat(&self, topic: &str, message: &str, status: &str) -> Connected {
        let child = self
            .client("mosquitto_pub")
            .args(["-t", topic, "-m", message, "--repeat", "100000", "--repeat-delay", "1"])
            .args(["--will-topic", status, "--will-payload", "offline", "--will-retain"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Connected(child.unwrap())
    }

    fn client(&self, name: &str) -> Command {
        let mut command = tool(name);
        command.args(["-h", "127.0.0.1", "-p", &self.address.port().to_string()]);
        if let Some((user, password)) = self.login {
            command.args(["-u", user, "-P", password]);
        }
        if self.encrypted {
            command.arg("--cafile").arg(self.certificate());
        }
        command
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A client; it dies without a word when dropped.
pub(crate) struct Connected(Child);

impl Drop for Connected {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[track_caller]
fn succeed(command: &mut Command) {
    let done = command.output().unwrap();
    assert!(done.status.success(), "{done:?}");
}

/// A certificate for 127.0.0.1 and its key.
fn certificate(folder: &Path) {
    let mut openssl = tool("openssl");
    openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]);
    openssl.args(["-nodes", "-days", "3650", "-subj", "/CN=127.0.0.1"]);
    openssl.args(["-addext", "subjectAltName=IP:127.0.0.1"]);
    openssl.args(["-addext", "basicConstraints=critical,CA:false"]);
    openssl.arg("-keyout").arg(folder.join("key.pem"));
    openssl.arg("-out").arg(folder.join("certificate.pem"));
    let made = openssl.output().unwrap();
    assert!(made.status.success(), "{made:?}");
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").is_ok_and(|it| it.uid() == 0)
}

/// A program that the check installs; servers are not on everybody's path.
fn tool(name: &str) -> Command {
    let places = ["/usr/sbin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/local/bin"];
    let found = places.iter().map(|it| Path::new(it).join(name)).find(|it| it.is_file());
    let found = found.unwrap_or_else(|| panic!("no {name}: run `cargo xtask check --job install`"));
    Command::new(found)
}
