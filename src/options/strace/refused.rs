//! What strace has and smtrace does not, each with the word that says why or what to do instead.

use clap::ArgMatches;

/// One option.
pub(super) struct Refused {
    /// Its letter, NUL for none.
    pub(super) letter: char,
    /// Its long word.
    pub(super) word: &'static str,
    /// Whether it takes a value.
    pub(super) value: bool,
    /// Why it is refused.
    pub(super) why: &'static str,
}

const fn refused(letter: char, word: &'static str, value: bool, why: &'static str) -> Refused {
    Refused { letter, word, value, why }
}

/// Every one.
pub(super) const LETTERS: [Refused; 12] = [
    refused('i', "instruction-pointer", false, "the instruction pointer is not recorded; leave it out"),
    refused('k', "stack-traces", false, "stacks are not recorded; leave it out"),
    refused('d', "debug", false, "smtrace's own messages are set by log_level of --config; leave it out"),
    refused('D', "daemonize", false, "the tracer is always the parent; leave it out"),
    refused('b', "detach-on", true, "leave it out, and use --no-follow or --filter-comm"),
    refused(
        'I',
        "interruptible",
        true,
        "what a signal to smtrace does is fixed (see Signals in the README); leave it out",
    ),
    refused('Y', "decode-pids-comm", false, "processes are not named within arguments; leave it out"),
    refused('\0', "decode-pids", true, "processes are not named within arguments; leave it out"),
    refused('\0', "inject", true, TAMPER),
    refused('\0', "fault", true, TAMPER),
    refused('\0', "kvm", true, "exits of virtual CPUs are not told; leave it out"),
    refused('\0', "secontext", false, "security contexts are not told; leave it out"),
];

/// Why nothing is injected.
pub(super) const TAMPER: &str = "smtrace observes and changes nothing; leave it out";

/// What `-e` takes in strace and not here.
pub(super) const QUALIFIERS: [(&str, &str); 16] = [
    ("inject", TAMPER),
    ("fault", TAMPER),
    ("read", DUMP),
    ("reads", DUMP),
    ("r", DUMP),
    ("write", DUMP),
    ("writes", DUMP),
    ("w", DUMP),
    ("kvm", "exits of virtual CPUs are not told; leave it out"),
    ("decode-pid", PIDS),
    ("decode-pids", PIDS),
    ("secontext", "security contexts are not told; leave it out"),
    ("namespace", "namespaces are told by --format json; leave it out"),
    ("trace-fd", "give --trace-fds"),
    ("trace-fds", "give --trace-fds"),
    ("fds", "give --trace-fds"),
];

const DUMP: &str = "data is not dumped; -s N shows more of it";
const PIDS: &str = "processes are not named within arguments; leave it out";

/// The refusal of the first that was typed.
pub(super) fn refuse(typed: &ArgMatches) -> Result<(), String> {
    for refused in &LETTERS {
        let given = if refused.value { typed.contains_id(refused.word) } else { typed.get_count(refused.word) > 0 };
        if given {
            let name =
                if refused.letter == '\0' { format!("--{}", refused.word) } else { format!("-{}", refused.letter) };
            return Err(format!("{name} of strace is not supported: {}", refused.why));
        }
    }
    Ok(())
}
