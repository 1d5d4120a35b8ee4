//! The other side of the ring: the records of a running smtrace, in another process.
//!
//! It maps the ring, keeps its place to itself, and asks the tracer's stream thread for a place when it was overrun.

use super::ring::{address, greeting};
use crate::bus::{Catch, Loose, Tally};
use crate::model::Plan;
use crate::model::record::Record;
use crate::output::Output;
use crate::pipeline::Pipeline;
use crate::state::{Groups, Users};
use crate::sys::ring::Window;
use crate::sys::sockets;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// The longest message about a place: what a tracer with many thousands of tasks has to tell.
const MOST_TASKS: usize = 1 << 28;

/// A ring that was attached to.
#[derive(Debug)]
pub struct Attached {
    loose: Loose,
    socket: UnixStream,
    /// How many bytes were given, to be released when the next are asked for.
    given: usize,
    /// The tracer was asked to wake us, and has not answered.
    asked: bool,
    unreachable: u64,
}

/// What a reader of a ring did not get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missed {
    /// Records, told in band.
    pub records: u64,
    /// Bytes of records that came after the last one: they were written over, and the tracer that could say what they
    /// were has ended.
    pub unreachable: u64,
}

impl Attached {
    /// Attaches to the ring `name`, and lets the tracer capture what `words` need: those of a stream's client, as
    /// `format=json str-max=64`. A tracer that does not answer within `patience` is given up.
    ///
    /// # Errors
    /// One line: why there is no such ring, or not for us.
    pub fn to(name: &str, words: &str, patience: Option<Duration>) -> Result<Attached, String> {
        let failed = |what: &dyn std::fmt::Display| format!("cannot attach to the ring `{name}`: {what}");
        let lost = |error: io::Error| failed(&error);
        let address = address(name).map_err(lost)?;
        let mut socket = UnixStream::connect_addr(&address).map_err(|error| match error.kind() {
            io::ErrorKind::ConnectionRefused => failed(&"no smtrace runs with --ring of that name"),
            _ => failed(&error),
        })?;
        socket.set_read_timeout(patience).map_err(lost)?;
        let mut hello = [0; 64];
        let (n, fd) = sockets::receive_fd(&socket, &mut hello).map_err(lost)?;
        if hello.get(..n) != Some(greeting().as_bytes()) {
            return Err(failed(&"it is of another version, or another user's"));
        }
        let window = fd.ok_or(io::ErrorKind::InvalidData.into()).and_then(Window::open).map_err(lost)?;
        socket.write_all(format!("d{words}").as_bytes()).map_err(lost)?;
        socket.read_exact(&mut [0]).map_err(|_| failed(&format!("it does not understand `{words}`")))?;
        let catch = ask(&socket).ok_or_else(|| failed(&"it gave no place to start at"))?;
        let mut loose = Loose::starting_at(window, catch);
        let asking = socket.try_clone().map_err(lost)?;
        loose.caught_by(Box::new(move || ask(&asking)));
        Ok(Attached { loose, socket, given: 0, asked: false, unreachable: 0 })
    }

    /// The next records, one after another: none when none came within `wait` (`None`: however long that takes), and
    /// `None` when no more will come. What was given before is gone.
    pub fn next(&mut self, wait: Option<Duration>) -> Option<&[u8]> {
        self.loose.release(std::mem::take(&mut self.given));
        let closed = self.loose.closed();
        self.loose.fill();
        if self.loose.peek().is_empty() {
            if closed && self.loose.is_empty() {
                return None;
            }
            // A tracer that died cannot close its ring, but its socket is closed.
            let gone = self.wait(wait).is_err();
            self.loose.fill();
            if gone && self.loose.peek().is_empty() {
                self.unreachable = self.loose.behind();
                return None;
            }
        }
        self.given = self.loose.peek().len();
        Some(self.loose.peek())
    }

    /// What was missed so far.
    #[must_use]
    pub fn missed(&self) -> Missed {
        Missed { records: self.loose.missed().total(), unreachable: self.unreachable }
    }

    /// Waits until there are records after our place, the end, or the time is over.
    fn wait(&mut self, time: Option<Duration>) -> io::Result<()> {
        if !self.asked {
            let mut said = b"w".to_vec();
            said.extend_from_slice(&self.loose.position().to_le_bytes());
            self.socket.write_all(&said)?;
            self.asked = true;
        }
        let timeout = time.and_then(|time| PollTimeout::try_from(time).ok()).unwrap_or(PollTimeout::NONE);
        if poll(&mut [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)], timeout)? > 0 {
            self.socket.read_exact(&mut [0])?;
            self.asked = false;
        }
        Ok(())
    }
}

/// Asks for a place, and waits for it.
fn ask(mut socket: &UnixStream) -> Option<Catch> {
    socket.write_all(b"c").ok()?;
    let mut head = [0; 16];
    socket.read_exact(&mut head).ok()?;
    let number = |at: usize| head.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes);
    let length = |at: usize| number(at).and_then(|n| usize::try_from(n).ok()).filter(|n| *n <= MOST_TASKS);
    let mut counts = vec![0; length(8)?];
    let mut tasks = vec![0; length(12)?];
    socket.read_exact(&mut counts).ok()?;
    socket.read_exact(&mut tasks).ok()?;
    let position = head.get(..8)?.try_into().ok().map(u64::from_le_bytes)?;
    Some(Catch { position, tally: Tally::from_bytes(&counts)?, tasks })
}

/// `smtrace attach-ring`: the records of a running smtrace, from its own ring, as `plan` shows them. Returns what was
/// missed.
///
/// # Errors
/// One line for the user.
pub fn attach_ring(name: &str, plan: &Plan, users: Users, groups: Groups) -> Result<Missed, String> {
    let words = format!("format={} str-max={}", plan.output.format, plan.output.str_max);
    let mut attached = Attached::to(name, &words, None)?;
    let output = Output::open(&plan.output);
    let mut output = output.map_err(|error| format!("cannot attach to the ring `{name}`: {error}"))?;
    let mut pipeline = Pipeline::new(plan, users, groups);
    let mut lines = Vec::new();
    while output.losses().is_none()
        && let Some(records) = attached.next(None)
    {
        let (before, mut read) = (pipeline.events(), 0);
        // Whatever is no record ends the reading of this copy, not of the ring.
        while let Ok((record, len)) = Record::parse(records.get(read..).unwrap_or(&[])) {
            let slot = crate::bus::slot(record.head());
            if slot.is_none_or(|slot| slot >= crate::model::CallSet::CAPACITY || plan.calls.contains(slot)) {
                pipeline.feed(&record, &mut lines);
            }
            read += len;
        }
        output.write(&lines, pipeline.events() - before);
        lines.clear();
    }
    match output.losses() {
        Some((_, why)) if why.kind() == io::ErrorKind::BrokenPipe => Ok(Missed { records: 0, unreachable: 0 }),
        Some((lost, why)) => Err(format!("{lost} events could not be written: {why}")),
        None => Ok(attached.missed()),
    }
}
