//! `cargo xtask record-demo`: records the capture that `observer demo` replays where it may not load
//! kernel programs. Run it as root when the demo's story changes, and commit what it writes.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::test;

/// Record the capture of the demo again.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_: &Args) -> Result<(), String> {
    let root = test::root()?;
    let built = Command::new("cargo")
        .args(["build", "--package", "observer"])
        .current_dir(&root)
        .status()
        .map_err(|error| format!("cannot start cargo: {error}"))?;
    if !built.success() {
        return Err(format!("cargo build ended with {built}"));
    }
    let program = root.join("target/debug/observer");
    let assets = root.join("observer/assets");
    std::fs::create_dir_all(&assets).map_err(|error| format!("{}: {error}", assets.display()))?;

    let issuer = Part::start(&program, &["issuer"])?;
    let at_issuer = issuer.address.to_string();
    let legacy = Part::start(&program, &["legacy", "--issuer", &at_issuer])?;
    let edge = Part::start(
        &program,
        &["edge", "--upstream", &legacy.address.to_string()],
    )?;
    let keys = keys(issuer.address)?;
    let mut tcpdump = Command::new("tcpdump")
        .args(["-i", "lo", "-s", "0", "-U", "-Z", "root", "-w"])
        .arg(assets.join("demo.pcap"))
        .arg(format!(
            "tcp port {} or tcp port {}",
            edge.address.port(),
            legacy.address.port()
        ))
        .stdin(Stdio::null())
        .spawn()
        .map_err(|error| format!("cannot start tcpdump: {error}"))?;
    std::thread::sleep(Duration::from_secs(1));
    let client = Command::new(&program)
        .args(["demo", "client", "--issuer", &at_issuer, "--edge"])
        .arg(edge.address.to_string())
        .stdin(Stdio::piped())
        .spawn()
        .and_then(|mut client| {
            // Its standard input must stay open: `wait` would close it.
            let stdin = client.stdin.take();
            let status = client.wait();
            drop(stdin);
            status
        })
        .map_err(|error| format!("cannot start the client: {error}"));
    std::thread::sleep(Duration::from_millis(1500));
    let ended = Command::new("kill")
        .args(["-INT", &tcpdump.id().to_string()])
        .status()
        .and_then(|_| tcpdump.wait())
        .map_err(|error| format!("cannot end tcpdump: {error}"))?;
    let client = client?;
    if !client.success() || !ended.success() {
        return Err(format!(
            "the client ended with {client}, tcpdump with {ended}"
        ));
    }
    let names = json!({
        "services": {
            edge.address.to_string(): "edge",
            legacy.address.to_string(): "legacy",
        },
        "jwks": keys,
    });
    let text = format!("{names:#}\n");
    std::fs::write(assets.join("demo.json"), text)
        .map_err(|error| format!("cannot write demo.json: {error}"))
}

/// A service of the demo; it ends with its standard input.
struct Part {
    child: Child,
    stdin: Option<ChildStdin>,
    address: SocketAddr,
}

impl Part {
    fn start(program: &Path, arguments: &[&str]) -> Result<Self, String> {
        let mut child = Command::new(program)
            .arg("demo")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot start {}: {error}", program.display()))?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout)
                .read_line(&mut line)
                .map_err(|error| format!("reading from {arguments:?}: {error}"))?;
        }
        let address = line
            .trim()
            .parse()
            .map_err(|_| format!("{arguments:?} did not say its address but {line:?}"))?;
        Ok(Self {
            stdin: child.stdin.take(),
            child,
            address,
        })
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ = self.child.wait();
    }
}

fn keys(issuer: SocketAddr) -> Result<Value, String> {
    let output = Command::new("curl")
        .args(["--silent", "--fail"])
        .arg(format!("http://{issuer}/.well-known/jwks.json"))
        .output()
        .map_err(|error| format!("cannot start curl: {error}"))?;
    serde_json::from_slice(&output.stdout).map_err(|error| format!("the key set: {error}"))
}
