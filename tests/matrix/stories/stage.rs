//! Where a story is played: its services, its issuer's key set, its tokens, and its client.

use std::fs;
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use jsonwebtoken::jwk::{Jwk, JwkSet};
use observer_tests::limits::limit;
use observer_tests::mint::{AUDIENCE, Signer, claims};
use rustix::net::{AddressFamily, SocketType, bind, connect, socket};
use serde_json::{Value, json};

use crate::process::Process;
use crate::send;

/// A key of an issuer.
pub struct Pair {
    pub signer: Signer,
    pub public: Jwk,
}

/// What a service of a story is.
#[derive(Clone, Copy)]
pub struct Role {
    /// How observer is told to call it. Two of one name are replicas.
    pub name: &'static str,
    pub part: Part,
    /// What it has beside, or otherwise than usual.
    pub settings: &'static [(&'static str, &'static str)],
}

/// Which program it is.
#[derive(Clone, Copy)]
pub enum Part {
    /// It validates.
    Service,
    /// nginx in front of the role with this index, with such a field.
    Edge(usize, &'static str),
}

/// Where one story is played.
pub struct Stage<'a> {
    pub story: &'static str,
    pub roles: &'static [Role],
    /// Of the roles, in order.
    pub ports: Vec<u16>,
    pub processes: Mutex<Vec<Option<Process>>>,
    pub root: PathBuf,
    /// Of all stories.
    pub folder: PathBuf,
    pub issuer: u16,
    pub keys: &'a [Pair],
    /// From where its client asks: no two stories share one.
    pub client: Ipv4Addr,
    pub tokens: AtomicU64,
}

impl Stage<'_> {
    /// Starts a role, or starts it again with other settings.
    ///
    /// # Errors
    /// When it does not listen.
    pub fn start(&self, role: usize, settings: &[(&str, &str)]) -> Result<(), String> {
        let command = self.command(role, settings)?;
        let log = self.folder.join(format!("{}-{role}.log", self.story));
        let mut processes = self.processes.lock().map_err(|error| error.to_string())?;
        let slot = processes.get_mut(role).ok_or("there is no such role")?;
        // The one before ends first: they have one port.
        *slot = None;
        *slot = Some(Process::start(&command, &log)?);
        drop(processes);
        let (start, patience) = (Instant::now(), limit(Duration::from_secs(60)));
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port(role)?)).is_err() {
            if start.elapsed() > patience {
                return Err(format!("it does not listen: see {}", log.display()));
            }
            wait(0.02);
        }
        Ok(())
    }

    fn command(&self, role: usize, settings: &[(&str, &str)]) -> Result<Command, String> {
        let own = self.roles.get(role).ok_or("there is no such role")?;
        let sources = self.root.join("tests/lab/stories");
        let port = self.port(role)?.to_string();
        let mut command;
        match own.part {
            Part::Service => {
                command = Command::new("node");
                command.arg(sources.join("service.js"));
                command
                    .env(
                        "NODE_PATH",
                        self.root.join("target/validators/node/node_modules"),
                    )
                    .env("LAB_PORT", port)
                    .env("LAB_ISSUER", self.name_of_issuer())
                    .env("LAB_AUDIENCE", AUDIENCE)
                    .env("LAB_DETAILS", "on")
                    .env("LAB_KEEPS", "600000")
                    .env("LAB_WAITS", "30000")
                    .env("LAB_REVOKED", self.revoked())
                    .env(
                        "LAB_JWKS",
                        format!("http://127.0.0.1:{}/{}/jwks.json", self.issuer, self.story),
                    )
                    .envs(own.settings.iter().copied())
                    .envs(settings.iter().copied());
            }
            Part::Edge(behind, field) => {
                let folder = self.folder.join(format!("{}-{role}", self.story));
                fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
                let template = fs::read_to_string(sources.join("edge.conf"));
                let filled = template
                    .map_err(|error| format!("edge.conf: {error}"))?
                    .replace("{LAB_FOLDER}", &folder.display().to_string())
                    .replace("{LAB_PORT}", &port)
                    .replace("{LAB_BEHIND}", &self.port(behind)?.to_string())
                    .replace("{LAB_FIELD}", field);
                let file = folder.join("nginx.conf");
                fs::write(&file, filled).map_err(|error| error.to_string())?;
                command = Command::new("/usr/sbin/nginx");
                command.arg("-p").arg(folder).arg("-c").arg(file);
            }
        }
        Ok(command)
    }

    fn port(&self, role: usize) -> Result<u16, String> {
        self.ports
            .get(role)
            .copied()
            .ok_or_else(|| "there is no such role".to_owned())
    }

    fn revoked(&self) -> PathBuf {
        self.folder.join(format!("{}.revoked", self.story))
    }

    /// What `iss` says.
    pub fn name_of_issuer(&self) -> String {
        format!("https://{}.lab.test", self.story)
    }

    /// Makes the issuer publish these keys and no others; with none, its key set is not to be had.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn publish(&self, keys: &[usize]) -> Result<(), String> {
        let file = self.folder.join(format!("{}.json", self.story));
        if keys.is_empty() {
            return fs::remove_file(file).map_err(|error| error.to_string());
        }
        let keys = keys
            .iter()
            .filter_map(|key| self.keys.get(*key))
            .map(|pair| pair.public.clone());
        let set = serde_json::to_string(&JwkSet {
            keys: keys.collect(),
        });
        // It must never be read half.
        let part = file.with_extension("part");
        fs::write(&part, set.map_err(|error| error.to_string())?)
            .and_then(|()| fs::rename(&part, &file))
            .map_err(|error| error.to_string())
    }

    /// Revokes a token by its number.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn revoke(&self, token: &str) -> Result<(), String> {
        fs::write(self.revoked(), token).map_err(|error| error.to_string())
    }

    /// A token of its own user, as the issuer signs it with a key; with these claims changed.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn token(&self, key: usize, changes: &Value) -> Result<String, String> {
        let number = self.tokens.fetch_add(1, Ordering::Relaxed);
        let mut all = claims(&json!({
            "iss": self.name_of_issuer(),
            "sub": format!("user-{number}@{}.lab.test", self.story),
            "jti": format!("{}-{number}", self.story),
        }));
        if let (Some(all), Some(changes)) = (all.as_object_mut(), changes.as_object()) {
            all.extend(changes.clone());
            all.retain(|_, value| !value.is_null());
        }
        let pair = self.keys.get(key).ok_or("there is no such key")?;
        pair.signer.sign(&json!({}), &all)
    }

    /// Sends a token to a role, which must let it in or not.
    ///
    /// # Errors
    /// When there is no answer, or another.
    pub fn ask(&self, role: usize, token: &str, is_good: bool) -> Result<(), String> {
        let accepted = self.tries(self.client, role, token)?;
        let name = self.roles.get(role).map_or("", |role| role.name);
        match accepted == is_good {
            true => Ok(()),
            false if is_good => Err(format!("{name} refused a good token")),
            false => Err(format!("{name} let a bad token in")),
        }
    }

    /// Whether a role lets a token of a client in.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn tries(&self, client: Ipv4Addr, role: usize, token: &str) -> Result<bool, String> {
        let head = format!(
            // A path of its own: hops of a request are found by it.
            "GET /{}/orders/4711 HTTP/1.1\r\nHost: lab.test\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n",
            self.story
        );
        let answer = exchange(client, self.port(role)?, &head)?;
        Ok(answer.starts_with("HTTP/1.1 200"))
    }

    /// Asks the issuer for new tokens. Gives the access token and the refresh token; `None` where it gives
    /// none.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn refresh(&self, with: &str) -> Result<Option<(String, String)>, String> {
        let body = format!("grant_type=refresh_token&client_id=web&refresh_token={with}");
        let head = format!(
            "POST /{}/token HTTP/1.1\r\nHost: lab.test\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.story,
            body.len()
        );
        let answer = exchange(self.client, self.issuer, &head)?;
        let body = answer.find('{').zip(answer.rfind('}'));
        let body = body
            .and_then(|(from, to)| answer.get(from..=to))
            .unwrap_or_default();
        let body: Value = serde_json::from_str(body).map_err(|error| error.to_string())?;
        let member = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
        Ok(member("access_token").zip(member("refresh_token")))
    }
}

/// For so many seconds.
pub fn wait(seconds: f64) {
    std::thread::sleep(Duration::from_secs_f64(seconds));
}

fn exchange(client: Ipv4Addr, port: u16, request: &str) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("127.0.0.1:{port}: {error}");
    let name = |address, port| SocketAddrV4::new(address, port);
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None)
        .and_then(|socket| bind(&socket, &name(client, 0)).map(|()| socket))
        .and_then(|socket| connect(&socket, &name(Ipv4Addr::LOCALHOST, port)).map(|()| socket))
        .map_err(|error| failed(error.into()))?;
    send::exchange(TcpStream::from(socket), request).map_err(failed)
}
