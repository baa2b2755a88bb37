//! Layouts of kernels as they are, against what bpftool, gcc and gdb say of the same kernels: see
//! layouts/record.py. To add a kernel, record it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::*;

/// A kernel of the table.
struct Recorded {
    /// As `6.1`, or the whole release of a kernel without a package.
    series: String,
    cells: BTreeMap<String, String>,
}

impl Recorded {
    fn all() -> Vec<Self> {
        let table = fs::read_to_string(folder().join("layouts.tsv")).unwrap();
        let mut lines = table
            .lines()
            .map(|line| line.split('\t').map(str::to_owned));
        let head: Vec<_> = lines.next().unwrap().collect();
        lines
            .map(|cells| {
                let cells: BTreeMap<_, _> = head.iter().cloned().zip(cells).collect();
                assert_eq!(cells.len(), head.len());
                let series = cells["series"].clone();
                Self { series, cells }
            })
            .collect()
    }

    /// The cell of a column. `None`: the kernel has no such thing.
    fn has(&self, column: &str) -> Option<u32> {
        let cell = &self.cells[column];
        (cell != "-").then(|| cell.parse().unwrap())
    }

    fn is(&self, column: &str) -> u32 {
        self.has(column)
            .unwrap_or_else(|| panic!("{} has no {column}", self.series))
    }

    fn is_since(&self, major: u32, minor: u32) -> bool {
        let mut parts = self.series.split('.').map(|part| part.parse().unwrap());
        (parts.next().unwrap(), parts.next().unwrap()) >= (major, minor)
    }

    fn bytes(&self) -> Vec<u8> {
        fs::read(folder().join(format!("{}.btf", self.series))).unwrap()
    }

    fn layout(&self) -> Layout {
        layout(&parse(self.bytes())).unwrap()
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/source/live/unix/layouts")
}

fn parse(bytes: Vec<u8>) -> Types {
    Types::parse(bytes, &[&TYPES[..], &["tcp_recvmsg"]].concat()).unwrap()
}

#[test]
fn every_recorded_kernel_is_read_as_it_is() {
    for kernel in Recorded::all() {
        let bytes_of_kind = kernel.has("iter_type").is_some();
        let expected = Layout {
            socket_sk: kernel.is("socket_sk"),
            message_iter: kernel.is("message_iter"),
            iter_kind: kernel.has("iter_type").unwrap_or_else(|| kernel.is("type")),
            iter_offset: kernel.is("iov_offset"),
            iter_vectors: kernel.has("__iov").unwrap_or_else(|| kernel.is("iov")),
            kind_mask: if bytes_of_kind { 0xff } else { 0xfe },
            kind_vectors: kernel.is("ITER_IOVEC"),
            kind_piece: kernel.has("ITER_UBUF").unwrap_or(NONE),
            unix_address: kernel.is("unix_addr"),
            unix_peer: kernel.is("unix_peer"),
            address_len: kernel.is("address_len"),
            address_path: kernel.is("address_name") + kernel.is("sun_path"),
            sock_peer_pid: kernel.is("sk_peer_pid"),
            pid_number: kernel.is("pid_numbers") + kernel.is("upid_nr"),
            sock_family: kernel.is("skc_family"),
            sock_type: kernel.is("sk_type"),
        };
        assert_eq!(kernel.layout(), expected, "{}", kernel.series);
        let arguments = usize::try_from(kernel.is("tcp_recvmsg")).unwrap();
        let types = parse(kernel.bytes());
        assert_eq!(types.arguments("tcp_recvmsg"), Some(arguments));
    }
}

/// What is known of the history of these fields. A table that was filled wrongly would break it.
#[test]
fn the_recorded_kernels_differ_where_they_should() {
    let kernels = Recorded::all();
    for kernel in &kernels {
        let (series, found) = (&kernel.series, kernel.layout());
        assert_eq!(found.kind_mask == 0xff, kernel.is_since(5, 14), "{series}");
        assert_eq!(found.kind_piece != NONE, kernel.is_since(6, 0), "{series}");
        let renamed = kernel.has("__iov").is_some();
        assert_eq!(renamed, kernel.is_since(6, 4), "{series}");
        // The kinds stand apart under the mask.
        assert_eq!(found.kind_vectors & found.kind_mask, found.kind_vectors);
        assert_ne!(found.kind_vectors, found.kind_piece, "{series}");
    }
    let some = |is: &dyn Fn(&Recorded) -> bool| kernels.iter().any(is);
    assert!(
        some(&|kernel| !kernel.is_since(5, 11)),
        "none is as old as 5.10"
    );
    assert!(
        some(&|kernel| kernel.is_since(6, 18)),
        "none is as new as 6.18"
    );
    let layouts: BTreeSet<_> = kernels
        .iter()
        .map(|kernel| format!("{:?}", kernel.layout()))
        .collect();
    assert!(layouts.len() >= 8, "only {} layouts", layouts.len());
}

#[test]
fn every_file_is_in_the_table() {
    let named: BTreeSet<_> = Recorded::all().into_iter().map(|row| row.series).collect();
    let found: BTreeSet<_> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| name.strip_suffix(".btf").map(str::to_owned))
        .collect();
    assert_eq!(named, found);
}

/// Each name that is needed, called otherwise: as in a kernel that moved things about.
#[test]
fn a_layout_that_is_not_understood_is_refused_with_what_it_lacks() {
    const NEEDED: [(&str, &str); 17] = [
        ("sk", "socket.sk"),
        ("msg_iter", "msghdr.msg_iter"),
        ("iov_offset", "iov_iter.iov_offset"),
        ("addr", "unix_sock.addr"),
        ("peer", "unix_sock.peer"),
        ("len", "unix_address.len"),
        ("name", "unix_address.name"),
        ("sun_path", "sockaddr_un.sun_path"),
        ("sk_peer_pid", "sock.sk_peer_pid"),
        ("numbers", "pid.numbers"),
        ("nr", "upid.nr"),
        ("skc_family", "sock.__sk_common.skc_family"),
        ("sk_type", "sock.sk_type"),
        ("ITER_IOVEC", "ITER_IOVEC"),
        ("iov_iter", "iov_iter.type"),
        ("unix_sock", "unix_sock.addr"),
        ("iter_type", ""),
    ];
    for kernel in Recorded::all() {
        for (name, lacks) in NEEDED {
            let mut bytes = kernel.bytes();
            rename(&mut bytes, name);
            let said = layout(&parse(bytes)).unwrap_err();
            assert!(said.starts_with("this kernel describes no "), "{said}");
            assert!(
                said.ends_with(lacks),
                "{} without {name}: {said}",
                kernel.series
            );
        }
        for names in [&["__iov", "iov"][..], &["iter_type", "type"]] {
            let mut bytes = kernel.bytes();
            names.iter().for_each(|name| rename(&mut bytes, name));
            assert!(
                layout(&parse(bytes)).is_err(),
                "{} without {names:?}",
                kernel.series
            );
        }
    }
}

/// A kernel with a kind of iterator that lies elsewhere than the vectors: it is left alone.
#[test]
fn a_piece_that_is_not_where_the_vectors_are_is_not_read() {
    for kernel in Recorded::all() {
        let mut bytes = kernel.bytes();
        rename(&mut bytes, "ubuf");
        assert_eq!(layout(&parse(bytes)).unwrap().kind_piece, NONE);
    }
}

/// Changes a letter of a name, wherever it is used.
fn rename(bytes: &mut [u8], name: &str) {
    let whole = format!("\0{name}\0").into_bytes();
    let mut windows = bytes.windows(whole.len());
    if let Some(at) = windows.position(|window| window == whole) {
        bytes[at + 1] = b'?';
    }
}
