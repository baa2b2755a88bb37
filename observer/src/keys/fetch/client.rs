//! One fetch: within bounds of time and size, and encrypted unless it stays on this host.

use std::net::IpAddr;
use std::time::Duration;

use serde::Deserialize;
use ureq::Agent;
use ureq::http::Uri;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::credential::Unusable;
use crate::keys::max_age_of;
use crate::redact;

/// A document is at most so large.
const MAX_BODY: u64 = 1 << 20;
/// All of a fetch takes at most so long: 10 s.
const PATIENCE: Duration = Duration::from_secs(10);

/// Fetches documents.
pub struct Client {
    agent: Agent,
    /// Whether other hosts may be asked without encryption.
    in_clear: bool,
}

/// What of a discovery document is read (OpenID Connect Discovery 1.0 section 3).
#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

impl Client {
    /// A client that trusts the certificates of this system, or those of Mozilla where it has none.
    ///
    /// `in_clear`: whether other hosts than this one may be asked without encryption.
    pub fn new(in_clear: bool) -> Self {
        Self::with(in_clear, PATIENCE)
    }

    /// The same, with another bound of time.
    pub(super) fn with(in_clear: bool, patience: Duration) -> Self {
        let own = rustls_native_certs::load_native_certs().certs;
        let own = own.iter().map(|one| Certificate::from_der(one).to_owned());
        let own: Vec<_> = own.collect();
        let roots = match own.is_empty() {
            true => RootCerts::WebPki,
            false => RootCerts::new_with_certs(&own),
        };
        let agent = Agent::config_builder()
            .timeout_global(Some(patience))
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .max_response_header_size(64 * 1024)
            .user_agent(concat!("observer/", env!("CARGO_PKG_VERSION")))
            .tls_config(TlsConfig::builder().root_certs(roots).build())
            .build();
        Self {
            agent: agent.into(),
            in_clear,
        }
    }

    /// A document, and for how long it may be kept.
    ///
    /// # Errors
    /// It could not be had.
    pub fn get(&self, url: &str) -> Result<(Vec<u8>, Option<Duration>), FetchError> {
        self.may_ask(url)?;
        let failed = |error| FetchError::of(url, error);
        let answer = self.agent.get(url).header("accept", "application/json");
        let mut answer = answer.call().map_err(failed)?;
        let status = answer.status().as_u16();
        if status != 200 {
            return Err(FetchError::Status {
                url: redact::url(url),
                status,
            });
        }
        let values = answer.headers().get_all("cache-control").iter();
        let values = values.filter_map(|value| value.to_str().ok());
        let max_age = max_age_of(values).map(|seconds| Duration::from_secs(seconds.into()));
        let body = answer.body_mut().with_config().limit(MAX_BODY);
        let body = body.read_to_vec().map_err(failed)?;
        Ok((body, max_age))
    }

    /// Where the discovery document of an issuer says that its keys are.
    ///
    /// # Errors
    /// There is none, or it is of another issuer.
    pub(super) fn discover(&self, issuer: &str) -> Result<String, FetchError> {
        let url = format!(
            "{}/.well-known/openid-configuration",
            issuer.strip_suffix('/').unwrap_or(issuer)
        );
        let (body, _) = self.get(&url)?;
        let Ok(document) = serde_json::from_slice::<Discovery>(&body) else {
            return Err(FetchError::NotDiscovery {
                url: redact::url(&url),
            });
        };
        // Section 4.3: exactly, or another could speak for it.
        if document.issuer != issuer {
            return Err(FetchError::OtherIssuer {
                url: redact::url(&url),
                found: redact::label(&document.issuer, 256),
            });
        }
        Ok(document.jwks_uri)
    }

    fn may_ask(&self, url: &str) -> Result<(), FetchError> {
        let uri: Option<Uri> = url.parse().ok();
        let is_here = |host: &str| {
            let host = host.trim_start_matches('[').trim_end_matches(']');
            let address = host.parse::<IpAddr>();
            host == "localhost" || address.is_ok_and(|address| address.is_loopback())
        };
        let url = || redact::url(url);
        match uri.as_ref().map(|uri| (uri.scheme_str(), uri.host())) {
            Some((Some("https"), Some(_))) => Ok(()),
            Some((Some("http"), Some(host))) if self.in_clear || is_here(host) => Ok(()),
            Some((Some("http"), Some(_))) => Err(FetchError::InClear { url: url() }),
            _ => Err(FetchError::NoUrl { url: url() }),
        }
    }
}

impl FetchError {
    fn of(url: &str, error: ureq::Error) -> Self {
        let url = redact::url(url);
        match error {
            ureq::Error::Timeout(_) => Self::TimedOut { url },
            ureq::Error::BodyExceedsLimit(_) => Self::TooLarge { url },
            error => Self::Unreachable {
                url,
                error: redact::text(&error.to_string(), 256),
            },
        }
    }

    /// The word of docs/metrics.md.
    pub fn id(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "unreachable",
            Self::TimedOut { .. } => "timed_out",
            Self::Status { .. } => "status",
            Self::TooLarge { .. } => "too_large",
            Self::NotKeys { .. } | Self::NotDiscovery { .. } => "not_keys",
            Self::OtherIssuer { .. } => "other_issuer",
            Self::InClear { .. } | Self::NoUrl { .. } => "refused",
        }
    }
}

/// Why keys could not be fetched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// No connection, or a broken one; or its certificate is not trusted.
    #[error(
        "{url}: {error}. Look whether this host reaches it, by which name and through which proxy, and whether it trusts its certificate (SSL_CERT_FILE names the trusted ones)"
    )]
    Unreachable {
        /// What was asked.
        url: String,
        /// What happened.
        error: String,
    },
    /// It took longer than 10 s.
    #[error("{url} did not answer whole within 10 s. Look whether it is overloaded, or far away")]
    TimedOut {
        /// What was asked.
        url: String,
    },
    /// Another status than 200.
    #[error(
        "{url} answered {status}. Redirects are not followed: give the URL where the document is, as the issuer's jwks_uri has it"
    )]
    Status {
        /// What was asked.
        url: String,
        /// The answer.
        status: u16,
    },
    /// More than 1 MiB.
    #[error("{url} answered more than 1 MiB, and a key set is small. Look at what is served there")]
    TooLarge {
        /// What was asked.
        url: String,
    },
    /// No key set.
    #[error("{url}: {unusable}. Give the issuer's jwks_uri, or the issuer alone")]
    NotKeys {
        /// What was asked.
        url: String,
        /// Why.
        unusable: Unusable,
    },
    /// No discovery document.
    #[error(
        "{url} is no discovery document: it has no issuer and jwks_uri. Give the key set by --jwks ISSUER=URL"
    )]
    NotDiscovery {
        /// What was asked.
        url: String,
    },
    /// The discovery document of another.
    #[error(
        "{url} is the document of the issuer {found}. Give the issuer exactly as it has it, and as `iss` of the tokens has it, a slash at the end included"
    )]
    OtherIssuer {
        /// What was asked.
        url: String,
        /// Whose it is.
        found: String,
    },
    /// http to another host.
    #[error(
        "{url} would be asked without encryption, and anyone on the way could answer with keys of his own. Give a URL with https, or allow it with --keys-in-clear"
    )]
    InClear {
        /// What was given.
        url: String,
    },
    /// No URL.
    #[error("{url} is no URL with http or https")]
    NoUrl {
        /// What was given.
        url: String,
    },
}
