//! The report for people.

use std::fmt::Write;

use super::capability::Capability;
use super::plane::{Plane, State};
use super::{Report, UnixUnseen};
use crate::redact;

pub(super) fn render(report: &Report) -> String {
    let mut text = format!("Linux {}\n", report.kernel);
    if let Some(root) = &report.cgroup_root {
        line(
            &mut text,
            format_args!("programs go to {root}, the root of cgroup v2"),
        );
    }
    if let Some(why) = report.no_processes {
        line(&mut text, format_args!("{why}"));
    }
    line(&mut text, format_args!(""));
    for plane in &report.planes {
        section(&mut text, plane);
        if let Some(unseen) = report.unix_unseen.as_ref().filter(|_| plane.name == "unix") {
            unix(&mut text, unseen);
        }
        if plane.name == "tls" {
            for port in &report.tls {
                line(&mut text, format_args!("{:22} {}", "", port.text()));
            }
        }
    }
    capabilities(&mut text, &report.capabilities);
    line(
        &mut text,
        format_args!("\nNever seen (docs/limitations.md):"),
    );
    for blind in report.blind {
        line(&mut text, format_args!("  {}: {}", blind.what, blind.why));
    }
    others(&mut text, report);
    text
}

fn section(text: &mut String, plane: &Plane) {
    let state = match plane.state {
        State::Works => "works",
        State::Fallback => "partly",
        State::Unavailable => "NO",
        State::Counted => "counted",
        State::Unseen => "not seen",
    };
    line(
        text,
        format_args!("{:<12} {state:<9} {}", plane.name, plane.tells),
    );
    for program in &plane.programs {
        let mark = if program.refused.is_some() {
            "refused"
        } else {
            "ok"
        };
        line(text, format_args!("{:22} {mark:<8} {}", "", program.hook));
    }
    if let Some(without) = plane.without {
        line(text, format_args!("{:22} so: {without}", ""));
    }
    if let Some(mend) = &plane.mend {
        line(text, format_args!("{:22} why: {mend}", ""));
    }
}

fn unix(text: &mut String, unseen: &UnixUnseen) {
    let metric = "observer_unix_unseen_bytes_total";
    let counted = if unseen.counted {
        format!("counted: how much, and between whom, in {metric} and the summary")
    } else {
        format!("not counted: {metric} is absent, it takes tp_btf/sock_send_length")
    };
    line(text, format_args!("{:22} {counted}", ""));
    if let Some(why) = &unseen.unknown {
        line(text, format_args!("{:22} {why}", ""));
    }
    for pair in unseen.pairs.iter().take(PAIRS) {
        line(text, format_args!("{:22} not seen: {}", "", pair.text()));
    }
    if let Some(more @ 1..) = unseen.pairs.len().checked_sub(PAIRS) {
        line(
            text,
            format_args!("{:22} and {more} more, all with --json", ""),
        );
    }
}

/// So many pairs are shown.
const PAIRS: usize = 20;

fn capabilities(text: &mut String, capabilities: &[Capability]) {
    line(text, format_args!("\nCapabilities (docs/security.md):"));
    for capability in capabilities {
        let held = if capability.held { "held" } else { "MISSING" };
        let planes = capability.planes.join(", ");
        line(
            text,
            format_args!(
                "  {:<20} {held:<8} {:<15} {planes}",
                capability.name, capability.until
            ),
        );
        if !capability.held {
            line(text, format_args!("{:47} so: {}", "", capability.without));
        }
    }
}

fn others(text: &mut String, report: &Report) {
    if let Some(why) = &report.others_unknown {
        line(
            text,
            format_args!("\nPrograms of others at the root of cgroup v2 cannot be listed: {why}"),
        );
        return;
    }
    if report.cgroup_root.is_none() {
        return;
    }
    if report.others.is_empty() {
        line(
            text,
            format_args!("\nNobody else has programs at the root of cgroup v2."),
        );
        return;
    }
    line(
        text,
        format_args!(
            "\nOthers have programs at the root of cgroup v2; they run beside observer's:"
        ),
    );
    for other in &report.others {
        let name = redact::label(&other.name, 64);
        line(
            text,
            format_args!("  {:<6} {:<26} {name}", other.id, other.hook),
        );
    }
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{line}");
}
