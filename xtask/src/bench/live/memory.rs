//! What the agent takes when many connections are open.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::super::process::field;
use super::super::token::token;
use super::load::Servers;
use super::mode::{Mode, Watcher};

const CONNECTIONS: usize = 10_000;

/// Opens them, sends a request on each, and reads what the kernel says of the agent.
pub(super) fn measure(servers: &Servers, program: &Path) -> Result<(), String> {
    allow_files()?;
    let watcher = Watcher::start(Mode::EveryPlane, program, servers.processors())?;
    let pid = watcher.observer().unwrap_or_default();
    println!("\n### memory\n");
    println!("| | anonymous | of files | shared, the ring among it |");
    println!("|---|---|---|---|");
    say("at the start", pid)?;
    let mut open = Vec::with_capacity(CONNECTIONS);
    let failed = |error: std::io::Error| format!("a connection of {CONNECTIONS} to nginx: {error}");
    for _ in 0..CONNECTIONS {
        open.push(TcpStream::connect(("127.0.0.1", servers.nginx().port())).map_err(failed)?);
    }
    for round in 1..=2 {
        for stream in &mut open {
            ask(stream).map_err(failed)?;
        }
        std::thread::sleep(Duration::from_secs(1));
        say(
            &format!("{CONNECTIONS} connections open, each had {round} answers"),
            pid,
        )?;
    }
    let account = watcher.account()?;
    println!(
        "\nexchanges seen, both ends of each: {:.0}",
        account.map_or(0.0, |account| account.exchanges)
    );
    Ok(())
}

fn ask(stream: &mut TcpStream) -> std::io::Result<()> {
    let request = format!(
        "GET /denied HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {}\r\n\r\n",
        token()
    );
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(request.as_bytes())?;
    let read = stream.read(&mut [0; 4096])?;
    if read == 0 {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    Ok(())
}

fn say(when: &str, pid: u32) -> Result<(), String> {
    let file = format!("/proc/{pid}/status");
    let status = std::fs::read_to_string(&file).map_err(|error| format!("{file}: {error}"))?;
    let cells =
        ["RssAnon:", "RssFile:", "RssShmem:"].map(|name| field(&status, name).unwrap_or_default());
    println!("| {when} | {} |", cells.join(" | "));
    Ok(())
}

fn allow_files() -> Result<(), String> {
    let wanted = CONNECTIONS as u64 + 100;
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: Some(wanted),
            maximum: maximum.map(|maximum| maximum.max(wanted)),
        },
    )
    .map_err(|error| format!("allowing {wanted} open files: {error}"))
}
