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
