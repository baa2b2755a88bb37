//! What observer told of a service, in short: where a condition is missed or wrong, that says why.

use serde_json::Value;

/// So many lines are enough to see it, of the latest: what is too long is cut off by whoever keeps it.
const MOST: usize = 30;
/// What `capture` says of an exchange that was seen whole.
const WHOLE: &str = r#"{"cut":[],"lost":0}"#;

/// The verdicts at a service and its conditions, a line each, without what both ends of an exchange have twice.
///
/// # Errors
/// When a line is no event.
pub fn of(events: &str, service: &str) -> Result<Vec<String>, String> {
    let mut lines = Vec::new();
    for line in events.lines() {
        let event: Value =
            serde_json::from_str(line).map_err(|error| format!("events: {error}"))?;
        if text(&event, "/service") == service && text(&event, "/side") != "client" {
            lines.push(short(&event));
        }
    }
    let beyond = lines.len().saturating_sub(MOST);
    if beyond > 0 {
        lines.drain(..beyond);
        lines.insert(0, format!("... {beyond} before"));
    }
    Ok(lines)
}

fn short(event: &Value) -> String {
    let text = |pointer: &str| text(event, pointer);
    let time = text("/time");
    // On which day does not matter.
    let time = time.rsplit('T').next().unwrap_or_default().to_owned();
    if text("/schema") == "observer.condition/1" {
        let evidence = event.get("evidence").map(Value::to_string);
        let (state, condition) = (text("/state"), text("/condition"));
        return format!(
            "{time} {condition} {state}: {}",
            evidence.unwrap_or_default()
        );
    }
    let status = event.pointer("/response/status").map(Value::to_string);
    let capture = event.get("capture").map(Value::to_string);
    let parts = [
        time,
        text("/connection/client"),
        status.unwrap_or_default(),
        text("/verdict/outcome"),
        text("/verdict/cause"),
        text("/verdict/certainty"),
        text("/credential/fingerprint"),
        capture.filter(|what| what != WHOLE).unwrap_or_default(),
    ];
    let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join(" ")
}

fn text(event: &Value, pointer: &str) -> String {
    let text = event.pointer(pointer).and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_account_has_the_verdicts_and_conditions_of_one_service() {
        let exchange = |service: &str, side: &str| {
            json!({
                "schema": "observer.exchange/1", "time": "2026-01-01T15:04:05.6Z", "service": service, "side": side,
                "response": {"status": 401}, "capture": {"cut": [], "lost": 0},
                "verdict": {"outcome": "rejected", "cause": "token_expired"},
            })
        };
        let condition = json!({
            "schema": "observer.condition/1", "time": "2026-01-01T15:04:06Z", "service": "a", "state": "begun",
            "condition": "refresh_loop", "evidence": ["because"],
        });
        let events = [
            exchange("a", "server"),
            exchange("a", "client"),
            exchange("b", "server"),
            condition,
        ];
        let events = events.map(|event| event.to_string()).join("\n");
        assert_eq!(
            of(&events, "a").unwrap(),
            [
                "15:04:05.6Z 401 rejected token_expired",
                "15:04:06Z refresh_loop begun: [\"because\"]"
            ]
        );
        let many = vec![exchange("a", "wire").to_string(); MOST + 5].join("\n");
        let lines = of(&many, "a").unwrap();
        assert_eq!((lines.len(), lines[0].as_str()), (MOST + 1, "... 5 before"));
        assert!(of("no event", "a").is_err());
    }
}
