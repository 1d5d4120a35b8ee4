//! Calls that no program should make: numbers, pointers and bytes that are wrong.

use crate::*;

pub(crate) fn odd_numbers() -> c_int {
    for _ in 0..3 {
        for nr in [-1, -2, 99_999, 0x7fff_ffff, 0x4000_0000 | libc::SYS_getppid, 0x4000_0000 | 9999, 700, 1 << 40] {
            say(&format!("{nr} {}", raw0(nr)));
        }
        check!(mark() > 0);
    }
    0
}

pub(crate) fn int80(nr: usize, a: usize, b: usize, c: usize) -> i64 {
    let result: i64;
    unsafe {
        // rbx belongs to the compiler.
        asm!("xchg rbx, {b}", "int 0x80", "xchg rbx, {b}", b = inout(reg) a => _, inlateout("rax") nr => result,
             in("rcx") b, in("rdx") c, lateout("r8") _, lateout("r9") _, lateout("r10") _, lateout("r11") _);
    }
    i64::from(result as i32)
}

/// i386 calls of a 64-bit program: other numbers, 32-bit pointers.
pub(crate) fn int80_calls() -> c_int {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_32BIT;
    let low = unsafe { libc::mmap(null_mut(), 4096, RW, flags, -1, 0) };
    check!(low != libc::MAP_FAILED && (low as usize) < 1 << 32);
    let path = c"/nonexistent/by-int80";
    unsafe { libc::strcpy(low.cast(), path.as_ptr()) };
    for turn in 0..10 {
        // Above bit 31 there can be anything: the kernel takes what is below.
        let low = low as usize | (turn % 2) << 40;
        check!(int80(20, 0, 0, 0) == i64::from(std::process::id()));
        check!(int80(64, 0, 0, 0) == mark());
        check!(int80(295, libc::AT_FDCWD as u32 as usize, low, 0) == -i64::from(libc::ENOENT));
        check!(int80(9999, 0, 0, 0) == -i64::from(libc::ENOSYS));
    }
    say("int80 ok");
    0
}

pub(crate) fn bad_pointers() -> c_int {
    let page = map(2, RW);
    check!(unsafe { libc::mprotect(page.add(4096).cast(), 4096, libc::PROT_NONE) } == 0);
    let open = |at: usize| raw(libc::SYS_openat, [libc::AT_FDCWD as usize, at, 0, 0, 0, 0]);
    for (name, at) in [("null", 0), ("one", 1), ("kernel", 0xffff_8000_0000_0000), ("last", usize::MAX)] {
        say(&format!("{name} {}", open(at)));
    }
    say(&format!("no access {}", open(page as usize + 4096)));
    unsafe { page.write_bytes(b'a', 4096) };
    say(&format!("runs into the hole {}", open(page as usize + 4090)));
    let path = b"/nonexistent/at-the-end\0";
    unsafe { std::ptr::copy(path.as_ptr(), page.add(4096 - path.len()), path.len()) };
    say(&format!("ends at the page's end {}", open(page as usize + 4096 - path.len())));
    let long = CString::new(vec![b'/'; 100_000]).unwrap();
    say(&format!("long {}", open(long.as_ptr() as usize)));
    0
}

/// Paths that would break or forge a line of the log.
pub(crate) fn odd_paths() -> c_int {
    let paths: [&[u8]; 5] = [
        b"/nonexistent/new\nline\0",
        b"/nonexistent/\x1b[31mred\x07\0",
        b"/nonexistent/\xff\xfe not utf-8\0",
        b"/nonexistent/quote\" res=0 dir=> pid=1\\\0",
        b"/nonexistent/\xe2\x80\xaeright-to-left\0",
    ];
    for path in paths {
        let result = raw(libc::SYS_openat, [libc::AT_FDCWD as usize, path.as_ptr() as usize, 0, 0, 0, 0]);
        check!(result == -i64::from(libc::ENOENT));
    }
    check!(unsafe { libc::prctl(libc::PR_SET_NAME, c"a\n[x]: forged".as_ptr()) } == 0);
    mark();
    say("paths ok");
    0
}
