//! Digests of files, taken while the task that uses them is stopped, so that the file cannot be another one meanwhile.
//!
//! The file is read through the task's own link in /proc, whatever its name has become. What was read once is not read
//! again while the file's identity, size and times are the same. A program's digest is taken only from what was read at an
//! exec: then nobody could write to it (execve(2), ETXTBSY), while a mapping of another file can change it and no time.

use crate::decode::walk::low32;
use crate::engine::Call;
use crate::model::Pid;
use crate::model::record::{Kind, Role, State, Writer};
use crate::sys::path::stamps_mapped_writes;
use rustc_hash::FxHashMap;
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::time::{SystemTime, UNIX_EPOCH};

/// The largest file that is read: a tracee must not stand still for long.
const MAX_FILE: u64 = 256 << 20;

/// How many digests are remembered.
const MOST: usize = 16 * 1024;

/// Which digests are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hash {
    /// Of programs, at exec.
    pub programs: bool,
    /// Of files that are opened for reading.
    pub inputs: bool,
    /// Of files that were open for writing, at close.
    pub outputs: bool,
}

/// A descriptor whose file is read for its digest.
#[derive(Clone, Copy, Debug)]
pub(super) enum Hashed {
    Input(i64),
    Output(i64),
}

/// The descriptor whose file is read at this stop.
pub(super) fn hashed(kind: Kind, call: &Call, result: i64, hash: Hash) -> Option<Hashed> {
    let row = call.row?;
    match kind {
        Kind::Exit if hash.inputs && result >= 0 && matches!(row.name, "open" | "openat" | "openat2") => {
            Some(Hashed::Input(result))
        }
        Kind::Enter if hash.outputs && row.name == "close" => {
            Some(Hashed::Output(i64::from(low32(*call.args.first()?))))
        }
        _ => None,
    }
}

/// A file as it was when it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Identity {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// The digests that are known.
#[derive(Debug, Default)]
pub(super) struct Digests {
    /// And whether they were read at an exec, from a file that cannot change without its times.
    known: FxHashMap<Identity, ([u8; 32], bool)>,
    buffer: Vec<u8>,
    stopped: bool,
}

/// Bytes of a piece that holds a digest, or why there is none.
pub(super) const ROOM: usize = 64;

impl Digests {
    /// Adds the digest of the program that a task runs.
    pub(super) fn program(&mut self, writer: &mut Writer<'_>, tid: Pid) {
        self.put(writer, &format!("/proc/{tid}/exe"), true);
    }

    /// Adds the digest of the file that was opened as `number`, unless it can only be written.
    pub(super) fn input(&mut self, writer: &mut Writer<'_>, tid: Pid, number: i64) {
        if !written(tid, number) {
            self.put(writer, &format!("/proc/{tid}/fd/{number}"), false);
        }
    }

    /// Adds the digest of the file that is closed as `number`, if it could be written.
    pub(super) fn output(&mut self, writer: &mut Writer<'_>, tid: Pid, number: i64) {
        if written(tid, number) {
            self.put(writer, &format!("/proc/{tid}/fd/{number}"), false);
        }
    }

    /// Reads no file from here on.
    pub(super) fn stop(&mut self) {
        self.stopped = true;
    }

    fn put(&mut self, writer: &mut Writer<'_>, path: &str, program: bool) {
        const SERVED: &str = "not read: a tracee may serve its file system";
        let found = if self.stopped { Err(SERVED.to_owned()) } else { self.of(path, program) };
        match found {
            Ok(Some(digest)) => writer.piece(Role::Digest, 0, 0, State::Whole, &digest),
            Ok(None) => {}
            Err(why) => writer.piece(Role::Digest, 0, 0, State::Unreadable, why.as_bytes()),
        }
    }

    /// The digest of the regular file at `path`; nothing for what is no file with a content of its own.
    fn of(&mut self, path: &str, program: bool) -> Result<Option<[u8; 32]>, String> {
        // Asked before it is opened: opening a FIFO would wait, and opening a device can do anything.
        let before = std::fs::metadata(path).map_err(|error| format!("{}", error.kind()))?;
        let kind = before.file_type();
        if !kind.is_file() || kind.is_fifo() {
            return Ok(None);
        }
        if before.len() > MAX_FILE {
            return Err("larger than 256 MiB".to_owned());
        }
        let identity = Identity {
            device: before.dev(),
            inode: before.ino(),
            size: before.len(),
            modified: (before.mtime(), before.mtime_nsec()),
            changed: (before.ctime(), before.ctime_nsec()),
        };
        if let Some((digest, _)) = self.known.get(&identity).filter(|(_, settled)| *settled || !program) {
            return Ok(Some(*digest));
        }
        let mut file = File::open(path).map_err(|error| format!("{}", error.kind()))?;
        self.buffer.resize(128 << 10, 0);
        let (mut hash, mut total) = (Sha256::new(), 0);
        loop {
            let got = file.read(&mut self.buffer).map_err(|error| format!("{}", error.kind()))?;
            let Some(part) = self.buffer.get(..got).filter(|part| !part.is_empty()) else { break };
            hash.update(part);
            total += got as u64;
            // A file that grows while it is read, or that has no honest size (/proc), must not be read for ever.
            if total > MAX_FILE {
                return Err("larger than 256 MiB".to_owned());
            }
        }
        let digest: [u8; 32] = hash.finalize().into();
        // A file whose size says nothing (/proc, /sys) has no identity either.
        if total == before.len() && total > 0 {
            if self.known.len() >= MOST {
                self.known.clear();
            }
            let settled = program && settled(before.ctime()) && stamps_mapped_writes(&file);
            self.known.insert(identity, (digest, settled));
        } else if before.len() == 0 && total > 0 {
            return Ok(None);
        }
        Ok(Some(digest))
    }
}

/// Whether a file that was changed at `changed`, in seconds since the epoch, would show another time if it were changed now: the
/// kernel's clock for them has steps.
pub(crate) fn settled(changed: i64) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    i64::try_from(now).is_ok_and(|now| now > changed + 1)
}

/// Whether descriptor `number` can write.
fn written(tid: Pid, number: i64) -> bool {
    let Ok(info) = std::fs::read_to_string(format!("/proc/{tid}/fdinfo/{number}")) else { return false };
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
    let flags = flags.and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok()).unwrap_or(0);
    flags & 3 != 0
}

#[cfg(test)]
mod tests {
    use super::Digests;

    #[test]
    fn a_digest_is_of_the_content_and_of_files_alone() {
        let dir = std::env::temp_dir().join(format!("smtrace-digest-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let path = dir.join("abc");
        std::fs::write(&path, "abc").unwrap();
        let mut digests = Digests::default();
        let name = path.to_str().unwrap();
        let digest = digests.of(name, false).unwrap().unwrap();
        // FIPS 180-2, B.1
        assert_eq!(digest[..4], [0xba, 0x78, 0x16, 0xbf]);
        assert_eq!(digests.of(name, false).unwrap(), Some(digest));
        // As a mapping changes it, which leaves the times on some file systems.
        digests.known.values_mut().for_each(|(known, _)| *known = [0; 32]);
        assert_eq!(digests.of(name, false).unwrap(), Some([0; 32]));
        assert_eq!(digests.of(name, true).unwrap(), Some(digest));
        assert_eq!(digests.of("/dev/null", true).unwrap(), None);
        assert!(digests.of("/nowhere", true).is_err());
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
