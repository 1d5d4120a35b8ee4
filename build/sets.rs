//! Turns `syscalls-table/sets/*.set` into the static sets of constants that `src/table/sets.rs` includes.
//!
//! Nothing here may know what a constant means: that is the files'.

use std::fmt::Write as _;

use super::ABIS;
use super::calls::capital;

/// The folder of the files, from the package's root.
pub(crate) const FOLDER: &str = "syscalls-table/sets";
/// How deep a set may include another: more is a circle.
const DEEPEST: usize = 8;
/// How many constants one `each` may make.
const MOST_EACH: u64 = 1024;

/// All sets of all files, checked.
pub(crate) struct Sets {
    all: Vec<Set>,
}

struct Set {
    /// The file and line of its head.
    place: String,
    name: String,
    flags: bool,
    unknown: String,
    base: &'static str,
    /// All names of a value are shown, with `or` between them.
    joined: bool,
    parts: Vec<Part>,
    items: Vec<Item>,
}

struct Part {
    place: String,
    mask: u64,
    set: String,
    last: bool,
}

enum Item {
    /// A name and its value on each ABI that has it.
    Constant(String, [Option<u64>; 5]),
    /// The constants of another set.
    Include(String, String),
}

impl Sets {
    /// Reads files given as path and text.
    pub(crate) fn read(files: &[(String, String)]) -> Result<Sets, String> {
        let mut sets = Sets { all: Vec::new() };
        for (path, text) in files {
            let first = sets.all.len();
            for (at, line) in text.lines().enumerate() {
                let place = format!("{path}:{}", at + 1);
                let words: Vec<&str> = line.split_whitespace().take_while(|word| !word.starts_with('#')).collect();
                sets.read_line(&words, &place, first).map_err(|why| format!("{place}: {why}"))?;
            }
        }
        sets.check()?;
        Ok(sets)
    }

    fn read_line(&mut self, words: &[&str], place: &str, first: usize) -> Result<(), String> {
        if words.is_empty() {
            return Ok(());
        }
        if let [kind @ ("flags" | "enum"), rest @ ..] = words {
            let set = read_head(*kind == "flags", rest, place)?;
            if let Some(other) = self.all.iter().find(|other| other.name == set.name) {
                return Err(format!("`{}` stands at {} already; make one set of the two", set.name, other.place));
            }
            self.all.push(set);
            return Ok(());
        }
        let set = self.all.get_mut(first..).and_then(<[Set]>::last_mut);
        let set = set.ok_or("a constant stands before any set; begin the set with `flags NAME X_???` or `enum …`")?;
        match *words {
            ["include", name] => set.items.push(Item::Include(place.to_owned(), name.to_owned())),
            ["each", first, last, pattern, ref end @ ..] if matches!(end, [] | ["shift", _]) => {
                set.read_each(first, last, pattern, end.last().copied().unwrap_or("0"))?;
            }
            ["part", mask, name, ref end @ ..] if set.flags && matches!(end, [] | ["last"]) => {
                let mask = read_number(mask)?;
                if set.parts.iter().any(|part| part.mask & mask != 0) {
                    return Err("two parts share bits; give each its own".to_owned());
                }
                set.parts.push(Part { place: place.to_owned(), mask, set: name.to_owned(), last: !end.is_empty() });
            }
            [abis, name, value] if abis.starts_with('@') => set.read_constant(&abis[1..], name, value)?,
            [name, value] => set.read_constant("", name, value)?,
            _ => {
                return Err(format!(
                    "`{}` is no line of a set; write NAME VALUE, @ABI,ABI NAME VALUE, include SET, each FIRST LAST \
                     PATTERN or, in flags, part MASK SET or part MASK SET last",
                    words.join(" ")
                ));
            }
        }
        Ok(())
    }

    fn find(&self, name: &str) -> Result<&Set, String> {
        let found = self.all.iter().find(|set| set.name == name);
        found.ok_or_else(|| format!("no set is called `{name}`; correct the name or define it in a file of {FOLDER}"))
    }

    fn check(&self) -> Result<(), String> {
        for set in &self.all {
            if set.parts.is_empty() && set.items.is_empty() {
                return Err(format!("{}: `{}` has no constants; name some or take the set away", set.place, set.name));
            }
            for part in &set.parts {
                let other = self.find(&part.set).map_err(|why| format!("{}: {why}", part.place))?;
                if other.flags {
                    return Err(format!("{}: `{}` is flags; a part is an enum", part.place, part.set));
                }
                if let Some((name, _)) = self.constants(other, 0, 0)?.iter().find(|(_, value)| value & !part.mask != 0)
                {
                    return Err(format!("{}: `{name}` has bits outside the part's mask; correct one", part.place));
                }
            }
            let mask = set.parts.iter().fold(0, |mask, part| mask | part.mask);
            for abi in 0..ABIS.len() {
                let constants = self.constants(set, abi, 0)?;
                for (at, (name, value)) in constants.iter().enumerate() {
                    let refuse = |why: &str| Err(format!("{}: {}: `{name}` {why}", set.place, set.name));
                    if constants[..at].iter().any(|(other, _)| other == name) {
                        return refuse("is there twice; take one away");
                    }
                    let covers = |(_, other): &&(&str, u64)| *other & value == *other && *other != 0;
                    if let Some((other, _)) = constants[..at].iter().filter(|_| set.flags).find(covers) {
                        return refuse(&format!("is never shown, for `{other}` before it takes its bits; move it up"));
                    }
                    if set.flags && value >> 32 == 0xffff_ffff {
                        return refuse("is a negative number; write its 32 bits");
                    }
                    if set.flags && value & mask != 0 {
                        return refuse("has bits of a part; move it to the part's set or narrow the mask");
                    }
                }
            }
        }
        Ok(())
    }

    /// The constants of `set` on one ABI in the file's order, with those it includes.
    fn constants<'a>(&'a self, set: &'a Set, abi: usize, depth: usize) -> Result<Vec<(&'a str, u64)>, String> {
        let mut found = Vec::new();
        for item in &set.items {
            match item {
                Item::Constant(name, values) => found.extend(values[abi].map(|value| (name.as_str(), value))),
                Item::Include(place, _) if depth == DEEPEST => {
                    return Err(format!("{place}: `{}` includes itself; break the circle", set.name));
                }
                Item::Include(place, name) => {
                    let other = self.find(name).map_err(|why| format!("{place}: {why}"))?;
                    found.extend(self.constants(other, abi, depth + 1)?);
                }
            }
        }
        Ok(found)
    }

    /// The value of `constant` in the set `name`, on x86_64.
    pub(crate) fn value(&self, name: &str, constant: &str) -> Option<u64> {
        let constants = self.constants(self.find(name).ok()?, 0, 0).ok()?;
        constants.iter().find(|(known, _)| *known == constant).map(|(_, value)| *value)
    }

    /// The Rust path of the set `name`, which must be `flags` or `enum` as `head` says.
    pub(crate) fn reference(&self, name: &str, head: &str) -> Result<String, String> {
        let set = self.find(name)?;
        let own = if set.flags { "flags" } else { "enum" };
        if own != head {
            return Err(format!("`{name}` is {own} at {}; write {own}({name})", set.place));
        }
        Ok(format!("sets::{}", name.to_ascii_uppercase()))
    }

    /// The Rust `Kind` of a number: one of `kinds`, or of a set.
    pub(crate) fn kind(&self, kind: &str, kinds: &[&str]) -> Result<String, String> {
        if kinds.contains(&kind) {
            return Ok(format!("Kind::{}", capital(kind)));
        }
        match kind.strip_suffix(')').and_then(|kind| kind.split_once('(')) {
            Some((head @ ("flags" | "enum"), set)) => {
                Ok(format!("Kind::{}(&{})", capital(head), self.reference(set, head)?))
            }
            _ => Err(format!("`{kind}` is no kind of a number; write {} flags(SET) enum(SET)", kinds.join(" "))),
        }
    }

    /// The Rust source.
    pub(crate) fn render(&self) -> String {
        let mut code = String::new();
        for set in &self.all {
            let upper = set.name.to_ascii_uppercase();
            let mut shown: Vec<String> = Vec::new();
            let mut tables: Vec<usize> = Vec::new();
            for abi in 0..ABIS.len() {
                let constants = self.constants(set, abi, 0).unwrap_or_default();
                let constants: Vec<(String, u64)> = match (set.flags, set.joined) {
                    (true, _) => constants.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect(),
                    (false, joined) => by_value(constants, joined),
                };
                let rust: String = constants.iter().fold("&[".to_owned(), |mut rust, (name, value)| {
                    let _ = write!(rust, "({name:?}, {value:#x}), ");
                    rust
                }) + "]";
                tables.push(shown.iter().position(|known| *known == rust).unwrap_or(shown.len()));
                if tables.last() == Some(&shown.len()) {
                    shown.push(rust);
                }
            }
            for (at, rust) in shown.iter().enumerate() {
                let _ = writeln!(code, "static {upper}_{at}: &[(&str, u64)] = {rust};");
            }
            let parts: String = set.parts.iter().fold(String::new(), |mut parts, part| {
                let (other, last) = (part.set.to_ascii_uppercase(), part.last);
                let _ = write!(parts, "Part {{ mask: {:#x}, set: &{other}, last: {last} }}, ", part.mask);
                parts
            });
            let tables: String = tables.iter().map(|at| format!("{upper}_{at}, ")).collect();
            let _ = writeln!(
                code,
                "/// The set `{}` of `{}`.\npub static {upper}: Set = Set {{ name: {:?}, unknown: {:?}, base: Base::{}, \
                 flags: {}, parts: &[{parts}], constants: [{tables}] }};",
                set.name,
                set.place.split(':').next().unwrap_or_default(),
                set.name,
                set.unknown,
                set.base,
                set.flags
            );
        }
        let mut names: Vec<&str> = self.all.iter().map(|set| set.name.as_str()).collect();
        names.sort_unstable();
        let names: String = names.iter().map(|name| format!("&{}, ", name.to_ascii_uppercase())).collect();
        let _ = writeln!(code, "static BY_NAME: [&Set; {}] = [{names}];", self.all.len());
        code
    }
}

/// Sorted for a binary search; of several names for a value the first in the file stays, or all `joined`.
fn by_value(mut constants: Vec<(&str, u64)>, joined: bool) -> Vec<(String, u64)> {
    constants.sort_by_key(|(_, value)| *value);
    constants
        .chunk_by(|(_, one), (_, other)| one == other)
        .map(|same| {
            let mut names: Vec<&str> = same.iter().map(|(name, _)| *name).collect();
            names.sort_unstable();
            (if joined { names.join(" or ") } else { same[0].0.to_owned() }, same[0].1)
        })
        .collect()
}

impl Set {
    /// A constant for each number from `first` to `last`, shifted; `%d` or `%#03o` in its name is the number.
    fn read_each(&mut self, first: &str, last: &str, pattern: &str, shift: &str) -> Result<(), String> {
        let (first, last, shift) = (read_number(first)?, read_number(last)?, read_number(shift)?);
        if first > last || last - first >= MOST_EACH || last.leading_zeros() < u32::try_from(shift).unwrap_or(64) {
            return Err(format!("`each` makes up to {MOST_EACH} constants of 64 bits; correct its numbers"));
        }
        let forms = ["%d", "%#03o"];
        let Some((form, (before, after))) = forms.iter().find_map(|form| Some((*form, pattern.split_once(form)?)))
        else {
            return Err(format!("`{pattern}` gives all the same name; write %d or %#03o for the number"));
        };
        for number in first..=last {
            let shown = if form == "%d" { number.to_string() } else { format!("0{number:02o}") };
            let name = format!("{before}{shown}{after}");
            self.items.push(Item::Constant(name, [Some(number << shift); 5]));
        }
        Ok(())
    }

    /// A constant on the ABIs listed, or on all; a later line for some ABIs replaces an earlier one there.
    fn read_constant(&mut self, abis: &str, name: &str, value: &str) -> Result<(), String> {
        let value = if value == "-" { None } else { Some(read_number(value)?) };
        let columns: Vec<usize> = if abis.is_empty() {
            (0..ABIS.len()).collect()
        } else {
            let column = |abi: &str| {
                let column = ABIS.iter().position(|(known, _)| *known == abi);
                column.ok_or_else(|| format!("`{abi}` is no ABI; write some of x86_64 i386 x32 aarch64 riscv64"))
            };
            abis.split(',').map(column).collect::<Result<_, _>>()?
        };
        let known = self.items.iter_mut().find_map(|item| match item {
            Item::Constant(known, values) if known == name => Some(values),
            _ => None,
        });
        match known {
            Some(_) if abis.is_empty() => return Err(format!("`{name}` is there already; take one line away")),
            Some(values) => columns.iter().for_each(|column| values[*column] = value),
            None => {
                let mut values = [None; 5];
                columns.iter().for_each(|column| values[*column] = value);
                self.items.push(Item::Constant(name.to_owned(), values));
            }
        }
        Ok(())
    }
}

fn read_head(flags: bool, words: &[&str], place: &str) -> Result<Set, String> {
    let (name, unknown, base) = match *words {
        [name, unknown] => (name, unknown, "Hex"),
        [name, unknown, "dec"] => (name, unknown, "Dec"),
        [name, unknown, "oct"] => (name, unknown, "Oct"),
        [name, unknown, "joined"] if !flags => (name, unknown, "Hex"),
        _ => {
            return Err("a set begins with `flags NAME X_???` or `enum NAME X_???`, then `dec`, `oct` or, an enum, \
                        `joined`"
                .to_owned());
        }
    };
    if !super::calls::is_name(name) {
        return Err(format!("`{name}` cannot name a set; write lower-case letters, digits and `_`"));
    }
    Ok(Set {
        place: place.to_owned(),
        name: name.to_owned(),
        flags,
        unknown: if unknown == "-" { String::new() } else { unknown.to_owned() },
        base,
        joined: words.last() == Some(&"joined"),
        parts: Vec::new(),
        items: Vec::new(),
    })
}

/// A number: `0x1f`, `017`, `31`, `-1`, or one shifted, `1<<5`.
fn read_number(text: &str) -> Result<u64, String> {
    let plain = |text: &str| {
        if let Some(hex) = text.strip_prefix("0x") {
            return u64::from_str_radix(hex, 16).ok();
        }
        if text.len() > 1 && text.starts_with('0') {
            return u64::from_str_radix(text, 8).ok();
        }
        let digits = text.starts_with(|first: char| first.is_ascii_digit());
        text.parse::<u64>().ok().filter(|_| digits)
    };
    let read = if let Some((number, shift)) = text.split_once("<<") {
        plain(number).zip(shift.parse().ok()).and_then(|(number, shift): (u64, u32)| {
            number.checked_shl(shift).filter(|shifted| shifted >> shift == number)
        })
    } else if let Some(negative) = text.strip_prefix('-') {
        plain(negative).filter(|number| (1..=1 << 63).contains(number)).map(u64::wrapping_neg)
    } else {
        plain(text)
    };
    read.ok_or_else(|| format!("`{text}` is no number; write 31, -1, 0x1f, 017 or 1<<5"))
}
