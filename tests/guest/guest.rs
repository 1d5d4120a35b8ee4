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
            say(&format!("BAD {}:{}: {} (errno {})", file!(), line!(), stringify!($what), errno()));
            leave(99);
        }
    };
}

mod defects;
mod descriptors;
mod filters;
mod harm;
mod inherited;
mod judged;
mod memory;
mod names;
mod namespaces;
mod odd;
mod signals;
mod tasks;

use defects::*;
use filters::*;
use harm::*;
use inherited::*;
use judged::*;
use libc::{c_int, c_long, c_void, pid_t};
use memory::*;
use namespaces::*;
use odd::*;
use signals::*;
use std::arch::asm;
use std::ffi::CString;
use std::io::{Read, Write};
use std::mem::zeroed;
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering::SeqCst};
use tasks::*;

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
        "without" => without(number(&args, 1, 0) as c_long, number(&args, 2, 1) as u32, &args[3..]),
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
        "group-signal" => group_signal(number(&args, 1, 12) as c_int),
        "group-hangups" => group_hangups(),
        "orphaned-socket" => orphaned_socket(word(1)),
        "deadline" => deadline(),
        "crowd" => crowd(number(&args, 1, 60) as usize),
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
