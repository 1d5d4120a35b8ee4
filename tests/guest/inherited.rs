//! What a program inherits from who starts it.

use crate::*;

pub(crate) fn status_line(name: &str) -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    status.lines().find(|line| line.starts_with(name)).unwrap_or("none").to_owned()
}

pub(crate) fn affinity() -> Vec<usize> {
    let mut set: libc::cpu_set_t = unsafe { zeroed() };
    check!(unsafe { libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &raw mut set) } == 0);
    (0..1024).filter(|cpu| unsafe { libc::CPU_ISSET(*cpu, &set) }).collect()
}

/// Everything that a program gets from its parent, but what must differ.
pub(crate) fn inherit() -> c_int {
    // Before anything opens a file: which descriptors are there, and what they are.
    let open: Vec<c_int> = (0..256).filter(|fd| unsafe { libc::fcntl(*fd, libc::F_GETFD) } >= 0).collect();
    let mut text = Vec::new();
    for fd in open {
        let flags = unsafe { libc::fcntl(fd, libc::F_GETFL) };
        let link = std::fs::read_link(format!("/proc/self/fd/{fd}")).map(|path| path.display().to_string());
        let link = link.unwrap_or_default();
        // The place of the test's own files differs from run to run.
        let kind = if link.starts_with("/dev/") { link.as_str() } else { "file" };
        writeln!(text, "fd {fd} {flags:o} {kind}").unwrap();
    }
    for name in
        ["SigBlk", "SigIgn", "SigCgt", "SigPnd", "NoNewPrivs", "CapEff", "CapBnd", "Uid", "Groups", "Cpus_allowed_list"]
    {
        writeln!(text, "{}", status_line(name)).unwrap();
    }
    let mask = unsafe { libc::umask(0) };
    writeln!(text, "umask {mask:o} nice {}", unsafe { libc::getpriority(libc::PRIO_PROCESS, 0) }).unwrap();
    for resource in 0..16u32 {
        let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        unsafe { libc::getrlimit(resource, &raw mut limit) };
        writeln!(text, "limit {resource} {} {}", limit.rlim_cur, limit.rlim_max).unwrap();
    }
    writeln!(text, "affinity {:?} scheduler {}", affinity(), unsafe { libc::sched_getscheduler(0) }).unwrap();
    writeln!(text, "cwd {}", std::env::current_dir().unwrap().display()).unwrap();
    text.extend_from_slice(&std::fs::read("/proc/self/environ").unwrap());
    let leader = unsafe { libc::getsid(0) == libc::getpid() };
    writeln!(text, "\nsession leader {leader}").unwrap();
    // To a file where it is given: the descriptor 1 may be closed.
    if let Some(path) = std::env::var_os("GUEST_OUT") {
        std::fs::write(path, &text).unwrap();
    } else {
        say(&String::from_utf8_lossy(&text));
    }
    mark();
    0
}

/// The affinity stays as it was, before, in and after a loop that a tracer would like to have on its own CPU.
pub(crate) fn affinity_in_loop(count: i64) -> c_int {
    let before = affinity();
    say(&format!("cpus {before:?} {}", status_line("Cpus_allowed_list")));
    for i in 0..count {
        mark();
        if i % 1000 == 999 {
            check!(affinity() == before);
            check!(std::thread::available_parallelism().unwrap().get() == before.len());
        }
    }
    let child = spawn(affinity_matches(before.clone()));
    check!(exited(wait_for(child), 0));
    say(&format!("cpus {:?}", affinity()));
    // What is set is what is seen, too.
    let mut one: libc::cpu_set_t = unsafe { zeroed() };
    unsafe { libc::CPU_SET(before[0], &mut one) };
    check!(unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const one) } == 0);
    (0..count / 4).for_each(|_| _ = mark());
    check!(affinity() == [before[0]]);
    say("affinity ok");
    0
}

pub(crate) fn affinity_matches(want: Vec<usize>) -> impl FnOnce() -> c_int {
    move || c_int::from(affinity() != want)
}

/// The CPUs that it may use, as its own status says after many calls, by the whole path and by a relative one.
pub(crate) fn cpus_of_status() -> c_int {
    check!(unsafe { libc::chdir(c"/proc/self".as_ptr()) } == 0);
    for (turn, path) in ["/proc/self/status", "status"].repeat(10).into_iter().enumerate() {
        (0..200).for_each(|_| _ = mark());
        let mut file = std::fs::File::open(path).unwrap();
        if turn < 2 {
            // As where others have the CPU: the file is read long after it was opened.
            std::thread::sleep(std::time::Duration::from_millis(150));
        }
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        say(text.lines().find(|line| line.starts_with("Cpus_allowed_list:")).unwrap());
    }
    0
}
