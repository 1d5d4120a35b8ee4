//! The configuration file: the siblings' sections and one of our own, to settings that options may still beat.
//!
//! Here is one arm per key; a key that is not listed in its section's constant is refused.

use super::document::{Document, key};
use super::words::{self, MAX_COMM, MAX_COMMS, MAX_PID, MAX_PIDS, MAX_STR};
use super::{Choices, Refusal, enable, interest};
use crate::model::{CallSet, Direction, Orphans, Pid, SeccompMode};
use jsonc_parser::ast::{Object, ObjectProp, Value};
use jsonc_parser::common::Ranged;
use std::path::{Path, PathBuf};

/// The longest path in the siblings' keys, in characters.
const MAX_PATH: usize = 256;
/// The longest expression and the most of them.
const MAX_EXPR: usize = 64 * 1024;
const MAX_EXPRS: usize = 1024;

const SECTIONS: [&str; 3] = ["init_config", "open_params", "smtrace"];
const INIT_CONFIG: [&str; 7] =
    ["rich_value_size", "str_max_size", "putfile", "path", "format", "log_level", "log_file"];
pub(super) const OPEN_PARAMS: [&str; 7] =
    ["filter_own", "filter_falco", "filter_pids", "filter_comms", "drop_mode", "drop_failed", "interest_syscall_file"];
const SMTRACE: [&str; 8] = ["enable", "format", "dir", "follow", "seccomp", "probe", "orphans", "quiet"];

/// What a file says; `None` where it says nothing.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) str_max: Option<usize>,
    pub(super) output: Option<PathBuf>,
    pub(super) format: Option<String>,
    pub(super) log_level: Option<u8>,
    pub(super) log_file: Option<PathBuf>,
    pub(super) drop_falco: bool,
    pub(super) drop_pids: Option<Vec<Pid>>,
    pub(super) drop_comms: Option<Vec<String>>,
    pub(super) drop_mode: Option<bool>,
    pub(super) drop_failed: Option<bool>,
    pub(super) interest: Option<CallSet>,
    pub(super) enable: Option<CallSet>,
    pub(super) direction: Option<Direction>,
    pub(super) follow: Option<bool>,
    pub(super) seccomp: Option<SeccompMode>,
    pub(super) probe: Option<bool>,
    pub(super) orphans: Option<Orphans>,
    pub(super) quiet: Option<bool>,
}

/// The settings in the file `path`.
pub(super) fn read(path: &Path, choices: &Choices) -> Result<Settings, Refusal> {
    parse(&Document::read(path).map_err(|what| Refusal::mistake(&what))?, choices)
}

fn parse(document: &Document, choices: &Choices) -> Result<Settings, Refusal> {
    let root = document.root()?;
    let mut settings = Settings::default();
    for section in document.properties(&root)? {
        let name = key(section);
        if !SECTIONS.contains(&name) {
            return Err(document.unknown_key(section, "the file", &SECTIONS));
        }
        let object = document.object(&section.value, name)?;
        match name {
            "init_config" => init_config(document, object, &mut settings)?,
            "open_params" => open_params(document, object, &mut settings)?,
            _ => {}
        }
    }
    // Ours come last, wherever they stand, so that they beat the siblings' poorer words.
    if let Some(object) = root.get("smtrace").and_then(|section| section.value.as_object()) {
        smtrace(document, object, choices, &mut settings)?;
    }
    Ok(settings)
}

pub(super) fn init_config(document: &Document, object: &Object<'_>, settings: &mut Settings) -> Result<(), Refusal> {
    let (mut putfile, mut path) = (None, None);
    for property in document.properties(object)? {
        let (name, value) = (key(property), &property.value);
        match name {
            // The siblings' buffer for one structured value; ours grows by itself within the record's bound.
            "rich_value_size" => drop(document.number(value, name, 0..=i64::from(u32::MAX))?),
            "str_max_size" => settings.str_max = usize::try_from(document.number(value, name, 0..=MAX_STR)?).ok(),
            "putfile" => putfile = document.boolean(value, name)?.then_some(property.range.start),
            "path" => path = Some(PathBuf::from(document.text(value, name, MAX_PATH)?)),
            "format" => {
                settings.format = Some(match document.text(value, name, MAX_PATH)? {
                    "normal" => "module".to_owned(),
                    "json" => "json".to_owned(),
                    _ => {
                        return Err(document.wrong(
                            value,
                            name,
                            "\"normal\" or \"json\"; see smtrace.format for others",
                        ));
                    }
                });
            }
            "log_level" => settings.log_level = Some(log_level(document, value)?),
            "log_file" => settings.log_file = Some(PathBuf::from(document.text(value, name, MAX_PATH)?)),
            _ => return Err(document.unknown_key(property, "init_config", &INIT_CONFIG)),
        }
    }
    if let Some(at) = putfile {
        settings.output = match path {
            Some(path) => Some(path),
            None => return Err(document.refuse(at, "putfile is true, but there is no path; give \"path\"")),
        };
    }
    Ok(())
}

fn log_level(document: &Document, value: &Value<'_>) -> Result<u8, Refusal> {
    match value.as_string_lit().map(|text| text.value.as_ref()) {
        Some("error" | "err") => return Ok(0),
        Some("warning" | "warn") => return Ok(1),
        Some("info" | "information" | "debug" | "trace") => return Ok(2),
        _ => {}
    }
    match document.number(value, "log_level", 0..=8) {
        Ok(level) => Ok(u8::try_from(level).unwrap_or(2).min(2)),
        Err(_) => Err(document.wrong(value, "log_level", "0 to 8, \"error\", \"warning\" or \"info\"")),
    }
}

fn open_params(document: &Document, object: &Object<'_>, settings: &mut Settings) -> Result<(), Refusal> {
    for property in document.properties(object)? {
        if !open_param(document, property, settings)? {
            return Err(document.unknown_key(property, "open_params", &OPEN_PARAMS));
        }
    }
    Ok(())
}

/// One key of `open_params`; false when there is none of this name.
pub(super) fn open_param(
    document: &Document,
    property: &ObjectProp<'_>,
    settings: &mut Settings,
) -> Result<bool, Refusal> {
    let (name, value) = (key(property), &property.value);
    match name {
        // smtrace is never its own tracee, so both words come to the same.
        "filter_own" => drop(document.boolean(value, name)?),
        "filter_falco" => settings.drop_falco = document.boolean(value, name)?,
        "filter_pids" => {
            let array = document.array(value, name, MAX_PIDS)?;
            let pids = array.iter().map(|value| {
                let pid = document.number(value, name, 0..=i64::from(MAX_PID))?;
                Ok(Pid::try_from(pid).unwrap_or(MAX_PID))
            });
            settings.drop_pids = Some(pids.collect::<Result<_, Refusal>>()?);
        }
        "filter_comms" => {
            let array = document.array(value, name, MAX_COMMS)?;
            let comms = array.iter().map(|value| {
                let comm = document.text(value, name, MAX_COMM)?;
                words::comm(comm).map_err(|what| document.refuse(value.range().start, &what))
            });
            settings.drop_comms = Some(comms.collect::<Result<_, Refusal>>()?);
        }
        "drop_mode" => settings.drop_mode = Some(document.boolean(value, name)?),
        "drop_failed" => settings.drop_failed = Some(document.boolean(value, name)?),
        "interest_syscall_file" => {
            let path = document.text(value, name, MAX_PATH)?;
            let marks = Document::read(Path::new(path))
                .map_err(|what| document.refuse(value.range().start, &format!("{name} {what}")))?;
            settings.interest = Some(interest::parse(&marks)?);
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn smtrace(
    document: &Document,
    object: &Object<'_>,
    choices: &Choices,
    settings: &mut Settings,
) -> Result<(), Refusal> {
    for property in document.properties(object)? {
        let (name, value) = (key(property), &property.value);
        let refuse = |what: String| document.refuse(value.range().start, &what);
        match name {
            "enable" => {
                let list = match value {
                    Value::StringLit(_) => std::slice::from_ref(value),
                    _ => document.array(value, name, MAX_EXPRS)?,
                };
                // One by one only to name the line of a mistake; together they mean the set.
                let mut expressions = Vec::new();
                for value in list {
                    let text = document.text(value, name, MAX_EXPR)?;
                    enable::calls([text]).map_err(|what| document.refuse(value.range().start, &what))?;
                    expressions.push(text);
                }
                settings.enable = Some(enable::calls(expressions).map_err(refuse)?);
            }
            "format" => {
                let name = document.text(value, name, MAX_PATH)?;
                settings.format = Some(words::format(name, choices).map_err(refuse)?);
            }
            "dir" => settings.direction = Some(words::direction(document.text(value, name, 16)?).map_err(refuse)?),
            "follow" => settings.follow = Some(document.boolean(value, name)?),
            "seccomp" => settings.seccomp = Some(words::seccomp(document.text(value, name, 16)?).map_err(refuse)?),
            "probe" => settings.probe = Some(document.boolean(value, name)?),
            "orphans" => settings.orphans = Some(words::orphans(document.text(value, name, 32)?).map_err(refuse)?),
            "quiet" => settings.quiet = Some(document.boolean(value, name)?),
            _ => return Err(document.unknown_key(property, "smtrace", &SMTRACE)),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHOICES: Choices = Choices { formats: &[("module", ""), ("ebpf", ""), ("json", "")] };

    fn settings(text: &str) -> Settings {
        parse(&Document::of("c.jsonc", text), &CHOICES).unwrap()
    }

    fn refusal(text: &str) -> String {
        let text = parse(&Document::of("c.jsonc", text), &CHOICES).unwrap_err().text;
        assert!(text.starts_with("smtrace: c.jsonc:") && text.matches('\n').count() == 1, "{text}");
        text
    }

    #[test]
    fn the_siblings_file_is_understood() {
        let got = settings(
            r#"{"init_config": {"rich_value_size": "4096", "str_max_size": "128", "putfile": "true", "path": "/tmp/x",
                "format": "normal", "log_level": 3, "log_file": "/tmp/l"},
             "open_params": {"filter_own": "true", "filter_falco": true, "filter_pids": [0, "4194303"],
                "filter_comms": ["sshd", "sixteen-letters!"], "drop_mode": "false", "drop_failed": "true"}}"#,
        );
        assert_eq!((got.str_max, got.output), (Some(128), Some(PathBuf::from("/tmp/x"))));
        assert_eq!((got.format.as_deref(), got.log_level), (Some("module"), Some(2)));
        assert_eq!((got.drop_falco, got.drop_pids), (true, Some(vec![0, 4_194_303])));
        assert_eq!(got.drop_comms.unwrap(), ["sshd", "sixteen-letters"]);
        assert_eq!((got.drop_mode, got.drop_failed), (Some(false), Some(true)));
    }

    #[test]
    fn our_own_section_beats_the_siblings_wherever_it_stands() {
        let got = settings(
            r#"{"smtrace": {"enable": ["%file", "!openat"], "format": "ebpf", "dir": "exit", "orphans": "wait=3"},
             "init_config": {"format": "json", "putfile": false, "path": "/tmp/x"}}"#,
        );
        assert_eq!(got.format.as_deref(), Some("ebpf"));
        assert_eq!((got.direction, got.orphans), (Some(Direction::Exit), Some(Orphans::Wait(Some(3)))));
        assert_eq!(got.output, None);
        assert!(!got.enable.unwrap().is_empty());
    }

    #[test]
    fn every_listed_key_is_known_and_no_other() {
        for (section, keys) in [("init_config", &INIT_CONFIG[..]), ("open_params", &OPEN_PARAMS), ("smtrace", &SMTRACE)]
        {
            for key in keys {
                assert!(!refusal(&format!("{{\"{section}\": {{\"{key}\": {{}}}}}}")).contains("unknown"), "{key}");
                let slip = refusal(&format!("{{\"{section}\":\n {{\"{key}x\": 1}}}}"));
                assert_eq!(
                    slip,
                    format!("smtrace: c.jsonc:2: unknown key `{key}x` in {section}; did you mean `{key}`?\n")
                );
            }
        }
        assert!(refusal("{\"zzzz\": 1}").contains("known here: init_config, open_params, smtrace"));
    }

    #[test]
    fn bounds_are_held() {
        let param = |text: &str| refusal(&format!("{{\"open_params\": {{{text}}}}}"));
        assert!(param("\"filter_pids\": [4194304]").contains("from 0 to 4194303"));
        assert!(param("\"filter_pids\": [-1]").contains("filter_pids is -1"));
        assert!(param(&format!("\"filter_pids\": [{}]", vec!["1"; 65].join(","))).contains("give at most 64"));
        assert!(param(&format!("\"filter_comms\": [{}]", vec!["\"a\""; 17].join(","))).contains("give at most 16"));
        assert!(param("\"filter_comms\": [\"seventeen-letters\"]").contains("17 characters"));
        let long = format!("\"interest_syscall_file\": \"{}\"", "x".repeat(257));
        assert!(param(&long).contains("257 characters"));
        assert!(param("\"interest_syscall_file\": \"/nonesuch\"").contains("interest_syscall_file /nonesuch: cannot"));
        assert!(refusal("{\"init_config\": {\"putfile\": true}}").contains("give \"path\""));
        assert!(refusal("{\"init_config\": {\"str_max_size\": 65537}}").contains("from 0 to 65536"));
        assert!(refusal("{\"smtrace\": {\"enable\": [\"read\",\n\"opnat\"]}}").contains("c.jsonc:2: unknown call"));
    }

    #[test]
    fn the_default_file_says_the_defaults() {
        let got = settings(include_str!("../../config/default.jsonc"));
        assert_eq!(got.str_max, Some(words::DEFAULT_STR));
        assert_eq!(got.format.as_deref(), Some("module"));
        assert_eq!(got.orphans, Some(Orphans::Wait(None)));
        assert_eq!((got.follow, got.quiet, got.drop_mode), (Some(true), Some(false), Some(false)));
        assert_eq!((got.output, got.interest, got.enable), (None, None, None));
    }
}
