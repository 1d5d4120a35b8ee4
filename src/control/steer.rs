//! Commands in words, and what they do: the one place that knows what is traced and shown now.
//!
//! It never touches a tracee or the log: it orders the threads that do, and answers when they have done it. What it
//! acknowledges has taken effect: no event that a command forbids is written after its answer.

use super::commands::{Command, Done, Order, ReaderOrder, Turn};
use super::{DETACH, KILL, Shared};
use crate::bus::Waker;
use crate::capture::Wanted;
use crate::model::{CallSet, Pid, Plan};
use crate::options::{self, Choices};
use crate::sys::clock;
use crate::table;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;

/// How long an order may take before the answer says that it is still under way.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long tasks may take to reach their next stop before they are named.
const REACH: u64 = 1_000_000_000;

/// Between two looks at something that another thread does.
const NAP: Duration = Duration::from_millis(5);

/// What other parts of a run say about themselves, for `status`.
pub type Figures = Box<dyn Fn() -> Vec<(&'static str, serde_json::Value)> + Send + Sync>;

/// What the steering needs.
pub struct Steering {
    /// The run's state.
    pub shared: Arc<Shared>,
    /// Wakes the reader.
    pub waker: Waker,
    /// The plan in force.
    pub plan: Plan,
    /// The formats that can be chosen.
    pub choices: Choices,
    /// What a plan needs captured.
    pub wants: fn(&Plan) -> Wanted,
    /// Reads the command line and its files again.
    pub reread: Box<dyn Fn() -> Result<Plan, String> + Send + Sync>,
    /// Says a line of our own.
    pub say: fn(&str),
    /// What else `status` shows.
    pub figures: Figures,
}

/// The steering of one run.
pub struct Steer {
    setup: Steering,
    plan: Mutex<Plan>,
    tests: AtomicU64,
    begun: u64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl std::fmt::Debug for Steer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Steer").finish_non_exhaustive()
    }
}

impl Steer {
    /// The steering of a run that begins.
    #[must_use]
    pub fn new(setup: Steering) -> Steer {
        let plan = Mutex::new(setup.plan.clone());
        Steer { setup, plan, tests: AtomicU64::new(0), begun: clock::monotonic() }
    }

    /// Does what `line` says; one or more lines of answer.
    ///
    /// # Errors
    /// Why it was not done.
    pub fn command(&self, line: &str) -> Result<String, String> {
        let mut words = line.split_ascii_whitespace();
        let word = words.next().unwrap_or("");
        let rest: Vec<&str> = words.collect();
        match (word, rest.as_slice()) {
            ("enable", [_, ..]) => self.change_calls(&rest, true),
            ("disable", [_, ..]) => self.change_calls(&rest, false),
            ("drop-mode", ["on"]) => self.collect(false),
            ("drop-mode", ["off"]) => self.collect(true),
            ("status", []) => Ok(self.status(false)),
            ("status", ["--json"]) => Ok(self.status(true)),
            ("set", [key, value]) => self.set(key, value),
            ("rotate", []) => self.turn(Turn::Rotate),
            ("attach", [pid]) => self.trace(Command::Attach(pid_of(pid)?)),
            ("detach", [pid]) => self.trace(Command::Detach(pid_of(pid)?)),
            ("stop", []) => Ok(self.stop(false)),
            ("stop", ["now"]) => Ok(self.stop(true)),
            ("test", []) => self.test(),
            ("reload", []) => self.reload(),
            _ => Err(
                "give enable CALLS, disable CALLS, drop-mode on|off, status [--json], set KEY VALUE, rotate, attach \
                      PID, detach PID, reload, test, or stop [now]"
                    .to_owned(),
            ),
        }
    }

    /// Reads the configuration again and says what came of it.
    pub fn reload_and_say(&self) {
        match self.reload() {
            Ok(text) => (self.setup.say)(&text),
            Err(why) => (self.setup.say)(&format!("{why}; what was in force stays")),
        }
    }

    fn order(&self, command: Command) -> Result<Done, String> {
        let (reply, answer) = mpsc::channel();
        self.setup.shared.order(Order { command, reply: Some(reply) });
        answer.recv_timeout(PATIENCE).map_err(|error| match error {
            mpsc::RecvTimeoutError::Timeout => {
                "not done yet: the tracing thread waits for a reader that takes nothing; it will be done".to_owned()
            }
            mpsc::RecvTimeoutError::Disconnected => "the trace has ended".to_owned(),
        })
    }

    /// An order that is done when what was sent before it has been written.
    fn trace(&self, command: Command) -> Result<String, String> {
        let done = self.order(command)?;
        let text = done.text?;
        Ok(match self.await_written(done.position) {
            Ok(()) => text,
            Err(late) => format!("{text}; {late}"),
        })
    }

    /// Waits until the log's reader has written all that was sent before `position`.
    fn await_written(&self, position: u64) -> Result<(), String> {
        let until = clock::monotonic() + u64::try_from(PATIENCE.as_nanos()).unwrap_or(0);
        while self.setup.shared.written() < position {
            if clock::monotonic() > until {
                return Err("the log's reader is behind, and events from before may still be written".to_owned());
            }
            self.setup.waker.wake();
            std::thread::sleep(NAP);
        }
        Ok(())
    }

    fn turn(&self, turn: Turn) -> Result<String, String> {
        let (reply, answer) = mpsc::channel();
        self.setup.shared.turn(ReaderOrder { turn, reply });
        self.setup.waker.wake();
        answer.recv_timeout(PATIENCE).unwrap_or_else(|error| {
            Err(match error {
                mpsc::RecvTimeoutError::Timeout => "not done yet: the log takes nothing; it will be done".to_owned(),
                mpsc::RecvTimeoutError::Disconnected => "the trace has ended".to_owned(),
            })
        })
    }

    fn change_calls(&self, expressions: &[&str], add: bool) -> Result<String, String> {
        let named = options::calls(expressions)?;
        let mut plan = lock(&self.plan);
        let mut calls = plan.calls.clone();
        for index in named.iter() {
            if add { calls.insert(index) } else { calls.remove(index) }
        }
        let text = self.apply_calls(&calls)?;
        plan.calls = calls;
        Ok(text)
    }

    fn apply_calls(&self, calls: &CallSet) -> Result<String, String> {
        let text = self.trace(Command::Calls(Box::new(calls.clone())))?;
        let until = clock::monotonic() + REACH;
        loop {
            let left = self.order(Command::Unreached)?.tasks;
            if left.is_empty() {
                return Ok(text);
            }
            if clock::monotonic() > until {
                let names: Vec<String> = left.iter().map(Pid::to_string).collect();
                return Ok(format!("{text}; not reached yet, until they stop next: {}", names.join(", ")));
            }
            std::thread::sleep(NAP);
        }
    }

    fn collect(&self, on: bool) -> Result<String, String> {
        self.trace(Command::Collect(on))
    }

    fn set(&self, key: &str, value: &str) -> Result<String, String> {
        let mut plan = lock(&self.plan);
        // What is shown of the calls is apart from what is traced.
        let mut shown = plan.clone();
        if key == "filter" && self.setup.shared.shown().is_none() {
            shown.calls = options::calls(&["all"])?;
        }
        options::set(&mut shown, key, value, &self.setup.choices)?;
        if key == "filter" {
            self.setup.shared.show(shown.calls.clone());
            shown.calls = plan.calls.clone();
        }
        self.apply_view(&shown)?;
        *plan = shown;
        Ok(format!("{key} is {value}"))
    }

    /// What the log shows is captured before it is shown.
    fn apply_view(&self, plan: &Plan) -> Result<(), String> {
        self.order(Command::Want((self.setup.wants)(plan)))?;
        self.turn(Turn::Show(Box::new(plan.clone()))).map(drop)
    }

    fn reload(&self) -> Result<String, String> {
        let new = (self.setup.reread)()?;
        let mut plan = lock(&self.plan);
        let text = self.apply_calls(&new.calls)?;
        plan.calls = new.calls;
        plan.filters = new.filters;
        plan.output.format = new.output.format;
        plan.output.str_max = new.output.str_max;
        self.apply_view(&plan)?;
        Ok(format!("the configuration was read again: {text}"))
    }

    fn stop(&self, now: bool) -> String {
        let shared = &self.setup.shared;
        if shared.is_launched() && !now {
            shared.end_command();
            return "SIGTERM was sent to the command; `stop now` kills all that it started".to_owned();
        }
        shared.request(if shared.is_launched() { KILL } else { DETACH });
        self.setup.waker.abort();
        if shared.is_launched() { "everything is being killed" } else { "every process is being let go" }.to_owned()
    }

    fn test(&self) -> Result<String, String> {
        let n = self.tests.fetch_add(1, Ordering::Relaxed) + 1;
        self.trace(Command::Test(n))
    }

    fn status(&self, json: bool) -> String {
        let plan = lock(&self.plan);
        let shared = &self.setup.shared;
        let waker = &self.setup.waker;
        let (second, ten) = shared.rates();
        let enabled = plan.calls.iter().filter(|index| table::rows().get(*index).is_some()).count();
        let seconds = clock::monotonic().saturating_sub(self.begun) / 1_000_000_000;
        let mut all = vec![
            ("v", 1.into()),
            ("seconds", seconds.into()),
            ("collecting", shared.is_collecting().into()),
            ("calls_enabled", enabled.into()),
            ("every_call_stops", shared.is_stepping().into()),
            ("tracees", shared.tracees().into()),
            ("records", waker.sent().into()),
            ("events", shared.events().into()),
            ("records_lost", waker.lost().into()),
            ("events_lost", shared.events_lost().into()),
            ("records_per_second", second.0.into()),
            ("events_per_second", second.1.into()),
            ("records_per_second_of_10", ten.0.into()),
            ("events_per_second_of_10", ten.1.into()),
            ("memory_bytes", resident().into()),
        ];
        all.extend((self.setup.figures)());
        if json {
            let map: serde_json::Map<_, _> = all.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
            return serde_json::Value::Object(map).to_string();
        }
        let line = |(key, value): &(&str, serde_json::Value)| format!("{:<26}{value}", key.replace('_', " "));
        all.iter().skip(1).map(line).collect::<Vec<_>>().join("\n")
    }
}

/// Bytes of memory that smtrace holds: the resident set of proc_pid_statm(5).
fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = text.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
    pages * procfs::page_size()
}

fn pid_of(word: &str) -> Result<Pid, String> {
    word.parse().ok().filter(|pid| *pid > 0).ok_or_else(|| format!("`{word}` is no process id"))
}
