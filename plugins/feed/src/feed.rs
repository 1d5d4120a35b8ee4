//! A source that is read by a thread of its own, so that a consumer waits only as long as it wants to.
//!
//! Between the two is a bounded queue: a consumer that is slow makes the source wait, never memory grow. Dropping the
//! feed ends the thread, wherever it waits.

mod ring;

use crate::lines::Lines;
use crate::params::{Params, Place};
use smtrace::model::record::Record;
use smtrace::store::{Bounds, Part, Reader, Refused, Told};
use smtrace::stream::Records;
use smtrace::sys::lock;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Pieces that wait for the consumer.
const QUEUE: usize = 8;

/// How long the thread waits before it looks whether it should end.
const LOOK: Duration = Duration::from_millis(50);

/// How long one address may take to answer.
const DIAL: Duration = Duration::from_secs(2);

/// Bytes read at once, and of lines handed over at once.
const CHUNK: usize = 64 * 1024;

/// How long opening may take until it counts as done: longer than a name's addresses and a ring, which say why they failed.
const OPENING: Duration = Duration::from_secs(10);

/// What a source gives.
#[derive(Debug)]
pub enum Given {
    /// Names that the records after it need.
    Names(Told),
    /// Records, whole and checked, one after another, made while local time was so many seconds from UTC.
    Records(Vec<u8>, i32),
    /// Lines of JSON, each with a newline.
    Lines(Vec<u8>),
    /// Nothing yet.
    Nothing,
    /// Nothing any more: the source ended as it should.
    End,
    /// Nothing any more: why.
    Broken(String),
}

/// A source of events.
#[derive(Debug)]
pub struct Feed {
    queue: Option<Receiver<Given>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    ended: bool,
}

impl Feed {
    /// Opens the source that `params` names.
    ///
    /// # Errors
    /// One line: why it cannot be opened.
    pub fn open(params: &Params) -> Result<Feed, String> {
        Feed::of(params, Form::Lines)
    }

    /// As [`Feed::open`]; of a live smtrace the records themselves.
    ///
    /// # Errors
    /// One line: why it cannot be opened.
    pub fn open_records(params: &Params) -> Result<Feed, String> {
        Feed::of(params, Form::Records)
    }

    fn of(params: &Params, form: Form) -> Result<Feed, String> {
        let stop = Arc::new(AtomicBool::new(false));
        let (to, queue) = sync_channel(QUEUE);
        let (opened, answer) = sync_channel(1);
        let (place, halt) = (params.place.clone(), Arc::clone(&stop));
        let wish = Wish { text: wish(params, form), form };
        let thread = thread::Builder::new()
            .name("smtrace-feed".to_owned())
            .spawn(move || run(&place, &wish, &halt, &opened, &to));
        let thread = thread.map_err(|error| format!("smtrace: cannot start a thread: {error}"))?;
        let feed = Feed { queue: Some(queue), stop, thread: Some(thread), ended: false };
        match answer.recv_timeout(OPENING) {
            Ok(Err(why)) => Err(why),
            _ => Ok(feed),
        }
    }

    /// What comes next, within `wait`.
    pub fn next(&mut self, wait: Duration) -> Given {
        if self.ended {
            return Given::End;
        }
        let given = match self.queue.as_ref().map(|queue| queue.recv_timeout(wait)) {
            Some(Ok(given)) => given,
            Some(Err(RecvTimeoutError::Timeout)) => Given::Nothing,
            Some(Err(RecvTimeoutError::Disconnected)) | None => Given::End,
        };
        self.ended = matches!(given, Given::End | Given::Broken(_));
        given
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // A thread that waits to hand something over sees that nobody will take it.
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What a live smtrace gives.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Lines of JSON.
    Lines,
    /// A capture of the records, from here on.
    Records,
}

/// What a live smtrace is asked for.
struct Wish {
    text: String,
    form: Form,
}

/// What a live smtrace is told first: the form of what is wanted.
fn wish(params: &Params, form: Form) -> String {
    let token = params.token.as_ref().map(|token| format!("token={token} ")).unwrap_or_default();
    let format = if form == Form::Records { "capture" } else { "json" };
    format!("{token}format={format} str-max={}", params.sibling.str_max)
}

/// The thread: opens the place, says whether that went well, and hands over what it gives.
fn run(
    place: &Place,
    wish: &Wish,
    stop: &Arc<AtomicBool>,
    opened: &SyncSender<Result<(), String>>,
    to: &SyncSender<Given>,
) {
    let last = match place {
        Place::File { path, follow } => file(path, *follow, stop, opened, to),
        Place::Unix(path) => {
            let name = format!("unix:{}", path.display());
            let connect = UnixStream::connect(path).and_then(|socket| {
                socket.set_read_timeout(Some(LOOK))?;
                Ok(socket)
            });
            socket(&name, connect, wish, stop, opened, to)
        }
        Place::Tcp(address) => socket(address, dial(address), wish, stop, opened, to),
        Place::Ring(name) => ring::hand(name, wish, stop, opened, to),
    };
    let _ = to.send(last);
}

/// Connects within a bounded time to one of the addresses of a name.
fn dial(address: &str) -> io::Result<TcpStream> {
    let mut last = io::Error::from(ErrorKind::NotFound);
    for address in address.to_socket_addrs()?.take(4) {
        match TcpStream::connect_timeout(&address, DIAL) {
            Ok(socket) => {
                socket.set_read_timeout(Some(LOOK))?;
                return Ok(socket);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// A file, read to its end, or as long as it grows.
struct Growing {
    file: File,
    follow: bool,
    stop: Arc<AtomicBool>,
    /// Told when there is nothing to read yet: a capture that is being written may have no first byte.
    opened: SyncSender<Result<(), String>>,
}

impl Read for Growing {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        loop {
            // Asked before the read, so that what a writer wrote last is not missed.
            let alive = self.follow && lock::is_locked(self.file.as_fd()).unwrap_or(true);
            match self.file.read(to)? {
                0 if self.stop.load(Ordering::Relaxed) => return Ok(0),
                0 if alive => {
                    let _ = self.opened.try_send(Ok(()));
                    thread::sleep(LOOK / 2);
                }
                n => return Ok(n),
            }
        }
    }
}

fn file(
    path: &Path,
    follow: bool,
    stop: &Arc<AtomicBool>,
    opened: &SyncSender<Result<(), String>>,
    to: &SyncSender<Given>,
) -> Given {
    let name = path.display().to_string();
    let refuse = |why: String| {
        let _ = opened.send(Err(format!("smtrace: {why}")));
        Given::End
    };
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) => return refuse(format!("cannot read {name}: {error}; give the name of a capture")),
    };
    if file.metadata().is_ok_and(|data| data.is_dir()) {
        return refuse(format!("{name} is a directory; give the name of a capture"));
    }
    // Lines of JSON begin with a brace, a capture never does.
    let mut first = [0];
    let lines = file.read(&mut first).is_ok_and(|n| n == 1 && first == *b"{");
    let input = match file.seek(SeekFrom::Start(0)) {
        Ok(_) => Growing { file, follow, stop: Arc::clone(stop), opened: opened.clone() },
        Err(error) => return refuse(format!("cannot read {name}: {error}; give a regular file")),
    };
    if lines {
        let _ = opened.send(Ok(()));
        return hand_lines(&name, input, stop, to);
    }
    let why = match Reader::open(Box::new(input)) {
        Ok(reader) => {
            let _ = opened.send(Ok(()));
            return hand_records(&name, reader, stop, to);
        }
        Err(Refused::Unreadable(error)) => format!("cannot read {name}: {error}"),
        Err(Refused::Foreign) => format!("{name} is neither a capture of `smtrace -w` nor lines of `--format json`"),
        Err(Refused::Newer(theirs, ours)) => {
            format!("{name} is of version {theirs}, and this plugin reads up to {ours}; install a newer one")
        }
        Err(Refused::Damaged) => format!("{name}: the beginning is damaged; nothing of it can be read"),
    };
    refuse(why)
}

fn hand_records(name: &str, mut reader: Reader, stop: &Arc<AtomicBool>, to: &SyncSender<Given>) -> Given {
    let mut bounds = Bounds::default();
    while let Some(part) = reader.part() {
        let given = match part {
            Part::Names(told) => Given::Names(told),
            Part::Records(records, offset) => {
                if !checked(&records, &mut bounds) {
                    return Given::Broken(format!(
                        "smtrace: {name}: a record is malformed; what comes after is not read"
                    ));
                }
                Given::Records(records, offset)
            }
        };
        if to.send(given).is_err() || stop.load(Ordering::Relaxed) {
            return Given::End;
        }
    }
    let latest = reader.latest();
    let missing = reader.missing();
    if missing.any() && !stop.load(Ordering::Relaxed) {
        return Given::Broken(format!("smtrace: {name} is incomplete: {}", smtrace::replay::tell(&missing, latest)));
    }
    Given::End
}

/// Whether all records are whole and what they tell of can be remembered.
fn checked(records: &[u8], bounds: &mut Bounds) -> bool {
    let mut rest = records;
    while !rest.is_empty() {
        let Ok((record, len)) = Record::parse(rest) else { return false };
        if !bounds.allow(&record) {
            return false;
        }
        rest = rest.get(len..).unwrap_or_default();
    }
    true
}

fn socket<S: Read + Write + Send + 'static>(
    name: &str,
    connected: io::Result<S>,
    wish: &Wish,
    stop: &Arc<AtomicBool>,
    opened: &SyncSender<Result<(), String>>,
    to: &SyncSender<Given>,
) -> Given {
    let wished = connected.and_then(|mut socket| writeln!(socket, "{}", wish.text).map(|()| socket));
    match wished {
        Ok(socket) => {
            let _ = opened.send(Ok(()));
            match wish.form {
                Form::Lines => hand_lines(name, socket, stop, to),
                Form::Records => hand_stream(name, socket, stop, to),
            }
        }
        Err(error) => {
            let text = format!("smtrace: cannot connect to {name}: {error}; start smtrace there first");
            let _ = opened.send(Err(text));
            Given::End
        }
    }
}

/// A socket that is waited at until it has news, or nobody wants any.
struct Waiting<S> {
    socket: S,
    stop: Arc<AtomicBool>,
}

impl<S: Read> Read for Waiting<S> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.socket.read(to) {
                Err(error) if is_pause(&error) && !self.stop.load(Ordering::Relaxed) => {}
                Err(error) if is_pause(&error) || error.kind() == ErrorKind::ConnectionReset => return Ok(0),
                other => return other,
            }
        }
    }
}

/// A socket without news for a moment.
fn is_pause(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

/// The records of a live smtrace, from here on.
fn hand_stream<S: Read + Send + 'static>(
    name: &str,
    socket: S,
    stop: &Arc<AtomicBool>,
    to: &SyncSender<Given>,
) -> Given {
    let from = Records::new(Waiting { socket, stop: Arc::clone(stop) });
    match Reader::open(Box::new(from)) {
        Ok(reader) => hand_records(name, reader, stop, to),
        Err(_) if stop.load(Ordering::Relaxed) => Given::End,
        Err(Refused::Unreadable(error)) => Given::Broken(format!("smtrace: {error} (said by {name})")),
        Err(Refused::Newer(theirs, ours)) => Given::Broken(format!(
            "smtrace: {name} gives version {theirs}, and this plugin reads up to {ours}; install a newer one"
        )),
        Err(Refused::Foreign | Refused::Damaged) => {
            Given::Broken(format!("smtrace: {name} gives no records; start smtrace there with --listen"))
        }
    }
}

fn hand_lines(name: &str, mut from: impl Read, stop: &Arc<AtomicBool>, to: &SyncSender<Given>) -> Given {
    let (mut lines, mut chunk) = (Lines::default(), vec![0; CHUNK]);
    let mut whole = Vec::new();
    loop {
        if stop.load(Ordering::Relaxed) {
            return Given::End;
        }
        let ended = match from.read(&mut chunk) {
            Ok(0) => true,
            Ok(n) => {
                lines.add(chunk.get(..n).unwrap_or_default());
                false
            }
            Err(error) if is_pause(&error) => continue,
            // A peer that went away before it had read our wish.
            Err(error) if error.kind() == ErrorKind::ConnectionReset => true,
            Err(error) => return Given::Broken(format!("smtrace: {name} is gone: {error}")),
        };
        while let Some(line) = lines.take() {
            // How a live smtrace refuses a wish; no line of JSON begins so.
            if line.starts_with(b"smtrace: ") {
                let why = String::from_utf8_lossy(line.get(..512).unwrap_or(line)).into_owned();
                return Given::Broken(format!("{why} (said by {name})"));
            }
            whole.extend_from_slice(line);
            whole.push(b'\n');
        }
        if ended && let Some(line) = lines.rest() {
            whole.extend_from_slice(line);
            whole.push(b'\n');
        }
        if !whole.is_empty() && to.send(Given::Lines(std::mem::take(&mut whole))).is_err() {
            return Given::End;
        }
        if ended {
            return Given::End;
        }
    }
}

#[cfg(test)]
mod tests;
