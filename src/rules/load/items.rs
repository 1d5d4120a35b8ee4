//! The items of rule files: what a list, a macro, a rule and an exception say, before anything is put together.

use super::Excepted;
use super::report::{Code, Context, Trouble};
use super::yaml::Node;
use crate::rules::priority::Priority;
use std::collections::BTreeSet;

/// A mistake, or what was read.
pub(super) type Read<T> = Result<T, Box<Trouble>>;

pub(super) fn trouble(code: Code, text: impl Into<String>, context: &Context) -> Box<Trouble> {
    Box::new(Trouble { code, text: text.into(), context: context.clone() })
}

fn invalid(text: impl Into<String>, context: &Context) -> Box<Trouble> {
    trouble(Code::ErrYamlValidate, text, context)
}

/// The text of a key, if it is there.
pub(super) fn optional<'n>(item: &'n Node, key: &str, context: &Context) -> Read<Option<&'n str>> {
    let Some(value) = item.get(key) else { return Ok(None) };
    if value.is_null() {
        return Err(invalid(format!("Mapping for key '{key}' is empty"), context));
    }
    let place = context.within("value for", key, value.place);
    match value.text() {
        None => Err(invalid("Value is not a scalar value", &place)),
        Some("") => Err(invalid("Value must be non-empty", &place)),
        Some(text) => Ok(Some(text)),
    }
}

/// The text of a key that must be there.
pub(super) fn required<'n>(item: &'n Node, key: &str, context: &Context) -> Read<&'n str> {
    optional(item, key, context)?.ok_or_else(|| invalid(format!("Item has no mapping for key '{key}'"), context))
}

/// A truth value, as YAML 1.1 and Falco spell it.
pub(super) fn boolean(item: &Node, key: &str, context: &Context) -> Read<Option<bool>> {
    let Some(text) = optional(item, key, context)? else { return Ok(None) };
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "y" => Ok(Some(true)),
        "false" | "no" | "off" | "n" => Ok(Some(false)),
        _ => {
            let place = item.get(key).map(|value| value.place).unwrap_or_default();
            Err(invalid("Can't decode YAML scalar value", &context.within("value for", key, place)))
        }
    }
}

/// The texts of a list.
pub(super) fn texts(item: &Node, key: &str, context: &Context) -> Read<Option<Vec<String>>> {
    let Some(value) = item.get(key) else { return Ok(None) };
    let place = context.within("value for", key, value.place);
    let Some(items) = value.items() else { return Err(invalid("Value is not a sequence", &place)) };
    let text = |item: &Node| match &item.text() {
        Some(text) => Ok((*text).to_owned()),
        None if item.is_null() => Ok("null".to_owned()),
        None => Err(invalid("sequence value is not scalar", &place.within("list item", "", item.place))),
    };
    items.iter().map(text).collect::<Read<Vec<_>>>().map(Some)
}

/// A priority.
pub(super) fn priority(item: &Node, context: &Context) -> Read<Priority> {
    let text = required(item, "priority", context)?;
    let place = item.get("priority").map(|value| value.place).unwrap_or_default();
    Priority::parse(text).ok_or_else(|| invalid("Invalid priority", &context.within("rule priority", "", place)))
}

/// The tags, if there are any.
pub(super) fn tags(item: &Node, context: &Context) -> Read<Option<BTreeSet<String>>> {
    Ok(texts(item, "tags", context)?.map(|tags| tags.into_iter().collect()))
}

/// One value in an exception, or a list of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    One(String),
    Many(Vec<Entry>),
}

impl Entry {
    fn read(node: &Node, context: &Context) -> Read<Entry> {
        match (node.text(), node.items()) {
            (Some(""), _) => Err(invalid("Value must be non-empty", context)),
            (Some(text), _) => Ok(Entry::One(text.to_owned())),
            (_, Some(items)) => {
                let read = |item: &Node| Entry::read(item, &context.within("exception", "", item.place));
                items.iter().map(read).collect::<Read<_>>().map(Entry::Many)
            }
            _ => Err(invalid("Could not decode scalar value", context)),
        }
    }

    /// The text of a single value.
    pub(super) fn text(&self) -> Option<&str> {
        if let Entry::One(text) = self { Some(text) } else { None }
    }
}

/// An exception of a rule.
#[derive(Clone, Debug)]
pub(super) struct Exception {
    pub(super) name: String,
    pub(super) fields: Option<Entry>,
    pub(super) comps: Option<Entry>,
    pub(super) values: Vec<Entry>,
    pub(super) context: Context,
}

impl Exception {
    /// What `smtrace rules show` tells of it.
    pub(super) fn described(&self) -> Excepted {
        let words = |entry: &Option<Entry>| match entry {
            None => Vec::new(),
            Some(Entry::One(word)) => vec![word.clone()],
            Some(Entry::Many(words)) => words.iter().filter_map(Entry::text).map(str::to_owned).collect(),
        };
        Excepted { name: self.name.clone(), fields: words(&self.fields), comps: words(&self.comps) }
    }
}

/// The exceptions of a rule; `append` says whether values alone are enough, and `warn` takes warnings.
pub(super) fn exceptions(
    item: &Node,
    context: &Context,
    append: bool,
    warn: &mut Vec<Trouble>,
) -> Read<Vec<Exception>> {
    let Some(all) = item.get("exceptions").filter(|all| !all.is_null()) else { return Ok(Vec::new()) };
    let place = context.within("exceptions", "", all.place);
    let Some(nodes) = all.items() else { return Err(invalid("Rule exceptions must be a sequence", &place)) };
    let mut read: Vec<Exception> = Vec::new();
    for node in nodes {
        let unnamed = place.within("exception", "", node.place);
        if !node.is_map() {
            return Err(invalid("Rule exception must be a mapping", &unnamed));
        }
        let name = required(node, "name", &unnamed)?.to_owned();
        let context = context.within("exception", &name, node.place);
        if read.iter().any(|known| known.name == name) {
            return Err(invalid("Exceptions names in the same object must be unique", &context));
        }
        let entry = |key: &str| {
            let value = node.get(key);
            value.map(|value| Entry::read(value, &context.within("value for", key, value.place))).transpose()
        };
        let (fields, comps) = (entry("fields")?, entry("comps")?);
        if fields.is_none() && !append {
            return Err(invalid("Item has no mapping for key 'fields'", &context));
        }
        let mut values = Vec::new();
        if let Some(list) = node.get("values") {
            let place = context.within("exception values", "", list.place);
            let Some(items) = list.items() else {
                return Err(invalid("Rule exception values must be a sequence", &place));
            };
            for item in items {
                values.push(Entry::read(item, &place.within("exception value", "", item.place))?);
            }
        } else if append {
            let text = "Overriding/appending exception with no values".to_owned();
            warn.push(Trouble { code: Code::AppendNoValues, text, context: context.clone() });
        }
        read.push(Exception { name, fields, comps, values, context });
    }
    Ok(read)
}

/// What `override` says: the keys to append to and the keys to replace.
#[derive(Clone, Debug, Default)]
pub(super) struct Overrides {
    pub(super) append: BTreeSet<String>,
    pub(super) replace: BTreeSet<String>,
}

impl Overrides {
    pub(super) fn is_empty(&self) -> bool {
        self.append.is_empty() && self.replace.is_empty()
    }
}

/// Reads `override`; `appendable` and `replaceable` are the keys it can name.
pub(super) fn overrides(item: &Node, appendable: &[&str], replaceable: &[&str], context: &Context) -> Read<Overrides> {
    let mut overrides = Overrides::default();
    let Some(all) = item.get("override") else { return Ok(overrides) };
    let context = context.within("overrides", "", all.place);
    for (name, operation) in all.entries() {
        let key = name.text().unwrap_or("");
        let place = context.within("overrides", key, name.place);
        let (can_append, can_replace) = (appendable.contains(&key), replaceable.contains(&key));
        match operation.text() {
            Some("append") if can_append => drop(overrides.append.insert(key.to_owned())),
            Some("append") => {
                return Err(invalid(format!("Key '{key}' cannot be appended to, use 'replace' instead"), &place));
            }
            Some("replace") if can_replace => drop(overrides.replace.insert(key.to_owned())),
            Some("replace") => return Err(invalid(format!("Key '{key}' cannot be replaced"), &place)),
            other => {
                let allowed = match (can_append, can_replace) {
                    (true, true) => "append replace ",
                    (true, false) => "append ",
                    (false, true) => "replace ",
                    (false, false) => "",
                };
                let other = other.unwrap_or("");
                return Err(invalid(
                    format!("Invalid override operation for key '{key}': '{other}'. Allowed values are: {allowed}"),
                    &context.within("value for", key, operation.place),
                ));
            }
        }
    }
    Ok(overrides)
}
