//! The control socket and its client: one line in, an answer out.
//!
//! The socket's file is its owner's alone, and who connects has to be the owner or root, and no tracee: what is traced
//! must not steer its tracer.

use super::steer::Steer;
use crate::engine::ptrace;
use crate::model::Pid;
use crate::sys::{limits, sockets};
use std::io::{self, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// The longest command.
const MAX_LINE: u64 = 70 * 1024;

/// How long a peer may take to say it.
const PATIENCE: Duration = Duration::from_secs(5);

/// Most commands under way at once.
const MOST: usize = 16;

/// Serves commands until the process ends.
pub fn serve(listener: &UnixListener, steer: &Arc<Steer>, tracer: Pid) {
    let under_way = Arc::new(AtomicUsize::new(0));
    loop {
        let Ok((socket, _)) = listener.accept() else {
            // Out of descriptors, for one: others may be given back.
            thread::sleep(Duration::from_millis(100));
            continue;
        };
        if under_way.load(Ordering::Acquire) >= MOST {
            let _ = answer(&socket, &Err("too many commands at once; try again".to_owned()));
            continue;
        }
        under_way.fetch_add(1, Ordering::AcqRel);
        let (steer, count) = (Arc::clone(steer), Arc::clone(&under_way));
        let one = move || {
            // A peer that is gone needs no answer.
            let _ = serve_one(&socket, &steer, tracer);
            count.fetch_sub(1, Ordering::AcqRel);
        };
        if thread::Builder::new().name("command".to_owned()).spawn(one).is_err() {
            under_way.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

fn serve_one(socket: &UnixStream, steer: &Steer, tracer: Pid) -> io::Result<()> {
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_write_timeout(Some(PATIENCE))?;
    let peer = sockets::peer(socket)?;
    if peer.uid != 0 && peer.uid != limits::uid() {
        return answer(socket, &Err("not permitted: another user runs this smtrace".to_owned()));
    }
    match ptrace::tracer(peer.pid) {
        Some(its) if its != tracer => {}
        Some(_) => return answer(socket, &Err("not permitted: what is traced cannot steer its tracer".to_owned())),
        // Such as a tracee that connected and ended, and left the socket to another.
        None => return answer(socket, &Err("not permitted: whoever connected is gone or hidden".to_owned())),
    }
    let mut line = Vec::new();
    let mut byte = [0; 512];
    let mut from = socket.take(MAX_LINE);
    while !line.contains(&b'\n') {
        match from.read(&mut byte)? {
            0 => break,
            n => line.extend_from_slice(byte.get(..n).unwrap_or(&[])),
        }
    }
    let line = String::from_utf8_lossy(&line);
    let done = match line.split_once('\n') {
        Some((line, _)) => steer.command(line),
        None => Err("the command has no end".to_owned()),
    };
    answer(socket, &done)
}

/// `+` before an answer, `-` before a refusal.
fn answer(mut socket: &UnixStream, done: &Result<String, String>) -> io::Result<()> {
    let (sign, text) = match done {
        Ok(text) => ('+', text),
        Err(text) => ('-', text),
    };
    socket.write_all(format!("{sign}{text}\n").as_bytes())
}

/// `smtrace ctl`: sends one command; its answer.
///
/// # Errors
/// The refusal, or why it could not be sent.
pub fn ctl(path: &Path, words: &[String]) -> Result<String, String> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
            format!("{}: nobody listens; start smtrace with --control {0}", path.display())
        }
        _ => format!("{}: {error}", path.display()),
    };
    let mut socket = UnixStream::connect(path).map_err(failed)?;
    let mut text = String::new();
    let sent = socket.write_all(format!("{}\n", words.join(" ")).as_bytes());
    // Refused before it was read: the answer says why.
    let read = socket.read_to_string(&mut text);
    match (text.strip_prefix('+'), text.strip_prefix('-')) {
        (Some(answer), _) => Ok(answer.to_owned()),
        (_, Some(refusal)) => Err(refusal.trim_end().to_owned()),
        _ => Err(failed(sent.and(read).err().unwrap_or_else(|| io::ErrorKind::UnexpectedEof.into()))),
    }
}
