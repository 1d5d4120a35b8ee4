//! `-e` expressions: names, classes and patterns to a set of calls. It must not know where an expression came from.
//!
//! `@64`, `@32` and `@x32` behind a word mean its calls of that personality alone.
//! A leading `!` turns a whole list around, as in strace; a `!` inside a list takes that one away from what stands left
//! of it.

use super::nearest;
use crate::model::{Abi, CallSet, Personality};
use crate::table::{self, through};
use regex::RegexBuilder;

/// The longest expression, in bytes.
const MAX_EXPR: usize = 64 * 1024;

/// The set that the expressions mean together: each adds to what the ones before gave, or takes away from it.
pub(super) fn calls<'a>(expressions: impl IntoIterator<Item = &'a str>) -> Result<CallSet, String> {
    let mut set = None;
    for expression in expressions {
        apply(&mut set, expression)?;
    }
    Ok(set.unwrap_or_default())
}

/// Every call of the table.
pub(super) fn all() -> CallSet {
    chosen(|_| true)
}

fn chosen(choose: impl Fn(&table::Row) -> bool) -> CallSet {
    let mut set = CallSet::default();
    for row in table::rows().iter().filter(|row| choose(row)) {
        set.insert(row.index());
    }
    set
}

/// Applies one expression; `None` is the state before the first, where taking away starts from all calls.
fn apply(set: &mut Option<CallSet>, expression: &str) -> Result<(), String> {
    if expression.len() > MAX_EXPR {
        return Err(format!("an expression is longer than {MAX_EXPR} bytes; use several"));
    }
    let list = expression.trim();
    let list = list.strip_prefix("trace=").unwrap_or(list);
    let (turned, list) = list.strip_prefix('!').map_or((false, list), |rest| (true, rest));
    if turned && list.starts_with('!') {
        return Err(format!("`{expression}` has two `!`; take one away"));
    }
    if list.is_empty() {
        return Err(format!("`{expression}` names no call; give names, %classes or /patterns/"));
    }
    let mut any = false;
    for word in split(list) {
        let word = word.trim();
        let (away, word) = match word.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (turned, word),
        };
        if word.is_empty() {
            continue;
        }
        any = true;
        let (word, personality) = qualified(word)?;
        let named = word_calls(word)?;
        let result = set.get_or_insert_with(|| if away { all() } else { CallSet::default() });
        result.merge(&named, personality, away);
        if word == "none" && !away {
            *result = CallSet::default();
        }
    }
    if !any {
        return Err(format!("`{expression}` names no call; give names, %classes or /patterns/"));
    }
    Ok(())
}

/// A word without its `@64`, `@32` or `@x32`, and what that said.
fn qualified(word: &str) -> Result<(&str, Option<Personality>), String> {
    let Some((name, qualifier)) = word.rsplit_once('@').filter(|(name, _)| !name.is_empty()) else {
        return Ok((word, None));
    };
    match Personality::named(qualifier) {
        Some(personality) => Ok((name, Some(personality))),
        None => Err(format!("unknown `@{qualifier}` in `{word}`; give @64, @32 or @x32, or `{name}` for all")),
    }
}

/// Splits at commas, but not within `/pattern/`.
fn split(list: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut left = list;
    loop {
        let start = left.trim_start_matches(['!', '?', ' ']);
        let skipped = left.len() - start.len();
        let end = match start.strip_prefix('/').and_then(pattern_end) {
            // A qualifier can follow.
            Some(end) => {
                let end = skipped + 1 + end;
                Some(end + left.get(end..).and_then(|rest| rest.find(',')).unwrap_or(left.len() - end))
            }
            None => left.find(','),
        };
        match end.and_then(|end| Some((left.get(..end)?, left.get(end..)?))) {
            Some((word, rest)) => {
                words.push(word);
                match rest.strip_prefix(',') {
                    Some(rest) => left = rest,
                    None => return words,
                }
            }
            None => {
                words.push(left);
                return words;
            }
        }
    }
}

/// Where a pattern with a closing slash ends: after the first slash that a comma or the end follows.
fn pattern_end(text: &str) -> Option<usize> {
    let slashes = text.match_indices('/').map(|(at, _)| at + 1);
    slashes.into_iter().find(|end| matches!(text.as_bytes().get(*end), None | Some(b',' | b'@')))
}

/// The calls that one word means.
fn word_calls(word: &str) -> Result<CallSet, String> {
    let (lenient, word) = word.strip_prefix('?').map_or((false, word), |rest| (true, rest));
    let found = match (word, word.strip_prefix('%'), word.strip_prefix('/')) {
        ("all", ..) => Ok(all()),
        ("none", ..) => Ok(CallSet::default()),
        (_, Some(class), _) => class_calls(class),
        (_, _, Some(pattern)) => return pattern_calls(pattern, lenient),
        _ => named_call(word),
    };
    found.or_else(|what| if lenient { Ok(CallSet::default()) } else { Err(what) })
}

fn class_calls(typed: &str) -> Result<CallSet, String> {
    // strace's %%stat and %%statfs.
    let name = typed.strip_prefix('%').map_or_else(|| typed.to_owned(), |name| format!("{name}_like"));
    if name == "all" {
        return Ok(all());
    }
    if !table::classes().any(|class| class == name) {
        let remedy = nearest::nearest(&name, table::classes())
            .map_or_else(|| "see `smtrace list classes`".to_owned(), |class| format!("did you mean `%{class}`?"));
        return Err(format!("unknown class `%{typed}`; {remedy}"));
    }
    Ok(chosen(|row| row.classes.contains(&name.as_str())))
}

fn pattern_calls(pattern: &str, lenient: bool) -> Result<CallSet, String> {
    let pattern = pattern.strip_suffix('/').unwrap_or(pattern);
    let regex = RegexBuilder::new(pattern).size_limit(1 << 20).build().map_err(|err| {
        let text = err.to_string();
        let reason = text.lines().last().unwrap_or_default().trim().trim_start_matches("error: ").trim_end_matches('.');
        format!("bad pattern `/{pattern}/`: {reason}; correct it, or put `\\` before what is meant literally")
    })?;
    let found = chosen(|row| regex.is_match(row.name));
    if found.is_empty() && !lenient {
        return Err(format!("pattern `/{pattern}/` matches no call; see `smtrace list syscalls`"));
    }
    Ok(found)
}

/// The classes that strace takes without `%` too, as it always did.
const BARE: [&str; 7] = ["file", "process", "network", "signal", "ipc", "desc", "memory"];

fn named_call(name: &str) -> Result<CallSet, String> {
    if BARE.contains(&name) {
        return class_calls(name);
    }
    if let Some(row) = table::by_name(name) {
        let mut set = CallSet::default();
        set.insert(row.index());
        // By name a multiplexer is all that goes through it, which on i386 has most calls under numbers of their own too.
        for inner in through::calls(row) {
            set.insert_on(inner.index(), Personality::Bits32);
        }
        return Ok(set);
    }
    if let Ok(number) = name.parse() {
        let known = table::by_number(Abi::X86_64, number);
        let remedy = known.map_or_else(
            || "see `smtrace list syscalls`".to_owned(),
            |row| format!("x86_64's number {number} is `{}`", row.name),
        );
        return Err(format!("`{name}` is a number, whose call differs by ABI; give the name: {remedy}"));
    }
    Err(unknown_call(name))
}

/// The refusal of a name that no row has, with the nearest.
pub(super) fn unknown_call(name: &str) -> String {
    if table::classes().any(|class| class == name) {
        return format!("unknown call `{name}`; did you mean the class `%{name}`?");
    }
    let remedy = nearest::remedy(name, table::rows().iter().map(|row| row.name), "see `smtrace list syscalls`");
    format!("unknown call `{name}`; {remedy}")
}

#[cfg(test)]
mod tests {
    use super::{all, calls, split};
    use crate::table;

    fn names(expressions: &[&str]) -> Vec<&'static str> {
        let set = calls(expressions.iter().copied()).unwrap();
        let mut names: Vec<_> = set.iter().map(|index| table::rows()[index].name).collect();
        names.sort_unstable();
        names
    }

    fn refusal(expression: &str) -> String {
        calls([expression]).unwrap_err()
    }

    #[test]
    fn expressions_add_up_and_take_away() {
        assert_eq!(names(&["read,write"]), ["read", "write"]);
        assert_eq!(names(&["trace=read", "write"]), ["read", "write"]);
        assert_eq!(names(&["read,write", "!write"]), ["read"]);
        assert_eq!(names(&["/^read/,!/v/,!readlink,!readlinkat,!readahead,!readdir"]), ["read"]);
        assert_eq!(names(&["all", "none"]), Vec::<&str>::new());
        assert_eq!(names(&["?nonesuch,read,?%nonesuch"]), ["read"]);
        assert_eq!(names(&["/^(read|write){1,2}$/,close"]), ["close", "read", "write"]);
        assert_eq!(names(&["/^read$"]), ["read"]);
        assert!(names(&["%file"]).contains(&"openat"));
        assert!(!names(&["%file,!openat"]).contains(&"openat"));
        assert!(names(&["%%stat"]).contains(&"newfstatat"));
    }

    #[test]
    fn a_call_can_be_meant_on_one_personality() {
        use crate::model::Personality;
        let on = |expressions: &[&str], name| {
            let set = calls(expressions.iter().copied()).unwrap();
            let index = table::by_name(name).unwrap().index();
            Personality::ALL.map(|personality| set.contains_on(index, personality))
        };
        assert_eq!(on(&["getcwd@32"], "getcwd"), [false, true, false]);
        assert_eq!(on(&["getcwd@32,getcwd@64"], "getcwd"), [true, true, false]);
        assert_eq!(on(&["all,!getcwd@x32"], "getcwd"), [true, true, false]);
        assert_eq!(on(&["!getcwd@64"], "getcwd"), [false, true, true]);
        assert_eq!(on(&["%file@64", "?nonesuch@32"], "openat"), [true, false, false]);
        assert_eq!(on(&["/^getcwd$/@x32"], "getcwd"), [false, false, true]);
        assert_eq!(names(&["read@32,close"]), ["close", "read"]);
    }

    #[test]
    fn a_leading_bang_turns_the_whole_list_around() {
        let without = calls(["!read,write"]).unwrap();
        let mut expected = all();
        for name in ["read", "write"] {
            expected.remove(table::by_name(name).unwrap().index());
        }
        assert_eq!(without, expected);
        assert_eq!(calls(["trace=!read,write"]).unwrap(), expected);
        assert_eq!(calls(["!read,!write"]).unwrap(), expected);
        assert_eq!(names(&["!all"]), Vec::<&str>::new());
        assert_eq!(calls(["!none"]).unwrap(), all());
    }

    #[test]
    fn a_multiplexer_by_name_is_all_that_goes_through_it() {
        use crate::model::Personality::{Bits32, Bits64};
        let has = |expression: &str, name: &str, personality| {
            let set = calls([expression]).unwrap();
            set.contains_on(table::by_name(name).unwrap().index(), personality)
        };
        assert!(has("socketcall", "connect", Bits32) && has("socketcall", "recv", Bits32));
        assert!(!has("socketcall", "connect", Bits64) && !has("socketcall", "semop", Bits32));
        assert!(has("ipc@32", "semop", Bits32) && !has("ipc@64", "semop", Bits32));
        assert!(!has("!socketcall", "connect", Bits32) && has("!socketcall", "connect", Bits64));
        // A class and a pattern mean the rows that they name.
        assert!(has("%desc", "socketcall", Bits32) && !has("%desc", "connect", Bits32));
        assert!(!has("all,!connect", "connect", Bits32) && has("all,!connect", "socketcall", Bits32));
    }

    #[test]
    fn a_comma_within_a_pattern_belongs_to_it() {
        assert_eq!(split("a,/b{1,2}/,!/c,d/,?e"), ["a", "/b{1,2}/", "!/c,d/", "?e"]);
        assert_eq!(split("/a,b"), ["/a", "b"]);
        assert_eq!(split("a,"), ["a", ""]);
    }

    #[test]
    fn a_mistake_names_its_remedy() {
        assert_eq!(refusal("opnat"), "unknown call `opnat`; did you mean `openat`?");
        assert_eq!(refusal("%flie"), "unknown class `%flie`; did you mean `%file`?");
        assert_eq!(names(&["network"]), names(&["%network"]));
        assert_eq!(refusal("creds"), "unknown call `creds`; did you mean the class `%creds`?");
        assert!(refusal("257").contains("`openat`"), "{}", refusal("257"));
        assert!(refusal("read@16").contains("give @64, @32 or @x32"));
        assert!(refusal("/[/").starts_with("bad pattern `/[/`: "), "{}", refusal("/[/"));
        assert!(refusal("/^zzz/").contains("matches no call"));
        for bad in ["", "!", ",", "!,", "!!read", "trace="] {
            assert!(!refusal(bad).contains('\n'), "{bad}");
        }
    }
}
