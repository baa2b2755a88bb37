//! Under load every exchange is counted, or its loss is.

use std::process::{Command, Stdio};

use observer_tests::limits::slowness;

use crate::agent::Agent;
use crate::lab::{Nginx, root, turn};
use crate::seen::status;
use crate::traffic::{Flaw, Mint};

/// wrk keeps this many connections: as many requests may be under way when it ends.
const CONNECTIONS: usize = 8;

#[test]
fn every_exchange_of_wrk_is_seen_from_both_sides_or_counted_as_lost() {
    let _turn = turn();
    let mint = Mint::new();
    let nginx = Nginx::start();
    let agent = Agent::start(&[]);
    let field = mint.authorization(Flaw::Expired).unwrap();
    let wrk = Command::new("wrk")
        .args([
            "--threads",
            "1",
            "--connections",
            &CONNECTIONS.to_string(),
            "--duration",
            "2s",
        ])
        .args([
            "--script".as_ref(),
            root().join("tests/lab/paced.lua").as_os_str(),
        ])
        .args(["--header", &format!("Authorization: {field}")])
        .arg(format!("http://127.0.0.1:{}/deny/wrk", nginx.port))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8(wrk.stdout).unwrap();
    let counted = completed(&said).expect(&said);
    let observed = agent.stop();
    let answered = |side| {
        let events = observed.of(nginx.port, side);
        events
            .iter()
            .filter(|event| status(event) == Some(401))
            .count()
    };
    let (server, client) = (answered("server"), answered("client"));
    let lost = observed.lost();
    let enough = 100 / usize::try_from(slowness()).unwrap();
    assert!(counted > enough, "wrk did too little: {said}");
    if lost == 0.0 {
        let logged = nginx.log().len();
        assert_eq!(
            server, logged,
            "at the server; nginx logged {logged}, wrk counted {counted}"
        );
        // What was under way when wrk ended was answered, and not counted by it.
        assert!(
            (counted..=counted + CONNECTIONS).contains(&client),
            "{client} at the client, {counted}"
        );
    } else {
        // A lost record is part of at most one exchange at one side.
        let missing = (2 * nginx.log().len()).saturating_sub(server + client);
        assert!(
            missing as f64 <= lost + CONNECTIONS as f64,
            "{missing} missing, {lost} lost"
        );
    }
    for event in observed.of(nginx.port, "server") {
        if status(event).is_some() && event.pointer("/capture/lost") == Some(&0.into()) {
            assert_eq!(crate::seen::text(event, "/verdict/cause"), "token_expired");
        }
    }
}

fn completed(said: &str) -> Option<usize> {
    let line = said.lines().find(|line| line.contains(" requests in "))?;
    line.split_whitespace().next()?.parse().ok()
}
