//! What an event's records tell beside the call's arguments: what its file descriptors refer to, how long it ran.

use super::{Event, Name, Outcome, Sort};
use crate::decode::Text;
use crate::model::record::{Detail, Piece, Record, Role, flag};

impl<'a> Event<'a> {
    /// What the file descriptor `number` refers to, if the event knows.
    #[must_use]
    pub fn descriptor(&self, number: i32) -> Option<Text<'a>> {
        let number = u64::try_from(number).ok()?;
        let named = |record: &Record<'a>| {
            let is = |piece: &Piece<'a>| {
                piece.address == number
                    && [Role::Named, Role::Fd, Role::Opened].iter().any(|role| *role as u8 == piece.role)
            };
            record.pieces().find(is).map(|piece| Text::of(&piece, usize::MAX))
        };
        named(self.record).or_else(|| self.entered.and_then(named))
    }

    /// More of what the file descriptor `number` refers to, if the event knows.
    #[must_use]
    pub fn detail(&self, number: i32) -> Option<Detail<'a>> {
        let number = u64::try_from(number).ok()?;
        let is = |piece: &Piece<'a>| piece.address == number && piece.role == Role::Detail as u8;
        let of = |record: &Record<'a>| record.pieces().find(is).and_then(|piece| Detail::parse(piece.data));
        of(self.record).or_else(|| self.entered.and_then(of))
    }

    /// How long the call ran on a CPU between its stops, in nanoseconds; `None` when it has not returned or none was recorded.
    #[must_use]
    pub fn kernel_time(&self) -> Option<u64> {
        let ran = |record: &Record<'a>| record.piece(Role::Ran).map(|piece| piece.address);
        Some(ran(self.record)?.saturating_sub(self.entered.and_then(ran)?))
    }

    /// The open file descriptors of the process that makes a call, ascending.
    ///
    /// An exit whose record lists none has those of its enter, with the call's own effect.
    pub fn fds(&self) -> impl Iterator<Item = (u64, Text<'a>)> + use<'a> {
        let is_call = self.sort == Sort::Call;
        let listed = self.head().flags & flag::LISTED != 0;
        let list = if listed { self.record } else { self.entered.unwrap_or(self.record) };
        let of = |piece: Piece<'a>| (piece.address, Text::of(&piece, usize::MAX));
        let mut new = self.record.piece(Role::Opened).filter(|_| !listed).map(of);
        let closes = !listed && self.name == Name::Known("close") && self.outcome == Outcome::Returned(0);
        let gone = self.record.args().first().copied().filter(|_| closes).or(new.map(|(number, _)| number));
        let mut old = list
            .pieces()
            .filter(move |piece| is_call && piece.role == Role::Fd as u8)
            .map(of)
            .filter(move |(number, _)| Some(*number) != gone)
            .peekable();
        std::iter::from_fn(move || match (old.peek(), new) {
            (Some((number, _)), Some((first, _))) if *number < first => old.next(),
            (_, Some(_)) => new.take(),
            _ => old.next(),
        })
    }

    /// What the call's new file descriptor refers to.
    #[must_use]
    pub fn opened(&self) -> Option<Text<'a>> {
        self.record.piece(Role::Opened).map(|piece| Text::of(&piece, usize::MAX))
    }
}
