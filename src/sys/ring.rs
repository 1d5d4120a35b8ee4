//! A byte ring for one producer and one consumer, whose pages are mapped twice in a row.
//!
//! Because the second mapping follows the first, a record that starts near the end is contiguous in memory and never
//! wraps. The pages are a memfd, so that another process can map the same ring.

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

#[derive(Debug)]
struct Pages {
    base: *mut u8,
    size: usize,
    written: AtomicU64,
    read: AtomicU64,
    closed: AtomicBool,
}

// SAFETY: the bytes between `read` and `written` belong to the consumer, the others to the producer, and each end is
// moved by its owner alone with release ordering.
unsafe impl Send for Pages {}
// SAFETY: as above; there is one Producer and one Consumer, and neither can be cloned.
unsafe impl Sync for Pages {}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: unmaps what `ring` mapped; no slice outlives the Producer or Consumer that holds the Arc.
        unsafe { libc::munmap(self.base.cast(), self.size * 2) };
    }
}

/// The writing end.
#[derive(Debug)]
pub struct Producer(Arc<Pages>);

/// The reading end.
#[derive(Debug)]
pub struct Consumer(Arc<Pages>);

/// Makes a ring of `size` bytes, a power of two of at least one page.
///
/// # Errors
/// What memfd_create(2), ftruncate(2) or mmap(2) answers.
pub fn ring(size: usize) -> std::io::Result<(Producer, Consumer)> {
    let last = || std::io::Error::last_os_error();
    let length = libc::off_t::try_from(size).map_err(|_| last())?;
    // SAFETY: a constant name; the descriptor is owned at once.
    let fd = unsafe {
        let fd = libc::memfd_create(c"smtrace-ring".as_ptr(), libc::MFD_CLOEXEC);
        if fd < 0 {
            return Err(last());
        }
        OwnedFd::from_raw_fd(fd)
    };
    // SAFETY: reserves 2 * size bytes of address space, then maps the file over each half of that reservation only.
    let base = unsafe {
        if libc::ftruncate(fd.as_raw_fd(), length) != 0 {
            return Err(last());
        }
        let base =
            libc::mmap(std::ptr::null_mut(), size * 2, libc::PROT_NONE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1, 0);
        if base == libc::MAP_FAILED {
            return Err(last());
        }
        for half in [base, base.byte_add(size)] {
            let flags = libc::MAP_SHARED | libc::MAP_FIXED;
            if libc::mmap(half, size, libc::PROT_READ | libc::PROT_WRITE, flags, fd.as_raw_fd(), 0) == libc::MAP_FAILED
            {
                let error = last();
                libc::munmap(base, size * 2);
                return Err(error);
            }
        }
        base.cast()
    };
    let pages = Arc::new(Pages {
        base,
        size,
        written: AtomicU64::new(0),
        read: AtomicU64::new(0),
        closed: AtomicBool::new(false),
    });
    Ok((Producer(Arc::clone(&pages)), Consumer(pages)))
}

impl Pages {
    fn at(&self, position: u64) -> usize {
        usize::try_from(position % self.size as u64).unwrap_or(0)
    }

    fn used(&self) -> usize {
        let written = self.written.load(Ordering::Acquire);
        usize::try_from(written - self.read.load(Ordering::Acquire)).unwrap_or(self.size)
    }
}

impl Producer {
    /// The ring's size in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.0.size
    }

    /// How many bytes wait to be read.
    #[must_use]
    pub fn used(&self) -> usize {
        self.0.used()
    }

    /// The next `len` bytes to write, or `None` while they are not free.
    pub fn reserve(&mut self, len: usize) -> Option<&mut [u8]> {
        if self.0.size - self.0.used() < len {
            return None;
        }
        let at = self.0.at(self.0.written.load(Ordering::Relaxed));
        // SAFETY: the range is free (checked above), lies within the double mapping because len <= size, and `&mut
        // self` keeps a second slice from existing.
        Some(unsafe { std::slice::from_raw_parts_mut(self.0.base.add(at), len) })
    }

    /// Hands the first `len` of the reserved bytes to the consumer.
    pub fn commit(&mut self, len: usize) {
        let free = self.0.size - self.0.used();
        self.0.written.fetch_add(len.min(free) as u64, Ordering::Release);
    }

    /// Says that nothing more will come.
    pub fn close(&mut self) {
        self.0.closed.store(true, Ordering::Release);
    }
}

impl Consumer {
    /// The bytes that wait, oldest first.
    #[must_use]
    pub fn peek(&self) -> &[u8] {
        let used = self.0.used();
        let at = self.0.at(self.0.read.load(Ordering::Relaxed));
        // SAFETY: the range was committed (acquire in `used`) and stays the consumer's until `release`.
        unsafe { std::slice::from_raw_parts(self.0.base.add(at), used) }
    }

    /// Gives the first `len` waiting bytes back.
    pub fn release(&mut self, len: usize) {
        let len = len.min(self.0.used());
        self.0.read.fetch_add(len as u64, Ordering::Release);
    }

    /// Whether the producer said that nothing more will come.
    #[must_use]
    pub fn closed(&self) -> bool {
        self.0.closed.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn bytes_pass_in_order_across_the_end() {
        let (mut producer, mut consumer) = super::ring(4096).unwrap();
        for round in 0..100u8 {
            let to = producer.reserve(1000).unwrap();
            to.fill(round);
            producer.commit(1000);
            let got = consumer.peek();
            assert_eq!((got.len(), got[0], got[999]), (1000, round, round));
            consumer.release(1000);
        }
    }

    #[test]
    fn a_full_ring_reserves_nothing() {
        let (mut producer, mut consumer) = super::ring(4096).unwrap();
        assert!(producer.reserve(4096).is_some());
        producer.commit(4096);
        assert!(producer.reserve(1).is_none());
        consumer.release(8);
        assert!(producer.reserve(8).is_some());
        producer.close();
        assert!(consumer.closed());
    }
}
