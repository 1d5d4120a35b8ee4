//! Events to bytes. One file per format and one line in [`formats`].
//!
//! A sink keeps caches, never state of the trace: two sinks fed the same events write the same. Every byte that a
//! tracee chose goes through `escape` or `wire`, so that it can neither break a line nor forge a field of it.

mod clock;
mod ebpf;
mod escape;
mod json;
mod lines;
mod module;
mod values;
mod wire;

pub use clock::utc_offset;
pub(crate) use escape::render_safe;

use crate::event::Event;
use crate::model::Plan;

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
}

static FORMATS: [Format; 3] = [module::FORMAT, ebpf::FORMAT, json::FORMAT];

/// The names and descriptions of all formats, for `--format`.
pub const CHOICES: &[(&str, &str)] = &[
    (module::FORMAT.name, module::FORMAT.about),
    (ebpf::FORMAT.name, ebpf::FORMAT.about),
    (json::FORMAT.name, json::FORMAT.about),
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

/// The sink of the plan's format; `options` has refused names that are none.
#[must_use]
pub fn make(plan: &Plan) -> (Needs, Box<dyn Sink + Send>) {
    let format = by_name(&plan.output.format).unwrap_or(&module::FORMAT);
    (format.needs, (format.make)(plan))
}

#[cfg(test)]
mod tests;
