//! Ways around an enforced policy that once led somewhere: each is tried, and has to end at what the policy says.

#![allow(unsafe_code, missing_docs, clippy::unwrap_used)]

mod support;

use std::fs;
use std::path::PathBuf;
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

/// A workspace with what the policies speak of.
fn prepared() -> (Scratch, PathBuf) {
    let scratch = Scratch::new();
    let work = scratch.path("work");
    for (path, text) in [("secrets/key", "KEY"), ("shut/file", "whole"), ("empty/.keep", "")] {
        let path = work.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    (scratch, work)
}

/// Runs a python program in a new workspace under a policy.
fn attempt(program: &str, policy: &str, who: As) -> Outcome {
    attempt_in(&prepared().0, program, policy, who)
}

fn attempt_in(scratch: &Scratch, program: &str, policy: &str, who: As) -> Outcome {
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
    let _ = fs::remove_dir_all(scratch.path("report"));
    command.arg("--report").arg(scratch.path("report"));
    command.args(["--", "/usr/bin/python3", "-c", &format!("{PRELUDE}{program}")]);
    command.current_dir(scratch.path("work")).env("PYTHONDONTWRITEBYTECODE", "1");
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

/// A question to a name server, and what a thread does with sockets whose numbers are its own.
const THREAD: &str = "
import threading
Q = b'\\x12\\x34\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0\\4evil\\7example\\3com\\0\\0\\1\\0\\1'
def work():
    if LEADER_DIES:
        while open('/proc/self/stat').read().rsplit(') ')[1][0] != 'Z': pass
    else: libc.unshare(0x400)
    def at(kind, number):
        s = socket.socket(socket.AF_INET, kind); os.dup2(s.fileno(), number); s.close()
        return socket.socket(fileno=number)
    tried('listen', lambda: at(socket.SOCK_STREAM, 100).listen(1))
    dns = at(socket.SOCK_DGRAM, 101)
    tried('connect', lambda: dns.connect(('127.0.0.1', 53)))
    tried('send', lambda: dns.send(Q)); tried('write', lambda: os.write(101, Q)); tried('writev', lambda: os.writev(101, [Q]))
    tried('away', lambda: at(socket.SOCK_STREAM, 102).connect(('127.0.0.1', 7)))
    os._exit(0)
threading.Thread(target=work).start()
if LEADER_DIES: libc.syscall(60, 0)
";

#[test]
fn a_thread_s_own_descriptors_are_looked_at() {
    let policy = "exec: ['/**']\nread: ['/**']\nwrite: ['/**']\nconnect: ['127.0.0.1:53']\ndns: []\n";
    for dies in ["False", "True"] {
        let outcome = attempt(&format!("LEADER_DIES = {dies}\n{THREAD}"), policy, As::Us);
        let no = "Operation not permitted\n";
        let want = format!("listen {no}connect None\nsend {no}write {no}writev {no}away {no}");
        assert_eq!(outcome.out, want, "{dies}: {}", outcome.err);
    }
}

#[test]
fn an_address_is_judged_by_where_it_leads() {
    let server = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    server.set_nonblocking(true).unwrap();
    let port = server.local_addr().unwrap().port();
    let program = format!(
        "
s = socket.socket(type=socket.SOCK_DGRAM)
to = struct.pack('=HH4s8x', 0, socket.htons({port}), bytes([127, 0, 0, 1]))
tried('inet', lambda: s.sendto(b'x', ('127.0.0.1', {port})))
tried('unspec', lambda: call(44, s.fileno(), b'unspec', 6, 0, to, 16))
vector = ctypes.create_string_buffer(b'message'); iov = (ctypes.c_size_t * 2)(ctypes.addressof(vector), 7)
buffer = ctypes.create_string_buffer(to, 16)
message = (ctypes.c_size_t * 7)(ctypes.addressof(buffer), 16, ctypes.addressof(iov), 1, 0, 0, 0)
tried('message', lambda: call(46, s.fileno(), message, 0))
tried('none', lambda: s.sendto(b'x', ('0.0.0.0', {port})))
tried('connect', lambda: s.connect(('0.0.0.0', {port})))
long = to + bytes(200)
tried('long', lambda: call(42, s.fileno(), long, 216)); tried('negative', lambda: call(42, s.fileno(), long, -1))
tried('bad', lambda: call(42, 99, 1, 16))
"
    );
    let rest = "exec: ['/**']\nread: ['/**']\nwrite: ['/**']\n";
    let deny = format!("{rest}connect: ['*:{port}']\ndeny:\n  connect: ['127.0.0.1:*']\n");
    let outcome = attempt(&program, &deny, As::Us);
    let no = "Operation not permitted\n";
    let end = "long Invalid argument\nnegative Invalid argument\nbad Bad file descriptor\n";
    let want = format!("inet {no}unspec {no}message {no}none {no}connect {no}{end}");
    assert_eq!(outcome.out, want, "{}", outcome.err);
    assert!(server.recv(&mut [0; 9]).is_err(), "something got out");
    // What may be spoken to under one name may be so under the other.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let program = format!("for to in ['0.0.0.0', '127.0.0.1']: socket.create_connection((to, {port})); print('in')");
    for name in ["0.0.0.0", "127.0.0.1"] {
        let outcome = attempt(&program, &format!("{rest}connect: ['{name}:{port}']\n"), As::Us);
        assert_eq!(outcome.out, "in\nin\n", "{name}: {}", outcome.err);
    }
}

#[test]
fn a_process_that_hides_does_nothing_unjudged() {
    let program = "
import shutil
shutil.copy('/bin/cat', 'hidden'); os.chmod('hidden', 0o111)
tried('hide', lambda: call(157, 4, 0, 0, 0, 0)); tried('read', lambda: read('secrets/key'))
tried('run', lambda: os.execv('hidden', ['hidden', 'secrets/key']))
";
    let outcome = attempt(program, POLICY, As::User);
    let no = "Operation not permitted\n";
    assert_eq!(outcome.out, format!("hide {no}read {no}run {no}"), "{}", outcome.err);
    // Who may look into all of them does.
    // SAFETY: it takes nothing and cannot fail.
    if unsafe { libc::geteuid() } == 0 {
        let outcome = attempt(program, POLICY, As::Us);
        assert!(!outcome.out.contains("KEY") && outcome.out.starts_with(&format!("hide 0\nread {no}")), "{outcome:?}");
    }
}

#[test]
fn no_call_changes_a_file_by_a_way_of_its_own() {
    let program = "
name = ctypes.create_string_buffer(b'x'); value = (ctypes.c_uint64 * 2)(ctypes.addressof(name), 1); zero = bytes(24)
tried('setxattrat', lambda: call(463, -100, b'shut/file', 0, b'user.a', value, 16))
tried('removexattrat', lambda: call(466, -100, b'shut/file', 0, b'user.a'))
tried('file_setattr', lambda: call(469, -100, b'shut/file', zero, 24, 0))
file = os.open('shut/file', os.O_RDONLY)
flags = ctypes.c_int(0); import fcntl
tried('flags', lambda: fcntl.ioctl(file, 0x40086602, bytes(8)))
tried('null', lambda: call(260, file, None, 0, 0, 0x1000))
tried('unix', lambda: socket.socket(socket.AF_UNIX).bind('shut/door'))
os.dup2(os.open('shut', os.O_PATH), 200)
tried('through', lambda: os.unlink('/proc/self/fd/200/file'))
tried('through2', lambda: os.rename('/proc/thread-self/fd/200/file', 'taken'))
os.chdir('shut')
tried('owner', lambda: call(260, -100, b'', 0, 0, 0x1000))
tried('mode', lambda: call(452, -100, b'', 0o777, 0x1000))
tried('kept', lambda: read('file'))
";
    let outcome = attempt(program, POLICY, As::Us);
    for line in outcome.out.lines() {
        let (what, got) = line.split_once(' ').unwrap();
        let want = if what == "kept" { "whole" } else { "Operation not permitted" };
        // Older kernels do not have the newest calls, with or without a policy.
        assert!(got == want || got == "Function not implemented", "{line}: {}", outcome.err);
    }
    assert_eq!(outcome.out.lines().count(), 11, "{}", outcome.err);
}

#[test]
fn a_name_that_changes_its_meaning_ends_the_build() {
    // One process exchanges two links, the other uses what they lead to until it is stopped or has done what it must not.
    let program = "
import time
os.mkdir('at'); os.symlink('../empty', 'at/d0'); os.symlink('../shut', 'at/d1')
other = os.fork()
while other == 0: libc.syscall(316, -100, b'at/d0', -100, b'at/d1', 2)
end = time.monotonic() + 1.5
while time.monotonic() < end:
    try: DEED
    except OSError: pass
    if WON: print('won', flush=True); break
os.kill(other, 9)
";
    let gone = "not os.path.exists('shut/file')";
    for (deed, won) in [
        ("os.unlink('at/d0/file')", gone),
        ("os.rename('at/d0/file', 'took')", gone),
        ("os.close(os.open('at/d0/file', os.O_RDONLY | os.O_TRUNC))", "os.stat('shut/file').st_size == 0"),
        ("os.close(os.open('at/d0/new', os.O_RDONLY | os.O_CREAT))", "os.path.exists('shut/new')"),
    ] {
        // What an open makes or empties in a race is done, but the build is over before it sees that.
        let outcome = attempt(&program.replace("DEED", deed).replace("WON", won), POLICY, As::Us);
        assert_eq!(outcome.out, "", "{deed}: {}", outcome.err);
    }
}

/// A static program that says which it is; it needs no library, so that it can be another's ELF interpreter.
const SAYS: &str = "
__attribute__((used)) void _start(void) {
    static char text[] = WORD;
    long got;
    __asm__ volatile(\"syscall\" : \"=a\"(got) : \"0\"(1L), \"D\"(1L), \"S\"(text), \"d\"(sizeof text - 1) : \"rcx\", \"r11\", \"memory\");
    __asm__ volatile(\"syscall\" : : \"a\"(231L), \"D\"(0L));
    for (;;);
}
";

/// Makes programs that say GOOD and EVIL in the directory, and `stub`, whose interpreter is `shut/evil` of the workspace.
fn programs(scratch: &Scratch) {
    let dir = scratch.path("programs");
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("says.c"), SAYS).unwrap();
    let made = |name: &str, options: &[&str]| {
        let mut command = Command::new("cc");
        command.args(["-nostdlib", "-ffreestanding", "-fno-stack-protector", "-O1"]).args(options);
        command.arg("-o").arg(dir.join(name)).arg(dir.join("says.c"));
        assert!(command.status().unwrap().success(), "{name}");
    };
    made("good", &["-static-pie", "-fPIE", "-DWORD=\"GOOD\\n\""]);
    made("evil", &["-static-pie", "-fPIE", "-DWORD=\"EVIL\\n\""]);
    let interpreter = format!("-Wl,--dynamic-linker={}", scratch.path("work/shut/evil").display());
    made("stub", &["-pie", "-fPIE", "-DWORD=\"STUB\\n\"", &interpreter]);
}

#[test]
fn an_elf_interpreter_is_a_program_too() {
    if !cfg!(target_arch = "x86_64") {
        return support::skip("interpreter", "its programs are written for x86_64");
    }
    let (scratch, work) = prepared();
    programs(&scratch);
    fs::copy(scratch.path("programs/evil"), work.join("shut/evil")).unwrap();
    fs::copy(scratch.path("programs/stub"), work.join("stub")).unwrap();
    for (deny, want) in [("", "EVIL\n"), ("deny: {exec: ['${WORKSPACE}/shut/*'], read: ['${WORKSPACE}/shut/*']}\n", "")]
    {
        let policy = format!("exec: ['/**']\nread: ['/**']\nwrite: ['/**']\n{deny}");
        let outcome = attempt_in(&scratch, "os.execv('stub', ['stub'])", &policy, As::Us);
        assert_eq!(outcome.out, want, "{}", outcome.err);
    }
}

#[test]
fn a_digest_is_that_of_what_runs() {
    if !cfg!(target_arch = "x86_64") {
        return support::skip("digest", "its programs are written for x86_64");
    }
    let (scratch, work) = prepared();
    programs(&scratch);
    for name in ["good", "evil"] {
        fs::copy(scratch.path("programs").join(name), work.join(name)).unwrap();
    }
    let sum = Command::new("sha256sum").arg(work.join("good")).output().unwrap();
    let sum = String::from_utf8(sum.stdout).unwrap();
    let sum = sum.split(' ').next().unwrap();
    // The file is executed while it can be written to, which fails; then its bytes change through a mapping.
    let program = "
import mmap, subprocess
def run():
    try: subprocess.run([PLACE])
    except OSError as error: print(error.strerror, flush=True)
good, evil = [open(name, 'rb').read() for name in ['good', 'evil']]
file = os.open(PLACE, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o755); os.write(file, good)
mapped = mmap.mmap(file, len(good)); os.close(file)
mapped[0:len(good)] = good
run()
mapped[0:len(evil)] = evil
mapped.close(); run()
os.unlink(PLACE)
";
    let memory = format!("/dev/shm/smtrace-{}", std::process::id());
    for place in [work.join("tool").to_str().unwrap(), &memory] {
        let policy = format!(
            "exec: ['/usr/**', {{path: '{place}', sha256: ['{sum}']}}]\nread: ['/**']\nwrite: ['/**']\ndelete: ['/**']\n"
        );
        let outcome = attempt_in(&scratch, &format!("PLACE = '{place}'\n{program}"), &policy, As::Us);
        assert_eq!(outcome.out, "Text file busy\nOperation not permitted\n", "{place}: {}", outcome.err);
    }
}
