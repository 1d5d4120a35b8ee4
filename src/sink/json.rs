//! One JSON object a line, as `docs/event.schema.json` describes it.

use super::clock::{Clock, Zone};
use super::lines::Lines;
use super::module::join_cmdline;
use super::wire::{Bytes, Digits, Doer, EventName, LostCalls, NoticeHead, Number, ProcessHead, VERSION, render_tail};
use super::{Format, Needs, Sink, direct};
use crate::decode::tree::Tree;
use crate::decode::{Raw, errno};
use crate::event::{Dir, Event, Name, Outcome, Sort};
use serde::Serialize;

/// The registry's line.
pub(super) const FORMAT: Format = Format {
    name: "json",
    about: "one JSON object a line, docs/event.schema.json: all that is known",
    needs: Needs { args: true, fds: true, opened: true, named: false, ..Needs::NOTHING },
    make: |plan| Box::new(Json::new(Zone::of(plan))),
};

/// Renders the format.
#[derive(Debug)]
pub(super) struct Json {
    clock: Clock,
    lines: Lines,
    time: Vec<u8>,
    path: Vec<u8>,
    tree: Tree,
}

impl Json {
    /// A sink for local time of `zone`.
    pub(super) fn new(zone: impl Into<Zone>) -> Json {
        Json {
            clock: Clock::new(zone, 'T'),
            lines: Lines::default(),
            time: Vec::new(),
            path: Vec::new(),
            tree: Tree::default(),
        }
    }
}

impl Sink for Json {
    fn render(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        let head = event.head();
        self.time.clear();
        self.clock.render(head.time, &mut self.time);
        self.time.extend_from_slice(self.clock.offset().as_bytes());
        let time = std::str::from_utf8(&self.time).unwrap_or_default();
        render_head(event, time, out);
        self.lines.render(&event.who, out, |who, out| {
            let joined = join_cmdline(who);
            continue_object(&Doer::new(who, &joined), out);
        });
        if event.sort != Sort::Notice {
            event.values(&mut self.tree);
            render_tail(event, &self.tree, &mut self.path, out);
        }
        out.extend_from_slice(b"}\n");
    }
}

/// The first fields, without the brace that closes the object.
fn render_head(event: &Event<'_>, time: &str, out: &mut Vec<u8>) {
    let time_ns = Digits(event.head().time);
    let name = EventName(event.name);
    let res = event.result().map(|result| Number(Raw::Signed(result)));
    match event.sort {
        Sort::Call => render_call(event, time, out),
        Sort::Process => render_object(&ProcessHead { v: VERSION, sort: "process", time, time_ns, name, res }, out),
        Sort::Notice => {
            let text = Bytes(event.text().map_or(b"", |text| text.bytes));
            let lost = event.lost().map(|lost| Number(Raw::Unsigned(lost)));
            let lost_calls = lost.is_some().then_some(LostCalls(*event));
            render_object(&NoticeHead { v: VERSION, sort: "notice", time, time_ns, text, lost, lost_calls }, out);
        }
    }
}

/// The first fields of a call.
fn render_call(event: &Event<'_>, time: &str, out: &mut Vec<u8>) {
    let field = |key: &str, out: &mut Vec<u8>| out.extend_from_slice(key.as_bytes());
    field("{\"v\":", out);
    direct::decimal(VERSION, out);
    field(",\"type\":\"syscall\",\"time\":", out);
    direct::name(time, out);
    field(",\"time_ns\":\"", out);
    direct::decimal(event.head().time, out);
    field("\",\"name\":", out);
    match event.name {
        Name::Known(name) => direct::name(name, out),
        unknown @ Name::Unknown(_) => direct::value(&EventName(unknown), out),
    }
    field(",\"nr\":", out);
    direct::decimal(event.number(), out);
    field(",\"abi\":", out);
    match event.head().abi {
        Some(abi) => direct::name(abi.name(), out),
        None => field("null", out),
    }
    if let Some(multiplexer) = event.via() {
        field(",\"via\":", out);
        direct::name(multiplexer, out);
    }
    field(if event.dir == Dir::Enter { ",\"dir\":\">\",\"res\":" } else { ",\"dir\":\"<\",\"res\":" }, out);
    let or_null = |result: Option<i64>, out: &mut Vec<u8>| match result {
        Some(result) => direct::word(Raw::Signed(result), out),
        None => field("null", out),
    };
    or_null(event.result(), out);
    field(",\"result\":", out);
    or_null(event.result().filter(|_| event.outcome != Outcome::Entered), out);
    if let Some(number) = event.error() {
        field(",\"errno\":", out);
        direct::name(errno::name(number).unwrap_or("unknown"), out);
    }
    if let Outcome::Unfinished(why) = event.outcome {
        field(",\"unfinished\":", out);
        direct::name(why.word(), out);
    }
}

/// Appends an object without the brace that closes it.
fn render_object(object: &impl Serialize, out: &mut Vec<u8>) {
    direct::value(object, out);
    out.pop();
}

/// Appends the fields of `object` to an object that has some.
fn continue_object(object: &impl Serialize, out: &mut Vec<u8>) {
    let start = out.len();
    render_object(object, out);
    if let Some(brace) = out.get_mut(start) {
        *brace = b',';
    }
}
