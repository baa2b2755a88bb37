//! Starts the parts of the demo as processes of their own, and ends them.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::Error;

/// A start takes milliseconds; this is for a machine that is very busy.
const PATIENCE: Duration = Duration::from_secs(10);

/// The running services. They end with this value, and with this process however it ends: each
/// watches its standard input, which is held here.
pub struct System {
    /// Where the issuer listens.
    pub issuer: SocketAddr,
    /// Where the edge listens.
    pub edge: SocketAddr,
    /// Where the service behind it listens.
    pub legacy: SocketAddr,
    program: PathBuf,
    services: [Child; 3],
}

impl System {
    /// Starts the services, each when those it needs are ready.
    ///
    /// # Errors
    /// When one of them cannot be started.
    pub async fn start() -> Result<Self, Error> {
        let program = std::env::current_exe().map_err(|source| Error::Spawn {
            role: "issuer",
            source,
        })?;
        let (issuer_process, issuer) = service(&program, "issuer", &[]).await?;
        let (legacy_process, legacy) =
            service(&program, "legacy", &["--issuer".into(), issuer.to_string()]).await?;
        let (edge_process, edge) =
            service(&program, "edge", &["--upstream".into(), legacy.to_string()]).await?;
        Ok(Self {
            issuer,
            edge,
            legacy,
            program,
            services: [issuer_process, legacy_process, edge_process],
        })
    }

    /// Plays the story once, in a process of its own.
    ///
    /// # Errors
    /// When the client cannot be started or a service does not answer it.
    pub async fn play(&self) -> Result<(), Error> {
        let arguments = [
            "--issuer".to_owned(),
            self.issuer.to_string(),
            "--edge".to_owned(),
            self.edge.to_string(),
        ];
        let mut client = command(&self.program, "client", &arguments)
            .stdout(Stdio::null())
            .spawn()
            .map_err(|source| Error::Spawn {
                role: "client",
                source,
            })?;
        let status = waited(&mut client).await?;
        if status.success() {
            Ok(())
        } else {
            Err(Error::Client(status))
        }
    }

    /// Ends the services and waits until they are gone.
    pub async fn stop(mut self) {
        for child in &mut self.services {
            // One that is gone already is what is wanted.
            let _ = child.kill().await;
        }
    }
}

async fn waited(client: &mut Child) -> Result<ExitStatus, Error> {
    // `wait` closes standard input first, which the client takes as the end of its parent.
    let stdin = client.stdin.take();
    let status = client.wait().await.map_err(|source| Error::Spawn {
        role: "client",
        source,
    });
    drop(stdin);
    status
}

async fn service(
    program: &PathBuf,
    role: &'static str,
    arguments: &[String],
) -> Result<(Child, SocketAddr), Error> {
    let mut child = command(program, role, arguments)
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|source| Error::Spawn { role, source })?;
    let stdout = child.stdout.take().ok_or(Error::NotReady { role })?;
    let mut line = String::new();
    let read = tokio::time::timeout(PATIENCE, BufReader::new(stdout).read_line(&mut line)).await;
    match (read, line.trim().parse()) {
        (Ok(Ok(_)), Ok(address)) => Ok((child, address)),
        _ => Err(Error::NotReady { role }),
    }
}

fn command(program: &PathBuf, role: &str, arguments: &[String]) -> Command {
    let mut command = Command::new(program);
    command
        .arg("demo")
        .arg(role)
        .args(arguments)
        .stdin(Stdio::piped())
        // Ctrl-C on the terminal is for the parent alone, which ends them in order.
        .process_group(0)
        .kill_on_drop(true);
    command
}
