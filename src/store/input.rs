//! Frames out of the bytes of a file, plain or compressed: finds them, checks their sums, passes over what is damaged.
//! It knows nothing of what a frame holds.

use super::frame::{HEAD, Head, MARK};
use super::packing::{self, PACKED_HEAD, PACKED_MARK, Packed, ZSTD_MARK};
use super::reader::Refused;
use super::{MAGIC, START, VERSION};
use crate::model::record;
use std::io::{self, Read};

/// Bytes asked for at once.
const CHUNK: usize = 64 * 1024;

/// How often what follows a head is searched for further ones, as each search can look at a whole body again.
const MOST_RESCANS: u32 = 1024;

/// The largest window of a capture that another program compressed, as a power of two: zstd's own default limit.
const MOST_WINDOW: u32 = 27;

/// Frames out of bytes.
pub(super) struct Input {
    from: Box<dyn Read>,
    /// Bytes that were read and not used, from `start` on.
    buffer: Vec<u8>,
    start: usize,
    /// The file is compressed frame by frame.
    packed: bool,
    /// The number of the capture, from its first frame.
    capture: Option<u64>,
    /// What follows the head of the last frame.
    pub(super) body: Vec<u8>,
    space: Vec<u8>,
    /// Places that were passed over.
    pub(super) damaged: u64,
    /// Why there is no more to read, when not for the end.
    pub(super) error: Option<io::Error>,
    rescans: u32,
}

impl Input {
    /// Frames of what `from` gives.
    pub(super) fn new(from: Box<dyn Read>) -> Input {
        Input {
            from,
            buffer: Vec::new(),
            start: 0,
            packed: false,
            capture: None,
            body: Vec::new(),
            space: Vec::new(),
            damaged: 0,
            error: None,
            rescans: 0,
        }
    }

    /// Frames from the middle of a capture on, where one begins.
    pub(super) fn at_frame(from: Box<dyn Read>, packed: bool) -> Input {
        Input { packed, ..Input::new(from) }
    }

    /// The next `len` bytes, if there are so many.
    fn look(&mut self, len: usize) -> Option<&[u8]> {
        while self.buffer.len() - self.start < len {
            self.buffer.drain(..self.start);
            self.start = 0;
            let had = self.buffer.len();
            self.buffer.resize(had.max(len) + CHUNK, 0);
            let got = self.from.read(self.buffer.get_mut(had..).unwrap_or_default());
            self.buffer.truncate(had + *got.as_ref().unwrap_or(&0));
            match got {
                Ok(0) => return None,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.error = Some(error);
                    return None;
                }
            }
        }
        self.buffer.get(self.start..self.start + len)
    }

    /// Whether there is anything more to read. Of a file that is compressed frame by frame that is not known: the
    /// list of its frames follows the end.
    pub(super) fn goes_on(&mut self) -> bool {
        !self.packed && self.look(1).is_some()
    }

    fn skip(&mut self, len: usize) {
        self.start = (self.start + len).min(self.buffer.len());
    }

    /// How many bytes are left when there is no more to read.
    fn left(&self) -> usize {
        self.buffer.len() - self.start
    }

    /// Reads what a capture starts with, up to the first frame.
    pub(super) fn begin(&mut self) -> Result<(), Refused> {
        let first = match self.look(PACKED_MARK.len()) {
            Some(first) => first.to_vec(),
            None => return Err(self.error.take().map_or(Refused::Foreign, Refused::Unreadable)),
        };
        if first == PACKED_MARK {
            self.packed = true;
            // The start lies before the first frame in the first zstd frame.
            self.unpack().ok_or(Refused::Damaged)?;
            check_start(&self.space)?;
            self.space.drain(..START);
            return Ok(());
        }
        if first.starts_with(&ZSTD_MARK) {
            let rest = self.buffer.split_off(self.start);
            let from = std::mem::replace(&mut self.from, Box::new(io::empty()));
            let mut decoder =
                zstd::stream::read::Decoder::new(io::Cursor::new(rest).chain(from)).map_err(Refused::Unreadable)?;
            decoder.window_log_max(MOST_WINDOW).map_err(Refused::Unreadable)?;
            *self = Input::new(Box::new(decoder));
        }
        let start = match self.look(START) {
            Some(start) => start.to_vec(),
            None => return Err(self.error.take().map_or(Refused::Foreign, Refused::Unreadable)),
        };
        check_start(&start)?;
        self.skip(START);
        Ok(())
    }

    /// The next frame whose sums are right, its body in `body`; `None` at the end of the file.
    pub(super) fn frame(&mut self) -> Option<Head> {
        if self.packed { self.packed_frame() } else { self.plain_frame() }
    }

    fn plain_frame(&mut self) -> Option<Head> {
        let mut lost = false;
        loop {
            let head = self.look(HEAD).and_then(|bytes| Head::parse(bytes.try_into().ok()?));
            let Some(head) = head.filter(|head| self.is_ours(head.capture)) else {
                if self.left() == 0 {
                    return None;
                }
                // Where the next frame begins is not known: its mark is looked for.
                self.damaged += u64::from(!std::mem::replace(&mut lost, true));
                self.seek(&MARK, HEAD)?;
                continue;
            };
            let (body, all) = (head.body as usize, HEAD + head.body as usize);
            let Some(bytes) = self.look(all) else {
                self.damaged += u64::from(!lost);
                self.start = self.buffer.len();
                return None;
            };
            let bytes = bytes.get(HEAD..all).unwrap_or_default();
            if head.matches(bytes) {
                self.body.clear();
                self.body.reserve(body);
                self.body.extend_from_slice(self.buffer.get(self.start + HEAD..self.start + all)?);
                self.skip(all);
                self.capture = Some(head.capture);
                return Some(head);
            }
            self.damaged += u64::from(!std::mem::replace(&mut lost, true));
            self.pass(all, HEAD, |bytes| {
                bytes.try_into().ok().and_then(Head::parse).is_some_and(|next| next.capture == head.capture)
            });
        }
    }

    /// Passes a frame with a damaged body: by its length, or, when no head lies there, by its own head alone.
    fn pass(&mut self, all: usize, head: usize, is_head: impl Fn(&[u8]) -> bool) {
        let more = self.look(all + head).is_some();
        let next = self.buffer.get(self.start + all..).and_then(|rest| rest.get(..head)).is_some_and(is_head);
        let by_length = next || !more || self.rescans == MOST_RESCANS;
        self.rescans += u32::from(!by_length);
        self.skip(if by_length { all } else { head });
    }

    fn is_ours(&self, capture: u64) -> bool {
        self.capture.is_none_or(|own| own == capture)
    }

    /// Goes on to the next `mark` after the first byte; `None` when there is none.
    fn seek(&mut self, mark: &[u8], least: usize) -> Option<()> {
        self.skip(1);
        loop {
            let waiting = self.buffer.get(self.start..).unwrap_or_default();
            if let Some(at) = memchr::memmem::find(waiting, mark) {
                self.skip(at);
                return Some(());
            }
            // The mark's first bytes may be the last that were read.
            let most = waiting.len().saturating_sub(mark.len() - 1);
            self.skip(most);
            let left = self.left();
            if self.look(left.max(least) + 1).is_none() && self.left() == left {
                self.start = self.buffer.len();
                return None;
            }
        }
    }

    fn packed_frame(&mut self) -> Option<Head> {
        loop {
            if self.space.is_empty() {
                self.unpack()?;
            }
            let (head, body) = self.space.split_at_checked(HEAD).unwrap_or_default();
            let head = head.try_into().ok().and_then(Head::parse);
            let good = head.filter(|head| self.is_ours(head.capture) && head.matches(body));
            if let Some(head) = good {
                self.space.drain(..HEAD);
                std::mem::swap(&mut self.space, &mut self.body);
                self.space.clear();
                self.capture = Some(head.capture);
                return Some(head);
            }
            self.space.clear();
            self.damaged += 1;
        }
    }

    /// Expands the next zstd frame into `space`.
    fn unpack(&mut self) -> Option<()> {
        let mut lost = false;
        loop {
            let head = self.look(PACKED_HEAD).and_then(|bytes| Packed::parse(bytes.try_into().ok()?));
            let Some(head) = head.filter(|head| self.is_ours(head.capture)) else {
                if self.left() == 0 {
                    return None;
                }
                self.damaged += u64::from(!std::mem::replace(&mut lost, true));
                self.seek(&PACKED_MARK, PACKED_HEAD)?;
                continue;
            };
            let all = PACKED_HEAD + head.stored as usize;
            if self.look(all).is_none() {
                self.damaged += u64::from(!lost);
                self.start = self.buffer.len();
                return None;
            }
            let stored = self.buffer.get(self.start + PACKED_HEAD..self.start + all).unwrap_or_default();
            if packing::unpack(&head, stored, &mut self.space).is_some() {
                self.skip(all);
                return Some(());
            }
            self.damaged += u64::from(!std::mem::replace(&mut lost, true));
            self.pass(all, PACKED_HEAD, |bytes| {
                bytes.try_into().ok().and_then(Packed::parse).is_some_and(|next| next.capture == head.capture)
            });
        }
    }
}

fn check_start(start: &[u8]) -> Result<(), Refused> {
    let word = |at: usize| Some(u16::from_le_bytes(start.get(at..at + 2)?.try_into().ok()?));
    let (true, Some(file), Some(records)) = (start.starts_with(&MAGIC), word(8), word(10)) else {
        return Err(Refused::Foreign);
    };
    match () {
        () if file > VERSION => Err(Refused::Newer(file, VERSION)),
        () if records > record::VERSION => Err(Refused::Newer(records, record::VERSION)),
        () => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_every_version_up_to_ours_are_read() {
        let start = |file: u16, records: u16| {
            let bytes = [&MAGIC[..], &file.to_le_bytes(), &records.to_le_bytes(), &[0; 4]].concat();
            assert_eq!(bytes.len(), START);
            check_start(&bytes)
        };
        for records in 1..=record::VERSION {
            assert!(start(VERSION, records).is_ok(), "{records}");
        }
        assert!(matches!(start(VERSION, record::VERSION + 1), Err(Refused::Newer(..))));
        assert!(matches!(start(VERSION + 1, 1), Err(Refused::Newer(..))));
    }
}
