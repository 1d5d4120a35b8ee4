//! Calls on files by path, on file systems and on directories.

use super::{Event, of};
use crate::scap::flags;
use crate::scap::param::Param::{By, Flag32, I64, Int, Opened, Res, Text, U8, U32, U64, Zeros};
use crate::scap::shapes::{how_flags, how_mode, how_resolve, offset_in, offset_out, position};

/// The events, by their number.
#[rustfmt::skip] // A row a line: the file is a table.
pub(super) const EVENTS: &[Event] = &[
    of("open", 2, &[], &[Text("filename"), Flag32(flags::open, "flags"), U32("mode")], &[Res, Text("filename"), Flag32(flags::open, "flags"), U32("mode"), Zeros(4), Zeros(8)]),
    of("creat", 58, &[], &[Text("pathname"), U32("mode")], &[Res, Text("pathname"), U32("mode"), Zeros(4), Zeros(8), Zeros(2)]),
    of("stat", 66, &[], &[], &[Res, Text("filename")]),
    of("lstat", 68, &[], &[], &[Res, Text("filename")]),
    of("fstat", 70, &[], &[Int("fd")], &[Res, Int("fd")]),
    of("stat64", 72, &[], &[], &[Res, Text("filename")]),
    of("lstat64", 74, &[], &[], &[Res, Text("filename")]),
    of("fstat64", 76, &[], &[Int("fd")], &[Res, Int("fd")]),
    of("lseek", 86, &[], &[Int("fd"), I64("offset"), U8("whence")], &[Res, Int("fd"), I64("offset"), U8("whence")]),
    of("llseek", 88, &["_llseek"], &[Int("fd"), By(position), U8("whence")], &[Res, Int("fd"), By(position), U8("whence")]),
    of("getcwd", 92, &[], &[], &[Res, Text("buf")]),
    of("chdir", 94, &[], &[], &[Res, Text("filename")]),
    of("fchdir", 96, &[], &[Int("fd")], &[Res, Int("fd")]),
    of("rename", 174, &[], &[], &[Res, Text("oldname"), Text("newname")]),
    of("renameat", 176, &[], &[], &[Res, Int("olddfd"), Text("oldname"), Int("newdfd"), Text("newname")]),
    of("symlink", 178, &[], &[], &[Res, Text("oldname"), Text("newname")]),
    of("symlinkat", 180, &[], &[], &[Res, Text("oldname"), Int("newdfd"), Text("newname")]),
    of("getdents", 236, &[], &[Int("fd")], &[Res, Int("fd")]),
    of("getdents64", 238, &[], &[Int("fd")], &[Res, Int("fd")]),
    of("flock", 242, &[], &[Int("fd"), U32("cmd")], &[Res, Int("fd"), U32("cmd")]),
    of("mount", 256, &[], &[U32("flags")], &[Res, Text("dev_name"), Text("dir_name"), Text("type"), U32("flags")]),
    of("access", 264, &[], &[U32("mode")], &[Res, Text("filename"), U32("mode")]),
    of("mkdir", 276, &[], &[U32("mode")], &[Res, Text("pathname"), U32("mode")]),
    of("rmdir", 278, &[], &[], &[Res, Text("pathname")]),
    of("unlink", 300, &[], &[], &[Res, Text("pathname")]),
    of("unlinkat", 302, &[], &[], &[Res, Int("dfd"), Text("pathname"), U32("flag")]),
    of("mkdirat", 304, &[], &[], &[Res, Int("dfd"), Text("pathname"), U32("mode")]),
    of("openat", 306, &[], &[Int("dfd"), Text("filename"), Flag32(flags::open, "flags"), U32("mode")], &[Res, Int("dfd"), Text("filename"), Flag32(flags::open, "flags"), U32("mode"), Zeros(4), Zeros(8), Opened]),
    of("link", 308, &[], &[], &[Res, Text("oldname"), Text("newname")]),
    of("linkat", 310, &[], &[], &[Res, Int("olddfd"), Text("oldname"), Int("newdfd"), Text("newname"), U32("flags")]),
    of("fchmodat", 312, &[], &[], &[Res, Int("dfd"), Text("filename"), U32("mode")]),
    of("chmod", 314, &[], &[], &[Res, Text("filename"), U32("mode")]),
    of("fchmod", 316, &[], &[], &[Res, Int("fd"), U32("mode")]),
    of("renameat2", 318, &[], &[], &[Res, Int("olddfd"), Text("oldname"), Int("newdfd"), Text("newname"), U32("flags")]),
    of("openat2", 326, &[], &[Int("dfd"), Text("filename"), By(how_flags), By(how_mode), By(how_resolve)], &[Res, Int("dfd"), Text("filename"), By(how_flags), By(how_mode), By(how_resolve), Zeros(4), Zeros(8), Opened]),
    of("copy_file_range", 332, &[], &[Int("fd_in"), By(offset_in), U64("len")], &[Res, Int("fd_out"), By(offset_out), Int("fd_in"), By(offset_in), U64("len")]),
    of("open_by_handle_at", 336, &[], &[], &[Res, Int("mountdirfd"), Flag32(flags::open, "flags"), Opened, Zeros(4), Zeros(8)]),
    of("chown", 378, &["chown32"], &[], &[Res, Text("filename"), U32("user"), U32("group")]),
    of("lchown", 380, &["lchown32"], &[], &[Res, Text("filename"), U32("user"), U32("group")]),
    of("fchown", 382, &["fchown32"], &[], &[Res, Int("fd"), U32("user"), U32("group")]),
    of("fchownat", 384, &[], &[], &[Res, Int("dfd"), Text("filename"), U32("user"), U32("group"), U32("flag")]),
    of("umount", 386, &[], &[], &[Res, Text("name")]),
    of("umount2", 390, &[], &[U32("flags")], &[Res, Text("name"), U32("flags")]),
    of("newfstatat", 418, &[], &[], &[Res, Int("dfd"), Text("filename"), U32("flag")]),
];
