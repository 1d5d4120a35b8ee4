//! The programs that the integration tests trace: one binary, one subcommand each.
//!
//! A guest checks its own view of the world and prints only what is the same in every run, so that a test can compare
//! the native run with the traced one. A check that fails prints a line starting with BAD and ends with status 99; 77
//! means that this machine does not allow the case. It has no Rust runtime (`no_main`): that would ignore SIGPIPE and
//! reopen closed descriptors before a test could see them. It must not sleep to synchronise.

#![no_main]
#![allow(
    unsafe_code,
    missing_docs,
    clippy::unwrap_used,
    clippy::undocumented_unsafe_blocks,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a test program that does on purpose what the library must not"
)]

macro_rules! check {
    ($what:expr) => {
        if !$what {
            say(&format!("BAD line {}: {} (errno {})", line!(), stringify!($what), errno()));
            leave(99);
        }
    };
}

mod descriptors;
mod names;

use libc::{c_int, c_long, c_void, pid_t};
use std::arch::asm;
use std::ffi::CString;
use std::io::Write;
use std::mem::zeroed;
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering::SeqCst};

/// Writes one line at once, without a buffer that a fork would double.
fn say(text: &str) {
    let line = format!("{text}\n");
    let mut rest = line.as_bytes();
    while !rest.is_empty() {
        let n = unsafe { libc::write(1, rest.as_ptr().cast(), rest.len()) };
        if n <= 0 {
            return;
        }
        rest = &rest[n as usize..];
    }
}

fn leave(code: c_int) -> ! {
    unsafe { libc::_exit(code) }
}

fn errno() -> c_int {
    unsafe { *libc::__errno_location() }
}

/// A raw call: the result as the kernel gave it, `-errno` on failure.
fn raw(nr: c_long, args: [usize; 6]) -> i64 {
    let result: i64;
    unsafe {
        asm!("syscall", inlateout("rax") nr => result, in("rdi") args[0], in("rsi") args[1], in("rdx") args[2],
             in("r10") args[3], in("r8") args[4], in("r9") args[5], lateout("rcx") _, lateout("r11") _);
    }
    result
}

fn raw0(nr: c_long) -> i64 {
    raw(nr, [0; 6])
}

/// The call that the tests enable and count.
fn mark() -> i64 {
    raw0(libc::SYS_getppid)
}

/// Opens a path that does not exist, so that its name is in the log.
fn mark_path(name: &str) -> i64 {
    let path = CString::new(format!("/nonexistent/{name}")).unwrap();
    raw(libc::SYS_openat, [libc::AT_FDCWD as usize, path.as_ptr() as usize, 0, 0, 0, 0])
}

fn wait_for(pid: pid_t) -> c_int {
    let mut status = 0;
    loop {
        let got = unsafe { libc::waitpid(pid, &raw mut status, libc::__WALL) };
        if got == pid {
            return status;
        }
        check!(got == -1 && errno() == libc::EINTR);
    }
}

/// Forks; the child runs `body` and exits with what it returns.
fn spawn(body: impl FnOnce() -> c_int) -> pid_t {
    let pid = unsafe { libc::fork() };
    check!(pid >= 0);
    if pid == 0 {
        leave(body());
    }
    pid
}

fn exited(status: c_int, code: c_int) -> bool {
    libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == code
}

fn killed(status: c_int, signal: c_int) -> bool {
    libc::WIFSIGNALED(status) && libc::WTERMSIG(status) == signal
}

fn pipe() -> [c_int; 2] {
    let mut ends = [0; 2];
    check!(unsafe { libc::pipe(ends.as_mut_ptr()) } == 0);
    ends
}

fn put_byte(fd: c_int) {
    check!(unsafe { libc::write(fd, b"x".as_ptr().cast(), 1) } == 1);
}

fn take_byte(fd: c_int) {
    let mut byte = 0u8;
    check!(unsafe { libc::read(fd, (&raw mut byte).cast(), 1) } == 1);
}

/// Whether `fd` has data within `ms` milliseconds.
fn readable(fd: c_int, ms: c_int) -> bool {
    let mut poll = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
    unsafe { libc::poll(&raw mut poll, 1, ms) == 1 }
}

fn number(args: &[String], at: usize, default: i64) -> i64 {
    args.get(at).map_or(default, |text| text.parse().unwrap())
}

fn map(pages: usize, protection: c_int) -> *mut u8 {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    let at = unsafe { libc::mmap(null_mut(), pages * 4096, protection, flags, -1, 0) };
    check!(at != libc::MAP_FAILED);
    at.cast()
}

fn on_signal(signal: c_int, flags: c_int, handler: extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void)) {
    let mut action: libc::sigaction = unsafe { zeroed() };
    action.sa_sigaction = handler as *const () as usize;
    action.sa_flags = flags | libc::SA_SIGINFO;
    check!(unsafe { libc::sigaction(signal, &raw const action, null_mut()) } == 0);
}

const RW: c_int = libc::PROT_READ | libc::PROT_WRITE;

// --- processes and threads ---

fn fork_some(count: i64) -> c_int {
    let mut sum = 0;
    for i in 0..count {
        let pid = spawn(|| {
            (0..3).for_each(|_| _ = mark());
            (i % 50) as c_int
        });
        let status = wait_for(pid);
        check!(libc::WIFEXITED(status));
        sum += libc::WEXITSTATUS(status);
    }
    say(&format!("sum {sum}"));
    0
}

fn vfork() -> c_int {
    for _ in 0..5 {
        let pid: i64;
        // The child must not return from here: it makes its call and exits in the same block.
        unsafe {
            asm!("syscall", "test rax, rax", "jnz 2f", "mov eax, 110", "syscall", "mov edi, 5", "mov eax, 231",
                 "syscall", "2:", inlateout("rax") libc::SYS_vfork => pid, lateout("rdi") _, lateout("rcx") _,
                 lateout("r11") _);
        }
        check!(pid > 0);
        check!(exited(wait_for(pid as pid_t), 5));
    }
    say("vfork ok");
    0
}

/// A parent that waits for its vfork child, which stops itself.
fn vfork_stopped() -> c_int {
    say("ready");
    let pid: i64;
    // In the child: kill(getpid(), SIGSTOP), exit_group(5).
    unsafe {
        asm!("syscall", "test rax, rax", "jnz 2f", "mov eax, 39", "syscall", "mov edi, eax", "mov esi, 19",
             "mov eax, 62", "syscall", "mov edi, 5", "mov eax, 231", "syscall", "2:",
             inlateout("rax") libc::SYS_vfork => pid, lateout("rdi") _, lateout("rsi") _, lateout("rcx") _,
             lateout("r11") _);
    }
    check!(exited(wait_for(pid as pid_t), 5));
    say("fine");
    7
}

/// Its leader ends; a thread works until stdin ends.
fn leaderless() -> c_int {
    std::thread::spawn(|| {
        while !status_line("State").contains('Z') {
            std::thread::yield_now();
        }
        say("ready");
        while !readable(0, 1) {
            mark();
        }
        say("fine");
        leave(7);
    });
    raw(libc::SYS_exit, [0; 6]);
    unreachable!()
}

fn posix_spawn() -> c_int {
    let program = c"/proc/self/exe";
    let argv = [program.as_ptr().cast_mut(), c"marks".as_ptr().cast_mut(), c"2".as_ptr().cast_mut(), null_mut()];
    for _ in 0..3 {
        let mut pid = 0;
        let envp = [null_mut()];
        let error =
            unsafe { libc::posix_spawn(&raw mut pid, program.as_ptr(), null(), null(), argv.as_ptr(), envp.as_ptr()) };
        check!(error == 0);
        check!(exited(wait_for(pid), 0));
    }
    say("spawn ok");
    0
}

fn threads(count: i64, marks: i64) -> c_int {
    let all: Vec<_> = (0..count).map(|_| std::thread::spawn(move || (0..marks).for_each(|_| _ = mark()))).collect();
    for thread in all {
        check!(thread.join().is_ok());
    }
    say("threads ok");
    0
}

static SHARED: AtomicI32 = AtomicI32::new(0);

extern "C" fn in_clone(_: *mut c_void) -> c_int {
    SHARED.fetch_add(1, SeqCst);
    mark();
    6
}

fn clone_with(flags: c_int) -> pid_t {
    let stack = map(16, RW);
    let pid = unsafe { libc::clone(in_clone, stack.add(16 * 4096).cast(), flags | libc::SIGCHLD, null_mut()) };
    check!(pid > 0);
    pid
}

fn clone_vm() -> c_int {
    for i in 1..=5 {
        let pid = clone_with(libc::CLONE_VM);
        check!(exited(wait_for(pid), 6));
        check!(SHARED.load(SeqCst) == i);
    }
    let pid = clone_with(libc::CLONE_VM | libc::CLONE_VFORK);
    check!(SHARED.load(SeqCst) == 6);
    check!(exited(wait_for(pid), 6));
    say("clone_vm ok");
    0
}

fn clone_parent() -> c_int {
    let ends = pipe();
    let middle = spawn(|| {
        let pid = unsafe { libc::syscall(libc::SYS_clone, libc::CLONE_PARENT | libc::SIGCHLD, 0, 0, 0, 0) };
        if pid == 0 {
            mark();
            leave(8);
        }
        let bytes = (pid as pid_t).to_ne_bytes();
        c_int::from(unsafe { libc::write(ends[1], bytes.as_ptr().cast(), 4) } != 4)
    });
    let mut bytes = [0; 4];
    check!(unsafe { libc::read(ends[0], bytes.as_mut_ptr().cast(), 4) } == 4);
    // The grandchild by birth is a child of ours by CLONE_PARENT, or waitpid would say ECHILD.
    check!(exited(wait_for(pid_t::from_ne_bytes(bytes)), 8));
    check!(exited(wait_for(middle), 0));
    say("clone_parent ok");
    0
}

#[repr(C)]
#[derive(Default)]
struct CloneArgs {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
}

fn clone3_with(args: &CloneArgs) -> i64 {
    let pid = raw(libc::SYS_clone3, [&raw const *args as usize, size_of::<CloneArgs>(), 0, 0, 0, 0]);
    if pid == 0 {
        mark();
        mark_path("from-clone3");
        leave(4);
    }
    pid
}

fn clone3() -> c_int {
    for _ in 0..3 {
        let pid = clone3_with(&CloneArgs { exit_signal: libc::SIGCHLD as u64, ..CloneArgs::default() });
        check!(pid > 0);
        check!(exited(wait_for(pid as pid_t), 4));
    }
    let (mut pidfd, mut tid) = (-1 as c_int, 0 as c_int);
    let args = CloneArgs {
        flags: (libc::CLONE_PIDFD | libc::CLONE_PARENT_SETTID) as u64,
        pidfd: &raw mut pidfd as u64,
        parent_tid: &raw mut tid as u64,
        exit_signal: libc::SIGCHLD as u64,
        ..CloneArgs::default()
    };
    let pid = clone3_with(&args);
    check!(pid > 0);
    check!(i64::from(tid) == pid);
    check!(readable(pidfd, 30_000));
    check!(exited(wait_for(pid as pid_t), 4));
    say("clone3 ok");
    0
}

/// Children that ask not to be traced: they must be in the log all the same, and not notice.
fn untraced() -> c_int {
    let flags = libc::CLONE_UNTRACED | libc::SIGCHLD;
    let pid = unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) } as pid_t;
    if pid == 0 {
        mark();
        leave(c_int::from(mark_path("untraced-clone") != -i64::from(libc::ENOENT)));
    }
    check!(exited(wait_for(pid), 0));
    let flags = libc::CLONE_UNTRACED as u64;
    let pid = clone3_with(&CloneArgs { flags, exit_signal: libc::SIGCHLD as u64, ..CloneArgs::default() });
    check!(pid > 0);
    check!(exited(wait_for(pid as pid_t), 4));
    say("untraced ok");
    0
}

static TARGETS: [AtomicI32; 4] = [const { AtomicI32::new(0) }; 4];
static CAUGHT: AtomicI32 = AtomicI32::new(0);
/// What the helper does at the end: let its targets go itself, or leave that to its own end.
static DETACHES: AtomicBool = AtomicBool::new(true);

extern "C" fn note_caught(_: c_int, _: *mut libc::siginfo_t, _: *mut c_void) {
    CAUGHT.fetch_add(1, SeqCst);
}

fn trace(request: u32, tid: i32, address: usize, data: usize) -> i64 {
    raw(libc::SYS_ptrace, [request as usize, tid as usize, address, data, 0, 0])
}

fn stop_of(tid: i32) -> c_int {
    let mut status = 0;
    check!(
        raw(libc::SYS_wait4, [tid as usize, &raw mut status as usize, libc::__WALL as usize, 0, 0, 0])
            == i64::from(tid)
    );
    status
}

/// Stops its targets, looks at them, and lets them go, as LeakSanitizer's helper does.
extern "C" fn stop_the_world(_: *mut c_void) -> c_int {
    const NT_PRSTATUS: usize = 1;
    let word: u64 = 0x1234_5678_9abc_def0;
    let targets = TARGETS.each_ref().map(|tid| tid.load(SeqCst));
    for tid in targets {
        check!(trace(libc::PTRACE_ATTACH, tid, 0, 0) == 0);
        check!(trace(libc::PTRACE_ATTACH, tid, 0, 0) == -i64::from(libc::EPERM));
        check!(stop_of(tid) == (libc::SIGSTOP << 8 | 0x7f));
    }
    for tid in targets {
        let mut registers: libc::user_regs_struct = unsafe { zeroed() };
        let mut iovec = libc::iovec { iov_base: (&raw mut registers).cast(), iov_len: 4096 };
        check!(trace(libc::PTRACE_GETREGSET, tid, NT_PRSTATUS, &raw mut iovec as usize) == 0);
        check!(iovec.iov_len == size_of::<libc::user_regs_struct>() && registers.rsp != 0);
        let mut again: libc::user_regs_struct = unsafe { zeroed() };
        check!(trace(libc::PTRACE_GETREGS, tid, 0, &raw mut again as usize) == 0);
        check!(again.rsp == registers.rsp);
        let mut read = 0u64;
        check!(trace(libc::PTRACE_PEEKDATA, tid, &raw const word as usize, &raw mut read as usize) == 0);
        check!(read == word);
        check!(trace(libc::PTRACE_PEEKDATA, tid, 8, &raw mut read as usize) == -i64::from(libc::EIO));
        let mut status = 0;
        let flags = (libc::__WALL | libc::WNOHANG) as usize;
        check!(raw(libc::SYS_wait4, [tid as usize, &raw mut status as usize, flags, 0, 0, 0]) == 0);
    }
    // A signal for a target is its tracer's to pass on.
    check!(trace(libc::PTRACE_CONT, targets[1], 0, 0) == 0);
    let process = unsafe { libc::getppid() } as usize;
    check!(raw(libc::SYS_tgkill, [process, targets[1] as usize, libc::SIGUSR1 as usize, 0, 0, 0]) == 0);
    check!(stop_of(targets[1]) == (libc::SIGUSR1 << 8 | 0x7f));
    check!(CAUGHT.load(SeqCst) == 0);
    check!(trace(libc::PTRACE_DETACH, targets[1], 0, libc::SIGUSR1 as usize) == 0);
    if DETACHES.load(SeqCst) {
        for tid in [targets[0], targets[2], targets[3]] {
            check!(trace(libc::PTRACE_DETACH, tid, 0, 0) == 0);
        }
    }
    check!(trace(libc::PTRACE_DETACH, targets[1], 0, 0) == -i64::from(libc::ESRCH));
    7
}

/// A helper that shares the memory traces the threads of its parent, which block in read(2) and must not notice.
fn inner_tracer(detaches: bool) -> c_int {
    DETACHES.store(detaches, SeqCst);
    on_signal(libc::SIGUSR1, libc::SA_RESTART, note_caught);
    let (here, go) = (pipe(), pipe());
    TARGETS[0].store(unsafe { libc::gettid() }, SeqCst);
    let threads: Vec<_> = (1..TARGETS.len())
        .map(|i| {
            std::thread::spawn(move || {
                TARGETS[i].store(unsafe { libc::gettid() }, SeqCst);
                put_byte(here[1]);
                take_byte(go[0]);
                mark();
            })
        })
        .collect();
    threads.iter().for_each(|_| take_byte(here[0]));
    let stack = map(64, RW);
    let flags = libc::CLONE_VM | libc::CLONE_FS | libc::CLONE_FILES | libc::CLONE_UNTRACED;
    // With Yama a tracer that is no ancestor has to be named (PR_SET_PTRACER); PR_SET_PTRACER_ANY is -1.
    unsafe { libc::prctl(libc::PR_SET_PTRACER, -1_i64 as usize, 0, 0, 0) };
    let helper = unsafe { libc::clone(stop_the_world, stack.add(64 * 4096).cast(), flags, null_mut()) };
    check!(helper > 0);
    check!(exited(wait_for(helper), 7));
    threads.iter().for_each(|_| put_byte(go[1]));
    for thread in threads {
        check!(thread.join().is_ok());
    }
    check!(CAUGHT.load(SeqCst) == 1);
    say("inner tracer ok");
    0
}

static STOP: AtomicBool = AtomicBool::new(false);

fn spin_in_threads(count: usize) {
    for _ in 0..count {
        std::thread::spawn(|| {
            while !STOP.load(SeqCst) {
                mark();
            }
        });
    }
}

fn exec_self(words: &[&str]) -> ! {
    let words: Vec<_> = ["guest"].iter().chain(words).map(|word| CString::new(*word).unwrap()).collect();
    let argv: Vec<_> = words.iter().map(|word| word.as_ptr()).chain([null()]).collect();
    // Not /proc/self: it has no program any more once the leader has exited.
    unsafe { libc::execv(c"/proc/thread-self/exe".as_ptr(), argv.as_ptr()) };
    check!(false);
    leave(99)
}

fn pid_word() -> String {
    std::process::id().to_string()
}

/// A thread that is not the leader runs a new program while the others work.
fn exec_thread() -> c_int {
    spin_in_threads(6);
    std::thread::spawn(|| exec_self(&["after-exec", &pid_word(), "23"]));
    loop {
        unsafe { libc::pause() };
    }
}

/// What [`exec_thread`], [`exec_race`] and [`leader_exits_exec`] become.
fn after_exec(args: &[String]) -> c_int {
    (0..100).for_each(|_| _ = mark());
    check!(unsafe { libc::syscall(libc::SYS_gettid) } == number(args, 1, 0));
    say(if args.get(1) == Some(&pid_word()) { "new image, same pid" } else { "new image, other pid" });
    number(args, 2, 0) as c_int
}

/// All threads, the leader too, run a new program at once: one of them wins.
fn exec_race() -> c_int {
    let gate = std::sync::Arc::new(std::sync::Barrier::new(5));
    for _ in 0..4 {
        let gate = gate.clone();
        std::thread::spawn(move || {
            gate.wait();
            exec_self(&["after-exec", &pid_word(), "24"]);
        });
    }
    gate.wait();
    exec_self(&["after-exec", &pid_word(), "24"]);
}

/// The state letter of a task of ours in /proc.
fn task_state(tid: pid_t) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/self/task/{tid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

/// The leader exits, another thread goes on, and ends the process as `how` says.
fn leader_exits(how: &str) -> c_int {
    let how = how.to_owned();
    std::thread::spawn(move || {
        let leader = std::process::id() as pid_t;
        while task_state(leader) != Some('Z') {
            std::thread::yield_now();
        }
        (0..20).for_each(|_| _ = mark());
        say("leader is gone");
        match how.as_str() {
            "group" => leave(7),
            "exec" => exec_self(&["after-exec", &pid_word(), "25"]),
            _ => _ = raw(libc::SYS_exit, [0; 6]),
        }
    });
    raw(libc::SYS_exit, [3, 0, 0, 0, 0, 0]);
    99
}

fn exit_threads() -> c_int {
    spin_in_threads(10);
    for _ in 0..10 {
        std::thread::spawn(|| unsafe { libc::pause() });
    }
    (0..50).for_each(|_| _ = mark());
    say("leaving");
    9
}

fn kill_threads() -> c_int {
    for _ in 0..10 {
        let ends = pipe();
        let child = spawn(|| {
            spin_in_threads(6);
            put_byte(ends[1]);
            loop {
                mark();
            }
        });
        take_byte(ends[0]);
        check!(unsafe { libc::kill(child, libc::SIGKILL) } == 0);
        check!(killed(wait_for(child), libc::SIGKILL));
        for fd in ends {
            unsafe { libc::close(fd) };
        }
    }
    say("killed ok");
    0
}

// --- signals ---

fn group_stop(threads: usize) -> c_int {
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

static GOT: [AtomicI32; 256] = [const { AtomicI32::new(0) }; 256];
static GOT_COUNT: AtomicUsize = AtomicUsize::new(0);
static BAD_INFO: AtomicBool = AtomicBool::new(false);

extern "C" fn note_value(signal: c_int, info: *mut libc::siginfo_t, _: *mut c_void) {
    let info = unsafe { &*info };
    let value = unsafe { info.si_value().sival_ptr } as usize as c_int;
    let own = unsafe { info.si_pid() } == unsafe { libc::getpid() };
    if info.si_code != libc::SI_QUEUE || value / 100 != signal || !own {
        BAD_INFO.store(true, SeqCst);
    }
    GOT[GOT_COUNT.fetch_add(1, SeqCst) % 256].store(value, SeqCst);
}

/// Three of each real-time signal, queued while blocked: all arrive, in order, with their values.
fn rt_signals() -> c_int {
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

static TICKS: AtomicUsize = AtomicUsize::new(0);
static FEED: AtomicI32 = AtomicI32::new(-1);

extern "C" fn tick(_: c_int, _: *mut libc::siginfo_t, _: *mut c_void) {
    if TICKS.fetch_add(1, SeqCst) == 3 && FEED.load(SeqCst) >= 0 {
        unsafe { libc::write(FEED.load(SeqCst), b"x".as_ptr().cast(), 1) };
    }
}

fn set_timer(ms: i64) {
    let time = libc::timeval { tv_sec: 0, tv_usec: ms * 1000 };
    let timer = libc::itimerval { it_interval: time, it_value: time };
    check!(unsafe { libc::setitimer(libc::ITIMER_REAL, &raw const timer, null_mut()) } == 0);
}

/// A read that a signal interrupts: EINTR without SA_RESTART, and with it the same read goes on.
fn interrupted() -> c_int {
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

/// A sleep that a stop interrupts goes on for its remaining time (restart_syscall), not less and not for ever.
fn sleep_restart() -> c_int {
    let beat = pipe();
    let child = spawn(|| {
        put_byte(beat[1]);
        let start = std::time::Instant::now();
        let time = libc::timespec { tv_sec: 0, tv_nsec: 400_000_000 };
        let result = raw(libc::SYS_nanosleep, [&raw const time as usize, 0, 0, 0, 0, 0]);
        let whole = start.elapsed().as_millis() >= 400 && start.elapsed().as_secs() < 30;
        c_int::from(result != 0) + 2 * c_int::from(!whole)
    });
    take_byte(beat[0]);
    for _ in 0..5 {
        let mut status = 0;
        check!(unsafe { libc::kill(child, libc::SIGSTOP) } == 0);
        check!(unsafe { libc::waitpid(child, &raw mut status, libc::WUNTRACED) } == child);
        check!(libc::WIFSTOPPED(status));
        check!(unsafe { libc::kill(child, libc::SIGCONT) } == 0);
    }
    let status = wait_for(child);
    say(&format!("sleep ended {}", libc::WEXITSTATUS(status)));
    0
}

fn no_core() {
    let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    unsafe { libc::setrlimit(libc::RLIMIT_CORE, &raw const none) };
}

fn die(signal: c_int) -> c_int {
    no_core();
    mark();
    unsafe { libc::signal(signal, libc::SIG_DFL) };
    unsafe { libc::raise(signal) };
    98
}

extern "C" fn note_term(_: c_int, _: *mut libc::siginfo_t, _: *mut c_void) {
    STOP.store(true, SeqCst);
}

/// Waits for `signal` and exits with 43.
fn await_signal(signal: c_int) -> c_int {
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

// --- odd calls ---

fn odd_numbers() -> c_int {
    for _ in 0..3 {
        for nr in [-1, -2, 99_999, 0x7fff_ffff, 0x4000_0000 | libc::SYS_getppid, 0x4000_0000 | 9999, 700, 1 << 40] {
            say(&format!("{nr} {}", raw0(nr)));
        }
        check!(mark() > 0);
    }
    0
}

fn int80(nr: usize, a: usize, b: usize, c: usize) -> i64 {
    let result: i64;
    unsafe {
        // rbx belongs to the compiler.
        asm!("xchg rbx, {b}", "int 0x80", "xchg rbx, {b}", b = inout(reg) a => _, inlateout("rax") nr => result,
             in("rcx") b, in("rdx") c, lateout("r8") _, lateout("r9") _, lateout("r10") _, lateout("r11") _);
    }
    i64::from(result as i32)
}

/// i386 calls of a 64-bit program: other numbers, 32-bit pointers.
fn int80_calls() -> c_int {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_32BIT;
    let low = unsafe { libc::mmap(null_mut(), 4096, RW, flags, -1, 0) };
    check!(low != libc::MAP_FAILED && (low as usize) < 1 << 32);
    let path = c"/nonexistent/by-int80";
    unsafe { libc::strcpy(low.cast(), path.as_ptr()) };
    for _ in 0..10 {
        check!(int80(20, 0, 0, 0) == i64::from(std::process::id()));
        check!(int80(64, 0, 0, 0) == mark());
        check!(int80(295, libc::AT_FDCWD as u32 as usize, low as usize, 0) == -i64::from(libc::ENOENT));
        check!(int80(9999, 0, 0, 0) == -i64::from(libc::ENOSYS));
    }
    say("int80 ok");
    0
}

fn bad_pointers() -> c_int {
    let page = map(2, RW);
    check!(unsafe { libc::mprotect(page.add(4096).cast(), 4096, libc::PROT_NONE) } == 0);
    let open = |at: usize| raw(libc::SYS_openat, [libc::AT_FDCWD as usize, at, 0, 0, 0, 0]);
    for (name, at) in [("null", 0), ("one", 1), ("kernel", 0xffff_8000_0000_0000), ("last", usize::MAX)] {
        say(&format!("{name} {}", open(at)));
    }
    say(&format!("no access {}", open(page as usize + 4096)));
    unsafe { page.write_bytes(b'a', 4096) };
    say(&format!("runs into the hole {}", open(page as usize + 4090)));
    let path = b"/nonexistent/at-the-end\0";
    unsafe { std::ptr::copy(path.as_ptr(), page.add(4096 - path.len()), path.len()) };
    say(&format!("ends at the page's end {}", open(page as usize + 4096 - path.len())));
    let long = CString::new(vec![b'/'; 100_000]).unwrap();
    say(&format!("long {}", open(long.as_ptr() as usize)));
    0
}

/// Paths that would break or forge a line of the log.
fn odd_paths() -> c_int {
    let paths: [&[u8]; 5] = [
        b"/nonexistent/new\nline\0",
        b"/nonexistent/\x1b[31mred\x07\0",
        b"/nonexistent/\xff\xfe not utf-8\0",
        b"/nonexistent/quote\" res=0 dir=> pid=1\\\0",
        b"/nonexistent/\xe2\x80\xaeright-to-left\0",
    ];
    for path in paths {
        let result = raw(libc::SYS_openat, [libc::AT_FDCWD as usize, path.as_ptr() as usize, 0, 0, 0, 0]);
        check!(result == -i64::from(libc::ENOENT));
    }
    check!(unsafe { libc::prctl(libc::PR_SET_NAME, c"a\n[x]: forged".as_ptr()) } == 0);
    mark();
    say("paths ok");
    0
}

// --- filters of its own ---

const ALLOW: u32 = 0x7fff_0000;
const TRACE: u32 = 0x7ff0_0000;
const TRAP: u32 = 0x0003_0000;
const ERRNO: u32 = 0x0005_0000;
const USER_NOTIF: u32 = 0x7fc0_0000;

/// Installs a filter that answers the calls in `rules` as they say and allows the rest.
fn install(rules: &[(c_long, u32)], flags: usize) -> i64 {
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

static TRAPPED: AtomicI32 = AtomicI32::new(0);

extern "C" fn on_trap(_: c_int, info: *mut libc::siginfo_t, _: *mut c_void) {
    TRAPPED.store(unsafe { (*info).si_errno }, SeqCst);
}

fn own_filter() -> c_int {
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

/// Makes 200 calls and reads `Cpus_allowed_list` of its own status, 20 times.
fn cpus_of_status() -> c_int {
    for _ in 0..20 {
        (0..200).for_each(|_| _ = mark());
        say(&status_line("Cpus_allowed_list"));
    }
    0
}

/// A supervisor of the program's own that lets calls through: it must not hide them from us.
fn listener() -> c_int {
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

fn traceme() -> c_int {
    let child = spawn(|| {
        let result = raw(libc::SYS_ptrace, [libc::PTRACE_TRACEME as usize, 0, 0, 0, 0, 0]);
        say(&format!("traceme {result}"));
        mark();
        0
    });
    check!(exited(wait_for(child), 0));
    0
}

// --- namespaces ---

fn user_namespace() -> c_int {
    let child = spawn(|| {
        if unsafe { libc::unshare(libc::CLONE_NEWUSER) } != 0 {
            say("no user namespaces here");
            return 77;
        }
        mark();
        mark_path("in-user-namespace");
        5
    });
    let status = wait_for(child);
    say(&format!("user namespace {}", libc::WEXITSTATUS(status)));
    libc::WEXITSTATUS(status)
}

fn pid_namespace() -> c_int {
    for ends_by_fault in [false, true] {
        let middle = spawn(|| {
            if unsafe { libc::unshare(libc::CLONE_NEWPID) } != 0 {
                return 77;
            }
            let init = spawn(|| {
                no_core();
                check!(std::process::id() == 1);
                mark_path("in-pid-namespace");
                for _ in 0..5 {
                    let child = spawn(|| c_int::from(mark() != 1));
                    check!(exited(wait_for(child), 0));
                }
                if ends_by_fault {
                    unsafe { null_mut::<u8>().write_volatile(1) };
                }
                5
            });
            let status = wait_for(init);
            // A traced init does not die of a fault by the kernel's hand; the tracer may have to kill it.
            let fault = killed(status, libc::SIGSEGV) || killed(status, libc::SIGKILL);
            check!(if ends_by_fault { fault } else { exited(status, 5) });
            0
        });
        let status = wait_for(middle);
        if exited(status, 77) {
            say("no pid namespaces here");
            return 77;
        }
        check!(exited(status, 0));
    }
    say("pid namespace ok");
    0
}

// --- memory that does not answer ---

/// A path in a page that another thread fills only after calls of its own: a tracer that waits for it never gets it.
fn userfault() -> c_int {
    let fd = raw(libc::SYS_userfaultfd, [libc::O_CLOEXEC as usize, 0, 0, 0, 0, 0]);
    if fd < 0 {
        say("no userfaultfd here");
        return 77;
    }
    let fd = fd as c_int;
    let mut api = [0xaau64, 0, 0];
    check!(unsafe { libc::ioctl(fd, 0xc018_aa3f, api.as_mut_ptr()) } == 0);
    let page = map(1, RW);
    let mut register = [page as u64, 4096, 1, 0];
    check!(unsafe { libc::ioctl(fd, 0xc020_aa00, register.as_mut_ptr()) } == 0);
    let to = page as u64;
    let thread = std::thread::spawn(move || {
        let mut message = [0u8; 32];
        check!(unsafe { libc::read(fd, message.as_mut_ptr().cast(), 32) } == 32);
        (0..10).for_each(|_| _ = mark());
        let source = map(1, RW);
        let path = c"/dev/null";
        unsafe { libc::strcpy(source.cast(), path.as_ptr()) };
        let mut copy = [to, source as u64, 4096, 0, 0];
        let result = unsafe { libc::ioctl(fd, 0xc028_aa03, copy.as_mut_ptr()) };
        check!(result == 0 || errno() == libc::EEXIST);
    });
    let opened = raw(libc::SYS_openat, [libc::AT_FDCWD as usize, page as usize, 0, 0, 0, 0]);
    say(if opened >= 0 { "opened" } else { "failed" });
    check!(thread.join().is_ok());
    0
}

/// Answers the requests of a FUSE file system of one file (linux/fuse.h), but never a read of it; writes a byte to `asked`
/// for each that it leaves.
fn serve_fuse(fuse: c_int, asked: c_int) -> c_int {
    const LOOKUP: u32 = 1;
    const GETATTR: u32 = 3;
    const OPEN: u32 = 14;
    const READ: u32 = 15;
    const INIT: u32 = 26;
    /// FUSE_FORGET, FUSE_INTERRUPT, FUSE_BATCH_FORGET: nobody waits for an answer.
    const SILENT: [u32; 3] = [2, 36, 42];
    // struct fuse_attr of the directory (1) and the file (2): ino, size, blocks, three times; 32-bit words from mode on.
    let attributes = |node: u64| {
        let mode: u32 = if node == 1 { 0o040_755 } else { 0o100_644 };
        let words = [node, 4096, 8, 0, 0, 0].map(u64::to_ne_bytes).concat();
        [words, [0, 0, 0, mode, 1, 0, 0, 0, 4096, 0].map(u32::to_ne_bytes).concat()].concat()
    };
    let mut request = vec![0u8; 1 << 17];
    loop {
        let got = unsafe { libc::read(fuse, request.as_mut_ptr().cast(), request.len()) };
        if got < 40 {
            return 0;
        }
        // struct fuse_in_header: u32 len, u32 opcode, u64 unique, u64 nodeid, ...
        let opcode = u32::from_ne_bytes(request[4..8].try_into().unwrap());
        let node = u64::from_ne_bytes(request[16..24].try_into().unwrap());
        let (error, answer) = match opcode {
            READ => {
                put_byte(asked);
                continue;
            }
            opcode if SILENT.contains(&opcode) => continue,
            // struct fuse_init_out: version 7.31, no flags, max_write 4096.
            INIT => (0, [7, 31, 0, 0, 0, 4096, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0].map(u32::to_ne_bytes).concat()),
            LOOKUP => (0, [[2, 0, 1000, 1000, 0].map(u64::to_ne_bytes).concat(), attributes(2)].concat()),
            GETATTR => (0, [[1000u64, 0].map(u64::to_ne_bytes).concat(), attributes(node)].concat()),
            OPEN => (0, vec![0; 16]),
            _ => (-libc::ENOSYS, Vec::new()),
        };
        let length = 16 + answer.len() as u32;
        let head = [length.to_ne_bytes(), error.to_ne_bytes()].concat();
        let whole = [head, request[8..16].to_vec(), answer].concat();
        check!(unsafe { libc::write(fuse, whole.as_ptr().cast(), whole.len()) } == whole.len() as isize);
    }
}

/// Passes a path that lies in a page of a file on FUSE whose server never answers; others go on meanwhile. With "wait" it
/// does so when it is told to.
fn fuse(directory: &str, word: &str) -> c_int {
    let fuse = unsafe { libc::open(c"/dev/fuse".as_ptr(), libc::O_RDWR | libc::O_CLOEXEC) };
    // The mount is this process's own, and goes with it.
    let (root, none) = (c"/".as_ptr(), null());
    let alone = fuse >= 0
        && unsafe { libc::unshare(libc::CLONE_NEWNS) } == 0
        && unsafe { libc::mount(none, root, none, libc::MS_REC | libc::MS_PRIVATE, null()) } == 0;
    let options = CString::new(format!("fd={fuse},rootmode=40000,user_id=0,group_id=0")).unwrap();
    let at = CString::new(directory).unwrap();
    let name = c"fuse".as_ptr();
    if !alone || unsafe { libc::mount(name, at.as_ptr(), name, 0, options.as_ptr().cast()) } != 0 {
        say("no FUSE here");
        return 77;
    }
    let asked = pipe();
    let server = spawn(|| serve_fuse(fuse, asked[1]));
    // The file system ends with the last descriptor of its server.
    unsafe { libc::close(fuse) };
    let path = CString::new(format!("{directory}/file")).unwrap();
    let file = unsafe { libc::open(path.as_ptr(), libc::O_RDONLY) };
    check!(file >= 0);
    let page = unsafe { libc::mmap(null_mut(), 4096, libc::PROT_READ, libc::MAP_PRIVATE, file, 0) };
    check!(page != libc::MAP_FAILED);
    if word == "wait" {
        say("ready");
        take_byte(0);
    }
    let reader = spawn(|| {
        let result = raw(libc::SYS_openat, [libc::AT_FDCWD as usize, page as usize, 0, 0, 0, 0]);
        c_int::from(result != -i64::from(libc::EFAULT))
    });
    take_byte(asked[0]);
    (0..10).for_each(|_| _ = mark());
    say("others go on");
    check!(unsafe { libc::kill(server, libc::SIGKILL) } == 0 && killed(wait_for(server), libc::SIGKILL));
    say(if exited(wait_for(reader), 0) { "the page came to nothing" } else { "BAD an answer" });
    0
}

// --- what was inherited ---

fn status_line(name: &str) -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    status.lines().find(|line| line.starts_with(name)).unwrap_or("none").to_owned()
}

fn affinity() -> Vec<usize> {
    let mut set: libc::cpu_set_t = unsafe { zeroed() };
    check!(unsafe { libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &raw mut set) } == 0);
    (0..1024).filter(|cpu| unsafe { libc::CPU_ISSET(*cpu, &set) }).collect()
}

/// Everything that a program gets from its parent, but what must differ.
fn inherit() -> c_int {
    // Before anything opens a file: which descriptors are there, and what they are.
    let open: Vec<c_int> = (0..256).filter(|fd| unsafe { libc::fcntl(*fd, libc::F_GETFD) } >= 0).collect();
    let mut text = Vec::new();
    for fd in open {
        let flags = unsafe { libc::fcntl(fd, libc::F_GETFL) };
        let link = std::fs::read_link(format!("/proc/self/fd/{fd}")).map(|path| path.display().to_string());
        let link = link.unwrap_or_default();
        // The place of the test's own files differs from run to run.
        let kind = if link.starts_with("/dev/") { link.as_str() } else { "file" };
        writeln!(text, "fd {fd} {flags:o} {kind}").unwrap();
    }
    for name in
        ["SigBlk", "SigIgn", "SigCgt", "SigPnd", "NoNewPrivs", "CapEff", "CapBnd", "Uid", "Groups", "Cpus_allowed_list"]
    {
        writeln!(text, "{}", status_line(name)).unwrap();
    }
    let mask = unsafe { libc::umask(0) };
    writeln!(text, "umask {mask:o} nice {}", unsafe { libc::getpriority(libc::PRIO_PROCESS, 0) }).unwrap();
    for resource in 0..16u32 {
        let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        unsafe { libc::getrlimit(resource, &raw mut limit) };
        writeln!(text, "limit {resource} {} {}", limit.rlim_cur, limit.rlim_max).unwrap();
    }
    writeln!(text, "affinity {:?} scheduler {}", affinity(), unsafe { libc::sched_getscheduler(0) }).unwrap();
    writeln!(text, "cwd {}", std::env::current_dir().unwrap().display()).unwrap();
    text.extend_from_slice(&std::fs::read("/proc/self/environ").unwrap());
    let leader = unsafe { libc::getsid(0) == libc::getpid() };
    writeln!(text, "\nsession leader {leader}").unwrap();
    // To a file where it is given: the descriptor 1 may be closed.
    if let Some(path) = std::env::var_os("GUEST_OUT") {
        std::fs::write(path, &text).unwrap();
    } else {
        say(&String::from_utf8_lossy(&text));
    }
    mark();
    0
}

/// The affinity stays as it was, before, in and after a loop that a tracer would like to have on its own CPU.
fn affinity_in_loop(count: i64) -> c_int {
    let before = affinity();
    say(&format!("cpus {before:?} {}", status_line("Cpus_allowed_list")));
    for i in 0..count {
        mark();
        if i % 1000 == 999 {
            check!(affinity() == before);
            check!(std::thread::available_parallelism().unwrap().get() == before.len());
        }
    }
    let child = spawn(affinity_matches(before.clone()));
    check!(exited(wait_for(child), 0));
    say(&format!("cpus {:?}", affinity()));
    // What is set is what is seen, too.
    let mut one: libc::cpu_set_t = unsafe { zeroed() };
    unsafe { libc::CPU_SET(before[0], &mut one) };
    check!(unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const one) } == 0);
    (0..count / 4).for_each(|_| _ = mark());
    check!(affinity() == [before[0]]);
    say("affinity ok");
    0
}

fn affinity_matches(want: Vec<usize>) -> impl FnOnce() -> c_int {
    move || c_int::from(affinity() != want)
}

// --- for attaching, and for harm ---

/// Says "ready", works in threads (and a child, when asked) until its stdin ends, then says "fine".
fn linger(child: bool) -> c_int {
    let kid = child.then(|| {
        let own = pipe();
        let pid = spawn(|| {
            unsafe { libc::close(own[1]) };
            while !readable(own[0], 1) {
                mark();
            }
            13
        });
        unsafe { libc::close(own[0]) };
        (pid, own[1])
    });
    let workers: Vec<_> = (0..4)
        .map(|_| {
            std::thread::spawn(|| {
                let mut sum = 0;
                while !STOP.load(SeqCst) {
                    sum += mark();
                    unsafe { libc::poll(null_mut(), 0, 1) };
                }
                sum
            })
        })
        .collect();
    say(&format!("ready {}", kid.map_or(0, |(pid, _)| pid)));
    let mut byte = 0u8;
    // A sleep in the kernel that an attach and a detach must not end.
    let result = raw(libc::SYS_read, [0, &raw mut byte as usize, 1, 0, 0, 0]);
    check!(result == 0 || result == 1);
    STOP.store(true, SeqCst);
    for worker in workers {
        check!(worker.join().is_ok());
    }
    if let Some((pid, fd)) = kid {
        unsafe { libc::close(fd) };
        check!(exited(wait_for(pid), 13));
    }
    check!(status_line("TracerPid").ends_with("\t0"));
    say("fine");
    7
}

/// What a program can try on its tracer, which is its parent. Signal 0 must still be allowed.
fn harm() -> c_int {
    let tracer = unsafe { libc::getppid() } as usize;
    let limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    let limit = &raw const limit as usize;
    let mut word = 0u64;
    let iov = [&raw mut word as usize, 8];
    let iov = iov.as_ptr() as usize;
    let mut tries: Vec<(&str, c_long, [usize; 6])> = vec![
        ("probe", libc::SYS_kill, [tracer, 0, 0, 0, 0, 0]),
        ("kill", libc::SYS_kill, [tracer, libc::SIGKILL as usize, 0, 0, 0, 0]),
        ("stop", libc::SYS_kill, [tracer, libc::SIGSTOP as usize, 0, 0, 0, 0]),
        ("tgkill", libc::SYS_tgkill, [tracer, tracer, libc::SIGKILL as usize, 0, 0, 0]),
        ("tkill", libc::SYS_tkill, [tracer, libc::SIGKILL as usize, 0, 0, 0, 0]),
        ("seize", libc::SYS_ptrace, [0x4206, tracer, 0, 0, 0, 0]),
        ("attach", libc::SYS_ptrace, [16, tracer, 0, 0, 0, 0]),
        ("limit", libc::SYS_prlimit64, [tracer, libc::RLIMIT_FSIZE as usize, limit, 0, 0, 0]),
        ("nice", libc::SYS_setpriority, [libc::PRIO_PROCESS as usize, tracer, 19, 0, 0, 0]),
        ("affinity", libc::SYS_sched_setaffinity, [tracer, 8, &raw const word as usize, 0, 0, 0]),
        ("write", libc::SYS_process_vm_writev, [tracer, iov, 1, iov, 1, 0]),
    ];
    if let Ok(tid) = std::env::var("TRACER_TID") {
        tries.push(("thread", libc::SYS_tkill, [tid.parse().unwrap(), libc::SIGKILL as usize, 0, 0, 0, 0]));
    }
    for (name, nr, args) in tries {
        say(&format!("{name} {}", raw(nr, args)));
    }

    mark();
    0
}

/// `/proc/self/stat` fields do not matter here: the work of [`harm`] for a bystander, which must stay possible.
fn harmless() -> c_int {
    let child = spawn(|| {
        loop {
            unsafe { libc::pause() };
        }
    });
    check!(unsafe { libc::setpriority(libc::PRIO_PROCESS, child as u32, 5) } == 0);
    check!(unsafe { libc::kill(child, libc::SIGTERM) } == 0);
    check!(killed(wait_for(child), libc::SIGTERM));
    check!(unsafe { libc::kill(0, 0) } == 0);
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    check!(unsafe { libc::prlimit(0, libc::RLIMIT_NOFILE, null(), &raw mut limit) } == 0);
    check!(limit.rlim_cur > 0);
    say("harmless ok");
    0
}

/// Copies stdin to stdout.
fn copy() -> c_int {
    let mut buffer = [0u8; 4096];
    loop {
        let n = unsafe { libc::read(0, buffer.as_mut_ptr().cast(), buffer.len()) };
        if n <= 0 {
            return 0;
        }
        check!(unsafe { libc::write(1, buffer.as_ptr().cast(), n as usize) } == n);
    }
}

/// Lives on in a session of its own after the command has ended, until the pipe of its stdin closes.
fn daemon() -> c_int {
    spawn(|| {
        unsafe { libc::setsid() };
        let mut byte = 0u8;
        unsafe { libc::read(0, (&raw mut byte).cast(), 1) };
        mark_path("by-the-daemon");
        mark();
        0
    });
    0
}

// --- defects that came up once ---

/// A process that forks and exits, and its child does, and so on, each in a session of its own, for 30 seconds.
fn fork_chain() -> c_int {
    let start = std::time::Instant::now();
    while start.elapsed().as_secs() < 30 {
        let pid = unsafe { libc::fork() };
        check!(pid >= 0);
        if pid > 0 {
            leave(0);
        }
        unsafe { libc::setsid() };
    }
    say("nobody killed the chain");
    0
}

/// Counts its calls in the first word of `file`, until it is killed.
fn count_in(file: &str) -> c_int {
    let path = CString::new(file).unwrap();
    let fd = unsafe { libc::open(path.as_ptr(), libc::O_RDWR) };
    check!(fd >= 0);
    let at = unsafe { libc::mmap(null_mut(), 8, RW, libc::MAP_SHARED, fd, 0) };
    check!(at != libc::MAP_FAILED);
    let counter = unsafe { AtomicUsize::from_ptr(at.cast()) };
    say("ready");
    loop {
        mark();
        counter.fetch_add(1, SeqCst);
    }
}

/// A thread that is not the leader makes many calls, then becomes a program that says how many CPUs it has.
fn thread_cpus() -> c_int {
    std::thread::spawn(|| {
        (0..2000).for_each(|_| _ = mark());
        exec_self(&["cpus"]);
    });
    loop {
        unsafe { libc::pause() };
    }
}

/// Makes 2000 calls, then 20 times 100 more, 10 in a thread and 10 in a child; all of them have the same CPUs.
fn children_and_threads() -> c_int {
    let before = affinity();
    (0..2000).for_each(|_| _ = mark());
    for _ in 0..20 {
        (0..100).for_each(|_| _ = mark());
        let want = before.clone();
        let child = spawn(|| {
            let wrong = c_int::from(affinity() != want);
            (0..10).for_each(|_| _ = mark());
            wrong
        });
        check!(exited(wait_for(child), 0));
        let thread = std::thread::spawn(|| {
            (0..10).for_each(|_| _ = mark());
            affinity()
        });
        check!(thread.join().is_ok_and(|cpus| cpus == before));
    }
    say("children and threads ok");
    5
}

/// Asks that the signals of a descriptor go to the tracer, which is the parent, and to itself.
fn owners() -> c_int {
    let mut ends = [0; 2];
    check!(unsafe { libc::socketpair(libc::AF_UNIX, libc::SOCK_STREAM, 0, ends.as_mut_ptr()) } == 0);
    let fd = ends[0] as usize;
    for (who, pid) in [("parent", unsafe { libc::getppid() }), ("self", unsafe { libc::getpid() })] {
        // struct f_owner_ex { int type; pid_t pid; } with F_OWNER_TID and F_OWNER_PID; F_SETOWN_EX is 15.
        let owners: [[c_int; 2]; 2] = [[0, pid], [1, pid]];
        let [thread, process] = owners.each_ref().map(|owner| owner.as_ptr() as usize);
        let at = &raw const pid as usize;
        for (name, nr, command, arg) in [
            ("F_SETOWN", libc::SYS_fcntl, libc::F_SETOWN as usize, pid as usize),
            ("F_SETOWN_EX thread", libc::SYS_fcntl, 15, thread),
            ("F_SETOWN_EX process", libc::SYS_fcntl, 15, process),
            ("FIOSETOWN", libc::SYS_ioctl, 0x8901, at),
            ("SIOCSPGRP", libc::SYS_ioctl, 0x8902, at),
        ] {
            say(&format!("{who} {name} {}", raw(nr, [fd, command, arg, 0, 0, 0])));
        }
    }
    0
}

/// Becomes the program `words` with an environment that no shell would make.
fn odd_environment(words: &[String]) -> c_int {
    let words: Vec<_> = words.iter().map(|word| CString::new(word.as_str()).unwrap()).collect();
    let argv: Vec<_> = words.iter().map(|word| word.as_ptr()).chain([null()]).collect();
    let entries = [c"TWICE=first", c"no equals sign", c"TWICE=second", c"=nameless", c"", c"LAST=1"];
    let envp: Vec<_> = entries.iter().map(|entry| entry.as_ptr()).chain([null()]).collect();
    unsafe { libc::execve(argv[0], argv.as_ptr(), envp.as_ptr()) };
    check!(false);
    99
}

/// Says its environment as it is in memory.
fn environment() -> c_int {
    let bytes = std::fs::read("/proc/self/environ").unwrap();
    bytes.split(|byte| *byte == 0).for_each(|entry| say(&format!("[{}]", String::from_utf8_lossy(entry))));
    0
}

/// The i386 call ipc for semget, plain and with a version in its upper half. -1 semaphores: nothing is made.
fn int80_ipc() -> c_int {
    for call in [2, 0x1_0002] {
        check!(int80(117, call, 0, usize::MAX) == -i64::from(libc::EINVAL));
    }
    say("ipc ok");
    0
}

/// Does what the bytes on stdin say, and answers each with a line, until the end: `g` a marked call, `o` an open, `m` 1000
/// marked calls, `f` a marked call in a child, `t` one in a thread.
fn serve() -> c_int {
    say("ready");
    loop {
        let mut byte = 0u8;
        if unsafe { libc::read(0, (&raw mut byte).cast(), 1) } != 1 {
            return 0;
        }
        match byte {
            b'g' => _ = mark(),
            b'o' => _ = mark_path("on-demand"),
            b'm' => (0..1000).for_each(|_| _ = mark()),
            b'l' => (0..1000).for_each(|i| _ = mark_path(&format!("{i:0>200}"))),
            b'f' => {
                let pid = spawn(|| {
                    mark();
                    0
                });
                check!(exited(wait_for(pid), 0));
            }
            b't' => drop(std::thread::spawn(mark).join()),
            _ => check!(false),
        }
        say("ok");
    }
}

/// Waits in calls that a ptrace stop interrupts with EINTR; a byte on stdin ends the waits, and none may have failed.
fn waits() -> c_int {
    let (epolled, read) = (pipe(), pipe());
    let waiting = |what: fn([c_int; 2]) -> c_int, fds: [c_int; 2]| {
        let (start, started) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            start.send(unsafe { libc::gettid() }).unwrap();
            let result = what(fds);
            (result, errno())
        });
        (thread, started.recv().unwrap())
    };
    let threads = [
        waiting(
            |fds| unsafe {
                let poll = libc::epoll_create1(0);
                let mut event = libc::epoll_event { events: libc::EPOLLIN as u32, u64: 7 };
                libc::epoll_ctl(poll, libc::EPOLL_CTL_ADD, fds[0], &raw mut event);
                libc::epoll_wait(poll, &raw mut event, 1, -1)
            },
            epolled,
        ),
        waiting(
            |fds| unsafe {
                let mut byte = 0u8;
                libc::read(fds[0], (&raw mut byte).cast(), 1) as c_int
            },
            read,
        ),
        waiting(
            |_| unsafe {
                let mut set: libc::sigset_t = std::mem::zeroed();
                libc::sigaddset(&raw mut set, libc::SIGUSR1);
                libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, null_mut());
                libc::sigtimedwait(&raw const set, null_mut(), null()) - libc::SIGUSR1 + 1
            },
            [0, 0],
        ),
    ];
    let waiter = threads[2].1;
    while !threads.iter().all(|(_, tid)| task_state(*tid) == Some('S')) {
        std::thread::yield_now();
    }
    say("ready");
    take_byte(0);
    put_byte(epolled[1]);
    put_byte(read[1]);
    check!(unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), waiter, libc::SIGUSR1) } == 0);
    for (thread, _) in threads {
        let (result, errno) = thread.join().unwrap();
        say(&format!("{result} {}", if result < 0 { errno } else { 0 }));
    }
    0
}

/// Stops like a job just after it made a child, which continues it: ten times.
fn stop_and_continue() -> c_int {
    let parent = std::process::id() as pid_t;
    for _ in 0..10 {
        let child = spawn(|| {
            while unsafe { libc::kill(parent, libc::SIGCONT) } == 0 {
                std::thread::yield_now();
            }
            0
        });
        unsafe { libc::raise(libc::SIGTSTP) };
        check!(unsafe { libc::kill(child, libc::SIGKILL) } == 0 && killed(wait_for(child), libc::SIGKILL));
    }
    say("back");
    0
}

/// Threads that pass a byte around and wait for it in epoll_wait(2), until stdin ends: says how many waits were interrupted,
/// though there is no signal.
fn relay() -> c_int {
    const THREADS: usize = 4;
    let pipes: Vec<[c_int; 2]> = (0..THREADS).map(|_| pipe()).collect();
    let done = AtomicBool::new(false);
    let interrupted = AtomicUsize::new(0);
    let pass = |from: c_int, to: c_int| {
        let poll = unsafe { libc::epoll_create1(0) };
        let mut event = libc::epoll_event { events: libc::EPOLLIN as u32, u64: 7 };
        check!(unsafe { libc::epoll_ctl(poll, libc::EPOLL_CTL_ADD, from, &raw mut event) } == 0);
        while !done.load(SeqCst) {
            let got = unsafe { libc::epoll_wait(poll, &raw mut event, 1, -1) };
            if got != 1 {
                check!(errno() == libc::EINTR);
                interrupted.fetch_add(1, SeqCst);
                continue;
            }
            take_byte(from);
            put_byte(to);
        }
        // The next one has to see the end too; the last byte stays.
        put_byte(to);
    };
    std::thread::scope(|scope| {
        for at in 0..THREADS {
            let (pass, from, to) = (&pass, pipes[at][0], pipes[(at + 1) % THREADS][1]);
            scope.spawn(move || pass(from, to));
        }
        put_byte(pipes[0][1]);
        say("ready");
        let mut byte = 0u8;
        check!(unsafe { libc::read(0, (&raw mut byte).cast(), 1) } == 0);
        done.store(true, SeqCst);
    });
    say(&format!("{} interrupted", interrupted.load(SeqCst)));
    0
}

/// A page below 4 GiB, for calls with 32-bit pointers, that holds `bytes`.
fn low_page(bytes: &[u8]) -> usize {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_32BIT;
    let low = unsafe { libc::mmap(null_mut(), 4096, RW, flags, -1, 0) };
    check!(low != libc::MAP_FAILED && (low as usize) < 1 << 32);
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), low.cast(), bytes.len()) };
    low as usize
}

fn show(fd: i64) -> c_int {
    let mut bytes = [0u8; 64];
    let got = raw(libc::SYS_read, [fd as usize, bytes.as_mut_ptr() as usize, 64, 0, 0, 0]);
    say(&format!("{fd} {}", String::from_utf8_lossy(&bytes[..got.max(0) as usize])));
    0
}

/// Opens a file by an i386 call and shows its start.
fn int80_open(path: &str) -> c_int {
    let low = low_page(format!("{path}\0").as_bytes());
    show(int80(5, low, 0, 0))
}

/// Opens a file by openat2 and shows its start.
fn openat2_open(path: &str) -> c_int {
    let (path, how) = (CString::new(path).unwrap(), [0u64; 3]);
    let args = [libc::AT_FDCWD as usize, path.as_ptr() as usize, how.as_ptr() as usize, 24, 0, 0];
    show(raw(libc::SYS_openat2, args))
}

/// Connects to a port of 127.0.0.1 by i386 socketcall(2).
fn socketcall(port: u16) -> c_int {
    let mut page = vec![0u8; 64];
    page[..4].copy_from_slice(&[2, 0, (port >> 8) as u8, port as u8]);
    page[4..8].copy_from_slice(&[127, 0, 0, 1]);
    let low = low_page(&page);
    let words = |at: usize, words: &[u32]| {
        for (i, word) in words.iter().enumerate() {
            unsafe { ((low + at + 4 * i) as *mut u32).write(*word) };
        }
    };
    words(32, &[2, 1, 0]);
    let fd = int80(102, 1, low + 32, 0);
    check!(fd >= 0);
    words(32, &[fd as u32, low as u32, 16]);
    say(&format!("connect {}", int80(102, 3, low + 32, 0)));
    0
}

/// Keeps the calling thread on one CPU, if there is such.
fn pin_to(cpu: usize) {
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(cpu, &mut set);
        libc::sched_setaffinity(0, size_of_val(&set), &raw const set);
    }
}

/// Asks sockets to have no address (AF_UNSPEC), while a thread changes the structure to an address of 127.0.0.1 and back.
fn connect_race(port: u16) -> c_int {
    let address = [[0u16, port.to_be()], [libc::AF_INET as u16, port.to_be()]].map(|parts| {
        u64::from(parts[0]) | u64::from(parts[1]) << 16 | u64::from(u32::from_ne_bytes([127, 0, 0, 1])) << 32
    });
    let words = [address[0], 0].map(std::sync::atomic::AtomicU64::new);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // On a CPU of its own, where there are two, it runs while the other thread stands in a stop.
        scope.spawn(|| {
            pin_to(1);
            while !done.load(SeqCst) {
                words[0].store(address[1], SeqCst);
                words[0].store(address[0], SeqCst);
            }
        });
        pin_to(0);
        for _ in 0..300 {
            let fd = unsafe { libc::socket(libc::AF_INET, libc::SOCK_STREAM, 0) };
            unsafe { libc::connect(fd, words.as_ptr().cast(), 16) };
            check!(unsafe { libc::close(fd) } == 0);
        }
        done.store(true, SeqCst);
    });
    say("raced");
    0
}

/// Sends datagrams by i386 socketcall(2) to one port of 127.0.0.1, while a thread changes the address among its words to that of
/// another port and back.
fn socketcall_race(one: u16, other: u16) -> c_int {
    let mut page = vec![0u8; 64];
    for (at, port) in [(0, one), (16, other)] {
        page[at..at + 4].copy_from_slice(&[2, 0, (port >> 8) as u8, port as u8]);
        page[at + 4..at + 8].copy_from_slice(&[127, 0, 0, 1]);
    }
    let low = low_page(&page);
    let word = |at: usize| unsafe { std::sync::atomic::AtomicU32::from_ptr((low + 32 + 4 * at) as *mut u32) };
    let fd = unsafe { libc::socket(libc::AF_INET, libc::SOCK_DGRAM, 0) };
    for (at, value) in [fd as usize, low, 1, 0, low, 16].into_iter().enumerate() {
        word(at).store(value as u32, SeqCst);
    }
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(SeqCst) {
                word(4).store(low as u32 + 16, SeqCst);
                word(4).store(low as u32, SeqCst);
            }
        });
        let results: Vec<i64> = (0..300).map(|_| int80(102, 11, low + 32, 0)).collect();
        done.store(true, SeqCst);
        check!(results.iter().all(|result| [1, -i64::from(libc::EPERM)].contains(result)));
        say(&format!("both {}", results.contains(&1) && results.contains(&-i64::from(libc::EPERM))));
    });
    0
}

/// Asks for a connection by i386 socketcall(2) with words that cannot be read.
fn socketcall_hidden() -> c_int {
    say(&format!("hidden {}", int80(102, 3, 0, 0)));
    0
}

/// Calls that no policy can judge.
fn unjudged() -> c_int {
    let params = [0u8; 128];
    for (name, nr, args) in [
        ("io_uring_setup", libc::SYS_io_uring_setup, [1, params.as_ptr() as usize, 0, 0, 0, 0]),
        ("mount", libc::SYS_mount, [0; 6]),
        ("ptrace", libc::SYS_ptrace, [16, 1, 0, 0, 0, 0]),
        ("pidfd_getfd", libc::SYS_pidfd_getfd, [0; 6]),
        ("raw socket", libc::SYS_socket, [17, 3, 0, 0, 0, 0]),
    ] {
        say(&format!("{name} {}", raw(nr, args)));
    }
    0
}

/// Tries to open or execute `path` by changing, in another thread, what the call was judged by.
fn flip(what: &str, path: &str) -> c_int {
    static DONE: AtomicBool = AtomicBool::new(false);
    // As long as each other, so that a change of the first bytes makes the other.
    let free = format!("{:/<1$}", "ok/", path.len() - 4) + "open";
    std::fs::write(&free, if what == "exec" { "#!/bin/true\n" } else { "fine\n" }).unwrap();
    unsafe { libc::chmod(CString::new(free.as_str()).unwrap().as_ptr(), 0o755) };
    let mut buffer = free.clone().into_bytes();
    buffer.push(0);
    let at = buffer.as_mut_ptr() as usize;
    let (one, two) = (free.into_bytes(), path.as_bytes().to_vec());
    if what == "link" {
        buffer[..5].copy_from_slice(b"flip\0");
    }
    let (here, there) = (String::from_utf8(one.clone()).unwrap(), path.to_owned());
    let which = what.to_owned();
    let other = std::thread::spawn(move || {
        for turn in 0usize.. {
            if DONE.load(SeqCst) {
                return;
            }
            if which == "link" {
                let to = if turn % 2 == 0 { &here } else { &there };
                let _ = std::fs::remove_file("flip.new");
                let _ = std::os::unix::fs::symlink(to, "flip.new");
                let _ = std::fs::rename("flip.new", "flip");
            } else {
                let bytes = if turn % 2 == 0 { &one } else { &two };
                for (i, byte) in bytes.iter().enumerate() {
                    unsafe { std::ptr::write_volatile((at + i) as *mut u8, *byte) };
                }
            }
        }
    });
    for _ in 0..1500 {
        if what == "exec" {
            if unsafe { libc::fork() } == 0 {
                let argv = [at as *const libc::c_char, null()];
                unsafe {
                    libc::execv(at as *const libc::c_char, argv.as_ptr());
                    libc::_exit(0);
                }
            }
            unsafe { libc::wait(null_mut()) };
            continue;
        }
        let fd = raw(libc::SYS_openat, [libc::AT_FDCWD as usize, at, 0, 0, 0, 0]);
        if fd >= 0 {
            let mut bytes = [0u8; 64];
            let got = unsafe { libc::read(fd as c_int, bytes.as_mut_ptr().cast(), 64) };
            if bytes[..got.max(0) as usize] != *b"fine\n" {
                say(&String::from_utf8_lossy(&bytes[..got.max(0) as usize]));
            }
            unsafe { libc::close(fd as c_int) };
        }
    }
    DONE.store(true, SeqCst);
    other.join().unwrap();
    0
}

/// Makes the calls that the words say: `NUMBER:ARGUMENT,…`. An argument is a number, in base 16 after `0x`, or `@` and
/// the bytes in base 16 that it is the address of: they lie at the end of a page that nothing follows.
fn calls(args: &[String]) -> c_int {
    const PAGE: usize = 4096;
    let number = |word: &str| match word.strip_prefix("0x") {
        Some(digits) => usize::from_str_radix(digits, 16).unwrap(),
        None => word.parse::<i64>().unwrap() as usize,
    };
    for call in args.iter().skip(1) {
        let (nr, words) = call.split_once(':').unwrap();
        let mut values = [0; 6];
        for (value, word) in values.iter_mut().zip(words.split(',').filter(|word| !word.is_empty())) {
            *value = match word.strip_prefix('@') {
                Some(digits) => unsafe {
                    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
                    let pages = libc::mmap(null_mut(), 2 * PAGE, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0);
                    libc::munmap(pages.byte_add(PAGE), PAGE);
                    let start = pages.byte_add(PAGE - digits.len() / 2);
                    for at in 0..digits.len() / 2 {
                        *start.byte_add(at).cast::<u8>() = u8::from_str_radix(&digits[at * 2..at * 2 + 2], 16).unwrap();
                    }
                    start as usize
                },
                None => number(word),
            };
        }
        raw(number(nr) as c_long, values);
    }
    0
}

#[unsafe(no_mangle)]
extern "C" fn main() -> c_int {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let word = |at: usize| args.get(at).map_or("", String::as_str);
    match word(0) {
        "serve" => serve(),
        "waits" => waits(),
        "relay" => relay(),
        "stop-and-continue" => stop_and_continue(),
        "marks" => {
            (0..number(&args, 1, 1)).for_each(|_| _ = mark());
            0
        }
        "exit" => number(&args, 1, 0) as c_int,
        "die" => die(number(&args, 1, 15) as c_int),
        "fork" => fork_some(number(&args, 1, 5)),
        "vfork" => vfork(),
        "posix-spawn" => posix_spawn(),
        "threads" => threads(number(&args, 1, 8), number(&args, 2, 50)),
        "clone-vm" => clone_vm(),
        "clone-parent" => clone_parent(),
        "clone3" => clone3(),
        "untraced" => untraced(),
        "inner-tracer" => inner_tracer(true),
        "inner-tracer-ends" => inner_tracer(false),
        "exec-thread" => exec_thread(),
        "exec-race" => exec_race(),
        "after-exec" => after_exec(&args),
        "leader-exits" => leader_exits(word(1)),
        "exit-threads" => exit_threads(),
        "kill-threads" => kill_threads(),
        "group-stop" => group_stop(number(&args, 1, 0) as usize),
        "rt-signals" => rt_signals(),
        "interrupted" => interrupted(),
        "sleep-restart" => sleep_restart(),
        "await-signal" => await_signal(number(&args, 1, 15) as c_int),
        "odd-numbers" => odd_numbers(),
        "calls" => calls(&args),
        "int80" => int80_calls(),
        "bad-pointers" => bad_pointers(),
        "odd-paths" => odd_paths(),
        "own-filter" => own_filter(),
        "cpus-of-status" => cpus_of_status(),
        "listener" => listener(),
        "traceme" => traceme(),
        "user-namespace" => user_namespace(),
        "pid-namespace" => pid_namespace(),
        "userfault" => userfault(),
        "fuse" => fuse(word(1), word(2)),
        "names" => names::names(),
        "descriptors" => descriptors::descriptors(word(1)),
        "inherit" => inherit(),
        "affinity" => affinity_in_loop(number(&args, 1, 20_000)),
        "vfork-stopped" => vfork_stopped(),
        "leaderless" => leaderless(),
        "linger" => linger(word(1) == "child"),
        "harm" => harm(),
        "harmless" => harmless(),
        "copy" => copy(),
        "daemon" => daemon(),
        "fork-chain" => fork_chain(),
        "count-in" => count_in(word(1)),
        "thread-cpus" => thread_cpus(),
        "cpus" => {
            say(&format!("{} cpus", affinity().len()));
            0
        }
        "children-and-threads" => children_and_threads(),
        "owners" => owners(),
        "odd-environment" => odd_environment(&args[1..]),
        "environment" => environment(),
        "int80-ipc" => int80_ipc(),
        "int80-open" => int80_open(word(1)),
        "openat2" => openat2_open(word(1)),
        "connect-race" => connect_race(number(&args, 1, 0) as u16),
        "socketcall-race" => socketcall_race(number(&args, 1, 0) as u16, number(&args, 2, 0) as u16),
        "socketcall-hidden" => socketcall_hidden(),
        "socketcall" => socketcall(number(&args, 1, 0) as u16),
        "unjudged" => unjudged(),
        "flip-path" => flip("path", word(1)),
        "flip-link" => flip("link", word(1)),
        "flip-exec" => flip("exec", word(1)),
        other => {
            say(&format!("BAD no such guest: {other}"));
            99
        }
    }
}
