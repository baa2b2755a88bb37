//! The binary as people meet it: its words, its exit codes, and what it never says.

#![expect(clippy::unwrap_used, reason = "a broken assumption ends the test")]

mod canary;
mod conditions;
mod config;
mod keys;
mod live;
mod refusals;
mod replay;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use observer_tests::capture::{Capture, Conversation};
use tempfile::TempDir;

/// Files of one test, removed at its end.
struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        text(&path)
    }
}

/// What a command did.
struct Done {
    code: i32,
    out: String,
    err: String,
}

impl From<Output> for Done {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

fn observer() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_observer"));
    command.stdin(Stdio::null()).env_remove("RUST_LOG");
    command
}

fn run<S: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = S>) -> Done {
    observer().args(arguments).output().unwrap().into()
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

/// An expired token, `count` times refused with words, each on a connection of its own.
fn refusals(count: u16, token: &str) -> Capture {
    Capture::of((0..count).map(|number| {
        let client = format!("10.0.0.9:{}", 40_000 + number);
        let mut talk = Conversation::new(&client, "10.0.0.1:8080");
        talk.handshake()
            .client(format!(
                "GET /orders/4711 HTTP/1.1\r\nHost: orders\r\nAuthorization: Bearer {token}\r\n\r\n"
            ))
            .server(
                "HTTP/1.1 401 Unauthorized\r\n\
                 WWW-Authenticate: Bearer error=\"invalid_token\", \
                 error_description=\"The token expired\"\r\nContent-Length: 0\r\n\r\n",
            )
            .close();
        talk
    }))
}

/// A token with this payload and signature, which is not checked by anybody.
fn token(payload: &str, signature: &[u8]) -> String {
    use base64::prelude::*;
    let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let header = br#"{"alg":"HS256","typ":"JWT"}"#;
    format!(
        "{}.{}.{}",
        encode(header),
        encode(payload.as_bytes()),
        encode(signature)
    )
}

/// A token that had expired 312 s before the captures of the tests start.
fn expired() -> String {
    token(
        r#"{"iss":"https://issuer.example","aud":"orders","exp":1699999688}"#,
        &[7; 32],
    )
}
