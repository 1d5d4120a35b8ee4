//! Turns `syscalls-table/structs/*.struct` and `syscalls-table/shapes.txt` into the static layouts that
//! `src/table/structs.rs` includes.
//!
//! Offsets follow from the C types by the rules of each ABI, so a file says what a C header says and never a number of
//! bytes. Nothing here may know what a field means: that is the files'.

use std::fmt::Write as _;

use super::ABIS;
use super::calls::{capital, is_name};
use super::sets::Sets;

/// The folder of the files, from the package's root.
pub(crate) const FOLDER: &str = "syscalls-table/structs";
/// The file that names what is no flat structure.
pub(crate) const SHAPES: &str = "syscalls-table/shapes.txt";
/// How deep structures may nest: more is a circle.
const DEEPEST: usize = 8;
/// The largest structure; offsets are `u16`.
const LARGEST: usize = 1 << 15;
/// Kinds that say how a number in memory is shown.
const KINDS: &[&str] = &[
    "int", "uint", "long", "ulong", "u64", "hex", "fd", "dirfd", "pid", "tid", "uid", "gid", "sig", "mode", "size",
    "off", "dev", "errno", "ptr",
];
/// The kinds whose number is a pattern of bits: it has no sign, whatever the C type.
const PATTERNS: &[&str] = &["Hex", "Ptr", "Flags", "Mode", "Dev"];
/// When a field is shown; nothing for always.
const SHOWS: &[&str] = &["verbose", "nonzero", "hidden", "answer"];

/// The C data model of an ABI.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Model {
    Lp64,
    /// 8-byte integers stand at multiples of 4.
    I386,
    /// Pointers of 4 bytes; the kernel's `__kernel_long_t` has 8.
    X32,
}

/// The models in the ABIs' order.
const MODELS: [Model; 5] = [Model::Lp64, Model::I386, Model::X32, Model::Lp64, Model::Lp64];

/// A number's C type. Those with a size of 0 have the size of another thing, by ABI.
const TYPES: &[(&str, bool, usize)] = &[
    ("s8", true, 1),
    ("u8", false, 1),
    ("char", true, 1),
    ("s16", true, 2),
    ("u16", false, 2),
    ("s32", true, 4),
    ("u32", false, 4),
    ("int", true, 4),
    ("uint", false, 4),
    ("s64", true, 8),
    ("u64", false, 8),
    ("aligned_u64", false, 8),
    ("long", true, 0),
    ("ulong", false, 0),
    ("off", true, 0),
    ("sword", true, 0),
    ("word", false, 0),
    ("size", false, 0),
    ("ptr", false, 0),
    ("be16", false, 2),
    ("be32", false, 4),
    ("hwaddr", false, 1),
    ("raw", false, 1),
    ("port", false, 2),
    ("in_addr", false, 4),
    ("in6_addr", false, 16),
];

/// The types that say how they are shown.
const ADDRESSES: &[(&str, &str)] =
    &[("port", "Port"), ("in_addr", "Inet"), ("in6_addr", "Inet6"), ("hwaddr", "Hardware"), ("raw", "Raw")];

/// All structures and shapes, checked.
pub(crate) struct Structs {
    all: Vec<Struct>,
    shapes: Vec<(String, String)>,
}

/// A structure, or what replaces it on some ABIs.
struct Struct {
    place: String,
    name: String,
    /// The ABIs of `@…`; `None` for the structure itself.
    abis: Option<Vec<usize>>,
    union: bool,
    packed: bool,
    size: Option<usize>,
    fields: Vec<Field>,
    order: Vec<String>,
}

struct Field {
    place: String,
    name: String,
    of: Type,
    /// Elements of an array.
    count: Option<usize>,
    bits: Option<usize>,
    /// `What` as a Rust expression.
    what: String,
    show: String,
}

enum Type {
    Number(&'static str, bool, usize),
    Struct(String),
}

/// Where a field lies on one ABI.
#[derive(Clone, Copy, Default)]
struct At {
    offset: usize,
    width: usize,
    shift: usize,
}

/// A layout on one ABI.
struct Layout {
    fields: Vec<At>,
    size: usize,
    align: usize,
}

impl Structs {
    /// Reads files given as path and text, and the list of shapes.
    pub(crate) fn read(files: &[(String, String)], shapes: &str, sets: &Sets) -> Result<Structs, String> {
        let mut structs = Structs { all: Vec::new(), shapes: Vec::new() };
        for (path, text) in files {
            let first = structs.all.len();
            for (at, line) in text.lines().enumerate() {
                let place = format!("{path}:{}", at + 1);
                let line = line.split_once('#').map_or(line, |(line, _)| line);
                let words: Vec<&str> = line.split_whitespace().collect();
                structs.read_line(&words, &place, first, sets).map_err(|why| format!("{place}: {why}"))?;
            }
        }
        for (at, line) in shapes.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
            structs.read_shape(line).map_err(|why| format!("{SHAPES}:{}: {why}", at + 1))?;
        }
        structs.shapes.sort();
        structs.check()?;
        Ok(structs)
    }

    fn read_shape(&mut self, line: &str) -> Result<(), String> {
        let (name, about) = line.split_once(' ').ok_or("a shape has a name and one line about it")?;
        if !is_name(name) || self.shapes.iter().any(|(known, _)| known == name) {
            return Err(format!("`{name}` cannot name a shape; use lower-case letters, digits and `_`, once"));
        }
        if let Some(flat) = self.all.iter().find(|flat| flat.name == name) {
            return Err(format!("`{name}` is a structure at {}; rename one of them", flat.place));
        }
        self.shapes.push((name.to_owned(), about.trim().to_owned()));
        Ok(())
    }

    fn read_line(&mut self, words: &[&str], place: &str, first: usize, sets: &Sets) -> Result<(), String> {
        match *words {
            [] => Ok(()),
            [kind @ ("struct" | "union"), name, ref options @ ..] => {
                let new = read_head(kind == "union", name, options, place)?;
                let twin = self.all.iter().find(|other| {
                    let shared = |abis: &Vec<usize>| abis.iter().any(|abi| new.abis.iter().flatten().any(|a| a == abi));
                    other.name == new.name
                        && (other.abis.is_none() && new.abis.is_none() || other.abis.as_ref().is_some_and(shared))
                });
                if let Some(twin) = twin {
                    return Err(format!("`{name}` stands at {} already; make one of the two", twin.place));
                }
                self.all.push(new);
                Ok(())
            }
            [name, ref rest @ ..] => {
                let last = self.all.get_mut(first..).and_then(<[Struct]>::last_mut);
                let last = last.ok_or("a field stands before any structure; begin with `struct NAME`")?;
                if name == "order" {
                    last.order.extend(rest.iter().map(|name| (*name).to_owned()));
                    return Ok(());
                }
                let field = read_field(name, rest, place, sets)?;
                if last.fields.iter().any(|other| other.name == field.name) {
                    return Err(format!("`{}` has a field `{name}` already; rename one", last.name));
                }
                last.fields.push(field);
                Ok(())
            }
        }
    }

    fn check(&self) -> Result<(), String> {
        for one in &self.all {
            let refuse = |why: String| Err(format!("{}: `{}` {why}", one.place, one.name));
            if one.abis.is_some() && !self.all.iter().any(|other| other.name == one.name && other.abis.is_none()) {
                return refuse("has no layout for the other ABIs; write one without `@`".to_owned());
            }
            if one.fields.is_empty() {
                return refuse("has no field; write one or take it away".to_owned());
            }
            if let Some(name) = one.order.iter().find(|name| !one.fields.iter().any(|field| field.name == **name)) {
                return refuse(format!("has no field `{name}` to order; correct the name"));
            }
            for abi in 0..ABIS.len() {
                self.layout(one, abi, 0)?;
            }
        }
        Ok(())
    }

    /// The structure called `name` on an ABI.
    fn find(&self, name: &str, abi: usize) -> Option<&Struct> {
        let mut named = self.all.iter().filter(|one| one.name == name);
        let general = named.clone().find(|one| one.abis.is_none());
        named.find(|one| one.abis.as_ref().is_some_and(|abis| abis.contains(&abi))).or(general)
    }

    /// C's rules: a field at the next multiple of its alignment, the whole a multiple of the largest alignment.
    fn layout(&self, one: &Struct, abi: usize, depth: usize) -> Result<Layout, String> {
        if depth == DEEPEST {
            return Err(format!("{}: `{}` holds itself; break the circle", one.place, one.name));
        }
        let mut layout = Layout { fields: Vec::new(), size: 0, align: 1 };
        // The unit of the bit field before, and how many of its bits are taken.
        let mut unit: Option<(At, usize)> = None;
        let mut end: usize = 0;
        for field in &one.fields {
            let (width, align) =
                self.measure(&field.of, abi, depth).map_err(|why| format!("{}: {why}", field.place))?;
            let align = if one.packed { 1 } else { align };
            layout.align = layout.align.max(align);
            let shared = unit
                .filter(|(at, taken)| at.width == width && field.bits.is_some_and(|bits| taken + bits <= width * 8));
            if let (Some((at, taken)), Some(bits)) = (shared, field.bits) {
                layout.fields.push(At { shift: taken, ..at });
                unit = Some((at, taken + bits));
                continue;
            }
            let at = At { offset: if one.union { 0 } else { end.next_multiple_of(align) }, width, shift: 0 };
            layout.fields.push(at);
            unit = field.bits.map(|bits| (at, bits));
            end = end.max(at.offset + width * field.count.unwrap_or(1));
        }
        layout.size = end.next_multiple_of(layout.align);
        if let Some(size) = one.size {
            if size < end {
                return Err(format!(
                    "{}: `{}` has {end} bytes on {}, more than {size}",
                    one.place, one.name, ABIS[abi].0
                ));
            }
            layout.size = size;
        }
        if layout.size > LARGEST {
            return Err(format!("{}: `{}` is larger than {LARGEST} bytes; make it a shape", one.place, one.name));
        }
        Ok(layout)
    }

    /// Size and alignment of one element.
    fn measure(&self, of: &Type, abi: usize, depth: usize) -> Result<(usize, usize), String> {
        let model = MODELS[abi];
        let width = match of {
            Type::Struct(name) => {
                let inner = self.find(name, abi);
                let inner = inner.ok_or_else(|| format!("no structure is called `{name}`; correct or define it"))?;
                let layout = self.layout(inner, abi, depth + 1)?;
                return Ok((layout.size, layout.align));
            }
            Type::Number("aligned_u64", ..) => return Ok((8, 8)),
            Type::Number("in6_addr", _, width) => return Ok((*width, 4)),
            Type::Number("long" | "ulong" | "off", ..) if model == Model::I386 => 4,
            Type::Number("long" | "ulong" | "off", ..) => 8,
            Type::Number(_, _, 0) if model == Model::Lp64 => 8,
            Type::Number(_, _, 0) => 4,
            Type::Number(_, _, width) => *width,
        };
        Ok((width, if model == Model::I386 { width.min(4) } else { width }))
    }

    /// What `&name` in the table is, as a Rust expression of type `Thing`.
    pub(crate) fn reference(&self, name: &str) -> Result<String, String> {
        let upper = name.to_ascii_uppercase();
        if self.find(name, 0).is_some() {
            return Ok(format!("Thing::Flat(&structs::{upper})"));
        }
        if self.shapes.iter().any(|(known, _)| known == name) {
            return Ok(format!("Thing::Shape(structs::shapes::{upper})"));
        }
        Err(format!("no structure is called `{name}`; define it in a file of {FOLDER}, or name it in {SHAPES}"))
    }

    /// The Rust source.
    pub(crate) fn render(&self) -> Result<String, String> {
        let mut code = String::new();
        let mut names: Vec<&str> = Vec::new();
        for (index, one) in self.all.iter().enumerate() {
            let upper = one.name.to_ascii_uppercase();
            let _ = writeln!(code, "static {upper}_{index}: &[Field] = {};", self.render_fields(one)?);
            if one.abis.is_some() {
                continue;
            }
            names.push(&one.name);
            let (mut sizes, mut fields) = (String::new(), String::new());
            for abi in 0..ABIS.len() {
                let own = self.find(&one.name, abi).unwrap_or(one);
                let at = self.all.iter().position(|other| std::ptr::eq(other, own)).unwrap_or(index);
                let _ = write!(sizes, "{}, ", self.layout(own, abi, 0)?.size);
                let _ = write!(fields, "{upper}_{at}, ");
            }
            let _ = writeln!(
                code,
                "/// The structure `{name}` of `{file}`.\npub static {upper}: Struct = Struct {{ name: {name:?}, sizes: \
                 [{sizes}], fields: [{fields}] }};",
                name = one.name,
                file = one.place.split(':').next().unwrap_or_default(),
            );
        }
        names.sort_unstable();
        let list: String = names.iter().map(|name| format!("&{}, ", name.to_ascii_uppercase())).collect();
        let _ = writeln!(code, "static BY_NAME: [&Struct; {}] = [{list}];", names.len());

        let list: Vec<&str> = self.shapes.iter().map(|(name, _)| name.as_str()).collect();
        let _ = writeln!(code, "static SHAPES: [&str; {}] = {list:?};", list.len());
        code.push_str("/// The shapes, to match on.\npub mod shapes {\nuse super::Shape;\n");
        for (index, (name, about)) in self.shapes.iter().enumerate() {
            let _ = writeln!(code, "/// {about}\npub const {}: Shape = Shape({index});", name.to_ascii_uppercase());
        }
        code.push_str("}\n");
        Ok(code)
    }

    /// The fields in the order in which they are shown.
    fn render_fields(&self, one: &Struct) -> Result<String, String> {
        let layouts: Vec<Layout> = (0..ABIS.len()).map(|abi| self.layout(one, abi, 0)).collect::<Result<_, _>>()?;
        let mut shown: Vec<usize> = (0..one.fields.len()).collect();
        let place = |at: &usize| one.order.iter().position(|name| *name == one.fields[*at].name);
        shown.sort_by_key(|at| place(at).unwrap_or(usize::MAX));
        let mut code = "&[".to_owned();
        for at in shown {
            let field = &one.fields[at];
            let of = |get: fn(&At) -> usize| layouts.iter().map(|l| get(&l.fields[at])).collect::<Vec<usize>>();
            let pattern = PATTERNS.iter().any(|kind| field.what.starts_with(&format!("What::Word(Kind::{kind}")));
            let signed = matches!(field.of, Type::Number(_, true, _)) && !pattern;
            let shift = layouts.first().map_or(0, |layout| layout.fields[at].shift);
            let bits = field.bits.map(|len| format!("Bits {{ shift: {shift}, len: {len} }}"));
            let _ = write!(
                code,
                "Field {{ name: {:?}, offsets: {:?}, widths: {:?}, bits: {}, signed: {signed}, what: {}, count: {}, \
                 array: {}, show: Show::{} }}, ",
                if field.name == "-" { "" } else { &field.name },
                of(|at| at.offset),
                of(|at| at.width),
                bits.map_or("None".to_owned(), |bits| format!("Some({bits})")),
                field.what,
                field.count.unwrap_or(1),
                field.count.is_some(),
                field.show,
            );
        }
        code.push(']');
        Ok(code)
    }
}

fn read_head(union: bool, name: &str, options: &[&str], place: &str) -> Result<Struct, String> {
    if !is_name(name) {
        return Err(format!("`{name}` cannot name a structure; write lower-case letters, digits and `_`"));
    }
    let (place, name) = (place.to_owned(), name.to_owned());
    let (fields, order) = (Vec::new(), Vec::new());
    let mut head = Struct { place, name, abis: None, union, packed: false, size: None, fields, order };
    let mut options = options.iter();
    while let Some(option) = options.next() {
        if let Some(abis) = option.strip_prefix('@') {
            let column = |abi: &str| {
                let column = ABIS.iter().position(|(known, _)| *known == abi);
                column.ok_or_else(|| format!("`{abi}` is no ABI; write some of x86_64 i386 x32 aarch64 riscv64"))
            };
            head.abis = Some(abis.split(',').map(column).collect::<Result<_, _>>()?);
            continue;
        }
        match (*option, options.clone().next().and_then(|size| size.parse().ok())) {
            ("packed", _) => head.packed = true,
            ("size", Some(size)) => {
                head.size = Some(size);
                options.next();
            }
            _ => return Err(format!("`{option}` is no option of a structure; write @ABI,ABI or packed or size N")),
        }
    }
    Ok(head)
}

/// `NAME TYPE`, then a kind, then when it is shown; the last two can be absent.
fn read_field(name: &str, words: &[&str], place: &str, sets: &Sets) -> Result<Field, String> {
    if name != "-" && !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return Err(format!("`{name}` cannot name a field; write what the C header writes, or `-` for no name"));
    }
    let (inner, words) = match words {
        ["struct", inner, rest @ ..] => (Some(*inner), rest),
        words => (None, words),
    };
    let (spelled, words) = match (inner, words) {
        (Some(inner), words) => (inner, words),
        (None, [spelled, rest @ ..]) => (*spelled, rest),
        (None, []) => return Err(format!("`{name}` has no type; write `{name} TYPE`")),
    };
    let bad = || format!("`{spelled}` is no type; write one of the README's, TYPE[COUNT], TYPE:BITS or struct NAME");
    let number = |text: &str| text.parse::<usize>().ok().filter(|count| (1..=LARGEST).contains(count)).ok_or_else(bad);
    let (base, count, bits) = if let Some((base, count)) = spelled.strip_suffix(']').and_then(|s| s.split_once('[')) {
        (base, Some(number(count)?), None)
    } else if let Some((base, bits)) = spelled.split_once(':') {
        (base, None, Some(number(bits)?))
    } else {
        (spelled, None, None)
    };
    let of = if inner.is_some() {
        Type::Struct(base.to_owned())
    } else {
        let found = TYPES.iter().find(|(name, ..)| *name == base).ok_or_else(bad)?;
        Type::Number(found.0, found.1, found.2)
    };
    let (kind, show) = match words {
        [] => (None, None),
        [show] if SHOWS.contains(show) => (None, Some(*show)),
        [kind] => (Some(*kind), None),
        [kind, show] if SHOWS.contains(show) => (Some(*kind), Some(*show)),
        _ => return Err(format!("`{}` is no kind with {}", words.join(" "), SHOWS.join(" or "))),
    };
    if bits.is_some() && matches!(of, Type::Number(_, _, 0) | Type::Struct(_)) {
        return Err(format!("`{spelled}`: bits are of a number with the same size on all ABIs; write u32 or u64"));
    }
    let address = ADDRESSES.iter().find(|(name, _)| *name == base && inner.is_none());
    if let (Some(_), Some(kind)) = (address, kind) {
        return Err(format!("`{base}` says how it is shown; take `{kind}` away"));
    }
    if base == "char" && (count.is_none() || kind.is_some()) {
        return Err("text has no kind, and a length: write char[COUNT]; a small number is an s8".to_owned());
    }
    if let (Type::Number(_, _, width), Some(bits)) = (&of, bits)
        && bits > width * 8
    {
        return Err(format!("`{spelled}` has more than its type; write a larger type"));
    }
    let what = match (&of, kind) {
        _ if address.is_some() => address.map_or(String::new(), |(_, what)| format!("What::{what}")),
        (Type::Struct(_), Some(kind)) => return Err(format!("a structure has no kind; take `{kind}` away")),
        (Type::Struct(name), None) => format!("What::Nested(&{})", name.to_ascii_uppercase()),
        (Type::Number("char", ..), _) => "What::Text".to_owned(),
        (Type::Number("u8", ..), None) if count.is_some() => "What::Bytes".to_owned(),
        (Type::Number("be16" | "be32", ..), kind) => format!("What::Big({})", read_kind(kind, "u32", false, sets)?),
        (Type::Number(base, signed, _), Some(kind)) if kind.starts_with("places(") => {
            let (set, number) = (kind.trim_start_matches("places(").trim_end_matches(')'), *base);
            format!("What::Places(&{}, {})", sets.reference(set, "enum")?, read_kind(None, number, *signed, sets)?)
        }
        (Type::Number(base, signed, _), kind) => format!("What::Word({})", read_kind(kind, base, *signed, sets)?),
    };
    let show = capital(match show {
        None => "always",
        Some("nonzero") => {
            return Ok(Field { place: place.into(), name: name.into(), of, count, bits, what, show: "NonZero".into() });
        }
        Some(show) => show,
    });
    Ok(Field { place: place.to_owned(), name: name.to_owned(), of, count, bits, what, show })
}

/// How a number is shown: as the kind says, or in base 10 by its type.
fn read_kind(kind: Option<&str>, base: &str, signed: bool, sets: &Sets) -> Result<String, String> {
    let Some(kind) = kind else {
        return Ok(format!(
            "Kind::{}",
            match (base, signed) {
                ("ptr", _) => "Ptr",
                ("s64" | "long" | "off" | "sword", _) => "Long",
                ("u64" | "aligned_u64" | "ulong" | "word" | "size", _) => "U64",
                (_, true) => "Int",
                (_, false) => "Uint",
            }
        ));
    };
    sets.kind(kind, KINDS)
}
