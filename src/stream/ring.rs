//! The ring for other processes: who asks gets its descriptor, and a place to start or to go on at.
//!
//! On an abstract unix socket, for processes of the same user or root. A consumer maps the ring read-only and keeps its
//! cursor to itself: it can neither slow nor harm the tracer. It says when it needs a place (at the start, or when it
//! was overrun), and gets one; and when it has taken all up to a place, and is woken when there is more. Until it took an
//! answer, it is not heard.
//!
//! ```text
//! tracer    "smtrace-ring 2 VERSION\n" with the descriptor
//! consumer  "c"
//! tracer    u64 position, u32 bytes of counts, u32 bytes of tasks, the counts, the tasks
//! consumer  "w", u64 position
//! tracer    "w", as soon as there are records after that, or the end
//! ```

use crate::bus::{Catch, Loose, Tally};
use crate::model::Plan;
use crate::model::record::Record;
use crate::output::Output;
use crate::pipeline::Pipeline;
use crate::state::{Groups, Users};
use crate::sys::ring::Window;
use crate::sys::{limits, sockets};
use nix::poll::{PollFd, PollFlags};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};

/// Most processes at once.
const MOST_CONSUMERS: usize = 64;

/// The longest message about a place: what a tracer with many thousands of tasks has to tell.
const MOST_TASKS: usize = 1 << 28;

fn address(name: &str) -> io::Result<SocketAddr> {
    SocketAddr::from_abstract_name(format!("smtrace-ring/{name}"))
}

fn greeting() -> String {
    format!("smtrace-ring 2 {}\n", env!("CARGO_PKG_VERSION"))
}

struct Consumer {
    socket: UnixStream,
    out: Vec<u8>,
    written: usize,
    /// It has seen what lies before this place, and wants to be woken.
    waits: Option<u64>,
    gone: bool,
}

/// The tracer's side.
pub struct RingServer {
    listener: UnixListener,
    window: Option<Window>,
    consumers: Vec<Consumer>,
}

impl RingServer {
    /// Listens under `name`.
    ///
    /// # Errors
    /// `AddrInUse` when another smtrace has the name.
    pub fn bind(name: &str) -> io::Result<RingServer> {
        let listener = UnixListener::bind_addr(&address(name)?)?;
        listener.set_nonblocking(true)?;
        Ok(RingServer { listener, window: None, consumers: Vec::new() })
    }

    /// Says which ring is shared, and seals it against writing by others.
    ///
    /// # Errors
    /// `EINVAL` where the kernel lacks the seal (Linux before 5.1).
    pub fn share(&mut self, window: Window) -> io::Result<()> {
        window.share()?;
        self.window = Some(window);
        Ok(())
    }

    pub(super) fn poll_fds(&self) -> impl Iterator<Item = PollFd<'_>> {
        let of = |consumer: &Consumer| {
            if consumer.out.is_empty() { PollFlags::POLLIN } else { PollFlags::POLLOUT }
        };
        let listening = if self.consumers.len() < MOST_CONSUMERS { PollFlags::POLLIN } else { PollFlags::empty() };
        std::iter::once(PollFd::new(self.listener.as_fd(), listening))
            .chain(self.consumers.iter().map(move |consumer| PollFd::new(consumer.socket.as_fd(), of(consumer))))
    }

    pub(super) fn consumers(&self) -> usize {
        self.consumers.len()
    }

    /// Whether nobody is left who may need a place.
    pub(super) fn is_idle(&self) -> bool {
        self.consumers.is_empty()
    }

    /// Wakes those who wait for records before `position`, or all at the end.
    pub(super) fn tell(&mut self, position: u64, closed: bool) {
        for consumer in self.consumers.iter_mut().filter(|consumer| consumer.out.is_empty()) {
            if consumer.waits.take_if(|seen| *seen < position || closed).is_some() {
                consumer.out = b"w".to_vec();
                consumer.write();
            }
        }
    }

    pub(super) fn serve(&mut self, ready: &[PollFlags], catch: impl Fn() -> Catch) {
        for (consumer, flags) in self.consumers.iter_mut().zip(ready.iter().skip(1)) {
            consumer.serve(*flags, &catch);
        }
        self.consumers.retain(|consumer| !consumer.gone);
        if ready.first().is_some_and(|flags| flags.contains(PollFlags::POLLIN)) {
            self.accept();
        }
    }

    fn accept(&mut self) {
        let (Ok((socket, _)), Some(window)) = (self.listener.accept(), &self.window) else { return };
        let allowed = sockets::peer(&socket).is_ok_and(|peer| peer.uid == 0 || peer.uid == limits::uid());
        if !allowed || socket.set_nonblocking(true).is_err() {
            return;
        }
        let Ok(fd) = window.share() else { return };
        // A fresh socket takes so little at once.
        if sockets::send_fd(&socket, greeting().as_bytes(), fd).is_ok() {
            self.consumers.push(Consumer { socket, out: Vec::new(), written: 0, waits: None, gone: false });
        }
    }
}

impl Consumer {
    fn serve(&mut self, ready: PollFlags, catch: impl Fn() -> Catch) {
        if ready.contains(PollFlags::POLLIN) && self.out.is_empty() {
            // What a consumer says is written at once, and so there at once.
            let mut said = [0; 9];
            match self.socket.read(&mut said) {
                Ok(1) if said.starts_with(b"c") => self.out = encode(&catch()),
                Ok(9) if said.starts_with(b"w") => self.waits = place(&said),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                _ => self.gone = true,
            }
        } else if ready.intersects(PollFlags::POLLERR | PollFlags::POLLHUP) {
            self.gone = true;
        }
        self.write();
    }

    fn write(&mut self) {
        while self.written < self.out.len() {
            match self.socket.write(self.out.get(self.written..).unwrap_or(&[])) {
                Ok(n) => self.written += n,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => {
                    self.gone = true;
                    return;
                }
            }
        }
        (self.out, self.written) = (Vec::new(), 0);
    }
}

/// The place in a consumer's "w".
fn place(said: &[u8; 9]) -> Option<u64> {
    said.get(1..)?.try_into().ok().map(u64::from_le_bytes)
}

fn encode(catch: &Catch) -> Vec<u8> {
    let counts = catch.tally.to_bytes();
    let mut out = catch.position.to_le_bytes().to_vec();
    for part in [&counts, &catch.tasks] {
        out.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_le_bytes());
    }
    out.extend_from_slice(&counts);
    out.extend_from_slice(&catch.tasks);
    out
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

/// `smtrace attach-ring`: the records of a running smtrace, from its own ring, as `plan` shows them. Returns how many
/// records were missed.
///
/// # Errors
/// One line for the user.
pub fn attach_ring(name: &str, plan: &Plan, users: Users, groups: Groups) -> Result<u64, String> {
    let failed = |what: &dyn std::fmt::Display| format!("cannot attach to the ring `{name}`: {what}");
    let address = address(name).map_err(|error| failed(&error))?;
    let socket = UnixStream::connect_addr(&address).map_err(|error| match error.kind() {
        io::ErrorKind::ConnectionRefused => failed(&"no smtrace runs with --ring of that name"),
        _ => failed(&error),
    })?;
    let mut hello = [0; 64];
    let (n, fd) = sockets::receive_fd(&socket, &mut hello).map_err(|error| failed(&error))?;
    if hello.get(..n) != Some(greeting().as_bytes()) {
        return Err(failed(&"it is of another version, or another user's"));
    }
    let window = fd.ok_or(io::ErrorKind::InvalidData.into()).and_then(Window::open);
    let window = window.map_err(|error| failed(&error))?;
    let catch = ask(&socket).ok_or_else(|| failed(&"it gave no place to start at"))?;
    let mut loose = Loose::starting_at(window, catch);
    let asking = socket.try_clone().map_err(|error| failed(&error))?;
    loose.caught_by(Box::new(move || ask(&asking)));
    let mut output = Output::open(&plan.output).map_err(|error| failed(&error))?;
    let mut pipeline = Pipeline::new(plan, users, groups);
    follow(&mut loose, &socket, plan, &mut pipeline, &mut output);
    match output.losses() {
        Some((_, why)) if why.kind() == io::ErrorKind::BrokenPipe => Ok(0),
        Some((lost, why)) => Err(format!("{lost} events could not be written: {why}")),
        None => Ok(loose.missed().total()),
    }
}

/// Writes what comes, until the tracer ends or nobody takes it.
fn follow(loose: &mut Loose, socket: &UnixStream, plan: &Plan, pipeline: &mut Pipeline, output: &mut Output) {
    let mut lines = Vec::new();
    loop {
        let closed = loose.closed();
        loose.fill();
        let waiting = loose.peek();
        let had = !waiting.is_empty();
        let before = pipeline.events();
        let mut read = 0;
        while let Ok((record, len)) = Record::parse(waiting.get(read..).unwrap_or(&[])) {
            let slot = crate::bus::slot(record.head());
            if slot.is_none_or(|slot| slot >= crate::model::CallSet::CAPACITY || plan.calls.contains(slot)) {
                pipeline.feed(&record, &mut lines);
            }
            read += len;
        }
        // Whatever is no record ends the reading of this copy, not of the ring.
        let all = waiting.len();
        loose.release(all);
        output.write(&lines, pipeline.events() - before);
        lines.clear();
        if (closed && loose.is_empty()) || output.losses().is_some() {
            return;
        }
        // A tracer that died cannot close its ring, but its socket is closed.
        if !had && wait(socket, loose.position()).is_err() && loose.is_empty() {
            return;
        }
    }
}

/// Waits until there are records after `position`, or the end.
fn wait(mut socket: &UnixStream, position: u64) -> io::Result<()> {
    let mut said = b"w".to_vec();
    said.extend_from_slice(&position.to_le_bytes());
    socket.write_all(&said)?;
    socket.read_exact(&mut [0])
}
