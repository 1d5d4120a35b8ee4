//! Reads `syscalls-table/unions/*.union`: arguments whose meaning another argument of the call chooses.
//!
//! A union has no Rust source of its own: each row that uses it gets its cases, because a case's lengths are the row's
//! arguments.

use super::calls::{Names, is_name, read_kind};
use super::sets::Sets;
use std::fmt::Write as _;

pub(crate) const FOLDER: &str = "syscalls-table/unions";

/// Unions inside unions, at most so deep.
const DEEPEST: usize = 3;

/// All unions.
#[derive(Debug, Default)]
pub(crate) struct Unions {
    all: Vec<Union>,
}

#[derive(Debug)]
struct Union {
    place: String,
    name: String,
    /// The argument that chooses, and the bits of it that count.
    by: String,
    mask: u64,
    /// How far left the constants stand in it.
    shift: u32,
    cases: Vec<Case>,
    /// The phase and kind of any other word.
    other: (&'static str, String),
}

#[derive(Debug)]
struct Case {
    place: String,
    values: Vec<u64>,
    phase: &'static str,
    kind: String,
}

fn phase_of(kind: &str) -> (&'static str, String) {
    match (kind.strip_prefix("<>"), kind.strip_prefix('<')) {
        (Some(kind), _) => ("InOut", kind.to_owned()),
        (None, Some(kind)) => ("Out", kind.to_owned()),
        (None, None) => ("In", kind.to_owned()),
    }
}

fn number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

impl Unions {
    /// Reads files given as path and text; constants are those of `sets`.
    pub(crate) fn read(files: &[(String, String)], sets: &Sets) -> Result<Unions, String> {
        let mut unions = Unions::default();
        for (path, text) in files {
            let mut set = String::new();
            for (at, line) in text.lines().enumerate() {
                let place = format!("{path}:{}", at + 1);
                let line = line.split_once('#').map_or(line, |(line, _)| line);
                let words: Vec<&str> = line.split_whitespace().collect();
                unions.read_line(&words, &place, &mut set, sets).map_err(|why| format!("{place}: {why}"))?;
            }
        }
        match unions.all.iter().find(|union| union.by.is_empty() || union.cases.is_empty()) {
            Some(union) => Err(format!("{}: `{}` needs a line `by ARGUMENT SET` and cases", union.place, union.name)),
            None => Ok(unions),
        }
    }

    fn read_line(&mut self, words: &[&str], place: &str, set: &mut String, sets: &Sets) -> Result<(), String> {
        match *words {
            [] => return Ok(()),
            ["union", name] if is_name(name) => {
                if let Some(union) = self.all.iter().find(|union| union.name == name) {
                    return Err(format!("`{name}` stands at {} already; make one union of the two", union.place));
                }
                let other = ("In", "hex".to_owned());
                let (name, place) = (name.to_owned(), place.to_owned());
                self.all.push(Union {
                    place,
                    name,
                    by: String::new(),
                    mask: u64::MAX,
                    shift: 0,
                    cases: Vec::new(),
                    other,
                });
                return Ok(());
            }
            _ => {}
        }
        let union = self.all.last_mut().ok_or("a file begins with `union NAME`")?;
        match *words {
            ["by", by, constants, ref rest @ ..] if union.by.is_empty() && rest.len() <= 2 => {
                by.clone_into(&mut union.by);
                constants.clone_into(set);
                if let [mask, ..] = rest {
                    union.mask = number(mask).ok_or_else(|| format!("`{mask}` is no mask"))?;
                }
                if let [_, shift] = rest {
                    let shift = shift.parse().ok().filter(|shift| *shift < 32);
                    union.shift = shift.ok_or("a shift is a number of bits below 32")?;
                }
            }
            ["*", kind] => union.other = phase_of(kind),
            [ref names @ .., kind] if !names.is_empty() && !union.by.is_empty() => {
                let value = |name: &&str| {
                    let value = number(name).or_else(|| sets.value(set, name));
                    value.ok_or_else(|| format!("`{name}` is no constant of `{set}`; correct it or add it there"))
                };
                let values = names.iter().map(value).collect::<Result<Vec<u64>, String>>()?;
                let known = union.cases.iter().find(|case| case.values.iter().any(|value| values.contains(value)));
                if let Some(case) = known {
                    return Err(format!("a constant of this line has a case at {} already", case.place));
                }
                let (phase, kind) = phase_of(kind);
                union.cases.push(Case { place: place.to_owned(), values, phase, kind });
            }
            _ => return Err("write `by ARGUMENT SET [MASK [SHIFT]]`, `CONSTANT… KIND` or `* KIND`".to_owned()),
        }
        Ok(())
    }

    /// The Rust expression of the union `name` for a call with `args`.
    pub(crate) fn reference(
        &self,
        name: &str,
        args: &[(&str, &str, &str)],
        names: Names<'_>,
        depth: usize,
    ) -> Result<String, String> {
        let union = self.all.iter().find(|union| union.name == name);
        let union = union.ok_or_else(|| format!("no union is called `{name}`; define it in a file of {FOLDER}"))?;
        if depth >= DEEPEST {
            return Err(format!("{}: `{name}` lies too deep in other unions", union.place));
        }
        let at = args.iter().position(|(known, ..)| *known == union.by);
        let at = at.ok_or_else(|| format!("`{name}` is chosen by `{}`, which is no argument here", union.by))?;
        let kind_of = |phase: &str, kind: &str, place: &str| {
            let kind = read_kind(kind, phase, args, names, depth + 1).map_err(|why| format!("{place}: {why}"))?;
            Ok::<String, String>(format!("(Phase::{phase}, {kind})"))
        };
        let mut cases: Vec<(u64, String)> = Vec::new();
        for case in &union.cases {
            let kind = kind_of(case.phase, &case.kind, &case.place)?;
            cases.extend(
                case.values.iter().map(|value| ((*value << union.shift) & union.mask & 0xffff_ffff, kind.clone())),
            );
        }
        cases.sort();
        let mut rust = format!("&Union {{ name: {name:?}, by: {at}, mask: {:#x}, cases: &[", union.mask & 0xffff_ffff);
        for (value, kind) in &cases {
            let _ = write!(rust, "({value:#x}, {kind}), ");
        }
        let _ = write!(rust, "], other: {} }}", kind_of(union.other.0, &union.other.1, &union.place)?);
        Ok(rust)
    }
}
