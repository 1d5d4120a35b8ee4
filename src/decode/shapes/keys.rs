//! Structures of keyctl(2): deriving keys (keyctl_dh_compute(3)) and operations on public keys (keyctl_pkey_encrypt(3)), whose
//! parameters say how long their texts are.

use super::super::tree::{Seen, Value};
use super::super::walk::{Walk, low32};

/// KEYCTL_PKEY_VERIFY (linux/keyctl.h): it has two inputs and no output.
const PKEY_VERIFY: u32 = 28;

/// `struct keyctl_kdf_params`: the name of a hash, and so many bytes.
pub(super) fn keyctl_kdf_params(walk: &mut Walk<'_>, name: &'static str, address: u64, _: u64) {
    let word = walk.abi().word();
    let Some(seen) = walk.whole(name, address, word * 2 + 4) else { return };
    let at = |walk: &Walk<'_>, index: usize| walk.word_at(&seen, index * word).unwrap_or(0);
    let (hash, other, len) = (at(walk, 0), at(walk, 1), walk.u32_at(&seen, word * 2).unwrap_or(0));
    walk.open_struct(name);
    walk.string("hashname", hash);
    walk.buffer("otherinfo", other, usize::try_from(len).unwrap_or(usize::MAX));
    walk.put("otherinfolen", Value::Unsigned(u64::from(len)));
    walk.close();
}

/// `struct keyctl_pkey_params`: the last length is of a second input or of the output.
pub(super) fn keyctl_pkey_params(walk: &mut Walk<'_>, name: &'static str, address: u64, _: u64) {
    let Some(seen) = walk.whole(name, address, 12) else { return };
    let number = |walk: &Walk<'_>, at| walk.u32_at(&seen, at).unwrap_or(0);
    let (key, input, last) = (number(walk, 0), number(walk, 4), number(walk, 8));
    walk.open_struct(name);
    walk.put("key_id", Value::Signed(i64::from(key.cast_signed())));
    walk.put("in_len", Value::Unsigned(u64::from(input)));
    let verifies = low32(walk.word(0)) == PKEY_VERIFY;
    walk.put(if verifies { "in2_len" } else { "out_len" }, Value::Unsigned(u64::from(last)));
    walk.close();
}

/// The parameters that the call was given.
fn parameters(walk: &mut Walk<'_>) -> Seen {
    let address = walk.word(1);
    if walk.at_exit() { walk.before(1, address, 12) } else { walk.read(address, 12) }
}

/// The data that an operation takes: `in_len` says how much.
pub(super) fn keyctl_input(walk: &mut Walk<'_>, name: &'static str, address: u64, _: u64) {
    let parameters = parameters(walk);
    put_bytes(walk, name, address, &parameters, 4);
}

/// The second input of a verification (`in2_len`), or what the operation gave: as much as its result says.
pub(super) fn keyctl_input2(walk: &mut Walk<'_>, name: &'static str, address: u64, _: u64) {
    if let Some(given) = walk.success() {
        return walk.buffer(name, address, usize::try_from(given).unwrap_or(0));
    }
    let parameters = parameters(walk);
    put_bytes(walk, name, address, &parameters, 8);
}

fn put_bytes(walk: &mut Walk<'_>, name: &'static str, address: u64, parameters: &Seen, at: usize) {
    match walk.u32_at(parameters, at) {
        Some(len) => walk.buffer(name, address, usize::try_from(len).unwrap_or(usize::MAX)),
        None => walk.put(name, Value::Address(address)),
    }
}
