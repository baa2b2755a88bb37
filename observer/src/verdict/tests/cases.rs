//! One case a row: what was sent, what was answered, and what the verdict must be.

use serde_json::json;

use super::super::{Cause, Certainty, Expectation, Outcome, judge};
use super::case::*;
use super::{NOW, answer, exchange};
use crate::credential::testing::{ISSUER, good};
use Cause::*;
use Certainty::{Candidates, Conflict, Proven, Stated, TokenEvidence, Unknown};
use Sent::{Field, Nothing};

#[rustfmt::skip] // One case a line: a table is read in columns.
fn rejections() -> Vec<Case> {
    vec![
        // Nothing sent.
        asks("bare challenge, nothing sent", Nothing, 401, "Bearer", CredentialsMissing, Proven),
        asks("bare challenge with a realm", Nothing, 401, "Bearer realm=\"x\"", CredentialsMissing, Proven),
        case("401 without a word, nothing sent", Nothing, 401, "", CredentialsMissing, TokenEvidence),
        case("Envoy says missing", Nothing, 401, "Jwt is missing", CredentialsMissing, Proven),
        case("DRF says missing with 403", Nothing, 403, r#"{"detail":"Authentication credentials were not provided."}"#, CredentialsMissing, Proven),
        case("axum says missing with 400", Nothing, 400, "Header of type `authorization` was missing", CredentialsMissing, Proven),
        case("echo leaves it open, nothing sent", Nothing, 401, r#"{"message":"missing or malformed jwt"}"#, CredentialsMissing, Proven),
        case("403 without a word, nothing sent", Nothing, 403, "", RejectedUnspecified, Candidates).or(&[CredentialsMissing, PermissionDenied]),
        case("Istio denies the anonymous", Nothing, 403, "RBAC: access denied", RejectedUnspecified, Candidates).or(&[CredentialsMissing, PermissionDenied]),
        case("says expired, nothing seen", Nothing, 401, "Jwt is expired", TokenExpired, Stated),
        asks("invalid_token, nothing seen", Nothing, 401, "Bearer error=\"invalid_token\"", InvalidTokenUnspecified, Candidates).or(&[CredentialsMissing]),
        case("says missing, one was sent", fine(), 401, "Jwt is missing", CredentialsMissing, Conflict),
        case("Kubernetes takes it for anonymous", fine(), 403, r#"{"message":"pods is forbidden: User \"system:anonymous\" cannot list"}"#, CredentialsMissing, Conflict),
        // The field.
        asks("doubled scheme, bare challenge", Field("Bearer Bearer abcdef".into()), 401, "Bearer", HeaderMalformed, TokenEvidence),
        case("doubled scheme, server knows", Field("Bearer Bearer abcdef".into()), 401, "Format is Authorization: Bearer [token]", HeaderMalformed, Proven),
        case("no scheme, server says missing", Field(good(&json!({"exp": NOW + 9000}))), 401, "Jwt is missing", HeaderMalformed, TokenEvidence).or(&[CredentialsMissing]),
        asks("basic where bearer is wanted", Field("Basic dTpw".into()), 401, "Bearer, error=\"invalid_request\", error_description=\"No bearer token found in the request\"", HeaderMalformed, TokenEvidence),
        asks("basic, bare challenge for bearer", Field("Basic dTpw".into()), 401, "Bearer realm=\"x\"", HeaderMalformed, TokenEvidence),
        asks("basic, bare challenge for basic", Field("Basic dTpw".into()), 401, "Basic realm=\"x\"", RejectedUnspecified, Candidates).or(&[LoginFailed]),
        asks("a signature of the request, asked for", Field("AWS4-HMAC-SHA256 Credential=x".into()), 401, "AWS4-HMAC-SHA256", RejectedUnspecified, Unknown),
        asks("basic, challenges for both", Field("Basic dTpw".into()), 401, "Bearer realm=\"x\", Basic realm=\"x\"", RejectedUnspecified, Candidates).or(&[LoginFailed]),
        case("null", bearer("null"), 401, "", HeaderMalformed, TokenEvidence),
        asks("invalid_request", Field("Bearer".into()), 400, "Bearer error=\"invalid_request\"", HeaderMalformed, TokenEvidence),
        // The form.
        case("malformed, Envoy", broken(), 401, "Jwt header is an invalid Base64url encoded", TokenMalformed, Proven),
        case("malformed, generic", broken(), 401, "", TokenMalformed, TokenEvidence),
        case("malformed stated of a good one", fine(), 401, r#"{"message":"jwt malformed"}"#, TokenMalformed, Conflict),
        case("opaque to a JWT validator", bearer("0123456789"), 401, "jwt malformed", TokenMalformed, Proven),
        case("truncated, says invalid signature", truncated(), 401, "invalid signature", TokenTruncated, TokenEvidence).or(&[SignatureInvalid]),
        case("truncated, generic", truncated(), 401, "", TokenTruncated, TokenEvidence),
        case("truncated, Flask answers 422", truncated(), 422, r#"{"msg":"Signature verification failed"}"#, TokenTruncated, TokenEvidence),
        case("Kong: signature that cannot be decoded", broken(), 401, r#"{"message":"Bad token; invalid signature"}"#, TokenMalformed, Proven),
        case("nginx: too large", large(), 400, "<html><head><title>400 Request Header Or Cookie Too Large</title></head></html>", TokenTooLarge, Proven),
        case("431", large(), 431, "", TokenTooLarge, Proven),
        case("431 of a small one", fine(), 431, "", TokenTooLarge, Conflict),
        // The algorithm, the key, the signature.
        case("alg none, says malformed", unsigned(), 401, "jwt signature is required", AlgNotAllowed, TokenEvidence).or(&[TokenMalformed]),
        case("alg none, says so", unsigned(), 401, "The specified alg value is not allowed", AlgNotAllowed, Proven),
        case("alg none, generic", unsigned(), 401, "", AlgNotAllowed, TokenEvidence),
        case("alg not allowed", symmetric(), 401, "invalid algorithm", AlgNotAllowed, Stated),
        case("no key, both say so", unknown_key(), 401, "Jwks doesn't have key to match kid or alg from Jwt", KeyNotFound, Proven),
        case("no key, generic", unknown_key(), 401, "", KeyNotFound, TokenEvidence),
        case("no key of an issuer that we do not know", foreign(), 401, "The signature key was not found", KeyNotFound, Stated),
        case("generic, of an issuer that we do not know", foreign(), 401, "", RejectedUnspecified, Candidates).or(&[AudienceMismatch, IssuerMismatch]),
        case("no key at the server, but at ours", fine(), 401, "The signature key was not found", KeyNotFound, Stated),
        case("forged, both say so", forged(), 401, "Jwt verification fails", SignatureInvalid, Proven),
        case("forged, generic", forged(), 401, "", SignatureInvalid, TokenEvidence),
        case("HMAC, says invalid signature", symmetric(), 401, "invalid signature", SignatureInvalid, Stated),
        case("invalid signature stated of a good one", fine(), 401, "Jwt verification fails", SignatureInvalid, Conflict),
        case("keys could not be fetched", fine(), 401, "Jwks remote fetch is failed", KeysUnavailable, Stated),
        case("keys could not be fetched, 500", fine(), 500, "Jwks remote fetch is failed", KeysUnavailable, Stated),
        // Time.
        case("expired, Envoy", expired(7200), 401, "Jwt is expired", TokenExpired, Proven),
        case("expired, PyJWT's words are not about the signature", expired(7200), 401, r#"{"detail":"Signature has expired"}"#, TokenExpired, Proven),
        case("expired, Rust's words are not about the signature", expired(7200), 401, "ExpiredSignature", TokenExpired, Proven),
        case("expired, lua-resty-openidc's prefix lies", expired(7200), 401, "jwt signature verification failed: 'exp' claim expired at Sat", TokenExpired, Proven),
        case("expired, in no table", expired(7200), 401, r#"{"error":{"code":"TokenExpired"}}"#, TokenExpired, Proven),
        case("expired, simplejwt", expired(7200), 401, r#"{"detail":"Given token not valid for any token type","code":"token_not_valid","messages":[{"message":"Token is expired"}]}"#, TokenExpired, Proven),
        asks("expired, AWS without commas", expired(7200), 401, "Bearer scope=\"\" error=\"invalid_token\" error_description=\"the token has expired\"", TokenExpired, Proven),
        case("expired, node's default error page", expired(7200), 500, "TokenExpiredError: jwt expired", TokenExpired, Proven),
        case("expired within the leeway, says so", expired(30), 401, "Jwt is expired", TokenExpired, Stated),
        case("expired within the leeway, generic", expired(30), 401, "", RejectedUnspecified, Candidates).or(&[TokenExpired]),
        asks("expired within the leeway, invalid_token", expired(290), 401, "Bearer error=\"invalid_token\"", InvalidTokenUnspecified, Candidates).or(&[TokenExpired]),
        asks("expired, generic", expired(400), 401, "Bearer error=\"invalid_token\"", TokenExpired, TokenEvidence),
        case("expired, leaves it open", expired(400), 401, r#"{"message":"invalid or expired jwt"}"#, TokenExpired, TokenEvidence),
        case("not expired, leaves it open", fine(), 401, r#"{"message":"invalid or expired jwt"}"#, InvalidTokenUnspecified, Candidates).or(&[AudienceMismatch]),
        case("expired, bare 403", expired(7200), 403, "", RejectedUnspecified, Candidates).or(&[TokenExpired, PermissionDenied]),
        case("expired stated, exp far ahead", fine(), 401, "Jwt is expired", TokenExpired, Conflict),
        case("introspection says inactive, exp is past", expired(7200), 401, "Provided token isn't active", TokenExpired, TokenEvidence),
        asks("introspection says inactive, exp is not past", fine(), 401, "Bearer error=\"invalid_token\", error_description=\"Provided token isn't active\"", TokenInactive, Stated),
        case("not yet valid", jwt(&json!({"nbf": NOW + 900})), 401, "Jwt not yet valid", TokenNotYetValid, Proven),
        case("not yet valid, generic", jwt(&json!({"nbf": NOW + 900})), 401, "", TokenNotYetValid, TokenEvidence),
        case("not yet valid within the leeway", jwt(&json!({"nbf": NOW + 100})), 401, "Jwt not yet valid", TokenNotYetValid, Stated),
        case("ruby's words about nbf", jwt(&json!({"nbf": NOW + 900})), 401, "Signature nbf has not been reached", TokenNotYetValid, Proven),
        case("not yet valid stated, nbf long past", jwt(&json!({"nbf": NOW - 9000})), 401, "Jwt not yet valid", TokenNotYetValid, Conflict),
        case("not yet valid stated, nbf is a string", jwt(&json!({"nbf": "later"})), 401, "Jwt not yet valid", TokenNotYetValid, Stated),
        case("iat ahead", jwt(&json!({"iat": NOW + 900})), 401, "The token is not yet valid (iat)", TokenIssuedInFuture, Proven),
        case("iat ahead, called not yet valid", jwt(&json!({"iat": NOW + 900})), 401, "Jwt not yet valid", TokenIssuedInFuture, TokenEvidence),
        case("iat ahead, generic", jwt(&json!({"iat": NOW + 900})), 401, "", TokenIssuedInFuture, TokenEvidence),
        // Claims.
        case("audience, Envoy answers 403", fine(), 403, "Audiences in Jwt are not allowed", AudienceMismatch, Stated),
        asks("audience, ASP.NET", fine(), 401, "Bearer error=\"invalid_token\", error_description=\"The audience 'billing' is invalid\"", AudienceMismatch, Stated),
        case("issuer", fine(), 401, "Jwt issuer is not configured", IssuerMismatch, Stated),
        case("several causes, one is shown", expired(7200), 401, "token has invalid claims: token is expired, token has invalid audience", TokenExpired, Proven).or(&[AudienceMismatch]),
        case("claim missing", fine(), 401, r#"{"message":"Missing required claim: tenant"}"#, ClaimMissing, Stated),
        case("refresh token", jwt(&json!({"typ": "Refresh"})), 401, r#"{"detail":"Token has wrong type"}"#, TokenTypeWrong, Proven),
        case("revoked", fine(), 401, "The token has been revoked.", TokenRevoked, Stated),
        // Authorization.
        asks("scope lacking", jwt(&json!({"scope": "orders:read"})), 403, "Bearer error=\"insufficient_scope\", scope=\"orders:write\"", ScopeInsufficient, Proven),
        asks("scope, not said which", fine(), 403, "Bearer error=\"insufficient_scope\"", ScopeInsufficient, Stated),
        asks("scope stated that the token has", jwt(&json!({"scope": "orders:write"})), 403, "Bearer error=\"insufficient_scope\", scope=\"orders:write\"", ScopeInsufficient, Conflict),
        case("permission", fine(), 403, r#"{"detail":"You do not have permission to perform this action."}"#, PermissionDenied, Stated),
        case("permission, in no table", fine(), 403, r#"{"error":"Access denied"}"#, PermissionDenied, Stated),
        case("bare 403", fine(), 403, "<html><h1>403 Forbidden</h1></html>", RejectedUnspecified, Candidates).or(&[PermissionDenied, ScopeInsufficient]),
        // Generic.
        asks("invalid_token of a good one", fine(), 401, "Bearer error=\"invalid_token\"", InvalidTokenUnspecified, Candidates).or(&[AudienceMismatch, IssuerMismatch, TokenRevoked, KeyNotFound]),
        case("401 of a good one", fine(), 401, "Unauthorized", RejectedUnspecified, Candidates),
        case("nginx's page", fine(), 401, NGINX, RejectedUnspecified, Candidates).or(&[AudienceMismatch]),
        case("nginx's page, nothing sent", Nothing, 401, NGINX, CredentialsMissing, TokenEvidence),
        case("nginx's page, expired", expired(7200), 401, NGINX, TokenExpired, TokenEvidence),
        case("Tomcat's page", fine(), 401, "<p>The request has not been applied to the target resource because it lacks valid authentication credentials for that resource.</p>", RejectedUnspecified, Candidates),
        case("IIS's page", fine(), 401, "<h2>401 - Unauthorized: Access is denied due to invalid credentials.</h2>", RejectedUnspecified, Candidates),
        case("access denied with 401", fine(), 401, r#"{"error":"access denied"}"#, RejectedUnspecified, Candidates),
        case("missing or invalid, in no table", fine(), 401, r#"{"error":"Missing or invalid token"}"#, InvalidTokenUnspecified, Candidates).or(&[AudienceMismatch]),
        case("missing or invalid, nothing sent", Nothing, 401, r#"{"error":"Missing or invalid token"}"#, CredentialsMissing, Proven),
        case("no token provided, nothing sent", Nothing, 401, r#"{"error":"No token provided"}"#, CredentialsMissing, Proven),
        case("401 of an opaque one", bearer("0123456789"), 401, "", RejectedUnspecified, Candidates).or(&[TokenExpired, TokenRevoked]),
        case("401 of a password", Field("Basic dTpw".into()), 401, "", RejectedUnspecified, Candidates).or(&[HeaderMalformed]),
        asks("gin-jwt asks for JWT and means Bearer", fine(), 401, "JWT realm=test zone", RejectedUnspecified, Candidates).or(&[AudienceMismatch]),
        case("quotes make the signature wrong", Field(format!("Bearer \"{}\"", good(&json!({"exp": NOW + 9000})))), 401, "invalid signature", HeaderMalformed, TokenEvidence).or(&[SignatureInvalid]),
        case("axum's example", fine(), 400, r#"{"error":"Invalid token"}"#, InvalidTokenUnspecified, Candidates),
        asks("gin-jwt misses exp", jwt(&json!({"exp": null})), 400, "JWT realm=test zone", RejectedUnspecified, Candidates),
        case("a bare challenge in front of a page", Nothing, 401, "<pre>UnauthorizedError: invalid token</pre>", CredentialsMissing, TokenEvidence).with("www-authenticate", "Bearer realm=\"api\""),
        case("a refresh token, no word", bearer(&good(&json!({"exp": NOW + 9000, "token_type": "refresh"}))), 401, "", TokenTypeWrong, TokenEvidence),
        case("fast-jwt is not caught", bearer(&good(&json!({"exp": NOW + 9000, "nbf": NOW + 4000}))), 500, r#"{"statusCode":500,"code":"FAST_JWT_INACTIVE","error":"Internal Server Error","message":"The token will be active at 2026-11-22T11:15:33.000Z."}"#, TokenNotYetValid, Proven),
        case("a session is no token", fine(), 401, r#"{"error":"Session expired"}"#, SessionEnded, Stated),
        case("a session is over because the token is", expired(7200), 401, r#"{"error":"Session expired"}"#, TokenExpired, TokenEvidence).or(&[SessionEnded]),
        case("gRPC in 200", fine(), 200, "", KeyNotFound, Stated).with("grpc-status", "16").with("grpc-message", "Jwks doesn%27t have key to match kid or alg from Jwt"),
        case("GraphQL in 200", expired(7200), 200, r#"{"errors":[{"message":"jwt expired"}]}"#, TokenExpired, Proven),
        case("Hasura answers 400", expired(7200), 400, r#"{"error":"Could not verify JWT: JWTExpired"}"#, TokenExpired, Proven),
        case("a proxy wants its own", fine(), 407, "", CredentialsMissing, Proven).with("proxy-authenticate", "Basic realm=\"p\""),
    ]
}

#[rustfmt::skip] // As above.
fn of_others() -> Vec<Case> {
    vec![
        // More of the token.
        case("two fields, Kong", bearer("a\nB"), 401, r#"{"message":"Multiple tokens provided"}"#, CredentialsDuplicated, Stated),
        case("an encrypted token that nobody can read", jwe(), 401, "JWEDecryptionFailed: decryption operation failed", DecryptionFailed, Stated),
        case("too old, Node", jwt(&json!({"iat": NOW - 90_000})), 401, "maxAge exceeded", TokenTooOld, Stated),
        case("too old, and expired", expired(7200), 401, "maxAge exceeded", TokenExpired, TokenEvidence).or(&[TokenTooOld]),
        case("lives too long, Kong", jwt(&json!({"exp": NOW + 900_000})), 401, r#"{"exp":"exceeds maximum allowed expiration"}"#, LifetimeTooLong, Stated),
        case("exp is a word, PostgREST", jwt(&json!({"exp": "soon"})), 401, "The JWT 'exp' claim must be a number", ClaimMalformed, Proven),
        case("exp is a word, called malformed", jwt(&json!({"exp": "soon"})), 401, "jwt malformed", TokenMalformed, Stated),
        case("exp is a word, generic", jwt(&json!({"exp": "soon"})), 401, "", RejectedUnspecified, Candidates).or(&[ClaimMalformed]),
        asks("a claim of its own, Spring", fine(), 401, "Bearer error=\"invalid_token\", error_description=\"The tenant claim is not valid\"", ClaimInvalid, Stated),
        case("a claim that is not named, and the token shows which", expired(7200), 401, "token has invalid claims", TokenExpired, TokenEvidence).or(&[ClaimInvalid]),
        case("another tenant, Azure", fine(), 401, r#"{"error":{"code":"InvalidAuthenticationTokenTenant","message":"The access token is from the wrong issuer"}}"#, WrongTenant, Stated),
        case("the same jti again, .NET", fine(), 401, "IDX10228: The securityToken has previously been validated", TokenReplayed, Stated),
        asks("no proof of the key", fine(), 401, "DPoP error=\"invalid_request\", error_description=\"DPoP proof is missing or invalid.\"", DpopProofMissing, Stated),
        asks("a bad proof of the key", fine(), 401, "DPoP error=\"invalid_dpop_proof\"", DpopProofInvalid, Stated),
        asks("another certificate", fine(), 401, "Bearer error=\"invalid_token\", error_description=\"Invalid SHA-256 Thumbprint for X509Certificate.\"", CertBindingMismatch, Stated),
        // Who calls.
        case("nobody, simplejwt", fine(), 401, r#"{"detail":"User not found","code":"user_not_found"}"#, PrincipalUnknown, Stated),
        case("disabled, simplejwt", fine(), 401, r#"{"detail":"User is inactive","code":"user_inactive"}"#, PrincipalDisabled, Stated),
        asks("log in more strongly", fine(), 401, "Bearer error=\"insufficient_user_authentication\", acr_values=\"gold\"", AuthLevelInsufficient, Stated),
        case("forged, says Django", Nothing, 403, r#"{"detail":"CSRF Failed: CSRF token missing."}"#, CsrfFailed, Stated),
        case("forged, says Laravel", Nothing, 419, r#"{"message":"CSRF token mismatch."}"#, CsrfFailed, Stated),
        case("wrong password, simplejwt", Nothing, 401, r#"{"detail":"No active account found with the given credentials"}"#, LoginFailed, Stated),
        case("wrong password, Supabase", Nothing, 400, r#"{"code":400,"error_code":"invalid_credentials","msg":"Invalid login credentials"}"#, LoginFailed, Stated),
        case("wrong password, Keycloak", Nothing, 401, r#"{"error":"invalid_grant","error_description":"Invalid user credentials"}"#, LoginFailed, Stated),
        // The endpoints of issuers.
        case("invalid_grant", Nothing, 400, r#"{ "error": "invalid_grant", "error_description": "The refresh token is expired" }"#, GrantInvalid, Stated),
        case("a refresh token again, Supabase", Nothing, 400, r#"{"code":400,"error_code":"refresh_token_already_used","msg":"Invalid Refresh Token: Already Used"}"#, RefreshTokenReused, Stated),
        case("invalid_client", Field("Basic dTpw".into()), 401, r#"{"error":"invalid_client"}"#, ClientAuthFailed, Stated),
        case("unauthorized_client", Nothing, 400, r#"{"error":"unauthorized_client"}"#, ClientUnauthorized, Stated),
        case("unsupported_grant_type", Nothing, 400, r#"{"error":"unsupported_grant_type"}"#, GrantUnsupported, Stated),
        case("invalid_scope", Nothing, 400, r#"{"error":"invalid_scope"}"#, ScopeInvalid, Stated),
        case("invalid_request of an issuer", Nothing, 400, r#"{"error":"invalid_request"}"#, RequestInvalid, Stated).at("/realms/x/protocol/openid-connect/token"),
        case("a session at the issuer, Keycloak", Nothing, 400, r#"{"error":"invalid_grant","error_description":"Session not active"}"#, SessionEnded, Stated),
        // The service, and what is no matter of tokens.
        case("the validator has no key, PostgREST", fine(), 500, r#"{"code":"PGRST300","message":"Server lacks JWT secret"}"#, ValidatorMisconfigured, Stated),
        case("a validator that is gone", fine(), 503, r#"{"error":"The authentication service is unavailable"}"#, ValidatorError, Stated),
        case("AWS cannot ask its provider", Nothing, 561, "", IdpError, Stated).with("server", "awselb/2.0"),
        case("no key of the API, Kong", Nothing, 401, r#"{"message":"No API key found in request"}"#, OtherCredentialMissing, Stated),
        case("a wrong key of the API", fine(), 400, r#"{"code":3,"message":"INVALID_ARGUMENT: API key not valid. Please pass a valid API key."}"#, OtherCredentialInvalid, Stated),
    ]
}

#[rustfmt::skip] // As above.
fn outcomes() -> Vec<Case> {
    vec![
        other("200", fine(), 200, "{}", Outcome::Accepted),
        other("204 without a token", Nothing, 204, "", Outcome::Accepted),
        other("304", fine(), 304, "", Outcome::Accepted),
        other("404", fine(), 404, "token not found", Outcome::Undetermined),
        other("400 about something else", fine(), 400, r#"{"error":"missing field name"}"#, Outcome::Undetermined),
        other("400 about a missing thing, nothing sent", Nothing, 400, r#"{"error":"invalid json"}"#, Outcome::Undetermined),
        other("invalid_request of anybody", Nothing, 400, r#"{"error":"invalid_request"}"#, Outcome::Undetermined),
        other("nobody of the name that was asked for", fine(), 400, r#"{"error":"No such user"}"#, Outcome::Undetermined),
        other("561 of anybody", Nothing, 561, "", Outcome::Undetermined),
        other("a log of errors", fine(), 200, r#"{"errors":[],"log":["{\"error\":\"invalid_grant\"}"]}"#, Outcome::Accepted),
        other("500 about something else", expired(7200), 500, "NullPointerException", Outcome::Undetermined),
        other("301", fine(), 301, "", Outcome::Undetermined).with("location", "https://example.org/login"),
        case("no such route, AWS", Nothing, 403, r#"{"message":"Missing Authentication Token"}"#, RouteNotFound, Stated),
        case("nobody of that name, Laravel", fine(), 401, r#"{"message":"User not found"}"#, PrincipalUnknown, Stated),
        case("expired, Google", expired(7200), 401, r#"{"error":{"code":401,"status":"UNAUTHENTICATED","details":[{"reason":"ACCESS_TOKEN_EXPIRED"}]}}"#, TokenExpired, Proven),
        other("302 to elsewhere", Nothing, 302, "", Outcome::Undetermined).with("location", "/orders/4711"),
        other("302 to a login", Nothing, 302, "", Outcome::Challenged).with("location", "https://idp.example/oauth2/v1/authorize?client_id=x&response_type=code"),
        other("Negotiate", Nothing, 401, "", Outcome::Challenged).with("www-authenticate", "Negotiate"),
        other("Digest", Nothing, 401, "", Outcome::Challenged).with("www-authenticate", "Digest realm=\"x\", nonce=\"y\""),
        other("NTLM, second leg", Field("NTLM TlRMTVNTUAAB".into()), 401, "", Outcome::Challenged).with("www-authenticate", "NTLM TlRMTVNTUAAC"),
        nonce("DPoP nonce of a service", fine(), 401, "").with("www-authenticate", "DPoP error=\"use_dpop_nonce\""),
        nonce("DPoP nonce of an issuer", Nothing, 400, r#"{"error": "use_dpop_nonce"}"#),
        other("registry", Nothing, 401, "", Outcome::Challenged).with("www-authenticate", "Bearer realm=\"https://auth.example/token\",service=\"registry\""),
        other("RFC 9728", Nothing, 401, "", Outcome::Challenged).with("www-authenticate", "Bearer resource_metadata=\"https://x/.well-known\""),
        other("proxy handshake", Nothing, 407, "", Outcome::Challenged).with("proxy-authenticate", "Negotiate, Basic realm=\"p\""),
    ]
}

#[test]
fn every_case_gets_its_verdict() {
    let mut wrong = Vec::new();
    for case in rejections().iter().chain(&of_others()).chain(&outcomes()) {
        let field = match &case.sent {
            Nothing => None,
            Field(value) => Some(value.as_bytes()),
        };
        let mut exchange = exchange(field, true, answer(case.status, &case.fields, case.body));
        if let (Some(request), Some(path)) = (&mut exchange.request, case.path) {
            path.clone_into(&mut request.path);
        }
        let verdict = judge(&exchange, None);
        let got = (verdict.outcome, verdict.cause, verdict.certainty);
        if got != case.want || !verdict.candidates.starts_with(&case.candidates) {
            wrong.push(format!(
                "{}:\n  want {:?} {:?}\n  got  {verdict:?}",
                case.name, case.want, case.candidates
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_cases_cover_every_cause_and_every_certainty() {
    let cases = rejections().into_iter().chain(of_others());
    let cases: Vec<Case> = cases.chain(outcomes()).collect();
    for cause in Cause::ALL {
        let is_covered = cases
            .iter()
            .any(|case| case.want.1 == Some(*cause) || case.candidates.contains(cause));
        assert!(is_covered, "{cause}");
    }
    for certainty in Certainty::ALL {
        let is_covered = cases.iter().any(|case| case.want.2 == Some(*certainty));
        // No history is kept yet.
        assert!(
            is_covered || *certainty == Certainty::Inferred,
            "{certainty}"
        );
    }
}

#[test]
fn what_is_unusual_of_a_token_is_among_the_candidates() {
    for (sent, cause) in [
        (symmetric(), AlgNotAllowed),
        (jwt(&json!({"aud": null})), ClaimMissing),
        (bearer(&good(&json!({"aud": "orders"}))), ClaimMissing),
        (bearer("0123456789"), TokenMalformed),
        (Field("Basic dTpw".into()), HeaderMalformed),
    ] {
        let Field(value) = sent else { unreachable!() };
        let exchange = exchange(Some(value.as_bytes()), true, answer(401, &[], ""));
        let verdict = judge(&exchange, None);
        assert!(verdict.candidates.contains(&cause), "{cause}: {verdict:?}");
    }
    let Field(value) = fine() else { unreachable!() };
    let exchange = exchange(Some(value.as_bytes()), true, answer(401, &[], ""));
    let usual = judge(&exchange, None).candidates;
    for cause in [AlgNotAllowed, ClaimMissing, TokenMalformed, HeaderMalformed] {
        assert!(!usual.contains(&cause), "{usual:?}");
    }
}

#[test]
fn what_the_operator_expects_is_a_side_of_its_own() {
    let expected = |issuer: &str, audience: &str| Expectation {
        issuer: vec![issuer.to_owned()],
        audience: vec![audience.to_owned()],
    };
    let judge = |body: &str, expected: &Expectation| {
        let Field(value) = fine() else { unreachable!() };
        let verdict = judge(
            &exchange(Some(value.as_bytes()), true, answer(401, &[], body)),
            Some(expected),
        );
        (
            verdict.cause.unwrap(),
            verdict.certainty.unwrap(),
            verdict.candidates,
        )
    };
    let own = expected(ISSUER, "orders");
    let other_audience = expected(ISSUER, "billing");
    let other_issuer = expected("https://elsewhere/", "orders");
    assert_eq!(
        judge("JWT not in audience", &other_audience),
        (AudienceMismatch, Proven, vec![])
    );
    assert_eq!(
        judge("", &other_audience),
        (AudienceMismatch, TokenEvidence, vec![])
    );
    assert_eq!(
        judge("JWT not in audience", &own),
        (AudienceMismatch, Conflict, vec![])
    );
    assert_eq!(
        judge("Jwt issuer is not configured", &other_issuer),
        (IssuerMismatch, Proven, vec![])
    );
    assert_eq!(
        judge("", &other_issuer),
        (IssuerMismatch, TokenEvidence, vec![])
    );
    assert_eq!(judge("", &expected("x", "y")).1, Candidates);
    assert_eq!(
        judge("", &own),
        (
            RejectedUnspecified,
            Candidates,
            vec![TokenRevoked, ScopeInsufficient, KeyNotFound]
        )
    );
}
