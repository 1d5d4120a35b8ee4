//! What all files say together: later items change, extend or replace earlier ones.

use super::items::{Exception, Overrides, Read, boolean, overrides, required, texts, trouble};
use super::report::{Code, Context, Trouble};
use super::variables::Variables;
use super::yaml::Node;
use crate::rules::lang::Names;
use crate::rules::priority::Priority;
use std::collections::BTreeSet;

/// The engine version that rules can ask for: what was measured is Falco's of July 2026.
pub const ENGINE: (u64, u64, u64) = (0, 63, 0);

/// A list.
#[derive(Clone, Debug)]
pub(super) struct List {
    pub(super) name: String,
    pub(super) items: Vec<String>,
    pub(super) context: Context,
    /// Its place among all items, which others see it at, and up to where it sees others.
    pub(super) index: usize,
    pub(super) visibility: usize,
}

/// A macro.
#[derive(Clone, Debug)]
pub(super) struct Macro {
    pub(super) name: String,
    pub(super) condition: String,
    pub(super) context: Context,
    pub(super) condition_context: Context,
    pub(super) index: usize,
    pub(super) visibility: usize,
}

/// A rule as the files have it.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) name: String,
    pub(super) desc: String,
    pub(super) condition: String,
    pub(super) output: String,
    pub(super) priority: Priority,
    pub(super) source: String,
    pub(super) tags: BTreeSet<String>,
    pub(super) enabled: bool,
    pub(super) warn_evttypes: bool,
    pub(super) skip_unknown: bool,
    pub(super) exceptions: Vec<Exception>,
    pub(super) context: Context,
    pub(super) condition_context: Context,
    pub(super) output_context: Context,
}

/// All items of all files.
pub(super) struct Collector<'n> {
    pub(super) names: &'n dyn Names,
    pub(super) variables: Variables,
    next: usize,
    pub(super) lists: Vec<List>,
    pub(super) macros: Vec<Macro>,
    pub(super) rules: Vec<Draft>,
    pub(super) warnings: Vec<Trouble>,
    /// The highest that any file asks for.
    pub(super) engine: Option<(u64, u64, u64)>,
    /// The plugins that files ask for, with their versions.
    pub(super) plugins: Vec<(String, String)>,
}

fn version(text: &str) -> Option<(u64, u64, u64)> {
    let mut parts = text.split('.').map(|part| part.parse().ok());
    let version = (parts.next()??, parts.next()??, parts.next()??);
    if parts.next().is_some() { None } else { Some(version) }
}

fn version_text((major, minor, patch): (u64, u64, u64)) -> String {
    format!("{major}.{minor}.{patch}")
}

fn is_identifier(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn is_bare(name: &str) -> bool {
    !name.chars().any(|c| c.is_whitespace() || matches!(c, '(' | ')' | '"' | '\'' | '=' | ','))
}

pub(super) fn invalid(text: impl Into<String>, context: &Context) -> Box<Trouble> {
    trouble(Code::ErrYamlValidate, text, context)
}

pub(super) fn wrong(text: impl Into<String>, context: &Context) -> Box<Trouble> {
    trouble(Code::ErrValidate, text, context)
}

impl<'n> Collector<'n> {
    pub(super) fn new(names: &'n dyn Names) -> Collector<'n> {
        Collector {
            names,
            variables: Variables::default(),
            next: 0,
            lists: Vec::new(),
            macros: Vec::new(),
            rules: Vec::new(),
            warnings: Vec::new(),
            engine: None,
            plugins: Vec::new(),
        }
    }

    pub(super) fn warn(&mut self, code: Code, text: impl Into<String>, context: &Context) {
        self.warnings.push(*trouble(code, text, context));
    }

    fn number(&mut self) -> usize {
        self.next += 1;
        self.next - 1
    }

    /// Reads all items of a document; what is wrong with each of them.
    pub(super) fn document(&mut self, document: &Node, file: &Context) -> Vec<Trouble> {
        if document.is_null() {
            return Vec::new();
        }
        let Some(items) = document.items() else {
            let what = if document.is_map() {
                "Rules content is not yaml array of objects"
            } else {
                "Rules content is not yaml"
            };
            return vec![*invalid(what, file)];
        };
        let items = items.iter().filter(|item| !item.is_null());
        items.filter_map(|item| self.item(item, file).err()).map(|trouble| *trouble).collect()
    }

    fn item(&mut self, item: &Node, file: &Context) -> Read<()> {
        let unknown = file.within("rules content item", "", item.place);
        if !item.is_map() {
            return Err(invalid("Unexpected element type. Each element should be a yaml associative array.", &unknown));
        }
        if item.get("required_engine_version").is_some() {
            return self.engine(item, &file.within("required_engine_version", "", item.place));
        }
        if let Some(plugins) = item.get("required_plugin_versions") {
            return self.plugins(plugins, &file.within("required plugin versions", "", plugins.place));
        }
        if item.get("list").is_some() {
            return self.list(item, file);
        }
        if item.get("macro").is_some() {
            return self.macro_item(item, file);
        }
        if item.get("rule").is_some() {
            return self.rule(item, file);
        }
        self.warn(Code::UnknownItem, "Unknown top level item", &unknown);
        Ok(())
    }

    fn engine(&mut self, item: &Node, context: &Context) -> Read<()> {
        let text = required(item, "required_engine_version", context)?;
        let wanted = text.parse().map(|minor| (0, minor, 0)).ok().or_else(|| version(text));
        let wanted = wanted.ok_or_else(|| {
            invalid(
                format!(
                    "Unable to parse engine version '{text}' as a semver string. Expected \"x.y.z\" semver format."
                ),
                context,
            )
        })?;
        if wanted.0 != ENGINE.0 || wanted > ENGINE {
            let text = format!(
                "Rules require engine version {}, but engine version is {}",
                version_text(wanted),
                version_text(ENGINE)
            );
            return Err(wrong(text, context));
        }
        self.engine = self.engine.max(Some(wanted));
        Ok(())
    }

    /// Plugins are asked for, and never refused: smtrace has their fields or knows that it has not.
    fn plugins(&mut self, plugins: &Node, context: &Context) -> Read<()> {
        let Some(items) = plugins.items() else {
            return Err(invalid("Value of required_plugin_versions must be a sequence", context));
        };
        for item in items {
            let place = context.within("required plugin versions entry", "", item.place);
            if !item.is_map() {
                return Err(invalid("Plugin version must be a mapping", &place));
            }
            let mut alternatives = vec![item];
            if let Some(more) = item.get("alternatives") {
                let Some(more) = more.items() else {
                    return Err(invalid("Value of plugin version alternatives must be a sequence", &place));
                };
                alternatives.extend(more);
            }
            for plugin in alternatives {
                let place = context.within("required plugin versions entry", "", plugin.place);
                let (name, wanted) = (required(plugin, "name", &place)?, required(plugin, "version", &place)?);
                if version(wanted).is_none() {
                    return Err(wrong(format!("Invalid required version '{wanted}' for plugin '{name}'"), &place));
                }
                self.plugins.push((name.to_owned(), wanted.to_owned()));
            }
        }
        Ok(())
    }

    /// Whether the old `append: true` is there; it goes with no `override`.
    pub(super) fn old_append(&mut self, item: &Node, over: &Overrides, context: &Context) -> Read<bool> {
        let append = boolean(item, "append", context)?.unwrap_or(false);
        if append {
            let text = "'append' key is deprecated. Add an 'append' entry (e.g. 'condition: append') under 'override' instead.";
            self.warn(Code::DeprecatedItem, text, context);
        }
        if append && !over.is_empty() {
            let text = "Keys 'override' and 'append: true' cannot be used together. Add an 'append' entry (e.g. \
                        'condition: append') under 'override' instead.";
            return Err(invalid(text, context));
        }
        Ok(append)
    }

    pub(super) fn unknown_keys(&mut self, item: &Node, known: &[&str], context: &Context) {
        for (name, _) in item.entries() {
            let key = name.text().unwrap_or("");
            if !known.contains(&key) {
                let place = context.within("value for", key, name.place);
                self.warn(Code::UnknownKey, format!("Unknown key '{key}'"), &place);
            }
        }
    }

    fn list(&mut self, item: &Node, file: &Context) -> Read<()> {
        let name = required(item, "list", &file.within("list", "", item.place))?.to_owned();
        let context = file.within("list", &name, item.place);
        if !is_bare(&name) {
            return Err(invalid(
                "List has an invalid name. List names must match the following regular expression: ([^()\"'[:space:]=,]+)",
                &context,
            ));
        }
        self.unknown_keys(item, &["list", "items", "append", "override"], &context);
        let Some(items) = texts(item, "items", &context)? else {
            return Err(invalid("Item has no mapping for key 'items'", &context));
        };
        let items: Vec<String> = items.iter().flat_map(|item| self.variables.expand(item)).collect();
        let over = overrides(item, &["items"], &["items"], &context)?;
        let append = self.old_append(item, &over, &context)? || over.append.contains("items");
        let number = self.number();
        let known = self.lists.iter_mut().find(|list| list.name == name);
        match known {
            Some(list) if append => {
                list.items.extend(items);
                list.visibility = number;
            }
            None if append => {
                return Err(wrong(
                    "List uses 'append' or 'override.items: append' but no list by that name already exists",
                    &context,
                ));
            }
            Some(list) => {
                let index = list.index;
                *list = List { name, items, context, index, visibility: number };
            }
            None => self.lists.push(List { name, items, context, index: number, visibility: number }),
        }
        Ok(())
    }

    fn macro_item(&mut self, item: &Node, file: &Context) -> Read<()> {
        let name = required(item, "macro", &file.within("macro", "", item.place))?.to_owned();
        let context = file.within("macro", &name, item.place);
        if !is_identifier(&name) {
            return Err(invalid(
                "Macro has an invalid name. Macro names must match the following regular expression: ([a-zA-Z]+[a-zA-Z0-9_]*)",
                &context,
            ));
        }
        self.unknown_keys(item, &["macro", "condition", "append", "override"], &context);
        let condition = required(item, "condition", &context)?.to_owned();
        let place = item.get("condition").map(|value| value.place).unwrap_or_default();
        let condition_context = context.within("macro condition", "", place);
        let over = overrides(item, &["condition"], &["condition"], &context)?;
        let append = self.old_append(item, &over, &context)? || over.append.contains("condition");
        let number = self.number();
        match self.macros.iter_mut().find(|known| known.name == name) {
            Some(known) if append => {
                known.condition = format!("{} {condition}", known.condition);
                known.visibility = number;
            }
            None if append => {
                return Err(wrong(
                    "Macro uses 'append' or 'override.condition: append' but no macro by that name already exists",
                    &context,
                ));
            }
            Some(known) => {
                let index = known.index;
                *known = Macro { name, condition, context, condition_context, index, visibility: number };
            }
            None => {
                let (index, visibility) = (number, number);
                self.macros.push(Macro { name, condition, context, condition_context, index, visibility });
            }
        }
        Ok(())
    }
}
