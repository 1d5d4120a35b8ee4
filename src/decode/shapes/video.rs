//! Requests of video devices (linux/videodev2.h): a structure in which the program says what it asks for and the driver
//! answers; some have a union that a type chooses.

use super::super::flat::{named_word, put_named, put_seen};
use super::super::tree::{Seen, Value};
use super::super::walk::{Walk, low32, walk_items};
use super::video_format::{format, format_size, put_format, put_member};
use crate::table::sets;
use crate::table::structs::{self, Struct};

/// A request by its number: its structure, the fields that the program fills in, and those that are the answer.
struct Request {
    number: u64,
    layout: &'static Struct,
    given: &'static [&'static str],
    answered: &'static [&'static str],
}

const fn request(
    number: u64,
    layout: &'static Struct,
    given: &'static [&'static str],
    answered: &'static [&'static str],
) -> Request {
    Request { number, layout, given, answered }
}

/// VIDIOC_*, by the numbers of the header.
mod number {
    pub(super) const G_FMT: u64 = 4;
    pub(super) const S_FMT: u64 = 5;
    pub(super) const REQBUFS: u64 = 8;
    pub(super) const QUERYBUF: u64 = 9;
    pub(super) const QBUF: u64 = 15;
    pub(super) const DQBUF: u64 = 17;
    pub(super) const G_PARM: u64 = 21;
    pub(super) const S_PARM: u64 = 22;
    pub(super) const S_CTRL: u64 = 28;
    pub(super) const QUERYCTRL: u64 = 36;
    pub(super) const TRY_FMT: u64 = 64;
    pub(super) const G_EXT_CTRLS: u64 = 71;
    pub(super) const S_EXT_CTRLS: u64 = 72;
    pub(super) const TRY_EXT_CTRLS: u64 = 73;
    pub(super) const ENUM_FRAMESIZES: u64 = 74;
    pub(super) const ENUM_FRAMEINTERVALS: u64 = 75;
    pub(super) const CREATE_BUFS: u64 = 92;
    pub(super) const QUERY_EXT_CTRL: u64 = 103;
}

const TUNER: &[&str] =
    &["name", "type", "capability", "rangelow", "rangehigh", "rxsubchans", "audmode", "signal", "afc"];
const GIVEN_TUNER: &[&str] =
    &["index", "name", "type", "capability", "rangelow", "rangehigh", "rxsubchans", "audmode", "signal", "afc"];
const CONTROL: &[&str] = &["type", "name", "minimum", "maximum", "step", "default_value", "flags", "reserved"];
const EXTENDED_CONTROL: &[&str] = &[
    "type",
    "name",
    "minimum",
    "maximum",
    "step",
    "default_value",
    "flags",
    "elem_size",
    "elems",
    "nr_of_dims",
    "dims",
    "reserved",
];

static REQUESTS: [Request; 15] = [
    request(2, &structs::V4L2_FMTDESC, &["index", "type"], &["flags", "description", "pixelformat"]),
    request(number::REQBUFS, &structs::V4L2_REQUESTBUFFERS, &["type", "memory"], &[]),
    request(25, &structs::V4L2_STANDARD, &["index"], &["name", "frameperiod", "framelines"]),
    request(26, &structs::V4L2_INPUT, &["index"], &["name", "type"]),
    request(27, &structs::V4L2_CONTROL, &["id"], &["value"]),
    request(number::S_CTRL, &structs::V4L2_CONTROL, &["id"], &[]),
    request(29, &structs::V4L2_TUNER, &["index"], TUNER),
    request(30, &structs::V4L2_TUNER, GIVEN_TUNER, &[]),
    request(number::QUERYCTRL, &structs::V4L2_QUERYCTRL, &[], CONTROL),
    request(58, &structs::V4L2_CROPCAP, &["type"], &["bounds", "defrect", "pixelaspect"]),
    request(59, &structs::V4L2_CROP, &["type"], &["c"]),
    request(60, &structs::V4L2_CROP, &["type", "c"], &[]),
    request(number::ENUM_FRAMESIZES, &structs::V4L2_FRMSIZEENUM, &["index", "pixel_format"], &["type"]),
    request(
        number::ENUM_FRAMEINTERVALS,
        &structs::V4L2_FRMIVALENUM,
        &["index", "pixel_format", "width", "height"],
        &["type"],
    ),
    request(number::QUERY_EXT_CTRL, &structs::V4L2_QUERY_EXT_CTRL, &[], EXTENDED_CONTROL),
];

/// Any request that gives something and is answered.
pub(super) fn video_request(walk: &mut Walk<'_>, name: &'static str, address: u64, _: u64) {
    let number = walk.word(1) & 0xff;
    match number {
        number::G_FMT | number::S_FMT | number::TRY_FMT => format(walk, name, address, number == number::G_FMT),
        number::QUERYBUF | number::QBUF | number::DQBUF => buffer(walk, name, address, number == number::DQBUF),
        number::G_PARM | number::S_PARM => stream(walk, name, address, number == number::G_PARM),
        number::G_EXT_CTRLS | number::S_EXT_CTRLS | number::TRY_EXT_CTRLS => controls(walk, name, address, number),
        number::CREATE_BUFS => create(walk, name, address),
        _ => match REQUESTS.iter().find(|request| request.number == number) {
            Some(request) => plain(walk, name, address, request),
            None => walk.put(name, Value::Address(address)),
        },
    }
}

/// Whether what the driver writes is told although the call failed: which of the controls it did not like.
pub(super) fn told_on_failure(request: u64) -> bool {
    request >> 8 & 0xff == 0x56
        && matches!(request & 0xff, number::G_EXT_CTRLS | number::S_EXT_CTRLS | number::TRY_EXT_CTRLS)
}

fn plain(walk: &mut Walk<'_>, name: &'static str, address: u64, request: &Request) {
    let layout = request.layout;
    let Some(seen) = walk.whole(name, address, layout.size(walk.abi())) else { return };
    walk.open_struct(name);
    match request.number {
        number::QUERYCTRL | number::QUERY_EXT_CTRL => put_changing(walk, layout, &seen, "id", (&sets::V4L2_QUERY, 0)),
        _ => put_named(walk, layout, &seen, request.given),
    }
    match request.number {
        number::REQBUFS => put_number(walk, &seen, "count", 0),
        number::S_CTRL => put_number(walk, &seen, "value", 4),
        _ => {}
    }
    if walk.at_exit() {
        put_named(walk, layout, &seen, request.answered);
        match request.number {
            number::ENUM_FRAMESIZES => put_sizes(walk, &seen),
            number::ENUM_FRAMEINTERVALS => put_intervals(walk, &seen),
            _ => {}
        }
    }
    walk.close();
}

/// A number that the driver may have changed.
fn put_number(walk: &mut Walk<'_>, seen: &Seen, name: &'static str, at: usize) {
    let value = |word: u32| match name {
        "value" => Value::Signed(i64::from(word.cast_signed())),
        _ => Value::Unsigned(u64::from(word)),
    };
    let now = walk.u32_at(seen, at).unwrap_or(0);
    let old = walk.before(walk.index(), seen.address, at + 4);
    match walk.u32_at(&old, at).filter(|old| walk.at_exit() && *old != now) {
        Some(old) => {
            walk.open(name, Value::Changed);
            walk.put("", value(old));
            walk.put("", value(now));
            walk.close();
        }
        None => walk.put(name, value(now)),
    }
}

/// The number of a control, which is the next one's when that was asked for.
fn put_changing(
    walk: &mut Walk<'_>,
    layout: &'static Struct,
    seen: &Seen,
    name: &'static str,
    (set, at): (&'static sets::Set, usize),
) {
    let now = named_word(walk, layout, seen, name);
    let old = walk.before(walk.index(), seen.address, at + 4);
    match walk.u32_at(&old, at).map(u64::from).filter(|old| walk.at_exit() && *old != now) {
        Some(old) => {
            walk.open(name, Value::Changed);
            walk.put("", Value::Constant(set, old));
            walk.put("", Value::Constant(&sets::V4L2_CONTROL, now));
            walk.close();
        }
        None => walk.put(name, Value::Constant(set, now)),
    }
}

/// `struct v4l2_frmsizeenum`'s union.
fn put_sizes(walk: &mut Walk<'_>, seen: &Seen) {
    const AT: usize = 12;
    match walk.u32_at(seen, 8) {
        Some(1) => put_seen(walk, "discrete", &structs::V4L2_FRMSIZE_DISCRETE, &seen.part(AT, 8)),
        Some(3) => put_seen(walk, "stepwise", &structs::V4L2_FRMSIZE_STEPWISE, &seen.part(AT, 24)),
        _ => {}
    }
}

/// `struct v4l2_frmivalenum`'s union.
fn put_intervals(walk: &mut Walk<'_>, seen: &Seen) {
    const AT: usize = 20;
    match walk.u32_at(seen, 16) {
        Some(1) => put_seen(walk, "discrete", &structs::V4L2_FRACT, &seen.part(AT, 8)),
        Some(2 | 3) => put_seen(walk, "stepwise", &structs::V4L2_FRMIVAL_STEPWISE, &seen.part(AT, 24)),
        _ => {}
    }
}

/// `struct v4l2_streamparm`: a type, and for the two that there are the parameters of the stream.
fn stream(walk: &mut Walk<'_>, name: &'static str, address: u64, asks: bool) {
    const SIZE: usize = 204;
    let Some(seen) = walk.whole(name, address, SIZE) else { return };
    let kind = walk.u32_at(&seen, 0).unwrap_or(0);
    let member: Option<(&str, &Struct)> = match kind {
        1 => Some(("parm.capture", &structs::V4L2_CAPTUREPARM)),
        2 => Some(("parm.output", &structs::V4L2_OUTPUTPARM)),
        _ => None,
    };
    walk.open_struct(name);
    if asks || !walk.at_exit() {
        walk.put("type", Value::Constant(&sets::V4L2_BUF_TYPE, u64::from(kind)));
    }
    if let Some((member, layout)) = member.filter(|_| !asks || walk.at_exit()) {
        put_member(walk, member, layout, &seen.part(4, SIZE - 4));
    }
    walk.close();
}

/// `struct v4l2_buffer`: which one, and once the driver answered where it is and what is in it.
fn buffer(walk: &mut Walk<'_>, name: &'static str, address: u64, takes: bool) {
    const MMAP: u64 = 1;
    const USERPTR: u64 = 2;
    let layout = &structs::V4L2_BUFFER;
    let Some(seen) = walk.whole(name, address, layout.size(walk.abi())) else { return };
    walk.open_struct(name);
    put_named(walk, layout, &seen, &["type"]);
    if !takes || walk.at_exit() {
        put_named(walk, layout, &seen, &["index"]);
    }
    if walk.at_exit() {
        let place = named_word(walk, layout, &seen, "m");
        put_named(walk, layout, &seen, &["memory"]);
        match named_word(walk, layout, &seen, "memory") {
            MMAP => walk.put("m.offset", Value::Hex(u64::from(low32(place)))),
            USERPTR => walk.put("m.userptr", Value::Address(place)),
            _ => {}
        }
        put_named(walk, layout, &seen, &["length", "bytesused", "flags"]);
        if takes {
            put_named(walk, layout, &seen, &["timestamp"]);
        }
        walk.mark_more();
    }
    walk.close();
}

/// `struct v4l2_ext_controls`: controls of one class, so many as it says; when the call fails, which of them is wrong.
fn controls(walk: &mut Walk<'_>, name: &'static str, address: u64, number: u64) {
    let layout = &structs::V4L2_EXT_CONTROLS;
    let Some(seen) = walk.whole(name, address, layout.size(walk.abi())) else { return };
    let (list, count) = (named_word(walk, layout, &seen, "controls"), named_word(walk, layout, &seen, "count"));
    let asks = number == number::G_EXT_CTRLS;
    let exit = walk.at_exit();
    if exit && (count == 0 || !asks && !all_readable(walk, list, count)) {
        return walk.put(name, Value::Address(address));
    }
    walk.open_struct(name);
    if !exit || asks {
        put_named(walk, layout, &seen, &["ctrl_class", "count"]);
    }
    if count > 0 && (exit || !asks) {
        let size = structs::V4L2_EXT_CONTROL.size(walk.abi());
        walk_items(walk, "controls", list, count, size, |walk, item| put_control(walk, &item));
    }
    if exit && walk.success().is_none() {
        put_named(walk, layout, &seen, &["error_idx"]);
    }
    walk.close();
}

/// Whether as many controls as a walk looks at can be read.
fn all_readable(walk: &mut Walk<'_>, list: u64, count: u64) -> bool {
    let size = structs::V4L2_EXT_CONTROL.size(walk.abi());
    let most = walk.limits.items.min(walk.limits.structs() / size);
    let len = usize::try_from(count).unwrap_or(usize::MAX).min(most) * size;
    walk.read(list, len).len() == len
}

/// A control with its value: a number, or with a size bytes elsewhere.
fn put_control(walk: &mut Walk<'_>, item: &Seen) {
    const VALUE: usize = 12;
    let layout = &structs::V4L2_EXT_CONTROL;
    let size = named_word(walk, layout, item, "size");
    walk.open_struct("");
    put_named(walk, layout, item, &["id", "size"]);
    if size > 0 {
        let text = walk.word_at(item, VALUE).unwrap_or(0);
        walk.buffer("string", text, usize::try_from(size).unwrap_or(usize::MAX));
    } else {
        let value = walk.u32_at(item, VALUE).unwrap_or(0).cast_signed();
        walk.put("value", Value::Signed(i64::from(value)));
        put_named(walk, layout, item, &["value64"]);
    }
    walk.close();
}

/// `struct v4l2_create_buffers`: how many of which format; which is the first, and how many there are, is the answer.
fn create(walk: &mut Walk<'_>, name: &'static str, address: u64) {
    let layout = &structs::V4L2_CREATE_HEAD;
    let (size, word) = format_size(walk);
    let at = layout.size(walk.abi()).next_multiple_of(word);
    let Some(seen) = walk.whole(name, address, at + size) else { return };
    walk.open_struct(name);
    if walk.at_exit() {
        put_named(walk, layout, &seen, &["index", "count"]);
    } else {
        put_named(walk, layout, &seen, &["count", "memory"]);
        walk.open_struct("format");
        put_format(walk, &seen.part(at, size), true, true);
        walk.close();
    }
    walk.close();
}
