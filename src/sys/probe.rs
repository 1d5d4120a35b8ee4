//! Tries what smtrace needs of the kernel, on children of its own, and says how each try ended.
//!
//! It must not judge: `doctor` says what a finding means. A child does only what is safe after fork in a threaded
//! program, dies by an alarm at the latest, and is killed and reaped before a function here returns.

use std::ffi::CStr;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

/// How a try ended: `Err` has the errno, or [`NO_ANSWER`].
pub type Try = Result<(), i32>;

/// The errno of a try whose child neither answered nor stopped in time, or died.
pub const NO_ANSWER: i32 = -1;

/// What stopping and reading a child gave.
#[derive(Clone, Copy, Debug)]
pub struct Ptrace {
    /// `PTRACE_SEIZE` of a child.
    pub seize: Try,
    /// `PTRACE_INTERRUPT` and its stop.
    pub stop: Try,
    /// `PTRACE_GET_SYSCALL_INFO` at that stop.
    pub syscall_info: Try,
    /// `pread` on /proc/PID/mem.
    pub mem_file: Try,
    /// `process_vm_readv`.
    pub vm_readv: Try,
    /// `PTRACE_PEEKDATA`.
    pub peek: Try,
}

/// How an attempt at another ABI's `getpid` ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// It gave the right answer.
    Works,
    /// The kernel refused it: an errno, or a fault of the instruction.
    Refused,
    /// It could not be tried.
    Untried,
}

/// What a reader of a child's memory must find.
static MARK: [u8; 16] = *b"smtrace-probe-!!";

const DATA: u32 = 0x5d7;
/// The exit code, no errno, of a child that ran through its filtered call.
const UNSEEN: i32 = 255;
const PATIENCE: Duration = Duration::from_secs(3);

fn errno() -> i32 {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(NO_ANSWER)
}

fn tried(result: i64) -> Try {
    if result < 0 { Err(errno()) } else { Ok(()) }
}

/// A forked child, killed and reaped when dropped.
struct Child(libc::pid_t);

impl Child {
    /// Forks; the child runs `work`, which may only make system calls, and ends with what it returns.
    fn fork(work: impl Fn() -> i32) -> Result<Child, i32> {
        // SAFETY: the child only runs `work`, async-signal-safe by this function's contract, and _exit.
        match unsafe { libc::fork() } {
            -1 => Err(errno()),
            0 => {
                // SAFETY: plain system calls without pointers; SIGALRM's default action ends the child.
                unsafe {
                    libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
                    libc::prctl(libc::PR_SET_DUMPABLE, 1);
                    libc::signal(libc::SIGALRM, libc::SIG_DFL);
                    let mut none = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
                    libc::sigemptyset(none.as_mut_ptr());
                    libc::sigprocmask(libc::SIG_SETMASK, none.as_ptr(), std::ptr::null_mut());
                    libc::alarm(5);
                }
                let status = work();
                // SAFETY: ends the child without running anything of the parent's.
                unsafe { libc::_exit(status) }
            }
            pid => Ok(Child(pid)),
        }
    }

    /// The next wait status, if one comes in time.
    fn wait(&self) -> Option<i32> {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            let mut status = 0;
            // SAFETY: `status` is valid for the call; WNOHANG never blocks.
            match unsafe { libc::waitpid(self.0, &raw mut status, libc::WNOHANG | libc::__WALL) } {
                0 => std::thread::sleep(Duration::from_micros(500)),
                -1 if errno() == libc::EINTR => {}
                -1 => return None,
                _ => return Some(status),
            }
        }
        None
    }

    /// The exit code, once it ends by itself.
    fn code(&self) -> Option<i32> {
        self.wait().filter(|status| libc::WIFEXITED(*status)).map(|status| libc::WEXITSTATUS(status))
    }

    fn ptrace(&self, request: libc::c_uint, data: usize) -> Try {
        // SAFETY: requests used here take their data by value.
        tried(unsafe { libc::ptrace(request, self.0, 0usize, data) })
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let mut status = 0;
        // SAFETY: `status` is valid for the call; WNOHANG never blocks.
        match unsafe { libc::waitpid(self.0, &raw mut status, libc::WNOHANG | libc::__WALL) } {
            0 => {}
            pid if pid > 0 && libc::WIFSTOPPED(status) => {}
            // Already reaped: the pid may be another's.
            _ => return,
        }
        // SAFETY: no pointers; waitpid just said that it still is our child, so the pid is not another's.
        unsafe { libc::kill(self.0, libc::SIGKILL) };
        while self.wait().is_some_and(|status| libc::WIFSTOPPED(status)) {}
    }
}

fn sleep_for_ever() -> i32 {
    loop {
        // SAFETY: no pointers; only a signal ends it.
        unsafe { libc::pause() };
    }
}

/// Seizes a child, stops it, and reads it in every way smtrace has.
#[must_use]
pub fn ptrace() -> Ptrace {
    let none = |seize| {
        let no = Err(NO_ANSWER);
        Ptrace { seize, stop: no, syscall_info: no, mem_file: no, vm_readv: no, peek: no }
    };
    let child = match Child::fork(sleep_for_ever) {
        Ok(child) => child,
        Err(errno) => return none(Err(errno)),
    };
    let seize = child.ptrace(libc::PTRACE_SEIZE, 0);
    if seize.is_err() {
        return none(seize);
    }
    let stop = child.ptrace(libc::PTRACE_INTERRUPT, 0).and_then(|()| match child.wait() {
        Some(status) if libc::WIFSTOPPED(status) => Ok(()),
        _ => Err(NO_ANSWER),
    });
    Ptrace {
        seize,
        stop,
        syscall_info: syscall_info(&child),
        mem_file: mem_file(&child),
        vm_readv: vm_readv(&child),
        peek: peek(&child),
    }
}

fn syscall_info(child: &Child) -> Try {
    let mut info = [0u8; 88];
    let to = info.as_mut_ptr();
    // SAFETY: the kernel writes at most as many bytes as the third argument says, which `info` has.
    tried(unsafe { libc::ptrace(libc::PTRACE_GET_SYSCALL_INFO, child.0, info.len(), to) })
}

fn found(bytes: &[u8]) -> Try {
    if bytes == MARK { Ok(()) } else { Err(NO_ANSWER) }
}

fn mem_file(child: &Child) -> Try {
    let mut bytes = [0; MARK.len()];
    let read = File::open(format!("/proc/{}/mem", child.0))
        .and_then(|file| file.read_exact_at(&mut bytes, MARK.as_ptr().addr() as u64));
    read.map_err(|err| err.raw_os_error().unwrap_or(NO_ANSWER)).and_then(|()| found(&bytes))
}

fn vm_readv(child: &Child) -> Try {
    let mut bytes = [0u8; MARK.len()];
    let local = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
    let remote = libc::iovec { iov_base: MARK.as_ptr().cast_mut().cast(), iov_len: MARK.len() };
    // SAFETY: `local` describes `bytes`, which outlives the call; `remote` is only read, in the child.
    let read = unsafe { libc::process_vm_readv(child.0, &raw const local, 1, &raw const remote, 1, 0) };
    tried(read as i64).and_then(|()| found(&bytes))
}

fn peek(child: &Child) -> Try {
    let mut word = 0usize;
    // SAFETY: the raw call, unlike glibc's wrapper, stores the word through its last argument, which is valid.
    let result =
        unsafe { libc::syscall(libc::SYS_ptrace, libc::PTRACE_PEEKDATA, child.0, MARK.as_ptr(), &raw mut word) };
    let bytes = word.to_ne_bytes();
    tried(result).and_then(|()| if MARK.starts_with(&bytes) { Ok(()) } else { Err(NO_ANSWER) })
}

/// Installs a filter that traces one call in a seized child, and waits for its stop.
///
/// `Err` has the errno of the installation, or [`NO_ANSWER`] when it was taken but gave no stop.
///
/// # Errors
/// As said.
pub fn seccomp_trace(no_new_privs: bool) -> Try {
    let mut ends = [0; 2];
    // SAFETY: `ends` has room for the two descriptors.
    tried(i64::from(unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) }))?;
    let [reader, writer] = ends;
    let child = Child::fork(|| {
        let mut byte = 0u8;
        // SAFETY: closing and reading descriptors of the child's own; one byte fits.
        unsafe {
            libc::close(writer);
            libc::read(reader, (&raw mut byte).cast(), 1);
        }
        if let Err(errno) = install_trace(no_new_privs) {
            return errno;
        }
        // SAFETY: no pointers. The filter makes it a stop, in which the child is killed.
        unsafe { libc::syscall(libc::SYS_getppid) };
        UNSEEN
    });
    let answer = child.and_then(|child| {
        child.ptrace(libc::PTRACE_SEIZE, libc::PTRACE_O_TRACESECCOMP.unsigned_abs() as usize)?;
        // SAFETY: one byte of a static, to a descriptor of ours.
        unsafe { libc::write(writer, MARK.as_ptr().cast(), 1) };
        match child.wait() {
            Some(status) if status >> 8 == libc::SIGTRAP | (libc::PTRACE_EVENT_SECCOMP << 8) => Ok(()),
            Some(status) if libc::WIFEXITED(status) && libc::WEXITSTATUS(status) != UNSEEN => {
                Err(libc::WEXITSTATUS(status))
            }
            _ => Err(NO_ANSWER),
        }
    });
    // SAFETY: both are ours and closed nowhere else.
    unsafe {
        libc::close(reader);
        libc::close(writer);
    }
    answer
}

/// In the child: a filter that answers TRACE to getppid and allows all else.
fn install_trace(no_new_privs: bool) -> Try {
    let word =
        |code: u32, k: u32, skip: u8| libc::sock_filter { code: u16::try_from(code).unwrap_or(0), jt: 0, jf: skip, k };
    let getppid = u32::try_from(libc::SYS_getppid).unwrap_or(0);
    let mut program = [
        word(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0),
        word(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, getppid, 1),
        word(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_TRACE | DATA, 0),
        word(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ALLOW, 0),
    ];
    let filter = libc::sock_fprog { len: 4, filter: program.as_mut_ptr() };
    if no_new_privs {
        // SAFETY: no pointers; it binds only this child.
        tried(i64::from(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }))?;
    }
    // SAFETY: `filter` describes the four instructions in `program`, which outlives the call.
    tried(unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0, &raw const filter) })
}

/// Whether an i386 call (`int $0x80`) works, tried with machine code on a page of its own.
///
/// The code is bytes, not `asm!`, so that this builds for every CPU.
#[must_use]
pub fn i386_call() -> Foreign {
    // mov $20, %eax (getpid); int $0x80; ret. Changes only registers that a C function may change.
    const CODE: [u8; 8] = [0xb8, 20, 0, 0, 0, 0xcd, 0x80, 0xc3];
    if std::env::consts::ARCH != "x86_64" {
        return Foreign::Untried;
    }
    // SAFETY: a new private page; nothing existing is replaced.
    let page = unsafe {
        let (rw, how) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        libc::mmap(std::ptr::null_mut(), CODE.len(), rw, how, -1, 0)
    };
    if page == libc::MAP_FAILED {
        return Foreign::Untried;
    }
    // SAFETY: the page is writable, ours, and longer than CODE.
    unsafe { page.cast::<u8>().copy_from_nonoverlapping(CODE.as_ptr(), CODE.len()) };
    // SAFETY: the page is ours.
    let executable = unsafe { libc::mprotect(page, CODE.len(), libc::PROT_READ | libc::PROT_EXEC) } == 0;
    let answer = if executable {
        foreign(|| {
            // SAFETY: the page holds CODE, a complete function of this CPU (checked above) without arguments.
            let call: extern "C" fn() -> i32 = unsafe { std::mem::transmute(page) };
            i64::from(call())
        })
    } else {
        Foreign::Untried
    };
    // SAFETY: the page is ours and no longer used.
    unsafe { libc::munmap(page, CODE.len()) };
    answer
}

/// Whether an x32 call works.
#[must_use]
pub fn x32_call() -> Foreign {
    const X32_BIT: libc::c_long = 0x4000_0000;
    if std::env::consts::ARCH != "x86_64" {
        return Foreign::Untried;
    }
    // SAFETY: getpid has no arguments; an unknown number fails with ENOSYS.
    foreign(|| unsafe { libc::syscall(X32_BIT | libc::SYS_getpid) })
}

/// Runs `getpid` as another ABI's call in a child, which may die of it.
fn foreign(getpid: impl Fn() -> i64) -> Foreign {
    let child = Child::fork(|| {
        let given = getpid();
        // SAFETY: no pointers. The raw call: the C library may answer from memory.
        let right = unsafe { libc::syscall(libc::SYS_getpid) };
        i32::from(given != right)
    });
    match child.map(|child| child.wait()) {
        Ok(Some(status)) if libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0 => Foreign::Works,
        Ok(Some(_)) => Foreign::Refused,
        Ok(None) | Err(_) => Foreign::Untried,
    }
}

/// Whether a child can make a user namespace (bubblewrap and rootless containers, as tracees, want to).
#[must_use]
pub fn user_namespace() -> bool {
    // SAFETY: no pointers; it changes only the child.
    let child = Child::fork(|| i32::from(unsafe { libc::unshare(libc::CLONE_NEWUSER) } != 0));
    child.is_ok_and(|child| child.code() == Some(0))
}

/// The kernel's release and version, as uname(2) has them.
#[must_use]
pub fn kernel() -> (String, String) {
    // SAFETY: utsname is plain bytes, for which zero is valid; the kernel fills it with NUL-terminated text.
    let mut name: libc::utsname = unsafe { std::mem::zeroed() };
    // SAFETY: `name` is valid for the call.
    if unsafe { libc::uname(&raw mut name) } != 0 {
        return (String::new(), String::new());
    }
    let text = |field: *const libc::c_char| {
        // SAFETY: the field is NUL-terminated, within `name`, which lives until the end of the function.
        unsafe { CStr::from_ptr(field) }.to_string_lossy().into_owned()
    };
    (text(name.release.as_ptr()), text(name.version.as_ptr()))
}

/// Whether the kernel's log says that it is gVisor, which lets everybody read it.
#[must_use]
pub fn log_names_gvisor() -> bool {
    const READ_ALL: libc::c_int = 3;
    let mut log = vec![0u8; 1 << 16];
    let size = libc::c_int::try_from(log.len()).unwrap_or(0);
    // SAFETY: the kernel writes at most `size` bytes into `log`, which has them.
    let len = unsafe { libc::klogctl(READ_ALL, log.as_mut_ptr().cast(), size) };
    let text = log.get(..usize::try_from(len).unwrap_or(0)).unwrap_or(&[]);
    text.windows(15).any(|part| part == b"Starting gVisor")
}

/// The effective user id.
#[must_use]
pub fn effective_user() -> u32 {
    // SAFETY: no arguments, cannot fail.
    unsafe { libc::geteuid() }
}

#[cfg(test)]
mod tests {
    use super::{Child, NO_ANSWER, PATIENCE, i386_call, kernel, ptrace, seccomp_trace, x32_call};
    use std::time::Instant;

    #[test]
    fn every_try_ends_in_time_and_says_something() {
        let start = Instant::now();
        let ptrace = ptrace();
        if ptrace.seize.is_ok() && ptrace.stop.is_ok() {
            assert!([ptrace.mem_file, ptrace.vm_readv, ptrace.peek].iter().any(Result::is_ok), "{ptrace:?}");
        }
        let _ = (seccomp_trace(true), seccomp_trace(false), i386_call(), x32_call());
        assert!(start.elapsed() < 6 * PATIENCE);
        assert!(!kernel().0.is_empty());
    }

    #[test]
    fn a_child_that_never_ends_is_given_up_and_killed() {
        let child = Child::fork(super::sleep_for_ever).unwrap();
        let pid = child.0;
        drop(child);
        assert!(std::fs::metadata(format!("/proc/{pid}")).is_err());
        assert_eq!(NO_ANSWER, -1);
    }
}
