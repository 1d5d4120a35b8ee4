//! Starts the command: fork, wait to be seized, install the filter, exec.
//!
//! Between fork and exec only async-signal-safe calls are made, and everything they need was prepared by the parent.
//! The child waits on a pipe rather than raising SIGSTOP, which would leave a group-stop behind for later children.

use super::{errno, inherited, signals::Mask};
use crate::model::Pid;
use std::ffi::{CString, c_char};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::ptr::null;

/// Everything a child needs to become the command.
#[derive(Debug, Default)]
pub struct Prepared {
    /// The file to execute.
    pub program: CString,
    /// `argv`.
    pub argv: Vec<CString>,
    /// `NAME=VALUE`, the whole environment.
    pub env: Vec<CString>,
    /// Where to start.
    pub chdir: Option<CString>,
    /// User, group and supplementary groups to become.
    pub ids: Option<(u32, u32, Vec<u32>)>,
    /// A seccomp program: `struct sock_filter`s as bytes.
    pub filter: Option<Vec<u8>>,
}

/// What the child could not do before its exec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failed {
    /// Change the directory.
    Chdir(i32),
    /// Become the user.
    User(i32),
    /// Install the filter.
    Filter(i32),
    /// Execute the file.
    Exec(i32),
}

/// Words of the child on its report pipe: a letter and an errno.
const NO_NEW_PRIVS: u8 = b'n';

/// A child that waits for [`Child::go`].
#[derive(Debug)]
pub struct Child {
    /// Its pid.
    pub pid: Pid,
    go: File,
    report: File,
}

/// What the child told until its exec or its end.
#[derive(Clone, Copy, Debug, Default)]
pub struct Report {
    /// The kernel demanded no_new_privs for the filter, and it was set.
    pub no_new_privs: bool,
    /// What failed, if anything did.
    pub failed: Option<Failed>,
}

impl Child {
    /// Lets the child run on to its exec. Our own stdin and stdout are /dev/null from here on: who writes to the command, or
    /// reads from it, must learn that it closed its end. What we write to stdout has a descriptor of its own.
    ///
    /// # Errors
    /// `EPIPE` when it is gone.
    pub fn go(&mut self) -> std::io::Result<()> {
        inherited::let_go();
        self.go.write_all(b"g")
    }

    /// Reads what the child told. To be called when its first exec succeeded or it ended: then the pipe is closed.
    #[must_use]
    pub fn report(&mut self) -> Report {
        let mut report = Report::default();
        let mut word = [0; 5];
        while self.report.read_exact(&mut word).is_ok() {
            let errno = i32::from_ne_bytes([word[1], word[2], word[3], word[4]]);
            match word[0] {
                NO_NEW_PRIVS => report.no_new_privs = true,
                b'c' => report.failed = Some(Failed::Chdir(errno)),
                b'u' => report.failed = Some(Failed::User(errno)),
                b'f' => report.failed = Some(Failed::Filter(errno)),
                _ => report.failed = Some(Failed::Exec(errno)),
            }
        }
        report
    }
}

/// Forks the child. Must be called while the process has one thread.
///
/// # Errors
/// What pipe(2) or fork(2) answers.
pub fn fork(prepared: &Prepared, mask: &Mask) -> std::io::Result<Child> {
    let (go_read, go_write) = std::io::pipe()?;
    let (report_read, report_write) = std::io::pipe()?;
    let pointers =
        |strings: &[CString]| -> Vec<*const c_char> { strings.iter().map(|s| s.as_ptr()).chain([null()]).collect() };
    let (argv, envp) = (pointers(&prepared.argv), pointers(&prepared.env));
    // execvp(3): "If the header of a file isn't recognized (ENOEXEC), these functions will execute the shell
    // (/bin/sh) with the path of the file as its first argument."
    let shell: Vec<*const c_char> =
        [c"/bin/sh".as_ptr(), prepared.program.as_ptr()].into_iter().chain(argv.iter().skip(1).copied()).collect();
    // SAFETY: the process has one thread, and the child keeps to async-signal-safe calls.
    match unsafe { libc::fork() } {
        -1 => Err(std::io::Error::last_os_error()),
        0 => {
            drop(go_write);
            become_command(prepared, mask, go_read.as_raw_fd(), report_write.as_raw_fd(), &argv, &envp, &shell)
        }
        pid => {
            Ok(Child { pid, go: File::from(OwnedFd::from(go_write)), report: File::from(OwnedFd::from(report_read)) })
        }
    }
}

fn say(report: i32, letter: u8, errno: i32) {
    let e = errno.to_ne_bytes();
    let word = [letter, e[0], e[1], e[2], e[3]];
    // SAFETY: `word` lives across the call.
    unsafe { libc::write(report, word.as_ptr().cast(), word.len()) };
}

fn fail(report: i32, letter: u8, errno: i32) -> ! {
    say(report, letter, errno);
    // SAFETY: ends the child without running the parent's exit handlers.
    unsafe { libc::_exit(125) }
}

/// Installs a filter in the calling thread; the errno on failure.
///
/// SECCOMP_FILTER_FLAG_SPEC_ALLOW (Linux 4.17): before 5.16 a filter otherwise turned the mitigation of Speculative
/// Store Bypass on for the task, which would slow the whole command down.
fn set_filter(filter: &[u8]) -> Result<(), i32> {
    let count = u16::try_from(filter.len() / size_of::<libc::sock_filter>()).unwrap_or(0);
    let program = libc::sock_fprog { len: count, filter: filter.as_ptr().cast_mut().cast() };
    let mut result = Err(libc::EINVAL);
    for flags in [libc::SECCOMP_FILTER_FLAG_SPEC_ALLOW, 0] {
        // SAFETY: `program` and the instructions live across the call; the kernel copies them and needs no alignment.
        let got = unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const program) };
        result = if got == 0 { Ok(()) } else { Err(errno()) };
        if result != Err(libc::EINVAL) {
            break;
        }
    }
    result
}

/// Whether the kernel takes a filter from us, tried in a child of its own with one that allows everything; the errno if
/// not. (With a real one the child's own exit could stop for a tracer that it does not have.)
///
/// Must be called while the process has one thread.
///
/// # Errors
/// What seccomp(2) or fork(2) answers.
pub fn try_filter() -> Result<(), i32> {
    // struct sock_filter { BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW }
    let mut program = [0; 8];
    program[..2].copy_from_slice(&6_u16.to_ne_bytes());
    program[4..].copy_from_slice(&libc::SECCOMP_RET_ALLOW.to_ne_bytes());
    let mut status = 0;
    // SAFETY: the child makes bare system calls and ends; the parent waits for this child only.
    unsafe {
        match libc::fork() {
            -1 => return Err(errno()),
            0 => {
                libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
                libc::_exit(set_filter(&program).err().unwrap_or(0));
            }
            child => while libc::waitpid(child, &raw mut status, 0) < 0 && errno() == libc::EINTR {},
        }
    }
    match status {
        0 => Ok(()),
        // A sandbox that kills for seccomp(2).
        _ if status & 0x7f != 0 => Err(libc::EPERM),
        _ => Err(status >> 8 & 0xff),
    }
}

fn install(filter: &[u8], report: i32) {
    let error = match set_filter(filter) {
        Ok(()) => return,
        Err(error) => error,
    };
    // seccomp(2): EACCES "The caller did not have the CAP_SYS_ADMIN capability in its user namespace, or had not set
    // no_new_privs before using SECCOMP_SET_MODE_FILTER." Only then: no_new_privs breaks sudo in the command.
    if error != libc::EACCES {
        fail(report, b'f', error);
    }
    // SAFETY: plain numbers.
    unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
    say(report, NO_NEW_PRIVS, 0);
    if let Err(error) = set_filter(filter) {
        fail(report, b'f', error);
    }
}

fn become_command(
    prepared: &Prepared,
    mask: &Mask,
    go: i32,
    report: i32,
    argv: &[*const c_char],
    envp: &[*const c_char],
    shell: &[*const c_char],
) -> ! {
    // SAFETY: all pointers were made by the parent from strings that live in this address space; every call is
    // async-signal-safe (signal-safety(7)) or a bare system call.
    unsafe {
        let mut byte = 0u8;
        if libc::read(go, (&raw mut byte).cast(), 1) != 1 {
            libc::_exit(125);
        }
        libc::signal(libc::SIGPIPE, if inherited::was_ignored(libc::SIGPIPE) { libc::SIG_IGN } else { libc::SIG_DFL });
        if let Some(dir) = &prepared.chdir
            && libc::chdir(dir.as_ptr()) != 0
        {
            fail(report, b'c', errno());
        }
        // The filter comes before the change of user, which gives up the capability to install it without
        // no_new_privs. From here on any call may stop for the tracer.
        if let Some(filter) = &prepared.filter {
            install(filter, report);
        }
        if let Some((uid, gid, groups)) = &prepared.ids
            && (libc::setgroups(groups.len(), groups.as_ptr()) != 0
                || libc::setgid(*gid) != 0
                || libc::setuid(*uid) != 0)
        {
            fail(report, b'u', errno());
        }
        libc::sigprocmask(libc::SIG_SETMASK, &raw const mask.0, std::ptr::null_mut());
        libc::execve(prepared.program.as_ptr(), argv.as_ptr(), envp.as_ptr());
        if errno() == libc::ENOEXEC {
            libc::execve(c"/bin/sh".as_ptr(), shell.as_ptr(), envp.as_ptr());
        }
        fail(report, b'x', errno())
    }
}
