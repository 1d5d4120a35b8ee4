//! Records into bytes, in place.

use super::{Head, PIECE_HEADER, Role, State};

/// Writes one record into a buffer that was reserved for it. Never allocates; what does not fit is left out and marked cut.
#[derive(Debug)]
pub struct Writer<'a> {
    out: &'a mut [u8],
    len: usize,
    pieces: u8,
}

impl<'a> Writer<'a> {
    /// Starts a record with its fixed part in `out`, which must hold at least [`super::HEADER`] + 48 bytes.
    #[must_use]
    pub fn new(out: &'a mut [u8], head: &Head, args: &[u64]) -> Writer<'a> {
        let args = args.get(..6).unwrap_or(args);
        let mut writer = Writer { out, len: 0, pieces: 0 };
        writer.put(&0u32.to_le_bytes());
        let abi = head.abi.map_or(0xff, |abi| abi as u8);
        let count = u8::try_from(args.len()).unwrap_or(6);
        writer.put(&[head.kind as u8, abi, count, 0]);
        writer.put(&head.time.to_le_bytes());
        writer.put(&head.pid.to_le_bytes());
        writer.put(&head.tid.to_le_bytes());
        writer.put(&head.nr.to_le_bytes());
        writer.put(&head.flags.to_le_bytes());
        writer.put(&head.result.to_le_bytes());
        for arg in args {
            writer.put(&arg.to_le_bytes());
        }
        writer
    }

    fn put(&mut self, bytes: &[u8]) {
        if let Some(to) = self.out.get_mut(self.len..self.len + bytes.len()) {
            to.copy_from_slice(bytes);
            self.len += bytes.len();
        }
    }

    /// How many bytes of data a further piece can hold.
    #[must_use]
    pub fn room(&self) -> usize {
        if self.pieces == u8::MAX {
            return 0;
        }
        (self.out.len().saturating_sub(self.len + PIECE_HEADER)) & !7
    }

    /// Adds a piece whose bytes are at hand.
    pub fn piece(&mut self, role: Role, index: u16, address: u64, state: State, data: &[u8]) {
        let room = self.room();
        let (data, state) = match data.get(..room) {
            Some(head) if data.len() > room => (head, State::Cut),
            _ => (data, state),
        };
        self.piece_with(role, index, address, data.len(), |to| {
            to.copy_from_slice(data);
            (data.len(), state)
        });
    }

    /// Adds a piece of at most `max` bytes that `fill` writes in place; it returns how many and their state.
    pub fn piece_with(
        &mut self,
        role: Role,
        index: u16,
        address: u64,
        max: usize,
        fill: impl FnOnce(&mut [u8]) -> (usize, State),
    ) {
        let max = max.min(self.room());
        let start = self.len + PIECE_HEADER;
        let Some(space) = self.out.get_mut(start..start + max) else { return };
        if self.pieces == u8::MAX {
            return;
        }
        let (len, state) = fill(space);
        let len = len.min(max);
        let end = start + len.next_multiple_of(8);
        if let Some(padding) = self.out.get_mut(start + len..end) {
            padding.fill(0);
        }
        self.put(&address.to_le_bytes());
        self.put(&u32::try_from(len).unwrap_or(0).to_le_bytes());
        self.put(&[role as u8, state as u8]);
        self.put(&index.to_le_bytes());
        self.len = end;
        self.pieces += 1;
    }

    /// The record as far as it is written.
    #[must_use]
    pub fn written(&self) -> &[u8] {
        self.out.get(..self.len).unwrap_or(&[])
    }

    /// Sets bits of the flags.
    pub fn add_flags(&mut self, bits: u32) {
        if let Some(at) = self.out.get_mut(28..32) {
            let mut old = [0; 4];
            old.copy_from_slice(at);
            at.copy_from_slice(&(u32::from_le_bytes(old) | bits).to_le_bytes());
        }
    }

    /// Completes the record and returns its length.
    #[must_use]
    pub fn finish(self) -> usize {
        let len = u32::try_from(self.len).unwrap_or(0);
        if let Some(at) = self.out.get_mut(..4) {
            at.copy_from_slice(&len.to_le_bytes());
        }
        if let Some(at) = self.out.get_mut(7) {
            *at = self.pieces;
        }
        self.len
    }
}
