//! What containers have in their root file systems: a program, and what it needs, nothing else.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use observer_tests::programs;

use crate::lab::root;

/// An image: how it is laid out, and what is started.
pub struct Image {
    /// Files of the host, and where they are in the image.
    pub files: Vec<(PathBuf, PathBuf)>,
    /// Files with their text.
    pub texts: Vec<(&'static str, String)>,
    /// The program with its arguments.
    pub command: Vec<String>,
}

/// The static binary alone.
pub fn observer(arguments: &[&str]) -> Image {
    Image {
        files: vec![(programs::static_observer().to_owned(), "/observer".into())],
        texts: Vec::new(),
        command: ["/observer"]
            .iter()
            .chain(arguments)
            .map(|argument| (*argument).to_owned())
            .collect(),
    }
}

/// nginx as Debian builds it, with the libraries that it is linked with.
pub fn nginx((address, port): (&str, u16)) -> Image {
    let program = Path::new("/usr/sbin/nginx");
    let linked = Command::new("ldd").arg(program).output().unwrap();
    let mut files: Vec<(PathBuf, PathBuf)> = String::from_utf8(linked.stdout)
        .unwrap()
        .split_whitespace()
        .filter(|word| word.starts_with('/'))
        .map(|file| (file.into(), file.into()))
        .collect();
    files.push((program.to_owned(), program.to_owned()));
    let template = fs::read_to_string(root().join("tests/lab/nginx.conf")).unwrap();
    let configuration = template
        .replace("{ACCESS_LOG}", "off")
        .replace("{PREFIX}", "/tmp")
        .replace("{LISTEN}", &format!("listen {address}:{port};"));
    Image {
        files,
        texts: vec![
            ("/nginx.conf", configuration),
            ("/etc/passwd", "root:x:0:0::/:/none\n".to_owned()),
            ("/etc/group", "root:x:0:\n".to_owned()),
        ],
        command: ["/usr/sbin/nginx", "-p", "/tmp", "-c", "/nginx.conf"]
            .map(str::to_owned)
            .to_vec(),
    }
}
