//! Which claims may leave.

use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::redact;

/// The claims that a verdict needs, and that say nothing about a person.
const DEFAULT: &[&str] = &[
    "acr",
    "amr",
    "appid",
    "aud",
    "auth_time",
    "azp",
    "cid",
    "client_id",
    "cnf",
    "exp",
    "gty",
    "iat",
    "idtyp",
    "iss",
    "nbf",
    "scope",
    "scp",
    "tid",
    "token_type",
    "token_use",
    "typ",
    "type",
    "ver",
];
/// The longest string shown, in bytes.
const MAX_TEXT: usize = 256;
/// How many elements of an array are shown.
const MAX_ELEMENTS: usize = 32;

/// The names of the claims that are shown. All others are named and not shown.
#[derive(Clone, Debug)]
pub struct ClaimAllowList(HashSet<String>);

impl ClaimAllowList {
    /// The default list, and these.
    pub fn with<I: IntoIterator<Item = String>>(names: I) -> Self {
        let mut list = Self::default();
        list.0.extend(names);
        list
    }

    /// Whether a claim may be shown.
    pub fn allows(&self, name: &str) -> bool {
        self.0.contains(name)
    }
}

/// `iss`, `aud`, the times, client ids, scopes, what type of token it is, tenant, and the names
/// inside `cnf`.
impl Default for ClaimAllowList {
    fn default() -> Self {
        Self(DEFAULT.iter().map(|name| (*name).to_owned()).collect())
    }
}

/// What is shown of a value: text capped and escaped, arrays of plain values, of objects (`cnf`) only
/// the names. `None` where that is too little to show.
pub(super) fn shown(value: &Value) -> Option<Value> {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => Some(value.clone()),
        Value::String(text) => Some(redact::label(text, MAX_TEXT).into()),
        Value::Array(elements) => elements
            .iter()
            .take(MAX_ELEMENTS)
            .map(|element| (!element.is_array() && !element.is_object()).then(|| shown(element))?)
            .collect::<Option<Vec<_>>>()
            .map(Value::Array),
        Value::Object(members) => Some(Value::Array(names(members))),
    }
}

fn names(members: &Map<String, Value>) -> Vec<Value> {
    members
        .keys()
        .take(MAX_ELEMENTS)
        .map(|name| redact::text(name, 64).into())
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn people_are_not_on_the_list() {
        let list = ClaimAllowList::default();
        for name in [
            "sub",
            "email",
            "name",
            "preferred_username",
            "jti",
            "sid",
            "groups",
            "roles",
        ] {
            assert!(!list.allows(name), "{name}");
        }
        assert!(ClaimAllowList::with(["roles".to_owned()]).allows("roles"));
    }

    #[test]
    fn of_objects_only_the_names_are_shown() {
        assert_eq!(shown(&json!({"jkt": "secret"})), Some(json!(["jkt"])));
        assert_eq!(shown(&json!(["a", 1])), Some(json!(["a", 1])));
        assert_eq!(shown(&json!(["a", {"b": "secret"}])), None);
        assert_eq!(shown(&json!("a\u{7}")), Some(json!("a\\u{7}")));
    }
}
