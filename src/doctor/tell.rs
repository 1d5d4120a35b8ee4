//! What the doctor found, as lines and as JSON.

use super::{Finding, Mode};
use serde_json::json;

pub(super) fn as_text(findings: &[Finding], mode: &Mode) -> String {
    let mut text = String::new();
    for Finding { state, what, finding, meaning } in findings {
        text += &format!("{:<7}  {what}: {finding}", state.word());
        if !meaning.is_empty() {
            text += &format!(" — {meaning}");
        }
        text.push('\n');
    }
    text + &format!("mode     {}: {}\n", mode.name, mode.about)
}

pub(super) fn as_json(findings: &[Finding], mode: &Mode) -> String {
    let findings: Vec<_> = findings
        .iter()
        .map(|Finding { state, what, finding, meaning }| {
            json!({"state": state.word(), "what": what, "finding": finding, "meaning": meaning})
        })
        .collect();
    let usable = mode.name != "none";
    let mode = json!({"name": mode.name, "about": mode.about});
    format!("{}\n", json!({"version": 1, "usable": usable, "mode": mode, "findings": findings}))
}
