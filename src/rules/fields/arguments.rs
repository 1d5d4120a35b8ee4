//! The arguments of a call as libscap tells them: as text (`evt.arg`), as they are (`evt.rawarg`), all together
//! (`evt.args`).

use super::catalog::{From, Kind, Param};
use super::file::File;
use super::raw::{End, Raw, end, raw};
use super::view::{Each, View};
use crate::decode::errno;
use crate::model::AT_FDCWD;
use crate::rules::lang::{Format, Value};
use crate::scap::ask;
use std::io::Write as _;

/// The parameter with this name.
pub(super) fn named<'e>(view: &View<'e>, name: &str) -> Option<&'static Param> {
    view.known?.params.iter().find(|param| param.name == name)
}

fn number(value: i64, param: &Param, out: &mut Vec<u8>) {
    let bits = param.kind.bits().unwrap_or(64);
    let mask = if bits >= 64 { u64::MAX } else { (1 << bits) - 1 };
    let unsigned = value.cast_unsigned() & mask;
    let signed = param.kind.is_signed();
    let _ = match param.format {
        Format::Hex => write!(out, "{unsigned:X}"),
        // As C's %#o: 0 has no other one before it.
        Format::Oct if unsigned != 0 => write!(out, "0{unsigned:o}"),
        _ if signed => write!(out, "{value}"),
        _ => write!(out, "{unsigned}"),
    };
}

/// Appends the names of the constants that a word has, as libsinsp does: in its table's order, joined by `|`.
fn constants(value: u64, set: &[(&'static str, u64)], one: bool, out: &mut Vec<u8>) {
    let start = out.len();
    let mut left = value;
    for (name, constant) in set {
        let has = if one || *constant == 0 { value == *constant } else { left & constant == *constant };
        if has {
            if out.len() > start {
                out.push(b'|');
            }
            out.extend_from_slice(name.as_bytes());
            if one {
                return;
            }
            left &= !constant;
        }
    }
}

/// Appends what a value means beyond its number; whether there was anything.
fn meaning(view: &View<'_>, param: &Param, value: &Raw<'_>, out: &mut Vec<u8>) -> bool {
    let start = out.len();
    match (value, param.kind) {
        (Raw::Number(fd), Kind::Fd) => match view.files.get(view.who.pid, *fd) {
            _ if *fd == i64::from(AT_FDCWD) => out.extend_from_slice(b"AT_FDCWD"),
            Some(file) => descriptor(file, out),
            None => out.extend_from_slice(error(*fd).as_bytes()),
        },
        (Raw::Number(number), Kind::Errno) => out.extend_from_slice(error(*number).as_bytes()),
        (Raw::Number(pid), Kind::Pid) => {
            let name = i32::try_from(*pid).ok().and_then(|pid| view.who.of(pid));
            out.extend_from_slice(name.map_or(&b""[..], |kin| kin.comm()));
        }
        (Raw::Number(id), Kind::Uid) => {
            let name = u32::try_from(*id).ok().and_then(|id| view.who.user_of(id));
            out.extend_from_slice(name.unwrap_or("<NA>").as_bytes());
        }
        (Raw::Number(id), Kind::Gid) => {
            let name = u32::try_from(*id).ok().and_then(|id| view.who.group_of(id));
            out.extend_from_slice(name.unwrap_or("<NA>").as_bytes());
        }
        (Raw::Number(word), kind) => {
            if let Some(set) = param.set {
                constants(word.cast_unsigned(), set, matches!(kind, Kind::Enum(_)), out);
            }
        }
        (Raw::Text(path), Kind::Path | Kind::RelPath) if !path.starts_with(b"/") && !path.is_empty() => {
            let directory = if param.kind == Kind::RelPath { directory_of(view, param) } else { "" };
            view.files.absolute(&view.call, view.who.cwd(), path, directory, out);
        }
        _ => {}
    }
    out.len() > start
}

/// The call's argument with the directory that a relative path starts from.
fn directory_of(view: &View<'_>, param: &Param) -> &'static str {
    let params = view.known.map_or(&[][..], |call| &call.params);
    let before = params.iter().take_while(|other| other.name != param.name);
    let directory = before.filter(|other| other.kind == Kind::Fd).last();
    match directory.map(|param| param.from) {
        Some(From::Argument(name)) => name,
        Some(From::Event(at)) => view.call.row.and_then(|row| ask::int(row, at)).unwrap_or(""),
        _ => "",
    }
}

fn error(number: i64) -> &'static str {
    errno::of_result(number).and_then(errno::name).unwrap_or("")
}

/// `<f>/etc/passwd`.
fn descriptor(file: &File, out: &mut Vec<u8>) {
    out.push(b'<');
    out.extend_from_slice(file.sort.words().1);
    if matches!(file.sort, super::file::Sort::Socket(2 | 10)) {
        out.extend_from_slice(match file.protocol {
            Some("tcp") => b"t",
            Some("udp") => b"u",
            _ => b"",
        });
    }
    out.push(b'>');
    out.extend_from_slice(&file.name);
}

/// Appends a value as libsinsp writes it first: numbers as they are.
fn plain(param: &Param, value: &Raw<'_>, out: &mut Vec<u8>) {
    match value {
        Raw::Number(value) => number(*value, param, out),
        Raw::Text(bytes) if param.kind == Kind::Bytes => {
            out.extend(bytes.iter().map(|byte| if (b' '..=b'~').contains(byte) { *byte } else { b'.' }));
        }
        Raw::Text(bytes) if param.kind == Kind::Addr => match end(bytes) {
            End::Ip(address) => drop(write!(out, "{}:{}", address.ip(), address.port())),
            End::Path(path) => out.extend_from_slice(path),
            End::Family(family) => drop(write!(out, "family {family}")),
        },
        Raw::Text(bytes) => out.extend_from_slice(bytes),
    }
}

/// Appends the arguments of a program, as libsinsp joins them; whether there are any to tell.
fn words(view: &View<'_>, param: &Param, out: &mut Vec<u8>) -> bool {
    match param.from {
        From::Special("args") => {
            for word in view.who.argv().skip(1) {
                out.extend_from_slice(word);
                out.push(b'.');
            }
            true
        }
        _ if param.kind == Kind::Tuple => view.descriptor().is_some_and(|file| {
            out.extend_from_slice(&file.name);
            !file.name.is_empty()
        }),
        _ => false,
    }
}

/// `evt.arg` of one parameter.
pub(super) fn text(view: &View<'_>, param: &Param, each: Each<'_>) -> bool {
    view.made(each, |out| {
        view.buffer(|buffer| match raw(view, param, buffer) {
            Some(value) => {
                if !meaning(view, param, &value, out) {
                    plain(param, &value, out);
                }
                true
            }
            None => words(view, param, out),
        })
    })
}

/// `evt.rawarg` of one parameter.
pub(super) fn bare(view: &View<'_>, param: &Param, each: Each<'_>) -> bool {
    view.buffer(|buffer| {
        let Some(value) = raw(view, param, buffer) else { return false };
        each(match value {
            Raw::Text(bytes) if matches!(param.kind, Kind::Bytes | Kind::Addr) => Value::Bytes(bytes),
            Raw::Text(bytes) => Value::Text(bytes),
            Raw::Number(number) => Value::Int(number),
        });
        true
    })
}

/// `evt.args`.
pub(super) fn all(view: &View<'_>, each: Each<'_>) -> bool {
    let Some(known) = view.known else { return view.made(each, |_| view.is_call()) };
    view.made(each, |out| {
        known.params.iter().for_each(|param| assignment(view, param, out));
        true
    })
}

/// Appends `NAME=VALUE(MEANING)`; nothing when the value is not known.
fn assignment(view: &View<'_>, param: &Param, out: &mut Vec<u8>) {
    let start = out.len();
    if start > 0 {
        out.push(b' ');
    }
    out.extend_from_slice(param.name.as_bytes());
    out.push(b'=');
    view.buffer(|buffer| match raw(view, param, buffer) {
        Some(value) => {
            plain(param, &value, out);
            out.push(b'(');
            if meaning(view, param, &value, out) {
                out.push(b')');
            } else {
                out.pop();
            }
        }
        None if words(view, param, out) => {}
        None => out.truncate(start),
    });
}
