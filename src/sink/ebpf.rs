//! The line of the family's eBPF plugin: the module's fields, the arguments by name, the open file descriptors.

use super::clock::{Clock, Zone};
use super::escape::{Place, render_text};
use super::lines::Lines;
use super::module::{render_name, render_number, render_result, render_who};
use super::strace::values::Painter;
use super::{Format, Needs, Sink};
use crate::decode::tree::{Node, Seen, Tree, Value};
use crate::decode::{Raw, Text};
use crate::event::{Event, Sort};
use crate::model::{Plan, Rendering};
use crate::table::Kind;
use std::io::Write as _;

/// The registry's line.
pub(super) const FORMAT: Format = Format {
    name: "ebpf",
    about: "text as the eBPF plugin writes it: call, result, who, arguments, open files",
    needs: Needs { args: true, fds: true, opened: true, named: false, ..Needs::NOTHING },
    make: |plan| Box::new(Ebpf::of(plan)),
};

/// Renders the format.
#[derive(Debug)]
pub(super) struct Ebpf {
    clock: Clock,
    lines: Lines,
    tree: Tree,
    /// Arguments are written by meaning, so.
    decoded: Option<(Rendering, Zone)>,
}

impl Ebpf {
    fn of(plan: &Plan) -> Ebpf {
        let shown = &plan.output.rendering;
        Ebpf { decoded: shown.decode.then(|| (shown.clone(), Zone::of(plan))), ..Ebpf::new(Zone::of(plan)) }
    }

    /// A sink for local time of `zone`.
    pub(super) fn new(zone: impl Into<Zone>) -> Ebpf {
        Ebpf { clock: Clock::new(zone, ' '), lines: Lines::default(), tree: Tree::default(), decoded: None }
    }
}

impl Sink for Ebpf {
    fn render(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        out.push(b'[');
        self.clock.render(event.head().time, out);
        out.extend_from_slice(b"]: ");
        render_name(event.name, out);
        out.extend_from_slice(b", syscall_id=");
        render_number(event.number(), out);
        out.extend_from_slice(b", dir=");
        out.extend_from_slice(event.dir.sign().as_bytes());
        out.extend_from_slice(b", res=");
        render_result(event.result(), out);
        self.lines.render(&event.who, out, |who, out| render_who(who, b", ", out));
        out.extend_from_slice(b", args=(");
        if event.sort == Sort::Notice {
            out.extend_from_slice(b"text=");
            render_text(event.text().map_or(b"", |text| text.bytes), Place::Value, out);
        }
        let mut separator: &[u8] = b"";
        event.values(&mut self.tree);
        // What no register names is shown only by meaning.
        let shown = if event.sort == Sort::Call && self.decoded.is_none() { event.words().len() } else { usize::MAX };
        for (index, (at, node)) in self.tree.level(0..self.tree.len()).enumerate().take(shown) {
            out.extend_from_slice(separator);
            match &self.decoded {
                Some((shown, zone)) => {
                    out.extend_from_slice(node.name.as_bytes());
                    out.push(b'=');
                    Painter { event, tree: &self.tree, shown, abbrev: false, most: usize::MAX, zone }
                        .value(at, node, out);
                }
                None => render_argument(event, &self.tree, index, at, node, out),
            }
            separator = b", ";
        }
        out.extend_from_slice(b"), fds=[");
        separator = b"";
        for (number, target) in event.fds() {
            out.extend_from_slice(separator);
            render_number(number, out);
            out.push(b'(');
            render_text(target.bytes, Place::Element, out);
            render_rest(&target, out);
            out.push(b')');
            separator = b", ";
        }
        out.push(b']');
        if let Some(opened) = event.opened().filter(|_| event.redirected()) {
            out.extend_from_slice(b", opened=");
            render_text(opened.bytes, Place::Value, out);
            render_rest(&opened, out);
        }
        if event.refused() {
            out.extend_from_slice(b", refused=1");
        }
        out.push(b'\n');
    }
}

/// An argument as the sibling prints it: texts and lists of texts, else the register.
fn render_argument(event: &Event<'_>, tree: &Tree, index: usize, at: usize, node: &Node, out: &mut Vec<u8>) {
    out.extend_from_slice(node.name.as_bytes());
    out.push(b'=');
    match node.value {
        Value::Path(seen) | Value::Str(seen) | Value::Bytes(seen) => render_seen(event, tree, &seen, out),
        Value::List if event.rows().get(index).is_some_and(|arg| arg.kind == Kind::Strv) => {
            out.push(b'[');
            let mut separator: &[u8] = b"";
            for (_, item) in tree.inside(at) {
                out.extend_from_slice(separator);
                match item.value {
                    Value::Str(seen) => render_seen(event, tree, &seen, out),
                    _ => out.extend_from_slice(b"..."),
                }
                separator = b", ";
            }
            if node.more {
                out.extend_from_slice(separator);
                out.extend_from_slice(b"...");
            }
            out.push(b']');
        }
        value => {
            match event.raw(index).unwrap_or(Raw::Signed(if let Value::Signed(number) = value { number } else { 0 })) {
                Raw::Signed(number) => render_number(number, out),
                Raw::Unsigned(number) => render_number(number, out),
                Raw::Hex(number) => drop(write!(out, "{number:#x}")),
            }
        }
    }
}

fn render_seen(event: &Event<'_>, tree: &Tree, seen: &Seen, out: &mut Vec<u8>) {
    let text = event.text_of(seen, tree);
    render_text(text.bytes, Place::Value, out);
    render_rest(&text, out);
}

/// Says that a text goes on.
fn render_rest(text: &Text<'_>, out: &mut Vec<u8>) {
    if text.cut || text.unreadable {
        out.extend_from_slice(b"...");
    }
}
