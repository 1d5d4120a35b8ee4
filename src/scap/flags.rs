//! The kernel's constants as libscap's own: where the two agree there is nothing to say here.
//!
//! libscap's are numbered so that a capture of one machine reads the same on any other; what it has no bit for is dropped.

/// Pairs of the kernel's bits and libscap's.
type Bits = &'static [(u64, u64)];

fn bits(word: u64, map: Bits) -> u64 {
    map.iter().filter(|(from, _)| word & from == *from).fold(0, |all, (_, to)| all | to)
}

fn constant(word: u64, map: Bits) -> u64 {
    map.iter().find(|(from, _)| *from == word).map_or(0, |(_, to)| *to)
}

/// The flags of open(2). The access mode is a number to the kernel, two bits to libscap.
pub(crate) fn open(word: u64) -> u64 {
    const MAP: Bits = &[
        (0o100, 1 << 2),
        (0o2000, 1 << 3),
        (0o10_000, 1 << 4),
        (0o200, 1 << 5),
        (0o4000, 1 << 6),
        (0o4_010_000, 1 << 7),
        (0o1000, 1 << 8),
        (0o40_000, 1 << 9),
        (0o200_000, 1 << 10),
        (0o100_000, 1 << 11),
        (0o2_000_000, 1 << 12),
        (0o20_200_000, 1 << 13),
    ];
    let access = match word & 3 {
        0 => 1,
        1 => 2,
        _ => 3,
    };
    access | bits(word, MAP)
}

/// The flags of clone(2), unshare(2) and setns(2).
pub(crate) fn clone(word: u64) -> u64 {
    const MAP: Bits = &[
        (0x400, 1 << 0),
        (0x200, 1 << 1),
        (0x8000_0000, 1 << 2),
        (0x0800_0000, 1 << 3),
        (0x4000_0000, 1 << 4),
        (0x0002_0000, 1 << 5),
        (0x2000_0000, 1 << 6),
        (0x0400_0000, 1 << 7),
        (0x8000, 1 << 8),
        (0x0010_0000, 1 << 9),
        (0x2000, 1 << 10),
        (0x800, 1 << 11),
        (0x0004_0000, 1 << 12),
        (THREAD, 1 << 13),
        (0x0080_0000, 1 << 14),
        (0x100, 1 << 15),
        (0x1000_0000, 1 << 20),
        (0x0020_0000, 1 << 23),
        (0x0100_0000, 1 << 24),
        (0x0008_0000, 1 << 25),
        (VFORK, 1 << 27),
        (0x0200_0000, 1 << 28),
    ];
    bits(word, MAP)
}

/// `CLONE_THREAD`.
const THREAD: u64 = 0x0001_0000;

/// `CLONE_VFORK`.
const VFORK: u64 = 0x4000;

/// What pthread_create(3) passes to clone(2): the flags of a thread whose call nobody saw.
pub(crate) const PTHREAD: u64 = THREAD | 0x100 | 0x200 | 0x400 | 0x800;

/// What vfork(2) is as a clone(2).
pub(crate) const VFORKED: u64 = VFORK | 0x100;

/// The protection of mmap(2) and mprotect(2).
pub(crate) fn prot(word: u64) -> u64 {
    word & 0xf | bits(word, &[(0x0100_0000, 1 << 4), (0x0200_0000, 1 << 5)])
}

/// The flags of mmap(2).
pub(crate) fn map(word: u64) -> u64 {
    const MAP: Bits = &[
        (0x10, 1 << 2),
        (0x20, 1 << 3),
        (0x40, 1 << 4),
        (0x4000, 1 << 6),
        (0x8000, 1 << 7),
        (0x1_0000, 1 << 8),
        (0x100, 1 << 9),
        (0x800, 1 << 10),
        (0x1000, 1 << 11),
        (0x2000, 1 << 14),
    ];
    word & 3 | bits(word, MAP)
}

/// The events of poll(2).
pub(crate) fn poll(word: u64) -> u64 {
    const MAP: Bits = &[
        (0x2000, 1 << 3),
        (0x8, 1 << 4),
        (0x10, 1 << 5),
        (0x20, 1 << 6),
        (0x40, 1 << 7),
        (0x80, 1 << 8),
        (0x100, 1 << 9),
        (0x200, 1 << 10),
    ];
    word & 7 | bits(word, MAP)
}

/// The command of fcntl(2).
pub(crate) fn fcntl(word: u64) -> u64 {
    const MAP: Bits = &[
        (0, 1),
        (1, 2),
        (2, 3),
        (3, 4),
        (4, 5),
        (5, 6),
        (6, 8),
        (7, 9),
        (8, 10),
        (9, 12),
        (10, 13),
        (11, 15),
        (12, 17),
        (13, 18),
        (14, 19),
        (15, 21),
        (16, 22),
        (36, 30),
        (37, 31),
        (38, 32),
        (1024, 23),
        (1025, 24),
        (1026, 27),
        (1029, 25),
        (1030, 26),
        (1031, 28),
        (1032, 29),
    ];
    constant(word & 0xffff_ffff, MAP)
}

/// The level of setsockopt(2).
pub(crate) fn sockopt_level(word: u64) -> u64 {
    constant(word & 0xffff_ffff, &[(1, 1), (6, 2)])
}

/// The name of an option of setsockopt(2), of the level `SOL_SOCKET`.
pub(crate) fn sockopt_name(word: u64) -> u64 {
    match word & 0xffff_ffff {
        name @ 1..=50 => name,
        name => constant(name, &[(55, 52), (57, 53), (59, 51)]),
    }
}

/// The request of ptrace(2).
pub(crate) fn ptrace(word: u64) -> u64 {
    const MAP: Bits = &[
        (16, 11),
        (17, 12),
        (24, 13),
        (12, 26),
        (13, 27),
        (14, 28),
        (15, 29),
        (18, 30),
        (19, 31),
        (21, 32),
        (25, 33),
        (26, 34),
        (30, 35),
        (31, 36),
        (32, 37),
        (33, 38),
    ];
    match word & 0xffff_ffff {
        request @ 0..=9 => request + 1,
        request @ 0x4200..=0x420b => request - 0x4200 + 14,
        request => constant(request, MAP),
    }
}

/// The command of quotactl(2), without the type in its low byte.
pub(crate) fn quota_cmd(word: u64) -> u64 {
    const MAP: Bits = &[
        (0x80_0002, 1 << 0),
        (0x80_0003, 1 << 1),
        (0x80_0004, 1 << 2),
        (0x80_0005, 1 << 3),
        (0x80_0006, 1 << 4),
        (0x80_0007, 1 << 5),
        (0x80_0008, 1 << 6),
        (0x80_0001, 1 << 7),
        (0x5801, 1 << 8),
        (0x5802, 1 << 9),
        (0x5803, 1 << 10),
        (0x5804, 1 << 11),
        (0x5805, 1 << 12),
        (0x5806, 1 << 13),
        (0x5807, 1 << 14),
        (0x5808, 1 << 15),
    ];
    constant((word & 0xffff_ffff) >> 8, MAP)
}

/// The type in the low byte of quotactl(2)'s command.
pub(crate) fn quota_type(word: u64) -> u64 {
    constant(word & 0xff, &[(0, 1), (1, 2)])
}

/// The flags of semget(2).
pub(crate) fn semget(word: u64) -> u64 {
    bits(word, &[(0o1000, 1 << 13), (0o2000, 1 << 14)])
}

/// The flags of semop(2).
pub(crate) fn semop(word: u64) -> u64 {
    bits(word, &[(0o4000, 1 << 0), (0x1000, 1 << 1)])
}

/// The command of semctl(2).
pub(crate) fn semctl(word: u64) -> u64 {
    const MAP: Bits = &[
        (2, 1 << 0),
        (1, 1 << 1),
        (0, 1 << 2),
        (3, 1 << 3),
        (19, 1 << 4),
        (18, 1 << 5),
        (13, 1 << 6),
        (14, 1 << 7),
        (11, 1 << 8),
        (12, 1 << 9),
        (15, 1 << 10),
        (17, 1 << 11),
        (16, 1 << 12),
    ];
    // Old programs add IPC_64.
    constant(word & 0xff, MAP)
}

/// The `resolve` of openat2(2).
pub(crate) fn resolve(word: u64) -> u64 {
    bits(word, &[(1, 1 << 4), (2, 1 << 2), (4, 1 << 3), (8, 1 << 0), (16, 1 << 1), (32, 1 << 5)])
}

/// The flags of execveat(2).
pub(crate) fn execveat(word: u64) -> u64 {
    bits(word, &[(0x1000, 1 << 0), (0x100, 1 << 1)])
}

/// The flags of io_uring_setup(2).
pub(crate) fn io_uring_setup(word: u64) -> u64 {
    word & 3 | (word & 0x7c) << 1
}

/// The flags of epoll_create1(2).
pub(crate) fn epoll_create(word: u64) -> u64 {
    bits(word, &[(0o2_000_000, 1)])
}

/// The flags of pidfd_open(2).
pub(crate) fn pidfd(word: u64) -> u64 {
    bits(word, &[(0o4000, 1)])
}

/// The flags of delete_module(2).
pub(crate) fn delete_module(word: u64) -> u64 {
    bits(word, &[(0o1000, 1 << 0), (0o4000, 1 << 1)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_access_mode_becomes_bits() {
        for (kernel, scap) in [
            (0, 0x1),
            (0o1, 0x2),
            (0o2, 0x3),
            (0o101, 0x6),
            (0o2_000_000, 0x1001),
            (0o1101, 0x106),
            // O_SYNC holds O_DSYNC, O_TMPFILE holds O_DIRECTORY.
            (0o4_010_002, 0x93),
            (0o20_200_002, 0x2403),
        ] {
            assert_eq!(open(kernel), scap, "{kernel:o}");
        }
    }

    #[test]
    fn what_libscap_does_not_know_is_0() {
        assert_eq!(fcntl(777), 0);
        assert_eq!(ptrace(0x420f), 0);
        assert_eq!((ptrace(16), ptrace(0x4206)), (11, 20));
        assert_eq!(sockopt_name(51), 0);
        assert_eq!(clone(0x3d0f00 | 17), clone(0x3d0f00));
        assert_eq!(clone(PTHREAD) & 1 << 13, 1 << 13);
        assert_eq!(map(0x22), 1 << 1 | 1 << 3);
        assert_eq!(quota_cmd(0x8000_0700), 1 << 5);
    }
}
