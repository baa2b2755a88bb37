//! The kernel's own account of each program: what noise outside of it does not touch.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::super::process::said;
use super::load::{Load, Servers};
use super::mode::{Mode, Watcher};

const SWITCH: &str = "/proc/sys/kernel/bpf_stats_enabled";

/// Runs the saturating load with the account switched on, which slows it a little.
pub(super) fn measure(servers: &Servers, program: &Path, seconds: u32) -> Result<(), String> {
    println!("\n### programs, by the kernel's account\n");
    println!("Time of one run in ns, the account itself included, while nginx answers 401.\n");
    println!("| program | runs | ns |");
    println!("|---|---|---|");
    let watcher = Watcher::start(Mode::EveryPlane, program, servers.processors())?;
    let ids = programs_of(watcher.observer().unwrap_or_default());
    let account = Switch::on()?;
    Load::Denied.run(servers, seconds)?;
    for id in ids {
        let about = said(Command::new("bpftool").args(["--json", "prog", "show", "id", &id]))?;
        let about: Value =
            serde_json::from_str(&about).map_err(|error| format!("reading bpftool: {error}"))?;
        let number = |name: &str| about.get(name).and_then(Value::as_f64).unwrap_or(0.0);
        let (runs, time) = (number("run_cnt"), number("run_time_ns"));
        let name = about.get("name").and_then(Value::as_str).unwrap_or(&id);
        if runs > 0.0 {
            println!("| {name} | {runs:.0} | {:.0} |", time / runs);
        }
    }
    drop(account);
    Ok(())
}

/// What a process has loaded: its descriptors say so.
fn programs_of(pid: u32) -> Vec<String> {
    let Ok(all) = fs::read_dir(format!("/proc/{pid}/fdinfo")) else {
        return Vec::new();
    };
    let mut ids: Vec<_> = all
        .filter_map(|entry| fs::read_to_string(entry.ok()?.path()).ok())
        .filter(|text| text.contains("prog_type:"))
        .filter_map(|text| {
            let id = text
                .lines()
                .find_map(|line| line.strip_prefix("prog_id:"))?;
            Some(id.trim().to_owned())
        })
        .collect();
    ids.sort();
    ids.dedup();
    ids
}

/// Switched back when it goes.
struct Switch {
    before: String,
}

impl Switch {
    fn on() -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("{SWITCH}: {error}");
        let before = fs::read_to_string(SWITCH).map_err(failed)?;
        fs::write(SWITCH, "1").map_err(failed)?;
        Ok(Self { before })
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        let _ = fs::write(SWITCH, &self.before);
    }
}
