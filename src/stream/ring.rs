//! The ring for other processes: who asks gets its descriptor, and a place to start or to go on at.
//!
//! On an abstract unix socket, for processes of the same user or root. A consumer maps the ring read-only and keeps its
//! cursor to itself: it can neither slow nor harm the tracer. It says in the words of a stream's client what it needs
//! captured; it says when it needs a place (at the start, or when it was overrun), and gets one; and when it has taken all
//! up to a place, and is woken when there is more. Until it took an answer, it is not heard.
//!
//! ```text
//! tracer    "smtrace-ring 3 VERSION\n" with the descriptor
//! consumer  "d", words
//! tracer    "d"
//! consumer  "c"
//! tracer    u64 position, u32 bytes of counts, u32 bytes of tasks, the counts, the tasks
//! consumer  "w", u64 position
//! tracer    "w", as soon as there are records after that, or the end
//! ```

use crate::bus::Catch;
use crate::model::Plan;
use crate::sys::ring::Window;
use crate::sys::{limits, sockets};
use nix::poll::{PollFd, PollFlags};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};

/// Most processes at once.
const MOST_CONSUMERS: usize = 64;

/// The longest words about what is needed.
const MOST_WORDS: usize = 256;

pub(super) fn address(name: &str) -> io::Result<SocketAddr> {
    SocketAddr::from_abstract_name(format!("smtrace-ring/{name}"))
}

pub(super) fn greeting() -> String {
    format!("smtrace-ring 3 {}\n", env!("CARGO_PKG_VERSION"))
}

struct Consumer {
    socket: UnixStream,
    out: Vec<u8>,
    written: usize,
    /// It has seen what lies before this place, and wants to be woken.
    waits: Option<u64>,
    /// What it needs captured.
    plan: Option<Plan>,
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

    /// What those need who said so.
    pub(super) fn plans(&self) -> impl Iterator<Item = &Plan> {
        self.consumers.iter().filter_map(|consumer| consumer.plan.as_ref())
    }

    /// Answers who asks; `plan` makes the plan of what somebody says he needs.
    pub(super) fn serve(
        &mut self,
        ready: &[PollFlags],
        catch: impl Fn() -> Catch,
        plan: impl Fn(&str) -> Option<Plan>,
    ) {
        for (consumer, flags) in self.consumers.iter_mut().zip(ready.iter().skip(1)) {
            consumer.serve(*flags, &catch, &plan);
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
            self.consumers.push(Consumer { socket, out: Vec::new(), written: 0, waits: None, plan: None, gone: false });
        }
    }
}

impl Consumer {
    fn serve(&mut self, ready: PollFlags, catch: impl Fn() -> Catch, plan: impl Fn(&str) -> Option<Plan>) {
        if ready.contains(PollFlags::POLLIN) && self.out.is_empty() {
            // What a consumer says is written at once, and so there at once.
            let mut said = [0; 1 + MOST_WORDS];
            let got = self.socket.read(&mut said);
            let said = said.get(..*got.as_ref().unwrap_or(&0)).unwrap_or(&[]);
            match (got, said) {
                (Ok(_), b"c") => self.out = encode(&catch()),
                (Ok(9), [b'w', place @ ..]) => self.waits = place.try_into().ok().map(u64::from_le_bytes),
                (Ok(_), [b'd', words @ ..]) => {
                    self.plan = std::str::from_utf8(words).ok().and_then(plan);
                    self.gone = self.plan.is_none();
                    self.out = b"d".to_vec();
                }
                (Err(error), _) if error.kind() == io::ErrorKind::WouldBlock => {}
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
