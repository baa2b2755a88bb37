//! Address translation on this host, in a network namespace of the test's own.

use crate::agent::Agent;
use crate::lab::{Nginx, misbehave, turn};
use crate::namespace::Namespace;
use crate::seen::text;
use crate::traffic::{Flaw, Mint, Sent};

#[test]
fn both_ends_of_a_redirected_connection_are_seen_with_their_own_addresses() {
    let _turn = turn();
    let mint = Mint::new();
    let namespace = Namespace::new();
    let nginx = Nginx::with(Some(&namespace), "127.0.0.1", "");
    namespace.run("ip", &["addr", "add", "10.9.9.1/24", "dev", "lo"]);
    let port = nginx.port.to_string();
    namespace.run(
        "iptables",
        &[
            "-t",
            "nat",
            "-A",
            "OUTPUT",
            "-p",
            "tcp",
            "-d",
            "10.9.9.9",
            "--dport",
            "80",
            "-j",
            "REDIRECT",
            "--to-ports",
            &port,
        ],
    );
    let agent = Agent::start(&[]);
    let sent: Vec<_> = (0..6)
        .map(|number| Sent {
            path: format!("/deny/redirected-{number}"),
            authorization: mint.authorization(Flaw::Expired),
            flaw: Flaw::Expired,
        })
        .collect();
    let requests: Vec<_> = sent.iter().map(Sent::request).collect();
    let statuses = misbehave(Some(&namespace), "plain", ("10.9.9.9", 80), &requests);
    assert_eq!(statuses, [Some(401); 6]);
    let observed = agent.stop();

    let server = observed.of(nginx.port, "server");
    let client: Vec<_> = observed
        .events
        .iter()
        .filter(|event| text(event, "/connection/server") == "10.9.9.9:80")
        .collect();
    assert_eq!(
        (server.len(), client.len()),
        (6, 6),
        "{:#?}",
        observed.events
    );
    for (sent, (server, client)) in sent.iter().zip(server.iter().zip(&client)) {
        for event in [server, client] {
            assert_eq!(text(event, "/request/path"), sent.path);
            assert_eq!(text(event, "/verdict/cause"), "token_expired");
        }
        assert_eq!(text(client, "/side"), "client");
    }
}
