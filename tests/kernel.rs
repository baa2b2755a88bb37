//! What the kernel under the tests must be able to do, where that is known before.

/// The sources of the context plane that must work, the best first, from `OBSERVER_TEST_CONTEXTS`. `None`: of this
/// kernel nothing is known, and what it refuses is no fault.
pub fn contexts() -> Option<Vec<String>> {
    let names = std::env::var("OBSERVER_TEST_CONTEXTS").ok()?;
    Some(names.split(',').map(str::to_owned).collect())
}

/// Whether a plane, as `observer doctor` names it, must work: `OBSERVER_TEST_PLANES` names those.
pub fn must_show(plane: &str) -> bool {
    let names = std::env::var("OBSERVER_TEST_PLANES").unwrap_or_default();
    names.split(',').any(|name| name == plane)
}

/// The source that is used when nobody forces another: the tracepoints, on kernels of today.
pub fn best_context() -> String {
    let known = contexts().and_then(|contexts| contexts.into_iter().next());
    known.unwrap_or_else(|| "tracepoint".to_owned())
}

/// What an agent says that it goes on without, unix sockets aside: whether those are seen is the kernel's
/// to say, whoever runs the agent.
pub fn lacking(said: &str) -> String {
    let lacks = said.lines().filter(|line| line.contains("without"));
    lacks
        .filter(|line| !line.contains("without unix sockets"))
        .collect()
}
