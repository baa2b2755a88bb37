//! What containers are called: from the files of their runtimes, where they can be read.

use std::fs::{self, File};
use std::io::Read;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use lru::LruCache;
use serde::Deserialize;

/// Names of containers by their ids.
pub(super) struct Names {
    /// Where the files of the host are: `/`.
    root: PathBuf,
    names: LruCache<String, (Option<String>, Instant)>,
}

/// How many containers are remembered, at 200 bytes each.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(1024).expect("it is not zero");
/// How long a name holds: containers are seldom renamed, and one that has just started may not be
/// written down yet.
const HOLDS: Duration = Duration::from_secs(60);
/// The largest file that is read, in bytes.
const MAX_FILE: u64 = 4 * 1024 * 1024;
/// How many links to logs are looked at.
const MAX_LOGS: usize = 4096;
/// The longest name, in bytes.
const MAX_NAME: usize = 128;

impl Names {
    pub(super) fn of(root: PathBuf) -> Self {
        Self {
            root,
            names: LruCache::new(REMEMBERED),
        }
    }

    /// What the container with this id is called. `None`: its runtime does not say so where we can
    /// read.
    pub(super) fn name(&mut self, id: &str) -> Option<String> {
        if let Some((name, since)) = self.names.get(id)
            && since.elapsed() < HOLDS
        {
            return name.clone();
        }
        let name = docker(&self.root, id)
            .or_else(|| podman(&self.root, id))
            .or_else(|| kubernetes(&self.root, id))
            .filter(|name| !name.is_empty() && name.len() <= MAX_NAME);
        self.names
            .put(id.to_owned(), (name.clone(), Instant::now()));
        name
    }
}

fn docker(root: &Path, id: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Config {
        #[serde(rename = "Name")]
        name: String,
    }
    let file = root
        .join("var/lib/docker/containers")
        .join(id)
        .join("config.v2.json");
    let config: Config = read(&file)?;
    let name = config.name.strip_prefix('/').unwrap_or(&config.name);
    Some(name.to_owned())
}

fn podman(root: &Path, id: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Kept {
        id: String,
        #[serde(default)]
        names: Vec<String>,
    }
    let folder = root.join("var/lib/containers/storage/overlay-containers");
    ["containers.json", "volatile-containers.json"]
        .iter()
        .find_map(|file| {
            let all: Vec<Kept> = read(&folder.join(file))?;
            let kept = all.into_iter().find(|kept| kept.id == id)?;
            kept.names.into_iter().next()
        })
}

/// The kubelet keeps a link `POD_NAMESPACE_CONTAINER-ID.log` for each container, of any runtime.
fn kubernetes(root: &Path, id: &str) -> Option<String> {
    let end = format!("-{id}.log");
    fs::read_dir(root.join("var/log/containers"))
        .ok()?
        .flatten()
        .take(MAX_LOGS)
        .find_map(|entry| {
            let file = entry.file_name();
            let before = file.to_str()?.strip_suffix(&end)?;
            Some(before.rsplit('_').next()?.to_owned())
        })
}

fn read<T: for<'a> Deserialize<'a>>(path: &Path) -> Option<T> {
    let mut text = Vec::new();
    File::open(path)
        .ok()?
        .take(MAX_FILE)
        .read_to_end(&mut text)
        .ok()?;
    serde_json::from_slice(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "4f1e0d6ea2a5ecc8d3a39a4a4f4f2a1c8d0b8c1b5a1e6c7d9f0a2b3c4d5e6f70";

    fn named(file: &str, text: &str) -> Option<String> {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
        Names::of(root.path().to_owned()).name(ID)
    }

    #[test]
    fn each_runtime_says_it_in_its_own_way() {
        let docker = format!("var/lib/docker/containers/{ID}/config.v2.json");
        let text = r#"{"State":{"Running":true},"ID":"4f1e","Name":"/orders","Driver":"overlay2"}"#;
        assert_eq!(named(&docker, text).as_deref(), Some("orders"));

        let podman = "var/lib/containers/storage/overlay-containers/containers.json";
        let text = format!(r#"[{{"id":"0"}},{{"id":"{ID}","names":["ledger"],"image":"x"}}]"#);
        assert_eq!(named(podman, &text).as_deref(), Some("ledger"));

        let kubernetes = format!("var/log/containers/mail-7d9c5b6f4-x2x8z_post_dovecot-{ID}.log");
        assert_eq!(named(&kubernetes, "").as_deref(), Some("dovecot"));
    }

    #[test]
    fn what_nobody_says_is_not_known() {
        let docker = format!("var/lib/docker/containers/{ID}/config.v2.json");
        assert_eq!(named(&docker, "{"), None);
        assert_eq!(named(&docker, r#"{"Name":"/"}"#), None);
        assert_eq!(named("etc/hostname", "a"), None);
    }
}
