//! Calls that a policy cannot judge, because what they do has no name that it could be held against, or because names mean
//! something else after them. They are refused.

use crate::decode::walk::low32;
use crate::engine::Call;

/// When a call of the table is refused.
#[derive(Clone, Copy, Debug)]
enum When {
    /// Always.
    Always,
    /// When this argument has one of these values.
    Is(usize, &'static [u32]),
    /// When this argument has one of these bits.
    Has(usize, u32),
    /// When this argument, a file's mode, is a device's.
    Device(usize),
    /// socket(2) of a family, or of a type, that has no addresses a policy could name.
    Nameless,
}

/// The calls, when they are refused, and why.
const BLIND: &[(&str, When, &str)] = &[
    ("io_uring_setup", When::Always, "what a ring does is no system call"),
    ("io_uring_enter", When::Always, "what a ring does is no system call"),
    ("io_uring_register", When::Always, "what a ring does is no system call"),
    ("open_by_handle_at", When::Always, "it opens a file without a name"),
    ("pidfd_getfd", When::Always, "it takes an open file from another process"),
    ("fanotify_init", When::Always, "its events are open files"),
    ("mount", When::Always, "it gives files other names"),
    ("move_mount", When::Always, "it gives files other names"),
    ("open_tree", When::Always, "it gives files other names"),
    ("open_tree_attr", When::Always, "it gives files other names"),
    ("fsopen", When::Always, "it gives files other names"),
    ("fsmount", When::Always, "it gives files other names"),
    ("fspick", When::Always, "it gives files other names"),
    ("mount_setattr", When::Always, "it gives files other names"),
    ("pivot_root", When::Always, "it gives files other names"),
    ("umount", When::Always, "it gives files other names"),
    ("umount2", When::Always, "it gives files other names"),
    ("setns", When::Always, "it gives files and addresses other names"),
    ("ptrace", When::Always, "it lets another process act for this one"),
    ("process_vm_writev", When::Always, "it lets another process act for this one"),
    ("bpf", When::Always, "it runs code in the kernel"),
    ("perf_event_open", When::Always, "it runs code in the kernel"),
    ("init_module", When::Always, "it runs code in the kernel"),
    ("finit_module", When::Always, "it runs code in the kernel"),
    ("kexec_load", When::Always, "it runs code in the kernel"),
    ("kexec_file_load", When::Always, "it runs code in the kernel"),
    ("userfaultfd", When::Always, "it decides when memory is read"),
    ("swapon", When::Always, "it lets the kernel write to a file"),
    ("acct", When::Always, "it lets the kernel write to a file"),
    ("quotactl", When::Always, "it lets the kernel write to a file"),
    // PR_SET_MM (linux/prctl.h) changes what /proc says the program is.
    ("prctl", When::Is(0, &[35]), "it changes which program a process is taken for"),
    ("mknod", When::Device(1), "a device's name says nothing of what is behind it"),
    ("mknodat", When::Device(2), "a device's name says nothing of what is behind it"),
    // Any other is the call that it stands for.
    ("socketcall", When::Always, "its arguments cannot be read"),
    ("socket", When::Nameless, "its addresses cannot be named"),
    // MSG_FASTOPEN (linux/socket.h) connects with an address that is read from memory twice.
    ("send", When::Has(3, 0x2000_0000), "it connects and sends at once"),
    ("sendto", When::Has(3, 0x2000_0000), "it connects and sends at once"),
    ("sendmsg", When::Has(2, 0x2000_0000), "it connects and sends at once"),
    ("sendmmsg", When::Has(3, 0x2000_0000), "it connects and sends at once"),
];

impl When {
    fn holds(self, call: &Call) -> bool {
        let word = |at: usize| call.args.get(at).map_or(0, |word| low32(*word));
        match self {
            When::Always => true,
            When::Is(at, values) => values.contains(&word(at)),
            When::Has(at, bits) => word(at) & bits != 0,
            When::Device(at) => matches!(word(at) & libc::S_IFMT, libc::S_IFCHR | libc::S_IFBLK),
            When::Nameless => {
                // AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_ALG (linux/socket.h); SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET.
                let family = word(0);
                let raw = matches!(family, 2 | 10) && !matches!(word(1) & 0xf, 1 | 2 | 5);
                !matches!(family, 1 | 2 | 10 | 16 | 38) || raw
            }
        }
    }
}

/// The names of the calls.
pub(super) fn calls() -> impl Iterator<Item = &'static str> {
    BLIND.iter().map(|(call, ..)| *call)
}

/// Why a call cannot be judged, if it cannot.
pub(super) fn why(name: &str, call: &Call) -> Option<&'static str> {
    BLIND.iter().find(|(blind, when, _)| *blind == name && when.holds(call)).map(|(.., why)| *why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table;

    #[test]
    fn every_call_is_in_the_table() {
        for call in calls() {
            assert!(table::by_name(call).is_some(), "{call}");
        }
    }

    #[test]
    fn an_argument_can_make_the_difference() {
        let of = |name, args| {
            let row = table::by_name(name);
            let call =
                Call { abi: None, nr: 0, sub: 0, args, stack: 0, row, result_at: None, enabled: true, refused: false };
            why(name, &call)
        };
        assert!(of("socket", [2, 1, 0, 0, 0, 0]).is_none());
        assert!(of("socket", [2, 3, 1, 0, 0, 0]).is_some());
        assert!(of("socket", [17, 2, 0, 0, 0, 0]).is_some());
        assert!(of("prctl", [15, 0, 0, 0, 0, 0]).is_none());
        assert!(of("mknod", [0, 0o010_644, 0, 0, 0, 0]).is_none());
        assert!(of("mknod", [0, 0o060_644, 0, 0, 0, 0]).is_some());
        assert!(of("ptrace", [0; 6]).is_some());
    }
}
