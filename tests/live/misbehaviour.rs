//! A client that behaves badly is seen like any other.

use serde_json::json;

use crate::agent::Agent;
use crate::lab::{Nginx, misbehave, turn};
use crate::namespace::Namespace;
use crate::traffic::{Flaw, Mint, Sent, bearer};

#[test]
fn heads_in_segments_of_one_byte_are_whole() {
    seen("segments", None, "", 4, 0);
}

#[test]
fn pipelined_requests_are_paired_in_order() {
    seen("pipeline", None, "", 12, 0);
}

#[test]
fn pipelined_heads_that_are_cut_anywhere_are_whole() {
    seen("split", None, "", 12, 0);
}

#[test]
fn tokens_of_8_and_15_kib_are_read_whole() {
    seen("plain", None, "", 4, 6100);
    seen("plain", None, "", 4, 11200);
    seen("segments", None, "", 1, 6100);
}

#[test]
fn ipv6_is_seen_as_ipv4_is() {
    seen_at("[::1]", "plain", None, "", 4, 0);
    seen_at("[::1]", "pipeline", None, "", 4, 0);
}

#[test]
fn an_upload_that_is_refused_at_once_is_one_exchange() {
    seen("upload", None, "", 3, 0);
}

#[test]
fn an_upload_that_asks_first_is_one_exchange() {
    seen("expect", None, "", 3, 0);
}

#[test]
fn requests_under_the_cookie_of_a_listener_find_their_connection() {
    seen("plain", None, "deferred", 4, 0);
    seen("late", None, "deferred", 8, 0);
    seen("late", None, "deferred", 2, 11200);
}

#[test]
fn requests_inside_a_syn_find_their_connection() {
    let namespace = Namespace::new();
    namespace.run("sysctl", &["-qw", "net.ipv4.tcp_fastopen=3"]);
    seen("fastopen", Some(&namespace), "fastopen=64", 8, 0);
    let counters = namespace
        .command("nstat")
        .args(["-asz", "TcpExtTCPFastOpenPassive"])
        .output()
        .unwrap();
    let counters = String::from_utf8(counters.stdout).unwrap();
    let opened = counters
        .lines()
        .find_map(|line| line.strip_prefix("TcpExtTCPFastOpenPassive"))
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|number| number.parse::<u32>().ok());
    assert!(
        opened.is_some_and(|opened| opened >= 7),
        "no fast open took place: {counters}"
    );
}

/// Sends `count` requests, one in two to a place that refuses, all with tokens of at least `fill`
/// bytes more; each must be seen once from each side with the right cause.
fn seen(mode: &str, namespace: Option<&Namespace>, listen: &str, count: usize, fill: usize) {
    seen_at("127.0.0.1", mode, namespace, listen, count, fill);
}

fn seen_at(
    address: &str,
    mode: &str,
    namespace: Option<&Namespace>,
    listen: &str,
    count: usize,
    fill: usize,
) {
    let _turn = turn();
    let mint = Mint::new();
    let nginx = Nginx::with(namespace, address, listen);
    let agent = Agent::start(&[]);
    let sent: Vec<_> = (0..count)
        .map(|number| Sent {
            path: format!(
                "/{}/{mode}-{number}",
                if number % 2 == 0 { "deny" } else { "ok" }
            ),
            authorization: Some(bearer(&mint.token(&json!({
                "exp": 1_700_000_000,
                "groups": "g".repeat(fill),
            })))),
            flaw: Flaw::Expired,
        })
        .collect();
    let requests: Vec<_> = sent
        .iter()
        .map(|sent| {
            let mut request = sent.request();
            if matches!(mode, "upload" | "expect") {
                request["method"] = "POST".into();
            }
            request
        })
        .collect();
    let statuses = misbehave(
        namespace,
        mode,
        (address.trim_matches(['[', ']']), nginx.port),
        &requests,
    );
    let observed = agent.stop();
    observed.tells(nginx.port, &sent, &statuses);
    assert_eq!(observed.lost(), 0.0, "{}", observed.metrics);
    assert_eq!(nginx.log().len(), count, "nginx counted otherwise");
}
