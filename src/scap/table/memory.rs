//! Calls on memory, time and what processes share.

use super::{Event, of};
use crate::scap::flags;
use crate::scap::param::Param::{By, Flag16, Flag32, Int, Map, Pair, Res, Sem, Text, Time, U8, U16, U32, U64, Zeros};
use crate::scap::shapes::{sigmask, vector};

/// The events, by their number.
#[rustfmt::skip] // A row a line: the file is a table.
pub(super) const EVENTS: &[Event] = &[
    of("pipe", 60, &[], &[], &[Res, Pair(0), Pair(1), Zeros(8)]),
    of("eventfd", 62, &[], &[U64("count"), Zeros(4)], &[Res, U64("count"), Zeros(4)]),
    of("futex", 64, &["futex_time64"], &[U64("uaddr"), U16("op"), U64("val")], &[Res, U64("uaddr"), U16("op"), U64("val")]),
    of("signalfd", 126, &[], &[Int("ufd"), By(sigmask), Zeros(1)], &[Res, Int("ufd"), By(sigmask), Zeros(1)]),
    of("nanosleep", 134, &[], &[Time("rqtp")], &[Res, Time("rqtp")]),
    of("timerfd_create", 136, &[], &[U8("clockid"), U8("flags")], &[Res, U8("clockid"), U8("flags")]),
    of("inotify_init", 138, &[], &[Zeros(1)], &[Res, Zeros(1)]),
    of("brk", 158, &[], &[U64("brk")], &[Res, Zeros(4), Zeros(4), Zeros(4), U64("brk")]),
    of("mmap", 160, &[], &[Map(0), Map(1), Map(2), Map(3), Map(4), Map(5)], &[Res, Zeros(4), Zeros(4), Zeros(4), Map(0), Map(1), Map(2), Map(3), Map(4), Map(5)]),
    of("mmap2", 162, &[], &[U64("addr"), U64("len"), Flag32(flags::prot, "prot"), Flag32(flags::map, "flags"), Int("fd"), U64("pgoff")], &[Res, Zeros(4), Zeros(4), Zeros(4), U64("addr"), U64("len"), Flag32(flags::prot, "prot"), Flag32(flags::map, "flags"), Int("fd"), U64("pgoff")]),
    of("munmap", 164, &[], &[U64("addr"), U64("len")], &[Res, Zeros(4), Zeros(4), Zeros(4), U64("addr"), U64("len")]),
    of("semop", 250, &[], &[U32("semid")], &[Res, U32("nsops"), Sem(0, 0), Sem(0, 1), Sem(0, 2), Sem(1, 0), Sem(1, 1), Sem(1, 2), U32("semid")]),
    of("semctl", 252, &[], &[U32("semid"), U32("semnum"), Flag16(flags::semctl, "cmd"), U32("arg")], &[Res, U32("semid"), U32("semnum"), Flag16(flags::semctl, "cmd"), U32("arg")]),
    of("semget", 262, &[], &[U32("key"), U32("nsems"), Flag32(flags::semget, "semflg")], &[Res, U32("key"), U32("nsems"), Flag32(flags::semget, "semflg")]),
    of("userfaultfd", 320, &[], &[], &[Res, Flag32(flags::open, "flags")]),
    of("mprotect", 328, &[], &[U64("start"), U64("len"), Flag32(flags::prot, "prot")], &[Res, U64("start"), U64("len"), Flag32(flags::prot, "prot")]),
    of("mlock", 344, &[], &[], &[Res, U64("start"), U64("len")]),
    of("munlock", 346, &[], &[], &[Res, U64("start"), U64("len")]),
    of("mlockall", 348, &[], &[], &[Res, U32("flags")]),
    of("munlockall", 350, &[], &[], &[Res]),
    of("mlock2", 370, &[], &[], &[Res, U64("start"), U64("len"), U32("flags")]),
    of("pipe2", 392, &[], &[], &[Res, Pair(0), Pair(1), Zeros(8), Flag32(flags::open, "flags")]),
    of("inotify_init1", 394, &[], &[], &[Res, Flag16(flags::open, "flags")]),
    of("eventfd2", 396, &[], &[U64("count")], &[Res, Flag16(flags::open, "flags"), U64("count")]),
    of("signalfd4", 398, &[], &[Int("ufd"), By(sigmask)], &[Res, Flag16(flags::open, "flags"), Int("ufd"), By(sigmask)]),
    of("memfd_create", 404, &[], &[], &[Res, Text("uname"), U32("flags")]),
    of("process_vm_readv", 420, &[], &[], &[Res, Int("pid"), By(vector)]),
    of("process_vm_writev", 422, &[], &[], &[Res, Int("pid"), By(vector)]),
];
