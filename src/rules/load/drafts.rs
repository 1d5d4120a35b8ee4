//! Rules as the files have them: defined, changed by `override` or the old `append`, switched on and off.

use super::collect::{Collector, Draft, invalid, wrong};
use super::items::{
    Entry, Exception, Overrides, Read, boolean, exceptions, optional, overrides, priority, required, tags,
};
use super::report::{Code, Context};
use super::yaml::Node;
use crate::rules::lang::Op;
use std::collections::BTreeSet;

/// The sources of events that rules can be for.
const SOURCES: [&str; 1] = ["syscall"];

/// What `override` can append to, and what it can replace.
const APPENDABLE: [&str; 5] = ["condition", "output", "desc", "tags", "exceptions"];
const REPLACEABLE: [&str; 11] = [
    "condition",
    "output",
    "desc",
    "priority",
    "tags",
    "exceptions",
    "enabled",
    "warn_evttypes",
    "skip-if-unknown-filter",
    "capture",
    "capture_duration",
];

impl Collector<'_> {
    pub(super) fn rule(&mut self, item: &Node, file: &Context) -> Read<()> {
        let name = required(item, "rule", &file.within("rule", "", item.place))?.to_owned();
        let context = file.within("rule", &name, item.place);
        let mut known = vec!["rule", "source", "append", "override"];
        known.extend(REPLACEABLE);
        self.unknown_keys(item, &known, &context);
        let over = overrides(item, &APPENDABLE, &REPLACEABLE, &context)?;
        let append = self.old_append(item, &over, &context)?;
        if !over.is_empty() {
            return self.change(item, &name, &over, &context);
        }
        if append {
            let keys = ["condition", "exceptions"].into_iter().filter(|key| item.get(key).is_some());
            let over = Overrides { append: keys.map(str::to_owned).collect(), replace: BTreeSet::new() };
            if over.is_empty() {
                return Err(wrong("Appended rule must have exceptions or condition property", &context));
            }
            return self.change(item, &name, &over, &context);
        }
        if ["condition", "output", "desc", "priority"].iter().all(|key| item.get(key).is_none()) {
            let enabled = boolean(item, "enabled", &context)?;
            let enabled = enabled.ok_or_else(|| invalid("Item has no mapping for key 'enabled'", &context))?;
            let text = "The standalone 'enabled' key usage is deprecated. The correct approach requires also a 'replace' \
                        entry under the 'override' key (i.e. 'enabled: replace').";
            self.warn(Code::DeprecatedItem, text, &context);
            let Some(rule) = self.rules.iter_mut().find(|rule| rule.name == name) else {
                return Err(wrong("Rule has 'enabled' key but no rule by that name already exists", &context));
            };
            rule.enabled = enabled;
            return Ok(());
        }
        self.define(item, name, context)
    }

    fn define(&mut self, item: &Node, name: String, context: Context) -> Read<()> {
        let place = |key: &str| item.get(key).map(|value| value.place).unwrap_or_default();
        let draft = Draft {
            condition: required(item, "condition", &context)?.to_owned(),
            output: required(item, "output", &context)?.trim().to_owned(),
            desc: required(item, "desc", &context)?.to_owned(),
            priority: priority(item, &context)?,
            source: optional(item, "source", &context)?.unwrap_or("syscall").to_owned(),
            tags: tags(item, &context)?.unwrap_or_default(),
            enabled: boolean(item, "enabled", &context)?.unwrap_or(true),
            warn_evttypes: boolean(item, "warn_evttypes", &context)?.unwrap_or(true),
            skip_unknown: boolean(item, "skip-if-unknown-filter", &context)?.unwrap_or(false),
            exceptions: exceptions(item, &context, false, &mut self.warnings)?,
            condition_context: context.within("rule condition", "", place("condition")),
            output_context: context.within("rule output", "", place("output")),
            name,
            context,
        };
        if !SOURCES.contains(&draft.source.as_str()) {
            let text = format!("Unknown source {}, skipping", draft.source);
            self.warn(Code::UnknownSource, text, &draft.context);
        }
        for exception in &draft.exceptions {
            self.check_exception(exception)?;
        }
        match self.rules.iter_mut().find(|rule| rule.name == draft.name) {
            Some(rule) if rule.source != draft.source => {
                Err(wrong("Rule has been re-defined with a different source", &draft.context))
            }
            Some(rule) => {
                *rule = draft;
                Ok(())
            }
            None => {
                self.rules.push(draft);
                Ok(())
            }
        }
    }

    /// Changes a rule as `override` says.
    fn change(&mut self, item: &Node, name: &str, over: &Overrides, context: &Context) -> Read<()> {
        let missing = over.append.iter().chain(&over.replace).find(|key| item.get(key).is_none());
        if let Some(key) = missing {
            let word = if over.append.contains(key) { "append" } else { "replace" };
            return Err(invalid(
                format!("An {word} override for '{key}' was specified but '{key}' is not defined"),
                context,
            ));
        }
        let named = |key: &str| over.append.contains(key) || over.replace.contains(key);
        // The old `append: true` takes condition and exceptions, and does not mind the rest.
        let old = item.get("override").is_none();
        let unnamed = REPLACEABLE.into_iter().find(|key| item.get(key).is_some() && !named(key));
        if let Some(key) = unnamed.filter(|_| !old) {
            let place = item.get(key).map(|value| value.place).unwrap_or_default();
            return Err(invalid(
                format!("Unexpected key '{key}': no corresponding entry under 'override' is defined."),
                &context.within("overrides", key, place),
            ));
        }
        let text = |key: &str| if named(key) { optional(item, key, context) } else { Ok(None) };
        let (condition, output, desc) = (text("condition")?, text("output")?, text("desc")?);
        let given_tags = if named("tags") { tags(item, context)? } else { None };
        let given = if named("exceptions") { Some(exceptions(item, context, true, &mut self.warnings)?) } else { None };
        let new_priority = if named("priority") { Some(priority(item, context)?) } else { None };
        let flag = |key: &str| if named(key) { boolean(item, key, context) } else { Ok(None) };
        let (enabled, warn, skip) = (flag("enabled")?, flag("warn_evttypes")?, flag("skip-if-unknown-filter")?);
        let Some(at) = self.rules.iter().position(|rule| rule.name == name) else {
            let text = if over.append.is_empty() {
                "An 'override.<key>: replace' to a rule was requested but no rule by that name already exists"
            } else {
                "Rule uses 'append' or 'override.<key>: append' but no rule by that name already exists"
            };
            return Err(wrong(text, context));
        };
        let Some(rule) = self.rules.get_mut(at) else { return Ok(()) };
        let change = |old: &mut String, key: &str, new: Option<&str>| {
            let Some(new) = new else { return };
            if over.append.contains(key) {
                old.push(' ');
                old.push_str(new);
            } else {
                new.clone_into(old);
            }
        };
        change(&mut rule.condition, "condition", condition);
        change(&mut rule.output, "output", output);
        change(&mut rule.desc, "desc", desc);
        if let Some(new) = given_tags {
            if over.replace.contains("tags") {
                rule.tags.clear();
            }
            rule.tags.extend(new);
        }
        rule.priority = new_priority.unwrap_or(rule.priority);
        rule.enabled = enabled.unwrap_or(rule.enabled);
        rule.warn_evttypes = warn.unwrap_or(rule.warn_evttypes);
        rule.skip_unknown = skip.unwrap_or(rule.skip_unknown);
        let Some(given) = given else { return Ok(()) };
        if over.replace.contains("exceptions") {
            rule.exceptions = given;
            return Ok(());
        }
        let mut fresh = Vec::new();
        for exception in given {
            match rule.exceptions.iter_mut().find(|known| known.name == exception.name) {
                Some(_) if exception.fields.is_some() => {
                    let text = "Can not append exception fields to existing exception, only values";
                    return Err(wrong(text, &exception.context));
                }
                Some(_) if exception.comps.is_some() => {
                    let text = "Can not append exception comps to existing exception, only values";
                    return Err(wrong(text, &exception.context));
                }
                Some(known) => known.values.extend(exception.values),
                None if exception.fields.is_none() => {
                    let text = "Rule exception must have fields property with a list of fields";
                    return Err(wrong(text, &exception.context));
                }
                None if exception.values.is_empty() => {
                    let text = "Rule exception must have values property with a list of values";
                    return Err(wrong(text, &exception.context));
                }
                None => fresh.push(exception),
            }
        }
        fresh.iter().try_for_each(|exception| self.check_exception(exception))?;
        if let Some(rule) = self.rules.get_mut(at) {
            rule.exceptions.extend(fresh);
        }
        Ok(())
    }

    fn check_exception(&self, exception: &Exception) -> Read<()> {
        let context = &exception.context;
        let field = |entry: &Entry| {
            let name = entry.text().unwrap_or("");
            let (bare, arg) = match name.split_once('[') {
                Some((bare, arg)) => (bare, Some(arg.trim_end_matches(']').trim_matches(['"', '\'']))),
                None => (name, None),
            };
            let known = self.names.field(bare, arg).map(drop);
            known.map_err(|_| wrong(format!("'{name}' is not a supported filter field"), context))
        };
        match &exception.fields {
            Some(Entry::Many(fields)) => {
                if let Some(comps) = &exception.comps {
                    let comps: &[Entry] = if let Entry::Many(comps) = comps { comps } else { &[] };
                    if comps.len() != fields.len() {
                        return Err(wrong("Fields and comps lists must have equal length", context));
                    }
                    for comp in comps.iter().map(|comp| comp.text().unwrap_or("")) {
                        if Op::from_word(comp).is_none() {
                            return Err(wrong(format!("'{comp}' is not a supported comparison operator"), context));
                        }
                    }
                }
                fields.iter().try_for_each(field)
            }
            Some(only) => {
                match &exception.comps {
                    None => {}
                    Some(Entry::Many(_)) => return Err(wrong("Fields and comps must both be strings", context)),
                    Some(Entry::One(comp)) if Op::from_word(comp).is_some_and(Op::takes_list) => {}
                    Some(_) => {
                        let text = "When fields is a single value, comps must be one of (in, pmatch, intersects)";
                        return Err(wrong(text, context));
                    }
                }
                field(only)
            }
            None => Err(wrong("Rule exception item must have fields property with a list of fields", context)),
        }
    }
}
