//! A real `PostgreSQL` server for a test: on loopback and a socket, in a folder of its own.
#![allow(dead_code, reason = "each test binary uses a part of it")]
#![allow(clippy::unwrap_used, clippy::zombie_processes, reason = "a test that cannot go on ends")]

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// A server; killed when dropped.
pub(crate) struct Postgres {
    folder: TempDir,
    pub(crate) port: u16,
    encrypted: bool,
    as_shipped: bool,
    running: Option<Child>,
}

impl Postgres {
    /// The user that may do everything.
    pub(crate) const USER: &'static str = "muster";
    /// The users' password, over the network; nobody asks for it at the socket.
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
        let password = folder.path().join("password");
        std::fs::write(&password, Self::PASSWORD).unwrap();
        if is_root() {
            succeed(Command::new("chown").arg(SERVANT).arg(&data));
            succeed(Command::new("chown").arg(SERVANT).arg(folder.path()));
        }
        let mut made = tool("initdb");
        made.arg("-D").arg(&data).args(["-U", Self::USER, "-E", "UTF8", "--locale=C.UTF-8"]);
        made.args(["--no-sync", "--auth-local=trust", "--auth-host=scram-sha-256", "--pwfile"]);
        succeed(made.arg(&password));
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let mut server = Self { folder, port, encrypted: false, as_shipped, running: None };
        server.start_again();
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
        std::fs::set_permissions(&key, PermissionsExt::from_mode(0o600)).unwrap();
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
        // Who was killed may still be going.
        for _ in 0..TRIES {
            if self.try_start() {
                return;
            }
        }
        panic!("postgres does not start");
    }

    fn try_start(&mut self) -> bool {
        let at = self.folder.path().display();
        let mut server = tool("postgres");
        server.arg("-D").arg(self.folder.path().join("data"));
        for setting in [
            format!("port={}", self.port),
            format!("unix_socket_directories={at}"),
            "listen_addresses=127.0.0.1".to_owned(),
            "lc_messages=C".to_owned(),
        ] {
            server.args(["-c", &setting]);
        }
        if !self.as_shipped {
            server.args(["-c", "fsync=off", "-c", "shared_buffers=16MB"]);
        }
        if self.encrypted {
            server.args(["-c", "ssl=on", "-c", &format!("ssl_cert_file={at}/certificate.pem")]);
            server.args(["-c", &format!("ssl_key_file={at}/key.pem")]);
        }
        let server = server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = server.spawn().unwrap();
        let said = BufReader::new(child.stderr.take().unwrap());
        self.running = Some(child);
        let mut lines = said.lines().map_while(Result::ok);
        let ready = lines.any(|it| it.ends_with("database system is ready to accept connections"));
        if ready {
            // Read on, or its next word would end it.
            std::thread::spawn(move || lines.count());
        } else {
            self.kill();
        }
        ready
    }

    /// Kills it and everybody who works for it, at once.
    pub(crate) fn kill(&mut self) {
        self.signal("-KILL");
        let Some(mut child) = self.running.take() else { return };
        drop(child.kill());
        drop(child.wait());
    }

    /// Lets it and everybody who works for it stand still.
    pub(crate) fn pause(&self) {
        self.signal("-STOP");
    }

    /// Lets them go on.
    pub(crate) fn go_on(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let Some(pid) = self.running.as_ref().map(Child::id) else { return };
        let workers = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
        let workers = workers.unwrap_or_default();
        let mut kill = Command::new("kill");
        kill.args([signal, &pid.to_string()]).args(workers.split_whitespace());
        // Some of them may have gone by themselves.
        drop(kill.stderr(Stdio::null()).status());
    }

    /// The folder in which its socket is.
    pub(crate) fn socket(&self) -> &Path {
        self.folder.path()
    }

    /// Says something to a database as the user that may do everything.
    #[track_caller]
    pub(crate) fn say(&self, database: &str, sql: &str) -> String {
        let mut client = tool("psql");
        client.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-U", Self::USER]);
        client.arg("-h").arg(self.socket()).args(["-p", &self.port.to_string()]);
        let done = client.args(["-d", database, "-c", sql]).output().unwrap();
        assert!(done.status.success(), "{done:?}");
        String::from_utf8(done.stdout).unwrap().trim().to_owned()
    }

    /// What holds whoever wants to insert into or delete from a table, once that is made in the database it
    /// is said to, as long as there is a row in `test.gate`.
    pub(crate) fn gate(table: &str, verb: &str) -> String {
        format!(
            "CREATE SCHEMA test; CREATE TABLE test.gate AS SELECT true AS is_closed;
            CREATE FUNCTION test.hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                WHILE EXISTS (SELECT FROM test.gate) LOOP PERFORM pg_sleep(0.01); END LOOP;
                RETURN NULL;
            END $$;
            CREATE FUNCTION test.made() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
                IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands()
                        WHERE command_tag = 'CREATE TABLE' AND object_identity = 'public.{table}') THEN
                    CREATE TRIGGER hold BEFORE {verb} ON public.{table}
                        FOR EACH STATEMENT EXECUTE FUNCTION test.hold();
                END IF;
            END $$;
            CREATE EVENT TRIGGER made ON ddl_command_end WHEN TAG IN ('CREATE TABLE')
                EXECUTE FUNCTION test.made();"
        )
    }

    /// Makes a database.
    #[track_caller]
    pub(crate) fn make(&self, database: &str) {
        self.say("postgres", &format!("CREATE DATABASE {database} TEMPLATE template0"));
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.kill();
    }
}

#[track_caller]
fn succeed(command: &mut Command) {
    let done = command.output().unwrap();
    assert!(done.status.success(), "{command:?}: {done:?}");
}

/// A program of the server, which refuses to be run by root.
fn tool(name: &str) -> Command {
    let program = program(name);
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", SERVANT, "--regid", SERVANT, "--clear-groups", "--inh-caps=-all"]);
    command.arg(program).current_dir("/");
    command
}

/// Debian keeps the versions apart; the newest is taken.
fn program(name: &str) -> PathBuf {
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|it| it.filter_map(Result::ok).map(|it| it.path().join("bin").join(name)).collect())
        .unwrap_or_default();
    found.retain(|it| it.is_file());
    found.sort();
    found.pop().unwrap_or_else(|| panic!("no {name}: run `cargo xtask check --job install`"))
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|it| it.uid() == 0)
}

/// Whom Debian's package makes for it.
const SERVANT: &str = "postgres";
const TRIES: usize = 200;
