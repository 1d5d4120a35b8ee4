//! Events to bytes. One file per format and one line in [`formats`].
//!
//! A sink keeps caches, never state of the trace: two sinks fed the same events write the same. Every byte that a
//! tracee chose goes through `escape` or `wire`, so that it can neither break a line nor forge a field of it.

mod clock;
mod direct;
mod ebpf;
mod escape;
mod json;
mod lines;
mod module;
mod strace;
mod summary;
mod values;
mod wire;

pub use clock::utc_offset;
pub(crate) use escape::render_safe;

use crate::event::Event;
use crate::model::Plan;
use crate::rules::Heard;
use crate::state::Who;
use crate::table;

/// What a format needs that costs the tracee time to read.
#[derive(Default, Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    /// What arguments point to.
    pub args: bool,
    /// The open file descriptors at each event.
    pub fds: bool,
    /// What the new file descriptor of an open refers to.
    pub opened: bool,
    /// What the file descriptors that a call names refer to. With `fds` that is known already.
    pub named: bool,
    /// More of them than their names: the ends of sockets, the numbers of devices, the processes of pidfds.
    pub detail: bool,
    /// The environment that a new program is given.
    pub env: bool,
    /// Signals with all that comes with them, stops, and the ends of threads.
    pub signals: bool,
    /// How long a call ran on a CPU.
    pub ran: bool,
    /// The exit of a call is written into the line of its enter, so that one is nothing without the other.
    pub pairs: bool,
}

impl Needs {
    /// Only the registers.
    pub const NOTHING: Needs = Needs {
        args: false,
        fds: false,
        opened: false,
        named: false,
        detail: false,
        env: false,
        signals: false,
        ran: false,
        pairs: false,
    };
}

/// An output format.
#[derive(Debug)]
pub struct Format {
    /// `--format`'s word for it.
    pub name: &'static str,
    /// What `smtrace list formats` says.
    pub about: &'static str,
    /// What it needs.
    pub needs: Needs,
    pub(crate) make: fn(&Plan) -> Box<dyn Sink + Send>,
}

/// Renders events, one line each with its newline.
pub trait Sink {
    /// Appends `event` to `out`.
    fn render(&mut self, event: &Event<'_>, out: &mut Vec<u8>);

    /// Takes an alert about the event that was rendered last, when alerts are not written as text.
    fn heard(&mut self, _event: &Event<'_>, _heard: &Heard) {}

    /// Appends what is to be said of a new task, which is no event.
    fn born(&mut self, _who: &Who<'_>, _out: &mut Vec<u8>) {}

    /// Appends what is to be said when all events were rendered.
    fn finish(&mut self, _out: &mut Vec<u8>) {}
}

static FORMATS: [Format; 4] = [module::FORMAT, ebpf::FORMAT, json::FORMAT, strace::FORMAT];

/// The names and descriptions of all formats, for `--format`.
pub const CHOICES: &[(&str, &str)] = &[
    (module::FORMAT.name, module::FORMAT.about),
    (ebpf::FORMAT.name, ebpf::FORMAT.about),
    (json::FORMAT.name, json::FORMAT.about),
    (strace::FORMAT.name, strace::FORMAT.about),
];

/// All formats.
#[must_use]
pub fn formats() -> &'static [Format] {
    &FORMATS
}

/// The format with this name.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}

/// What the plan's format needs, as it is to be written.
#[must_use]
pub fn needs(plan: &Plan) -> Needs {
    let mut needs = by_name(&plan.output.format).map_or(Needs::NOTHING, |format| format.needs);
    if let Some(summary) = &plan.output.summary {
        needs = if summary.events_too { needs } else { Needs::NOTHING };
        needs.pairs = true;
        needs.ran = summary.needs_kernel_time();
    }
    // Without -v only their number is said.
    let exec = table::by_name("execve").map(table::Row::index);
    needs.env &= exec.is_some_and(|exec| !plan.output.rendering.abbrev.contains(exec));
    let fds = plan.output.rendering.fds;
    let named = fds.any() && plan.output.format == strace::FORMAT.name;
    needs.detail = (fds.socket || fds.device || fds.pidfd) && (named || plan.output.format == json::FORMAT.name);
    if named || needs.detail || !plan.filters.touching.anything() {
        (needs.opened, needs.named, needs.args) = (true, true, true);
    }
    needs
}

/// The sink of the plan's format; `options` has refused names that are none.
#[must_use]
pub fn make(plan: &Plan) -> (Needs, Box<dyn Sink + Send>) {
    let format = by_name(&plan.output.format).unwrap_or(&module::FORMAT);
    let sink = (format.make)(plan);
    match &plan.output.summary {
        Some(summary) => (needs(plan), Box::new(summary::Summary::new(summary, sink))),
        None => (needs(plan), sink),
    }
}

#[cfg(test)]
mod tests;
