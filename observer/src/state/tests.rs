use super::*;
use crate::sink::Sink;
use crate::totals::Totals;

fn path(folder: &tempfile::TempDir) -> PathBuf {
    folder.path().join("run/observer/state")
}

fn line(path: &Path) -> Line {
    let text = fs::read_to_string(path).unwrap();
    assert_eq!(text.len(), LENGTH);
    serde_json::from_str(&text).unwrap()
}

#[test]
fn the_first_run_has_no_gap_and_the_next_has() {
    let folder = tempfile::tempdir().unwrap();
    let path = path(&folder);
    let state = State::open(&path).unwrap();
    assert_eq!(state.gap(), None);
    let mut keeper = state.keep().unwrap();
    assert!(!line(&path).ended);
    keeper.pass(Timestamp::default(), &Totals::default());
    keeper.finish(&Totals::default());
    assert!(line(&path).ended);

    std::thread::sleep(Duration::from_millis(50));
    let gap = State::open(&path).unwrap().gap().unwrap();
    assert_eq!(gap.after, After::End);
    let millis = gap.duration.as_millis();
    assert!((50..10_000).contains(&millis), "{millis} ms");
}

#[test]
fn a_run_that_does_not_end_in_order_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let path = path(&folder);
    let keeper = State::open(&path).unwrap().keep().unwrap();
    // As when a panic takes the sinks down.
    drop(keeper);
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    let state = loop {
        match State::open(&path) {
            Ok(state) => break state,
            Err(error) => assert!(std::time::Instant::now() < deadline, "{error}"),
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    assert_eq!(state.gap().unwrap().after, After::Break);
}

#[test]
fn another_start_of_the_host_counts_from_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = path(&folder);
    let mut state = State::open(&path).unwrap();
    state.boot = "another".to_owned();
    state.write(u64::MAX, true).unwrap();
    drop(state);
    let gap = State::open(&path).unwrap().gap().unwrap();
    assert_eq!(gap.after, After::Boot);
    let now = Duration::from_nanos(since_boot());
    assert!(now - gap.duration < Duration::from_secs(60), "{gap}");
}

#[test]
fn two_runs_do_not_share_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = path(&folder);
    let first = State::open(&path).unwrap();
    assert!(matches!(State::open(&path), Err(StateError::InUse(_))));
    drop(first);
    assert!(State::open(&path).is_ok());
}

#[test]
fn what_is_something_else_is_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes");
    for content in [&b"notes of mine\n"[..], b"{}\n", b"\xff\xfe\n"] {
        fs::write(&path, content).unwrap();
        assert!(matches!(State::open(&path), Err(StateError::Foreign(_))));
        assert_eq!(fs::read(&path).unwrap(), content);
    }
}
