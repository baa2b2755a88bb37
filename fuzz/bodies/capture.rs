//! Any bytes as a capture: read, taken apart, reassembled, paired and judged, all and as live.

use std::io::Cursor;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use observer::credential::Policy;
use observer::engine::{Engine, Limits, Output};
use observer::packet::Batch;
use observer::source::pcap::Captures;
use observer::verdict::judge;

static POLICY: LazyLock<Arc<Policy>> =
    LazyLock::new(|| Arc::new(Policy::random().expect("the system gives random bytes")));

/// One input.
pub(crate) fn run(bytes: &[u8]) {
    for as_live in [false, true] {
        let input = Box::new(Cursor::new(bytes.to_vec()));
        let Ok(mut captures) = Captures::over(input, Path::new("capture")) else {
            return;
        };
        if as_live {
            captures = captures.as_live(Default::default());
        }
        let mut engine = Engine::new(
            Limits::of_captures(),
            Arc::clone(&POLICY),
            NonZeroUsize::MIN,
        );
        let mut batch = Batch::new();
        let mut output = Vec::new();
        while captures.read(&mut batch).expect("memory does not fail") {
            output.extend(engine.process(&batch));
        }
        output.extend(engine.process(&batch));
        output.extend(engine.finish());
        for seen in output {
            if let Output::Exchange(exchange) = seen {
                judge(&exchange, None);
            }
        }
        let report = captures.report();
        let counted = report.segments
            + report.acknowledgements
            + report.unwanted
            + report.filtered
            + report.joined
            + report.skipped.total();
        assert_eq!(report.packets, counted);
    }
}
