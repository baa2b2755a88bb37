use serde_json::{Value, json};

use super::*;
use crate::credential::testing::{inspect, signed, token};

fn of(header: &Value, claims: &Value) -> Vec<&'static str> {
    let value = format!("Bearer {}", token(header, claims));
    let found = lints(&inspect(&value));
    found.iter().map(|linted| linted.lint.id()).collect()
}

fn fine() -> Value {
    json!({"iss": "https://issuer.example", "aud": "orders", "sub": "4711", "iat": 1000, "exp": 4600})
}

fn with(name: &str, value: Value) -> Vec<&'static str> {
    let mut claims = fine();
    claims[name] = value;
    of(&json!({"alg": "RS256", "kid": "k"}), &claims)
}

#[test]
fn a_token_as_it_should_be_has_none() {
    assert_eq!(of(&json!({"alg": "RS256", "kid": "k"}), &fine()), [""; 0]);
    assert_eq!(lints(&inspect("Bearer 0123456789")), []);
    assert_eq!(lints(&inspect("Basic dTpw")), []);
}

#[test]
fn every_lint_has_its_token() {
    let mut seen: Vec<&str> = Vec::new();
    let mut is = |found: Vec<&'static str>, want: &[&str]| {
        assert_eq!(found, want);
        seen.extend(found);
    };
    let none = signed(r#"{"alg":"none"}"#, &fine().to_string(), "none");
    let found = lints(&inspect(&format!("Bearer {none}")));
    is(
        found.iter().map(|linted| linted.lint.id()).collect(),
        &["alg_none"],
    );
    is(of(&json!({"alg": "HS256"}), &fine()), &["alg_symmetric"]);
    is(
        of(&json!({"alg": "RS1", "kid": "k"}), &fine()),
        &["alg_weak"],
    );
    is(of(&json!({"alg": "ES256"}), &fine()), &["missing_kid"]);
    is(with("aud", json!(["orders", "*"])), &["aud_wildcard"]);
    is(with("aud", json!([])), &["missing_aud"]);
    is(with("nonce", json!("x")), &["id_token_as_access"]);
    is(with("token_use", json!("id")), &["id_token_as_access"]);
    is(with("typ", json!("Refresh")), &["refresh_token_as_access"]);
    is(with("exp", json!(1000 + 86_401)), &["lifetime_long"]);
    is(with("exp", json!(1030)), &["lifetime_short"]);
    is(with("exp", json!(1000)), &["lifetime_negative"]);
    is(with("exp", json!(1_700_000_000_000_i64)), &["milliseconds"]);
    is(with("scope", json!("read orders:*")), &["scope_broad"]);
    is(with("email", json!("a@b")), &["personal_data"]);
    is(
        with("https://app.example/phone_number", json!("1")),
        &["personal_data"],
    );
    let bare = of(&json!({"alg": "RS256", "kid": "k"}), &json!({}));
    is(
        bare,
        &[
            "missing_aud",
            "missing_exp",
            "missing_iat",
            "missing_iss",
            "missing_sub",
        ],
    );
    for lint in Lint::ALL {
        assert!(seen.contains(&lint.id()), "{lint} has no token");
    }
}

#[test]
fn what_is_usual_is_no_lint() {
    for (name, value) in [
        ("scope", json!("orders:read admin:read")),
        ("exp", json!(1000 + 86_400)),
        ("aud", json!("orders")),
        ("tenant_name_id", json!("x")),
        // A defect, which has a place of its own.
        ("exp", json!("soon")),
    ] {
        assert_eq!(with(name, value.clone()), [""; 0], "{name} {value}");
    }
    // A refresh token may live long.
    let mut refresh = fine();
    refresh["typ"] = json!("Offline");
    refresh["exp"] = json!(90_000_000);
    let header = json!({"alg": "RS256", "kid": "k"});
    assert_eq!(of(&header, &refresh), ["refresh_token_as_access"]);
    // An access token that has a nonce and scopes.
    let mut access = fine();
    access["nonce"] = json!("x");
    access["scp"] = json!(["read"]);
    assert_eq!(of(&header, &access), [""; 0]);
}

#[test]
fn a_value_never_shows() {
    let mut claims = fine();
    claims["email"] = json!("canary@example.org");
    claims["password"] = json!("canary");
    claims["nonce"] = json!("canary");
    let value = format!("Bearer {}", token(&json!({"alg": "RS256"}), &claims));
    let found = format!("{:?}", lints(&inspect(&value)));
    assert!(
        found.contains("email, password") && !found.contains("canary"),
        "{found}"
    );
}

#[test]
fn the_page_has_every_lint_in_order_and_no_other() {
    let page = include_str!("../../../../docs/lints.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    let ids: Vec<&str> = rows.filter_map(|row| row.split('`').next()).collect();
    let want: Vec<&str> = Lint::ALL.iter().map(|lint| lint.id()).collect();
    assert_eq!(ids, want);
}
