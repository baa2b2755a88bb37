//! HTTP/1 on an undisturbed connection (RFC 9112).

use std::time::Duration;

use observer_tests::capture::{Conversation, End};

use super::pipeline::{live_story, story};
use super::talk::{answer, connection, get};

/// The story, which must be the same when it is read as live.
fn both(talk: &Conversation) -> Vec<String> {
    let story = story(talk);
    assert_eq!(live_story(talk), story, "read as live");
    story
}

#[test]
fn one_exchange() {
    let mut talk = connection();
    talk.client(get("/a")).server(answer(401, "no")).close();
    assert_eq!(both(&talk), ["GET /a 401 jwt"]);
}

#[test]
fn a_connection_that_is_kept_alive() {
    let mut talk = connection();
    for (path, status) in [
        ("/0", 200),
        ("/1", 401),
        ("/2", 201),
        ("/3", 403),
        ("/4", 200),
    ] {
        talk.client(get(path)).server(answer(status, "body"));
    }
    talk.close();
    assert_eq!(
        both(&talk),
        [
            "GET /0 200 jwt",
            "GET /1 401 jwt",
            "GET /2 201 jwt",
            "GET /3 403 jwt",
            "GET /4 200 jwt"
        ]
    );
}

#[test]
fn pipelined_requests_are_answered_in_their_order() {
    let mut talk = connection();
    talk.client(format!("{}{}{}", get("/a"), get("/b"), get("/c")))
        .server(format!("{}{}", answer(200, "one"), answer(401, "two")))
        .server(answer(403, "three"))
        .close();
    assert_eq!(
        story(&talk),
        ["GET /a 200 jwt", "GET /b 401 jwt", "GET /c 403 jwt"]
    );
}

#[test]
fn bodies_are_passed_over_whatever_they_hold() {
    let trap = "GET /trap HTTP/1.1\r\n\r\nHTTP/1.1 500 Trap\r\n\r\n";
    let chunked = format!(
        "Transfer-Encoding: chunked\r\n\r\n{:x};ext=\"a\"\r\n{trap}\r\n0\r\nTrailer: x\r\n\r\n",
        trap.len()
    );
    let mut talk = connection();
    talk.segment_size(100)
        .client(format!(
            "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{trap}",
            trap.len()
        ))
        .server(answer(200, trap))
        .client(format!("POST /b HTTP/1.1\r\nHost: a\r\n{chunked}"))
        .server(format!("HTTP/1.1 401 No\r\n{chunked}"))
        .client(get("/c"))
        .server(answer(200, ""))
        .close();
    assert_eq!(
        story(&talk),
        ["POST /a 200", "POST /b 401", "GET /c 200 jwt"]
    );
}

#[test]
fn answers_without_a_body_have_none() {
    let mut talk = connection();
    talk.client("HEAD /a HTTP/1.1\r\nHost: a\r\n\r\n")
        .server("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        .client(get("/b"))
        .server("HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\n\r\n")
        .client(get("/c"))
        .server("HTTP/1.1 204 No Content\r\n\r\n")
        .client(get("/d"))
        .server(answer(401, "no"))
        .close();
    assert_eq!(
        both(&talk),
        [
            "HEAD /a 200",
            "GET /b 304 jwt",
            "GET /c 204 jwt",
            "GET /d 401 jwt"
        ]
    );
}

#[test]
fn interim_answers_are_not_the_answer() {
    let mut talk = connection();
    talk.client("PUT /a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
        .server("HTTP/1.1 100 Continue\r\n\r\n")
        .client("body")
        .server("HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n")
        .server(answer(401, "no"))
        .client(get("/b"))
        .server(answer(200, ""))
        .close();
    assert_eq!(both(&talk), ["PUT /a 401", "GET /b 200 jwt"]);
}

#[test]
fn after_an_upgrade_it_is_http_no_more() {
    let mut talk = connection();
    talk.client("GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n")
        .server("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n")
        .client("GET /trap HTTP/1.1\r\n\r\n")
        .server(answer(500, "trap"))
        .close();
    assert_eq!(both(&talk), ["GET /ws 101"]);
}

#[test]
fn a_body_may_go_to_the_end_of_the_connection() {
    let mut talk = connection();
    talk.client(get("/a"))
        .server("HTTP/1.0 401 Unauthorized\r\nServer: old\r\n\r\nno ")
        .server("HTTP/1.1 500 Trap\r\n\r\n")
        .shut(End::Server)
        .shut(End::Client);
    assert_eq!(story(&talk), ["GET /a 401 jwt"]);
}

#[test]
fn an_answer_may_come_before_the_request_ends() {
    let mut talk = connection();
    talk.client("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n")
        .client([b'x'; 20_000])
        .server("HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        .client([b'x'; 20_000])
        .reset(End::Server);
    assert_eq!(both(&talk), ["POST /a 401"]);
}

#[test]
fn a_request_without_an_answer_is_told() {
    let mut closed = connection();
    closed.client(get("/a")).close();
    assert_eq!(both(&closed), ["GET /a ? jwt"]);
    let mut reset = connection();
    reset.client(get("/a")).reset(End::Server);
    assert_eq!(both(&reset), ["GET /a ? jwt"]);
    let mut open = connection();
    open.client(get("/a"));
    assert_eq!(both(&open), ["GET /a ? jwt"]);
    let mut late = connection();
    late.client(get("/a"))
        .wait(Duration::from_secs(20))
        .server(answer(200, ""))
        .close();
    assert_eq!(both(&late), ["GET /a 200 jwt"]);
}

#[test]
fn what_is_not_http_gives_nothing() {
    let mut talk = connection();
    talk.client("SSH-2.0-OpenSSH_9.2\r\n")
        .server("SSH-2.0-OpenSSH_9.6\r\n")
        .client([0x80; 500])
        .server([0x80; 500])
        .close();
    assert!(both(&talk).is_empty());
}
