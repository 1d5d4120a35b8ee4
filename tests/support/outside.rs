//! What the tests of streams, control and the ring share: a guest on demand, and clients.

use super::{DEADLINE, Running, Scratch, guest, smtrace};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::process::{Command, Output};

/// smtrace with `options`, a log and a guest that does what it is told.
pub struct Served {
    pub running: Running,
    pub scratch: Scratch,
}

impl Served {
    /// Starts it; `{}` in an option is the scratch directory.
    pub fn start(options: &[&str]) -> Served {
        Served::of(options, &[guest().to_str().unwrap(), "serve"])
    }

    /// As [`Served::start`], with another command.
    pub fn of(options: &[&str], program: &[&str]) -> Served {
        let scratch = Scratch::new();
        let mut command = Command::new(smtrace());
        let dir = scratch.path("").display().to_string();
        command.args(options.iter().map(|option| option.replace("{}", dir.trim_end_matches('/'))));
        command.arg("-o").arg(scratch.path("log")).arg("--").args(program);
        let mut running = Running::start(command, &scratch.path("err"));
        assert_eq!(running.line(), "ready", "{}", std::fs::read_to_string(scratch.path("err")).unwrap());
        Served { running, scratch }
    }

    /// Tells the guest what to do, and waits until it is done.
    pub fn tell(&mut self, what: &str) {
        self.running.0.stdin.as_mut().unwrap().write_all(what.as_bytes()).unwrap();
        for _ in what.bytes() {
            assert_eq!(self.running.line(), "ok");
        }
    }

    /// Lets the guest end, and waits for smtrace; its exit status.
    pub fn end(&mut self) -> Option<i32> {
        self.running.close_stdin();
        self.running.wait().code()
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.scratch.path("log")).unwrap()
    }

    pub fn err(&self) -> String {
        std::fs::read_to_string(self.scratch.path("err")).unwrap()
    }

    pub fn unix(&self, name: &str) -> Client<UnixStream> {
        let socket = UnixStream::connect(self.scratch.path(name)).unwrap();
        socket.set_read_timeout(Some(DEADLINE)).unwrap();
        Client::new(socket)
    }

    /// The TCP address it listens at, from its own words.
    pub fn address(&self) -> String {
        let words = self.err();
        let line = words.lines().find(|line| line.contains("connects to 127.")).unwrap_or_else(|| panic!("{words}"));
        line.rsplit_once(' ').unwrap().1.to_owned()
    }

    pub fn tcp(&self) -> Client<TcpStream> {
        let socket = TcpStream::connect(self.address()).unwrap();
        socket.set_read_timeout(Some(DEADLINE)).unwrap();
        Client::new(socket)
    }

    /// `smtrace ctl` with these words.
    pub fn ctl(&self, words: &[&str]) -> Output {
        Command::new(smtrace()).arg("ctl").arg(self.scratch.path("ctl")).args(words).output().unwrap()
    }

    /// As [`Served::ctl`], for what must succeed; the answer.
    pub fn ctl_ok(&self, words: &[&str]) -> String {
        let output = self.ctl(words);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{words:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
        text
    }
}

/// One client of a stream.
pub struct Client<S>(BufReader<S>);

impl<S: Read + Write> Client<S> {
    fn new(socket: S) -> Client<S> {
        Client(BufReader::new(socket))
    }

    pub fn say(&mut self, text: &str) {
        self.0.get_mut().write_all(text.as_bytes()).unwrap();
    }

    /// The next line; empty at the end.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line
    }

    /// Waits until its stream begins.
    pub fn begun(mut self) -> Client<S> {
        let line = self.line();
        assert!(line.contains("stream begins"), "{line:?}");
        self
    }

    /// Waits until its stream begins as `choice` has it: a client whose choice comes late gets lines of the default before.
    pub fn begun_as(mut self, choice: &str) -> Client<S> {
        loop {
            let line = self.line();
            assert!(!line.is_empty(), "it ended");
            if line.contains("stream begins") && line.contains(choice) {
                return self;
            }
        }
    }

    /// Waits until its capture begins; lines before it are passed over, as in [`Client::begun_as`].
    pub fn captures(mut self) -> Client<S> {
        while !self.0.fill_buf().unwrap().starts_with(b"\x89") {
            let line = self.line();
            assert!(!line.is_empty() && !line.starts_with("smtrace: "), "{line:?}");
        }
        self
    }

    /// Everything until the end, as it is.
    pub fn bytes(mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.0.read_to_end(&mut bytes).unwrap();
        bytes
    }

    /// Everything until the end.
    pub fn rest(mut self) -> String {
        let mut text = String::new();
        self.0.read_to_string(&mut text).unwrap();
        text
    }

    /// As [`Client::rest`], when the other end may reset the connection.
    pub fn rest_or_reset(mut self) -> String {
        let mut text = Vec::new();
        let _ = self.0.read_to_end(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    }
}

/// The sum of what the losses in `text` (module lines) tell, and by call.
pub fn losses(text: &str, call: &str) -> (u64, u64) {
    let (mut all, mut of_call) = (0, 0);
    for line in text.lines().filter(|line| line.contains("]: smtrace_lost ")) {
        let number = |after: &str| -> u64 {
            let Some((_, rest)) = line.split_once(after) else { return 0 };
            rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap()
        };
        all += number(" res=");
        of_call += number(&format!(" {call} "));
    }
    (all, of_call)
}
