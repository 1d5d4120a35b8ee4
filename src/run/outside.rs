//! What a run offers to others: opened before anything is started, served by threads of its own.

use super::{INCOMPLETE, Run, print, wants};
use crate::bus::{Pace, Receiver, Sender};
use crate::control::{self, Command, Order, Shared, Steer, Steering};
use crate::model::{Outside, Overflow, Plan};
use crate::options::{self, Action, Choices};
use crate::say::{inform, say};
use crate::sink;
use crate::state::{Groups, Users};
use crate::stream::{self, Figures, Listener, Missed, RingServer, Setup, Stream};
use crate::sys::limits;
use serde_json::Value;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};

/// Sockets that wait for others, and the files of those that have one.
pub(super) struct Opened {
    listeners: Vec<Listener>,
    tls: Option<Arc<rustls::ServerConfig>>,
    ring: Option<RingServer>,
    control: Option<(UnixListener, SocketFile)>,
}

/// A socket's file, which goes away with it.
pub(super) struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Opened {
    /// Opens what the plan offers. To be called while smtrace has one thread.
    pub(super) fn open(outside: &Outside) -> Result<Opened, String> {
        let tls = match &outside.tls {
            Some((cert, key)) => Some(stream::tls_server(cert, key)?),
            None => None,
        };
        let mut listeners = Vec::new();
        for address in &outside.listen {
            let bound = Listener::bind(address);
            listeners.push(bound.map_err(|error| format!("cannot listen on {address}: {error}; choose another"))?);
        }
        let ring = outside.ring.as_ref().map(|name| {
            let bound = RingServer::bind(name);
            bound.map_err(|error| format!("cannot offer the ring `{name}`: {error}; choose another name"))
        });
        let control = outside.control.as_ref().map(|path| {
            let bound = stream::bind_unix(path).map(|listener| (listener, SocketFile(path.clone())));
            bound.map_err(|error| format!("cannot listen for --control {}: {error}; choose another", path.display()))
        });
        Ok(Opened { listeners, tls, ring: ring.transpose()?, control: control.transpose()? })
    }

    /// Says where clients can connect; a port that was given as 0 is known by now.
    pub(super) fn tell(&self) {
        for listener in &self.listeners {
            inform(&format!("streaming to whoever connects to {}", listener.address()));
        }
    }
}

/// The readers that the plan asks for: that of the log first.
pub(super) fn paces(outside: &Outside) -> Vec<Pace> {
    let drops = outside.overflow == Overflow::Drop;
    let log = if drops { Pace::Loose } else { Pace::Kept };
    let streams = drops || !outside.listen.is_empty() || outside.ring.is_some();
    if streams { vec![log, Pace::Kept] } else { vec![log] }
}

/// The threads that serve others.
#[derive(Default)]
pub(super) struct Served {
    stream: Option<JoinHandle<()>>,
    figures: Arc<Figures>,
    _control: Option<SocketFile>,
    pub(super) steer: Option<Arc<Steer>>,
}

impl Served {
    /// Starts them. `log` is the log's receiver, `stream` that of the one that keeps up, if there is one.
    pub(super) fn start(
        plan: &Plan,
        opened: Opened,
        sender: &Sender,
        shared: &Arc<Shared>,
        log: &mut Receiver,
        stream: Option<Receiver>,
    ) -> std::io::Result<Served> {
        let Opened { listeners, tls, mut ring, control } = opened;
        let choices = Choices { formats: sink::CHOICES };
        let figures = Arc::new(Figures::default());
        let mut served = Served { figures: Arc::clone(&figures), ..Served::default() };
        if let Some(receiver) = stream {
            if let Some(ring) = &mut ring {
                ring.share(sender.window())?;
            }
            let (ask, asks) = mpsc::channel();
            let orders = Arc::clone(shared);
            let stream = Stream::new(Setup {
                receiver,
                plan: plan.clone(),
                choices,
                names: (super::etc("passwd"), super::etc("group")),
                listeners,
                tls,
                ring,
                asks,
                figures: Arc::clone(&figures),
                wants,
                demand: Box::new(move |extra| orders.order(Order { command: Command::Extra(extra), reply: None })),
            })?;
            let wake = stream.waker();
            log.caught_by(move || {
                let (to, from) = mpsc::channel();
                ask.send(to).ok()?;
                wake();
                from.recv().ok()
            });
            let thread = thread::Builder::new().name("stream".to_owned());
            served.stream = Some(thread.spawn(move || stream.run())?);
        }
        if control.is_some() || plan.outside.files {
            let size = sender.size();
            served.steer = Some(Arc::new(Steer::new(Steering {
                shared: Arc::clone(shared),
                waker: sender.waker(),
                plan: plan.clone(),
                choices,
                wants,
                reread: Box::new(reread),
                say,
                figures: Box::new(move || figures_of(&figures, size)),
            })));
        }
        if let (Some((listener, file)), Some(steer)) = (control, &served.steer) {
            let (steer, tracer) = (Arc::clone(steer), limits::tid());
            let thread = thread::Builder::new().name("control".to_owned()).stack_size(256 << 10);
            thread.spawn(move || control::socket::serve(&listener, &steer, tracer))?;
            served._control = Some(file);
        }
        Ok(served)
    }

    /// Waits until clients have what is theirs; says what they lost.
    pub(super) fn finish(self) {
        if let Some(stream) = self.stream
            && stream.join().is_err()
        {
            say("the streams failed: clients miss the end");
        }
        let lost = self.figures.lost.load(Ordering::Relaxed);
        if lost > 0 {
            inform(&format!("clients of the stream did not take {lost} events in all; the log has them"));
        }
    }
}

/// Prints an answer, or says why there is none.
pub(super) fn answer(done: Result<String, String>) -> ExitCode {
    match done {
        Ok(text) => print(&text),
        Err(why) => {
            say(&why);
            ExitCode::FAILURE
        }
    }
}

/// `smtrace attach-ring`.
pub(super) fn attach_ring(name: &str, plan: &Plan) -> ExitCode {
    match stream::attach_ring(name, plan, Users::parse(&super::etc("passwd")), Groups::parse(&super::etc("group"))) {
        Ok(Missed { records: 0, unreachable: 0 }) => ExitCode::SUCCESS,
        Ok(Missed { records, unreachable }) => {
            if records > 0 {
                say(&format!("{records} records were missed in all, as the lines above say"));
            }
            if unreachable > 0 {
                say(&format!(
                    "the last {unreachable} bytes of records were missed: the tracer ended while this reader was behind"
                ));
            }
            ExitCode::from(INCOMPLETE)
        }
        Err(why) => answer(Err(why)),
    }
}

/// The plan that our command line means now.
fn reread() -> Result<Plan, String> {
    let choices = Choices { formats: sink::CHOICES };
    match options::parse(std::env::args_os(), &choices) {
        Ok(Action::Trace(plan)) => Ok(*plan),
        Ok(_) => Err("the command line is no trace".to_owned()),
        Err(refusal) => Err(refusal.text.trim_end().trim_start_matches("smtrace: ").to_owned()),
    }
}

fn figures_of(figures: &Figures, ring: usize) -> Vec<(&'static str, Value)> {
    vec![
        ("clients", figures.clients.load(Ordering::Relaxed).into()),
        ("clients_served", figures.served.load(Ordering::Relaxed).into()),
        ("clients_lost_events", figures.lost.load(Ordering::Relaxed).into()),
        ("clients_queued_bytes", figures.queued.load(Ordering::Relaxed).into()),
        ("ring_consumers", figures.consumers.load(Ordering::Relaxed).into()),
        ("ring_bytes", ring.into()),
    ]
}

impl Run {
    /// Does what is ordered, and tells what else is asked for.
    pub(super) fn requests(&mut self) -> u32 {
        self.shared.publish_engine(self.engine.live(), self.engine.steps());
        let requests = self.shared.take_requests();
        if requests & control::ORDERS != 0 {
            self.obey();
        }
        requests
    }

    /// Does what other threads ordered, and answers.
    fn obey(&mut self) {
        for Order { command, reply } in self.shared.take_orders() {
            let mut tasks = Vec::new();
            let text = match command {
                Command::Calls(calls) => {
                    let n = calls.iter().filter(|index| crate::table::rows().get(*index).is_some()).count();
                    let steps = self.engine.set_calls(&mut self.recorder, *calls);
                    let why = if steps { "; every call stops, for the filter does not have all of them" } else { "" };
                    Ok(format!("{n} calls are enabled{why}"))
                }
                Command::Collect(on) => {
                    self.shared.collecting().store(on, Ordering::Release);
                    Ok(format!("events are {}collected", if on { "" } else { "not " }))
                }
                Command::Want(wanted) => {
                    self.wanted.0 = wanted;
                    self.want();
                    Ok(String::new())
                }
                Command::Extra(extra) => {
                    self.wanted.1 = extra;
                    self.want();
                    Ok(String::new())
                }
                Command::Attach(pid) => {
                    let done = self.engine.attach_more(&mut self.recorder, pid);
                    done.map(|n| format!("{pid} is traced: {n} threads")).map_err(|error| error.to_string())
                }
                Command::Detach(pid) => self.engine.detach_one(pid).map(|n| format!("{pid} is let go: {n} threads")),
                Command::Test(n) => {
                    let text = format!("test record {n}, asked for on the control socket");
                    let task = crate::engine::Task { pid: limits::pid(), tid: limits::tid() };
                    crate::engine::Observer::notice(&mut self.recorder, task, &text);
                    let clients = self.served.figures.clients.load(Ordering::Relaxed);
                    Ok(format!("test record {n} was sent to the log and to {clients} clients"))
                }
                Command::Unreached => {
                    tasks = self.engine.unreached();
                    Ok(String::new())
                }
            };
            if let Some(reply) = reply {
                // Who asked may have given up.
                let _ = reply.send(control::Done { text, position: self.recorder.records().position(), tasks });
            }
        }
    }

    fn want(&mut self) {
        let (log, extra) = self.wanted;
        let wanted = extra.map_or(log, |extra| log.and(extra));
        self.engine.set_exits(wanted.exits || self.ring);
        self.recorder.want(wanted);
    }
}
