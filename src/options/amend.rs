//! Changes to a plan while it runs, as `key=value` words: a client's first line, `ctl set`, `connect`, `attach-ring`.
//!
//! Whoever sends them is not trusted: the line is bounded, and nothing in it costs more than the option of that name.

use super::{Choices, enable, nearest, words};
use crate::model::{CAPTURE_FORMAT, Capture, Filters, Plan};
use std::path::PathBuf;

/// The longest line.
pub const MAX_LINE: usize = 4096;

const KEYS: [&str; 10] =
    ["format", "filter", "str-max", "dir", "drop-failed", "filter-pid", "filter-comm", "fds", "token", "done"];

/// What a line says beyond the plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// The word that proves the right to look.
    pub token: Option<String>,
    /// The client has had enough.
    pub done: bool,
}

/// Changes `plan` by the words of `line`; `filter` are the calls to show of those that are traced.
///
/// # Errors
/// What is wrong with the line, and a remedy; `plan` is then as it was.
pub fn amend(plan: &mut Plan, line: &str, choices: &Choices) -> Result<Said, String> {
    if line.len() > MAX_LINE {
        return Err(format!("a line is longer than {MAX_LINE} bytes"));
    }
    let mut new = plan.clone();
    let mut said = Said::default();
    for word in line.split_ascii_whitespace() {
        if word == "done" {
            said.done = true;
            continue;
        }
        let (key, value) = word.split_once('=').ok_or_else(|| unknown(word))?;
        match key {
            "token" => said.token = Some(value.to_owned()),
            "format" if value == CAPTURE_FORMAT => {
                new.output.format = value.to_owned();
                new.capture = Some(Capture { path: PathBuf::from("-"), fds: true, alone: true });
                // The run's: which of its events are shown is for who reads the capture.
                new.filters = Filters::default();
            }
            "fds" => match (&mut new.capture, value) {
                (Some(capture), "true" | "on") => capture.fds = true,
                (Some(capture), "false" | "off") => capture.fds = false,
                (Some(_), _) => return Err(format!("fds is `{value}`; give true or false")),
                (None, _) => return Err("fds goes with format=capture; give that first".to_owned()),
            },
            _ => set(&mut new, key, value, choices)?,
        }
    }
    if new.output.format != CAPTURE_FORMAT {
        new.capture = None;
    } else if new.filters != Filters::default() {
        return Err(
            "a capture has both events of every call; give it filter, str-max and fds only, and choose events \
                    where it is read"
                .to_owned(),
        );
    }
    *plan = new;
    Ok(said)
}

/// Changes one thing of a plan.
///
/// # Errors
/// What is wrong with it, and a remedy.
pub fn set(plan: &mut Plan, key: &str, value: &str, choices: &Choices) -> Result<(), String> {
    match key {
        "format" => {
            let names = || choices.formats.iter().map(|(name, _)| *name);
            if !names().any(|name| name == value) {
                let remedy = nearest::remedy(value, names(), "see `smtrace list formats`");
                return Err(format!("unknown format `{value}`; {remedy}"));
            }
            plan.output.format = value.to_owned();
        }
        "filter" => plan.calls = enable::calls([value])?,
        "str-max" => plan.output.str_max = words::str_max(value)?,
        "dir" => plan.filters.direction = words::direction(value)?,
        "drop-failed" => {
            plan.filters.statuses.failed = match value {
                "true" | "on" => false,
                "false" | "off" => true,
                _ => return Err(format!("drop-failed is `{value}`; give true or false")),
            }
        }
        "filter-pid" => {
            let pids = value.split(',').filter(|word| !word.is_empty()).map(|word| words::pid(word, 0));
            let pids = pids.collect::<Result<Vec<_>, _>>()?;
            if pids.len() > words::MAX_PIDS {
                return Err(format!("filter-pid has {} processes; give at most {}", pids.len(), words::MAX_PIDS));
            }
            plan.filters.drop_pids = pids;
        }
        "filter-comm" => {
            let comms = value.split(',').filter(|word| !word.is_empty()).map(words::comm);
            let comms = comms.collect::<Result<Vec<_>, _>>()?;
            if comms.len() > words::MAX_COMMS {
                return Err(format!("filter-comm has {} names; give at most {}", comms.len(), words::MAX_COMMS));
            }
            plan.filters.drop_comms = comms;
        }
        _ => return Err(unknown(key)),
    }
    Ok(())
}

fn unknown(word: &str) -> String {
    let word: String = word.chars().take(40).collect();
    let remedy = nearest::remedy(&word, KEYS.iter().copied(), "give KEY=VALUE words, or `done`");
    format!("unknown word `{word}`; {remedy}")
}

#[cfg(test)]
mod tests {
    use super::{Said, amend};
    use crate::model::{CallSet, Direction, Plan};
    use crate::options::{Action, Choices, parse};
    use crate::table;

    const CHOICES: Choices = Choices { formats: &[("module", ""), ("json", "")] };

    fn plan() -> Plan {
        match parse(["smtrace", "--", "x"].map(Into::into), &CHOICES).unwrap() {
            Action::Trace(plan) => *plan,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_line_changes_what_it_names() {
        let mut new = plan();
        let said =
            amend(&mut new, " format=json filter=read,!write\tstr-max=9 dir=exit token=abc\r", &CHOICES).unwrap();
        assert_eq!(said, Said { token: Some("abc".to_owned()), done: false });
        assert_eq!((new.output.format.as_str(), new.output.str_max), ("json", 9));
        assert_eq!(new.filters.direction, Direction::Exit);
        let mut read = CallSet::default();
        read.insert(table::by_name("read").unwrap().index());
        assert_eq!(new.calls, read);
        assert!(amend(&mut new, "done", &CHOICES).unwrap().done);
    }

    #[test]
    fn a_mistake_changes_nothing_and_names_its_remedy() {
        let mut new = plan();
        for (line, said) in [
            ("format=jsn", "did you mean `json`"),
            ("str-max=9 fromat=json", "did you mean `format`"),
            ("str-max=9 dir=up", "give enter, exit or both"),
            ("str-max=9 filter=opnat", "did you mean `openat`"),
            ("GET / HTTP/1.1", "unknown word"),
        ] {
            let refusal = amend(&mut new, line, &CHOICES).unwrap_err();
            assert!(refusal.contains(said), "{line}: {refusal}");
        }
        assert_eq!(new.output.str_max, plan().output.str_max);
        assert!(amend(&mut new, &"x=1 ".repeat(2000), &CHOICES).is_err());
    }
}
