//! Texts and buffers of a walk: how much of each is read, and whether it is said as text, as bytes, or as an address.

use super::tree::{Seen, Value};
use super::walk::{MAX_BUFFER, MAX_PATH, Walk};
use crate::model::record::State;

impl Walk<'_> {
    /// Text at `address`: at most `max` bytes of it.
    pub fn text(&mut self, name: &'static str, address: u64, max: usize, value: fn(Seen) -> Value) {
        if address == 0 {
            return self.put(name, Value::Null);
        }
        // One byte more than is shown tells whether there is more.
        let seen = self.read_text(address, max.saturating_add(1));
        if seen.state == State::Unreadable && seen.is_empty() {
            return self.put(name, Value::Unreadable(address));
        }
        let seen = if seen.len() > max { seen.part(0, max).cut() } else { seen };
        self.put(name, value(seen));
    }

    /// A path at `address`, never cut: "filenames are not considered strings and are always printed in full"
    /// (strace(1), -s).
    pub fn path(&mut self, name: &'static str, address: u64) {
        self.text(name, address, MAX_PATH - 1, Value::Path);
    }

    /// A text at `address`, cut at the limit for texts.
    pub fn string(&mut self, name: &'static str, address: u64) {
        self.text(name, address, self.text_max(), Value::Str);
    }

    /// As [`Walk::string`], of which the kernel looks at no more than `most` bytes: behind them nothing is read.
    pub fn string_within(&mut self, name: &'static str, address: u64, most: usize) {
        if address == 0 || self.text_max() < most {
            return self.string(name, address);
        }
        let seen = self.read_text(address, most);
        match seen.state {
            State::Unreadable if seen.is_empty() => self.put(name, Value::Unreadable(address)),
            _ => self.put(name, Value::Str(seen)),
        }
    }

    /// The `len` bytes at `address`, cut at the limit for texts.
    pub fn buffer(&mut self, name: &'static str, address: u64, len: usize) {
        if address == 0 {
            return self.put(name, Value::Null);
        }
        let max = self.text_max();
        let seen = self.read(address, len.min(max.saturating_add(1)));
        if seen.state == State::Unreadable && (seen.is_empty() && len > 0) {
            return self.put(name, Value::Unreadable(address));
        }
        // What cannot be read on the way to the limit is not cut by it.
        let seen = if len > max && seen.len() > max { seen.part(0, max).cut() } else { seen };
        self.put(name, Value::Bytes(seen));
    }

    /// As [`Walk::buffer`], of bytes that nobody means as text.
    pub fn binary(&mut self, name: &'static str, address: u64, len: usize) {
        let max = self.text_max();
        let seen = self.read(address, len.min(max.saturating_add(1)));
        let value = match (address, seen.len()) {
            (0, _) => Value::Null,
            (_, there) if there < len.min(max) => Value::Unreadable(address),
            (_, there) if there > max => Value::Binary(seen.part(0, max).cut()),
            _ => Value::Binary(seen),
        };
        self.put(name, value);
    }

    fn text_max(&self) -> usize {
        self.limits.str_max.min(MAX_BUFFER - 1)
    }
}
