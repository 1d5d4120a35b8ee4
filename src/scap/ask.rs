//! One parameter of a call's event, for who wants no capture: conditions compare what a capture would say.

use super::call;
use super::param::Param;
use super::sockets::Sockets;
use super::table::Index;
use crate::event::call::Call;
use crate::table::Row;

fn parameter(row: &Row, at: usize) -> Option<&'static Param> {
    Index::get().event(row)?.exit.get(at)
}

/// Appends the parameter at place `at` of the exit of `call`, in the form that an event has it: numbers with the low byte
/// first, texts with their NUL. Nothing where smtrace does not know it, or where a call that has not returned has none yet.
///
/// The two ends of a connection come from an account that is not asked here: of them only what the call itself says.
pub(crate) fn put(call: &Call<'_>, at: usize, out: &mut Vec<u8>) {
    let Some((row, param)) = call.row.and_then(|row| Some((row, parameter(row, at)?))) else { return };
    let sockets = Sockets::default();
    let call = call::Call::of(row, *call, &sockets);
    if param.is_known(&call) {
        param.put(&call, out);
    }
}

/// The call's argument that the parameter at place `at` is, when that is a descriptor or another `int`.
pub(crate) fn int(row: &Row, at: usize) -> Option<&'static str> {
    match parameter(row, at)? {
        Param::Int(name) => Some(name),
        _ => None,
    }
}

/// How many parameters the call's exit has; `None` for a call that has no event here.
#[cfg(test)]
pub(crate) fn count(row: &Row) -> Option<usize> {
    Index::get().event(row).map(|event| event.exit.len())
}
