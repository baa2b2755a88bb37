//! Replays captures through the stages, and tells what came out in short lines.

use std::io::Cursor;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use observer::credential::{ClaimAllowList, FingerprintKey, KeySets, Policy};
use observer::engine::{Engine, Limits, Output, Tally};
use observer::event::{Event, Paths, Requests, Seen};
use observer::exchange::Exchange;
use observer::packet::Batch;
use observer::source::pcap::Captures;
use observer::verdict;
use observer_common::window::Knobs;
use observer_tests::capture::{Capture, Conversation};

/// How a capture is replayed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Replay {
    /// On how many threads.
    pub(crate) threads: usize,
    /// Whether only what the kernel programs would ship is looked at.
    pub(crate) as_live: bool,
}

impl Default for Replay {
    fn default() -> Self {
        Self {
            threads: 1,
            as_live: false,
        }
    }
}

impl Replay {
    /// Everything that the engine gives for a capture file.
    pub(crate) fn run(self, file: &[u8]) -> Vec<Output> {
        self.counted(file).0
    }

    /// The same, and what the engine counted.
    pub(crate) fn counted(self, file: &[u8]) -> (Vec<Output>, Tally) {
        let input = Box::new(Cursor::new(file.to_vec()));
        let mut captures = Captures::over(input, Path::new("capture")).unwrap();
        if self.as_live {
            captures = captures.as_live(Knobs::DEFAULT);
        }
        let threads = NonZeroUsize::new(self.threads).unwrap();
        let mut engine = Engine::new(Limits::of_captures(), policy(), threads);
        let mut batch = Batch::new();
        let mut output = Vec::new();
        loop {
            let more = captures.read(&mut batch).unwrap();
            output.extend(engine.process(&batch));
            if !more {
                output.extend(engine.finish());
                return (output, engine.tally());
            }
        }
    }

    /// The exchanges in it.
    pub(crate) fn exchanges(self, file: &[u8]) -> Vec<Exchange> {
        self.run(file)
            .into_iter()
            .filter_map(|output| match output {
                Output::Exchange(exchange) => Some(exchange),
                _ => None,
            })
            .collect()
    }
}

/// What is said of a conversation, one line per exchange: see [`line`].
pub(crate) fn story(talk: &Conversation) -> Vec<String> {
    story_of(&Capture::of([talk.clone()]))
}

/// What is said of a capture. The events are the same bytes however many threads there are.
pub(crate) fn story_of(capture: &Capture) -> Vec<String> {
    let file = capture.pcap();
    let [one, two, four] = [1, 2, 4].map(|threads| {
        let replay = Replay {
            threads,
            ..Replay::default()
        };
        replay.exchanges(&file)
    });
    assert_eq!(ndjson(&one), ndjson(&two), "two threads say something else");
    assert_eq!(
        ndjson(&one),
        ndjson(&four),
        "four threads say something else"
    );
    lines(&one)
}

/// The events of exchanges, one JSON object in a line.
pub(crate) fn ndjson(exchanges: &[Exchange]) -> String {
    exchanges
        .iter()
        .map(|exchange| serde_json::to_string(&event(exchange)).unwrap() + "\n")
        .collect()
}

/// The event of an exchange.
pub(crate) fn event(exchange: &Exchange) -> Event {
    let seen = Seen {
        exchange,
        service: &"orders".into(),
        requests: &mut Requests::new(Paths::AsSent),
    };
    seen.with(verdict::judge(exchange, None))
}

/// What is said of a conversation when it is read as live.
pub(crate) fn live_story(talk: &Conversation) -> Vec<String> {
    let replay = Replay {
        as_live: true,
        ..Replay::default()
    };
    lines(&replay.exchanges(&Capture::of([talk.clone()]).pcap()))
}

/// One line for each exchange.
pub(crate) fn lines(exchanges: &[Exchange]) -> Vec<String> {
    exchanges.iter().map(line).collect()
}

/// `GET /a 401`, then `jwt` or another kind of credential, `defects`, `cut-token`, `cut-request`,
/// `cut-answer` and `lost=N` where they hold. `?` stands for what was not seen.
fn line(exchange: &Exchange) -> String {
    let request = exchange.request.as_ref();
    let mut words = vec![
        request.map_or("?".to_owned(), |request| {
            format!("{} {}", request.method, request.path)
        }),
        exchange
            .response
            .as_ref()
            .map_or("?".to_owned(), |response| response.status.to_string()),
    ];
    if let Some(credential) = request.and_then(|request| request.credential.as_ref()) {
        words.push(format!("{:?}", credential.kind).to_lowercase());
        if !credential.defects.is_empty() {
            words.push("defects".to_owned());
        }
        if credential.cut {
            words.push("cut-token".to_owned());
        }
    }
    let capture = exchange.capture;
    if capture.request_cut {
        words.push("cut-request".to_owned());
    }
    if capture.response_cut {
        words.push("cut-answer".to_owned());
    }
    if capture.lost > 0 {
        words.push(format!("lost={}", capture.lost));
    }
    words.join(" ")
}

/// A policy with a key that is the same in every test.
fn policy() -> Arc<Policy> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), [7; 32]).unwrap();
    Arc::new(Policy::new(
        FingerprintKey::from_file(file.path()).unwrap(),
        KeySets::default(),
        ClaimAllowList::default(),
    ))
}
