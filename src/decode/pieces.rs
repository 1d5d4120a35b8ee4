//! The reader's side of a walk: the pieces of a record stand for the tracee's memory.

use super::tree::{Seen, Store};
use super::walk::Source;
use crate::model::record::{Detail, PIECE_HEADER, Piece, Record, Role, State};

/// The pieces of one event: of its own record, and of the enter record of its call.
///
/// A walk asks for pieces in the order in which they were captured, so the search goes on where the last one ended.
#[derive(Debug)]
pub(super) struct Pieces<'a> {
    now: Cursor<'a>,
    before: Option<Cursor<'a>>,
}

/// A record and the place after the piece found last.
#[derive(Debug)]
struct Cursor<'a> {
    bytes: &'a [u8],
    start: usize,
    at: usize,
    store: Store,
}

impl<'a> Cursor<'a> {
    fn new(record: &Record<'a>, store: Store) -> Cursor<'a> {
        let bytes = record.bytes();
        let start = bytes.len() - record.pieces_len();
        Cursor { bytes, start, at: start, store }
    }

    /// The piece at `at`, where its data starts, and where the next piece starts.
    fn piece(&self, at: usize) -> Option<(Piece<'a>, usize, usize)> {
        let rest = self.bytes.get(at..).filter(|rest| !rest.is_empty())?;
        let (piece, after) = Piece::split(rest)?;
        Some((piece, at + PIECE_HEADER, self.bytes.len() - after.len()))
    }

    fn find(&mut self, role: u8, address: u64) -> Option<(Piece<'a>, usize)> {
        let mut at = self.at;
        let mut wrapped = false;
        loop {
            let Some((piece, data, next)) = self.piece(at) else {
                if wrapped || self.at == self.start {
                    return None;
                }
                wrapped = true;
                at = self.start;
                continue;
            };
            if piece.role == role && piece.address == address {
                self.at = next;
                return Some((piece, data));
            }
            at = next;
            if wrapped && at >= self.at {
                return None;
            }
        }
    }

    fn read(&mut self, arg: u8, address: u64, len: usize) -> Seen {
        let Some((piece, data)) = self.find(arg, address) else { return Seen::nothing(address) };
        let there = piece.data.len();
        // A piece that says whole and is shorter was read for less: what is missing was not asked for then.
        let state = match piece.state {
            _ if there >= len => State::Whole,
            State::Whole => State::Unreadable,
            state => state,
        };
        Seen::new(address, state, self.store, data, there.min(len))
    }

    /// As [`Cursor::read`], but what is asked for may lie inside a piece: one item of an array that was read at once.
    fn read_inside(&mut self, arg: u8, address: u64, len: usize) -> Seen {
        let whole = self.read(arg, address, len);
        if !whole.is_empty() {
            return whole;
        }
        let mut at = self.start;
        while let Some((piece, data, next)) = self.piece(at) {
            let offset = address.checked_sub(piece.address).and_then(|offset| usize::try_from(offset).ok());
            let inside = offset.filter(|offset| piece.role == arg && *offset < piece.data.len());
            if let Some(offset) = inside {
                return Seen::new(piece.address, piece.state, self.store, data, piece.data.len()).part(offset, len);
            }
            at = next;
        }
        whole
    }

    fn read_text(&mut self, arg: u8, address: u64, max: usize) -> Seen {
        let Some((piece, data)) = self.find(arg, address) else { return Seen::nothing(address) };
        let there = piece.data.len();
        let state = if there > max { State::Cut } else { piece.state };
        Seen::new(address, state, self.store, data, there.min(max))
    }
}

impl<'a> Pieces<'a> {
    /// The pieces of `record`, and of the `entered` record of the same call.
    pub(super) fn new(record: &Record<'a>, entered: Option<&Record<'a>>) -> Pieces<'a> {
        let before = entered.map(|entered| Cursor::new(entered, Store::Entered));
        Pieces { now: Cursor::new(record, Store::Record), before }
    }

    /// The first piece of `role`, whatever its address.
    pub(super) fn role(&mut self, role: Role) -> Seen {
        self.first(role).unwrap_or(Seen::new(0, State::Whole, Store::Own, 0, 0))
    }

    fn first(&self, role: Role) -> Option<Seen> {
        let mut at = self.now.start;
        while let Some((piece, data, next)) = self.now.piece(at) {
            if piece.role == role as u8 {
                return Some(Seen::new(piece.address, piece.state, self.now.store, data, piece.data.len()));
            }
            at = next;
        }
        None
    }

    /// The pieces of an enter record alone, seen from its exit.
    pub(super) fn entered(record: &Record<'a>) -> Pieces<'a> {
        Pieces { now: Cursor::new(record, Store::Entered), before: None }
    }
}

impl Source for Pieces<'_> {
    fn read(&mut self, arg: u8, address: u64, len: usize) -> Seen {
        self.now.read(arg, address, len)
    }

    fn read_text(&mut self, arg: u8, address: u64, max: usize) -> Seen {
        self.now.read_text(arg, address, max)
    }

    fn read_words(&mut self, arg: u8, address: u64, _word: usize, max: usize) -> Seen {
        self.now.read_text(arg, address, max)
    }

    fn before(&mut self, arg: u8, address: u64, len: usize) -> Seen {
        self.before.as_mut().map_or_else(|| Seen::nothing(address), |before| before.read_inside(arg, address, len))
    }

    fn descriptor(&mut self, _number: i32) {}

    fn ring(&mut self) -> Option<Seen> {
        self.first(Role::Ring)
    }

    fn netlink(&mut self, number: i32) -> Option<u32> {
        let number = u64::try_from(number).ok()?;
        let found = self.now.find(Role::Detail as u8, number).or_else(|| {
            let before = self.before.as_mut()?;
            before.find(Role::Detail as u8, number)
        });
        match Detail::parse(found?.0.data)? {
            Detail::Socket(ends) if ends.protocol == b"NETLINK" => Some(ends.number),
            _ => None,
        }
    }

    fn bytes(&self, seen: &Seen) -> &[u8] {
        match seen.store {
            Store::Record => seen.of(self.now.bytes),
            Store::Entered if self.now.store == Store::Entered => seen.of(self.now.bytes),
            Store::Entered => self.before.as_ref().map_or(&[], |before| seen.of(before.bytes)),
            Store::Own => &[],
        }
    }
}
