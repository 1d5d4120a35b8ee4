//! Structures of keyctl(2): deriving keys (keyctl_dh_compute(3)) and operations on public keys (keyctl_pkey_encrypt(3)), whose
//! parameters say how long their texts are.

use super::super::flat::put_field;
use super::super::tree::{Seen, Value};
use super::super::walk::{MAX_ITEMS, Walk, low32};
use crate::table::sets::{self, Set};
use crate::table::structs::{self, Struct};

/// KEYCTL_PKEY_VERIFY (linux/keyctl.h): it has two inputs and no output.
const PKEY_VERIFY: u32 = 28;

/// `struct keyctl_kdf_params`: the name of a hash, and so many bytes, which the kernel reads when there are any.
pub(super) fn keyctl_kdf_params(walk: &mut Walk<'_>, name: &'static str, address: u64, _: u64) {
    let layout = &structs::KEYCTL_KDF_PARAMS_LAYOUT;
    let word = walk.abi().word();
    let Some(seen) = walk.whole(name, address, layout.size(walk.abi())) else { return };
    let at = |walk: &Walk<'_>, index: usize| walk.word_at(&seen, index * word).unwrap_or(0);
    let (hash, other, len) = (at(walk, 0), at(walk, 1), walk.u32_at(&seen, word * 2).unwrap_or(0));
    walk.open_struct(name);
    walk.string("hashname", hash);
    match len {
        0 => walk.put("otherinfo", if other == 0 { Value::Null } else { Value::Address(other) }),
        _ => walk.buffer("otherinfo", other, usize::try_from(len).unwrap_or(usize::MAX)),
    }
    walk.put("otherinfolen", Value::Unsigned(u64::from(len)));
    put_spare(walk, layout, &seen);
    walk.close();
}

/// `struct keyctl_pkey_params`: the last length is of a second input or of the output.
pub(super) fn keyctl_pkey_params(walk: &mut Walk<'_>, name: &'static str, address: u64, _: u64) {
    let layout = &structs::KEYCTL_PKEY_PARAMS_LAYOUT;
    let Some(seen) = walk.whole(name, address, layout.size(walk.abi())) else { return };
    let number = |walk: &Walk<'_>, at| walk.u32_at(&seen, at).unwrap_or(0);
    let (key, input, last) = (number(walk, 0), number(walk, 4), number(walk, 8));
    walk.open_struct(name);
    walk.put("key_id", Value::Constant(&sets::KEY_SPECIAL, i64::from(key.cast_signed()).cast_unsigned()));
    walk.put("in_len", Value::Unsigned(u64::from(input)));
    let verifies = low32(walk.word(0)) == PKEY_VERIFY;
    walk.put(if verifies { "in2_len" } else { "out_len" }, Value::Unsigned(u64::from(last)));
    put_spare(walk, layout, &seen);
    walk.close();
}

/// What the kernel wants to be zero.
fn put_spare(walk: &mut Walk<'_>, layout: &'static Struct, seen: &Seen) {
    if let Some(spare) = layout.fields(walk.abi()).iter().find(|field| field.name == "__spare") {
        put_field(walk, spare, seen);
    }
}

/// The parameters that the call was given.
fn parameters(walk: &mut Walk<'_>) -> Seen {
    let (address, size) = (walk.word(1), structs::KEYCTL_PKEY_PARAMS_LAYOUT.size(walk.abi()));
    let seen = if walk.at_exit() { walk.before(1, address, size) } else { walk.read(address, size) };
    if seen.len() < size { Seen::nothing(address) } else { seen }
}

/// `KEYCTL_CAPABILITIES`: each byte has its own flags.
pub(super) fn keyctl_capabilities(walk: &mut Walk<'_>, name: &'static str, address: u64, len: u64) {
    const BYTES: [&Set; 2] = [&sets::KEYCTL_CAPS0, &sets::KEYCTL_CAPS1];
    let take = usize::try_from(len).unwrap_or(usize::MAX).min(MAX_ITEMS);
    let Some(seen) = walk.whole(name, address, take) else { return };
    walk.open_list(name);
    for at in 0..take {
        let byte = walk.number(&seen, at, 1).unwrap_or(0);
        walk.put("", BYTES.get(at).map_or(Value::Hex(byte), |set| Value::Flags(set, byte)));
    }
    walk.close();
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
