//! Who executes a guest's instructions.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use super::machine::PROGRAM;

/// Who executes a guest's instructions.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Accelerator {
    /// The processor.
    Kvm,
    /// QEMU's own translation.
    Tcg,
}

impl Accelerator {
    /// For QEMU.
    pub(super) fn option(self) -> &'static str {
        match self {
            Self::Kvm => "kvm",
            // One thread for all processors of the guest. With one for each, a processor was seen to stop at
            // a breakpoint that another had put into the kernel's text and taken out again, as it does to
            // attach programs (Oops: int3). Where two guests share two processors it is no slower.
            Self::Tcg => "tcg,thread=single,tb-size=512",
        }
    }

    /// The processor that the guest sees. What is slow in emulation is left out: copies that the
    /// processor makes byte by byte, wide registers, five levels of page tables.
    pub(super) fn processor(self) -> &'static str {
        match self {
            Self::Kvm => "max",
            Self::Tcg => {
                "max,erms=off,fsrm=off,avx=off,avx2=off,la57=off,smap=off,smep=off,pku=off"
            }
        }
    }

    /// For people.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Kvm => "kvm",
            Self::Tcg => "tcg",
        }
    }

    /// By how much the tests' limits are longer.
    pub(super) fn slowness(self) -> u32 {
        match self {
            Self::Kvm => 2,
            Self::Tcg => 10,
        }
    }
}

/// The processor where that works, which is tried: /dev/kvm is there on many a machine that is itself a
/// guest, and does not work.
pub(super) fn find(image: &Path) -> Accelerator {
    static FOUND: OnceLock<Accelerator> = OnceLock::new();
    *FOUND.get_or_init(|| {
        let device = OpenOptions::new().read(true).write(true).open("/dev/kvm");
        if device.is_ok() && kvm_starts(image).unwrap_or(false) {
            Accelerator::Kvm
        } else {
            Accelerator::Tcg
        }
    })
}

/// Whether a kernel says its first words. It then finds no root and ends the machine.
fn kvm_starts(image: &Path) -> std::io::Result<bool> {
    let mut qemu = Command::new(PROGRAM)
        .args(["-accel", Accelerator::Kvm.option()])
        .args(["-cpu", Accelerator::Kvm.processor()])
        .args(["-m", "512", "-nodefaults", "-no-user-config"])
        .args(["-display", "none", "-no-reboot", "-serial", "stdio"])
        .args(["-append", "console=ttyS0 panic=-1", "-kernel"])
        .arg(image)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let (sender, complaints) = mpsc::channel();
    if let Some(stderr) = qemu.stderr.take() {
        std::thread::spawn(move || {
            let lines = BufReader::new(stderr).lines().map_while(Result::ok);
            for line in lines.filter(|line| line.contains("error")) {
                let _ = sender.send(line);
            }
        });
    }
    // It closes its end when it ends.
    let ended = matches!(
        complaints.recv_timeout(PATIENCE),
        Err(RecvTimeoutError::Disconnected)
    );
    let _ = qemu.kill();
    let output = qemu.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    Ok(ended && said.contains("Linux version"))
}

/// With a processor it is a matter of one or two seconds.
const PATIENCE: Duration = Duration::from_secs(10);
