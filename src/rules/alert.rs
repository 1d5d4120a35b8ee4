//! An alert: what a rule says of an event, as text, as JSON, or as values for whoever makes more of it.

use super::fields::{View, iso, time_of_day};
use super::priority::Priority;
use serde_json::{Map, json};

/// A rule that fired, for who makes more of it than a line of text.
#[derive(Clone, Debug)]
pub struct Heard {
    /// The rule's name.
    pub rule: String,
    /// What the rule is for.
    pub desc: String,
    /// How grave it is.
    pub priority: Priority,
    /// Its tags.
    pub tags: Vec<String>,
    /// Its output, in one line.
    pub message: String,
    /// The file that the output names first, if it names one.
    pub subject: Option<String>,
}

/// The fields whose value is the subject of an alert, when its output has one of them.
const SUBJECTS: [&str; 11] = [
    "linux.reads",
    "linux.writes",
    "linux.deletes",
    "fd.name",
    "fs.path.name",
    "fs.path.target",
    "fs.path.source",
    "evt.abspath",
    "evt.arg.path",
    "evt.arg.name",
    "proc.exepath",
];

/// What a tracee chose cannot break the line.
pub(super) fn one_line(text: &str) -> String {
    if !text.contains(|c: char| c.is_control()) {
        return text.to_owned();
    }
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() { line.extend(c.escape_default()) } else { line.push(c) }
    }
    line
}

/// A rule that an event satisfies.
pub(super) struct Alert<'a, 'e> {
    pub(super) rule: &'a super::load::Rule,
    pub(super) message: String,
    pub(super) time: u64,
    pub(super) view: &'a View<'e>,
}

impl Alert<'_, '_> {
    /// As values.
    pub(super) fn heard(&self) -> Heard {
        let subject = self.rule.template.fields(self.view).find_map(|(name, value)| match value {
            serde_json::Value::String(text) if SUBJECTS.contains(&name) => Some(text),
            _ => None,
        });
        Heard {
            rule: self.rule.name.clone(),
            desc: self.rule.desc.clone(),
            priority: self.rule.priority,
            tags: self.rule.tags.iter().cloned().collect(),
            message: self.message.clone(),
            subject: subject.map(|text| one_line(&text)),
        }
    }

    /// As a line of text.
    pub(super) fn text(&self, out: &mut Vec<u8>) {
        time_of_day(self.time, out);
        out.extend_from_slice(format!(": {} {}\n", self.rule.priority.name(), self.message).as_bytes());
    }

    /// As a line of JSON.
    pub(super) fn json(&self, host: &str, out: &mut Vec<u8>) {
        let mut fields = Map::new();
        fields.insert("evt.time".to_owned(), self.time.into());
        for (name, value) in self.rule.template.fields(self.view) {
            if name != "evt.time" {
                fields.insert(name.to_owned(), value);
            }
        }
        let (mut text, mut time) = (Vec::new(), Vec::new());
        self.text(&mut text);
        iso(self.time, &mut time);
        let alert = json!({
            "hostname": host,
            "output": String::from_utf8_lossy(&text).trim_end_matches('\n'),
            "output_fields": fields,
            "priority": self.rule.priority.name(),
            "rule": self.rule.name,
            "source": self.rule.source,
            "tags": self.rule.tags,
            "time": String::from_utf8_lossy(&time),
        });
        out.extend_from_slice(alert.to_string().as_bytes());
        out.push(b'\n');
    }
}
