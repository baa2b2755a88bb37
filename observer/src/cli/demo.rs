//! `observer demo`: a small real system on loopback, refused tokens of every kind, and what observer
//! sees of it.

use std::net::SocketAddr;

use clap::Subcommand;

use super::Error;
use crate::demo::{self, client, edge, issuer, legacy};

/// A part of the demo's system: what the demo starts as processes of their own.
#[derive(Debug, Subcommand)]
pub(super) enum Role {
    /// Signs tokens and serves its key set.
    #[command(hide = true)]
    Issuer,
    /// Forwards to the service.
    #[command(hide = true)]
    Edge {
        /// The service.
        #[arg(long)]
        upstream: SocketAddr,
    },
    /// Validates.
    #[command(hide = true)]
    Legacy {
        /// Who has the keys.
        #[arg(long)]
        issuer: SocketAddr,
    },
    /// Sends the requests.
    #[command(hide = true)]
    Client {
        /// Who signs.
        #[arg(long)]
        issuer: SocketAddr,
        /// Whom to ask.
        #[arg(long)]
        edge: SocketAddr,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    role: Role,
}

pub(super) fn run(args: Args) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::Failed(format!("starting the demo: {error}")))?;
    let done: Result<(), demo::Error> = runtime.block_on(async {
        match args.role {
            Role::Issuer => issuer::run().await,
            Role::Edge { upstream } => edge::run(upstream).await,
            Role::Legacy { issuer } => legacy::run(issuer).await,
            Role::Client { issuer, edge } => client::run(issuer, edge).await,
        }
    });
    done.map_err(|error| Error::Failed(error.to_string()))
}
