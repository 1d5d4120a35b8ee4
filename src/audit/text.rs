//! Bytes of the tracee as text of the model, and names made comparable between runs.
//!
//! What a build names freshly each time (temporary names, process ids, digests, versions) is replaced by `*`, so that two
//! runs of the same build give the same policy and the same fingerprints.

use regex::Regex;
use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::LazyLock;

/// `bytes` as text: what is not UTF-8 becomes `\xNN`.
#[must_use]
pub fn text(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        for byte in chunk.invalid() {
            // Writing to a String cannot fail.
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out
}

/// The part after the last slash.
#[must_use]
pub fn base(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or(path)
}

/// Whether `path` is `dir` or lies in it; of an empty or relative `dir` nothing does.
#[must_use]
pub fn within(path: &[u8], dir: &[u8]) -> bool {
    let dir = dir.strip_suffix(b"/").unwrap_or(dir);
    !dir.is_empty() && path.strip_prefix(dir).is_some_and(|rest| rest.is_empty() || rest.first() == Some(&b'/'))
}

struct Pattern {
    find: Regex,
    put: &'static str,
}

/// What is replaced, in this order. Each is a whole part of a path, or is fenced by what cannot be in a plain word.
static FRESH: LazyLock<Vec<Pattern>> = LazyLock::new(|| {
    let patterns = [
        // Digests and object names: 16 or more hexadecimal digits.
        (r"\b[0-9a-f]{16,128}\b", "*"),
        (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "*"),
        // The build directories of cargo: name-0123456789abcdef is covered above; rustc's own are rustcXXXXXX.
        (r"/rustc[A-Za-z0-9]{6}(/|$)", "/rustc*$1"),
        (r"/rmeta[A-Za-z0-9]{6}(/|$)", "/rmeta*$1"),
        // autoconf's own: mktemp(1)'s confXXXXXX, and a process id in conf123.dir/conf123.file. mktemp's default name.
        (r"/conf[A-Za-z0-9]{6}(/|$)", "/conf*$1"),
        (r"/conf[0-9]+([.-])", "/conf*$1"),
        (r"/tmp\.[A-Za-z0-9]{10}(/|$)", "/tmp.*$1"),
        // Process ids in /proc and in names that end in .PID or -PID.
        (r"^/proc/[0-9]+(/|$)", "/proc/*$1"),
        (r"/task/[0-9]+(/|$)", "/task/*$1"),
        (r"/fd/[0-9]+$", "/fd/*"),
        // Files without a name (O_TMPFILE), which the kernel calls by their number.
        (r"/#[0-9]+$", "/#*"),
        // Versions: 1.2, 1.2.3-rc1, v1.2.3.
        (r"\bv?[0-9]+(?:\.[0-9]+)+(?:[-+][0-9A-Za-z.]*[0-9][0-9A-Za-z.]*)?", "*"),
        // A dot, dash or underscore and a long number: a pid, a time, a counter.
        (r"([._-])[0-9]{3,}", "${1}*"),
    ];
    let of = |(find, put): (&str, &'static str)| Regex::new(find).ok().map(|find| Pattern { find, put });
    patterns.into_iter().filter_map(of).collect()
});

/// The fresh part of a name in a directory for temporary files: mkstemp(3)'s six or more letters and digits.
static TEMPORARY: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^(.*?[._-])?([A-Za-z0-9_]{6,12})((?:\.[A-Za-z0-9]{1,6})?)$").ok());

/// `path` with what differs between two runs replaced by `*`. `temporary` are directories where names are made up.
#[must_use]
pub fn generalised(path: &str, temporary: &[&str]) -> String {
    let mut name = Cow::Borrowed(path);
    for dir in temporary {
        let rest = name.strip_prefix(dir.trim_end_matches('/')).and_then(|rest| rest.strip_prefix('/'));
        if let Some(rest) = rest.filter(|rest| !rest.is_empty()) {
            let (first, more) = rest.split_once('/').map_or((rest, None), |(first, more)| (first, Some(more)));
            let mut made = format!("{}/{}", dir.trim_end_matches('/'), fresh(first));
            if let Some(more) = more {
                made.push('/');
                made.push_str(more);
            }
            name = Cow::Owned(made);
            break;
        }
    }
    for pattern in FRESH.iter() {
        if pattern.find.is_match(&name) {
            name = Cow::Owned(pattern.find.replace_all(&name, pattern.put).into_owned());
        }
    }
    name.into_owned()
}

/// A name in a temporary directory without its random letters: `ccXq3b7z.o` is `cc*.o`.
fn fresh(name: &str) -> String {
    // The compiler's own are the commonest.
    if let Some((stem, end)) = name.split_once('.').or(Some((name, "")))
        && stem.len() == 8
        && stem.starts_with("cc")
        && stem.bytes().all(|byte| byte.is_ascii_alphanumeric())
    {
        return if end.is_empty() { "cc*".to_owned() } else { format!("cc*.{end}") };
    }
    let Some(found) = TEMPORARY.as_ref().and_then(|pattern| pattern.captures(name)) else { return name.to_owned() };
    let part = |index| found.get(index).map_or("", |part| part.as_str());
    let random = part(2);
    let kinds = [u8::is_ascii_uppercase as fn(&u8) -> bool, u8::is_ascii_lowercase, u8::is_ascii_digit];
    let mixed = kinds.iter().filter(|kind| random.bytes().any(|byte| kind(&byte))).count() > 1;
    if mixed { format!("{}*{}", part(1), part(3)) } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::{generalised, text, within};

    #[test]
    fn what_is_not_utf8_is_still_told() {
        assert_eq!(text(b"/a\xff\xc3\xa9"), "/a\\xff\u{e9}");
    }

    #[test]
    fn a_directory_holds_itself_and_what_is_below() {
        assert!(within(b"/a/b", b"/a") && within(b"/a", b"/a/") && !within(b"/ab", b"/a") && !within(b"/a", b""));
    }

    #[test]
    fn fresh_names_are_made_equal_and_others_stay() {
        for (path, want) in [
            ("/tmp/ccXq3b7z.o", "/tmp/cc*.o"),
            ("/w/#4711", "/w/#*"),
            ("/w/confde3Zzy/out", "/w/conf*/out"),
            ("/w/conf1912.dir/conf1912.file", "/w/conf*.dir/conf*.file"),
            ("/w/conftest.c", "/w/conftest.c"),
            ("/w/config/confdefs.h", "/w/config/confdefs.h"),
            ("/tmp/tmp.aB3dE5fG7h", "/tmp/tmp.*"),
            ("/tmp/pip-build-x7Yq2_ab/setup.py", "/tmp/pip-build-*/setup.py"),
            ("/tmp/settings", "/tmp/settings"),
            ("/proc/4711/environ", "/proc/*/environ"),
            (
                "/w/.git/objects/pack/pack-0123456789abcdef0123456789abcdef01234567.idx",
                "/w/.git/objects/pack/pack-*.idx",
            ),
            ("/usr/lib/gcc/x86_64-linux-gnu/12.2.0/cc1", "/usr/lib/gcc/x86_64-linux-gnu/*/cc1"),
            ("/w/conftest.12345", "/w/conftest.*"),
            ("/w/src/main.c", "/w/src/main.c"),
            ("/usr/bin/python3", "/usr/bin/python3"),
        ] {
            assert_eq!(generalised(path, &["/tmp"]), want);
        }
    }
}
