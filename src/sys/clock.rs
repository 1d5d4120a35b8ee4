//! The two clocks.

fn read(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` lives across the call; both clocks exist on every kernel.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    let part = |value: i64| u64::try_from(value).unwrap_or(0);
    part(time.tv_sec) * 1_000_000_000 + part(time.tv_nsec)
}

/// Nanoseconds since the epoch (CLOCK_REALTIME).
#[must_use]
pub fn realtime() -> u64 {
    read(libc::CLOCK_REALTIME)
}

/// Nanoseconds of CLOCK_MONOTONIC.
#[must_use]
pub fn monotonic() -> u64 {
    read(libc::CLOCK_MONOTONIC)
}
