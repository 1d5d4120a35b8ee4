//! Rights that a file gives to whoever runs it, where no rule can tell: fchmodat2(2), of which libscap has no arguments, and
//! the extended attribute that capabilities are kept in. The other calls are told by rules.

use super::Fold;
use crate::audit::limits::Mark;
use crate::audit::model::Level;
use crate::audit::text::{base, text};
use crate::event::Event;

/// `XATTR_NAME_CAPS` (linux/xattr.h).
const CAPABILITY: &[u8] = b"security.capability";
/// `S_ISUID` (inode(7)).
const SETUID: u64 = 0o4000;

impl Fold {
    /// A call that may give a file rights.
    pub(super) fn right_given(&mut self, event: &Event<'_>, name: &str, by: Mark) {
        if self.processes.recall(by.process).is_none_or(|memory| memory.installs) {
            return;
        }
        let exe = self.processes.program(by.process).map(|program| program.exe.clone()).unwrap_or_default();
        let program = text(base(exe.as_bytes()));
        match name {
            "fchmodat2" if event.words().get(2).is_some_and(|mode| mode & SETUID != 0) => {
                let file = self.resolve(event, 1, by).map(|path| text(&path));
                let message =
                    format!("The setuid bit of {} is set by {program} (fchmodat2)", file.as_deref().unwrap_or(""));
                let about = "A file is made to run with the rights of its owner, whoever starts it.";
                self.detect("setuid-bit-set", about, Level::Error, message, file, by);
            }
            "setxattr" | "lsetxattr" | "fsetxattr" => {
                let attribute = event.path(1).is_some_and(|name| name.bytes == CAPABILITY);
                if attribute && program != "setcap" {
                    let message = format!("{program} gives a file capabilities ({name})");
                    let about =
                        "A file is given capabilities, with which it does a part of what root can, whoever starts it.";
                    self.detect("capability-given", about, Level::Warning, message, None, by);
                }
            }
            _ => {}
        }
    }
}
