//! Records from the tracing thread to the reader: bounded, lossless (a slow reader makes the tracee wait).
//!
//! The reader is not woken for each record: a wake-up of a thread on another, idle CPU costs more than a whole stop.
//! It is woken when it sleeps and a record comes; then it looks again every few milliseconds until nothing comes any more.

use crate::capture::Records;
use crate::sys::ring;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, Thread};
use std::time::Duration;

/// How long the reader naps while records keep coming, and so how late a line can be.
const NAP: Duration = Duration::from_millis(4);

/// Naps without a record before the reader sleeps until it is woken.
const IDLE_NAPS: u32 = 8;

#[derive(Debug, Default)]
struct Meeting {
    reader_sleeps: AtomicBool,
    writer_sleeps: AtomicBool,
    threads: [Mutex<Option<Thread>>; 2],
    /// Nobody waits for room any more: what does not fit is lost, and counted.
    aborted: AtomicBool,
    lost: AtomicU64,
}

const READER: usize = 0;
const WRITER: usize = 1;

impl Meeting {
    fn enter(&self, who: usize) {
        *self.threads[who].lock().unwrap_or_else(PoisonError::into_inner) = Some(thread::current());
    }

    fn wake(&self, who: usize) {
        if let Some(thread) = &*self.threads[who].lock().unwrap_or_else(PoisonError::into_inner) {
            thread.unpark();
        }
    }
}

/// The tracing thread's end.
#[derive(Debug)]
pub struct Sender {
    ring: ring::Producer,
    meeting: Arc<Meeting>,
}

/// The reader's end.
#[derive(Debug)]
pub struct Receiver {
    ring: ring::Consumer,
    meeting: Arc<Meeting>,
    idle: u32,
}

/// Wakes the reader from another thread, so that it looks at what else it is told.
#[derive(Clone, Debug)]
pub struct Waker(Arc<Meeting>);

impl Waker {
    /// Wakes the reader.
    pub fn wake(&self) {
        self.0.wake(READER);
    }

    /// Ends the sender's wait for a reader that may be stuck: from now on it loses what does not fit.
    pub fn abort(&self) {
        self.0.aborted.store(true, Ordering::Release);
        self.0.wake(WRITER);
    }
}

/// Makes a bus of `size` bytes, a power of two.
///
/// # Errors
/// When the kernel has no memory for the ring.
pub fn bus(size: usize) -> io::Result<(Sender, Receiver)> {
    let (producer, consumer) = ring::ring(size)?;
    let meeting = Arc::new(Meeting::default());
    Ok((Sender { ring: producer, meeting: Arc::clone(&meeting) }, Receiver { ring: consumer, meeting, idle: 0 }))
}

impl Sender {
    /// Names the calling thread as the one that sends; to be called once before the first [`Sender::send`].
    pub fn enter(&self) {
        self.meeting.enter(WRITER);
    }

    #[cold]
    fn wait_for_room(&mut self, max: usize) {
        while self.ring.size() - self.ring.used() < max && !self.meeting.aborted.load(Ordering::Acquire) {
            self.meeting.writer_sleeps.store(true, Ordering::SeqCst);
            self.meeting.wake(READER);
            thread::park_timeout(NAP);
        }
        self.meeting.writer_sleeps.store(false, Ordering::SeqCst);
    }

    /// A handle that wakes the reader.
    #[must_use]
    pub fn waker(&self) -> Waker {
        Waker(Arc::clone(&self.meeting))
    }

    /// How many records were lost, and whether the reader may be stuck.
    #[must_use]
    pub fn losses(&self) -> (u64, bool) {
        (self.meeting.lost.load(Ordering::Relaxed), self.meeting.aborted.load(Ordering::Acquire))
    }

    /// Says that nothing more will come.
    pub fn close(&mut self) {
        self.ring.close();
        self.meeting.wake(READER);
    }
}

impl Records for Sender {
    /// Waits while the ring is full.
    fn send(&mut self, max: usize, write: impl FnOnce(&mut [u8]) -> usize) {
        let max = max.min(self.ring.size());
        if self.ring.size() - self.ring.used() < max {
            self.wait_for_room(max);
        }
        if let Some(to) = self.ring.reserve(max) {
            let len = write(to);
            self.ring.commit(len);
        } else {
            self.meeting.lost.fetch_add(1, Ordering::Relaxed);
        }
        if self.meeting.reader_sleeps.load(Ordering::Relaxed)
            && self.meeting.reader_sleeps.swap(false, Ordering::AcqRel)
        {
            self.meeting.wake(READER);
        }
    }
}

impl Receiver {
    /// Names the calling thread as the reader; to be called once before the first [`Receiver::wait`].
    pub fn enter(&self) {
        self.meeting.enter(READER);
    }

    /// The bytes of the records that wait: whole records, oldest first.
    #[must_use]
    pub fn peek(&self) -> &[u8] {
        self.ring.peek()
    }

    /// Gives the first `len` bytes back.
    pub fn release(&mut self, len: usize) {
        self.ring.release(len);
        if self.meeting.writer_sleeps.swap(false, Ordering::SeqCst) {
            self.meeting.wake(WRITER);
        }
    }

    /// Whether the sender is closed; records may still wait.
    #[must_use]
    pub fn closed(&self) -> bool {
        self.ring.closed()
    }

    /// Waits for records, a wake or a nap, whichever comes first. `had` says whether the last look found any.
    pub fn wait(&mut self, had: bool) {
        self.idle = if had { 0 } else { self.idle + 1 };
        if self.idle <= IDLE_NAPS {
            thread::park_timeout(NAP);
            return;
        }
        self.meeting.reader_sleeps.store(true, Ordering::SeqCst);
        // A record that came before the flag was up has woken nobody; the timeout bounds what a lost race costs.
        if self.ring.peek().is_empty() && !self.ring.closed() {
            thread::park_timeout(Duration::from_millis(100));
        }
        self.meeting.reader_sleeps.store(false, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::bus;
    use crate::capture::Records;

    #[test]
    fn everything_sent_arrives_though_the_ring_is_small() {
        let (mut sender, mut receiver) = bus(4096).unwrap();
        let reader = std::thread::spawn(move || {
            receiver.enter();
            let mut got = Vec::new();
            loop {
                let closed = receiver.closed();
                let seen = receiver.peek().to_vec();
                receiver.release(seen.len());
                got.extend_from_slice(&seen);
                if closed && seen.is_empty() {
                    return got;
                }
                receiver.wait(!seen.is_empty());
            }
        });
        sender.enter();
        let mut sent = Vec::new();
        for i in 0..2000u32 {
            sender.send(512, |to| {
                to[..4].copy_from_slice(&i.to_le_bytes());
                4 + usize::try_from(i % 64).unwrap() * 8
            });
            sent.push(i);
        }
        sender.close();
        let got = reader.join().unwrap();
        let mut at = 0;
        for i in sent {
            assert_eq!(got[at..at + 4], i.to_le_bytes());
            at += 4 + usize::try_from(i % 64).unwrap() * 8;
        }
        assert_eq!(at, got.len());
    }
}
