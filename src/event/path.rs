//! The absolute name of a file that a path argument means: joined with the working directory or the directory's
//! descriptor as they were at the call, and cleaned of `.`, `..` and empty parts.
//!
//! It is the name as text: links on the way are not followed. What an open really opened is [`Event::opened`].

use super::Event;
use crate::model::AT_FDCWD;
use crate::model::record::{Piece, Role};
use crate::table::{Kind, Phase};

impl<'a> Event<'a> {
    /// Where the path in argument `index` led when the call was entered, and whether nothing had that name then; where that was
    /// asked for.
    #[must_use]
    pub fn resolved(&self, index: usize) -> Option<(&'a [u8], bool)> {
        let record = self.entered.unwrap_or(self.record);
        let is = |piece: &Piece<'_>| piece.role == Role::Resolved as u8 && usize::from(piece.index) == index;
        record.pieces().find(is).map(|piece| (piece.data, piece.address == 1))
    }
    /// Appends to `out` the absolute name that argument `index` means; `false`, with nothing appended, when the argument
    /// is no path or its directory is not known.
    pub fn absolute(&self, index: usize, out: &mut Vec<u8>) -> bool {
        let rows = self.rows();
        let Some(arg) = rows.get(index).filter(|arg| arg.kind == Kind::Path && arg.phase == Phase::In) else {
            return false;
        };
        // The target of a link that is made is text, not yet a name.
        let made = arg.name == "oldname" && matches!(self.name, super::Name::Known("symlink" | "symlinkat"));
        let Some(path) = self.path(index).filter(|path| !made && !path.cut) else { return false };
        let directory = index.checked_sub(1).filter(|at| rows.get(*at).is_some_and(|arg| arg.kind == Kind::Dirfd));
        let base: &[u8] = match (path.bytes.first(), directory) {
            (Some(b'/'), _) => b"",
            (_, Some(at)) => {
                let number =
                    self.words().get(at).map_or(AT_FDCWD, |word| crate::decode::walk::low32(*word).cast_signed());
                if number == AT_FDCWD {
                    self.who.cwd()
                } else {
                    self.descriptor(number).map_or(&[], |target| target.bytes)
                }
            }
            (_, None) => self.who.cwd(),
        };
        if base.first().or(path.bytes.first()) != Some(&b'/') {
            return false;
        }
        join(base, path.bytes, out);
        true
    }
}

/// Appends `base/path`, or `path` if it is absolute, without `.`, `..` and empty parts.
pub fn join(base: &[u8], path: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    let base = if path.first() == Some(&b'/') { b"" } else { base };
    for part in base.split(|byte| *byte == b'/').chain(path.split(|byte| *byte == b'/')) {
        match part {
            b"" | b"." => {}
            b".." => {
                let kept = out.get(start..).unwrap_or_default();
                let cut = kept.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
                out.truncate(start + cut);
            }
            part => {
                out.push(b'/');
                out.extend_from_slice(part);
            }
        }
    }
    if out.len() == start {
        out.push(b'/');
    }
}

#[cfg(test)]
mod tests {
    use super::join;

    #[test]
    fn parts_that_mean_nothing_are_left_out() {
        for (base, path, want) in [
            ("", "/etc/passwd", "/etc/passwd"),
            ("/w", "/etc/passwd", "/etc/passwd"),
            ("/w", "a//b/./c", "/w/a/b/c"),
            ("/w/x", "../y", "/w/y"),
            ("/", "..", "/"),
            ("/w", "", "/w"),
            ("/w", "../../../a", "/a"),
        ] {
            let mut out = b"x".to_vec();
            join(base.as_bytes(), path.as_bytes(), &mut out);
            assert_eq!(String::from_utf8_lossy(&out[1..]), want, "{base} {path}");
        }
    }
}
