//! What waits to be attached to, and what would harm a tracer.

use crate::*;

/// Says "ready", works in threads (and a child, when asked) until its stdin ends, then says "fine".
pub(crate) fn linger(child: bool) -> c_int {
    let kid = child.then(|| {
        let own = pipe();
        let pid = spawn(|| {
            unsafe { libc::close(own[1]) };
            while !readable(own[0], 1) {
                mark();
            }
            13
        });
        unsafe { libc::close(own[0]) };
        (pid, own[1])
    });
    let workers: Vec<_> = (0..4)
        .map(|_| {
            std::thread::spawn(|| {
                let mut sum = 0;
                while !STOP.load(SeqCst) {
                    sum += mark();
                    unsafe { libc::poll(null_mut(), 0, 1) };
                }
                sum
            })
        })
        .collect();
    say(&format!("ready {}", kid.map_or(0, |(pid, _)| pid)));
    let mut byte = 0u8;
    // A sleep in the kernel that an attach and a detach must not end.
    let result = raw(libc::SYS_read, [0, &raw mut byte as usize, 1, 0, 0, 0]);
    check!(result == 0 || result == 1);
    STOP.store(true, SeqCst);
    for worker in workers {
        check!(worker.join().is_ok());
    }
    if let Some((pid, fd)) = kid {
        unsafe { libc::close(fd) };
        check!(exited(wait_for(pid), 13));
    }
    check!(status_line("TracerPid").ends_with("\t0"));
    say("fine");
    7
}

/// What a program can try on its tracer, which is its parent. Signal 0 must still be allowed.
pub(crate) fn harm() -> c_int {
    let tracer = unsafe { libc::getppid() } as usize;
    let limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    let limit = &raw const limit as usize;
    let mut word = 0u64;
    let iov = [&raw mut word as usize, 8];
    let iov = iov.as_ptr() as usize;
    let mut tries: Vec<(&str, c_long, [usize; 6])> = vec![
        ("probe", libc::SYS_kill, [tracer, 0, 0, 0, 0, 0]),
        ("kill", libc::SYS_kill, [tracer, libc::SIGKILL as usize, 0, 0, 0, 0]),
        ("stop", libc::SYS_kill, [tracer, libc::SIGSTOP as usize, 0, 0, 0, 0]),
        ("tgkill", libc::SYS_tgkill, [tracer, tracer, libc::SIGKILL as usize, 0, 0, 0]),
        ("tkill", libc::SYS_tkill, [tracer, libc::SIGKILL as usize, 0, 0, 0, 0]),
        ("seize", libc::SYS_ptrace, [0x4206, tracer, 0, 0, 0, 0]),
        ("attach", libc::SYS_ptrace, [16, tracer, 0, 0, 0, 0]),
        ("limit", libc::SYS_prlimit64, [tracer, libc::RLIMIT_FSIZE as usize, limit, 0, 0, 0]),
        ("nice", libc::SYS_setpriority, [libc::PRIO_PROCESS as usize, tracer, 19, 0, 0, 0]),
        ("affinity", libc::SYS_sched_setaffinity, [tracer, 8, &raw const word as usize, 0, 0, 0]),
        ("write", libc::SYS_process_vm_writev, [tracer, iov, 1, iov, 1, 0]),
    ];
    if let Ok(tid) = std::env::var("TRACER_TID") {
        tries.push(("thread", libc::SYS_tkill, [tid.parse().unwrap(), libc::SIGKILL as usize, 0, 0, 0, 0]));
    }
    for (name, nr, args) in tries {
        say(&format!("{name} {}", raw(nr, args)));
    }

    mark();
    0
}

/// `/proc/self/stat` fields do not matter here: the work of [`harm`] for a bystander, which must stay possible.
pub(crate) fn harmless() -> c_int {
    let child = spawn(|| {
        loop {
            unsafe { libc::pause() };
        }
    });
    check!(unsafe { libc::setpriority(libc::PRIO_PROCESS, child as u32, 5) } == 0);
    check!(unsafe { libc::kill(child, libc::SIGTERM) } == 0);
    check!(killed(wait_for(child), libc::SIGTERM));
    check!(unsafe { libc::kill(0, 0) } == 0);
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    check!(unsafe { libc::prlimit(0, libc::RLIMIT_NOFILE, null(), &raw mut limit) } == 0);
    check!(limit.rlim_cur > 0);
    say("harmless ok");
    0
}

/// A child signals the whole group and is gone at once; the others of the group ignore it, and go on.
pub(crate) fn group_signal(signal: c_int) -> c_int {
    unsafe { libc::signal(signal, libc::SIG_IGN) };
    for _ in 0..20 {
        wait_for(spawn(|| unsafe { libc::kill(0, signal) }));
        (0..100).for_each(|_| _ = mark());
    }
    0
}

/// Counts the hangups that children send to the whole group, each before the next is sent.
pub(crate) fn group_hangups() -> c_int {
    static GOT: AtomicI32 = AtomicI32::new(0);
    extern "C" fn count(_: c_int, _: *mut libc::siginfo_t, _: *mut c_void) {
        GOT.fetch_add(1, SeqCst);
    }
    on_signal(libc::SIGHUP, 0, count);
    for turn in 0..50 {
        wait_for(spawn(|| {
            unsafe { libc::signal(libc::SIGHUP, libc::SIG_IGN) };
            unsafe { libc::kill(0, libc::SIGHUP) }
        }));
        while GOT.load(SeqCst) <= turn {
            unsafe { libc::sched_yield() };
        }
    }
    // What came too often comes within the next calls.
    (0..500).for_each(|_| _ = mark());
    say(&format!("{} hangups", GOT.load(SeqCst)));
    0
}

/// Sends a command to the control socket `path` over a connection that a child made which has ended.
pub(crate) fn orphaned_socket(path: &str) -> c_int {
    let fd = unsafe { libc::socket(libc::AF_UNIX, libc::SOCK_STREAM, 0) };
    let mut address: libc::sockaddr_un = unsafe { std::mem::zeroed() };
    address.sun_family = libc::AF_UNIX as u16;
    for (to, from) in address.sun_path.iter_mut().zip(path.bytes()) {
        *to = from as libc::c_char;
    }
    let size = size_of::<libc::sockaddr_un>() as u32;
    let child = spawn(|| unsafe { libc::connect(fd, (&raw const address).cast(), size) });
    check!(exited(wait_for(child), 0));
    let line = b"drop-mode on\n";
    // It may have been answered and closed already.
    unsafe { libc::send(fd, line.as_ptr().cast(), line.len(), libc::MSG_NOSIGNAL) };
    let mut answer = [0u8; 256];
    let got = unsafe { libc::read(fd, answer.as_mut_ptr().cast(), answer.len()) };
    say(String::from_utf8_lossy(&answer[..got.max(0) as usize]).trim_end());
    mark();
    0
}

/// Asks for SCHED_DEADLINE in the middle of a run of calls.
pub(crate) fn deadline() -> c_int {
    (0..3000).for_each(|_| _ = mark());
    // struct sched_attr: size, policy 6, flags, nice, priority, and 10 of 30 ms.
    let attr: [u64; 6] = [48 | 6 << 32, 0, 0, 10_000_000, 30_000_000, 30_000_000];
    say(&format!("deadline {}", raw(libc::SYS_sched_setattr, [0, attr.as_ptr() as usize, 0, 0, 0, 0])));
    0
}

/// Many children at once, each with its calls before and after all the others began.
pub(crate) fn crowd(children: usize) -> c_int {
    let (ready, go) = (pipe(), pipe());
    for _ in 0..children {
        spawn(|| {
            unsafe { libc::close(go[1]) };
            mark();
            check!(unsafe { libc::write(ready[1], c"r".as_ptr().cast(), 1) } == 1);
            let mut byte = 0u8;
            unsafe { libc::read(go[0], (&raw mut byte).cast(), 1) };
            mark();
            0
        });
    }
    (0..children).for_each(|_| take_byte(ready[0]));
    unsafe { libc::close(go[1]) };
    while unsafe { libc::wait(null_mut()) } > 0 {}
    0
}

/// Copies stdin to stdout.
pub(crate) fn copy() -> c_int {
    let mut buffer = [0u8; 4096];
    loop {
        let n = unsafe { libc::read(0, buffer.as_mut_ptr().cast(), buffer.len()) };
        if n <= 0 {
            return 0;
        }
        check!(unsafe { libc::write(1, buffer.as_ptr().cast(), n as usize) } == n);
    }
}

/// Lives on in a session of its own after the command has ended, until the pipe of its stdin closes.
pub(crate) fn daemon() -> c_int {
    spawn(|| {
        unsafe { libc::setsid() };
        let mut byte = 0u8;
        unsafe { libc::read(0, (&raw mut byte).cast(), 1) };
        mark_path("by-the-daemon");
        mark();
        0
    });
    0
}
