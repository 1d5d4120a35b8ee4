//! The account of sessions, process groups and terminals, learned from setsid(2) and setpgid(2).
//!
//! Where it begins is what the run was told of the command it launches; of processes that were there before nothing is
//! known, until they make a session of their own.

use crate::event::call::Call;
use crate::model::Pid;
use crate::model::record::{Kind, Record};
use crate::table::row_of;
use rustc_hash::FxHashMap;

/// The session and the group of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// The session, by its leader.
    pub sid: Pid,
    /// The process group, by its leader.
    pub pgid: Pid,
    /// The controlling terminal's device, 0 for none.
    pub tty: u32,
}

/// The sessions of all processes.
#[derive(Debug, Default)]
pub(crate) struct Sessions(FxHashMap<Pid, Session>);

impl Sessions {
    /// That of a process.
    pub(super) fn get(&self, pid: Pid) -> Option<Session> {
        self.0.get(&pid).copied()
    }

    /// Children have what their creators have; `first` is that of a process without any that is known.
    pub(crate) fn apply(&mut self, record: &Record<'_>, first: Option<Session>) {
        let head = record.head();
        let arg = |at: usize| record.args().get(at).and_then(|arg| Pid::try_from(*arg).ok()).unwrap_or(0);
        match head.kind {
            Kind::Born if head.pid == head.tid => {
                let given = self.get(arg(1)).or_else(|| self.get(arg(0)));
                if let Some(session) = given.or(first.filter(|_| self.0.is_empty())) {
                    self.0.insert(head.pid, session);
                }
            }
            Kind::End if head.pid == head.tid => drop(self.0.remove(&head.pid)),
            _ => {}
        }
    }

    /// Learns from a call that returned.
    pub(crate) fn learn_exit(&mut self, record: &Record<'_>, entered: Option<&Record<'_>>) {
        let call = Call::new(row_of(record.head()), record, entered);
        let own = call.pid();
        let id = |name: &str, none: Pid| Pid::try_from(call.int(name)).ok().filter(|id| *id != 0).unwrap_or(none);
        match call.row.map(|row| row.name) {
            // setsid(2): "no controlling terminal".
            Some("setsid") if call.result().is_some_and(|sid| sid > 0) => {
                self.0.insert(own, Session { sid: own, pgid: own, tty: 0 });
            }
            // setpgid(2): "If pid is zero, then the process ID of the calling process is used."
            Some("setpgid") if call.result() == Some(0) => {
                let pid = id("pid", own);
                if let Some(session) = self.0.get_mut(&pid) {
                    session.pgid = id("pgid", pid);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Session, Sessions};
    use crate::model::Abi;
    use crate::model::record::{Head, Kind, Record, Writer};
    use crate::table;

    fn record(kind: Kind, pid: i32, call: &str, args: &[u64], result: i64) -> Vec<u8> {
        let nr = table::by_name(call).and_then(|row| row.number(Abi::X86_64)).unwrap_or(0);
        let head = Head { kind, abi: Some(Abi::X86_64), time: 1, pid, tid: pid, nr, flags: 0, result };
        let mut buffer = [0; 512];
        let len = Writer::new(&mut buffer, &head, args).finish();
        buffer[..len].to_vec()
    }

    #[test]
    fn children_inherit_and_calls_change() {
        let first = Some(Session { sid: 5, pgid: 6, tty: 0x8800 });
        let mut sessions = Sessions::default();
        let mut feed = |bytes: Vec<u8>| {
            let (record, _) = Record::parse(&bytes).unwrap();
            if record.head().kind == Kind::Exit {
                sessions.learn_exit(&record, None);
            } else {
                sessions.apply(&record, first);
            }
            [10, 11, 12].map(|pid| sessions.get(pid).map(|session| (session.sid, session.pgid, session.tty)))
        };
        feed(record(Kind::Born, 10, "", &[1, 0, 0, 0], 0));
        let own = Some((5, 6, 0x8800));
        assert_eq!(feed(record(Kind::Born, 11, "", &[10, 10, 0, 0], 0)), [own, own, None]);
        assert_eq!(feed(record(Kind::Exit, 10, "setpgid", &[11, 0], 0))[1], Some((5, 11, 0x8800)));
        assert_eq!(feed(record(Kind::Exit, 11, "setsid", &[], -1))[1], Some((5, 11, 0x8800)));
        assert_eq!(feed(record(Kind::Exit, 11, "setsid", &[], 11))[1], Some((11, 11, 0)));
        // Of one that was there before, nothing is known.
        assert_eq!(feed(record(Kind::Born, 12, "", &[7, 0, 0, 0], 0))[2], None);
        assert_eq!(feed(record(Kind::End, 11, "", &[0], 0))[1], None);
    }
}
