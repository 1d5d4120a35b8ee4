//! The names of users and groups that a capture's records use, so that another machine shows the same ones.
//!
//! Only those: a capture is handed around, and the other users of the machine are nobody's concern. Each is told in a
//! frame before the records that need it: u8 0 for a user and 1 for a group, id, length and bytes, as in `varint`.

use super::varint::{put, take};
use crate::model::record::{Kind, Record};
use crate::state::{Groups, Users};
use rustc_hash::FxHashSet;

const USER: u8 = 0;
const GROUP: u8 = 1;

/// The longest name: the kernel has none, `useradd` stops at 32.
const MOST: usize = 256;

/// Which names were told, and which are to be told next.
#[derive(Debug, Default)]
pub(super) struct Names {
    users: Users,
    groups: Groups,
    told: FxHashSet<(u8, u32)>,
    next: Vec<u8>,
}

/// The ids of a user and a group that the account will know from `record`.
fn ids(record: &Record<'_>) -> Option<(u32, u32)> {
    let at = match record.head().kind {
        Kind::Born | Kind::Outsider => 2,
        Kind::Exec => 1,
        Kind::Creds => 0,
        _ => return None,
    };
    let id = |at: usize| record.args().get(at).and_then(|id| u32::try_from(*id & 0xffff_ffff).ok());
    Some((id(at)?, id(at + 1)?))
}

impl Names {
    /// Names from the system's files.
    pub(super) fn new(users: Users, groups: Groups) -> Names {
        Names { users, groups, ..Names::default() }
    }

    /// Notes the names that `record` needs.
    pub(super) fn note(&mut self, record: &Record<'_>) {
        let Some((uid, gid)) = ids(record) else { return };
        if self.told.insert((USER, uid)) {
            tell(USER, uid, self.users.name(uid), &mut self.next);
        }
        if self.told.insert((GROUP, gid)) {
            tell(GROUP, gid, self.groups.name(gid), &mut self.next);
        }
    }

    /// What is to be told before the next records.
    pub(super) fn next(&self) -> &[u8] {
        &self.next
    }

    /// All that was told, and is to be told next.
    pub(super) fn all(&self) -> Vec<u8> {
        let mut told: Vec<_> = self.told.iter().copied().collect();
        told.sort_unstable();
        let mut out = Vec::new();
        for (sort, id) in told {
            let name = if sort == USER { self.users.name(id) } else { self.groups.name(id) };
            tell(sort, id, name, &mut out);
        }
        out
    }

    /// It was told.
    pub(super) fn clear(&mut self) {
        self.next.clear();
    }
}

fn tell(sort: u8, id: u32, name: Option<&str>, out: &mut Vec<u8>) {
    let Some(name) = name.filter(|name| name.len() <= MOST) else { return };
    out.push(sort);
    put(u64::from(id), out);
    put(name.len() as u64, out);
    out.extend_from_slice(name.as_bytes());
}

/// Names that a frame tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Users by id.
    pub users: Vec<(u32, String)>,
    /// Groups by id.
    pub groups: Vec<(u32, String)>,
}

/// Reads a frame's body.
pub(super) fn parse(mut body: &[u8]) -> Option<Told> {
    let mut told = Told::default();
    while let Some((sort, rest)) = body.split_first() {
        body = rest;
        let id = u32::try_from(take(&mut body)?).ok()?;
        let len = usize::try_from(take(&mut body)?).ok().filter(|len| *len <= MOST)?;
        let (name, rest) = body.split_at_checked(len)?;
        body = rest;
        let name = std::str::from_utf8(name).ok()?.to_owned();
        match *sort {
            USER => told.users.push((id, name)),
            GROUP => told.groups.push((id, name)),
            _ => return None,
        }
    }
    Some(told)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::record::{Head, Writer};

    #[test]
    fn only_names_that_are_used_are_told_and_once() {
        let users = Users::parse(b"root:x:0:0::/:/bin/sh\nalice:x:1000:100::/:/bin/sh\nbob:x:1001:100::/:/bin/sh");
        let mut names = Names::new(users, Groups::parse(b"users:x:100:"));
        let mut note = |kind, args: &[u64]| {
            let head = Head { kind, abi: None, time: 0, pid: 1, tid: 1, nr: 0, flags: 0, result: 0 };
            let mut buffer = [0; 128];
            let len = Writer::new(&mut buffer, &head, args).finish();
            names.note(&Record::parse(&buffer[..len]).unwrap().0);
        };
        note(Kind::Born, &[1, 0, 1000, 100]);
        note(Kind::Creds, &[1000, 100]);
        note(Kind::Exec, &[1, 0, 7]);
        note(Kind::End, &[]);
        let told = parse(names.next()).unwrap();
        assert_eq!(told.users, [(1000, "alice".to_owned()), (0, "root".to_owned())]);
        assert_eq!(told.groups, [(100, "users".to_owned())]);
        assert_eq!(parse(&names.all()).unwrap().users, [(0, "root".to_owned()), (1000, "alice".to_owned())]);
        names.clear();
        assert!(parse(names.next()).unwrap() == Told::default());
        assert!(parse(&[0, 1]).is_none() && parse(&[2, 1, 0]).is_none() && parse(&[0, 1, 9, b'x']).is_none());
    }
}
