//! What the kernel under the tests must be able to do, where that is known before.

/// The sources of the context plane that must work, from `OBSERVER_TEST_CONTEXTS`. `None`: of this
/// kernel nothing is known, and what it refuses is no fault.
pub fn contexts() -> Option<Vec<String>> {
    let names = std::env::var("OBSERVER_TEST_CONTEXTS").ok()?;
    Some(names.split(',').map(str::to_owned).collect())
}
