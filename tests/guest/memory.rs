//! Memory that does not answer: userfaultfd and FUSE.

use crate::*;

/// A path in a page that another thread fills only after calls of its own: a tracer that waits for it never gets it.
pub(crate) fn userfault() -> c_int {
    let fd = raw(libc::SYS_userfaultfd, [libc::O_CLOEXEC as usize, 0, 0, 0, 0, 0]);
    if fd < 0 {
        say("no userfaultfd here");
        return 77;
    }
    let fd = fd as c_int;
    let mut api = [0xaau64, 0, 0];
    check!(unsafe { libc::ioctl(fd, 0xc018_aa3f, api.as_mut_ptr()) } == 0);
    let page = map(1, RW);
    let mut register = [page as u64, 4096, 1, 0];
    check!(unsafe { libc::ioctl(fd, 0xc020_aa00, register.as_mut_ptr()) } == 0);
    let to = page as u64;
    let thread = std::thread::spawn(move || {
        let mut message = [0u8; 32];
        check!(unsafe { libc::read(fd, message.as_mut_ptr().cast(), 32) } == 32);
        (0..10).for_each(|_| _ = mark());
        let source = map(1, RW);
        let path = c"/dev/null";
        unsafe { libc::strcpy(source.cast(), path.as_ptr()) };
        let mut copy = [to, source as u64, 4096, 0, 0];
        let result = unsafe { libc::ioctl(fd, 0xc028_aa03, copy.as_mut_ptr()) };
        check!(result == 0 || errno() == libc::EEXIST);
    });
    let opened = raw(libc::SYS_openat, [libc::AT_FDCWD as usize, page as usize, 0, 0, 0, 0]);
    say(if opened >= 0 { "opened" } else { "failed" });
    check!(thread.join().is_ok());
    0
}

/// Answers the requests of a FUSE file system of one file (linux/fuse.h), but never a read of it; writes a byte to `asked`
/// for each that it leaves.
pub(crate) fn serve_fuse(fuse: c_int, asked: c_int) -> c_int {
    const LOOKUP: u32 = 1;
    const GETATTR: u32 = 3;
    const OPEN: u32 = 14;
    const READ: u32 = 15;
    const INIT: u32 = 26;
    /// FUSE_FORGET, FUSE_INTERRUPT, FUSE_BATCH_FORGET: nobody waits for an answer.
    const SILENT: [u32; 3] = [2, 36, 42];
    // struct fuse_attr of the directory (1) and the file (2): ino, size, blocks, three times; 32-bit words from mode on.
    let attributes = |node: u64| {
        let mode: u32 = if node == 1 { 0o040_755 } else { 0o100_644 };
        let words = [node, 4096, 8, 0, 0, 0].map(u64::to_ne_bytes).concat();
        [words, [0, 0, 0, mode, 1, 0, 0, 0, 4096, 0].map(u32::to_ne_bytes).concat()].concat()
    };
    let mut request = vec![0u8; 1 << 17];
    loop {
        let got = unsafe { libc::read(fuse, request.as_mut_ptr().cast(), request.len()) };
        if got < 40 {
            return 0;
        }
        // struct fuse_in_header: u32 len, u32 opcode, u64 unique, u64 nodeid, ...
        let opcode = u32::from_ne_bytes(request[4..8].try_into().unwrap());
        let node = u64::from_ne_bytes(request[16..24].try_into().unwrap());
        let (error, answer) = match opcode {
            READ => {
                put_byte(asked);
                continue;
            }
            opcode if SILENT.contains(&opcode) => continue,
            // struct fuse_init_out: version 7.31, no flags, max_write 4096.
            INIT => (0, [7, 31, 0, 0, 0, 4096, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0].map(u32::to_ne_bytes).concat()),
            LOOKUP => (0, [[2, 0, 1000, 1000, 0].map(u64::to_ne_bytes).concat(), attributes(2)].concat()),
            GETATTR => (0, [[1000u64, 0].map(u64::to_ne_bytes).concat(), attributes(node)].concat()),
            OPEN => (0, vec![0; 16]),
            _ => (-libc::ENOSYS, Vec::new()),
        };
        let length = 16 + answer.len() as u32;
        let head = [length.to_ne_bytes(), error.to_ne_bytes()].concat();
        let whole = [head, request[8..16].to_vec(), answer].concat();
        check!(unsafe { libc::write(fuse, whole.as_ptr().cast(), whole.len()) } == whole.len() as isize);
    }
}

/// Passes a path that lies in a page of a file on FUSE whose server never answers; others go on meanwhile. With "wait" it
/// does so when it is told to.
pub(crate) fn fuse(directory: &str, word: &str) -> c_int {
    let fuse = unsafe { libc::open(c"/dev/fuse".as_ptr(), libc::O_RDWR | libc::O_CLOEXEC) };
    // The mount is this process's own, and goes with it.
    let (root, none) = (c"/".as_ptr(), null());
    let alone = fuse >= 0
        && unsafe { libc::unshare(libc::CLONE_NEWNS) } == 0
        && unsafe { libc::mount(none, root, none, libc::MS_REC | libc::MS_PRIVATE, null()) } == 0;
    let options = CString::new(format!("fd={fuse},rootmode=40000,user_id=0,group_id=0")).unwrap();
    let at = CString::new(directory).unwrap();
    let name = c"fuse".as_ptr();
    if !alone || unsafe { libc::mount(name, at.as_ptr(), name, 0, options.as_ptr().cast()) } != 0 {
        say("no FUSE here");
        return 77;
    }
    let asked = pipe();
    let server = spawn(|| serve_fuse(fuse, asked[1]));
    // The file system ends with the last descriptor of its server.
    unsafe { libc::close(fuse) };
    let path = CString::new(format!("{directory}/file")).unwrap();
    let file = unsafe { libc::open(path.as_ptr(), libc::O_RDONLY) };
    check!(file >= 0);
    if word == "names" {
        // The server is asked for the name at each, and what it does for that are calls.
        let failed = unsafe { libc::chmod(path.as_ptr(), 0o600) + libc::unlink(path.as_ptr()) };
        say(&format!("failed {failed}"));
        check!(unsafe { libc::kill(server, libc::SIGKILL) } == 0 && killed(wait_for(server), libc::SIGKILL));
        return 0;
    }
    let page = unsafe { libc::mmap(null_mut(), 4096, libc::PROT_READ, libc::MAP_PRIVATE, file, 0) };
    check!(page != libc::MAP_FAILED);
    if word == "wait" {
        say("ready");
        take_byte(0);
    }
    let reader = spawn(|| {
        let result = raw(libc::SYS_openat, [libc::AT_FDCWD as usize, page as usize, 0, 0, 0, 0]);
        c_int::from(result != -i64::from(libc::EFAULT))
    });
    take_byte(asked[0]);
    (0..10).for_each(|_| _ = mark());
    say("others go on");
    check!(unsafe { libc::kill(server, libc::SIGKILL) } == 0 && killed(wait_for(server), libc::SIGKILL));
    say(if exited(wait_for(reader), 0) { "the page came to nothing" } else { "BAD an answer" });
    0
}
