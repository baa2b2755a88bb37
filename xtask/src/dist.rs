//! `cargo xtask dist`: what is handed out. A static binary, an archive of it with its pages, a Debian
//! package, a list of what is in it (SBOM), and checksums.

mod bill;
mod binary;
mod package;
mod stage;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use crate::{test, tools};
use stage::Stage;

/// Build what is handed out: an archive, a Debian package, a bill of materials and checksums. Prints where
/// they are.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Without optimisation: sooner built, for the tests
    #[arg(long)]
    debug: bool,
    /// Build the static binary alone, which containers run, and print where it is
    #[arg(long)]
    binary: bool,
}

pub(crate) fn run(args: &Args) -> Result<(), String> {
    let root = test::root()?;
    let binary = binary::build(&root, args.debug)?;
    if args.binary {
        println!("{}", binary.display());
        return Ok(());
    }
    tools::provide_dist(&root)?;
    let out = root.join(match args.debug {
        true => "target/packages-debug",
        false => "target/packages",
    });
    // What was made of another version does not stay beside.
    if out.exists() {
        fs::remove_dir_all(&out).map_err(|error| failed(&out, &error))?;
    }
    fs::create_dir_all(&out).map_err(|error| failed(&out, &error))?;
    let time = time(&root)?;
    let stage = Stage::fill(&root, &binary)?;
    let bill = bill::write(&root, &out, &time)?;
    stage.take(&bill, "observer.cdx.json")?;
    let mut made = vec![
        stage.archive(&out, &time)?,
        package::build(&root, &out, &time)?,
        bill,
    ];
    made.push(checksums(&out, &made)?);
    for file in made {
        println!("{}", file.display());
    }
    Ok(())
}

/// Of this source, for the archives: two builds of it are the same to the byte.
fn time(root: &Path) -> Result<String, String> {
    if let Ok(time) = std::env::var("SOURCE_DATE_EPOCH") {
        return Ok(time);
    }
    let git = Command::new("git")
        .args(["log", "-1", "--format=%ct"])
        .current_dir(root)
        .output()
        .map_err(|error| format!("cannot start git: {error}"))?;
    let time = String::from_utf8_lossy(&git.stdout).trim().to_owned();
    if time.is_empty() {
        return Err("no commit says when this source is from: set SOURCE_DATE_EPOCH".to_owned());
    }
    Ok(time)
}

/// As `sha256sum --check` reads them.
fn checksums(out: &Path, made: &[PathBuf]) -> Result<PathBuf, String> {
    let mut sums = String::new();
    for file in made {
        let bytes = fs::read(file).map_err(|error| failed(file, &error))?;
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let digest: String = Sha256::digest(&bytes)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        sums += &format!("{digest}  {name}\n");
    }
    let file = out.join("SHA256SUMS");
    fs::write(&file, sums).map_err(|error| failed(&file, &error))?;
    Ok(file)
}

fn failed(path: &Path, error: &dyn std::fmt::Display) -> String {
    format!("{}: {error}", path.display())
}
