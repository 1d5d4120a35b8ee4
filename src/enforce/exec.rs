//! Programs: judged by the file that the path leads to, and again, before its first instruction, by what was loaded.

use super::{Enforcer, Path, Pending, Script, Target, int, raced, string, text};
use crate::audit::policy::{Action, Program, Question, Sort};
use crate::capture::digest::settled;
use crate::engine::{Call, Denial, Task, Verdict};
use crate::model::Pid;
use crate::sys::memory::Memory;
use crate::sys::path::{Held, stamps_mapped_writes};
use rustc_hash::FxHashMap;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::MetadataExt;

const AT_EMPTY_PATH: i32 = 0x1000;
const AT_SYMLINK_NOFOLLOW: i32 = 0x100;

/// The largest program that is digested; a larger one has no digest that could be allowed.
const LARGEST: u64 = 1 << 30;

/// Where a system has its dynamic loaders.
const LOADERS: &[&str] = &["/lib", "/usr/lib", "/nix/store/", "/gnu/store/"];

/// How many digests are remembered.
const MOST: usize = 4096;

/// A file as it was when it was read: device, number, size, times of change.
type Identity = [u64; 6];

/// Digests of programs, as they were at an exec stop: then nobody could write to them (ETXTBSY), through a mapping neither.
#[derive(Debug, Default)]
pub(super) struct Digests(FxHashMap<Identity, String>);

impl Digests {
    /// The SHA-256 of the regular file at `path`, one of our own. It is remembered when it is `loaded`.
    fn of(&mut self, path: &str, loaded: bool) -> Option<String> {
        let data = fs::metadata(path).ok().filter(|data| data.is_file() && data.len() <= LARGEST)?;
        let times = [data.mtime(), data.mtime_nsec(), data.ctime(), data.ctime_nsec()].map(i64::cast_unsigned);
        let identity = [data.ino(), data.len(), times[0], times[1], times[2], times[3] ^ data.dev() << 32];
        if let Some(digest) = self.0.get(&identity) {
            return Some(digest.clone());
        }
        let (mut hash, mut file, mut buffer) = (Sha256::new(), File::open(path).ok()?, vec![0; 128 << 10]);
        loop {
            let got = file.read(&mut buffer).ok()?;
            let Some(part) = buffer.get(..got).filter(|part| !part.is_empty()) else { break };
            hash.update(part);
        }
        let mut digest = String::with_capacity(64);
        for byte in hash.finalize() {
            // Writing to a String cannot fail.
            let _ = write!(digest, "{byte:02x}");
        }
        // A change within the clock's step could leave the times as they are.
        if loaded && settled(data.ctime()) && stamps_mapped_writes(&file) {
            if self.0.len() >= MOST {
                self.0.clear();
            }
            self.0.insert(identity, digest.clone());
        }
        Some(digest)
    }
}

/// The name of a program; one without a file is called by its memfd's name.
fn name_of(held: &Held) -> String {
    let name = text(&held.name());
    name.strip_prefix("/memfd:").map_or_else(|| name.clone(), |memfd| format!("memfd:{memfd}"))
}

impl Enforcer {
    fn ask_program(&mut self, by: &Program, held: &Held, loaded: bool) -> Option<Denial> {
        let digest = if self.rules.have_digests() { self.digests.of(&held.own_link(), loaded) } else { None };
        let names = [name_of(held)];
        self.ask_with(by, &Question { sort: Sort::Exec, names: &names, digest: digest.as_deref() })
    }

    /// Judges the file that runs first in a dynamic program. The system's loaders run in nearly every program and stand in no
    /// policy; another file has to be one that may be run or read, as a loader that is run by name could map it then.
    fn ask_interpreter(&self, by: &Program, name: String) -> Option<Denial> {
        let (dir, file) = name.rsplit_once('/')?;
        if LOADERS.iter().any(|place| dir.starts_with(place)) && file.starts_with("ld") {
            return None;
        }
        let names = [name.clone()];
        let denied = |sort| self.ask_with(by, &Question { sort, names: &names, digest: None });
        denied(Sort::Read).and_then(|_| denied(Sort::Exec))
    }

    pub(super) fn exec(&mut self, memory: &mut Memory, task: Task, call: &Call, name: &str) -> Verdict {
        let at = name == "execveat";
        let flags = if at { int(call, 4) } else { 0 };
        let places = if at { (Some(0), 1) } else { (None, 0) };
        let follow = flags & AT_SYMLINK_NOFOLLOW == 0;
        let path = Path { from: 0, bytes: b"", follow, create: false, in_root: false };
        let empty = flags & AT_EMPTY_PATH != 0
            && string(memory, task, super::word(call, 1)).is_some_and(|path| path.is_empty());
        let target = match empty {
            true => {
                Held::at(&format!("/proc/{}/fd/{}", task.tid, int(call, 0))).map_or_else(Target::Nowhere, Target::Found)
            }
            false => self.find(memory, task, call, places, path),
        };
        // The kernel will say what is missing; what runs all the same is judged at the exec stop.
        let Target::Found(held) = target else { return Verdict::Pass };
        let by = self.program(task);
        if let Some(denial) = self.ask_program(&by, &held, false) {
            return Verdict::Deny(denial);
        }
        // Its process would hide from us (would_dump, fs/exec.c).
        if !self.sees_all && !held.may_read() {
            return Verdict::Deny(super::unseen(
                name,
                "smtrace may not look into a program whose file it may not read",
            ));
        }
        self.watch(task, Pending::Exec(name_of(&held), by))
    }

    /// Judges the program that was loaded and, if it is an interpreter, the script. `asked` is the name that was judged, and
    /// `by` the program that made the call.
    pub(super) fn loaded(
        &mut self,
        memory: &mut Memory,
        task: Task,
        (asked, by): (Option<String>, &Program),
    ) -> Option<Denial> {
        // Its program is gone with it: the end will be told. But one that hides is none that could be judged.
        let Ok(held) = Held::at(&format!("/proc/{}/exe", task.tid)) else {
            let what = asked.unwrap_or_else(|| "a program".to_owned());
            return super::stands(task).then(|| raced(super::denial("exec", what, "", Action::Kill)));
        };
        self.scripts.insert(task.pid, Script::Own(None));
        if let Some(denial) = self.ask_program(by, &held, true) {
            return Some(raced(denial));
        }
        if let Some(denial) = interpreter(task.tid).and_then(|name| self.ask_interpreter(by, name)) {
            return Some(raced(denial));
        }
        let exe = name_of(&held);
        if asked.as_ref() == Some(&exe) {
            return None;
        }
        // The kernel copied the name that it looked up onto the new stack, where nothing has run yet.
        let script = executed_name(memory, task.tid).and_then(|address| string(memory, task, address)).map(|bytes| {
            let path = Path { from: libc::AT_FDCWD, bytes: &bytes, follow: true, create: false, in_root: false };
            self.root.resolve(task, path)
        });
        let script = match script {
            Some(Target::Found(script)) => {
                if let Some(denial) = self.ask_program(by, &script, false) {
                    return Some(raced(denial));
                }
                Some(name_of(&script))
            }
            _ => asked,
        };
        if let Some(script) = script.filter(|script| *script != exe) {
            self.scripts.insert(task.pid, Script::Own(Some(script)));
        }
        None
    }
}

/// The words of a kind in the auxiliary vector (getauxval(3)), which has the size of the program's: read as either.
fn auxiliary(tid: Pid, kind: u64) -> Vec<u64> {
    let vector = fs::read(format!("/proc/{tid}/auxv")).unwrap_or_default();
    let find = |size: usize| {
        let word = |bytes: &[u8]| {
            let mut word = [0; 8];
            word.get_mut(..size)?.copy_from_slice(bytes.get(..size)?);
            Some(u64::from_ne_bytes(word))
        };
        vector.chunks_exact(2 * size).find_map(|pair| {
            let (key, value) = pair.split_at_checked(size)?;
            (word(key)? == kind).then(|| word(value)).flatten()
        })
    };
    [8, 4].into_iter().filter_map(find).collect()
}

/// The address of the name that was executed.
fn executed_name(memory: &mut Memory, tid: Pid) -> Option<u64> {
    const AT_EXECFN: u64 = 31;
    let mut byte = [0];
    auxiliary(tid, AT_EXECFN).into_iter().find(|address| memory.read(tid, *address, &mut byte) == 1)
}

/// The file that the kernel loaded to run first (PT_INTERP, elf(5)): what is mapped at AT_BASE; a static program has none.
fn interpreter(tid: Pid) -> Option<String> {
    const AT_BASE: u64 = 7;
    let bases = auxiliary(tid, AT_BASE);
    let maps = fs::read(format!("/proc/{tid}/maps")).ok()?;
    text(&maps).lines().find_map(|line| {
        // proc_pid_maps(5): address perms offset dev inode, blanks, path
        let (start, _) = line.split_once('-')?;
        let start = u64::from_str_radix(start, 16).ok().filter(|start| *start != 0 && bases.contains(start));
        let name = start.and_then(|_| line.get(line.find('/')?..))?;
        Some(name.strip_suffix(" (deleted)").unwrap_or(name).to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Judge;

    #[test]
    fn a_parent_told_late_does_not_give_its_script_to_another_program() {
        let policy = crate::audit::policy::read("version: 1\nexec: ['/**']\n").unwrap();
        let rules = crate::audit::policy::Rules::new(&policy, &crate::model::Places::default()).unwrap();
        let mut enforcer = Enforcer::new(rules);
        let pid = i32::try_from(std::process::id()).unwrap();
        enforcer.scripts.insert(1, Script::Own(Some("/script".to_owned())));
        enforcer.scripts.insert(2, Script::Own(Some("/other".to_owned())));
        enforcer.born(pid, 2);
        enforcer.born(pid, 1);
        assert_eq!(enforcer.script_of(pid).unwrap(), "/script");
        assert!(enforcer.executed(&mut Memory::default(), Task { pid, tid: pid }, pid).is_none());
        enforcer.born(pid, 1);
        assert_eq!(enforcer.script_of(pid), None);
    }

    #[test]
    fn our_own_loader_is_found() {
        let name = interpreter(i32::try_from(std::process::id()).unwrap()).unwrap_or_default();
        let file = name.rsplit('/').next().unwrap();
        assert!(file.starts_with("ld") || (name.is_empty() && cfg!(target_feature = "crt-static")), "{name}");
    }

    #[test]
    fn our_own_program_is_found_by_the_name_it_was_executed_by() {
        let pid = i32::try_from(std::process::id()).unwrap();
        let mut memory = Memory::default();
        let task = Task { pid, tid: pid };
        let address = executed_name(&mut memory, pid).unwrap();
        let name = string(&mut memory, task, address).unwrap();
        assert!(
            name.ends_with(text(std::env::current_exe().unwrap().file_name().unwrap().as_encoded_bytes()).as_bytes())
        );
    }
}
