//! The other side of `format=capture`: the capture out of what a stream says.
//!
//! A stream may have sent lines before it heard the choice: they are passed over. A refusal is the error of the read.

use crate::store::MAGIC;
use std::io::{self, Read};

/// How a stream says that it refuses something. No line of an event begins so.
const REFUSAL: &[u8] = b"smtrace: ";

/// The most bytes of a refusal that are told.
const MOST: usize = 512;

/// Reads the capture of a stream, for a [`crate::store::Reader`].
///
/// What `from` answers for want of bytes (`WouldBlock`, `TimedOut`) is passed on; reading can go on after it.
#[derive(Debug)]
pub struct Records<R> {
    from: R,
    /// What was read and not given; until the capture begins, at the beginning of a line.
    held: Vec<u8>,
    begun: bool,
}

impl<R: Read> Records<R> {
    /// The capture in what `from` gives.
    pub fn new(from: R) -> Records<R> {
        Records { from, held: Vec::new(), begun: false }
    }

    /// Passes over the whole lines in `held`.
    fn pass(&mut self) -> io::Result<()> {
        loop {
            if self.held.starts_with(&MAGIC) {
                self.begun = true;
                return Ok(());
            }
            let Some(end) = memchr::memchr(b'\n', &self.held) else { break };
            // What the capture starts with has a line's end itself.
            let line: Vec<u8> = self.held.drain(..=end).collect();
            if line.starts_with(REFUSAL) {
                return Err(refused(&line));
            }
        }
        // A line that is none of a stream's does not grow without end.
        if self.held.len() > 2 * crate::model::record::MAX_RECORD {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "what is sent is no stream of smtrace"));
        }
        Ok(())
    }
}

fn refused(line: &[u8]) -> io::Error {
    let text = String::from_utf8_lossy(line.get(REFUSAL.len()..).unwrap_or_default()).trim_end().to_owned();
    io::Error::new(io::ErrorKind::PermissionDenied, text.chars().take(MOST).collect::<String>())
}

impl<R: Read> Read for Records<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        while !self.begun {
            let mut chunk = [0; 4096];
            match self.from.read(&mut chunk)? {
                0 => return Ok(0),
                n => self.held.extend_from_slice(chunk.get(..n).unwrap_or_default()),
            }
            self.pass()?;
        }
        if self.held.is_empty() {
            return self.from.read(to);
        }
        let n = to.len().min(self.held.len());
        if let (Some(to), Some(held)) = (to.get_mut(..n), self.held.get(..n)) {
            to.copy_from_slice(held);
        }
        self.held.drain(..n);
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives its pieces one by one, an empty one as a wait.
    struct Pieces(Vec<Vec<u8>>);

    impl Read for Pieces {
        fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() {
                return Ok(0);
            }
            let mut piece = self.0.remove(0);
            if piece.is_empty() {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            let n = piece.len().min(to.len());
            to[..n].copy_from_slice(&piece[..n]);
            if n < piece.len() {
                self.0.insert(0, piece.split_off(n));
            }
            Ok(n)
        }
    }

    #[test]
    fn lines_before_the_capture_are_passed_over_wherever_it_is_cut() {
        let whole = [b"a line\n and \x89smtcap another\n".as_slice(), &MAGIC, b"rest\nsmtrace: of it"].concat();
        for cut in 0..whole.len() {
            let (a, b) = whole.split_at(cut);
            let mut records = Records::new(Pieces(vec![a.to_vec(), Vec::new(), b.to_vec()]));
            let mut got = Vec::new();
            loop {
                let mut some = [0; 5];
                match records.read(&mut some) {
                    Ok(0) => break,
                    Ok(n) => got.extend_from_slice(&some[..n]),
                    Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
                }
                if got.len() >= MAGIC.len() + 19 {
                    break;
                }
            }
            assert_eq!(got, [&MAGIC[..], b"rest\nsmtrace: of it"].concat(), "cut at {cut}");
        }
    }

    #[test]
    fn a_refusal_is_an_error_and_so_is_an_endless_line() {
        let mut records = Records::new(&b"text\nsmtrace: the token is missing or wrong\n"[..]);
        let error = records.read(&mut [0; 9]).unwrap_err();
        assert_eq!(error.to_string(), "the token is missing or wrong");
        let mut records = Records::new(io::repeat(b'x'));
        assert_eq!(records.read(&mut [0; 9]).unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert_eq!(Records::new(&b"text\n"[..]).read(&mut [0; 9]).unwrap(), 0);
    }
}
