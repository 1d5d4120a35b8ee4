//! What a policy would have to say to allow what was seen, as a patch that can be reviewed and applied.

use super::check::{Deed, Sort};
use super::learn::{entry, quoted};
use crate::model::Places;
use similar::TextDiff;
use std::collections::BTreeSet;

/// A unified diff of the policy `text` of `file`, empty when nothing is missing.
pub(super) fn patch(text: &str, file: &str, missing: &[Deed<'_>], places: &Places) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for sort in Sort::ALL {
        let entries: BTreeSet<String> =
            missing.iter().filter(|deed| deed.sort == sort).map(|deed| entry(deed, places)).collect();
        if entries.is_empty() {
            continue;
        }
        let new = entries.iter().map(|entry| format!("  - {}", quoted(entry)));
        insert(&mut lines, sort.word(), new);
    }
    let mut changed = lines.join("\n");
    if !changed.is_empty() {
        changed.push('\n');
    }
    if changed == text {
        return String::new();
    }
    let name = file.trim_start_matches('/');
    TextDiff::from_lines(text, &changed)
        .unified_diff()
        .context_radius(3)
        .header(&format!("a/{name}"), &format!("b/{name}"))
        .to_string()
}

/// Adds `new` at the end of the top-level list `key`, which is made when it is missing.
fn insert(lines: &mut Vec<String>, key: &str, new: impl Iterator<Item = String>) {
    let is_key = |line: &String| line.strip_prefix(key).is_some_and(|rest| rest.starts_with(':'));
    let Some(at) = lines.iter().position(is_key) else {
        lines.push(format!("{key}:"));
        lines.extend(new);
        return;
    };
    if let Some(line) = lines.get_mut(at)
        && line.split('#').next().is_some_and(|line| line.trim_end().ends_with("[]"))
    {
        *line = format!("{key}:");
    }
    // A list may stand at the margin too; it ends at the next key.
    let ends = |line: &String| !line.is_empty() && !line.starts_with([' ', '-', '#']);
    let end = lines.iter().skip(at + 1).position(ends).map_or(lines.len(), |found| at + 1 + found);
    let end = (at + 1..end)
        .rev()
        .find(|line| lines.get(*line).is_some_and(|line| !line.trim().is_empty() && !line.starts_with('#')))
        .map_or(at + 1, |last| last + 1);
    let margin = lines.get(at + 1).filter(|_| end > at + 1).is_some_and(|line| line.starts_with('-'));
    let new: Vec<String> = new.map(|line| if margin { line.trim_start().to_owned() } else { line }).collect();
    lines.splice(end..end, new);
}
