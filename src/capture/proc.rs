//! What /proc tells about a stopped task: its program, name, working directory and open files.
//!
//! Asked only while the task is stopped, and of the parent of a new tracee once: never of one that may be gone.

use super::descriptor::capture_descriptor;
use super::{MAX_CMDLINE, MAX_FDS, MAX_PATH, Wanted};
use crate::decode::result_kind;
use crate::decode::secrets;
use crate::decode::walk::failed;
use crate::engine::{Call, Task};
use crate::model::Pid;
use crate::model::record::{Role, State, Writer, flag};
use crate::sys::fds::{Fds, closes_on_exec};
use crate::sys::procfs;
use crate::sys::socket::Shared;
use crate::table::Ret;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// Reads the beginning of a file of /proc: as much as one read gives, which is all of it that there is.
fn read_up_to(path: &str, to: &mut [u8]) -> usize {
    File::open(path).and_then(|mut file| file.read(to)).unwrap_or(0)
}

/// Adds the target of a link of /proc, and returns it.
pub(super) fn capture_link(writer: &mut Writer<'_>, role: Role, number: u64, path: &str) -> Option<PathBuf> {
    let target = fs::read_link(path).ok()?;
    let bytes = target.as_os_str().as_bytes();
    let cut = bytes.get(..MAX_PATH).unwrap_or(bytes);
    writer.piece(role, 0, number, State::Whole, cut);
    Some(target)
}

/// Puts `shown` in the place of what was read: how much that is, and its state.
pub(super) fn put_over(to: &mut [u8], shown: &[u8], state: State) -> (usize, State) {
    let len = shown.len().min(to.len());
    if let (Some(to), Some(shown)) = (to.get_mut(..len), shown.get(..len)) {
        to.copy_from_slice(shown);
    }
    (len, if len < shown.len() { State::Cut } else { state })
}

/// Adds the name of a task.
pub(super) fn capture_comm(writer: &mut Writer<'_>, tid: Pid) {
    writer.piece_with(Role::Comm, 0, 0, 32, |to| {
        let got = read_up_to(&format!("/proc/{tid}/comm"), to);
        let newline = to.get(..got).is_some_and(|read| read.ends_with(b"\n"));
        (got - usize::from(newline), State::Whole)
    });
}

/// Adds the program, its command line, and the working directory where `wanted` says so.
pub(super) fn capture_program(writer: &mut Writer<'_>, tid: Pid, wanted: &Wanted) {
    capture_link(writer, Role::Exe, 0, &format!("/proc/{tid}/exe"));
    writer.piece_with(Role::Cmdline, 0, 0, MAX_CMDLINE, |to| {
        let got = read_up_to(&format!("/proc/{tid}/cmdline"), to);
        let cut = got == to.len();
        let last = to.get(..got).is_some_and(|read| read.ends_with(b"\0"));
        let state = if cut { State::Cut } else { State::Whole };
        let got = got - usize::from(last);
        let hidden = to.get(..got).filter(|_| !wanted.secrets).and_then(secrets::command_line);
        match hidden {
            Some(shown) => put_over(to, &shown, state),
            None => (got, state),
        }
    });
    if wanted.places {
        capture_link(writer, Role::Cwd, 0, &format!("/proc/{tid}/cwd"));
    }
}

/// The name and command line of a process outside the trace.
pub(super) fn outsider(pid: Pid, show: bool) -> Option<(Vec<u8>, Vec<u8>)> {
    let comm = procfs::read(&format!("/proc/{pid}/comm")).ok()?;
    let mut cmdline = vec![0; MAX_CMDLINE];
    let got = read_up_to(&format!("/proc/{pid}/cmdline"), &mut cmdline);
    cmdline.truncate(got);
    if cmdline.last() == Some(&0) {
        cmdline.pop();
    }
    let hidden = if show { None } else { secrets::command_line(&cmdline) };
    let cmdline = hidden.unwrap_or(cmdline);
    Some((comm.strip_suffix(b"\n").unwrap_or(&comm).to_vec(), cmdline))
}

/// Adds what the new descriptor of a successful call refers to: what was opened, not what was asked for.
pub(super) fn capture_opened(writer: &mut Writer<'_>, task: Task, call: &Call, result: i64, detail: bool) {
    let fd = u32::try_from(result).ok().filter(|_| !failed(result));
    if let Some(fd) = fd.filter(|_| call.row.is_some_and(|row| result_kind(row, &call.args) == Ret::Fd)) {
        capture_descriptor(writer, Role::Opened, task, fd, detail);
    }
}

/// Whether a call opens a file that it does not name.
pub(super) fn opens_unnamed(call: &Call) -> bool {
    call.row.is_some_and(|row| row.name == "open_by_handle_at")
}

/// Adds the own end of the socket of a connection that was made: the kernel chose it, and the call does not say.
pub(super) fn capture_local(writer: &mut Writer<'_>, task: Task, call: &Call, result: i64) {
    const EINPROGRESS: i64 = -115;
    let fd = match call.row.map(|row| row.name) {
        Some("connect") if result == 0 || result == EINPROGRESS => {
            call.args.first().copied().unwrap_or(0) & 0xffff_ffff
        }
        Some("accept" | "accept4") if result >= 0 => result.cast_unsigned(),
        _ => return,
    };
    let socket = i32::try_from(fd).ok().and_then(|fd| Shared::of(task.pid, fd));
    if let Some(address) = socket.and_then(|socket| socket.local()) {
        writer.piece(Role::Local, 0, fd, State::Whole, &address);
    }
}

/// Whether the exit of a call needs the open files listed again: it may have changed them in more ways than its result
/// and close(2) tell.
pub(super) fn may_change_fds(call: &Call) -> bool {
    const MANY: [&str; 20] = [
        "bpf",
        "clone",
        "clone3",
        "close_range",
        "execve",
        "execveat",
        "fcntl",
        "fcntl64",
        "io_uring_enter",
        "io_uring_register",
        "ioctl",
        "pipe",
        "pipe2",
        "recvmmsg",
        "recvmmsg_time64",
        "recvmsg",
        "seccomp",
        "socketcall",
        "socketpair",
        "unshare",
    ];
    call.row.is_none_or(|row| MANY.contains(&row.name))
}

/// Adds the open files, in order of their numbers; what the limit leaves out is a last piece marked cut. Of a task that is
/// to become the command, `launched`, they are those that the command will have: the others are our own.
pub(super) fn capture_fds(writer: &mut Writer<'_>, fds: &mut Fds, tid: Pid, launched: bool) {
    writer.add_flags(flag::LISTED);
    let mut count = 0;
    fds.list(tid, |number, target| {
        if launched && closes_on_exec(tid, number) {
            return true;
        }
        count += 1;
        let (state, target) = if count > MAX_FDS { (State::Cut, &[][..]) } else { (State::Whole, target) };
        writer.piece(Role::Fd, 0, number, state, target);
        count <= MAX_FDS
    });
}
