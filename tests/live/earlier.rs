//! Connections that were open before the agent came.

use std::fs;

use tempfile::TempDir;

use crate::agent::Agent;
use crate::lab::{Nginx, misbehave, turn, wait_for};
use crate::seen::text;
use crate::traffic::{Flaw, Mint, Sent};

#[test]
fn a_connection_that_was_open_before_is_seen_from_its_next_request_on() {
    let _turn = turn();
    let mint = Mint::new();
    let nginx = Nginx::start();
    let sent: Vec<_> = (0..4)
        .map(|number| Sent {
            path: format!("/deny/kept-{number}"),
            authorization: mint.authorization(Flaw::Expired),
            flaw: Flaw::Expired,
        })
        .collect();
    let folder = TempDir::new().unwrap();
    let attached = folder.path().join("attached");
    let mut requests: Vec<_> = sent.iter().map(Sent::request).collect();
    requests[1]["after"] = attached.to_str().unwrap().into();
    let port = nginx.port;
    let client =
        std::thread::spawn(move || misbehave(None, "plain", ("127.0.0.1", port), &requests));
    wait_for("first request", || nginx.log().len() == 1);
    let agent = Agent::start(&[]);
    fs::write(attached, "").unwrap();
    assert_eq!(client.join().unwrap(), [Some(401); 4]);
    let observed = agent.stop();
    for side in ["server", "client"] {
        let paths: Vec<_> = observed
            .of(nginx.port, side)
            .iter()
            .map(|event| text(event, "/request/path").to_owned())
            .collect();
        let wanted: Vec<_> = sent.iter().skip(1).map(|sent| sent.path.clone()).collect();
        assert_eq!(paths, wanted, "at the {side}: {:#?}", observed.events);
    }
}
