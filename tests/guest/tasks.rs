//! Processes and threads: every way to make, replace and end them.

use crate::*;

pub(crate) fn fork_some(count: i64) -> c_int {
    let mut sum = 0;
    for i in 0..count {
        let pid = spawn(|| {
            (0..3).for_each(|_| _ = mark());
            (i % 50) as c_int
        });
        let status = wait_for(pid);
        check!(libc::WIFEXITED(status));
        sum += libc::WEXITSTATUS(status);
    }
    say(&format!("sum {sum}"));
    0
}

pub(crate) fn vfork() -> c_int {
    for _ in 0..5 {
        let pid: i64;
        // The child must not return from here: it makes its call and exits in the same block.
        unsafe {
            asm!("syscall", "test rax, rax", "jnz 2f", "mov eax, 110", "syscall", "mov edi, 5", "mov eax, 231",
                 "syscall", "2:", inlateout("rax") libc::SYS_vfork => pid, lateout("rdi") _, lateout("rcx") _,
                 lateout("r11") _);
        }
        check!(pid > 0);
        check!(exited(wait_for(pid as pid_t), 5));
    }
    say("vfork ok");
    0
}

/// A parent that waits for its vfork child, which stops itself.
pub(crate) fn vfork_stopped() -> c_int {
    say("ready");
    let pid: i64;
    // In the child: kill(getpid(), SIGSTOP), exit_group(5).
    unsafe {
        asm!("syscall", "test rax, rax", "jnz 2f", "mov eax, 39", "syscall", "mov edi, eax", "mov esi, 19",
             "mov eax, 62", "syscall", "mov edi, 5", "mov eax, 231", "syscall", "2:",
             inlateout("rax") libc::SYS_vfork => pid, lateout("rdi") _, lateout("rsi") _, lateout("rcx") _,
             lateout("r11") _);
    }
    check!(exited(wait_for(pid as pid_t), 5));
    say("fine");
    7
}

/// Its leader ends; a thread works until stdin ends.
pub(crate) fn leaderless() -> c_int {
    std::thread::spawn(|| {
        while !status_line("State").contains('Z') {
            std::thread::yield_now();
        }
        say("ready");
        while !readable(0, 1) {
            mark();
        }
        say("fine");
        leave(7);
    });
    raw(libc::SYS_exit, [0; 6]);
    unreachable!()
}

pub(crate) fn posix_spawn() -> c_int {
    let program = c"/proc/self/exe";
    let argv = [program.as_ptr().cast_mut(), c"marks".as_ptr().cast_mut(), c"2".as_ptr().cast_mut(), null_mut()];
    for _ in 0..3 {
        let mut pid = 0;
        let envp = [null_mut()];
        let error =
            unsafe { libc::posix_spawn(&raw mut pid, program.as_ptr(), null(), null(), argv.as_ptr(), envp.as_ptr()) };
        check!(error == 0);
        check!(exited(wait_for(pid), 0));
    }
    say("spawn ok");
    0
}

pub(crate) fn threads(count: i64, marks: i64) -> c_int {
    let all: Vec<_> = (0..count).map(|_| std::thread::spawn(move || (0..marks).for_each(|_| _ = mark()))).collect();
    for thread in all {
        check!(thread.join().is_ok());
    }
    say("threads ok");
    0
}

pub(crate) static SHARED: AtomicI32 = AtomicI32::new(0);

pub(crate) extern "C" fn in_clone(_: *mut c_void) -> c_int {
    SHARED.fetch_add(1, SeqCst);
    mark();
    6
}

pub(crate) fn clone_with(flags: c_int) -> pid_t {
    let stack = map(16, RW);
    let pid = unsafe { libc::clone(in_clone, stack.add(16 * 4096).cast(), flags | libc::SIGCHLD, null_mut()) };
    check!(pid > 0);
    pid
}

pub(crate) fn clone_vm() -> c_int {
    for i in 1..=5 {
        let pid = clone_with(libc::CLONE_VM);
        check!(exited(wait_for(pid), 6));
        check!(SHARED.load(SeqCst) == i);
    }
    let pid = clone_with(libc::CLONE_VM | libc::CLONE_VFORK);
    check!(SHARED.load(SeqCst) == 6);
    check!(exited(wait_for(pid), 6));
    say("clone_vm ok");
    0
}

pub(crate) fn clone_parent() -> c_int {
    let ends = pipe();
    let middle = spawn(|| {
        let pid = unsafe { libc::syscall(libc::SYS_clone, libc::CLONE_PARENT | libc::SIGCHLD, 0, 0, 0, 0) };
        if pid == 0 {
            mark();
            leave(8);
        }
        let bytes = (pid as pid_t).to_ne_bytes();
        c_int::from(unsafe { libc::write(ends[1], bytes.as_ptr().cast(), 4) } != 4)
    });
    let mut bytes = [0; 4];
    check!(unsafe { libc::read(ends[0], bytes.as_mut_ptr().cast(), 4) } == 4);
    // The grandchild by birth is a child of ours by CLONE_PARENT, or waitpid would say ECHILD.
    check!(exited(wait_for(pid_t::from_ne_bytes(bytes)), 8));
    check!(exited(wait_for(middle), 0));
    say("clone_parent ok");
    0
}

#[repr(C)]
#[derive(Default)]
pub(crate) struct CloneArgs {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
}

pub(crate) fn clone3_with(args: &CloneArgs) -> i64 {
    let pid = raw(libc::SYS_clone3, [&raw const *args as usize, size_of::<CloneArgs>(), 0, 0, 0, 0]);
    if pid == 0 {
        mark();
        mark_path("from-clone3");
        leave(4);
    }
    pid
}

pub(crate) fn clone3() -> c_int {
    for _ in 0..3 {
        let pid = clone3_with(&CloneArgs { exit_signal: libc::SIGCHLD as u64, ..CloneArgs::default() });
        check!(pid > 0);
        check!(exited(wait_for(pid as pid_t), 4));
    }
    let (mut pidfd, mut tid) = (-1 as c_int, 0 as c_int);
    let args = CloneArgs {
        flags: (libc::CLONE_PIDFD | libc::CLONE_PARENT_SETTID) as u64,
        pidfd: &raw mut pidfd as u64,
        parent_tid: &raw mut tid as u64,
        exit_signal: libc::SIGCHLD as u64,
        ..CloneArgs::default()
    };
    let pid = clone3_with(&args);
    check!(pid > 0);
    check!(i64::from(tid) == pid);
    check!(readable(pidfd, 30_000));
    check!(exited(wait_for(pid as pid_t), 4));
    say("clone3 ok");
    0
}

/// Children that ask not to be traced: they must be in the log all the same, and not notice.
pub(crate) fn untraced() -> c_int {
    let flags = libc::CLONE_UNTRACED | libc::SIGCHLD;
    let pid = unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) } as pid_t;
    if pid == 0 {
        mark();
        leave(c_int::from(mark_path("untraced-clone") != -i64::from(libc::ENOENT)));
    }
    check!(exited(wait_for(pid), 0));
    let flags = libc::CLONE_UNTRACED as u64;
    let pid = clone3_with(&CloneArgs { flags, exit_signal: libc::SIGCHLD as u64, ..CloneArgs::default() });
    check!(pid > 0);
    check!(exited(wait_for(pid as pid_t), 4));
    say("untraced ok");
    0
}

pub(crate) static TARGETS: [AtomicI32; 4] = [const { AtomicI32::new(0) }; 4];
pub(crate) static CAUGHT: AtomicI32 = AtomicI32::new(0);
/// What the helper does at the end: let its targets go itself, or leave that to its own end.
pub(crate) static DETACHES: AtomicBool = AtomicBool::new(true);

pub(crate) extern "C" fn note_caught(_: c_int, _: *mut libc::siginfo_t, _: *mut c_void) {
    CAUGHT.fetch_add(1, SeqCst);
}

pub(crate) fn trace(request: u32, tid: i32, address: usize, data: usize) -> i64 {
    raw(libc::SYS_ptrace, [request as usize, tid as usize, address, data, 0, 0])
}

pub(crate) fn stop_of(tid: i32) -> c_int {
    let mut status = 0;
    check!(
        raw(libc::SYS_wait4, [tid as usize, &raw mut status as usize, libc::__WALL as usize, 0, 0, 0])
            == i64::from(tid)
    );
    status
}

/// Stops its targets, looks at them, and lets them go, as LeakSanitizer's helper does.
pub(crate) extern "C" fn stop_the_world(_: *mut c_void) -> c_int {
    const NT_PRSTATUS: usize = 1;
    let word: u64 = 0x1234_5678_9abc_def0;
    let targets = TARGETS.each_ref().map(|tid| tid.load(SeqCst));
    for tid in targets {
        check!(trace(libc::PTRACE_ATTACH, tid, 0, 0) == 0);
        check!(trace(libc::PTRACE_ATTACH, tid, 0, 0) == -i64::from(libc::EPERM));
        check!(stop_of(tid) == (libc::SIGSTOP << 8 | 0x7f));
    }
    for tid in targets {
        let mut registers: libc::user_regs_struct = unsafe { zeroed() };
        let mut iovec = libc::iovec { iov_base: (&raw mut registers).cast(), iov_len: 4096 };
        check!(trace(libc::PTRACE_GETREGSET, tid, NT_PRSTATUS, &raw mut iovec as usize) == 0);
        check!(iovec.iov_len == size_of::<libc::user_regs_struct>() && registers.rsp != 0);
        let mut again: libc::user_regs_struct = unsafe { zeroed() };
        check!(trace(libc::PTRACE_GETREGS, tid, 0, &raw mut again as usize) == 0);
        check!(again.rsp == registers.rsp);
        let mut read = 0u64;
        check!(trace(libc::PTRACE_PEEKDATA, tid, &raw const word as usize, &raw mut read as usize) == 0);
        check!(read == word);
        check!(trace(libc::PTRACE_PEEKDATA, tid, 8, &raw mut read as usize) == -i64::from(libc::EIO));
        let mut status = 0;
        let flags = (libc::__WALL | libc::WNOHANG) as usize;
        check!(raw(libc::SYS_wait4, [tid as usize, &raw mut status as usize, flags, 0, 0, 0]) == 0);
    }
    // A signal for a target is its tracer's to pass on.
    check!(trace(libc::PTRACE_CONT, targets[1], 0, 0) == 0);
    let process = unsafe { libc::getppid() } as usize;
    check!(raw(libc::SYS_tgkill, [process, targets[1] as usize, libc::SIGUSR1 as usize, 0, 0, 0]) == 0);
    check!(stop_of(targets[1]) == (libc::SIGUSR1 << 8 | 0x7f));
    check!(CAUGHT.load(SeqCst) == 0);
    check!(trace(libc::PTRACE_DETACH, targets[1], 0, libc::SIGUSR1 as usize) == 0);
    if DETACHES.load(SeqCst) {
        for tid in [targets[0], targets[2], targets[3]] {
            check!(trace(libc::PTRACE_DETACH, tid, 0, 0) == 0);
        }
    }
    check!(trace(libc::PTRACE_DETACH, targets[1], 0, 0) == -i64::from(libc::ESRCH));
    7
}

/// A helper that shares the memory traces the threads of its parent, which block in read(2) and must not notice.
pub(crate) fn inner_tracer(detaches: bool) -> c_int {
    DETACHES.store(detaches, SeqCst);
    on_signal(libc::SIGUSR1, libc::SA_RESTART, note_caught);
    let (here, go) = (pipe(), pipe());
    TARGETS[0].store(unsafe { libc::gettid() }, SeqCst);
    let threads: Vec<_> = (1..TARGETS.len())
        .map(|i| {
            std::thread::spawn(move || {
                TARGETS[i].store(unsafe { libc::gettid() }, SeqCst);
                put_byte(here[1]);
                take_byte(go[0]);
                mark();
            })
        })
        .collect();
    threads.iter().for_each(|_| take_byte(here[0]));
    let stack = map(64, RW);
    let flags = libc::CLONE_VM | libc::CLONE_FS | libc::CLONE_FILES | libc::CLONE_UNTRACED;
    // With Yama a tracer that is no ancestor has to be named (PR_SET_PTRACER); PR_SET_PTRACER_ANY is -1.
    unsafe { libc::prctl(libc::PR_SET_PTRACER, -1_i64 as usize, 0, 0, 0) };
    let helper = unsafe { libc::clone(stop_the_world, stack.add(64 * 4096).cast(), flags, null_mut()) };
    check!(helper > 0);
    check!(exited(wait_for(helper), 7));
    threads.iter().for_each(|_| put_byte(go[1]));
    for thread in threads {
        check!(thread.join().is_ok());
    }
    check!(CAUGHT.load(SeqCst) == 1);
    say("inner tracer ok");
    0
}

pub(crate) static STOP: AtomicBool = AtomicBool::new(false);

pub(crate) fn spin_in_threads(count: usize) {
    for _ in 0..count {
        std::thread::spawn(|| {
            while !STOP.load(SeqCst) {
                mark();
            }
        });
    }
}

pub(crate) fn exec_self(words: &[&str]) -> ! {
    let words: Vec<_> = ["guest"].iter().chain(words).map(|word| CString::new(*word).unwrap()).collect();
    let argv: Vec<_> = words.iter().map(|word| word.as_ptr()).chain([null()]).collect();
    // Not /proc/self: it has no program any more once the leader has exited.
    unsafe { libc::execv(c"/proc/thread-self/exe".as_ptr(), argv.as_ptr()) };
    check!(false);
    leave(99)
}

pub(crate) fn pid_word() -> String {
    std::process::id().to_string()
}

/// A thread that is not the leader runs a new program while the others work.
pub(crate) fn exec_thread() -> c_int {
    spin_in_threads(6);
    std::thread::spawn(|| exec_self(&["after-exec", &pid_word(), "23"]));
    loop {
        unsafe { libc::pause() };
    }
}

/// What [`exec_thread`], [`exec_race`] and [`leader_exits_exec`] become.
pub(crate) fn after_exec(args: &[String]) -> c_int {
    (0..100).for_each(|_| _ = mark());
    check!(unsafe { libc::syscall(libc::SYS_gettid) } == number(args, 1, 0));
    say(if args.get(1) == Some(&pid_word()) { "new image, same pid" } else { "new image, other pid" });
    number(args, 2, 0) as c_int
}

/// All threads, the leader too, run a new program at once: one of them wins.
pub(crate) fn exec_race() -> c_int {
    let gate = std::sync::Arc::new(std::sync::Barrier::new(5));
    for _ in 0..4 {
        let gate = gate.clone();
        std::thread::spawn(move || {
            gate.wait();
            exec_self(&["after-exec", &pid_word(), "24"]);
        });
    }
    gate.wait();
    exec_self(&["after-exec", &pid_word(), "24"]);
}

/// The state letter of a task in /proc.
pub(crate) fn task_state(tid: pid_t) -> Option<char> {
    // A thread that is no leader is not listed there, but it is found.
    let stat = std::fs::read_to_string(format!("/proc/{tid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

/// The leader exits, another thread goes on, and ends the process as `how` says.
pub(crate) fn leader_exits(how: &str) -> c_int {
    let how = how.to_owned();
    std::thread::spawn(move || {
        let leader = std::process::id() as pid_t;
        while task_state(leader) != Some('Z') {
            std::thread::yield_now();
        }
        (0..20).for_each(|_| _ = mark());
        say("leader is gone");
        match how.as_str() {
            "group" => leave(7),
            "exec" => exec_self(&["after-exec", &pid_word(), "25"]),
            _ => _ = raw(libc::SYS_exit, [0; 6]),
        }
    });
    raw(libc::SYS_exit, [3, 0, 0, 0, 0, 0]);
    99
}

pub(crate) fn exit_threads() -> c_int {
    spin_in_threads(10);
    for _ in 0..10 {
        std::thread::spawn(|| unsafe { libc::pause() });
    }
    (0..50).for_each(|_| _ = mark());
    say("leaving");
    9
}

/// Kills ten processes of seven threads each, all of which have made a call and make more.
pub(crate) fn kill_threads() -> c_int {
    for _ in 0..10 {
        let ends = pipe();
        let child = spawn(|| {
            let work = move || {
                mark();
                put_byte(ends[1]);
                loop {
                    mark();
                }
            };
            (0..6).for_each(|_| drop(std::thread::spawn(work)));
            work()
        });
        (0..7).for_each(|_| take_byte(ends[0]));
        check!(unsafe { libc::kill(child, libc::SIGKILL) } == 0);
        check!(killed(wait_for(child), libc::SIGKILL));
        for fd in ends {
            unsafe { libc::close(fd) };
        }
    }
    say("killed ok");
    0
}
