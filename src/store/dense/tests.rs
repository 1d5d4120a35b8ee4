//! The dense coding gives back the very bytes, and bears any bytes.

use super::{Packer, VERBATIM, expand};
use crate::model::Abi;
use crate::model::record::{Head, Kind, Record, Role, State, Writer, flag};
use proptest::prelude::*;

type PieceOf = (u8, u16, u64, u8, Vec<u8>);

fn kinds() -> impl Strategy<Value = Kind> {
    (1u8..=15).prop_map(|byte| Kind::from_byte(byte).unwrap())
}

/// Few values of each field, so that much is foretold, and some of all sizes.
fn heads() -> impl Strategy<Value = Head> {
    let abi = prop_oneof![Just(None), Just(Some(Abi::X86_64)), Just(Some(Abi::I386))];
    let near = prop_oneof![0u64..4, any::<u64>()];
    let pid = prop_oneof![1i32..4, any::<i32>()];
    let fields = (kinds(), abi, near, pid.clone(), pid, prop_oneof![0u32..3, any::<u32>()]);
    (fields, prop_oneof![Just(0u32), any::<u32>()], prop_oneof![Just(0i64), any::<i64>()]).prop_map(
        |((kind, abi, time, pid, tid, nr), flags, result)| Head { kind, abi, time, pid, tid, nr, flags, result },
    )
}

fn pieces() -> impl Strategy<Value = Vec<PieceOf>> {
    let text = prop_oneof![
        Just(b"/etc/passwd".to_vec()),
        Just(b"ab".to_vec()),
        Just(Vec::new()),
        prop::collection::vec(any::<u8>(), 0..40)
    ];
    let role = prop_oneof![Just(1u8), Just(20), Just(20), Just(21), any::<u8>()];
    let piece = (role, prop_oneof![0u16..3, any::<u16>()], prop_oneof![0u64..4, any::<u64>()], 0u8..4, text);
    prop_oneof![prop::collection::vec(piece.clone(), 0..6), prop::collection::vec(piece, 28..40)]
}

/// One record's bytes; `Writer` cannot write roles and states that it does not know, so they are put in after it.
fn record(head: &Head, args: &[u64], pieces: &[PieceOf]) -> Vec<u8> {
    let mut buffer = vec![0; 8192];
    let mut writer = Writer::new(&mut buffer, head, args);
    for (_, index, address, _, data) in pieces {
        writer.piece(Role::Text, *index, *address, State::Whole, data);
    }
    let len = writer.finish();
    buffer.truncate(len);
    let mut at = 40 + args.len() * 8;
    for (role, _, _, state, data) in pieces {
        (buffer[at + 12], buffer[at + 13]) = (*role, *state);
        at += 16 + data.len().next_multiple_of(8);
    }
    assert_eq!(Record::parse(&buffer).unwrap().1, len);
    buffer
}

fn records() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let args = prop::collection::vec(prop_oneof![0u64..3, any::<u64>()], 0..=6);
    let one = (heads(), args, pieces()).prop_map(|(head, args, pieces)| record(&head, &args, &pieces));
    prop::collection::vec(one, 0..24)
}

fn pack(records: &[Vec<u8>]) -> Packer {
    let mut packer = Packer::default();
    for bytes in records {
        packer.push(&Record::parse(bytes).unwrap().0);
    }
    packer
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_packed_expands_to_the_same_bytes(records in records()) {
        let packer = pack(&records);
        let mut plain = Vec::new();
        prop_assert!(expand(packer.packed(), packer.records(), packer.plain().len(), &mut plain).is_some());
        prop_assert!(plain == records.concat());
    }

    #[test]
    fn no_bytes_make_it_panic_or_give_more_than_was_said(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let mut plain = Vec::new();
        let _ = expand(&bytes, 40, 4096, &mut plain);
        prop_assert!(plain.len() <= 4096);
    }

    #[test]
    fn damage_is_told_or_harmless(records in records(), at in any::<prop::sample::Index>(), bit in 0u8..8) {
        let packer = pack(&records);
        let mut packed = packer.packed().to_vec();
        prop_assume!(!packed.is_empty());
        packed[at.index(packer.packed().len())] ^= 1u8 << bit;
        let mut plain = Vec::new();
        let _ = expand(&packed, packer.records(), packer.plain().len(), &mut plain);
        prop_assert!(plain.len() <= packer.plain().len());
        let mut left = &plain[..];
        while let Ok((_, len)) = Record::parse(left) {
            left = &left[len..];
        }
    }
}

fn call(kind: Kind, time: u64, result: i64) -> Head {
    Head { kind, abi: Some(Abi::X86_64), time, pid: 7, tid: 7, nr: 257, flags: 0, result }
}

#[test]
fn a_repeated_call_is_short() {
    let fds = |n: u64| (0..n).map(|fd| (Role::Fd as u8, 0, fd, 0, b"/dev/null".to_vec())).collect::<Vec<_>>();
    let args = [0xffff_ff9c, 0x7ffe_0000_1000, 0x8_0000, 0];
    let path = (Role::Arg1 as u8, 0, args[1], 0, b"/usr/lib/x86_64-linux-gnu/libc.so.6".to_vec());
    let opened = (Role::Opened as u8, 0, 3, 0, path.4.clone());
    let mut enter = vec![path];
    enter.extend(fds(12));
    let mut records = Vec::new();
    for i in 0..10u64 {
        records.push(record(&Head { flags: flag::LISTED, ..call(Kind::Enter, i * 20_000, 0) }, &args, &enter));
        records.push(record(&call(Kind::Exit, i * 20_000 + 9000, 3), &args, std::slice::from_ref(&opened)));
    }
    let (two, all) = (pack(&records[..2]), pack(&records));
    assert!(two.packed().len() < 150, "{}", two.packed().len());
    assert!((all.packed().len() - two.packed().len()) / 9 < 24, "{}", all.packed().len());
}

#[test]
fn a_kind_of_a_newer_writer_and_dirty_padding_are_kept() {
    let mut bytes = record(&call(Kind::Enter, 1, 0), &[1], &[(1, 0, 1, 0, b"abc".to_vec())]);
    let last = bytes.len() - 1;
    bytes[last] = 0xaa;
    let packer = pack(std::slice::from_ref(&bytes));
    assert_eq!(packer.packed()[0], VERBATIM);
    let mut plain = Vec::new();
    expand(packer.packed(), 1, packer.plain().len(), &mut plain).unwrap();
    assert_eq!(plain, bytes);
}
