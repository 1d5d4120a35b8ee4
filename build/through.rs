//! Reads `syscalls-table/through.tbl`: calls that go through another one, and where their arguments lie.
//!
//! Nothing here may know what a multiplexer does: that is the file's.

use super::sets::Sets;
use std::fmt::Write as _;

/// The file, from the package's root.
pub(crate) const TABLE: &str = "syscalls-table/through.tbl";
/// A call has at most so many arguments.
const MOST_ARGS: usize = 6;

/// All multiplexers.
#[derive(Default)]
pub(crate) struct Through {
    all: Vec<Multiplexer>,
}

struct Multiplexer {
    place: String,
    name: String,
    set: String,
    mask: u32,
    calls: Vec<Inner>,
}

/// A call that goes through a multiplexer; the sources of its arguments are words of the file.
struct Inner {
    place: String,
    sub: u8,
    version: Option<u16>,
    name: String,
    args: Vec<String>,
    result: Option<String>,
}

/// A call of the table, as far as multiplexers are concerned.
pub(crate) struct Known<'a> {
    pub(crate) name: &'a str,
    /// The names of its arguments.
    pub(crate) args: &'a [&'a str],
}

impl Through {
    /// Reads the file `text`; sub-numbers are constants of `sets`.
    pub(crate) fn read(text: &str, sets: &Sets) -> Result<Through, String> {
        let mut through = Through::default();
        for (at, line) in text.lines().enumerate() {
            let place = format!("{TABLE}:{}", at + 1);
            let line = line.split_once('#').map_or(line, |(line, _)| line);
            let words: Vec<&str> = line.split_whitespace().collect();
            through.read_line(&words, &place, sets).map_err(|why| format!("{place}: {why}"))?;
        }
        Ok(through)
    }

    fn read_line(&mut self, words: &[&str], place: &str, sets: &Sets) -> Result<(), String> {
        let place = place.to_owned();
        match *words {
            [] => Ok(()),
            ["through", name, set, ref mask @ ..] if mask.len() <= 1 => {
                let number = |text: &&str| u32::from_str_radix(text.trim_start_matches("0x"), 16).ok();
                let mask = match mask.first() {
                    Some(mask) => number(mask).ok_or_else(|| format!("`{mask}` is no mask; write it as 0xffff"))?,
                    None => u32::MAX,
                };
                self.all.push(Multiplexer { place, name: name.into(), set: set.into(), mask, calls: Vec::new() });
                Ok(())
            }
            [constant, ref rest @ ..] => {
                let multiplexer = self.all.last_mut().ok_or("a file begins with `through MULTIPLEXER SET [MASK]`")?;
                let sub = sets.value(&multiplexer.set, constant).and_then(|sub| u8::try_from(sub).ok());
                let sub = sub.filter(|sub| *sub > 0);
                let sub =
                    sub.ok_or_else(|| format!("`{constant}` is no constant of `{}` below 256", multiplexer.set))?;
                let version = rest.first().and_then(|word| word.parse().ok());
                let rest = rest.get(usize::from(version.is_some())..).unwrap_or_default();
                let (args, result) = match *rest {
                    [ref args @ .., "=", result] => (args, Some(result.to_owned())),
                    ref args => (args, None),
                };
                let [name, args @ ..] = args else {
                    return Err("write CONSTANT [VERSION] CALL, where each argument lies, and `= WORD`".to_owned());
                };
                let same = |other: &&Inner| other.sub == sub && (other.version.is_none() || other.version == version);
                if let Some(other) = multiplexer.calls.iter().find(same) {
                    return Err(format!("`{constant}` is that of {} already, which is found first", other.place));
                }
                let args = args.iter().map(|arg| (*arg).to_owned()).collect();
                multiplexer.calls.push(Inner { place, sub, version, name: (*name).to_owned(), args, result });
                Ok(())
            }
        }
    }

    /// Whether a call goes through a multiplexer.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.all.iter().any(|multiplexer| multiplexer.calls.iter().any(|inner| inner.name == name))
    }

    /// The Rust source, for the calls of the table in its order.
    pub(crate) fn render(&self, known: &[Known<'_>]) -> Result<String, String> {
        let find = |name: &str, place: &str| {
            let at = known.iter().position(|call| call.name == name);
            at.ok_or_else(|| format!("{place}: no row is called `{name}`; give it one or take the line away"))
        };
        let mut code = format!("static MULTIPLEXERS: [Multiplexer; {}] = [\n", self.all.len());
        for multiplexer in &self.all {
            let row = find(&multiplexer.name, &multiplexer.place)?;
            let own = known[row].args;
            let _ = writeln!(code, "Multiplexer {{ row: {row}, mask: {:#x}, calls: &[", multiplexer.mask);
            for inner in &multiplexer.calls {
                let refuse = |why: String| format!("{}: {why}", inner.place);
                let row = find(&inner.name, &inner.place)?;
                let wanted = known[row].args.len();
                let mut args = Vec::new();
                for arg in &inner.args {
                    match arg.strip_suffix("[..]") {
                        Some(array) => (0..wanted)
                            .try_for_each(|at| source(&format!("{array}[{at}]"), own).map(|source| args.push(source))),
                        None => source(arg, own).map(|source| args.push(source)),
                    }
                    .map_err(refuse)?;
                }
                if args.len() != wanted || wanted > MOST_ARGS {
                    return Err(refuse(format!("`{}` has {wanted} arguments, not {}", inner.name, args.len())));
                }
                let result = inner.result.as_ref().map(|result| source(result, own)).transpose().map_err(refuse)?;
                let result = result.map_or_else(|| "None".to_owned(), |result| format!("Some({result})"));
                let _ = writeln!(
                    code,
                    "Inner {{ sub: {}, version: {:?}, row: {row}, args: &[{}], result: {result} }},",
                    inner.sub,
                    inner.version,
                    args.join(", ")
                );
            }
            code.push_str("] },\n");
        }
        code.push_str("];\n");
        Ok(code)
    }
}

/// Where an argument lies, as a Rust expression: `ptr` or `ptr[1]`, of a multiplexer with the arguments `own`.
fn source(text: &str, own: &[&str]) -> Result<String, String> {
    let (name, word) = match text.strip_suffix(']').and_then(|text| text.split_once('[')) {
        Some((name, index)) => {
            let index = index.parse::<u8>().ok().filter(|index| usize::from(*index) < MOST_ARGS);
            (name, Some(index.ok_or_else(|| format!("`{text}` has no number of a word between its brackets"))?))
        }
        None => (text, None),
    };
    let at = own.iter().position(|arg| *arg == name);
    let at = at.ok_or_else(|| format!("the multiplexer has no argument `{name}`; it has {}", own.join(", ")))?;
    Ok(word.map_or_else(|| format!("Source::Register({at})"), |word| format!("Source::Memory({at}, {word})")))
}
