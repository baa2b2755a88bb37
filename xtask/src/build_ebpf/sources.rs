//! What the object is made of, as one hash.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// The folders and files that the object depends on.
const PARTS: [&str; 4] = [
    "observer-common/Cargo.toml",
    "observer-common/src",
    "observer-ebpf/Cargo.toml",
    "observer-ebpf/src",
];
/// What among them is for the agent or for tests alone.
const ASIDE: [&str; 3] = ["user.rs", "tests.rs", "tests"];

/// SHA-256 over the names and contents of the sources, and over the locked versions of what they
/// depend on, in hexadecimal.
pub(super) fn hash(root: &Path) -> Result<String, String> {
    let mut files = Vec::new();
    for part in PARTS {
        collect(&root.join(part), &mut files)?;
    }
    files.sort();
    let mut hash = Sha256::new();
    for file in files {
        let name = file.strip_prefix(root).unwrap_or(&file);
        let bytes = std::fs::read(&file)
            .map_err(|error| format!("cannot read {}: {error}", file.display()))?;
        add(&mut hash, name.to_string_lossy().as_bytes());
        add(&mut hash, &bytes);
    }
    let lock = std::fs::read_to_string(root.join("Cargo.lock"))
        .map_err(|error| format!("cannot read Cargo.lock: {error}"))?;
    for package in lock.split("[[package]]") {
        if package.contains("name = \"aya-ebpf") {
            add(&mut hash, package.trim().as_bytes());
        }
    }
    Ok(hash
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

/// Adds a text so that no two lists of texts are the same bytes.
fn add(hash: &mut Sha256, text: &[u8]) {
    hash.update(text.len().to_le_bytes());
    hash.update(text);
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<(), String> {
    if ASIDE.iter().any(|name| path.ends_with(name)) {
        return Ok(());
    }
    if path.is_dir() {
        let entries = std::fs::read_dir(path)
            .map_err(|error| format!("cannot list {}: {error}", path.display()))?;
        for entry in entries {
            let entry =
                entry.map_err(|error| format!("cannot list {}: {error}", path.display()))?;
            collect(&entry.path(), files)?;
        }
    } else {
        files.push(path.to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(kernel: &str, user: &str) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for folder in ["observer-common/src/tests", "observer-ebpf/src"] {
            std::fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        for (file, text) in [
            ("observer-common/Cargo.toml", ""),
            ("observer-common/src/user.rs", user),
            ("observer-common/src/tests/rule.rs", user),
            ("observer-ebpf/Cargo.toml", ""),
            ("observer-ebpf/src/main.rs", kernel),
            ("Cargo.lock", ""),
        ] {
            std::fs::write(root.path().join(file), text).unwrap();
        }
        root
    }

    #[test]
    fn the_hash_follows_the_kernel_sources_and_nothing_else() {
        let first = hash(tree("a", "b").path()).unwrap();
        assert_eq!(first.len(), 64);
        assert_eq!(first, hash(tree("a", "other").path()).unwrap());
        assert_ne!(first, hash(tree("b", "b").path()).unwrap());
    }
}
