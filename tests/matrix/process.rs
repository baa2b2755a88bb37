//! The validators as processes: each in one of its own, on a port of its own of the loopback.

use std::fs::{self, File, Permissions};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use observer_tests::limits::limit;
use observer_tests::mint::{AUDIENCE, ISSUER};
use tempfile::TempDir;

use crate::catalogue::{By, COMPOSER, Details, REVOKED, VALIDATORS, Validator};
use crate::keys::{Keys, RS256_KID};

/// A running validator. It ends when this is dropped.
pub struct Service {
    processes: Vec<Process>,
    _folder: TempDir,
    /// Where it listens, on 127.0.0.1.
    pub port: u16,
}

/// One that is told to end when this goes.
pub struct Process(pub Child);

impl Service {
    /// Starts a validator and waits until it listens.
    ///
    /// # Errors
    /// When it does not.
    pub fn start(
        root: &Path,
        keys: &Keys,
        validator: &Validator,
        details: Details,
        ports: &mut Ports,
    ) -> Result<Self, String> {
        let folder = TempDir::new().map_err(|error| format!("a folder: {error}"))?;
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755))
            .map_err(|error| format!("{}: {error}", folder.path().display()))?;
        let place = Place {
            root,
            keys: keys.path(),
            folder: folder.path(),
            port: ports.next()?,
        };
        let mut processes = Vec::new();
        let behind = match validator.by {
            By::Nginx => {
                let behind = named("jose")?;
                let port = ports.next()?;
                processes.push(Place { port, ..place }.start(behind, details, 0)?);
                port
            }
            _ => 0,
        };
        processes.push(place.start(validator, details, behind)?);
        Ok(Self {
            port: place.port,
            processes,
            _folder: folder,
        })
    }

    /// Waits until it listens.
    ///
    /// # Errors
    /// When it ends, or does not within a minute.
    pub fn ready(&mut self, name: &str) -> Result<(), String> {
        let patience = limit(Duration::from_secs(60));
        let start = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            for process in &mut self.processes {
                if let Ok(Some(status)) = process.0.try_wait() {
                    return Err(format!(
                        "{name} ended with {status}: see target/validators/{name}.log"
                    ));
                }
            }
            if start.elapsed() > patience {
                return Err(format!("{name} did not listen within {patience:?}"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Process {
    /// Starts a command that ends with this program, whatever becomes of it.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(command: &Command, log: &Path) -> Result<Self, String> {
        let log = File::create(log).map_err(|error| format!("{}: {error}", log.display()))?;
        let errors = log.try_clone().map_err(|error| error.to_string())?;
        let mut bound = Command::new("setpriv");
        bound
            .args(["--pdeathsig", "TERM", "--"])
            .arg(command.get_program())
            .args(command.get_args());
        for (name, value) in command.get_envs() {
            if let Some(value) = value {
                bound.env(name, value);
            }
        }
        bound
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            .spawn()
            .map(Self)
            .map_err(|error| format!("cannot start {command:?}: {error}"))
    }

    /// Sends it a signal by name.
    pub fn signal(&self, name: &str) {
        let _ = Command::new("kill")
            .args([format!("-{name}"), self.0.id().to_string()])
            .status();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            self.signal("TERM");
        }
        let start = Instant::now();
        while matches!(self.0.try_wait(), Ok(None)) {
            if start.elapsed() > Duration::from_secs(5) {
                let _ = self.0.kill();
                let _ = self.0.wait();
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Ports that nobody listens on, held until they are given out: what a service has not taken yet is
/// nobody else's either.
pub struct Ports(Vec<TcpListener>);

impl Ports {
    /// Holds so many.
    ///
    /// # Errors
    /// When there are not as many.
    pub fn hold(count: usize) -> Result<Self, String> {
        let listen = |_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
        let all: Result<_, _> = (0..count).map(listen).collect();
        all.map(Self)
            .map_err(|error| format!("no free port: {error}"))
    }

    /// Gives one out.
    ///
    /// # Errors
    /// When there is none left.
    pub fn next(&mut self) -> Result<u16, String> {
        let listener = self.0.pop().ok_or("no port is left")?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        Ok(address.port())
    }
}

/// Where a validator finds and puts things.
#[derive(Clone, Copy)]
struct Place<'a> {
    root: &'a Path,
    keys: &'a Path,
    folder: &'a Path,
    port: u16,
}

impl Place<'_> {
    fn start(
        &self,
        validator: &Validator,
        details: Details,
        behind: u16,
    ) -> Result<Process, String> {
        let mut command = self.command(validator, behind)?;
        let jwk = fs::read_to_string(self.keys.join("es256.jwk"))
            .map_err(|error| format!("es256.jwk: {error}"))?;
        command
            .env("LAB_ES256_JWK", jwk)
            .env("LAB_PORT", self.port.to_string())
            .env("LAB_KEYS", self.keys)
            .env("LAB_FOLDER", self.folder)
            .env("LAB_ISSUER", ISSUER)
            .env("LAB_AUDIENCE", AUDIENCE)
            .env("LAB_DETAILS", details.setting())
            .env("LAB_LEEWAY", validator.leeway.to_string())
            .env("LAB_REVOKED", REVOKED)
            .env("LAB_RS256_KID", RS256_KID);
        let log = format!("target/validators/{}.log", validator.name);
        Process::start(&command, &self.root.join(log))
    }

    fn command(&self, validator: &Validator, behind: u16) -> Result<Command, String> {
        let sources = self.root.join("tests/lab").join(validator.name);
        let lab = self.root.join("target/validators");
        let mut command;
        match validator.by {
            By::Apache => {
                command = Command::new("/usr/sbin/apache2");
                command.args(["-D", "FOREGROUND", "-f"]);
                command.arg(sources.join("apache2.conf"));
            }
            By::Go => command = Command::new(lab.join("go").join(validator.name)),
            By::Haproxy => {
                command = Command::new("/usr/sbin/haproxy");
                command
                    .args(["-db", "-q", "-f"])
                    .arg(sources.join("haproxy.cfg"));
            }
            By::Nginx => {
                let file = self.folder.join("nginx.conf");
                let template = fs::read_to_string(sources.join("auth_request.conf"))
                    .map_err(|error| format!("auth_request.conf: {error}"))?;
                let filled = template
                    .replace("{LAB_FOLDER}", &self.folder.display().to_string())
                    .replace("{LAB_KEYS}", &self.keys.display().to_string())
                    .replace("{LAB_PORT}", &self.port.to_string())
                    .replace("{LAB_BEHIND}", &behind.to_string());
                fs::write(&file, filled).map_err(|error| format!("{}: {error}", file.display()))?;
                command = Command::new("/usr/sbin/nginx");
                command.arg("-p").arg(self.folder).arg("-c").arg(file);
            }
            By::Node => {
                command = Command::new("node");
                command.arg(sources.join("server.js"));
                command.env("NODE_PATH", lab.join("node/node_modules"));
            }
            By::Perl => {
                command = Command::new("perl");
                command.arg(sources.join("server.pl"));
            }
            By::Php => {
                command = Command::new("php8.2");
                command.args(["-S", &format!("127.0.0.1:{}", self.port)]);
                command.arg(sources.join("server.php"));
                command.env("LAB_COMPOSER", self.root.join(COMPOSER));
            }
            By::Python => {
                command = Command::new("python3");
                command.arg("-B").arg(sources.join("server.py"));
                command.env("PYTHONPATH", lab.join("python"));
            }
            By::Ruby => {
                command = Command::new("ruby");
                command.arg(sources.join("server.rb"));
            }
            By::Rust => command = Command::new(lab.join("rust/debug").join(validator.name)),
        }
        Ok(command)
    }
}

fn named(name: &str) -> Result<&'static Validator, String> {
    let found = VALIDATORS.iter().find(|one| one.name == name);
    found.ok_or_else(|| format!("there is no validator {name}"))
}
