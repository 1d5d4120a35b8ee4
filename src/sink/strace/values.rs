//! The values of a call as strace writes them.

use super::super::clock::Zone;
use super::descriptors;
use super::quote::{character, quoted};
use super::{answers, calls, constants, meaning, times};
use crate::decode::UNKNOWN;
use crate::decode::tree::{Node, Seen, Show, Tree, Value, hardware};
use crate::event::Event;
use crate::model::record::State;
use crate::model::{AT_FDCWD, Abi, Constants, HexStrings, Rendering};
use crate::table::{sets, signals};
use std::io::Write as _;

/// Appends formatted text. Writing to a Vec cannot fail.
pub(super) fn number(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(text);
}

/// `0` without a base, as C's `%#x` writes it.
pub(super) fn hex(word: u64, out: &mut Vec<u8>) {
    if word == 0 {
        out.push(b'0');
    } else {
        number(out, format_args!("{word:#x}"));
    }
}

/// As C's `%#0*lx` writes it: at least `width` characters, and 0 without a base.
fn padded(word: u64, width: usize, out: &mut Vec<u8>) {
    match word {
        0 => number(out, format_args!("{word:0width$}")),
        _ => number(out, format_args!("{word:#0width$x}")),
    }
}

fn is_ioctl(event: &Event<'_>) -> bool {
    calls::name(event) == "ioctl"
}

/// Renders the values of one event.
pub(in crate::sink) struct Painter<'p, 'e> {
    pub(in crate::sink) event: &'p Event<'e>,
    pub(in crate::sink) tree: &'p Tree,
    pub(in crate::sink) shown: &'p Rendering,
    /// Structures are cut short.
    pub(in crate::sink) abbrev: bool,
    /// Most items of a list that is cut short.
    pub(in crate::sink) most: usize,
    /// Where local time comes from.
    pub(in crate::sink) zone: &'p Zone,
}

impl Painter<'_, '_> {
    pub(in crate::sink) fn abi(&self) -> Abi {
        self.event.head().abi.unwrap_or(Abi::X86_64)
    }

    fn constant(&self, set: &'static sets::Set, word: u64, out: &mut Vec<u8>) {
        constants::one(set, word, self.abi(), self.shown.constants, out);
    }

    /// Appends the value at `at`.
    pub(in crate::sink) fn value(&self, at: usize, node: &Node, out: &mut Vec<u8>) {
        let style = self.shown.constants;
        match node.value {
            Value::Signed(word) => number(out, format_args!("{word}")),
            Value::Unsigned(word) => number(out, format_args!("{word}")),
            Value::Hex(word) => hex(word, out),
            Value::Padded(word, width) => padded(word, usize::from(width), out),
            Value::Octal(0) => out.push(b'0'),
            Value::Octal(word) => number(out, format_args!("0{word:o}")),
            Value::Null | Value::Address(0) | Value::Unreadable(0) => out.extend_from_slice(b"NULL"),
            Value::Address(word) | Value::Unreadable(word) => number(out, format_args!("{word:#x}")),
            Value::Bytes(seen) if seen.state != State::Unreadable && calls::ends_with_nul(self.event, node.name) => {
                // A NUL at the end of what is shown ends it, whether there is more or not.
                match self.event.bytes(&seen, self.tree).last() {
                    Some(0) => self.string(&seen.part(0, seen.len() - 1), out),
                    _ => self.string(&seen, out),
                }
            }
            Value::Path(seen) | Value::Str(seen) | Value::Bytes(seen) => self.string(&seen, out),
            Value::Binary(seen) => {
                let mut shown = self.shown.clone();
                shown.hex = HexStrings::All;
                Painter { shown: &shown, ..*self }.string(&seen, out);
            }
            Value::Abstract(seen) => {
                out.push(b'@');
                self.string(&seen, out);
            }
            Value::Words(seen) => out.extend_from_slice(self.event.bytes(&seen, self.tree)),
            Value::Flags(set, word) => constants::flags(set, word, self.abi(), style, out),
            Value::Constant(set, word) => self.constant(set, word, out),
            Value::Fd(fd) => self.descriptor(fd, out),
            Value::Dirfd(fd) => self.directory(fd, out),
            Value::Pid(pid) => number(out, format_args!("{pid}")),
            Value::Uid(u32::MAX) | Value::Gid(u32::MAX) => out.extend_from_slice(b"-1"),
            Value::Uid(id) | Value::Gid(id) => number(out, format_args!("{id}")),
            // A number of the program's that is no signal has no sign.
            Value::Signal(signal) if node.name == "sigev_signo" && signal < 0 => {
                number(out, format_args!("{}", signal.cast_unsigned()));
            }
            Value::Signal(signal) => constants::signal(signal, style, out),
            Value::Errno(errno) => constants::errno(errno, style, out),
            // An argument is permissions; what a file has includes its type.
            Value::Mode(mode) if node.name.starts_with("st") => constants::mode(mode, style, out),
            Value::Mode(mode) => constants::octal(mode, out),
            Value::Device(device) => {
                let (major, minor) = crate::decode::tree::device(device);
                constants::device(major, minor, device, style, out);
            }
            Value::Signals(set) => self.signals(set, 64, out),
            Value::WaitStatus(status) => constants::wait_status(status, style, out),
            Value::Ip4(address) => {
                self.ordered(&address.octets(), out, |out| number(out, format_args!("inet_addr(\"{address}\")")));
            }
            Value::Ip6(address) => self.ordered(&address.octets(), out, |out| match node.name {
                // Its text has a place for the name of the field.
                name if style == Constants::Abbrev && !name.is_empty() => {
                    number(out, format_args!("inet_pton(AF_INET6, \"{address}\", &{name})"));
                }
                _ => number(out, format_args!("inet_pton(AF_INET6, \"{address}\")")),
            }),
            Value::Hardware(seen) => {
                let bytes = self.event.bytes(&seen, self.tree);
                self.ordered(bytes, out, |out| number(out, format_args!("{}", hardware(bytes))));
            }
            Value::Ticks(ticks) => {
                number(out, format_args!("{ticks}"));
                if ticks != 0 && style != Constants::Raw {
                    number(out, format_args!(" /* {}.{:02} s */", ticks / 100, ticks % 100));
                }
            }
            Value::Character(byte) => character(byte, true, out),
            Value::Time(time) => number(out, format_args!("{time}")),
            Value::Struct => self.structure(at, node, out),
            Value::List | Value::Parts => self.list(at, node, b"[", b", ", out),
            Value::Place => self.place(at, out),
            Value::Shifted(by) => {
                for (index, (at, node)) in self.tree.inside(at).enumerate() {
                    if index > 0 {
                        number(out, format_args!("<<{by}|"));
                    }
                    self.value(at, node, out);
                }
            }
            Value::Sum => {
                for (index, (at, node)) in self.tree.inside(at).enumerate() {
                    out.extend_from_slice(if index > 0 { b"+" } else { b"" });
                    self.value(at, node, out);
                }
            }
            Value::Bits if self.turns_around(at) => self.others(at, out),
            Value::Bits => self.list(at, node, b"[", b" ", out),
            Value::Changed => self.changed(at, out),
            Value::Call(name) => self.call(name, at, node, out),
        }
        if let Some(note) = &node.note {
            out.extend_from_slice(b" /* ");
            out.extend_from_slice(self.event.bytes(note, self.tree));
            out.extend_from_slice(b" */");
        }
    }

    fn string(&self, seen: &Seen, out: &mut Vec<u8>) {
        if seen.state == State::Unreadable {
            return number(out, format_args!("{:#x}", seen.address));
        }
        quoted(self.event.bytes(seen, self.tree), self.shown.hex, out);
        if seen.state == State::Cut {
            out.extend_from_slice(b"...");
        }
    }

    fn structure(&self, at: usize, node: &Node, out: &mut Vec<u8>) {
        let parent = at;
        out.push(b'{');
        match self.tree.inside(at).next().map(|(_, first)| (first.name, first.value)) {
            // No signal: the rest means nothing.
            Some(("si_signo", Value::Signal(0))) => return out.push(b'}'),
            Some(("numerator", _)) => {
                out.pop();
                return self.fraction(at, out);
            }
            _ => {}
        }
        let (mut first, mut left_out) = (true, node.more);
        for (at, field) in self.tree.inside(at) {
            match field.show {
                Show::Verbose if self.abbrev => {
                    left_out = true;
                    continue;
                }
                Show::Idle => continue,
                Show::Full if self.abbrev => continue,
                Show::Brief if !self.abbrev => continue,
                _ if meaning::leaves_field_out(self, parent, field) => continue,
                _ => {}
            }
            if !first {
                out.extend_from_slice(b", ");
            }
            first = false;
            if field.name == UNKNOWN {
                self.unknown(field, out);
                continue;
            }
            // The text of an IPv6 address names its field itself.
            let names_itself = matches!(field.value, Value::Ip6(_)) && self.shown.constants == Constants::Abbrev;
            if !field.name.is_empty() && !names_itself {
                out.extend_from_slice(field.name.as_bytes());
                out.push(b'=');
            }
            match field.value {
                Value::Bytes(seen) if field.name == "lo_encrypt_key" => {
                    let len = self.tree.inside(parent).find_map(|(_, field)| match (field.name, field.value) {
                        ("lo_encrypt_key_size", Value::Unsigned(len)) => usize::try_from(len).ok(),
                        _ => None,
                    });
                    self.string(&seen.part(0, len.unwrap_or(seen.len()).min(seen.len())), out);
                }
                Value::Fd(fd) if !meaning::means_descriptor(self, parent, field) => number(out, format_args!("{fd}")),
                Value::Hex(word) if matches!(field.name, "base_addr" | "limit") && !is_ioctl(self.event) => {
                    padded(word, 8, out);
                }
                Value::Unsigned(limit) if matches!(field.name, "rlim_cur" | "rlim_max") => self.limit(limit, out),
                // The loopback device is the first of every network namespace; the others' names are not known here.
                Value::Signed(1) | Value::Unsigned(1)
                    if meaning::is_interface(self, field.name) || meaning::is_scope(self, parent, field) =>
                {
                    constants::loopback(self.shown.constants, out);
                }
                Value::Signed(error @ -4095..=-1) if field.name == "error" => {
                    constants::negated_errno(i32::try_from(-error).unwrap_or(0), self.shown.constants, out);
                }
                _ => self.value(at, field, out),
            }
            self.aside(field, out);
            if field.value == Value::Struct && calls::is_moment(self.event, field.name) {
                self.moment(at, out);
            }
            if let Value::Time(seconds) = field.value {
                let next = self.tree.inside(parent).find(|(next, _)| *next > at).map(|(_, node)| node);
                let fraction = match next.map(|node| (node.name.ends_with("_nsec"), node.value)) {
                    Some((true, Value::Unsigned(value))) => Some((value, 9)),
                    _ => None,
                };
                times::comment(self.zone, seconds, fraction, out);
            }
        }
        if left_out {
            out.extend_from_slice(if first { b"..." } else { b", ..." });
        }
        out.push(b'}');
    }

    pub(super) fn list(&self, at: usize, node: &Node, open: &[u8], between: &[u8], out: &mut Vec<u8>) {
        let parent = at;
        out.extend_from_slice(open);
        let mut first = true;
        let compound = |item: &Node| matches!(item.value, Value::Struct | Value::Parts);
        let structures =
            node.value == Value::List && self.tree.inside(at).next().is_some_and(|(_, item)| compound(item));
        let most = match self.abbrev && node.value == Value::List {
            true => answers::most_items(self.event, node.name).unwrap_or(self.most),
            false => usize::MAX,
        };
        for (index, (at, item)) in self.tree.inside(at).enumerate() {
            if !first {
                out.extend_from_slice(between);
            }
            // The list goes on where nothing can be read.
            if let Value::Unreadable(address) = item.value
                && node.value != Value::Parts
                && (structures || !calls::lists_pointers(node.name))
                && (node.name != "iocbpp" || self.ends_array(address, index))
                && index > 0
                && self.tree.inside(parent).last().is_some_and(|(last, _)| last == at)
            {
                number(out, format_args!("... /* {address:#x} */"));
                break;
            }
            if index >= most {
                out.extend_from_slice(b"...");
                return out.push(b']');
            }
            first = false;
            if self.special_moment(at, out) {
                continue;
            }
            if item.name == UNKNOWN {
                self.unknown(item, out);
            } else if meaning::is_interface(self, item.name) && item.value == Value::Unsigned(1) {
                constants::loopback(self.shown.constants, out);
            } else {
                self.value(at, item, out);
            }
            if item.value == Value::Struct && calls::says_moments(self.event) {
                self.moment(at, out);
            }
        }
        if node.more {
            out.extend_from_slice(if first { b"" } else { between });
            out.extend_from_slice(b"...");
        }
        out.push(if open == b"(" { b')' } else { b']' });
    }

    /// Whether `address` is where item `index` of an argument's array of addresses would lie.
    fn ends_array(&self, address: u64, index: usize) -> bool {
        let offset = (index * self.abi().word()) as u64;
        self.event.words().iter().any(|start| start.wrapping_add(offset) == address)
    }

    /// A file descriptor, with what it is when that is asked for.
    pub(super) fn descriptor(&self, fd: i32, out: &mut Vec<u8>) {
        number(out, format_args!("{fd}"));
        if fd >= 0 && self.shown.fds.any() {
            descriptors::target(self, fd, out);
        }
    }

    fn directory(&self, fd: i32, out: &mut Vec<u8>) {
        if fd != AT_FDCWD {
            return self.descriptor(fd, out);
        }
        match self.shown.constants {
            Constants::Raw => out.extend_from_slice(b"-100"),
            Constants::Abbrev => out.extend_from_slice(b"AT_FDCWD"),
            Constants::Verbose => out.extend_from_slice(b"-100 /* AT_FDCWD */"),
        }
        let cwd = self.event.who.cwd();
        if self.shown.fds.path && !cwd.is_empty() {
            descriptors::path(self, cwd, out);
        }
    }

    /// The signals of the set of `most`; when most are in it, those that are not.
    pub(super) fn signals(&self, set: u64, most: i32, out: &mut Vec<u8>) {
        let turned = set.count_ones().cast_signed() >= most * 2 / 3;
        let shown = if turned { !set } else { set };
        if turned {
            out.push(b'~');
        }
        out.push(b'[');
        let mut first = true;
        for signal in (1..=most).filter(|signal| shown >> (signal - 1) & 1 == 1) {
            if !first {
                out.push(b' ');
            }
            first = false;
            if self.shown.constants != Constants::Abbrev {
                number(out, format_args!("{signal}"));
            }
            if self.shown.constants == Constants::Raw {
                continue;
            }
            let verbose = self.shown.constants == Constants::Verbose;
            out.extend_from_slice(if verbose { b" /* " } else { b"" });
            match signals::name(signal).and_then(|name| name.strip_prefix("SIG")) {
                Some(name) => out.extend_from_slice(name.as_bytes()),
                None if signal == signals::RT_MIN => out.extend_from_slice(b"RTMIN"),
                None => number(out, format_args!("RT_{}", signal - signals::RT_MIN)),
            }
            out.extend_from_slice(if verbose { b" */" } else { b"" });
        }
        out.push(b']');
    }
}
