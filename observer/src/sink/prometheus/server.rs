//! The page over HTTP: `/metrics`, `/healthz`, and the timeline of keys at `/keys`.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsRawFd, RawFd};
use std::thread;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

use super::Page;

/// An address that is listened on, and nobody is served yet: bound before anything is attached, so
/// that an address in use is known in time.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
}

impl Server {
    /// Binds `address`.
    pub fn bind(address: SocketAddr) -> Result<Self, Error> {
        let refused = |source| Error::Bind { address, source };
        let listener = TcpListener::bind(address).map_err(refused)?;
        listener.set_nonblocking(true).map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        Ok(Self { listener, address })
    }

    /// What was bound: the port that the system chose, where 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves `page` from a thread of its own until the process ends.
    pub fn serve(self, page: Page) -> Result<(), Error> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Error::Start)?;
        let router = Router::new()
            .route("/metrics", get(metrics))
            .route("/healthz", get(health))
            .route("/keys", get(keys))
            .with_state(page);
        thread::Builder::new()
            .name("observer-metrics".to_owned())
            .spawn(move || {
                let Err(error) = runtime.block_on(serve(self.listener, router));
                tracing::error!(%error, "serving metrics ended");
            })
            .map_err(Error::Start)?;
        Ok(())
    }
}

/// The listening socket: so that it can be left out of what is observed.
impl AsRawFd for Server {
    fn as_raw_fd(&self) -> RawFd {
        self.listener.as_raw_fd()
    }
}

/// Why the page cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address cannot be had.
    #[error(
        "listening on {address}: {source}. Choose another address with --listen, or find who has \
         it with `ss -ltnp`"
    )]
    Bind {
        /// What was asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The system gave no thread or event queue.
    #[error("starting the metrics server: {0}. Look for a limit on threads or open files")]
    Start(io::Error),
}

/// So many are served at a time: the oldest makes room for one more.
const CONNECTIONS: usize = 16;
/// How long a connection may last: it gets one answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long nothing is accepted after that failed, because there are too many open files.
const RECOVERY: Duration = Duration::from_millis(100);
/// The capture reports at least every 100 ms. After so long without, something is stuck.
const STUCK_MS: u64 = 10_000;

/// Serves one answer per connection, to a bounded number of clients for a bounded time: whoever
/// reaches the address must not be able to use up memory or descriptors.
async fn serve(listener: TcpListener, router: Router) -> io::Result<Infallible> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let mut served = VecDeque::with_capacity(CONNECTIONS);
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::debug!(%error, "a connection to the metrics server failed");
                sleep(RECOVERY).await;
                continue;
            }
        };
        let service = TowerToHyperService::new(router.clone());
        let client = tokio::spawn(async move {
            let answer = http1::Builder::new()
                .keep_alive(false)
                .serve_connection(TokioIo::new(stream), service);
            // A client that is too slow or breaks off gets no answer.
            let _ = timeout(PATIENCE, answer).await;
        });
        served.retain(|client: &AbortHandle| !client.is_finished());
        if served.len() == CONNECTIONS
            && let Some(oldest) = served.pop_front()
        {
            // Who asks is answered at once, so that the oldest is one that says nothing.
            oldest.abort();
        }
        served.push_back(client.abort_handle());
    }
}

async fn metrics(State(page): State<Page>) -> Response {
    match page.text() {
        Ok(text) => {
            let kind = [(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)];
            (kind, text).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "the metrics page could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

async fn keys(State(page): State<Page>) -> Response {
    match page.keys() {
        Some(Ok(text)) => ([(header::CONTENT_TYPE, "application/json")], text).into_response(),
        Some(Err(error)) => {
            tracing::error!(%error, "what is known of keys could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn health(State(page): State<Page>) -> Response {
    let silent = page.silent_for();
    if silent < STUCK_MS {
        "ok\n".into_response()
    } else {
        let text = format!("nothing was heard of the capture for {} s\n", silent / 1000);
        (StatusCode::SERVICE_UNAVAILABLE, text).into_response()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;
    use std::sync::Arc;

    use super::*;
    use crate::sink::prometheus::Prometheus;

    fn get(address: SocketAddr, path: &str) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn metrics_and_health_are_served() {
        let server = Server::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = server.address();
        let page = Prometheus::new(Vec::new()).unwrap().page();
        server.serve(page.clone()).unwrap();
        let metrics = get(address, "/metrics");
        assert!(metrics.starts_with("HTTP/1.1 200"), "{metrics}");
        assert!(metrics.contains("observer_build_info"));
        assert!(metrics.contains("process_resident_memory_bytes"));
        assert!(get(address, "/healthz").ends_with("ok\n"));
        assert!(get(address, "/").starts_with("HTTP/1.1 404"));
        assert!(get(address, "/keys").starts_with("HTTP/1.1 404"));
        page.show_keys(Arc::default(), Arc::default());
        assert!(get(address, "/keys").ends_with("{\"issuers\":[],\"unclaimed\":[]}"));
    }

    #[test]
    fn clients_that_say_nothing_do_not_keep_the_page_from_others() {
        let server = Server::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = server.address();
        server
            .serve(Prometheus::new(Vec::new()).unwrap().page())
            .unwrap();
        // Were each waited for, the page would not come within a minute.
        let silent: Vec<_> = (0..20 * CONNECTIONS)
            .map(|_| TcpStream::connect(address).unwrap())
            .collect();
        assert!(get(address, "/metrics").starts_with("HTTP/1.1 200"));
        drop(silent);
    }

    #[test]
    fn an_address_in_use_is_said() {
        let first = Server::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let second = Server::bind(first.address());
        let text = second.err().unwrap().to_string();
        assert!(text.contains("in use"), "{text}");
        assert!(text.contains("--listen"), "{text}");
    }
}
