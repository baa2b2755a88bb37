//! A network namespace of a test's own.

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// A network namespace with its loopback up. It goes when this is dropped.
pub struct Namespace {
    name: String,
}

impl Namespace {
    pub fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("observer-test-{}-{number}", std::process::id());
        let added = Command::new("ip")
            .args(["netns", "add", &name])
            .status()
            .unwrap();
        assert!(added.success(), "ip netns add {name}: {added}");
        let namespace = Self { name };
        namespace.run("ip", &["link", "set", "lo", "up"]);
        namespace
    }

    /// Where it is found.
    pub fn path(&self) -> String {
        format!("/run/netns/{}", self.name)
    }

    /// A command that will run in it.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name, program]);
        command
    }

    /// Runs a command in it that must succeed.
    pub fn run(&self, program: &str, arguments: &[&str]) {
        let status = self.command(program).args(arguments).status().unwrap();
        assert!(status.success(), "{program} {arguments:?}: {status}");
    }
}

/// Joins two namespaces by a cable. Each end has its address, in a network of 256.
pub fn joined(one: (&Namespace, &str), other: (&Namespace, &str)) {
    let added = Command::new("ip")
        .args(["link", "add", "cable", "netns", &one.0.name, "type", "veth"])
        .args(["peer", "name", "cable", "netns", &other.0.name])
        .status()
        .unwrap();
    assert!(added.success(), "ip link add: {added}");
    for (namespace, address) in [one, other] {
        let address = format!("{address}/24");
        namespace.run("ip", &["addr", "add", &address, "dev", "cable"]);
        namespace.run("ip", &["link", "set", "cable", "up"]);
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = Command::new("ip")
            .args(["netns", "del", &self.name])
            .status();
    }
}
