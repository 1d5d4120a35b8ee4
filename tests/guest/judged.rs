//! What a policy has to judge, by ways that are easily missed, and races against the verdict.

use crate::*;

/// A page below 4 GiB, for calls with 32-bit pointers, that holds `bytes`.
pub(crate) fn low_page(bytes: &[u8]) -> usize {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_32BIT;
    let low = unsafe { libc::mmap(null_mut(), 4096, RW, flags, -1, 0) };
    check!(low != libc::MAP_FAILED && (low as usize) < 1 << 32);
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), low.cast(), bytes.len()) };
    low as usize
}

pub(crate) fn show(fd: i64) -> c_int {
    let mut bytes = [0u8; 64];
    let got = raw(libc::SYS_read, [fd as usize, bytes.as_mut_ptr() as usize, 64, 0, 0, 0]);
    say(&format!("{fd} {}", String::from_utf8_lossy(&bytes[..got.max(0) as usize])));
    0
}

/// Opens a file by an i386 call and shows its start.
pub(crate) fn int80_open(path: &str) -> c_int {
    let low = low_page(format!("{path}\0").as_bytes());
    show(int80(5, low, 0, 0))
}

/// Opens a file by openat2 and shows its start.
pub(crate) fn openat2_open(path: &str) -> c_int {
    let (path, how) = (CString::new(path).unwrap(), [0u64; 3]);
    let args = [libc::AT_FDCWD as usize, path.as_ptr() as usize, how.as_ptr() as usize, 24, 0, 0];
    show(raw(libc::SYS_openat2, args))
}

/// Connects to a port of 127.0.0.1 by i386 socketcall(2).
pub(crate) fn socketcall(port: u16) -> c_int {
    let mut page = vec![0u8; 64];
    page[..4].copy_from_slice(&[2, 0, (port >> 8) as u8, port as u8]);
    page[4..8].copy_from_slice(&[127, 0, 0, 1]);
    let low = low_page(&page);
    let words = |at: usize, words: &[u32]| {
        for (i, word) in words.iter().enumerate() {
            unsafe { ((low + at + 4 * i) as *mut u32).write(*word) };
        }
    };
    words(32, &[2, 1, 0]);
    let fd = int80(102, 1, low + 32, 0);
    check!(fd >= 0);
    words(32, &[fd as u32, low as u32, 16]);
    say(&format!("connect {}", int80(102, 3, low + 32, 0)));
    0
}

/// Keeps the calling thread on one CPU, if there is such.
pub(crate) fn pin_to(cpu: usize) {
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(cpu, &mut set);
        libc::sched_setaffinity(0, size_of_val(&set), &raw const set);
    }
}

/// Asks sockets to have no address (AF_UNSPEC), while a thread changes the structure to an address of 127.0.0.1 and back.
pub(crate) fn connect_race(port: u16) -> c_int {
    let address = [[0u16, port.to_be()], [libc::AF_INET as u16, port.to_be()]].map(|parts| {
        u64::from(parts[0]) | u64::from(parts[1]) << 16 | u64::from(u32::from_ne_bytes([127, 0, 0, 1])) << 32
    });
    let words = [address[0], 0].map(std::sync::atomic::AtomicU64::new);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // On a CPU of its own, where there are two, it runs while the other thread stands in a stop.
        scope.spawn(|| {
            pin_to(1);
            while !done.load(SeqCst) {
                words[0].store(address[1], SeqCst);
                words[0].store(address[0], SeqCst);
            }
        });
        pin_to(0);
        for _ in 0..300 {
            let fd = unsafe { libc::socket(libc::AF_INET, libc::SOCK_STREAM, 0) };
            unsafe { libc::connect(fd, words.as_ptr().cast(), 16) };
            check!(unsafe { libc::close(fd) } == 0);
        }
        done.store(true, SeqCst);
    });
    say("raced");
    0
}

/// Sends datagrams by i386 socketcall(2) to one port of 127.0.0.1, while a thread changes the address among its words to that of
/// another port and back, until both answers came.
pub(crate) fn socketcall_race(one: u16, other: u16) -> c_int {
    let mut page = vec![0u8; 64];
    for (at, port) in [(0, one), (16, other)] {
        page[at..at + 4].copy_from_slice(&[2, 0, (port >> 8) as u8, port as u8]);
        page[at + 4..at + 8].copy_from_slice(&[127, 0, 0, 1]);
    }
    let low = low_page(&page);
    let word = |at: usize| unsafe { std::sync::atomic::AtomicU32::from_ptr((low + 32 + 4 * at) as *mut u32) };
    let fd = unsafe { libc::socket(libc::AF_INET, libc::SOCK_DGRAM, 0) };
    for (at, value) in [fd as usize, low, 1, 0, low, 16].into_iter().enumerate() {
        word(at).store(value as u32, SeqCst);
    }
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(SeqCst) {
                word(4).store(low as u32 + 16, SeqCst);
                word(4).store(low as u32, SeqCst);
            }
        });
        let (mut tries, mut sent, mut refused) = (0, 0, 0);
        // How often the other thread runs meanwhile is the scheduler's affair.
        while tries < 300 || sent.min(refused) < 20 {
            tries += 1;
            match int80(102, 11, low + 32, 0) {
                1 => sent += 1,
                result => {
                    check!(result == -i64::from(libc::EPERM));
                    refused += 1;
                }
            }
        }
        done.store(true, SeqCst);
        say("raced");
    });
    0
}

/// Asks for a connection by i386 socketcall(2) with words that cannot be read.
pub(crate) fn socketcall_hidden() -> c_int {
    say(&format!("hidden {}", int80(102, 3, 0, 0)));
    0
}

/// Calls that no policy can judge.
pub(crate) fn unjudged() -> c_int {
    let params = [0u8; 128];
    for (name, nr, args) in [
        ("io_uring_setup", libc::SYS_io_uring_setup, [1, params.as_ptr() as usize, 0, 0, 0, 0]),
        ("mount", libc::SYS_mount, [0; 6]),
        ("ptrace", libc::SYS_ptrace, [16, 1, 0, 0, 0, 0]),
        ("pidfd_getfd", libc::SYS_pidfd_getfd, [0; 6]),
        ("raw socket", libc::SYS_socket, [17, 3, 0, 0, 0, 0]),
    ] {
        say(&format!("{name} {}", raw(nr, args)));
    }
    0
}

/// Tries to open or execute `path` by changing, in another thread, what the call was judged by.
///
/// It goes on until both answers came often: how many tries that takes is the scheduler's affair, since the other thread may not
/// have run at all when a fixed number of them is over.
pub(crate) fn flip(what: &str, path: &str) -> c_int {
    static DONE: AtomicBool = AtomicBool::new(false);
    // As long as each other, so that a change of the first bytes makes the other.
    let free = format!("{:/<1$}", "ok/", path.len() - 4) + "open";
    std::fs::write(&free, if what == "exec" { "#!/bin/true\n" } else { "fine\n" }).unwrap();
    unsafe { libc::chmod(CString::new(free.as_str()).unwrap().as_ptr(), 0o755) };
    let mut buffer = free.clone().into_bytes();
    buffer.push(0);
    let at = buffer.as_mut_ptr() as usize;
    let (one, two) = (free.into_bytes(), path.as_bytes().to_vec());
    if what == "link" {
        buffer[..5].copy_from_slice(b"flip\0");
    }
    let (here, there) = (String::from_utf8(one.clone()).unwrap(), path.to_owned());
    let which = what.to_owned();
    let other = std::thread::spawn(move || {
        for turn in 0usize.. {
            if DONE.load(SeqCst) {
                return;
            }
            if which == "link" {
                let to = if turn % 2 == 0 { &here } else { &there };
                let _ = std::fs::remove_file("flip.new");
                let _ = std::os::unix::fs::symlink(to, "flip.new");
                let _ = std::fs::rename("flip.new", "flip");
            } else {
                let bytes = if turn % 2 == 0 { &one } else { &two };
                for (i, byte) in bytes.iter().enumerate() {
                    unsafe { std::ptr::write_volatile((at + i) as *mut u8, *byte) };
                }
                // Longer a whole path than half of one and half of the other, which is refused too.
                (0..64).for_each(|_| std::hint::spin_loop());
            }
        }
    });
    let (mut tries, mut refused, mut allowed) = (0, 0, 0);
    let enough = if what == "exec" { 300 } else { 1500 };
    while tries < enough || refused.min(allowed) < 50 {
        tries += 1;
        if what == "exec" {
            if unsafe { libc::fork() } == 0 {
                let argv = [at as *const libc::c_char, null()];
                unsafe {
                    libc::execv(at as *const libc::c_char, argv.as_ptr());
                    libc::_exit(*libc::__errno_location());
                }
            }
            let mut status = 0;
            unsafe { libc::wait(&mut status) };
            refused += i32::from(libc::WEXITSTATUS(status) == libc::EPERM);
            allowed += i32::from(status == 0);
            continue;
        }
        let fd = raw(libc::SYS_openat, [libc::AT_FDCWD as usize, at, 0, 0, 0, 0]);
        refused += i32::from(fd == i64::from(-libc::EPERM));
        if fd >= 0 {
            allowed += 1;
            let mut bytes = [0u8; 64];
            let got = unsafe { libc::read(fd as c_int, bytes.as_mut_ptr().cast(), 64) };
            if bytes[..got.max(0) as usize] != *b"fine\n" {
                say(&String::from_utf8_lossy(&bytes[..got.max(0) as usize]));
            }
            unsafe { libc::close(fd as c_int) };
        }
    }
    DONE.store(true, SeqCst);
    other.join().unwrap();
    0
}
