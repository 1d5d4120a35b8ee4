//! Secrets in command lines: an audit is kept and shown, so what looks like a secret is replaced by `***`.
//!
//! By the name that stands before a value, and by the shape that tokens of well-known services have. It errs on the side
//! of hiding.

use regex::Regex;
use std::sync::LazyLock;

/// What stands in place of a secret.
pub const HIDDEN: &str = "***";

const NAMES: &str = r"[A-Za-z0-9_.-]*(?:passw(?:or)?d|passwd|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|_auth|credentials?)[A-Za-z0-9_.-]*";

static PATTERNS: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
    let assigned = format!(r#"(?i)(^|[\s"'&?;:,{{(]|--?)({NAMES})(["']?\s*[=:]\s*["']?)[^\s"'&;,]+"#);
    let patterns = [
        (r"(?i)(authorization:\s*(?:bearer|basic|token)?\s*)[^\s\x22']+".to_owned(), "${1}***"),
        (r"(?i)(bearer\s+)[A-Za-z0-9._~+/=-]{8,}".to_owned(), "${1}***"),
        // scheme://user:password@host
        (r"([a-z][a-z0-9+.-]*://[^\s/:@]*):[^\s/@]+@".to_owned(), "${1}:***@"),
        (r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,})".to_owned(), HIDDEN),
        (r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b".to_owned(), HIDDEN),
        (r"\b(?:xox[abposr]-[A-Za-z0-9-]{10,}|npm_[A-Za-z0-9]{30,}|pypi-[A-Za-z0-9_-]{30,})".to_owned(), HIDDEN),
        (r"\b(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,}".to_owned(), HIDDEN),
        (r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*".to_owned(), HIDDEN),
        (r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*".to_owned(), HIDDEN),
        (assigned, "${1}${2}${3}***"),
    ];
    patterns.into_iter().filter_map(|(find, put)| Regex::new(&find).ok().map(|find| (find, put))).collect()
});

/// An option whose next word is a secret.
static BEFORE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(&format!(r"(?i)^--?{NAMES}$")).ok());

/// `word` without the secrets in it.
#[must_use]
pub fn word(word: &str) -> String {
    let mut shown = word.to_owned();
    for (find, put) in PATTERNS.iter() {
        if find.is_match(&shown) {
            shown = find.replace_all(&shown, *put).into_owned();
        }
    }
    shown
}

/// A command line without the secrets in it.
pub fn argv(words: impl Iterator<Item = String>) -> Vec<String> {
    let mut next_is_secret = false;
    let mut user = false;
    let mut program = None;
    words
        .map(|given| {
            let first = program.is_none();
            let name: &str = program.get_or_insert_with(|| given.rsplit('/').next().unwrap_or("").to_owned());
            if std::mem::take(&mut next_is_secret) && !given.starts_with('-') {
                return HIDDEN.to_owned();
            }
            if std::mem::take(&mut user)
                && let Some((who, _)) = given.split_once(':')
            {
                return format!("{who}:{HIDDEN}");
            }
            next_is_secret = !first && BEFORE.as_ref().is_some_and(|option| option.is_match(&given));
            user = name == "curl" && matches!(given.as_str(), "-u" | "--user" | "-U" | "--proxy-user");
            word(&given)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::argv;

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
        ] {
            let shown = argv(line.split(' ').map(|word| word.replace('§', " ")));
            assert_eq!(shown.join(" "), want.replace('§', " "), "{line}");
        }
    }
}
