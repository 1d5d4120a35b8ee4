//! The options of `smtrace replay` to a plan. What is shared with a run means the same and is read by `plan`.

use super::captures::NOT_IN_REPLAY;
use super::cli::id;
use super::{Choices, Refusal, enable, plan, strace, words};
use crate::model::{Moment, Plan, Replay, Target};
use chrono::{DateTime, NaiveDateTime, NaiveTime, Timelike};
use clap::ArgMatches;
use clap::parser::ValueSource;
use globset::GlobBuilder;
use std::ffi::OsString;
use std::sync::Arc;

const SECOND: u64 = 1_000_000_000;

/// The plan that the options in `typed` mean.
pub(super) fn plan(typed: &ArgMatches, choices: &Choices) -> Result<Plan, Refusal> {
    if let Some(name) = NOT_IN_REPLAY.iter().find(|name| typed.value_source(name) == Some(ValueSource::CommandLine)) {
        return Err(plan::mistake(&format!("--{name} has no meaning for replay; take it away")));
    }
    let file = typed.get_one::<OsString>(id::FILE).cloned().unwrap_or_default();
    let given = strace::expressions(typed).map_err(|what| plan::mistake(&what))?;
    let calls = match given.trace.as_slice() {
        [] => None,
        trace => Some(enable::calls(trace.iter().copied()).map_err(|what| plan::mistake(&what))?),
    };
    let comms = typed.get_many::<String>(id::COMM).into_iter().flatten();
    let replay = Replay {
        file: plan::named(&file, "replay")?.to_owned(),
        info: typed.get_flag(id::INFO),
        grows: typed.get_count(id::FOLLOW) > 0,
        calls: calls.map(Box::new),
        str_max: plan::option(typed, id::STR_MAX, words::str_max)?,
        since: plan::option(typed, id::SINCE, |word| moment("since", word))?,
        until: plan::option(typed, id::UNTIL, |word| moment("until", word))?,
        pids: plan::pids(typed.get_many::<String>(id::PID).into_iter().flatten(), 0)?,
        comms: comms.map(|name| words::comm(name).map_err(|what| plan::mistake(&what))).collect::<Result<_, _>>()?,
        paths: typed
            .get_many::<String>(id::PATH)
            .into_iter()
            .flatten()
            .map(|glob| path(glob))
            .collect::<Result<_, _>>()?,
        launched: true,
        utc_offset: Arc::default(),
    };
    let plan = plan::settle(Target::Replay(replay), typed, choices)?;
    if plan.capture.as_ref().is_some_and(|capture| !capture.is_scap()) {
        return Err(plan::mistake("replay -w writes libscap's form only; give a name that ends in .scap or .scap.gz"));
    }
    Ok(plan)
}

fn path(glob: &str) -> Result<String, Refusal> {
    let fine = GlobBuilder::new(glob).literal_separator(true).build();
    fine.map(|_| glob.to_owned()).map_err(|error| plan::mistake(&format!("--path `{glob}`: {}", error.kind())))
}

/// A time in one of its forms.
fn moment(option: &str, word: &str) -> Result<Moment, String> {
    let moment = epoch(word).map(Moment::At).or_else(|| zoned(word)).or_else(|| local(word)).or_else(|| of_day(word));
    moment.ok_or_else(|| {
        format!(
            "--{option} `{word}` is no time; give seconds since 1970, 2025-06-12T14:15:02+02:00, or the capture's local \
             `2025-06-12 14:15:02` or 14:15:02"
        )
    })
}

/// Seconds since the epoch, with up to nine digits after the point.
fn epoch(word: &str) -> Option<u64> {
    let (seconds, fraction) = word.split_once('.').unwrap_or((word, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(seconds) || !digits(fraction) || fraction.len() > 9 {
        return None;
    }
    let nanoseconds: u64 = format!("{fraction:0<9}").parse().ok()?;
    seconds.parse::<u64>().ok()?.checked_mul(SECOND)?.checked_add(nanoseconds)
}

fn zoned(word: &str) -> Option<Moment> {
    let time = DateTime::parse_from_rfc3339(word).ok()?;
    u64::try_from(time.timestamp_nanos_opt()?).ok().map(Moment::At)
}

fn local(word: &str) -> Option<Moment> {
    let forms = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f"];
    let time = forms.iter().find_map(|form| NaiveDateTime::parse_from_str(word, form).ok())?;
    time.and_utc().timestamp_nanos_opt().map(Moment::Local)
}

fn of_day(word: &str) -> Option<Moment> {
    let forms = ["%H:%M:%S%.f", "%H:%M"];
    let time = forms.iter().find_map(|form| NaiveTime::parse_from_str(word, form).ok())?;
    let seconds = u64::from(time.num_seconds_from_midnight());
    Some(Moment::OfDay(seconds * SECOND + u64::from(time.nanosecond())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_four_forms() {
        let of = |word| moment("since", word);
        assert_eq!(of("1749730502"), Ok(Moment::At(1_749_730_502 * SECOND)));
        assert_eq!(of("1749730502.5"), Ok(Moment::At(1_749_730_502 * SECOND + SECOND / 2)));
        assert_eq!(of("2025-06-12T14:15:02.000000001+02:00"), Ok(Moment::At(1_749_730_502 * SECOND + 1)));
        assert_eq!(of("2025-06-12 14:15:02"), Ok(Moment::Local(1_749_737_702 * 1_000_000_000)));
        assert_eq!(of("01:02"), Ok(Moment::OfDay(3720 * SECOND)));
        assert_eq!(of("01:02:03.25"), Ok(Moment::OfDay(3723 * SECOND + SECOND / 4)));
        for bad in ["", "x", "25:00", "-1", "1.", "1.0000000001", "99999999999999999999", "2025-13-01T00:00:00Z"] {
            assert!(of(bad).unwrap_err().contains("give seconds since 1970"), "{bad}");
        }
    }
}
