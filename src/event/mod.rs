//! Record, row and account to an [`Event`] with named values. Pure: the same records always give the same event.
//!
//! Values are borrowed from the record and made when a sink asks for them, so that a format that shows no arguments
//! pays for none. Nothing here formats, and nothing here knows how a value was read.

mod beside;
pub(crate) mod call;
mod path;
pub use path::join;
pub mod roles;

use crate::decode::tree::{Seen, Store, Tree, Value};
use crate::decode::walk::Limits;
use crate::decode::{Raw, Text, decode_call, decode_process, decode_raw, errno};
use crate::model::record::{Head, Kind as RecordKind, Piece, Record, Role, Unfinished, flag};
use crate::model::{Abi, Pid};
use crate::state::Who;
use crate::table::{self, Arg, Kind, Phase, Row};

/// The names of the arguments of a call that no row has.
const UNNAMED: [&str; 6] = ["arg0", "arg1", "arg2", "arg3", "arg4", "arg5"];

/// What an event tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// A system call.
    Call,
    /// A process: fork, exec, exit, signal.
    Process,
    /// The trace itself.
    Notice,
}

/// Which of a call's two events it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dir {
    /// `>`
    Enter,
    /// `<`
    Exit,
}

impl Dir {
    /// The sign in output.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self {
            Dir::Enter => ">",
            Dir::Exit => "<",
        }
    }
}

/// How far a call came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was entered.
    Entered,
    /// It returned this.
    Returned(i64),
    /// It never returned.
    Unfinished(Unfinished),
}

/// The name of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Name {
    /// A row's, or a process event's.
    Known(&'static str),
    /// A number that no row has.
    Unknown(i32),
}

/// An event, ready to be shown.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    /// What it tells of.
    pub sort: Sort,
    /// Its name.
    pub name: Name,
    /// Which of a pair it is.
    pub dir: Dir,
    /// How far the call came.
    pub outcome: Outcome,
    /// Who did it.
    pub who: Who<'a>,
    row: Option<&'static Row>,
    record: &'a Record<'a>,
    entered: Option<&'a Record<'a>>,
    limits: Limits,
}

impl<'a> Event<'a> {
    /// Decodes `record`; `None` for kinds that are no event.
    ///
    /// `entered` is the enter record of the same thread, which an exit takes its input arguments from.
    #[must_use]
    pub fn decode(
        record: &'a Record<'a>,
        entered: Option<&'a Record<'a>>,
        who: Who<'a>,
        limits: Limits,
    ) -> Option<Event<'a>> {
        let head = record.head();
        let (sort, dir, outcome) = match head.kind {
            RecordKind::Enter => (Sort::Call, Dir::Enter, Outcome::Entered),
            RecordKind::Exit => (Sort::Call, Dir::Exit, Outcome::Returned(head.result)),
            RecordKind::Unfinished => {
                (Sort::Call, Dir::Exit, Outcome::Unfinished(Unfinished::from_result(head.result)))
            }
            RecordKind::Fork => {
                let child = record.args().first().map_or(0, |child| child.cast_signed());
                (Sort::Process, Dir::Exit, Outcome::Returned(child))
            }
            RecordKind::Exec => (Sort::Process, Dir::Exit, Outcome::Returned(0)),
            RecordKind::End | RecordKind::Signal => (Sort::Process, Dir::Exit, Outcome::Returned(head.result)),
            RecordKind::Notice => (Sort::Notice, Dir::Exit, Outcome::Returned(0)),
            RecordKind::Lost => (Sort::Notice, Dir::Exit, Outcome::Returned(head.result)),
            RecordKind::Born
            | RecordKind::Comm
            | RecordKind::Creds
            | RecordKind::Reparent
            | RecordKind::Outsider
            | RecordKind::Moved => return None,
        };
        let row = if sort == Sort::Call { table::row_of(head) } else { None };
        let name = match head.kind {
            RecordKind::Fork => Name::Known("sched_process_fork"),
            RecordKind::Exec => Name::Known("sched_process_exec"),
            RecordKind::End => Name::Known("sched_process_exit"),
            RecordKind::Signal => Name::Known("signal_deliver"),
            RecordKind::Notice => Name::Known("smtrace_notice"),
            RecordKind::Lost => Name::Known("smtrace_lost"),
            _ => row.map_or(Name::Unknown(head.nr.cast_signed()), |row| Name::Known(row.name)),
        };
        let entered = entered.filter(|entered| {
            let enter = entered.head();
            dir == Dir::Exit && (enter.nr, enter.abi) == (head.nr, head.abi)
        });
        Some(Event { sort, name, dir, outcome, who, row, record, entered, limits })
    }

    /// The event as it was when its call was entered, if that is known.
    #[must_use]
    pub fn at_enter(&self) -> Event<'a> {
        match self.entered {
            Some(record) => Event { record, entered: None, dir: Dir::Enter, outcome: Outcome::Entered, ..*self },
            None => *self,
        }
    }

    /// The record's fixed fields.
    #[must_use]
    pub fn head(&self) -> &'a Head {
        self.record.head()
    }

    /// The call's number as the kernel sees it, -1 for an event that is no call.
    #[must_use]
    pub fn number(&self) -> i32 {
        if self.sort == Sort::Call { self.head().nr.cast_signed() } else { -1 }
    }

    /// The multiplexer that the call went through; its number is [`Event::number`].
    #[must_use]
    pub fn via(&self) -> Option<&'static str> {
        let head = self.head();
        let through = head.abi.filter(|_| self.sort == Sort::Call && head.sub() != 0)?;
        table::numbered(through, head.nr, 0).map(|row| row.name)
    }

    /// The result as all formats show it: 0 on enter, `None` for a call that never returned.
    #[must_use]
    pub fn result(&self) -> Option<i64> {
        match self.outcome {
            Outcome::Entered => Some(0),
            Outcome::Returned(result) => Some(result),
            Outcome::Unfinished(_) => None,
        }
    }

    /// The error number of a call that failed.
    #[must_use]
    pub fn error(&self) -> Option<u16> {
        match self.outcome {
            Outcome::Returned(result) if self.sort == Sort::Call => errno::of_result(result),
            _ => None,
        }
    }

    /// Fills `tree` with the arguments, one value each.
    pub fn values(&self, tree: &mut Tree) {
        tree.clear();
        match (self.sort, self.row) {
            (Sort::Call, Some(row)) => decode_call(tree, self.record, self.entered, row, self.limits),
            (Sort::Call, None) => {
                for (name, word) in UNNAMED.iter().zip(self.words()) {
                    tree.put(name, Value::Hex(*word));
                }
            }
            (Sort::Process, _) => decode_process(tree, self.record),
            (Sort::Notice, _) => {}
        }
    }

    /// How much of a text and of a list is shown.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The words in the argument registers; none for an event that is no call.
    #[must_use]
    pub fn words(&self) -> &[u64] {
        match (self.sort, self.record.args(), self.entered) {
            (Sort::Call, [], Some(entered)) => entered.args(),
            (Sort::Call, words, _) => words,
            _ => &[],
        }
    }

    /// The rows of the arguments, those of the call's ABI.
    #[must_use]
    pub fn rows(&self) -> &'static [Arg] {
        self.row.map_or(&[], |row| row.args(self.head().abi.unwrap_or(Abi::X86_64)))
    }

    /// What the register of argument `index` holds.
    #[must_use]
    pub fn raw(&self, index: usize) -> Option<Raw> {
        let word = *self.words().get(index)?;
        let abi = self.head().abi.unwrap_or(Abi::X86_64);
        let row = self.rows().get(index).map(|arg| arg.resolve(self.words()));
        Some(row.map_or(Raw::Hex(word), |arg| decode_raw(arg.kind, word, abi)))
    }

    /// The bytes that a value of `tree`, this event's, stands for.
    #[must_use]
    pub fn bytes<'t>(&self, seen: &Seen, tree: &'t Tree) -> &'t [u8]
    where
        'a: 't,
    {
        match seen.store {
            Store::Record => seen.of(self.record.bytes()),
            Store::Entered => self.entered.map_or(&[], |entered| seen.of(entered.bytes())),
            Store::Own => seen.of(tree.words()),
        }
    }

    /// The text that a value of `tree`, this event's, stands for.
    #[must_use]
    pub fn text_of<'t>(&self, seen: &Seen, tree: &'t Tree) -> Text<'t>
    where
        'a: 't,
    {
        Text::seen(seen, self.bytes(seen, tree))
    }

    /// Whether the call opened something else than its path says, as far as text can tell: a link was followed, the
    /// tracee changed the path meanwhile, the file is deleted.
    #[must_use]
    pub fn redirected(&self) -> bool {
        let Some(opened) = self.opened() else { return false };
        let paths = self.rows().iter().enumerate().filter(|(_, arg)| arg.kind == Kind::Path && arg.phase == Phase::In);
        paths.filter_map(|(index, _)| self.path(index)).any(|path| !path.cut && !may_name(path.bytes, opened.bytes))
    }

    /// The text of argument `index` as the program gave it, if it is one.
    #[must_use]
    pub fn path(&self, index: usize) -> Option<Text<'a>> {
        let (role, address) = (Role::arg(index)?, *self.words().get(index)?);
        let given = self.entered.unwrap_or(self.record);
        let is = |piece: &Piece<'a>| piece.role == role as u8 && piece.address == address;
        given.pieces().find(is).map(|piece| Text::of(&piece, usize::MAX)).filter(|text| !text.unreadable)
    }

    /// The thread that executed the program, before it became the leader.
    #[must_use]
    pub fn former(&self) -> Option<Pid> {
        let word = self.record.args().first().filter(|_| self.record.head().kind == RecordKind::Exec)?;
        Pid::try_from(*word).ok()
    }

    /// When the call was entered, if that is known.
    #[must_use]
    pub fn entered_at(&self) -> Option<u64> {
        self.entered.map(|entered| entered.head().time)
    }

    /// The first piece of `role` that the event's record has, or the record of its enter.
    #[must_use]
    pub fn piece(&self, role: Role) -> Option<Piece<'a>> {
        self.record.piece(role).or_else(|| self.entered.and_then(|entered| entered.piece(role)))
    }

    /// The words of a notice.
    #[must_use]
    pub fn text(&self) -> Option<Text<'a>> {
        self.record.piece(Role::Text).map(|piece| Text::of(&piece, usize::MAX))
    }

    /// What a judge stopped, if this tells of it: the sentence, the deed and what it is about.
    #[must_use]
    pub fn denied(&self) -> Option<[&'a [u8]; 3]> {
        if self.head().kind != RecordKind::Notice || self.head().flags & flag::DENIED == 0 {
            return None;
        }
        let mut texts = self.record.pieces().filter(|piece| piece.role == Role::Text as u8).map(|piece| piece.data);
        Some([texts.next()?, texts.next()?, texts.next()?])
    }

    /// The calls of which records were lost, and how many; none for anything but a loss.
    pub fn missed(&self) -> impl Iterator<Item = (&'a [u8], u64)> + use<'a> {
        let of = |piece: Piece<'a>| (piece.data, piece.address);
        self.record.pieces().filter(|piece| piece.role == Role::Missed as u8).map(of)
    }

    /// How many records were lost here, if this tells of a loss.
    #[must_use]
    pub fn lost(&self) -> Option<u64> {
        (self.head().kind == RecordKind::Lost).then_some(self.head().result.cast_unsigned())
    }

    /// Whether smtrace refused the call to protect itself.
    #[must_use]
    pub fn refused(&self) -> bool {
        self.head().flags & flag::REFUSED != 0
    }
}

/// Whether `asked`, relative or absolute, can name `opened` without a link being followed. With `..` it always can.
fn may_name(asked: &[u8], opened: &[u8]) -> bool {
    fn parts(path: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
        path.split(|byte| *byte == b'/').filter(|part| !part.is_empty() && *part != b".")
    }
    if parts(asked).any(|part| part == b"..") {
        return true;
    }
    let mut real = parts(opened).rev();
    let ends_so = parts(asked).rev().all(|part| real.next() == Some(part));
    ends_so && (asked.first() != Some(&b'/') || real.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::may_name;

    #[test]
    fn a_path_names_what_was_opened_unless_a_link_was_followed() {
        for (asked, opened, same) in [
            ("/etc/passwd", "/etc/passwd", true),
            ("//etc/./passwd", "/etc/passwd", true),
            ("a/b", "/w/a/b", true),
            (".", "/w", true),
            ("../b", "/b", true),
            ("/", "/", true),
            ("/lib/x", "/usr/lib/x", false),
            ("b", "/w/ab", false),
            ("/tmp/x", "/tmp/x (deleted)", false),
        ] {
            assert_eq!(may_name(asked.as_bytes(), opened.as_bytes()), same, "{asked} {opened}");
        }
    }
}
