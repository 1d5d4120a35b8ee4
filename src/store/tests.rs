//! A capture comes back whole, and of a damaged one everything else, with what is missing said.

use super::*;
use crate::model::Abi;
use crate::model::record::{Head, Kind, Record, Role, State, Writer as RecordWriter};
use crate::state::{Groups, Users};
use std::fs;
use std::io::Cursor;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

/// A file that goes away.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Scratch {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("smtrace-store-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        Scratch(std::env::temp_dir().join(name))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Summer time ends at second 100.
fn zone(second: i64) -> i32 {
    if second < 100 { 7200 } else { 3600 }
}

fn record(i: u64) -> Vec<u8> {
    let kind = if i == 0 { Kind::Born } else { [Kind::Enter, Kind::Exit][usize::try_from(i % 2).unwrap()] };
    let abi = (kind != Kind::Born).then_some(Abi::X86_64);
    let head = Head { kind, abi, time: i * 1_000_000_000, pid: 7, tid: 7, nr: 257, flags: 0, result: -2 };
    let mut buffer = [0; 512];
    let mut writer = RecordWriter::new(&mut buffer, &head, &[1, 0, 0, 0]);
    // Incompressible, so that frames fill soon.
    let text: Vec<u8> = (0..80).map(|k| (i * 31 + k * k * 7 + (i * k) % 13).to_le_bytes()[0]).collect();
    writer.piece(Role::Arg1, 0, i, State::Whole, &text);
    let len = writer.finish();
    buffer[..len].to_vec()
}

fn description() -> Description {
    Description {
        host: "here".to_owned(),
        clock: Clock { utc_offset: 7200, ..Clock::default() },
        ..Description::default()
    }
}

/// A capture of `count` records, a frame each `each`; with its records.
fn capture(compress: bool, count: u64, each: u64) -> (Vec<u8>, Vec<u8>) {
    let file = Scratch::new();
    let names = (Users::parse(b"root:x:0:0::/:/bin/sh"), Groups::parse(b"wheel:x:0:"));
    let mut writer =
        Writer::start(create(&file.0, is_capture).unwrap(), compress, &description(), names, zone).unwrap();
    let mut all = Vec::new();
    for i in 0..count {
        let bytes = record(i);
        writer.take(&Record::parse(&bytes).unwrap().0);
        all.extend_from_slice(&bytes);
        if (i + 1) % each == 0 {
            writer.tick(u64::MAX - count * 1_000_000_000 + i * 1_000_000_000);
        }
    }
    assert!(writer.finish().is_none());
    (fs::read(&file.0).unwrap(), all)
}

/// What a reader makes of a file: the records, the offsets of its frames, and what is missing.
fn read(bytes: &[u8]) -> Result<(Vec<u8>, Vec<i32>, Missing), Refused> {
    let mut reader = Reader::open(Box::new(Cursor::new(bytes.to_vec())))?;
    let (mut all, mut offsets) = (Vec::new(), Vec::new());
    while let Some(part) = reader.part() {
        match part {
            Part::Names(told) => assert!(told.users.iter().all(|(id, name)| (*id, name.as_str()) == (0, "root"))),
            Part::Records(records, offset) => {
                all.extend_from_slice(&records);
                offsets.push(offset);
            }
        }
    }
    Ok((all, offsets, reader.missing()))
}

#[test]
fn a_capture_comes_back_with_its_times_and_index() {
    for compress in [false, true] {
        let (bytes, all) = capture(compress, 200, 7);
        let mut reader = Reader::open(Box::new(Cursor::new(bytes.clone()))).unwrap();
        assert_eq!(reader.description(), &description());
        while reader.part().is_some() {}
        assert_eq!(reader.latest(), Some((199_000_000_000, 3600)));
        let index = reader.index().unwrap().clone();
        assert_eq!(index.calls[&(0, 257, 0)], Count { enters: 99, exits: 100, failed: 100 });
        assert_eq!(index.entries.iter().map(|entry| entry.records).sum::<u64>(), 200);
        // Each entry is where a frame begins, in both forms.
        let plain = if compress { zstd::stream::decode_all(&bytes[..]).unwrap() } else { bytes.clone() };
        for entry in &index.entries {
            let at = usize::try_from(entry.plain).unwrap();
            assert_eq!(plain[at..at + 4], frame::MARK);
            let at = usize::try_from(entry.stored).unwrap();
            let mark = if compress { &packing::PACKED_MARK[..] } else { &frame::MARK[..] };
            assert!(bytes[at..].starts_with(mark));
        }
        let (again, offsets, missing) = read(&bytes).unwrap();
        assert!(again == all && !missing.any(), "{missing:?}");
        // A frame's records have one offset, so the change of the clock begins a frame.
        assert_eq!(offsets.iter().filter(|offset| **offset == 7200).count(), 15);
        assert!(offsets.is_sorted_by(|a, b| a >= b));
    }
}

#[test]
fn other_programs_may_unpack_and_pack_it() {
    let (bytes, all) = capture(true, 50, 9);
    let plain = zstd::stream::decode_all(&bytes[..]).unwrap();
    for form in [plain.clone(), zstd::stream::encode_all(&plain[..], 1).unwrap()] {
        let (again, _, missing) = read(&form).unwrap();
        assert!(again == all && !missing.any());
    }
}

#[test]
fn a_capture_cut_anywhere_gives_its_whole_frames() {
    for compress in [false, true] {
        let (bytes, all) = capture(compress, 40, 5);
        let mut most = 0;
        for end in 0..bytes.len() {
            match read(&bytes[..end]) {
                Ok((got, _, missing)) => {
                    assert!(all.starts_with(&got) && got.len() >= most, "cut at {end}");
                    // After the end comes only where the index of a compressed one lies.
                    assert!(missing.end || compress && end + packing::PACKED_HEAD >= bytes.len(), "cut at {end}");
                    assert_eq!(missing.records, 0);
                    most = got.len();
                }
                Err(Refused::Foreign | Refused::Damaged) => assert_eq!(most, 0),
                Err(other) => panic!("cut at {end}: {other:?}"),
            }
        }
        assert_eq!(most, all.len());
    }
}

#[test]
fn a_flipped_bit_costs_one_frame_at_most_and_is_told() {
    for compress in [false, true] {
        let (bytes, all) = capture(compress, 40, 5);
        let frame = all.len() / 8;
        for at in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[at] ^= 1 << (at % 8);
            let Ok((got, _, missing)) = read(&bad) else { continue };
            assert!(got.len() >= all.len() - frame - 16, "at {at}: {} of {}", got.len(), all.len());
            if got.len() < all.len() {
                assert!(missing.any() && missing.damaged > 0, "at {at}");
                let lost = all.len() - got.len();
                assert!(missing.records * record(1).len() as u64 >= lost as u64 || missing.end, "at {at}: {missing:?}");
            }
        }
    }
}

#[test]
fn what_is_cut_out_or_put_in_is_passed_over() {
    for compress in [false, true] {
        let (bytes, all) = capture(compress, 60, 5);
        let middle = bytes.len() / 2;
        let without = [&bytes[..middle], &bytes[middle + 300..]].concat();
        // Another capture's frames are not taken for ours.
        let (foreign, _) = capture(compress, 60, 5);
        let with = [&bytes[..middle], &foreign[100..], &bytes[middle..]].concat();
        for bad in [without, with] {
            let (got, _, missing) = read(&bad).unwrap();
            assert!(missing.damaged > 0 && missing.records > 0 && missing.records <= 10, "{missing:?}");
            assert_eq!(got.len() + usize::try_from(missing.records).unwrap() * record(1).len(), all.len());
        }
    }
}

#[test]
fn what_is_no_capture_is_refused() {
    let (bytes, _) = capture(false, 1, 1);
    let refused = |bytes: &[u8]| read(bytes).err();
    for foreign in [
        &b""[..],
        b"x",
        b"#!/bin/sh\nexit 0\n",
        b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0",
        b"\x28\xb5\x2f\xfd1234567890",
    ] {
        assert!(matches!(refused(foreign), Some(Refused::Foreign | Refused::Unreadable(_))), "{foreign:?}");
    }
    assert!(matches!(
        refused(&zstd::stream::encode_all(&b"no capture at all"[..], 1).unwrap()),
        Some(Refused::Foreign)
    ));
    let mut newer = bytes.clone();
    newer[8] = 2;
    assert!(matches!(refused(&newer), Some(Refused::Newer(2, 1))));
    assert!(matches!(refused(&bytes[..40]), Some(Refused::Damaged)));
}

/// Lengths that a hostile file can claim are bounded before memory is taken, and the rest is still read.
#[test]
fn bombs_do_not_go_off() {
    let zeros = vec![0u8; 8 << 20];
    let bomb = zstd::bulk::compress(&zeros, 19).unwrap();
    assert!(matches!(read(&bomb).err(), Some(Refused::Foreign)));
    let (bytes, all) = capture(false, 3, 1);
    let mut records = Vec::new();
    // A record that claims to expand to 2 MiB of which nothing is there, by numbers that refer to nothing.
    let capture = u64::from_le_bytes(bytes[16 + 48..16 + 56].try_into().unwrap());
    let head = frame::Head { sort: 3, coding: 1, expanded: 2 << 20, records: u32::MAX, capture, ..Default::default() };
    head.write(&[0xff; 64], &mut records);
    let first = 16 + frame::HEAD + description().write().len();
    let bad = [&bytes[..first], &records, &bytes[first..]].concat();
    let (got, _, missing) = read(&bad).unwrap();
    assert!(got == all && missing.damaged == 1);
}

#[test]
fn a_file_that_is_written_is_followed_to_its_end() {
    for end in [true, false] {
        let file = Scratch::new();
        let names = (Users::default(), Groups::default());
        let mut writer =
            Writer::start(create(&file.0, is_capture).unwrap(), false, &description(), names, zone).unwrap();
        let follow = Box::new(Follow::new(fs::File::open(&file.0).unwrap()));
        let mut reader = Reader::open(follow).unwrap();
        let mut all = Vec::new();
        for i in 0..3 {
            let bytes = record(i);
            writer.take(&Record::parse(&bytes).unwrap().0);
            writer.tick((i + 1) * 1_000_000_000);
            all.extend_from_slice(&bytes);
        }
        let mut got = Vec::new();
        while got.len() < all.len() {
            if let Some(Part::Records(records, _)) = reader.part() {
                got.extend_from_slice(&records);
            }
        }
        assert_eq!(got, all);
        assert_eq!(create(&file.0, is_capture).unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
        if end {
            assert!(writer.finish().is_none());
        } else {
            drop(writer);
        }
        assert!(reader.part().is_none());
        assert_eq!(reader.missing().end, !end);
    }
}

#[test]
fn only_a_capture_is_overwritten() {
    let file = Scratch::new();
    for other in [&b"#!/bin/sh\nexit 0\n"[..], b"\x7fELF", b"\x28\xb5\x2f\xfd of zstd"] {
        fs::write(&file.0, other).unwrap();
        assert_eq!(create(&file.0, is_capture).unwrap_err().kind(), std::io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&file.0).unwrap(), other);
    }
    fs::write(&file.0, b"").unwrap();
    for compress in [false, true, false] {
        let names = (Users::default(), Groups::default());
        let into = create(&file.0, is_capture).unwrap();
        assert!(Writer::start(into, compress, &description(), names, zone).unwrap().finish().is_none());
    }
}

#[test]
fn a_capture_that_cannot_begin_is_refused() {
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    assert!(Writer::start(full, false, &description(), Default::default(), zone).is_err());
}
