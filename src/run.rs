//! One run, from argv to exit status: the place that knows all folders.

mod finish;
mod outside;
mod wants;

use crate::bus::{self, Sender};
use crate::capture::{Recorder, Wanted};
use crate::control::{self, Shared, Signals};
use crate::engine::ptrace::{Engine, Mode, PlacementShared, Round};
use crate::filter;
use crate::keep::Kept;
use crate::launch::{self, FAILED};
use crate::model::{Capture, Command, Orphans, Pid, Plan, SeccompMode, Target};
use crate::options::{self, Action, Choices};
use crate::output::Output;
use crate::pipeline::Pipeline;
use crate::reader::{Read, Reader};
use crate::say::{inform, say};
use crate::sink;
use crate::state::{Groups, Users};
use crate::story::{Story, Taker};
use crate::stream;
use crate::sys::host::{self, Proc};
use crate::sys::spawn;
use crate::sys::{limits, signals};
use crate::watching::{self, Ready};
use crate::{auditing, compare, doctor, list, replay, say};
use finish::{Finished, ending, finish};
use outside::{Opened, Served, answer, attach_ring};
use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use wants::{wants, wants_of};

/// Exit status when the log is incomplete.
pub const INCOMPLETE: u8 = 122;

/// Exit status when what was asked for makes no sense.
const USAGE: u8 = 2;

/// Bytes of the ring between the tracing thread and the reader. Its pages count twice, as they are mapped twice.
const BUS: usize = 1 << 20;

/// How a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// With this exit status.
    Exit(u8),
    /// By this signal, as the command did.
    Signal(i32),
}

fn print(text: &str) -> ExitCode {
    let written = std::io::stdout().write_all(text.as_bytes()).and_then(|()| std::io::stdout().flush());
    match written {
        Ok(()) => ExitCode::SUCCESS,
        // A reader that has seen enough (`smtrace list syscalls | head`) is no failure.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("cannot write to stdout: {error}"));
            ExitCode::from(FAILED)
        }
    }
}

/// Runs the command line `args` and returns the exit status; does not return when the command died by a signal.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let choices = Choices { formats: sink::CHOICES };
    let action = match options::parse(args, &choices) {
        Ok(action) => action,
        Err(refusal) if refusal.status == 0 => return print(&refusal.text),
        Err(refusal) => {
            let _ = std::io::stderr().write_all(refusal.text.as_bytes());
            return ExitCode::from(refusal.status);
        }
    };
    match action {
        Action::List { what, json } => print(&list::render(&what, json, &choices)),
        Action::Diff { files, json, exact } => ExitCode::from(compare::run(&files, json, exact)),
        Action::Rules { what, files, json } => {
            let (text, fine) = watching::inspect(what, &files, json);
            let printed = print(&text);
            if fine { printed } else { ExitCode::FAILURE }
        }
        Action::Doctor { json } => {
            let (text, usable) = doctor::report(json);
            let printed = print(&text);
            if usable { printed } else { ExitCode::FAILURE }
        }
        Action::Completions(shell) => {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut options::command(&choices), "smtrace", &mut text);
            print(&String::from_utf8_lossy(&text))
        }
        Action::Man => {
            let mut text = Vec::new();
            let _ = clap_mangen::Man::new(options::command(&choices)).render(&mut text);
            print(&String::from_utf8_lossy(&text))
        }
        Action::Ctl { path, words } => answer(control::socket::ctl(&path, &words)),
        Action::Connect(to) => answer(stream::connect(&to).map(|()| String::new())),
        Action::AttachRing { name, plan } => attach_ring(&name, &plan),
        Action::Trace(plan) => match whole(&plan) {
            Ending::Exit(status) => ExitCode::from(status),
            Ending::Signal(signal) => {
                signals::die_by(signal);
                ExitCode::from(u8::try_from(128 + signal).unwrap_or(FAILED))
            }
        },
    }
}

fn whole(plan: &Plan) -> Ending {
    match &plan.audit {
        Some(audit) => auditing::run(plan, audit),
        None => trace(plan, None, &mut Story::default()),
    }
}

/// Runs what the plan says; with a `taker`, it has the events in place of the plan's output.
pub(crate) fn trace(plan: &Plan, taker: Option<Taker>, story: &mut Story) -> Ending {
    if let Err(error) = say::begin(&plan.log, plan.quiet) {
        let name = plan.log.file.as_deref().unwrap_or_else(|| std::path::Path::new("the log file"));
        say(&format!("cannot open {}: {error}; choose another log_file", name.display()));
        return Ending::Exit(FAILED);
    }
    let mut plan = plan.clone();
    let ready = match watching::prepare(&mut plan) {
        Ok(ready) => ready,
        Err(text) => {
            let _ = std::io::stderr().write_all(text.as_bytes());
            return Ending::Exit(USAGE);
        }
    };
    let plan = &plan;
    if let Target::Replay(replay) = &plan.target {
        return Ending::Exit(replay::run(plan, replay, taker, ready, story));
    }
    if host::proc() == Proc::Foreign {
        say(&format!("/proc shows another pid namespace: {}", doctor::FOREIGN_PROC));
        return Ending::Exit(FAILED);
    }
    let Some(sinks) = Sinks::open(plan, ready) else { return Ending::Exit(FAILED) };
    let mask = signals::block_all();
    match &plan.target {
        Target::Launch(command) => launch(plan, command, sinks, &mask, taker, story),
        Target::Attach { pids, tree } => attach(plan, pids, *tree, sinks, story),
        Target::Replay(_) => Ending::Exit(FAILED),
    }
}

/// Where the events of a run go.
struct Sinks {
    output: Option<Output>,
    keep: Option<Kept>,
    users: Users,
    groups: Groups,
    ready: Option<Ready>,
    /// What is offered to others.
    opened: Opened,
}

impl Sinks {
    /// Opens them; says what cannot be opened.
    fn open(plan: &Plan, ready: Option<Ready>) -> Option<Sinks> {
        let refuse = |path: Option<&Path>, error: &std::io::Error, option: &str| {
            let name = path.unwrap_or_else(|| Path::new("stderr"));
            say(&format!("cannot open {}: {error}; choose another file with {option}", name.display()));
        };
        let (users, groups) = (Users::parse(&etc("passwd")), Groups::parse(&etc("group")));
        let begin = |capture: &Capture| {
            let begun = Kept::begin(plan, capture, &users, &groups);
            begun.map_err(|error| {
                refuse(Some(&capture.path), &error, "-w");
                if plan.output.summary.is_some() && error.kind() == std::io::ErrorKind::AlreadyExists {
                    say("strace's -w is --summary-wall-clock here");
                }
            })
        };
        let keep = plan.capture.as_ref().map(begin).transpose().ok()?;
        let output = match &plan.capture {
            Some(capture) if capture.alone => None,
            _ => {
                let path = plan.output.path.as_deref();
                Some(Output::open(&plan.output).map_err(|error| refuse(path, &error, "-o")).ok()?)
            }
        };
        let opened = Opened::open(&plan.outside).map_err(|why| say(&why)).ok()?;
        opened.tell();
        Some(Sinks { output, keep, users, groups, opened, ready })
    }
}

/// The threads and channels of one run.
struct Run {
    recorder: Recorder<Sender>,
    engine: Engine,
    shared: Arc<Shared>,
    reader: JoinHandle<Read>,
    /// What the log wants captured, and what clients want besides.
    wanted: (Wanted, Option<Wanted>),
    /// Whether other processes may read the ring.
    ring: bool,
    served: Served,
}

fn start(plan: &Plan, sinks: Sinks, filtered: bool, taker: Option<Taker>) -> std::io::Result<Run> {
    limits::hide();
    limits::raise_own();
    signals::arrange();
    signals::open_wake();
    let (sender, receivers): (Sender, _) = bus::bus(BUS, &outside::paces(&plan.outside))?;
    let mut receivers = receivers.into_iter();
    let receiver = receivers.next().ok_or(std::io::ErrorKind::Other)?;
    let keeper = receivers.next();
    sender.enter();
    let shared = Shared::new(plan.collecting);
    let placement = PlacementShared::default();
    let waker = sender.waker();
    let (users, groups) = (sinks.users, sinks.groups);
    let (mut judge, mut followed) = (None, None);
    let (wanted, mut pipeline) = match taker {
        Some(taker) => {
            (judge, followed) = (taker.judge, Some(taker.followed));
            let mut pipeline = Pipeline::with_sink(plan, taker.needs, taker.sink, users, groups);
            if let Some(watch) = taker.watch {
                pipeline.hand_over(watch);
            }
            (wants_of(plan, taker.needs, taker.hash), pipeline)
        }
        None => (wants(plan), Pipeline::new(plan, users, groups)),
    };
    let alerts = sinks.ready.and_then(|ready| watching::begin(ready, &plan.watching, &mut pipeline));
    let mut reader = Reader {
        receiver,
        pipeline,
        alerts,
        output: sinks.output,
        keep: sinks.keep,
        shared: Arc::clone(&shared),
        placement: placement.clone(),
        say,
        shown: None,
    };
    let served = Served::start(plan, sinks.opened, &sender, &shared, &mut reader.receiver, keeper)?;
    let recorder = Recorder::new(sender, wanted, shared.collecting(), followed);
    // Who reads the ring does not say what it shows.
    let exits = wanted.exits || plan.outside.ring.is_some();
    let launched = matches!(plan.target, Target::Launch(_));
    let mode = Mode { filtered, follow: plan.follow, exit_kill: launched, exits };
    let kill_after = match plan.orphans {
        Orphans::Wait(after) => after,
        Orphans::Kill => Some(0),
    };
    let reload = served.steer.clone().filter(|_| plan.outside.files);
    let mut engine = Engine::new(mode, plan.calls.clone(), placement);
    engine.judge_by(judge);
    let (tracer, signallers) = (limits::tid(), engine.signallers());
    let taker = Signals { shared: Arc::clone(&shared), waker, tracer, signallers, kill_after, reload };
    thread::Builder::new().name("signals".to_owned()).stack_size(128 << 10).spawn(move || taker.run())?;
    let reader = thread::Builder::new().name("reader".to_owned()).spawn(move || reader.run())?;
    Ok(Run { recorder, engine, shared, reader, wanted: (wanted, None), ring: plan.outside.ring.is_some(), served })
}

fn etc(name: &str) -> Vec<u8> {
    std::fs::read(format!("/etc/{name}")).unwrap_or_default()
}

/// The filter, or why every call has to stop.
fn choose_filter(plan: &Plan) -> Result<Vec<u8>, String> {
    if plan.seccomp == SeccompMode::Off {
        return Err("--seccomp off".to_owned());
    }
    spawn::try_filter().map_err(|errno| {
        format!("the kernel refuses a seccomp filter: {}", std::io::Error::from_raw_os_error(errno))
    })?;
    filter::build(&plan.calls, limits::pid()).map_err(|error| error.to_string())
}

fn launch(
    plan: &Plan,
    command: &Command,
    sinks: Sinks,
    mask: &signals::Mask,
    taker: Option<Taker>,
    story: &mut Story,
) -> Ending {
    let filter = match choose_filter(plan) {
        Ok(program) => Some(program),
        Err(why) => {
            let told = format!("{why}: every call stops, enabled or not (about 10 us each; with a filter 0)");
            inform(&told);
            story.fallbacks.push(told);
            None
        }
    };
    let filtered = filter.is_some();
    story.filtered = filtered;
    let child = launch::prepare(command, filter).and_then(|prepared| {
        spawn::fork(&prepared, mask)
            .map_err(|error| launch::LaunchError { status: FAILED, text: format!("cannot fork: {error}") })
    });
    let mut child = match child {
        Ok(child) => child,
        Err(error) => {
            say(&error.text);
            return Ending::Exit(error.status);
        }
    };
    let mut run = match start(plan, sinks, filtered, taker) {
        Ok(run) => run,
        Err(error) => {
            say(&format!("cannot start: {error}"));
            signals::send(child.pid, libc::SIGKILL);
            return Ending::Exit(FAILED);
        }
    };
    if let Err(error) = run.engine.seize_child(&mut run.recorder, child.pid) {
        say(&format!("{error}; the command was not run"));
        signals::send(child.pid, libc::SIGKILL);
        return Ending::Exit(FAILED);
    }
    run.shared.set_root(child.pid);
    // Gone already: its end will be told.
    let _ = child.go();
    let mut told = false;
    loop {
        let round = run.engine.round(&mut run.recorder);
        if !told && run.engine.started() {
            told = true;
            if child.report().no_new_privs {
                let told =
                    "no_new_privs was set, as the kernel demands without CAP_SYS_ADMIN: sudo and su will not work";
                inform(told);
                story.fallbacks.push(told.to_owned());
            }
        }
        if run.engine.root_status().is_some() && !run.shared.root_was_told() {
            run.shared.root_is_gone();
        }
        let requests = run.requests();
        if requests & (control::KILL | control::DETACH) != 0
            || (run.engine.root_status().is_some() && plan.orphans == Orphans::Kill)
        {
            run.engine.kill_all();
        }
        if run.engine.root_status().is_some() {
            run.engine.release_guests();
        }
        if round == Round::Done {
            break;
        }
    }
    let failed = if run.engine.started() { None } else { launch::refused(&mut child, command) };
    story.started = run.engine.started();
    let status = run.engine.root_status();
    let Finished { complete, alerted } = finish(run, plan, story);
    match (failed, complete, alerted) {
        (Some(status), ..) => Ending::Exit(status),
        (None, false, _) => Ending::Exit(INCOMPLETE),
        (None, true, Some(alerted)) => Ending::Exit(alerted),
        (None, true, None) => ending(status),
    }
}

fn attach(plan: &Plan, pids: &[Pid], tree: bool, sinks: Sinks, story: &mut Story) -> Ending {
    let mut run = match start(plan, sinks, false, None) {
        Ok(run) => run,
        Err(error) => {
            say(&format!("cannot start: {error}"));
            return Ending::Exit(FAILED);
        }
    };
    if let Err(error) = run.engine.attach(&mut run.recorder, pids, tree) {
        run.engine.detach_all(&mut run.recorder);
        finish(run, plan, story);
        say(&error.to_string());
        return Ending::Exit(FAILED);
    }
    let threads = run.engine.live();
    inform(&format!(
        "attached to {threads} thread{}; every call stops, enabled or not, because a filter needs a launch (about 10 us \
         each)",
        if threads == 1 { "" } else { "s" }
    ));
    while run.engine.round(&mut run.recorder) != Round::Done {
        if run.requests() & (control::KILL | control::DETACH) != 0 {
            run.engine.detach_all(&mut run.recorder);
            break;
        }
    }
    match finish(run, plan, story) {
        Finished { complete: false, .. } => Ending::Exit(INCOMPLETE),
        Finished { alerted, .. } => Ending::Exit(alerted.unwrap_or(0)),
    }
}
