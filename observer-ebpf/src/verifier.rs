//! What the verifier must be shown.

use core::arch::asm;

/// Shows that a length is at least 1 and at most `MASK + 1`, where `MASK + 1` is a power of two. The
/// caller made sure of it already; the compiler would drop a check that it can prove, and the
/// verifier could not follow.
#[inline(always)]
pub(crate) fn bounded<const MASK: i32>(len: u32) -> u32 {
    let mut len = u64::from(len);
    // SAFETY: arithmetic on one register.
    unsafe {
        asm!(
            "{len} += -1",
            "{len} &= {mask}",
            "{len} += 1",
            len = inout(reg) len,
            mask = const MASK,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    len as u32
}
