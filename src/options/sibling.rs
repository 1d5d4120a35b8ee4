//! The siblings' two sections alone, for what is configured as they are: the plugins of Falco.
//!
//! Falco hands over `init_config` and `open_params` as two texts. They have the keys, the limits and the refusals of the
//! configuration file, and keys of the caller's own beside them.

use super::document::{Document, key};
use super::words::DEFAULT_STR;
use super::{Refusal, config};
use crate::model::{CallSet, Filters, Log, Pid, Statuses, Touching};
use jsonc_parser::common::Ranged;
use std::path::PathBuf;

/// The longest value of a key of the caller's own, in characters.
const MAX_OWN: usize = 1024;

/// What the two sections say.
#[derive(Clone, Debug)]
pub struct Sibling {
    /// The longest text of one argument, in bytes.
    pub str_max: usize,
    /// Where events go beside the consumer.
    pub output: Option<PathBuf>,
    /// The format for that.
    pub format: String,
    /// Messages of our own.
    pub log: Log,
    /// The events that are left out.
    pub filters: Filters,
    /// Whether events are collected at all.
    pub collecting: bool,
    /// The calls of interest; `None` is all that come.
    pub calls: Option<CallSet>,
    /// The keys of the caller's own, with their values.
    pub own: Vec<(String, String)>,
}

/// Reads the two texts; an empty one says nothing. `own` are keys that `open_params` may have beside the siblings'; the
/// process `host` is left out when they say so.
///
/// # Errors
/// A mistake is a [`Refusal`] that names the section and the line.
pub fn sibling(init_config: &str, open_params: &str, own: &[&str], host: Pid) -> Result<Sibling, Refusal> {
    let mut settings = config::Settings::default();
    let mut found = Vec::new();
    let mut drop_own = false;
    if !init_config.trim().is_empty() {
        let document = Document::of("init_config", init_config);
        config::init_config(&document, &document.root()?, &mut settings)?;
    }
    if !open_params.trim().is_empty() {
        let document = Document::of("open_params", open_params);
        let root = document.root()?;
        for property in document.properties(&root)? {
            let name = key(property);
            if name == "filter_own" {
                drop_own = document.boolean(&property.value, name)?;
            } else if own.contains(&name) {
                let value = &property.value;
                let text = match document.boolean(value, name) {
                    Ok(word) => word.to_string(),
                    Err(_) => document.text(value, name, MAX_OWN)?.to_owned(),
                };
                if text.is_empty() {
                    return Err(document.refuse(value.range().start, &format!("{name} is empty; give a value")));
                }
                found.push((name.to_owned(), text));
            } else if !config::open_param(&document, property, &mut settings)? {
                let known = [&config::OPEN_PARAMS[..], own].concat();
                return Err(document.unknown_key(property, "open_params", &known));
            }
        }
    }
    let mut drop_pids = settings.drop_pids.unwrap_or_default();
    drop_pids.extend(drop_own.then_some(host));
    let mut drop_comms = settings.drop_comms.unwrap_or_default();
    drop_comms.extend(settings.drop_falco.then(|| "falco".to_owned()));
    Ok(Sibling {
        str_max: settings.str_max.unwrap_or(DEFAULT_STR),
        output: settings.output,
        format: settings.format.unwrap_or_else(|| "module".to_owned()),
        log: Log { level: settings.log_level.unwrap_or(2), file: settings.log_file },
        filters: Filters {
            direction: crate::model::Direction::Both,
            statuses: Statuses { failed: !settings.drop_failed.unwrap_or(false), ..Statuses::ALL },
            touching: Touching::default(),
            drop_pids,
            drop_comms,
        },
        collecting: !settings.drop_mode.unwrap_or(false),
        calls: settings.interest,
        own: found,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(init: &str, open: &str) -> String {
        sibling(init, open, &["capture", "follow"], 1).unwrap_err().text
    }

    #[test]
    fn nothing_said_is_the_default() {
        let got = sibling("", " ", &[], 1).unwrap();
        assert_eq!((got.str_max, got.collecting, got.log.level), (DEFAULT_STR, true, 2));
        assert!(got.calls.is_none() && got.own.is_empty() && got.filters.drop_pids.is_empty());
    }

    #[test]
    fn the_callers_keys_stand_beside_the_siblings() {
        let open = r#"{"capture": "/x", "follow": true, "filter_own": true, "filter_falco": "true",
            "filter_pids": [5], "drop_mode": true, "drop_failed": true}"#;
        let got = sibling(r#"{"str_max_size": 7, "log_level": "error"}"#, open, &["capture", "follow"], 77).unwrap();
        assert_eq!(got.own, [("capture".into(), "/x".into()), ("follow".into(), "true".into())]);
        assert_eq!((got.filters.drop_pids, got.filters.drop_comms), (vec![5, 77], vec!["falco".to_owned()]));
        assert_eq!((got.str_max, got.log.level, got.collecting, got.filters.statuses.failed), (7, 0, false, false));
    }

    #[test]
    fn a_mistake_names_its_section_and_line() {
        assert!(refusal("{", "").starts_with("smtrace: init_config:1: bad JSON"));
        assert!(refusal("[]", "").contains("give an object"));
        assert!(refusal("{\"str_max_size\": 65537}", "").contains("from 0 to 65536"));
        assert!(
            refusal("", "{\n\"captur\": \"x\"}").contains("open_params:2: unknown key `captur` in open_params; did")
        );
        assert!(refusal("", "{\"capture\": \"\"}").contains("capture is empty"));
        assert!(refusal("", "{\"capture\": 7}").contains("capture is 7"));
        let many = format!("{{\"filter_pids\": [{}]}}", vec!["1"; 65].join(","));
        assert!(refusal("", &many).contains("give at most 64"));
    }
}
