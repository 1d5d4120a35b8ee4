//! Who a stopped task is, from its /proc/TID/status: one read for its process, parent, users and name.
//!
//! Only ever asked of a task that is stopped, or that was there before us: a running one may be gone.

use crate::engine::Identity;
use crate::model::Pid;
use crate::sys::procfs;

fn status(tid: Pid) -> Option<Vec<u8>> {
    procfs::read(&format!("/proc/{tid}/status")).ok()
}

/// Reads the identity of `tid`; `None` when it is gone.
pub(super) fn read(tid: Pid) -> Option<Identity> {
    parse(&status(tid)?)
}

/// The task that traces `pid`, 0 when none does; `None` when that cannot be told: it is hidden, or gone, or ended and its tracer
/// knows that already, while its parent does not.
#[must_use]
pub(crate) fn tracer(pid: Pid) -> Option<Pid> {
    let bytes = status(pid)?;
    let ended = field(&bytes, b"State:")?.first().is_none_or(|state| matches!(state, b'Z' | b'X'));
    number(&bytes, b"TracerPid:", 0).filter(|_| !ended)
}

/// The task that traces `pid`, if one does.
#[must_use]
pub(super) fn tracer_of(pid: Pid) -> Option<Pid> {
    tracer(pid).filter(|tracer| *tracer != 0)
}

/// The letter of the state of `tid` (proc_pid_stat(5)): `Z` ended, `D` in a sleep that no signal ends.
pub(super) fn state(tid: Pid) -> Option<u8> {
    let bytes = status(tid)?;
    field(&bytes, b"State:")?.first().copied()
}

/// Whether `pid` is a thread of the kernel: it has no memory of its own, and no line that tells of it.
pub(super) fn is_kernels(pid: Pid) -> bool {
    status(pid).is_some_and(|bytes| field(&bytes, b"State:").is_some() && field(&bytes, b"VmSize:").is_none())
}

/// The number of `tid` in its own pid namespace, the innermost one (proc_pid_status(5), NSpid).
pub(super) fn inner_number(tid: Pid) -> Option<Pid> {
    let bytes = status(tid)?;
    std::str::from_utf8(field(&bytes, b"NSpid:")?).ok()?.split_ascii_whitespace().last()?.parse().ok()
}

/// Whether `signal` is caught by a handler of `tid`.
pub(super) fn catches(tid: Pid, signal: i32) -> bool {
    let Some(bytes) = status(tid) else { return true };
    mask(&bytes, b"SigCgt:").is_none_or(|mask| mask >> (signal - 1) & 1 == 1)
}

fn field<'a>(bytes: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    bytes.split(|b| *b == b'\n').find_map(|line| line.strip_prefix(key)).map(<[u8]>::trim_ascii)
}

/// Bits in base 16.
fn mask(bytes: &[u8], key: &[u8]) -> Option<u64> {
    u64::from_str_radix(std::str::from_utf8(field(bytes, key)?).ok()?, 16).ok()
}

fn number<T: std::str::FromStr>(bytes: &[u8], key: &[u8], column: usize) -> Option<T> {
    let text = std::str::from_utf8(field(bytes, key)?).ok()?;
    text.split_ascii_whitespace().nth(column)?.parse().ok()
}

fn parse(bytes: &[u8]) -> Option<Identity> {
    // proc_pid_status(5): "Uid, Gid: Real, effective, saved set, and filesystem UIDs (GIDs)."
    Some(Identity {
        ppid: number(bytes, b"PPid:", 0)?,
        pid: number(bytes, b"Tgid:", 0)?,
        uid: number(bytes, b"Uid:", 1)?,
        gid: number(bytes, b"Gid:", 1)?,
        creator: 0,
        comm: unescape(bytes.strip_prefix(b"Name:\t")?.split(|b| *b == b'\n').next()?),
        caps: [&b"CapInh:"[..], b"CapPrm:", b"CapEff:"].map(|key| mask(bytes, key).unwrap_or(0)),
    })
}

/// The kernel writes a newline of a name as `\n` and a backslash as `\\` there (fs/proc/array.c, proc_task_name).
fn unescape(name: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(name.len());
    let mut bytes = name.iter();
    while let Some(byte) = bytes.next() {
        match (byte, byte == &b'\\') {
            (_, true) => match bytes.next() {
                Some(b'n') => out.push(b'\n'),
                Some(other) => out.push(*other),
                None => out.push(b'\\'),
            },
            (byte, false) => out.push(*byte),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_of_a_hostile_name() {
        let text = b"Name:\tx\\nUid: 7\\\\y\nUmask:\t0022\nState:\tt\nTgid:\t12\nNgid:\t0\nPid:\t13\nPPid:\t4\n\
            Uid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nCapPrm:\t00000000a80425fb\n";
        let got = parse(text).unwrap();
        assert_eq!((got.pid, got.ppid, got.uid, got.gid), (12, 4, 2, 6));
        assert_eq!(got.comm, b"x\nUid: 7\\y");
        assert_eq!(got.caps, [0, 0xa804_25fb, 0]);
        assert!(parse(b"Name:\tx\n").is_none());
    }
}
