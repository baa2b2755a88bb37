//! `cargo xtask lab`: real validators, and whether observer is right about why they refuse.
//!
//! This provides what the lab needs, builds it and runs it; the lab itself is of the tests.

use std::path::Path;
use std::process::Command;

use crate::built::{self, cargo};
use crate::{test, tools};

/// Run the lab: real validators, requests whose truth is known, and a matrix of cause given against
/// cause true. Writes docs/lab.md. With `--stories`, conditions in place of causes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// In place of the matrix: stories of many exchanges, and whether observer finds their conditions.
    #[arg(long)]
    stories: bool,
    /// The validators that install quickly, alone; docs/lab.md stays as it is.
    #[arg(long)]
    small: bool,
    /// One validator alone, by the name of its folder; likewise. Or one story.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
}

pub(crate) fn run(args: &Args) -> Result<(), String> {
    let root = test::root()?;
    if !tools::is_root() {
        return Err("watching a host needs root".to_owned());
    }
    // The stories are played by what the small lab has.
    let is_small = args.small || args.stories;
    tools::provide_lab(&root, is_small)?;
    if !is_small {
        build_go(&root)?;
        build_rust(&root)?;
    }
    built::observer(&root)?;
    let mut lab = cargo(&root);
    lab.args([
        "run",
        "--quiet",
        "--package",
        "observer-tests",
        "--bin",
        "lab",
        "--",
    ])
    .arg(root.join("target/debug/observer"));
    if args.stories {
        lab.arg("--stories");
    }
    match (&args.only, is_small) {
        (Some(name), _) => lab.args(["--only", name]),
        (None, true) => lab.arg("--small"),
        (None, false) => lab.arg("--page").arg(root.join("docs/lab.md")),
    };
    tools::go(&mut lab)
}

fn build_go(root: &Path) -> Result<(), String> {
    let lab = root.join("target/validators");
    for name in ["golang-jwt", "gin-jwt"] {
        let mut go = Command::new("go");
        go.args(["build", "-o"])
            .arg(lab.join("go").join(name))
            .arg(".")
            .current_dir(root.join("tests/lab").join(name))
            .env("GO111MODULE", "off")
            .env("GOPATH", "/usr/share/gocode")
            .env("GOCACHE", lab.join("go-cache"));
        tools::go(&mut go)?;
    }
    Ok(())
}

fn build_rust(root: &Path) -> Result<(), String> {
    let mut build = cargo(root);
    build
        .args(["build", "--quiet", "--locked", "--target-dir"])
        .arg(root.join("target/validators/rust"))
        .current_dir(root.join("tests/lab/rust"));
    tools::go(&mut build)
}
