//! The rules of the tree's shape, checked on the text of `src/`.

#![allow(missing_docs, clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The folders in the order data moves; each uses only those before it.
const ORDER: [&str; 21] = [
    "model", "sys", "arch", "table", "decode", "options", "filter", "engine", "capture", "bus", "state", "store",
    "event", "scap", "rules", "audit", "enforce", "report", "sink", "diff", "control",
];

const MOST_LINES: usize = 400;

struct Source {
    path: String,
    folder: Option<usize>,
    /// The lines before the file's own tests, with comments and the text of literals blanked.
    code: String,
    /// The whole file.
    text: String,
    /// How many lines come before its tests.
    lines: usize,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(dir: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    files(&root().join("src"), &mut found);
    assert!(found.len() > 10, "the truth must not be empty");
    let read = |path: &PathBuf| {
        let text = fs::read_to_string(path).unwrap();
        let path = path.strip_prefix(root().join("src")).unwrap().display().to_string();
        // A folder that outgrew one file has its tests in a file beside it.
        let is_tests = path.ends_with("tests.rs") || path.contains("/tests/");
        let before = if is_tests { "" } else { before_tests(&text) };
        let folder = path.split_once('/').and_then(|(folder, _)| ORDER.iter().position(|name| *name == folder));
        Source { folder, code: blanked(before), lines: before.lines().count(), text: text.clone(), path }
    };
    found.iter().map(read).collect()
}

/// The part of a file before its `mod tests {`.
fn before_tests(text: &str) -> &str {
    let opens = |after: &str| {
        after.lines().find(|line| !line.starts_with("#[")).is_some_and(|line| line.starts_with("mod tests {"))
    };
    let mut marks = text.match_indices("\n#[cfg(test)]\n");
    marks.find(|(at, mark)| opens(&text[at + mark.len()..])).map_or(text, |(at, _)| &text[..at])
}

/// `text` with comments and the contents of string and character literals replaced by blanks; lines stay where they are.
fn blanked(text: &str) -> String {
    let bytes: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let blank = |c: char| if c == '\n' { '\n' } else { ' ' };
    let mut at = 0;
    let starts = |at: usize, what: &str| what.chars().enumerate().all(|(i, c)| bytes.get(at + i) == Some(&c));
    while let Some(&c) = bytes.get(at) {
        let word_before = at > 0 && (bytes[at - 1].is_alphanumeric() || bytes[at - 1] == '_');
        let raw = (!word_before).then(|| raw_string(&bytes[at..])).flatten();
        let end = if starts(at, "//") {
            (at..bytes.len()).find(|i| bytes[*i] == '\n').unwrap_or(bytes.len())
        } else if starts(at, "/*") {
            block_comment(&bytes, at)
        } else if let Some(length) = raw {
            at + length
        } else if c == '"' {
            quoted(&bytes, at, '"')
        } else if c == '\'' && is_character(&bytes[at..]) {
            quoted(&bytes, at, '\'')
        } else {
            out.push(c);
            at += 1;
            continue;
        };
        out.extend(bytes[at..end].iter().map(|c| blank(*c)));
        at = end;
    }
    out
}

fn block_comment(bytes: &[char], from: usize) -> usize {
    let (mut depth, mut at) = (0, from);
    while at + 1 < bytes.len() {
        match (bytes[at], bytes[at + 1]) {
            ('/', '*') => (depth, at) = (depth + 1, at + 2),
            ('*', '/') => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    bytes.len()
}

fn quoted(bytes: &[char], from: usize, quote: char) -> usize {
    let mut at = from + 1;
    while at < bytes.len() && bytes[at] != quote {
        at += if bytes[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(bytes.len())
}

/// The length of the raw string literal at the start.
fn raw_string(bytes: &[char]) -> Option<usize> {
    let prefix = ["br", "cr", "r"].iter().find(|prefix| prefix.chars().eq(bytes.iter().take(prefix.len()).copied()))?;
    let hashes = bytes[prefix.len()..].iter().take_while(|c| **c == '#').count();
    let open = prefix.len() + hashes;
    if bytes.get(open) != Some(&'"') {
        return None;
    }
    let closes = |at: &usize| bytes[*at] == '"' && bytes[at + 1..].iter().take_while(|c| **c == '#').count() >= hashes;
    (open + 1..bytes.len()).find(closes).map(|at| at + 1 + hashes)
}

/// Whether a quote starts a character, not a lifetime.
fn is_character(bytes: &[char]) -> bool {
    bytes.get(1) == Some(&'\\') || bytes.get(2) == Some(&'\'')
}

/// The identifiers of a line.
fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

/// The first path segments after `crate::`, through `crate::{a, b::c}` too.
fn used(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 1;
            let mut item = String::new();
            for c in group.chars() {
                depth += i32::from(c == '{') - i32::from(c == '}');
                if depth == 0 {
                    break;
                }
                if c == ',' && depth == 1 {
                    found.extend(words(&item).next().map(str::to_owned));
                    item.clear();
                } else {
                    item.push(c);
                }
            }
            found.extend(words(&item).next().map(str::to_owned));
        } else {
            found.extend(words(rest.get(..rest.len().min(64)).unwrap_or(rest)).next().map(str::to_owned));
        }
    }
    found
}

fn report(problems: &[String]) {
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

/// The lines of a file's code where `bad` is true.
fn lines_with(source: &Source, what: &str, bad: impl Fn(&str) -> bool) -> Vec<String> {
    let numbered = source.code.lines().enumerate().filter(|(_, line)| bad(line));
    numbered.map(|(at, line)| format!("src/{}:{}: {what}: {}", source.path, at + 1, line.trim())).collect()
}

#[test]
fn a_folder_uses_only_folders_before_it() {
    let mut problems = Vec::new();
    for source in sources() {
        let Some(own) = source.folder else { continue };
        for name in used(&source.code) {
            let place = ORDER.iter().position(|folder| *folder == name);
            // What lies beside the folders (run, doctor, pipeline) knows them all and is known to none.
            let beside = place.is_none() && root().join(format!("src/{name}.rs")).exists();
            if place.is_some_and(|place| place > own) || beside {
                problems.push(format!("src/{}: {} uses {name}", source.path, ORDER[own]));
            }
        }
    }
    report(&problems);
}

#[test]
fn every_folder_is_in_the_order() {
    for entry in fs::read_dir(root().join("src")).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        // A file beside the folders may have a folder of its own, for its tests.
        let known = ORDER.contains(&name.as_str()) || entry.path().with_extension("rs").exists();
        assert!(!entry.path().is_dir() || known, "src/{name} has no place in the order");
    }
}

#[test]
fn unsafe_only_in_sys() {
    let outside = |source: &Source| !source.path.starts_with("sys/");
    let problems = sources()
        .iter()
        .filter(|source| outside(source))
        .flat_map(|source| lines_with(source, "unsafe", |line| words(line).any(|word| word == "unsafe")))
        .collect::<Vec<_>>();
    report(&problems);
}

#[test]
fn the_cpu_only_in_arch() {
    let outside = |source: &Source| !source.path.starts_with("arch/");
    let problems = sources()
        .iter()
        .filter(|source| outside(source))
        .flat_map(|source| lines_with(source, "cfg", |line| words(line).any(|word| word == "target_arch")))
        .collect::<Vec<_>>();
    report(&problems);
}

#[test]
fn nothing_before_the_sinks_prints() {
    let sink = ORDER.iter().position(|name| *name == "sink").unwrap();
    let prints = |line: &str| {
        ["print!", "println!", "eprint!", "eprintln!", "dbg!"].iter().any(|name| {
            line.match_indices(name).any(|(at, _)| !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
        })
    };
    let before = |source: &&Source| source.folder.is_some_and(|folder| folder < sink);
    let problems =
        sources().iter().filter(before).flat_map(|source| lines_with(source, "prints", prints)).collect::<Vec<_>>();
    report(&problems);
}

#[test]
fn no_file_is_long() {
    let long = |source: &Source| {
        (source.lines > MOST_LINES).then(|| format!("src/{}: {} lines before its tests", source.path, source.lines))
    };
    report(&sources().iter().filter_map(long).collect::<Vec<_>>());
}

#[test]
fn every_file_says_why_it_exists() {
    let silent =
        |source: &Source| (!source.text.starts_with("//!")).then(|| format!("src/{}: no //! at its top", source.path));
    report(&sources().iter().filter_map(silent).collect::<Vec<_>>());
}

#[test]
fn every_registered_format_is_named_in_a_test() {
    // The formats are the command's own answer, so that the shape of the registry is free.
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_smtrace")).args(["list", "formats"]).output().unwrap();
    assert!(output.status.success());
    let listed = String::from_utf8(output.stdout).unwrap();
    let names: Vec<&str> = listed.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(names.contains(&"module") && names.contains(&"json") && names.contains(&"ebpf"), "{listed}");
    let mut tests = Vec::new();
    files(&root().join("tests"), &mut tests);
    let mut all: BTreeMap<String, String> = tests
        .iter()
        .filter(|path| !path.ends_with("architecture.rs"))
        .map(|path| (path.display().to_string(), fs::read_to_string(path).unwrap()))
        .collect();
    for source in sources() {
        let own = source.text.split_once("#[cfg(test)]").map(|(_, tests)| tests.to_owned());
        all.extend(own.map(|tests| (source.path, tests)));
    }
    for name in names {
        let quoted = format!("\"{name}\"");
        assert!(all.values().any(|text| text.contains(&quoted)), "the format {name} is named in no test");
    }
}

#[test]
fn the_blanking_itself() {
    let text = "let a = \"unsafe // no\"; // unsafe\nlet b = r#\"unsafe \" \"#; /* unsafe /* x */ */ fn f<'a>(c: &'a str) { unsafe {} }\nlet d = '\"'; let e = '\\''; unsafe";
    let code = blanked(text);
    assert_eq!(code.matches("unsafe").count(), 2, "{code}");
    assert_eq!(code.lines().count(), 3);
    assert!(code.contains("fn f<'a>(c: &'a str)"), "{code}");
    assert_eq!(used("use crate::{model::{A, B}, sys}; crate::table::x()"), ["model", "sys", "table"]);
}
