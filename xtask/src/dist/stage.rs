//! What the archive and the package have in common, laid out in a folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::failed;
use crate::tools::go;

/// The folder, at a place that the package's description names.
pub(super) struct Stage {
    folder: PathBuf,
    name: String,
}

/// Files and folders of the source that are in the archive.
const OF_THE_SOURCE: [&str; 9] = [
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "SECURITY.md",
    "deploy",
    "docs",
    "observer-ebpf/LICENSE-GPL-2.0",
];

/// Where completions are, for which shell.
const SHELLS: [(&str, &str); 3] = [
    ("bash", "observer.bash"),
    ("fish", "observer.fish"),
    ("zsh", "_observer"),
];

impl Stage {
    /// Lays out all but the bill of materials.
    pub(super) fn fill(root: &Path, binary: &Path) -> Result<Self, String> {
        let above = root.join("target/stage");
        if above.exists() {
            fs::remove_dir_all(&above).map_err(|error| failed(&above, &error))?;
        }
        let name = format!("observer-{}", env!("CARGO_PKG_VERSION"));
        // Beside: what differs in the package.
        let folder = above.join("observer");
        let man = folder.join("man");
        fs::create_dir_all(folder.join("completions"))
            .and_then(|()| fs::create_dir_all(&man))
            .map_err(|error| failed(&folder, &error))?;
        let stage = Self { folder, name };
        for name in OF_THE_SOURCE {
            go(Command::new("cp")
                .args(["-r", "--"])
                .arg(root.join(name))
                .arg(&stage.folder))?;
        }
        let program = stage.folder.join("observer");
        go(Command::new("strip")
            .args(["--strip-debug", "-o"])
            .args([&program, &PathBuf::from(binary)]))?;
        go(Command::new(&program).arg("man").arg(&man))?;
        for (shell, file) in SHELLS {
            let done = Command::new(&program)
                .args(["completions", shell])
                .output()
                .map_err(|error| failed(&program, &error))?;
            let file = stage.folder.join("completions").join(file);
            fs::write(&file, done.stdout).map_err(|error| failed(&file, &error))?;
        }
        stage.unit(root, &above)?;
        Ok(stage)
    }

    /// The unit with the path that a package installs to: /usr/local is the administrator's.
    fn unit(&self, root: &Path, above: &Path) -> Result<(), String> {
        let (local, packaged) = ("=/usr/local/bin/observer ", "=/usr/bin/observer ");
        let unit = root.join("deploy/systemd/observer.service");
        let text = fs::read_to_string(&unit).map_err(|error| failed(&unit, &error))?;
        if !text.contains(local) {
            return Err(format!("{}: nothing starts {local}", unit.display()));
        }
        let folder = above.join("systemd");
        fs::create_dir_all(&folder).map_err(|error| failed(&folder, &error))?;
        let file = folder.join("observer.service");
        fs::write(&file, text.replace(local, packaged)).map_err(|error| failed(&file, &error))
    }

    /// Adds a file.
    pub(super) fn take(&self, file: &Path, name: &str) -> Result<(), String> {
        let to = self.folder.join(name);
        fs::copy(file, &to)
            .map(|_| ())
            .map_err(|error| failed(&to, &error))
    }

    /// Packs it, the same to the byte for the same files.
    pub(super) fn archive(&self, out: &Path, time: &str) -> Result<PathBuf, String> {
        let machine = std::env::consts::ARCH;
        let file = out.join(format!("{}-linux-{machine}.tar.gz", self.name));
        go(Command::new("tar")
            .args(["--create", "--sort=name", "--numeric-owner"])
            .args(["--owner=0", "--group=0", "--mode=u=rwX,go=rX"])
            .arg(format!("--mtime=@{time}"))
            .arg(format!("--transform=s,^observer,{},S", self.name))
            .args(["--use-compress-program", "gzip --no-name"])
            .arg("--file")
            .arg(&file)
            .arg("--directory")
            .arg(self.folder.parent().unwrap_or(&self.folder))
            .arg("observer"))?;
        Ok(file)
    }
}
