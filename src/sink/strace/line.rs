//! The line of a call: what stands before it, its arguments in two halves, its result.

use super::super::clock::Zone;
use super::calls::{self, Place};
use super::values::{Painter, number};
use super::{Begun, Strace};
use super::{ending, remarks};
use crate::event::{Event, Name, Outcome, Sort};
use crate::model::record::{Kind, Unfinished};
use crate::model::{Abi, LineClock, Personality, Pid, Rendering};
use crate::table;
use chrono::{DateTime, Timelike};
use rustc_hash::FxHashMap;

/// What stands before each line.
#[derive(Debug)]
pub(super) struct Lead {
    threads: bool,
    brackets: bool,
    clock: Option<LineClock>,
    relative: Option<u8>,
    numbers: bool,
    /// The last call of each thread, whose number stands before what is no call, too.
    last_calls: FxHashMap<Pid, u32>,
    last: Option<u64>,
}

/// The first `decimals` digits of the nanoseconds.
fn fraction(nanoseconds: u64, decimals: u8, out: &mut Vec<u8>) {
    if decimals > 0 {
        let unit = 10u64.pow(9 - u32::from(decimals.min(9)));
        number(out, format_args!(".{:0width$}", nanoseconds % 1_000_000_000 / unit, width = usize::from(decimals)));
    }
}

impl Lead {
    /// With `brackets` a thread is named when there are several.
    pub(super) fn new(shown: &Rendering, brackets: bool) -> Lead {
        Lead {
            threads: shown.threads && !shown.separate,
            brackets,
            clock: shown.clock,
            relative: shown.relative,
            numbers: shown.numbers,
            last_calls: FxHashMap::default(),
            last: None,
        }
    }

    pub(super) fn render(&mut self, zone: &Zone, event: &Event<'_>, out: &mut Vec<u8>) {
        let head = event.head();
        if self.threads {
            number(out, format_args!("{:<5} ", head.tid));
        } else if self.brackets && event.who.tracees() > 1 {
            number(out, format_args!("[pid {:>5}] ", head.tid));
        }
        let seconds = head.time / 1_000_000_000;
        if let Some(clock) = self.clock {
            if clock.unix {
                number(out, format_args!("{seconds}"));
            } else {
                let signed = i64::try_from(seconds).unwrap_or(0);
                let time = DateTime::from_timestamp(signed, 0).unwrap_or_default().with_timezone(&zone.at(signed));
                number(out, format_args!("{:02}:{:02}:{:02}", time.hour(), time.minute(), time.second()));
            }
            fraction(head.time, clock.decimals, out);
            out.push(b' ');
        }
        if let Some(decimals) = self.relative {
            let since = head.time.saturating_sub(self.last.replace(head.time).unwrap_or(head.time));
            out.extend_from_slice(if self.clock.is_some() { b"(+" } else { b"" });
            number(out, format_args!("{:>6}", since / 1_000_000_000));
            fraction(since, decimals, out);
            out.extend_from_slice(if self.clock.is_some() { b") " } else { b" " });
        }
        if self.numbers {
            let call = match (event.sort, head.kind) {
                (Sort::Call, _) => {
                    self.last_calls.insert(head.tid, head.nr);
                    head.nr
                }
                (_, Kind::End) => self.last_calls.remove(&head.tid).unwrap_or(0),
                _ => self.last_calls.get(&head.tid).copied().unwrap_or(0),
            };
            number(out, format_args!("[{call:>4}] "));
        }
    }
}

fn name_of(event: &Event<'_>, out: &mut Vec<u8>) {
    match event.name {
        Name::Known(name) => out.extend_from_slice(calls::shown_name(name, event.head().abi).as_bytes()),
        Name::Unknown(nr) => number(out, format_args!("syscall_{nr:#x}")),
    }
}

impl Strace {
    /// Whether the plan's set has the event's call.
    pub(super) fn in_set(event: &Event<'_>, set: &crate::model::CallSet) -> bool {
        match event.name {
            Name::Known(name) => {
                let personality = Personality::of(event.head().abi.unwrap_or(Abi::X86_64));
                table::by_name(name).is_some_and(|row| set.contains_on(row.index(), personality))
            }
            Name::Unknown(_) => false,
        }
    }

    pub(super) fn enter(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        let head = event.head();
        let before = self.seen.insert(head.tid, calls::name(event)).unwrap_or_default();
        self.tell_mode(event, out);
        let start = self.begin(event, out);
        name_of(event, out);
        out.push(b'(');
        let (shown, whole) = if calls::name(event) == "restart_syscall" {
            let before = if before.is_empty() { "system call" } else { before };
            number(out, format_args!("<... resuming interrupted {before} ...>"));
            (usize::MAX, true)
        } else {
            self.arguments(event, 0, out)
        };
        self.open = Some(head.tid);
        let last = matches!(calls::name(event), "exit" | "exit_group");
        let column = out.len() - start;
        self.begun.insert(head.tid, Begun { column, shown, whole, last, time: head.time, ..Begun::default() });
    }

    /// strace says when a thread makes calls of another ABI than before; all start as 64-bit ones.
    fn tell_mode(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        let (tid, abi) = (event.head().tid, event.head().abi.unwrap_or(Abi::X86_64));
        let before = self.modes.get(&tid).copied().unwrap_or(Abi::X86_64);
        if before == abi || !matches!(abi, Abi::X86_64 | Abi::I386 | Abi::X32) {
            return;
        }
        if abi == Abi::X86_64 {
            self.modes.remove(&tid);
        } else {
            self.modes.insert(tid, abi);
        }
        if !self.shown.quiet.personality {
            let mode = match abi {
                Abi::I386 => "32 bit",
                Abi::X32 => "x32",
                _ => "64 bit",
            };
            self.line(event, out, |_, out| number(out, format_args!("[ Process PID={tid} runs in {mode} mode. ]")));
        }
    }

    /// Appends the arguments from the one at `from` on, at an entry as far as they are known then; returns where it
    /// stopped, and whether that was the end.
    fn arguments(&mut self, event: &Event<'_>, from: usize, out: &mut Vec<u8>) -> (usize, bool) {
        let entering = event.outcome == Outcome::Entered;
        if Strace::in_set(event, &self.shown.raw) || calls::is_raw(event) {
            if from == 0 {
                raw_arguments(event, out);
            }
            return (usize::MAX, true);
        }
        let plain = !Strace::in_set(event, &self.shown.verbose) && !matches!(event.name, Name::Unknown(_));
        event.values(&mut self.tree);
        let abbrev = Strace::in_set(event, &self.shown.abbrev);
        let painter =
            Painter { event, tree: &self.tree, shown: &self.shown, abbrev, zone: &self.zone, most: self.most };
        calls::arguments(&painter, Place { from, entering, plain }, out)
    }

    pub(super) fn leave(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        let head = event.head();
        if let Outcome::Unfinished(Unfinished::Detached) = event.outcome {
            return self.abandon(event, out);
        }
        if self.begun.get(&head.tid).is_some_and(|begun| begun.ended) {
            self.begun.remove(&head.tid);
            return;
        }
        self.seen.entry(head.tid).or_default();
        let open = self.is_open(head.tid);
        let begun = self.begun.remove(&head.tid);
        let mut begun = begun.unwrap_or(Begun { shown: 0, time: head.time, ..Begun::default() });
        let start = if open {
            out.len()
        } else {
            let start = self.begin(event, out);
            out.extend_from_slice(b"<... ");
            name_of(event, out);
            out.extend_from_slice(b" resumed>");
            begun.column = 0;
            start
        };
        self.open = None;
        if let Outcome::Unfinished(_) = event.outcome {
            out.extend_from_slice(if begun.whole { b"" } else { b" <unfinished ...>" });
        } else if !begun.whole {
            self.arguments(event, begun.shown, out);
        }
        out.extend_from_slice(b") ");
        begun.column += out.len() - start;
        for _ in begun.column..self.shown.columns {
            out.push(b' ');
        }
        let raw = Strace::in_set(event, &self.shown.raw);
        let remarks = !raw && remarks::has(calls::name(event));
        if remarks {
            event.values(&mut self.tree);
        }
        let painter =
            Painter { event, tree: &self.tree, shown: &self.shown, abbrev: true, zone: &self.zone, most: self.most };
        ending::result(&painter, raw, out);
        if remarks {
            remarks::remark(&painter, out);
        }
        if let Some(decimals) = self.shown.spent
            && event.result().is_some()
        {
            let spent = head.time.saturating_sub(begun.time);
            number(out, format_args!(" <{}", spent / 1_000_000_000));
            fraction(spent, decimals, out);
            out.push(b'>');
        }
        out.push(b'\n');
    }

    /// A call whose end nobody will tell: its line is ended, if it is the open one.
    fn abandon(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        let tid = event.head().tid;
        let open = self.is_open(tid);
        self.begun.remove(&tid);
        if open {
            self.open = None;
            out.extend_from_slice(b" <detached ...>\n");
        }
    }
}

/// Every register in base 16.
fn raw_arguments(event: &Event<'_>, out: &mut Vec<u8>) {
    for (at, word) in event.words().iter().enumerate() {
        out.extend_from_slice(if at > 0 { b", " } else { b"" });
        super::values::hex(*word, out);
    }
}
