//! What a verdict costs. docs/performance.md has the numbers.

use std::fmt::Write;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use base64::prelude::*;
use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use httparse::Header;

use observer::credential::{Credential, Echo, Inspector, Policy};
use observer::exchange::{
    Capture, Connection, Excerpt, Exchange, Field, Request, RequestHead, Response, Side, Target,
};
use observer::packet::ConnectionKey;
use observer::time::Timestamp;
use observer::verdict::{Judge, Words};

const NOW: i64 = 1_800_000_000;

/// A token of about 600 bytes that expired two hours ago, and no other is like it.
fn token(number: u64) -> String {
    let encode = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
    let header = encode(r#"{"alg":"RS256","typ":"JWT","kid":"2026-02"}"#);
    let payload = encode(&format!(
        r#"{{"iss":"https://issuer.example/","aud":"orders","sub":"user-{number}","iat":{},"exp":{},"scope":"read write"}}"#,
        NOW - 10_800,
        NOW - 7200
    ));
    format!("Bearer {header}.{payload}.{}", "A".repeat(342))
}

fn inspector() -> Inspector {
    Inspector::new(Arc::new(Policy::random().expect("randomness")))
}

fn inspect(inspector: &mut Inspector, value: &str) -> Arc<Credential> {
    let fields = [Header {
        name: "authorization",
        value: value.as_bytes(),
    }];
    inspector.inspect(&fields, false).expect("a credential")
}

fn exchange(credential: Arc<Credential>, body: &str) -> Exchange {
    let time = Timestamp::from_seconds(NOW);
    let fields = [
        (Field::Server, "nginx/1.22.1"),
        (Field::Date, "Fri, 15 Jan 2027 08:00:00 GMT"),
        (
            Field::WwwAuthenticate,
            "Bearer realm=\"orders\", error=\"invalid_token\"",
        ),
    ];
    let fields = fields.map(|(field, value)| (field, value.to_owned()));
    Exchange {
        connection: Connection {
            key: ConnectionKey::Socket(7),
            client: "10.0.0.9:40000".parse().expect("an address"),
            server: "10.0.0.1:8080".parse().expect("an address"),
            side: Side::Server,
            unix: None,
        },
        number: 0,
        request: Some(Request {
            started: time,
            finished: time,
            seq: 1,
            head: Arc::new(RequestHead {
                target: Arc::new(Target {
                    protocol: "http/1.1",
                    method: "GET".to_owned(),
                    path: "/orders/4711".to_owned(),
                    host: None,
                }),
                head_len: 800,
                longest_field: 700,
                preflight: false,
                credential: Some(credential),
                others: Vec::new(),
                left_out: Default::default(),
            }),
        }),
        response: Some(Response {
            started: time,
            finished: time,
            seq: 2,
            status: 401,
            fields: Arc::from(fields),
            excerpt: Excerpt::new(body.as_bytes().to_vec(), true),
        }),
        grant: None,
        secrets: Echo::default(),
        handled: None,
        capture: Capture::default(),
        completed: time,
    }
}

/// What a server of no table says, which the tables of words are asked about in vain.
fn unknown(number: u64) -> String {
    format!(
        r#"{{"error":{{"code":"E{number}","message":"Your pass {number} was not taken here, ask at the desk"}}}}"#
    )
}

fn verdicts(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("verdict");
    group.bench_function("seen before", |bench| {
        let mut judge = Judge::default();
        let exchange = exchange(inspect(&mut inspector(), &token(0)), "Jwt is expired");
        judge.judge(&exchange, None);
        bench.iter(|| judge.judge(black_box(&exchange), None));
    });
    group.bench_function("new token, answer seen before", |bench| {
        let mut judge = Judge::default();
        let mut number = 0;
        let mut inspector = inspector();
        let mut next = || {
            number += 1;
            exchange(inspect(&mut inspector, &token(number)), "Jwt is expired")
        };
        judge.judge(&next(), None);
        bench.iter_batched(
            next,
            |exchange| judge.judge(&exchange, None),
            BatchSize::SmallInput,
        );
    });
    group.bench_function("new token taken apart", |bench| {
        let mut inspector = inspector();
        let mut number = 0;
        let next = || {
            number += 1;
            token(number)
        };
        bench.iter_batched(
            next,
            |value| inspect(&mut inspector, &value),
            BatchSize::SmallInput,
        );
    });
    group.bench_function("new token, new answer in no table", |bench| {
        let mut judge = Judge::default();
        let mut number = 0;
        let mut inspector = inspector();
        let next = || {
            number += 1;
            exchange(inspect(&mut inspector, &token(number)), &unknown(number))
        };
        bench.iter_batched(
            next,
            |exchange| judge.judge(&exchange, None),
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

/// A user's table of so many rows, one in five of them an expression as in the built-in.
fn table(rows: usize) -> Words {
    let mut text = String::new();
    for row in 0..rows {
        let (how, says) = match row % 5 {
            0 => ("regex", format!("The gate {row} refused '[^']*' at \\d+")),
            _ => (
                "has",
                format!("The gate {row} refused the pass number {}", row * 7919),
            ),
        };
        writeln!(text, "gate\tbody\t{how}\t{says}\ttoken_expired").expect("a string");
    }
    Words::parse(&text, Path::new("rows.tsv")).expect("a table")
}

fn rows(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("matching an answer");
    for rows in [0, 200, 800] {
        group.bench_function(BenchmarkId::new("rows of a user", rows), |bench| {
            let mut judge = Judge::understanding(table(rows));
            let mut number = 0;
            let credential = inspect(&mut inspector(), &token(0));
            let next = || {
                number += 1;
                exchange(Arc::clone(&credential), &unknown(number))
            };
            bench.iter_batched(
                next,
                |exchange| judge.judge(&exchange, None),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, verdicts, rows);
criterion_main!(benches);
