//! How many records a second the bus moves from one producer to one reader: `cargo bench --bench bus`.
//!
//! A record is what an enabled call without arguments' memory makes: 88 bytes, written in place and checked by the
//! reader. Each number is the best of several rounds.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a bench prints its numbers and may fail loudly")]

use smtrace::bus::{Catch, Pace, Receiver, Tally, bus};
use smtrace::capture::Records;
use smtrace::model::Abi;
use smtrace::model::record::{Head, Kind, Record, Writer};
use std::hint::black_box;
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

const RECORDS: u64 = 10_000_000;
const ROUNDS: usize = 7;
const RING: usize = 1 << 20;

/// Takes records until the end; how many.
fn read(mut receiver: Receiver, mut caught: impl FnMut(&Receiver)) -> u64 {
    receiver.enter();
    let mut records = 0;
    loop {
        let closed = receiver.closed();
        receiver.fill();
        let waiting = receiver.peek();
        let mut len = 0;
        while let Some(rest) = waiting.get(len..).filter(|rest| !rest.is_empty()) {
            let (record, size) = Record::parse(rest).unwrap();
            black_box(record.head().tid);
            records += 1;
            len += size;
        }
        receiver.release(len);
        caught(&receiver);
        if closed && receiver.is_empty() {
            return records;
        }
        receiver.wait(len > 0);
    }
}

fn produce(mut sender: impl Records) {
    let head =
        Head { kind: Kind::Enter, abi: Some(Abi::X86_64), time: 0, pid: 1000, tid: 1000, nr: 257, flags: 0, result: 0 };
    for n in 0..RECORDS {
        sender.send(88, |to| Writer::new(to, &Head { time: n, ..head }, &[n; 6]).finish());
    }
}

fn round(paces: &[Pace]) -> f64 {
    let (mut sender, mut receivers) = bus(RING, paces).unwrap();
    sender.enter();
    let (ask, asks) = mpsc::channel::<mpsc::Sender<Catch>>();
    // Overrun, a loose reader goes on where the first one is; here without counts.
    let catch = move |receiver: &Receiver| {
        while let Ok(ask) = asks.try_recv() {
            let catch = Catch { position: receiver.position(), tally: Tally::default(), tasks: Vec::new() };
            let _ = ask.send(catch);
        }
    };
    let first = receivers.remove(0);
    let start = Instant::now();
    let first = thread::spawn(move || read(first, catch));
    for mut receiver in receivers {
        let ask = ask.clone();
        receiver.caught_by(move || {
            let (to, from) = mpsc::channel();
            ask.send(to).ok()?;
            from.recv().ok()
        });
        thread::spawn(move || read(receiver, |_| {}));
    }
    produce(&mut Owned(&mut sender));
    sender.close();
    assert_eq!(first.join().unwrap(), RECORDS);
    start.elapsed().as_secs_f64()
}

struct Owned<'a>(&'a mut smtrace::bus::Sender);

impl Records for &mut Owned<'_> {
    fn send(&mut self, max: usize, write: impl FnOnce(&mut [u8]) -> usize) {
        self.0.send(max, write);
    }
}

fn main() {
    for (what, paces) in [
        ("one reader", vec![Pace::Kept]),
        ("two readers", vec![Pace::Kept; 2]),
        ("one reader, one that nobody waits for", vec![Pace::Kept, Pace::Loose]),
    ] {
        let best = (0..ROUNDS).map(|_| round(&paces)).fold(f64::MAX, f64::min);
        #[allow(clippy::cast_precision_loss, reason = "a few digits are enough")]
        let records = RECORDS as f64;
        println!("{what:38} {:6.1} M records/s  {:5.1} ns each", records / best / 1e6, best * 1e9 / records);
    }
}
