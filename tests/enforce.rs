//! `smtrace audit --enforce`: what a policy does not allow does not happen, whatever way a build takes to it.

#![allow(unsafe_code, missing_docs, clippy::unwrap_used)]

mod support;

use serde_json::Value;
use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::process::Command;
use support::{Outcome, Scratch, finish, guest, smtrace};

/// The system's own files, which every program needs.
const SYSTEM: &str = "
exec: ['/usr/**', '/bin/**', '${WORKSPACE}/ok/*', '/**/examples/guest']
read: ['/usr/**', '/etc/**', '/lib/**', '/lib64/**', '/dev/**', '/proc/**', '/sys/**', '/**/smtrace-*/in', '${WORKSPACE}/*', '${WORKSPACE}/ok/**', '${WORKSPACE}']
write: ['/dev/**', '${WORKSPACE}/*', '${WORKSPACE}/ok/**', '/**/smtrace-*/{out,err}']
delete: ['${WORKSPACE}/*', '${WORKSPACE}/ok/**']
";

struct Run {
    outcome: Outcome,
    facts: Value,
}

impl Run {
    /// The rules and subjects of the findings, with the workspace left out.
    fn denied(&self) -> Vec<String> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let all = self.facts["findings"].as_array().unwrap();
        let of = |one: &Value| {
            let subject = text(&one["subject"]);
            let subject = subject.rsplit_once("/work/").map_or(subject.clone(), |(_, rest)| rest.to_owned());
            format!("{} {subject}", text(&one["rule"]))
        };
        let mut lines: Vec<String> = all.iter().map(of).collect();
        lines.sort_unstable();
        lines
    }
}

/// Runs a shell script under a policy; `work/no/secret` is a file that no policy here allows.
fn enforce(scratch: &Scratch, script: &str, policy: &str, options: &[&str]) -> Run {
    let (work, report) = (scratch.path("work"), scratch.path("report"));
    for dir in ["work/no/below", "work/ok", "home", "tmp"] {
        fs::create_dir_all(scratch.path(dir)).unwrap();
    }
    fs::write(work.join("no/secret"), "the secret\n").unwrap();
    fs::write(work.join("open"), "open\n").unwrap();
    fs::write(work.join("build.sh"), script).unwrap();
    let file = scratch.path("policy.yaml");
    fs::write(&file, format!("version: 1\n{SYSTEM}{policy}")).unwrap();
    let mut command = Command::new(smtrace());
    command.arg("audit").arg("--report").arg(&report).arg("--enforce").arg("--policy").arg(&file).args(options);
    command.args(["--", "/bin/sh", "build.sh"]);
    command.current_dir(&work).env("HOME", scratch.path("home")).env("TMPDIR", scratch.path("tmp"));
    command.env("GUEST", guest());
    support::outside_ci(&mut command);
    let outcome = finish(command);
    let text = fs::read_to_string(report.join("audit.json")).unwrap_or_else(|_| panic!("{}", outcome.err));
    Run { outcome, facts: serde_json::from_str(&text).unwrap() }
}

#[test]
fn a_file_is_kept_whatever_name_leads_to_it() {
    let ways = [
        "cat no/secret",
        "cat \"$PWD/no/../no/./secret\"",
        "ln -s no/secret link; cat link",
        "ln -s ../no ok/dir; cat ok/dir/secret",
        "cat /proc/self/root$PWD/no/secret",
        "cat /proc/self/cwd/no/secret",
        "(cd no; cat secret)",
        "/usr/bin/python3 -c \"import os; d = os.open('no', os.O_PATH); f = os.open('secret', os.O_RDONLY, dir_fd=d); print(os.read(f, 99))\"",
        "/usr/bin/python3 -c \"import os; f = os.open('no/secret', os.O_PATH); g = os.open('/proc/self/fd/%d' % f, os.O_RDONLY); print(os.read(g, 99))\"",
        "/usr/bin/python3 -c \"import os; f = os.open('no/secret', os.O_PATH); os.dup2(f, 0); print(open('/dev/stdin').read())\"",
        "\"$GUEST\" int80-open no/secret",
        "\"$GUEST\" openat2 no/secret",
    ];
    for seccomp in ["auto", "off"] {
        for way in ways {
            let scratch = Scratch::new();
            let run = enforce(&scratch, &format!("{way}; cat open"), "", &["--seccomp", seccomp]);
            assert_eq!(run.outcome.code, Some(3), "{way}: {}", run.outcome.err);
            assert!(run.outcome.out.ends_with("open\n"), "{way}: {:?}", run.outcome);
            assert!(!run.outcome.out.contains("the secret"), "{way}: {}", run.outcome.out);
            assert!(run.denied().contains(&"denied-read no/secret".to_owned()), "{way}: {:?}", run.denied());
        }
    }
}

#[test]
fn what_would_change_or_remove_a_file_does_not_happen() {
    let ways = [
        ("echo x > no/secret", "denied-write no/secret"),
        ("echo x >> no/new", "denied-write no/new"),
        ("ln -s no/new link; echo x > link", "denied-write no/new"),
        ("rm -f no/secret", "denied-delete no/secret"),
        ("rmdir no/below", "denied-delete no/below"),
        ("mkdir no/dir", "denied-write no/dir"),
        ("mv no/secret ok/secret", "denied-delete no/secret"),
        ("mv open no/secret", "denied-write no/secret"),
        ("ln no/secret ok/secret", "denied-write no/secret"),
        ("chmod 777 no/secret", "denied-write no/secret"),
        ("ln -s no/secret link; chmod 777 link", "denied-write no/secret"),
        ("truncate -s 0 no/secret", "denied-write no/secret"),
        ("/usr/bin/python3 -c \"import os; os.truncate('no/secret', 0)\"", "denied-write no/secret"),
        (
            "/usr/bin/python3 -c \"import os; d = os.open('no', os.O_PATH); os.unlink('secret', dir_fd=d)\"",
            "denied-delete no/secret",
        ),
    ];
    for (way, want) in ways {
        let scratch = Scratch::new();
        let run = enforce(&scratch, &format!("{way}; exit 0"), "", &[]);
        assert_eq!(run.outcome.code, Some(3), "{way}: {}", run.outcome.err);
        assert_eq!(run.denied(), [want], "{way}: {}", run.outcome.err);
        assert_eq!(fs::read_to_string(scratch.path("work/no/secret")).unwrap(), "the secret\n", "{way}");
        let mut left: Vec<_> = fs::read_dir(scratch.path("work/no")).unwrap().map(|e| e.unwrap().file_name()).collect();
        left.sort_unstable();
        assert_eq!(left, ["below", "secret"], "{way}");
    }
}

#[test]
fn a_new_name_does_not_open_what_the_old_one_kept_shut() {
    // Everything may be moved, but not so that it can be read afterwards; what the build made itself may.
    let policy = "deny: {read: ['${WORKSPACE}/no/**', '${WORKSPACE}/*/no/**']}\n";
    let free = "delete: ['/**']\nwrite: ['/**']\nread: ['/**']\nexec: ['/**']\n";
    for (way, stopped) in [
        ("mv no/secret ok/x; cat ok/x", true),
        ("mv no ok/dir; cat ok/dir/secret", true),
        ("ln no/secret ok/x; cat ok/x", true),
        ("mv no ok/no; cat ok/no/secret", true),
        ("echo mine > no/mine; mv no/mine ok/mine; cat ok/mine", false),
    ] {
        let scratch = Scratch::new();
        let text = format!("{free}{policy}");
        let run = enforce_with(&scratch, way, &text);
        assert!(!run.outcome.out.contains("the secret"), "{way}: {:?}", run.outcome);
        assert_eq!(run.denied().is_empty(), !stopped, "{way}: {:?}", run.denied());
    }
}

/// As [`enforce`], with a policy that says all itself.
fn enforce_with(scratch: &Scratch, script: &str, policy: &str) -> Run {
    fs::create_dir_all(scratch.path("work")).unwrap();
    let text = format!("#\n{policy}");
    enforce_raw(scratch, script, &text)
}

fn enforce_raw(scratch: &Scratch, script: &str, policy: &str) -> Run {
    for dir in ["work/no/below", "work/ok", "home", "tmp"] {
        fs::create_dir_all(scratch.path(dir)).unwrap();
    }
    fs::write(scratch.path("work/no/secret"), "the secret\n").unwrap();
    fs::write(scratch.path("policy.yaml"), format!("version: 1\n{policy}")).unwrap();
    let mut command = Command::new(smtrace());
    command.args(["audit", "--enforce", "--policy"]).arg(scratch.path("policy.yaml"));
    command.arg("--report").arg(scratch.path("report")).args(["--", "/bin/sh", "-c", script]);
    command.current_dir(scratch.path("work")).env("HOME", scratch.path("home")).env("TMPDIR", scratch.path("tmp"));
    support::outside_ci(&mut command);
    let outcome = finish(command);
    let text = fs::read_to_string(scratch.path("report/audit.json")).unwrap_or_else(|_| panic!("{}", outcome.err));
    Run { outcome, facts: serde_json::from_str(&text).unwrap() }
}

#[test]
fn a_program_that_is_not_allowed_does_not_run() {
    let script = "cp /bin/echo no/echo 2>/dev/null || cp /bin/echo here; ./here ran; printf '#!/bin/echo\\n' > script; \
                  chmod +x script; ./script ran; ln -s ../here ok/link; ok/link ran; echo end";
    let scratch = Scratch::new();
    let run = enforce(&scratch, script, "", &[]);
    assert_eq!(run.outcome.out, "end\n", "{}", run.outcome.err);
    assert_eq!(run.denied(), ["denied-exec here", "denied-exec script", "denied-write no/echo"]);
    // The digest of another program does not fit.
    let sum = Command::new("sha256sum").arg("/bin/echo").output().unwrap();
    let sum = String::from_utf8(sum.stdout).unwrap();
    let sum = sum.split(' ').next().unwrap();
    let real = fs::canonicalize("/bin/echo").unwrap();
    for (digest, out) in [(sum, "ran\n"), (&"0".repeat(64), "")] {
        let scratch = Scratch::new();
        let sh = fs::canonicalize("/bin/sh").unwrap();
        let policy = format!(
            "exec: [{{path: {}, sha256: ['{digest}']}}, {}]\nread: ['/**']\nwrite: ['/**']\n",
            real.display(),
            sh.display()
        );
        let run = enforce_with(&scratch, "/bin/echo ran", &policy);
        assert_eq!(run.outcome.out, out, "{}", run.outcome.err);
    }
}

#[test]
fn a_script_is_judged_by_its_own_name() {
    let scratch = Scratch::new();
    let script = "printf '#!/bin/sh\\ncat no/secret\\n' > ok/tool; chmod +x ok/tool; ok/tool; sh -c 'cat no/secret'";
    let policy = "commands:\n  - command: '${WORKSPACE}/ok/tool'\n    read: ['${WORKSPACE}/no/*']\n\
                  \x20 - command: '/**/cat'\n    deny: {exec: ['/nowhere']}\n";
    // A section is of the program that runs: here the script, not what it starts.
    let run = enforce(&scratch, script, policy, &[]);
    assert_eq!(run.denied(), ["denied-read no/secret"], "{:?}", run.outcome);
    let scratch = Scratch::new();
    let script = "printf '#!/bin/sh\\nread line < no/secret; echo \"$line\"\\n' > ok/tool; chmod +x ok/tool; ok/tool";
    let run = enforce(&scratch, script, policy, &[]);
    assert_eq!((run.outcome.out.as_str(), run.outcome.code), ("the secret\n", Some(0)), "{}", run.outcome.err);
}

#[test]
fn the_policy_says_what_is_done() {
    for (enforce_as, script, out, code) in [
        ("enforce: ENOENT", "cat no/secret", "cat: no/secret: No such file or directory", Some(3)),
        ("enforce: {write: kill, read: EIO}", "cat no/secret", "cat: no/secret: Input/output error", Some(3)),
        ("deny: {read: [{path: '${WORKSPACE}/no/*', enforce: kill}]}", "cat no/secret; echo alive", "", Some(3)),
    ] {
        let scratch = Scratch::new();
        let run = enforce(&scratch, script, &format!("{enforce_as}\n"), &[]);
        assert_eq!(run.outcome.code, code, "{:?}", run.outcome);
        assert!(!run.outcome.out.contains("alive"), "{:?}", run.outcome);
        assert!(run.outcome.err.contains(out), "{:?}", run.outcome);
        assert_eq!(run.denied(), ["denied-read no/secret"]);
    }
}

#[test]
fn connections_go_only_where_they_may() {
    let allowed = TcpListener::bind("127.0.0.1:0").unwrap();
    let denied = TcpListener::bind("127.0.0.1:0").unwrap();
    denied.set_nonblocking(true).unwrap();
    let datagrams = UdpSocket::bind("127.0.0.1:0").unwrap();
    datagrams.set_nonblocking(true).unwrap();
    let [yes, no] = [&allowed, &denied].map(|listener| listener.local_addr().unwrap().port());
    let away = datagrams.local_addr().unwrap().port();
    let policy = format!("connect: ['127.0.0.1:{yes}']\n");
    let python = |body: &str| format!("exec /usr/bin/python3 - <<'P'\nimport socket\n{body}\nP\n");
    for (body, out) in [
        (format!("s = socket.create_connection(('127.0.0.1', {yes})); s.send(b'x'); print('in')"), "in\n"),
        (format!("s = socket.socket(); s.settimeout(5); print(s.connect_ex(('127.0.0.1', {yes})))"), "0\n"),
        (format!("s = socket.socket(); print(s.connect_ex(('127.0.0.1', {no})))"), "1\n"),
        (format!("s = socket.socket(); s.setblocking(False); print(s.connect_ex(('127.0.0.1', {no})))"), "1\n"),
        (format!("s = socket.socket(socket.AF_INET6); print(s.connect_ex(('::ffff:127.0.0.1', {no})))"), "1\n"),
        (
            format!(
                "s = socket.socket(type=socket.SOCK_DGRAM)\ntry: s.sendto(b'x', ('127.0.0.1', {away}))\n\
                 except PermissionError: print('no')"
            ),
            "no\n",
        ),
        (
            format!(
                "s = socket.socket(type=socket.SOCK_DGRAM)\ntry: s.sendmsg([b'x'], [], 0, ('127.0.0.1', {away}))\n\
                 except PermissionError: print('no')"
            ),
            "no\n",
        ),
        (
            "s = socket.socket(); s.bind(('127.0.0.1', 0))\ntry: s.listen()\nexcept PermissionError: print('no')"
                .to_owned(),
            "no\n",
        ),
    ] {
        let scratch = Scratch::new();
        let run = enforce(&scratch, &python(&body), &policy, &[]);
        assert_eq!(run.outcome.out, out, "{body}: {}", run.outcome.err);
        assert_eq!(run.denied().is_empty(), out != "1\n" && out != "no\n", "{body}: {:?}", run.denied());
    }
    let guest = format!("\"$GUEST\" socketcall {no}; \"$GUEST\" socketcall {yes}");
    let scratch = Scratch::new();
    let run = enforce(&scratch, &guest, &policy, &[]);
    assert_eq!(run.outcome.out, "connect -1\nconnect 0\n", "{}", run.outcome.err);
    assert!(denied.accept().is_err() && datagrams.recv(&mut [0; 9]).is_err(), "something got out");
}

#[test]
fn what_socketcall_was_judged_by_is_what_happens() {
    let [allowed, denied] = [(); 2].map(|()| UdpSocket::bind("127.0.0.1:0").unwrap());
    denied.set_nonblocking(true).unwrap();
    let [yes, no] = [&allowed, &denied].map(|socket| socket.local_addr().unwrap().port());
    let scratch = Scratch::new();
    let script = format!("exec \"$GUEST\" socketcall-race {yes} {no}");
    let run = enforce(&scratch, &script, &format!("connect: ['127.0.0.1:{yes}']\n"), &[]);
    if run.outcome.code == Some(77) {
        return support::skip("socketcall", "this kernel has no i386 calls");
    }
    // It ends when both ports were asked for, one of them in vain.
    assert_eq!(run.outcome.out, "raced\n", "{}", run.outcome.err);
    assert!(denied.recv(&mut [0; 9]).is_err(), "something got out");
}

#[test]
fn no_address_cannot_become_one_that_is_denied() {
    let denied = TcpListener::bind("127.0.0.1:0").unwrap();
    denied.set_nonblocking(true).unwrap();
    let scratch = Scratch::new();
    let script = format!("exec \"$GUEST\" connect-race {}", denied.local_addr().unwrap().port());
    let run = enforce(&scratch, &script, "connect: ['192.0.2.1:9']\n", &[]);
    assert_eq!(run.outcome.out, "raced\n", "{}", run.outcome.err);
    assert!(denied.accept().is_err(), "something got out");
}

#[test]
fn unix_sockets_are_judged_by_where_they_are() {
    let scratch = Scratch::new();
    let script = "exec /usr/bin/python3 - <<'P'
import socket, os
server = socket.socket(socket.AF_UNIX); server.bind('no/door'); server.listen()
os.symlink('../no/door', 'ok/door')
s = socket.socket(socket.AF_UNIX); print(s.connect_ex('ok/door'))
P
";
    let policy = "listen: ['unix:/**']\nconnect: ['unix:${WORKSPACE}/ok/*']\n";
    let run = enforce(&scratch, script, policy, &[]);
    assert_eq!(run.outcome.out, "1\n", "{}", run.outcome.err);
    assert!(
        run.denied()[0].starts_with("denied-connect") && run.denied()[0].ends_with("no/door"),
        "{:?}",
        run.denied()
    );
}

#[test]
fn a_name_is_asked_for_only_if_it_may() {
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    drop(server);
    // Port 53 needs privileges; the question alone decides, so that nobody has to answer.
    let script = "exec /usr/bin/python3 - <<'P'
import socket, struct
def ask(name):
    q = struct.pack('>HHHHHH', 7, 0x100, 1, 0, 0, 0) + b''.join(bytes([len(p)]) + p.encode() for p in name.split('.')) + b'\\0\\0\\1\\0\\1'
    s = socket.socket(type=socket.SOCK_DGRAM)
    try: s.connect(('127.0.0.1', 53)); s.send(q); return 'sent'
    except PermissionError: return 'no'
    except ConnectionRefusedError: return 'sent'
print(ask('good.example'), ask('bad.example'))
P
";
    let scratch = Scratch::new();
    let run = enforce(&scratch, script, "connect: ['127.0.0.1:53']\ndns: ['good.example']\n", &[]);
    assert_eq!(run.outcome.out, "sent no\n", "{}", run.outcome.err);
    assert_eq!(run.denied(), ["denied-dns bad.example"]);
}

#[test]
fn what_a_policy_cannot_judge_is_refused() {
    let scratch = Scratch::new();
    let run = enforce(&scratch, "\"$GUEST\" unjudged; \"$GUEST\" socketcall-hidden", "", &[]);
    let refused = "io_uring_setup -1\nmount -1\nptrace -1\npidfd_getfd -1\nraw socket -1\nhidden -1\n";
    assert_eq!(run.outcome.out, refused);
    let denied = run.denied();
    for call in ["io_uring_setup", "socketcall"] {
        assert!(denied.contains(&format!("denied-unjudged {call}")), "{denied:?}");
    }
    // It is told, but is no reason to fail: many programs try such calls and do without. The built-in rules may say more.
    let findings = run.facts["findings"].as_array().unwrap();
    let mut own = findings.iter().filter(|finding| finding["rule"] == "denied-unjudged");
    assert!(own.all(|finding| finding["level"] == "warning"), "{findings:#?}");
}

#[test]
fn a_race_never_reads_what_is_denied() {
    for way in ["flip-path no/secret", "flip-link no/secret", "flip-exec no/secret"] {
        let scratch = Scratch::new();
        let run = enforce(&scratch, &format!("\"$GUEST\" {way}"), "", &[]);
        assert!(!run.outcome.out.contains("the secret"), "{way}: {}", run.outcome.out);
        // Both ways were taken: the race was one.
        let all = run.denied();
        assert!(all.iter().any(|line| line.starts_with("denied-") && line.ends_with("no/secret")), "{way}: {all:?}");
    }
}

#[test]
fn a_build_within_its_policy_is_left_alone() {
    let scratch = Scratch::new();
    let script = "mkdir -p ok/out; echo 'int main(void){return 0;}' > ok/a.c; cp ok/a.c ok/out/; mv ok/out/a.c ok/out/b.c; \
                  rm -r ok/out; (echo sub; cat open) | cat; /usr/bin/python3 -c 'import os; os.mkfifo(\"ok/f\")'; \
                  echo through > ok/f & cat ok/f; wait";
    let run = enforce(&scratch, script, "", &[]);
    assert_eq!(run.denied(), [""; 0], "{}", run.outcome.err);
    assert_eq!((run.outcome.out.as_str(), run.outcome.code), ("sub\nopen\nthrough\n", Some(0)), "{}", run.outcome.err);
}
