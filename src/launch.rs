//! A command as the user typed it becomes what the child needs to execute it.

use crate::model::Command;
use crate::say::say;
use crate::sys::inherited;
use crate::sys::spawn::{Child, Failed, Prepared};
use std::ffi::{CString, OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Exit status when a command was not found, as the shell's.
pub const NOT_FOUND: u8 = 127;
/// Exit status when a command could not be executed, as the shell's.
pub const CANNOT_EXECUTE: u8 = 126;
/// Exit status when smtrace itself failed.
pub const FAILED: u8 = 125;

/// Why a command cannot be started.
#[derive(Debug)]
pub struct LaunchError {
    /// The exit status.
    pub status: u8,
    /// One line.
    pub text: String,
}

fn error(status: u8, text: String) -> LaunchError {
    LaunchError { status, text }
}

fn c_string(text: &OsStr) -> Result<CString, LaunchError> {
    CString::new(text.as_bytes()).map_err(|_| error(FAILED, format!("a NUL byte in {text:?}")))
}

/// The inherited environment with the command's changes, in its inherited order: `NAME=VALUE`, as it is.
fn environment(inherited: Vec<OsString>, command: &Command) -> Vec<OsString> {
    let mut all = inherited;
    for (name, value) in &command.env {
        let is_it = |entry: &OsString| value_of(entry, name).is_some();
        let at = all.iter().position(is_it);
        all.retain(|entry| !is_it(entry));
        if let Some(value) = value {
            let mut entry = name.clone();
            entry.push("=");
            entry.push(value);
            all.insert(at.unwrap_or(all.len()), entry);
        }
    }
    all
}

/// The value in `entry` if it is `NAME=VALUE`.
fn value_of<'a>(entry: &'a OsStr, name: &OsStr) -> Option<&'a OsStr> {
    let value = entry.as_bytes().strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
    Some(OsStr::from_bytes(value))
}

/// Finds the file as execvp(3) does, but before anything is started.
fn find(name: &OsStr, path: Option<&OsStr>) -> Result<PathBuf, LaunchError> {
    if name.as_bytes().contains(&b'/') {
        return Ok(PathBuf::from(name));
    }
    // "If this variable isn't defined, the path list defaults to a list that includes /bin and /usr/bin".
    let path = path.unwrap_or(OsStr::new("/bin:/usr/bin"));
    let mut found = None;
    for directory in std::env::split_paths(path) {
        let directory = if directory.as_os_str().is_empty() { PathBuf::from(".") } else { directory };
        let file = directory.join(name);
        match file.metadata() {
            Ok(data) if data.is_file() && data.permissions().mode() & 0o111 != 0 => return Ok(file),
            Ok(data) if data.is_file() => found = Some(file),
            _ => {}
        }
    }
    match found {
        Some(file) => Err(error(CANNOT_EXECUTE, format!("{}: not executable", file.display()))),
        None => Err(error(NOT_FOUND, format!("{}: command not found", Path::new(name).display()))),
    }
}

fn ids(user: &str) -> Result<(u32, u32, Vec<u32>), LaunchError> {
    let unknown = || error(FAILED, format!("-u {user}: no such user"));
    let found = match user.parse() {
        Ok(uid) => nix::unistd::User::from_uid(nix::unistd::Uid::from_raw(uid)),
        Err(_) => nix::unistd::User::from_name(user),
    };
    let user = found.ok().flatten().ok_or_else(unknown)?;
    let name = CString::new(user.name.as_bytes()).map_err(|_| unknown())?;
    let groups = nix::unistd::getgrouplist(&name, user.gid).unwrap_or_else(|_| vec![user.gid]);
    Ok((user.uid.as_raw(), user.gid.as_raw(), groups.into_iter().map(nix::unistd::Gid::as_raw).collect()))
}

/// Prepares everything that needs memory, so that the child after fork needs none.
///
/// # Errors
/// With the status the shell would give: 127 not found, 126 not executable, 125 for our own troubles.
pub fn prepare(command: &Command, filter: Option<Vec<u8>>) -> Result<Prepared, LaunchError> {
    let ours = inherited::environment();
    let env = environment(ours.clone(), command);
    let path = |env| <[OsString]>::iter(env).find_map(|entry| value_of(entry, OsStr::new("PATH")));
    let first = command.argv.first().ok_or_else(|| error(FAILED, "no command".to_owned()))?;
    // The command's PATH counts, as with env(1); what only ours has is found as well, as strace does.
    let program = find(first, path(&env)).or_else(|error| find(first, path(&ours)).map_err(|_| error))?;
    Ok(Prepared {
        program: c_string(program.as_os_str())?,
        argv: command.argv.iter().map(|arg| c_string(arg)).collect::<Result<_, _>>()?,
        env: env.iter().map(|entry| c_string(entry)).collect::<Result<_, _>>()?,
        chdir: command.chdir.as_deref().map(|dir| c_string(dir.as_os_str())).transpose()?,
        ids: command.user.as_deref().map(ids).transpose()?,
        filter,
    })
}

/// Says why the command did not start; the exit status for it.
#[must_use]
pub fn refused(child: &mut Child, command: &Command) -> Option<u8> {
    let name = command.argv.first().map(|arg| arg.to_string_lossy().into_owned()).unwrap_or_default();
    let of = |errno| std::io::Error::from_raw_os_error(errno);
    let (text, status) = match child.report().failed? {
        Failed::Exec(libc::ENOENT) => (format!("{name}: {}", of(libc::ENOENT)), NOT_FOUND),
        Failed::Exec(errno) => (format!("{name}: {}", of(errno)), CANNOT_EXECUTE),
        Failed::Chdir(errno) => (format!("--chdir: {}", of(errno)), FAILED),
        Failed::User(errno) => (format!("-u: cannot become the user: {}", of(errno)), FAILED),
        Failed::Filter(errno) => (format!("cannot install the seccomp filter: {}", of(errno)), FAILED),
    };
    say(&text);
    Some(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_looked_up_as_the_shell_does() {
        assert_eq!(find(OsStr::new("./x"), None).unwrap(), PathBuf::from("./x"));
        assert!(find(OsStr::new("sh"), Some(OsStr::new("/nonexistent:/bin"))).unwrap().ends_with("bin/sh"));
        assert_eq!(find(OsStr::new("no-such-command"), None).unwrap_err().status, NOT_FOUND);
        assert_eq!(find(OsStr::new("passwd"), Some(OsStr::new("/etc"))).unwrap_err().status, CANNOT_EXECUTE);
        assert_eq!(find(OsStr::new("etc"), Some(OsStr::new("/"))).unwrap_err().status, NOT_FOUND);
    }

    #[test]
    fn environment_changes_keep_the_order() {
        let command = Command {
            env: vec![("NEW".into(), Some("1".into())), ("A".into(), None), ("B".into(), Some("3".into()))],
            ..Command::default()
        };
        let inherited = ["A=1", "no-equals", "B=2", "A=2", "AA=5"].map(OsString::from).to_vec();
        assert_eq!(environment(inherited, &command), ["no-equals", "B=3", "AA=5", "NEW=1"]);
    }
}
