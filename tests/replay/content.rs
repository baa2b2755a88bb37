//! HTTP/1 is found by what is said, on any port and wherever in a segment it begins.

use observer_tests::capture::{Conversation, End};

use super::pipeline::story;
use super::talk::{answer, connection, get};

#[test]
fn a_port_says_nothing() {
    for port in [1, 22, 443, 3306, 5432, 8472, 65535] {
        let mut talk = Conversation::new("10.0.0.1:40000", &format!("10.0.0.2:{port}"));
        talk.handshake()
            .client(get("/a"))
            .server(answer(401, "no"))
            .close();
        assert_eq!(story(&talk), ["GET /a 401 jwt"], "{port}");
    }
}

#[test]
fn a_head_may_begin_right_behind_a_body() {
    let chunked = "Transfer-Encoding: chunked\r\n\r\n4\r\nGET \r\n0\r\n\r\n";
    for body in [
        "Content-Length: 18\r\n\r\nGET /x HTTP/1.1\r\n\r",
        chunked,
        "\r\n",
        "Content-Length: 0\r\n\r\n",
    ] {
        let requests = format!("POST /a HTTP/1.1\r\nHost: a\r\n{body}{}", get("/b"));
        let answers = format!(
            "HTTP/1.1 204 No\r\n\r\nHTTP/1.1 401 No\r\n{}",
            chunked.replace("GET", "HTTP")
        )
        .replace("4\r\nHTTP \r\n", "5\r\nHTTP/\r\n");
        for size in [1448, 61, 7] {
            let mut talk = connection();
            talk.segment_size(size)
                .client(&requests)
                .server(&answers)
                .close();
            assert_eq!(
                story(&talk),
                ["POST /a 204", "GET /b 401 jwt"],
                "{body:?} in {size}"
            );
        }
    }
}

#[test]
fn answers_without_bodies_are_followed_by_others_in_the_same_segment() {
    let mut talk = connection();
    let head = "HEAD /a HTTP/1.1\r\nHost: a\r\n\r\n";
    talk.client([head, &get("/b"), &get("/c"), &get("/d")].concat());
    talk.server(
        [
            "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
            "HTTP/1.1 304 Same\r\nContent-Length: 1000\r\n\r\n",
            "HTTP/1.1 100 Go on\r\n\r\nHTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nno",
            "HTTP/1.1 200 OK\r\n\r\nuntil the end, HTTP/1.1 500 No\r\n\r\n",
        ]
        .concat(),
    )
    .close();
    assert_eq!(
        story(&talk),
        [
            "HEAD /a 200",
            "GET /b 304 jwt",
            "GET /c 401 jwt",
            "GET /d 200 jwt"
        ]
    );
}

#[test]
fn what_proxies_put_before_http_is_passed_over() {
    let proxy_2 = [
        &b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"[..],
        &[10, 0, 0, 9, 10, 0, 0, 2, 1, 2, 0, 80],
    ]
    .concat();
    for header in [
        b"PROXY TCP4 10.0.0.9 10.0.0.2 258 80\r\n".to_vec(),
        b"PROXY UNKNOWN\r\n".to_vec(),
        proxy_2,
    ] {
        // In the same segment, and in one of its own.
        for together in [true, false] {
            let mut talk = connection();
            if together {
                talk.client([&header[..], get("/a").as_bytes()].concat());
            } else {
                talk.client(&header).client(get("/a"));
            }
            talk.server(answer(401, "no")).close();
            assert_eq!(story(&talk), ["GET /a 401 jwt"], "{header:?} {together}");
        }
    }
}

#[test]
fn http_through_a_socks_proxy_is_found() {
    let mut talk = connection();
    talk.client([5, 1, 0])
        .server([5, 0])
        .client([&[5, 1, 0, 3, 1][..], b"a\0\x50"].concat())
        .server([5, 0, 0, 1, 10, 0, 0, 9, 0, 80])
        .client(get("/a"))
        .server(answer(401, "no"))
        .close();
    assert_eq!(story(&talk), ["GET /a 401 jwt"]);
    let mut talk = connection();
    talk.client([&[4, 1, 0, 80, 10, 0, 0, 9][..], b"me\0"].concat())
        .server([0, 0x5a, 0, 80, 10, 0, 0, 9])
        .client(get("/a"))
        .server(answer(401, "no"))
        .close();
    assert_eq!(story(&talk), ["GET /a 401 jwt"]);
}

#[test]
fn an_answer_to_what_is_no_request_is_told_without_one() {
    for asked in [
        "OPTIONS\r\n\r\n",
        "GET /\r\n",
        "\u{16}\u{3}nothing of TLS\r\n",
    ] {
        let mut talk = connection();
        talk.client(asked).server(answer(400, "what?")).close();
        assert_eq!(story(&talk), ["? 400"], "{asked:?}");
    }
    // And what follows on the same connection is found.
    let mut talk = connection();
    talk.client("BREW /\r\n\r\n")
        .server(answer(400, "what?"))
        .client(get("/a"))
        .server(answer(401, "no"))
        .close();
    assert_eq!(story(&talk), ["? 400", "GET /a 401 jwt"]);
}

#[test]
fn a_request_that_servers_refuse_is_told() {
    let field = get("/").replace("GET / ", "");
    for (line, path) in [("GET /a\tb ", "/a%09b"), ("GET /a b ", "/a%20b")] {
        let mut talk = connection();
        talk.client([line, &field].concat())
            .server(answer(400, "what?"))
            .close();
        assert_eq!(story(&talk), [format!("GET {path} 400 jwt")]);
    }
    let mut talk = connection();
    talk.client("GET /a HTTP/1.1\r\nHost: \0a\r\nAuthorization: Basic YTpi\r\n\r\n")
        .server("HTTP/1.1 401 N\0o\r\nServer: \0\r\nContent-Length: 0\r\n\r\n")
        .close();
    assert_eq!(
        story(&talk).first().map(|line| line.split(' ').count() > 3),
        Some(true)
    );
}

#[test]
fn an_answer_alone_that_is_cut_has_its_server_at_the_right_end() {
    let mut talk = connection();
    talk.server("HTTP/1.1 401 No\r\nServer: a")
        .only(End::Server);
    assert_eq!(story(&talk), ["? 401 cut-answer"]);
    let exchanges = super::pipeline::Replay::default()
        .exchanges(&observer_tests::capture::Capture::of([talk]).pcap());
    assert_eq!(exchanges[0].connection.server.port(), 80);
}
