//! The log of the agent itself, on standard error. What is seen on the wire never goes there.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use super::Error;

/// Starts the log with a filter, or with that of `RUST_LOG`, or with warnings alone.
pub(super) fn start(filter: Option<&str>) -> Result<(), Error> {
    let filter = match filter {
        Some(text) => EnvFilter::try_new(text).map_err(|error| {
            Error::Usage(format!(
                "reading --log {text:?}: {error}. Give off, error, warn, info, debug or trace"
            ))
        })?,
        None => EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn")),
    };
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(colour)
        .init();
    Ok(())
}
