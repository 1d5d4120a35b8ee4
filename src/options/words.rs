//! The values that options and the configuration file share: their words, bounds and refusals.

use super::{Choices, nearest};
use crate::decode::walk::MOST_ITEMS;
use crate::model::{Direction, Orphans, Pid, SeccompMode};

/// The largest process id: `PID_MAX_LIMIT` of the kernel, less one.
pub(super) const MAX_PID: Pid = (1 << 22) - 1;
/// The most processes that can be filtered out, as in the siblings.
pub(super) const MAX_PIDS: usize = 64;
/// The most command names that can be filtered out, as in the siblings.
pub(super) const MAX_COMMS: usize = 16;
/// The longest command name that may be given, in characters, as in the siblings.
pub(super) const MAX_COMM: usize = 16;
/// The largest `--str-max`.
pub(super) const MAX_STR: i64 = 64 * 1024;
/// The `--str-max` that nobody chose.
pub(super) const DEFAULT_STR: usize = 256;
/// The longest wait for orphans, in seconds: a year.
const MAX_WAIT: u64 = 365 * 24 * 3600;

/// A command name as the kernel keeps it: it cuts at 15 bytes, so a longer one would never match.
pub(super) fn comm(name: &str) -> Result<String, String> {
    if name.is_empty() || name.chars().count() > MAX_COMM || name.contains('\0') {
        return Err(format!(
            "command name `{name}` is not 1 to {MAX_COMM} characters; give it as /proc/PID/comm has it"
        ));
    }
    let end = (0..=15).rev().find(|end| name.is_char_boundary(*end)).unwrap_or(0);
    Ok(name.get(..end).unwrap_or(name).to_owned())
}

/// A process id of at least `least`.
pub(super) fn pid(typed: &str, least: Pid) -> Result<Pid, String> {
    let pid = typed.parse().ok().filter(|pid| (least..=MAX_PID).contains(pid));
    pid.ok_or_else(|| format!("`{typed}` is no process id; give a number from {least} to {MAX_PID}"))
}

/// `--str-max`.
pub(super) fn str_max(typed: &str) -> Result<usize, String> {
    let max = typed.parse().ok().filter(|max| (0..=MAX_STR).contains(max));
    let max = max.and_then(|max| usize::try_from(max).ok());
    max.ok_or_else(|| format!("--str-max `{typed}` is no length; give a number from 0 to {MAX_STR}"))
}

/// `--max-items`.
pub(super) fn max_items(typed: &str) -> Result<usize, String> {
    let items = typed.parse().ok().filter(|items| (1..=MOST_ITEMS).contains(items));
    items.ok_or_else(|| format!("--max-items `{typed}` is no length; give a number from 1 to {MOST_ITEMS}"))
}

/// `--dir`.
pub(super) fn direction(word: &str) -> Result<Direction, String> {
    match word {
        "enter" => Ok(Direction::Enter),
        "exit" => Ok(Direction::Exit),
        "both" => Ok(Direction::Both),
        _ => Err(format!("unknown direction `{word}`; give enter, exit or both")),
    }
}

/// `--seccomp`.
pub(super) fn seccomp(word: &str) -> Result<SeccompMode, String> {
    match word {
        "auto" => Ok(SeccompMode::Auto),
        "off" => Ok(SeccompMode::Off),
        _ => Err(format!("unknown seccomp mode `{word}`; give auto or off")),
    }
}

/// `--orphans`.
pub(super) fn orphans(word: &str) -> Result<Orphans, String> {
    match (word, word.strip_prefix("wait=")) {
        ("wait", _) => Ok(Orphans::Wait(None)),
        ("kill", _) => Ok(Orphans::Kill),
        (_, Some(seconds)) => {
            let seconds = seconds.parse().ok().filter(|seconds| *seconds <= MAX_WAIT);
            let refuse =
                || format!("orphans `{word}` has no number of seconds up to {MAX_WAIT}; give one, as in wait=10");
            Ok(Orphans::Wait(Some(seconds.ok_or_else(refuse)?)))
        }
        _ => Err(format!("unknown orphans `{word}`; give wait, wait=SECS or kill")),
    }
}

/// The name of a registered format.
pub(super) fn format(name: &str, choices: &Choices) -> Result<String, String> {
    let known = || choices.formats.iter().map(|(name, _)| *name);
    if known().any(|known| known == name) {
        return Ok(name.to_owned());
    }
    let all = format!("known are {}", known().collect::<Vec<_>>().join(", "));
    Err(format!("unknown format `{name}`; {}", nearest::remedy(name, known(), &all)))
}

/// The format that nobody chose.
pub(super) fn default_format(choices: &Choices) -> String {
    format("module", choices).unwrap_or_else(|_| choices.formats.first().map_or("", |(name, _)| *name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_name_is_cut_as_the_kernel_cuts_it() {
        assert_eq!(comm("systemd-resolved").unwrap(), "systemd-resolve");
        assert_eq!(comm("ééééééééé").unwrap(), "ééééééé");
        assert!(comm("").is_err());
        assert!(comm("seventeen-letters").is_err());
    }

    #[test]
    fn words_have_bounds() {
        assert_eq!(orphans("wait=10"), Ok(Orphans::Wait(Some(10))));
        for bad in ["wait=", "wait=-1", "wait=31536001", "later"] {
            assert!(orphans(bad).is_err(), "{bad}");
        }
        assert_eq!(pid("4194303", 1), Ok(MAX_PID));
        for bad in ["0", "4194304", "-1", "", "1x", "99999999999999999999"] {
            assert!(pid(bad, 1).is_err(), "{bad}");
        }
        assert!(direction("in").unwrap_err().contains("give enter"));
        assert!(seccomp("on").unwrap_err().contains("give auto"));
    }

    #[test]
    fn a_format_comes_from_the_registry() {
        let choices = Choices { formats: &[("ebpf", ""), ("json", "")] };
        assert_eq!(default_format(&choices), "ebpf");
        assert_eq!(format("jsn", &choices).unwrap_err(), "unknown format `jsn`; did you mean `json`?");
    }
}
