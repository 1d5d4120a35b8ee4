//! What is wrong with rule files: errors and warnings with Falco's codes, each with where it stands and a snippet.

use super::yaml::Place;
use crate::rules::lang::Pos;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// The widest snippet, in characters.
const SNIPPET: usize = 160;

/// Falco's sorts of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the words in `Code::words` say it")]
pub enum Code {
    ErrFileRead,
    ErrYamlParse,
    ErrYamlValidate,
    ErrCompileCondition,
    ErrCompileOutput,
    ErrValidate,
    UnknownSource,
    UnsafeNaCheck,
    NoEvtType,
    UnknownFilter,
    UnusedMacro,
    UnusedList,
    UnknownItem,
    DeprecatedItem,
    AppendNoValues,
    CompileCondition,
    UnknownKey,
}

impl Code {
    /// Its name, and what Falco calls it.
    #[must_use]
    pub fn words(self) -> (&'static str, &'static str) {
        match self {
            Code::ErrFileRead => ("LOAD_ERR_FILE_READ", "File read error"),
            Code::ErrYamlParse => ("LOAD_ERR_YAML_PARSE", "YAML parse error"),
            Code::ErrYamlValidate => ("LOAD_ERR_YAML_VALIDATE", "Error validating internal structure of YAML file"),
            Code::ErrCompileCondition => ("LOAD_ERR_COMPILE_CONDITION", "Error compiling condition"),
            Code::ErrCompileOutput => ("LOAD_ERR_COMPILE_OUTPUT", "Error compiling output"),
            Code::ErrValidate => ("LOAD_ERR_VALIDATE", "Error validating rule/macro/list/exception objects"),
            Code::UnknownSource => ("LOAD_UNKNOWN_SOURCE", "Unknown event source"),
            Code::UnsafeNaCheck => ("LOAD_UNSAFE_NA_CHECK", "Unsafe <NA> comparison in condition"),
            Code::NoEvtType => ("LOAD_NO_EVTTYPE", "Condition has no event-type restriction"),
            Code::UnknownFilter => ("LOAD_UNKNOWN_FILTER", "Unknown field or event-type in condition or output"),
            Code::UnusedMacro => ("LOAD_UNUSED_MACRO", "Unused macro"),
            Code::UnusedList => ("LOAD_UNUSED_LIST", "Unused list"),
            Code::UnknownItem => ("LOAD_UNKNOWN_ITEM", "Unknown rules file item"),
            Code::DeprecatedItem => ("LOAD_DEPRECATED_ITEM", "Used deprecated item"),
            Code::AppendNoValues => ("LOAD_APPEND_NO_VALUES", "Overriding/appending with no values"),
            Code::CompileCondition => ("LOAD_COMPILE_CONDITION", "Warning in rule condition"),
            Code::UnknownKey => ("LOAD_UNKNOWN_KEY", "Unknown key in item definition"),
        }
    }

    /// Whether rules with it are not loaded.
    #[must_use]
    pub fn is_error(self) -> bool {
        self.words().0.starts_with("LOAD_ERR_")
    }
}

/// One step on the way to a place: the file, the rule, its condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The file's name; of a condition, its beginning.
    pub name: String,
    /// What it is, in Falco's words.
    pub what: &'static str,
    /// What it is called.
    pub item: String,
    /// Where it is.
    pub place: Place,
}

/// Where something stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// The way there, from the file.
    pub locations: Vec<Location>,
    /// The text of the condition, when the place is in one.
    pub condition: Option<String>,
}

impl Context {
    /// A whole file.
    #[must_use]
    pub fn file(name: &str) -> Context {
        let location =
            Location { name: name.to_owned(), what: "rules content", item: String::new(), place: Place::default() };
        Context { locations: vec![location], condition: None }
    }

    /// A place within.
    #[must_use]
    pub fn within(&self, what: &'static str, item: &str, place: Place) -> Context {
        let mut context = self.clone();
        context.condition = None;
        context.locations.push(Location { name: self.name().to_owned(), what, item: item.to_owned(), place });
        context
    }

    /// A place within a condition, whose text has been put together from what stands in the file.
    #[must_use]
    pub fn condition(&self, text: &str, pos: Pos) -> Context {
        let mut context = self.clone();
        let start: String = text.chars().take(20).map(|c| if matches!(c, '\n' | '\r') { ' ' } else { c }).collect();
        let short = text.chars().count() <= 20;
        let cut: String = start.chars().take(17).collect();
        let name = if short { format!("\"{start}\"") } else { format!("\"{cut}...\"") };
        let base = self.locations.last().map(|location| location.place).unwrap_or_default();
        let place = Place {
            offset: pos.index,
            line: base.line + pos.line.saturating_sub(1),
            column: if pos.line <= 1 {
                base.column + pos.column.saturating_sub(1)
            } else {
                pos.column.saturating_sub(1)
            },
        };
        context.locations.push(Location { name, what: "condition expression", item: String::new(), place });
        context.condition = Some(text.to_owned());
        context
    }

    /// The file's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.locations.first().map_or("", |location| &location.name)
    }

    /// The line of the place, with a mark below it; `content` is the file's text.
    #[must_use]
    pub fn snippet(&self, content: &str) -> String {
        let text = self.condition.as_deref().unwrap_or(content);
        let offset = self.locations.last().map_or(0, |location| location.place.offset);
        let mut at = if self.condition.is_some() {
            offset
        } else {
            text.char_indices().nth(offset).map_or(text.len(), |(at, _)| at)
        };
        at = at.min(text.len());
        while at > 0
            && (!text.is_char_boundary(at)
                || text.get(at..).is_none_or(|rest| rest.is_empty() || rest.starts_with('\n')))
        {
            at -= 1;
        }
        let before = text.get(..at).unwrap_or("");
        let line = before.rfind('\n').map_or(0, |newline| newline + 1);
        let before: Vec<char> = text.get(line..at).unwrap_or("").chars().collect();
        let after: Vec<char> = text.get(at..).unwrap_or("").chars().take_while(|c| *c != '\n').collect();
        if before.is_empty() && after.is_empty() {
            return "<No context available>\n".to_owned();
        }
        let half = SNIPPET / 2;
        let cut = before.len().saturating_sub(half);
        let mut shown: String = before.iter().skip(cut).collect();
        if cut > 0 {
            shown.replace_range(..shown.chars().take(3).map(char::len_utf8).sum::<usize>(), "...");
        }
        let mark = shown.chars().count();
        shown.extend(after.iter().take(half));
        if after.len() > half {
            shown.push_str("...");
        }
        let shown: String = shown.chars().map(|c| if c == '\t' { ' ' } else { c }).collect();
        format!("{shown}\n{}^\n", " ".repeat(mark))
    }
}

/// One trouble.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Its sort.
    pub code: Code,
    /// What is wrong.
    pub text: String,
    /// Where.
    pub context: Context,
}

/// What became of one file.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Its name.
    pub name: String,
    /// Its text.
    pub content: String,
    /// What is wrong with it.
    pub troubles: Vec<Trouble>,
    /// It asks for macros that mistakes elsewhere may have hidden, so it cannot be called right.
    pub unsure: bool,
}

impl Report {
    /// Whether its rules can be used.
    #[must_use]
    pub fn successful(&self) -> bool {
        self.errors().next().is_none()
    }

    /// The errors.
    pub fn errors(&self) -> impl Iterator<Item = &Trouble> {
        self.troubles.iter().filter(|trouble| trouble.code.is_error())
    }

    /// The warnings.
    pub fn warnings(&self) -> impl Iterator<Item = &Trouble> {
        self.troubles.iter().filter(|trouble| !trouble.code.is_error())
    }

    /// As `falco -V` writes it.
    #[must_use]
    pub fn text(&self) -> String {
        let warned = self.warnings().next().is_some();
        let verdict = match (self.successful(), warned) {
            (true, _) if self.unsure => "Not wholly checked: it needs macros that have mistakes, or stand after some",
            (true, false) => "Ok",
            (true, true) => "Ok, with warnings",
            (false, _) => "Invalid",
        };
        let mut text = format!("{}: {verdict}\n", self.name);
        let all: [(&str, Vec<&Trouble>); 2] =
            [("Errors", self.errors().collect()), ("Warnings", self.warnings().collect())];
        for (word, troubles) in all.into_iter().filter(|(_, troubles)| !troubles.is_empty()) {
            let _ = writeln!(text, "{} {word}:", troubles.len());
            for trouble in troubles {
                for (at, location) in trouble.context.locations.iter().enumerate() {
                    let lead = if at == 0 { "In " } else { "    " };
                    let item = if location.item.is_empty() { String::new() } else { format!(" '{}'", location.item) };
                    let Place { line, column, .. } = location.place;
                    let _ = writeln!(
                        text,
                        "{lead}{}{item}: ({}:{}:{})",
                        location.what,
                        location.name,
                        line + 1,
                        column + 1
                    );
                }
                let (code, about) = trouble.code.words();
                let snippet = trouble.context.snippet(&self.content);
                let _ = writeln!(text, "------\n{snippet}------\n{code} ({about}): {}", trouble.text);
            }
        }
        text
    }

    /// As Falco's `json_output` has it.
    #[must_use]
    pub fn json(&self) -> Value {
        let of = |trouble: &Trouble| {
            let (code, about) = trouble.code.words();
            let locations = trouble.context.locations.iter().map(|location| {
                let Place { offset, line, column } = location.place;
                json!({
                    "item_type": location.what,
                    "item_name": location.item,
                    "position": {"name": location.name, "line": line, "column": column, "offset": offset},
                })
            });
            json!({
                "code": code,
                "codedesc": about,
                "message": trouble.text,
                "context": {
                    "locations": locations.collect::<Vec<_>>(),
                    "snippet": trouble.context.snippet(&self.content),
                },
            })
        };
        json!({
            "name": self.name,
            "successful": self.successful(),
            "errors": self.errors().map(of).collect::<Vec<_>>(),
            "warnings": self.warnings().map(of).collect::<Vec<_>>(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Code, Context, Report, Trouble};
    use crate::rules::lang::Pos;
    use crate::rules::load::yaml::Place;

    #[test]
    fn a_snippet_marks_the_place() {
        let content = "- rule: a\n  tags: x\n";
        let context = Context::file("f").within("value for", "tags", Place { offset: 18, line: 1, column: 8 });
        assert_eq!(context.snippet(content), "  tags: x\n        ^\n");
        let far = Context::file("f").within("rule", "a", Place { offset: 900, line: 9, column: 9 });
        assert_eq!(far.snippet(content), "  tags: x\n        ^\n");
        assert_eq!(Context::file("f").snippet(""), "<No context available>\n");
        let long = "é".repeat(1000);
        let middle = Context::file("f").within("rule", "a", Place { offset: 500, line: 0, column: 500 });
        assert!(middle.snippet(&long).starts_with("...") && middle.snippet(&long).contains("...\n"));
    }

    #[test]
    fn a_report_reads_as_falcos() {
        let rule = Context::file("f.yaml").within("rule", "r", Place { offset: 0, line: 4, column: 2 });
        let context = rule.condition("proc.name ~ x", Pos { index: 10, line: 1, column: 11 });
        let trouble = Trouble { code: Code::ErrCompileCondition, text: "bad".to_owned(), context };
        let report =
            Report { name: "f.yaml".to_owned(), content: String::new(), troubles: vec![trouble], unsure: false };
        assert_eq!(
            report.text(),
            "f.yaml: Invalid\n1 Errors:\nIn rules content: (f.yaml:1:1)\n    rule 'r': (f.yaml:5:3)\n    condition \
             expression: (\"proc.name ~ x\":5:13)\n------\nproc.name ~ x\n          ^\n------\n\
             LOAD_ERR_COMPILE_CONDITION (Error compiling condition): bad\n"
        );
        let json = report.json();
        assert_eq!(json["errors"][0]["code"], "LOAD_ERR_COMPILE_CONDITION");
        assert_eq!(json["successful"], false);
    }
}
