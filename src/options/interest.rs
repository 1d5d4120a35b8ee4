//! The siblings' file of interesting calls, and the set that is enabled when nobody says otherwise.

use super::document::{Document, key};
use super::{Refusal, enable};
use crate::model::{Abi, CallSet};
use crate::table;
use jsonc_parser::ast::{ObjectProp, Value};
use std::path::Path;

/// The default set, which is also the example of the format.
const EMBEDDED: &str = include_str!("../../config/interesting_syscalls.json");

/// The keys of an entry.
const KEYS: [&str; 2] = ["syscall_id", "interesting"];

/// The calls that the file `path` marks.
pub(super) fn read(path: &Path) -> Result<CallSet, Refusal> {
    parse(&Document::read(path).map_err(|what| Refusal::mistake(&what))?)
}

/// The calls that the embedded file marks.
pub(super) fn default_calls() -> Result<CallSet, Refusal> {
    parse(&Document::of("config/interesting_syscalls.json", EMBEDDED))
}

/// The calls that a file already read marks.
pub(super) fn parse(document: &Document) -> Result<CallSet, Refusal> {
    let root = document.root()?;
    let mut set = CallSet::default();
    for property in document.properties(&root)? {
        let name = key(property);
        let row =
            table::by_name(name).ok_or_else(|| document.refuse(property.range.start, &enable::unknown_call(name)))?;
        if entry(document, property, row)? {
            set.insert(row.index());
        }
    }
    Ok(set)
}

/// Whether the entry of one call marks it.
fn entry(document: &Document, property: &ObjectProp<'_>, row: &table::Row) -> Result<bool, Refusal> {
    let mut interesting = None;
    for field in document.properties(document.object(&property.value, row.name)?)? {
        match key(field) {
            "syscall_id" => check_number(document, &field.value, row)?,
            "interesting" => interesting = Some(flag(document, &field.value)?),
            _ => return Err(document.unknown_key(field, row.name, &KEYS)),
        }
    }
    interesting.ok_or_else(|| {
        let what = format!("`{}` has no \"interesting\"; give 0 or 1", row.name);
        document.refuse(property.range.start, &what)
    })
}

/// Compares with x86_64's number; a call that x86_64 lacks has -1.
fn check_number(document: &Document, value: &Value<'_>, row: &table::Row) -> Result<(), Refusal> {
    let known = row.number(Abi::X86_64).map_or(-1, i64::from);
    let given = document.number(value, "syscall_id", -1..=i64::from(u32::MAX)).ok();
    if given == Some(known) {
        return Ok(());
    }
    Err(document.wrong(value, &format!("syscall_id of `{}`", row.name), &format!("x86_64's number, {known}")))
}

fn flag(document: &Document, value: &Value<'_>) -> Result<bool, Refusal> {
    let number = document.number(value, "interesting", 0..=1);
    number
        .map(|number| number == 1)
        .or_else(|_| document.boolean(value, "interesting").map_err(|_| document.wrong(value, "interesting", "0 or 1")))
}

#[cfg(test)]
mod tests {
    use super::{Document, default_calls, parse};
    use crate::table;

    fn refusal(text: &str) -> String {
        parse(&Document::of("i.json", text)).unwrap_err().text
    }

    #[test]
    fn the_embedded_file_is_right_and_not_empty() {
        let set = default_calls().unwrap();
        assert!(set.contains(table::by_name("execve").unwrap().index()));
        assert!(!set.contains(table::by_name("read").unwrap().index()));
    }

    #[test]
    fn marks_are_numbers_or_words() {
        let text = r#"{"read": {"syscall_id": "0", "interesting": true}, "write": {"interesting": 0},
            "waitpid": {"syscall_id": -1, "interesting": "1"}}"#;
        let set = parse(&Document::of("i.json", text)).unwrap();
        let names: Vec<_> = set.iter().map(|index| table::rows()[index].name).collect();
        assert_eq!(names, ["read", "waitpid"]);
    }

    #[test]
    fn a_mistake_is_one_line_with_its_remedy() {
        assert_eq!(
            refusal("{\n\"raed\": {\"syscall_id\": 0, \"interesting\": 1}}"),
            "smtrace: i.json:2: unknown call `raed`; did you mean `read`?\n"
        );
        assert_eq!(
            refusal("{\"read\":\n{\"syscall_id\": 7, \"interesting\": 1}}"),
            "smtrace: i.json:2: syscall_id of `read` is 7; give x86_64's number, 0\n"
        );
        assert!(refusal("{\"read\": {\"syscall_id\": 0}}").contains("give 0 or 1"));
        assert!(refusal("{\"read\": {\"interesting\": 2}}").contains("give 0 or 1"));
        assert!(refusal("{\"read\": {\"intresting\": 1}}").contains("did you mean `interesting`?"));
        assert!(refusal("{\"read\": 1}").contains("give an object"));
    }
}
