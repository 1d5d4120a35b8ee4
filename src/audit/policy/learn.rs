//! The least policy that allows what was seen, made so that the same build learns the same bytes again.

use super::VERSION;
use super::check::{Deed, Sort, deeds};
use crate::audit::model::{Access, Audit, Failure, File};
use crate::audit::text::generalised;
use crate::model::Places;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// So many files of one directory stand for the directory.
const MANY: usize = 8;

/// A port that the kernel gives to a socket that asks for none (net.ipv4.ip_local_port_range).
const EPHEMERAL: u16 = 32_768;

/// A path as a pattern: what differs between runs is `*`, directories of the run are variables, and what the path means
/// literally stays so.
pub(super) fn pattern(path: &str, places: &Places) -> String {
    let temporary = [places.tmpdir.as_str(), "/tmp", "/var/tmp", "/dev/shm"];
    // A name with a star in it is rare: the star is kept as what matches it.
    let plain: String = path.chars().map(|c| if "[]{}?\\".contains(c) { '?' } else { c }).collect();
    let mut all: Vec<(&str, &str)> = places.named().into_iter().filter(|(_, value)| value.len() > 1).collect();
    all.sort_by_key(|(_, value)| std::cmp::Reverse(value.len()));
    for (variable, value) in all {
        let rest = plain.strip_prefix(value).filter(|rest| rest.is_empty() || rest.starts_with('/'));
        if let Some(rest) = rest {
            // What the directory itself is called does not matter; what lies in it is made comparable.
            let inner = if variable == "${TMPDIR}" {
                let whole = generalised(&format!("/tmp{rest}"), &["/tmp"]);
                whole.strip_prefix("/tmp").map(str::to_owned).unwrap_or(whole)
            } else {
                generalised(rest, &[])
            };
            return format!("{variable}{inner}");
        }
    }
    generalised(&plain, &temporary)
}

/// The entry that would allow a deed.
pub(super) fn entry(deed: &Deed<'_>, places: &Places) -> String {
    let name = deed.names.first().map_or("", String::as_str);
    match deed.sort {
        Sort::Connect | Sort::Listen => {
            if let Some(path) = name.strip_prefix("unix:") {
                return format!("unix:{}", pattern(path, places));
            }
            let (host, port) = name.rsplit_once(':').unwrap_or((name, "*"));
            let made = port.parse::<u16>().is_ok_and(|port| port == 0 || port >= EPHEMERAL);
            let host = host.replace('[', "\\[").replace(']', "\\]");
            format!("{host}:{}", if made { "*" } else { port })
        }
        Sort::Dns => name.to_owned(),
        _ => pattern(name, places),
    }
}

/// The directory of a pattern, if it is one of a file that could stand with others.
fn directory(pattern: &str) -> Option<&str> {
    pattern.rsplit_once('/').map(|(dir, _)| dir).filter(|dir| dir.len() > 1)
}

/// Whether `name` is below the directory of `pattern`, which ends in `/**`.
fn below(name: &str, pattern: &str) -> bool {
    pattern.strip_suffix("/**").is_some_and(|dir| name.strip_prefix(dir).is_some_and(|rest| rest.starts_with('/')))
}

/// Many files of one directory become the directory's.
fn gathered(entries: BTreeSet<String>, sort: Sort) -> BTreeSet<String> {
    if !matches!(sort, Sort::Read | Sort::Write | Sort::Delete) {
        return entries;
    }
    let mut by_directory: BTreeMap<&str, usize> = BTreeMap::new();
    for dir in entries.iter().filter_map(|entry| directory(entry)) {
        *by_directory.entry(dir).or_default() += 1;
    }
    let many: BTreeSet<&str> = by_directory.iter().filter(|(_, count)| **count >= MANY).map(|(dir, _)| *dir).collect();
    let of = |entry: &String| match directory(entry).filter(|dir| many.contains(dir)) {
        Some(dir) => format!("{dir}/*"),
        None => entry.clone(),
    };
    entries.iter().map(of).collect()
}

/// A YAML scalar that means `text` and nothing else.
pub(super) fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

/// What failed only because of what it was tried on, as /dev/tty where there is none. Enforced, it would not be tried at all;
/// and elsewhere it succeeds.
fn tried(facts: &Audit) -> impl Iterator<Item = Deed<'_>> {
    const AT_THE_FILE: [&str; 4] = ["ENXIO", "ENODEV", "EISDIR", "ETXTBSY"];
    let failed = facts.failures.iter().filter(|failure| AT_THE_FILE.contains(&failure.error.as_str()));
    // An open for writing may have been for reading too: of a failure only the one is known.
    let of = |failure: &'_ Failure| -> &'static [Sort] {
        match failure.access {
            Some(access) if Sort::Write.of(access) => &[Sort::Read, Sort::Write],
            Some(access) if Sort::Read.of(access) => &[Sort::Read],
            _ => &[],
        }
    };
    failed.flat_map(move |failure| {
        let deed =
            |sort: &Sort| Deed { sort: *sort, names: vec![failure.path.clone()], digest: None, used: &failure.used };
        of(failure).iter().map(deed)
    })
}

/// Letters and digits at the end of a name that mkstemp(3) makes up: the manual page says "The last six characters of template must be
/// XXXXXX".
const MADE_UP: usize = 6;

/// The pattern of a file that the build made and removed: where its name ends as a made-up one it has another in each run. So
/// are ar's own, `stXXXXXX` beside the archive.
fn passing(pattern: String) -> String {
    let name = pattern.rsplit_once('/').map_or("", |(_, name)| name);
    let Some((begin, end)) = name.split_at_checked(name.len().saturating_sub(MADE_UP)) else { return pattern };
    let kinds = [u8::is_ascii_uppercase as fn(&u8) -> bool, u8::is_ascii_lowercase, u8::is_ascii_digit];
    let mixed = kinds.iter().filter(|kind| end.bytes().any(|byte| kind(&byte))).count() > 1;
    if begin.len() < 2 || !mixed || !end.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return pattern;
    }
    format!("{}*", &pattern[..pattern.len() - MADE_UP])
}

/// The lists of the least policy, by sort.
pub(super) fn lists(facts: &Audit, places: &Places) -> Vec<(Sort, BTreeSet<String>)> {
    let deeds: Vec<Deed<'_>> = deeds(facts).into_iter().chain(tried(facts)).collect();
    let both = |file: &&File| [Access::Created, Access::Deleted].iter().all(|access| file.uses.contains_key(access));
    let gone: BTreeSet<&str> = facts.files.iter().filter(both).map(|file| file.path.as_str()).collect();
    let learned = |deed: &Deed<'_>| {
        let pattern = entry(deed, places);
        if deed.names.first().is_some_and(|name| gone.contains(name.as_str())) { passing(pattern) } else { pattern }
    };
    let of = |sort: Sort| {
        let entries: BTreeSet<String> = deeds
            .iter()
            .filter(|deed| deed.sort == sort)
            .map(learned)
            // The workspace is what the build is for: what it reads there is its own.
            .map(|entry| match sort {
                Sort::Read if below(&entry, "${WORKSPACE}/**") => "${WORKSPACE}/**".to_owned(),
                _ => entry,
            })
            .collect();
        (sort, gathered(entries, sort))
    };
    Sort::ALL.into_iter().map(of).collect()
}

/// Writes the least policy that allows what `facts` tell.
#[must_use]
pub fn learn(facts: &Audit, places: &Places) -> String {
    let mut digests: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    let own = |path: &str| path.starts_with("${WORKSPACE}") || path.starts_with("${TMPDIR}") || path.contains('*');
    for program in facts.processes.iter().flat_map(|process| &process.programs) {
        if let Some(digest) = &program.digest {
            let path = pattern(&program.exe, places);
            // What the build makes itself differs with its sources.
            if !own(&path) {
                digests.entry(path).or_default().insert(&digest.sha256);
            }
        }
    }
    let mut out = format!(
        "# What this build may do, learned by `smtrace audit --learn`. Check with `smtrace audit --policy`.\n\
         # Patterns: * within a directory, ** through directories. Say why an entry is there: {{path: ..., reason: ...}}\n\
         version: {VERSION}\n"
    );
    for (sort, entries) in lists(facts, places) {
        // Writing to a String cannot fail.
        if entries.is_empty() {
            let _ = writeln!(out, "{}: []", sort.word());
            continue;
        }
        let _ = writeln!(out, "{}:", sort.word());
        for entry in entries {
            let digests = digests.get(&entry).filter(|_| sort == Sort::Exec);
            match digests {
                Some(digests) => {
                    let _ = writeln!(out, "  - path: {}", quoted(&entry));
                    let _ = writeln!(out, "    sha256:");
                    for digest in digests {
                        let _ = writeln!(out, "      - {digest}");
                    }
                }
                None => {
                    let _ = writeln!(out, "  - {}", quoted(&entry));
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::passing;

    #[test]
    fn what_a_build_made_up_and_removed_is_a_pattern() {
        for (path, want) in [
            ("${WORKSPACE}/stgHAnXR", "${WORKSPACE}/st*"),
            ("${WORKSPACE}/lib/stx82ALB", "${WORKSPACE}/lib/st*"),
            ("${WORKSPACE}/conftest", "${WORKSPACE}/conftest"),
            ("${WORKSPACE}/a.o", "${WORKSPACE}/a.o"),
            ("${WORKSPACE}/x\u{e9}bcd1e", "${WORKSPACE}/x\u{e9}bcd1e"),
            ("${WORKSPACE}/aB3dE6", "${WORKSPACE}/aB3dE6"),
        ] {
            assert_eq!(passing(path.to_owned()), want);
        }
    }
}
