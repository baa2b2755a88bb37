//! The program under test, and programs that a test lays somewhere to run them there.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The program under test, built from this source unless the environment names another.
pub fn observer() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        if let Some(program) = std::env::var_os("OBSERVER_TEST_PROGRAM") {
            return program.into();
        }
        cargo(&[
            "build",
            "--quiet",
            "--package",
            "observer",
            "--bin",
            "observer",
        ]);
        // target/PROFILE/deps/live-HASH is where a test is.
        let this = std::env::current_exe().unwrap_or_default();
        let program = this.ancestors().nth(2).unwrap_or(&this).join("observer");
        assert!(program.is_file(), "{} is not there", program.display());
        program
    })
}

/// The program under test as `cargo xtask dist` builds it from this source.
pub fn static_observer() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let said = cargo(&["xtask", "dist", "--debug", "--binary"]);
        said.trim().into()
    })
}

/// What `cargo xtask dist` makes of this source, without optimisation: the files, the checksums last.
pub fn handed_out() -> Vec<PathBuf> {
    let said = cargo(&["xtask", "dist", "--debug"]);
    let paths = said.lines().filter(|line| line.starts_with('/'));
    paths.map(PathBuf::from).collect()
}

/// The root of the workspace.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// Runs cargo there, which must succeed. Gives what it wrote to standard output.
fn cargo(words: &[&str]) -> String {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    match Command::new(cargo).args(words).current_dir(root()).output() {
        Ok(done) if done.status.success() => String::from_utf8_lossy(&done.stdout).into_owned(),
        Ok(done) => panic!("{words:?}: {}", String::from_utf8_lossy(&done.stderr)),
        Err(error) => panic!("cannot start cargo: {error}"),
    }
}

/// Copies a program, with its permissions, by a process of its own: a child that another test
/// starts at this moment would inherit a file that this process has open for writing, and as long
/// as anybody has, the kernel runs the copy for nobody ("Text file busy").
pub fn copy(from: &Path, to: &Path) {
    let done = Command::new("cp").arg("--").args([from, to]).status();
    let failed = match done {
        Ok(status) if status.success() => return,
        Ok(status) => status.to_string(),
        Err(error) => error.to_string(),
    };
    panic!("cp {} {}: {failed}", from.display(), to.display());
}
