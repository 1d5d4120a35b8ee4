//! The writer against the schema of libscap, as the crate `falco_event_schema` has it.

#![allow(clippy::cast_possible_truncation)]

use super::*;
use crate::model::Abi;
use crate::model::record::{Head, State, Writer};
use crate::table::{self, Row};
use falco_event::events::{Event, RawEvent};
use falco_event_schema::events::AnyEvent;

/// A record, as bytes.
fn record(head: &Head, args: &[u64], pieces: &[(Role, u64, &[u8])]) -> Vec<u8> {
    let mut buffer = vec![0; 64 * 1024];
    let mut writer = Writer::new(&mut buffer, head, args);
    for (role, address, data) in pieces {
        writer.piece(*role, 0, *address, State::Whole, data);
    }
    let len = writer.finish();
    buffer.truncate(len);
    buffer
}

fn head(kind: Kind, tid: Pid) -> Head {
    Head { kind, abi: None, time: 1_700_000_000_000_000_000, pid: tid, tid, nr: 0, flags: 0, result: 0 }
}

fn call_head(kind: Kind, tid: Pid, name: &str) -> Head {
    let nr = table::by_name(name).unwrap().number(Abi::X86_64).unwrap();
    Head { abi: Some(Abi::X86_64), nr, ..head(kind, tid) }
}

/// What the converter makes of records.
fn convert(records: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut converter = Converter::live();
    let mut events = Vec::new();
    for bytes in records {
        converter.feed(&Record::parse(bytes).unwrap().0, &mut |event| events.push(event.to_vec()));
    }
    events
}

/// The event as the schema's own decoder sees it: every parameter must have the size and the form that the schema says.
fn strictly(bytes: &[u8]) -> AnyEvent<'_> {
    let raw = RawEvent::from(bytes).unwrap();
    assert_eq!(raw.len as usize, bytes.len());
    let event: Event<AnyEvent<'_>> = Event::try_from(&raw).unwrap_or_else(|error| panic!("{error:?}: {raw:?}"));
    event.params
}

/// Enter and exit of a call whose arguments all point to something.
fn both(row: &Row, abi: Abi, result: i64, memory: &[u8]) -> Vec<Vec<u8>> {
    let Some(nr) = row.number(abi) else { return Vec::new() };
    let nr = if abi == Abi::X32 { nr | 0x4000_0000 } else { nr };
    let args: Vec<u64> = (1..=row.args(abi).len() as u64).map(|i| i * 0x1000).collect();
    let pieces: Vec<_> = (0..args.len()).map(|i| (Role::arg(i).unwrap(), args[i], memory)).collect();
    let enter = Head { abi: Some(abi), nr, ..head(Kind::Enter, 7) };
    let exit = Head { abi: Some(abi), nr, result, ..head(Kind::Exit, 7) };
    vec![record(&enter, &args, &pieces), record(&exit, &args, &pieces)]
}

#[test]
fn every_call_is_what_the_schema_says_whatever_it_points_to() {
    let v6 = [10, 0, 0x11, 0x5c, 0, 0, 0, 0, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0];
    let memories: [&[u8]; 6] = [b"", b"\x01", b"/a/path\0more", &[0xff; 300], &v6, b"\x02\0\x11\x5c\xc6\x33\x64\x07"];
    let mut count = 0;
    for row in table::rows() {
        for abi in [Abi::X86_64, Abi::I386, Abi::X32] {
            for result in [0, 3, -2, i64::MAX] {
                for memory in memories {
                    for event in convert(&both(row, abi, result, memory)) {
                        strictly(&event);
                        count += 1;
                    }
                }
            }
        }
    }
    assert!(count > 20_000, "the truth must not be empty: {count}");
}

/// An event of this number without any parameter, as the schema's decoder shows it: sign, name, fields.
fn shown(number: u16) -> Option<(String, usize)> {
    let mut raw = [0; 26];
    raw[16..20].copy_from_slice(&26u32.to_le_bytes());
    raw[20..22].copy_from_slice(&number.to_le_bytes());
    let raw = RawEvent::from(&raw).unwrap();
    let event: Event<AnyEvent<'_>> = Event::try_from(&raw).ok()?;
    let text = format!("{:?}", event.params);
    let mut words = text.split(' ');
    let name = format!("{} {}", words.next()?, words.next()?);
    Some((name, words.count()))
}

#[test]
fn every_event_of_the_schema_is_written_with_its_number_and_all_its_parameters() {
    use std::collections::BTreeMap;
    // An event that was replaced has a successor of the same name and a higher number.
    let mut current: BTreeMap<String, u16> = BTreeMap::new();
    for number in (1..1000).step_by(2) {
        if let Some((name, _)) = shown(number) {
            current.insert(name, number);
        }
    }
    let mut written: BTreeMap<String, u16> = BTreeMap::new();
    for event in super::table::events() {
        for (number, params, sign) in [(event.number, event.enter, '>'), (event.number + 1, event.exit, '<')] {
            let (name, fields) = shown(number).unwrap();
            assert_eq!(name, format!("{sign} {}", event.name));
            assert!(params.len() >= fields, "{name} has {} of {fields} parameters", params.len());
        }
        written.insert(format!("< {}", event.name), event.number + 1);
    }
    for (name, number) in [("clone", 222), ("fork", 224), ("vfork", 226), ("clone3", 334), ("execve", 292)] {
        written.insert(format!("< {name}"), number + 1);
    }
    for (name, number) in [("execveat", 330), ("syscall", 0)] {
        written.insert(format!("< {name}"), number + 1);
    }
    // Not of system calls, or of nothing since long.
    for name in ["NA", "drop", "tracer", "scapevent"] {
        current.remove(&format!("< {name}"));
    }
    // Here the old one has the higher number.
    current.extend([("< accept".to_owned(), 247), ("< select".to_owned(), 83)]);
    assert_eq!(written, current);
    assert!(written.len() > 155, "the truth must not be empty: {}", written.len());
}

#[test]
fn a_parameter_names_an_argument_of_its_calls() {
    use super::param::Param;
    let names = |param: &Param| match *param {
        Param::Int(name) | Param::I64(name) | Param::U64(name) | Param::U32(name) | Param::U16(name) => Some(name),
        Param::U8(name) | Param::Flag32(_, name) | Param::Flag16(_, name) | Param::Flag8(_, name) => Some(name),
        Param::Text(name) | Param::Data(name) | Param::Addr(name) | Param::Time(name) => Some(name),
        Param::Limit(name, _) | Param::Id(name) => Some(name),
        _ => None,
    };
    let mut count = 0;
    for event in super::table::events() {
        let own = [event.name];
        let rows = own.iter().chain(event.calls).filter_map(|name| table::by_name(name));
        for row in rows {
            for name in event.enter.iter().chain(event.exit).filter_map(names) {
                let known = Abi::ALL.into_iter().any(|abi| row.args(abi).iter().any(|arg| arg.name == name));
                assert!(known, "{} has no argument {name}", row.name);
                count += 1;
            }
        }
    }
    assert!(count > 300);
}

#[test]
fn the_numbers_of_calls_are_libscaps() {
    let index = super::table::Index::get();
    let code = |name| index.code(table::by_name(name).unwrap());
    assert_eq!((code("read"), code("restart_syscall"), code("open_tree_attr")), (3, 1, 448));
    assert_eq!((code("fchown32"), code("pselect6_time64")), (code("fchown"), code("pselect6")));
    let known = table::rows().iter().filter(|row| index.code(row) > 0).count();
    assert!(known > 420, "{known}");
}

/// The story of a small run: a shell that makes a child, which executes a program, opens a file and connects.
fn story() -> Vec<Vec<u8>> {
    let texts = |exe: &'static [u8], cmdline: &'static [u8]| {
        vec![(Role::Comm, 0, &b"sh"[..]), (Role::Exe, 0, exe), (Role::Cmdline, 0, cmdline), (Role::Cwd, 0, &b"/w"[..])]
    };
    let exit = |name, result| Head { result, ..call_head(Kind::Exit, 8, name) };
    let peer = b"\x02\0\x11\x5c\xc6\x33\x64\x07\0\0\0\0\0\0\0\0";
    let own = b"\x02\0\x9c\x40\x0a\0\0\x02\0\0\0\0\0\0\0\0";
    vec![
        record(&head(Kind::Outsider, 3), &[0; 4], &[(Role::Comm, 0, b"init"), (Role::Cmdline, 0, b"/sbin/init\0-x")]),
        record(&head(Kind::Born, 7), &[3, 0, 0, 0], &texts(b"/usr/bin/dash", b"sh\0x.sh")),
        record(&call_head(Kind::Enter, 7, "clone"), &[0x0120_0011, 0, 0, 0, 0], &[]),
        record(&head(Kind::Born, 8), &[7, 7, 33, 44], &[(Role::Comm, 0, b"sh")]),
        record(&Head { result: 8, ..call_head(Kind::Exit, 7, "clone") }, &[0x0120_0011, 0, 0, 0, 0], &[]),
        record(&call_head(Kind::Enter, 8, "execve"), &[1, 2, 3], &[(Role::Arg0, 1, b"./cat")]),
        record(
            &head(Kind::Exec, 8),
            &[8, 33, 44],
            &[(Role::Comm, 0, b"cat"), (Role::Exe, 0, b"/usr/bin/cat"), (Role::Cmdline, 0, b"cat\0/etc/shadow")],
        ),
        record(&exit("execve", 0), &[1, 2, 3], &[]),
        record(&call_head(Kind::Enter, 8, "openat"), &[u64::MAX - 99, 5, 0o2_000_000, 0], &[(Role::Arg1, 5, b"/f")]),
        record(&exit("openat", 3), &[u64::MAX - 99, 5, 0o2_000_000, 0], &[(Role::Opened, 3, b"/g")]),
        record(&call_head(Kind::Enter, 8, "socket"), &[2, 1, 0], &[]),
        record(&exit("socket", 4), &[2, 1, 0], &[]),
        record(&call_head(Kind::Enter, 8, "bind"), &[4, 9, 16], &[(Role::Arg1, 9, own)]),
        record(&exit("bind", 0), &[4, 9, 16], &[]),
        record(&call_head(Kind::Enter, 8, "connect"), &[4, 9, 16], &[(Role::Arg1, 9, peer)]),
        record(&exit("connect", 0), &[4, 9, 16], &[]),
        record(&head(Kind::Creds, 8), &[0, 44], &[]),
        record(&head(Kind::Moved, 8), &[], &[(Role::Cwd, 0, b"/x")]),
        record(&Head { result: 9, ..head(Kind::Signal, 8) }, &[0, 7], &[]),
        record(&Head { result: 0x100, ..head(Kind::End, 8) }, &[], &[]),
    ]
}

#[test]
fn a_story_is_told_in_libscaps_words() {
    let mut capture = Capture::new(Host::default());
    let mut file = Vec::new();
    for bytes in story() {
        capture.feed(&Record::parse(&bytes).unwrap().0, &mut file);
    }
    capture.finish(&mut file);
    let (mut sorts, mut told) = (Vec::new(), Vec::new());
    let mut rest = &file[..];
    while !rest.is_empty() {
        let word = |at: usize| u32::from_le_bytes(rest[at..at + 4].try_into().unwrap());
        let (sort, len) = (word(0), word(4) as usize);
        assert!(len % 4 == 0 && word(len - 4) as usize == len, "{sort:x} {len}");
        if sort == 0x216 {
            let len = word(8 + 2 + 16) as usize;
            told.push(format!("{:?}", strictly(&rest[10..10 + len])));
        } else {
            sorts.push(sort);
        }
        rest = &rest[len..];
    }
    assert_eq!(sorts, [0x0a0d_0d0a, 0x201, 0x219, 0x220, 0x215, 0x218, 0x218]);
    let starts = [
        "> clone",
        "< clone res=0 exe=sh args=x.sh. tid=8 pid=8 ptid=7 cwd=/w",
        "< clone res=8 exe=sh args=x.sh. tid=7 pid=7 ptid=3 cwd=/w",
        "> execve filename=./cat",
        "< execve res=0 exe=cat args=/etc/shadow. tid=8 pid=8 ptid=7 cwd=/w",
        "> openat dirfd=AT_FDCWD name=<...>/f flags=1001",
        "< openat fd=3 dirfd=AT_FDCWD name=<...>/f flags=1001",
        "> socket domain=",
        "< socket fd=4",
        "> bind fd=4",
        "< bind res=0 addr=10.0.0.2:40000",
        "> connect fd=4 addr=198.51.100.7:4444",
        "< connect res=0 tuple=10.0.0.2:40000 -> 198.51.100.7:4444 fd=4",
        "> setresuid ruid=4294967295 euid=0 suid=4294967295",
        "< setresuid res=0",
        "< chdir res=0 path=/x",
        "> signaldeliver spid=7 dpid=8 sig=",
        "> procexit status=256 ret=1 sig=0 core=0",
    ];
    assert_eq!(told.len(), starts.len(), "{told:#?}");
    for (told, start) in told.iter().zip(starts) {
        assert!(told.starts_with(start), "{told}\n{start}");
    }
}

#[test]
fn a_connection_has_the_own_end_that_the_kernel_chose() {
    let end = |port: u8, last: u8| [2, 0, 0, port, 10, 0, 0, last, 0, 0, 0, 0, 0, 0, 0, 0];
    let exit = |name, result| Head { result, ..call_head(Kind::Exit, 8, name) };
    let shown: Vec<String> = convert(&[
        record(&exit("socket", 4), &[2, 1, 0], &[]),
        record(&call_head(Kind::Enter, 8, "connect"), &[4, 9, 16], &[(Role::Arg1, 9, &end(7, 1))]),
        record(&exit("connect", 0), &[4, 9, 16], &[(Role::Local, 4, &end(200, 2))]),
        record(&call_head(Kind::Enter, 8, "sendto"), &[4, 1, 1, 0, 0, 0], &[]),
    ])
    .iter()
    .map(|event| format!("{:?}", strictly(event)))
    .collect();
    assert!(shown[2].contains("tuple=10.0.0.2:200 -> 10.0.0.1:7"), "{}", shown[2]);
    assert!(shown[3].contains("tuple=10.0.0.2:200 -> 10.0.0.1:7"), "{}", shown[3]);
}

#[test]
fn a_run_without_an_event_is_a_file_too() {
    let mut file = Vec::new();
    Capture::new(Host::default()).finish(&mut file);
    let sample_start = "0a0d0d0a 1c000000 4d3c2b1a 01000200 ffffffff ffffffff 1c000000 01020000 c0000000";
    let hex: Vec<String> =
        file.chunks(4).take(9).map(|word| word.iter().map(|b| format!("{b:02x}")).collect()).collect();
    assert_eq!(hex.join(" "), sample_start);
}

#[test]
fn damaged_records_give_events_all_the_same() {
    for bytes in story() {
        for at in 4..bytes.len() {
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut bad = bytes.clone();
                bad[at] = value;
                if let Ok((record, _)) = Record::parse(&bad) {
                    Converter::live().feed(&record, &mut |event| {
                        strictly(event);
                    });
                }
            }
        }
    }
}
