//! Lists and exceptions as text in conditions: Falco puts both in before it parses.

use super::collect::{Draft, List};
use super::items::{Entry, Read, trouble};
use super::report::Code;
use crate::rules::lang::Op;

/// The longest condition, after lists are put in.
const LONGEST: usize = 4 << 20;

/// An item in quotes, if it has blanks and no quotes yet.
fn quoted(item: &str) -> String {
    let plain = !item.contains(' ') || item.starts_with(['"', '\'']);
    if plain { item.to_owned() } else { format!("\"{item}\"") }
}

/// The items of each list, with those of lists that were defined before it in place of their names.
pub(super) fn expand(lists: &[List], used: &mut [bool]) -> Vec<(String, Vec<String>)> {
    let mut expanded = Vec::with_capacity(lists.len());
    for list in lists {
        let mut items = Vec::new();
        for item in &list.items {
            let at = lists.iter().position(|other| other.name == *item && other.index < list.visibility);
            match at.and_then(|at| Some((at, lists.get(at)?))) {
                Some((at, other)) => {
                    if let Some(used) = used.get_mut(at) {
                        *used = true;
                    }
                    items.extend(other.items.iter().cloned());
                }
                None => items.push(item.clone()),
            }
        }
        expanded.push((list.name.clone(), items));
    }
    expanded
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

fn delimits(byte: Option<&u8>) -> bool {
    byte.is_none_or(|byte| is_blank(*byte) || matches!(byte, b'(' | b')' | b',' | b'='))
}

/// Puts a list in wherever its name stands alone; whether it did.
fn substitute(condition: &mut String, name: &str, items: &[String]) -> bool {
    let mut from = 0;
    let mut used = false;
    while let Some(found) = condition.get(from..).and_then(|rest| rest.find(name)) {
        let (mut start, mut end) = (from + found, from + found + name.len());
        let bytes = condition.as_bytes();
        let before = start.checked_sub(1).and_then(|at| bytes.get(at));
        if !delimits(before) || !delimits(bytes.get(end)) {
            from = start + name.len().max(1);
            continue;
        }
        while start > 0 && bytes.get(start - 1).is_some_and(|byte| is_blank(*byte)) {
            start -= 1;
        }
        while bytes.get(end).is_some_and(|byte| is_blank(*byte)) {
            end += 1;
        }
        let text = items.iter().map(|item| quoted(item)).collect::<Vec<_>>().join(", ");
        // An empty list takes a comma with it.
        if text.is_empty() {
            if start > 0 && bytes.get(start - 1) == Some(&b',') {
                start -= 1;
            } else if bytes.get(end) == Some(&b',') {
                end += 1;
            }
        }
        let lead = if start > 0 { " " } else { "" };
        let replacement = format!("{lead}{text} ");
        condition.replace_range(start..end, &replacement);
        from = start + replacement.len();
        used = true;
        if condition.len() > LONGEST {
            break;
        }
    }
    used
}

/// A condition with all lists put in.
pub(super) fn with_lists(condition: &str, lists: &[(String, Vec<String>)], used: &mut [bool]) -> String {
    let mut text = condition.to_owned();
    for ((name, items), used) in lists.iter().zip(used) {
        if text.contains(name.as_str()) && substitute(&mut text, name, items) {
            *used = true;
        }
    }
    text
}

/// A rule's condition with its exceptions, and the fields that these name.
pub(super) fn with_exceptions(rule: &Draft) -> Read<String> {
    let mut condition = format!("({})", rule.condition);
    for exception in &rule.exceptions {
        let wrong = |text: &str| trouble(Code::ErrValidate, text, &exception.context);
        let mut added = String::new();
        match &exception.fields {
            Some(Entry::Many(fields)) => {
                let comps: &[Entry] = if let Some(Entry::Many(comps)) = &exception.comps { comps } else { &[] };
                let mut rows = Vec::new();
                for values in &exception.values {
                    let values: &[Entry] = if let Entry::Many(values) = values { values } else { &[] };
                    if values.len() != fields.len() {
                        return Err(wrong("Fields and values lists must have equal length"));
                    }
                    let checks = fields.iter().zip(values).enumerate().map(|(at, (field, value))| {
                        let comp = comps.get(at).and_then(Entry::text).unwrap_or("=");
                        format!("{} {comp} {}", field.text().unwrap_or(""), right_side(value, comp))
                    });
                    rows.push(format!("({})", checks.collect::<Vec<_>>().join(" and ")));
                }
                if !rows.is_empty() {
                    added = format!("({})", rows.join(" or "));
                }
            }
            Some(Entry::One(field)) => {
                let comp = exception.comps.as_ref().and_then(Entry::text).unwrap_or("in");
                let mut values = Vec::new();
                for value in &exception.values {
                    let text = value.text();
                    let text = text.ok_or_else(|| wrong("Expected values array to contain a list of strings"))?;
                    values.push(quoted(text));
                }
                if !values.is_empty() {
                    added = format!("({field} {comp} ({}))", values.join(", "));
                }
            }
            None => {}
        }
        if !added.is_empty() {
            condition.push_str(" and not ");
            condition.push_str(&added);
        }
    }
    Ok(condition)
}

fn right_side(value: &Entry, comp: &str) -> String {
    match value {
        Entry::Many(items) => {
            let items = items.iter().map(|item| quoted(item.text().unwrap_or("")));
            format!("({})", items.collect::<Vec<_>>().join(", "))
        }
        Entry::One(text) if Op::from_word(comp).is_some_and(Op::takes_list) => {
            if text.starts_with('(') {
                text.clone()
            } else {
                format!("({text})")
            }
        }
        Entry::One(text) => quoted(text),
    }
}

#[cfg(test)]
mod tests {
    use super::{quoted, substitute};

    fn with(condition: &str, items: &[&str]) -> String {
        let mut text = condition.to_owned();
        substitute(&mut text, "shells", &items.iter().map(|item| (*item).to_owned()).collect::<Vec<_>>());
        text
    }

    #[test]
    fn a_list_is_put_in_where_its_name_stands_alone() {
        assert_eq!(with("a.b in (shells, x)", &["sh", "a b"]), "a.b in ( sh, \"a b\" , x)");
        assert_eq!(with("a.b in (my_shells)", &["sh"]), "a.b in (my_shells)");
        assert_eq!(with("a.b in (x, shells)", &[]), "a.b in (x  )");
        assert_eq!(with("a.b in (shells, x)", &[]), "a.b in (   x)");
        assert_eq!(with("shells", &["shells"]), "shells ");
        assert_eq!(quoted("\"a b\""), "\"a b\"");
    }
}
