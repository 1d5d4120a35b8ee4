//! Calls that read, write, wait for and copy descriptors.

use super::{Event, of};
use crate::scap::flags;
use crate::scap::param::Param::{By, Data, Flag8, Flag32, Int, Res, Ring, Time, U16, U32, U64, Zeros};
use crate::scap::shapes::{poll_fds, position, ring_flags, sendfile_offset, sigmask, vector, vector_size};

/// The events, by their number.
#[rustfmt::skip] // A row a line: the file is a table.
pub(super) const EVENTS: &[Event] = &[
    of("close", 4, &[], &[Int("fd")], &[Res, Int("fd")]),
    of("read", 6, &[], &[Int("fd"), U32("count")], &[Res, Data("buf"), Int("fd"), U32("count")]),
    of("write", 8, &[], &[Int("fd"), U32("count")], &[Res, Data("buf"), Int("fd"), U32("count")]),
    of("epoll_wait", 78, &[], &[Int("maxevents")], &[Res, Int("maxevents")]),
    of("poll", 80, &[], &[By(poll_fds), Int("timeout_msecs")], &[Res, By(poll_fds), Int("timeout_msecs")]),
    of("select", 82, &["_newselect"], &[], &[Res]),
    of("pread", 112, &["pread64"], &[Int("fd"), U32("count"), By(position)], &[Res, Data("buf"), Int("fd"), U32("count"), By(position)]),
    of("pwrite", 114, &["pwrite64"], &[Int("fd"), U32("count"), By(position)], &[Res, Data("buf"), Int("fd"), U32("count"), By(position)]),
    of("readv", 116, &[], &[Int("fd")], &[Res, By(vector_size), By(vector), Int("fd")]),
    of("writev", 118, &[], &[Int("fd"), By(vector_size)], &[Res, By(vector), Int("fd"), By(vector_size)]),
    of("preadv", 120, &[], &[Int("fd"), By(position)], &[Res, By(vector_size), By(vector), Int("fd"), By(position)]),
    of("pwritev", 122, &[], &[Int("fd"), By(vector_size), By(position)], &[Res, By(vector), Int("fd"), By(vector_size), By(position)]),
    of("fcntl", 150, &["fcntl64"], &[Int("fd"), Flag8(flags::fcntl, "cmd")], &[Res, Int("fd"), Flag8(flags::fcntl, "cmd")]),
    of("splice", 166, &[], &[Int("fd_in"), Int("fd_out"), U64("len"), U32("flags")], &[Res, Int("fd_in"), Int("fd_out"), U64("len"), U32("flags")]),
    of("ioctl", 170, &[], &[Int("fd"), U64("cmd"), U64("arg")], &[Res, Int("fd"), U64("cmd"), U64("arg")]),
    of("sendfile", 188, &["sendfile64"], &[Int("out_fd"), Int("in_fd"), By(sendfile_offset), U64("count")], &[Res, By(sendfile_offset), Int("out_fd"), Int("in_fd"), U64("count")]),
    of("ppoll", 254, &["ppoll_time64"], &[By(poll_fds), Time("tsp"), By(sigmask)], &[Res, By(poll_fds), Time("tsp"), By(sigmask)]),
    of("io_uring_setup", 338, &[], &[], &[Res, U32("entries"), Ring(0), Ring(1), By(ring_flags), Ring(3), Ring(4), Ring(5)]),
    of("io_uring_enter", 340, &[], &[], &[Res, Int("fd"), U32("to_submit"), U32("min_complete"), U32("flags"), Zeros(4)]),
    of("io_uring_register", 342, &[], &[], &[Res, Int("fd"), U16("opcode"), U64("arg"), U32("nr_args")]),
    of("dup2", 362, &[], &[Int("oldfd")], &[Res, Int("oldfd"), Int("newfd")]),
    of("dup3", 364, &[], &[Int("oldfd")], &[Res, Int("oldfd"), Int("newfd"), Flag32(flags::open, "flags")]),
    of("dup", 366, &[], &[Int("fildes")], &[Res, Int("fildes")]),
    of("epoll_create", 374, &[], &[U32("size")], &[Res, U32("size")]),
    of("epoll_create1", 376, &[], &[Flag32(flags::epoll_create, "flags")], &[Res, Flag32(flags::epoll_create, "flags")]),
];
