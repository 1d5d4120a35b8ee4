//! An event in libscap's binary form: a head, the lengths of its parameters, the parameters.
//!
//! ```text
//!  0  u64  time, nanoseconds since the epoch
//!  8  u64  thread
//! 16  u32  length of all
//! 20  u16  type
//! 22  u32  number of parameters
//! 26  u16  length of each parameter, then the parameters
//! ```

use crate::model::Pid;

/// Bytes before the lengths.
const HEAD: usize = 26;

/// Builds one event after another in the same memory.
#[derive(Debug, Default)]
pub(super) struct Builder {
    time: u64,
    tid: Pid,
    number: u16,
    lens: Vec<u16>,
    data: Vec<u8>,
    bytes: Vec<u8>,
}

impl Builder {
    /// Starts an event.
    pub(super) fn begin(&mut self, time: u64, tid: Pid, number: u16) -> &mut Builder {
        (self.time, self.tid, self.number) = (time, tid, number);
        self.lens.clear();
        self.data.clear();
        self
    }

    /// Adds the parameter that `write` appends.
    pub(super) fn with(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> &mut Builder {
        let start = self.data.len();
        write(&mut self.data);
        self.data.truncate(start + usize::from(u16::MAX));
        self.lens.push(u16::try_from(self.data.len() - start).unwrap_or(u16::MAX));
        self
    }

    /// Adds a signed number of 8 bytes.
    pub(super) fn i64(&mut self, value: i64) -> &mut Builder {
        self.with(|to| to.extend_from_slice(&value.to_le_bytes()))
    }

    /// Adds a process or thread.
    pub(super) fn pid(&mut self, pid: Pid) -> &mut Builder {
        self.i64(i64::from(pid))
    }

    /// Adds the low `width` bytes of a number.
    pub(super) fn number(&mut self, value: u64, width: usize) -> &mut Builder {
        self.with(|to| super::param::put(value, width, to))
    }

    /// Adds so many parameters of `width` bytes that are 0.
    pub(super) fn zeros(&mut self, count: usize, width: usize) -> &mut Builder {
        for _ in 0..count {
            self.number(0, width);
        }
        self
    }

    /// Adds text.
    pub(super) fn text(&mut self, text: &[u8]) -> &mut Builder {
        self.with(|to| super::param::put_text(text, to))
    }

    /// The event as bytes.
    pub(super) fn finish(&mut self) -> &[u8] {
        let len = HEAD + 2 * self.lens.len() + self.data.len();
        let out = &mut self.bytes;
        out.clear();
        out.extend_from_slice(&self.time.to_le_bytes());
        out.extend_from_slice(&i64::from(self.tid).to_le_bytes());
        out.extend_from_slice(&u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes());
        out.extend_from_slice(&self.number.to_le_bytes());
        out.extend_from_slice(&u32::try_from(self.lens.len()).unwrap_or(u32::MAX).to_le_bytes());
        out.extend(self.lens.iter().flat_map(|len| len.to_le_bytes()));
        out.extend_from_slice(&self.data);
        out
    }
}
