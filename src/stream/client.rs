//! One client: what it may say, what waits for it, and what it lost.
//!
//! It can cost a bounded amount whatever it does: its input is a few short lines, its queue has a limit, and time to say
//! who it is. It must not know where lines come from.

use super::transport::Transport;
use super::view::{Batch, View, What};
use crate::bus::Tally;
use crate::model::Plan;
use crate::options::MAX_LINE;
use crate::store::{Description, Outlet};
use crate::sys::clock;
use nix::poll::PollFlags;
use std::collections::VecDeque;
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::Arc;

/// Most bytes that wait for one client.
const QUEUE: usize = 512 * 1024;

/// Most lines and bytes that one client may say.
const MOST_LINES: usize = 64;
const MOST_INPUT: usize = 64 * 1024;

/// How long a client's first line is waited for, before it gets the default text.
const GRACE: u64 = 200_000_000;

/// How long a token, or a TLS handshake, may take.
const PATIENCE: u64 = 10_000_000_000;

/// How long a client that was told to go may take for its last bytes.
const FAREWELL: u64 = 3_000_000_000;

/// What a client's turn came to.
pub(super) enum Outcome {
    /// Nothing to decide.
    Nothing,
    /// It said these lines.
    Lines(Vec<String>),
    /// It said nothing in time: it gets the default text.
    Default,
}

/// One client.
pub(super) struct Client {
    transport: Transport,
    /// What it watches.
    view: Option<u64>,
    plan: Option<Plan>,
    /// Its own capture, when it chose one.
    outlet: Option<Outlet>,
    /// It need not, or did, prove its right to look.
    known: bool,
    /// When it has to have said something, or to be gone.
    deadline: Option<u64>,
    input: Vec<u8>,
    said: usize,
    lines: usize,
    queue: VecDeque<Arc<[u8]>>,
    /// How much of the first in the queue was written.
    written: usize,
    queued: usize,
    missed: Option<Box<Tally>>,
    lost: u64,
    /// The time for its first line runs: it need not say more to be heard.
    waiting: bool,
    /// Nothing more is taken in, and it is closed when all is written.
    leaving: bool,
    gone: bool,
}

impl Client {
    pub(super) fn new(transport: Transport, needs_token: bool) -> Client {
        let patience = if needs_token || transport.is_tls() { PATIENCE } else { GRACE };
        Client {
            transport,
            view: None,
            plan: None,
            outlet: None,
            known: !needs_token,
            deadline: Some(clock::monotonic() + patience),
            input: Vec::new(),
            said: 0,
            lines: 0,
            queue: VecDeque::new(),
            written: 0,
            queued: 0,
            missed: None,
            lost: 0,
            waiting: patience == GRACE,
            leaving: false,
            gone: false,
        }
    }

    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        self.transport.as_fd()
    }

    pub(super) fn view(&self) -> Option<u64> {
        self.view.filter(|_| !self.leaving)
    }

    pub(super) fn plan(&self) -> Option<Plan> {
        self.plan.clone()
    }

    pub(super) fn is_known(&self) -> bool {
        self.known
    }

    pub(super) fn know(&mut self) {
        self.known = true;
    }

    pub(super) fn deadline(&self) -> Option<u64> {
        self.deadline
    }

    pub(super) fn is_gone(&self) -> bool {
        self.gone
    }

    pub(super) fn is_leaving(&self) -> bool {
        self.leaving
    }

    pub(super) fn queued(&self) -> usize {
        self.queued
    }

    /// Lines it did not get, told or not.
    pub(super) fn lost(&self) -> u64 {
        self.lost
    }

    /// What to wait for.
    pub(super) fn events(&self) -> PollFlags {
        let deaf = self.leaving || self.transport.is_deaf();
        let mut events = if deaf { PollFlags::empty() } else { PollFlags::POLLIN };
        if self.queued > 0 || self.transport.wants_write() {
            events |= PollFlags::POLLOUT;
        }
        events
    }

    /// Gives it a batch, or counts what it loses.
    pub(super) fn offer(&mut self, batch: &Batch) {
        if self.missed.is_none() && self.queued + batch.size() <= QUEUE {
            return match (&batch.what, &mut self.outlet) {
                (What::Lines(bytes), _) => self.push(Arc::clone(bytes)),
                (What::Sheets(_), None) => {}
                (What::Sheets(sheets), Some(outlet)) => {
                    let mut out = Vec::with_capacity(batch.size());
                    sheets.iter().for_each(|sheet| outlet.put(sheet, &mut out));
                    self.push(out.into());
                }
            };
        }
        let missed = self.missed.get_or_insert_default();
        for slot in batch.slots.iter() {
            missed.add(*slot, 1);
        }
        self.lost += batch.slots.len() as u64;
    }

    fn push(&mut self, bytes: Arc<[u8]>) {
        if !bytes.is_empty() {
            self.queued += bytes.len();
            self.queue.push_back(bytes);
        }
    }

    /// The view whose line has to tell it of losses, now that there is room.
    pub(super) fn wants_losses(&self) -> Option<u64> {
        let room = self.queued <= QUEUE / 2 || self.leaving;
        self.view.filter(|_| self.missed.is_some() && room && !self.gone)
    }

    /// Tells it what it did not take; `tasks` is who is who now, which a capture has to say then.
    pub(super) fn tell_losses(&mut self, view: &mut View, tasks: impl FnOnce() -> Vec<u8>) {
        if self.outlet.is_some() {
            self.tell_state(view, &tasks());
        } else if let Some(missed) = self.missed.take() {
            self.push(view.render_losses(&missed).into());
        }
    }

    /// In a capture: what it missed, if anything, and who is who from here on.
    fn tell_state(&mut self, view: &mut View, tasks: &[u8]) {
        let (Some(outlet), Some(relay)) = (&mut self.outlet, view.relay()) else { return };
        let missed = self.missed.take();
        let mut records = missed.map(|missed| missed.lost_record(clock::realtime(), true)).unwrap_or_default();
        records.extend_from_slice(tasks);
        let mut out = Vec::new();
        outlet.tell_names(relay, &mut out);
        relay.aside(&records).iter().for_each(|sheet| outlet.put(sheet, &mut out));
        self.push(out.into());
    }

    /// Watches `view` from here on, and is told so.
    pub(super) fn watch(&mut self, view: &mut View, plan: Plan) {
        // What it lost of another view is told in this one's words.
        self.tell_losses(view, Vec::new);
        self.push(view.render_notice(&view.words()).into());
        (self.view, self.plan, self.deadline) = (Some(view.id()), Some(plan), None);
    }

    /// As [`Client::watch`], for a view of records: a capture of its own begins.
    pub(super) fn keep(&mut self, view: &mut View, plan: Plan, description: &Description, tasks: &[u8]) {
        let mut out = Vec::new();
        self.outlet = Some(Outlet::begin(description, &mut out));
        self.push(out.into());
        self.tell_state(view, tasks);
        (self.view, self.plan, self.deadline) = (Some(view.id()), Some(plan), None);
    }

    /// Whether its capture has begun.
    pub(super) fn keeps(&self) -> bool {
        self.outlet.is_some()
    }

    /// Lets it go when it has what waits for it.
    pub(super) fn finish(&mut self) {
        if !self.leaving {
            self.leaving = true;
            self.deadline = Some(clock::monotonic() + FAREWELL);
        }
    }

    /// Says why, and lets it go.
    pub(super) fn refuse(&mut self, why: &str) {
        let why: String = why.chars().filter(|c| !c.is_control()).collect();
        // A capture that ends so has no end.
        self.outlet = None;
        self.push(format!("smtrace: {why}\n").into_bytes().into());
        self.finish();
    }

    /// Serves its socket.
    pub(super) fn serve(&mut self, ready: PollFlags, now: u64) -> Outcome {
        let mut outcome = Outcome::Nothing;
        if ready.contains(PollFlags::POLLIN) && !self.leaving {
            outcome = self.read();
        }
        if self.queued > 0 || self.transport.wants_write() {
            self.write();
        }
        if self.leaving && self.queued == 0 && self.missed.is_none() && !self.transport.wants_write() {
            match self.outlet.take() {
                Some(outlet) => {
                    let mut end = Vec::new();
                    outlet.finish(&mut end);
                    self.push(end.into());
                }
                None => {
                    self.transport.close();
                    self.gone = true;
                }
            }
        }
        if ready.intersects(PollFlags::POLLERR | PollFlags::POLLHUP | PollFlags::POLLNVAL) {
            self.gone = true;
        }
        if !self.waiting && self.known && self.view.is_none() && !self.leaving && !self.transport.is_handshaking() {
            // TLS stands: from here on it is as without.
            (self.waiting, self.deadline) = (true, Some(now + GRACE));
        }
        if let (Outcome::Nothing, Some(deadline)) = (&outcome, self.deadline)
            && now >= deadline
        {
            if self.leaving || self.transport.is_handshaking() {
                self.gone = true;
            } else {
                self.deadline = None;
                return Outcome::Default;
            }
        }
        outcome
    }

    /// Reads what is there; the lines that are whole.
    fn read(&mut self) -> Outcome {
        let mut buffer = [0; 4096];
        match self.transport.read(&mut buffer) {
            // The client shut its side: `printf ... | nc` still wants its events.
            Ok(0) => {
                self.transport.hear_no_more();
                if !self.input.is_empty() {
                    self.input.push(b'\n');
                }
            }
            Ok(n) => {
                self.input.extend_from_slice(buffer.get(..n).unwrap_or(&[]));
                self.said += n;
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
            Err(_) => self.gone = true,
        }
        let mut lines = Vec::new();
        while let Some(end) = memchr::memchr(b'\n', &self.input) {
            let line: Vec<u8> = self.input.drain(..=end).collect();
            match String::from_utf8(line) {
                Ok(line) => lines.push(line),
                Err(_) => {
                    self.refuse("the line is no text");
                    return Outcome::Nothing;
                }
            }
        }
        self.lines += lines.len();
        if self.said > MOST_INPUT || self.lines > MOST_LINES {
            self.refuse("too much was said");
        } else if self.input.len() > MAX_LINE {
            self.refuse("the line is too long");
        } else if !lines.is_empty() {
            return Outcome::Lines(lines);
        }
        Outcome::Nothing
    }

    fn write(&mut self) {
        loop {
            let Some(first) = self.queue.front() else {
                if self.transport.flush().is_err() {
                    self.gone = true;
                }
                return;
            };
            match self.transport.write(first.get(self.written..).unwrap_or(&[])) {
                Ok(n) => {
                    self.written += n;
                    self.queued = self.queued.saturating_sub(n);
                    if self.written >= first.len() {
                        self.queue.pop_front();
                        self.written = 0;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => {
                    self.gone = true;
                    return;
                }
            }
        }
    }
}

/// Compares in a time that tells nothing of where the first difference is.
pub(super) fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0
}
