//! One call of a record, with what is known of the sockets it may be about: what an event's parameters are made of.

pub(super) use crate::event::call::{int, number};

use super::sockets::Sockets;
use crate::event::call;
use crate::model::record::{Kind, Record};
use crate::table::Row;
use std::ops::Deref;

/// A call at its enter or at its exit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call<'a> {
    /// Its row.
    pub(super) row: &'static Row,
    /// What is known of the sockets.
    pub(super) sockets: &'a Sockets,
    call: call::Call<'a>,
}

impl<'a> Call<'a> {
    /// The call that `record` tells of.
    pub(super) fn new(
        row: &'static Row,
        record: &'a Record<'a>,
        entered: Option<&'a Record<'a>>,
        sockets: &'a Sockets,
    ) -> Call<'a> {
        Call::of(row, call::Call::new(Some(row), record, entered), sockets)
    }

    /// The same call, with what is known of the sockets.
    pub(super) fn of(row: &'static Row, call: call::Call<'a>, sockets: &'a Sockets) -> Call<'a> {
        Call { row, sockets, call }
    }

    /// What it returned; 0 at enter, where libscap's events have none.
    pub(super) fn returned(&self) -> i64 {
        self.record.head().result
    }

    /// Whether it has returned.
    pub(super) fn is_exit(&self) -> bool {
        self.record.head().kind == Kind::Exit
    }
}

/// All that is asked of any call can be asked of this one.
impl<'a> Deref for Call<'a> {
    type Target = call::Call<'a>;

    fn deref(&self) -> &call::Call<'a> {
        &self.call
    }
}
