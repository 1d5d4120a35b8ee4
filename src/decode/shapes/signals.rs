//! Sets of signals, signal actions and what a signal tells (sigaction(2), sigsetops(3), asm-generic/siginfo.h).

use super::super::tree::{Seen, Value};
use super::super::walk::Walk;
use crate::model::Abi;
use crate::table::sets::{self, Set};

/// The kernel's `sigset_t`: 64 bits on every ABI (_NSIG).
const SET: usize = 8;

/// A set of signals of the kernel's size; the calls say the size in their last argument.
pub(super) fn sigset(walk: &mut Walk<'_>, name: &'static str, address: u64, _: u64) {
    let args = walk.call.row.args(walk.abi());
    let size = args
        .iter()
        .position(|arg| matches!(arg.name, "sigsetsize" | "sizemask" | "argsz"))
        .map_or(SET as u64, |at| walk.word(at));
    // rt_sigpending(2) gives as much of a set as is asked for.
    if walk.call.row.name == "rt_sigpending" && (1..=SET as u64).contains(&size) {
        return put_set(walk, name, address, usize::try_from(size).unwrap_or(SET));
    }
    if size != SET as u64 {
        return walk.put(name, Value::Address(address));
    }
    put_set(walk, name, address, SET);
}

/// The first `sigset_t`: one word.
pub(super) fn old_sigset(walk: &mut Walk<'_>, name: &'static str, address: u64, _: u64) {
    let word = walk.abi().word();
    put_set(walk, name, address, word);
}

fn put_set(walk: &mut Walk<'_>, name: &'static str, address: u64, size: usize) {
    let Some(seen) = walk.whole(name, address, size) else { return };
    let bits = walk.number(&seen, 0, size).unwrap_or(0);
    walk.put(name, Value::Signals(bits));
}

/// pselect6(2): the address of a set and its size.
pub(super) fn sigset_argpack(walk: &mut Walk<'_>, name: &'static str, address: u64, _: u64) {
    let word = walk.abi().word();
    let Some(seen) = walk.whole(name, address, word * 2) else { return };
    let (set, size) = (walk.word_at(&seen, 0).unwrap_or(0), walk.word_at(&seen, word).unwrap_or(0));
    walk.open_struct(name);
    match (set, size) {
        (0, _) => walk.put("sigmask", Value::Null),
        (_, 8) => put_set(walk, "sigmask", set, SET),
        _ => walk.put("sigmask", Value::Address(set)),
    }
    walk.put("sigsetsize", Value::Unsigned(size));
    walk.close();
}

/// `struct sigaction` as the kernel has it (asm/signal.h): handler, flags, restorer, mask.
pub(super) fn sigaction(walk: &mut Walk<'_>, name: &'static str, address: u64, _: u64) {
    let word = walk.abi().word();
    let restorer = matches!(walk.abi(), Abi::X86_64 | Abi::I386 | Abi::X32);
    let words = if restorer { 3 } else { 2 };
    let Some(seen) = walk.whole(name, address, word * words + SET) else { return };
    let mask = walk.u64_at(&seen, word * words).unwrap_or(0);
    put_action(walk, name, &seen, [0, 1, if restorer { 2 } else { usize::MAX }], mask);
}

/// i386's first `struct sigaction`: handler, mask of one word, flags, restorer.
pub(super) fn old_sigaction(walk: &mut Walk<'_>, name: &'static str, address: u64, _: u64) {
    let word = walk.abi().word();
    let Some(seen) = walk.whole(name, address, word * 4) else { return };
    let mask = walk.word_at(&seen, word).unwrap_or(0);
    put_action(walk, name, &seen, [0, 2, 3], mask);
}

/// `SA_RESTORER` (asm/signal.h).
const SA_RESTORER: u64 = 0x0400_0000;

fn put_action(walk: &mut Walk<'_>, name: &'static str, seen: &Seen, words: [usize; 3], mask: u64) {
    let word = walk.abi().word();
    let [handler, flags, restorer] =
        words.map(|at| if at == usize::MAX { None } else { walk.word_at(seen, at * word) }.unwrap_or(0));
    walk.open_struct(name);
    match handler {
        0 | 1 => walk.put("sa_handler", Value::Constant(&sets::SA_HANDLER, handler)),
        _ => walk.put("sa_handler", Value::Address(handler)),
    }
    walk.put("sa_mask", Value::Signals(mask));
    walk.put("sa_flags", Value::Flags(&sets::SIGACTION, flags));
    if flags & SA_RESTORER != 0 {
        walk.put("sa_restorer", Value::Address(restorer));
    }
    walk.close();
}

/// `siginfo_t`.
pub(super) fn siginfo(walk: &mut Walk<'_>, name: &'static str, address: u64, _: u64) {
    let Some(seen) = walk.whole(name, address, 128) else { return };
    put_siginfo(walk, name, &seen);
}

fn codes(signal: i32, code: i32) -> &'static Set {
    // Codes of 0 and below, and SI_KERNEL, mean the same for every signal.
    if code <= 0 || code == 0x80 {
        return &sets::SI_CODE;
    }
    match signal {
        4 => &sets::SIGILL_CODE,
        5 => &sets::SIGTRAP_CODE,
        7 => &sets::SIGBUS_CODE,
        8 => &sets::SIGFPE_CODE,
        11 => &sets::SIGSEGV_CODE,
        17 => &sets::SIGCHLD_CODE,
        29 => &sets::SIGPOLL_CODE,
        31 => &sets::SIGSYS_CODE,
        _ => &sets::SI_CODE,
    }
}

/// What `seen`, a whole `siginfo_t`, tells.
pub(in super::super) fn put_siginfo(walk: &mut Walk<'_>, name: &'static str, seen: &Seen) {
    let word = walk.abi().word();
    let int = |walk: &Walk<'_>, at| walk.u32_at(seen, at).unwrap_or(0).cast_signed();
    let (signal, errno, code) = (int(walk, 0), int(walk, 4), int(walk, 8));
    // The union starts at a multiple of the pointer's size.
    let at = 12_usize.next_multiple_of(word);
    walk.open_struct(name);
    walk.put("si_signo", Value::Signal(signal));
    let (names, word) = (codes(signal, code), i64::from(code).cast_unsigned());
    let nameless = code > 0 && names.name_of(word, walk.abi()).is_none();
    walk.put("si_code", if nameless { Value::Hex(word) } else { Value::Constant(names, word) });
    if errno != 0 {
        walk.put("si_errno", Value::Errno(errno));
    }
    put_origin(walk, seen, at, signal, code);
    walk.close();
}

fn put_origin(walk: &mut Walk<'_>, seen: &Seen, at: usize, signal: i32, code: i32) {
    const SI_TIMER: i32 = -2;
    let word = walk.abi().word();
    let int = |walk: &Walk<'_>, at| walk.u32_at(seen, at).unwrap_or(0).cast_signed();
    let address = |walk: &Walk<'_>, at| walk.word_at(seen, at).unwrap_or(0);
    let put_sender = |walk: &mut Walk<'_>| {
        let (pid, uid) = (int(walk, at), int(walk, at + 4));
        walk.put("si_pid", Value::Pid(pid));
        walk.put("si_uid", Value::Uid(uid.cast_unsigned()));
    };
    let put_value = |walk: &mut Walk<'_>, at: usize| {
        let (number, pointer) = (int(walk, at), address(walk, at));
        if number != 0 || pointer != 0 {
            walk.put("si_int", Value::Signed(i64::from(number)));
            walk.put("si_ptr", if pointer == 0 { Value::Null } else { Value::Address(pointer) });
        }
    };
    match (signal, code) {
        (17, 1..) => {
            let status = int(walk, at + 8);
            put_sender(walk);
            match code {
                1 => walk.put("si_status", Value::Signed(i64::from(status))),
                _ => walk.put("si_status", Value::Signal(status)),
            }
            let times = (at + 12).next_multiple_of(word);
            let (user, system) = (address(walk, times), address(walk, times + word));
            walk.put("si_utime", Value::Unsigned(user));
            walk.put("si_stime", Value::Unsigned(system));
        }
        (4 | 5 | 7 | 8 | 11, 1..=0x7f) => {
            let fault = address(walk, at);
            walk.put("si_addr", if fault == 0 { Value::Null } else { Value::Address(fault) });
        }
        (29, 1..=0x7f) => {
            let (band, fd) = (address(walk, at), int(walk, at + word));
            walk.put("si_band", Value::Flags(&sets::POLL, band));
            walk.put("si_fd", Value::Fd(fd));
        }
        (31, 1..=0x7f) => {
            let (caller, number, arch) = (address(walk, at), int(walk, at + word), int(walk, at + word + 4));
            walk.put("si_call_addr", if caller == 0 { Value::Null } else { Value::Address(caller) });
            walk.put("si_syscall", Value::Signed(i64::from(number)));
            walk.put("si_arch", Value::Constant(&sets::AUDIT_ARCH, u64::from(arch.cast_unsigned())));
        }
        (_, SI_TIMER) => {
            let (id, overrun) = (int(walk, at), int(walk, at + 4));
            walk.put("si_timerid", Value::Hex(u64::from(id.cast_unsigned())));
            walk.put("si_overrun", Value::Signed(i64::from(overrun)));
            put_value(walk, at + 8);
        }
        // SI_KERNEL tells nothing more.
        (_, 0x80) => {}
        _ => {
            put_sender(walk);
            // Those of kill(2) and tkill(2) carry no value.
            if !matches!(code, 0 | -6) {
                put_value(walk, at + 8);
            }
        }
    }
}
