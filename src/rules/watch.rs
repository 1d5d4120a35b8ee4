//! Events against rules: which rule each event satisfies, and the alerts of those.
//!
//! It keeps what rules ask for beyond the account of who is who, feeds on records alone, and must do no I/O.

use super::alert::{Alert, Heard, one_line};
use super::fields::{Homes, Learned, Registry, Session, Setup, Times, View, asks, catalog, event_of, teaches};
use super::format::Template;
use super::lang::{Compiler, EventSet, Macros, Memo, Names, NodeId, Program, Source, parse};
use super::load::Rules;
use super::priority::Priority;
use crate::model::record::{Kind, Record};
use crate::model::{Asks, CallSet};
use crate::state::Who;
use crate::table;
use rustc_hash::FxHashMap;

/// How alerts are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A line of text.
    Text,
    /// A line of JSON.
    Json,
}

/// What is asked of events.
#[derive(Debug)]
pub struct Asked {
    /// The rules, if any were given.
    pub rules: Option<Rules>,
    /// Whether all rules that match an event alert, not the first alone.
    pub all: bool,
    /// How alerts are written.
    pub form: Form,
    /// `--where`: which events are shown.
    pub condition: Option<String>,
    /// `--print`: what is written of an event.
    pub print: Option<String>,
    /// What is the same for all events.
    pub setup: Setup,
}

/// The rules that fired.
#[derive(Clone, Debug, Default)]
pub struct Fired {
    by_priority: [u64; 8],
    by_rule: FxHashMap<String, u64>,
}

impl Fired {
    /// The gravest priority of an alert.
    #[must_use]
    pub fn gravest(&self) -> Option<Priority> {
        Priority::ALL.into_iter().find(|priority| self.count(*priority) > 0)
    }

    fn count(&self, priority: Priority) -> u64 {
        self.by_priority.get(priority as usize).copied().unwrap_or(0)
    }

    fn add(&mut self, name: &str, priority: Priority) {
        if let Some(count) = self.by_priority.get_mut(priority as usize) {
            *count += 1;
        }
        match self.by_rule.get_mut(name) {
            Some(count) => *count += 1,
            None => drop(self.by_rule.insert(name.to_owned(), 1)),
        }
    }

    /// The end-of-run summary.
    #[must_use]
    pub fn summary(&self) -> String {
        let total: u64 = self.by_priority.iter().sum();
        let mut text = format!("Events detected: {total}\nRule counts by severity:\n");
        for priority in Priority::ALL.into_iter().filter(|priority| self.count(*priority) > 0) {
            text += &format!("   {}: {}\n", priority.name().to_uppercase(), self.count(priority));
        }
        text += "Triggered rules by rule name:\n";
        let mut rules: Vec<_> = self.by_rule.iter().collect();
        rules.sort();
        for (name, count) in rules {
            text += &format!("   {name}: {count}\n");
        }
        text
    }
}

/// Watches events.
#[derive(Debug)]
pub struct Watch {
    rules: Option<Rules>,
    by_event: Vec<Box<[usize]>>,
    all: bool,
    form: Form,
    own: Program,
    condition: Option<NodeId>,
    print: Option<Template>,
    memo: Memo,
    own_memo: Memo,
    learned: Learned,
    setup: Setup,
    times: Times,
    fired: Fired,
    /// JSON copies of alerts, for who takes them elsewhere.
    copies: Option<Vec<String>>,
    /// The alerts of the last event, when they are not written but taken.
    heard: Option<Vec<Heard>>,
}

/// What became of an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// `--where` lets it be shown.
    pub shown: bool,
    /// Alerts were written.
    pub alerts: u64,
}

impl Watch {
    /// A watch for what was asked.
    ///
    /// # Errors
    /// Why a condition or a format is none.
    pub fn new(asked: Asked) -> Result<Watch, String> {
        let names = Registry;
        let mut compiler = Compiler::new(&names);
        let condition = match &asked.condition {
            Some(text) => {
                let added = parse(text).and_then(|expr| compiler.add(&expr, &Macros::default()));
                let told = |error: super::lang::ParseError| {
                    format!("--where: {} at column {} of `{text}`", error.text, error.pos.column)
                };
                Some(added.map_err(told)?)
            }
            None => None,
        };
        let print = asked.print.as_deref().map(|text| Template::new(text, &names)).transpose();
        let print = print.map_err(|why| format!("--print: {why}"))?;
        let by_event = asked.rules.as_ref().map_or_else(Vec::new, index);
        Ok(Watch {
            rules: asked.rules,
            by_event,
            all: asked.all,
            form: asked.form,
            own: compiler.finish(),
            condition,
            print,
            memo: Memo::default(),
            own_memo: Memo::default(),
            learned: Learned::default(),
            setup: asked.setup,
            times: Times::default(),
            fired: Fired::default(),
            copies: None,
            heard: None,
        })
    }

    /// The run is one of the past: on which machine, and in which session it began, if that is known.
    pub fn began(&mut self, host: &str, login: Option<i64>, session: Option<Session>) {
        if !host.is_empty() {
            host.clone_into(&mut self.setup.host);
        }
        (self.setup.login, self.setup.session) = (login, session);
        // Those of this machine say nothing of that one's users.
        self.setup.homes = Homes::default();
    }

    /// From now on no alert is written; [`Watch::take_heard`] has those of the last event.
    pub fn hear(&mut self) {
        self.heard = Some(Vec::new());
    }

    /// The alerts of the last event that was looked at.
    pub fn take_heard(&mut self) -> Vec<Heard> {
        self.heard.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Keeps a JSON copy of each alert from now on.
    pub fn copy(&mut self) {
        self.copies = Some(Vec::new());
    }

    /// The copies since the last call.
    pub fn take_copies(&mut self) -> Vec<String> {
        self.copies.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// The rules that fired so far.
    #[must_use]
    pub fn fired(&self) -> &Fired {
        &self.fired
    }

    /// What the kernel has to be asked for what is looked for.
    #[must_use]
    pub fn asks(&self) -> Asks {
        let rules = self.rules.as_ref();
        let programs = rules.map(|rules| &rules.program).into_iter().chain([&self.own]);
        let templates = rules.iter().flat_map(|rules| &rules.rules).map(|rule| &rule.template).chain(&self.print);
        let printed = templates.flat_map(Template::sources).flat_map(Source::fields);
        asks(programs.flat_map(Program::fields).chain(printed))
    }

    /// Whether events are written in a form of their own.
    #[must_use]
    pub fn prints(&self) -> bool {
        self.print.is_some()
    }

    /// Whether there are rules.
    #[must_use]
    pub fn has_rules(&self) -> bool {
        self.rules.is_some()
    }

    /// Learns from a record that is no call.
    pub fn apply(&mut self, record: &Record<'_>) {
        self.learned.apply(record, &self.setup);
    }

    /// Looks at an event; alerts are appended to `alerts`, and what `--print` says of it to `lines`.
    pub fn see(
        &mut self,
        record: &Record<'_>,
        entered: Option<&Record<'_>>,
        who: Who<'_>,
        alerts: &mut Vec<u8>,
        lines: &mut Vec<u8>,
    ) -> Seen {
        if let Some(heard) = &mut self.heard {
            heard.clear();
        }
        let Some(event) = event_of(record) else { return Seen { shown: true, alerts: 0 } };
        let time = record.head().time;
        self.times.number += 1;
        if self.times.first == 0 {
            self.times.first = time;
        }
        if record.head().kind == Kind::Exit {
            self.learned.learn_exit(record, entered, who.cwd());
        }
        let times = self.times;
        self.times.before = time;
        let view = View::new(record, entered, who, &self.learned, &self.setup, times);
        let mut seen = Seen { shown: true, alerts: 0 };
        if let Some(condition) = self.condition {
            self.own_memo.next(&self.own);
            seen.shown = self.own.holds(condition, &view, &mut self.own_memo);
        }
        if seen.shown
            && let Some(print) = &self.print
        {
            let mut line = String::new();
            if print.render(&view, &mut line) {
                lines.extend_from_slice(one_line(&line).as_bytes());
                lines.push(b'\n');
            }
        }
        if record.head().kind == Kind::Enter {
            return seen;
        }
        let Some(rules) = &self.rules else { return seen };
        let candidates = self.by_event.get(event).map_or(&[][..], |rules| rules);
        if candidates.is_empty() {
            return seen;
        }
        self.memo.next(&rules.program);
        for rule in candidates.iter().filter_map(|at| rules.rules.get(*at)) {
            if !rules.program.holds(rule.node, &view, &mut self.memo) {
                continue;
            }
            let mut message = String::new();
            rule.template.render(&view, &mut message);
            let alert = Alert { rule, message: one_line(&message), time, view: &view };
            match (&mut self.heard, self.form) {
                (Some(heard), _) => heard.push(alert.heard()),
                (None, Form::Text) => alert.text(alerts),
                (None, Form::Json) => alert.json(&self.setup.host, alerts),
            }
            if let Some(copies) = &mut self.copies {
                let mut copy = Vec::new();
                alert.json(&self.setup.host, &mut copy);
                copies.push(String::from_utf8_lossy(&copy).trim_end().to_owned());
            }
            self.fired.add(&rule.name, rule.priority);
            seen.alerts += 1;
            if !self.all {
                break;
            }
        }
        seen
    }
}

/// For each event the enabled rules that it can satisfy, in their order.
fn index(rules: &Rules) -> Vec<Box<[usize]>> {
    let count = catalog().all().len();
    let enabled = || rules.rules.iter().enumerate().filter(|(_, rule)| rule.enabled);
    let of = |event| enabled().filter(|(_, rule)| rule.events.contains(event)).map(|(at, _)| at).collect();
    (0..count).map(of).collect()
}

/// The calls that change who and where a process is. Those that change its descriptors are [`teaches`]'s.
const STATE: [&str; 9] = ["chdir", "clone", "clone3", "fchdir", "fork", "listen", "setpgid", "setsid", "vfork"];

/// The calls that rules need: those they are about, and those that fields depend on.
#[must_use]
pub fn calls(rules: &Rules) -> CallSet {
    let mut events = EventSet::default();
    let all = Registry.all_events();
    for rule in rules.rules.iter().filter(|rule| rule.enabled) {
        events.add(&rule.events);
    }
    events.meet(&all);
    let mut calls = CallSet::default();
    let own = events.iter().filter(|event| *event < table::rows().len());
    let state =
        table::rows().iter().filter(|row| STATE.contains(&row.name) || teaches(row.name)).map(table::Row::index);
    own.chain(state).for_each(|index| calls.insert(index));
    calls
}
