//! Connections that were open before the agent came.

use std::time::Duration;

use crate::agent::Agent;
use crate::lab::{Nginx, misbehave, turn};
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
    let requests: Vec<_> = sent.iter().map(Sent::request).collect();
    let port = nginx.port;
    // The first request at once, the others four seconds apart: the agent attaches in between.
    let client =
        std::thread::spawn(move || misbehave(None, "slow", ("127.0.0.1", port), &requests));
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(
        nginx.log().len(),
        1,
        "the first request is through, and no other"
    );
    let agent = Agent::start(&[]);
    assert_eq!(
        nginx.log().len(),
        1,
        "the agent took too long to start for this test"
    );
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
