//! A request and the answer it got, as one thing.
//!
//! An exchange is complete when its answer's head is; where the answer is 4xx or 5xx, when the
//! excerpt of its body is full or the body at its end, when nothing more came of it for a while,
//! or when the connection closed, or when no answer came for
//! [`crate::engine::Limits::exchange_timeout`]. On a socket of this host it then waits up to
//! [`crate::engine::Limits::handling_wait`] to learn who handled it. All by the clock of the data.
//! What was not seen is absent: an answer whose request was not captured has no `request`.

use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use crate::credential::{Credential, Echo};
use crate::oauth::Grant;
use crate::packet::{ConnectionKey, Handling, UnixEnds};
use crate::time::{Step, Timestamp};
use crate::wiped::Wiped;

/// A request and the answer it got.
#[derive(Clone)]
pub struct Exchange {
    /// The connection it was seen on.
    pub connection: Connection,
    /// Its number on that connection, from 0.
    pub number: u64,
    /// What was asked.
    pub request: Option<Request>,
    /// What was answered: the final answer, never a 1xx (101 is final).
    pub response: Option<Response>,
    /// What passed, where the request was one to an authorization server.
    pub grant: Option<Arc<Grant>>,
    /// How the secrets of the request's form are known where the answer repeats them.
    pub secrets: Echo,
    /// Who handled it at this end.
    pub handled: Option<Handling>,
    /// What is missing of the two heads.
    pub capture: Capture,
    /// When it was complete, by the clock of the data. Output is ordered by this.
    pub completed: Timestamp,
}

impl Exchange {
    /// When it began, as far as it was seen.
    pub fn began(&self) -> Timestamp {
        self.request
            .as_ref()
            .map(|request| request.started)
            .or(self.response.as_ref().map(|response| response.started))
            .unwrap_or(self.completed)
    }

    /// Whether the request had secrets in a form, by which it may have asked to be let in.
    pub fn has_secrets(&self) -> bool {
        self.grant.is_some() || !self.secrets.is_empty()
    }

    /// Moves what it says of times to the time of day. `completed` stays in the clock of the data.
    pub fn step(&mut self, by: Step) {
        let request = self.request.iter_mut();
        let response = self.response.iter_mut();
        let times = request
            .flat_map(|request| [&mut request.started, &mut request.finished])
            .chain(response.flat_map(|response| [&mut response.started, &mut response.finished]));
        for time in times {
            *time = time.stepped(by);
        }
    }
}

/// What is known of the connection at the time of the exchange.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Connection {
    /// Whose it is.
    pub key: ConnectionKey,
    /// Who asks.
    pub client: SocketAddr,
    /// Who answers.
    pub server: SocketAddr,
    /// From where it was seen.
    pub side: Side,
    /// The ends of a unix socket. The addresses say nothing then.
    pub unix: Option<Arc<UnixEnds>>,
}

/// From where an exchange was seen.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Side {
    /// At the socket of the client.
    Client,
    /// At the socket of the server.
    Server,
    /// On a wire, by a capture.
    Wire,
}

impl Side {
    /// The stable text of events and metrics.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
            Self::Wire => "wire",
        }
    }
}

/// A request, as far as its head says.
#[derive(Clone)]
pub struct Request {
    /// The time of its first byte.
    pub started: Timestamp,
    /// The time of the last byte of its head.
    pub finished: Timestamp,
    /// The TCP sequence number of its first byte. Both ends of an exchange have the same, through
    /// NAT too, which is how they are known to be one.
    pub seq: u32,
    /// What its head says: the same for all that have the same head.
    pub head: Arc<RequestHead>,
}

impl Request {
    /// Seconds from the request to `exp` of its token; below zero when it had passed.
    pub fn seconds_to_expiry(&self) -> Option<f64> {
        let claims = self.credential.as_ref()?.claims.as_ref()?;
        let expiry = claims.expiry()?.nanos();
        let nanos = expiry.saturating_sub(self.started.nanos());
        #[expect(
            clippy::cast_precision_loss,
            reason = "a histogram's buckets are minutes wide"
        )]
        let seconds = nanos as f64 / 1e9;
        Some(seconds)
    }
}

/// What the head of a request says.
#[derive(Clone)]
pub struct RequestHead {
    /// What was asked for: the same for all that ask for the same.
    pub target: Arc<Target>,
    /// How many bytes the head had.
    pub head_len: u32,
    /// The longest field of the head in bytes, value and name: limits of servers apply to it.
    pub longest_field: u32,
    /// A CORS preflight: OPTIONS with Origin and Access-Control-Request-Method.
    pub preflight: bool,
    /// The credential by which it asked to be let in, taken apart. `None`: none in any place that
    /// observer reads.
    pub credential: Option<Arc<Credential>>,
    /// The other credentials that it carried: at most [`crate::credential::MAX_OTHERS`].
    pub others: Vec<Arc<Credential>>,
    /// How other secrets are known that it carried: of more credentials than are kept, or of a form that
    /// nobody read.
    pub left_out: Echo,
}

/// How the secrets of a request and of its form are known where the answer repeats them.
pub fn echo(request: Option<&Request>, of_form: &Echo) -> Echo {
    let mut echo = request.map_or_else(Echo::default, |request| request.echo());
    echo.add(of_form);
    echo
}

impl RequestHead {
    /// How its secrets are known where the answer repeats them.
    fn echo(&self) -> Echo {
        let mut echo = self.left_out.clone();
        let all = self.credential.iter().chain(&self.others);
        all.for_each(|credential| echo.add(&credential.echo));
        echo
    }
}

/// A request says what its head says.
impl Deref for Request {
    type Target = RequestHead;

    fn deref(&self) -> &RequestHead {
        &self.head
    }
}

/// Of this request alone.
impl DerefMut for Request {
    fn deref_mut(&mut self) -> &mut RequestHead {
        Arc::make_mut(&mut self.head)
    }
}

impl Deref for RequestHead {
    type Target = Target;

    fn deref(&self) -> &Target {
        &self.target
    }
}

/// Of this head alone.
impl DerefMut for RequestHead {
    fn deref_mut(&mut self) -> &mut Target {
        Arc::make_mut(&mut self.target)
    }
}

/// What a request asks for.
#[derive(Clone)]
pub struct Target {
    /// `http/1.1` or `http/1.0`.
    pub protocol: &'static str,
    /// The method, as sent, at most 32 bytes.
    pub method: String,
    /// The path of the target, without query and fragment, at most [`MAX_PATH`] bytes; as sent, so
    /// it is text from the wire: templated and escaped on its way out.
    pub path: String,
    /// The Host field, or the authority of an absolute target; at most 255 bytes.
    pub host: Option<String>,
}

/// An answer, as far as its head and the start of its body say.
#[derive(Clone)]
pub struct Response {
    /// The time of its first byte.
    pub started: Timestamp,
    /// The time of the last byte of its head.
    pub finished: Timestamp,
    /// The TCP sequence number of its first byte.
    pub seq: u32,
    /// The status code.
    pub status: u16,
    /// The fields that say why: see [`Field`]. In order; a field that came twice is there twice. The
    /// same for all that have the same head.
    pub fields: Arc<[(Field, String)]>,
    /// The start of the body where it may say why: of 4xx and 5xx up to [`MAX_EXCERPT`] bytes; where it
    /// may be a key set or a discovery document up to [`crate::keys::MAX_DOCUMENT`]; of others only what
    /// came with the head.
    pub excerpt: Excerpt,
}

impl Response {
    /// The first value of a field.
    pub fn field(&self, field: Field) -> Option<&str> {
        self.values(field).next()
    }

    /// Every value of a field, in order.
    pub fn values(&self, field: Field) -> impl Iterator<Item = &str> {
        self.fields
            .iter()
            .filter(move |(name, _)| *name == field)
            .map(|(_, value)| value.as_str())
    }
}

/// The response fields that observer keeps, because a rejection explains itself in them.
/// Values are text from the wire, at most [`MAX_FIELD`] bytes each and [`MAX_FIELDS`] in all.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Field {
    /// `Cache-Control`, the first: how long a key set may be kept.
    CacheControl,
    /// `WWW-Authenticate`, RFC 9110 section 11.6.1.
    WwwAuthenticate,
    /// `Proxy-Authenticate`, RFC 9110 section 11.7.1.
    ProxyAuthenticate,
    /// `Content-Encoding`: a compressed body is inflated or said to be unread.
    ContentEncoding,
    /// `Content-Type`.
    ContentType,
    /// `Date`: the clock of the answering server.
    Date,
    /// `Location`: a redirect to a login page is a challenge.
    Location,
    /// `Server`: helps to recognise the validator.
    Server,
    /// Fields by which gateways name themselves or their reason (`x-amzn-errortype`,
    /// `x-kong-response-latency`, `grpc-status`, `grpc-message`, ...): "name: value".
    Other,
}

/// The start of a body. Raw bytes of other people's traffic: no `Debug`, wiped when dropped.
#[derive(Clone, Default)]
pub struct Excerpt {
    bytes: Wiped,
    whole: bool,
}

impl Excerpt {
    /// `whole`: nothing of the body is missing.
    pub fn new(bytes: Vec<u8>, whole: bool) -> Self {
        Self {
            bytes: bytes.into(),
            whole,
        }
    }

    /// The bytes, as on the wire after chunking was undone.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether this is all of the body.
    pub fn is_whole(&self) -> bool {
        self.whole
    }
}

/// A TLS connection: its contents are not readable here, but that it is there is worth a word.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TlsSeen {
    /// The connection it was seen on.
    pub connection: Connection,
    /// The server name that the client asked for (RFC 6066 section 3): text from the wire, at most
    /// 255 bytes.
    pub server_name: Option<String>,
    /// When its ClientHello was complete or given up, by the clock of the data.
    pub completed: Timestamp,
}

/// What is missing of an exchange.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Capture {
    /// The request's head was cut: by the window, the snap length or the end of the file.
    pub request_cut: bool,
    /// The answer's head was cut.
    pub response_cut: bool,
    /// Bytes that were wanted and lost inside the two heads.
    pub lost: u64,
}

/// The longest path kept, in bytes.
pub const MAX_PATH: usize = 1024;
/// The longest response field kept, in bytes.
pub const MAX_FIELD: usize = 2048;
/// How many response fields are kept.
pub const MAX_FIELDS: usize = 17;
/// How many bytes of a 4xx or 5xx body are kept. The kernel ships as many.
pub const MAX_EXCERPT: usize = 4096;
