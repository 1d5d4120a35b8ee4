//! Formats of pictures and sound (linux/videodev2.h, `struct v4l2_format`): a type, and a union that it chooses from.

use super::super::flat::{named_word, put_fields, put_named, put_seen, walk_flat_array};
use super::super::tree::{Seen, Value};
use super::super::walk::Walk;
use crate::table::sets;
use crate::table::structs::{self, Struct};

/// The size of `struct v4l2_format`, and where its union begins: it holds addresses.
pub(super) fn format_size(walk: &Walk<'_>) -> (usize, usize) {
    const UNION: usize = 200;
    let at = walk.abi().word();
    (at + UNION, at)
}

/// `struct v4l2_format`. Who asks gives the type alone; of one that is set, the answer is what became of it.
pub(super) fn format(walk: &mut Walk<'_>, name: &'static str, address: u64, asks: bool) {
    let (size, _) = format_size(walk);
    let Some(seen) = walk.whole(name, address, size) else { return };
    walk.open_struct(name);
    put_format(walk, &seen, asks || !walk.at_exit(), !asks || walk.at_exit());
    walk.close();
}

/// A format's type, and the member of its union that the type chooses.
pub(super) fn put_format(walk: &mut Walk<'_>, seen: &Seen, typed: bool, whole: bool) {
    let kind = walk.u32_at(seen, 0).unwrap_or(0);
    if typed {
        walk.put("type", Value::Constant(&sets::V4L2_BUF_TYPE, u64::from(kind)));
    }
    let (size, at) = format_size(walk);
    let part = seen.part(at, size - at);
    if !whole {
        return;
    }
    match kind {
        1 | 2 => put_member(walk, "fmt.pix", &structs::V4L2_PIX_FORMAT, &part),
        3 | 8 => put_window(walk, &part),
        4 | 5 => put_member(walk, "fmt.vbi", &structs::V4L2_VBI_FORMAT, &part),
        6 | 7 => put_sliced(walk, &part),
        9 | 10 => put_planes(walk, &part),
        11 | 12 => put_member(walk, "fmt.sdr", &structs::V4L2_SDR_FORMAT, &part),
        13 | 14 => put_member(walk, "fmt.meta", &structs::V4L2_META_FORMAT, &part),
        _ => {}
    }
}

/// A member of a union, by its name there.
pub(super) fn put_member(walk: &mut Walk<'_>, name: &'static str, layout: &'static Struct, part: &Seen) {
    walk.open_struct(name);
    put_fields(walk, layout, &part.part(0, layout.size(walk.abi())));
    walk.close();
}

/// Several planes, so many as the last field says.
fn put_planes(walk: &mut Walk<'_>, part: &Seen) {
    const MOST: usize = 8;
    const FIRST: usize = 20;
    const PLANE: usize = 20;
    let layout = &structs::V4L2_PIX_FORMAT_MPLANE;
    let count = usize::try_from(named_word(walk, layout, part, "num_planes")).unwrap_or(0).min(MOST);
    walk.open_struct("fmt.pix_mp");
    put_named(walk, layout, part, &["width", "height", "pixelformat", "field", "colorspace"]);
    walk.open_list("plane_fmt");
    for index in 0..count {
        put_seen(walk, "", &structs::V4L2_PLANE_PIX_FORMAT, &part.part(FIRST + index * PLANE, PLANE));
    }
    walk.close();
    put_named(walk, layout, part, &["num_planes"]);
    walk.close();
}

fn put_window(walk: &mut Walk<'_>, part: &Seen) {
    let layout = &structs::V4L2_WINDOW;
    let (clips, count) = (named_word(walk, layout, part, "clips"), named_word(walk, layout, part, "clipcount"));
    walk.open_struct("fmt.win");
    put_named(walk, layout, part, &["w", "field", "chromakey"]);
    walk_flat_array(walk, "clips", &structs::V4L2_CLIP, clips, count);
    put_named(walk, layout, part, &["clipcount", "bitmap", "global_alpha"]);
    walk.close();
}

/// The lines of both fields of a picture: 24 each.
fn put_sliced(walk: &mut Walk<'_>, part: &Seen) {
    const LINES: usize = 24;
    let layout = &structs::V4L2_SLICED_VBI_FORMAT;
    walk.open_struct("fmt.sliced");
    put_named(walk, layout, part, &["service_set"]);
    walk.open_list("service_lines");
    for field in 0..2 {
        walk.open_list("");
        for line in 0..LINES {
            let service = walk.number(part, 2 + (field * LINES + line) * 2, 2).unwrap_or(0);
            walk.put("", Value::Hex(service));
        }
        walk.close();
    }
    walk.close();
    put_named(walk, layout, part, &["io_size"]);
    walk.close();
}
