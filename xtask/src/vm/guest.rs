//! What is in a guest: services and tools of this machine, the kernel's modules, and what is to run.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::fetch::Unpacked;
use super::tree::Tree;
use crate::tools;

/// Something that a guest runs.
pub(super) struct Job {
    /// What it is called in the output.
    pub(super) name: String,
    /// For the shell.
    pub(super) command: String,
    /// Where it runs.
    pub(super) folder: PathBuf,
}

/// All that goes into a guest.
pub(super) struct Guest<'a> {
    /// The workspace.
    pub(super) root: &'a Path,
    pub(super) kernel: &'a Unpacked,
    /// Programs that were built, and their names in the guest's path.
    pub(super) built: Vec<(PathBuf, String)>,
    /// Programs of the live tests that nothing in the guest starts.
    pub(super) without: &'static [&'static str],
    /// Files and folders more.
    pub(super) with: Vec<PathBuf>,
    /// Names and values of the environment.
    pub(super) environment: Vec<(String, String)>,
    pub(super) jobs: Vec<Job>,
}

impl Guest<'_> {
    /// Writes the first root of the guest.
    pub(super) fn pack(&self, file: &Path, scratch: &Path) -> Result<(), String> {
        let mut tree = Tree::default();
        self.system(&mut tree)?;
        for (program, name) in &self.built {
            let small = strip(program, &scratch.join(name));
            // Where cargo put it: the tests look for each other there.
            tree.copy(&small, program);
            tree.link(Path::new(BIN).join(name), program);
        }
        services(&mut tree, self.root, self.without)?;
        for path in &self.with {
            tree.mirror(path, &|_| false)?;
        }
        self.modules(&mut tree)?;
        tree.libraries()?;
        tree.write("/init", self.init(), 0o755);
        tree.pack(file)
    }

    fn system(&self, tree: &mut Tree) -> Result<(), String> {
        for folder in [
            "/dev",
            "/proc",
            "/sys",
            "/run",
            "/tmp",
            "/root",
            "/var/log/nginx",
            "/var/lib/nginx",
            BUSYBOX,
        ] {
            tree.folder(folder);
        }
        // Before anything is mounted, init talks to it.
        tree.device("/dev/console", 5, 1);
        let busybox = tools::find("busybox").ok_or("busybox is not there")?;
        tree.copy(&busybox, &Path::new(BUSYBOX).join("busybox"));
        tree.write(
            "/etc/passwd",
            "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n",
            0o644,
        );
        tree.write("/etc/group", "root:x:0:\nnogroup:x:65534:\n", 0o644);
        tree.write("/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n", 0o644);
        // Loaders of libraries ask it for those in unusual places.
        mirror_if_there(tree, "/etc/ld.so.cache")
    }

    /// The modules that the kernel loads on demand, and what they need.
    fn modules(&self, tree: &mut Tree) -> Result<(), String> {
        let folder = self
            .kernel
            .folder
            .join("lib/modules")
            .join(&self.kernel.release);
        let place = tree
            .follow(Path::new("/lib"))
            .map_err(|error| format!("cannot read /lib: {error}"))?
            .join("modules")
            .join(&self.kernel.release);
        let lists = std::fs::read_dir(&folder)
            .map_err(|error| format!("cannot read {}: {error}", folder.display()))?;
        for list in lists.filter_map(Result::ok).map(|entry| entry.path()) {
            if let Some(name) = list.file_name()
                && list.is_file()
            {
                tree.copy(&list, &place.join(name));
            }
        }
        let needs = folder.join("modules.dep");
        let needs = std::fs::read_to_string(&needs)
            .map_err(|error| format!("cannot read {}: {error}", needs.display()))?;
        for module in MODULES {
            for file in with_needs(&needs, module) {
                tree.copy(&folder.join(file), &place.join(file));
            }
        }
        Ok(())
    }

    /// The first program. Results go over a line of their own, where the kernel prints nothing.
    fn init(&self) -> String {
        let mut script = format!("#!{BUSYBOX}/busybox sh\n");
        script.push_str(&format!("{BUSYBOX}/busybox --install -s {BUSYBOX}\n"));
        script.push_str(&format!("export PATH={PATH} HOME=/root LC_ALL=C.UTF-8\n"));
        script.push_str(START);
        for (name, value) in &self.environment {
            script.push_str(&format!("export {name}={}\n", quoted(value)));
        }
        script.push_str("{\n");
        for job in &self.jobs {
            script.push_str(&format!(
                "echo {BEGIN} {name}\n(cd {folder} && eval {command}) </dev/null\n\
                 status=$?; echo; echo {END} $status {name}\n",
                name = job.name,
                folder = quoted(&job.folder.display().to_string()),
                command = quoted(&job.command),
            ));
        }
        script.push_str(&format!(
            "echo {DONE}\n}} 2>&1 | cat >/dev/ttyS1\npoweroff -f\n"
        ));
        script
    }
}

/// How the lines start that say what the guest does. They stand alone.
pub(super) const BEGIN: &str = "@guest-begins";
/// Then comes the status, then the name.
pub(super) const END: &str = "@guest-ended";
/// The last line.
pub(super) const DONE: &str = "@guest-is-done";

const BIN: &str = "/usr/local/bin";
const BUSYBOX: &str = "/busybox";
const PATH: &str = "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/busybox";

const START: &str = r#"
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t cgroup2 none /sys/fs/cgroup
mount -t bpf bpf /sys/fs/bpf
mount -t tracefs trace /sys/kernel/tracing
mkdir -p /dev/shm && mount -t tmpfs shm /dev/shm
[ -e /bin/sh ] || { mkdir -p /bin && ln -s /busybox/sh /bin/sh; }
[ -e /sbin/modprobe ] || { mkdir -p /sbin && ln -s /busybox/modprobe /sbin/modprobe; }
ip link set lo up
stty -F /dev/ttyS1 raw
"#;

/// Loaded by the kernel when somebody asks for what they do: the tables of sockets, and address
/// translation by way of either iptables.
const MODULES: [&str; 16] = [
    "tcp_diag",
    "udp_diag",
    "inet_diag",
    "unix_diag",
    "af_packet_diag",
    "veth",
    "dummy",
    "nf_tables",
    "nft_compat",
    "nft_chain_nat",
    "iptable_nat",
    "xt_REDIRECT",
    "xt_tcpudp",
    "nf_conntrack",
    "nf_nat",
    "tls",
];

/// Of lines `FILE: NEEDED NEEDED`, the files for a module.
fn with_needs<'a>(needs: &'a str, module: &str) -> Vec<&'a str> {
    needs
        .lines()
        .filter_map(|line| line.split_once(':'))
        .filter(|(file, _)| {
            let name = file.rsplit('/').next().unwrap_or(file);
            name.split('.').next() == Some(module)
        })
        .flat_map(|(file, needed)| std::iter::once(file).chain(needed.split_whitespace()))
        .collect()
}

/// The services and tools of the live tests.
fn services(tree: &mut Tree, root: &Path, without: &[&str]) -> Result<(), String> {
    for program in tools::live_programs().filter(|program| !without.contains(program)) {
        let Some(found) = tools::find(program) else {
            return Err(format!(
                "{program} is not there; `cargo xtask test` installs it"
            ));
        };
        let found = match program {
            "python3" => python(tree)?,
            _ => found,
        };
        tree.mirror(&found, &|_| false)?;
        if found.parent() != Some(Path::new(BIN)) {
            tree.link(Path::new(BIN).join(program), &found);
        }
    }
    for folder in EXTENSIONS_OF_IPTABLES {
        mirror_if_there(tree, folder)?;
    }
    for file in [
        "/etc/ssl/openssl.cnf",
        "/usr/lib/ssl/openssl.cnf",
        "/etc/protocols",
    ] {
        mirror_if_there(tree, file)?;
    }
    for folder in ["tests/lab", "target/lab"] {
        // The libraries of a program are in a folder of its name.
        tree.mirror(&root.join(folder), &|path| {
            without.iter().any(|program| path.ends_with(program))
        })?;
    }
    Ok(())
}

const EXTENSIONS_OF_IPTABLES: [&str; 2] =
    ["/usr/lib/x86_64-linux-gnu/xtables", "/usr/lib64/xtables"];

/// Adds Python's own library and says where its executable is: on the path there may be a script.
fn python(tree: &mut Tree) -> Result<PathBuf, String> {
    let output = Command::new("python3")
        .args([
            "-I",
            "-c",
            "import sys; print(sys.executable, *sys.path, sep='\\n')",
        ])
        .output()
        .map_err(|error| format!("cannot start python3: {error}"))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut lines = said.lines();
    let program = lines.next().ok_or("python3 does not say where it is")?;
    for folder in lines.map(Path::new).filter(|folder| folder.is_dir()) {
        let is_own = !folder.ends_with("site-packages") && !folder.ends_with("dist-packages");
        if is_own {
            tree.mirror(folder, &|path| {
                NOT_OF_PYTHON.iter().any(|name| path.ends_with(name))
                    || path.to_string_lossy().contains("/config-")
            })?;
        }
    }
    Ok(program.into())
}

/// What nobody needs who runs a service.
const NOT_OF_PYTHON: [&str; 8] = [
    "site-packages",
    "dist-packages",
    "test",
    "tests",
    "idlelib",
    "lib2to3",
    "tkinter",
    "ensurepip",
];

fn mirror_if_there(tree: &mut Tree, path: &str) -> Result<(), String> {
    match Path::new(path) {
        path if path.exists() => tree.mirror(path, &|_| false),
        _ => Ok(()),
    }
}

/// A copy without what only debuggers read, or the program itself.
fn strip(program: &Path, to: &Path) -> PathBuf {
    let done = Command::new("strip")
        .arg("--strip-debug")
        .arg("-o")
        .arg(to)
        .arg(program)
        .status();
    match done {
        Ok(status) if status.success() => to.to_owned(),
        _ => program.to_owned(),
    }
}

/// As one word for the shell.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_comes_with_what_it_needs() {
        let needs = "kernel/net/a.ko.xz: kernel/net/b.ko.xz kernel/c.ko.xz\nkernel/net/b.ko.xz:\n";
        assert_eq!(
            with_needs(needs, "a"),
            ["kernel/net/a.ko.xz", "kernel/net/b.ko.xz", "kernel/c.ko.xz"]
        );
        assert_eq!(with_needs(needs, "c"), [""; 0]);
    }

    #[test]
    fn a_quote_in_a_word_is_kept() {
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
