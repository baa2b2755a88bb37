//! What observer costs the services that it watches: runs without it, with it, and with a peer alternate.

mod iperf;
mod load;
mod memory;
mod mode;
mod nginx;
mod paced;
mod processors;
mod programs;
mod redis;
mod report;

use std::path::Path;

use clap::ValueEnum as _;

use crate::tools;
use load::{Load, Run, Servers};
use mode::{Account, Mode, Watcher};
use processors::Processors;

/// What observer costs the services that it watches
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// How often each load is run in each mode; the modes alternate
    #[arg(long, default_value_t = 15)]
    rounds: usize,
    /// How long each run takes, in seconds
    #[arg(long, default_value_t = 2)]
    seconds: u32,
    /// Only these [default: all]
    #[arg(long, value_enum, value_name = "PART", value_delimiter = ',')]
    only: Vec<Part>,
}

/// What is measured.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
enum Part {
    /// nginx refuses keep-alive requests as fast as it can
    Denied,
    /// The same at half that rate
    HalfRate,
    /// nginx sends bodies of 1 MiB
    Bodies,
    /// nginx refuses requests, each on a connection of its own
    Connections,
    /// redis-benchmark, GET
    Redis,
    /// iperf3, one stream
    Iperf3,
    /// The kernel's own account of each program's time
    Programs,
    /// Memory of the agent with 10,000 connections
    Memory,
}

pub(super) fn measure(program: &Path, args: &Args) -> Result<(), String> {
    if !tools::is_root() {
        return Err("watching a host needs root".to_owned());
    }
    tools::provide_bench()?;
    let parts: &[Part] = if args.only.is_empty() {
        Part::value_variants()
    } else {
        &args.only
    };
    let processors = Processors::of_this_process()?;
    processors.say();
    let servers = Servers::start(processors)?;
    for part in parts {
        match part {
            Part::Denied => compare(&Load::Denied, &servers, program, args)?,
            Part::HalfRate => {
                let full = Load::Denied.run(&servers, args.seconds)?.per_second;
                let load = Load::Paced {
                    per_second: full / 2.0,
                };
                compare(&load, &servers, program, args)?;
            }
            Part::Bodies => compare(&Load::Bodies, &servers, program, args)?,
            Part::Connections => compare(&Load::Connections, &servers, program, args)?,
            Part::Redis => compare(&Load::Redis, &servers, program, args)?,
            Part::Iperf3 => compare(&Load::Iperf3, &servers, program, args)?,
            Part::Programs => programs::measure(&servers, program, args.seconds)?,
            Part::Memory => memory::measure(&servers, program)?,
        }
    }
    Ok(())
}

/// Runs a load in every mode, round by round, so that each mode has a neighbour without observer.
fn compare(load: &Load, servers: &Servers, program: &Path, args: &Args) -> Result<(), String> {
    let rounds = args.rounds.max(1);
    let mut runs: Vec<Vec<(Run, Option<Account>)>> = vec![Vec::new(); Mode::ALL.len()];
    load.run(servers, args.seconds)?;
    for round in 0..rounds {
        for step in 0..Mode::ALL.len() {
            // Whoever is first in a round has the warmer machine; each mode is first as often.
            let at = (round + step) % Mode::ALL.len();
            let (Some(mode), Some(done)) = (Mode::ALL.get(at), runs.get_mut(at)) else {
                continue;
            };
            let watcher = Watcher::start(*mode, program, servers.processors())?;
            let before = watcher.account()?;
            let run = load.run(servers, args.seconds)?;
            let after = watcher.account()?;
            done.push((run, after.zip(before).map(|(after, before)| after - before)));
        }
    }
    report::print(load, &runs, args.seconds);
    Ok(())
}
