//! Seccomp filters of its own.

use crate::*;

pub(crate) const ALLOW: u32 = 0x7fff_0000;
pub(crate) const TRACE: u32 = 0x7ff0_0000;
pub(crate) const TRAP: u32 = 0x0003_0000;
pub(crate) const ERRNO: u32 = 0x0005_0000;
pub(crate) const USER_NOTIF: u32 = 0x7fc0_0000;

/// Installs a filter that answers the calls in `rules` as they say and allows the rest.
pub(crate) fn install(rules: &[(c_long, u32)], flags: usize) -> i64 {
    let step = |code, jt, jf, k| libc::sock_filter { code, jt, jf, k };
    let mut program = vec![step(0x20, 0, 0, 0)];
    for &(nr, action) in rules {
        program.push(step(0x15, 0, 1, nr as u32));
        program.push(step(0x06, 0, 0, action));
    }
    program.push(step(0x06, 0, 0, ALLOW));
    let header = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
    check!(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) } == 0);
    // SECCOMP_SET_MODE_FILTER
    raw(libc::SYS_seccomp, [1, flags, &raw const header as usize, 0, 0, 0])
}

/// Executes a command where a call fails with an errno, as in a sandbox.
pub(crate) fn without(nr: c_long, errno: u32, command: &[String]) -> c_int {
    check!(install(&[(nr, ERRNO | errno)], 0) == 0);
    let words: Vec<CString> = command.iter().map(|word| CString::new(word.as_str()).unwrap()).collect();
    let mut argv: Vec<*const libc::c_char> = words.iter().map(|word| word.as_ptr()).collect();
    argv.push(null());
    unsafe { libc::execv(argv[0], argv.as_ptr()) };
    127
}

pub(crate) static TRAPPED: AtomicI32 = AtomicI32::new(0);

pub(crate) extern "C" fn on_trap(_: c_int, info: *mut libc::siginfo_t, _: *mut c_void) {
    TRAPPED.store(unsafe { (*info).si_errno }, SeqCst);
}

pub(crate) fn own_filter() -> c_int {
    on_signal(libc::SIGSYS, 0, on_trap);
    let rules = [
        (libc::SYS_getpgid, ERRNO | 42),
        (libc::SYS_getsid, TRAP | 7),
        (libc::SYS_getppid, TRACE | 3),
        (libc::SYS_getuid, TRACE | 0x5a1d),
    ];
    check!(mark() > 0);
    check!(install(&rules, 0) == 0);
    for _ in 0..3 {
        say(&format!("ERRNO {}", raw0(libc::SYS_getpgid)));
        raw0(libc::SYS_getsid);
        say(&format!("TRAP {}", TRAPPED.swap(0, SeqCst)));
        say(&format!("TRACE {}", mark()));
        say(&format!("TRACE with a value that smtrace could use {}", raw0(libc::SYS_getuid)));
    }
    0
}

/// A supervisor of the program's own that lets calls through: it must not hide them from us.
pub(crate) fn listener() -> c_int {
    let fd = std::sync::Arc::new(AtomicI32::new(0));
    let theirs = fd.clone();
    let thread = std::thread::spawn(move || {
        let parent = mark();
        // SECCOMP_FILTER_FLAG_NEW_LISTENER
        let got = install(&[(libc::SYS_getppid, USER_NOTIF)], 8);
        theirs.store(if got < 0 { got as i32 } else { got as i32 + 1 }, SeqCst);
        for _ in 0..3 {
            check!(mark() == parent);
        }
    });
    while fd.load(SeqCst) == 0 {
        std::thread::yield_now();
    }
    let got = fd.load(SeqCst);
    if got == -libc::EBUSY {
        check!(thread.join().is_ok());
        say("listener refused");
        return 0;
    }
    check!(got > 0);
    let fd = got - 1;
    for _ in 0..3 {
        // struct seccomp_notif is 80 bytes, seccomp_notif_resp 24 with the flags last.
        let mut request = [0u64; 10];
        check!(unsafe { libc::ioctl(fd, 0xc050_2100, request.as_mut_ptr()) } == 0);
        // SECCOMP_USER_NOTIF_FLAG_CONTINUE
        let mut answer = [request[0], 0, 1 << 32];
        check!(unsafe { libc::ioctl(fd, 0xc018_2101, answer.as_mut_ptr()) } == 0);
    }
    check!(thread.join().is_ok());
    say("listener answered");
    0
}

pub(crate) fn traceme() -> c_int {
    let child = spawn(|| {
        let result = raw(libc::SYS_ptrace, [libc::PTRACE_TRACEME as usize, 0, 0, 0, 0, 0]);
        say(&format!("traceme {result}"));
        mark();
        0
    });
    check!(exited(wait_for(child), 0));
    0
}
