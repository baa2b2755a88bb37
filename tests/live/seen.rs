//! What was seen against what was sent.

use serde_json::Value;

use crate::agent::Observed;
use crate::traffic::Sent;

/// A text of an event by its place; empty when it is absent.
pub fn text<'a>(event: &'a Value, place: &str) -> &'a str {
    event
        .pointer(place)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// The status of an event's answer.
pub fn status(event: &Value) -> Option<u64> {
    event.pointer("/response/status").and_then(Value::as_u64)
}

impl Observed {
    /// The events of one side of the service at a port.
    pub fn of(&self, port: u16, side: &str) -> Vec<&Value> {
        self.events
            .iter()
            .filter(|event| text(event, "/connection/server").ends_with(&format!(":{port}")))
            .filter(|event| text(event, "/side") == side)
            .collect()
    }

    /// What the agent says that it lost: on its page of metrics, and in its summary what the end left
    /// no time for.
    pub fn lost(&self) -> f64 {
        let counters = [
            "observer_capture_lost_total",
            "observer_given_up_total",
            "observer_events_dropped_total",
        ];
        counters
            .iter()
            .map(|name| crate::agent::sum(&self.metrics, name))
            .sum::<f64>()
            + self.unjudged()
    }

    fn unjudged(&self) -> f64 {
        let words: Vec<_> = self.stdout.split([' ', '\n']).collect();
        let at = words
            .iter()
            .position(|word| word.trim_end_matches(',') == "unjudged");
        at.and_then(|at| words.get(at - 1))
            .map_or(0.0, |count| count.replace(',', "").parse().unwrap())
    }

    /// Every request was seen once from each side with the status that the client got, and every
    /// rejection has a cause that is right for what was wrong.
    pub fn tells(&self, port: u16, sent: &[Sent], statuses: &[Option<u16>]) {
        assert_eq!(sent.len(), statuses.len(), "the client counted otherwise");
        let mut wrong = Vec::new();
        for side in ["server", "client"] {
            let events = self.of(port, side);
            for (sent, got) in sent.iter().zip(statuses) {
                let seen: Vec<_> = events
                    .iter()
                    .filter(|event| text(event, "/request/path") == sent.path)
                    .collect();
                match seen.as_slice() {
                    [event] => wrong.extend(fault(event, sent, *got)),
                    _ => wrong.push(format!("{} seen {} times", sent.path, seen.len())),
                }
            }
            if events.len() != sent.len() {
                let strange: Vec<_> = events
                    .iter()
                    .filter(|event| {
                        !sent
                            .iter()
                            .any(|sent| text(event, "/request/path") == sent.path)
                    })
                    .collect();
                wrong.push(format!(
                    "{} exchanges at the {side}, {} were sent; not among them {strange:?}",
                    events.len(),
                    sent.len()
                ));
            }
        }
        assert!(
            wrong.is_empty(),
            "at port {port}, lost {}:\n{}\n{}",
            self.lost(),
            wrong.join("\n"),
            self.stderr
        );
    }
}

fn fault(event: &Value, sent: &Sent, got: Option<u16>) -> Option<String> {
    let verdict = event.get("verdict");
    if status(event) != got.map(u64::from) {
        return Some(format!(
            "{}: status {:?}, the client got {got:?}: {event}",
            sent.path,
            status(event)
        ));
    }
    let outcome = text(event, "/verdict/outcome");
    let cause = text(event, "/verdict/cause");
    let right = match got {
        Some(200..=299) => outcome == "accepted" && cause.is_empty(),
        Some(_) => {
            let outcome = matches!(outcome, "rejected" | "challenged");
            outcome && sent.flaw.causes().contains(&cause)
        }
        None => outcome == "unanswered",
    };
    (!right).then(|| format!("{} ({:?}, {got:?}): {verdict:?}", sent.path, sent.flaw))
}
