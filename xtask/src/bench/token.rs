//! The token that the loads send.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A token of 1 KiB that expired long ago, with a signature that no key made.
pub(super) fn token() -> String {
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"ES256","typ":"JWT","kid":"bench"}"#);
    let payload = format!(
        r#"{{"iss":"https://issuer.bench.test","aud":"bench","sub":"b","exp":1700000000,"groups":"{}"}}"#,
        "g".repeat(570)
    );
    let payload = URL_SAFE_NO_PAD.encode(payload);
    format!("{header}.{payload}.{}", URL_SAFE_NO_PAD.encode([7; 64]))
}

#[cfg(test)]
mod tests {
    use super::token;

    #[test]
    fn the_token_is_about_1_kib() {
        assert!((990..1060).contains(&token().len()), "{}", token().len());
    }
}
