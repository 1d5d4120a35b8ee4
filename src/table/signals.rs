//! The names of signals, signal(7). All CPUs that smtrace knows number them as here.

/// The names of 1 to 31.
const NAMES: [&str; 31] = [
    "SIGHUP",
    "SIGINT",
    "SIGQUIT",
    "SIGILL",
    "SIGTRAP",
    "SIGABRT",
    "SIGBUS",
    "SIGFPE",
    "SIGKILL",
    "SIGUSR1",
    "SIGSEGV",
    "SIGUSR2",
    "SIGPIPE",
    "SIGALRM",
    "SIGTERM",
    "SIGSTKFLT",
    "SIGCHLD",
    "SIGCONT",
    "SIGSTOP",
    "SIGTSTP",
    "SIGTTIN",
    "SIGTTOU",
    "SIGURG",
    "SIGXCPU",
    "SIGXFSZ",
    "SIGVTALRM",
    "SIGPROF",
    "SIGWINCH",
    "SIGIO",
    "SIGPWR",
    "SIGSYS",
];

/// The first real-time signal as the kernel counts; C libraries keep the first two for themselves.
pub const RT_MIN: i32 = 32;
/// The last.
pub const RT_MAX: i32 = 64;

/// The name of a signal that is not a real-time one.
#[must_use]
pub fn name(signal: i32) -> Option<&'static str> {
    signal.checked_sub(1).and_then(|at| usize::try_from(at).ok()).and_then(|at| NAMES.get(at).copied())
}

/// The signal with this name, in any case, with or without `SIG`; real-time ones as `SIGRT_3` or `SIGRTMIN`, `SIGRTMAX`.
#[must_use]
pub fn by_name(typed: &str) -> Option<i32> {
    let upper = typed.to_ascii_uppercase();
    let short = upper.strip_prefix("SIG").unwrap_or(&upper);
    if let Some(at) = NAMES.iter().position(|name| name.strip_prefix("SIG") == Some(short)) {
        return i32::try_from(at + 1).ok();
    }
    match short {
        "POLL" => return Some(29),
        "IOT" => return Some(6),
        "CLD" => return Some(17),
        "RTMIN" => return Some(RT_MIN),
        "RTMAX" => return Some(RT_MAX),
        _ => {}
    }
    let number = short.strip_prefix("RT_").and_then(|number| number.parse::<i32>().ok())?;
    (0..=RT_MAX - RT_MIN).contains(&number).then_some(RT_MIN + number)
}

#[cfg(test)]
mod tests {
    use super::{by_name, name};

    #[test]
    fn names_lead_to_numbers_and_back() {
        for number in 1..32 {
            assert_eq!(by_name(name(number).unwrap()), Some(number));
        }
        assert_eq!((name(9), name(0), name(32), name(i32::MIN)), (Some("SIGKILL"), None, None, None));
        assert_eq!((by_name("term"), by_name("sigrt_2"), by_name("RTMAX")), (Some(15), Some(34), Some(64)));
        assert_eq!((by_name("SIGRT_33"), by_name("x"), by_name("")), (None, None, None));
    }
}
