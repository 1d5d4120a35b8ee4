//! Ways around an enforced policy that once led somewhere: each is tried, and has to end at what the policy says.

#![allow(unsafe_code, missing_docs, clippy::unwrap_used)]

mod support;

use std::fs;
use std::process::Command;
use support::{Outcome, Scratch, finish, smtrace};

/// What every attempt begins with: a call that says what became of it, and the C library.
const PRELUDE: &str = "
import ctypes, os, socket, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
def tried(what, deed):
    try: got = deed()
    except OSError as error: got = error.strerror
    print(what, got, flush=True)
def call(*args):
    got = libc.syscall(*args)
    if got < 0: raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return got
def read(path):
    with open(path) as file: return file.read()
";

/// Everything may be done in the workspace, but what lies in `secrets` must not be read, and `shut` must not be changed.
const POLICY: &str = "
exec: ['/**']
read: ['/**']
write: ['${WORKSPACE}/**', '/dev/**', '/**/smtrace-*/{out,err}']
delete: ['${WORKSPACE}/**']
deny:
  read: ['${WORKSPACE}/secrets/**']
  write: ['${WORKSPACE}/shut/**', '${WORKSPACE}/shut']
  delete: ['${WORKSPACE}/shut/**']
";

/// Whose rights smtrace has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum As {
    /// Ours.
    Us,
    /// Those of a user without privileges: the kernel does not let it look into every process, nor past a file's mode.
    User,
}

/// Runs a python program in a workspace under a policy.
fn attempt(program: &str, policy: &str, who: As) -> Outcome {
    let scratch = Scratch::new();
    let work = scratch.path("work");
    for (path, text) in [("secrets/key", "KEY"), ("shut/file", "whole"), ("empty/.keep", "")] {
        let path = work.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    fs::write(scratch.path("policy.yaml"), format!("version: 1\n{policy}")).unwrap();
    // SAFETY: it takes nothing and cannot fail.
    let root = unsafe { libc::geteuid() } == 0;
    let mut command = match who {
        As::User if root => {
            let mut command = Command::new("setpriv");
            let without = "-sys_ptrace,-dac_override,-dac_read_search";
            command.args(["--bounding-set", without, "--inh-caps", without]).arg(smtrace());
            command
        }
        _ => Command::new(smtrace()),
    };
    command.args(["audit", "--enforce", "--policy"]).arg(scratch.path("policy.yaml"));
    command.arg("--report").arg(scratch.path("report"));
    command.args(["--", "/usr/bin/python3", "-c", &format!("{PRELUDE}{program}")]);
    command.current_dir(work).env("PYTHONDONTWRITEBYTECODE", "1");
    support::outside_ci(&mut command);
    finish(command)
}

#[test]
fn no_way_of_moving_opens_what_a_name_keeps_shut() {
    let move_it = "
tried('moved', lambda: os.rename('secrets/key', 'stolen'))
";
    let ways = [
        // A symbolic link is the build's own, what it leads to is not.
        format!("os.symlink('secrets/key', 'l'){move_it}"),
        // So is a directory, but not what was moved into it.
        "
os.mkdir('secrets/sub'); tried('in', lambda: os.rename('secrets/key', 'secrets/sub/key'))
tried('moved', lambda: os.rename('secrets/sub', 'pub')); tried('read', lambda: read('pub/key'))
"
        .to_owned(),
        "
open('mine', 'w').close()
tried('moved', lambda: call(316, -100, b'mine', -100, b'secrets/key', 2)); tried('read', lambda: read('mine'))
"
        .to_owned(),
        "
open('secrets/mine', 'w').close(); open('mine', 'w').close()
tried('fair', lambda: call(316, -100, b'mine', -100, b'secrets/mine', 2)); tried('moved', lambda: os.rename('secrets', 'x'))
"
        .to_owned(),
        "
os.chmod('secrets', 0o300)
tried('moved', lambda: os.rename('secrets', 'pub')); tried('read', lambda: read('pub/key'))
"
        .to_owned(),
    ];
    for way in &ways {
        let outcome = attempt(way, POLICY, As::User);
        assert!(!outcome.out.contains("KEY"), "{way}: {outcome:?}");
        assert!(outcome.out.contains("moved Operation not permitted"), "{way}: {outcome:?}");
    }
}

#[test]
fn what_the_build_made_can_be_moved_as_it_likes() {
    let program = "
os.makedirs('secrets/out/deep')
for name in ['one', 'deep/two']: open('secrets/out/' + name, 'w').write('mine')
os.symlink('nothing', 'secrets/out/link')
tried('moved', lambda: os.rename('secrets/out', 'out')); tried('read', lambda: read('out/deep/two'))
tried('none', lambda: os.rename('nothing', 'more')); tried('gone', lambda: os.unlink('nothing'))
tried('made', lambda: os.mkdir('shut')); tried('into', lambda: os.mkdir('no/where'))
";
    let outcome = attempt(program, POLICY, As::User);
    let want = "moved None\nread mine\nnone No such file or directory\ngone No such file or directory\nmade File exists\n\
                into No such file or directory\n";
    assert_eq!((outcome.out.as_str(), outcome.code), (want, Some(0)), "{}", outcome.err);
}
