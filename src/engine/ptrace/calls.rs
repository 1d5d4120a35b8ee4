//! Syscall-stops: which call it is, what has to be done about it, and what the observer is told.

use super::classify::Stop;
use super::tracee::{After, Open};
use super::{Engine, info::Info};
use crate::arch;
use crate::engine::through::{result as result_of, unfold};
use crate::engine::{Call, Observer, Task};
use crate::filter::{Duty, Guard, cookie};
use crate::model::record::UNTRACED_CLEARED;
use crate::model::{Abi, CallSet, Personality, Pid};
use crate::sys::memory::count_fuse;
use crate::sys::{Fault, clock};
use crate::table::{self, Kind, through};

const CLONE_UNTRACED: u64 = 0x0080_0000;
const SECCOMP_SET_MODE_FILTER: u64 = 1;
const ENOSYS: i64 = 38;
const EPERM: i64 = 1;

/// Whether a call of `row` by `abi` is one of `calls`; a multiplexer's is, too, when the call that it asks for is one.
#[must_use]
pub fn is_enabled(calls: &CallSet, abi: Abi, row: &table::Row, args: &[u64; 6]) -> bool {
    let has = |row: &table::Row| calls.contains_on(row.index(), Personality::of(abi));
    has(row)
        || through::of(row).and_then(|multiplexer| multiplexer.asked(args[0])).is_some_and(|inner| has(inner.row()))
}

/// Room for the path of a status file, as `/proc/4194303/task/4194303/status`.
const LONGEST_STATUS: usize = 64;

/// Whether the path that begins with `bytes` can be that of a file that shows a mask of CPUs (proc_pid_status(5),
/// Cpus_allowed). Only these: most programs of a build open some other file below /proc, as /proc/filesystems.
fn is_status(bytes: &[u8]) -> bool {
    let path = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    path.len() < bytes.len() && path.rsplit(|byte| *byte == b'/').next() == Some(b"status")
}

impl Engine {
    pub(super) fn call_stop(&mut self, observer: &mut dyn Observer, tid: Pid, seccomp: bool) {
        match self.read_call(tid, seccomp) {
            Ok(Info::Enter { arch, nr, args, stack, data }) => {
                let abi = arch::abi_of(arch, nr);
                let row = abi.and_then(|abi| table::by_number(abi, arch::table_number(abi, nr)));
                let call = Call { abi, nr, sub: 0, args, stack, row, result_at: None, enabled: false, refused: false };
                self.entered(observer, tid, call, data);
            }
            Ok(Info::Exit(result)) => self.returned(observer, tid, result),
            Ok(Info::None) | Err(_) => {}
        }
    }

    fn read_call(&mut self, tid: Pid, seccomp: bool) -> Result<Info, Fault> {
        let inside = self.tracees.get(&tid).and_then(|tracee| tracee.inside);
        super::info::read(tid, &mut self.memory, &mut self.info_works, seccomp, inside)
    }

    /// Whether a call begins at this stop of a tracee that is to be let go; it is then untold and under way.
    pub(super) fn begins_call(&mut self, tid: Pid, stop: Stop) -> bool {
        if !matches!(stop, Stop::Syscall | Stop::Seccomp) {
            return false;
        }
        let Ok(Info::Enter { arch, nr, .. }) = self.read_call(tid, stop == Stop::Seccomp) else { return false };
        if let Some(tracee) = self.tracees.get_mut(&tid) {
            tracee.inside = Some(arch::abi_of(arch, nr));
        }
        true
    }

    fn entered(&mut self, observer: &mut dyn Observer, tid: Pid, mut call: Call, data: Option<u16>) {
        let foreign = data.is_some_and(|data| data != cookie());
        let Call { abi, args, row, .. } = call;
        let Some(tracee) = self.tracees.get_mut(&tid) else { return };
        let task = tracee.task();
        // With every call stopping, the seccomp stop follows the syscall-enter-stop of the same call.
        let again = data.is_some() && tracee.inside.is_some();
        tracee.inside = Some(abi);
        if again {
            if foreign {
                self.answer_foreign(observer, tid);
            }
            return;
        }
        let is_exec = row.is_some_and(|row| matches!(row.name, "execve" | "execveat"));
        let before_exec = Some(tid) == self.root && !self.started && is_exec;
        let silent = tracee.silent && !before_exec;
        let duty = row.and_then(|row| self.duties.get(row.index()).copied().flatten());
        let known = abi.zip(row);
        let asked = !silent && known.is_some_and(|(abi, row)| is_enabled(&self.calls, abi, row, &args));
        if asked || self.judge.is_some() {
            unfold(&mut self.memory, tid, &mut call);
        }
        // A multiplexer that is enabled is so for what cannot be told apart.
        let enabled =
            asked && call.abi.zip(call.row).is_some_and(|(abi, row)| is_enabled(&self.calls, abi, row, &call.args));
        call.enabled = enabled;
        self.place(tid, &call);
        let after = self.do_duty(observer, tid, &mut call, duty);
        if enabled {
            observer.enter(&mut self.memory, task, &call);
        }
        // Only now, so that what is recorded is what the program wrote.
        if let After::Clone3 { original: Some(flags) } = after {
            self.memory.write(tid, args[0], &(flags & !CLONE_UNTRACED).to_ne_bytes());
        }
        let (watched, replaced) =
            if silent || call.refused { (false, None) } else { self.judge_entered(observer, task, &call) };
        if foreign {
            self.answer_foreign(observer, tid);
        }
        let Some(tracee) = self.tracees.get_mut(&tid) else { return };
        let awaited = (enabled && self.mode.exits) || after != After::Nothing || watched || replaced.is_some();
        tracee.open = awaited.then_some(Open { call, after, watched, replaced });
    }

    /// Lets the placement see the call, and ends it before the tracee could look at its own mask through /proc.
    fn place(&mut self, tid: Pid, call: &Call) {
        // One that lives on when smtrace is killed would keep the affinity.
        if self.tracees.get(&tid).is_some_and(|tracee| tracee.guest) {
            return;
        }
        let now = clock::monotonic();
        self.placement.saw(tid, now);
        if self.placement.is_enabled()
            && let (Some(row), Some(abi)) = (call.row, call.abi)
            && let Some(path) = row.args(abi).iter().position(|arg| arg.kind == Kind::Path)
        {
            let mut path_read = [0; LONGEST_STATUS];
            let address = call.args.get(path).copied().unwrap_or(0);
            let got = self.memory.read_until(tid, address, &mut path_read, |part| part.contains(&0));
            if is_status(path_read.get(..got).unwrap_or(&[])) {
                self.placement.conceal(tid, now);
            }
        }
    }

    fn do_duty(&mut self, observer: &mut dyn Observer, tid: Pid, call: &mut Call, duty: Option<Duty>) -> After {
        let Some(tracee) = self.tracees.get_mut(&tid) else { return After::Nothing };
        let task = tracee.task();
        match duty {
            None if tracee.targets > 0 => {
                self.serve_inner(tid, call);
                After::Nothing
            }
            None => After::Nothing,
            Some(Duty::Comm) => After::Comm,
            Some(Duty::Creds) => After::Creds,
            Some(Duty::Cwd) => After::Cwd,
            Some(Duty::Mount) => After::Mount,
            Some(Duty::Affinity) => {
                self.placement.hold();
                self.refuse_if(observer, tid, call, Guard::Pid(0));
                After::Affinity
            }
            Some(Duty::CloneFlag) if call.args[0] & CLONE_UNTRACED != 0 => {
                tracee.made_child = false;
                observer.notice(task, UNTRACED_CLEARED[0]);
                let _ = arch::set_first_argument(tid, call.abi, call.args[0] & !CLONE_UNTRACED);
                After::Clone
            }
            Some(Duty::Clone3) => {
                tracee.made_child = false;
                let original = self.asks_untraced(tid, call.args[0]);
                if original.is_some() {
                    observer.notice(task, UNTRACED_CLEARED[1]);
                }
                After::Clone3 { original }
            }
            Some(Duty::Listener) if low_is(call.args[0], SECCOMP_SET_MODE_FILTER) && call.args[1] & 8 != 0 => {
                // Its other threads may make calls under the new filter at once (SECCOMP_FILTER_FLAG_TSYNC), so every
                // call stops from before it stands.
                self.stop_at_every_call(tid);
                observer.notice(task, "own seccomp listener: every call stops from here on");
                After::Listener
            }
            Some(Duty::Ptrace) => {
                self.refuse_if(observer, tid, call, Guard::Pid(1));
                // What a judge refuses must have done nothing. It has not been asked yet; one that enforces a policy
                // refuses each (`enforce/blind.rs`).
                if !call.refused && self.judge.is_none() {
                    self.serve_inner(tid, call);
                }
                After::Nothing
            }
            Some(Duty::Guard(guard)) => {
                self.refuse_if(observer, tid, call, guard);
                After::Nothing
            }
            Some(Duty::CloneFlag | Duty::Listener) => After::Nothing,
        }
    }

    /// Lets a call that names smtrace as its target fail with EPERM.
    fn refuse_if(&mut self, observer: &mut dyn Observer, tid: Pid, call: &mut Call, guard: Guard) {
        if !self.us.refuses(guard, tid, call, &mut self.memory) {
            if let Some(tracee) = self.tracees.get(&tid) {
                self.us.note_signaller(guard, tracee.pid, call);
            }
            return;
        }
        if let Some(tracee) = self.tracees.get(&tid) {
            let name = call.row.map_or("call", |row| row.name);
            observer.notice(tracee.task(), &format!("{name} on smtrace itself was refused (EPERM)"));
        }
        call.refused = true;
        let _ = arch::skip_call(tid, -EPERM);
    }

    /// Notices that a tracee may have mounted what it serves itself.
    fn mounted(&mut self, observer: &mut dyn Observer, task: Task, call: &Call, result: i64) {
        let process = task.tid.to_string();
        // What fsmount(2) makes stands in no list until it is attached, and works all the same.
        let unlisted = result >= 0 && call.row.is_some_and(|row| row.name == "fsmount");
        if unlisted {
            self.memory.be_careful();
        }
        self.memory.look_for_fuse(&process);
        if (unlisted || count_fuse(&process) > self.fuse) && !std::mem::replace(&mut self.served, true) {
            observer.served(task);
        }
    }

    /// The `flags` (the first field) of clone_args, if CLONE_UNTRACED is among them.
    fn asks_untraced(&mut self, tid: Pid, address: u64) -> Option<u64> {
        let mut bytes = [0; 8];
        if self.memory.read(tid, address, &mut bytes) < bytes.len() {
            return None;
        }
        let flags = u64::from_ne_bytes(bytes);
        (flags & CLONE_UNTRACED != 0).then_some(flags)
    }

    /// Answers a TRACE of the tracee's own filter as the kernel does without a tracer: ENOSYS (seccomp(2)).
    fn answer_foreign(&mut self, observer: &mut dyn Observer, tid: Pid) {
        if let (false, Some(tracee)) = (self.foreign_seen, self.tracees.get(&tid)) {
            observer.notice(tracee.task(), "a seccomp filter of the tracee returns TRACE: answered with ENOSYS");
        }
        self.foreign_seen = true;
        let _ = arch::skip_call(tid, -ENOSYS);
    }

    fn stop_at_every_call(&mut self, except: Pid) {
        if self.full {
            return;
        }
        self.full = true;
        for tid in self.tracees.keys().copied().filter(|tid| *tid != except).collect::<Vec<_>>() {
            self.interrupt(tid);
        }
    }

    fn returned(&mut self, observer: &mut dyn Observer, tid: Pid, result: i64) {
        let Some(tracee) = self.tracees.get_mut(&tid) else { return };
        tracee.inside = None;
        tracee.interrupted = false;
        let Some(Open { call, after, watched, replaced }) = tracee.open.take() else { return };
        if let Some(registers) = replaced {
            let _ = arch::restore_call(tid, &registers);
        }
        let (task, made_child) = (tracee.task(), tracee.made_child);
        match after {
            After::Nothing | After::Listener => {}
            After::Comm if result == 0 => observer.renamed(task),
            After::Cwd if result == 0 => observer.moved(task),
            After::Creds if result >= 0 => {
                if let Some(identity) = super::identity::read(tid) {
                    observer.credentials(task, &identity);
                }
            }
            After::Mount => self.mounted(observer, task, &call, result),
            After::Affinity => self.placement.unhold(),
            After::Clone | After::Clone3 { .. } => {
                if let After::Clone3 { original: Some(flags) } = after {
                    self.memory.write(tid, call.args[0], &flags.to_ne_bytes());
                }
                if result > 0 && !made_child {
                    self.lost_sight = true;
                    observer
                        .notice(task, "ALERT: a child escaped (CLONE_UNTRACED set in a race); its calls are not seen");
                }
            }
            After::Comm | After::Creds | After::Cwd => {}
        }
        if call.enabled {
            let result = result_of(&mut self.memory, tid, &call, result);
            observer.exit(&mut self.memory, task, &call, result);
        }
        if watched {
            self.judge_returned(observer, task, &call, result);
        }
    }
}

fn low_is(register: u64, value: u64) -> bool {
    register & 0xffff_ffff == value
}

#[cfg(test)]
mod tests {
    use super::is_status;

    #[test]
    fn only_a_whole_path_to_a_status_file_is_one() {
        for path in ["/proc/self/status\0", "/proc/1/task/4194303/status\0x", "status\0", "./status\0"] {
            assert!(is_status(path.as_bytes()), "{path}");
        }
        for path in ["", "\0", "/proc/filesystems\0", "/proc/self/status", "config.status\0", "status/x\0"] {
            assert!(!is_status(path.as_bytes()), "{path}");
        }
    }
}
