//! What the built program says of single calls, by running it as the kernel does (net/core/filter.c, classic BPF).

use super::{INSTRUCTION, build, cookie};
use crate::model::{Abi, CallSet};
use crate::table;

const ALLOW: u32 = 0x7fff_0000;
const ARCHES: [(Abi, u32); 2] = [(Abi::X86_64, 0xc000_003e), (Abi::I386, 0x4000_0003)];

fn trace() -> u32 {
    0x7ff0_0000 | u32::from(cookie())
}

/// The action for a call, by the few instructions that filters are made of.
fn action(program: &[u8], arch: u32, nr: u32, args: [u64; 6]) -> u32 {
    let mut data = [nr.to_ne_bytes(), arch.to_ne_bytes(), [0; 4], [0; 4]].concat();
    args.iter().for_each(|arg| data.extend(arg.to_ne_bytes()));
    let (mut at, mut a) = (0, 0_u32);
    loop {
        let bytes = &program[at * INSTRUCTION..][..INSTRUCTION];
        let code = u16::from_ne_bytes([bytes[0], bytes[1]]);
        let k = u32::from_ne_bytes(bytes[4..].try_into().unwrap());
        let jump = |taken: bool| usize::from(bytes[if taken { 2 } else { 3 }]);
        at += 1;
        match code {
            0x20 => a = u32::from_ne_bytes(data[k as usize..][..4].try_into().unwrap()),
            0x54 => a &= k,
            0x05 => at += k as usize,
            0x15 => at += jump(a == k),
            0x25 => at += jump(a > k),
            0x35 => at += jump(a >= k),
            0x45 => at += jump(a & k != 0),
            0x06 => return k,
            other => panic!("instruction {other:#x}"),
        }
    }
}

fn program(names: &[&str]) -> Vec<u8> {
    let mut calls = CallSet::default();
    names.iter().for_each(|name| calls.insert(table::by_name(name).unwrap().index()));
    build(&calls, 1).unwrap()
}

/// The i386 calls among these, by name and first argument, that stop.
fn stopping(enabled: &[&str], made: &[(&'static str, u64)]) -> Vec<(&'static str, u64)> {
    let program = program(enabled);
    let stops = |(name, first): &&(&'static str, u64)| {
        let nr = table::by_name(name).unwrap().number(Abi::I386).unwrap();
        let action = action(&program, 0x4000_0003, nr, [*first, 1, 2, 3, 4, 5]);
        assert!([trace(), ALLOW].contains(&action), "{action:#x}");
        action == trace()
    };
    made.iter().filter(stops).copied().collect()
}

#[test]
fn an_enabled_call_stops_and_no_other() {
    let program = program(&["openat", "close"]);
    for (abi, arch) in ARCHES {
        for row in table::rows().iter().filter(|row| super::duties(1).iter().all(|duty| duty.call != row.name)) {
            let Some(nr) = row.number(abi) else { continue };
            let stops = action(&program, arch, nr, [0; 6]) == trace();
            assert_eq!(stops, matches!(row.name, "openat" | "close"), "{}", row.name);
        }
    }
}

#[test]
fn of_a_multiplexer_only_the_enabled_inner_call_stops() {
    let socket = (0..30).map(|sub| ("socketcall", sub)).chain([("connect", 3), ("listen", 3)]).collect::<Vec<_>>();
    assert_eq!(stopping(&["connect"], &socket), [("socketcall", 3), ("connect", 3)]);
    assert_eq!(stopping(&["send", "recvmmsg"], &socket), [("socketcall", 9), ("socketcall", 19)]);
    assert_eq!(stopping(&["openat"], &socket), []);
    // Bits above the 32 that the kernel takes do not hide it.
    assert_eq!(stopping(&["connect"], &[("socketcall", 0xffff_ffff_0000_0003)]).len(), 1);
    // A version is no other call.
    let ipc = (0..30).flat_map(|sub| [("ipc", sub), ("ipc", sub | 0x1_0000), ("ipc", sub | 0xffff_0000)]);
    let ipc: Vec<_> = ipc.collect();
    for (enabled, subs) in [(&["msgrcv"][..], &[12][..]), (&["semop", "shmat", "semtimedop"], &[1, 4, 21])] {
        let found: Vec<u64> = stopping(enabled, &ipc).iter().map(|(_, first)| *first).collect();
        let expected: Vec<u64> = subs.iter().flat_map(|sub| [*sub, sub | 0x1_0000, sub | 0xffff_0000]).collect();
        assert_eq!(found, expected, "{enabled:?}");
    }
}

#[test]
fn every_call_of_an_enabled_multiplexer_stops() {
    for name in ["socketcall", "ipc"] {
        let made = [(name, 0), (name, 3), (name, 29), (name, 0x5_0015)];
        assert_eq!(stopping(&[name], &made), made);
        assert_eq!(stopping(&[name, "connect", "shmat"], &made), made);
    }
}

#[test]
fn each_inner_call_stops_when_it_is_enabled() {
    for multiplexer in table::through::multiplexers() {
        for inner in multiplexer.calls {
            let made = [(multiplexer.row().name, u64::from(inner.sub))];
            assert_eq!(stopping(&[inner.row().name], &made), made, "{}", inner.row().name);
        }
    }
}
