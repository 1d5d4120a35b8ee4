//! Where a build runs: its workspace, home and directory for temporary files, from how it is started or from what its
//! capture says.

use crate::audit::text::text as plain;
use crate::model::{Command, Pid, Places};
use crate::store::Description;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// What CI systems call the directory that they checked the project out to.
const CHECKED_OUT: [&str; 3] = ["GITHUB_WORKSPACE", "CI_PROJECT_DIR", "WORKSPACE"];

/// The variable of the build's environment, with the changes that the plan makes to it.
pub(crate) fn variable(command: &Command, name: &str) -> Option<PathBuf> {
    let changed = command.env.iter().rev().find(|(changed, _)| changed == OsStr::new(name));
    let value = changed.map_or_else(|| std::env::var_os(name), |(_, value)| value.clone());
    value.filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// The path without links, as the kernel will name the files in it.
pub(crate) fn real(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// The path as facts have it.
pub(crate) fn text(path: &Path) -> String {
    plain(path.as_os_str().as_bytes())
}

/// The places of a command that is started here.
pub(crate) fn of(command: &Command) -> Places {
    let start = real(command.chdir.as_deref().unwrap_or_else(|| Path::new(".")));
    let checked_out = CHECKED_OUT.iter().find_map(|name| {
        let dir = real(&variable(command, name)?);
        start.starts_with(&dir).then_some(dir)
    });
    Places {
        workspace: text(&checked_out.unwrap_or(start)),
        home: variable(command, "HOME").map(|home| text(&real(&home))).unwrap_or_default(),
        tmpdir: text(&real(&variable(command, "TMPDIR").unwrap_or_else(|| PathBuf::from("/tmp")))),
    }
}

/// The places of processes that are attached to: what the first has as working directory.
pub(crate) fn of_process(pids: &[Pid]) -> Places {
    let cwd = pids.first().and_then(|pid| std::fs::read_link(format!("/proc/{pid}/cwd")).ok());
    Places { workspace: cwd.as_deref().map(text).unwrap_or_default(), ..of(&Command::default()) }
}

/// The places of a capture's run. What it does not say is empty, but for the directory for temporary files.
pub(crate) fn described(told: &Description) -> Places {
    let mut places = told.target.places.clone();
    if places.tmpdir.is_empty() {
        "/tmp".clone_into(&mut places.tmpdir);
    }
    places
}
