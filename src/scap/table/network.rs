//! Calls on sockets.

use super::{Event, of};
use crate::scap::flags;
use crate::scap::param::Param::{Addr, By, Data, Empty, Flag8, Int, Pair, Res, U8, U32, Zeros};
use crate::scap::shapes::{optlen, received, sockopt, vector, vector_size};
use crate::scap::sockets::{accept_tuple, connect_tuple, received_tuple, sent_tuple};

/// The events, by their number.
#[rustfmt::skip] // A row a line: the file is a table.
pub(super) const EVENTS: &[Event] = &[
    of("socket", 18, &[], &[U32("family"), U32("type"), U32("protocol")], &[Res, U32("family"), U32("type"), U32("protocol")]),
    of("bind", 20, &[], &[Int("fd")], &[Res, Addr("umyaddr"), Int("fd")]),
    of("connect", 22, &[], &[Int("fd"), Addr("uservaddr")], &[Res, By(connect_tuple), Int("fd"), Addr("uservaddr")]),
    of("listen", 24, &[], &[Int("fd"), U32("backlog")], &[Res, Int("fd"), U32("backlog")]),
    of("send", 28, &[], &[Int("fd"), U32("len")], &[Res, Data("buff"), Int("fd"), U32("len"), By(sent_tuple)]),
    of("sendto", 30, &[], &[Int("fd"), U32("len"), By(sent_tuple)], &[Res, Data("buff"), Int("fd"), U32("len"), By(sent_tuple)]),
    of("recv", 32, &[], &[Int("fd"), U32("size")], &[Res, Data("ubuf"), Int("fd"), U32("size"), By(received_tuple)]),
    of("recvfrom", 34, &[], &[Int("fd"), U32("size")], &[Res, Data("ubuf"), By(received_tuple), Int("fd"), U32("size")]),
    of("shutdown", 36, &[], &[Int("fd"), U8("how")], &[Res, Int("fd"), U8("how")]),
    of("getsockname", 38, &[], &[], &[]),
    of("getpeername", 40, &[], &[], &[]),
    of("socketpair", 42, &[], &[U32("family"), U32("type"), U32("protocol")], &[Res, Pair(0), Pair(1), Zeros(8), Zeros(8), U32("family"), U32("type"), U32("protocol")]),
    of("setsockopt", 44, &[], &[], &[Res, Int("fd"), Flag8(flags::sockopt_level, "level"), Flag8(flags::sockopt_name, "optname"), By(sockopt), U32("optlen")]),
    of("getsockopt", 46, &[], &[], &[Res, Int("fd"), Flag8(flags::sockopt_level, "level"), Flag8(flags::sockopt_name, "optname"), By(sockopt), By(optlen)]),
    of("sendmsg", 48, &[], &[Int("fd"), By(vector_size), By(sent_tuple)], &[Res, By(vector), Int("fd"), By(vector_size), By(sent_tuple)]),
    of("sendmmsg", 50, &[], &[], &[Res, Int("fd"), Zeros(4), Empty, By(sent_tuple)]),
    of("recvmsg", 52, &[], &[Int("fd")], &[Res, By(received), By(vector), By(received_tuple), Empty, Int("fd")]),
    of("recvmmsg", 54, &["recvmmsg_time64"], &[], &[Res, Int("fd"), Zeros(4), Empty, By(received_tuple), Empty]),
    of("accept", 246, &[], &[], &[Res, By(accept_tuple), Zeros(1), Zeros(4), Zeros(4)]),
    of("accept4", 388, &[], &[U32("flags")], &[Res, By(accept_tuple), Zeros(1), Zeros(4), Zeros(4), U32("flags")]),
];
