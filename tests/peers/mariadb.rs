//! A real `MariaDB` server for a test: on loopback and a socket, in a folder of its own.
#![allow(dead_code, reason = "each test binary uses a part of it")]
#![allow(clippy::unwrap_used, clippy::zombie_processes, reason = "a test that cannot go on ends")]

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// A server; killed when dropped.
pub(crate) struct MariaDb {
    folder: TempDir,
    pub(crate) port: u16,
    encrypted: bool,
    as_shipped: bool,
    running: Option<Child>,
}

impl MariaDb {
    /// The user that may do everything over the network.
    pub(crate) const USER: &'static str = "muster";
    /// The users' password.
    pub(crate) const PASSWORD: &'static str = "s3cret-of-a-test";

    /// Starts one without databases.
    pub(crate) fn start() -> Self {
        Self::made(false)
    }

    /// The same with the server's own settings: what it answered is on the disk.
    pub(crate) fn start_as_shipped() -> Self {
        Self::made(true)
    }

    fn made(as_shipped: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
        let data = folder.path().join("data");
        std::fs::create_dir(&data).unwrap();
        if is_root() {
            succeed(Command::new("chown").arg(SERVANT).arg(&data));
            succeed(Command::new("chown").arg(SERVANT).arg(folder.path()));
        }
        let mut made = tool("mariadb-install-db");
        made.args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"]);
        // Whoever starts clears away what lies in the folder for what is temporary.
        made.arg(format!("--tmpdir={}", folder.path().display()));
        succeed(made.arg(format!("--datadir={}", data.display())));
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let mut server = Self { folder, port, encrypted: false, as_shipped, running: None };
        server.start_again();
        let (user, password) = (Self::USER, Self::PASSWORD);
        let sql = format!(
            "CREATE USER {user}@'%' IDENTIFIED BY '{password}'; \
             GRANT ALL ON *.* TO {user}@'%' WITH GRANT OPTION"
        );
        server.say("mysql", &sql);
        server
    }

    /// The same, over TLS if somebody wants it, with a certificate for 127.0.0.1 that it signed itself.
    pub(crate) fn start_encrypted() -> Self {
        let mut server = Self::start();
        server.kill();
        let (key, certificate) = (server.folder.path().join("key.pem"), server.certificate());
        let mut openssl = Command::new("openssl");
        openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]);
        openssl.args(["-nodes", "-days", "3650", "-subj", "/CN=127.0.0.1"]);
        openssl.args(["-addext", "subjectAltName=IP:127.0.0.1"]);
        openssl.args(["-addext", "basicConstraints=critical,CA:false"]);
        succeed(openssl.arg("-keyout").arg(&key).arg("-out").arg(&certificate));
        if is_root() {
            succeed(Command::new("chown").arg(SERVANT).arg(&key));
        }
        server.encrypted = true;
        server.start_again();
        server
    }

    /// The file with the certificate that it shows.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.folder.path().join("certificate.pem")
    }

    /// Starts it where it stopped.
    pub(crate) fn start_again(&mut self) {
        let mut server = tool("mariadbd");
        let at = self.folder.path().display();
        server.args(["--no-defaults", "--bind-address=127.0.0.1", "--skip-name-resolve"]);
        if !self.as_shipped {
            // A killed process leaves to the system what it has written; that is enough here.
            server.args(["--innodb-flush-log-at-trx-commit=2", "--innodb-buffer-pool-size=16M"]);
        }
        server.args([format!("--port={}", self.port), format!("--datadir={at}/data")]);
        server.args([format!("--socket={at}/socket"), format!("--pid-file={at}/pid")]);
        server.arg(format!("--tmpdir={at}"));
        if self.encrypted {
            server.args([
                format!("--ssl-cert={at}/certificate.pem"),
                format!("--ssl-key={at}/key.pem"),
            ]);
        }
        let server = server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = server.spawn().unwrap();
        let said = BufReader::new(child.stderr.take().unwrap());
        self.running = Some(child);
        let mut lines = said.lines().map_while(Result::ok);
        assert!(lines.any(|it| it.contains("ready for connections")), "mariadbd does not start");
        // Read on, or its next word would end it.
        std::thread::spawn(move || lines.count());
    }

    /// Kills it at once.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.running.take() {
            drop(child.kill());
            drop(child.wait());
        }
    }

    /// Lets it stand still where it is.
    pub(crate) fn pause(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on.
    pub(crate) fn go_on(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let pid = self.running.as_ref().unwrap().id().to_string();
        succeed(Command::new("kill").args([signal, &pid]));
    }

    /// Its socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    /// Says something to a database as the user that may do everything.
    #[track_caller]
    pub(crate) fn say(&self, database: &str, sql: &str) -> String {
        let mut client = tool("mariadb");
        client.args(["--no-defaults", "-u", "root", "-N", "-B"]);
        client.arg(format!("--socket={}", self.socket().display()));
        let done = client.args(["-e", sql, database]).output().unwrap();
        assert!(done.status.success(), "{done:?}");
        String::from_utf8(done.stdout).unwrap().trim().to_owned()
    }

    /// Makes a database.
    #[track_caller]
    pub(crate) fn make(&self, database: &str) {
        self.say("mysql", &format!("CREATE DATABASE {database}"));
    }
}

impl Drop for MariaDb {
    fn drop(&mut self) {
        self.kill();
    }
}

#[track_caller]
fn succeed(command: &mut Command) {
    let done = command.output().unwrap();
    assert!(done.status.success(), "{command:?}: {done:?}");
}

/// A program of the server, which need not be root.
fn tool(name: &str) -> Command {
    let places = ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"];
    let found = places.iter().map(|it| Path::new(it).join(name)).find(|it| it.is_file());
    let program =
        found.unwrap_or_else(|| panic!("no {name}: run `cargo xtask check --job install`"));
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", SERVANT, "--regid", SERVANT, "--clear-groups", "--inh-caps=-all"]);
    command.arg(program).current_dir("/");
    command
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|it| it.uid() == 0)
}

/// Whom Debian's package makes for it.
const SERVANT: &str = "mysql";
