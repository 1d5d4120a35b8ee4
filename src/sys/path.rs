//! Files looked up without being opened: descriptors that only hold a place (O_PATH), and what they stand for.

use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat, openat2, readlinkat};
use nix::sys::stat::{FileStat, Mode, fstat};
use nix::sys::statfs::{PROC_SUPER_MAGIC, fstatfs};
use std::ffi::OsStr;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

const HELD: OFlag = OFlag::O_PATH.union(OFlag::O_CLOEXEC);

/// A file that is held, whatever becomes of its names.
#[derive(Debug)]
pub struct Held(OwnedFd);

/// An error number.
pub type Number = i32;

fn held(opened: nix::Result<OwnedFd>) -> Result<Held, Number> {
    opened.map(Held).map_err(|errno: Errno| errno as Number)
}

impl Held {
    /// Holds what `path`, one of our own, leads to.
    ///
    /// # Errors
    /// Why there is nothing.
    pub fn at(path: &str) -> Result<Held, Number> {
        held(nix::fcntl::open(Path::new(path), HELD, Mode::empty()))
    }

    /// Holds what is called `path`, one of our own, even where that is a link.
    ///
    /// # Errors
    /// Why there is nothing.
    pub fn itself(path: &[u8]) -> Result<Held, Number> {
        held(nix::fcntl::open(OsStr::from_bytes(path), HELD | OFlag::O_NOFOLLOW, Mode::empty()))
    }

    /// Holds the entry `name` of this directory; of a link the link itself, unless it is followed.
    ///
    /// # Errors
    /// Why there is none.
    pub fn entry(&self, name: &[u8], follow: bool) -> Result<Held, Number> {
        let flags = if follow { HELD } else { HELD | OFlag::O_NOFOLLOW };
        held(openat(&self.0, OsStr::from_bytes(name), flags, Mode::empty()))
    }

    /// Holds what a whole path leads to from this directory, with links followed as from our own root; the last one only
    /// when `follow`. The links of /proc/PID that jump end it with ELOOP (openat2(2), RESOLVE_NO_MAGICLINKS).
    ///
    /// # Errors
    /// Why it leads nowhere.
    pub fn descend(&self, path: &[u8], follow: bool) -> Result<Held, Number> {
        let flags = if follow { HELD } else { HELD | OFlag::O_NOFOLLOW };
        let how = OpenHow::new().flags(flags).resolve(ResolveFlag::RESOLVE_NO_MAGICLINKS);
        held(openat2(&self.0, OsStr::from_bytes(path), how))
    }

    /// A second descriptor for the same.
    ///
    /// # Errors
    /// When we have too many.
    pub fn again(&self) -> Result<Held, Number> {
        self.0.try_clone().map(Held).map_err(|error| error.raw_os_error().unwrap_or(0))
    }

    /// The text of the link that this is.
    ///
    /// # Errors
    /// When it is none.
    pub fn link(&self) -> Result<Vec<u8>, Number> {
        readlinkat(&self.0, OsStr::new("")).map(OsStringExt::into_vec).map_err(|errno| errno as Number)
    }

    /// The link through which our own /proc shows this.
    #[must_use]
    pub fn own_link(&self) -> String {
        format!("/proc/self/fd/{}", self.0.as_raw_fd())
    }

    /// Its present name, as seen from our root; a file that is gone has the name it had.
    #[must_use]
    pub fn name(&self) -> Vec<u8> {
        let name = std::fs::read_link(self.own_link()).map(|name| name.into_os_string().into_vec()).unwrap_or_default();
        // "(deleted)" is what d_path adds to a file without a name; one with names can be called so too.
        match name.strip_suffix(b" (deleted)") {
            Some(plain) if self.status().is_none_or(|status| status.nlink == 0) => plain.to_vec(),
            _ => name,
        }
    }

    /// Whether we may read what it holds.
    #[must_use]
    pub fn may_read(&self) -> bool {
        nix::unistd::access(self.own_link().as_str(), nix::unistd::AccessFlags::R_OK).is_ok()
    }

    /// What it is.
    #[must_use]
    pub fn status(&self) -> Option<Status> {
        fstat(self.0.as_fd()).ok().map(|stat| Status::of(&stat))
    }

    /// Whether it lies in a procfs.
    #[must_use]
    pub fn in_proc(&self) -> bool {
        fstatfs(&self.0).is_ok_and(|system| system.filesystem_type() == PROC_SUPER_MAGIC)
    }
}

/// Whether what is written to a file through a mapping of its memory changes the file's times, so that these tell that its
/// content is as it was. Not so on tmpfs, which memfd_create(2) uses, too (mm/shmem.c has no page_mkwrite).
#[must_use]
pub fn stamps_mapped_writes(file: impl AsFd) -> bool {
    use nix::sys::statfs::{BTRFS_SUPER_MAGIC, EXT4_SUPER_MAGIC, OVERLAYFS_SUPER_MAGIC, XFS_SUPER_MAGIC};
    let stamps = [BTRFS_SUPER_MAGIC, EXT4_SUPER_MAGIC, OVERLAYFS_SUPER_MAGIC, XFS_SUPER_MAGIC];
    fstatfs(file).is_ok_and(|system| stamps.contains(&system.filesystem_type()))
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// The device it lies on.
    pub device: u64,
    /// Its number there.
    pub inode: u64,
    /// How many names it has.
    pub nlink: u64,
    /// The bits of its type (`S_IFMT`).
    pub kind: u32,
    /// Its bytes.
    pub size: u64,
}

impl Status {
    #[allow(clippy::useless_conversion, reason = "nlink_t has 32 bits on other CPUs")]
    fn of(stat: &FileStat) -> Status {
        Status {
            device: stat.st_dev,
            inode: stat.st_ino,
            nlink: u64::from(stat.st_nlink),
            kind: stat.st_mode & libc::S_IFMT,
            size: stat.st_size.cast_unsigned(),
        }
    }

    /// Which file it is.
    #[must_use]
    pub fn identity(&self) -> (u64, u64) {
        (self.device, self.inode)
    }

    /// Whether it is a symbolic link.
    #[must_use]
    pub fn is_link(&self) -> bool {
        self.kind == libc::S_IFLNK
    }

    /// Whether it is a directory.
    #[must_use]
    pub fn is_directory(&self) -> bool {
        self.kind == libc::S_IFDIR
    }
}

#[cfg(test)]
mod tests {
    use super::Held;
    use std::fs;

    #[test]
    fn what_is_held_keeps_its_name_and_tells_what_it_is() {
        let dir = std::env::temp_dir().join(format!("smtrace-held-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let dir = fs::canonicalize(dir).unwrap();
        fs::write(dir.join("a (deleted)"), "x").unwrap();
        std::os::unix::fs::symlink("a (deleted)", dir.join("l")).unwrap();
        let place = Held::at(dir.to_str().unwrap()).unwrap();
        let file = place.descend(b"l", true).unwrap();
        let name = dir.join("a (deleted)").into_os_string().into_encoded_bytes();
        assert_eq!(file.name(), name);
        let link = place.entry(b"l", false).unwrap();
        assert!(link.status().unwrap().is_link());
        assert_eq!(link.link().unwrap(), b"a (deleted)");
        fs::remove_file(dir.join("a (deleted)")).unwrap();
        assert_eq!((file.name(), file.status().unwrap().nlink), (name, 0));
        assert!(Held::at("/proc/self").unwrap().in_proc() && !place.in_proc());
        assert_eq!(place.descend(b"/proc/self/exe", true).unwrap_err(), libc::ELOOP);
        fs::remove_dir_all(&dir).unwrap();
    }
}
