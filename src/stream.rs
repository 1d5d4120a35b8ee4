//! The reader that always keeps up: it knows who is who, catches readers that were overrun, and feeds whoever looks in
//! from outside.
//!
//! One thread, which never blocks on anybody: sockets do not block, and what a client does not take is dropped for that
//! client alone, counted and told. So the tracing thread may wait for this reader. It must not write the log.

mod address;
mod attach;
mod client;
mod connect;
mod records;
mod ring;
mod tls;
mod transport;
mod view;

pub use address::{Listener, bind_unix};
pub use attach::{Attached, Missed, attach_ring};
pub use connect::connect;
pub use records::Records;
pub use ring::RingServer;
pub use tls::server as tls_server;

use crate::bus::{Catch, Receiver, Tally};
use crate::capture::Wanted;
use crate::model::record::Record;
use crate::model::{Outside, Plan};
use crate::options::Choices;
use crate::state::{Account, Groups, Users};
use crate::sys::clock;
use client::{Client, Outcome};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::{EfdFlags, EventFd};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;
use view::View;

/// Most clients at once. One more is told so and closed.
const MOST_CLIENTS: usize = 1024;

/// Record bytes taken between two looks at the sockets.
const TURN: usize = 128 * 1024;

/// How long clients may take for what is left, after the end.
const LINGER: Duration = Duration::from_secs(3);

/// What others may know of a stream while it runs.
#[derive(Debug, Default)]
pub struct Figures {
    /// Clients that are connected.
    pub clients: AtomicUsize,
    /// Clients that ever were.
    pub served: AtomicU64,
    /// Lines that clients did not take.
    pub lost: AtomicU64,
    /// Bytes that wait for clients.
    pub queued: AtomicUsize,
    /// Other processes that read the ring.
    pub consumers: AtomicUsize,
    /// How far this reader has come on the bus.
    pub position: AtomicU64,
}

/// A request for a place to go on at.
pub type Ask = mpsc::Sender<Catch>;

/// Everything the thread starts with.
pub struct Setup {
    /// Where records come from.
    pub receiver: Receiver,
    /// The run's plan: what a client gets that chooses nothing.
    pub plan: Plan,
    /// What clients can choose from.
    pub choices: Choices,
    /// `/etc/passwd` and `/etc/group`.
    pub names: (Vec<u8>, Vec<u8>),
    /// Sockets that clients connect to.
    pub listeners: Vec<Listener>,
    /// TLS, when clients have to speak it.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// Where other processes get the ring.
    pub ring: Option<RingServer>,
    /// Readers that were overrun.
    pub asks: mpsc::Receiver<Ask>,
    /// What others may know.
    pub figures: Arc<Figures>,
    /// What a plan needs captured.
    pub wants: fn(&Plan) -> Wanted,
    /// Told when what clients need captured changes.
    pub demand: Box<dyn FnMut(Option<Wanted>) + Send>,
}

/// The thread.
pub struct Stream {
    receiver: Receiver,
    plan: Plan,
    choices: Choices,
    names: (Vec<u8>, Vec<u8>),
    outside: Outside,
    account: Account,
    tally: Tally,
    views: Vec<View>,
    clients: Vec<Client>,
    listeners: Vec<Listener>,
    tls: Option<Arc<rustls::ServerConfig>>,
    ring: Option<RingServer>,
    asks: mpsc::Receiver<Ask>,
    orphaned: bool,
    figures: Arc<Figures>,
    wants: fn(&Plan) -> Wanted,
    demand: Box<dyn FnMut(Option<Wanted>) + Send>,
    demanded: Option<Wanted>,
    wake: Arc<EventFd>,
    next_view: u64,
}

impl Stream {
    /// Prepares the thread.
    ///
    /// # Errors
    /// What eventfd(2) answers.
    pub fn new(setup: Setup) -> std::io::Result<Stream> {
        let Setup { receiver, plan, choices, names, listeners, tls, ring, asks, figures, wants, demand } = setup;
        let wake = Arc::new(EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?);
        let account = Account::new(Users::parse(&names.0), Groups::parse(&names.1));
        Ok(Stream {
            receiver,
            outside: plan.outside.clone(),
            plan,
            choices,
            names,
            account,
            tally: Tally::default(),
            views: Vec::new(),
            clients: Vec::new(),
            listeners,
            tls,
            ring,
            asks,
            orphaned: false,
            figures,
            wants,
            demand,
            demanded: None,
            wake,
            next_view: 0,
        })
    }

    /// What makes the thread look at once.
    pub fn waker(&self) -> impl Fn() + Send + Sync + Clone + 'static {
        let wake = Arc::clone(&self.wake);
        move || {
            let _ = wake.write(1);
        }
    }

    /// Runs until the sender closed, everybody who may ask for a place is gone, and clients have what is theirs.
    pub fn run(mut self) {
        self.receiver.enter_with(self.waker());
        let mut end = None;
        loop {
            let closed = self.receiver.closed();
            let had = self.take();
            self.distribute();
            if let Some(ring) = &mut self.ring {
                ring.tell(self.receiver.position(), closed);
            }
            self.serve_asks();
            if closed && self.receiver.is_empty() {
                let now = clock::monotonic();
                let until = *end.get_or_insert_with(|| {
                    self.clients.iter_mut().for_each(Client::finish);
                    self.listeners.clear();
                    now + u64::try_from(LINGER.as_nanos()).unwrap_or(0)
                });
                let served = self.clients.is_empty() && self.ring.as_ref().is_none_or(RingServer::is_idle);
                if self.orphaned && (served || now > until) {
                    return;
                }
            }
            self.poll(had, end.is_some());
            self.publish();
        }
    }

    /// Takes records: everybody's state first, then the lines of each view.
    fn take(&mut self) -> bool {
        let waiting = self.receiver.peek();
        let mut read = 0;
        while let Some(rest) = waiting.get(read..).filter(|rest| !rest.is_empty() && read < TURN) {
            // The sender writes whole records only; what is none would be a defect, and the log's reader counts it.
            let Ok((record, len)) = Record::parse(rest) else {
                read = waiting.len();
                break;
            };
            self.tally.count(record.head());
            self.account.apply(&record);
            for view in &mut self.views {
                view.feed(&record);
            }
            read += len;
        }
        self.receiver.release(read);
        self.figures.position.store(self.receiver.position(), Ordering::Release);
        read > 0
    }

    fn distribute(&mut self) {
        for view in &mut self.views {
            let Some(batch) = view.take() else { continue };
            for client in self.clients.iter_mut().filter(|client| client.view() == Some(view.id())) {
                client.offer(&batch);
            }
        }
    }

    fn catch(&self) -> Catch {
        let tasks = snapshot(&self.account);
        Catch { position: self.receiver.position(), tally: self.tally.clone(), tasks }
    }

    fn serve_asks(&mut self) {
        loop {
            match self.asks.try_recv() {
                Ok(ask) => _ = ask.send(self.catch()),
                Err(mpsc::TryRecvError::Empty) => return,
                Err(mpsc::TryRecvError::Disconnected) => {
                    self.orphaned = true;
                    return;
                }
            }
        }
    }

    /// Waits for sockets, a record, or the time of whatever comes next, and serves who is ready.
    fn poll(&mut self, had: bool, ending: bool) {
        let most = if had && !self.receiver.is_empty() { Duration::ZERO } else { self.receiver.doze(had) };
        let deadline = self.clients.iter().filter_map(Client::deadline).min();
        let now = clock::monotonic();
        let left = deadline.map_or(most, |at| most.min(Duration::from_nanos(at.saturating_sub(now))));
        // Rounded up: a deadline a fraction of a millisecond away must not make a busy loop.
        let left = if left.is_zero() { left } else { left + Duration::from_micros(999) };
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::ZERO);
        let mut fds = vec![PollFd::new(self.wake.as_fd(), PollFlags::POLLIN)];
        let full = self.clients.len() > MOST_CLIENTS;
        let listening = if full { PollFlags::empty() } else { PollFlags::POLLIN };
        fds.extend(self.listeners.iter().map(|listener| PollFd::new(listener.as_fd(), listening)));
        fds.extend(self.clients.iter().map(|client| PollFd::new(client.as_fd(), client.events())));
        let (first_client, ring_at) = (1 + self.listeners.len(), fds.len());
        fds.extend(self.ring.iter().flat_map(RingServer::poll_fds));
        let _ = poll(&mut fds, timeout);
        let ready: Vec<PollFlags> = fds.iter().map(|fd| fd.revents().unwrap_or(PollFlags::empty())).collect();
        drop(fds);
        self.receiver.woke();
        if ready.first().is_some_and(|flags| !flags.is_empty()) {
            let _ = self.wake.read();
        }
        self.serve_clients(ready.get(first_client..ring_at).unwrap_or(&[]));
        self.serve_ring(ready.get(ring_at..).unwrap_or(&[]));
        if !ending {
            self.accept(ready.get(1..first_client).unwrap_or(&[]));
        }
    }

    fn accept(&mut self, ready: &[PollFlags]) {
        for i in 0..self.listeners.len().min(ready.len()) {
            if !ready.get(i).is_some_and(|flags| flags.contains(PollFlags::POLLIN)) {
                continue;
            }
            let Some(transport) = self.listeners.get(i).and_then(|listener| listener.accept(self.tls.as_ref())) else {
                continue;
            };
            self.figures.served.fetch_add(1, Ordering::Relaxed);
            let mut client = Client::new(transport, self.outside.token.is_some());
            if self.clients.len() >= MOST_CLIENTS {
                client.refuse("too many clients");
            }
            self.clients.push(client);
        }
    }

    fn serve_clients(&mut self, ready: &[PollFlags]) {
        let now = clock::monotonic();
        for i in 0..self.clients.len() {
            let flags = ready.get(i).copied().unwrap_or(PollFlags::empty());
            let Some(client) = self.clients.get_mut(i) else { break };
            let token = self.outside.token.as_deref();
            match client.serve(flags, now) {
                Outcome::Nothing => {}
                Outcome::Lines(lines) => lines.iter().for_each(|line| self.choose(i, line)),
                Outcome::Default if token.is_some() => client.refuse("the token did not come"),
                Outcome::Default => self.choose(i, ""),
            }
            if let Some(id) = self.clients.get(i).and_then(Client::wants_losses)
                && let Some(view) = self.views.iter_mut().find(|view| view.id() == id)
                && let Some(client) = self.clients.get_mut(i)
            {
                client.tell_losses(view, || snapshot(&self.account));
            }
        }
        let figures = &self.figures;
        self.clients.retain(|client| {
            if client.is_gone() {
                figures.lost.fetch_add(client.lost(), Ordering::Relaxed);
            }
            !client.is_gone()
        });
        let clients = &self.clients;
        let before = self.views.len();
        self.views.retain(|view| clients.iter().any(|client| client.view() == Some(view.id())));
        if self.views.len() != before {
            self.demand();
        }
    }

    /// Does what a client's line says; an empty one is the default text.
    fn choose(&mut self, at: usize, line: &str) {
        let Some(client) = self.clients.get_mut(at).filter(|client| !client.is_leaving()) else { return };
        let mut plan = client.plan().unwrap_or_else(|| view::default_plan(&self.plan));
        let said = match crate::options::amend(&mut plan, line, &self.choices) {
            Ok(said) => said,
            Err(what) => return client.refuse(&what),
        };
        if let Some(token) = &self.outside.token
            && !client.is_known()
        {
            if !said.token.is_some_and(|said| client::same(said.as_bytes(), token.as_bytes())) {
                return client.refuse("the token is missing or wrong");
            }
            client.know();
        }
        if said.done {
            return client.finish();
        }
        if client.keeps() {
            match line.trim() {
                "" => return,
                _ => return client.refuse("a capture cannot be changed once it began; connect again"),
            }
        }
        let tasks = snapshot(&self.account);
        let description = view::description(&plan, &self.plan.calls);
        let id = match self.views.iter().find(|view| view.is_of(&plan)) {
            Some(view) => view.id(),
            None => {
                self.next_view += 1;
                self.views.push(View::new(self.next_view, plan.clone(), &self.names, &tasks));
                self.next_view
            }
        };
        if let (Some(view), Some(client)) =
            (self.views.iter_mut().find(|view| view.id() == id), self.clients.get_mut(at))
        {
            match &description {
                Some(description) => client.keep(view, plan, description, &tasks),
                None => client.watch(view, plan),
            }
        }
        self.demand();
    }

    fn serve_ring(&mut self, ready: &[PollFlags]) {
        let Some(mut ring) = self.ring.take() else { return };
        let plan = |words: &str| {
            let mut plan = view::default_plan(&self.plan);
            crate::options::amend(&mut plan, words, &self.choices).ok().map(|_| plan)
        };
        ring.serve(ready, || self.catch(), plan);
        self.figures.consumers.store(ring.consumers(), Ordering::Relaxed);
        self.ring = Some(ring);
        if ready.iter().any(|flags| !flags.is_empty()) {
            self.demand();
        }
    }

    /// Tells what all views and the ring's consumers together need, when that changed.
    fn demand(&mut self) {
        let plans = self.views.iter().map(View::plan).chain(self.ring.iter().flat_map(RingServer::plans));
        let demand = plans.map(self.wants).reduce(Wanted::and);
        if demand != self.demanded {
            self.demanded = demand;
            (self.demand)(demand);
        }
    }

    fn publish(&self) {
        self.figures.clients.store(self.clients.len(), Ordering::Relaxed);
        self.figures.queued.store(self.clients.iter().map(Client::queued).sum(), Ordering::Relaxed);
    }
}

/// Who is who now, as records.
fn snapshot(account: &Account) -> Vec<u8> {
    let mut tasks = Vec::new();
    account.snapshot(clock::realtime(), &mut tasks);
    tasks
}
