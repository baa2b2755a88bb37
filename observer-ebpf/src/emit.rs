//! Hands records over.

use aya_ebpf::{
    bindings::{BPF_RB_AVAIL_DATA, BPF_RB_FORCE_WAKEUP, BPF_RB_NO_WAKEUP},
    helpers::generated::bpf_ktime_get_ns,
};

use crate::{maps::RECORDS, settings};

/// It was wanted, and is lost.
pub(crate) struct Lost;

/// Hands over a record that `write` makes where it lies. Counts nothing.
#[inline(always)]
pub(crate) fn hand_over_in_place<T: 'static>(write: impl FnOnce(*mut T)) -> Result<(), Lost> {
    let Some(mut entry) = RECORDS.reserve::<T>(0) else {
        return Err(Lost);
    };
    write(entry.as_mut_ptr());
    entry.submit(wake_flags());
    Ok(())
}

/// Hands over a record without payload. Counts nothing.
#[inline(always)]
pub(crate) fn hand_over<T: 'static>(record: T) -> Result<(), Lost> {
    let Some(mut entry) = RECORDS.reserve::<T>(0) else {
        return Err(Lost);
    };
    // SAFETY: the entry is large enough, and aligned to words.
    unsafe { copy_words(&record, entry.as_mut_ptr()) };
    entry.submit(wake_flags());
    Ok(())
}

/// Copies a record without padding by words. Volatile, because the compiler would make it a call of
/// memcpy, a loop of bytes in BPF.
///
/// # Safety
/// `to` may be written, and both are aligned to eight bytes.
#[inline(always)]
pub(crate) unsafe fn copy_words<T>(from: &T, to: *mut T) {
    let from = core::ptr::from_ref(from).cast::<u64>();
    let to = to.cast::<u64>();
    for word in 0..size_of::<T>() / 8 {
        // SAFETY: `word` is inside both.
        unsafe { to.add(word).write_volatile(from.add(word).read()) };
    }
}

/// Nanoseconds of CLOCK_MONOTONIC.
#[inline(always)]
pub(crate) fn now() -> u64 {
    // SAFETY: no arguments.
    unsafe { bpf_ktime_get_ns() }
}

/// Waking the reader costs more than the record. It looks by itself now and then, so it is woken only
/// when much has come together.
#[inline(always)]
pub(crate) fn wake_flags() -> u64 {
    let flags = if RECORDS.query(u64::from(BPF_RB_AVAIL_DATA)) >= settings::wake_at() {
        BPF_RB_FORCE_WAKEUP
    } else {
        BPF_RB_NO_WAKEUP
    };
    u64::from(flags)
}
