//! Stories of many exchanges: what one cannot tell, played by real services.
//!
//! All are played at once, each with services, an issuer and a client of its own. What observer finds live must
//! be what was written down before, and no more; and it must find the same in the capture.

mod account;
mod plays;
mod stage;
mod table;

use std::collections::BTreeSet;
use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::thread;

use observer_tests::mint::AUDIENCE;
use serde_json::Value;

use crate::keys::pair;
use crate::observe::{Watch, Watched, replayed};
use crate::process::{Ports, Process};
use crate::root;
use stage::{Pair, Stage, wait};
use table::{STORIES, Story};

/// Where observer watches while the stories are played.
const LIVE: &str = "live";

/// The conditions that begin, each with its service.
type Begun = BTreeSet<(String, String)>;

/// Plays the stories, or the one of this name. Gives whether observer found what is so.
///
/// # Errors
/// When one could not be played.
pub fn run(program: &Path, only: Option<&str>) -> Result<bool, String> {
    let stories: Vec<&Story> = STORIES
        .iter()
        .filter(|story| only.is_none_or(|only| story.name == only))
        .collect();
    let root = root()?;
    let folder = root.join("target/validators/stories");
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(|error| error.to_string())?;
    }
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let keys = [
        ("0.key", "2026-01"),
        ("1.key", "2026-02"),
        ("2.key", "2026-01"),
    ];
    let keys = keys.map(|(file, kid)| {
        pair(&folder.join(file), kid).map(|(signer, public)| Pair { signer, public })
    });
    let keys: Vec<Pair> = keys.into_iter().collect::<Result<_, _>>()?;
    let roles: usize = stories.iter().map(|story| story.roles.len()).sum();
    let mut ports = Ports::hold(roles + 1)?;
    let issuer = ports.next()?;
    let _issuer = start_issuer(&root, &folder, issuer)?;
    let mut stages = Vec::new();
    for (at, story) in stories.iter().enumerate() {
        let ports: Result<Vec<_>, _> = story.roles.iter().map(|_| ports.next()).collect();
        let at = u8::try_from(at).map_err(|error| error.to_string())?;
        let stage = Stage {
            story: story.name,
            roles: story.roles,
            processes: Mutex::new(story.roles.iter().map(|_| None).collect()),
            ports: ports?,
            root: root.clone(),
            folder: folder.clone(),
            issuer,
            keys: &keys,
            client: Ipv4Addr::new(127, 0, at + 1, 1),
            tokens: AtomicU64::new(0),
        };
        for role in 0..story.roles.len() {
            stage.start(role, &[])?;
        }
        stages.push(stage);
    }

    let mut names = named(issuer, "issuer");
    let mut all = vec![issuer];
    for stage in &stages {
        for (role, port) in stage.roles.iter().zip(&stage.ports) {
            names.extend(named(*port, role.name));
            all.push(*port);
        }
    }
    let watch = Watch::start(program, &folder, &all, &names)?;
    play(&stories, &stages)?;
    // What waits for its other end is told.
    wait(1.0);
    let Watched {
        events: live,
        capture,
        lost,
    } = watch.end()?;
    drop(stages);
    let replayed = replayed(program, &folder, &capture, &names)?;

    let truth = stories.iter().flat_map(|story| story.truth);
    let truth: Begun = truth
        .map(|(condition, service)| ((*condition).to_owned(), (*service).to_owned()))
        .collect();
    let mut is_right = true;
    for (what, events) in [(LIVE, live), ("from the capture", replayed)] {
        let found = begun(&events)?;
        let missed = truth.difference(&found).map(|one| ("missed", one));
        let wrong = found.difference(&truth).map(|one| ("wrong", one));
        let faults: Vec<_> = missed.chain(wrong).collect();
        let services: BTreeSet<_> = faults.iter().map(|(_, (_, service))| service).collect();
        for service in services {
            println!("  {what} was told of {service}:");
            for line in account::of(&events, service)? {
                println!("    {line}");
            }
        }
        println!(
            "{what}: {} of {} conditions found",
            truth.intersection(&found).count(),
            truth.len()
        );
        is_right &= faults.is_empty();
        for (fault, (condition, service)) in faults {
            println!("  {fault}: {condition} of {service}");
        }
        for line in lost.iter().filter(|_| what == LIVE) {
            println!("  which did not see all: {line}");
        }
    }
    Ok(is_right)
}

fn start_issuer(root: &Path, folder: &Path, port: u16) -> Result<Process, String> {
    let mut command = Command::new("node");
    command
        .arg(root.join("tests/lab/stories/issuer.js"))
        .env(
            "NODE_PATH",
            root.join("target/validators/node/node_modules"),
        )
        .env("LAB_PORT", port.to_string())
        .env("LAB_FOLDER", folder)
        .env("LAB_KEY", folder.join("0.key"))
        .env("LAB_KID", "2026-01")
        .env("LAB_AUDIENCE", AUDIENCE);
    Process::start(&command, &folder.join("issuer.log"))
}

/// `--name` for a service.
fn named(port: u16, name: &str) -> Vec<String> {
    vec!["--name".to_owned(), format!("127.0.0.1:{port}={name}")]
}

fn play(stories: &[&Story], stages: &[Stage<'_>]) -> Result<(), String> {
    let faults: Vec<String> = thread::scope(|scope| {
        let played = stories.iter().zip(stages).map(|(story, stage)| {
            scope.spawn(move || {
                (story.play)(stage).map_err(|error| format!("{}: {error}", story.name))
            })
        });
        let played: Vec<_> = played.collect();
        let ends = played.into_iter().map(|one| {
            one.join()
                .unwrap_or_else(|_| Err("a story panicked".to_owned()))
        });
        ends.filter_map(Result::err).collect()
    });
    match faults.is_empty() {
        true => Ok(()),
        false => Err(format!(
            "stories were not played as written:\n{}",
            faults.join("\n")
        )),
    }
}

fn begun(events: &str) -> Result<Begun, String> {
    let mut begun = Begun::new();
    for line in events.lines() {
        let event: Value =
            serde_json::from_str(line).map_err(|error| format!("events: {error}"))?;
        let text = |name: &str| {
            event
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        if text("schema") == "observer.condition/1" && text("state") == "begun" {
            begun.insert((text("condition"), text("service")));
        }
    }
    Ok(begun)
}
