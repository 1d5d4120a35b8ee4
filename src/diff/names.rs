//! Names that differ between any two runs, made equal: process ids, temporary names, hashes, times, the folder the run
//! started in. Only what the two runs did not do in the same words is looked at this way, so it may be generous.

use super::Deed;
use crate::model::Pid;
use rustc_hash::FxHashSet;

/// Digits from which on a number is a time, an address or a size, not a version.
const LONG_NUMBER: usize = 9;

/// Letters and digits from which on a name can be random: mktemp(1) has 10, mkstemp(3) 6.
const RANDOM: usize = 6;

/// Base-16 digits from which on a name can be a hash, with letters and digits, and with digits alone.
const HASH: usize = 8;
const HASH_OF_DIGITS: usize = 16;

/// The most tasks that are remembered.
const MOST_TASKS: usize = 1 << 22;

/// What only one run calls so.
#[derive(Clone, Debug, Default)]
pub struct Names {
    tasks: FxHashSet<Pid>,
    start: Vec<u8>,
}

impl Names {
    /// A task of the run has this number.
    pub(super) fn learn_task(&mut self, tid: Pid) {
        if self.tasks.len() < MOST_TASKS {
            self.tasks.insert(tid);
        }
    }

    /// The run may have started in this folder; the first one counts.
    pub(super) fn learn_start(&mut self, folder: &[u8]) {
        // The root is the beginning of every path.
        if self.start.is_empty() && folder.len() > 1 && folder.starts_with(b"/") {
            self.start = folder.to_vec();
        }
    }

    /// The deed in words that another run can share.
    pub(super) fn plain(&self, deed: &Deed) -> Deed {
        Deed { sort: deed.sort, words: deed.words.iter().map(|word| self.plain_word(word)).collect() }
    }

    fn plain_word(&self, word: &[u8]) -> Vec<u8> {
        let word = &self.without_start(word)[..];
        let mut out = Vec::with_capacity(word.len());
        let mut at = 0;
        while let Some(rest) = word.get(at..).filter(|rest| !rest.is_empty()) {
            if let Some(uuid) = rest.get(..36).filter(|text| is_uuid(text)) {
                out.extend_from_slice(b"<hash>");
                at += uuid.len();
                continue;
            }
            let len = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
            if len == 0 {
                out.extend(rest.first());
                at += 1;
                continue;
            }
            let (before, run) = (word.get(..at).unwrap_or_default(), rest.get(..len).unwrap_or_default());
            self.plain_run(before, run, &mut out);
            at += len;
        }
        out
    }

    /// Appends a run of letters and digits that stands after `before`.
    fn plain_run(&self, before: &[u8], run: &[u8], out: &mut Vec<u8>) {
        let digits = run.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
        let whole = digits == run.len();
        let is_task = whole && self.is_task(run);
        match () {
            () if whole && (before.ends_with(b"/proc/") || before.ends_with(b"/task/")) => {
                out.extend_from_slice(b"<pid>")
            }
            () if whole && before.ends_with(b"/pts/") => out.extend_from_slice(b"<number>"),
            () if is_hash(run) => out.extend_from_slice(b"<hash>"),
            // Before the tasks: a name that is made up may end in the number of one.
            () if is_random(before, run) => out.extend_from_slice(b"<tmp>"),
            () if whole && is_task => out.extend_from_slice(b"<pid>"),
            () if whole && digits >= LONG_NUMBER => out.extend_from_slice(b"<number>"),
            () => self.plain_parts(run, out),
        }
    }

    /// Appends a run with the tasks' numbers beside its letters made equal: `conf$$subs.awk` of autoconf.
    fn plain_parts(&self, run: &[u8], out: &mut Vec<u8>) {
        for part in run.chunk_by(|a, b| a.is_ascii_digit() == b.is_ascii_digit()) {
            out.extend_from_slice(if part.len() >= 3 && self.is_task(part) { b"<pid>" } else { part });
        }
    }

    fn is_task(&self, digits: &[u8]) -> bool {
        let number = std::str::from_utf8(digits).ok().and_then(|text| text.parse().ok());
        number.is_some_and(|tid: Pid| self.tasks.contains(&tid))
    }

    /// `word` with the folder the run started in as `<start>`, where whole parts of a path say it.
    fn without_start(&self, word: &[u8]) -> Vec<u8> {
        if self.start.is_empty() {
            return word.to_vec();
        }
        let mut out = Vec::with_capacity(word.len());
        let mut left = word;
        while let Some(at) = memchr::memmem::find(left, &self.start) {
            let (head, tail) = left.split_at_checked(at).unwrap_or_default();
            let after = tail.get(self.start.len()..).unwrap_or_default();
            out.extend_from_slice(head);
            let ends = after.first().is_none_or(|next| !next.is_ascii_alphanumeric() && !b"._-".contains(next));
            out.extend_from_slice(if ends { b"<start>" } else { &self.start });
            left = after;
        }
        out.extend_from_slice(left);
        out
    }
}

/// 8-4-4-4-12 digits of base 16.
fn is_uuid(text: &[u8]) -> bool {
    let dash = |at: usize| matches!(at, 8 | 13 | 18 | 23);
    text.iter().enumerate().all(|(at, byte)| if dash(at) { *byte == b'-' } else { byte.is_ascii_hexdigit() })
}

fn is_hash(run: &[u8]) -> bool {
    let lower = run.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'));
    let upper = run.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'A'..=b'F'));
    let both = run.iter().any(u8::is_ascii_digit) && run.iter().any(u8::is_ascii_alphabetic);
    (lower || upper) && (run.len() >= HASH && both || run.len() >= HASH_OF_DIGITS)
}

/// Whether a name is one that mktemp(1), mkstemp(3) or a compiler made up.
fn is_random(before: &[u8], run: &[u8]) -> bool {
    const FOLDERS: [&[u8]; 4] = [b"/tmp/", b"/var/tmp/", b"/dev/shm/", b"/run/"];
    let kinds = [u8::is_ascii_lowercase, u8::is_ascii_uppercase, u8::is_ascii_digit];
    let mixed = kinds.iter().filter(|kind| run.iter().any(kind)).count() >= 2;
    let temporary = FOLDERS.iter().any(|folder| memchr::memmem::find(before, folder).is_some());
    let begins = before.last().is_none_or(|byte| *byte == b'/');
    match () {
        () if run.len() < RANDOM => false,
        // tmp.XXXXXXXXXX, whatever its letters.
        () if before.ends_with(b"tmp.") => true,
        // ccXXXXXX of gcc.
        () if temporary && begins && run.len() == 8 && run.starts_with(b"cc") => true,
        // stXXXXXX of ar, ranlib, strip and objcopy, beside the file that they change.
        () if begins && run.len() == 8 && run.starts_with(b"st") => mixed,
        // confXXXXXX of autoconf, in the folder where it works.
        () if begins && run.len() == 10 && run.starts_with(b"conf") => mixed,
        () if temporary => mixed,
        // NAME.XXXXXX, wherever.
        () => mixed && before.ends_with(b".") && run.len() <= 10 && !run.starts_with(b"so"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_is_made_equal_and_what_does_not_stays() {
        let mut names = Names::default();
        [1234, 98765, 12].into_iter().for_each(|tid| names.learn_task(tid));
        names.learn_start(b"/");
        names.learn_start(b"/builds/one");
        names.learn_start(b"/builds/two");
        let plain = |word: &str| String::from_utf8(names.plain_word(word.as_bytes())).unwrap();
        for (word, want) in [
            ("/tmp/tmp.abcdefghij/x.c", "/tmp/tmp.<tmp>/x.c"),
            ("/tmp/ccAbCd12.s", "/tmp/<tmp>.s"),
            ("/tmp/ccabcdef.o", "/tmp/<tmp>.o"),
            ("/tmp/ccaB1234.o", "/tmp/<tmp>.o"),
            ("lib/stGgI0Dy", "lib/<tmp>"),
            ("lib/stddef.h", "lib/stddef.h"),
            ("/tmp/build/main.c", "/tmp/build/main.c"),
            ("conf1234.sh", "conf<pid>.sh"),
            ("./conftest-98765.err", "./conftest-<pid>.err"),
            ("./conf98765subs.awk", "./conf<pid>subs.awk"),
            ("./conf98764subs.awk", "./conf98764subs.awk"),
            ("/proc/4711/status", "/proc/<pid>/status"),
            ("/proc/self/task/77/comm", "/proc/self/task/<pid>/comm"),
            ("/usr/lib/gcc/x86_64-linux-gnu/13/cc1", "/usr/lib/gcc/x86_64-linux-gnu/13/cc1"),
            ("target/libfoo-0123456789abcdef.rlib", "target/libfoo-<hash>.rlib"),
            (".git/objects/ab/cdef0123456789abcdef0123456789abcdef01", ".git/objects/ab/<hash>"),
            ("x.1749730502123", "x.<number>"),
            ("/builds/one/src/a.c", "<start>/src/a.c"),
            ("-I/builds/one", "-I<start>"),
            ("/builds/one-more", "/builds/one-more"),
            ("01234567-89ab-cdef-0123-456789abcdef", "<hash>"),
            ("/usr/lib/libQt5Core.so.5", "/usr/lib/libQt5Core.so.5"),
            ("out.aB3xZ9", "out.<tmp>"),
            ("-O2 -std=c11", "-O2 -std=c11"),
        ] {
            assert_eq!(plain(word), want, "{word}");
        }
    }
}
