//! Privileged and evasive acts: calls that change who a process is, what it may do, or what can be seen of it.

use super::object::{every, number, top};
use crate::audit::limits::{self, Beyond, Mark, mark};
use crate::audit::model::{Act, ActKind, Use};
use crate::audit::text::text;
use crate::decode::errno;
use crate::decode::tree::{Tree, Value};
use crate::event::Event;
use crate::model::Abi;
use rustc_hash::FxHashMap;
use std::fmt::Write as _;

/// The calls that are acts by themselves.
const CALLS: &[(&str, ActKind)] = &[
    ("setuid", ActKind::Identity),
    ("setgid", ActKind::Identity),
    ("setreuid", ActKind::Identity),
    ("setregid", ActKind::Identity),
    ("setresuid", ActKind::Identity),
    ("setresgid", ActKind::Identity),
    ("setgroups", ActKind::Identity),
    ("setfsuid", ActKind::Identity),
    ("setfsgid", ActKind::Identity),
    ("capset", ActKind::Capabilities),
    ("ptrace", ActKind::Ptrace),
    ("process_vm_readv", ActKind::ForeignMemory),
    ("process_vm_writev", ActKind::ForeignMemory),
    ("process_madvise", ActKind::ForeignMemory),
    ("kcmp", ActKind::ForeignProcess),
    ("mount", ActKind::Mount),
    ("umount", ActKind::Mount),
    ("umount2", ActKind::Mount),
    ("pivot_root", ActKind::Mount),
    ("chroot", ActKind::Mount),
    ("move_mount", ActKind::Mount),
    ("open_tree", ActKind::Mount),
    ("fsopen", ActKind::Mount),
    ("fsmount", ActKind::Mount),
    ("mount_setattr", ActKind::Mount),
    ("unshare", ActKind::Namespace),
    ("setns", ActKind::Namespace),
    ("init_module", ActKind::Module),
    ("finit_module", ActKind::Module),
    ("delete_module", ActKind::Module),
    ("kexec_load", ActKind::Module),
    ("kexec_file_load", ActKind::Module),
    ("bpf", ActKind::Bpf),
    ("perf_event_open", ActKind::Bpf),
    ("userfaultfd", ActKind::Bpf),
    ("add_key", ActKind::Keys),
    ("request_key", ActKind::Keys),
    ("keyctl", ActKind::Keys),
    ("io_uring_setup", ActKind::IoUring),
    ("memfd_create", ActKind::Memfd),
    ("memfd_secret", ActKind::Memfd),
    ("personality", ActKind::Personality),
    ("pidfd_getfd", ActKind::PassedDescriptor),
    ("reboot", ActKind::System),
    ("swapon", ActKind::System),
    ("swapoff", ActKind::System),
    ("settimeofday", ActKind::System),
    ("clock_settime", ActKind::System),
    ("sethostname", ActKind::System),
    ("setdomainname", ActKind::System),
    ("acct", ActKind::System),
    ("iopl", ActKind::System),
    ("ioperm", ActKind::System),
    ("open_by_handle_at", ActKind::System),
    ("vmsplice", ActKind::HiddenCopy),
];

/// The kind of act that a call is.
pub(super) fn of_call(name: &str) -> Option<ActKind> {
    CALLS.iter().find(|(call, _)| *call == name).map(|(_, kind)| *kind)
}

/// The names of all calls that are acts.
pub(in super::super) fn calls() -> impl Iterator<Item = &'static str> {
    CALLS.iter().map(|(call, _)| *call)
}

/// Whether a call of a kind above only asks.
pub(super) fn harmless(event: &Event<'_>, name: &str) -> bool {
    let word = |index: usize| event.words().get(index).copied().unwrap_or(0);
    match name {
        // personality(2): 0xffffffff asks; 0 is what every process has.
        "personality" => matches!(word(0) & 0xffff_ffff, 0xffff_ffff | 0),
        // PTRACE_TRACEME is told by the one who traces.
        "setfsuid" | "setfsgid" => word(0) & 0xffff_ffff == 0xffff_ffff,
        _ => false,
    }
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Key {
    kind: u8,
    call: &'static str,
    detail: String,
    error: Option<u16>,
}

/// The acts of a build.
#[derive(Debug, Default)]
pub(super) struct Acts {
    all: Vec<(ActKind, Key, Use)>,
    index: FxHashMap<Key, usize>,
}

impl Acts {
    /// An act was done, or tried.
    pub(super) fn done(
        &mut self,
        kind: ActKind,
        call: &'static str,
        detail: String,
        error: Option<u16>,
        by: Mark,
        beyond: &mut Beyond,
    ) {
        let key = Key { kind: kind as u8, call, detail, error };
        if let Some((.., used)) = self.index.get(&key).and_then(|index| self.all.get_mut(*index)) {
            return mark(used, by, 0);
        }
        if beyond.room("acts", self.all.len(), limits::ACTS) {
            let mut used = Use::default();
            mark(&mut used, by, 0);
            self.index.insert(key.clone(), self.all.len());
            self.all.push((kind, key, used));
        }
    }

    /// Whether an act was done by `call`.
    pub(super) fn any_call(&self, call: &str) -> bool {
        self.all.iter().any(|(_, key, _)| key.call == call)
    }

    /// The acts in the order of first sight.
    pub(super) fn told(self) -> Vec<Act> {
        let of = |(kind, key, used): (ActKind, Key, Use)| Act {
            kind,
            call: key.call.to_owned(),
            detail: key.detail,
            error: key.error.map(|error| errno::name(error).map_or_else(|| error.to_string(), str::to_owned)),
            used,
        };
        self.all.into_iter().map(of).collect()
    }
}

/// The arguments of a call in a few words: what tells one act from another, no address and no descriptor.
pub(super) fn brief(event: &Event<'_>, tree: &Tree) -> String {
    let abi = event.head().abi.unwrap_or(Abi::X86_64);
    let mut out = String::new();
    for (_, node) in tree.level(0..tree.len()) {
        let mut value = String::new();
        match node.value {
            Value::Flags(set, word) => {
                let mut split = set.split(word, abi);
                let names: Vec<&str> = split.by_ref().collect();
                value = names.join("|");
                if split.rest() != 0 || value.is_empty() {
                    let _ = write!(value, "{}{:#x}", if value.is_empty() { "" } else { "|" }, split.rest());
                }
            }
            Value::Constant(set, word) => {
                value = set.name_of(word, abi).map_or_else(|| word.cast_signed().to_string(), str::to_owned);
            }
            Value::Path(seen) | Value::Str(seen) => {
                value = text(event.bytes(&seen, tree)).chars().take(200).collect();
            }
            Value::Uid(id) | Value::Gid(id) => value = id.to_string(),
            Value::Signal(signal) => value = signal.to_string(),
            Value::Signed(_) | Value::Unsigned(_) => {
                value = number(node.value).map_or_else(String::new, |number| number.cast_signed().to_string());
            }
            _ => {}
        }
        if !value.is_empty() {
            let _ = write!(out, "{}{}={value}", if out.is_empty() { "" } else { " " }, node.name);
        }
    }
    out
}

/// How many open files a message carries.
pub(super) fn passed(tree: &Tree) -> usize {
    let data = every(tree).filter(|(_, node)| node.name == "cmsg_data");
    data.map(|(at, _)| tree.inside(at).filter(|(_, node)| matches!(node.value, Value::Fd(_))).count()).sum()
}

/// What LD_PRELOAD and its like are set to in the environment of the program that is executed.
pub(super) fn preloads(event: &Event<'_>, tree: &Tree) -> Vec<String> {
    let Some((at, _)) = top(tree, "envp") else { return Vec::new() };
    let words = tree.inside(at).filter_map(|(_, node)| match node.value {
        Value::Str(seen) | Value::Path(seen) | Value::Bytes(seen) => Some(event.bytes(&seen, tree)),
        _ => None,
    });
    let of_note = |word: &&[u8]| {
        [&b"LD_PRELOAD="[..], b"LD_AUDIT=", b"LD_LIBRARY_PATH=", b"BASH_ENV=", b"PYTHONSTARTUP=", b"PERL5OPT="]
            .iter()
            .any(|name| word.starts_with(name) && word.len() > name.len())
    };
    words.filter(of_note).map(text).collect()
}
