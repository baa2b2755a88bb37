//! What the services of the demo have in common: a free port, one thread, and an end with their parent.

use std::fmt;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::Error;

/// Serves `app` on a free port of loopback until standard input ends, and says the port in one line
/// on standard output.
///
/// The parent holds the other end of standard input, so that no child outlives it however it ends.
///
/// # Errors
/// When no port is to be had, or the service loop fails.
pub async fn serve(name: &str, app: Router) -> Result<(), Error> {
    let orphaned = until_orphaned(name);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .map_err(Error::Listen)?;
    announce(listener.local_addr().map_err(Error::Listen)?);
    tokio::select! {
        ended = axum::serve(listener, app) => ended.map_err(Error::Serve),
        () = orphaned => Ok(()),
    }
}

/// Takes `name` as the process's own, and ends when standard input does.
pub fn until_orphaned(name: &str) -> impl Future<Output = ()> + use<> {
    // A name in the process table is a convenience: without it the demo works as well.
    if let Err(error) = std::fs::write("/proc/self/comm", name) {
        tracing::debug!(%error, name, "cannot name the process");
    }
    let (ended, wait) = oneshot::channel();
    std::thread::spawn(move || {
        let mut sink = [0_u8; 64];
        while matches!(std::io::stdin().read(&mut sink), Ok(read) if read > 0) {}
        // Nobody waits any more when the service has ended by itself.
        let _ = ended.send(());
    });
    async {
        let _ = wait.await;
    }
}

/// One line for the parent.
pub fn announce(line: impl fmt::Display) {
    let mut out = std::io::stdout().lock();
    // A parent that is gone shows itself at standard input.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// `http://address/path`.
pub fn url(address: SocketAddr, path: &str) -> String {
    format!("http://{address}{path}")
}
