//! Rules and conditions of a plan made ready, and `smtrace rules`: what the command line says of rules, done.

use crate::alerts::Alerts;
use crate::keep;
use crate::model::{Plan, Target, Watching};
use crate::options::Inspect;
use crate::pipeline::Pipeline;
use crate::rules::fields::{Homes, Registry, Session, Setup, event_name};
use crate::rules::load::{self, Details, Excepted, Report, Rules};
use crate::rules::{Asked, Fired, Form, Priority, Watch, calls};
use crate::say::{report, say};
use crate::store;
use crate::table;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Exit status when an alert that `--fail-on` names was written.
pub const ALERTED: u8 = 3;

/// What a plan watches for.
#[derive(Debug)]
pub struct Ready {
    /// The watch.
    pub watch: Watch,
    /// Where alerts go beside the events.
    pub alerts: Option<Alerts>,
}

/// Makes ready what the plan watches for, and lets rules choose the calls when nobody did.
///
/// # Errors
/// What is wrong, as text with its last newline.
pub fn prepare(plan: &mut Plan) -> Result<Option<Ready>, String> {
    let watching = plan.watching.clone();
    if watching.rules.is_empty() && watching.condition.is_none() && watching.print.is_none() {
        return Ok(None);
    }
    let line = |text: String| format!("smtrace: {text}\n");
    let rules = if watching.rules.is_empty() { None } else { Some(rules(&watching.rules)?) };
    if let Some(rules) = rules.as_ref().filter(|_| watching.chooses) {
        plan.calls = calls(rules);
    }
    let host = keep::hostname();
    let homes = Homes::parse(&std::fs::read("/etc/passwd").unwrap_or_default());
    let launches = matches!(plan.target, Target::Launch(_));
    let (login, session) = began(launches.then(keep::session).flatten());
    let asked = Asked {
        rules,
        all: watching.all,
        form: if watching.json { Form::Json } else { Form::Text },
        condition: watching.condition.clone(),
        print: watching.print.clone(),
        setup: Setup { host, container: watching.container.clone(), login, session, homes },
    };
    let mut watch = Watch::new(asked).map_err(line)?;
    plan.watching.asks = watch.asks();
    let elsewhere = watching.alerts_file.is_some() || watching.alerts_url.is_some();
    let open = || Alerts::open(watching.alerts_file.as_deref(), watching.alerts_url.as_deref()).map_err(line);
    let alerts = if elsewhere { Some(open()?) } else { None };
    if alerts.as_ref().is_some_and(Alerts::sends) {
        watch.copy();
    }
    Ok(Some(Ready { watch, alerts }))
}

/// What conditions are told of the session that a command began in.
fn began(session: Option<store::Session>) -> (Option<i64>, Option<Session>) {
    let of = |began: store::Session| Session { sid: began.sid, pgid: began.pgid, tty: began.tty };
    (session.and_then(|began| began.login), session.map(of))
}

/// Lets conditions know what a capture tells of its run.
pub fn replayed(ready: &mut Ready, description: &store::Description) {
    let (login, session) = began(description.target.session);
    ready.watch.began(&description.host, login, session);
}

fn rules(paths: &[PathBuf]) -> Result<Rules, String> {
    let files = load::files(paths).map_err(|why| format!("smtrace: {why}\n"))?;
    let (rules, reports) = load::load(&files, &Registry);
    let wrong = || reports.iter().filter(|report| !report.successful()).map(Report::text);
    rules.ok_or_else(|| wrong().collect())
}

/// Says what fired; the exit status that `--fail-on` asks for.
#[must_use]
pub fn conclude(fired: &Fired, watching: &Watching) -> Option<u8> {
    if !watching.rules.is_empty() {
        report(&fired.summary());
    }
    let limit = watching.fail_on.as_deref().and_then(Priority::parse)?;
    (fired.gravest()? <= limit).then_some(ALERTED)
}

/// Says what alerts were lost; whether none was.
pub fn close(alerts: Option<Alerts>) -> bool {
    let lost = alerts.map(Alerts::finish).unwrap_or_default();
    lost.iter().for_each(|words| say(words));
    lost.is_empty()
}

/// `smtrace rules`: what is to be printed, and whether all files are fine.
#[must_use]
pub fn inspect(what: Inspect, paths: &[PathBuf], as_json: bool) -> (String, bool) {
    let files = match load::files(paths) {
        Ok(files) => files,
        Err(why) => return (format!("{why}\n"), false),
    };
    let (rules, reports) = load::load(&files, &Registry);
    match (what, rules) {
        (Inspect::Show, Some(rules)) => {
            (if as_json { format!("{:#}\n", show_json(&rules)) } else { show(&rules) }, true)
        }
        (_, rules) => {
            let text = if as_json {
                let all: Vec<_> = reports.iter().map(Report::json).collect();
                format!("{:#}\n", json!({"falco_load_results": all}))
            } else {
                reports.iter().map(Report::text).collect()
            };
            (text, rules.is_some())
        }
    }
}

fn show(rules: &Rules) -> String {
    let mut text = format!("{:<50} {:<14} {:<9} CALLS\n", "RULE", "PRIORITY", "ENABLED");
    for rule in &rules.rules {
        let enabled = if rule.enabled { "yes" } else { "no" };
        let events = rule.events.len();
        text += &format!("{:<50} {:<14} {enabled:<9} {events}\n", rule.name, rule.priority.name());
    }
    text += &format!("{} rules, {} macros, {} lists\n", rules.rules.len(), rules.macros.len(), rules.lists.len());
    text
}

/// As `falco -L` with `json_output` has it, and under `calls` what a run with these rules traces.
fn show_json(rules: &Rules) -> Value {
    let version = |(major, minor, patch): (u64, u64, u64)| format!("{major}.{minor}.{patch}");
    let rule = |(rule, details): (&load::Rule, &Details)| {
        let events: BTreeSet<_> = rule.events.iter().filter_map(event_name).collect();
        let excepted =
            |of: fn(&Excepted) -> &[String]| -> BTreeSet<_> { rule.exceptions.iter().flat_map(of).collect() };
        json!({
            "info": {
                "name": rule.name,
                "condition": rule.written,
                "description": rule.desc,
                "output": rule.output,
                "priority": rule.priority.name(),
                "source": rule.source,
                "tags": rule.tags,
                "enabled": rule.enabled,
            },
            "details": {
                "condition_compiled": details.compiled,
                "condition_fields": details.fields,
                "condition_operators": details.operators,
                "events": events,
                "lists": details.lists,
                "macros": details.macros,
                "output_fields": rule.template.names().collect::<BTreeSet<_>>(),
                "exception_names": rule.exceptions.iter().map(|exception| &exception.name).collect::<Vec<_>>(),
                "exception_fields": excepted(|exception| &exception.fields),
                "exception_operators": excepted(|exception| &exception.comps),
            },
        })
    };
    let all = load::details(rules);
    let macros = rules.macros.iter().map(|(name, condition)| json!({"info": {"name": name, "condition": condition}}));
    let lists = rules.lists.iter().map(|(name, items)| json!({"info": {"name": name, "items": items}}));
    let plugins = rules.plugins.iter().map(|(name, version)| json!({"name": name, "version": version}));
    let traced = calls(rules);
    let rows = table::rows().iter().filter(|row| traced.contains(row.index()));
    json!({
        "required_engine_version": rules.engine.map(version),
        "required_plugin_versions": plugins.collect::<Vec<_>>(),
        "rules": rules.rules.iter().zip(&all).map(rule).collect::<Vec<_>>(),
        "macros": macros.collect::<Vec<_>>(),
        "lists": lists.collect::<Vec<_>>(),
        "calls": rows.map(|row| row.name).collect::<Vec<_>>(),
    })
}

/// Lets a pipeline watch; where alerts go that do not go where events go.
pub fn begin(ready: Ready, watching: &Watching, pipeline: &mut Pipeline) -> Option<Alerts> {
    let file = ready.alerts.as_ref().is_some_and(Alerts::has_file);
    pipeline.watch(ready.watch, watching.events, file);
    ready.alerts
}
