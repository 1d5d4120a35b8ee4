//! What strace prints, to the byte: a line is begun when a call is entered and ended when it returns; what comes between
//! from another thread breaks it, with a remark on both halves.
//!
//! The sink remembers which line is open and how far, and nothing of the trace. Lines of calls are in `line`, the rest
//! of the events here, values in `values`, results in `ending`, and where a call's line is not its arguments in
//! order, `calls` says so.

mod answers;
mod calls;
mod cloning;
mod composed;
mod console;
mod constants;
mod descriptors;
mod ending;
mod fields;
mod line;
mod meaning;
mod quote;
mod remarks;
mod requests;
mod times;
pub(in crate::sink) mod values;

use super::clock::Zone;
use super::{Format, Needs, Sink};
use crate::decode::tree::{Tree, Value};
use crate::event::{Dir, Event, Sort};
use crate::model::record::{Kind, UNTRACED_CLEARED, flag};
use crate::model::{Pid, Plan, Rendering, Target};
use crate::state::Who;
use line::Lead;
use rustc_hash::FxHashMap;
use values::{Painter, number};

/// The registry's line.
pub(super) const FORMAT: Format = Format {
    name: "strace",
    about: "the text of strace, whose letters say how; all calls and no children unless asked for",
    needs: Needs { args: true, signals: true, env: true, pairs: true, ..Needs::NOTHING },
    make: |plan| Box::new(Strace::new(plan, Zone::of(plan))),
};

/// A line that is begun.
#[derive(Clone, Copy, Debug, Default)]
struct Begun {
    /// How many bytes of it are written.
    column: usize,
    /// How many arguments.
    shown: usize,
    /// Something else of its thread came after it.
    broken: bool,
    /// All that the call's entry tells is written, and its exit tells no more.
    whole: bool,
    /// The call never returns (exit(2)), so that its line can end before its thread does.
    last: bool,
    /// It is ended already.
    ended: bool,
    /// When it began.
    time: u64,
}

/// Renders the format.
#[derive(Debug)]
pub(super) struct Strace {
    shown: Rendering,
    lead: Lead,
    tree: Tree,
    zone: Zone,
    /// Most items of a list that is cut short: as many as bytes of a string.
    most: usize,
    /// The thread whose line is not ended yet, when it is the last one written.
    open: Option<Pid>,
    begun: FxHashMap<Pid, Begun>,
    /// Words about new processes stand between the lines: they go to the same place, stderr.
    tells_attached: bool,
    /// The command itself, which is not told of as new.
    root: Option<Pid>,
    launched: bool,
    /// Threads that were seen to do something, all that are of interest when nobody is followed, and the last call of each.
    seen: FxHashMap<Pid, &'static str>,
    follow: bool,
    /// The CPU mode of the last call, by thread, where it is not the 64-bit one.
    modes: FxHashMap<Pid, crate::model::Abi>,
}

impl Strace {
    /// A sink for local time of `zone`.
    pub(super) fn new(plan: &Plan, zone: Zone) -> Strace {
        let shown = plan.output.rendering.clone();
        let to_stderr = plan.output.path.is_none() && plan.output.pipe.is_none();
        let launched = match &plan.target {
            Target::Launch(_) => true,
            Target::Attach { .. } => false,
            Target::Replay(replay) => replay.launched,
        };
        let follow = plan.follow;
        Strace {
            lead: Lead::new(&shown, to_stderr && (follow || !launched)),
            tells_attached: to_stderr && follow && !shown.quiet.attach,
            shown,
            tree: Tree::default(),
            zone,
            most: plan.output.str_max,
            open: None,
            begun: FxHashMap::default(),
            root: None,
            launched,
            seen: FxHashMap::default(),
            follow,
            modes: FxHashMap::default(),
        }
    }

    /// Whether the line of `tid` is the one that its file ends with.
    fn is_open(&self, tid: Pid) -> bool {
        match self.shown.separate {
            true => self.begun.get(&tid).is_some_and(|begun| !begun.broken),
            false => self.open == Some(tid),
        }
    }

    /// Starts a line for the event's thread; a line that is open is broken.
    fn begin(&mut self, event: &Event<'_>, out: &mut Vec<u8>) -> usize {
        let open =
            if self.shown.separate { Some(event.head().tid).filter(|tid| self.is_open(*tid)) } else { self.open };
        self.open = None;
        if let Some(open) = open {
            self.break_line(open, event.head().tid, out);
        }
        let start = out.len();
        self.lead.render(&self.zone, event, out);
        start
    }

    /// Ends what is written of the line of `open`, because something of `by` follows.
    fn break_line(&mut self, open: Pid, by: Pid, out: &mut Vec<u8>) {
        if let Some(begun) = self.begun.get_mut(&open).filter(|begun| begun.last) {
            (begun.ended, begun.broken) = (true, true);
            let column = begun.column + 2;
            out.extend_from_slice(b") ");
            out.extend(std::iter::repeat_n(b' ', self.shown.columns.saturating_sub(column)));
            return out.extend_from_slice(b"= ?\n");
        }
        if let Some(begun) = self.begun.get_mut(&by) {
            begun.broken = true;
        }
        out.extend_from_slice(b" <unfinished ...>\n");
    }

    /// A line of its own.
    fn line(&mut self, event: &Event<'_>, out: &mut Vec<u8>, text: impl FnOnce(&mut Strace, &mut Vec<u8>)) {
        self.begin(event, out);
        text(self, out);
        out.push(b'\n');
    }

    fn process(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        let head = event.head();
        match head.kind {
            Kind::Signal if self.shown.signals.contains(head.result) => self.signal(event, out),
            Kind::End => self.end(event, out),
            Kind::Exec => self.exec(event, out),
            _ => {}
        }
    }

    fn signal(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        let head = event.head();
        let name = constants::signal_name(i32::try_from(head.result).unwrap_or(0));
        let name = name.unwrap_or_else(|| head.result.to_string().into());
        self.line(event, out, |this, out| {
            if head.flags & flag::STOPPED != 0 {
                return number(out, format_args!("--- stopped by {name} ---"));
            }
            number(out, format_args!("--- {name} "));
            event.values(&mut this.tree);
            let painter = Painter {
                event,
                tree: &this.tree,
                shown: &this.shown,
                abbrev: false,
                zone: &this.zone,
                most: this.most,
            };
            let info = this.tree.level(0..this.tree.len()).find(|(_, node)| node.value == Value::Struct);
            if let Some((at, node)) = info {
                painter.value(at, node, out);
            }
            out.extend_from_slice(b" ---");
        });
    }

    fn end(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        let (tid, status) = (event.head().tid, event.head().result);
        self.begun.remove(&tid);
        self.modes.remove(&tid);
        let seen = self.seen.remove(&tid).is_some();
        if !seen && !self.follow {
            return;
        }
        let signal = status & 0x7f;
        if signal == 0 {
            if !self.shown.quiet.exit {
                self.line(event, out, |_, out| number(out, format_args!("+++ exited with {} +++", status >> 8 & 0xff)));
            }
        } else if self.shown.signals.contains(signal) {
            let name = constants::signal_name(i32::try_from(signal).unwrap_or(0));
            let name = name.unwrap_or_else(|| signal.to_string().into());
            let core = if status & 0x80 != 0 { "(core dumped) " } else { "" };
            self.line(event, out, |_, out| number(out, format_args!("+++ killed by {name} {core}+++")));
        }
    }

    /// The thread that executes a program goes on as the leader.
    fn exec(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        let tid = event.head().tid;
        let former = event.former().unwrap_or(tid);
        if former == tid {
            return;
        }
        if self.is_open(former) {
            number(out, format_args!(" <pid changed to {tid} ...>\n"));
            self.open = None;
        }
        if let Some(begun) = self.begun.remove(&former) {
            self.begun.insert(tid, Begun { broken: true, ..begun });
        }
        self.seen.remove(&former);
        self.seen.insert(tid, "");
        if !self.shown.quiet.superseded {
            self.line(event, out, |_, out| number(out, format_args!("+++ superseded by execve in pid {former} +++")));
        }
    }
}

/// Whether a notice only says that a child stays traced.
fn says_cleared(event: &Event<'_>) -> bool {
    event.text().is_some_and(|text| UNTRACED_CLEARED.iter().any(|notice| notice.as_bytes() == text.bytes))
}

impl Sink for Strace {
    fn render(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        match (event.sort, event.dir) {
            (Sort::Call, Dir::Enter) => self.enter(event, out),
            (Sort::Call, Dir::Exit) => self.leave(event, out),
            (Sort::Process, _) => self.process(event, out),
            (Sort::Notice, _) if self.shown.quiet.cleared && says_cleared(event) => {}
            (Sort::Notice, _) => self.line(event, out, |this, out| {
                out.extend_from_slice(b"+++ smtrace: ");
                let text = event.text().map_or(&b""[..], |text| text.bytes);
                quote::escaped(text, this.shown.hex, quote::Within::Quotes, out);
                out.extend_from_slice(b" +++");
            }),
        }
    }

    fn born(&mut self, who: &Who<'_>, out: &mut Vec<u8>) {
        let first = self.root.is_none();
        self.root.get_or_insert(who.tid);
        if first || !self.launched {
            self.seen.insert(who.tid, "");
        }
        if self.tells_attached && !(first && self.launched) {
            number(out, format_args!("strace: Process {} attached\n", who.tid));
        }
    }
}
