//! A byte ring for one producer and many readers, whose pages are mapped twice in a row.
//!
//! Because the second mapping follows the first, a record that starts near the end is contiguous in memory and never
//! wraps. The pages are a memfd: a header page, then the bytes; so another process can map the same ring.
//!
//! There are two ways to read. A [`Reader`] has a cursor that the producer respects: its bytes stay until it releases
//! them. A [`Window`] has no say: it copies bytes out and learns afterwards whether they were overwritten meanwhile.
//! Only a window can be given to another process, and its mapping is read-only.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};

/// Bytes of the header page.
const PAGE: usize = 4096;

/// The first word of the header, by which a mapping process knows the layout.
const MAGIC: u64 = u64::from_le_bytes(*b"smtring1");

/// What another process sees of the ring's state.
#[repr(C)]
struct Header {
    magic: AtomicU64,
    size: AtomicU64,
    /// Bytes written since the start.
    written: AtomicU64,
    /// How far the producer may have written: what lies `size` before it is no longer there.
    reserved: AtomicU64,
    closed: AtomicU64,
}

#[derive(Debug)]
struct Pages {
    /// The header page; the bytes follow, twice.
    base: *mut u8,
    size: usize,
    fd: OwnedFd,
}

// SAFETY: the header is atomics. The bytes from the slowest cursor to `written` belong to the readers, the others to the
// producer; a window copies by volatile reads and looks at `reserved` before it trusts the copy.
unsafe impl Send for Pages {}
// SAFETY: as above; there is one Producer, and it cannot be cloned.
unsafe impl Sync for Pages {}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: unmaps what `map` mapped; no slice outlives the Producer or Reader that holds the Arc.
        unsafe { libc::munmap(self.base.cast(), PAGE + self.size * 2) };
    }
}

impl Pages {
    /// Maps the header and, twice, the `size` bytes of `fd`.
    fn map(fd: OwnedFd, size: usize, protection: i32) -> io::Result<Pages> {
        let length =
            size.checked_mul(2).and_then(|twice| twice.checked_add(PAGE)).ok_or(io::ErrorKind::InvalidInput)?;
        let offset = |at: usize| libc::off_t::try_from(at).unwrap_or(0);
        // SAFETY: reserves the address space, then maps the file over parts of that reservation only.
        unsafe {
            let (none, private) = (libc::PROT_NONE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
            let base = libc::mmap(std::ptr::null_mut(), length, none, private, -1, 0);
            if base == libc::MAP_FAILED {
                return Err(io::Error::last_os_error());
            }
            let pages = Pages { base: base.cast(), size, fd };
            let parts = [(0, PAGE + size, 0), (PAGE + size, size, PAGE)];
            for (at, len, from) in parts {
                let flags = libc::MAP_SHARED | libc::MAP_FIXED;
                let fd = pages.fd.as_raw_fd();
                if libc::mmap(base.byte_add(at), len, protection, flags, fd, offset(from)) == libc::MAP_FAILED {
                    return Err(io::Error::last_os_error());
                }
            }
            Ok(pages)
        }
    }

    /// The same without a file, whose size RLIMIT_FSIZE limits; no other process can map it.
    fn anonymous(fd: OwnedFd, size: usize) -> io::Result<Pages> {
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: maps over parts of a reservation of its own only. mremap(2): "If the value of old_size is zero, and
        // old_address refers to a shareable mapping, then mremap() will create a new mapping of the same pages."
        unsafe {
            let (none, private) = (libc::PROT_NONE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
            let base = libc::mmap(std::ptr::null_mut(), PAGE + size * 2, none, private, -1, 0);
            if base == libc::MAP_FAILED {
                return Err(io::Error::last_os_error());
            }
            let pages = Pages { base: base.cast(), size, fd };
            let shared = libc::MAP_SHARED | libc::MAP_ANONYMOUS | libc::MAP_FIXED;
            let (bytes, again) = (base.byte_add(PAGE), base.byte_add(PAGE + size));
            let fixed = libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED;
            if libc::mmap(base, PAGE + size, protection, shared, -1, 0) == libc::MAP_FAILED
                || libc::mremap(bytes, 0, size, fixed, again) == libc::MAP_FAILED
            {
                return Err(io::Error::last_os_error());
            }
            Ok(pages)
        }
    }

    fn header(&self) -> &Header {
        // SAFETY: the header page is mapped as long as `self` lives, aligned, and holds atomics only.
        unsafe { &*self.base.cast::<Header>() }
    }

    fn at(&self, position: u64) -> *mut u8 {
        let offset = usize::try_from(position % self.size as u64).unwrap_or(0);
        // SAFETY: the offset is below `size`, so the pointer lies in the first mapping of the bytes.
        unsafe { self.base.add(PAGE + offset) }
    }

    fn written(&self) -> u64 {
        self.header().written.load(Ordering::Acquire)
    }
}

/// How far a reader has come.
#[derive(Debug)]
struct Cursor {
    read: AtomicU64,
    /// The reader is gone: nothing is kept for it.
    gone: AtomicBool,
}

/// The writing end.
#[derive(Debug)]
pub struct Producer {
    pages: Arc<Pages>,
    cursors: Vec<Arc<Cursor>>,
    written: u64,
    reserved: u64,
    /// Up to here the bytes are known to be free.
    limit: u64,
}

/// A reader that the producer waits for.
#[derive(Debug)]
pub struct Reader {
    pages: Arc<Pages>,
    cursor: Arc<Cursor>,
}

/// A look at the ring that the producer knows nothing of.
#[derive(Debug)]
pub struct Window(Arc<Pages>);

/// The bytes that were asked for are overwritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overrun;

/// Makes a ring of `size` bytes, a power of two of at least one page, with `readers` readers.
///
/// # Errors
/// What memfd_create(2), ftruncate(2) or mmap(2) answers.
pub fn ring(size: usize, readers: usize) -> io::Result<(Producer, Vec<Reader>)> {
    let length = libc::off_t::try_from(PAGE + size).map_err(|_| io::ErrorKind::InvalidInput)?;
    // SAFETY: a constant name; the descriptor is owned at once; plain numbers.
    let (fd, sized) = unsafe {
        let fd = libc::memfd_create(c"smtrace-ring".as_ptr(), libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING);
        if fd < 0 {
            let error = io::Error::last_os_error();
            return Err(io::Error::new(error.kind(), format!("memfd_create: {error}")));
        }
        let fd = OwnedFd::from_raw_fd(fd);
        let sized = if libc::ftruncate(fd.as_raw_fd(), length) == 0 { Ok(()) } else { Err(io::Error::last_os_error()) };
        (fd, sized)
    };
    let pages = match sized {
        Ok(()) => Pages::map(fd, size, libc::PROT_READ | libc::PROT_WRITE)?,
        Err(error) if error.raw_os_error() == Some(libc::EFBIG) => Pages::anonymous(fd, size)?,
        Err(error) => return Err(error),
    };
    let pages = Arc::new(pages);
    let header = pages.header();
    header.size.store(size as u64, Ordering::Relaxed);
    header.magic.store(MAGIC, Ordering::Release);
    let cursor = || Arc::new(Cursor { read: AtomicU64::new(0), gone: AtomicBool::new(false) });
    let cursors: Vec<_> = std::iter::repeat_with(cursor).take(readers).collect();
    let reader = |cursor: &Arc<Cursor>| Reader { pages: Arc::clone(&pages), cursor: Arc::clone(cursor) };
    let readers = cursors.iter().map(reader).collect();
    let limit = size as u64;
    Ok((Producer { pages, cursors, written: 0, reserved: 0, limit }, readers))
}

impl Producer {
    /// The ring's size in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.pages.size
    }

    /// Bytes written since the start: where the next record will lie.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.written
    }

    /// Whether `len` bytes are free: released by every reader that is there.
    pub fn has_room(&mut self, len: usize) -> bool {
        let end = self.written + len as u64;
        if end <= self.limit {
            return true;
        }
        let there = self.cursors.iter().filter(|cursor| !cursor.gone.load(Ordering::Acquire));
        let slowest = there.map(|cursor| cursor.read.load(Ordering::Acquire)).min();
        self.limit = slowest.unwrap_or(self.written) + self.pages.size as u64;
        end <= self.limit
    }

    /// The next `len` bytes to write, or `None` while they are not free.
    pub fn reserve(&mut self, len: usize) -> Option<&mut [u8]> {
        if !self.has_room(len) {
            return None;
        }
        // What a writer leaves unused may be scribbled on all the same, so this never goes back.
        self.reserved = self.reserved.max(self.written + len as u64);
        self.pages.header().reserved.store(self.reserved, Ordering::Relaxed);
        // A window that sees one of the bytes that follow sees `reserved` too.
        fence(Ordering::Release);
        // SAFETY: the range is free (checked above), lies within the double mapping because len <= size, and `&mut
        // self` keeps a second slice from existing.
        Some(unsafe { std::slice::from_raw_parts_mut(self.pages.at(self.written), len) })
    }

    /// Hands the first `len` of the reserved bytes to the readers.
    pub fn commit(&mut self, len: usize) {
        let reserved = usize::try_from(self.reserved - self.written).unwrap_or(0);
        self.written += len.min(reserved) as u64;
        self.pages.header().written.store(self.written, Ordering::Release);
    }

    /// Says that nothing more will come.
    pub fn close(&mut self) {
        self.pages.header().closed.store(1, Ordering::Release);
    }

    /// A window on the ring.
    #[must_use]
    pub fn window(&self) -> Window {
        Window(Arc::clone(&self.pages))
    }
}

impl Reader {
    fn waiting(&self) -> (u64, usize) {
        let read = self.cursor.read.load(Ordering::Relaxed);
        (read, usize::try_from(self.pages.written() - read).unwrap_or(0))
    }

    /// The bytes that wait, oldest first.
    #[must_use]
    pub fn peek(&self) -> &[u8] {
        let (read, waiting) = self.waiting();
        // SAFETY: the range was committed (acquire in `written`) and stays this reader's until `release`.
        unsafe { std::slice::from_raw_parts(self.pages.at(read), waiting) }
    }

    /// Where the first waiting byte lies.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.cursor.read.load(Ordering::Relaxed)
    }

    /// Gives the first `len` waiting bytes back.
    pub fn release(&mut self, len: usize) {
        let (read, waiting) = self.waiting();
        self.cursor.read.store(read + len.min(waiting) as u64, Ordering::Release);
    }

    /// Whether the producer said that nothing more will come.
    #[must_use]
    pub fn closed(&self) -> bool {
        self.pages.header().closed.load(Ordering::Acquire) != 0
    }

    /// Gives the cursor up for a window on the same ring.
    #[must_use]
    pub fn into_window(self) -> Window {
        Window(Arc::clone(&self.pages))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.cursor.gone.store(true, Ordering::Release);
    }
}

impl Window {
    /// Maps the ring behind a descriptor that [`Window::share`] gave, read-only.
    ///
    /// # Errors
    /// `InvalidData` for a file that is no ring or could still shrink under the mapping; else what mmap(2) answers.
    pub fn open(fd: OwnedFd) -> io::Result<Window> {
        let foreign = || io::Error::new(io::ErrorKind::InvalidData, "the descriptor is no smtrace ring");
        // SAFETY: plain numbers; `data` is a plain structure that fstat fills.
        let (seals, length) = unsafe {
            let mut data: libc::stat = std::mem::zeroed();
            if libc::fstat(fd.as_raw_fd(), &raw mut data) != 0 {
                return Err(io::Error::last_os_error());
            }
            (libc::fcntl(fd.as_raw_fd(), libc::F_GET_SEALS), data.st_size)
        };
        let size = usize::try_from(length).ok().and_then(|length| length.checked_sub(PAGE)).ok_or_else(foreign)?;
        if seals < 0 || seals & libc::F_SEAL_SHRINK == 0 || !size.is_power_of_two() || size < PAGE {
            return Err(foreign());
        }
        let pages = Pages::map(fd, size, libc::PROT_READ)?;
        let header = pages.header();
        if header.magic.load(Ordering::Acquire) != MAGIC || header.size.load(Ordering::Relaxed) != size as u64 {
            return Err(foreign());
        }
        Ok(Window(Arc::new(pages)))
    }

    /// Seals the ring, so that who gets its descriptor can only read it: "F_SEAL_FUTURE_WRITE ... the existing mappings
    /// stay writable" (fcntl(2), Linux 5.1).
    ///
    /// # Errors
    /// `EINVAL` where the kernel lacks the seal; the ring must not be shared then.
    pub fn share(&self) -> io::Result<BorrowedFd<'_>> {
        use std::os::fd::AsFd;
        let seals = libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_FUTURE_WRITE | libc::F_SEAL_SEAL;
        // SAFETY: plain numbers.
        let (held, added) = unsafe {
            let fd = self.0.fd.as_raw_fd();
            (libc::fcntl(fd, libc::F_GET_SEALS), libc::fcntl(fd, libc::F_ADD_SEALS, seals))
        };
        if added != 0 && held & seals != seals {
            return Err(io::Error::last_os_error());
        }
        Ok(self.0.fd.as_fd())
    }

    /// Bytes written since the start.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.0.written()
    }

    /// Whether the producer said that nothing more will come.
    #[must_use]
    pub fn closed(&self) -> bool {
        self.0.header().closed.load(Ordering::Acquire) != 0
    }

    /// Copies at most `most` of the bytes from `position` on into `to`, in place of what it holds.
    ///
    /// # Errors
    /// [`Overrun`] when they are not, or no longer, there.
    pub fn copy(&self, position: u64, to: &mut Vec<u8>, most: usize) -> Result<(), Overrun> {
        to.clear();
        let waiting = self.0.written().checked_sub(position).ok_or(Overrun)?;
        let waiting = usize::try_from(waiting).ok().filter(|waiting| *waiting <= self.0.size).ok_or(Overrun)?;
        let words = waiting.min(most) / size_of::<u64>();
        let from = self.0.at(position & !7).cast::<u64>();
        for i in 0..words {
            // SAFETY: `words` words fit in the double mapping, since they are at most `size` bytes, and every position is
            // a multiple of 8. The producer may be writing there: hence volatile, and the look at `reserved` below.
            let word = unsafe { from.add(i).read_volatile() };
            to.extend_from_slice(&word.to_ne_bytes());
        }
        fence(Ordering::Acquire);
        if self.0.header().reserved.load(Ordering::Relaxed) > position.saturating_add(self.0.size as u64) {
            to.clear();
            return Err(Overrun);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Overrun, Window, ring};
    use std::os::fd::AsRawFd;

    #[test]
    fn bytes_pass_in_order_across_the_end() {
        let (mut producer, mut readers) = ring(4096, 1).unwrap();
        let mut reader = readers.pop().unwrap();
        for round in 0..100u8 {
            let to = producer.reserve(1000).unwrap();
            to.fill(round);
            producer.commit(1000);
            let got = reader.peek();
            assert_eq!((got.len(), got[0], got[999]), (1000, round, round));
            reader.release(1000);
        }
    }

    #[test]
    fn a_full_ring_reserves_nothing_until_the_slowest_reader_released() {
        let (mut producer, mut readers) = ring(4096, 2).unwrap();
        assert!(producer.reserve(4097).is_none());
        assert!(producer.reserve(4096).is_some());
        producer.commit(4096);
        assert!(producer.reserve(1).is_none());
        readers[0].release(8);
        assert!(producer.reserve(8).is_none());
        readers[1].release(16);
        assert!(producer.reserve(8).is_some());
        assert!(producer.reserve(9).is_none());
        // A reader that is gone holds nobody up.
        readers.remove(0);
        assert!(producer.reserve(16).is_some());
        readers.clear();
        assert!(producer.reserve(4096).is_some());
        producer.close();
    }

    #[test]
    fn a_window_sees_what_is_there_and_is_told_what_is_not() {
        let (mut producer, readers) = ring(4096, 0).unwrap();
        drop(readers);
        let window = producer.window();
        let mut got = Vec::new();
        for round in 0..8u64 {
            producer.reserve(1024).unwrap()[..8].copy_from_slice(&round.to_le_bytes());
            producer.commit(1024);
        }
        assert_eq!(window.copy(0, &mut got, 4096), Err(Overrun));
        assert_eq!(window.copy(4096, &mut got, 8192), Ok(()));
        assert_eq!((got.len(), got[0], got[1024]), (4096, 4, 5));
        // Reserving alone gives bytes up.
        let _ = producer.reserve(8);
        assert_eq!(window.copy(4096, &mut got, 8), Err(Overrun));
        assert_eq!(window.copy(9000, &mut got, 8), Err(Overrun));
        assert_eq!(window.copy(8192, &mut got, 8), Ok(()));
        assert!(got.is_empty());
    }

    #[test]
    fn another_process_can_map_it_but_never_write() {
        let (mut producer, _readers) = ring(4096, 1).unwrap();
        producer.reserve(8).unwrap().copy_from_slice(b"whatever");
        producer.commit(8);
        let window = producer.window();
        // Twice: the second consumer gets it too.
        window.share().unwrap();
        let fd = window.share().unwrap().try_clone_to_owned().unwrap();
        // SAFETY: asks for a mapping that the seal has to refuse.
        let writable = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                4096,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                fd.as_raw_fd(),
                0,
            )
        };
        assert_eq!(writable, libc::MAP_FAILED);
        let other = Window::open(fd).unwrap();
        let mut got = Vec::new();
        other.copy(0, &mut got, 64).unwrap();
        assert_eq!(got, b"whatever");
        // The producer goes on.
        producer.reserve(8).unwrap().copy_from_slice(b"the next");
        producer.commit(8);
        other.copy(8, &mut got, 64).unwrap();
        assert_eq!(got, b"the next");
        assert!(Window::open(std::fs::File::open("/dev/null").unwrap().into()).is_err());
    }
}
