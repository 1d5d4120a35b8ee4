//! What names addresses have: as the build's own questions to name servers were answered.
//!
//! An answer counts only when it answers a question that was judged, and came by a socket of our own network namespace. It
//! is read from the build's memory all the same: `docs/enforce.md` says what that is worth.

use crate::audit::dns;
use crate::engine::Task;
use crate::model::Pid;
use crate::sys::memory::Memory;
use rustc_hash::{FxHashMap, FxHashSet};
use std::net::IpAddr;
use std::os::unix::fs::MetadataExt;

/// The most addresses, names of one, sockets and open questions that are remembered.
const MOST: usize = 20_000;
const NAMES: usize = 64;

/// The longest answer that is read.
const LONGEST: usize = 4096;

/// Where a call puts what it receives.
#[derive(Clone, Copy, Debug)]
pub(super) struct Buffer {
    pub(super) address: u64,
    pub(super) length: u64,
}

/// Names by address.
#[derive(Debug, Default)]
pub(super) struct Names {
    by_address: FxHashMap<IpAddr, Vec<String>>,
    /// The sockets, by inode, that name servers are asked through.
    sockets: FxHashSet<u64>,
    /// The names that were asked for.
    asked: FxHashSet<String>,
}

fn namespace(process: &str) -> Option<u64> {
    std::fs::metadata(format!("/proc/{process}/ns/net")).ok().map(|data| data.ino())
}

/// The number of the socket behind descriptor `number` of a thread.
pub(super) fn inode(tid: Pid, number: i32) -> Option<u64> {
    let data = std::fs::metadata(format!("/proc/{tid}/fd/{number}")).ok()?;
    use std::os::unix::fs::FileTypeExt;
    data.file_type().is_socket().then(|| data.ino())
}

impl Names {
    /// The names of an address.
    pub(super) fn of(&self, address: IpAddr) -> &[String] {
        self.by_address.get(&address).map_or(&[], Vec::as_slice)
    }

    /// The socket speaks to a name server.
    pub(super) fn serves(&mut self, inode: u64) {
        if self.sockets.len() < MOST {
            self.sockets.insert(inode);
        }
    }

    /// Whether a descriptor is a socket that speaks to a name server.
    pub(super) fn is_server(&self, tid: Pid, number: i32) -> bool {
        !self.sockets.is_empty() && inode(tid, number).is_some_and(|inode| self.sockets.contains(&inode))
    }

    /// This name is asked for.
    pub(super) fn ask(&mut self, name: &str) {
        if self.asked.len() < MOST {
            self.asked.insert(name.to_owned());
        }
    }

    /// `got` bytes came from a name server.
    pub(super) fn answered(&mut self, memory: &mut Memory, task: Task, buffer: &Buffer, got: i64) {
        let length = buffer.length.min(u64::try_from(got).unwrap_or(0)).min(LONGEST as u64);
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
        let read = memory.read(task.tid, buffer.address, &mut bytes);
        bytes.truncate(read);
        let Some(message) = dns::read(&bytes) else { return };
        let known = message.response && self.asked.contains(&message.name);
        if !known || namespace(&task.tid.to_string()) != namespace("self") {
            return;
        }
        for address in message.addresses {
            if self.by_address.len() >= MOST && !self.by_address.contains_key(&address) {
                return;
            }
            let names = self.by_address.entry(address).or_default();
            if names.len() < NAMES && !names.contains(&message.name) {
                names.push(message.name.clone());
            }
        }
    }
}
