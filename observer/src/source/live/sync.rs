//! Whether the clock of this host is synchronised, as the kernel has it (adjtimex(2)).

use crate::totals::HostClock;

/// What the kernel says. `None`: it does not let us ask.
#[expect(unsafe_code, reason = "rustix has no such call")]
pub(super) fn host_clock() -> Option<HostClock> {
    // SAFETY: it has integers only, for which zero is a value; `modes` 0 asks and changes nothing.
    let mut timex: libc::timex = unsafe { std::mem::zeroed() };
    // SAFETY: the kernel fills what it points to, which lives until the call returns.
    let state = unsafe { libc::adjtimex(&raw mut timex) };
    let micros = |value: libc::c_long| u64::try_from(value).unwrap_or(0);
    (state >= 0).then(|| HostClock {
        synchronised: state != libc::TIME_ERROR && timex.status & libc::STA_UNSYNC == 0,
        max_error_us: micros(timex.maxerror),
        estimated_error_us: micros(timex.esterror),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_tells_of_its_clock() {
        // Anybody may ask; what is answered is another host's business.
        let clock = host_clock().unwrap();
        assert!(clock.max_error_us <= 16_000_000_000, "{clock:?}");
        assert!(
            !clock.synchronised || clock.max_error_us < 16_000_000,
            "{clock:?}"
        );
    }
}
