//! Real validators, each sent every kind of broken token.

use std::process::Command;
use std::time::Duration;

use observer_tests::limits::limit;

use crate::agent::{Agent, Observed};
use crate::lab::{Validator, misbehave, turn};
use crate::seen::text;
use crate::traffic::{AUDIENCE, Flaw, ISSUER, Mint, Sent};

#[test]
fn pyjwt_says_why_in_the_challenge_and_in_the_body() {
    let _turn = turn();
    let mint = Mint::new();
    let service = Validator::python(&mint.keys());
    every_flaw(&mint, service.port, &["/stated", "/body"]);
}

#[test]
fn jsonwebtoken_says_why_in_the_challenge_and_in_the_body() {
    let _turn = turn();
    let mint = Mint::new();
    let service = Validator::node(&mint.keys());
    every_flaw(&mint, service.port, &["/stated", "/body"]);
}

#[test]
fn a_service_that_says_nothing_is_understood_by_the_token() {
    let _turn = turn();
    let mint = Mint::new();
    for service in [
        Validator::python(&mint.keys()),
        Validator::node(&mint.keys()),
    ] {
        let mut sent = mint.every_flaw("/silent");
        sent.retain(|sent| sent.flaw.is_in_the_token());
        let name = format!("127.0.0.1:{}=lab", service.port);
        let expect = format!("lab:iss={ISSUER},aud={AUDIENCE}");
        let options = ["--name", &name, "--expect", &expect];
        let observed = observe(&mint, service.port, &sent, &options);
        assert!(
            observed
                .events
                .iter()
                .all(|event| text(event, "/verdict/certainty") != "stated"),
            "the service stated nothing"
        );
    }
}

#[test]
fn curl_is_seen_on_a_connection_of_its_own_for_each_request() {
    let _turn = turn();
    let mint = Mint::new();
    let service = Validator::python(&mint.keys());
    let agent = Agent::start(&["--jwks", &mint.jwks()]);
    let sent: Vec<_> = (0..20)
        .map(|number| Sent {
            path: format!("/stated/curl-{number}"),
            authorization: mint.authorization(Flaw::Expired),
            flaw: Flaw::Expired,
        })
        .collect();
    let statuses: Vec<_> = sent.iter().map(|sent| curl(service.port, sent)).collect();
    let observed = agent.stop();
    observed.tells(service.port, &sent, &statuses);
    for event in observed.of(service.port, "client") {
        assert_eq!(text(event, "/process/name"), "curl");
    }
    for event in observed.of(service.port, "server") {
        assert_eq!(
            event
                .pointer("/process/pid")
                .and_then(serde_json::Value::as_u64),
            Some(service.pid().into())
        );
    }
}

fn every_flaw(mint: &Mint, port: u16, folders: &[&str]) {
    let sent: Vec<_> = folders
        .iter()
        .flat_map(|folder| mint.every_flaw(folder))
        .collect();
    observe(mint, port, &sent, &[]);
}

fn observe(mint: &Mint, port: u16, sent: &[Sent], options: &[&str]) -> Observed {
    let jwks = mint.jwks();
    let options = [&["--jwks", &jwks], options].concat();
    let agent = Agent::start(&options);
    let requests: Vec<_> = sent.iter().map(Sent::request).collect();
    let statuses = misbehave(None, "plain", ("127.0.0.1", port), &requests);
    let observed = agent.stop();
    observed.tells(port, sent, &statuses);
    observed
}

fn curl(port: u16, sent: &Sent) -> Option<u16> {
    let field = sent.authorization.as_ref().unwrap();
    let seconds = limit(Duration::from_secs(20)).as_secs().to_string();
    let output = Command::new("curl")
        .args([
            "--silent",
            "--output",
            "/dev/null",
            "--write-out",
            "%{http_code}",
        ])
        .args(["--max-time", &seconds, "--header"])
        .arg(format!("Authorization: {field}"))
        .arg(format!("http://127.0.0.1:{port}{}", sent.path))
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap().parse().ok()
}
