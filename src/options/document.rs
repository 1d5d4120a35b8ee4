//! A JSON file with comments whose every mistake can be told with its line. It must not know what the keys mean.

use super::{Refusal, nearest};
use jsonc_parser::ast::{Object, ObjectProp, ObjectPropName, Value};
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};
use std::fs::File;
use std::io::Read;
use std::ops::RangeInclusive;
use std::path::Path;

/// The longest file that is read, in bytes.
const MAX_FILE: u64 = 4 * 1024 * 1024;

/// A file that was read and can say where in it something is wrong.
pub(super) struct Document {
    name: String,
    text: String,
}

impl Document {
    /// Reads `path`; an error is a line that begins with the file's name.
    pub(super) fn read(path: &Path) -> Result<Document, String> {
        let name = path.display().to_string();
        let refuse = |what: String| format!("{name}: {what}");
        let mut bytes = Vec::new();
        let read = File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes));
        if let Err(err) = read {
            return Err(refuse(format!("cannot be read: {err}; check the name and its permissions")));
        }
        if bytes.len() as u64 > MAX_FILE {
            return Err(refuse(format!("is longer than {} MiB; give a smaller file", MAX_FILE >> 20)));
        }
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Document::of(&name, &text)),
            Err(err) => {
                let good = err.utf8_error().valid_up_to();
                let line = 1 + err.as_bytes().iter().take(good).filter(|byte| **byte == b'\n').count();
                Err(format!("{name}:{line}: is not UTF-8; save the file as UTF-8"))
            }
        }
    }

    /// A document whose text is at hand.
    pub(super) fn of(name: &str, text: &str) -> Document {
        // Some editors begin a file with a byte order mark.
        Document { name: name.to_owned(), text: text.trim_start_matches('\u{feff}').to_owned() }
    }

    /// What is wrong at byte `offset`, as one line with the file and the line.
    pub(super) fn refuse(&self, offset: usize, what: &str) -> Refusal {
        let before = self.text.as_bytes().iter().take(offset);
        let line = 1 + before.filter(|byte| **byte == b'\n').count();
        Refusal::mistake(&format!("{}:{line}: {what}", self.name))
    }

    /// The object that the file must be.
    pub(super) fn root(&self) -> Result<Object<'_>, Refusal> {
        let collect = CollectOptions::default();
        let options = ParseOptions {
            allow_comments: true,
            allow_trailing_commas: true,
            allow_loose_object_property_names: false,
            allow_missing_commas: false,
            allow_single_quoted_strings: false,
            allow_hexadecimal_numbers: false,
            allow_unary_plus_numbers: false,
            allow_bare_decimal_point_numbers: false,
            allow_non_finite_numbers: false,
            allow_extended_string_escapes: false,
        };
        let parsed = parse_to_ast(&self.text, &collect, &options).map_err(|err| {
            let what = err.kind().to_string();
            let mut what = what.chars();
            let what: String = what.next().into_iter().flat_map(char::to_lowercase).chain(what).collect();
            self.refuse(err.range().start, &format!("bad JSON: {what}; correct the text there"))
        })?;
        match parsed.value {
            Some(Value::Object(object)) => Ok(object),
            Some(other) => Err(self.wrong(&other, "the file", "an object, `{ ... }`")),
            None => Err(self.refuse(0, "the file is empty; give an object, `{ ... }`")),
        }
    }

    /// The properties of `object`, which may not repeat a key.
    pub(super) fn properties<'b, 'a>(&self, object: &'b Object<'a>) -> Result<&'b [ObjectProp<'a>], Refusal> {
        let mut seen = std::collections::HashSet::new();
        for property in &object.properties {
            let key = key(property);
            if !seen.insert(key) {
                return Err(self.refuse(property.range.start, &format!("key `{key}` is given twice; take one away")));
            }
        }
        Ok(&object.properties)
    }

    /// The refusal of a key that is none of `known`.
    pub(super) fn unknown_key(&self, property: &ObjectProp<'_>, place: &str, known: &[&str]) -> Refusal {
        let typed = key(property);
        let all = format!("known here: {}", known.join(", "));
        let remedy = nearest::remedy(typed, known.iter().copied(), &all);
        self.refuse(property.range.start, &format!("unknown key `{typed}` in {place}; {remedy}"))
    }

    /// The refusal of a value that is not what `key` takes.
    pub(super) fn wrong(&self, value: &Value<'_>, key: &str, wanted: &str) -> Refusal {
        let got = match value {
            Value::StringLit(text) => format!("\"{}\"", text.value.chars().take(64).collect::<String>()),
            Value::NumberLit(number) => number.value.chars().take(64).collect(),
            Value::BooleanLit(word) => word.value.to_string(),
            Value::Object(_) => "an object".to_owned(),
            Value::Array(_) => "an array".to_owned(),
            Value::NullKeyword(_) => "null".to_owned(),
        };
        self.refuse(value.range().start, &format!("{key} is {got}; give {wanted}"))
    }

    /// The object that `value` must be.
    pub(super) fn object<'b, 'a>(&self, value: &'b Value<'a>, key: &str) -> Result<&'b Object<'a>, Refusal> {
        value.as_object().ok_or_else(|| self.wrong(value, key, "an object, `{ ... }`"))
    }

    /// `true` or `false`, also as text.
    pub(super) fn boolean(&self, value: &Value<'_>, key: &str) -> Result<bool, Refusal> {
        match value {
            Value::BooleanLit(word) => Ok(word.value),
            Value::StringLit(text) if text.value == "true" => Ok(true),
            Value::StringLit(text) if text.value == "false" => Ok(false),
            _ => Err(self.wrong(value, key, "true or false")),
        }
    }

    /// A whole number within `range`, also as text.
    pub(super) fn number(&self, value: &Value<'_>, key: &str, range: RangeInclusive<i64>) -> Result<i64, Refusal> {
        let digits = match value {
            Value::NumberLit(number) => number.value,
            Value::StringLit(text) => text.value.trim(),
            _ => "",
        };
        let number = digits.parse().ok().filter(|number| range.contains(number));
        number
            .ok_or_else(|| self.wrong(value, key, &format!("a whole number from {} to {}", range.start(), range.end())))
    }

    /// Text of at most `max` characters, without NUL and not empty.
    pub(super) fn text<'b>(&self, value: &'b Value<'_>, key: &str, max: usize) -> Result<&'b str, Refusal> {
        let Value::StringLit(text) = value else {
            return Err(self.wrong(value, key, "text in double quotes"));
        };
        let long = text.value.chars().count();
        if long > max {
            let what = format!("{key} has {long} characters; give at most {max}");
            return Err(self.refuse(text.range.start, &what));
        }
        if text.value.is_empty() || text.value.contains('\0') {
            return Err(self.refuse(text.range.start, &format!("{key} is empty or holds a NUL; give a text")));
        }
        Ok(&text.value)
    }

    /// The elements of an array of at most `max`.
    pub(super) fn array<'b, 'a>(
        &self,
        value: &'b Value<'a>,
        key: &str,
        max: usize,
    ) -> Result<&'b [Value<'a>], Refusal> {
        let array = value.as_array().ok_or_else(|| self.wrong(value, key, "an array, `[ ... ]`"))?;
        if array.elements.len() > max {
            let what = format!("{key} has {} entries; give at most {max}", array.elements.len());
            return Err(self.refuse(array.range.start, &what));
        }
        Ok(&array.elements)
    }
}

/// The key of a property.
pub(super) fn key<'b>(property: &'b ObjectProp<'_>) -> &'b str {
    match &property.name {
        ObjectPropName::String(text) => text.value.as_ref(),
        ObjectPropName::Word(word) => word.value,
    }
}

#[cfg(test)]
mod tests {
    use super::Document;

    fn refusal(text: &str) -> String {
        let document = Document::of("f", text);
        document.root().and_then(|root| document.properties(&root).map(|_| ())).unwrap_err().text
    }

    #[test]
    fn comments_and_trailing_commas_are_no_mistakes() {
        let document = Document::of("f", "\u{feff}// a\n{ /* b */ \"a\": [1, 2,], }\n");
        assert_eq!(document.root().unwrap().properties.len(), 1);
    }

    #[test]
    fn a_mistake_is_one_line_with_the_file_and_the_line() {
        assert_eq!(refusal(""), "smtrace: f:1: the file is empty; give an object, `{ ... }`\n");
        assert_eq!(refusal("\n[1]"), "smtrace: f:2: the file is an array; give an object, `{ ... }`\n");
        assert!(refusal("{\n \"a\": }").starts_with("smtrace: f:2: bad JSON: "), "{}", refusal("{\n \"a\": }"));
        assert_eq!(refusal("{\"a\":1,\n\"a\":2}"), "smtrace: f:2: key `a` is given twice; take one away\n");
        for bad in ["{a:1}", "{'a':1}", "{\"a\":0x1}", "{\"a\":1 \"b\":2}", "{\"a\":1", "{\"a\n\":1}{", "nul"] {
            let text = refusal(bad);
            assert!(text.starts_with("smtrace: f:") && text.matches('\n').count() == 1, "{bad}: {text}");
        }
        assert!(refusal(&"[".repeat(100_000)).contains("bad JSON"));
    }

    #[test]
    fn numbers_and_booleans_may_be_text() {
        let document = Document::of("f", "{\"a\": \"12\", \"b\": \"true\", \"c\": 1.5, \"d\": \"\"}");
        let root = document.root().unwrap();
        let value = |key: &str| &root.get(key).unwrap().value;
        assert_eq!(document.number(value("a"), "a", 0..=12).unwrap(), 12);
        assert!(document.number(value("a"), "a", 0..=11).unwrap_err().text.contains("from 0 to 11"));
        assert!(document.boolean(value("b"), "b").unwrap());
        assert!(document.number(value("c"), "c", 0..=12).is_err());
        assert!(document.number(value("d"), "d", 0..=12).is_err());
        assert!(document.text(value("d"), "d", 5).is_err());
    }
}
