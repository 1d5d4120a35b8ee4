//! Parameters that need more than a word or one piece of memory: vectors, lists of descriptors, structures.

use super::call::{Call, int, number};
use super::flags;
use super::param::{MAX_DATA, put};

/// The most buffers of one vector that are looked at.
const MOST: usize = 128;

/// Where a call's vector of buffers lies and how long it is: argument, address, count.
fn vector_place(call: &Call<'_>) -> Option<(usize, u64, u64)> {
    if let Some(at) = call.index("msg") {
        // struct msghdr: name, namelen (padded to a word), iov, iovlen.
        let (header, word) = (call.memory("msg")?, call.pointer());
        return Some((at, number(header, 2 * word, word)?, number(header, 3 * word, word)?));
    }
    let (vector, count) = if call.index("lvec").is_some() { ("lvec", "liovcnt") } else { ("vec", "vlen") };
    let at = call.index(vector)?;
    Some((at, call.word_at(at), call.word(count)))
}

/// The address and length of each buffer.
fn buffers<'a>(call: &Call<'a>) -> impl Iterator<Item = (usize, u64, u64)> + use<'a> {
    let (word, place) = (call.pointer(), vector_place(call));
    let table = place.and_then(|(at, address, _)| call.read(at, address)).unwrap_or_default();
    let (at, count) = place.map_or((0, 0), |(at, _, count)| (at, usize::try_from(count).unwrap_or(MOST)));
    let of = move |entry: &[u8]| Some((at, number(entry, 0, word)?, number(entry, word, word)?));
    table.chunks_exact(2 * word).take(count.min(MOST)).filter_map(of)
}

/// The bytes of all buffers, one after another.
pub(super) fn vector(call: &Call<'_>, out: &mut Vec<u8>) {
    let mut left = if call.is_exit() { usize::try_from(call.returned()).unwrap_or(0) } else { MAX_DATA };
    left = left.min(MAX_DATA);
    for (at, address, len) in buffers(call) {
        let bytes = call.read(at, address).unwrap_or_default();
        let take = usize::try_from(len).unwrap_or(left).min(left);
        let bytes = bytes.get(..take).unwrap_or(bytes);
        out.extend_from_slice(bytes);
        left -= bytes.len();
        // What follows a buffer that was cut is not its continuation.
        if u64::try_from(bytes.len()).unwrap_or(0) < len {
            return;
        }
    }
}

/// How many bytes all buffers hold.
pub(super) fn vector_size(call: &Call<'_>, out: &mut Vec<u8>) {
    let sum = buffers(call).fold(0u64, |sum, (_, _, len)| sum.saturating_add(len));
    put(sum.min(u64::from(u32::MAX)), 4, out);
}

/// How much was received; nothing before that.
pub(super) fn received(call: &Call<'_>, out: &mut Vec<u8>) {
    let size = if call.succeeded() { call.returned().cast_unsigned() } else { 0 };
    if call.is_exit() {
        put(size, 4, out);
    }
}

/// The place in a file that a call names.
pub(super) fn position(call: &Call<'_>, out: &mut Vec<u8>) {
    let whole = ["pos", "pos_l"].into_iter().find(|name| call.index(name).is_some());
    let halves = || call.halves("pos_lo", "pos_hi").or_else(|| call.halves("offset_lo", "offset_hi"));
    put(whole.map(|name| call.word(name)).or_else(halves).unwrap_or(0), 8, out);
}

/// poll(2): a count, then descriptor and events of each; at exit those that came about.
pub(super) fn poll_fds(call: &Call<'_>, out: &mut Vec<u8>) {
    let table = call.memory("ufds").unwrap_or_default();
    let wanted = usize::try_from(call.word("nfds")).unwrap_or(MOST).min(MOST);
    let at = if call.is_exit() { 6 } else { 4 };
    let entry = |entry: &[u8]| Some((number(entry, 0, 4)?, number(entry, at, 2)?));
    let entries = || table.chunks_exact(8).take(wanted).filter_map(entry);
    let told = || entries().filter(|(_, events)| !call.is_exit() || *events != 0);
    put(u64::try_from(told().count()).unwrap_or(0), 2, out);
    for (fd, events) in told() {
        put(int(fd).cast_unsigned(), 8, out);
        put(flags::poll(events), 2, out);
    }
}

/// The low 32 signals of a mask.
pub(super) fn sigmask(call: &Call<'_>, out: &mut Vec<u8>) {
    let mask = call.memory("sigmask").or_else(|| call.memory("user_mask"));
    put(mask.and_then(|mask| number(mask, 0, 4)).unwrap_or(0), 4, out);
}

/// A socket option: a sort, then a value of that sort.
pub(super) fn sockopt(call: &Call<'_>, out: &mut Vec<u8>) {
    const UNKNOWN: u8 = 0;
    const UINT32: u8 = 2;
    let value = call.memory("optval").unwrap_or_default();
    let number = call.int("level") == 1 && value.len() == 4;
    out.push(if number { UINT32 } else { UNKNOWN });
    out.extend(value.iter().take(MAX_DATA));
}

/// The length that getsockopt(2) tells.
pub(super) fn optlen(call: &Call<'_>, out: &mut Vec<u8>) {
    put(call.memory("optlen").and_then(|len| number(len, 0, 4)).unwrap_or(0), 4, out);
}

fn ptrace_word(call: &Call<'_>, name: &str, out: &mut Vec<u8>) {
    // The sort "number".
    out.push(0);
    put(call.word(name), 8, out);
}

/// The address of ptrace(2).
pub(super) fn ptrace_addr(call: &Call<'_>, out: &mut Vec<u8>) {
    ptrace_word(call, "addr", out);
}

/// The data of ptrace(2).
pub(super) fn ptrace_data(call: &Call<'_>, out: &mut Vec<u8>) {
    ptrace_word(call, "data", out);
}

fn offset(call: &Call<'_>, name: &str, out: &mut Vec<u8>) {
    let bytes = call.memory(name).unwrap_or_default();
    put(number(bytes, 0, bytes.len().min(8)).unwrap_or(0), 8, out);
}

/// The place that sendfile(2) reads from.
pub(super) fn sendfile_offset(call: &Call<'_>, out: &mut Vec<u8>) {
    offset(call, "offset", out);
}

/// The place that copy_file_range(2) reads from.
pub(super) fn offset_in(call: &Call<'_>, out: &mut Vec<u8>) {
    offset(call, "off_in", out);
}

/// The place that copy_file_range(2) writes to.
pub(super) fn offset_out(call: &Call<'_>, out: &mut Vec<u8>) {
    offset(call, "off_out", out);
}

/// The quota format that `Q_QUOTAON` names; libscap's "not used" for the others.
pub(super) fn quota_format(call: &Call<'_>, out: &mut Vec<u8>) {
    let on = flags::quota_cmd(call.word("cmd")) == 1;
    let format = match call.word("id") {
        1 if on => 1 << 1,
        2 if on => 1 << 2,
        4 if on => 1 << 3,
        _ => 1,
    };
    put(format, 1, out);
}

/// The quota format that a call told: smtrace does not read it.
pub(super) fn quota_unused(_: &Call<'_>, out: &mut Vec<u8>) {
    put(1, 1, out);
}

fn how(call: &Call<'_>, at: usize) -> u64 {
    call.memory("how").and_then(|how| number(how, at, 8)).unwrap_or(0)
}

/// openat2(2): the flags in a structure open_how.
pub(super) fn how_flags(call: &Call<'_>, out: &mut Vec<u8>) {
    put(flags::open(how(call, 0)), 4, out);
}

/// As [`how_flags`]: the mode.
pub(super) fn how_mode(call: &Call<'_>, out: &mut Vec<u8>) {
    put(how(call, 8), 4, out);
}

/// As [`how_flags`]: how the path is resolved.
pub(super) fn how_resolve(call: &Call<'_>, out: &mut Vec<u8>) {
    put(flags::resolve(how(call, 16)), 4, out);
}

/// io_uring_setup(2): the flags in a structure io_uring_params.
pub(super) fn ring_flags(call: &Call<'_>, out: &mut Vec<u8>) {
    let word = call.memory("params").and_then(|params| number(params, 8, 4)).unwrap_or(0);
    put(flags::io_uring_setup(word), 4, out);
}

/// prctl(2): the number, for the options whose second argument is one.
pub(super) fn prctl_number(call: &Call<'_>, out: &mut Vec<u8>) {
    // PR_SET_NAME and PR_GET_NAME take an address.
    let named = matches!(call.word("option"), 15 | 16);
    put(if named { 0 } else { call.word("arg2") }, 8, out);
}

/// prctl(2): the text, for the options whose second argument is one.
pub(super) fn prctl_text(call: &Call<'_>, out: &mut Vec<u8>) {
    if call.word("option") == 15
        && let Some(name) = call.memory("arg2")
    {
        super::param::put_text(name, out);
    }
}
