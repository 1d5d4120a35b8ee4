//! What went through an io_uring, as far as io_uring_enter(2) showed it when it was submitted: facts of the process as those
//! of the calls that its operations stand for. They are what was asked; how it ended is known when what came back was seen too.

use super::Fold;
use super::files::{NAMED, THROUGH, open};
use super::object::{Address, Object, every, field, number, object, top};
use crate::audit::limits::Mark;
use crate::audit::model::{Access, ActKind, NetworkAct};
use crate::audit::text::text;
use crate::decode::tree::{Tree, Value};
use crate::decode::uring_call;
use crate::event::{Event, join};
use crate::model::record::State;
use crate::model::{AT_FDCWD, Abi};
use crate::table::{Kind, Row};

/// EINPROGRESS (asm-generic/errno.h): a connection was begun whose end is not known.
const EINPROGRESS: u16 = 115;

/// What was seen of the rings of a build.
#[derive(Debug, Default)]
pub(super) struct Rings {
    /// A ring was set up.
    made: bool,
    /// Calls whose submissions were seen.
    seen: u64,
    /// Calls whose submissions could not be looked at.
    unseen: u64,
    /// Calls that submitted more than is looked at.
    beyond: u64,
    /// A thread of the kernel takes submissions without a call.
    polled: bool,
}

impl Rings {
    /// What went unseen, in words.
    pub(super) fn untold(&self) -> Vec<String> {
        if !self.made && self.seen + self.unseen + self.beyond == 0 {
            return Vec::new();
        }
        let mut all = Vec::new();
        if self.polled {
            all.push(
                "operations of io_uring: a ring was set up whose submissions a thread of the kernel takes (IORING_SETUP_SQPOLL), \
                 and no system call shows what went through it"
                    .to_owned(),
            );
        } else if self.seen == 0 {
            all.push(
                "operations of io_uring: the build set up a ring, and no system call shows what went through it"
                    .to_owned(),
            );
        }
        let of =
            |count: u64, why: &str| format!("operations of io_uring: those of {count} calls of io_uring_enter {why}");
        if self.seen > 0 {
            all.push(of(
                self.seen,
                "were seen as they were asked, not as another thread may have changed them meanwhile",
            ));
        }
        if self.unseen > 0 {
            all.push(of(self.unseen, "could not be looked at"));
        }
        if self.beyond > 0 {
            all.push(of(self.beyond, "were more than are looked at, of which only the first were seen"));
        }
        all
    }
}

/// One operation: its values in the tree, the call it stands for, and how it ended where that was seen.
struct Operation {
    args: usize,
    row: &'static Row,
    result: Option<i64>,
}

impl Operation {
    /// The errno it failed with, as far as is known.
    fn error(&self) -> Option<u16> {
        self.result.filter(|result| *result < 0).and_then(|result| u16::try_from(-result).ok())
    }
}

impl Fold {
    /// io_uring_setup(2): whether calls will show what goes through the ring.
    pub(super) fn ring_made(&mut self, event: &Event<'_>, tree: &Tree) {
        const SQPOLL: u64 = 2;
        if event.error().is_none() {
            self.rings.made = true;
            let mut flags =
                every(tree).filter(|(_, node)| node.name == "flags").filter_map(|(_, node)| number(node.value));
            self.rings.polled |= flags.any(|flags| flags & SQPOLL != 0);
        }
    }

    /// io_uring_enter(2): what it submitted.
    pub(super) fn rung(&mut self, event: &Event<'_>, tree: &Tree, by: Mark) {
        let Some(taken) = event.result().and_then(|result| usize::try_from(result).ok()) else { return };
        let list = top(tree, "submitted").filter(|(_, list)| list.value == Value::List);
        let Some((at, list)) = list else {
            self.rings.unseen += u64::from(taken > 0);
            return;
        };
        self.rings.seen += 1;
        self.rings.beyond += u64::from(list.more);
        let back = completed(tree);
        for (item, _) in tree.inside(at).take(taken) {
            let opcode = field(tree, item, "opcode").and_then(|(_, node)| number(node.value));
            let user_data = field(tree, item, "user_data").and_then(|(_, node)| number(node.value));
            // One mark for two operations tells nothing.
            let mut results = back.iter().filter(|(mark, _)| Some(*mark) == user_data).map(|(_, result)| *result);
            let result = results.next().filter(|_| results.next().is_none());
            if let (Some(row), Some((args, _))) = (opcode.and_then(uring_call), field(tree, item, "args")) {
                self.operation(event, tree, &Operation { args, row, result }, by);
            }
        }
    }

    fn operation(&mut self, event: &Event<'_>, tree: &Tree, operation: &Operation, by: Mark) {
        let name = operation.row.name;
        let about = match name {
            "openat" | "openat2" => self.asked_open(event, tree, operation, by),
            "connect" | "bind" => self.asked_address(event, tree, operation, by),
            _ => self.asked_file(event, tree, operation, by),
        };
        if let Some(about) = about {
            let unknown = if operation.result.is_none() { " (asked; how it ended was not seen)" } else { "" };
            self.act(ActKind::IoUring, "io_uring_enter", format!("{name} {about}{unknown}"), operation.error(), by);
        }
    }

    fn asked_open(&mut self, event: &Event<'_>, tree: &Tree, operation: &Operation, by: Mark) -> Option<String> {
        let path = self.asked_path(event, tree, operation, 1, by)?;
        let how = field(tree, operation.args, "how").map_or(operation.args, |(at, _)| at);
        let flags = field(tree, how, "flags").and_then(|(_, node)| number(node.value)).unwrap_or(0);
        match operation.error() {
            Some(error) => {
                let access = if flags & open::ACCESS == 0 { Access::Read } else { Access::Written };
                self.files.failed(&path, operation.row.name, Some(access), error, by, &mut self.beyond);
            }
            None => {
                let directory = flags & open::directory(event.head().abi) != 0;
                self.files.opened(&path, flags, (directory, None), by, &mut self.beyond);
                if flags & open::ACCESS == 0 {
                    self.source_read(&path, by);
                } else {
                    self.source_written(&path, by);
                }
                self.interpreted(&path, by);
            }
        }
        self.foreign_file(&path, event, by);
        Some(text(&path))
    }

    fn asked_address(&mut self, event: &Event<'_>, tree: &Tree, operation: &Operation, by: Mark) -> Option<String> {
        let (at, _) = tree.inside(operation.args).find(|(_, node)| node.value == Value::Struct)?;
        let address = Address::of(event, tree, at)?;
        let socket = match self.asked_object(event, tree, operation, "fd")? {
            Object::Socket(inode) => Some(inode),
            _ => None,
        };
        let connect = operation.row.name == "connect";
        if connect {
            self.spoken_to(&address, by);
        }
        let act = if connect { NetworkAct::Connect } else { NetworkAct::Bind };
        let error = operation.error().or((connect && operation.result.is_none()).then_some(EINPROGRESS));
        self.network.acted(act, &address, socket, error, by, &mut self.beyond);
        Some(address.told())
    }

    /// What an operation does with the files that it names, or with the one behind its descriptor.
    fn asked_file(&mut self, event: &Event<'_>, tree: &Tree, operation: &Operation, by: Mark) -> Option<String> {
        let name = operation.row.name;
        let mut paths = Vec::new();
        for named in NAMED.iter().filter(|named| named.call == name) {
            paths.extend(self.asked_path(event, tree, operation, named.argument, by).map(|path| (named, path)));
        }
        self.used_by_name(&paths, operation.error(), by);
        if !paths.is_empty() || operation.error().is_some() {
            return paths.first().map(|(_, path)| text(path));
        }
        let (_, index, access, counts) = THROUGH.iter().find(|(call, ..)| *call == name)?;
        let argument = operation.row.args(Abi::X86_64).get(*index)?.name;
        let Object::File(path, _) = self.asked_object(event, tree, operation, argument)? else { return None };
        let bytes = operation.result.filter(|_| *counts).and_then(|result| u64::try_from(result).ok()).unwrap_or(0);
        self.files.moved(path, (*access, -1), by, bytes, &mut self.beyond);
        None
    }

    /// What the descriptor in argument `name` refers to; one that is a place among registered files is not known.
    fn asked_object<'a>(
        &self,
        event: &Event<'a>,
        tree: &Tree,
        operation: &Operation,
        name: &str,
    ) -> Option<Object<'a>> {
        match field(tree, operation.args, name)?.1.value {
            Value::Fd(number) | Value::Dirfd(number) => Some(object(event.descriptor(number)?.bytes)),
            _ => None,
        }
    }

    /// The absolute name that argument `index` asks for, as text: links are not followed.
    fn asked_path(
        &mut self,
        event: &Event<'_>,
        tree: &Tree,
        operation: &Operation,
        index: usize,
        by: Mark,
    ) -> Option<Vec<u8>> {
        let args = operation.row.args(Abi::X86_64);
        let (_, node) = field(tree, operation.args, args.get(index)?.name)?;
        let Value::Path(seen) = node.value else {
            self.coverage.unreadable += u64::from(matches!(node.value, Value::Unreadable(_)));
            return None;
        };
        if seen.state != State::Whole {
            self.coverage.cut += 1;
            return None;
        }
        let given = event.bytes(&seen, tree);
        if given.is_empty() {
            return None;
        }
        let directory = index.checked_sub(1).and_then(|at| args.get(at)).filter(|arg| arg.kind == Kind::Dirfd);
        let directory = directory.and_then(|arg| field(tree, operation.args, arg.name)).map(|(_, node)| node.value);
        let base = match directory {
            Some(Value::Dirfd(AT_FDCWD)) | None => event.who.cwd(),
            Some(Value::Dirfd(number)) => event.descriptor(number).map_or(&[][..], |target| target.bytes),
            Some(_) => &[],
        };
        let absolute = given.first() == Some(&b'/');
        if !absolute && base.first() != Some(&b'/') {
            self.coverage.unresolved += 1;
            return None;
        }
        let root = self.processes.recall(by.process).map_or(&[][..], |memory| &memory.root);
        let mut path = if absolute { root.to_vec() } else { Vec::new() };
        join(base, given, &mut path);
        Some(path)
    }
}

/// What came back: the mark of each operation, and its result.
fn completed(tree: &Tree) -> Vec<(u64, i64)> {
    let Some((at, _)) = top(tree, "completed") else { return Vec::new() };
    let of = |(item, _)| {
        let value = |name| field(tree, item, name).and_then(|(_, node)| number(node.value));
        Some((value("user_data")?, value("res")?.cast_signed()))
    };
    tree.inside(at).filter_map(of).collect()
}
