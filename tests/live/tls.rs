//! What is encrypted is counted and named, not passed over in silence.

use std::process::{Command, Stdio};
use std::time::Duration;

use observer_tests::limits::limit;

use crate::agent::Agent;
use crate::lab::{Nginx, turn};

#[test]
fn tls_connections_are_counted_by_service() {
    let _turn = turn();
    let nginx = Nginx::with_tls();
    let agent = Agent::start(&["--port", &nginx.port.to_string()]);
    let seconds = limit(Duration::from_secs(20)).as_secs().to_string();
    for _ in 0..3 {
        let asked = Command::new("curl")
            .args(["--silent", "--insecure", "--max-time", &seconds])
            .args(["--connect-to", &format!("::127.0.0.1:{}", nginx.port)])
            .arg(format!("https://tls.example:{}/", nginx.port))
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(asked.success(), "curl: {asked}");
    }
    let observed = agent.stop();
    for side in ["server", "client"] {
        let counted = observed
            .metrics
            .lines()
            .filter(|line| line.starts_with("observer_tls_connections_total{"))
            .filter(|line| line.contains(&format!("side=\"{side}\"")))
            .find_map(|line| line.rsplit_once(' '));
        assert_eq!(
            counted.map(|(_, count)| count),
            Some("3"),
            "{side}: {}",
            observed.metrics
        );
    }
    assert!(observed.events.is_empty(), "{:#?}", observed.events);
    // An address is no name for a server (RFC 6066 section 3), so curl was told one.
    let told = "3 TLS connections for tls.example, contents not readable yet";
    assert!(observed.stdout.contains(told), "{}", observed.stdout);
}
