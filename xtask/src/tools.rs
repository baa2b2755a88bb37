//! The programs and libraries that the live tests need: found, or installed where that is possible.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::built::cargo;
use crate::debian;

/// A program of the live tests and the Debian package that has it.
const PROGRAMS: &[(&str, &str)] = &[
    ("nginx", "nginx-light"),
    ("wrk", "wrk"),
    ("curl", "curl"),
    ("tcpdump", "tcpdump"),
    ("ip", "iproute2"),
    ("iptables", "iptables"),
    ("bpftool", "bpftool"),
    ("crun", "crun"),
    ("openssl", "openssl"),
    ("python3", "python3"),
    ("node", "nodejs"),
    ("nstat", "iproute2"),
    ("sysctl", "procps"),
    ("kill", "procps"),
    ("prlimit", "util-linux"),
    ("setpriv", "util-linux"),
    ("unshare", "util-linux"),
    ("mount", "mount"),
    ("umount", "mount"),
    ("mkfifo", "coreutils"),
];

/// Likewise, of the virtual machines.
const MACHINES: &[(&str, &str)] = &[
    ("qemu-system-x86_64", "qemu-system-x86"),
    ("busybox", "busybox-static"),
    ("depmod", "kmod"),
    ("dpkg", "dpkg"),
    ("apt-get", "apt"),
    ("ldd", "libc-bin"),
];

/// Likewise, of the bench.
const BENCH: &[(&str, &str)] = &[
    ("nginx", "nginx-light"),
    ("wrk", "wrk"),
    ("curl", "curl"),
    ("tcpdump", "tcpdump"),
    ("tshark", "tshark"),
    ("bpftool", "bpftool"),
    ("redis-server", "redis-server"),
    ("redis-benchmark", "redis-tools"),
    ("iperf3", "iperf3"),
    ("taskset", "util-linux"),
    ("kill", "procps"),
];

/// Likewise, of the small lab. A library is named by a file of its package.
const LAB: &[(&str, &str)] = &[
    ("haproxy", "haproxy"),
    ("nginx", "nginx-light"),
    ("tcpdump", "tcpdump"),
    ("openssl", "openssl"),
    ("python3", "python3"),
    ("node", "nodejs"),
    ("kill", "procps"),
    ("setpriv", "util-linux"),
    (
        "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
        "libfaketime",
    ),
    ("ruby", "ruby"),
    ("/usr/share/doc/ruby-jwt/copyright", "ruby-jwt"),
    ("/usr/share/doc/ruby-webrick/copyright", "ruby-webrick"),
];

/// What the whole lab needs more.
const WHOLE_LAB: &[(&str, &str)] = &[
    ("apache2", "apache2-bin"),
    (
        "/usr/lib/apache2/modules/mod_auth_openidc.so",
        "libapache2-mod-auth-openidc",
    ),
    (
        "/usr/lib/apache2/modules/mod_oauth2.so",
        "libapache2-mod-oauth2",
    ),
    ("go", "golang-go"),
    (
        "/usr/share/gocode/src/github.com/golang-jwt/jwt/parser.go",
        "golang-github-golang-jwt-jwt-dev",
    ),
    (
        "/usr/share/gocode/src/github.com/appleboy/gin-jwt/auth_jwt.go",
        "golang-github-appleboy-gin-jwt-dev",
    ),
    ("perl", "perl"),
    ("/usr/share/perl5/Crypt/JWT.pm", "libcrypt-jwt-perl"),
    ("/usr/share/perl5/Mojolicious.pm", "libmojolicious-perl"),
    ("php8.2", "php8.2-cli"),
    ("/usr/share/doc/php8.2-gmp/copyright", "php8.2-gmp"),
    (
        "/usr/share/doc/php8.2-mbstring/copyright",
        "php8.2-mbstring",
    ),
];

/// Likewise, of the tests of deploy/.
const DEPLOY: &[(&str, &str)] = &[
    ("promtool", "prometheus"),
    ("kubectl", "kubernetes-client"),
    ("jsonschema", "python3-jsonschema"),
    ("jq", "jq"),
    ("bash", "bash"),
    ("python3", "python3"),
];

/// Likewise, of the tests in which it is at work.
const DEPLOYED: &[(&str, &str)] = &[("prometheus", "prometheus"), ("curl", "curl")];

/// Likewise, of what is handed out.
const DIST: &[(&str, &str)] = &[
    ("strip", "binutils"),
    ("tar", "tar"),
    ("gzip", "gzip"),
    ("git", "git"),
];

/// Programs of crates for what is handed out, and their versions: another may write it otherwise.
const CRATES: &[(&str, &str)] = &[("cargo-deb", "3.8.0"), ("cargo-cyclonedx", "0.5.9")];

/// Whether this process is root: only root loads kernel programs and installs packages.
pub(crate) fn is_root() -> bool {
    std::fs::read_to_string("/proc/self/status").is_ok_and(|status| {
        status
            .lines()
            .find_map(|line| line.strip_prefix("Uid:"))
            .and_then(|ids| ids.split_whitespace().nth(1))
            == Some("0")
    })
}

/// Finds or installs all that the live tests need; says what is missing otherwise.
pub(crate) fn provide(root: &Path) -> Result<(), String> {
    programs(PROGRAMS)?;
    let lab = root.join("target/lab");
    let sources = root.join("tests/lab");
    std::fs::create_dir_all(&lab)
        .map_err(|error| format!("cannot make {}: {error}", lab.display()))?;
    python(&lab, "python", &sources.join("requirements.txt"))?;
    node(&lab, "node", &sources.join("package.json"))
}

/// Finds or installs all that the lab needs, or its small version; says what is missing otherwise.
pub(crate) fn provide_lab(root: &Path, small: bool) -> Result<(), String> {
    programs(LAB)?;
    if !small {
        programs(WHOLE_LAB)?;
    }
    let lab = root.join("target/validators");
    let sources = root.join("tests/lab");
    std::fs::create_dir_all(&lab)
        .map_err(|error| format!("cannot make {}: {error}", lab.display()))?;
    python(&lab, "python", &sources.join("python/requirements.txt"))?;
    node(&lab, "node", &sources.join("node/package.json"))?;
    if small { Ok(()) } else { php(&lab) }
}

/// Fills a folder with the libraries of PHP that come with an application. It is not installed: it would
/// bring a web server with it, and start it.
fn php(lab: &Path) -> Result<(), String> {
    let (come, target) = (lab.join("php.come"), lab.join("php"));
    if target.is_dir() {
        return Ok(());
    }
    let package = || Ok(Some("ldap-account-manager".to_owned()));
    let unpacked = debian::unpack(&come, package).map_err(|error| error.to_string())?;
    std::fs::rename(unpacked, &target)
        .and_then(|()| std::fs::remove_dir_all(&come))
        .map_err(|error| format!("cannot fill {}: {error}", target.display()))
}

/// Fills a folder from a list for pip.
fn python(lab: &Path, name: &str, list: &Path) -> Result<(), String> {
    once(lab, name, list, |target, list| {
        need("pip3", "python3-pip")?;
        let mut pip = Command::new("python3");
        pip.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ])
        .args(["--root-user-action=ignore", "--upgrade", "--target"])
        .arg(target)
        .arg("--requirement")
        .arg(list);
        go(&mut pip)
    })
}

/// Fills a folder from a list for npm.
fn node(lab: &Path, name: &str, list: &Path) -> Result<(), String> {
    once(lab, name, list, |target, list| {
        need("npm", "npm")?;
        std::fs::create_dir_all(target).map_err(|error| error.to_string())?;
        std::fs::copy(list, target.join("package.json")).map_err(|error| error.to_string())?;
        let mut npm = Command::new("npm");
        npm.args([
            "install",
            "--silent",
            "--no-audit",
            "--no-fund",
            "--no-package-lock",
        ])
        .current_dir(target);
        go(&mut npm)
    })
}

/// Finds or installs all that the virtual machines need; says what is missing otherwise.
pub(crate) fn provide_machines() -> Result<(), String> {
    programs(MACHINES)
}

/// Finds or installs all that the bench needs; says what is missing otherwise.
pub(crate) fn provide_bench() -> Result<(), String> {
    programs(BENCH)
}

/// Finds or installs all that the tests of deploy/ need; says what is missing otherwise.
pub(crate) fn provide_deploy(root: &Path) -> Result<(), String> {
    programs(DEPLOY)?;
    let lab = root.join("target/lab");
    std::fs::create_dir_all(&lab)
        .map_err(|error| format!("cannot make {}: {error}", lab.display()))?;
    // The schemas of the API of Kubernetes.
    python(
        &lab,
        "kubernetes",
        &root.join("tests/deploy/requirements.txt"),
    )
}

/// Finds or installs all that the tests need in which deploy/ is at work; says what is missing otherwise.
pub(crate) fn provide_deployed() -> Result<(), String> {
    programs(DEPLOYED)?;
    // They build what is deployed, and watch services of the live tests with it.
    programs(DEPLOY)?;
    programs(PROGRAMS)
}

/// Finds or installs all that it takes to make what is handed out; says what is missing otherwise.
pub(crate) fn provide_dist(root: &Path) -> Result<(), String> {
    programs(DIST)?;
    for (name, version) in CRATES {
        if cargo_folder(root, name, version)
            .join("bin")
            .join(name)
            .is_file()
        {
            continue;
        }
        println!("installing {name} {version}");
        go(cargo(root)
            .args(["install", "--quiet", "--locked", "--debug", name])
            // Theirs would compress better, and take a C library and minutes.
            .arg("--no-default-features")
            .args(["--version", version, "--target-dir"])
            .arg(root.join("target/tools/build"))
            .arg("--root")
            .arg(cargo_folder(root, name, version)))?;
    }
    Ok(())
}

/// The path with the programs of crates on it.
pub(crate) fn cargo_tools(root: &Path) -> Result<OsString, String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = CRATES
        .iter()
        .map(|(name, version)| cargo_folder(root, name, version).join("bin"));
    std::env::join_paths(folders.chain(std::env::split_paths(&path)))
        .map_err(|error| error.to_string())
}

fn cargo_folder(root: &Path, name: &str, version: &str) -> PathBuf {
    root.join("target/tools").join(format!("{name}-{version}"))
}

/// The programs that the live tests start.
pub(crate) fn live_programs() -> impl Iterator<Item = &'static str> {
    PROGRAMS.iter().map(|(program, _)| *program)
}

fn programs(list: &[(&str, &'static str)]) -> Result<(), String> {
    let missing: Vec<_> = list
        .iter()
        .filter(|(program, _)| find(program).is_none())
        .map(|(_, package)| *package)
        .collect();
    install(&missing)
}

fn need(program: &str, package: &str) -> Result<(), String> {
    match find(program) {
        Some(_) => Ok(()),
        None => install(&[package]),
    }
}

fn install(packages: &[&str]) -> Result<(), String> {
    if packages.is_empty() {
        return Ok(());
    }
    let list = packages.join(" ");
    if !is_root() || find("apt-get").is_none() {
        return Err(format!(
            "install these first: {list} (names of Debian packages)"
        ));
    }
    println!("installing {list}");
    let apt = || {
        let mut apt = Command::new("apt-get");
        apt.env("DEBIAN_FRONTEND", "noninteractive").arg("-qq");
        apt
    };
    go(apt().arg("update"))?;
    go(apt()
        .args(["install", "-y", "--no-install-recommends"])
        .args(packages))
}

/// Fills `lab/name` unless it was filled from the same list before.
fn once(
    lab: &Path,
    name: &str,
    list: &Path,
    fill: impl FnOnce(&Path, &Path) -> Result<(), String>,
) -> Result<(), String> {
    let target = lab.join(name);
    let mark = lab.join(format!("{name}.filled-from"));
    let wanted =
        std::fs::read(list).map_err(|error| format!("cannot read {}: {error}", list.display()))?;
    if std::fs::read(&mark).is_ok_and(|have| have == wanted) {
        return Ok(());
    }
    println!("filling {}", target.display());
    fill(&target, list).map_err(|error| format!("filling {}: {error}", target.display()))?;
    std::fs::write(&mark, wanted)
        .map_err(|error| format!("cannot write {}: {error}", mark.display()))
}

/// Runs a command that must succeed.
pub(crate) fn go(command: &mut Command) -> Result<(), String> {
    let status = command
        .stdin(Stdio::null())
        .status()
        .map_err(|error| format!("cannot start {:?}: {error}", command.get_program()))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("{:?} ended with {status}", command.get_program()))
    }
}

/// Where a program is, on the path or where Debian keeps those for root.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}
