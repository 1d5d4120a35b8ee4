//! Records from the tracing thread to its readers: bounded, each reader at its own pace.
//!
//! There is one ring. A reader that is [`Pace::Kept`] loses nothing: the sender waits for it. One that is [`Pace::Loose`]
//! is never waited for: when it was overrun it goes on at the place of a reader that keeps up, and gets in band how many
//! records of which calls it missed. Memory is the ring, whatever happens.
//!
//! A reader is not woken for each record: a wake-up of a thread on another, idle CPU costs more than a whole stop.
//! It is woken when it sleeps and a record comes; then it looks again every few milliseconds until nothing comes any more.

mod loose;
mod tally;

pub use loose::{Catch, Loose};
pub use tally::{Tally, slot};

use crate::capture::Records;
use crate::sys::ring::{self, Window};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};
use std::time::Duration;

/// How long a reader naps while records keep coming, and so how late a line can be.
pub const NAP: Duration = Duration::from_millis(4);

/// Naps without a record before a reader sleeps until it is woken.
const IDLE_NAPS: u32 = 8;

/// How long it sleeps at most: what a lost race between its sleep and a record costs.
const SLEEP: Duration = Duration::from_millis(100);

/// Whether a reader is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// The sender waits while this reader has not released enough.
    Kept,
    /// The sender never waits; the reader may be overrun.
    Loose,
}

type Wake = Box<dyn Fn() + Send + Sync>;

/// One reader, as the sender sees it.
#[derive(Default)]
struct Seat {
    sleeps: AtomicBool,
    wake: Mutex<Option<Wake>>,
}

#[derive(Default)]
struct Meeting {
    seats: Vec<Seat>,
    /// A reader sleeps: the sender looks at the seats.
    someone_sleeps: AtomicBool,
    writer_sleeps: AtomicBool,
    writer: Mutex<Option<Thread>>,
    /// Nobody waits for room any more: what does not fit is lost, and counted.
    aborted: AtomicBool,
    lost: AtomicU64,
    sent: AtomicU64,
}

impl std::fmt::Debug for Meeting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Meeting").field("seats", &self.seats.len()).finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Meeting {
    fn wake(&self, seat: &Seat) {
        if let Some(wake) = &*lock(&seat.wake) {
            wake();
        }
    }

    fn wake_all(&self) {
        for seat in &self.seats {
            self.wake(seat);
        }
    }

    #[cold]
    fn wake_sleepers(&self) {
        for seat in self.seats.iter().filter(|seat| seat.sleeps.swap(false, Ordering::AcqRel)) {
            self.wake(seat);
        }
    }

    fn wake_writer(&self) {
        if let Some(thread) = &*lock(&self.writer) {
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

/// A reader's end.
#[derive(Debug)]
pub struct Receiver {
    source: Source,
    meeting: Arc<Meeting>,
    seat: usize,
    idle: u32,
}

#[derive(Debug)]
enum Source {
    Kept(ring::Reader),
    Loose(Box<Loose>),
}

/// Wakes the readers from another thread, so that they look at what else they are told.
#[derive(Clone, Debug)]
pub struct Waker(Arc<Meeting>);

impl Waker {
    /// Wakes the readers.
    pub fn wake(&self) {
        self.0.wake_all();
    }

    /// Ends the sender's wait for a reader that may be stuck: from now on it loses what does not fit.
    pub fn abort(&self) {
        self.0.aborted.store(true, Ordering::Release);
        self.0.wake_writer();
    }

    /// How many records were sent.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.0.sent.load(Ordering::Relaxed)
    }

    /// How many records the sender lost since an abort.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.0.lost.load(Ordering::Relaxed)
    }
}

/// Makes a bus of `size` bytes, a power of two, with one reader for each of `paces`.
///
/// # Errors
/// When the kernel has no memory for the ring.
pub fn bus(size: usize, paces: &[Pace]) -> io::Result<(Sender, Vec<Receiver>)> {
    let kept = paces.iter().filter(|pace| **pace == Pace::Kept).count();
    let (producer, readers) = ring::ring(size, kept)?;
    let seats = paces.iter().map(|_| Seat::default()).collect();
    let meeting = Arc::new(Meeting { seats, ..Meeting::default() });
    let mut readers = readers.into_iter();
    let receiver = |(seat, pace): (usize, &Pace)| {
        let kept = if *pace == Pace::Kept { readers.next() } else { None };
        let loose = || Source::Loose(Box::new(Loose::new(producer.window(), 0)));
        Receiver { source: kept.map_or_else(loose, Source::Kept), meeting: Arc::clone(&meeting), seat, idle: 0 }
    };
    let receivers = paces.iter().enumerate().map(receiver).collect();
    Ok((Sender { ring: producer, meeting }, receivers))
}

impl Sender {
    /// Names the calling thread as the one that sends; to be called once before the first [`Sender::send`].
    pub fn enter(&self) {
        *lock(&self.meeting.writer) = Some(thread::current());
    }

    #[cold]
    fn wait_for_room(&mut self, max: usize) {
        while !self.meeting.aborted.load(Ordering::Acquire) {
            self.meeting.writer_sleeps.store(true, Ordering::SeqCst);
            // Room that came before the flag was up has woken nobody.
            if self.ring.has_room(max) {
                break;
            }
            self.meeting.wake_all();
            thread::park_timeout(NAP);
        }
        self.meeting.writer_sleeps.store(false, Ordering::SeqCst);
    }

    /// A handle that wakes the readers.
    #[must_use]
    pub fn waker(&self) -> Waker {
        Waker(Arc::clone(&self.meeting))
    }

    /// A window for another process.
    #[must_use]
    pub fn window(&self) -> Window {
        self.ring.window()
    }

    /// Bytes of the ring.
    #[must_use]
    pub fn size(&self) -> usize {
        self.ring.size()
    }

    /// Where the next record will lie: a reader that released so much has seen all that was sent.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.ring.position()
    }

    /// How many records were lost, and whether a reader may be stuck.
    #[must_use]
    pub fn losses(&self) -> (u64, bool) {
        (self.meeting.lost.load(Ordering::Relaxed), self.meeting.aborted.load(Ordering::Acquire))
    }

    /// Says that nothing more will come.
    pub fn close(&mut self) {
        self.ring.close();
        self.meeting.wake_all();
    }
}

impl Records for Sender {
    /// Waits while the ring is full.
    fn send(&mut self, max: usize, write: impl FnOnce(&mut [u8]) -> usize) {
        let max = max.min(self.ring.size());
        if !self.ring.has_room(max) {
            self.wait_for_room(max);
        }
        if let Some(to) = self.ring.reserve(max) {
            let len = write(to);
            self.ring.commit(len);
            // One writer: no read-modify-write is needed.
            let sent = &self.meeting.sent;
            sent.store(sent.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        } else {
            self.meeting.lost.fetch_add(1, Ordering::Relaxed);
        }
        if self.meeting.someone_sleeps.load(Ordering::Relaxed)
            && self.meeting.someone_sleeps.swap(false, Ordering::AcqRel)
        {
            self.meeting.wake_sleepers();
        }
    }
}

/// For several producing threads on one bus: each record whole, the records of each thread in its order.
impl<R: Records> Records for Arc<Mutex<R>> {
    fn send(&mut self, max: usize, write: impl FnOnce(&mut [u8]) -> usize) {
        lock(self).send(max, write);
    }
}

impl Receiver {
    /// Names the calling thread as the reader; to be called once before the first [`Receiver::wait`].
    pub fn enter(&self) {
        let thread = thread::current();
        self.enter_with(move || thread.unpark());
    }

    /// As [`Receiver::enter`], for a reader that waits by other means than [`Receiver::wait`].
    pub fn enter_with(&self, wake: impl Fn() + Send + Sync + 'static) {
        if let Some(seat) = self.meeting.seats.get(self.seat) {
            *lock(&seat.wake) = Some(Box::new(wake));
        }
    }

    /// Tells a loose reader who catches it when it was overrun: a reader that keeps up.
    pub fn caught_by(&mut self, catch: impl FnMut() -> Option<Catch> + Send + 'static) {
        if let Source::Loose(loose) = &mut self.source {
            loose.caught_by(Box::new(catch));
        }
    }

    /// Gets what waits, for [`Receiver::peek`]. A loose reader that was overrun gets a record of its losses, then who is
    /// who now, and goes on from there.
    pub fn fill(&mut self) {
        if let Source::Loose(loose) = &mut self.source {
            loose.fill();
        }
    }

    /// The bytes of the records that wait: whole records, oldest first.
    #[must_use]
    pub fn peek(&self) -> &[u8] {
        match &self.source {
            Source::Kept(reader) => reader.peek(),
            Source::Loose(loose) => loose.peek(),
        }
    }

    /// Gives the first `len` bytes back.
    pub fn release(&mut self, len: usize) {
        match &mut self.source {
            Source::Kept(reader) => reader.release(len),
            Source::Loose(loose) => loose.release(len),
        }
        if self.meeting.writer_sleeps.load(Ordering::SeqCst) && self.meeting.writer_sleeps.swap(false, Ordering::SeqCst)
        {
            self.meeting.wake_writer();
        }
    }

    /// Where the first byte that waits lies.
    #[must_use]
    pub fn position(&self) -> u64 {
        match &self.source {
            Source::Kept(reader) => reader.position(),
            Source::Loose(loose) => loose.position(),
        }
    }

    /// What a loose reader missed so far.
    #[must_use]
    pub fn missed(&self) -> Option<&Tally> {
        match &self.source {
            Source::Kept(_) => None,
            Source::Loose(loose) => Some(loose.missed()),
        }
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match &self.source {
            Source::Kept(reader) => reader.peek().is_empty(),
            Source::Loose(loose) => loose.is_empty(),
        }
    }

    /// Whether the sender is closed; records may still wait.
    #[must_use]
    pub fn closed(&self) -> bool {
        match &self.source {
            Source::Kept(reader) => reader.closed(),
            Source::Loose(loose) => loose.closed(),
        }
    }

    /// Says how long to wait for records before looking again; `had` says whether the last look found any. A wait that
    /// begins here ends with [`Receiver::woke`].
    pub fn doze(&mut self, had: bool) -> Duration {
        self.idle = if had { 0 } else { self.idle + 1 };
        if self.idle <= IDLE_NAPS {
            return NAP;
        }
        let Some(seat) = self.meeting.seats.get(self.seat) else { return NAP };
        seat.sleeps.store(true, Ordering::SeqCst);
        self.meeting.someone_sleeps.store(true, Ordering::SeqCst);
        // A record that came before the flag was up has woken nobody.
        if self.is_empty() && !self.closed() { SLEEP } else { Duration::ZERO }
    }

    /// Ends a wait.
    pub fn woke(&self) {
        if let Some(seat) = self.meeting.seats.get(self.seat) {
            seat.sleeps.store(false, Ordering::SeqCst);
        }
    }

    /// Waits for records, a wake or a nap, whichever comes first. `had` says whether the last look found any.
    pub fn wait(&mut self, had: bool) {
        let time = self.doze(had);
        if !time.is_zero() {
            thread::park_timeout(time);
        }
        self.woke();
    }
}

/// A reader that ends wakes a sender that waits for it.
impl Drop for Receiver {
    fn drop(&mut self) {
        if let Some(seat) = self.meeting.seats.get(self.seat) {
            *lock(&seat.wake) = None;
        }
        // The cursor is given up after this; a sender that looks too early looks again after a nap.
        self.meeting.wake_writer();
    }
}

#[cfg(test)]
mod tests;
