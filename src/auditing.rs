//! One audit, from the plan to the exit status: a run whose events are folded into facts, the verdict on them, and what
//! is told to whom.
//!
//! While the build runs nothing is written where the build writes.

mod ci;
mod progress;
mod rules;
mod summary;

use crate::arch;
use crate::audit::add_later;
use crate::audit::fold::{self, Context, Fold};
use crate::audit::model::{self, Coverage, Level, Verdict};
use crate::audit::policy::{self, Declared, Policy};
use crate::capture::Hash;
use crate::enforce::{self, Enforcer};
use crate::engine::Judge;
use crate::event::Event;
use crate::keep::hostname;
use crate::launch::FAILED;
use crate::model::{Abi, Audit, CallSet, Places, Plan, Severity, Target};
use crate::places;
use crate::replay;
use crate::report;
use crate::rules::Heard;
use crate::rules::load::Rules;
use crate::run::{self, Ending};
use crate::say::say;
use crate::sink::{Needs, Sink};
use crate::store::{Description, Reader};
use crate::story::{Story, Taker};
use crate::table;
use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// Exit status when a finding stands.
const FOUND: u8 = 3;

/// Bytes of one buffer that are kept: a DNS answer, a script's first lines.
const BUFFER: usize = 4096;

/// The fold as the end of a pipeline.
struct Folding {
    fold: Arc<Mutex<Fold>>,
}

impl Sink for Folding {
    fn render(&mut self, event: &Event<'_>, _out: &mut Vec<u8>) {
        self.fold.lock().unwrap_or_else(PoisonError::into_inner).take(event);
    }

    fn heard(&mut self, event: &Event<'_>, heard: &Heard) {
        self.fold.lock().unwrap_or_else(PoisonError::into_inner).alert(event, rules::said(heard));
    }
}

/// Runs the build of `plan` and audits it.
pub(crate) fn run(plan: &Plan, audit: &Audit) -> Ending {
    if let Some(dir) = &audit.report
        && let Err(error) = std::fs::create_dir_all(dir)
    {
        say(&format!("cannot make {}: {error}; choose another directory with --report", dir.display()));
        return Ending::Exit(FAILED);
    }
    let policy = match audit.policy.as_deref().map(Checked::read).transpose() {
        Ok(policy) => policy,
        Err(text) => {
            say(&text);
            return Ending::Exit(FAILED);
        }
    };
    let reader = match &plan.target {
        Target::Replay(replay) => match replay::open(&replay.file, replay.grows) {
            Ok(reader) => Some(reader),
            Err(text) => {
                say(&text);
                return Ending::Exit(FAILED);
            }
        },
        _ => None,
    };
    let context = context(plan, audit, reader.as_ref().map(Reader::description));
    let rules = match rules::load(audit, plan, &context) {
        Ok(rules) => rules,
        Err(text) => {
            crate::say::report(&text);
            return Ending::Exit(FAILED);
        }
    };
    let enforcer = match enforcer(audit, policy.as_ref(), &context) {
        Ok(enforcer) => enforcer,
        Err(text) => {
            say(&text);
            return Ending::Exit(FAILED);
        }
    };
    let fold = Arc::new(Mutex::new(Fold::new(context)));
    let quiet = plan.quiet;
    let given = plan;
    let mut plan = Plan { calls: calls(audit, &rules), probe: true, quiet: true, ..plan.clone() };
    let watch = match rules::watch(rules) {
        Ok(watch) => watch,
        Err(text) => {
            say(&text);
            return Ending::Exit(FAILED);
        }
    };
    plan.output.str_max = plan.output.str_max.max(BUFFER);
    let shown = audit.progress && !quiet && std::io::stderr().is_terminal();
    let progress = shown.then(|| progress::Progress::start(Arc::clone(&fold)));
    let taker = Taker {
        sink: Box::new(Folding { fold: Arc::clone(&fold) }),
        needs: Needs { args: true, opened: true, named: true, env: true, ..Needs::NOTHING },
        hash: Hash { programs: true, inputs: audit.hash_inputs, outputs: audit.hash_outputs },
        watch: Some(watch),
        reader,
        judge: enforcer,
        followed: set(fold::followed()),
    };
    let mut story = Story::default();
    let ending = run::trace(&plan, Some(taker), &mut story);
    drop(progress);
    if !story.started {
        return ending;
    }
    let fold = std::mem::take(&mut *fold.lock().unwrap_or_else(PoisonError::into_inner));
    let mut facts = fold.finish(coverage(&plan, &story));
    if let Err(text) = hold(&mut facts, given, audit, policy.as_ref()) {
        say(&text);
        return Ending::Exit(FAILED);
    }
    judge(&mut facts, audit);
    let written = tell(&facts, audit, quiet);
    if facts.verdict.failed {
        return Ending::Exit(FOUND);
    }
    if !written {
        return Ending::Exit(FAILED);
    }
    ending
}

/// A policy that was read.
struct Checked {
    policy: Policy,
    text: String,
    file: String,
}

impl Checked {
    fn read(path: &Path) -> Result<Checked, String> {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("cannot read {file}: {error}; choose another file with --policy"))?;
        let policy = policy::read(&text).map_err(|why| format!("{file}: {why}; see docs/policy.schema.json"))?;
        Ok(Checked { policy, text, file })
    }
}

/// Who stops what the policy does not allow, if it is to be stopped.
fn enforcer(audit: &Audit, policy: Option<&Checked>, context: &Context) -> Result<Option<Box<dyn Judge>>, String> {
    let Some(Checked { policy, file, .. }) = policy.filter(|_| audit.enforce) else { return Ok(None) };
    let rules = policy::Rules::new(policy, &context.places).map_err(|why| format!("{file}: {why}"))?;
    Ok(Some(Box::new(Enforcer::new(rules))))
}

/// Holds the facts against what was declared, and learns a policy.
fn hold(facts: &mut model::Audit, plan: &Plan, audit: &Audit, policy: Option<&Checked>) -> Result<(), String> {
    let run = &facts.run;
    let places = Places { workspace: run.workspace.clone(), home: run.home.clone(), tmpdir: run.tmpdir.clone() };
    if let Some(path) = &audit.learn {
        let policy = policy::learn(facts, &places);
        // What is there and no file (/dev/stdout, a pipe) is written to; a file is replaced, which the build may have put there.
        let plain = std::fs::metadata(path).is_ok_and(|data| !data.is_file());
        let written = if plain { std::fs::write(path, policy) } else { report::replace(path, policy.as_bytes()) };
        written
            .map_err(|error| format!("cannot write {}: {error}; choose another file with --learn", path.display()))?;
    }
    if let Some(Checked { policy, text, file }) = policy {
        let (result, outside) =
            policy::check(policy, text, file, &places, facts).map_err(|why| format!("{file}: {why}"))?;
        facts.policy = Some(result);
        add_later(facts, outside);
    }
    if audit.hermetic {
        let declared = Declared { inputs: audit.inputs.clone(), variables: variables(plan) };
        facts.hermetic = Some(policy::hermetic(facts, &declared, &places)?);
    }
    Ok(())
}

/// The names of the variables that the build is started with; of a capture they are not known.
fn variables(plan: &Plan) -> Vec<String> {
    let Target::Launch(command) = &plan.target else { return Vec::new() };
    let inherited = std::env::vars_os().map(|(name, _)| name);
    let removed =
        |name: &std::ffi::OsString| command.env.iter().any(|(changed, value)| changed == name && value.is_none());
    let added = command.env.iter().filter(|(_, value)| value.is_some()).map(|(name, _)| name.clone());
    let names: BTreeSet<String> = inherited
        .filter(|name| !removed(name))
        .chain(added)
        .map(|name| crate::audit::text::text(name.as_bytes()))
        .collect();
    names.into_iter().collect()
}

/// The calls that the facts are made of, and those that the rules and the policy ask about.
fn calls(audit: &Audit, rules: &Rules) -> CallSet {
    let mut calls = crate::rules::calls(rules);
    let more = fold::clocks().filter(|_| audit.hermetic).chain(enforce::calls().filter(|_| audit.enforce));
    set(fold::calls().chain(more)).iter().for_each(|index| calls.insert(index));
    calls
}

/// The calls with these names.
fn set(names: impl Iterator<Item = &'static str>) -> CallSet {
    let mut calls = CallSet::default();
    for row in names.filter_map(table::by_name) {
        calls.insert(row.index());
    }
    calls
}

fn coverage(plan: &Plan, story: &Story) -> Coverage {
    let mut calls: Vec<String> =
        plan.calls.iter().filter_map(|index| table::rows().get(index)).map(|row| row.name.to_owned()).collect();
    calls.sort_unstable();
    Coverage {
        complete: story.complete,
        engine: if matches!(plan.target, Target::Replay(_)) { "capture" } else { "ptrace" }.to_owned(),
        filter: story.filtered,
        fallbacks: story.fallbacks.clone(),
        calls,
        lost: story.lost,
        ..Coverage::default()
    }
}

/// Where the build runs or ran; of a capture, what it is `told` to be.
fn context(plan: &Plan, audit: &Audit, told: Option<&Description>) -> Context {
    let (mut places, command, host) = match &plan.target {
        Target::Launch(command) => {
            let words = command.argv.iter().map(|word| crate::audit::text::text(word.as_bytes())).collect();
            (places::of(command), words, hostname())
        }
        Target::Attach { pids, .. } => (places::of_process(pids), vec![], hostname()),
        Target::Replay(_) => {
            let told = told.cloned().unwrap_or_default();
            (places::described(&told), told.target.command, told.host)
        }
    };
    if let Some(workspace) = &audit.workspace {
        places.workspace = places::text(&places::real(workspace));
    }
    Context {
        command,
        places,
        host: Some(host).filter(|host| !host.is_empty()),
        tracer: i32::try_from(std::process::id()).unwrap_or(0),
        native: Abi::ALL.into_iter().find(|abi| *abi == arch::HOST),
    }
}

/// Counts the findings and says what they mean for the exit status.
fn judge(facts: &mut model::Audit, audit: &Audit) {
    let count = |level: Level| facts.findings.iter().filter(|finding| finding.level == level).count() as u64;
    let fail_on = audit.fail_on.map(|severity| match severity {
        Severity::Note => Level::Note,
        Severity::Warning => Level::Warning,
        Severity::Error => Level::Error,
    });
    facts.verdict = Verdict {
        failed: fail_on.is_some_and(|least| facts.findings.iter().any(|finding| finding.level >= least)),
        fail_on,
        errors: count(Level::Error),
        warnings: count(Level::Warning),
        notes: count(Level::Note),
    };
}

/// Writes the reports and says the summary; whether all could be written.
fn tell(facts: &model::Audit, audit: &Audit, quiet: bool) -> bool {
    let (options, errors) = ci::options(audit);
    let mut fine = errors.is_empty();
    errors.iter().for_each(|error| say(&error.to_string()));
    if let Some(dir) = &audit.report
        && let Err(error) = report::write_all(facts, dir, &options)
    {
        say(&error.to_string());
        fine = false;
    }
    if let Some(dir) = &audit.report
        && let Some(policy) = facts.policy.as_ref().filter(|policy| !policy.patch.is_empty())
        && let Err(error) = report::replace(&dir.join("policy.patch"), policy.patch.as_bytes())
    {
        say(&format!(
            "cannot write {}: {error}; choose another directory with --report",
            dir.join("policy.patch").display()
        ));
        fine = false;
    }
    ci::annotate(facts, &options);
    if !quiet {
        summary::say(facts, audit.report.as_deref());
    }
    fine
}

/// What is said when the audit is incomplete; for the summary.
fn incomplete(facts: &model::Audit) -> bool {
    !facts.coverage.complete
}
