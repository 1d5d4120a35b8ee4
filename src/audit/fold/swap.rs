//! Sources that are something else only while a compiler reads them.
//!
//! A source that was there before the build is changed, read by a program that makes something of it, and changed again:
//! what was built is not what lies in the repository afterwards. Version control systems and patches do that openly.

use super::Fold;
use crate::audit::limits::{self, Mark};
use crate::audit::model::Level;
use crate::audit::text::{base, text};
use crate::audit::tools::Kind;
use rustc_hash::FxHashMap;

/// The endings of files that compilers read.
const SOURCES: &[&[u8]] = &[
    b"c", b"h", b"cc", b"cpp", b"cxx", b"hh", b"hpp", b"rs", b"go", b"java", b"kt", b"cs", b"swift", b"m", b"scala",
    b"zig", b"pyx", b"vala", b"f90", b"asm", b"s", b"S",
];

/// Programs that change sources for somebody who knows of it.
const OPEN: &[&[u8]] = &[b"git", b"hg", b"svn", b"jj", b"patch", b"quilt", b"rustfmt", b"clang-format", b"gofmt"];

/// What has become of a source so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// It was read first: it was there.
    There,
    /// It was written first: the build makes it.
    Made,
    /// It was there, and was changed.
    Changed,
    /// It was read after that.
    Used,
}

/// The sources of a build.
#[derive(Debug, Default)]
pub(super) struct Sources {
    stages: FxHashMap<Box<[u8]>, Stage>,
}

fn is_source(path: &[u8]) -> bool {
    let name = base(path);
    memchr::memrchr(b'.', name).and_then(|dot| name.get(dot + 1..)).is_some_and(|end| SOURCES.contains(&end))
}

impl Fold {
    /// A file was opened for reading, or was given another name.
    pub(super) fn source_read(&mut self, path: &[u8], by: Mark) {
        if !is_source(path) {
            return;
        }
        match self.sources.stages.get_mut(path) {
            Some(stage) if *stage == Stage::Changed => {
                let kind = self.processes.recall(by.process).map(|memory| memory.kind);
                if kind == Some(Kind::Other) {
                    *stage = Stage::Used;
                }
            }
            Some(_) => {}
            None => self.stage(path, Stage::There),
        }
    }

    /// A file was opened for writing, or another took its place.
    pub(super) fn source_written(&mut self, path: &[u8], by: Mark) {
        if !is_source(path) {
            return;
        }
        let exe = self.processes.program(by.process).map(|program| program.exe.clone()).unwrap_or_default();
        if OPEN.contains(&base(exe.as_bytes())) || exe.contains("/git-core/") {
            return self.stage(path, Stage::Made);
        }
        let Some(stage) = self.sources.stages.get_mut(path) else { return self.stage(path, Stage::Made) };
        match *stage {
            Stage::There => *stage = Stage::Changed,
            Stage::Used => {
                *stage = Stage::Changed;
                let shown = text(path);
                let message = format!("{shown} was changed, read by a compiler, and changed again");
                let about = "A source is something else only while it is compiled";
                self.detect("source-swapped", about, Level::Error, message, Some(shown), by);
            }
            Stage::Made | Stage::Changed => {}
        }
    }

    fn stage(&mut self, path: &[u8], stage: Stage) {
        let known = self.sources.stages.contains_key(path);
        if known || self.beyond.room("sources", self.sources.stages.len(), limits::FILES) {
            self.sources.stages.insert(path.into(), stage);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_source;

    #[test]
    fn sources_are_known_by_their_ending() {
        assert!(is_source(b"/w/a.c") && is_source(b"/w/b.tar.rs") && !is_source(b"/w/c") && !is_source(b"/w.c/x"));
        assert!(!is_source(b"/w/a.o"));
    }
}
