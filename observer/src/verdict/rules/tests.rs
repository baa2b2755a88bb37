use super::*;
use crate::verdict::Cause;

fn causes(text: &str) -> Vec<Option<Cause>> {
    let found = Words::default().find(text, At::Body);
    found.iter().map(|rule| rule.cause).collect()
}

fn words(text: &str) -> Result<Words, String> {
    Words::parse(text, Path::new("own.tsv")).map_err(|error| error.to_string())
}

#[test]
fn every_line_of_the_table_is_a_rule() {
    let text = include_str!("../rules.tsv");
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    for line in &lines {
        let rule = Rule::parse(line, true);
        assert!(rule.is_ok(), "{line}: {rule:?}");
        assert_eq!(rule.unwrap().check(), Ok(()), "{line}");
        let source = line.split('\t').nth(7).unwrap_or_default();
        assert!(!source.is_empty(), "{line} has no source");
    }
    assert_eq!(BUILT_IN.all.len(), lines.len());
    assert!(lines.len() > 390);
}

#[test]
fn every_exact_rule_finds_its_own_text() {
    for rule in BUILT_IN.all.iter().filter(|rule| !rule.is_expression()) {
        let found = Words::default().find(&rule.text, rule.at());
        let own =
            |found: &Arc<Rule>| found.text.to_lowercase().trim() == rule.text.to_lowercase().trim();
        assert!(found.iter().any(own), "{}: {found:?}", rule.text);
    }
}

#[test]
fn the_longest_match_says_what_is_meant() {
    assert_eq!(
        causes("jwt signature verification failed: 'exp' claim expired at Sat"),
        [Some(Cause::TokenExpired)]
    );
    assert_eq!(causes("Signature has expired"), [Some(Cause::TokenExpired)]);
    assert_eq!(
        causes("Bad token; invalid signature"),
        [Some(Cause::TokenMalformed)]
    );
    assert_eq!(causes("Invalid signature"), [Some(Cause::SignatureInvalid)]);
    assert_eq!(
        causes("Signature nbf has not been reached"),
        [Some(Cause::TokenNotYetValid)]
    );
}

#[test]
fn what_servers_say_comes_before_what_libraries_do() {
    let found = Words::default().find("The token is not yet valid (iat): Jwt is expired", At::Body);
    let emitted: Vec<bool> = found.iter().map(|rule| rule.emitted).collect();
    assert_eq!(emitted, [true, false]);
}

#[test]
fn a_text_that_repeats_itself_is_one_rule() {
    assert_eq!(causes(&"Jwt is expired\n".repeat(500)).len(), 1);
}

#[test]
fn a_word_inside_another_is_no_match() {
    assert_eq!(causes("InvalidSignatureLength"), []);
    assert_eq!(causes("our Session expired yesterday"), []);
    assert_eq!(causes("Session expired"), [Some(Cause::SessionEnded)]);
}

#[test]
fn the_rules_of_a_user_win() {
    let own = words(
        "# Ours.\n\nledger\tbody\thas\tJwt is expired\ttoken_revoked\nledger\tfield:x-error-code\tis\tE17\taudience_mismatch\tlibrary_text\tissuer_mismatch\tthe code\n",
    )
    .unwrap();
    let found = own.find("Jwt is expired", At::Body);
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].cause, found[0].emitted),
        (Some(Cause::TokenRevoked), true)
    );
    let found = own.find("e17", At::Field("x-error-code"));
    assert_eq!(
        found[0].causes(),
        [Cause::AudienceMismatch, Cause::IssuerMismatch]
    );
    assert!(own.ask_for("x-error-code") && !own.ask_for("x-error-text"));
    // What they do not know is said as before.
    let found = own.find("Jwt verification fails", At::Body);
    assert_eq!(found[0].cause, Some(Cause::SignatureInvalid));
    let second = words("x\tbody\thas\tJwt is expired\ttoken_inactive\n").unwrap();
    let both = own.or(second);
    assert_eq!(
        both.find("Jwt is expired", At::Body)[0].cause,
        Some(Cause::TokenRevoked)
    );
}

#[test]
fn a_mistake_is_named_with_its_line_and_what_to_write() {
    for (text, line, says) in [
        ("a\tbody\thas\tabc", 1, "the cause is missing"),
        (
            "# x\na\tboddy\thas\tabc\ttoken_expired",
            2,
            "no place: write challenge",
        ),
        (
            "a\tbody\tlike\tabc\ttoken_expired",
            1,
            "write has (it is in the answer), cased",
        ),
        ("a\tbody\thas\tab\ttoken_expired", 1, "3 to 512"),
        ("a\tbody\tregex\ta(bc\ttoken_expired", 1, "unclosed group"),
        ("a\tbody\tregex\t(abc)?\ttoken_expired", 1, "every text"),
        (
            "a\tbody\tregex\t(abc){9999}{999}\ttoken_expired",
            1,
            "no regular expression",
        ),
        (
            "a\tbody\thas\tabc\ttoken_expierd",
            1,
            "token_expired perhaps",
        ),
        (
            "a\tbody\thas\tabc\ttoken_expired\tmaybe",
            1,
            "write server_emits",
        ),
        (
            "a\tbody\thas\tabc\ttoken_expired\t\ttoken_gone",
            1,
            "token_gone",
        ),
        (
            "a\tfield:x-mine\thas\tabc\ttoken_expired",
            1,
            "does not keep",
        ),
        ("a", 1, "the place is missing"),
    ] {
        let error = words(text).unwrap_err();
        assert!(
            error.starts_with(&format!("the rules own.tsv cannot be used: line {line}: ")),
            "{error}"
        );
        assert!(error.contains(says), "{says}: {error}");
    }
}

#[test]
fn a_table_of_a_user_has_an_end() {
    let row = "a\tbody\thas\tabc\ttoken_expired\n";
    assert!(words(&row.repeat(MAX_ROWS)).is_ok());
    let error = words(&row.repeat(MAX_ROWS + 1)).unwrap_err();
    assert!(error.contains("more than 1000 rules"), "{error}");
    let heavy = "a\tbody\tregex\t[a-f]{400}x[a-f]{400}\ttoken_expired\n".repeat(MAX_ROWS);
    let error = words(&heavy).unwrap_err();
    assert!(error.contains("too large together"), "{error}");
    let file = tempfile::NamedTempFile::new().unwrap();
    file.as_file().set_len(MAX_FILE + 1).unwrap();
    let error = Words::read(file.path()).unwrap_err().to_string();
    assert!(error.contains("larger than"), "{error}");
    let error = Words::read(Path::new("/nonexistent.tsv")).unwrap_err();
    assert!(error.to_string().contains("/nonexistent.tsv"), "{error}");
}
