//! Secrets in command lines and environments: a trace is kept and shown, so what looks like a secret is replaced by `***`.
//!
//! By the name that stands before a value, and by the shape that tokens of well-known services have. It errs on the side
//! of hiding. Capture uses it, so that what is never recorded cannot leak; the audit's own words use it too. The two
//! lists below are the only ones.

use regex::bytes::Regex;
use std::borrow::Cow;
use std::sync::LazyLock;

/// What stands in place of a secret.
pub const HIDDEN: &str = "***";

/// What the name of a secret has in it, as alternatives of a regular expression without case.
const NAMES: &str = r"passw(?:or)?d|passphrase|[_-]pass\b|[_-]pwd\b|sshpass|secret|token|credentials?|_auth\b|auth[_-]?config|cookie|(?:api|access|private|signing|encryption|deploy|ssh|gpg|master|account)[_-]?key";

/// Secrets that are known by their own shape, and what stands in place of each.
const SHAPES: [(&str, &str); 10] = [
    (r"(?i-u)(authorization:\s*(?:bearer|basic|token)?\s*)[^\s\x22']+", "${1}***"),
    (r"(?i-u)(bearer\s+)[A-Za-z0-9._~+/=-]{8,}", "${1}***"),
    // scheme://user:password@host
    (r"(?-u)([a-z][a-z0-9+.-]*://[^\s/:@]*):[^\s/@]+@", "${1}:***@"),
    (r"(?-u)\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,})", HIDDEN),
    (r"(?-u)\b(?:AKIA|ASIA)[A-Z0-9]{16}\b", HIDDEN),
    (r"(?-u)\b(?:xox[abposr]-[A-Za-z0-9-]{10,}|npm_[A-Za-z0-9]{30,}|pypi-[A-Za-z0-9_-]{30,})", HIDDEN),
    (r"(?-u)\b(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,}", HIDDEN),
    (r"(?-u)\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*", HIDDEN),
    // The first line stays: rules look for programs that look for it.
    (r"(?s-u)(-----BEGIN [A-Z ]*PRIVATE KEY-----).+", "${1}***"),
    (r"(?-u)\bAGE-SECRET-KEY-[A-Z0-9]{20,}", HIDDEN),
];

static PATTERNS: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
    let assigned = format!(
        r#"(?i-u)(^|[\s"'&?;:,{{(]|--?)([A-Za-z0-9_.-]*(?:{NAMES})[A-Za-z0-9_.-]*)(["']?\s*[=:]\s*["']?)[^\s"'&;,]+"#
    );
    let shapes = SHAPES.iter().map(|(find, put)| ((*find).to_owned(), *put));
    let all = shapes.chain([(assigned, "${1}${2}${3}***")]);
    all.filter_map(|(find, put)| Regex::new(&find).ok().map(|find| (find, put))).collect()
});

/// Whether a text may have any of these: what most texts have not is seen at once.
static ANY: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let all: Vec<_> = PATTERNS.iter().map(|(find, _)| format!("(?:{})", find.as_str())).collect();
    Regex::new(&all.join("|")).ok()
});

/// The name of a variable whose value is a secret.
static NAME: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(&format!(r"(?i-u)(?:{NAMES})")).ok());

/// An option whose next word is a secret.
static BEFORE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(&format!(r"(?i-u)^--?[A-Za-z0-9_.-]*(?:{NAMES})[A-Za-z0-9_.-]*$")).ok());

/// `word` without the secrets in it.
#[must_use]
pub fn word(word: &[u8]) -> Cow<'_, [u8]> {
    let mut shown = Cow::Borrowed(word);
    if ANY.as_ref().is_some_and(|any| !any.is_match(word)) {
        return shown;
    }
    for (find, put) in PATTERNS.iter() {
        if find.is_match(&shown) {
            shown = Cow::Owned(find.replace_all(&shown, put.as_bytes()).into_owned());
        }
    }
    shown
}

/// A variable of an environment, `NAME=value`, without its value when the name looks like a secret's.
#[must_use]
pub fn variable(entry: &[u8]) -> Cow<'_, [u8]> {
    let Some(equals) = memchr::memchr(b'=', entry) else { return word(entry) };
    let (name, value) = entry.split_at(equals + 1);
    if value.is_empty() || !NAME.as_ref().is_some_and(|names| names.is_match(name)) {
        return word(entry);
    }
    Cow::Owned([name, HIDDEN.as_bytes()].concat())
}

/// How many variables without a secret are remembered.
const MOST_CLEAN: usize = 1024;

/// Variables that had no secret. One program after another is given the same ones, so that most are known.
#[derive(Debug)]
pub struct Clean(Box<[u64; MOST_CLEAN]>);

impl Default for Clean {
    fn default() -> Clean {
        Clean(Box::new([0; MOST_CLEAN]))
    }
}

impl Clean {
    /// As [`variable`].
    pub fn variable<'e>(&mut self, entry: &'e [u8]) -> Cow<'e, [u8]> {
        let hash = xxhash_rust::xxh3::xxh3_64(entry);
        let place = usize::try_from(hash % MOST_CLEAN as u64).ok().and_then(|at| self.0.get_mut(at));
        if place.as_ref().is_some_and(|known| **known == hash && hash != 0) {
            return Cow::Borrowed(entry);
        }
        let shown = variable(entry);
        if let (Cow::Borrowed(_), Some(place)) = (&shown, place) {
            *place = hash;
        }
        shown
    }
}

/// The words of a command line, one after another: some words say that the next is a secret.
#[derive(Debug, Default)]
pub struct Words {
    program: Option<Vec<u8>>,
    next_is_secret: bool,
    next_is_user: bool,
}

impl Words {
    /// The next word, without the secrets in it.
    pub fn hide<'w>(&mut self, given: &'w [u8]) -> Cow<'w, [u8]> {
        let first = self.program.is_none();
        let base = || given.rsplit(|byte| *byte == b'/').next().unwrap_or(given).to_vec();
        let program = self.program.get_or_insert_with(base);
        if std::mem::take(&mut self.next_is_secret) && !given.starts_with(b"-") {
            return Cow::Owned(HIDDEN.as_bytes().to_vec());
        }
        if std::mem::take(&mut self.next_is_user)
            && let Some(colon) = memchr::memchr(b':', given)
        {
            let user = given.get(..=colon).unwrap_or(given);
            return Cow::Owned([user, HIDDEN.as_bytes()].concat());
        }
        self.next_is_secret = !first && BEFORE.as_ref().is_some_and(|option| option.is_match(given));
        self.next_is_user = program == b"curl" && matches!(given, b"-u" | b"--user" | b"-U" | b"--proxy-user");
        word(given)
    }
}

/// A command line whose words end with NUL, as /proc/PID/cmdline has it, without the secrets in it; `None` when there
/// are none.
#[must_use]
pub fn command_line(joined: &[u8]) -> Option<Vec<u8>> {
    let mut words = Words::default();
    let mut found = false;
    let hidden: Vec<_> = joined
        .split(|byte| *byte == 0)
        .map(|word| {
            let shown = words.hide(word);
            found |= *shown != *word;
            shown
        })
        .collect();
    found.then(|| hidden.join(&0))
}

#[cfg(test)]
mod tests {
    use super::{Clean, command_line, variable};

    fn shown(line: &str) -> String {
        let joined: Vec<_> = line.split(' ').map(|word| word.replace('§', " ")).collect();
        let joined = joined.join("\0").into_bytes();
        String::from_utf8(command_line(&joined).unwrap_or(joined)).unwrap().replace(' ', "§").replace('\0', " ")
    }

    #[test]
    fn secrets_are_hidden_and_the_rest_stays() {
        for (line, want) in [
            ("curl -H Authorization:§Bearer§abc.def https://h/x", "curl -H Authorization:§Bearer§*** https://h/x"),
            ("curl -u me:pw https://h/", "curl -u me:*** https://h/"),
            ("git clone https://me:pw@h/r.git", "git clone https://me:***@h/r.git"),
            ("mysql --password=hunter2 db", "mysql --password=*** db"),
            ("deploy --api-key k123 --region eu", "deploy --api-key *** --region eu"),
            ("env NPM_TOKEN=abc make", "env NPM_TOKEN=*** make"),
            ("echo ghp_0123456789abcdefghijklmnopqrstuvwxyz", "echo ***"),
            ("make -j2 CFLAGS=-O2 all", "make -j2 CFLAGS=-O2 all"),
            ("gcc -c tokenizer.c -o tokenizer.o", "gcc -c tokenizer.c -o tokenizer.o"),
            ("grep -----BEGIN§PRIVATE§KEY----- f", "grep -----BEGIN§PRIVATE§KEY----- f"),
            ("echo -----BEGIN§RSA§PRIVATE§KEY-----\nMII", "echo -----BEGIN§RSA§PRIVATE§KEY-----***"),
        ] {
            assert_eq!(shown(line), want, "{line}");
            assert_eq!(shown(want), want, "what is hidden stays as it is");
        }
    }

    #[test]
    fn a_variable_is_known_by_its_name_or_by_the_shape_of_its_value() {
        for (entry, want) in [
            ("DB_PASSWORD=a b\nc", "DB_PASSWORD=***"),
            ("MYSQL_PWD=x", "MYSQL_PWD=***"),
            ("AWS_SECRET_ACCESS_KEY=x", "AWS_SECRET_ACCESS_KEY=***"),
            ("npm_config__auth=x", "npm_config__auth=***"),
            ("GITHUB_TOKEN=", "GITHUB_TOKEN="),
            ("URL=postgres://u:p@h/d", "URL=postgres://u:***@h/d"),
            ("X=AKIA0123456789ABCDEF", "X=***"),
            ("PWD=/w", "PWD=/w"),
            ("SSH_AUTH_SOCK=/run/agent", "SSH_AUTH_SOCK=/run/agent"),
            ("PATH=/bin", "PATH=/bin"),
            ("no equals sign", "no equals sign"),
        ] {
            assert_eq!(String::from_utf8_lossy(&variable(entry.as_bytes())), want, "{entry}");
        }
        assert_eq!(*variable(b"A_TOKEN=\xff\xfe"), b"A_TOKEN=***"[..]);
        let mut clean = Clean::default();
        for _ in 0..2 {
            assert_eq!(*clean.variable(b"PATH=/bin"), b"PATH=/bin"[..]);
            assert_eq!(*clean.variable(b"A_TOKEN=x"), b"A_TOKEN=***"[..]);
        }
        assert_eq!(*variable(b"A=--password=\xffb\xfe c"), b"A=--password=*** c"[..]);
    }
}
