//! What a capture says of the machine it was made on. Asked once, and not of any tracee.

use nix::ifaddrs::getifaddrs;
use nix::sys::socket::SockaddrStorage;
use std::path::Path;
use std::{fmt, fs};

/// The machine of a capture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Host {
    /// CPUs.
    pub cpus: u32,
    /// Bytes of memory.
    pub memory: u64,
    /// The largest process id.
    pub max_pid: u64,
    /// Its name.
    pub name: String,
    /// When it started, nanoseconds since the epoch.
    pub boot: u64,
    /// Its addresses.
    pub interfaces: Vec<Interface>,
    /// The bytes of /etc/passwd.
    pub passwd: Vec<u8>,
    /// The bytes of /etc/group.
    pub group: Vec<u8>,
}

/// One address of an interface: 4 or 16 bytes each, in the order they are sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// The interface.
    pub name: String,
    /// The address.
    pub address: Vec<u8>,
    /// The mask of its network.
    pub mask: Vec<u8>,
    /// The address of all in its network.
    pub broadcast: Vec<u8>,
}

/// What the `/proc` that is mounted here shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proc {
    /// The processes of smtrace's own pid namespace, under the numbers that wait(2) and ptrace(2) use.
    Ours,
    /// Those of another one: /proc/PID is somebody else.
    Foreign,
    /// Nothing: it is not mounted, or not readable.
    Missing,
}

/// `kernel.yama.ptrace_scope`, and whom it keeps from tracing (Documentation/admin-guide/LSM/Yama.rst).
///
/// None where the kernel has no Yama, or where it sets no limit.
#[must_use]
pub fn yama() -> Option<Yama> {
    let scope = fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope").ok()?;
    match scope.trim() {
        "0" => None,
        "1" => Some(Yama::Descendants),
        "2" => Some(Yama::Capable),
        _ => Some(Yama::Nobody),
    }
}

/// Who may trace a process under Yama.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Yama {
    /// 1: its ancestors, and who has `CAP_SYS_PTRACE`.
    Descendants,
    /// 2: who has `CAP_SYS_PTRACE`.
    Capable,
    /// 3: nobody, and that cannot be changed while the kernel runs.
    Nobody,
}

impl Yama {
    /// What there is to be done about it.
    #[must_use]
    pub const fn remedy(self) -> &'static str {
        match self {
            Yama::Descendants => "launching works; for -p run as root or set kernel.yama.ptrace_scope to 0",
            Yama::Capable => "run as root, or give CAP_SYS_PTRACE, or set kernel.yama.ptrace_scope to 1",
            Yama::Nobody => "nothing can be traced until a reboot with a lower kernel.yama.ptrace_scope",
        }
    }
}

/// Why not even a child may be traced, where Yama is not the reason, and what there is to be done about it.
pub const FORBIDDEN: &str = "a seccomp profile or security module forbids it; for containers use `--cap-add SYS_PTRACE` or \
    `--security-opt seccomp=unconfined`";

impl fmt::Display for Yama {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scope, who) = match self {
            Yama::Descendants => (1, "descendants only"),
            Yama::Capable => (2, "only with CAP_SYS_PTRACE"),
            Yama::Nobody => (3, "nobody may attach"),
        };
        write!(f, "kernel.yama.ptrace_scope is {scope}: {who}")
    }
}

/// Looks whose processes `/proc` shows.
///
/// `pid_namespaces(7)`: "A /proc filesystem shows (in the /proc/pid directories) only processes visible in the PID
/// namespace of the process that performed the mount, even if the /proc filesystem is viewed from processes in other
/// namespaces." There /proc/self is that namespace's number for the reader, or does not resolve at all.
#[must_use]
pub fn proc() -> Proc {
    if !Path::new("/proc/self/status").exists() && !Path::new("/proc/version").exists() {
        return Proc::Missing;
    }
    match fs::read_link("/proc/self") {
        Ok(link) if link.as_os_str() == std::process::id().to_string().as_str() => Proc::Ours,
        _ => Proc::Foreign,
    }
}

impl Host {
    /// Asks this machine. What it does not tell is 0 or empty.
    #[must_use]
    pub fn ask() -> Host {
        let proc = |name: &str| fs::read_to_string(format!("/proc/{name}")).unwrap_or_default();
        let number = |line: Option<&str>| line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
        let (stat, memory) = (proc("stat"), proc("meminfo"));
        let cpus = stat.lines().filter(|line| line.starts_with("cpu") && !line.starts_with("cpu ")).count();
        Host {
            cpus: u32::try_from(cpus).unwrap_or(0),
            memory: number(memory.lines().find(|line| line.starts_with("MemTotal:"))).unwrap_or(0) * 1024,
            max_pid: proc("sys/kernel/pid_max").trim().parse().unwrap_or(0),
            name: proc("sys/kernel/hostname").trim().to_owned(),
            boot: number(stat.lines().find(|line| line.starts_with("btime "))).unwrap_or(0) * 1_000_000_000,
            interfaces: interfaces(),
            passwd: fs::read("/etc/passwd").unwrap_or_default(),
            group: fs::read("/etc/group").unwrap_or_default(),
        }
    }
}

fn interfaces() -> Vec<Interface> {
    let Ok(all) = getifaddrs() else { return Vec::new() };
    let of = |each: nix::ifaddrs::InterfaceAddress| {
        let address = octets(each.address.as_ref()?)?;
        let part = |part: Option<&SockaddrStorage>| {
            part.and_then(octets).filter(|part| part.len() == address.len()).unwrap_or_else(|| vec![0; address.len()])
        };
        let (mask, broadcast) = (part(each.netmask.as_ref()), part(each.broadcast.as_ref()));
        Some(Interface { name: each.interface_name, address, mask, broadcast })
    };
    all.filter_map(of).collect()
}

fn octets(address: &SockaddrStorage) -> Option<Vec<u8>> {
    let v4 = address.as_sockaddr_in().map(|address| address.ip().octets().to_vec());
    v4.or_else(|| address.as_sockaddr_in6().map(|address| address.ip().octets().to_vec()))
}
