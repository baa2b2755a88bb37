//! Programs that a test lays somewhere to run them there.

use std::path::Path;
use std::process::Command;

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
