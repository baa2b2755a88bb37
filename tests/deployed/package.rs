//! What is handed out: complete, as its checksums say, and installed by dpkg.

use std::path::Path;
use std::process::Command;

use observer_tests::programs::handed_out;
use tempfile::TempDir;

#[test]
fn what_is_handed_out_is_whole_and_the_package_is_installed_and_removed() {
    let made = handed_out();
    let ends = [".tar.gz", ".deb", ".cdx.json", "SHA256SUMS"];
    assert_eq!(made.len(), ends.len(), "{made:?}");
    for (file, end) in made.iter().zip(ends) {
        assert!(file.display().to_string().ends_with(end), "{file:?}");
    }
    let folder = made[3].parent().unwrap();
    run(Command::new("sha256sum")
        .args(["--check", "--strict", "SHA256SUMS"])
        .current_dir(folder));
    archive(&made[0]);
    let installed = in_another_root(INSTALL, &made[1]);
    let says = [
        "version observer 0.1.0",
        "check /etc/observer/observer.toml is a configuration",
        "unit ExecStart=/usr/bin/observer run --config /etc/observer/observer.toml",
        "completes replay",
        "page observer-run",
        "bill CycloneDX",
        "altered none",
        "enabled no",
        "after removal /etc/observer/observer.toml",
        "after purge nothing",
    ];
    for line in says {
        let said = installed.lines().any(|it| it.starts_with(line));
        assert!(said, "no {line:?} in: {installed}");
    }
}

/// The archive has one folder, from which the binary runs.
fn archive(file: &Path) {
    let folder = TempDir::new().unwrap();
    run(Command::new("tar")
        .args(["--extract", "--file"])
        .arg(file)
        .arg("--directory")
        .arg(folder.path()));
    let inside = folder.path().join("observer-0.1.0");
    let said = run(Command::new(inside.join("observer")).arg("--version"));
    assert_eq!(said, "observer 0.1.0\n");
    for name in [
        "LICENSE-MIT",
        "completions/_observer",
        "deploy/systemd/observer.service",
        "docs/oncall.md",
        "man/observer-replay.1",
        "observer.cdx.json",
    ] {
        assert!(inside.join(name).is_file(), "{name}");
    }
}

/// What is done with the package `$1`, as root of a copy of this machine.
const INSTALL: &str = r#"
dpkg --install "$1" >&2
echo "version $(observer --version)"
echo "check $(observer config check)"
unit=/usr/lib/systemd/system/observer.service
echo "unit $(grep ^ExecStart= $unit)"
systemd-analyze verify $unit >&2
bash -c '. /usr/share/bash-completion/completions/observer
    COMP_WORDS=(observer rep) COMP_CWORD=1
    _observer observer rep observer
    echo "completes ${COMPREPLY[*]}"'
echo "page $(gunzip < /usr/share/man/man1/observer-run.1.gz | grep -o 'observer-run' | head -1)"
echo "bill $(grep -o CycloneDX /usr/share/doc/observer/observer.cdx.json | head -1)"
altered=$(dpkg --verify observer)
echo "altered ${altered:-none}"
enabled=$(ls /etc/systemd/system/*/observer.service 2>/dev/null || true)
echo "enabled ${enabled:-no}"
dpkg --remove observer >&2
echo "after removal $(ls /etc/observer/observer.toml /usr/bin/observer 2>/dev/null || true)"
dpkg --purge observer >&2
left=$(ls -d /etc/observer /usr/bin/observer /usr/share/observer /usr/share/doc/observer 2>/dev/null || true)
echo "after purge ${left:-nothing}"
"#;

/// Runs a script with the root of this machine, where all that it writes is in memory and goes with it.
fn in_another_root(script: &str, package: &Path) -> String {
    const AROUND: &str = r#"
set -e
mount --make-rprivate /
mount -t tmpfs none "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" none "$1/root"
mount --rbind /proc "$1/root/proc"
mount --rbind /dev "$1/root/dev"
# Nobody is told to start or stop a unit of this machine.
mount -t tmpfs none "$1/root/run"
cp "$3" "$1/root/tmp/package.deb"
exec chroot "$1/root" sh -ec "$2" sh /tmp/package.deb
"#;
    let folder = TempDir::new().unwrap();
    let words: [&Path; 2] = [folder.path(), Path::new(script)];
    run(Command::new("unshare")
        .args(["--mount", "sh", "-c", AROUND, "sh"])
        .args(words)
        .arg(package))
}

/// Runs what must succeed. Gives what it wrote to standard output.
fn run(command: &mut Command) -> String {
    let done = command.output().unwrap();
    let said = String::from_utf8(done.stdout).unwrap();
    let complained = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{command:?}: {complained}\n{said}");
    said
}
