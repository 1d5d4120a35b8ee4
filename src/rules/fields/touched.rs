//! Which files a call does something to, whichever call it is: `linux.reads`, `linux.writes`, `linux.deletes`.
//!
//! Falco has a field for the path of each call, so that a rule about one file is a long list. These have the absolute
//! names of all calls by what is done to the file, of failed attempts too. An open that succeeded has the name of what
//! the kernel opened, when the record tells it: links and `/proc/self/root` are followed then.

use super::path;
use super::view::{Each, View};
use crate::event::roles::{self, Access};
use crate::model::Abi;
use crate::table::{Arg, Kind, Phase};

/// What is done to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Does {
    /// Its content can be read, now or by another name: it is opened, linked, renamed, mounted elsewhere.
    Read,
    /// It is made, written, changed, put in another's place; a Unix socket is connected to.
    Write,
    /// Its name is taken away.
    Delete,
}

/// O_DIRECTORY: a listing is no reading. aarch64 has it where the others have O_DIRECT.
fn lists(flags: u64, abi: Abi) -> bool {
    const NAMELESS: u64 = 0o20_000_000;
    flags & NAMELESS == 0 && flags & if abi == Abi::Aarch64 { 0o40_000 } else { 0o200_000 } != 0
}

fn does(access: Access) -> Option<Does> {
    match access {
        Access::Read => Some(Does::Read),
        Access::Written | Access::Created | Access::Changed | Access::Mounted => Some(Does::Write),
        Access::Deleted => Some(Does::Delete),
        Access::Executed | Access::Entered | Access::Seen => None,
    }
}

/// Gives the names of the files that the call does `wanted` to.
pub(super) fn get(view: &View<'_>, wanted: Does, each: Each<'_>) -> bool {
    let Some(row) = view.call.row else { return false };
    match row.name {
        "open" | "openat" | "openat2" | "creat" | "open_by_handle_at" => open(view, wanted, each),
        "connect" | "sendto" => socket(view, wanted, each),
        name => {
            let args = row.args(view.call.record.head().abi.unwrap_or(Abi::X86_64));
            let paths = args.iter().enumerate().filter(|(_, arg)| arg.kind == Kind::Path && arg.phase == Phase::In);
            let mut there = false;
            for (nth, (at, arg)) in paths.enumerate() {
                if !path_does(name, nth).contains(&Some(wanted)) {
                    continue;
                }
                let mut more = true;
                there |= named(view, args, at, arg, &mut |value| {
                    more = each(value);
                    more
                });
                if !more {
                    break;
                }
            }
            there
        }
    }
}

/// What `call` does to its `nth` path.
fn path_does(call: &str, nth: usize) -> [Option<Does>; 2] {
    match (call, nth) {
        // Another name for the same content.
        ("link" | "linkat", 0) | ("symlink" | "symlinkat", 0) | ("mount" | "move_mount", 0) => [Some(Does::Read), None],
        ("rename" | "renameat" | "renameat2", 0) => [Some(Does::Read), Some(Does::Delete)],
        _ => [roles::of_path(call, nth).and_then(does), None],
    }
}

fn open(view: &View<'_>, wanted: Does, each: Each<'_>) -> bool {
    let flags = view.call.open_flags();
    let abi = view.call.record.head().abi.unwrap_or(Abi::X86_64);
    if (wanted == Does::Read && lists(flags, abi)) || !roles::of_open(flags).any(|access| does(access) == Some(wanted))
    {
        return false;
    }
    if let Some(opened) = view.opened().filter(|name| name.starts_with(b"/")) {
        return view.made(each, |out| {
            out.extend_from_slice(opened.strip_suffix(b" (deleted)").unwrap_or(opened));
            true
        });
    }
    let Some(given) = view.call.text("filename").or_else(|| view.call.text("pathname")) else { return false };
    view.made(each, |out| {
        view.files.absolute(&view.call, view.who.cwd(), given, "dfd", out);
        plain(out, view.who.cwd());
        true
    })
}

/// The path in a Unix socket's address (unix(7)): the family, then a text; an abstract name starts with a NUL.
fn socket_path(address: &[u8]) -> Option<&[u8]> {
    let path = address.strip_prefix(&[1, 0])?.split(|byte| *byte == 0).next()?;
    (!path.is_empty()).then_some(path)
}

/// A Unix socket that is spoken to: connect(2) asks for the right to write to it.
fn socket(view: &View<'_>, wanted: Does, each: Each<'_>) -> bool {
    let address = view.call.memory("uservaddr").or_else(|| view.call.memory("addr")).unwrap_or_default();
    let Some(given) = socket_path(address).filter(|_| wanted == Does::Write) else { return false };
    view.made(each, |out| {
        path::join(view.who.cwd(), given, out);
        plain(out, view.who.cwd());
        true
    })
}

/// A path argument as an absolute name.
fn named(view: &View<'_>, args: &'static [Arg], at: usize, arg: &Arg, each: Each<'_>) -> bool {
    let Some(given) = view.call.text(arg.name).filter(|given| !given.is_empty()) else { return false };
    let before = at.checked_sub(1).and_then(|at| args.get(at)).filter(|arg| arg.kind == Kind::Dirfd);
    let symlinks = view.call.row.is_some_and(|row| row.name.starts_with("symlink"));
    view.made(each, |out| {
        let directory = before.map_or("", |arg| arg.name);
        if symlinks && arg.name == "oldname" {
            // symlink(7): a relative target starts from where the link lies.
            let mut link = Vec::new();
            let name = view.call.text("newname").unwrap_or_default();
            view.files.absolute(&view.call, view.who.cwd(), name, "newdfd", &mut link);
            path::join(path::directory(&link), given, out);
        } else {
            view.files.absolute(&view.call, view.who.cwd(), given, directory, out);
        }
        plain(out, view.who.cwd());
        true
    })
}

/// Takes the detours through /proc out of a name, as long as there are any: `/proc/self/root/x` is `/x`, and
/// `/proc/self/cwd/x` is below the working directory.
fn plain(name: &mut Vec<u8>, cwd: &[u8]) {
    /// No kernel follows more links in a path (path_resolution(7)).
    const DETOURS: usize = 40;
    for _ in 0..DETOURS {
        let Some(rest) = name.strip_prefix(b"/proc/") else { return };
        let mut parts = rest.splitn(3, |byte| *byte == b'/');
        let who = parts.next().unwrap_or_default();
        if who != b"self" && who != b"thread-self" && !who.iter().all(u8::is_ascii_digit) {
            return;
        }
        let (link, rest) = (parts.next().unwrap_or_default(), parts.next());
        let base: &[u8] = match link {
            b"root" => b"/",
            b"cwd" if who == b"self" => cwd,
            _ => return,
        };
        let Some(rest) = rest else { return };
        let mut joined = Vec::with_capacity(base.len() + rest.len() + 1);
        path::join(base, rest, &mut joined);
        *name = joined;
    }
}

#[cfg(test)]
mod tests {
    use super::{Does, path_does, plain};

    #[test]
    fn detours_are_taken_out() {
        for (given, want) in [
            ("/proc/self/root/etc/shadow", "/etc/shadow"),
            ("/proc/1/root/proc/self/root/etc", "/etc"),
            ("/proc/self/cwd/x", "/w/x"),
            ("/proc/self/root", "/proc/self/root"),
            ("/proc/77/cwd/x", "/proc/77/cwd/x"),
            ("/proc/sys/root/x", "/proc/sys/root/x"),
            ("/procx/self/root/x", "/procx/self/root/x"),
        ] {
            let mut name = given.as_bytes().to_vec();
            plain(&mut name, b"/w");
            assert_eq!(String::from_utf8_lossy(&name), want);
        }
        let mut deep = b"/proc/self/root".repeat(100);
        deep.extend_from_slice(b"/x");
        plain(&mut deep, b"/");
        assert!(deep.starts_with(b"/proc/self/root/"));
    }

    #[test]
    fn a_new_name_for_content_is_a_reading() {
        assert_eq!(path_does("linkat", 0), [Some(Does::Read), None]);
        assert_eq!(path_does("linkat", 1), [Some(Does::Write), None]);
        assert_eq!(path_does("rename", 0), [Some(Does::Read), Some(Does::Delete)]);
        assert_eq!(path_does("symlink", 0), [Some(Does::Read), None]);
        assert_eq!(path_does("truncate", 0), [Some(Does::Write), None]);
        assert_eq!(path_does("unlinkat", 0), [Some(Does::Delete), None]);
        assert_eq!(path_does("stat", 0), [None, None]);
    }
}
