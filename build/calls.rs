//! Turns `syscalls-table/syscalls.tbl` into the static rows that `src/table` includes.
//!
//! Nothing here may know what a system call means: that is the table's.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::ABIS;
use super::sets::Sets;
use super::structs::Structs;
use super::through::{Known, Through};
use super::unions::Unions;

/// The file, from the package's root.
pub(crate) const TABLE: &str = "syscalls-table/syscalls.tbl";
/// Argument kinds that are one word.
const PLAIN: &[&str] = &[
    "int", "uint", "long", "ulong", "u64", "hex", "fd", "dirfd", "pid", "tid", "uid", "gid", "sig", "mode", "size",
    "off", "dev", "errno", "ptr", "path", "str", "strv", "lo", "hi", "none",
];
/// The ones of [`PLAIN`] that are addresses.
const ADDRESSES: &[&str] = &["ptr", "path", "str", "strv"];
/// What can say how long another argument is: a number, or a pointer to one.
const LENGTHS: &[&str] = &["int", "uint", "long", "ulong", "u64", "size", "&int", "&uint", "&u32", "&size"];
/// What a call can return.
const RETS: &[&str] = &["int", "uint", "long", "hex", "fd", "size", "pid", "uid", "gid", "ptr", "off", "mode", "none"];
/// `model::CallSet::CAPACITY`.
const MOST_ROWS: usize = 1024;
/// Marks a number that no row has.
const NO_ROW: u16 = u16::MAX;

/// What the rows name.
#[derive(Clone, Copy)]
pub(crate) struct Names<'a> {
    /// The sets of constants.
    pub(crate) sets: &'a Sets,
    /// The structures.
    pub(crate) structs: &'a Structs,
    /// The unions.
    pub(crate) unions: &'a Unions,
    /// The calls that go through others.
    pub(crate) through: &'a Through,
}

/// One row of the table with its continuation lines; kinds and phases are already Rust expressions.
struct Row<'a> {
    name: &'a str,
    numbers: [Option<u16>; 5],
    classes: Vec<&'a str>,
    ret: &'a str,
    /// The names of the arguments.
    arg_names: Vec<&'a str>,
    args: String,
    variants: Vec<(Vec<&'static str>, String)>,
}

/// The Rust source for the table `text`, whose rows use `names`, or why the table is refused.
pub(crate) fn generate(text: &str, names: Names<'_>) -> Result<String, String> {
    let mut classes: Vec<(&str, &str)> = Vec::new();
    let mut rows: Vec<Row<'_>> = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let refuse = |why: String| format!("{TABLE}:{}: {why}", at + 1);
        let words: Vec<&str> = line.split_whitespace().collect();
        match *words.as_slice() {
            [] => {}
            [first, ..] if first.starts_with('#') => {}
            ["class", name, _, ..] => {
                let about = line.split_once(name).map_or("", |(_, rest)| rest.trim());
                if classes.iter().any(|(known, _)| *known == name) {
                    return Err(refuse(format!("class `{name}` is described twice; take one line away")));
                }
                classes.push((name, about));
            }
            [abis, ref args @ ..] if abis.starts_with('@') => {
                let row = rows.last_mut().ok_or("a line of arguments stands before any row; move it below its row");
                let row = row.map_err(|why| refuse(why.to_owned()))?;
                let variant = read_variant(row, &abis[1..], args, names).map_err(refuse)?;
                row.variants.push(variant);
            }
            _ => rows.push(read_row(&words, &classes, &rows, names).map_err(refuse)?),
        }
    }
    if rows.len() > MOST_ROWS {
        return Err(format!("{TABLE}: {} rows; raise CallSet::CAPACITY and MOST_ROWS in build/calls.rs", rows.len()));
    }
    if let Some((name, _)) = classes.iter().find(|(name, _)| !rows.iter().any(|row| row.classes.contains(name))) {
        return Err(format!("{TABLE}: no row has the class `{name}`; take its line away or use it"));
    }
    let known: Vec<Known<'_>> = rows.iter().map(|row| Known { name: row.name, args: &row.arg_names }).collect();
    Ok(render(&classes, &rows) + &names.through.render(&known)?)
}

fn read_row<'a>(
    words: &[&'a str],
    classes: &[(&str, &str)],
    rows: &[Row<'a>],
    names: Names<'_>,
) -> Result<Row<'a>, String> {
    let [name, numbers @ .., _, _] = words.get(..8).ok_or("a row has a name, five numbers, classes and a result")?
    else {
        return Err("a row has a name, five numbers, classes and a result".to_owned());
    };
    if rows.iter().any(|row| row.name == *name) {
        return Err(format!("`{name}` has a row already; make one row of the two"));
    }
    let mut read = [None; 5];
    for (column, text) in numbers.iter().enumerate().filter(|(_, text)| **text != "-") {
        let number = text.parse::<u16>().ok().filter(|number| *number < NO_ROW);
        let abi = ABIS[column].0;
        let number = number.ok_or_else(|| format!("`{text}` is no number for {abi}; write a number or `-`"))?;
        if let Some(other) = rows.iter().find(|row| row.numbers[column] == Some(number)) {
            return Err(format!("{abi} number {number} is `{}`'s already; correct one of them", other.name));
        }
        read[column] = Some(number);
    }
    if read.iter().all(Option::is_none) && !names.through.has(name) {
        return Err(format!("`{name}` has no number on any ABI; give it one or take the row away"));
    }
    let named: Vec<&str> = words[6].split(',').filter(|class| *class != "-").collect();
    if let Some(class) = named.iter().find(|class| !classes.iter().any(|(known, _)| known == *class)) {
        return Err(format!("class `{class}` is not described; correct it or describe it in a line at the top"));
    }
    let ret = words[7];
    if !RETS.contains(&ret) {
        return Err(format!("`{ret}` is no kind of result; write one of {}", RETS.join(" ")));
    }
    let arg_names = words[8..].iter().filter_map(|word| Some(word.split_once(':')?.0)).collect();
    let args = read_args(&words[8..], names)?;
    Ok(Row { name, numbers: read, classes: named, ret, arg_names, args, variants: Vec::new() })
}

fn read_variant(
    row: &Row<'_>,
    abis: &str,
    args: &[&str],
    names: Names<'_>,
) -> Result<(Vec<&'static str>, String), String> {
    let mut named = Vec::new();
    for abi in abis.split(',') {
        let column = ABIS.iter().position(|(known, _)| *known == abi);
        let column = column.ok_or_else(|| format!("`{abi}` is no ABI; the columns' names are the ABIs"))?;
        if row.numbers[column].is_none() {
            return Err(format!("`{}` has no number on {abi}; give it one or take {abi} away here", row.name));
        }
        let rust = ABIS[column].1;
        if named.contains(&rust) || row.variants.iter().any(|(abis, _)| abis.contains(&rust)) {
            return Err(format!("`{}` has arguments for {abi} already; keep one list", row.name));
        }
        named.push(rust);
    }
    Ok((named, read_args(args, names)?))
}

/// The arguments `name:kind …` as a Rust slice expression.
fn read_args(words: &[&str], names: Names<'_>) -> Result<String, String> {
    if words.len() > 6 {
        return Err(format!("{} arguments; a call has at most six registers", words.len()));
    }
    let mut args: Vec<(&str, &str, &str)> = Vec::new();
    for word in words {
        let (name, kind) = word.split_once(':').ok_or_else(|| format!("`{word}` is no argument; write name:kind"))?;
        if !is_name(name) || name == "ret" || args.iter().any(|(known, ..)| *known == name) {
            return Err(format!("`{name}` cannot name an argument here; use a name of its own, and not `ret`"));
        }
        args.push(match (kind.strip_prefix("<>"), kind.strip_prefix('<')) {
            (Some(kind), _) => (name, "InOut", kind),
            (None, Some(kind)) => (name, "Out", kind),
            (None, None) => (name, "In", kind),
        });
    }
    check_halves(&args)?;
    let mut rust = "&[".to_owned();
    for (name, phase, kind) in &args {
        let kind = read_kind(kind, phase, &args, names, 0)?;
        let _ = write!(rust, "Arg {{ name: {name:?}, kind: {kind}, phase: Phase::{phase} }}, ");
    }
    rust.push(']');
    Ok(rust)
}

/// The two registers of a split 64-bit value stand side by side as `NAME_lo:lo NAME_hi:hi`, either first.
fn check_halves(args: &[(&str, &str, &str)]) -> Result<(), String> {
    let half = |(name, _, kind): &(&str, &str, &str)| match *kind {
        "lo" | "hi" => Some(name.strip_suffix(kind).map(|stem| (stem.to_owned(), kind.to_string()))),
        _ => None,
    };
    let halves: Vec<_> = args.iter().map(half).collect();
    let mut at = 0;
    while at < halves.len() {
        at += match (&halves[at], halves.get(at + 1)) {
            (None, _) => 1,
            (Some(Some((stem, which))), Some(Some(Some((other, twin))))) if stem == other && which != twin => 2,
            _ => return Err(format!("`{}` is half a value; write NAME_lo:lo NAME_hi:hi side by side", args[at].0)),
        };
    }
    Ok(())
}

/// The kind of an argument as a Rust expression; `depth` counts the unions around it.
pub(crate) fn read_kind(
    kind: &str,
    phase: &str,
    args: &[(&str, &str, &str)],
    names: Names<'_>,
    depth: usize,
) -> Result<String, String> {
    let address = kind.starts_with('&') || kind.starts_with("bytes(") || ADDRESSES.contains(&kind);
    if phase != "In" && !address {
        return Err(format!("`{kind}` is no address, so the kernel writes nothing there; take `<` away"));
    }
    if PLAIN.contains(&kind) {
        return Ok(format!("Kind::{}", capital(kind)));
    }
    let (head, inner) = match kind.split_once(['(', '[']) {
        Some((head, rest)) if kind.ends_with([')', ']']) => (head, Some(&rest[..rest.len() - 1])),
        _ => (kind, None),
    };
    let length = |name: &str| match args.iter().position(|(known, ..)| *known == name) {
        None if name == "ret" && phase == "In" => {
            Err("a length `ret` is known only at exit; write `<` before the kind or name an argument".to_owned())
        }
        None if name == "ret" => Ok("Len::Ret".to_owned()),
        None => Err(format!("no argument here is called `{name}`; lengths are an argument's name or `ret`")),
        Some(at) if LENGTHS.contains(&args[at].2) || args[at].2.starts_with("union(") => Ok(format!("Len::Arg({at})")),
        Some(_) => Err(format!("`{name}` is not a length; a length is one of {}", LENGTHS.join(" "))),
    };
    match (head, head.strip_prefix('&'), inner) {
        ("bytes", _, Some(inner)) => Ok(format!("Kind::Bytes({})", length(inner)?)),
        ("flags" | "enum", _, Some(set)) if is_name(set) => {
            Ok(format!("Kind::{}(&{})", capital(head), names.sets.reference(set, head)?))
        }
        ("union", _, Some(name)) if is_name(name) => {
            Ok(format!("Kind::Union({})", names.unions.reference(name, args, names, depth)?))
        }
        (_, Some(name), None) if is_name(name) => Ok(format!("Kind::Struct({})", names.structs.reference(name)?)),
        (_, Some(name), Some(inner)) if is_name(name) => {
            let shape = if kind.ends_with(']') { "StructArray" } else { "StructSized" };
            Ok(format!("Kind::{shape}({}, {})", names.structs.reference(name)?, length(inner)?))
        }
        _ => Err(format!(
            "`{kind}` is no kind; write {} bytes(LENGTH) flags(SET) enum(SET) &STRUCT &STRUCT[COUNT] &STRUCT(SIZE) \
             union(UNION)",
            PLAIN.join(" ")
        )),
    }
}

pub(crate) fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

pub(crate) fn capital(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    first.to_ascii_uppercase() + rest
}

fn render(classes: &[(&str, &str)], rows: &[Row<'_>]) -> String {
    let mut code = format!("static CLASSES: [(&str, &str); {}] = {classes:?};\n", classes.len());
    let _ = writeln!(code, "static ROWS: [Row; {}] = [", rows.len());
    for (index, Row { name, numbers, classes, ret, args, variants, .. }) in rows.iter().enumerate() {
        let variants: String = variants.iter().fold(String::new(), |mut all, (abis, args)| {
            let abis: String = abis.iter().map(|abi| format!("Abi::{abi}, ")).collect();
            let _ = write!(all, "(&[{abis}], {args}), ");
            all
        });
        let _ = writeln!(
            code,
            "Row {{ name: {name:?}, numbers: {numbers:?}, classes: &{classes:?}, ret: Ret::{}, index: {index}, \
             args: {args}, variants: &[{variants}] }},",
            capital(ret)
        );
    }
    code.push_str("];\n");

    let mut by_name: Vec<(&str, usize)> = rows.iter().enumerate().map(|(index, row)| (row.name, index)).collect();
    by_name.sort_unstable();
    let _ = writeln!(code, "static BY_NAME: [(&str, u16); {}] = {by_name:?};", by_name.len());

    code.push_str("static BY_NUMBER: [&[u16]; 5] = [\n");
    for column in 0..ABIS.len() {
        let known: HashMap<u16, usize> =
            rows.iter().enumerate().filter_map(|(index, row)| Some((row.numbers[column]?, index))).collect();
        let end = known.keys().max().map_or(0, |most| most + 1);
        let dense: Vec<usize> =
            (0..end).map(|number| known.get(&number).copied().unwrap_or(usize::from(NO_ROW))).collect();
        let _ = writeln!(code, "&{dense:?},");
    }
    code.push_str("];\n");
    code
}
