//! Turns `syscalls-table/attributes/*.attributes` into the static tables that `src/table/attributes.rs` includes: what
//! the attributes of netlink messages hold.
//!
//! Nothing here may know what an attribute means: that is the files'.

use std::fmt::Write as _;

use super::calls::{capital, is_name};
use super::sets::Sets;
use super::structs::Structs;

pub(crate) const FOLDER: &str = "syscalls-table/attributes";

/// Numbers by their type: the width in bytes and whether it has a sign.
const NUMBERS: &[(&str, usize, bool)] = &[
    ("u8", 1, false),
    ("u16", 2, false),
    ("u32", 4, false),
    ("u64", 8, false),
    ("s8", 1, true),
    ("s16", 2, true),
    ("s32", 4, true),
    ("s64", 8, true),
];
/// Kinds that say how a number is shown.
const KINDS: &[&str] = &["hex", "fd", "pid", "uid", "gid"];
/// What is one word in the files and one variant of `How`.
const PLAIN: &[&str] = &["text", "address", "hardware", "interface", "ticks", "string", "inet", "inet6"];

/// All tables of attributes.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    all: Vec<Table>,
}

#[derive(Debug)]
struct Table {
    place: String,
    name: String,
    /// The set of the types.
    set: String,
    /// Each type's value and what it holds, as the line says it.
    known: Vec<(u64, Vec<String>, String)>,
    /// What any other type holds.
    other: Option<(Vec<String>, String)>,
}

impl Tables {
    /// Reads files given as path and text.
    pub(crate) fn read(files: &[(String, String)], sets: &Sets) -> Result<Tables, String> {
        let mut tables = Tables::default();
        for (path, text) in files {
            for (at, line) in text.lines().enumerate() {
                let place = format!("{path}:{}", at + 1);
                let line = line.split_once('#').map_or(line, |(line, _)| line);
                let words: Vec<&str> = line.split_whitespace().collect();
                tables.read_line(&words, &place, sets).map_err(|why| format!("{place}: {why}"))?;
            }
        }
        Ok(tables)
    }

    fn read_line(&mut self, words: &[&str], place: &str, sets: &Sets) -> Result<(), String> {
        match *words {
            [] => {}
            ["attributes", name, set] if is_name(name) => {
                if let Some(table) = self.all.iter().find(|table| table.name == name) {
                    return Err(format!("`{name}` stands at {} already; make one of the two", table.place));
                }
                if set != "-" {
                    sets.reference(set, "enum")?;
                }
                let (name, set, place) = (name.to_owned(), set.to_owned(), place.to_owned());
                self.all.push(Table { place, name, set, known: Vec::new(), other: None });
            }
            [constant, ref how @ ..] if !how.is_empty() => {
                let table = self.all.last_mut().ok_or("a file begins with `attributes NAME SET`")?;
                let how: Vec<String> = how.iter().map(|word| (*word).to_owned()).collect();
                if constant == "*" {
                    table.other = Some((how, place.to_owned()));
                    return Ok(());
                }
                let value = sets.value(&table.set, constant);
                let value = value.ok_or_else(|| {
                    format!("`{constant}` is no constant of `{}`; correct it or add it there", table.set)
                })?;
                if table.known.iter().any(|(known, ..)| *known == value) {
                    return Err(format!("`{constant}` is there already; take one line away"));
                }
                table.known.push((value, how, place.to_owned()));
            }
            _ => return Err("write `attributes NAME SET`, `CONSTANT HOW` or `* HOW`".to_owned()),
        }
        Ok(())
    }

    /// The Rust source.
    pub(crate) fn render(&self, sets: &Sets, structs: &Structs) -> Result<String, String> {
        let mut code = String::new();
        for table in &self.all {
            let mut known = table.known.clone();
            known.sort_by_key(|(value, ..)| *value);
            let file = table.place.split(':').next().unwrap_or_default();
            let _ = write!(
                code,
                "/// The attributes `{}` of `{file}`.\npub static {}: Attributes = Attributes {{ names: {}, known: &[",
                table.name,
                table.name.to_ascii_uppercase(),
                match table.set.as_str() {
                    "-" => "None".to_owned(),
                    set => format!("Some(&{})", sets.reference(set, "enum")?),
                }
            );
            for (value, how, place) in &known {
                let how = self.how(table, how, sets, structs).map_err(|why| format!("{place}: {why}"))?;
                let _ = write!(code, "({value:#x}, {how}), ");
            }
            let other = match &table.other {
                Some((how, place)) => {
                    let how = self.how(table, how, sets, structs).map_err(|why| format!("{place}: {why}"))?;
                    format!("Some({how})")
                }
                None => "None".to_owned(),
            };
            let _ = writeln!(code, "], other: {other} }};");
        }
        Ok(code)
    }

    /// The words behind a constant as a Rust expression of type `How`.
    fn how(&self, table: &Table, words: &[String], sets: &Sets, structs: &Structs) -> Result<String, String> {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let number = |word: &str| NUMBERS.iter().find(|(name, ..)| *name == word);
        match *words.as_slice() {
            [word] if PLAIN.contains(&word) => Ok(format!("How::{}", capital(word))),
            ["nested", name] => Ok(format!("How::Nested({})", self.reference(name)?)),
            ["struct", name] => Ok(format!("How::Struct({}, 0)", layout(name, structs)?)),
            // Older kernels have only so many bytes of it.
            ["struct", name, least] => {
                let least: u16 = least.parse().map_err(|_| format!("`{least}` is no number of bytes"))?;
                Ok(format!("How::Struct({}, {least})", layout(name, structs)?))
            }
            ["leading", name] => Ok(format!("How::Leading({})", layout(name, structs)?)),
            ["structs", name] => Ok(format!("How::Structs({})", layout(name, structs)?)),
            ["headed", name, attributes] => {
                Ok(format!("How::Headed({}, {})", layout(name, structs)?, self.reference(attributes)?))
            }
            ["indexed", set, kind] => {
                let (_, width, signed) = number(kind).ok_or_else(|| format!("`{kind}` is no number"))?;
                let set = sets.reference(set, "enum")?;
                Ok(format!("How::Indexed(&{set}, {width}, {signed})"))
            }
            ["family", ref cases @ ..] if !cases.is_empty() => {
                let mut known = Vec::new();
                let mut other = "None".to_owned();
                for case in cases {
                    let (family, name) = case.split_once(':').ok_or("write FAMILY:ATTRIBUTES or *:ATTRIBUTES")?;
                    let attributes = self.reference(name)?;
                    if family == "*" {
                        other = format!("Some({attributes})");
                        continue;
                    }
                    let value = sets.value("address_family", family);
                    let value = value.ok_or_else(|| format!("`{family}` is no address family"))?;
                    known.push(format!("({value}, {attributes})"));
                }
                Ok(format!("How::Family(&[{}], {other})", known.join(", ")))
            }
            ["beside", constant, ref cases @ ..] if !cases.is_empty() => {
                let value = sets.value(&table.set, constant);
                let value = value.ok_or_else(|| format!("`{constant}` is no constant of `{}`", table.set))?;
                let case = |case: &&str| {
                    let mut words: Vec<String> = case.split(':').map(str::to_owned).collect();
                    let text = words.remove(0);
                    Ok::<String, String>(format!("({text:?}, {})", self.how(table, &words, sets, structs)?))
                };
                let cases = cases.iter().map(case).collect::<Result<Vec<_>, _>>()?;
                Ok(format!("How::Beside({value}, &[{}])", cases.join(", ")))
            }
            [word @ ("be16" | "be32" | "be64"), ref kind @ ..] if kind.len() < 2 => {
                let kind = kind.first().map_or(Ok("Kind::U64".to_owned()), |kind| sets.kind(kind, KINDS))?;
                let width: u32 = word[2..].parse().unwrap_or(0) / 8;
                Ok(format!("How::Big {{ width: {width}, kind: {kind} }}"))
            }
            ["own", name] if is_name(name) => {
                Ok(format!("How::Own(Own::{})", name.split('_').map(capital).collect::<String>()))
            }
            [word, ref kind @ ..] if kind.len() < 2 => {
                let (base, array) = word.strip_suffix("[]").map_or((word, false), |base| (base, true));
                let (_, width, signed) = number(base).ok_or_else(|| refusal(word))?;
                let kind = match kind {
                    [] if *signed => "Kind::Long".to_owned(),
                    [] => "Kind::U64".to_owned(),
                    [kind, ..] => sets.kind(kind, KINDS)?,
                };
                let head = if array { "Array" } else { "Number" };
                Ok(format!("How::{head} {{ width: {width}, signed: {signed}, kind: {kind} }}"))
            }
            _ => Err(refusal(&words.join(" "))),
        }
    }

    fn reference(&self, name: &str) -> Result<String, String> {
        match self.all.iter().find(|table| table.name == name) {
            Some(_) => Ok(format!("&{}", name.to_ascii_uppercase())),
            None => Err(format!("no attributes are called `{name}`; define them in a file of {FOLDER}")),
        }
    }
}

fn refusal(what: &str) -> String {
    format!("`{what}` is nothing that an attribute holds; syscalls-table/README.md lists what there is")
}

fn layout(name: &str, structs: &Structs) -> Result<String, String> {
    let thing = structs.reference(name)?;
    let flat = thing.strip_prefix("Thing::Flat(").and_then(|rest| rest.strip_suffix(')'));
    flat.map(str::to_owned).ok_or_else(|| format!("`{name}` is no flat structure; define one"))
}
