//! What smtrace inherited, before the Rust runtime changed it.
//!
//! The runtime ignores SIGPIPE and opens /dev/null for closed descriptors 0 to 2 before `main` runs (std, "unix
//! runtime init"). A tracee has to get what we got, so both are looked at earlier: functions in `.init_array` run
//! before the runtime's start.

use std::ffi::{CStr, OsStr, OsString};
use std::fs::OpenOptions;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

static CLOSED: AtomicU8 = AtomicU8::new(0);
static IGNORED: AtomicU64 = AtomicU64::new(0);

extern "C" fn look() {
    // SAFETY: sigaction with a null new action only reads; fcntl F_GETFD only reads. Both are async-signal-safe and
    // need no runtime.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        for signal in 1..32 {
            if libc::sigaction(signal, std::ptr::null(), &raw mut action) == 0 && action.sa_sigaction == libc::SIG_IGN {
                IGNORED.fetch_or(1 << signal, Ordering::Relaxed);
            }
        }
        for fd in 0..3u8 {
            if libc::fcntl(i32::from(fd), libc::F_GETFD) < 0 {
                CLOSED.fetch_or(1 << fd, Ordering::Relaxed);
                // Reserved here, close-on-exec, so that none of our own files gets a number that a tracee's
                // program takes for its stdin, stdout or stderr.
                libc::open(c"/dev/null".as_ptr(), libc::O_RDWR | libc::O_CLOEXEC);
            }
        }
    }
}

// SAFETY: an `.init_array` entry is called once by the C runtime's start code, before main, on the only thread.
#[used]
#[unsafe(link_section = ".init_array")]
static LOOK: extern "C" fn() = look;

/// Whether `signal` was ignored when smtrace was started.
#[must_use]
pub fn was_ignored(signal: i32) -> bool {
    std::hint::black_box(&LOOK);
    (0..64).contains(&signal) && IGNORED.load(Ordering::Relaxed) >> signal & 1 == 1
}

/// The environment as it is: also entries without `=` and doubled names, which `std::env::vars_os` leaves out.
#[must_use]
pub fn environment() -> Vec<OsString> {
    unsafe extern "C" {
        static environ: *const *const libc::c_char;
    }
    let mut all = Vec::new();
    // SAFETY: `environ` is a NULL-terminated array of NUL-terminated strings (environ(7)), and nothing in smtrace changes
    // it.
    unsafe {
        let mut at = environ;
        while !at.is_null() && !(*at).is_null() {
            all.push(OsStr::from_bytes(CStr::from_ptr(*at).to_bytes()).to_owned());
            at = at.add(1);
        }
    }
    all
}

/// Puts /dev/null in the place of stdin and stdout, which then belong to whom they were given. Where there is none they stay.
pub fn let_go() {
    let Ok(null) = OpenOptions::new().read(true).write(true).open("/dev/null") else { return };
    for fd in 0..2 {
        // SAFETY: dup3 only takes descriptors; nothing in this process owns 0 and 1, which std uses by their numbers.
        unsafe {
            libc::dup3(null.as_raw_fd(), fd, libc::O_CLOEXEC);
        }
    }
}

/// Whether descriptor `fd` (0 to 2) was closed when smtrace was started.
#[must_use]
pub fn was_closed(fd: i32) -> bool {
    u32::try_from(fd).is_ok_and(|fd| fd < 3 && CLOSED.load(Ordering::Relaxed) >> fd & 1 == 1)
}
