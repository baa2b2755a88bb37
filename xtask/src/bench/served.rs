//! nginx under wrk, without and with observer.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tempfile::TempDir;

use super::Spread;

/// Runs both loads, alternating, and prints a table of each.
pub(super) fn measure(
    root: &Path,
    program: &Path,
    rounds: usize,
    seconds: u32,
) -> Result<(), String> {
    let nginx = Nginx::start(root)?;
    for load in [Load::Full, Load::Paced] {
        let (mut without, mut with) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            without.push(nginx.run(root, load, seconds)?);
            let agent = Agent::start(program)?;
            let before = agent.account()?;
            let mut run = nginx.run(root, load, seconds)?;
            run.agent = Some(agent.account()?.since(&before));
            with.push(run);
        }
        report(load, &without, &with);
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Load {
    /// As fast as it goes: wrk, nginx and the agent share the processors.
    Full,
    /// With pauses, so that there is idle time: what a server normally has.
    Paced,
}

/// One run of wrk.
struct Run {
    per_second: f64,
    p99_ms: f64,
    /// CPU of the nginx worker per request.
    worker_ns: f64,
    agent: Option<Account>,
}

/// What the agent had used and counted at some time.
struct Account {
    cpu_ns: f64,
    exchanges: f64,
    seen: f64,
    lost: f64,
}

impl Account {
    fn since(&self, before: &Self) -> Self {
        Self {
            cpu_ns: self.cpu_ns - before.cpu_ns,
            exchanges: self.exchanges - before.exchanges,
            seen: self.seen - before.seen,
            lost: self.lost - before.lost,
        }
    }
}

fn report(load: Load, without: &[Run], with: &[Run]) {
    println!(
        "\nnginx, one worker, answering 401 to wrk (16 connections, token of 1 KiB), {}",
        match load {
            Load::Full => "as fast as it goes",
            Load::Paced => "paced",
        }
    );
    println!(
        "{:<34} {:>12} {:>12} {:>12}",
        "", "without", "with", "ratio"
    );
    let row = |name: &str, of: fn(&Run) -> f64, pick: fn(&Spread) -> f64| {
        let value = |runs: &[Run]| pick(&Spread::of(runs.iter().map(of).collect()));
        let (without, with) = (value(without), value(with));
        println!(
            "{name:<34} {without:>12.2} {with:>12.2} {:>12.3}",
            with / without
        );
    };
    row(
        "requests/s, median",
        |run| run.per_second,
        |spread| spread.middle,
    );
    row(
        "requests/s, best",
        |run| run.per_second,
        |spread| spread.most,
    );
    row(
        "p99 in ms, median",
        |run| run.p99_ms,
        |spread| spread.middle,
    );
    row("p99 in ms, best", |run| run.p99_ms, |spread| spread.least);
    row(
        "worker CPU/request in ns, median",
        |run| run.worker_ns,
        |spread| spread.middle,
    );
    row(
        "worker CPU/request in ns, best",
        |run| run.worker_ns,
        |spread| spread.least,
    );
    let accounts = || with.iter().filter_map(|run| run.agent.as_ref());
    let per_exchange = accounts()
        .map(|agent| agent.cpu_ns / agent.exchanges)
        .collect();
    let per_exchange = Spread::of(per_exchange);
    println!(
        "agent CPU per exchange in ns        median {:.0}, best {:.0} (each request is two: one per side)",
        per_exchange.middle, per_exchange.least
    );
    let sum = |of: fn(&Account) -> f64| accounts().map(of).sum::<f64>();
    println!(
        "records                             seen {:.0}, lost {:.0}; exchanges {:.0}",
        sum(|agent| agent.seen),
        sum(|agent| agent.lost),
        sum(|agent| agent.exchanges)
    );
}

struct Nginx {
    child: Child,
    worker: u32,
    port: u16,
    _folder: TempDir,
}

impl Nginx {
    fn start(root: &Path) -> Result<Self, String> {
        let folder = TempDir::new().map_err(|error| error.to_string())?;
        let port = free_port()?;
        let template = fs::read_to_string(root.join("tests/lab/nginx.conf"))
            .map_err(|error| format!("tests/lab/nginx.conf: {error}"))?;
        let configuration = template
            .replace("{ACCESS_LOG}", "off")
            .replace("{PREFIX}", &folder.path().display().to_string())
            .replace("{LISTEN}", &format!("listen 127.0.0.1:{port};"));
        let file = folder.path().join("nginx.conf");
        fs::write(&file, configuration).map_err(|error| error.to_string())?;
        let child = Command::new("nginx")
            .args(["-p".as_ref(), folder.path(), "-c".as_ref(), &file])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| {
                format!("cannot start nginx: {error}; `cargo xtask test` installs it")
            })?;
        let children = format!("/proc/{0}/task/{0}/children", child.id());
        let mut worker = None;
        wait("nginx", || {
            let text = fs::read_to_string(&children).unwrap_or_default();
            worker = text
                .split_whitespace()
                .next()
                .and_then(|pid| pid.parse().ok());
            worker.is_some()
        })?;
        Ok(Self {
            child,
            worker: worker.unwrap_or_default(),
            port,
            _folder: folder,
        })
    }

    fn run(&self, root: &Path, load: Load, seconds: u32) -> Result<Run, String> {
        let mut wrk = Command::new("wrk");
        wrk.args(["--threads", "1", "--connections", "16", "--latency"])
            .arg(format!("--duration={seconds}s"))
            .arg("--header")
            .arg(format!("Authorization: Bearer {}", token()));
        if matches!(load, Load::Paced) {
            wrk.arg("--script").arg(root.join("tests/lab/paced.lua"));
        }
        let before = cpu_ns(self.worker)?;
        let output = wrk
            .arg(format!("http://127.0.0.1:{}/deny/bench", self.port))
            .stdin(Stdio::null())
            .output()
            .map_err(|error| {
                format!("cannot start wrk: {error}; `cargo xtask test` installs it")
            })?;
        let used = cpu_ns(self.worker)? - before;
        let said = String::from_utf8_lossy(&output.stdout);
        let read = || {
            Some(Run {
                per_second: number_after(&said, "Requests/sec:")?,
                p99_ms: milliseconds_after(&said, "99%")?,
                worker_ns: used / requests(&said)?,
                agent: None,
            })
        };
        read().ok_or_else(|| format!("wrk said something else than it does: {said}"))
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        end(&mut self.child, "TERM");
    }
}

struct Agent {
    child: Child,
    address: String,
}

impl Agent {
    fn start(program: &Path) -> Result<Self, String> {
        let address = format!("127.0.0.1:{}", free_port()?);
        let child = Command::new(program)
            .args(["run", "--listen", &address])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("cannot start observer: {error}"))?;
        let agent = Self { child, address };
        wait("observer", || agent.fetch("/healthz").is_some())?;
        Ok(agent)
    }

    fn account(&self) -> Result<Account, String> {
        // What is on its way through the agent belongs to the run before.
        std::thread::sleep(Duration::from_millis(500));
        let page = self.fetch("/metrics").ok_or("observer gives no metrics")?;
        Ok(Account {
            cpu_ns: cpu_ns(self.child.id())?,
            exchanges: sum(&page, "observer_exchanges_total"),
            seen: sum(&page, "observer_capture_seen_total"),
            lost: sum(&page, "observer_capture_lost_total"),
        })
    }

    fn fetch(&self, path: &str) -> Option<String> {
        let output = Command::new("curl")
            .args(["--silent", "--fail", "--max-time", "5"])
            .arg(format!("http://{}{path}", self.address))
            .output()
            .ok()?;
        output
            .status
            .success()
            .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        end(&mut self.child, "INT");
    }
}

fn end(child: &mut Child, signal: &str) {
    let sent = Command::new("kill")
        .args([format!("-{signal}"), child.id().to_string()])
        .status();
    if !sent.is_ok_and(|status| status.success()) {
        let _ = child.kill();
    }
    let _ = child.wait();
}

/// CPU time of all living threads of a process, in nanoseconds.
fn cpu_ns(pid: u32) -> Result<f64, String> {
    let folder = format!("/proc/{pid}/task");
    let tasks = fs::read_dir(&folder).map_err(|error| format!("{folder}: {error}"))?;
    Ok(tasks
        .filter_map(|task| fs::read_to_string(task.ok()?.path().join("schedstat")).ok())
        .filter_map(|text| text.split_whitespace().next()?.parse::<f64>().ok())
        .sum())
}

/// The sum of a metric over its labels.
fn sum(page: &str, metric: &str) -> f64 {
    page.lines()
        .filter(|line| {
            line.strip_prefix(metric)
                .is_some_and(|rest| rest.starts_with(['{', ' ']))
        })
        .filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok())
        .sum()
}

fn number_after(said: &str, label: &str) -> Option<f64> {
    said.split_once(label)?
        .1
        .split_whitespace()
        .next()?
        .parse()
        .ok()
}

fn milliseconds_after(said: &str, label: &str) -> Option<f64> {
    let text = said.split_once(label)?.1.split_whitespace().next()?;
    let units = [("us", 0.001), ("ms", 1.0), ("s", 1000.0)];
    units
        .iter()
        .find_map(|(unit, factor)| Some(text.strip_suffix(unit)?.parse::<f64>().ok()? * factor))
}

fn requests(said: &str) -> Option<f64> {
    let line = said.lines().find(|line| line.contains(" requests in "))?;
    line.split_whitespace().next()?.parse().ok()
}

/// A token of 1 KiB that expired long ago, with a signature that no key made.
pub(super) fn token() -> String {
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"ES256","typ":"JWT","kid":"bench"}"#);
    let payload = format!(
        r#"{{"iss":"https://issuer.bench.test","aud":"bench","sub":"b","exp":1700000000,"groups":"{}"}}"#,
        "g".repeat(570)
    );
    let payload = URL_SAFE_NO_PAD.encode(payload);
    format!("{header}.{payload}.{}", URL_SAFE_NO_PAD.encode([7; 64]))
}

fn free_port() -> Result<u16, String> {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|error| format!("no free port: {error}"))
}

fn wait(what: &str, mut ready: impl FnMut() -> bool) -> Result<(), String> {
    let start = Instant::now();
    while !ready() {
        if start.elapsed() > Duration::from_secs(20) {
            return Err(format!("{what} was not ready within 20 s"));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_wrk_says() {
        let said = "  Latency Distribution\n     50%  188.00us\n     99%    1.50ms\n  \
                    431 requests in 2.00s, 1MB read\nRequests/sec:    215.31\n";
        assert_eq!(number_after(said, "Requests/sec:"), Some(215.31));
        assert_eq!(milliseconds_after(said, "99%"), Some(1.5));
        assert_eq!(milliseconds_after(said, "50%"), Some(0.188));
        assert_eq!(requests(said), Some(431.0));
    }

    #[test]
    fn the_token_is_about_1_kib() {
        assert!((990..1060).contains(&token().len()), "{}", token().len());
    }
}
