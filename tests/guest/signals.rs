//! Signals: stops, values, restarts and deaths.

use crate::*;

pub(crate) fn group_stop(threads: usize) -> c_int {
    for signal in [libc::SIGSTOP, libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU] {
        let beat = pipe();
        let child = spawn(|| {
            // An orphaned process group ignores the terminal's stop signals: stay in the parent's.
            for _ in 0..threads {
                std::thread::spawn(|| {
                    loop {
                        unsafe { libc::pause() };
                    }
                });
            }
            loop {
                mark();
                if unsafe { libc::write(beat[1], b"x".as_ptr().cast(), 1) } != 1 {
                    return 1;
                }
            }
        });
        take_byte(beat[0]);
        check!(unsafe { libc::kill(child, signal) } == 0);
        let mut status = 0;
        check!(unsafe { libc::waitpid(child, &raw mut status, libc::WUNTRACED) } == child);
        check!(libc::WIFSTOPPED(status) && libc::WSTOPSIG(status) == signal);
        // What it wrote before is drained; then nothing may follow until SIGCONT.
        let mut buffer = vec![0u8; 1 << 17];
        while readable(beat[0], 0) {
            check!(unsafe { libc::read(beat[0], buffer.as_mut_ptr().cast(), buffer.len()) } > 0);
        }
        check!(!readable(beat[0], 150));
        check!(unsafe { libc::kill(child, libc::SIGCONT) } == 0);
        check!(unsafe { libc::waitpid(child, &raw mut status, libc::WCONTINUED) } == child);
        check!(libc::WIFCONTINUED(status));
        take_byte(beat[0]);
        check!(unsafe { libc::kill(child, libc::SIGTERM) } == 0);
        // It may sit in a full pipe: its reader is gone then too.
        unsafe { libc::close(beat[0]) };
        check!(killed(wait_for(child), libc::SIGTERM));
        unsafe { libc::close(beat[1]) };
    }
    say("group stop ok");
    0
}

pub(crate) static GOT: [AtomicI32; 256] = [const { AtomicI32::new(0) }; 256];
pub(crate) static GOT_COUNT: AtomicUsize = AtomicUsize::new(0);
pub(crate) static BAD_INFO: AtomicBool = AtomicBool::new(false);

pub(crate) extern "C" fn note_value(signal: c_int, info: *mut libc::siginfo_t, _: *mut c_void) {
    let info = unsafe { &*info };
    let value = unsafe { info.si_value().sival_ptr } as usize as c_int;
    let own = unsafe { info.si_pid() } == unsafe { libc::getpid() };
    if info.si_code != libc::SI_QUEUE || value / 100 != signal || !own {
        BAD_INFO.store(true, SeqCst);
    }
    GOT[GOT_COUNT.fetch_add(1, SeqCst) % 256].store(value, SeqCst);
}

/// Three of each real-time signal, queued while blocked: all arrive, in order, with their values.
pub(crate) fn rt_signals() -> c_int {
    let mut set: libc::sigset_t = unsafe { zeroed() };
    unsafe { libc::sigemptyset(&raw mut set) };
    for signal in 34..=64 {
        let mut action: libc::sigaction = unsafe { zeroed() };
        action.sa_sigaction = note_value as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO;
        // Nothing interrupts a handler, so the order of arrival is the order of the numbers.
        unsafe { libc::sigfillset(&raw mut action.sa_mask) };
        check!(unsafe { libc::sigaction(signal, &raw const action, null_mut()) } == 0);
        check!(unsafe { libc::sigaddset(&raw mut set, signal) } == 0);
    }
    check!(unsafe { libc::sigprocmask(libc::SIG_BLOCK, &raw const set, null_mut()) } == 0);
    let own = unsafe { libc::getpid() };
    for signal in 34..=64 {
        for i in 0..3 {
            let value = libc::sigval { sival_ptr: (signal * 100 + i) as usize as *mut c_void };
            check!(unsafe { libc::sigqueue(own, signal, value) } == 0);
        }
    }
    check!(unsafe { libc::sigprocmask(libc::SIG_UNBLOCK, &raw const set, null_mut()) } == 0);
    check!(!BAD_INFO.load(SeqCst));
    let got: Vec<c_int> = GOT.iter().take(GOT_COUNT.load(SeqCst)).map(|value| value.load(SeqCst)).collect();
    let want: Vec<c_int> = (34..=64).flat_map(|signal| (0..3).map(move |i| signal * 100 + i)).collect();
    check!(got == want);
    say(&format!("{} real-time signals", got.len()));
    0
}

pub(crate) static TICKS: AtomicUsize = AtomicUsize::new(0);
pub(crate) static FEED: AtomicI32 = AtomicI32::new(-1);

pub(crate) extern "C" fn tick(_: c_int, _: *mut libc::siginfo_t, _: *mut c_void) {
    if TICKS.fetch_add(1, SeqCst) == 3 && FEED.load(SeqCst) >= 0 {
        unsafe { libc::write(FEED.load(SeqCst), b"x".as_ptr().cast(), 1) };
    }
}

pub(crate) fn set_timer(ms: i64) {
    let time = libc::timeval { tv_sec: 0, tv_usec: ms * 1000 };
    let timer = libc::itimerval { it_interval: time, it_value: time };
    check!(unsafe { libc::setitimer(libc::ITIMER_REAL, &raw const timer, null_mut()) } == 0);
}

/// A read that a signal interrupts: EINTR without SA_RESTART, and with it the same read goes on.
pub(crate) fn interrupted() -> c_int {
    let ends = pipe();
    let mut byte = 0u8;
    let read = |byte: &mut u8| raw(libc::SYS_read, [ends[0] as usize, &raw mut *byte as usize, 1, 0, 0, 0]);
    on_signal(libc::SIGALRM, 0, tick);
    set_timer(20);
    let result = read(&mut byte);
    set_timer(0);
    say(&format!("without SA_RESTART {result}"));
    TICKS.store(0, SeqCst);
    FEED.store(ends[1], SeqCst);
    on_signal(libc::SIGALRM, libc::SA_RESTART, tick);
    set_timer(20);
    let result = read(&mut byte);
    set_timer(0);
    check!(TICKS.load(SeqCst) > 3);
    say(&format!("with SA_RESTART {result}"));
    0
}

/// A sleep that stops interrupt goes on for its remaining time (restart_syscall), not less and not for ever.
pub(crate) fn sleep_restart() -> c_int {
    // On a machine that does much else the sleep may be over before its last stop; a longer one is tried then.
    let mut ms = 400;
    while !stopped_sleep(ms) {
        ms *= 2;
    }
    0
}

/// A sleep of `ms` milliseconds, stopped five times. Returns whether it lasted so long.
fn stopped_sleep(ms: u64) -> bool {
    let child = spawn(|| {
        let start = std::time::Instant::now();
        let time = libc::timespec { tv_sec: (ms / 1000) as i64, tv_nsec: (ms % 1000 * 1_000_000) as i64 };
        let result = raw(libc::SYS_nanosleep, [&raw const time as usize, 0, 0, 0, 0, 0]);
        let took = start.elapsed().as_millis() as u64;
        c_int::from(result != 0) + 2 * c_int::from(took < ms)
    });
    for _ in 0..5 {
        // It sleeps in this one call only.
        while task_state(child) == Some('R') || task_state(child) == Some('t') {
            std::thread::yield_now();
        }
        let mut status = 0;
        check!(unsafe { libc::kill(child, libc::SIGSTOP) } == 0);
        check!(unsafe { libc::waitpid(child, &raw mut status, libc::WUNTRACED) } == child);
        if libc::WIFEXITED(status) {
            check!(exited(status, 0));
            return false;
        }
        check!(libc::WIFSTOPPED(status));
        check!(unsafe { libc::kill(child, libc::SIGCONT) } == 0);
    }
    say(&format!("sleep ended {}", libc::WEXITSTATUS(wait_for(child))));
    true
}

pub(crate) fn no_core() {
    let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    unsafe { libc::setrlimit(libc::RLIMIT_CORE, &raw const none) };
}

pub(crate) fn die(signal: c_int) -> c_int {
    no_core();
    mark();
    unsafe { libc::signal(signal, libc::SIG_DFL) };
    unsafe { libc::raise(signal) };
    98
}

pub(crate) extern "C" fn note_term(_: c_int, _: *mut libc::siginfo_t, _: *mut c_void) {
    STOP.store(true, SeqCst);
}

/// Waits for `signal` and exits with 43.
pub(crate) fn await_signal(signal: c_int) -> c_int {
    let mut set: libc::sigset_t = unsafe { zeroed() };
    let mut old: libc::sigset_t = unsafe { zeroed() };
    unsafe {
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, signal);
        libc::sigprocmask(libc::SIG_BLOCK, &raw const set, &raw mut old);
    }
    on_signal(signal, 0, note_term);
    mark();
    say("ready");
    while !STOP.load(SeqCst) {
        unsafe { libc::sigsuspend(&raw const old) };
    }
    say("got it");
    43
}
