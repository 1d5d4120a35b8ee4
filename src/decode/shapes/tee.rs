//! Calls into a trusted execution environment (linux/tee.h): a buffer with what the request is about, and parameters.

use super::super::flat::{named_word, put_named};
use super::super::tree::{Seen, Value};
use super::super::walk::{Walk, low32, walk_items};
use crate::table::sets;
use crate::table::structs::{self, Struct};

/// `TEE_MAX_ARG_SIZE`: no buffer is longer.
const MAX_ARGUMENT: u64 = 1024;
/// `struct tee_ioctl_param`.
const PARAMETER: u64 = 32;

/// A request with a buffer: its number, the head of the buffer, what the program fills in and what is answered.
struct Request {
    number: u32,
    head: &'static Struct,
    given: &'static [&'static str],
    answered: &'static [&'static str],
}

static REQUESTS: [Request; 4] = [
    Request {
        number: 2,
        head: &structs::TEE_OPEN_SESSION,
        given: &["cancel_id", "num_params"],
        answered: &["session", "ret", "ret_origin"],
    },
    Request {
        number: 3,
        head: &structs::TEE_INVOKE,
        given: &["func", "session", "cancel_id", "num_params"],
        answered: &["ret", "ret_origin"],
    },
    Request { number: 6, head: &structs::TEE_SUPPLICANT_RECEIVE, given: &["func", "num_params"], answered: &["func"] },
    Request { number: 7, head: &structs::TEE_SUPPLICANT_SEND, given: &["num_params"], answered: &["ret"] },
];

/// `struct tee_ioctl_buf_data`: the address and length of a buffer, which is looked at when its length is that of its head
/// and its parameters.
pub(super) fn tee_call(walk: &mut Walk<'_>, name: &'static str, address: u64, _: u64) {
    let layout = &structs::TEE_IOCTL_BUF_DATA;
    let Some(seen) = walk.whole(name, address, layout.size(walk.abi())) else { return };
    let (buffer, len) = (named_word(walk, layout, &seen, "buf_ptr"), named_word(walk, layout, &seen, "buf_len"));
    let number = low32(walk.word(1)) & 0xff;
    walk.open_struct(name);
    walk.put("buf_len", Value::Unsigned(len));
    match REQUESTS.iter().find(|request| request.number == number) {
        Some(request) => put_buffer(walk, request, buffer, len),
        None => walk.put("buf_ptr", Value::Address(buffer)),
    }
    walk.close();
}

fn put_buffer(walk: &mut Walk<'_>, request: &Request, buffer: u64, len: u64) {
    let head = request.head;
    let size = head.size(walk.abi());
    let fits = (size as u64..=MAX_ARGUMENT).contains(&len);
    let seen = if fits { walk.read(buffer, size) } else { Seen::nothing(buffer) };
    let count = named_word(walk, head, &seen, "num_params");
    // The answer can have another number of parameters in a buffer of the same length.
    let whole = walk.at_exit() || count.checked_mul(PARAMETER).is_some_and(|bytes| bytes + size as u64 == len);
    if seen.len() < size || !whole {
        return walk.put("buf_ptr", Value::Address(buffer));
    }
    walk.open_struct("buf_ptr");
    if walk.at_exit() {
        put_named(walk, head, &seen, request.answered);
    } else {
        if request.number == 2 {
            put_client(walk, &seen);
        }
        put_named(walk, head, &seen, request.given);
    }
    if count > 0 {
        let most = (len - size as u64) / PARAMETER;
        let parameters = buffer.wrapping_add(size as u64);
        walk_items(walk, "params", parameters, count.min(most), 32, |walk, item| put_parameter(walk, &item));
    }
    walk.close();
}

/// Which application is asked, and who asks: a group by its number, others by none or by a name of 16 bytes.
fn put_client(walk: &mut Walk<'_>, seen: &Seen) {
    let head = &structs::TEE_OPEN_SESSION;
    put_uuid(walk, "uuid", &seen.part(0, 16));
    put_named(walk, head, seen, &["clnt_login"]);
    match named_word(walk, head, seen, "clnt_login") {
        0 | 1 | 4 | 5 => {}
        2 | 6 => {
            let group = walk.u32_at(seen, 16).unwrap_or(0);
            walk.put("clnt_uuid", Value::Gid(group));
        }
        _ => {
            walk.open_list("clnt_uuid");
            for at in 16..32 {
                let byte = walk.number(seen, at, 1).unwrap_or(0);
                walk.put("", Value::Hex(byte));
            }
            walk.close();
        }
    }
}

/// The 16 bytes of a UUID in its usual form (RFC 9562).
pub(super) fn put_uuid(walk: &mut Walk<'_>, name: &'static str, seen: &Seen) {
    let bytes: [u8; 16] = walk.bytes(seen).try_into().unwrap_or_default();
    let [a, b, c, d, e] = [(0, 4), (4, 6), (6, 8), (8, 10), (10, 16)].map(|(from, to)| {
        bytes.get(from..to).unwrap_or(&[]).iter().fold(0u64, |word, byte| word << 8 | u64::from(*byte))
    });
    walk.put_words(name, format_args!("{a:08x}-{b:04x}-{c:04x}-{d:04x}-{e:012x}"));
}

/// A parameter: its type says whether it is three values or a part of shared memory.
fn put_parameter(walk: &mut Walk<'_>, item: &Seen) {
    let [attribute, a, b, c] = [0, 8, 16, 24].map(|at| walk.u64_at(item, at).unwrap_or(0));
    walk.open_struct("");
    walk.put("attr", Value::Flags(&sets::TEE_PARAMETER, attribute));
    match attribute {
        0 => {}
        5..=7 => {
            walk.put("shm_offs", Value::Hex(a));
            walk.put("size", Value::Hex(b));
            walk.put("shm_id", Value::Unsigned(c));
        }
        _ => {
            walk.put("a", Value::Hex(a));
            walk.put("b", Value::Hex(b));
            walk.put("c", Value::Hex(c));
        }
    }
    walk.close();
}

/// `struct tee_ioctl_version_data`.
pub(super) fn tee_version(walk: &mut Walk<'_>, name: &'static str, address: u64, _: u64) {
    const OPTEE: u64 = 1;
    let layout = &structs::TEE_VERSION_HEAD;
    let Some(seen) = walk.whole(name, address, layout.size(walk.abi())) else { return };
    let capabilities = named_word(walk, layout, &seen, "impl_caps");
    walk.open_struct(name);
    put_named(walk, layout, &seen, &["impl_id", "gen_caps"]);
    match named_word(walk, layout, &seen, "impl_id") {
        OPTEE => put_named(walk, layout, &seen, &["impl_caps"]),
        _ => walk.put("impl_caps", Value::Hex(capabilities)),
    }
    walk.close();
}
