//! The services: nginx as Debian builds it, PyJWT, jsonwebtoken of npm.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use observer_tests::limits::limit;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::group::Group;
use crate::namespace::Namespace;
use crate::traffic::{AUDIENCE, ISSUER};

/// One test has the host at a time, because they count what happens on it.
pub fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    // A test that failed has cleaned up all the same: its services end when they are dropped.
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The root of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// A service that validates. It ends when this is dropped.
pub struct Validator {
    child: Child,
    _stdin: ChildStdin,
    pub port: u16,
}

impl Validator {
    pub fn python(keys: &Path) -> Self {
        let mut command = Command::new("python3");
        command
            .arg(root().join("tests/lab/validator.py"))
            .env("PYTHONPATH", root().join("target/lab/python"));
        Self::start(command, keys)
    }

    pub fn node(keys: &Path) -> Self {
        let mut command = Command::new("node");
        command
            .arg(root().join("tests/lab/validator.js"))
            .env("NODE_PATH", root().join("target/lab/node/node_modules"));
        Self::start(command, keys)
    }

    fn start(mut command: Command, keys: &Path) -> Self {
        let mut child = command
            .arg(keys)
            .args([ISSUER, AUDIENCE])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("starting a validator; `cargo xtask test` installs what it needs");
        let stdin = child.stdin.take().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let port = line.trim().parse().unwrap_or_else(|_| {
            panic!("{command:?} did not say its port; `cargo xtask test` installs what it needs")
        });
        Self {
            child,
            _stdin: stdin,
            port,
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }
}

impl Drop for Validator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// nginx with a configuration and a folder of its own.
pub struct Nginx {
    child: Child,
    folder: TempDir,
    pub port: u16,
}

impl Nginx {
    /// On a free port of 127.0.0.1.
    pub fn start() -> Self {
        Self::with(None, "127.0.0.1", "")
    }

    /// On a free port of an address with options of `listen`, in a namespace or not.
    pub fn with(namespace: Option<&Namespace>, address: &str, options: &str) -> Self {
        let command = match namespace {
            Some(namespace) => namespace.command("nginx"),
            None => Command::new("nginx"),
        };
        Self::configured(command, |_, port| {
            format!("listen {address}:{port} {options};")
        })
    }

    /// In a cgroup of its own.
    pub fn in_group(group: &Group) -> Self {
        Self::configured(group.command("nginx"), |_, port| {
            format!("listen 127.0.0.1:{port};")
        })
    }

    /// In front of an application at a socket file.
    pub fn before(socket: &Path) -> Self {
        Self::configured(Command::new("nginx"), |folder, port| {
            format!(
                "listen 127.0.0.1:{port}; location /app/ {{ proxy_pass http://unix:{}:/; \
                 access_log {} behind; }}",
                socket.display(),
                folder.join(BEHIND).display()
            )
        })
    }

    /// With TLS and a certificate that nobody knows.
    pub fn with_tls() -> Self {
        Self::configured(Command::new("nginx"), |folder, port| {
            let [key, certificate] = ["key.pem", "certificate.pem"].map(|name| folder.join(name));
            let made = Command::new("openssl")
                .args([
                    "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                ])
                .args(["-subj", "/CN=lab.test", "-keyout"])
                .arg(&key)
                .arg("-out")
                .arg(&certificate)
                .stderr(Stdio::null())
                .status()
                .unwrap();
            assert!(made.success(), "openssl req: {made}");
            format!(
                "listen 127.0.0.1:{port} ssl; ssl_certificate {}; ssl_certificate_key {};",
                certificate.display(),
                key.display()
            )
        })
    }

    fn configured(mut command: Command, listen: impl FnOnce(&Path, u16) -> String) -> Self {
        let port = free_port();
        let folder = TempDir::new().unwrap();
        let files = folder.path().join("files/large");
        fs::create_dir_all(&files).unwrap();
        fs::write(files.join("8k"), vec![b'x'; 8192]).unwrap();
        let template = fs::read_to_string(root().join("tests/lab/nginx.conf")).unwrap();
        let configuration = template
            .replace("{ACCESS_LOG}", "{PREFIX}/access.log counted")
            .replace("{PREFIX}", &folder.path().display().to_string())
            .replace("{LISTEN}", &listen(folder.path(), port));
        let file = folder.path().join("nginx.conf");
        fs::write(&file, configuration).unwrap();
        let child = command
            .args(["-p".as_ref(), folder.path(), "-c".as_ref(), &file])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("starting nginx; `cargo xtask test` installs it");
        let nginx = Self {
            child,
            folder,
            port,
        };
        // The pid file is written when the sockets listen.
        wait_for("nginx to start", || {
            nginx
                .folder
                .path()
                .join("nginx.pid")
                .metadata()
                .is_ok_and(|file| file.len() > 0)
        });
        nginx
    }

    /// The processes that serve.
    pub fn workers(&self) -> Vec<u32> {
        let master = self.child.id();
        let children = fs::read_to_string(format!("/proc/{master}/task/{master}/children"));
        let children = children.unwrap();
        let pids = children.split_whitespace();
        pids.map(|pid| pid.parse().unwrap()).collect()
    }

    /// How many bytes it sent to the application behind it, and received, by its own log: a pair for
    /// each request that is done.
    pub fn behind(&self) -> Vec<(u64, u64)> {
        let log = fs::read_to_string(self.folder.path().join(BEHIND)).unwrap_or_default();
        log.lines()
            .map(|line| {
                let (sent, received) = line.split_once(' ').unwrap();
                (sent.parse().unwrap(), received.parse().unwrap())
            })
            .collect()
    }

    /// The statuses and targets of every request that it answered, by its own log.
    pub fn log(&self) -> Vec<(u16, String)> {
        fs::read_to_string(self.folder.path().join("access.log"))
            .unwrap()
            .lines()
            .map(|line| {
                let (status, target) = line.split_once(' ').unwrap();
                (status.parse().unwrap(), target.to_owned())
            })
            .collect()
    }
}

const BEHIND: &str = "behind.log";

impl Drop for Nginx {
    fn drop(&mut self) {
        // The master ends its workers on SIGTERM; killed, it would leave them behind.
        signal("TERM", self.child.id());
        let _ = self.child.wait();
    }
}

/// gunicorn with an application that refuses every token, at a socket file.
pub struct Gunicorn {
    child: Child,
    folder: TempDir,
    pub socket: PathBuf,
}

impl Gunicorn {
    pub fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let socket = folder.path().join("app.sock");
        let child = Command::new(root().join("target/lab/python/bin/gunicorn"))
            .arg(format!("--bind=unix:{}", socket.display()))
            .args([
                "--workers=1",
                "--log-level=error",
                "application:application",
            ])
            .arg("--chdir")
            .arg(root().join("tests/lab"))
            .env("PYTHONPATH", root().join("target/lab/python"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("RELEASE", folder.path().join("release"))
            .stdin(Stdio::null())
            .spawn()
            .expect("starting gunicorn; `cargo xtask test` installs it");
        let gunicorn = Self {
            child,
            folder,
            socket,
        };
        wait_for("gunicorn to listen", || {
            UnixStream::connect(&gunicorn.socket).is_ok()
        });
        gunicorn
    }

    /// The process that listens. Others of it answer.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Lets the request for `/held` be answered.
    pub fn release(&self) {
        fs::write(self.folder.path().join("release"), "").unwrap();
    }
}

impl Drop for Gunicorn {
    fn drop(&mut self) {
        self.release();
        // Killed, it would leave its worker behind.
        signal("TERM", self.child.id());
        let _ = self.child.wait();
    }
}

/// Sends a signal by name.
pub fn signal(name: &str, pid: u32) {
    let sent = Command::new("kill")
        .arg(format!("-{name}"))
        .arg(pid.to_string())
        .status()
        .unwrap();
    assert!(sent.success(), "kill -{name} {pid}: {sent}");
}

/// The badly behaved client: what it got, in order. `None`: the connection ended without an answer.
pub fn misbehave(
    namespace: Option<&Namespace>,
    mode: &str,
    address: (&str, u16),
    requests: &[Value],
) -> Vec<Option<u16>> {
    let job = json!({"mode": mode, "host": address.0, "port": address.1, "requests": requests});
    let mut command = match namespace {
        Some(namespace) => namespace.command("python3"),
        None => Command::new("python3"),
    };
    let mut child = command
        .arg(root().join("tests/lab/misbehave.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(job.to_string().as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "the client failed in mode {mode}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A port that nobody listens on just now.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Waits at most a minute for something to become true, longer on a slow machine.
pub fn wait_for(what: &str, mut ready: impl FnMut() -> bool) {
    let (start, limit) = (Instant::now(), limit(Duration::from_secs(60)));
    while !ready() {
        assert!(start.elapsed() < limit, "no {what} within {limit:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
