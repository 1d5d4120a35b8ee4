//! The words within strace's options: precisions, signals, statuses and the like.

use super::super::nearest;
use crate::model::{FdDetail, HexStrings, LineClock, Quiet, SignalSet, Statuses};
use crate::table::signals;

/// A number up to `most`.
pub(super) fn number(word: &str, option: &str, most: usize) -> Result<usize, String> {
    let number = word.parse().ok().filter(|number| *number <= most);
    number.ok_or_else(|| format!("{option} `{word}` is no number; give one from 0 to {most}"))
}

/// Decimals of a second.
pub(super) fn precision(word: &str) -> Result<u8, String> {
    match word {
        "s" => Ok(0),
        "ms" => Ok(3),
        "us" | "" => Ok(6),
        "ns" => Ok(9),
        _ => Err(format!("unknown precision `{word}`; give s, ms, us or ns")),
    }
}

/// `--timestamps=`.
pub(super) fn clock(words: &str) -> Result<Option<LineClock>, String> {
    let mut clock = Some(LineClock { unix: false, decimals: 0 });
    let mut decimals = 0;
    for word in words.split(',').filter(|word| !word.is_empty()) {
        let (kind, value) = word.split_once(':').unwrap_or(("", word));
        match (kind, value) {
            ("" | "format", "none") => clock = None,
            ("" | "format", "time") => clock = Some(LineClock { unix: false, decimals: 0 }),
            ("" | "format", "unix") => clock = Some(LineClock { unix: true, decimals: 0 }),
            ("" | "precision", _) => decimals = precision(value)?,
            _ => return Err(format!("unknown timestamp `{word}`; give format:none|time|unix or precision:s|ms|us|ns")),
        }
    }
    Ok(clock.map(|clock| LineClock { decimals, ..clock }))
}

/// `--strings-in-hex=`.
pub(super) fn hex(word: &str) -> Result<HexStrings, String> {
    match word {
        "none" => Ok(HexStrings::None),
        "non-ascii-chars" => Ok(HexStrings::NonAsciiChars),
        "non-ascii" => Ok(HexStrings::NonAscii),
        "all" => Ok(HexStrings::All),
        _ => Err(format!("--strings-in-hex: unknown `{word}`; give none, non-ascii-chars, non-ascii or all")),
    }
}

/// Reads a list like `a,!b`, where a leading `!` turns it around; `set` sets the bit of one word.
fn list<T>(
    words: &str,
    (none, all): (T, T),
    known: &[&str],
    option: &str,
    mut set: impl FnMut(T, &str, bool) -> T,
) -> Result<T, String> {
    let (turned, words) = words.strip_prefix('!').map_or((false, words), |rest| (true, rest));
    match (words, turned) {
        ("all", false) | ("none", true) => return Ok(all),
        ("none", false) | ("all", true) => return Ok(none),
        _ => {}
    }
    let mut got = if turned { all } else { none };
    for word in words.split(',') {
        if !known.contains(&word) {
            let remedy = nearest::remedy(word, known.iter().copied(), &format!("give {}", known.join(", ")));
            return Err(format!("{option}: unknown `{word}`; {remedy}"));
        }
        got = set(got, word, !turned);
    }
    Ok(got)
}

/// `-e quiet=`.
pub(super) fn quiet(words: &str) -> Result<Quiet, String> {
    const KNOWN: [&str; 10] = [
        "attach",
        "attached",
        "exit",
        "exits",
        "exited",
        "path-resolution",
        "path-resolve",
        "personality",
        "thread-execve",
        "superseded",
    ];
    let all = Quiet { attach: true, exit: true, personality: true, superseded: true, cleared: true };
    list(words, (Quiet::default(), all), &KNOWN, "-e quiet=", |mut quiet, word, to| {
        match word {
            "attach" | "attached" => quiet.attach = to,
            "exit" | "exits" | "exited" => quiet.exit = to,
            "personality" => quiet.personality = to,
            "path-resolution" | "path-resolve" => {}
            _ => quiet.superseded = to,
        }
        quiet
    })
}

/// `-e decode-fds=`.
pub(super) fn fd_detail(words: &str) -> Result<FdDetail, String> {
    const KNOWN: [&str; 4] = ["path", "socket", "dev", "pidfd"];
    let all = FdDetail { path: true, socket: true, device: true, pidfd: true };
    list(words, (FdDetail::default(), all), &KNOWN, "--decode-fds", |mut detail, word, to| {
        match word {
            "path" => detail.path = to,
            "socket" => detail.socket = to,
            "dev" => detail.device = to,
            _ => detail.pidfd = to,
        }
        detail
    })
}

/// `-e status=`.
pub(super) fn statuses(words: &str) -> Result<Statuses, String> {
    const KNOWN: [&str; 5] = ["successful", "failed", "unfinished", "unavailable", "detached"];
    list(words, (Statuses::NONE, Statuses::ALL), &KNOWN, "-e status=", |mut statuses, word, to| {
        match word {
            "successful" => statuses.successful = to,
            "failed" => statuses.failed = to,
            "unfinished" => statuses.unfinished = to,
            "unavailable" => statuses.unavailable = to,
            _ => statuses.detached = to,
        }
        statuses
    })
}

/// `-e signal=`; the last one counts.
pub(super) fn signals(given: &[&str]) -> Result<SignalSet, String> {
    let Some(words) = given.last() else { return Ok(SignalSet::ALL) };
    let (turned, words) = words.strip_prefix('!').map_or((false, *words), |rest| (true, rest));
    let mut set = SignalSet::NONE;
    match words {
        "none" => {}
        "all" => set = SignalSet::ALL,
        _ => {
            for word in words.split(',') {
                let number = word.parse().ok().filter(|number| (0..=255).contains(number));
                let known = number.or_else(|| signals::by_name(word));
                let known = known.ok_or_else(|| {
                    format!("-e signal=: unknown signal `{word}`; give a name like SIGTERM or term, or a number")
                })?;
                set = set.with(known);
            }
        }
    }
    Ok(if turned { set.inverted() } else { set })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_turn_around() {
        let quiet = quiet("!exit").unwrap();
        assert!(quiet.attach && quiet.superseded && !quiet.exit);
        assert!(statuses("successful,failed").unwrap().failed && !statuses("failed").unwrap().successful);
        assert_eq!(statuses("!none"), Ok(Statuses::ALL));
        assert!(statuses("succesful").unwrap_err().contains("`successful`"));
        assert!(fd_detail("all").unwrap().pidfd && !fd_detail("path,dev").unwrap().socket);
    }

    #[test]
    fn signals_have_names_in_any_case_and_numbers() {
        let set = signals(&["SIGTERM", "usr1,SIGio,9"]).unwrap();
        assert!(set.contains(10) && set.contains(29) && set.contains(9) && !set.contains(15));
        assert!(!signals(&["!chld"]).unwrap().contains(17) && signals(&["!chld"]).unwrap().contains(34));
        assert_eq!(signals(&["none"]), Ok(SignalSet::NONE));
        assert!(signals(&["SIGFOO"]).unwrap_err().contains("SIGTERM"));
    }

    #[test]
    fn a_clock_has_a_form_and_a_precision() {
        assert_eq!(clock(""), Ok(Some(LineClock { unix: false, decimals: 0 })));
        assert_eq!(clock("unix,ns"), Ok(Some(LineClock { unix: true, decimals: 9 })));
        assert_eq!(clock("precision:ms,format:time"), Ok(Some(LineClock { unix: false, decimals: 3 })));
        assert_eq!(clock("none"), Ok(None));
        assert!(clock("format:ms").is_err());
    }
}
