//! The timeline of keys for people.

use serde_json::Value;

use crate::redact;

/// The text of a timeline, as JSON has it.
pub(super) fn of(timeline: &Value) -> String {
    let mut out = String::new();
    let list = |name: &str| timeline.get(name).and_then(Value::as_array);
    for issuer in list("issuers").into_iter().flatten() {
        out.push_str(&word(issuer, "issuer"));
        out.push('\n');
        for kid in part(issuer, "kids") {
            let name = kid.get("kid").and_then(Value::as_str);
            let name = name.map_or_else(|| "(without a kid)".to_owned(), safe);
            out.push_str(&format!("  {name}\n"));
            for (field, title) in [
                ("in_set", "in key sets"),
                ("accepted", "accepted"),
                ("refused", "refused"),
            ] {
                if let Some(span) = kid.get(field) {
                    let (first, last) = (word(span, "first"), word(span, "last"));
                    let count = number(span, "count").unwrap_or_default();
                    out.push_str(&format!(
                        "    {title:<12} {first} to {last}, {count} times\n"
                    ));
                }
            }
        }
        fetches(&mut out, part(issuer, "fetches"));
    }
    let mut unclaimed = list("unclaimed").into_iter().flatten().peekable();
    if unclaimed.peek().is_some() {
        out.push_str("Of no issuer that is known\n");
        fetches(&mut out, unclaimed);
    }
    if out.is_empty() {
        out.push_str("no token with an issuer, no key set and no discovery document was seen\n");
    }
    out
}

fn fetches<'a>(out: &mut String, fetches: impl Iterator<Item = &'a Value>) {
    for fetch in fetches {
        let status = number(fetch, "status").map_or("no answer".to_owned(), |it| it.to_string());
        let client = fetch.get("client").map(client).unwrap_or_default();
        let kept = match number(fetch, "max_age") {
            Some(seconds) => format!("; may be kept {seconds} s"),
            None => String::new(),
        };
        out.push_str(&format!(
            "  {} {client} fetched {} from {}: {status}, {}{kept}\n",
            word(fetch, "time"),
            word(fetch, "url"),
            word(fetch, "service"),
            fetch.get("result").map(result).unwrap_or_default(),
        ));
    }
}

fn client(client: &Value) -> String {
    let address = client.get("address").and_then(Value::as_str).map(safe);
    let process = client.get("process").and_then(Value::as_str).map(safe);
    let pid = number(client, "pid").map_or_else(String::new, |pid| format!(" (pid {pid})"));
    match (process, address) {
        (Some(process), Some(address)) => format!("{process}{pid} at {address}"),
        (Some(process), None) => format!("{process}{pid}"),
        (None, Some(address)) => address,
        (None, None) => "somebody".to_owned(),
    }
}

fn result(result: &Value) -> String {
    if let Some(set) = result.get("key_set") {
        let kids: Vec<String> = part(set, "kids")
            .filter_map(Value::as_str)
            .map(safe)
            .collect();
        let keys = number(set, "keys").unwrap_or_default();
        return format!("{keys} keys ({})", kids.join(", "));
    }
    match (
        result.as_str(),
        result.get("unread").and_then(Value::as_str),
    ) {
        (Some("discovery"), _) => "a discovery document".to_owned(),
        (_, Some(why)) => format!("not learned: {}", safe(why)),
        _ => "something else".to_owned(),
    }
}

fn part<'a>(of: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    of.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn word(of: &Value, name: &str) -> String {
    of.get(name)
        .and_then(Value::as_str)
        .map(safe)
        .unwrap_or_default()
}

fn number(of: &Value, name: &str) -> Option<u64> {
    of.get(name)?.as_u64()
}

/// What comes from another process is not trusted.
fn safe(text: &str) -> String {
    redact::label(text, 512)
}
