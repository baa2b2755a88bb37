//! What builds, tests and measures observer.
fn main() {}
