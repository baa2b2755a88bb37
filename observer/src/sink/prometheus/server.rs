//! The page over HTTP: `/metrics` and `/healthz`.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsRawFd, RawFd};
use std::thread;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

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
            .enable_io()
            .build()
            .map_err(Error::Start)?;
        let router = Router::new()
            .route("/metrics", get(metrics))
            .route("/healthz", get(health))
            .with_state(page);
        thread::Builder::new()
            .name("observer-metrics".to_owned())
            .spawn(move || {
                let served = runtime.block_on(async {
                    let listener = tokio::net::TcpListener::from_std(self.listener)?;
                    axum::serve(listener, router).await
                });
                if let Err(error) = served {
                    tracing::error!(%error, "serving metrics ended");
                }
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

/// The capture reports at least every 100 ms. After so long without, something is stuck.
const STUCK_MS: u64 = 10_000;

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

    use super::*;
    use crate::sink::prometheus::Prometheus;

    fn get(address: SocketAddr, path: &str) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
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
        server
            .serve(Prometheus::new(Vec::new()).unwrap().page())
            .unwrap();
        let metrics = get(address, "/metrics");
        assert!(metrics.starts_with("HTTP/1.1 200"), "{metrics}");
        assert!(metrics.contains("observer_build_info"));
        assert!(metrics.contains("process_resident_memory_bytes"));
        assert!(get(address, "/healthz").ends_with("ok\n"));
        assert!(get(address, "/").starts_with("HTTP/1.1 404"));
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
