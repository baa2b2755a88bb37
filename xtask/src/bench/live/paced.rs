//! A client with a fixed rate. wrk has none, and a client that waits for answers before it goes on hides
//! what a stall costs: here a request that could not leave in time waits from when it was due.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use super::super::token::token;
use super::load::Run;
use super::nginx::Nginx;
use super::processors::Processors;

const CONNECTIONS: u32 = 16;

pub(super) fn run(
    nginx: &Nginx,
    processors: &Processors,
    per_second: f64,
    seconds: u32,
) -> Result<Run, String> {
    let every = Duration::from_secs_f64(f64::from(CONNECTIONS) / per_second);
    let before = nginx.cpu_ns()?;
    let start = Instant::now() + Duration::from_millis(50);
    let end = start + Duration::from_secs(seconds.into());
    let answers: Result<Vec<_>, String> = thread::scope(|scope| {
        let clients: Vec<_> = (0..CONNECTIONS)
            .map(|number| {
                // They take turns.
                let first = start + every * number / CONNECTIONS;
                scope.spawn(move || {
                    processors.be_client()?;
                    client(nginx.port(), first, every, end)
                        .map_err(|error| format!("a request to nginx: {error}"))
                })
            })
            .collect();
        clients
            .into_iter()
            .map(|client| {
                client
                    .join()
                    .unwrap_or_else(|_| Err("a client panicked".to_owned()))
            })
            .collect()
    });
    let mut waited: Vec<_> = answers?.into_iter().flatten().collect();
    waited.sort_unstable();
    let at = |percent: usize| {
        let place = waited.len() * percent / 100;
        Some(waited.get(place)?.as_secs_f64() * 1e6)
    };
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let count = waited.len() as f64;
    Ok(Run {
        per_second: count / f64::from(seconds),
        p50_us: at(50),
        p99_us: at(99),
        server_ns: Some((nginx.cpu_ns()? - before) / count),
    })
}

/// One connection: how long each of its answers took.
fn client(
    port: u16,
    first: Instant,
    every: Duration,
    end: Instant,
) -> std::io::Result<Vec<Duration>> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let request = format!(
        "GET /denied HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {}\r\n\r\n",
        token()
    );
    let mut buffer = [0; 4096];
    let mut waited = Vec::new();
    let mut due = first;
    while due < end {
        let since = match due.checked_duration_since(Instant::now()) {
            Some(early) => {
                thread::sleep(early);
                Instant::now()
            }
            None => due,
        };
        stream.write_all(request.as_bytes())?;
        // The answer is smaller than the buffer and leaves in one piece.
        if stream.read(&mut buffer)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        waited.push(since.elapsed());
        due += every;
    }
    Ok(waited)
}
