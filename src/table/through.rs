//! Calls that go through another one, their multiplexer: which call it is, and where its arguments lie.
//!
//! i386's socketcall(2) and ipc(2) are the multiplexers. All of it is data, `syscalls-table/through.tbl`; this file gives it
//! types and finds entries, and reads no memory.

use super::{ROWS, Row};

/// A call by which others are made.
#[derive(Debug)]
pub struct Multiplexer {
    pub(super) row: u16,
    /// The bits of the first argument that are the sub-number; those above are a version.
    pub mask: u32,
    /// The calls that go through it. The first that fits counts.
    pub calls: &'static [Inner],
}

/// A call that goes through a multiplexer.
#[derive(Debug)]
pub struct Inner {
    /// The sub-number, never 0.
    pub sub: u8,
    /// The version that alone makes it this entry.
    pub(super) version: Option<u16>,
    pub(super) row: u16,
    /// Where each argument lies.
    pub args: &'static [Source],
    /// Where the result lies when the call did not fail; nothing when it is in its register.
    pub result: Option<Source>,
}

/// Where a word of an inner call lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// In the register of the multiplexer's argument with this index.
    Register(u8),
    /// Behind the address in that argument: the word with this index.
    Memory(u8, u8),
}

impl Multiplexer {
    /// The multiplexer's own row.
    #[must_use]
    pub fn row(&self) -> &'static Row {
        &ROWS[usize::from(self.row)]
    }

    /// The inner call that a multiplexer's first argument asks for.
    #[must_use]
    pub fn asked(&self, first: u64) -> Option<&'static Inner> {
        let first = u32::try_from(first & 0xffff_ffff).unwrap_or(0);
        // Of 32 bits none is left for a version.
        let version = first.checked_shr(self.mask.trailing_ones()).unwrap_or(0);
        let fits = |inner: &&Inner| {
            u32::from(inner.sub) == first & self.mask && inner.version.is_none_or(|only| u32::from(only) == version)
        };
        self.calls.iter().find(fits)
    }
}

impl Inner {
    /// The row of the inner call.
    #[must_use]
    pub fn row(&self) -> &'static Row {
        &ROWS[usize::from(self.row)]
    }
}

/// All multiplexers.
#[must_use]
pub fn multiplexers() -> &'static [Multiplexer] {
    &super::MULTIPLEXERS
}

/// What `row` is as a multiplexer, if it is one.
#[must_use]
pub fn of(row: &Row) -> Option<&'static Multiplexer> {
    multiplexers().iter().find(|multiplexer| usize::from(multiplexer.row) == row.index())
}

/// The inner call with the sub-number `sub` of the multiplexer `row`; the multiplexer itself when it has none.
#[must_use]
pub fn inner(row: &'static Row, sub: u8) -> &'static Row {
    let inner = of(row).and_then(|multiplexer| multiplexer.calls.iter().find(|inner| inner.sub == sub));
    inner.map_or(row, Inner::row)
}

/// The calls that go through `row`, each once or more; none when it is no multiplexer.
pub fn calls(row: &Row) -> impl Iterator<Item = &'static Row> + use<> {
    of(row).into_iter().flat_map(|multiplexer| multiplexer.calls).map(Inner::row)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Abi;
    use crate::table::by_name;

    fn asked(name: &str, first: u64) -> Option<&'static str> {
        of(by_name(name).unwrap()).unwrap().asked(first).map(|inner| inner.row().name)
    }

    #[test]
    fn a_sub_number_is_a_call() {
        assert_eq!(asked("socketcall", 3), Some("connect"));
        assert_eq!(asked("socketcall", 0xffff_ffff_0000_0003), Some("connect"));
        assert_eq!(asked("socketcall", 0x1_0003), None);
        assert_eq!(asked("socketcall", 0), None);
        assert_eq!(asked("socketcall", 21), None);
        assert_eq!(asked("ipc", 0xffff_0015), Some("shmat"));
        assert_eq!(asked("ipc", 5), None);
        assert!(of(by_name("connect").unwrap()).is_none());
        let row = by_name("socketcall").unwrap();
        assert_eq!([3, 9, 0, 255].map(|sub| inner(row, sub).name), ["connect", "send", "socketcall", "socketcall"]);
    }

    #[test]
    fn a_version_chooses_where_the_arguments_lie() {
        let ipc = of(by_name("ipc").unwrap()).unwrap();
        let args = |first| ipc.asked(first).unwrap().args;
        assert_eq!(args(12)[1], Source::Memory(4, 0));
        assert_eq!(args(0x1_000c)[1], Source::Register(4));
        assert_eq!(ipc.asked(21).unwrap().result, Some(Source::Memory(3, 0)));
    }

    #[test]
    fn every_inner_call_has_a_source_for_each_argument_on_i386() {
        for multiplexer in multiplexers() {
            assert!(multiplexer.row().number(Abi::I386).is_some());
            for inner in multiplexer.calls {
                assert_eq!(inner.args.len(), inner.row().args(Abi::I386).len(), "{}", inner.row().name);
                // All words of memory lie behind one address: they are read at once.
                let mut behind = inner.args.iter().filter_map(|source| match source {
                    Source::Memory(at, _) => Some(at),
                    Source::Register(_) => None,
                });
                let first = behind.next();
                assert!(behind.all(|at| Some(at) == first), "{}", inner.row().name);
            }
        }
    }
}
