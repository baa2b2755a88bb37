//! The fuzz targets over their seeds, whole and changed in a few thousand ways: the same in every run.
//! It finds what is coarse; the fuzzer proper goes on from here.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a broken assumption ends the test"
)]

#[path = "../../fuzz/bodies/capture.rs"]
mod capture;
#[path = "../../fuzz/bodies/credential.rs"]
mod credential;
#[path = "../../fuzz/bodies/http1.rs"]
mod http1;
#[path = "../../fuzz/bodies/layers.rs"]
mod layers;
#[path = "../../fuzz/bodies/verdict.rs"]
mod verdict;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// How many changed inputs each target gets.
const CHANGED: usize = 3000;

#[test]
fn capture_takes_its_seeds_and_what_is_near() {
    smoke("capture", capture::run);
}

#[test]
fn credential_takes_its_seeds_and_what_is_near() {
    smoke("credential", credential::run);
}

#[test]
fn http1_takes_its_seeds_and_what_is_near() {
    smoke("http1", http1::run);
}

#[test]
fn layers_take_their_seeds_and_what_is_near() {
    smoke("layers", layers::run);
}

#[test]
fn verdict_takes_its_seeds_and_what_is_near() {
    smoke("verdict", verdict::run);
}

/// Every target of the fuzzer is run here.
#[test]
fn no_target_is_left_out() {
    let mut names: Vec<_> = names("fuzz/targets")
        .iter()
        .filter_map(|path| path.file_stem()?.to_str().map(str::to_owned))
        .collect();
    names.sort();
    assert_eq!(
        names,
        ["capture", "credential", "http1", "layers", "verdict"]
    );
}

fn smoke(target: &str, run: fn(&[u8])) {
    let seeds: Vec<Vec<u8>> = names(&format!("fuzz/seeds/{target}"))
        .iter()
        .map(|path| std::fs::read(path).unwrap())
        .collect();
    assert!(!seeds.is_empty(), "{target} has no seeds");
    let mut random = Random(0x0b5e_7e41);
    let changed = (0..CHANGED).map(|number| {
        let mut input = seeds[number % seeds.len()].clone();
        let other = &seeds[random.below(seeds.len())];
        for _ in 0..=random.below(6) {
            random.change(&mut input, other);
        }
        input
    });
    for input in seeds.iter().cloned().chain(changed) {
        let done = catch_unwind(AssertUnwindSafe(|| run(&input)));
        if done.is_err() {
            let file = std::env::temp_dir().join(format!("observer-{target}-finding"));
            std::fs::write(&file, &input).unwrap();
            panic!("{target} fails on {}", file.display());
        }
    }
}

/// The files of a folder of the project, in order.
fn names(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(folder);
    let files = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let mut names: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    names.sort();
    names
}

/// Marsaglia's xorshift: what is tried is the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, most: usize) -> usize {
        (self.next() % most.max(1) as u64) as usize
    }

    fn change(&mut self, input: &mut Vec<u8>, other: &[u8]) {
        const TELLING: [u8; 8] = [0, 1, 0x7f, 0x80, 0xff, b'\n', b'.', b' '];
        let at = self.below(input.len());
        match self.below(7) {
            0 => input.truncate(at),
            1 if !input.is_empty() => input[at] = self.next() as u8,
            2 if !input.is_empty() => input[at] ^= 1 << self.below(8),
            3 if !input.is_empty() => input[at] = TELLING[self.below(TELLING.len())],
            4 => {
                let from = self.below(other.len());
                let to = (from + self.below(64)).min(other.len());
                input.splice(at..at, other[from..to].iter().copied());
            }
            5 if !input.is_empty() => {
                let to = (at + self.below(16)).min(input.len());
                input.drain(at..to);
            }
            _ => {
                let part = input[at..(at + self.below(32)).min(input.len())].to_vec();
                input.extend(part);
            }
        }
    }
}
