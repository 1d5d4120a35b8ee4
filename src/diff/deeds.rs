//! Records to deeds. Only what succeeded is a deed, and only what the capture holds.

use super::names::Names;
use crate::decode::walk::Limits;
use crate::event::roles::{self, Access};
use crate::event::{Event, Name};
use crate::model::Pid;
use crate::model::record::{Kind, Record, Role, State, flag};
use crate::state::{Account, Groups, Users};
use crate::table::{Kind as ArgKind, Phase};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

/// The most bytes of deeds, so that a file cannot take all memory.
const MOST: usize = 512 << 20;

/// What a deed is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sort {
    /// A program ran.
    Process,
    /// A file was used.
    File(Access),
    /// A peer was talked to; the word is the call's.
    Network(&'static str),
}

/// Something that a run did.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deed {
    /// What it is about.
    pub sort: Sort,
    /// The program, path or address first; then the words of the command line.
    pub words: Vec<Vec<u8>>,
}

/// How a deed was done.
#[derive(Clone, Debug)]
pub(super) struct Done {
    /// How often.
    pub(super) times: u64,
    /// The name of the first process that did it.
    pub(super) by: Box<[u8]>,
}

/// There are more deeds than are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// What a run did.
pub struct Deeds {
    account: Account,
    names: Names,
    entered: FxHashMap<Pid, Vec<u8>>,
    done: BTreeMap<Deed, Done>,
    size: usize,
}

impl Default for Deeds {
    fn default() -> Deeds {
        Deeds {
            account: Account::new(Users::default(), Groups::default()),
            names: Names::default(),
            entered: FxHashMap::default(),
            done: BTreeMap::new(),
            size: 0,
        }
    }
}

impl Deeds {
    /// Takes the next record of the run.
    ///
    /// # Errors
    /// When there are too many deeds; nothing more is to be taken then.
    pub fn take(&mut self, record: &Record<'_>) -> Result<(), Full> {
        let head = record.head();
        match head.kind {
            Kind::Enter => {
                self.entered.insert(head.tid, record.bytes().to_vec());
            }
            Kind::Exit => {
                if let Some(bytes) = self.entered.remove(&head.tid)
                    && let Ok((entered, _)) = Record::parse(&bytes)
                {
                    self.call(record, &entered);
                }
            }
            Kind::Born => {
                self.names.learn_task(head.tid);
                if let Some(cwd) = record.piece(Role::Cwd) {
                    self.names.learn_start(cwd.data);
                }
                self.account.apply(record);
            }
            Kind::Exec => {
                self.account.apply(record);
                let former = record.args().first().and_then(|tid| Pid::try_from(*tid).ok()).unwrap_or(head.tid);
                if former != head.tid {
                    self.entered.remove(&former);
                }
                self.program(record);
            }
            Kind::End | Kind::Unfinished => {
                self.entered.remove(&head.tid);
                self.account.apply(record);
            }
            Kind::Lost if head.flags & flag::VOID != 0 => {
                self.account.apply(record);
                self.entered.clear();
            }
            _ => self.account.apply(record),
        }
        if self.size > MOST { Err(Full) } else { Ok(()) }
    }

    /// All deeds, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Deed, &Done)> {
        self.done.iter()
    }

    /// Whether it was done.
    pub(super) fn did(&self, deed: &Deed) -> bool {
        self.done.contains_key(deed)
    }

    /// The names that belong to this run alone.
    pub(super) fn names(&self) -> &Names {
        &self.names
    }

    fn add(&mut self, sort: Sort, words: Vec<Vec<u8>>, pid: Pid, tid: Pid) {
        let deed = Deed { sort, words };
        if let Some(done) = self.done.get_mut(&deed) {
            done.times += 1;
            return;
        }
        let by: Box<[u8]> = self.account.who(pid, tid).comm().into();
        self.size += deed.words.iter().map(|word| word.len() + 64).sum::<usize>() + 128;
        self.done.insert(deed, Done { times: 1, by });
    }

    fn program(&mut self, record: &Record<'_>) {
        let head = record.head();
        let text = |role: Role| record.piece(role).map_or(&[][..], |piece| piece.data);
        let exe = without_deleted(text(Role::Exe)).to_vec();
        let mut words = vec![exe.clone()];
        words.extend(text(Role::Cmdline).split(|byte| *byte == 0).map(<[u8]>::to_vec));
        self.add(Sort::Process, words, head.pid, head.tid);
        if !exe.is_empty() {
            self.add(Sort::File(Access::Executed), vec![exe], head.pid, head.tid);
        }
    }

    fn call(&mut self, exit: &Record<'_>, entered: &Record<'_>) {
        let head = exit.head();
        let who = self.account.who(head.pid, head.tid);
        let Some(event) = Event::decode(exit, Some(entered), who, Limits::ALL) else { return };
        let Name::Known(name) = event.name else { return };
        if matches!(name, "connect" | "bind" | "sendto") {
            // A connection that does not block is made all the same.
            if event.error().is_none() || head.result == EINPROGRESS {
                self.network(name, entered);
            }
            return;
        }
        if event.error().is_some() {
            return;
        }
        let mut paths = paths(&event).collect::<Vec<_>>().into_iter();
        let mut found: Vec<(Access, Vec<u8>)> = Vec::new();
        if let Some(flags) = roles::open_flags(name, event.words(), how(entered)) {
            // What was really opened, where that is known.
            let opened = event.opened().map(|text| without_deleted(text.bytes)).filter(|path| path.starts_with(b"/"));
            if let Some(path) = opened.map(<[u8]>::to_vec).or_else(|| paths.next()) {
                found.extend(roles::of_open(flags).map(|access| (access, path.clone())));
            }
        } else {
            found.extend(paths.enumerate().filter_map(|(nth, path)| Some((roles::of_path(name, nth)?, path))));
        }
        for (access, path) in found {
            self.add(Sort::File(access), vec![path], head.pid, head.tid);
        }
    }

    fn network(&mut self, call: &'static str, entered: &Record<'_>) {
        let role = if call == "sendto" { Role::Arg4 } else { Role::Arg1 };
        let piece = entered.piece(role).filter(|piece| piece.state != State::Unreadable);
        let Some(address) = piece.and_then(|piece| address(piece.data)) else { return };
        let head = entered.head();
        self.add(Sort::Network(call), vec![address], head.pid, head.tid);
    }
}

const EINPROGRESS: i64 = -115;

/// The files that a call names, absolute where their folder is known. What a new link says is none.
fn paths(event: &Event<'_>) -> impl Iterator<Item = Vec<u8>> {
    let makes_link = matches!(event.name, Name::Known("symlink" | "symlinkat"));
    let is_path =
        |index: usize| event.rows().get(index).is_some_and(|arg| arg.kind == ArgKind::Path && arg.phase == Phase::In);
    (0..event.rows().len()).filter(move |index| is_path(*index)).skip(usize::from(makes_link)).filter_map(|index| {
        let mut path = Vec::new();
        if !event.absolute(index, &mut path) {
            path.extend_from_slice(event.path(index)?.bytes);
        }
        Some(path)
    })
}

/// /proc says so of a file without a name.
fn without_deleted(path: &[u8]) -> &[u8] {
    path.strip_suffix(b" (deleted)").unwrap_or(path)
}

/// The struct open_how of an openat2, if it was captured.
fn how<'a>(entered: &Record<'a>) -> Option<&'a [u8]> {
    entered.piece(Role::Arg2).filter(|piece| piece.state != State::Unreadable).map(|piece| piece.data)
}

/// The address in a sockaddr: ip(7), ipv6(7), unix(7). Others name no peer.
fn address(bytes: &[u8]) -> Option<Vec<u8>> {
    let family = u16::from_le_bytes(bytes.get(..2)?.try_into().ok()?);
    let port = || Some(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?));
    match family {
        1 => {
            let path = bytes.get(2..).filter(|path| !path.is_empty())?;
            Some(match path.strip_prefix(&[0]) {
                // An abstract name may hold NULs, and is written as /proc/net/unix does.
                Some(name) => [b"@", name].concat(),
                None => path.split(|byte| *byte == 0).next().unwrap_or_default().to_vec(),
            })
        }
        2 => {
            let ip: [u8; 4] = bytes.get(4..8)?.try_into().ok()?;
            Some(format!("{}:{}", Ipv4Addr::from(ip), port()?).into_bytes())
        }
        10 => {
            let ip: [u8; 16] = bytes.get(8..24)?.try_into().ok()?;
            Some(format!("[{}]:{}", Ipv6Addr::from(ip), port()?).into_bytes())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn an_address_is_written_as_people_write_it() {
        let of = |bytes: &[u8]| address(bytes).map(|text| String::from_utf8(text).unwrap());
        assert_eq!(of(b"\x02\0\x01\xbb\x7f\0\0\x01").as_deref(), Some("127.0.0.1:443"));
        let six = [&b"\x0a\0\0\x35\0\0\0\0"[..], &[0; 15], &[1]].concat();
        assert_eq!(of(&six).as_deref(), Some("[::1]:53"));
        assert_eq!(of(b"\x01\0/run/x\0junk").as_deref(), Some("/run/x"));
        assert_eq!(of(b"\x01\0\0name").as_deref(), Some("@name"));
        for none in [&b""[..], b"\x01\0", b"\x02\0\0", b"\x10\0\0\0"] {
            assert_eq!(of(none), None, "{none:?}");
        }
    }
}
