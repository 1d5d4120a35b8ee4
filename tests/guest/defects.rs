//! What broke smtrace once.

use crate::*;

/// A process that forks and exits, and its child does, and so on, each in a session of its own, for 30 seconds.
pub(crate) fn fork_chain() -> c_int {
    let start = std::time::Instant::now();
    while start.elapsed().as_secs() < 30 {
        let pid = unsafe { libc::fork() };
        check!(pid >= 0);
        if pid > 0 {
            leave(0);
        }
        unsafe { libc::setsid() };
    }
    say("nobody killed the chain");
    0
}

/// Counts its calls in the first word of `file`, until it is killed.
pub(crate) fn count_in(file: &str) -> c_int {
    let path = CString::new(file).unwrap();
    let fd = unsafe { libc::open(path.as_ptr(), libc::O_RDWR) };
    check!(fd >= 0);
    let at = unsafe { libc::mmap(null_mut(), 8, RW, libc::MAP_SHARED, fd, 0) };
    check!(at != libc::MAP_FAILED);
    let counter = unsafe { AtomicUsize::from_ptr(at.cast()) };
    say("ready");
    loop {
        mark();
        counter.fetch_add(1, SeqCst);
    }
}

/// A thread that is not the leader makes many calls, then becomes a program that says how many CPUs it has.
pub(crate) fn thread_cpus() -> c_int {
    std::thread::spawn(|| {
        (0..2000).for_each(|_| _ = mark());
        exec_self(&["cpus"]);
    });
    loop {
        unsafe { libc::pause() };
    }
}

/// Makes 2000 calls, then 20 times 100 more, 10 in a thread and 10 in a child; all of them have the same CPUs.
pub(crate) fn children_and_threads() -> c_int {
    let before = affinity();
    (0..2000).for_each(|_| _ = mark());
    for _ in 0..20 {
        (0..100).for_each(|_| _ = mark());
        let want = before.clone();
        let child = spawn(|| {
            let wrong = c_int::from(affinity() != want);
            (0..10).for_each(|_| _ = mark());
            wrong
        });
        check!(exited(wait_for(child), 0));
        let thread = std::thread::spawn(|| {
            (0..10).for_each(|_| _ = mark());
            affinity()
        });
        check!(thread.join().is_ok_and(|cpus| cpus == before));
    }
    say("children and threads ok");
    5
}

/// Asks that the signals of a descriptor go to the tracer, which is the parent, and to itself.
pub(crate) fn owners() -> c_int {
    let mut ends = [0; 2];
    check!(unsafe { libc::socketpair(libc::AF_UNIX, libc::SOCK_STREAM, 0, ends.as_mut_ptr()) } == 0);
    let fd = ends[0] as usize;
    for (who, pid) in [("parent", unsafe { libc::getppid() }), ("self", unsafe { libc::getpid() })] {
        // struct f_owner_ex { int type; pid_t pid; } with F_OWNER_TID and F_OWNER_PID; F_SETOWN_EX is 15.
        let owners: [[c_int; 2]; 2] = [[0, pid], [1, pid]];
        let [thread, process] = owners.each_ref().map(|owner| owner.as_ptr() as usize);
        let at = &raw const pid as usize;
        for (name, nr, command, arg) in [
            ("F_SETOWN", libc::SYS_fcntl, libc::F_SETOWN as usize, pid as usize),
            ("F_SETOWN_EX thread", libc::SYS_fcntl, 15, thread),
            ("F_SETOWN_EX process", libc::SYS_fcntl, 15, process),
            ("FIOSETOWN", libc::SYS_ioctl, 0x8901, at),
            ("SIOCSPGRP", libc::SYS_ioctl, 0x8902, at),
        ] {
            say(&format!("{who} {name} {}", raw(nr, [fd, command, arg, 0, 0, 0])));
        }
    }
    0
}

/// Becomes the program `words` with an environment that no shell would make.
pub(crate) fn odd_environment(words: &[String]) -> c_int {
    let words: Vec<_> = words.iter().map(|word| CString::new(word.as_str()).unwrap()).collect();
    let argv: Vec<_> = words.iter().map(|word| word.as_ptr()).chain([null()]).collect();
    let entries = [c"TWICE=first", c"no equals sign", c"TWICE=second", c"=nameless", c"", c"LAST=1"];
    let envp: Vec<_> = entries.iter().map(|entry| entry.as_ptr()).chain([null()]).collect();
    unsafe { libc::execve(argv[0], argv.as_ptr(), envp.as_ptr()) };
    check!(false);
    99
}

/// Says its environment as it is in memory.
pub(crate) fn environment() -> c_int {
    let bytes = std::fs::read("/proc/self/environ").unwrap();
    bytes.split(|byte| *byte == 0).for_each(|entry| say(&format!("[{}]", String::from_utf8_lossy(entry))));
    0
}

/// The i386 call ipc for semget, plain and with a version in its upper half. -1 semaphores: nothing is made.
pub(crate) fn int80_ipc() -> c_int {
    for call in [2, 0x1_0002] {
        check!(int80(117, call, 0, usize::MAX) == -i64::from(libc::EINVAL));
    }
    say("ipc ok");
    0
}

/// Does what the bytes on stdin say, and answers each with a line, until the end: `g` a marked call, `o` an open, `m` 1000
/// marked calls, `f` a marked call in a child, `t` one in a thread.
pub(crate) fn serve() -> c_int {
    say("ready");
    loop {
        let mut byte = 0u8;
        if unsafe { libc::read(0, (&raw mut byte).cast(), 1) } != 1 {
            return 0;
        }
        match byte {
            b'g' => _ = mark(),
            b'o' => _ = mark_path("on-demand"),
            b'm' => (0..1000).for_each(|_| _ = mark()),
            b'l' => (0..1000).for_each(|i| _ = mark_path(&format!("{i:0>200}"))),
            b'f' => {
                let pid = spawn(|| {
                    mark();
                    0
                });
                check!(exited(wait_for(pid), 0));
            }
            b't' => drop(std::thread::spawn(mark).join()),
            _ => check!(false),
        }
        say("ok");
    }
}

/// Waits in calls that a ptrace stop interrupts with EINTR; a byte on stdin ends the waits, and none may have failed.
pub(crate) fn waits() -> c_int {
    let (epolled, read) = (pipe(), pipe());
    // Before there are threads: it may be sent as soon as one seems to wait.
    let mut set: libc::sigset_t = unsafe { std::mem::zeroed() };
    unsafe { libc::sigaddset(&raw mut set, libc::SIGUSR1) };
    check!(unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, null_mut()) } == 0);
    let waiting = |what: fn([c_int; 2]) -> c_int, fds: [c_int; 2]| {
        let (start, started) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            start.send(unsafe { libc::gettid() }).unwrap();
            let result = what(fds);
            (result, errno())
        });
        (thread, started.recv().unwrap())
    };
    let threads = [
        waiting(
            |fds| unsafe {
                let poll = libc::epoll_create1(0);
                let mut event = libc::epoll_event { events: libc::EPOLLIN as u32, u64: 7 };
                libc::epoll_ctl(poll, libc::EPOLL_CTL_ADD, fds[0], &raw mut event);
                libc::epoll_wait(poll, &raw mut event, 1, -1)
            },
            epolled,
        ),
        waiting(
            |fds| unsafe {
                let mut byte = 0u8;
                libc::read(fds[0], (&raw mut byte).cast(), 1) as c_int
            },
            read,
        ),
        waiting(
            |_| unsafe {
                let mut set: libc::sigset_t = std::mem::zeroed();
                libc::sigaddset(&raw mut set, libc::SIGUSR1);
                libc::sigtimedwait(&raw const set, null_mut(), null()) - libc::SIGUSR1 + 1
            },
            [0, 0],
        ),
    ];
    let waiter = threads[2].1;
    while !threads.iter().all(|(_, tid)| task_state(*tid) == Some('S')) {
        std::thread::yield_now();
    }
    say("ready");
    take_byte(0);
    put_byte(epolled[1]);
    put_byte(read[1]);
    check!(unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), waiter, libc::SIGUSR1) } == 0);
    for (thread, _) in threads {
        let (result, errno) = thread.join().unwrap();
        say(&format!("{result} {}", if result < 0 { errno } else { 0 }));
    }
    0
}

/// Stops like a job just after it made a child, which continues it: ten times.
pub(crate) fn stop_and_continue() -> c_int {
    let parent = std::process::id() as pid_t;
    for _ in 0..10 {
        let child = spawn(|| {
            while unsafe { libc::kill(parent, libc::SIGCONT) } == 0 {
                std::thread::yield_now();
            }
            0
        });
        unsafe { libc::raise(libc::SIGTSTP) };
        check!(unsafe { libc::kill(child, libc::SIGKILL) } == 0 && killed(wait_for(child), libc::SIGKILL));
    }
    say("back");
    0
}

/// Threads that pass a byte around and wait for it in epoll_wait(2), until stdin ends: says how many waits were interrupted,
/// though there is no signal.
pub(crate) fn relay() -> c_int {
    const THREADS: usize = 4;
    let pipes: Vec<[c_int; 2]> = (0..THREADS).map(|_| pipe()).collect();
    let done = AtomicBool::new(false);
    let interrupted = AtomicUsize::new(0);
    let pass = |from: c_int, to: c_int| {
        let poll = unsafe { libc::epoll_create1(0) };
        let mut event = libc::epoll_event { events: libc::EPOLLIN as u32, u64: 7 };
        check!(unsafe { libc::epoll_ctl(poll, libc::EPOLL_CTL_ADD, from, &raw mut event) } == 0);
        while !done.load(SeqCst) {
            let got = unsafe { libc::epoll_wait(poll, &raw mut event, 1, -1) };
            if got != 1 {
                check!(errno() == libc::EINTR);
                interrupted.fetch_add(1, SeqCst);
                continue;
            }
            take_byte(from);
            put_byte(to);
        }
        // The next one has to see the end too; the last byte stays.
        put_byte(to);
    };
    std::thread::scope(|scope| {
        for at in 0..THREADS {
            let (pass, from, to) = (&pass, pipes[at][0], pipes[(at + 1) % THREADS][1]);
            scope.spawn(move || pass(from, to));
        }
        put_byte(pipes[0][1]);
        say("ready");
        let mut byte = 0u8;
        check!(unsafe { libc::read(0, (&raw mut byte).cast(), 1) } == 0);
        done.store(true, SeqCst);
    });
    say(&format!("{} interrupted", interrupted.load(SeqCst)));
    0
}

/// Makes the calls that the words say: `NUMBER:ARGUMENT,…`. An argument is a number, in base 16 after `0x`, or `@` and
/// the bytes in base 16 that it is the address of: they lie at the end of a page that nothing follows.
pub(crate) fn calls(args: &[String]) -> c_int {
    const PAGE: usize = 4096;
    let number = |word: &str| match word.strip_prefix("0x") {
        Some(digits) => usize::from_str_radix(digits, 16).unwrap(),
        None => word.parse::<i64>().unwrap() as usize,
    };
    for call in args.iter().skip(1) {
        let (nr, words) = call.split_once(':').unwrap();
        let mut values = [0; 6];
        for (value, word) in values.iter_mut().zip(words.split(',').filter(|word| !word.is_empty())) {
            *value = match word.strip_prefix('@') {
                Some(digits) => unsafe {
                    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
                    let pages = libc::mmap(null_mut(), 2 * PAGE, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0);
                    libc::munmap(pages.byte_add(PAGE), PAGE);
                    let start = pages.byte_add(PAGE - digits.len() / 2);
                    for at in 0..digits.len() / 2 {
                        *start.byte_add(at).cast::<u8>() = u8::from_str_radix(&digits[at * 2..at * 2 + 2], 16).unwrap();
                    }
                    start as usize
                },
                None => number(word),
            };
        }
        raw(number(nr) as c_long, values);
    }
    0
}
