//! What the kernel under the tests is known to lack.

/// The tracepoints that it does not have, in the order in which they are attached: all of them are
/// demanded, but for those in `OBSERVER_TEST_WITHOUT`.
pub fn without() -> Vec<String> {
    std::env::var("OBSERVER_TEST_WITHOUT").map_or_else(
        |_| Vec::new(),
        |names| {
            names
                .split(',')
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .collect()
        },
    )
}
