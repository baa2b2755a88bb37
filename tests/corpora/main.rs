//! Captures that others made, and what tshark sees in them.
//!
//! They have licences of their own and are no part of the project: the folder is `$OBSERVER_CORPORA`,
//! or `../shared/corpora` beside the workspace. Without it these tests say so and pass.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a broken assumption ends the test"
)]

mod exceptions;
mod heads;
mod listed;
mod measure;
mod truth;
mod wycheproof;

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use observer::credential::Policy;
use observer::engine::{Engine, Limits, Output};
use observer::exchange::Exchange;
use observer::packet::Batch;
use observer::source::pcap::{Captures, PcapError, Report};
use observer_common::window::Knobs;

use exceptions::{Difference, Differences, Side};
use heads::Heads;
use listed::{Corpora, Listed};
use truth::Messages;

/// The most memory that reading any of them may take, in KiB.
const MEMORY: u64 = 128 * 1024;
/// So much time of a processor may 10 MB take, and any capture.
const TIME: Duration = Duration::from_secs(10);

/// Every capture is read to its end, in little time and memory; what is refused is of a format or link
/// type that observer does not read; the packets are those that tshark counts. What tshark sees of
/// HTTP/1 is found, in all captures, and nothing else: but for what is listed with its reason, which
/// is as it is listed.
#[test]
fn what_tshark_sees_is_found_and_nothing_else() {
    let Some(corpora) = Corpora::find() else {
        return;
    };
    let policy = Arc::new(Policy::random().unwrap());
    let mut sums = Sums::default();
    let mut differences = Differences::new();
    for capture in &corpora.captures {
        let truth = Messages::of_tshark(&corpora.root, corpora.original(capture));
        let began = measure::processor_time();
        let read = read(&capture.path, &policy, None);
        let took = measure::processor_time() - began;
        let size = std::fs::metadata(&capture.path).unwrap().len();
        let limit = TIME.mul_f64(1.0 + size as f64 / 10e6);
        assert!(took < limit, "{} took {took:?}", capture.name);
        let exchanges = sums.read(capture, read);
        let mut heads = Heads::new(&policy);
        if !exchanges.is_empty() {
            keep_heads(&capture.path, &mut heads);
        }
        let found = Messages::of_observer(&exchanges, &mut heads);
        sums.records += truth.count();
        sums.found += found.count();
        // tshark was given the keys of these: the messages are inside TLS.
        let missing = match corpora.is_decrypted(capture) {
            true => None,
            false => Some(truth.without(&found)),
        };
        let missing = missing
            .into_iter()
            .flatten()
            .map(|one| (Side::Missing, one));
        // tshark drops unfinished messages and what comes after a lost segment, and looks for HTTP on
        // some ports alone: what stands at the start of a segment is there all the same.
        let mut extra = Vec::new();
        for (message, count) in found.without(&truth) {
            let not_there = found.not_on_the_wire(message, &heads).min(count);
            sums.unseen += count - not_there;
            if not_there > 0 {
                extra.push((Side::Extra, (message, not_there)));
            }
        }
        for (side, (message, count)) in missing.chain(extra) {
            let difference = Difference {
                capture: capture.name.clone(),
                side,
                record: message.to_string(),
            };
            *differences.entry(difference).or_default() += count;
        }
        if corpora.is_decrypted(capture) {
            sums.inside_tls += truth.without(&found).map(|(_, count)| count).sum::<u64>();
        }
    }
    sums.print();
    // Fuzzers made nearly all of the damaged ones.
    assert!(sums.damaged < 40, "{} damaged captures", sums.damaged);
    let memory = measure::peak_memory();
    assert!(memory < MEMORY, "{memory} KiB");
    sums.compare(&differences, &exceptions::listed());
}

/// Of what observer finds in whole captures, it finds nearly all as live too.
#[test]
fn what_is_found_is_found_as_live() {
    let Some(corpora) = Corpora::find() else {
        return;
    };
    let policy = Arc::new(Policy::random().unwrap());
    let (mut all, mut missed) = (0, 0);
    for capture in &corpora.captures {
        if Messages::of_tshark(&corpora.root, corpora.original(capture)).is_empty() {
            continue;
        }
        let [whole, as_live] = [None, Some(Knobs::DEFAULT)].map(|knobs| {
            let exchanges = read(&capture.path, &policy, knobs).map(|(_, exchanges)| exchanges);
            Messages::of_observer(&exchanges.unwrap_or_default(), &mut Heads::new(&policy))
        });
        all += whole.count();
        missed += whole.without(&as_live).map(|(_, count)| count).sum::<u64>();
    }
    println!("as live: {} of {all} messages", all - missed);
    // Two captures from which nearly all packets were filtered out have nearly all of the rest; a socket
    // has no such holes.
    assert!(missed * 1000 <= all * 45, "{missed} of {all} are missing");
}

/// What came of all captures.
#[derive(Default)]
struct Sums {
    captures: u64,
    refused: u64,
    damaged: u64,
    /// Messages that tshark sees.
    records: u64,
    /// Those of them in captures whose keys it had, and that observer did not find.
    inside_tls: u64,
    /// Messages that observer sees.
    found: u64,
    /// Those of them that tshark does not see, and that begin a segment.
    unseen: u64,
}

impl Sums {
    /// What was read of a capture must be what is there.
    fn read(
        &mut self,
        capture: &Listed,
        read: Result<(Report, Vec<Exchange>), PcapError>,
    ) -> Vec<Exchange> {
        self.captures += 1;
        match read {
            Err(PcapError::LinkType { .. } | PcapError::NotACapture { .. }) => {
                assert!(!capture.is_readable(), "{} was refused", capture.name);
                self.refused += 1;
                Vec::new()
            }
            Err(error) => panic!("{error}"),
            Ok((report, exchanges)) => {
                let told = report.segments
                    + report.acknowledgements
                    + report.unwanted
                    + report.filtered
                    + report.joined
                    + report.skipped.total();
                assert_eq!(report.packets, told, "{}", capture.name);
                if report.endings.is_empty() {
                    assert_eq!(Some(report.packets), capture.packets, "{}", capture.name);
                } else {
                    self.damaged += 1;
                }
                exchanges
            }
        }
    }

    fn print(&self) {
        println!(
            "{} captures, {} of formats and link types that are not read, {} damaged; {} KiB at most",
            self.captures,
            self.refused,
            self.damaged,
            measure::peak_memory()
        );
        println!(
            "{} messages of tshark, {} of them inside TLS; {} found, {} of them on the wire and not seen \
             by tshark",
            self.records, self.inside_tls, self.found, self.unseen
        );
    }

    /// Fails unless the differences are those that are listed, and few.
    fn compare(&self, differences: &Differences, listed: &Differences) {
        let mut wrong = 0;
        for (difference, count) in differences {
            if listed.get(difference) != Some(count) {
                println!("not listed so, {count} times: {difference}");
                wrong += 1;
            }
        }
        for (difference, count) in listed {
            if !differences.contains_key(difference) {
                println!("listed {count} times, and not there: {difference}");
                wrong += 1;
            }
        }
        let count = |side| {
            let these = differences.iter().filter(|(one, _)| one.side == side);
            these.map(|(_, count)| count).sum::<u64>()
        };
        let (missing, extra) = (count(Side::Missing), count(Side::Extra));
        println!("{missing} messages are missing and {extra} are extra, as listed but for {wrong}");
        assert_eq!(wrong, 0, "differences that are not as they are listed");
        let most = (self.records - self.inside_tls) / 100;
        assert!(missing <= most, "{missing} exceptions, {most} at most");
        assert!(extra <= most, "{extra} extra messages, {most} at most");
    }
}

/// Reads a capture through the engine.
fn read(
    path: &Path,
    policy: &Arc<Policy>,
    as_live: Option<Knobs>,
) -> Result<(Report, Vec<Exchange>), PcapError> {
    let mut captures = Captures::open(&[path.to_path_buf()])?;
    if let Some(knobs) = as_live {
        captures = captures.as_live(knobs);
    }
    let mut engine = Engine::new(Limits::of_captures(), Arc::clone(policy), NonZeroUsize::MIN);
    let mut batch = Batch::new();
    let mut output = Vec::new();
    while captures.read(&mut batch)? {
        output.extend(engine.process(&batch));
    }
    output.extend(engine.process(&batch));
    output.extend(engine.finish());
    let exchanges = output.into_iter().filter_map(|output| match output {
        Output::Exchange(exchange) => Some(exchange),
        _ => None,
    });
    Ok((captures.report(), exchanges.collect()))
}

/// Reads a capture again for the bytes of its requests.
fn keep_heads(path: &Path, heads: &mut Heads) {
    let mut captures = Captures::open(&[path.to_path_buf()]).unwrap();
    let mut batch = Batch::new();
    while captures.read(&mut batch).unwrap() {
        heads.keep(&batch);
    }
    heads.keep(&batch);
}
