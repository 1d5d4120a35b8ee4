//! Calls on processes, ids, signals, limits and modules.

use super::{Event, of};
use crate::scap::flags;
use crate::scap::param::Param::{
    By, Caps, Data, Empty, Flag8, Flag16, Flag32, I64, Id, Int, Limit, Res, Res32, Text, U8, U32, U64, Zeros,
};
use crate::scap::shapes::{prctl_number, prctl_text, ptrace_addr, ptrace_data, quota_format, quota_unused};

/// The events, by their number.
#[rustfmt::skip] // A row a line: the file is a table.
pub(super) const EVENTS: &[Event] = &[
    of("kill", 128, &[], &[Int("pid"), U8("sig")], &[Res, Int("pid"), U8("sig")]),
    of("tkill", 130, &[], &[Int("pid"), U8("sig")], &[Res, Int("pid"), U8("sig")]),
    of("tgkill", 132, &[], &[Int("tgid"), Int("pid"), U8("sig")], &[Res, Int("tgid"), Int("pid"), U8("sig")]),
    of("getrlimit", 140, &["ugetrlimit"], &[U8("resource")], &[Res, Limit("rlim", 0), Limit("rlim", 1), U8("resource")]),
    of("setrlimit", 142, &[], &[U8("resource")], &[Res, Limit("rlim", 0), Limit("rlim", 1), U8("resource")]),
    of("prlimit", 144, &["prlimit64"], &[Int("pid"), U8("resource")], &[Res, Limit("new_rlim", 0), Limit("new_rlim", 1), Limit("old_rlim", 0), Limit("old_rlim", 1), I64("pid"), U8("resource")]),
    of("ptrace", 168, &[], &[Flag16(flags::ptrace, "request"), Int("pid")], &[Res, By(ptrace_addr), By(ptrace_data), Flag16(flags::ptrace, "request"), Int("pid")]),
    of("quotactl", 190, &[], &[Flag16(flags::quota_cmd, "cmd"), Flag8(flags::quota_type, "cmd"), U32("id"), By(quota_format)], &[Res, Text("special"), Empty, Zeros(8), Zeros(8), Zeros(8), Zeros(8), Zeros(8), Zeros(8), Zeros(8), Zeros(8), Zeros(8), Zeros(1), By(quota_unused), Flag16(flags::quota_cmd, "cmd"), Flag8(flags::quota_type, "cmd"), U32("id"), By(quota_format)]),
    of("setresuid", 192, &["setresuid32"], &[U32("ruid"), U32("euid"), U32("suid")], &[Res, U32("ruid"), U32("euid"), U32("suid")]),
    of("setresgid", 194, &["setresgid32"], &[U32("rgid"), U32("egid"), U32("sgid")], &[Res, U32("rgid"), U32("egid"), U32("sgid")]),
    of("setuid", 198, &["setuid32"], &[U32("uid")], &[Res, U32("uid")]),
    of("setgid", 200, &["setgid32"], &[U32("gid")], &[Res, U32("gid")]),
    of("getuid", 202, &["getuid32"], &[], &[Res32]),
    of("geteuid", 204, &["geteuid32"], &[], &[Res32]),
    of("getgid", 206, &["getgid32"], &[], &[Res32]),
    of("getegid", 208, &["getegid32"], &[], &[Res32]),
    of("getresuid", 210, &["getresuid32"], &[], &[Res, Id("ruidp"), Id("euidp"), Id("suidp")]),
    of("getresgid", 212, &["getresgid32"], &[], &[Res, Id("rgidp"), Id("egidp"), Id("sgidp")]),
    of("setns", 240, &[], &[Int("fd"), Flag32(flags::clone, "flags")], &[Res, Int("fd"), Flag32(flags::clone, "flags")]),
    of("chroot", 266, &[], &[], &[Res, Text("filename")]),
    of("setsid", 274, &[], &[], &[Res]),
    of("unshare", 284, &[], &[Flag32(flags::clone, "unshare_flags")], &[Res, Flag32(flags::clone, "unshare_flags")]),
    of("setpgid", 294, &[], &[Int("pid"), Int("pgid")], &[Res, Int("pid"), Int("pgid")]),
    of("seccomp", 298, &[], &[U64("op"), U64("flags")], &[Res, U64("op"), U64("flags")]),
    of("capset", 352, &[], &[], &[Res, Caps(2), Caps(1), Caps(0)]),
    of("bpf", 368, &[], &[I64("cmd")], &[Res, U32("cmd")]),
    of("fsconfig", 372, &[], &[], &[Res, Int("fd"), U32("cmd"), Text("_key"), Empty, Empty, U32("aux")]),
    of("prctl", 400, &[], &[], &[Res, U32("option"), By(prctl_text), By(prctl_number)]),
    of("pidfd_getfd", 406, &[], &[], &[Res, Int("pidfd"), Int("fd"), U32("flags")]),
    of("pidfd_open", 408, &[], &[], &[Res, Int("pid"), Flag32(flags::pidfd, "flags")]),
    of("init_module", 410, &[], &[], &[Res, Data("umod"), U64("len"), Text("uargs")]),
    of("finit_module", 412, &[], &[], &[Res, Int("fd"), Text("uargs"), U32("flags")]),
    of("mknod", 414, &[], &[], &[Res, Text("filename"), U32("mode"), U32("dev")]),
    of("mknodat", 416, &[], &[], &[Res, Int("dfd"), Text("filename"), U32("mode"), U32("dev")]),
    of("delete_module", 424, &[], &[], &[Res, Text("name_user"), Flag32(flags::delete_module, "flags")]),
    of("setreuid", 426, &["setreuid32"], &[], &[Res, U32("ruid"), U32("euid")]),
    of("setregid", 428, &["setregid32"], &[], &[Res, U32("rgid"), U32("egid")]),
];
