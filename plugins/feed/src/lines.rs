//! Bytes to lines, whatever pieces they come in. A line that is longer than a bound is left out, not kept.

/// The longest line that is taken: an event of smtrace is far shorter.
pub const MAX_LINE: usize = 1 << 20;

/// Puts lines together.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    bytes: Vec<u8>,
    /// Where the lines already taken end.
    taken: usize,
    /// The rest of a line that is too long is being passed over.
    skipping: bool,
    /// How many lines were too long.
    pub(crate) too_long: u64,
}

impl Lines {
    /// Adds what was read.
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.taken);
        self.taken = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// Takes the next whole line, without its newline.
    pub(crate) fn take(&mut self) -> Option<&[u8]> {
        loop {
            let rest = self.bytes.get(self.taken..).unwrap_or_default();
            let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
                if rest.len() > MAX_LINE {
                    self.too_long += u64::from(!self.skipping);
                    self.skipping = true;
                    self.bytes.clear();
                    self.taken = 0;
                }
                return None;
            };
            let start = self.taken;
            self.taken += end + 1;
            if std::mem::take(&mut self.skipping) {
                continue;
            }
            return self.bytes.get(start..start + end);
        }
    }

    /// What is left at the end of the source: a last line without its newline.
    pub(crate) fn rest(&mut self) -> Option<&[u8]> {
        let start = std::mem::replace(&mut self.taken, self.bytes.len());
        self.bytes.get(start..).filter(|rest| !rest.is_empty() && !self.skipping)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_whole_in_whatever_pieces() {
        let text = b"one\n\ntwo words\nlast";
        for size in 1..text.len() {
            let mut lines = Lines::default();
            let mut got = Vec::new();
            for piece in text.chunks(size) {
                lines.add(piece);
                while let Some(line) = lines.take() {
                    got.push(line.to_vec());
                }
            }
            assert_eq!(got, [&b"one"[..], b"", b"two words"], "{size}");
            assert_eq!(lines.rest(), Some(&b"last"[..]));
            assert_eq!(lines.rest(), None);
        }
    }

    #[test]
    fn an_endless_line_costs_a_bounded_amount() {
        let mut lines = Lines::default();
        for _ in 0..100 {
            lines.add(&[b'x'; 100_000]);
            assert_eq!(lines.take(), None);
            assert!(lines.bytes.len() <= MAX_LINE + 100_000);
        }
        lines.add(b"\nnext\n");
        assert_eq!(lines.take(), Some(&b"next"[..]));
        assert_eq!(lines.too_long, 1);
    }
}
