//! `smtrace doctor`: what this kernel, container and user allow, and what that means for tracing.
//!
//! `sys::probe` tries, this file judges. It must not change anything outside the probes' own children.

mod tell;

use crate::sys::host::{self, Proc, Yama};
use crate::sys::probe::{self, Foreign, NO_ANSWER, Ptrace, Try};
use std::fs;
use std::path::Path;

/// How good a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Ok,
    Limited,
    Missing,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            State::Ok => "ok",
            State::Limited => "limited",
            State::Missing => "missing",
        }
    }
}

/// One line of the report.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Finding {
    state: State,
    what: &'static str,
    finding: String,
    /// What it means, or its remedy; empty when all is well.
    meaning: String,
}

fn finding(state: State, what: &'static str, finding: impl Into<String>, meaning: impl Into<String>) -> Finding {
    Finding { state, what, finding: finding.into(), meaning: meaning.into() }
}

/// What was tried and read.
struct Facts {
    kernel: (String, String),
    gvisor: bool,
    status: String,
    proc: Proc,
    euid: u32,
    yama: Option<Yama>,
    actions: Option<String>,
    ptrace: Ptrace,
    filter: Try,
    filter_nnp: Try,
    i386: Foreign,
    x32: Foreign,
    namespaces: bool,
    container: Option<&'static str>,
    own_user_namespace: bool,
}

/// The report, as text or JSON, with its last newline; and whether smtrace can trace here at all.
#[must_use]
pub fn report(json: bool) -> (String, bool) {
    let facts = facts();
    let findings = findings(&facts);
    let mode = mode(&facts);
    let text = if json { tell::as_json(&findings, &mode) } else { tell::as_text(&findings, &mode) };
    (text, mode.name != "none")
}

fn facts() -> Facts {
    let read = |path: &str| fs::read_to_string(path).ok().map(|text| text.trim().to_owned());
    let kernel = probe::kernel();
    // gVisor says this version whatever it emulates.
    let gvisor = kernel.1.contains("Sun Jan 10 15:06:54 PST 2016") || probe::log_names_gvisor();
    Facts {
        gvisor,
        kernel,
        status: read("/proc/self/status").unwrap_or_default(),
        proc: host::proc(),
        euid: probe::effective_user(),
        yama: host::yama(),
        actions: read("/proc/sys/kernel/seccomp/actions_avail"),
        ptrace: probe::ptrace(),
        filter: probe::seccomp_trace(false),
        filter_nnp: probe::seccomp_trace(true),
        i386: probe::i386_call(),
        x32: probe::x32_call(),
        namespaces: probe::user_namespace(),
        container: container(),
        own_user_namespace: read("/proc/self/uid_map")
            .is_some_and(|map| map.split_whitespace().collect::<Vec<_>>() != ["0", "0", "4294967295"]),
    }
}

fn container() -> Option<&'static str> {
    let set = |name| std::env::var_os(name).is_some();
    // The initial pid namespace has this inode number (PROC_PID_INIT_INO).
    let own_pids = || fs::read_link("/proc/self/ns/pid").is_ok_and(|link| link.as_os_str() != "pid:[4026531836]");
    if set("ECS_CONTAINER_METADATA_URI_V4") || set("ECS_CONTAINER_METADATA_URI") {
        return Some("ECS or Fargate");
    }
    if set("KUBERNETES_SERVICE_HOST") {
        return Some("Kubernetes");
    }
    if Path::new("/run/.containerenv").exists() {
        return Some("Podman");
    }
    if Path::new("/.dockerenv").exists() {
        return Some("Docker");
    }
    (set("container") || own_pids()).then_some("a container")
}

/// The text after `name:` in /proc/PID/status.
fn field<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

fn capabilities(status: &str) -> Option<u64> {
    u64::from_str_radix(field(status, "CapEff")?, 16).ok()
}

/// Numbers of linux/capability.h.
const CAPABILITIES: [(&str, u32); 6] = [
    ("CAP_SYS_PTRACE", 19),
    ("CAP_SYS_ADMIN", 21),
    ("CAP_SETUID", 7),
    ("CAP_SETGID", 6),
    ("CAP_SYS_NICE", 23),
    ("CAP_KILL", 5),
];
const SYS_PTRACE: u32 = 19;

fn has(facts: &Facts, capability: u32) -> bool {
    capabilities(&facts.status).is_some_and(|set| set >> capability & 1 == 1)
}

fn reason(errno: i32) -> String {
    match errno {
        NO_ANSWER => "no answer".to_owned(),
        errno => std::io::Error::from_raw_os_error(errno).to_string(),
    }
}

fn findings(facts: &Facts) -> Vec<Finding> {
    let mut all = vec![kernel(facts), place(facts), proc_files(facts)];
    all.extend(ptrace(facts));
    all.push(yama(facts));
    all.extend(seccomp(facts));
    all.extend(memory(facts));
    all.extend(foreign(facts));
    all.extend(who(facts));
    all
}

fn kernel(facts: &Facts) -> Finding {
    let (release, version) = &facts.kernel;
    let told = format!("Linux {release} {version}, {}", std::env::consts::ARCH);
    if facts.gvisor {
        let meaning = "system calls are gVisor's, not the host kernel's; smtrace traces what the sandbox sees";
        return finding(State::Limited, "kernel", format!("gVisor ({told})"), meaning);
    }
    let mut numbers = release.split(['.', '-']).map_while(|part| part.parse::<u32>().ok());
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if version < (4, 8) {
        let meaning = "before 4.8 a tracer can change a call behind the seccomp filter; use a newer kernel";
        return finding(State::Limited, "kernel", told, meaning);
    }
    finding(State::Ok, "kernel", told, "")
}

fn place(facts: &Facts) -> Finding {
    let own = if facts.own_user_namespace { ", in a user namespace of its own" } else { "" };
    let told = format!("{}{own}", facts.container.unwrap_or("no container found"));
    let meaning = if facts.own_user_namespace {
        "capabilities count only inside that namespace; processes outside cannot be attached to"
    } else if facts.container.is_some() {
        "processes outside the container cannot be seen or attached to"
    } else {
        ""
    };
    finding(State::Ok, "container", told, meaning)
}

fn proc_files(facts: &Facts) -> Finding {
    match facts.proc {
        Proc::Ours => finding(State::Ok, "/proc", "readable", ""),
        Proc::Foreign => finding(State::Missing, "/proc", "shows another pid namespace", FOREIGN_PROC),
        Proc::Missing => {
            let meaning = "who did what cannot be told and memory is read more slowly; mount /proc";
            finding(State::Missing, "/proc", "not readable", meaning)
        }
    }
}

/// What to do about a `/proc` of another pid namespace.
pub(crate) const FOREIGN_PROC: &str = "processes would be taken for others of the same number; mount this namespace's own: \
    `mount -t proc proc /proc`, `unshare --mount-proc`, `bwrap --proc /proc`";

fn ptrace(facts: &Facts) -> Vec<Finding> {
    let found = &facts.ptrace;
    if let Err(errno) = found.seize.and(found.stop) {
        let meaning = match facts.yama {
            Some(yama @ Yama::Capable) if !has(facts, SYS_PTRACE) => yama.remedy(),
            Some(yama @ Yama::Nobody) => yama.remedy(),
            _ if traced(facts).is_some() => "another tracer follows our children; run smtrace outside of it",
            _ => host::FORBIDDEN,
        };
        return vec![finding(State::Missing, "ptrace", format!("PTRACE_SEIZE of a child: {}", reason(errno)), meaning)];
    }
    let info = match found.syscall_info {
        Ok(()) => finding(State::Ok, "syscall info", "PTRACE_GET_SYSCALL_INFO works", ""),
        Err(errno) => finding(
            State::Limited,
            "syscall info",
            format!("PTRACE_GET_SYSCALL_INFO: {}", reason(errno)),
            "calls are read from registers instead; a Linux kernel has it since 5.3",
        ),
    };
    vec![finding(State::Ok, "ptrace", "a child was seized and stopped", ""), info]
}

fn traced(facts: &Facts) -> Option<&str> {
    field(&facts.status, "TracerPid").filter(|pid| *pid != "0")
}

fn yama(facts: &Facts) -> Finding {
    let able = has(facts, SYS_PTRACE);
    let Some(yama) = facts.yama else {
        return finding(State::Ok, "attach (-p)", "no limit by Yama", own_processes(able));
    };
    let (state, meaning) = match yama {
        Yama::Descendants | Yama::Capable if able => (State::Ok, "CAP_SYS_PTRACE is there"),
        Yama::Descendants => (State::Limited, yama.remedy()),
        Yama::Capable | Yama::Nobody => (State::Missing, yama.remedy()),
    };
    finding(state, "attach (-p)", yama.to_string(), meaning)
}

fn own_processes(able: bool) -> &'static str {
    if able { "" } else { "only to processes of the same user that are dumpable; others need CAP_SYS_PTRACE" }
}

fn seccomp(facts: &Facts) -> Vec<Finding> {
    let actions = facts.actions.as_deref();
    let listed = match actions {
        Some(list) if list.split_whitespace().any(|word| word == "trace") => format!("actions: {list}"),
        Some(list) => format!("no action `trace` among: {list}"),
        None => "no list of actions".to_owned(),
    };
    let ptrace = facts.ptrace.seize.and(facts.ptrace.stop);
    let trace = match (facts.filter, facts.filter_nnp) {
        _ if ptrace.is_err() => {
            finding(State::Limited, "seccomp filter", format!("not tried; {listed}"), "of no use without ptrace")
        }
        (Ok(()), _) => finding(State::Ok, "seccomp filter", format!("RET_TRACE stops a child; {listed}"), ""),
        (Err(errno), Ok(())) => finding(
            State::Limited,
            "seccomp filter",
            format!("only with no_new_privs ({} without); {listed}", reason(errno)),
            "sudo and other setuid programs get no privilege when traced; run smtrace as root where they must",
        ),
        (Err(_), Err(errno)) => finding(
            State::Limited,
            "seccomp filter",
            format!("{}; {listed}", reason(errno)),
            "smtrace stops at every call, which is slower; the kernel needs CONFIG_SECCOMP_FILTER and a profile that \
             allows seccomp(2)",
        ),
    };
    let under = match field(&facts.status, "Seccomp") {
        None | Some("0") => finding(State::Ok, "seccomp outside", "smtrace is under no filter", ""),
        Some(_) => {
            let count = field(&facts.status, "Seccomp_filters").unwrap_or("some");
            let told = format!("smtrace is already under filters ({count})");
            finding(State::Ok, "seccomp outside", told, "a call that they refuse is not seen at its seccomp stop")
        }
    };
    vec![trace, under]
}

fn memory(facts: &Facts) -> Vec<Finding> {
    let found = &facts.ptrace;
    let ways = [
        ("/proc/PID/mem", found.mem_file, "memory is read by process_vm_readv, which is slower"),
        ("process_vm_readv", found.vm_readv, "the second way to read memory is left out"),
        ("PTRACE_PEEKDATA", found.peek, "the last way to read memory is left out"),
    ];
    if found.seize.and(found.stop).is_err() {
        return Vec::new();
    }
    let none = ways.iter().all(|(_, way, _)| way.is_err());
    let judged = ways.into_iter().map(|(what, way, meaning)| match way {
        Ok(()) => finding(State::Ok, what, "reads a child's memory", ""),
        Err(errno) if none => finding(State::Missing, what, reason(errno), "arguments are shown as addresses only"),
        Err(errno) => finding(State::Limited, what, reason(errno), meaning),
    });
    judged.collect()
}

fn foreign(facts: &Facts) -> Vec<Finding> {
    let judge = |what, found| match found {
        Foreign::Works => finding(State::Ok, what, "the kernel takes them", "they are traced as well"),
        Foreign::Refused => finding(State::Ok, what, "the kernel refuses them", "no tracee can make them"),
        Foreign::Untried => finding(State::Ok, what, "could not be tried here", "they are traced where they exist"),
    };
    let namespaces = if facts.namespaces {
        finding(State::Ok, "user namespaces", "a child can make one", "")
    } else {
        let meaning = "tracees that need one (bubblewrap, rootless containers) fail with and without smtrace";
        finding(State::Ok, "user namespaces", "a child cannot make one", meaning)
    };
    vec![judge("i386 calls", facts.i386), judge("x32 calls", facts.x32), namespaces]
}

fn who(facts: &Facts) -> Vec<Finding> {
    let held: Vec<_> = CAPABILITIES.iter().filter(|(_, bit)| has(facts, *bit)).map(|(name, _)| *name).collect();
    let told = if held.is_empty() { "none that matter".to_owned() } else { held.join(", ") };
    let mut all = vec![match has(facts, SYS_PTRACE) {
        true => finding(State::Ok, "user", format!("uid {}, capabilities: {told}", facts.euid), ""),
        false => finding(
            State::Limited,
            "user",
            format!("uid {}, capabilities: {told}", facts.euid),
            "without CAP_SYS_PTRACE set-user-id programs run without their privilege when traced",
        ),
    }];
    if field(&facts.status, "NoNewPrivs") == Some("1") {
        let meaning = "sudo and other setuid programs get no privilege, traced or not";
        all.push(finding(State::Limited, "no_new_privs", "already set by who started smtrace", meaning));
    }
    if let Some(pid) = traced(facts) {
        let meaning = "a process has one tracer: children that the other one follows cannot be traced";
        all.push(finding(State::Limited, "other tracer", format!("smtrace is traced by process {pid}"), meaning));
    }
    all
}

/// How smtrace will trace here.
struct Mode {
    name: &'static str,
    about: String,
}

fn mode(facts: &Facts) -> Mode {
    let found = &facts.ptrace;
    let missing = [("ptrace", found.seize.and(found.stop).is_err()), ("/proc", facts.proc == Proc::Foreign)];
    if let Some((line, _)) = missing.iter().find(|(_, missing)| *missing) {
        return Mode { name: "none", about: format!("smtrace cannot trace here; the line on {line} says why") };
    }
    let read = match (found.mem_file, found.vm_readv, found.peek) {
        (Ok(()), ..) => "/proc/PID/mem",
        (_, Ok(()), _) => "process_vm_readv",
        (_, _, Ok(())) => "PTRACE_PEEKDATA",
        _ => "no way",
    };
    let info = if found.syscall_info.is_ok() { "PTRACE_GET_SYSCALL_INFO" } else { "registers" };
    let how = format!("calls by {info}, memory by {read}");
    match (facts.filter, facts.filter_nnp) {
        (Ok(()), _) => Mode { name: "seccomp", about: format!("a seccomp filter stops only the enabled calls; {how}") },
        (_, Ok(())) => {
            let about = format!("a seccomp filter stops only the enabled calls, with no_new_privs set; {how}");
            Mode { name: "seccomp", about }
        }
        _ => Mode { name: "every-call", about: format!("every call stops, which is slower; {how}") },
    }
}

#[cfg(test)]
mod tests {
    // Machines that the tests do not run on, as facts.
    use super::*;

    fn plain() -> Facts {
        let ptrace = Ptrace {
            seize: Ok(()),
            stop: Ok(()),
            syscall_info: Ok(()),
            mem_file: Ok(()),
            vm_readv: Ok(()),
            peek: Ok(()),
        };
        Facts {
            kernel: ("6.18.0".to_owned(), "#1 SMP".to_owned()),
            gvisor: false,
            status: "Name:\tx\nTracerPid:\t0\nCapEff:\t0000000000080000\nNoNewPrivs:\t0\nSeccomp:\t0\n".to_owned(),
            proc: Proc::Ours,
            euid: 1000,
            yama: Some(Yama::Descendants),
            actions: Some("trap errno trace log allow".to_owned()),
            ptrace,
            filter: Ok(()),
            filter_nnp: Ok(()),
            i386: Foreign::Works,
            x32: Foreign::Refused,
            namespaces: true,
            container: None,
            own_user_namespace: false,
        }
    }

    fn line(facts: &Facts, what: &str) -> Finding {
        findings(facts).into_iter().find(|finding| finding.what == what).unwrap()
    }

    #[test]
    fn all_is_well_on_a_plain_machine() {
        let facts = plain();
        assert!(findings(&facts).iter().all(|finding| finding.state == State::Ok), "{:?}", findings(&facts));
        assert_eq!(mode(&facts).name, "seccomp");
    }

    #[test]
    fn what_is_not_ok_has_a_meaning_or_remedy() {
        let mut facts = plain();
        let no = Err(libc::EPERM);
        facts.status = "TracerPid:\t7\nCapEff:\t0\nNoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t1".to_owned();
        facts.ptrace = Ptrace { seize: Ok(()), stop: Ok(()), syscall_info: no, mem_file: no, vm_readv: no, peek: no };
        facts.gvisor = true;
        for yama in [None, Some(Yama::Descendants), Some(Yama::Capable), Some(Yama::Nobody)] {
            for filter in [(Ok(()), Ok(())), (no, Ok(())), (no, no)] {
                facts.yama = yama;
                (facts.filter, facts.filter_nnp) = filter;
                for finding in findings(&facts) {
                    assert!(finding.state == State::Ok || !finding.meaning.is_empty(), "{finding:?}");
                    assert!(!finding.finding.contains('\n') && !finding.meaning.contains('\n'), "{finding:?}");
                }
            }
        }
        assert_eq!(line(&facts, "other tracer").finding, "smtrace is traced by process 7");
        assert_eq!(line(&facts, "/proc/PID/mem").state, State::Missing);
    }

    #[test]
    fn the_mode_follows_the_probes() {
        let mut facts = plain();
        facts.filter = Err(libc::EACCES);
        assert!(mode(&facts).about.contains("no_new_privs"));
        facts.filter_nnp = Err(libc::EINVAL);
        facts.ptrace.mem_file = Err(libc::EACCES);
        facts.ptrace.syscall_info = Err(libc::EIO);
        assert_eq!(mode(&facts).name, "every-call");
        assert!(mode(&facts).about.ends_with("calls by registers, memory by process_vm_readv"));
        facts.proc = Proc::Foreign;
        assert!(mode(&facts).about.contains("/proc"));
        facts.ptrace.seize = Err(libc::EPERM);
        assert_eq!(mode(&facts).name, "none");
        assert!(line(&facts, "ptrace").meaning.contains("--cap-add SYS_PTRACE"));
        facts.yama = Some(Yama::Nobody);
        assert!(line(&facts, "ptrace").meaning.contains("reboot"));
    }

    #[test]
    fn the_report_of_this_machine_is_whole() {
        let (text, usable) = report(false);
        assert!(text.lines().last().unwrap().starts_with("mode     "), "{text}");
        let (json, _) = report(true);
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["usable"], usable);
        assert!(json["findings"].as_array().unwrap().len() > 10);
    }
}
