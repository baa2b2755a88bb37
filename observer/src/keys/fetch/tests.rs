//! Key servers as they are, and as they should not be.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::*;
use crate::credential::testing;

type Answer = dyn Fn(&str, &mut TcpStream) + Send + Sync;

/// A server on this host that answers as it is told, and counts.
struct KeyServer {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
    answer: Arc<Mutex<Arc<Answer>>>,
}

impl KeyServer {
    fn start(answer: impl Fn(&str, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            asked: Arc::default(),
            answer: Arc::new(Mutex::new(Arc::new(answer))),
        };
        let (asked, answer) = (Arc::clone(&server.asked), Arc::clone(&server.answer));
        thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                let mut request = Vec::new();
                let mut byte = [0];
                while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
                    request.push(byte[0]);
                }
                let request = String::from_utf8(request).unwrap();
                let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
                asked.fetch_add(1, Ordering::Relaxed);
                let answer = Arc::clone(&*answer.lock().unwrap());
                answer(&path, &mut stream);
            }
        });
        server
    }

    fn answers(&self, answer: impl Fn(&str, &mut TcpStream) + Send + Sync + 'static) {
        *self.answer.lock().unwrap() = Arc::new(answer);
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn remote(&self) -> Remote {
        Remote {
            issuer: "https://issuer.example".to_owned(),
            url: Some(self.url("/jwks")),
        }
    }
}

fn send(stream: &mut TcpStream, head: &str, body: &str) {
    let length = body.len();
    // Who was too slow is not there any more.
    let _ = write!(
        stream,
        "HTTP/1.1 {head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
}

fn set(kid: &str) -> String {
    let text = std::fs::read(testing::jwks()).unwrap();
    let document: Value = serde_json::from_slice(&text).unwrap();
    let mut key = document["keys"][0].clone();
    key["kid"] = kid.into();
    json!({"keys": [key]}).to_string()
}

fn fetch(server: &KeyServer) -> Result<(KeySet, Option<Duration>), FetchError> {
    let client = Client::with(false, Duration::from_millis(500));
    server.remote().fetch(&client)
}

#[test]
fn a_set_is_fetched_with_the_time_that_it_is_good_for() {
    let server = KeyServer::start(|_, stream| {
        send(
            stream,
            "200 OK\r\nCache-Control: public, max-age=300",
            &set("a"),
        );
    });
    let (keys, good) = fetch(&server).unwrap();
    assert_eq!(keys.kids(8), ["a"]);
    assert_eq!(good, Some(Duration::from_secs(300)));
}

#[test]
fn what_goes_wrong_is_told_apart_and_in_bounds() {
    let server = KeyServer::start(|_, _| {});
    let fails = |id: &str, words: &str, answer: &'static (dyn Fn(&mut TcpStream) + Send + Sync)| {
        server.answers(move |_, stream| answer(stream));
        let error = fetch(&server).map(|_| ()).unwrap_err();
        assert_eq!(error.id(), id, "{error}");
        assert!(error.to_string().contains(words), "{error}");
    };
    fails("status", "answered 500", &|stream| {
        send(stream, "500 Oops", "")
    });
    fails("status", "not followed", &|stream| {
        send(stream, "302 Found\r\nLocation: http://127.0.0.1:1/jwks", "");
    });
    fails("not_keys", "not JSON", &|stream| {
        send(stream, "200 OK", "<html>")
    });
    fails("not_keys", "no array `keys`", &|stream| {
        send(stream, "200 OK", r#"{"issuer":"x"}"#);
    });
    fails("not_keys", "no key that can", &|stream| {
        send(
            stream,
            "200 OK",
            r#"{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}"#,
        );
    });
    fails("too_large", "more than 1 MiB", &|stream| {
        send(stream, "200 OK", &" ".repeat(3 << 20));
    });
    // It never ends.
    fails("too_large", "more than 1 MiB", &|stream| {
        let _ = write!(stream, "HTTP/1.1 200 OK\r\n\r\n");
        while stream.write_all(&[b' '; 65_536]).is_ok() {}
    });
    fails("timed_out", "within", &|_| {
        thread::sleep(Duration::from_secs(1))
    });
    // A byte now and then.
    fails("timed_out", "within", &|stream| {
        let _ = write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
        while stream.write_all(b" ").is_ok() {
            thread::sleep(Duration::from_millis(50));
        }
    });
    fails("unreachable", "reaches it", &|stream| {
        let _ = stream.write_all(b"not HTTP\r\n\r\n");
    });
}

#[test]
fn discovery_is_of_the_issuer_itself_or_nothing() {
    let server = KeyServer::start(|_, _| {});
    let issuer = server.url("/realms/a");
    let (own, keys) = (issuer.clone(), server.url("/keys"));
    server.answers(move |path, stream| match path {
        "/realms/a/.well-known/openid-configuration" => {
            let document = json!({"issuer": own, "jwks_uri": keys});
            send(stream, "200 OK", &document.to_string());
        }
        "/keys" => send(stream, "200 OK", &set("b")),
        _ => send(stream, "404 Not Found", ""),
    });
    let client = Client::new(false);
    let fetched = |issuer: &str| Remote::discovered(issuer).fetch(&client);
    assert_eq!(fetched(&issuer).unwrap().0.kids(8), ["b"]);
    // The document is found, and is of the issuer without the slash.
    let error = fetched(&format!("{issuer}/")).map(|_| ()).unwrap_err();
    assert_eq!(error.id(), "other_issuer");
    assert!(error.to_string().contains(&issuer), "{error}");
    let error = fetched(&server.url("/realms/b")).map(|_| ()).unwrap_err();
    assert_eq!(error.id(), "status");
    // It may not send us to where we would not go by ourselves.
    let own = issuer.clone();
    server.answers(move |_, stream| {
        let document = json!({"issuer": own, "jwks_uri": "http://192.0.2.1/keys"});
        send(stream, "200 OK", &document.to_string());
    });
    assert_eq!(fetched(&issuer).map(|_| ()).unwrap_err().id(), "refused");
}

#[test]
fn without_encryption_only_this_host_is_asked() {
    let client = Client::new(false);
    for url in [
        "http://192.0.2.1/jwks",
        "http://issuer.example/jwks",
        "http://127.0.0.1.example/",
    ] {
        let error = client.get(url).unwrap_err();
        assert_eq!(error.id(), "refused", "{url}");
        assert!(error.to_string().contains("--keys-in-clear"), "{error}");
    }
    for url in ["ftp://127.0.0.1/jwks", "file:///etc/passwd", "jwks", ""] {
        assert_eq!(client.get(url).unwrap_err().id(), "refused", "{url}");
    }
    // Nobody listens there: it was asked.
    for url in [
        "http://127.0.0.1:9/jwks",
        "http://localhost:9/",
        "http://[::1]:9/",
    ] {
        assert_eq!(client.get(url).unwrap_err().id(), "unreachable", "{url}");
    }
}

#[test]
fn arguments_are_told_apart() {
    let of = |argument: &str| Remote::of(argument).map(|remote| (remote.issuer, remote.url));
    let pair = |issuer: &str, url: &str| Some((issuer.to_owned(), Some(url.to_owned())));
    assert_eq!(of("i=https://a/k?x=1"), pair("i", "https://a/k?x=1"));
    assert_eq!(
        of("https://i/?t=1=http://a/k?u=https://b"),
        pair("https://i/?t=1", "http://a/k?u=https://b")
    );
    assert_eq!(of("https://i/x"), Some(("https://i/x".to_owned(), None)));
    for argument in [
        "https://i=/etc/keys",
        "https://i/?a=b=keys",
        "i",
        "=https://a",
        "",
    ] {
        assert_eq!(of(argument), None, "{argument}");
    }
}

#[test]
fn times_between_fetches_are_bounded_and_not_the_same() {
    let rhythm = Rhythm::default();
    let seconds = Duration::from_secs;
    for (max_age, least, most) in [
        (None, 450, 600),
        (Some(0), 30, 30),
        (Some(1 << 30), 2700, 3600),
    ] {
        let all: Vec<_> = (0..50)
            .map(|_| rhythm.after_success(max_age.map(seconds)))
            .collect();
        for wait in &all {
            assert!(
                (seconds(least)..=seconds(most)).contains(wait),
                "{max_age:?}: {wait:?}"
            );
        }
        assert!(least == most || all.iter().any(|wait| *wait != all[0]));
    }
    for (failures, most) in [(1, 5), (2, 10), (5, 80), (20, 600), (u32::MAX, 600)] {
        let wait = rhythm.after_failure(failures);
        assert!(
            wait <= seconds(most) && wait >= seconds(most) * 3 / 4,
            "{failures}: {wait:?}"
        );
    }
}

/// Waits for something that happens soon.
fn soon(what: &str, mut happened: impl FnMut() -> bool) {
    let began = Instant::now();
    while !happened() {
        assert!(began.elapsed() < Duration::from_secs(20), "{what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// An issuer changes its key while observer runs: the kid that is not known has the set fetched again,
/// once, and tokens of the new key are valid then. Failures are counted, and mended.
#[test]
fn a_key_that_comes_while_it_runs_is_fetched() {
    use crate::credential::{
        ClaimAllowList, FingerprintKey, Inspector, KeySets, Policy, Signature,
    };
    let server = KeyServer::start(|_, stream| send(stream, "503 Busy", ""));
    let key = FingerprintKey::random().unwrap();
    let policy = Policy::new(key, KeySets::default(), ClaimAllowList::default());
    let policy = Arc::new(policy);
    let rhythm = Rhythm {
        cooldown: Duration::from_millis(300),
        usual: Duration::from_secs(3600),
        retry: Duration::from_millis(50),
    };
    let fetched = Arc::clone(policy.fetched());
    let remote = Remote {
        issuer: testing::ISSUER.to_owned(),
        ..server.remote()
    };
    let fetcher = Fetcher::new(
        vec![remote],
        Client::new(false),
        rhythm,
        Arc::clone(&fetched),
    );
    fetcher.start().unwrap();

    let token = testing::token(
        &json!({"alg": "RS256", "kid": "new"}),
        &json!({"iss": testing::ISSUER, "exp": 1}),
    );
    let value = format!("Bearer {token}");
    let fields = [httparse::Header {
        name: "authorization",
        value: value.as_bytes(),
    }];
    let mut inspector = Inspector::new(Arc::clone(&policy));
    let mut signature = || {
        inspector.renew();
        inspector.inspect(&fields, false).unwrap().signature.clone()
    };
    let count = |result: &str| {
        let states = fetched.states();
        let results = states.iter().flat_map(|state| &state.results);
        let mut found = results.filter(|(name, _)| *name == result);
        found.next().map_or(0, |(_, count)| *count)
    };

    soon("failures are counted", || count("status") > 1);
    assert_eq!(signature(), Signature::NotChecked);
    server.answers(|_, stream| send(stream, "200 OK", &set("old")));
    soon("it is tried again", || count("fetched") == 1);
    // The set came just now: the issuer has no such key.
    let available = vec!["old".to_owned()];
    assert_eq!(signature(), Signature::KeyNotFound { available });
    server.answers(|_, stream| send(stream, "200 OK", &set("new")));
    let asked = server.asked();
    soon("the new key is found", || {
        signature()
            == Signature::Valid {
                kid: Some("new".to_owned()),
            }
    });
    assert_eq!(server.asked(), asked + 1, "it was asked for more than once");
    assert_eq!(fetched.states()[0].keys, 1);
}
