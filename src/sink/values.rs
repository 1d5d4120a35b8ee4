//! The values of an event as JSON: numbers as numbers, flags as a list beside the raw word, structures as objects.
//!
//! Part of the wire types of version 1 ([`super::wire`]); `docs/event.schema.json` describes both.

use super::wire::{Bytes, Number};
use crate::decode::ends::End;
use crate::decode::tree::{Node, Seen, Show, Tree, Value, hardware};
use crate::decode::{Raw, errno};
use crate::event::Event;
use crate::model::record::{Detail, Ends, State};
use crate::model::{AT_FDCWD, Abi};
use crate::table::sets::{self, Set};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use std::net::IpAddr;

/// A value of `tree`, the values of `event`.
#[derive(Clone, Copy)]
pub(super) struct Json<'a, 'e> {
    pub(super) event: &'a Event<'e>,
    pub(super) tree: &'a Tree,
    pub(super) at: usize,
    pub(super) node: &'a Node,
}

impl Json<'_, '_> {
    /// Whether it says more than the register does.
    pub(super) fn tells(&self) -> bool {
        match self.node.value {
            _ if self.node.show == Show::Idle => false,
            Value::Signed(_)
            | Value::Unsigned(_)
            | Value::Hex(_)
            | Value::Padded(..)
            | Value::Octal(_)
            | Value::Null
            | Value::Address(_)
            | Value::Unreadable(_)
            | Value::Pid(_)
            | Value::Uid(_)
            | Value::Gid(_)
            | Value::Time(_) => false,
            Value::Fd(number) => self.event.descriptor(number).is_some(),
            _ => true,
        }
    }

    fn abi(&self) -> Abi {
        self.event.head().abi.unwrap_or(Abi::X86_64)
    }

    fn inside(&self) -> impl Iterator<Item = Json<'_, '_>> {
        let told = self.tree.inside(self.at).filter(|(_, node)| node.show != Show::Brief);
        told.map(|(at, node)| Json { at, node, ..*self })
    }

    fn bytes<S: Serializer>(&self, seen: &Seen, to: S) -> Result<S::Ok, S::Error> {
        let text = self.event.text_of(seen, self.tree);
        if seen.state == State::Whole {
            return Bytes(text.bytes).serialize(to);
        }
        let mut map = to.serialize_map(None)?;
        match std::str::from_utf8(text.bytes) {
            Ok(text) => map.serialize_entry("text", text)?,
            Err(_) => map.serialize_entry("bytes", &super::wire::hex_of(text.bytes))?,
        }
        map.serialize_entry(if text.cut { "cut" } else { "unreadable" }, &true)?;
        map.end()
    }

    fn descriptor<S: Serializer>(&self, number: i32, to: S) -> Result<S::Ok, S::Error> {
        let target = self.event.descriptor(number);
        let here = number == AT_FDCWD && matches!(self.node.value, Value::Dirfd(_));
        if target.is_none() && !here {
            return to.serialize_i32(number);
        }
        let mut map = to.serialize_map(None)?;
        map.serialize_entry("fd", &number)?;
        if here {
            map.serialize_entry("name", "AT_FDCWD")?;
        }
        if let Some(target) = target {
            map.serialize_entry("path", &Bytes(target.bytes))?;
        }
        match self.event.detail(number) {
            Some(Detail::Socket(ends)) => map.serialize_entry("socket", &Socket::new(&ends))?,
            Some(Detail::Device { block, major, minor }) => {
                let sort = if block { "block" } else { "char" };
                map.serialize_entry("device", &Device { sort, major, minor })?;
            }
            Some(Detail::Pidfd(pid)) => map.serialize_entry("pidfd", &pid)?,
            None => {}
        }
        map.end()
    }

    fn flags<S: Serializer>(&self, set: &'static Set, word: u64, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(2))?;
        map.serialize_entry("flags", &Names { set, word, abi: self.abi() })?;
        map.serialize_entry("raw", &Number(Raw::Unsigned(word)))?;
        map.end()
    }

    fn named<S: Serializer>(&self, name: Option<&str>, raw: Raw, to: S) -> Result<S::Ok, S::Error> {
        let Some(name) = name else { return Number(raw).serialize(to) };
        let mut map = to.serialize_map(Some(2))?;
        map.serialize_entry("name", name)?;
        map.serialize_entry("raw", &Number(raw))?;
        map.end()
    }

    fn list<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut list = to.serialize_seq(None)?;
        for item in self.inside() {
            match item.node.value {
                Value::Unreadable(_) => list.serialize_element(&())?,
                _ => list.serialize_element(&item)?,
            }
        }
        // The place where the list was cut is null, as an item that could not be read is.
        if self.node.more {
            list.serialize_element(&())?;
        }
        list.end()
    }

    fn fields<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        for field in self.inside() {
            map.serialize_entry(field.node.name, &field)?;
        }
        if self.node.more {
            map.serialize_entry("...", &true)?;
        }
        map.end()
    }
}

/// A device that a file descriptor refers to.
#[derive(Serialize)]
struct Device {
    #[serde(rename = "type")]
    sort: &'static str,
    major: u32,
    minor: u32,
}

/// A socket that a file descriptor refers to.
#[derive(Serialize)]
struct Socket<'a> {
    protocol: Bytes<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    local: Option<Place<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    peer: Option<Place<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    peer_inode: Option<u64>,
}

/// One end of it.
#[derive(Serialize)]
#[serde(untagged)]
enum Place<'a> {
    Inet { address: IpAddr, port: u16 },
    Path { path: Bytes<'a> },
    Abstract { r#abstract: Bytes<'a> },
    Netlink { pid: u32 },
}

impl<'a> Socket<'a> {
    fn new(ends: &Ends<'a>) -> Socket<'a> {
        let place = |sockaddr| {
            Some(match End::parse(sockaddr)? {
                End::Inet(address, port) => Place::Inet { address, port },
                End::Path(path) => Place::Path { path: Bytes(path) },
                End::Abstract(name) => Place::Abstract { r#abstract: Bytes(name) },
                End::Netlink(pid) => Place::Netlink { pid },
            })
        };
        Socket {
            protocol: Bytes(ends.protocol),
            local: place(ends.local),
            peer: place(ends.peer),
            peer_inode: Some(ends.peer_inode).filter(|inode| *inode != 0),
        }
    }
}

/// The names of the bits of a word; those without a name are the last item, in base 16.
struct Names {
    set: &'static Set,
    word: u64,
    abi: Abi,
}

impl Serialize for Names {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut list = to.serialize_seq(None)?;
        let mut split = self.set.split(self.word, self.abi);
        for name in split.by_ref() {
            list.serialize_element(name)?;
        }
        if split.rest() != 0 {
            list.serialize_element(&Number(Raw::Hex(split.rest())))?;
        }
        list.end()
    }
}

/// How a process ended.
fn wait_status<S: Serializer>(status: i32, abi: Abi, to: S) -> Result<S::Ok, S::Error> {
    let signal = |number: i32| sets::SIGNAL.name_of(u64::from(number.cast_unsigned()), abi).unwrap_or("unknown");
    let mut map = to.serialize_map(None)?;
    match (status & 0xff, status >> 8 & 0xff) {
        (0, code) => map.serialize_entry("exited", &code)?,
        (0x7f, number) => {
            map.serialize_entry("stopped", signal(number & 0x7f))?;
            if status >> 16 != 0 {
                map.serialize_entry("event", &(status >> 16))?;
            }
        }
        (0xff, 0xff) => map.serialize_entry("continued", &true)?,
        (number, _) => {
            map.serialize_entry("killed", signal(number & 0x7f))?;
            map.serialize_entry("core", &(number & 0x80 != 0))?;
        }
    }
    map.end()
}

impl Serialize for Json<'_, '_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.node.value {
            Value::Signed(number) | Value::Time(number) => Number(Raw::Signed(number)).serialize(to),
            Value::Unsigned(number) | Value::Octal(number) => Number(Raw::Unsigned(number)).serialize(to),
            Value::Hex(number) | Value::Padded(number, _) | Value::Address(number) | Value::Unreadable(number) => {
                Number(Raw::Hex(number)).serialize(to)
            }
            Value::Null => to.serialize_unit(),
            Value::Path(seen) | Value::Str(seen) | Value::Bytes(seen) | Value::Words(seen) | Value::Binary(seen) => {
                self.bytes(&seen, to)
            }
            Value::Abstract(seen) => {
                let mut map = to.serialize_map(Some(1))?;
                map.serialize_entry("abstract", &Bytes(self.event.bytes(&seen, self.tree)))?;
                map.end()
            }
            Value::Flags(set, word) => self.flags(set, word, to),
            Value::Constant(set, word) => {
                self.named(set.name_of(word, self.abi()), Raw::Signed(word.cast_signed()), to)
            }
            Value::Fd(number) | Value::Dirfd(number) => self.descriptor(number, to),
            Value::Pid(number) => to.serialize_i32(number),
            Value::Uid(number) | Value::Gid(number) => to.serialize_u32(number),
            Value::Signal(number) => {
                let name = sets::SIGNAL.name_of(i64::from(number).cast_unsigned(), self.abi());
                self.named(name, Raw::Signed(i64::from(number)), to)
            }
            Value::Errno(number) => {
                let name = u16::try_from(number).ok().and_then(errno::name);
                self.named(name, Raw::Signed(i64::from(number)), to)
            }
            Value::Mode(mode) => {
                let mut map = to.serialize_map(Some(2))?;
                map.serialize_entry("octal", &format_args!("0{mode:o}"))?;
                map.serialize_entry("raw", &mode)?;
                map.end()
            }
            Value::Device(number) => {
                let (major, minor) = crate::decode::tree::device(number);
                let mut map = to.serialize_map(Some(2))?;
                map.serialize_entry("major", &major)?;
                map.serialize_entry("minor", &minor)?;
                map.end()
            }
            Value::Signals(bits) => {
                let abi = self.abi();
                let name = |number: u32| sets::SIGNAL.name_of(u64::from(number), abi).unwrap_or("unknown");
                to.collect_seq((1..=64).filter(|number| bits >> (number - 1) & 1 == 1).map(name))
            }
            Value::WaitStatus(status) => wait_status(status, self.abi(), to),
            Value::Ip4(address) => to.collect_str(&address),
            Value::Ip6(address) => to.collect_str(&address),
            Value::Hardware(seen) => {
                // A Bluetooth address lies in memory from its end (bluetooth.h of BlueZ, `bdaddr_t`).
                let mut bytes = self.event.bytes(&seen, self.tree).to_vec();
                if self.node.name.ends_with("bdaddr") {
                    bytes.reverse();
                }
                to.collect_str(&hardware(&bytes))
            }
            Value::Ticks(ticks) => to.serialize_u64(ticks),
            Value::Character(byte) => to.serialize_u8(byte),
            Value::Struct => self.fields(to),
            Value::List | Value::Parts | Value::Place | Value::Shifted(_) | Value::Sum | Value::Bits => self.list(to),
            Value::Changed => {
                let mut map = to.serialize_map(Some(2))?;
                for (name, side) in ["before", "after"].iter().zip(self.inside()) {
                    map.serialize_entry(name, &side)?;
                }
                map.end()
            }
            // `htons(80)` is 80 to a machine.
            Value::Call(_) => match self.inside().next() {
                Some(only) => only.serialize(to),
                None => to.serialize_unit(),
            },
        }
    }
}
