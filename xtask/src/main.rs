//! What builds, tests and measures observer: `cargo xtask COMMAND`.

mod bench;
mod build_ebpf;
mod built;
mod debian;
mod dist;
mod lab;
mod layers;
mod record_demo;
mod test;
mod tools;
mod vm;

use std::process::ExitCode;

use clap::Parser;

/// What builds, tests and measures observer.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", max_term_width = 100)]
enum Command {
    Bench(bench::Args),
    BuildEbpf(build_ebpf::Args),
    Dist(dist::Args),
    Lab(lab::Args),
    RecordDemo(record_demo::Args),
    Test(test::Args),
    Vm(vm::Args),
}

fn main() -> ExitCode {
    let done = match Command::parse() {
        Command::Bench(args) => bench::run(&args),
        Command::BuildEbpf(args) => build_ebpf::run(&args),
        Command::Dist(args) => dist::run(&args),
        Command::Lab(args) => lab::run(&args),
        Command::RecordDemo(args) => record_demo::run(&args),
        Command::Test(args) => test::run(&args),
        Command::Vm(args) => vm::run(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}
