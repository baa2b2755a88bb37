//! `cargo xtask build-ebpf`: the kernel programs, compiled into the object that the agent embeds.
//!
//! The object is committed, so that a user needs stable Rust and nothing else. It does not depend on
//! where it was built. The reference toolchain is Debian's rustc-web, which anyone can install in the
//! same version; a rustup nightly builds it too, with other bytes.

mod object;
mod sources;
mod toolchain;

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::test;
use toolchain::Toolchain;

/// Compile the kernel programs into the object that the agent embeds.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Compare instead of writing: the bytes under the reference toolchain, the sources' hash
    /// elsewhere.
    #[arg(long)]
    check: bool,
    /// Build an object that logs what it does, for `cargo build --features kernel-log`. It is not
    /// committed.
    #[arg(long, conflicts_with = "check")]
    debug_log: bool,
}

/// Where the object is, from the root of the workspace.
const OBJECT: &str = "observer/bpf/observer.o";
/// Where the object with logs is.
const LOGGING: &str = "observer/bpf/observer-log.o";

pub(crate) fn run(args: &Args) -> Result<(), String> {
    let root = test::root()?;
    let hash = sources::hash(&root)?;
    if args.check {
        return check(&root, &hash);
    }
    let path = root.join(if args.debug_log { LOGGING } else { OBJECT });
    let toolchain = Toolchain::find()?;
    let bytes = build(&root, &toolchain, &hash, args.debug_log)?;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)
            .map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    }
    std::fs::write(&path, &bytes)
        .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    println!(
        "{}: {} bytes, by {}",
        path.display(),
        bytes.len(),
        toolchain.name()
    );
    if !args.debug_log && !toolchain.is_reference() {
        println!("Commit an object that was built by the reference toolchain: {REFERENCE}");
    }
    Ok(())
}

const REFERENCE: &str = "apt install rustc-web rust-web-src llvm-22-dev (Debian 12)";

/// Whether the committed object comes from these sources.
fn check(root: &Path, hash: &str) -> Result<(), String> {
    let path = root.join(OBJECT);
    let committed =
        std::fs::read(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let embedded = object::source_hash(&committed)?;
    if embedded != hash {
        return Err(format!(
            "{OBJECT} was built from other sources ({embedded}) than these ({hash}); run `cargo \
             xtask build-ebpf` and commit the object"
        ));
    }
    let Some(reference) = Toolchain::reference()? else {
        println!("{OBJECT} names these sources. Its bytes were not compared: {REFERENCE}");
        return Ok(());
    };
    if build(root, &reference, hash, false)? != committed {
        return Err(format!(
            "{OBJECT} names these sources, and {} makes other bytes of them; run `cargo xtask \
             build-ebpf` and commit the object",
            reference.name()
        ));
    }
    println!(
        "{OBJECT} is what {} makes of these sources.",
        reference.name()
    );
    Ok(())
}

/// Compiles the object, without debug information but with BTF.
fn build(root: &Path, toolchain: &Toolchain, hash: &str, log: bool) -> Result<Vec<u8>, String> {
    let linker = toolchain.linker()?;
    let target = root.join("target/ebpf");
    let mut cargo = toolchain.cargo();
    cargo
        .args(["build", "--release", "--package", "observer-ebpf"])
        .args(["--target", "bpfel-unknown-none", "-Z", "build-std=core"])
        .arg("--target-dir")
        .arg(&target)
        .env("OBSERVER_SOURCE_HASH", hash)
        // Whatever the agent is built with: the verifier walks less of what is one.
        .env("CARGO_PROFILE_RELEASE_LTO", "thin")
        .env(
            "CARGO_ENCODED_RUSTFLAGS",
            flags(root, toolchain, &linker)?.join("\u{1f}"),
        )
        .env_remove("RUSTFLAGS")
        .current_dir(root);
    if log {
        cargo.args(["--features", "debug-log"]);
    }
    succeed(&mut cargo)?;
    let built = target.join("bpfel-unknown-none/release/observer-ebpf");
    let bytes = std::fs::read(&built)
        .map_err(|error| format!("cannot read {}: {error}", built.display()))?;
    object::strip(&bytes)
}

/// Without full debug information there is no BTF at all. BTF names files, so every path that differs
/// between machines is given a name of its own.
fn flags(root: &Path, toolchain: &Toolchain, linker: &Path) -> Result<Vec<String>, String> {
    let mut flags = vec![
        "--cfg=bpf_target_arch=\"x86_64\"".to_owned(),
        "-Cdebuginfo=2".to_owned(),
        "-Clink-arg=--btf".to_owned(),
        format!("-Clinker={}", linker.display()),
    ];
    let mut rename = |path: PathBuf, name: &str| {
        flags.push(format!("--remap-path-prefix={}={name}", path.display()));
    };
    rename(root.to_owned(), ".");
    rename(registry(root)?, "registry");
    for path in toolchain.library()? {
        rename(path, "rust");
    }
    Ok(flags)
}

/// Where cargo keeps the sources of the kernel programs' dependencies.
fn registry(root: &Path) -> Result<PathBuf, String> {
    let output = Command::new("cargo")
        .args([
            "metadata",
            "--format-version=1",
            "--filter-platform=bpfel-unknown-none",
        ])
        .current_dir(root)
        .output()
        .map_err(|error| format!("cannot start cargo: {error}"))?;
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("cargo metadata cannot be read: {error}"))?;
    metadata["packages"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|package| package["name"] == "aya-ebpf")
        .and_then(|package| package["manifest_path"].as_str())
        .and_then(|manifest| Path::new(manifest).ancestors().nth(2))
        .map(Path::to_owned)
        .ok_or_else(|| "cargo does not know where aya-ebpf is".to_owned())
}

fn succeed(command: &mut Command) -> Result<(), String> {
    let status = command
        .status()
        .map_err(|error| format!("cannot start {:?}: {error}", command.get_program()))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("{command:?} ended with {status}"))
    }
}
