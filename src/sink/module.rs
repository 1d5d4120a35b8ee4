//! The line of the family's kernel module: who did which call with which result, without arguments.

use super::clock::{Clock, Zone};
use super::escape::{Place, render_text};
use super::lines::Lines;
use super::{Format, Needs, Sink};
use crate::event::{Event, Name, Sort};
use crate::state::Who;

/// The registry's line.
pub(super) const FORMAT: Format = Format {
    name: "module",
    about: "text as the kernel module writes it: call, result, who",
    needs: Needs { args: false, fds: false, opened: false, named: false, ..Needs::NOTHING },
    make: |plan| Box::new(Module::new(Zone::of(plan))),
};

/// Renders the format.
#[derive(Debug)]
pub(super) struct Module {
    clock: Clock,
    lines: Lines,
}

impl Module {
    /// A sink for local time of `zone`.
    pub(super) fn new(zone: impl Into<Zone>) -> Module {
        Module { clock: Clock::new(zone, ' '), lines: Lines::default() }
    }
}

impl Sink for Module {
    fn render(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        out.push(b'[');
        self.clock.render(event.head().time, out);
        out.extend_from_slice(b"]: ");
        render_name(event.name, out);
        out.extend_from_slice(b" syscall=");
        render_number(event.number(), out);
        out.extend_from_slice(b" dir=");
        out.extend_from_slice(event.dir.sign().as_bytes());
        out.extend_from_slice(b" res=");
        render_result(event.result(), out);
        self.lines.render(&event.who, out, |who, out| render_who(who, b" ", out));
        if event.refused() {
            out.extend_from_slice(b" refused=1");
        }
        if event.sort == Sort::Notice {
            out.extend_from_slice(b" text=");
            render_text(event.text().map_or(b"", |text| text.bytes), Place::Field, out);
        }
        out.push(b'\n');
    }
}

/// The event's name.
pub(super) fn render_name(name: Name, out: &mut Vec<u8>) {
    match name {
        Name::Known(name) => out.extend_from_slice(name.as_bytes()),
        Name::Unknown(number) => {
            out.extend_from_slice(b"syscall_");
            render_number(number, out);
        }
    }
}

/// A number in base 10.
pub(super) fn render_number(number: impl itoa::Integer, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// The result; `?` for a call that never returned.
pub(super) fn render_result(result: Option<i64>, out: &mut Vec<u8>) {
    match result {
        Some(result) => render_number(result, out),
        None => out.push(b'?'),
    }
}

/// The fields from `user=` to `ppid=`, each after `separator`.
pub(super) fn render_who(who: &Who<'_>, separator: &[u8], out: &mut Vec<u8>) {
    let field = |name: &[u8], out: &mut Vec<u8>| {
        out.extend_from_slice(separator);
        out.extend_from_slice(name);
        out.push(b'=');
    };
    field(b"user", out);
    match (who.user(), who.uid()) {
        (Some(name), _) => render_text(name.as_bytes(), Place::Field, out),
        (None, Some(uid)) => render_number(uid, out),
        (None, None) => {}
    }
    field(b"comm", out);
    render_text(who.comm(), Place::Field, out);
    field(b"cmdline", out);
    render_cmdline(who, out);
    field(b"pid", out);
    render_number(who.pid, out);
    field(b"tid", out);
    render_number(who.tid, out);
    field(b"ppid", out);
    render_number(who.ppid(), out);
    out.push(b'(');
    render_text(who.parent_comm(), Place::Field, out);
    out.push(b')');
}

/// The words with a blank between them, without the empty ones at the end that setproctitle leaves.
pub(super) fn join_cmdline(who: &Who<'_>) -> Vec<u8> {
    let mut words: Vec<&[u8]> = who.argv().collect();
    while words.pop_if(|word| word.is_empty()).is_some() {}
    words.join(&b' ')
}

/// The command line; the comm when there is none.
fn render_cmdline(who: &Who<'_>, out: &mut Vec<u8>) {
    let line = join_cmdline(who);
    if line.is_empty() {
        return render_text(who.comm(), Place::Field, out);
    }
    render_text(&line, Place::Field, out);
    if who.argv_cut() {
        out.extend_from_slice(b"...");
    }
}
